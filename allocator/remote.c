/* remote: parcels are made, pushed, drained. */
#include "allocator/remote.h"

#include "allocator/assert.h"
#include "allocator/heap.h"
#include "allocator/links.h"
#include "allocator/superslab.h"

/* --- parcels --- */

void hak_parcel_seal(const struct hak_slab *slab, const struct hak_chain *chain, struct hak_block **first,
                     struct hak_block **last) {
    *first = *last = chain->tail;
    if (hak_slab_has_labels(slab)) {
        uint32_t head_index = (uint32_t)((char *)chain->head - slab->start) / slab->block_bytes;
        uint32_t count = HAK_FAULT_IF(PARCEL_COUNT_OFF, chain->count > 1) ? chain->count - 1 : chain->count;
        hak_label_set(chain->tail, (struct hak_label){head_index, count});
    } else {
        *first = chain->head; /* each is a parcel, and linked as in a queue */
    }
}

struct hak_chain hak_parcel_chain(const struct hak_slab *slab, struct hak_block *last) {
    if (!hak_slab_has_labels(slab)) {
        return (struct hak_chain){last, last, 1};
    }
    struct hak_label label = hak_label_get(last);
    hak_assert(label.count > 0 && label.count <= slab->used && label.index < slab->carved);
    return (struct hak_chain){hak_slab_block(slab, label.index), last, label.count};
}

/* --- a count of pushes, which only fault count-before-head keeps and believes --- */

#if HAK_FAULTS
static void count_push(struct hak_remote *remote) {
    if (hak_faults.armed == HAK_FAULT_COUNT_BEFORE_HEAD) {
        (void)hak_fetch_add(&remote->waiting, 1, relaxed);
    }
}

static bool count_is_none(struct hak_remote *remote) {
    return HAK_FAULT_IF(COUNT_BEFORE_HEAD,
                        hak_exchange(&remote->waiting, 0, relaxed) == 0 && hak_remote_has_blocks(remote));
}
#else
static void count_push(struct hak_remote *remote) {
    (void)remote;
}

static bool count_is_none(struct hak_remote *remote) {
    (void)remote;
    return false;
}
#endif

/* --- push --- */

void hak_remote_push(struct hak_remote *remote, struct hak_block *first, struct hak_block *last) {
    count_push(remote);
    struct hak_block *head = hak_load(&remote->head, relaxed);
    for (;;) {
        struct hak_block *seen = head;
        hak_link_set(last, head);
        if (hak_cas_weak(&remote->head, &seen, first, release, relaxed)) {
            return;
        }
        if (!HAK_FAULT_IF(PUSH_KEEPS_HEAD, seen != head)) {
            head = seen;
        }
    }
}

void hak_remote_free(struct hak_slab *slab, struct hak_block *block) {
    const struct hak_chain chain = {.head = block, .tail = block, .count = 1};
    struct hak_block *first, *last;
    hak_parcel_seal(slab, &chain, &first, &last);
    hak_remote_push(&hak_slab_owner(slab)->remote, first, last);
}

/* --- drain --- */

/* The slab's owner may have changed since the producer read it: then the parcel goes on to where it belongs. Returns
 * how many blocks came home. */
static uint32_t parcel_arrive(struct hak_heap *heap, struct hak_block *last, bool before_sentinel) {
    struct hak_slab *slab = hak_slab_of(last);
    struct hak_heap *owner = hak_slab_owner(slab);
    if (HAK_UNLIKELY(owner != heap)) {
        hak_debug_assert(owner != NULL);
        hak_remote_push(&owner->remote, last, last);
        if (HAK_FAULT(ADOPT_PUSHES_TWICE)) {
            hak_remote_push(&heap->remote, last, last);
        }
        return 0;
    }
    struct hak_chain chain = hak_parcel_chain(slab, last);
    if (hak_slab_has_labels(slab)) {
        hak_label_wipe(last);
    }
    if (HAK_FAULT(RELEASE_UNDER_REMOTE)) {
        slab->used = (uint16_t)(slab->used + chain.count); /* the faulty push counted them down already */
    }
    bool slab_stays = slab->used > chain.count;
    hak_heap_return(heap, slab, chain);
    if (HAK_FAULT_IF(SENTINEL_LEAK, before_sentinel && slab_stays)) {
        hak_link_set(last, HAK_SENTINEL); /* what splicing the queue as it is does */
    }
    return chain.count;
}

void hak_remote_drain(struct hak_heap *heap) {
    struct hak_remote *remote = &heap->remote;
    if (count_is_none(remote)) {
        return;
    }
    if (remote->is_owned && hak_load(&remote->head, relaxed) == NULL) {
        return; /* nothing waits: no read-modify-write */
    }
    struct hak_block *block = HAK_FAULT(TAKE_RELAXED) ? hak_exchange(&remote->head, HAK_SENTINEL, relaxed)
                                                      : hak_exchange(&remote->head, HAK_SENTINEL, acquire);
    uint32_t drained = 0;
    while (block != NULL && block != HAK_SENTINEL) {
        struct hak_block *next = hak_link_get(block);
        drained += parcel_arrive(heap, block, next == HAK_SENTINEL);
        if (HAK_FAULT_IF(SENTINEL_VISIBLE, next == HAK_SENTINEL && hak_slab_of(block)->block_bytes >= 32)) {
            hak_link_set((struct hak_block *)(void *)((char *)block + 16), HAK_SENTINEL);
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
