/* remote: the queue through which other threads give a heap its blocks back.
 *
 * Many producers push, one consumer at a time (whoever holds the heap's lock: its owner, or a thread that does it for
 * an owner that is idle or gone) takes everything at once. States of `head`:
 *
 *   NULL      open, empty
 *   SENTINEL  closed, empty: a consumer is draining, or the heap has no owner now
 *   a block   newest first; the list ends in NULL, or in SENTINEL if it was begun while the queue was closed
 *
 * What is queued are parcels: blocks of one slab, in a chain as in a free list, so that a parcel of any length comes
 * home by two writes. Its last block stands for it in the queue: its link leads to the next parcel, and its second word
 * is the label, which says how many blocks there are and which is the first. Blocks that have no room for a label are
 * parcels of their own.
 *
 * A sentinel is never a block and never passes hak_remote_drain: that function (drain) is the only reader of links in
 * the queue, and the only place where remote blocks become local ones. It is called at one boundary, refill.c, and when
 * a heap changes hands or gives slabs away (heaps.c), or is tidied up (tidy.c).
 *
 * Order: push releases the links it wrote, drain acquires them; pushes in between keep the release sequence going. */
#ifndef HAKMEM_ALLOCATOR_REMOTE_H
#define HAKMEM_ALLOCATOR_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/slab.h"

struct hak_remote {
    _Atomic(struct hak_block *) head;
    bool is_owned; /* after a drain the queue is open; under the heap's lock */
#if HAK_FAULTS
    _Atomic uint32_t waiting; /* pushes, as fault count-before-head counts them */
#endif
};

/* Parcels, linked from first to last. Any thread. Pre: their blocks were live until now and lie in slabs of the queue's
 * heap, or lay there when their owner was read (a parcel that arrives too late is forwarded by the drain). */
void hak_remote_push(struct hak_remote *remote, struct hak_block *first, struct hak_block *last);
/* Make a chain of a slab one that can be queued: [*first, *last] are linked, and stand for it. Whoever has the chain.
 */
void hak_parcel_seal(const struct hak_slab *slab, const struct hak_chain *chain, struct hak_block **first,
                     struct hak_block **last);
/* One block, by a thread that has nothing to gather them in. Any thread. */
void hak_remote_free(struct hak_slab *slab, struct hak_block *block);

/* The chain of a parcel that stands in a queue. Whoever has the block. */
struct hak_chain hak_parcel_chain(const struct hak_slab *slab, struct hak_block *last);

static inline bool hak_remote_has_blocks(struct hak_remote *remote) {
    uintptr_t head = (uintptr_t)hak_load(&remote->head, relaxed);
    return head != 0 && (head & 1) == 0; /* of all that can stand there only the sentinel is odd */
}

/* Return every queued block to its slab, in the heap that now owns it; leave the queue open if the heap is owned, else
 * closed. Pre: the heap's lock is held. */
void hak_remote_drain(struct hak_heap *heap);

#endif
