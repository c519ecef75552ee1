/* Size classes: the promise on waste, and the lookup against the table for every size and alignment. */
#include "tests/test_real.h"

#include "allocator/class.h"
#include "allocator/root.h"

static void test_classes_are_close(void **state) {
    (void)state;
    assert_int_equal(hak_class_bytes[HAK_TINY_CLASSES - 1], HAK_TINY_MAX_BYTES);
    assert_int_equal(hak_class_bytes[HAK_CLASS_COUNT - 1], HAK_CLASS_MAX_BYTES);
    assert_int_equal(HAK_GEO->pool_max_bytes, HAK_CLASS_MAX_BYTES);
    for (size_t i = 1; i < HAK_CLASS_COUNT; i++) {
        size_t below_bytes = hak_class_bytes[i - 1], bytes = hak_class_bytes[i];
        assert_true(bytes > below_bytes);
        assert_true(bytes % 16 == 0);
        assert_true(bytes <= 128 ? bytes - below_bytes <= 16 : (bytes - below_bytes) * 8 <= below_bytes);
    }
}

/* The smallest class that holds the size and keeps the alignment; with headers the first class is not used. */
static uint32_t class_by_search(size_t size_bytes, size_t align_bytes) {
    uint32_t class_id = HAK_HEADER_BYTES;
    while (class_id < HAK_CLASS_COUNT &&
           (hak_class_bytes[class_id] < size_bytes || hak_class_bytes[class_id] % align_bytes != 0)) {
        class_id++;
    }
    return class_id;
}

static uint32_t aligned_by_search(size_t size_bytes, size_t align_bytes, size_t max_bytes) {
    uint32_t class_id =
        align_bytes > HAK_SMALL_ALIGN_MAX_BYTES ? HAK_CLASS_NONE : class_by_search(size_bytes, align_bytes);
    return class_id == HAK_CLASS_NONE || hak_class_bytes[class_id] > max_bytes ? HAK_CLASS_NONE : class_id;
}

static void test_lookup_says_what_the_table_says(void **state) {
    (void)state;
    static const size_t maxima_bytes[] = {2048, 4096, 8192, HAK_CLASS_MAX_BYTES}; /* those of the geometries */
    for (size_t size = 0; size <= HAK_CLASS_MAX_BYTES; size++) {
        assert_int_equal(hak_class_of(size), class_by_search(size, 1));
    }
    for (size_t align = 1; align <= (size_t)1 << 62; align *= 2) {
        for (size_t size = 0; size <= HAK_CLASS_MAX_BYTES + 600; size += size < 3000 ? 1 : 61) {
            for (size_t i = 0; i < sizeof maxima_bytes / sizeof maxima_bytes[0]; i++) {
                assert_int_equal(hak_class_aligned(size, align, maxima_bytes[i]),
                                 aligned_by_search(size, align, maxima_bytes[i]));
            }
        }
    }
    assert_int_equal(hak_class_aligned(SIZE_MAX, 16, HAK_CLASS_MAX_BYTES), HAK_CLASS_NONE);
}

/* What a run or a mapping of that many bytes takes: whole pages, from the ninth page on in eight steps a doubling. */
static size_t rounded_up(size_t size_bytes) {
    size_t page_bytes = HAK_PAGE_BYTES;
    size_t pages = (size_bytes + page_bytes - 1) / page_bytes, step = 1;
    while (pages > 16 * step) {
        step *= 2;
    }
    if (pages > 8) {
        pages = (pages + step - 1) / step * step;
    }
    return pages * page_bytes;
}

/* The table is what users get, then pages in steps of at most 12.5 %. */
static void test_usable_size_is_the_class(void **state) {
    (void)state;
    for (size_t size = 0; size <= HAK_CLASS_MAX_BYTES - HAK_HEADER_BYTES; size += size < 5000 ? 1 : 37) {
        void *block = hak_malloc(size);
        size_t class_bytes = hak_class_bytes[class_by_search(size + HAK_HEADER_BYTES, 1)];
        assert_int_equal(hak_malloc_usable_size(block), class_bytes - HAK_HEADER_BYTES);
        hak_free(block);
    }
    for (size_t size = HAK_CLASS_MAX_BYTES + 1; size < (size_t)5 << 20; size += size / 97) {
        void *block = hak_malloc(size);
        size_t usable_bytes = hak_malloc_usable_size(block);
        assert_true(usable_bytes >= size && usable_bytes <= (size + size / 8 + HAK_PAGE_BYTES) * 4 / 3);
        if (size <= HAK_GEO->run_max_bytes) {
            assert_int_equal(usable_bytes, rounded_up(size));
        }
        hak_free(block);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_close),
        cmocka_unit_test(test_lookup_says_what_the_table_says),
        cmocka_unit_test(test_usable_size_is_the_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
