/* What the run tier knows about pages that were written: calloc, order of reuse, age, budget, the controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/shard.h"
#include "tests/run_fixture.h"

static void test_zeroed(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    bool zeroed;
    char *fence = take(1, 0);
    char *block = hak_run_take(pages_bytes(2), 1, 0, &zeroed);
    assert_true(zeroed);
    write_page(block, 'x');
    assert_true(give(block));
    assert_ptr_equal(hak_run_take(pages_bytes(2), 1, 0, &zeroed), block);
    assert_false(zeroed);
    assert_true(give(block));
    assert_ptr_equal(hak_run_take(pages_bytes(3), 1, 0, &zeroed), block); /* one of them untouched */
    assert_false(zeroed);
    char *behind = hak_run_take(pages_bytes(1), 1, 0, &zeroed);
    assert_true(behind == block + pages_bytes(3) && zeroed);
    assert_true(give(block));
    hak_run_trim();
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_ptr_equal(hak_run_take(pages_bytes(3), 1, 0, &zeroed), block);
    assert_true(zeroed && is_zero(block, pages_bytes(3)));
    assert_true(give(block) && give(fence) && give(behind));
    assert_all_returned();
}

static void test_what_was_written_serves_first(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *a = take(2, 0), *fence = take(1, 0), *b = take(2, 0), *other = take(1, 0);
    assert_true(give(a));
    hak_run_trim(); /* a is clean */
    assert_true(give(b));
    assert_ptr_equal(take(2, 0), b);
    assert_ptr_equal(take(2, 0), a);
    assert_true(give(a) && give(b) && give(fence) && give(other));
    assert_all_returned();
}

/* Regions that are all free: those without a clean page first, then the others. What was freed at once, the last of it
 * in a region that was never full, is then taken from the same pages again. */
static void test_the_dirtiest_region_serves_first(void **state) {
    (void)state;
    enum { REGIONS = 3 };
    begin(HAK_GEOMETRY_REAL);
    size_t run_pages = HAK_GEO->run_max_bytes / HAK_PAGE_BYTES;
    size_t blocks = (REGIONS - 1) * (hak_region_pages() / run_pages) + 1;
    char *block[REGIONS * 8];
    bool zeroed = false;
    for (unsigned pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < blocks; i++) {
            block[i] = hak_run_take(pages_bytes(run_pages), 1, 0, &zeroed);
            assert_non_null(block[i]);
            assert_true(zeroed == (pass == 0));
        }
        for (size_t i = 0; i < blocks; i++) {
            assert_true(give(block[i]));
        }
        assert_proven();
        assert_int_equal(counts.empty_regions, REGIONS);
        assert_int_equal(counts.dirty_bytes, pages_bytes(blocks * run_pages));
    }
    assert_all_returned();
}

/* A clean run goes behind one that is dirty in part, and that behind one that is dirty, in whatever order they come. */
static void test_order_of_a_bin(void **state) {
    (void)state;
    enum { ALL, PART, NONE, RUNS };
    static const unsigned orders[][RUNS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t order = 0; order < sizeof orders / sizeof orders[0]; order++) {
        begin(HAK_GEOMETRY_MEDIUM);
        char *block[RUNS];
        for (unsigned i = 0; i < RUNS; i++) {
            block[i] = take(4, 0);
            (void)take(1, 0); /* so that none are neighbours */
        }
        struct hak_shard *shard = hak_shards_at(0);
        struct hak_region *region = hak_map_region(block[0]);
        static const uint32_t clean[RUNS] = {0, 2, 4};
        for (unsigned i = 0; i < RUNS; i++) {
            unsigned which = orders[order][i];
            uint32_t first = (uint32_t)((size_t)(block[which] - region->base) / HAK_PAGE_BYTES);
            hak_region_unmake(region, first);
            if (clean[which] != 0) {
                hak_region_set_dirty(region, first, clean[which], false);
            }
            hak_shard_list(shard, region, first, 4, 4 - clean[which], NULL);
        }
        struct hak_free_run *front = shard->bins[3];
        const struct hak_free_run *in_turn[RUNS] = {front, front->next, front->previous};
        for (unsigned i = 0; i < RUNS; i++) {
            assert_ptr_equal(hak_region_address(region, in_turn[i]->first), block[i]);
        }
    }
}

static void test_age(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    uint32_t delay_ms = hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
    sim_advance_clock(UINT32_MAX - 100); /* it wraps on the way */
    char *old = take(2, 0), *fence = take(1, 0), *young = take(3, 0), *end = take(1, 0);
    assert_true(give(old));
    sim_advance_clock(delay_ms - 1);
    assert_true(give(young));
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(5));
    sim_advance_clock(1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(3));
    sim_advance_clock(delay_ms);
    hak_run_age(os_clock_ms() - delay_ms - 50); /* a look from before it was freed */
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(3));
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_int_equal(hak_root.decay.purged_bytes, pages_bytes(5));
    assert_true(give(fence) && give(end));
    assert_all_returned();
}

