/* shards: the table of shards of the run tier, in the state root: which one serves whom, and their locks.
 *
 * A shard is made when a heap first needs it, under runs.lock, and stays for ever: once seen it can be locked at any
 * time. When fewer are in use than were made, the others take back what is theirs and lend what they have. */
#ifndef HAKMEM_ALLOCATOR_SHARDS_H
#define HAKMEM_ALLOCATOR_SHARDS_H

#include <stdint.h>

#include "allocator/root.h"

struct hak_shard;

/* NULL when it was not made yet. index < HAK_SHARDS_MAX. */
static inline struct hak_shard *hak_shards_at(uint32_t index) {
    return hak_load(&hak_root.runs.shards[index], acquire);
}

/* Where a look at all of them ends. */
static inline uint32_t hak_shards_end(void) {
    return hak_load(&hak_root.runs.shards_end, relaxed);
}

/* The shard of a heap; where the system refuses to make it, any other one; NULL when there is none. */
struct hak_shard *hak_shards_of(uint32_t home);

/* Lock a shard, and tell the controller whether that was for free. */
void hak_shards_lock(struct hak_shard *shard);
/* Unlock it, whoever locked it and how: decay.h hears first what has changed. */
void hak_shards_unlock(struct hak_shard *shard);

#endif
