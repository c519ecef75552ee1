/* Size classes: the promise on waste, and the lookup against the table for every size and alignment. */
#include "tests/test_real.h"

#include "allocator/class.h"

static void test_classes_are_close(void **state) {
    (void)state;
    assert_true(hak_class_bytes[HAK_CLASS_COUNT - 1] == HAK_TINY_MAX_BYTES);
    for (size_t i = 1; i < HAK_CLASS_COUNT; i++) {
        size_t below_bytes = hak_class_bytes[i - 1], bytes = hak_class_bytes[i];
        assert_true(bytes > below_bytes);
        assert_true(bytes % 16 == 0);
        assert_true(bytes <= 128 ? bytes - below_bytes <= 16 : (bytes - below_bytes) * 8 <= below_bytes);
    }
}

static uint32_t class_by_search(size_t size_bytes, size_t align_bytes) {
    uint32_t class_id = 0;
    while (class_id < HAK_CLASS_COUNT &&
           (hak_class_bytes[class_id] < size_bytes || hak_class_bytes[class_id] % align_bytes != 0)) {
        class_id++;
    }
    return class_id;
}

static void test_lookup_says_what_the_table_says(void **state) {
    (void)state;
    for (size_t size = 0; size <= HAK_TINY_MAX_BYTES; size++) {
        assert_int_equal(hak_class_of(size), class_by_search(size, 1));
    }
    for (size_t align = 1; align <= (size_t)1 << 62; align *= 2) {
        for (size_t size = 0; size <= HAK_TINY_MAX_BYTES + 100; size++) {
            assert_int_equal(hak_class_aligned(size, align), class_by_search(size, align));
        }
    }
    assert_int_equal(hak_class_aligned(SIZE_MAX, 16), HAK_CLASS_NONE);
}

/* The table is what users get. */
static void test_usable_size_is_the_class(void **state) {
    (void)state;
    for (size_t size = 0; size <= HAK_TINY_MAX_BYTES; size++) {
        void *block = hak_malloc(size);
        assert_int_equal(hak_malloc_usable_size(block), hak_class_bytes[class_by_search(size, 1)]);
        hak_free(block);
    }
    for (size_t size = HAK_TINY_MAX_BYTES + 1; size < 20000; size += 501) {
        void *block = hak_malloc(size);
        assert_int_equal(hak_malloc_usable_size(block), (size + 4095) / 4096 * 4096);
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
