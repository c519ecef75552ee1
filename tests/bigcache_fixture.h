/* bigcache_fixture: big blocks and their cache alone in the simulated system, and their proof, for the tests of them.
 *
 * Included, after cmocka.h, by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_BIGCACHE_FIXTURE_H
#define HAKMEM_TESTS_BIGCACHE_FIXTURE_H

#include "tests/arena_fixture.h"

/* ---- proof ---- */

struct seen {
    size_t live, live_bytes, spare_bytes, cached;
};

static inline void see_big(void *context, struct hak_big *big) {
    struct seen *seen = context;
    bool is_live = hak_big_is_live(big, big->base);
    seen->live += is_live;
    seen->live_bytes += is_live ? big->size_bytes : 0;
    seen->spare_bytes += is_live ? big->spare_bytes : 0;
    seen->cached += !is_live;
}

static inline size_t table_bytes(void) {
    size_t bytes = hak_root.bigs.cache.bucket_count * sizeof(struct hak_big *);
    return (bytes + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1);
}

/* NULL, or what is broken. */
static inline const char *prove(void) {
    static const struct hak_map_visitor visitor = {.big = see_big};
    struct hak_bigs *bigs = &hak_root.bigs;
    struct seen seen = {0};
    hak_map_walk(&visitor, &seen);
    const char *broken = hak_big_check(seen.cached);
    if (broken != NULL) {
        return broken;
    }
    if (seen.live != bigs->counters.live || seen.live_bytes != bigs->counters.live_bytes || bigs->leaving != 0) {
        return "live mappings are counted right";
    }
    if (hak_root.decay.live_bytes != seen.live_bytes ||
        hak_root.decay.dirty_bytes != bigs->cache.dirty_bytes + seen.spare_bytes) {
        return "decay was told what is live and what is dirty";
    }
    if (hak_root.meta.live[HAK_META_BIG] != seen.live + seen.cached) {
        return "every record stands for a mapping";
    }
    if (sim_reserved_bytes() != seen.live_bytes + bigs->cache.bytes + table_bytes() + hak_root.meta.reserved_bytes) {
        return "what the system gave is a mapping, the table, or metadata";
    }
    return NULL;
}

static inline void assert_proven(void) {
    const char *broken = prove();
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

/* All that the system gave is metadata. */
static inline void assert_all_returned(void) {
    hak_big_trim();
    assert_proven();
    assert_null(hak_root.bigs.cache.buckets);
    assert_int_equal(hak_root.meta.live[HAK_META_BIG], 0);
    assert_int_equal(hak_root.meta.live[HAK_META_PAGES], 0);
    assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes);
}

/* ---- blocks ---- */

static inline char *take(size_t pages) {
    bool zeroed;
    char *block = hak_big_take(pages_bytes(pages), 1, &zeroed);
    assert_non_null(block);
    return block;
}

static inline bool give(const char *block) {
    return hak_big_give(hak_map_big(block), block);
}

static inline size_t usable_pages(const char *block) {
    return hak_map_big(block)->size_bytes / HAK_PAGE_BYTES;
}

static inline struct hak_big_totals totals(void) {
    struct hak_big_totals totals;
    hak_big_totals(&totals);
    return totals;
}

static inline void advance(uint32_t ms) {
    sim_advance_clock(ms);
    hak_big_age(os_clock_ms());
}

/* The next record needs a chunk from the system. */
static inline void use_up_metadata(void) {
    while (hak_root.meta.limit - hak_root.meta.cursor >= HAK_META_ALIGN_BYTES) {
        (void)hak_meta_take(HAK_META_SHARD, HAK_META_ALIGN_BYTES);
    }
}

#endif
