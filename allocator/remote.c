/* remote: push and drain. */
#include "allocator/remote.h"

#include "allocator/assert.h"
#include "allocator/heap.h"
#include "allocator/links.h"
#include "allocator/superslab.h"

void hak_remote_push(struct hak_remote *remote, struct hak_block *first, struct hak_block *last) {
    struct hak_block *head = hak_load(&remote->head, relaxed);
    do {
        hak_link_set(last, head);
    } while (!hak_cas_weak(&remote->head, &head, first, release, relaxed));
}

/* The slab's owner may have changed since the producer read it: then the block goes on to where it belongs. True when
 * it is home. */
static bool block_arrive(struct hak_heap *heap, struct hak_block *block, bool before_sentinel) {
    struct hak_slab *slab = hak_slab_of(block);
    struct hak_heap *owner = hak_slab_owner(slab);
    if (HAK_LIKELY(owner == heap)) {
        if (HAK_FAULT(RELEASE_UNDER_REMOTE)) {
            slab->used++; /* the faulty push counted it down already */
        }
        bool slab_stays = slab->used > 1;
        hak_heap_return(heap, slab, block);
        if (HAK_FAULT_IF(SENTINEL_LEAK, before_sentinel && slab_stays)) {
            hak_link_set(block, HAK_SENTINEL); /* what splicing the queue as it is does */
        }
    } else {
        hak_debug_assert(owner != NULL);
        hak_remote_push(&owner->remote, block, block);
    }
    return owner == heap;
}

void hak_remote_drain(struct hak_heap *heap) {
    struct hak_remote *remote = &heap->remote;
    if (remote->is_owned && hak_load(&remote->head, relaxed) == NULL) {
        return; /* nothing waits: no read-modify-write */
    }
    struct hak_block *block = hak_exchange(&remote->head, HAK_SENTINEL, acquire);
    uint32_t drained = 0;
    while (block != NULL && block != HAK_SENTINEL) {
        struct hak_block *next = hak_link_get(block);
        hak_link_wipe(block);
        drained += block_arrive(heap, block, next == HAK_SENTINEL);
        if (HAK_FAULT_IF(SENTINEL_VISIBLE, next == HAK_SENTINEL)) {
            hak_link_set((struct hak_block *)(void *)((char *)block + 8), HAK_SENTINEL);
        }
        block = next;
    }
    hak_count(&heap->work.drained, drained);
    if (remote->is_owned) {
        /* Fails when blocks came meanwhile: they end in the sentinel, and the next drain takes them. */
        struct hak_block *closed = HAK_SENTINEL;
        (void)hak_cas_strong(&remote->head, &closed, NULL, relaxed, relaxed);
    }
}
