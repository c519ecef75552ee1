/* The contract of every hak_* entry point on the real system, except realloc's (test_real_realloc.c). */
#include "tests/test_real.h"

static size_t natural_align_bytes(size_t size_bytes) {
    return size_bytes > 8 ? 16 : 8;
}

/* All sizes live at once: aligned, apart, as large as asked, writable to the last usable byte. */
static void test_every_small_size(void **state) {
    (void)state;
    enum { SIZES = 5001 };
    static char *blocks[SIZES];
    for (size_t size = 0; size < SIZES; size++) {
        blocks[size] = hak_malloc(size);
        assert_non_null(blocks[size]);
        assert_true(is_aligned(blocks[size], natural_align_bytes(size)));
        size_t usable_bytes = hak_malloc_usable_size(blocks[size]);
        assert_true(usable_bytes >= size && usable_bytes > 0);
        pattern_fill(blocks[size], usable_bytes, size);
    }
    for (size_t size = 0; size < SIZES; size++) {
        assert_true(pattern_holds(blocks[size], hak_malloc_usable_size(blocks[size]), size));
        hak_free(blocks[size]);
    }
}

static void test_blocks_of_no_bytes_differ(void **state) {
    (void)state;
    void *first = hak_malloc(0), *second = hak_malloc(0), *third = hak_calloc(0, 8), *fourth = hak_calloc(8, 0);
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(third);
    assert_non_null(fourth);
    assert_true(first != second && second != third && third != fourth && fourth != first);
    hak_free(first);
    hak_free(second);
    hak_free(third);
    hak_free(fourth);
}

static void check_aligned(void *block, size_t align_bytes, size_t size_bytes) {
    assert_non_null(block);
    assert_true(is_aligned(block, align_bytes));
    assert_true(hak_malloc_usable_size(block) >= size_bytes);
    pattern_fill(block, hak_malloc_usable_size(block), align_bytes + size_bytes);
}

static void aligned_three_ways(size_t align_bytes, size_t size_bytes) {
    char *blocks[6];
    for (size_t i = 0; i < 6; i += 3) { /* twice, so that not only the first block of a slab is seen */
        blocks[i] = hak_aligned_alloc(align_bytes, size_bytes);
        check_aligned(blocks[i], align_bytes, size_bytes);
        blocks[i + 1] = hak_memalign(align_bytes, size_bytes);
        check_aligned(blocks[i + 1], align_bytes, size_bytes);
        blocks[i + 2] = NULL;
        int result = hak_posix_memalign((void **)&blocks[i + 2], align_bytes, size_bytes);
        assert_int_equal(result, align_bytes < sizeof(void *) ? EINVAL : 0);
        if (result == 0) {
            check_aligned(blocks[i + 2], align_bytes, size_bytes);
        }
    }
    for (size_t i = 0; i < 6; i++) {
        if (blocks[i] != NULL) {
            assert_true(pattern_holds(blocks[i], hak_malloc_usable_size(blocks[i]), align_bytes + size_bytes));
        }
        hak_free(blocks[i]);
    }
}

static void test_every_alignment(void **state) {
    (void)state;
    static const size_t sizes_bytes[] = {0, 1, 8, 24, 100, 129, 700, 1000, 1024, 1025, 4096, 5000, 70000};
    for (size_t align = 1; align <= (size_t)4 << 20; align *= 2) {
        for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
            aligned_three_ways(align, sizes_bytes[i]);
        }
    }
    for (size_t align = 1; align <= 4096; align *= 2) {
        for (size_t size = 0; size <= 1100; size += 37) {
            aligned_three_ways(align, size);
        }
    }
}

static void test_bad_alignments(void **state) {
    (void)state;
    static const size_t bad_bytes[] = {0, 3, 5, 6, 7, 12, 24, 100, 4095, 4097, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof bad_bytes / sizeof bad_bytes[0]; i++) {
        errno = ERRNO_MARK;
        assert_null(hak_aligned_alloc(bad_bytes[i], 64));
        assert_int_equal(errno, EINVAL);
        errno = ERRNO_MARK;
        assert_null(hak_memalign(bad_bytes[i], 64));
        assert_int_equal(errno, EINVAL);
        void *unchanged = &errno;
        errno = ERRNO_MARK;
        assert_int_equal(hak_posix_memalign(&unchanged, bad_bytes[i], 64), EINVAL);
        assert_ptr_equal(unchanged, &errno);
        assert_int_equal(errno, ERRNO_MARK);
    }
}

/* Everything is written and freed first, so that no memory is zero by nature. */
static void test_calloc_clears_what_was_used(void **state) {
    (void)state;
    enum { ROUNDS = 40 };
    for (size_t size = 1; size <= 9000; size += size < 1100 ? 1 : 271) {
        char *blocks[ROUNDS];
        for (size_t i = 0; i < ROUNDS; i++) {
            blocks[i] = hak_malloc(size);
            assert_non_null(blocks[i]);
            memset(blocks[i], 0xee, hak_malloc_usable_size(blocks[i]));
        }
        for (size_t i = 0; i < ROUNDS; i++) {
            hak_free(blocks[i]);
        }
        for (size_t i = 0; i < ROUNDS; i++) {
            blocks[i] = i % 2 == 0 ? hak_calloc(size, 1) : hak_calloc(1, size);
            assert_non_null(blocks[i]);
            assert_true(is_zero(blocks[i], size));
        }
        for (size_t i = 0; i < ROUNDS; i++) {
            hak_free(blocks[i]);
        }
    }
}

