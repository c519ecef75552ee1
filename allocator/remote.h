/* remote: the queue through which other threads give a heap its blocks back.
 *
 * Many producers push, one consumer (the heap's owner) takes everything at once. States of `head`:
 *
 *   NULL      open, empty
 *   SENTINEL  closed, empty: the consumer is draining, or the heap has no owner now
 *   a block   newest first; the list ends in NULL, or in SENTINEL if it was begun while the queue was closed
 *
 * A sentinel is never a block and never passes hak_remote_drain: that function (drain) is the only reader of links in
 * the queue, and the only place where remote blocks become local ones. It is called at one boundary, refill.c, and when
 * a heap changes hands (heap.c).
 *
 * Order: push releases the link it wrote, drain acquires it; pushes in between keep the release sequence going. */
#ifndef HAKMEM_ALLOCATOR_REMOTE_H
#define HAKMEM_ALLOCATOR_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "allocator/atomic.h"
#include "allocator/links.h"

struct hak_heap;

struct hak_remote {
    _Atomic(struct hak_block *) head;
};

/* Any thread. Pre: the block is live until now and lies in a slab of the queue's heap, or lay there when its owner was
 * read (a block that arrives too late is forwarded by the drain). */
static inline void hak_remote_push(struct hak_remote *remote, struct hak_block *block) {
    struct hak_block *head = hak_load(&remote->head, relaxed);
    do {
        hak_link_set(block, head);
    } while (!hak_cas_weak(&remote->head, &head, block, release, relaxed));
}

static inline bool hak_remote_is_empty(struct hak_remote *remote) {
    struct hak_block *head = hak_load(&remote->head, relaxed);
    return head == NULL || head == HAK_SENTINEL;
}

enum hak_remote_after { HAK_REMOTE_OPEN, HAK_REMOTE_CLOSED };

/* Owner only. Return every queued block to its slab, in the heap that now owns it; leave the queue open or closed. */
void hak_remote_drain(struct hak_heap *heap, enum hak_remote_after after);

#endif
