/* The BigCache, one rule at a time: what comes back from it, what leaves it and when, how its table grows and shrinks,
 * and when it cannot. Blocks that change their length are in test_bigcache_resize.c, sequences beside a model in
 * test_bigcache_model.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bigcache_fixture.h"

/* ---- lengths ---- */

static void test_lengths_are_steps(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        size_t before = 0;
        for (size_t size = 0; size < pages_bytes(300); size += HAK_PAGE_BYTES / 4 + 1) {
            size_t length = hak_bigcache_length(size);
            size_t step = size + size / 8 + HAK_PAGE_BYTES;
            assert_true(length >= size && length <= (length > HAK_BIG_HUGE_MIN_BYTES ? step + step / 7 : step));
            assert_true(length >= before && length % HAK_PAGE_BYTES == 0 && length > 0);
            assert_int_equal(hak_bigcache_length(length), length);
            before = length;
        }
    }
}

static void test_sizes_that_cannot_be(void **state) {
    (void)state;
    bool zeroed;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        for (unsigned bit = 0; bit < 48; bit++) {
            size_t less = ((size_t)1 << bit) - 1;
            size_t near[] = {SIZE_MAX - less, (size_t)PTRDIFF_MAX + 1 + less, (size_t)PTRDIFF_MAX - less};
            for (unsigned i = 0; i < 3; i++) {
                size_t length = hak_bigcache_length(near[i]);
                assert_true(length == 0 || (length >= near[i] && length <= PTRDIFF_MAX));
                assert_true(i == 2 || length == 0);
                assert_null(hak_big_take(near[i], 1, &zeroed));
            }
        }
        char *block = take(3);
        assert_false(hak_big_resize(hak_map_big(block), SIZE_MAX));
        assert_false(hak_big_resize(hak_map_big(block), PTRDIFF_MAX));
        assert_null(hak_big_move(hak_map_big(block), SIZE_MAX));
        assert_true(give(block));
        assert_all_returned();
    }
}

/* A place that is aligned for huge pages may take more room to find than there is. */
static void test_alignment_for_huge_pages_is_a_wish(void **state) {
    (void)state;
    bool zeroed;
    begin(HAK_GEOMETRY_REAL);
    char *first = take(3); /* the records have room from now on */
    sim_fail_next(1);
    char *block = hak_big_take(2 * (size_t)HAK_BIG_HUGE_PAGE_BYTES, HAK_PAGE_BYTES, &zeroed);
    assert_non_null(block);
    sim_fail_next(1);
    assert_null(hak_big_take(3 * HAK_PAGE_BYTES, HAK_PAGE_BYTES, &zeroed));
    assert_true(give(block) && give(first));
    assert_all_returned();
}

/* ---- reuse ---- */

static void test_freed_mappings_serve_again(void **state) {
    (void)state;
    bool zeroed;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        char *block = hak_big_take(pages_bytes(18), 1, &zeroed);
        assert_true(zeroed);
        write_page(block, 'x');
        assert_true(give(block));
        char *other = take(8); /* less than half of it */
        assert_true(other != block);
        assert_ptr_equal(hak_big_take(pages_bytes(16), 1, &zeroed), block);
        assert_false(zeroed);
        assert_int_equal(usable_pages(block), 18);
        assert_int_equal(totals().hits, 1);
        assert_true(give(block) && give(other));
        assert_ptr_equal(hak_big_take(pages_bytes(17), 1, &zeroed), block);
        assert_true(take(20) != other);
        assert_proven();
    }
}

static void test_what_is_too_much_counts_as_dirty(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        char *block = take(18);
        assert_true(give(block));
        assert_ptr_equal(take(9), block);
        assert_int_equal(hak_root.decay.dirty_bytes, pages_bytes(9));
        assert_true(hak_big_resize(hak_map_big(block), pages_bytes(12))); /* there is room */
        assert_int_equal(usable_pages(block), 18);
        assert_int_equal(hak_root.decay.dirty_bytes, pages_bytes(6));
        assert_proven();
        assert_true(hak_big_resize(hak_map_big(block), pages_bytes(11))); /* who makes a block shorter gives back */
        assert_int_equal(usable_pages(block), 11);
        assert_int_equal(hak_root.decay.dirty_bytes, 0);
        assert_true(give(block));
        assert_proven();
    }
}

