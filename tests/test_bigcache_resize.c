/* Big blocks when the system refuses, and when they change their length: in place, or moved by the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bigcache_fixture.h"

/* ---- when the system refuses ---- */

static void test_cached_mappings_are_given_up_first(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    bool zeroed;
    char *block = take(3);
    assert_true(give(block));
    sim_fail_next(1);
    char *other = hak_big_take(pages_bytes(100), 1, &zeroed);
    assert_true(other != NULL && zeroed);
    assert_int_equal(totals().cached, 0);
    sim_fail_next(1);
    assert_null(hak_big_take(pages_bytes(100), 1, &zeroed)); /* nothing to give up */
    assert_proven();
    assert_true(give(other));
    assert_all_returned();
}

static void test_refusals_leave_no_half(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        bool done = false;
        for (uint32_t requests = 0; !done; requests++) {
            bool zeroed;
            begin(geometry);
            sim_set_knobs(&(struct sim_knobs){.fail_every = requests + 1});
            char *block = hak_big_take(pages_bytes(33), 1, &zeroed);
            sim_fail_stop();
            done = block != NULL;
            assert_proven();
            assert_true(block == NULL || give(block));
            assert_all_returned();
        }
    }
}

/* ---- resize ---- */

static void test_resize_in_place(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        char *first = take(1); /* the map has its tables from now on */
        char *block = take(12);
        struct hak_big *big = hak_map_big(block);
        write_page(block + pages_bytes(11), 'x');
        assert_true(hak_big_resize(big, pages_bytes(11) + 1)); /* nothing to do */
        assert_true(hak_big_resize(big, pages_bytes(11)));     /* one step: not worth a call */
        assert_int_equal(usable_pages(block), 12);
        assert_true(hak_big_resize(big, pages_bytes(10)));
        assert_int_equal(usable_pages(block), 10);
        assert_null(hak_map_big(block + pages_bytes(10)));
        assert_proven();
        assert_true(hak_big_resize(big, pages_bytes(30)));
        assert_int_equal(usable_pages(block), 30);
        assert_true(is_zero(block + pages_bytes(10), pages_bytes(20)));
        assert_ptr_equal(hak_map_big(block + pages_bytes(30) - 1), big);
        assert_proven();
        char *fence = take(1);
        assert_ptr_equal(fence, block + pages_bytes(30));
        assert_false(hak_big_resize(big, pages_bytes(31)));
        assert_int_equal(usable_pages(block), 30);
        assert_int_equal(totals().extended, 1);
        assert_int_equal(totals().cut, 1);
        assert_int_equal(totals().resized, 2);
        assert_true(give(block) && give(first) && give(fence));
        assert_all_returned();
    }
}

/* The system refuses one request after the other, also those of the region map for its tables. */
static void test_resize_that_is_refused(void **state) {
    (void)state;
    enum { RESIZES = 3 };
    unsigned refused[RESIZES] = {0};
    FOR_EACH_GEOMETRY(geometry) {
        for (uint32_t every = 1; every < 64; every++) {
            for (unsigned how = 0; how < RESIZES; how++) {
                begin(geometry);
                size_t cell_pages = ((size_t)1 << HAK_GEO->superslab_shift) / HAK_PAGE_BYTES;
                bool zeroed;
                char *block = hak_big_take(pages_bytes(cell_pages * 2), pages_bytes(cell_pages), &zeroed);
                struct hak_big *big = hak_map_big(block);
                size_t pages = usable_pages(block);
                use_up_metadata();
                uint64_t before = sim_refused();
                sim_set_knobs(&(struct sim_knobs){.fail_every = every});
                if (how == 0) {
                    (void)hak_big_resize(big, pages_bytes(cell_pages * 2 + 1));
                } else if (how == 1) {
                    assert_true(hak_big_resize(big, pages_bytes(1)));
                } else {
                    char *moved = hak_big_move(big, pages_bytes(cell_pages * 2 + 1));
                    block = moved != NULL ? moved : block;
                }
                sim_fail_stop();
                if (sim_refused() != before) {
                    refused[how]++;
                    assert_int_equal(usable_pages(block), pages);
                }
                assert_proven();
                assert_true(give(block));
                assert_all_returned();
            }
        }
    }
    assert_true(refused[0] > 12 && refused[1] > 6 && refused[2] > 12);
}

static void test_move(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        char *block = take(12), *fence = take(1);
        struct hak_big *big = hak_map_big(block);
        write_page(block, 'x');
        write_page(block + pages_bytes(11), 'y');
        sim_fail_next(1);
        assert_null(hak_big_move(big, pages_bytes(40)));
        assert_null(hak_big_move(big, pages_bytes(12))); /* it is long enough */
        assert_true(hak_big_is_live(big, block));
        assert_proven();
        char *moved = hak_big_move(big, pages_bytes(40));
        assert_true(moved != NULL && moved != block);
        assert_ptr_equal(hak_map_big(moved), big);
        assert_null(hak_map_big(block));
        assert_int_equal(usable_pages(moved), 40);
        hak_mark_open(moved, pages_bytes(40));
        assert_true(moved[0] == 'x' && moved[pages_bytes(11)] == 'y');
        assert_true(is_zero(moved + pages_bytes(12), pages_bytes(28)));
        assert_int_equal(totals().moved, 1);
        assert_proven();
        assert_true(give(moved) && give(fence));
        assert_all_returned();
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, leave_nothing)
    const struct CMUnitTest tests[] = {
        TEST(cached_mappings_are_given_up_first),
        TEST(refusals_leave_no_half),
        TEST(resize_in_place),
        TEST(resize_that_is_refused),
        TEST(move),
    };
#undef TEST
    return cmocka_run_group_tests_name("bigcache_resize", tests, open_arena, close_arena);
}
