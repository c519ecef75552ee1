/* pending: what a thread freed for other heaps and has not handed over yet.
 *
 * Blocks wait in the heap of the thread that freed them, sorted into parcels (remote.h), one a slab, each in the place
 * that the slab's address leads to. They are handed over when there are many (HAKMEM_REMOTE_BATCH blocks, or 64 KiB),
 * when another slab's parcel needs the place, when the thread looks for memory itself, and when it ends: so a thread
 * that does nothing more keeps that much, and the slabs it lies in, for as long as it lives. Parcels of one owner go in
 * one push: that remote frees are dear one by one and cheap in batches by owner was learnt from snmalloc.
 *
 * Only the owner of the heap touches it. Parcels leave under heap.lock, so that a fork, which takes that, finds each
 * block here or in a queue. */
#ifndef HAKMEM_ALLOCATOR_PENDING_H
#define HAKMEM_ALLOCATOR_PENDING_H

#include "allocator/slab.h"

enum { HAK_PENDING_PARCELS = HAK_TRIAL ? 4 : 64 }; /* a power of two */

struct hak_pending {
    uint64_t filled; /* bit i: parcels[i] has blocks; the others are all zero */
    uint32_t count;  /* blocks since all were handed over */
    uint32_t bytes;
    struct hak_parcel {
        struct hak_slab *slab;
        struct hak_chain chain;
    } parcels[HAK_PENDING_PARCELS];
};

/* Free a block of another heap's slab. Takes heap.lock when parcels leave. */
void hak_pending_add(struct hak_heap *heap, struct hak_slab *slab, struct hak_block *block);
/* Hand over what is pending. Takes heap.lock. */
void hak_pending_send(struct hak_heap *heap);

#endif