/* What is clean takes no memory, so there is nothing to be won by giving too much of it. */
static void test_clean_mappings_serve_their_length(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 0;
    char *clean = take(18);
    assert_true(give(clean));
    assert_int_equal(totals().cached_dirty_bytes, 0);
    assert_true(take(9) != clean);
    assert_ptr_equal(take(17), clean);
    assert_proven();
}

/* A dirty mapping is resident already. */
static void test_dirty_mappings_go_first(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 0;
    char *clean = take(10), *dirty = take(16), *live = take(20);
    assert_true(give(clean) && give(dirty));
    assert_int_equal(totals().cached_dirty_bytes, pages_bytes(16)); /* beside 20 live ones */
    assert_ptr_equal(take(10), dirty);
    assert_ptr_equal(take(10), clean);
    assert_true(give(live));
    assert_proven();
}

static void test_alignment_is_looked_at(void **state) {
    (void)state;
    bool zeroed;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        size_t align = pages_bytes(16);
        char *first = hak_big_take(pages_bytes(3), align, &zeroed);
        char *second = take(3);
        assert_true(((uintptr_t)first & (align - 1)) == 0 && ((uintptr_t)second & (align - 1)) != 0);
        assert_true(give(first) && give(second)); /* the newest first, if it fits */
        assert_ptr_equal(hak_big_take(pages_bytes(3), align, &zeroed), first);
        assert_ptr_equal(hak_big_take(pages_bytes(3), 1, &zeroed), second);
    }
}

static void test_only_live_blocks_are_freed(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        char *block = take(5);
        struct hak_big *big = hak_map_big(block);
        assert_true(hak_big_is_live(big, block));
        assert_false(hak_big_give(big, block + HAK_PAGE_BYTES));
        assert_false(hak_big_give(big, block + 16));
        assert_true(hak_big_is_live(big, block) && give(block));
        assert_ptr_equal(hak_map_big(block), big);
        assert_false(hak_big_is_live(big, block) || give(block));
        assert_proven();
        hak_big_trim();
        assert_null(hak_map_big(block));
        assert_false(hak_big_give(big, block)); /* whoever looked it up before */
        assert_proven();
    }
}

/* ---- what leaves, and when ---- */

static void test_time_to_live(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_root.options.value[HAK_OPTION_BIG_CACHE_TTL_SEC] = 3;
    char *first = take(2), *second = take(3);
    assert_true(give(first));
    advance(1000);
    assert_true(give(second));
    advance(1999);
    assert_int_equal(totals().cached, 2);
    advance(1);
    assert_int_equal(totals().cached, 1);
    assert_null(hak_map_big(first));
    assert_non_null(hak_map_big(second));
    hak_big_age(os_clock_ms() - 2500); /* somebody who read the clock before it was freed */
    assert_int_equal(totals().cached, 1);
    advance(1000);
    assert_int_equal(totals().cached, 0);
    assert_all_returned(); /* the table too */
    assert_int_equal(totals().buckets, 0);
}

static void test_bounds(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_SMALL);
    hak_root.options.value[HAK_OPTION_BIG_CACHE_MAX_COUNT] = 2;
    hak_root.options.value[HAK_OPTION_BIG_CACHE_MAX_MEMORY_MB] = 1;
    char *blocks[] = {take(1), take(2), take(3), take(224), take(288)};
    for (unsigned i = 0; i < 4; i++) {
        assert_true(give(blocks[i]));
        assert_proven();
        assert_int_equal(totals().cached, i < 2 ? i + 1 : 2);
    }
    assert_true(hak_map_big(blocks[0]) == NULL && hak_map_big(blocks[1]) == NULL); /* the oldest leave first */
    assert_true(give(blocks[4]));                                                  /* longer than all of the room */
    assert_null(hak_map_big(blocks[4]));
    assert_int_equal(totals().cached, 2);
    assert_true(give(take(32))); /* too many bytes: one has to go, and that suffices */
    assert_int_equal(totals().cached, 2);
    assert_true(give(take(40)) && totals().cached_bytes == pages_bytes(72));
    hak_root.options.value[HAK_OPTION_BIG_CACHE_MAX_COUNT] = 0;
    hak_big_age(os_clock_ms());
    assert_int_equal(totals().cached, 0);
    assert_true(give(take(1)) && totals().cached == 0);
    assert_all_returned();
}

