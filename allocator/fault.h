/* fault: places where a historical bug can be put back. One table of ids; oracle/fault.c adds to each its name, origin
 * and expected check.
 *
 * HAK_FAULT(NAME)            true when the fault is armed: the code behind it is the bug
 * HAK_FAULT_IF(NAME, cond)   the same, where the bug only differs from the right code when cond holds
 * HAK_FAULT_ARMED(NAME)      whether it is, where something else has to bear with the bug; counts nothing
 *
 * Constant false outside fault builds. Reached counts passing the place while armed; triggered says that the condition
 * of the bug held there. The first trigger latches the fault: from then on the state is not what the program made, so
 * what follows is behaviour of the bug and no evidence of how near a program comes to it. It goes on acting wrongly,
 * but is not counted any more until the next run begins. So reached is the number of passes up to and with the one
 * that triggered. Whether a check then saw it is the oracle's to say: detected is no count of this file.
 *
 * hak_faults belongs to the oracle, not to the state root: it outlives a reset. */
#ifndef HAKMEM_ALLOCATOR_FAULT_H
#define HAKMEM_ALLOCATOR_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/atomic.h"

#define HAK_FAULT_TABLE(X)                                                                                             \
    X(CARVE_BY_USED)                                                                                                   \
    X(LINK_PAST_BLOCK)                                                                                                 \
    X(SENTINEL_LEAK)                                                                                                   \
    X(BORN_MARKED)                                                                                                     \
    X(CLASS_ROUND_DOWN)                                                                                                \
    X(OWNER_8BIT)                                                                                                      \
    X(SLAB_TWO_CLASSES)                                                                                                \
    X(RELEASE_UNDER_REMOTE)                                                                                            \
    X(STALE_METADATA)                                                                                                  \
    X(RELEASE_LIVE)                                                                                                    \
    X(MAP_LOSES_PAGE)                                                                                                  \
    X(FALLBACK_MALLOC)                                                                                                 \
    X(CACHE_KEEPS_HEAD)                                                                                                \
    X(CALLOC_SKIPS_ZERO)                                                                                               \
    X(REALLOC_SHORT_COPY)                                                                                              \
    X(REALLOC_FREES_OLD)                                                                                               \
    X(ALIGN_IGNORED)                                                                                                   \
    X(ERRNO_MISSING)                                                                                                   \
    X(USABLE_OVERSTATES)                                                                                               \
    X(LINK_LEFT)                                                                                                       \
    X(SENTINEL_VISIBLE)                                                                                                \
    X(FLUSH_DROPS)                                                                                                     \
    X(LOCK_KEPT)                                                                                                       \
    X(OVERFLOW_IGNORED)                                                                                                \
    X(STATE_OUTSIDE_ROOT)                                                                                              \
    X(GROWTH_LIMIT)                                                                                                    \
    X(ADOPT_NULL)                                                                                                      \
    X(USABLE_UNDERSTATES)                                                                                              \
    X(TRIM_FORGETS)                                                                                                    \
    X(RUN_JOIN_LOSES_NEIGHBOUR)                                                                                        \
    X(RUN_KEEPS_ZERO)                                                                                                  \
    X(RUN_TAIL_SHORT)                                                                                                  \
    X(RUN_ALIGN_FRONT_LOST)                                                                                            \
    X(BIGCACHE_LOSES_ON_GROW)                                                                                          \
    X(BIGCACHE_WRONG_SIZE)                                                                                             \
    X(BIGCACHE_KEEPS_ZERO)                                                                                             \
    X(BIGCACHE_STALE_AFTER_TTL)                                                                                        \
    X(LAZY_STALE_DIVISION)                                                                                             \
    X(PURGE_BOUND)                                                                                                     \
    X(PENDING_DROPPED)                                                                                                 \
    X(ADOPT_FORGETS_FULL)                                                                                              \
    X(CUT_KEEPS_TAIL)                                                                                                  \
    X(DECAY_FORGETS_PURGE)                                                                                             \
    X(MAP_KEEPS_REGION)                                                                                                \
    X(REMAP_KEEPS_LENGTH)                                                                                              \
    X(REFILL_SKIPS_DRAIN)                                                                                              \
    X(POOL_PASSES_FREE)                                                                                                \
    X(LAZY_KEEPS_MORE)                                                                                                 \
    X(OPTION_UNIT_TRUNCATES)                                                                                           \
    X(PURGE_KEEPS_LISTED)                                                                                              \
    X(PURGE_STRADDLED)                                                                                                 \
    X(RESTORE_FORGETS)                                                                                                 \
    X(PUSH_KEEPS_HEAD)                                                                                                 \
    X(TAKE_RELAXED)                                                                                                    \
    X(PARCEL_COUNT_OFF)                                                                                                \
    X(PARCEL_SENT_TWICE)                                                                                               \
    X(CHAIN_CUT_KEEPS_COUNT)                                                                                           \
    X(LABEL_LEFT)                                                                                                      \
    X(COUNT_BEFORE_HEAD)                                                                                               \
    X(SLAB_LOOKED_UP_EARLY)                                                                                            \
    X(HEAP_REUSED)                                                                                                     \
    X(ADOPT_PUSHES_TWICE)                                                                                              \
    X(START_SIGN_EARLY)                                                                                                \
    X(FORK_KEEPS_LOCK)                                                                                                 \
    X(POOL_CHOOSES_EARLY)                                                                                              \
    X(LAZY_CHOOSES_EARLY)                                                                                              \
    X(ALIGNED_GAP_COUNTS)                                                                                              \
    X(DEAD_THREAD_CLAIMS)                                                                                              \
    X(PAGE_COUNT_32BIT)                                                                                                \
    X(REMAP_UNLOCKED)                                                                                                  \
    X(JOIN_KEEPS_AGE)                                                                                                  \
    X(REFILL_COUNTS_REFUSED)                                                                                           \
    X(ALIGN_ROUND_WRAPS)                                                                                               \
    X(SIZED_FREE_TRUSTED)                                                                                              \
    X(LABEL_NARROW)                                                                                                    \
    X(NEAR_MAX_WRAPS)                                                                                                  \
    X(ALIGN_SUM_WRAPS)                                                                                                 \
    X(HEAP_LISTED_TWICE)                                                                                               \
    X(LOCK_SKIPPED)                                                                                                    \
    X(STALE_FREE_MASK)                                                                                                 \
    X(ALIGNED_NULL)                                                                                                    \
    X(DIVISION_KEEPS_BYTES)                                                                                            \
    X(REGROW_KEEPS_CLEAN)                                                                                              \
    X(BASE_FOR_USER)                                                                                                   \
    X(START_CALLS_ITSELF)                                                                                              \
    X(DOUBLE_FREE_UNSEEN)                                                                                              \
    X(INTERIOR_FREE_UNSEEN)                                                                                            \
    X(FREE_NULL_ERRNO)

