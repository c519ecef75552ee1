/* decay: when memory that is free but still resident goes back to the system.
 *
 * Dirty memory is free memory that was written since the system gave it: free slabs, free runs, cached mappings. It is
 * kept for reuse, since page faults are dear, within these bounds:
 *
 *   budget   HAKMEM_DIRTY_MAX_MB, and as much as is live. What goes beyond is purged at once by whoever frees.
 *   turns    In its place, for a program that takes and frees the same again and again: see below.
 *   age      the controller's purge delay. Whoever is on a slow path looks at the clock now and then, and has each
 *            owner of dirty memory purge what is older, and release what is past its time to live.
 *
 * A program that goes in turns would fault in each time what was purged. When more was purged within
 * HAK_DECAY_WINDOW_MS than was ever resident then, pages went and came again: from now on as much may be resident in
 * all, and a budget beside it, if it is within HAK_DECAY_TURNS budgets. After such a window that is over, and is found
 * out anew. One burst purges less than was resident, and leaves the plain budget; so do bursts beyond the bound,
 * however often they come (decision 16).
 *
 * Where the program has locked its pages into memory, the system refuses to purge, and would refuse each time anew:
 * after a refusal nobody but malloc_trim asks for HAK_DECAY_SILENCE_MS. Other owners' pages wait with those; each such
 * time begins with what waits longest, and who was refused goes to the young end.
 *
 * There is no thread for this: a process that makes no calls keeps at most its budget, or what its last turns had.
 * Counters are sums of what the owners tell; they take no lock. Lists of what is dirty belong to the owners, under
 * their locks. Any thread. */
#ifndef HAKMEM_ALLOCATOR_DECAY_H
#define HAKMEM_ALLOCATOR_DECAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"

struct hak_decay {
    _Atomic size_t dirty_bytes;
    _Atomic size_t live_bytes;            /* bound slabs, live runs, live mappings: whole ones */
    _Atomic size_t spare_bytes;           /* live and dirty: the ends of live mappings that are of no use (big.h) */
    _Atomic size_t purged_bytes;          /* ever */
    _Atomic size_t before_bytes;          /* of these, when the window began */
    _Atomic size_t peak_bytes;            /* the most that was live and dirty since then */
    _Atomic size_t turns_bytes;           /* that may be resident in all, beside the budget */
    _Atomic uint32_t window_ms;           /* when the window began */
    _Atomic uint32_t looked_ms;           /* when somebody last looked after age */
    _Atomic uint64_t refused_ms_plus_one; /* when the system last refused to purge; 0: never */
};

enum { HAK_DECAY_SILENCE_MS = 1000, HAK_DECAY_WINDOW_MS = 1000, HAK_DECAY_TURNS = 4 };

/* Tell of a change. Wraps around like all unsigned arithmetic: a fall is the negative in two's complement. */
void hak_decay_dirty(size_t change_bytes);
void hak_decay_live(size_t change_bytes);
/* Of what is live, so much more is dirty too. */
void hak_decay_spare(size_t change_bytes);
void hak_decay_purged(size_t purged_bytes);

/* os_purge, with whatever locks are held. */
bool hak_decay_purge(void *address, size_t size_bytes);

/* Whether it is too early to ask again after a refusal. */
bool hak_decay_is_silent(void);

/* How much dirty memory is above the budget, and 0 in the time after a refusal. Owners purge their oldest until it is 0
 * or they have no more. */
size_t hak_decay_excess(void);

/* How long ago that was, within 24 days. A time in the future is one that somebody else took after now_ms was read: 0.
 */
static inline uint32_t hak_decay_age_ms(uint32_t since_ms, uint32_t now_ms) {
    int32_t age_ms = (int32_t)(now_ms - since_ms);
    return age_ms < 0 ? 0 : (uint32_t)age_ms;
}

/* Whether something that became free at since_ms is due to be purged: it is old, or there is too much; and nothing was
 * refused lately. */
bool hak_decay_is_due(uint32_t since_ms, uint32_t now_ms);

/* Call on slow paths, with no lock held: now and then it has all owners look after age. */
void hak_decay_tick(void);

/* Purge or release all that can be: malloc_trim. Whether runs or mappings went; of the pool, hak_pool_returned tells.
 * No lock held. */
bool hak_decay_trim(void);

#endif
