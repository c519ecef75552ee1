/* The allocator's own records: where they are cut, what a chunk of them costs, and that they come back clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/arena_fixture.h"

static size_t up(size_t size_bytes, size_t step_bytes) {
    return (size_bytes + step_bytes - 1) / step_bytes * step_bytes;
}

/* Side by side, with nothing between that alignment does not ask for. */
static void test_records_are_cut_close(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        static const size_t sizes_bytes[] = {64, 1, 65, 128, 64};
        char *expected = hak_meta_take(HAK_META_BIG, 64);
        assert_int_equal((uintptr_t)expected % HAK_META_ALIGN_BYTES, 0);
        expected += 64;
        for (size_t i = 0; i < sizeof sizes_bytes / sizeof *sizes_bytes; i++) {
            char *record = hak_meta_take(HAK_META_BIG, sizes_bytes[i]);
            assert_ptr_equal(record, expected);
            assert_true(is_zero(record, up(sizes_bytes[i], HAK_META_ALIGN_BYTES)));
            expected += up(sizes_bytes[i], HAK_META_ALIGN_BYTES);
        }
        assert_int_equal(hak_root.meta.reserved_bytes, HAK_GEO->meta_chunk_bytes);
        assert_int_equal(hak_root.meta.live[HAK_META_BIG], 6);
    }
}

/* What is larger than a chunk gets whole pages of its own, and no more of them than it needs. */
static void test_large_records_are_whole_pages(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry); /* which says how large a page is */
        for (size_t more_bytes = 0; more_bytes <= pages_bytes(4); more_bytes += HAK_PAGE_BYTES / 2) {
            begin(geometry);
            size_t size_bytes = HAK_GEO->meta_chunk_bytes + 1 + more_bytes;
            char *record = hak_meta_take(HAK_META_LEAF, size_bytes);
            assert_non_null(record);
            assert_int_equal(hak_root.meta.reserved_bytes, up(size_bytes, HAK_PAGE_BYTES));
            begin(geometry);
            assert_non_null(hak_meta_take(HAK_META_LEAF, size_bytes - 1));
            assert_int_equal(hak_root.meta.reserved_bytes, up(size_bytes - 1, HAK_PAGE_BYTES));
        }
    }
}

static void test_records_come_back_clean(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_COUNT - 1);
    assert_true(hak_meta_stock(HAK_META_BIG, 64, 3));
    assert_int_equal(hak_root.meta.free_count[HAK_META_BIG], 3);
    assert_int_equal(hak_root.meta.live[HAK_META_BIG], 0);
    char *record = hak_meta_take(HAK_META_BIG, 64);
    assert_int_equal(hak_root.meta.free_count[HAK_META_BIG], 2);
    assert_int_equal(hak_root.meta.live[HAK_META_BIG], 1);
    memset(record, 'x', 64);
    hak_meta_give(HAK_META_BIG, record);
    assert_int_equal(hak_root.meta.free_count[HAK_META_BIG], 3);
    assert_int_equal(hak_root.meta.live[HAK_META_BIG], 0);
    assert_ptr_equal(hak_meta_take(HAK_META_BIG, 64), record);
    assert_true(is_zero(record, 64));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_records_are_cut_close, leave_nothing),
        cmocka_unit_test_teardown(test_large_records_are_whole_pages, leave_nothing),
        cmocka_unit_test_teardown(test_records_come_back_clean, leave_nothing),
    };
    return cmocka_run_group_tests_name("meta", tests, open_arena, close_arena);
}
