/* remote: the queue through which other threads give a heap its blocks back.
 *
 * Many producers push, one consumer at a time (whoever holds the heap's lock: its owner, or a thread that does it for
 * an owner that is idle or gone) takes everything at once. States of `head`:
 *
 *   NULL      open, empty
 *   SENTINEL  closed, empty: a consumer is draining, or the heap has no owner now
 *   a block   newest first; the list ends in NULL, or in SENTINEL if it was begun while the queue was closed
 *
 * A sentinel is never a block and never passes hak_remote_drain: that function (drain) is the only reader of links in
 * the queue, and the only place where remote blocks become local ones. It is called at one boundary, refill.c, and when
 * a heap changes hands or is tidied up (heap.c).
 *
 * Blocks are pushed in batches: a thread gathers what it frees for one owner in its own heap (hak_pending), a chain
 * that ends in NULL, and hands it over when it is full, when another owner comes, and before it looks for memory
 * itself.
 *
 * Order: push releases the links it wrote, drain acquires them; pushes in between keep the release sequence going. */
#ifndef HAKMEM_ALLOCATOR_REMOTE_H
#define HAKMEM_ALLOCATOR_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"

struct hak_block;
struct hak_heap;

struct hak_remote {
    _Atomic(struct hak_block *) head;
    bool is_owned; /* after a drain the queue is open; under the heap's lock */
};

/* Freed for `owner`, not handed over yet. Of the thread whose heap it stands in. */
struct hak_pending {
    struct hak_heap *owner;
    struct hak_block *head; /* newest */
    struct hak_block *tail;
    uint32_t count;
};

/* A chain of blocks, linked from first to last. Any thread. Pre: they were live until now and lie in slabs of the
 * queue's heap, or lay there when their owner was read (a block that arrives too late is forwarded by the drain). */
void hak_remote_push(struct hak_remote *remote, struct hak_block *first, struct hak_block *last);

static inline bool hak_remote_has_blocks(struct hak_remote *remote) {
    uintptr_t head = (uintptr_t)hak_load(&remote->head, relaxed);
    return head != 0 && (head & 1) == 0; /* of all that can stand there only the sentinel is odd */
}

/* Return every queued block to its slab, in the heap that now owns it; leave the queue open if the heap is owned, else
 * closed. Pre: the heap's lock is held. */
void hak_remote_drain(struct hak_heap *heap);

#endif
