/* Big blocks beside a plain model: a word for each page of the arena says which block it belongs to, and an array in
 * the order of age says what must be in the BigCache, and what of it is dirty. Long sequences from fixed seeds, over
 * geometries, options, sizes, alignments, resizes, moves, trims, time and refusals; after each step all is proven, and
 * what a block holds is looked at before it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bigcache_fixture.h"
#include "tests/page_model.h"

enum { BLOCKS_MAX = 64, CACHED_MAX = 1024, SEQUENCES = 12, STEPS = 2500 };

struct model_cached {
    char *start;
    size_t size_bytes;
    uint32_t since_ms;
    bool dirty;
};

static struct {
    struct model_block blocks[BLOCKS_MAX];
    size_t spare_bytes[BLOCKS_MAX];
    struct model_cached cached[CACHED_MAX]; /* oldest first */
    size_t cached_count;
} model;

/* What the sequences of a geometry came to. */
static struct {
    unsigned none, hits, longer, spare, zeroed_hits, given_up, extended, not_extended, cut, moved, not_moved;
    unsigned evicted, expired, purged_due, purged_excess, resynced;
    uint64_t grown, shrunk;
} reached;

/* ---- the cache, plainly ---- */

static struct model_cached cached_drop(size_t index) {
    struct model_cached dropped = model.cached[index];
    model.cached_count--;
    memmove(&model.cached[index], &model.cached[index + 1], (model.cached_count - index) * sizeof model.cached[0]);
    return dropped;
}

static size_t spare_sum(void) {
    size_t sum = 0;
    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        sum += model.blocks[i].start != NULL ? model.spare_bytes[i] : 0;
    }
    return sum;
}

static size_t cached_sum(bool dirty_only) {
    size_t sum = 0;
    for (size_t i = 0; i < model.cached_count; i++) {
        sum += model.cached[i].dirty || !dirty_only ? model.cached[i].size_bytes : 0;
    }
    return sum;
}

static size_t option(enum hak_option_id id) {
    return hak_root.options.value[id];
}

static bool is_too_dirty(void) {
    return !sim_refused_purge(HAK_DECAY_SILENCE_MS) &&
           cached_sum(true) + spare_sum() > (option(HAK_OPTION_DIRTY_MAX_MB) << 20) + model_pages.live_bytes;
}

static void cached_bound(void) {
    while (model.cached_count > option(HAK_OPTION_BIG_CACHE_MAX_COUNT) ||
           cached_sum(false) > option(HAK_OPTION_BIG_CACHE_MAX_MEMORY_MB) << 20) {
        (void)cached_drop(0);
        reached.evicted++;
    }
}

static void cached_put(const struct model_block *block) {
    if (option(HAK_OPTION_BIG_CACHE_MAX_COUNT) == 0 || block->size_bytes > option(HAK_OPTION_BIG_CACHE_MAX_MEMORY_MB)
                                                                               << 20) {
        return;
    }
    assert_true(model.cached_count < CACHED_MAX);
    model.cached[model.cached_count++] =
        (struct model_cached){block->start, block->size_bytes, (uint32_t)sim_clock_ms(), true};
    cached_bound();
    for (size_t i = 0; i < model.cached_count && is_too_dirty(); i++) {
        reached.purged_excess += model.cached[i].dirty;
        model.cached[i].dirty = false;
    }
}

static void cached_age(void) {
    uint32_t now_ms = (uint32_t)sim_clock_ms();
    while (model.cached_count > 0 && now_ms - model.cached[0].since_ms >= option(HAK_OPTION_BIG_CACHE_TTL_SEC) * 1000) {
        (void)cached_drop(0);
        reached.expired++;
    }
    cached_bound();
    for (size_t i = 0; i < model.cached_count; i++) {
        bool due = !sim_refused_purge(HAK_DECAY_SILENCE_MS) &&
                   now_ms - model.cached[i].since_ms >= hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
        reached.purged_due += due && model.cached[i].dirty;
        model.cached[i].dirty = model.cached[i].dirty && !due && !is_too_dirty();
    }
}

static size_t *spare_of(const struct model_block *block) {
    return &model.spare_bytes[block - model.blocks];
}