static void test_purge_when_due(void **state) {
    (void)state;
    bool zeroed;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        uint32_t delay_ms = hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
        char *old = take(3), *young = take(4);
        write_page(old, 'o');
        write_page(young, 'y');
        assert_true(give(old));
        advance(delay_ms - 1);
        assert_true(give(young));
        assert_int_equal(totals().cached_dirty_bytes, pages_bytes(7));
        advance(1);
        assert_int_equal(totals().cached_dirty_bytes, pages_bytes(4));
        assert_proven();
        assert_ptr_equal(hak_big_take(pages_bytes(4), 1, &zeroed), young);
        assert_false(zeroed || is_zero(young, pages_bytes(4)));
        assert_ptr_equal(hak_big_take(pages_bytes(3), 1, &zeroed), old);
        assert_true(zeroed && is_zero(old, pages_bytes(3)));
        assert_int_equal(hak_load(&hak_root.ace.rules[HAK_ACE_PURGE_DELAY].votes, relaxed), 1); /* it came too soon */
        assert_int_equal(hak_root.decay.purged_bytes, pages_bytes(3));
    }
}

static void test_purge_above_the_budget(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_MEDIUM);
    hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = 0;
    char *live = take(10), *first = take(4), *second = take(6), *third = take(8);
    assert_true(give(first) && give(second)); /* as much as is live may be dirty */
    assert_int_equal(totals().cached_dirty_bytes, pages_bytes(10));
    assert_true(give(third));
    assert_int_equal(totals().cached_dirty_bytes, pages_bytes(8));
    assert_int_equal(totals().purged, 2);
    assert_int_equal(totals().cached, 3); /* they stay */
    assert_proven();
    assert_true(give(live));
    assert_int_equal(totals().cached_dirty_bytes, 0);
    assert_all_returned();
}

/* What is purged goes back to its place by age, and what is not purged goes for good. */
static void test_purge_that_is_refused(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *first = take(1), *second = take(2);
    assert_true(give(first) && give(second));
    sim_fail_next(1);
    advance(hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY));
    assert_null(hak_map_big(first));
    assert_int_equal(totals().cached, 1);
    advance(HAK_DECAY_SILENCE_MS - 1);
    assert_int_equal(totals().cached_dirty_bytes, pages_bytes(2));
    advance(1);
    assert_int_equal(totals().cached_dirty_bytes, 0);
    assert_int_equal(totals().cached, 1);
    assert_proven();
    assert_all_returned();
}

/* ---- the table ---- */

enum { MANY = 700 };
static char *many[MANY];

static void test_table_grows_and_shrinks(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        hak_root.options.value[HAK_OPTION_BIG_CACHE_MAX_COUNT] = MANY;
        size_t buckets = HAK_GEO->big_buckets;
        size_t many_here = HAK_PAGE_BYTES > 4096 ? 100 : MANY; /* what the arena has room for */
        for (size_t i = 0; i < many_here; i++) {
            many[i] = take(1 + i % 3);
        }
        for (size_t i = 0; i < many_here; i++) {
            assert_true(give(many[i]));
            buckets = i + 1 > buckets ? buckets * 2 : buckets;
            assert_int_equal(totals().buckets, buckets);
            if (i % 16 == 0) {
                assert_proven();
            }
        }
        assert_true((totals().grown >= 1 || many_here <= HAK_GEO->big_buckets) && totals().shrunk == 0);
        for (size_t i = many_here; i-- > 0;) {
            struct hak_big *big = hak_map_big(many[i]);
            bool zeroed;
            assert_non_null(hak_big_take(big->size_bytes, 1, &zeroed));
            buckets = buckets > HAK_GEO->big_buckets && i < buckets / 8 ? buckets / 2 : buckets;
            assert_int_equal(totals().buckets, buckets);
            if (i % 16 == 0) {
                assert_proven();
            }
        }
        assert_int_equal(totals().hits, many_here);
        assert_int_equal(totals().shrunk, totals().grown);
        assert_int_equal(buckets, HAK_GEO->big_buckets);
    }
}