enum hak_fault {
    HAK_FAULT_NONE,
#define HAK_FAULT_ENUM(id) HAK_FAULT_##id,
    HAK_FAULT_TABLE(HAK_FAULT_ENUM)
#undef HAK_FAULT_ENUM
        HAK_FAULT_COUNT
};

#if HAK_FAULTS

struct hak_faults {
    enum hak_fault armed;
    _Atomic uint64_t reached;      /* in this run, until it was triggered */
    _Atomic uint64_t triggered;    /* 0 or 1: the latch */
    uint32_t outside_root;         /* the state that fault state-outside-root keeps where no reset sees it */
    unsigned char elsewhere[8192]; /* what fault fallback-malloc hands out */
};
extern struct hak_faults hak_faults;

/* On real threads those that are on their way past the place when another one triggers may still be counted. */
static inline bool hak_fault_triggers(bool differs) {
    if (hak_note_load(&hak_faults.triggered) == 0) {
        hak_note_add(&hak_faults.reached, 1);
        if (differs) {
            hak_note_store(&hak_faults.triggered, 1);
        }
    }
    return differs;
}
#define HAK_FAULT_ARMED(name) HAK_UNLIKELY(hak_faults.armed == HAK_FAULT_##name)
/* The condition is looked at only when the fault is armed. */
#define HAK_FAULT_IF(name, condition) (HAK_FAULT_ARMED(name) && hak_fault_triggers(condition))

#else

#define HAK_FAULT_ARMED(name) false
#define HAK_FAULT_IF(name, condition) (false && (condition))

#endif

#define HAK_FAULT(name) HAK_FAULT_IF(name, true)

#endif
