/* bigcache_fixture: big blocks and their cache alone in the simulated system, and their proof, for the tests of them.
 *
 * Included, after cmocka.h, by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_BIGCACHE_FIXTURE_H
#define HAKMEM_TESTS_BIGCACHE_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/fault.h"
#include "allocator/root.h"
#include "oracle/sim.h"

static inline int open_arena(void **state) {
    (void)state;
    char why[256];
    if (sim_open(why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    return 0;
}

static inline int close_arena(void **state) {
    (void)state;
    sim_close();
    return 0;
}

static inline void begin(enum hak_geometry_id geometry) {
    sim_reset(true);
    memset(&hak_root, 0, sizeof hak_root);
    hak_root.geometry = &hak_geometries[geometry];
    hak_options_default(&hak_root.options);
}

static inline int leave_nothing(void **state) {
    (void)state;
    memset(&hak_root, 0, sizeof hak_root);
    memset(&hak_faults, 0, sizeof hak_faults);
    return 0;
}

/* ---- proof ---- */

struct seen {
    size_t live, live_bytes, cached;
};

static inline void see_big(void *context, struct hak_big *big) {
    struct seen *seen = context;
    bool is_live = hak_big_is_live(big, big->base);
    seen->live += is_live;
    seen->live_bytes += is_live ? big->size_bytes : 0;
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
    if (hak_root.decay.live_bytes != seen.live_bytes || hak_root.decay.dirty_bytes != bigs->cache.dirty_bytes) {
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

static inline size_t pages_bytes(size_t pages) {
    return pages * HAK_PAGE_BYTES;
}

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

static inline void write_page(char *page, char value) {
    sim_touch(page, HAK_PAGE_BYTES);
    hak_mark_open(page, HAK_PAGE_BYTES);
    memset(page, value, HAK_PAGE_BYTES);
    hak_mark_closed(page, HAK_PAGE_BYTES);
}

static inline bool is_zero(char *block, size_t size_bytes) {
    hak_mark_open(block, size_bytes);
    bool zero = block[0] == 0 && memcmp(block, block + 1, size_bytes - 1) == 0;
    hak_mark_closed(block, size_bytes);
    return zero;
}

/* The next record needs a chunk from the system. */
static inline void use_up_metadata(void) {
    while (hak_root.meta.limit - hak_root.meta.cursor >= HAK_META_ALIGN_BYTES) {
        (void)hak_meta_take(HAK_META_SHARD, HAK_META_ALIGN_BYTES);
    }
}

#define FOR_EACH_GEOMETRY(id) for (enum hak_geometry_id id = 0; id < HAK_GEOMETRY_COUNT; id++)

#endif
