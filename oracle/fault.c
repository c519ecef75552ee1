/* fault: the catalogue. */
#include "oracle/fault.h"

#include <string.h>

#define ENTRY(id, name, origin, needs, check, target)                                                                  \
    [HAK_FAULT_##id] = {name, origin, needs, CHECK_##check, TARGET_##target}

const struct fault_info fault_table[HAK_FAULT_COUNT] = {
    [HAK_FAULT_NONE] = {"none", "", "", CHECK_NONE, TARGET_THREADS},
    ENTRY(CARVE_BY_USED, "carve-by-used", "the lineage: refill cut blocks at index `used`, which falls with every free",
          "a free that reaches its slab, then a refill that carves", DOUBLE_ALLOC, SEQUENCE),
    ENTRY(LINK_PAST_BLOCK, "link-past-block",
          "the lineage: the link of an 8 B block stood behind its header, past its end",
          "two neighbouring 8 B blocks, one free", CONTENT_CHANGED, SEQUENCE),
    ENTRY(SENTINEL_LEAK, "sentinel-leak", "the lineage: a drained queue was spliced into a free list with its sentinel",
          "a thread ends with blocks in flight, they are freed, the heap is adopted", SENTINEL_IN_LIST, THREADS),
    ENTRY(BORN_MARKED, "born-marked", "the lineage: a chunk's first bitmap word was born with a bit set", "any slab",
          ACCOUNTING, SEQUENCE),
    ENTRY(CLASS_ROUND_DOWN, "class-round-down",
          "the lineage: a size at a class edge took the class below once its header was counted",
          "a size one above an edge", OVERLAP, SEQUENCE),
    ENTRY(OWNER_8BIT, "owner-8bit",
          "the lineage: slabs kept the low 8 bits of the owner's id, which two threads shared",
          "two threads, one frees the other's block", ACCOUNTING, THREADS),
    ENTRY(SLAB_TWO_CLASSES, "slab-two-classes", "the lineage: the shared pool handed a slab out before unlinking it",
          "a slab from the pool, or two", ACCOUNTING, SEQUENCE),
    ENTRY(RELEASE_UNDER_REMOTE, "release-under-remote",
          "the lineage: a remote free counted the block down before the owner had it",
          "all blocks of a slab freed, one of them remotely, slab given back before the drain", INVARIANT, THREADS),
    ENTRY(STALE_METADATA, "stale-metadata",
          "the lineage: a cached SuperSlab was bound again without clearing its slabs",
          "a slab empties, goes to the pool and comes back", DOUBLE_ALLOC, SEQUENCE),
    ENTRY(RELEASE_LIVE, "release-live", "the lineage: an age limit unmapped a SuperSlab that still had a live block",
          "trim with one slab in use", CONTENT_CHANGED, SEQUENCE),
    ENTRY(MAP_LOSES_PAGE, "map-loses-page", "the lineage: a table that resized lost the entry next to the one it moved",
          "two mappings in one cell of the region map, the larger one freed", ACCOUNTING, SEQUENCE),
    ENTRY(FALLBACK_MALLOC, "fallback-malloc", "the lineage: out of memory fell back to another malloc",
          "a system request that fails", OUTSIDE_WORLD, OOM),
    ENTRY(CACHE_KEEPS_HEAD, "cache-keeps-head", "tcache-like caches: a pop that forgets to move the head",
          "two allocations from a cache of one", DOUBLE_ALLOC, SEQUENCE),
    ENTRY(CALLOC_SKIPS_ZERO, "calloc-skips-zero", "several: calloc trusts that reused memory is fresh",
          "calloc of a block that was used before", CALLOC_NONZERO, SEQUENCE),
    ENTRY(REALLOC_SHORT_COPY, "realloc-short-copy", "several: realloc copies whole words only", "realloc that moves",
          REALLOC_PREFIX, SEQUENCE),
    ENTRY(REALLOC_FREES_OLD, "realloc-frees-old", "several: realloc frees the old block though the new one failed",
          "realloc that moves while the system refuses", REALLOC_HARMED, OOM),
    ENTRY(ALIGN_IGNORED, "align-ignored", "several: aligned_alloc picks a class by size alone",
          "an alignment above 16 that the size's class does not have", MISALIGNED, SEQUENCE),
    ENTRY(ERRNO_MISSING, "errno-missing", "several: NULL without ENOMEM", "any failing request", ERRNO_CONTRACT, OOM),
    ENTRY(USABLE_OVERSTATES, "usable-overstates", "several: usable size counts a header that is not the user's",
          "malloc_usable_size beside a live neighbour", USABLE_OVERLAP, SEQUENCE),
    ENTRY(LINK_LEFT, "link-left", "most mallocs: a popped block still shows its link", "a block that was in a list",
          LEAK_LINK, SEQUENCE),
    ENTRY(SENTINEL_VISIBLE, "sentinel-visible", "the lineage: the sentinel stayed in a block that was handed out",
          "a block freed into a closed queue, adopted, allocated again", LEAK_SENTINEL, THREADS),
    ENTRY(FLUSH_DROPS, "flush-drops", "the lineage: a flush stopped one block early", "a cache flushed to zero",
          BLOCK_LOST, THREADS),
    ENTRY(LOCK_KEPT, "lock-kept", "several: an early return on the failing path keeps the lock",
          "a slab request that fails, then another", DEADLOCK, OOM),
    ENTRY(OVERFLOW_IGNORED, "overflow-ignored", "several, e.g. CVE-2021-3420 (newlib): count times size wraps",
          "calloc or reallocarray with a product above SIZE_MAX", IMPOSSIBLE_SUCCESS, SEQUENCE),
    ENTRY(STATE_OUTSIDE_ROOT, "state-outside-root", "this project: a static counter that no reset sees",
          "several refills", NONDETERMINISM, SEQUENCE),
    ENTRY(GROWTH_LIMIT, "growth-limit", "the lineage: a fixed table of SuperSlabs that filled up",
          "more than four SuperSlabs", SPURIOUS_FAILURE, SEQUENCE),
    ENTRY(ADOPT_NULL, "adopt-null", "several: adoption follows the next heap in the list, which may be none",
          "adoption of the last orphan", CRASH, THREADS),
    ENTRY(USABLE_UNDERSTATES, "usable-understates", "several: usable size of the class below",
          "malloc_usable_size of a block that is nearly full", USABLE_SMALL, SEQUENCE),
    ENTRY(TRIM_FORGETS, "trim-forgets", "several: a loop over a list that ends one early",
          "malloc_trim with empty SuperSlabs", NOT_RETURNED, SEQUENCE),
};

int fault_find(const char *name) {
    if (name[0] == '\0') {
        return HAK_FAULT_NONE;
    }
    for (int i = 0; i < HAK_FAULT_COUNT; i++) {
        if (strcmp(fault_table[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}