/* The cache is what the model says, in its order. After a refusal it may be less: then the model learns. */
static void cached_compare(bool was_refused) {
    size_t i = 0;
    for (const struct hak_big *big = hak_root.bigs.cache.oldest; big != NULL; big = big->younger, i++) {
        const struct model_cached is = {big->base, big->size_bytes, big->since_ms, big->dirty};
        if (was_refused) {
            while (i < model.cached_count && model.cached[i].start != is.start) {
                (void)cached_drop(i);
                reached.resynced++;
            }
        }
        assert_true(i < model.cached_count);
        assert_ptr_equal(model.cached[i].start, is.start);
        assert_int_equal(model.cached[i].size_bytes, is.size_bytes);
        assert_int_equal(model.cached[i].since_ms, is.since_ms);
        assert_true(model.cached[i].dirty == is.dirty || was_refused);
        model.cached[i].dirty = is.dirty;
    }
    assert_true(i == model.cached_count || was_refused);
    model.cached_count = i;
}

/* ---- steps ---- */

static size_t any_size(void) {
    size_t pages = (size_t)1 << below(5);
    if (below(24) == 0) {
        pages = (ARENA_PAGES / 16 * SIM_PAGE_BYTES) / HAK_PAGE_BYTES;
    }
    return below((uint32_t)pages) * HAK_PAGE_BYTES +
           (below(2) != 0 ? HAK_PAGE_BYTES : 1 + below((uint32_t)HAK_PAGE_BYTES - 1));
}

static size_t next_length(size_t length_bytes) {
    return hak_bigcache_length(length_bytes + 1);
}

/* The shortest length between these that the cache has, or 0. */
static size_t cached_within(size_t least_bytes, size_t most_bytes, size_t align_bytes, bool dirty) {
    size_t found_bytes = 0;
    for (size_t i = 0; i < model.cached_count; i++) {
        const struct model_cached *cached = &model.cached[i];
        bool serves = cached->dirty == dirty && cached->size_bytes >= least_bytes && cached->size_bytes <= most_bytes &&
                      (uintptr_t)cached->start % align_bytes == 0;
        found_bytes =
            serves && (found_bytes == 0 || cached->size_bytes < found_bytes) ? cached->size_bytes : found_bytes;
    }
    return found_bytes;
}

/* A dirty one up to twice as long, else a clean one of the length or the next. */
static size_t cached_length(size_t length_bytes, size_t align_bytes) {
    size_t dirty_bytes = cached_within(length_bytes, 2 * length_bytes, align_bytes, true);
    return dirty_bytes != 0 ? dirty_bytes : cached_within(length_bytes, next_length(length_bytes), align_bytes, false);
}

static size_t spare_beyond(size_t size_bytes, size_t length_bytes) {
    return size_bytes > next_length(length_bytes) ? size_bytes - length_bytes : 0;
}

/* Where the block came from is what the model would say. Pre: the cache as the model has it. */
static void check_origin(const struct model_block *block, size_t length_bytes, size_t align_bytes, bool zeroed) {
    bool hit = false;
    size_t cached_bytes = cached_length(length_bytes, align_bytes);
    *spare_of(block) = 0;
    for (size_t i = 0; i < model.cached_count && !hit; i++) {
        if (model.cached[i].start == block->start) {
            hit = true;
            assert_int_equal(model.cached[i].size_bytes, block->size_bytes);
            assert_true(zeroed == !model.cached[i].dirty);
            assert_int_equal(block->size_bytes, cached_bytes);
            *spare_of(block) = zeroed ? 0 : spare_beyond(cached_bytes, length_bytes);
            reached.longer += cached_bytes != length_bytes;
            reached.spare += *spare_of(block) != 0;
            reached.zeroed_hits += zeroed;
            (void)cached_drop(i);
        }
    }
    reached.hits += hit;
    assert_true(hit || cached_bytes == 0 || model.cached_count > 32);
    assert_true(hit || (zeroed && block->size_bytes == length_bytes));
}

/* The first request may ask for more than is needed, so that huge pages fit. */
static bool may_wish(const char *start, size_t length_bytes, size_t align_bytes) {
    return start != NULL && length_bytes % HAK_BIG_HUGE_PAGE_BYTES == 0 && align_bytes < HAK_BIG_HUGE_PAGE_BYTES;
}

