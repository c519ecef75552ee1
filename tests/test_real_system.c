/* The real system layer, as os.h promises it: alignment wherever the system places things, and growing in place. */
#include "tests/test_real.h"

#include "allocator/geometry.h"
#include "allocator/os.h"

/* A page in between shifts what comes next, so that no alignment is luck. */
static void test_reservations_are_aligned(void **state) {
    (void)state;
    enum { ROUNDS = 40, ALIGN_BITS_MAX = 24 };
    char *shifts[ROUNDS], *ranges[ROUNDS];
    for (size_t align_bits = 12; align_bits <= ALIGN_BITS_MAX; align_bits += 3) {
        size_t align_bytes = (size_t)1 << align_bits, size_bytes = align_bytes + HAK_PAGE_BYTES;
        for (size_t i = 0; i < ROUNDS; i++) {
            shifts[i] = os_reserve(HAK_PAGE_BYTES, HAK_PAGE_BYTES);
            ranges[i] = os_reserve(size_bytes, align_bytes);
            assert_non_null(shifts[i]);
            assert_non_null(ranges[i]);
            assert_int_equal((uintptr_t)ranges[i] & (align_bytes - 1), 0);
            assert_true(os_commit(ranges[i], size_bytes));
            ranges[i][0] = ranges[i][size_bytes - 1] = 'x';
        }
        for (size_t i = 0; i < ROUNDS; i++) {
            os_release(shifts[i], HAK_PAGE_BYTES);
            os_release(ranges[i], size_bytes);
        }
    }
}

static void test_ranges_grow_in_place(void **state) {
    (void)state;
    enum { OLD_PAGES = 4, NEW_PAGES = 8 };
    size_t old_bytes = OLD_PAGES * (size_t)HAK_PAGE_BYTES, new_bytes = NEW_PAGES * (size_t)HAK_PAGE_BYTES;
    char *range = os_reserve(new_bytes, HAK_PAGE_BYTES);
    assert_non_null(range);
    assert_true(os_commit(range, new_bytes));
    memset(range, 'x', new_bytes);
    assert_false(os_extend(range, old_bytes, new_bytes)); /* there is something behind it */
    os_release(range + old_bytes, new_bytes - old_bytes);
    assert_true(os_extend(range, old_bytes, new_bytes));
    assert_int_equal(range[old_bytes - 1], 'x');
    assert_true(is_zero(range + old_bytes, new_bytes - old_bytes));
    memset(range, 'y', new_bytes);
    os_release(range, new_bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reservations_are_aligned),
        cmocka_unit_test(test_ranges_grow_in_place),
    };
    return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}
