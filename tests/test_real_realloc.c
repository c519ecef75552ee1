/* realloc on the real system: what a block held is there afterwards, however the block got its new size: in place, by
 * copying, by growing or shrinking a mapping. Other systems are in test_real_mremap.c. */
#include "tests/test_real.h"

#include <sys/mman.h>

#include "allocator/root.h"

static void test_from_every_edge_to_every_edge(void **state) {
    (void)state;
    static const size_t edges_bytes[] = {
        1,    8,    9,    16,   17,   64,   128,   129,   144,   256,   257,   512,    513,     960,     961,    1023,
        1024, 1025, 4095, 4096, 4097, 8192, 32767, 32768, 32769, 65536, 65537, 200000, 1048576, 1048577, 1500000};
    enum { EDGES = sizeof edges_bytes / sizeof edges_bytes[0] };
    for (size_t from = 0; from < EDGES; from++) {
        for (size_t to = 0; to < EDGES; to++) {
            char *block = resize_checked(block_of(edges_bytes[from]), edges_bytes[from], edges_bytes[to]);
            hak_free(resize_checked(block, edges_bytes[to], edges_bytes[from]));
        }
    }
}

static void test_byte_by_byte_up_and_down(void **state) {
    (void)state;
    char *block = block_of(1);
    size_t size = 1;
    for (; size < 2500; size++) {
        block = resize_checked(block, size, size + 1);
    }
    for (; size > 1; size--) {
        block = resize_checked(block, size, size - 1);
    }
    hak_free(block);
}

/* A block that would waste more than half of its class is moved to a smaller one. */
static void test_shrinking_gives_back(void **state) {
    (void)state;
    char *block = resize_checked(block_of(1000), 1000, 10);
    assert_true(hak_malloc_usable_size(block) < 512);
    hak_free(block);
    block = resize_checked(block_of(300000), 300000, 5000);
    assert_true(hak_malloc_usable_size(block) < 2 * 5000);
    block = resize_checked(block, 5000, 100);
    assert_true(hak_malloc_usable_size(block) < 2 * 100);
    hak_free(block);
}

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Where nothing is mapped, nothing is resident either. */
static bool is_resident(char *address) {
    unsigned char resident = 0;
    char *page = (char *)((uintptr_t)address & ~(uintptr_t)(page_bytes() - 1));
    return mincore(page, page_bytes(), &resident) == 0 && (resident & 1) != 0;
}

/* What a run or a mapping no longer needs is no longer resident, once all that waits for reuse is given up. */
static void test_shrinking_gives_pages_back(void **state) {
    (void)state;
    static const size_t sizes_bytes[][2] = {
        {1000000, 40000}, {(size_t)8 << 20, (size_t)3 << 20}, {(size_t)8 << 20, 300000}, {(size_t)8 << 20, 5000}};
    for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
        size_t from = sizes_bytes[i][0], to = sizes_bytes[i][1];
        char *before = block_of(from);
        assert_true(is_resident(before + from - 1));
        char *block = resize_checked(before, from, to);
        size_t usable_bytes = hak_malloc_usable_size(block);
        assert_true(usable_bytes <= (to + to / 8 + HAK_PAGE_BYTES) * 4 / 3);
        (void)hak_malloc_trim(0);
        assert_false(is_resident(before + from / 2));
        assert_false(is_resident(before + from - 1));
        hak_free(block);
    }
}

