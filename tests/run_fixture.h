/* run_fixture: the run tier alone in the simulated system, and its proof, for the tests of it.
 *
 * Included, after cmocka.h, by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_RUN_FIXTURE_H
#define HAKMEM_TESTS_RUN_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/root.h"
#include "allocator/shards.h"
#include "oracle/sim.h"

/* ---- the tier, alone ---- */

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
    hak_ace_pin(&hak_root.ace, HAK_ACE_SHARDS, 1);
}

static inline int leave_nothing(void **state) {
    (void)state;
    memset(&hak_root, 0, sizeof hak_root);
    hak_faults.armed = HAK_FAULT_NONE;
    return 0;
}

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

static inline size_t pages_bytes(size_t pages) {
    return pages * HAK_PAGE_BYTES;
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

#define FOR_EACH_GEOMETRY(id) for (enum hak_geometry_id id = 0; id < HAK_GEOMETRY_COUNT; id++)

#endif
