/* remote: the drain. */
#include "allocator/remote.h"

#include "allocator/assert.h"
#include "allocator/heap.h"
#include "allocator/map.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

/* The slab's owner may have changed since the producer read it: then the block goes on to where it belongs. */
static void block_arrive(struct hak_heap *heap, struct hak_block *block, bool before_sentinel) {
    struct hak_superslab *superslab = hak_map_superslab(block);
    hak_debug_assert(superslab != NULL);
    struct hak_slab *slab = hak_superslab_slab(superslab, block);
    struct hak_heap *owner = hak_load(&slab->owner, relaxed);
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
        hak_remote_push(&owner->remote, block);
    }
}

void hak_remote_drain(struct hak_heap *heap, enum hak_remote_after after) {
    struct hak_remote *remote = &heap->remote;
    if (after == HAK_REMOTE_OPEN && hak_load(&remote->head, relaxed) == NULL) {
        return; /* nothing waits: no read-modify-write */
    }
    struct hak_block *block = hak_exchange(&remote->head, HAK_SENTINEL, acquire);
    while (block != NULL && block != HAK_SENTINEL) {
        struct hak_block *next = hak_link_get(block);
        hak_link_wipe(block);
        block_arrive(heap, block, next == HAK_SENTINEL);
        if (HAK_FAULT_IF(SENTINEL_VISIBLE, next == HAK_SENTINEL)) {
            hak_link_set((struct hak_block *)(void *)((char *)block + 8), HAK_SENTINEL);
        }
        block = next;
    }
    if (after == HAK_REMOTE_OPEN) {
        /* Fails when blocks came meanwhile: they end in the sentinel, and the next drain takes them. */
        struct hak_block *closed = HAK_SENTINEL;
        (void)hak_cas_strong(&remote->head, &closed, NULL, relaxed, relaxed);
    }
}