static void test_table_that_cannot_grow(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *blocks[9];
    for (unsigned i = 0; i < 9; i++) {
        blocks[i] = take(1 + i % 3);
    }
    for (unsigned i = 0; i < 8; i++) {
        sim_fail_next(i >= 4);
        assert_true(give(blocks[i]));
        assert_int_equal(totals().buckets, 4);
        assert_int_equal(totals().cached, i + 1);
        assert_proven();
    }
    sim_fail_stop();
    assert_true(give(blocks[8]));
    assert_int_equal(totals().buckets, 16); /* what it could not do before */
    assert_proven();
    assert_all_returned();
}

/* Reserving it is refused, or committing it. */
static void test_without_a_table_nothing_is_cached(void **state) {
    (void)state;
    unsigned refused = 0;
    for (uint32_t every = 1; every < 32; every++) {
        begin(HAK_GEOMETRY_TINY);
        char *block = take(4);
        sim_set_knobs(&(struct sim_knobs){.fail_every = every});
        assert_true(give(block));
        sim_fail_stop();
        refused += totals().cached == 0;
        assert_int_equal(hak_map_big(block) == NULL, totals().cached == 0);
        assert_int_equal(totals().buckets, totals().cached == 0 ? 0 : 4);
        assert_proven();
        assert_true(give(take(4)));
        assert_int_equal(totals().cached, 1);
        assert_all_returned();
    }
    assert_true(refused >= 2 && refused < 10);
}

/* ---- faults of the catalogue: what this file would say ---- */

static void test_fault_loses_on_grow(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_faults.armed = HAK_FAULT_BIGCACHE_LOSES_ON_GROW;
    char *blocks[5];
    for (unsigned i = 0; i < 5; i++) {
        blocks[i] = take(1 + i / 2);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_null(prove());
        assert_true(give(blocks[i]));
    }
    assert_string_equal(prove(), "I28: a bucket of the BigCache holds cached mappings of its lengths only");
}

static void test_fault_wrong_size(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    hak_faults.armed = HAK_FAULT_BIGCACHE_WRONG_SIZE;
    assert_true(give(take(7)));
    assert_int_equal(usable_pages(take(8)), 7);
    assert_int_equal(hak_faults.triggered, 1);
}

static void test_fault_keeps_zero(void **state) {
    (void)state;
    bool zeroed;
    begin(HAK_GEOMETRY_TINY);
    hak_faults.armed = HAK_FAULT_BIGCACHE_KEEPS_ZERO;
    char *block = take(7);
    write_page(block, 'x');
    assert_true(give(block));
    assert_ptr_equal(hak_big_take(pages_bytes(7), 1, &zeroed), block);
    assert_true(zeroed && !is_zero(block, pages_bytes(7)));
}

static void test_fault_stale_after_ttl(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_TINY);
    char *young = take(8);
    assert_true(give(take(7)));
    sim_advance_clock(5000);
    assert_true(give(young));
    hak_faults.armed = HAK_FAULT_BIGCACHE_STALE_AFTER_TTL;
    advance(5000);
    assert_string_equal(prove(), "I28: a bucket of the BigCache holds cached mappings of its lengths only");
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, leave_nothing)
    const struct CMUnitTest tests[] = {
        TEST(lengths_are_steps),
        TEST(sizes_that_cannot_be),
        TEST(alignment_for_huge_pages_is_a_wish),
        TEST(freed_mappings_serve_again),
        TEST(what_is_too_much_counts_as_dirty),
        TEST(clean_mappings_serve_their_length),
        TEST(dirty_mappings_go_first),
        TEST(alignment_is_looked_at),
        TEST(only_live_blocks_are_freed),
        TEST(time_to_live),
        TEST(bounds),
        TEST(purge_when_due),
        TEST(purge_above_the_budget),
        TEST(purge_that_is_refused),
        TEST(table_grows_and_shrinks),
        TEST(table_that_cannot_grow),
        TEST(without_a_table_nothing_is_cached),
        TEST(fault_loses_on_grow),
        TEST(fault_wrong_size),
        TEST(fault_keeps_zero),
        TEST(fault_stale_after_ttl),
    };
#undef TEST
    return cmocka_run_group_tests_name("bigcache", tests, open_arena, close_arena);
}