/* What a rest keeps: its age, and its place among the others. */
static void test_a_rest_is_as_old_as_the_whole(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    uint32_t delay_ms = hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
    char *old = take(8, 0), *fence = take(1, 0), *young = take(1, 0), *end = take(1, 0);
    assert_true(give(old));
    sim_advance_clock(delay_ms - 1);
    assert_true(give(young));
    assert_ptr_equal(take(5, 0), old);
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(4));
    sim_advance_clock(1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(1));
    assert_true(give(old) && give(fence) && give(end));
    assert_all_returned();
}

static void test_a_region_that_is_all_free_leaves_in_time(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    uint32_t limit_ms = hak_option(SUPERSLAB_TTL_SEC) * 1000;
    assert_true(give(take(3, 0)));
    sim_advance_clock(limit_ms - 1);
    hak_run_age(os_clock_ms()); /* purged on the way: it has waited all the same */
    assert_proven();
    assert_int_equal(counts.regions, 1);
    assert_int_equal(counts.dirty_bytes, 0);
    sim_advance_clock(1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.regions, 0);
    assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes);
}

static void test_budget(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 0;
    char *block = take(9, 0), *fence = take(8, 0);
    write_page(block, 'x');
    assert_true(give(block)); /* as much as is live may stay: eight pages */
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_true(resize(fence, 3)); /* five pages, three may stay */
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_true(resize(fence, 2));
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(1));
    bool zeroed;
    assert_ptr_equal(hak_run_take(pages_bytes(9), 1, 0, &zeroed), block);
    assert_true(zeroed && is_zero(block, pages_bytes(9)));
    assert_true(give(block) && give(fence));
    assert_all_returned();
}

/* On a machine with pages of 64 KiB each is one page. */
enum { TURN_BLOCK_BYTES = 64 << 10, TURN_BLOCKS_MOST = 256 };

/* So many KiB are taken, then all given back. What is dirty then. */
static size_t turn(size_t size_kib) {
    static char *blocks[TURN_BLOCKS_MOST];
    size_t count = (size_kib << 10) / TURN_BLOCK_BYTES;
    assert_true(count <= TURN_BLOCKS_MOST);
    for (size_t i = 0; i < count; i++) {
        hak_decay_tick();
        blocks[i] = take(TURN_BLOCK_BYTES / HAK_PAGE_BYTES, 0);
    }
    for (size_t i = 0; i < count; i++) {
        hak_decay_tick();
        assert_true(give(blocks[i]));
    }
    hak_decay_tick();
    assert_proven();
    return counts.dirty_bytes;
}

static size_t turns_bytes(void) {
    return hak_load(&hak_root.decay.turns_bytes, relaxed);
}

/* One burst leaves the budget. The same again and again leaves what it had at its peak, for a while. */
static void test_turns(void **state) {
    (void)state;
    enum { MIB = 1 << 20, KIB = 1 << 10 };
    begin(HAK_GEOMETRY_REAL);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 1;
    sim_advance_clock(HAK_DECAY_WINDOW_MS);
    assert_in_range(turn(3 * KIB), 1, MIB);
    assert_int_equal(turns_bytes(), 0);
    (void)turn(3 * KIB);
    assert_int_equal(turn(3 * KIB), 3 * MIB);
    size_t purged_bytes = hak_root.decay.purged_bytes;
    assert_int_equal(turn(3 * KIB), 3 * MIB);
    assert_int_equal(hak_root.decay.purged_bytes, purged_bytes);
    sim_advance_clock(HAK_DECAY_WINDOW_MS - 1);
    hak_decay_tick();
    assert_in_range(turns_bytes(), 3 * MIB, 3 * MIB + TURN_BLOCK_BYTES);
    sim_advance_clock(1);
    hak_decay_tick();
    assert_int_equal(turns_bytes(), 0);
    assert_proven();
    assert_in_range(counts.dirty_bytes, 0, MIB);
    for (unsigned i = 0; i < 3; i++) {
        (void)turn(3 * KIB);
    }
    assert_true(turns_bytes() != 0);
    (void)hak_decay_trim();
    assert_int_equal(turns_bytes(), 0);
    assert_all_returned();
}

/* What is live is a part of it; and what is beyond the bound is a burst each time. */
static void test_turns_are_bounded(void **state) {
    (void)state;
    enum { MIB = 1 << 20, KIB = 1 << 10 };
    begin(HAK_GEOMETRY_REAL);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 1;
    sim_advance_clock(HAK_DECAY_WINDOW_MS);
    for (unsigned i = 0; i < 6; i++) {
        assert_in_range(turn((2 + HAK_DECAY_TURNS) * KIB), 1, MIB);
        assert_int_equal(turns_bytes(), 0);
    }
    char *live = take(HAK_GEO->run_max_bytes / 2 / HAK_PAGE_BYTES, 0);
    sim_advance_clock(HAK_DECAY_WINDOW_MS);
    for (unsigned i = 0; i < 6; i++) {
        (void)turn(3 * KIB);
    }
    assert_in_range(turns_bytes(), 3 * MIB, 4 * MIB);
    size_t most_bytes = turns_bytes() - HAK_GEO->run_max_bytes / 2 + MIB;
    assert_in_range(turn(3 * KIB), 3 * MIB, most_bytes);
    assert_in_range(turn(4 * KIB + KIB / 4), 1, most_bytes);
    assert_true(give(live));
    assert_all_returned();
}