static void expect_no_memory(void *block) {
    assert_null(block);
    assert_int_equal(errno, ENOMEM);
    errno = ERRNO_MARK;
}

static void test_products_that_overflow(void **state) {
    (void)state;
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2},
        {2, SIZE_MAX},
        {SIZE_MAX, SIZE_MAX},
        {(size_t)1 << 32, (size_t)1 << 32},             /* the product is 0 */
        {((size_t)1 << 32) + 1, ((size_t)1 << 32) + 1}, /* small */
        {SIZE_MAX / 16 + 2, 16},                        /* 16 */
    };
    errno = ERRNO_MARK;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        expect_no_memory(hak_calloc(pairs[i][0], pairs[i][1]));
        expect_no_memory(hak_reallocarray(NULL, pairs[i][0], pairs[i][1]));
        char *block = hak_malloc(50);
        pattern_fill(block, 50, i);
        expect_no_memory(hak_reallocarray(block, pairs[i][0], pairs[i][1]));
        assert_true(pattern_holds(block, 50, i));
        hak_free(block);
    }
}

static void test_sizes_that_cannot_be(void **state) {
    (void)state;
    static const size_t sizes_bytes[] = {SIZE_MAX,      SIZE_MAX - 15,           SIZE_MAX - 4095,    SIZE_MAX - 4096,
                                         PTRDIFF_MAX,   (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX - 4096, PTRDIFF_MAX - 4095,
                                         SIZE_MAX - 64, (size_t)1 << 62,         (size_t)1 << 48};
    errno = ERRNO_MARK;
    for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
        expect_no_memory(hak_malloc(sizes_bytes[i]));
        expect_no_memory(hak_calloc(1, sizes_bytes[i]));
        expect_no_memory(hak_aligned_alloc(16, sizes_bytes[i]));
        expect_no_memory(hak_memalign((size_t)1 << 21, sizes_bytes[i]));
        void *unchanged = &errno;
        assert_int_equal(hak_posix_memalign(&unchanged, 64, sizes_bytes[i]), ENOMEM);
        assert_ptr_equal(unchanged, &errno);
        assert_int_equal(errno, ERRNO_MARK);
    }
    expect_no_memory(hak_aligned_alloc((size_t)1 << 63, 1));
    expect_no_memory(hak_aligned_alloc((size_t)1 << 62, 4096));
}

static void test_success_keeps_errno(void **state) {
    (void)state;
    static const size_t sizes_bytes[] = {0, 1, 100, 1024, 1025, 100000, (size_t)5 << 20};
    enum { SIZES = sizeof sizes_bytes / sizeof sizes_bytes[0] };
    for (size_t round = 0; round < 300; round++) {
        void *blocks[SIZES];
        errno = ERRNO_MARK;
        for (size_t i = 0; i < SIZES; i++) {
            size_t kind = (round + i) % 3;
            blocks[i] = kind == 0   ? hak_malloc(sizes_bytes[i])
                        : kind == 1 ? hak_calloc(1, sizes_bytes[i])
                                    : hak_aligned_alloc(64, sizes_bytes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal(errno, ERRNO_MARK);
        }
        for (size_t i = 0; i < SIZES; i++) {
            assert_true(hak_malloc_usable_size(blocks[i]) >= sizes_bytes[i]);
            hak_free(blocks[i]);
            assert_int_equal(errno, ERRNO_MARK);
        }
        assert_int_equal(hak_malloc_trim(0), 1); /* the next round asks the system again */
        assert_int_equal(hak_malloc_trim(0), 0); /* and now there is nothing to give back */
        assert_int_equal(errno, ERRNO_MARK);
    }
}

static void test_null_is_fine(void **state) {
    (void)state;
    errno = ERRNO_MARK;
    hak_free(NULL);
    hak_free_sized(NULL, 0);
    hak_free_aligned_sized(NULL, 16, 0);
    assert_true(hak_malloc_usable_size(NULL) == 0);
    assert_int_equal(errno, ERRNO_MARK);
}

/* Sized frees give the memory back: the same block comes round again. */
static void test_sized_frees(void **state) {
    (void)state;
    for (size_t size = 16; size <= CLASS_MAX_BYTES; size += 16) {
        void *first = hak_malloc(size);
        hak_free_sized(first, size);
        void *second = hak_aligned_alloc(16, size);
        assert_ptr_equal(second, first);
        hak_free_aligned_sized(second, 16, size);
        void *third = hak_malloc(size);
        assert_ptr_equal(third, first);
        hak_free(third);
    }
    void *mapping = hak_aligned_alloc((size_t)1 << 20, (size_t)1 << 20);
    assert_non_null(mapping);
    hak_free_aligned_sized(mapping, (size_t)1 << 20, (size_t)1 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_size),
        cmocka_unit_test(test_blocks_of_no_bytes_differ),
        cmocka_unit_test(test_every_alignment),
        cmocka_unit_test(test_bad_alignments),
        cmocka_unit_test(test_calloc_clears_what_was_used),
        cmocka_unit_test(test_products_that_overflow),
        cmocka_unit_test(test_sizes_that_cannot_be),
        cmocka_unit_test(test_success_keeps_errno),
        cmocka_unit_test(test_null_is_fine),
        cmocka_unit_test(test_sized_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
