/* The run tier at its edges, by itself in the simulated system. What becomes of written pages is in
 * test_run_decay.c, long sequences are in test_run_model.c, and what the proof sees is in test_run_proof.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/shard.h"
#include "tests/run_fixture.h"

/* ---- lengths ---- */

static void test_steps(void **state) {
    (void)state;
    uint32_t before = 0, steps = 0;
    for (uint32_t pages = 1; pages <= HAK_REGION_PAGES_MAX; pages++) {
        uint32_t step = hak_shard_round(pages);
        assert_true(step >= pages && step >= before && hak_shard_round(step) == step);
        assert_true((step - pages) * 8 < pages);
        assert_true(pages > 8 || step == pages);
        steps += step != before;
        before = step;
    }
    assert_int_equal(steps, HAK_SHARD_BINS);
    assert_int_equal(before, HAK_REGION_PAGES_MAX);
}

static void test_what_fits(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(id) {
        begin(id);
        size_t cell_bytes = (size_t)1 << HAK_GEO->superslab_shift;
        assert_true(hak_run_fits(0, 1) && hak_run_fits(HAK_GEO->run_max_bytes, cell_bytes));
        assert_false(hak_run_fits(HAK_GEO->run_max_bytes + 1, 1));
        assert_false(hak_run_fits(1, 2 * cell_bytes));
        for (size_t align_bytes = 1; align_bytes <= cell_bytes; align_bytes *= 2) {
            bool zeroed;
            char *filler = take(1, 0);
            char *block = hak_run_take(HAK_GEO->run_max_bytes, align_bytes, 0, &zeroed);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % align_bytes, 0);
            assert_true(zeroed == (align_bytes == 1) || zeroed);
            assert_int_equal(usable_pages(block), HAK_GEO->run_max_bytes / HAK_PAGE_BYTES);
            assert_proven();
            assert_true(give(block) && give(filler));
            assert_proven();
            hak_run_trim();
        }
        assert_all_returned();
    }
}

static void test_a_region_is_used_to_its_last_page(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(id) {
        begin(id);
        uint32_t pages = hak_region_pages();
        char *first = take(1, 0);
        for (uint32_t i = 1; i < pages; i++) {
            assert_ptr_equal(take(1, 0), first + pages_bytes(i));
        }
        assert_proven();
        assert_int_equal(counts.regions, 1);
        assert_int_equal(counts.free_runs, 0);
        char *second = take(1, 0);
        assert_ptr_not_equal(hak_map_region(first), hak_map_region(second));
        for (uint32_t i = 0; i < pages; i++) {
            assert_true(give(first + pages_bytes(i * 5 % pages)));
            assert_proven();
        }
        assert_true(give(second));
        assert_all_returned();
    }
}

/* ---- joining and resizing ---- */

static void test_neighbours_join_in_every_order(void **state) {
    (void)state;
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned i = 0; i < 6; i++) {
        begin(HAK_GEOMETRY_TINY);
        char *fence = take(1, 0);
        char *blocks[3] = {take(1, 0), take(2, 0), take(3, 0)};
        char *end_fence = take(1, 0);
        for (unsigned n = 0; n < 3; n++) {
            assert_true(give(blocks[orders[i][n]]));
            assert_proven();
        }
        assert_int_equal(counts.free_runs, 2);
        struct hak_run_place place = hak_run_place(hak_map_region(fence), blocks[1] + 5);
        assert_ptr_equal(place.start, blocks[0]);
        assert_int_equal(place.size_bytes, pages_bytes(6));
        assert_false(place.is_live);
        assert_true(give(fence) && give(end_fence));
        assert_all_returned();
    }
}

static void test_resize(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *block = take(4, 0);
    char *next = take(1, 0);
    assert_true(resize(block, 4) && usable_pages(block) == 4);
    assert_false(resize(block, 5)); /* too large for the tier */
    assert_true(resize(block, 1) && usable_pages(block) == 1);
    assert_proven();
    assert_int_equal(counts.live_bytes, pages_bytes(2));
    assert_true(resize(block, 3) && usable_pages(block) == 3);
    assert_proven();
    assert_true(resize(block, 4) && usable_pages(block) == 4);
    assert_true(resize(block, 2));
    char *between = take(1, 0);
    assert_ptr_equal(between, block + pages_bytes(2));
    assert_false(resize(block, 3)); /* a live neighbour */
    assert_int_equal(usable_pages(block), 2);
    assert_true(hak_run_resize(hak_map_region(block), block, 0) && usable_pages(block) == 1);
    assert_false(hak_run_resize(hak_map_region(block), block + HAK_PAGE_BYTES, 1));
    assert_proven();
    assert_true(give(next) && give(between) && give(block));
    assert_false(resize(block, 1));
    assert_all_returned();
}

