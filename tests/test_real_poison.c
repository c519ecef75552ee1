/* AddressSanitizer sees a block's bounds to the byte: open for what was asked for, closed behind it and after free.
 * Builds without the sanitizer have nothing to test and skip. */
#include "tests/test_real.h"

#include "allocator/config.h"

#if HAK_ASAN
#include <sanitizer/asan_interface.h>

static bool is_open(const char *address) {
    return __asan_address_is_poisoned(address) == 0;
}

static void expect_bounds(const char *block, size_t size) {
    if ((size > 0 && !(is_open(block) && is_open(block + size - 1))) || is_open(block + size)) {
        fail_msg("a block of %zu bytes is not open for exactly these", size);
    }
}

/* Nothing else is live, so the byte behind a block belongs to nobody. */
static void test_bounds_of_every_size(void **state) {
    (void)state;
    for (size_t size = 0; size <= (size_t)1 << 20; size += size < 5000 ? 1 : 1009) { /* all tiers but big */
        char *block = hak_malloc(size);
        assert_non_null(block);
        expect_bounds(block, size);
        hak_free(block);
        assert_false(is_open(block));
    }
}

static void test_bounds_follow_realloc(void **state) {
    (void)state;
    for (size_t from = 1; from <= 3000000; from = from < 1500 ? from + 7 : from * 2) {
        for (size_t to = 1; to <= 3000000; to = to < 1500 ? to + 211 : to * 3) {
            char *block = hak_realloc(hak_malloc(from), to);
            expect_bounds(block, to);
            hak_free(block);
        }
    }
}

static void test_who_asks_for_usable_size_gets_it(void **state) {
    (void)state;
    char *block = hak_malloc(99);
    size_t usable = hak_malloc_usable_size(block);
    assert_true(usable > 99);
    expect_bounds(block, usable);
    hak_free(block);
}

static void test_calloc_and_aligned(void **state) {
    (void)state;
    for (size_t size = 1; size <= 1023; size += 2) {
        char *cleared = hak_calloc(1, size);
        expect_bounds(cleared, size);
        hak_free(cleared);
        char *aligned = hak_aligned_alloc(64, size);
        expect_bounds(aligned, size);
        hak_free(aligned);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_of_every_size),
        cmocka_unit_test(test_bounds_follow_realloc),
        cmocka_unit_test(test_who_asks_for_usable_size_gets_it),
        cmocka_unit_test(test_calloc_and_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_without_sanitizer(void **state) {
    (void)state;
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without_sanitizer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