static void step_take(struct model_block *block) {
    size_t align_bytes = (size_t)1 << (below(4) != 0 ? 0 : below(HAK_PAGE_SHIFT + 6));
    size_t size_bytes = any_size();
    uint64_t refused = sim_refused();
    bool zeroed;
    char *start = hak_big_take(size_bytes, align_bytes, &zeroed);
    bool is_wish = sim_refused() == refused + 1 && may_wish(start, hak_bigcache_length(size_bytes), align_bytes);
    if (sim_refused() != refused && (!is_wish || hak_root.bigs.cache.count == 0)) {
        assert_int_equal(hak_root.bigs.cache.count, 0); /* before the answer was no, all was given up */
        model.cached_count = 0;
        reached.given_up += start != NULL;
    }
    if (start == NULL) {
        assert_true(sim_refused() != refused);
        reached.none++;
        return;
    }
    size_t length_bytes = hak_bigcache_length(size_bytes);
    *block = (struct model_block){start, hak_map_big(start)->size_bytes, ++model_pages.next_id};
    assert_true(hak_big_is_live(hak_map_big(start), start));
    assert_true((uintptr_t)start % HAK_PAGE_BYTES == 0 && (uintptr_t)start % align_bytes == 0);
    assert_true(block->size_bytes >= size_bytes && sim_is_committed(start, block->size_bytes));
    check_origin(block, length_bytes, align_bytes < HAK_PAGE_BYTES ? HAK_PAGE_BYTES : align_bytes, zeroed);
    change_owner(start, block->size_bytes, 0, block->id);
    assert_true(!zeroed || is_zero(start, block->size_bytes));
    stamp_pages(block, 0);
    model_pages.live_bytes += block->size_bytes;
}

static void step_give(struct model_block *block) {
    struct hak_big *big = hak_map_big(block->start);
    verify_pages(block, block->size_bytes);
    change_owner(block->start, block->size_bytes, block->id, 0);
    if (below(4) == 0) {
        assert_false(hak_big_give(big, block->start + 16 + below((uint32_t)block->size_bytes - 16)));
    }
    model_pages.live_bytes -= block->size_bytes;
    *spare_of(block) = 0;
    assert_true(hak_big_give(big, block->start));
    assert_false(hak_big_is_live(big, block->start));
    assert_false(hak_big_give(big, block->start));
    cached_put(block);
    block->start = NULL;
}

/* Sometimes to where no cut is worth it. */
static void step_resize(struct model_block *block) {
    struct hak_big *big = hak_map_big(block->start);
    size_t size_bytes = below(2) != 0 ? any_size() : block->size_bytes - below((uint32_t)block->size_bytes);
    size_t length_bytes = hak_bigcache_length(size_bytes);
    size_t old_bytes = block->size_bytes;
    uint64_t refused = sim_refused();
    if (!hak_big_resize(big, size_bytes)) {
        assert_true(length_bytes > old_bytes && big->size_bytes == old_bytes);
        reached.not_extended++;
        return;
    }
    bool spares = *spare_of(block) != 0 && length_bytes >= old_bytes - *spare_of(block) && length_bytes <= old_bytes;
    bool stays = length_bytes == old_bytes || next_length(length_bytes) == old_bytes || spares ||
                 (length_bytes < old_bytes && sim_refused() != refused);
    size_t new_bytes =
        stays ? old_bytes : (length_bytes < old_bytes ? length_bytes : hak_bigcache_grown_length(length_bytes));
    assert_true(hak_big_is_live(big, block->start));
    assert_int_equal(big->size_bytes, new_bytes);
    if (spares || new_bytes != old_bytes) {
        *spare_of(block) = spares ? spare_beyond(old_bytes, length_bytes) : 0;
    }
    if (new_bytes < old_bytes) {
        change_owner(block->start + new_bytes, old_bytes - new_bytes, block->id, 0);
        reached.cut++;
    } else if (new_bytes > old_bytes) {
        change_owner(block->start + old_bytes, new_bytes - old_bytes, 0, block->id);
        assert_true(is_zero(block->start + old_bytes, new_bytes - old_bytes));
        reached.extended++;
    }
    block->size_bytes = new_bytes;
    verify_pages(block, old_bytes < new_bytes ? old_bytes : new_bytes);
    stamp_pages(block, old_bytes < new_bytes ? old_bytes : new_bytes);
    model_pages.live_bytes += new_bytes - old_bytes;
}

static void step_move(struct model_block *block) {
    struct hak_big *big = hak_map_big(block->start);
    size_t size_bytes = block->size_bytes + any_size();
    uint64_t refused = sim_refused();
    char *moved = hak_big_move(big, size_bytes);
    if (moved == NULL) {
        assert_true(sim_refused() != refused && hak_big_is_live(big, block->start));
        reached.not_moved++;
        return;
    }
    size_t old_bytes = block->size_bytes;
    change_owner(block->start, old_bytes, block->id, 0);
    block->start = moved;
    block->size_bytes = hak_bigcache_grown_length(hak_bigcache_length(size_bytes));
    *spare_of(block) = 0;
    assert_true(hak_big_is_live(big, moved) && big->size_bytes == block->size_bytes);
    change_owner(moved, block->size_bytes, 0, block->id);
    assert_true(is_zero(moved + old_bytes, block->size_bytes - old_bytes));
    hak_mark_open(moved, block->size_bytes);
    verify_pages(block, old_bytes);
    stamp_pages(block, old_bytes);
    model_pages.live_bytes += block->size_bytes - old_bytes;
    reached.moved++;
}