static void test_a_run_does_not_grow_past_its_region(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *last = NULL;
    for (unsigned i = 0; i < 4; i++) {
        last = take(4, 0);
    }
    char *other = take(4, 0); /* of the next region, which may lie right behind */
    assert_ptr_equal(other, last + pages_bytes(4));
    assert_true(give(other));
    assert_true(resize(last, 3));
    assert_true(resize(last, 4));
    assert_proven();
    assert_true(resize(last, 2));
    char *end = take(2, 0);
    assert_ptr_equal(end, last + pages_bytes(2));
    assert_true(resize(end, 1));
    assert_false(resize(end, 3));
    assert_int_equal(usable_pages(end), 1);
    assert_proven();
}

static void test_what_is_no_live_run(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_SMALL);
    char *block = take(3, 0);
    struct hak_region *region = hak_map_region(block);
    char *wrong[] = {block + 1,      block + HAK_PAGE_BYTES,         block + pages_bytes(3),
                     block - 1,      block + hak_region_bytes() - 1, block + hak_region_bytes(),
                     (char *)&counts};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(hak_run_give(region, wrong[i]));
        assert_false(hak_run_resize(region, wrong[i], 1));
        assert_int_equal(hak_run_usable(region, wrong[i]), 0);
        assert_proven();
        assert_int_equal(counts.live, 1);
    }
    struct hak_run_place place = hak_run_place(region, block + pages_bytes(3) - 1);
    assert_true(place.is_live && place.start == block && place.size_bytes == pages_bytes(3));
    assert_null(hak_run_place(region, block + hak_region_bytes()).start);
    assert_true(hak_run_give(region, block));
    assert_false(hak_run_give(region, block)); /* the region has gone */
    assert_null(hak_load(&region->shard, relaxed));
    assert_all_returned();
}

/* ---- regions and shards ---- */

/* As many as the geometry says. Of the real one all stay that the simulated system has room for: to release pages which
 * the budget lets stay costs their faults. */
static void test_few_regions_are_kept(void **state) {
    (void)state;
    enum { RUNS = 6 * 8 };
    for (unsigned lazy = 0; lazy < 2; lazy++) {
        FOR_EACH_GEOMETRY(id) {
            begin(id);
            hak_root.options.value[HAK_OPTION_LAZY_CACHE] = lazy;
            uint32_t kept = lazy == 0 ? 0 : HAK_GEO->regions_kept;
            uint32_t regions = id == HAK_GEOMETRY_REAL ? 6 : kept + 3;
            size_t run_pages = HAK_GEO->run_max_bytes / HAK_PAGE_BYTES;
            size_t blocks = regions * (hak_region_pages() / run_pages);
            char *block[RUNS];
            assert_true(blocks <= RUNS);
            for (size_t i = 0; i < blocks; i++) {
                block[i] = take(run_pages, 0);
            }
            for (size_t i = 0; i < blocks; i++) {
                assert_true(give(block[i]));
                assert_proven();
            }
            kept = id == HAK_GEOMETRY_REAL && lazy != 0 ? regions : kept;
            assert_int_equal(counts.regions, kept);
            assert_int_equal(counts.empty_regions, kept);
            assert_all_returned();
        }
    }
}

static void test_shards_lend(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_ace_pin(&hak_root.ace, HAK_ACE_SHARDS, 2);
    struct hak_run_totals totals;
    char *a = take(1, 0);
    char *b = take(1, 3); /* from the region of the other shard */
    hak_run_totals(&totals);
    assert_true(totals.shards == 2 && totals.regions == 1 && totals.lent == 1 && totals.taken == 2);
    hak_lock_acquire(&hak_shards_at(0)->lock); /* busy: a region of its own */
    char *c = take(1, 1);
    hak_lock_release(&hak_shards_at(0)->lock);
    hak_run_totals(&totals);
    assert_true(totals.regions == 2 && totals.lent == 1 && totals.created == 2);
    assert_int_equal(totals.live_bytes, pages_bytes(3));
    assert_int_equal(totals.free_bytes, 2 * hak_region_bytes() - pages_bytes(3));
    assert_proven();
    assert_true(give(a) && give(b) && give(c));
    assert_proven();
    hak_run_totals(&totals);
    assert_true(totals.given == 3 && totals.empty_regions == 2 && totals.dirty_bytes == pages_bytes(3));
    assert_all_returned();
}