static void test_a_refused_purge_comes_again(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *a = take(1, 0), *fence = take(1, 0), *b = take(2, 0), *end = take(1, 0);
    write_page(a, 'x');
    assert_true(give(a) && give(b));
    sim_fail_next(1);
    hak_run_trim();
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(1));
    bool zeroed;
    assert_ptr_equal(hak_run_take(1, 1, 0, &zeroed), a);
    assert_false(zeroed);
    assert_true(give(a));
    sim_fail_next(9);
    hak_run_trim();
    sim_fail_next(0);
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(1));
    hak_run_trim();
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_true(give(fence) && give(end));
    assert_all_returned();
}

/* The first in the list is not the one to be tried for ever. */
static void test_who_is_refused_goes_behind(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *a = take(1, 0), *fence = take(1, 0), *b = take(2, 0), *end = take(1, 0);
    hak_ace_pin(&hak_root.ace, HAK_ACE_PURGE_DELAY, 2 * HAK_DECAY_SILENCE_MS);
    assert_true(give(a) && give(b));
    sim_advance_clock(hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY));
    sim_fail_next(1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(3));
    sim_advance_clock(HAK_DECAY_SILENCE_MS - 1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(3));
    sim_advance_clock(1);
    hak_run_age(os_clock_ms());
    assert_proven();
    assert_int_equal(counts.dirty_bytes, pages_bytes(1));
    assert_true(give(fence) && give(end));
    assert_all_returned();
}

/* Where all pages are locked, asking at each free would be a request to the system for each. */
static void test_after_a_refusal_nobody_asks_for_a_second(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 0;
    char *fence = take(1, 0);
    sim_advance_clock(UINT32_MAX - HAK_DECAY_SILENCE_MS / 2); /* it wraps on the way */
    for (uint64_t round = 1; round <= 3; round++) {
        for (uint32_t frees = 0; frees < 100; frees++) {
            char *block = take(9, 0);
            sim_fail_next(9);
            assert_true(give(block));
            hak_decay_tick();
            sim_fail_next(0);
            sim_advance_clock(HAK_DECAY_SILENCE_MS / 100);
        }
        assert_int_equal(sim_refused(), round);
    }
    assert_true(give(take(9, 0)));
    assert_proven();
    assert_int_equal(counts.dirty_bytes, 0);
    assert_true(give(fence));
    assert_all_returned();
}

/* Pages that were purged for their age and are wanted again at once say that the delay is too short: each part of a run
 * says so by itself. What was purged for another reason says nothing. */
static void test_the_controller_hears(void **state) {
    (void)state;
    for (unsigned trimmed = 0; trimmed < 2; trimmed++) {
        begin(HAK_GEOMETRY_TINY);
        uint32_t delay_ms = hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
        char *block = take(4, 0), *fence = take(1, 0);
        assert_true(give(block));
        sim_advance_clock(delay_ms);
        if (trimmed) {
            hak_run_trim();
        } else {
            hak_run_age(os_clock_ms());
        }
        sim_advance_clock(delay_ms - 1);
        for (int32_t votes = 0; votes < 3; votes++) {
            assert_ptr_equal(take(1, 0), block + pages_bytes((size_t)votes));
        }
        assert_true(resize(block + pages_bytes(2), 2));
        int32_t needed = hak_ace_rules[HAK_ACE_PURGE_DELAY].votes_up;
        assert_int_equal(needed, 4);
        assert_int_equal(hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY), trimmed ? delay_ms : 2 * delay_ms);
        assert_int_equal(hak_ace_look(&hak_root.ace, HAK_ACE_PURGE_DELAY).votes, 0);
        for (size_t page = 0; page < 3; page++) {
            assert_true(give(block + pages_bytes(page)));
        }
        assert_true(give(fence));
        assert_all_returned();
    }
}

#define RUN_TEST(function) cmocka_unit_test_teardown(function, leave_nothing)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_zeroed),
        RUN_TEST(test_what_was_written_serves_first),
        RUN_TEST(test_the_dirtiest_region_serves_first),
        RUN_TEST(test_order_of_a_bin),
        RUN_TEST(test_age),
        RUN_TEST(test_a_rest_is_as_old_as_the_whole),
        RUN_TEST(test_a_region_that_is_all_free_leaves_in_time),
        RUN_TEST(test_budget),
        RUN_TEST(test_turns),
        RUN_TEST(test_turns_are_bounded),
        RUN_TEST(test_a_refused_purge_comes_again),
        RUN_TEST(test_who_is_refused_goes_behind),
        RUN_TEST(test_after_a_refusal_nobody_asks_for_a_second),
        RUN_TEST(test_the_controller_hears),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