/* Sizes around the region map's cells of 2 MiB: parts of cells, whole cells, and cells that are split and joined. */
static void test_mappings_grow_and_shrink(void **state) {
    (void)state;
    static const size_t sizes_bytes[] = {3 << 20, 1 << 20, 6 << 20, 2 << 20, 5 << 20, 4097, 12 << 20, 4 << 20, 9 << 20};
    enum { SIZES = sizeof sizes_bytes / sizeof sizes_bytes[0] };
    char *block = block_of(sizes_bytes[0]);
    char *aligned = hak_aligned_alloc((size_t)2 << 20, sizes_bytes[0]);
    require(aligned != NULL);
    pattern_fill(aligned, sizes_bytes[0], sizes_bytes[0]);
    for (size_t i = 1; i < SIZES; i++) {
        block = resize_checked(block, sizes_bytes[i - 1], sizes_bytes[i]);
        aligned = resize_checked(aligned, sizes_bytes[i - 1], sizes_bytes[i]);
    }
    hak_free(block);
    hak_free(aligned);
}

static void test_zero_frees(void **state) {
    (void)state;
    static const size_t sizes_bytes[] = {0, 24, 1024, 5000, (size_t)3 << 20};
    for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
        void *block = hak_malloc(sizes_bytes[i]);
        errno = ERRNO_MARK;
        assert_null(hak_realloc(block, 0));
        assert_int_equal(errno, ERRNO_MARK);
        if (sizes_bytes[i] <= CLASS_MAX_BYTES) {
            void *again = hak_malloc(sizes_bytes[i]);
            assert_ptr_equal(again, block);
            hak_free(again);
        }
    }
    assert_null(hak_reallocarray(hak_malloc(10), 0, 5));
}

static void test_null_allocates(void **state) {
    (void)state;
    void *block = hak_realloc(NULL, 100);
    void *none = hak_realloc(NULL, 0);
    char *many = hak_reallocarray(NULL, 30, 100);
    assert_true(block != NULL && none != NULL && block != none);
    assert_true(hak_malloc_usable_size(many) >= 3000);
    pattern_fill(many, 3000, 3000);
    many = hak_reallocarray(many, 60, 100);
    assert_true(pattern_holds(many, 3000, 3000));
    hak_free(block);
    hak_free(none);
    hak_free(many);
}

static void test_failure_leaves_the_block(void **state) {
    (void)state;
    static const size_t impossible_bytes[] = {SIZE_MAX, PTRDIFF_MAX, (size_t)1 << 48};
    static const size_t sizes_bytes[] = {24, 1000, 5000, (size_t)3 << 20};
    for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
        char *block = block_of(sizes_bytes[i]);
        for (size_t k = 0; k < sizeof impossible_bytes / sizeof impossible_bytes[0]; k++) {
            errno = ERRNO_MARK;
            assert_null(hak_realloc(block, impossible_bytes[k]));
            assert_int_equal(errno, ENOMEM);
            assert_true(pattern_holds(block, sizes_bytes[i], sizes_bytes[i]));
        }
        hak_free(block);
    }
}

/* What no system gives is refused before anything is made ready for it. */
static void test_impossible_lengths_cost_nothing(void **state) {
    (void)state;
    enum { BLOCK_BYTES = 3 << 20 };
    unsigned char *block = hak_malloc(BLOCK_BYTES);
    pattern_fill(block, BLOCK_BYTES, 7);
    size_t before_bytes = hak_root.meta.reserved_bytes;
    for (unsigned shift = 47; shift < 64; shift++) {
        errno = 0;
        assert_null(hak_realloc(block, (size_t)1 << shift));
        assert_int_equal(errno, ENOMEM);
    }
    assert_true(hak_root.meta.reserved_bytes <= before_bytes + ((size_t)1 << 20));
    assert_true(pattern_holds(block, BLOCK_BYTES, 7));
    hak_free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impossible_lengths_cost_nothing),
        cmocka_unit_test(test_from_every_edge_to_every_edge),
        cmocka_unit_test(test_byte_by_byte_up_and_down),
        cmocka_unit_test(test_shrinking_gives_back),
        cmocka_unit_test(test_shrinking_gives_pages_back),
        cmocka_unit_test(test_mappings_grow_and_shrink),
        cmocka_unit_test(test_zero_frees),
        cmocka_unit_test(test_null_allocates),
        cmocka_unit_test(test_failure_leaves_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