static void step_change_options(void) {
    static const uint16_t counts[] = {0, 1, 3, 12, 64, 1000, 1000}, megabytes[] = {0, 1, 4, 256},
                          seconds[] = {0, 1, 10}, dirty[] = {0, 0, 1, 12};
    uint32_t *value = hak_root.options.value;
    value[HAK_OPTION_BIG_CACHE_MAX_COUNT] = counts[below(7)];
    value[HAK_OPTION_BIG_CACHE_MAX_MEMORY_MB] = megabytes[below(8) == 0 ? 0 : 1 + below(3)];
    value[HAK_OPTION_BIG_CACHE_TTL_SEC] = seconds[below(8) == 0 ? 0 : 1 + below(2)];
    value[HAK_OPTION_DIRTY_MAX_MB] = dirty[below(4)];
}

/* Time, refusals, options, trim. */
static void step_beside(void) {
    uint32_t what = below(16);
    if (what < 6) {
        sim_advance_clock(below(8) == 0 ? below(8000) : below(300));
        hak_big_age(os_clock_ms());
        cached_age();
    } else if (what < 12) {
        sim_fail_next(1 + below(3));
    } else if (what < 15) {
        step_change_options();
    } else if (below(4) == 0) {
        hak_big_trim();
        assert_int_equal(hak_root.bigs.cache.count, 0);
        assert_null(hak_root.bigs.cache.buckets);
        model.cached_count = 0;
    }
}

/* `fill`: whether blocks are more often taken or given now. */
static void step(bool fill) {
    uint64_t refused = sim_refused();
    struct model_block *block = &model.blocks[below(BLOCKS_MAX)];
    uint32_t what = below(16);
    if (what == 0) {
        step_beside();
    } else if (block->start == NULL) {
        if (fill || below(8) == 0) {
            step_take(block);
        }
    } else if (what < 4) {
        step_resize(block);
    } else if (what == 4) {
        step_move(block);
    } else if (!fill || below(4) == 0) {
        step_give(block);
    }
    cached_compare(sim_refused() != refused);
    assert_int_equal(hak_root.decay.live_bytes, model_pages.live_bytes);
    assert_proven();
}

static void run_sequence(enum hak_geometry_id geometry, uint64_t seed) {
    begin(geometry);
    memset(&model, 0, sizeof model);
    pages_begin(seed);
    sim_set_knobs(&(struct sim_knobs){.placement = (enum program_placement)(seed % 3)});
    for (unsigned i = 0; i < STEPS; i++) {
        step(i / 128 % 2 == 0);
    }
    sim_fail_stop();
    for (unsigned i = 0; i < BLOCKS_MAX; i++) {
        if (model.blocks[i].start != NULL) {
            step_give(&model.blocks[i]);
            cached_compare(false);
            assert_proven();
        }
    }
    reached.grown += totals().grown;
    reached.shrunk += totals().shrunk;
    assert_all_returned();
    assert_int_equal(hak_root.decay.live_bytes, 0);
    assert_int_equal(hak_root.decay.dirty_bytes, 0);
}

static void test_sequences_beside_a_model(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        memset(&reached, 0, sizeof reached);
        for (uint64_t seed = 0; seed < SEQUENCES; seed++) {
            run_sequence(geometry, seed * HAK_GEOMETRY_COUNT + geometry);
        }
        assert_true(reached.none > 0 && reached.given_up > 0 && reached.resynced > 0);
        assert_true(reached.hits > 100 && reached.longer > 10 && reached.spare > 10 && reached.zeroed_hits > 4);
        assert_true(reached.extended > 10 && reached.not_extended > 10 && reached.cut > 10);
        assert_true(reached.moved > 10 && reached.not_moved > 0);
        assert_true(reached.evicted > 10 && reached.expired > 10);
        assert_true(reached.purged_due > 10 && reached.purged_excess > 10);
        assert_true(HAK_GEO->big_buckets > 4 || (reached.grown > 10 && reached.shrunk > 10));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_sequences_beside_a_model, leave_nothing)};
    return cmocka_run_group_tests_name("bigcache_model", tests, open_arena, close_arena);
}
