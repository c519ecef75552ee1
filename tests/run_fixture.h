/* run_fixture: the run tier alone in the simulated system, and its proof, for the tests of it.
 *
 * Included, after cmocka.h, by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_RUN_FIXTURE_H
#define HAKMEM_TESTS_RUN_FIXTURE_H

#include "allocator/shards.h"
#include "tests/arena_fixture.h"

static const char *broken;
static struct hak_run_counts counts;

static inline void visit_region(void *context, struct hak_region *region) {
    (void)context;
    broken = broken != NULL ? broken : hak_region_check(region, &counts);
}

/* NULL, or what is broken. Leaves the sums in counts. */
static inline const char *prove(void) {
    const struct hak_map_visitor visitor = {.region = visit_region};
    broken = NULL;
    counts = (struct hak_run_counts){0};
    hak_map_walk(&visitor, NULL);
    if (broken == NULL) {
        broken = hak_run_check(&counts);
    }
    if (broken == NULL &&
        (hak_root.decay.live_bytes != counts.live_bytes || hak_root.decay.dirty_bytes != counts.dirty_bytes)) {
        broken = "decay was told what is live and what is dirty";
    }
    if (broken == NULL && counts.live_bytes + counts.free_bytes != counts.regions * hak_region_bytes()) {
        broken = "live and free bytes are those of the regions";
    }
    return broken;
}

static inline void assert_proven(void) {
    if (prove() != NULL) {
        fail_msg("%s", broken);
    }
}

/* All that the system gave is metadata. */
static inline void assert_all_returned(void) {
    hak_run_trim();
    assert_proven();
    assert_int_equal(counts.regions, 0);
    assert_int_equal(hak_root.meta.live[HAK_META_REGION], 0);
    assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes);
}

static inline char *take(size_t pages, uint32_t home) {
    bool zeroed;
    char *block = hak_run_take(pages_bytes(pages), 1, home, &zeroed);
    assert_non_null(block);
    return block;
}

static inline bool give(char *block) {
    return hak_run_give(hak_map_region(block), block);
}

static inline bool resize(char *block, size_t pages) {
    return hak_run_resize(hak_map_region(block), block, pages_bytes(pages));
}

static inline size_t usable_pages(const char *block) {
    return hak_run_usable(hak_map_region(block), block) / HAK_PAGE_BYTES;
}

#endif
