/* fault: places where a historical bug can be put back. One table; oracle/fault.c adds origin and expected check.
 *
 * HAK_FAULT(NAME)            true when the fault is armed: the code behind it is the bug
 * HAK_FAULT_IF(NAME, cond)   the same, where the bug only differs from the right code when cond holds
 *
 * Constant false outside fault builds. Reached counts passing the place while armed, triggered counts acting wrongly.
 * hak_faults belongs to the oracle, not to the state root: it outlives a reset. */
#ifndef HAKMEM_ALLOCATOR_FAULT_H
#define HAKMEM_ALLOCATOR_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/config.h"

#define HAK_FAULT_TABLE(X)                                                                                             \
    X(CARVE_BY_USED, "carve-by-used")                                                                                  \
    X(LINK_PAST_BLOCK, "link-past-block")                                                                              \
    X(SENTINEL_LEAK, "sentinel-leak")                                                                                  \
    X(BORN_MARKED, "born-marked")                                                                                      \
    X(CLASS_ROUND_DOWN, "class-round-down")                                                                            \
    X(OWNER_8BIT, "owner-8bit")                                                                                        \
    X(SLAB_TWO_CLASSES, "slab-two-classes")                                                                            \
    X(RELEASE_UNDER_REMOTE, "release-under-remote")                                                                    \
    X(STALE_METADATA, "stale-metadata")                                                                                \
    X(RELEASE_LIVE, "release-live")                                                                                    \
    X(MAP_LOSES_PAGE, "map-loses-page")                                                                                \
    X(FALLBACK_MALLOC, "fallback-malloc")                                                                              \
    X(CACHE_KEEPS_HEAD, "cache-keeps-head")                                                                            \
    X(CALLOC_SKIPS_ZERO, "calloc-skips-zero")                                                                          \
    X(REALLOC_SHORT_COPY, "realloc-short-copy")                                                                        \
    X(REALLOC_FREES_OLD, "realloc-frees-old")                                                                          \
    X(ALIGN_IGNORED, "align-ignored")                                                                                  \
    X(ERRNO_MISSING, "errno-missing")                                                                                  \
    X(USABLE_OVERSTATES, "usable-overstates")                                                                          \
    X(LINK_LEFT, "link-left")                                                                                          \
    X(SENTINEL_VISIBLE, "sentinel-visible")                                                                            \
    X(FLUSH_DROPS, "flush-drops")                                                                                      \
    X(LOCK_KEPT, "lock-kept")                                                                                          \
    X(OVERFLOW_IGNORED, "overflow-ignored")                                                                            \
    X(STATE_OUTSIDE_ROOT, "state-outside-root")                                                                        \
    X(GROWTH_LIMIT, "growth-limit")                                                                                    \
    X(ADOPT_NULL, "adopt-null")

enum hak_fault {
    HAK_FAULT_NONE,
#define HAK_FAULT_ENUM(id, name) HAK_FAULT_##id,
    HAK_FAULT_TABLE(HAK_FAULT_ENUM)
#undef HAK_FAULT_ENUM
        HAK_FAULT_COUNT
};

#if HAK_FAULTS

struct hak_faults {
    enum hak_fault armed;
    uint64_t reached;
    uint64_t triggered;
    uint32_t outside_root; /* the state that fault state-outside-root keeps where no reset sees it */
};
extern struct hak_faults hak_faults;

static inline bool hak_fault_at(enum hak_fault fault, bool differs) {
    if (HAK_LIKELY(hak_faults.armed != fault)) {
        return false;
    }
    hak_faults.reached++;
    hak_faults.triggered += differs;
    return differs;
}
#define HAK_FAULT_IF(name, condition) hak_fault_at(HAK_FAULT_##name, (condition))

#else

#define HAK_FAULT_IF(name, condition) (false && (condition))

#endif

#define HAK_FAULT(name) HAK_FAULT_IF(name, true)

#endif