/* Of two regions that are all free the one that has been so for longer leaves, also when the clock wraps. */
static void test_the_oldest_region_leaves(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM); /* keeps two */
    sim_advance_clock(UINT32_MAX - 1);
    char *blocks[3];
    for (unsigned i = 0; i < 3; i++) {
        blocks[i] = take(1, 0);
        while (hak_shard_may_fit(hak_shards_at(0), 1)) {
            (void)take(1, 0);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        struct hak_region *region = hak_map_region(blocks[i]);
        for (uint32_t page = 0; page < hak_region_pages(); page++) {
            assert_true(hak_run_give(region, blocks[i] + pages_bytes(page)));
        }
        sim_advance_clock(2);
    }
    assert_null(hak_map_region(blocks[0]));
    assert_non_null(hak_map_region(blocks[1]));
    assert_non_null(hak_map_region(blocks[2]));
    assert_all_returned();
}

/* Where there is no memory for a shard's record, another shard serves. */
static void test_a_refused_shard(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_ace_pin(&hak_root.ace, HAK_ACE_SHARDS, 2);
    char *a = take(1, 0);
    hak_root.meta.cursor = hak_root.meta.limit;
    sim_fail_next(1);
    char *b = take(1, 1);
    assert_null(hak_shards_at(1));
    assert_ptr_equal(hak_map_region(a), hak_map_region(b));
    assert_true(give(a) && give(b));
    assert_all_returned();
}

static void test_fork(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_ace_pin(&hak_root.ace, HAK_ACE_SHARDS, 2);
    char *a = take(1, 0), *b = take(1, 1);
    for (unsigned child = 0; child < 2; child++) {
        hak_run_lock_all();
        for (uint32_t i = 0; i < 2; i++) {
            assert_false(hak_lock_try(&hak_shards_at(i)->lock));
        }
        assert_false(hak_lock_try(&hak_root.runs.lock));
        (child ? hak_run_reset_all : hak_run_unlock_all)();
        for (uint32_t i = 0; i < 2; i++) {
            assert_true(hak_lock_try(&hak_shards_at(i)->lock));
            hak_lock_release(&hak_shards_at(i)->lock);
        }
    }
    assert_true(give(a) && give(b));
    assert_all_returned();
}

/* ---- refusals ---- */

static void test_each_request_refused(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(id) {
        unsigned refused = 0;
        for (uint32_t nth = 1; nth <= 12; nth++) {
            begin(id);
            sim_set_knobs(&(struct sim_knobs){.fail_every = nth});
            bool zeroed;
            char *block = hak_run_take(1, 1, 0, &zeroed);
            refused += block == NULL;
            assert_true(block != NULL || sim_refused() != 0);
            sim_fail_stop();
            assert_proven();
            assert_int_equal(counts.live, block != NULL);
            if (block == NULL) {
                assert_int_equal(counts.regions, 0);
                assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes);
                block = take(1, 0);
            }
            assert_true(give(block));
            assert_all_returned();
        }
        assert_true(refused > 2);
    }
}

#define RUN_TEST(function) cmocka_unit_test_teardown(function, leave_nothing)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_steps),
        RUN_TEST(test_what_fits),
        RUN_TEST(test_a_region_is_used_to_its_last_page),
        RUN_TEST(test_neighbours_join_in_every_order),
        RUN_TEST(test_resize),
        RUN_TEST(test_a_run_does_not_grow_past_its_region),
        RUN_TEST(test_what_is_no_live_run),
        RUN_TEST(test_few_regions_are_kept),
        RUN_TEST(test_shards_lend),
        RUN_TEST(test_the_oldest_region_leaves),
        RUN_TEST(test_a_refused_shard),
        RUN_TEST(test_fork),
        RUN_TEST(test_each_request_refused),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
