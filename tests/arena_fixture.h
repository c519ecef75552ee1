/* arena_fixture: the simulated system around one tier alone, for the fixtures and tests of tiers.
 *
 * Included after cmocka.h: each test file is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_ARENA_FIXTURE_H
#define HAKMEM_TESTS_ARENA_FIXTURE_H

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

/* One shard only, so that nobody's number matters unless a test says so. */
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
    memset(&hak_faults, 0, sizeof hak_faults);
    return 0;
}

static inline size_t pages_bytes(size_t pages) {
    return pages * HAK_PAGE_BYTES;
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
