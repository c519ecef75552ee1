/* pending: sorting into parcels, and sending them. */
#include "allocator/pending.h"

#include "allocator/heap.h"
#include "allocator/links.h"
#include "allocator/root.h"

/* More than these would be missed by those they belong to. */
enum { PENDING_MAX_BYTES = 64 << 10 };

/* Neighbours have neighbouring metadata, and those of other SuperSlabs the same places in theirs. */
static uint32_t place_of(const struct hak_slab *slab) {
    uintptr_t number = (uintptr_t)slab / sizeof *slab;
    return (uint32_t)(number ^ (number >> (HAK_GEO->superslab_shift - 6)) * 5) & (HAK_PENDING_PARCELS - 1);
}

/* What was sent is not named any longer: a thread that a fork stops may just have said that the place is filled, and
 * not with what yet. */
static void parcel_end(struct hak_pending *pending, uint32_t place) {
    pending->parcels[place] = (struct hak_parcel){0};
    pending->filled &= ~(UINT64_C(1) << place);
}

/* The parcel that stands where another slab's belongs goes first. */
static void make_place(struct hak_heap *heap, uint32_t place) {
    struct hak_parcel *parcel = &heap->pending.parcels[place];
    struct hak_block *first, *last;
    hak_lock_acquire(&heap->lock);
    hak_parcel_seal(parcel->slab, &parcel->chain, &first, &last);
    hak_remote_push(&hak_slab_owner(parcel->slab)->remote, first, last);
    parcel_end(&heap->pending, place);
    hak_lock_release(&heap->lock);
}

static HAK_NOINLINE void parcel_begin(struct hak_heap *heap, struct hak_slab *slab, struct hak_block *block) {
    struct hak_pending *pending = &heap->pending;
    uint32_t place = place_of(slab);
    if ((pending->filled >> place & 1) != 0) {
        make_place(heap, place);
    }
    hak_link_set(block, NULL);
    pending->parcels[place] = (struct hak_parcel){slab, {.head = block, .tail = block, .count = 1}};
    pending->filled |= UINT64_C(1) << place;
}

void hak_pending_add(struct hak_heap *heap, struct hak_slab *slab, struct hak_block *block) {
    struct hak_pending *pending = &heap->pending;
    uint32_t place = place_of(slab);
    struct hak_parcel *parcel = &pending->parcels[place];
    if (HAK_LIKELY(parcel->slab == slab)) {
        hak_link_set(block, parcel->chain.head);
        parcel->chain.head = block;
        parcel->chain.count++;
    } else {
        parcel_begin(heap, slab, block);
    }
    uint64_t wanted = hak_option(REMOTE_BATCH), most = HAK_GEO->remote_batch;
    if (++pending->count >= (wanted < most ? wanted : most) ||
        (pending->bytes += slab->block_bytes) >= PENDING_MAX_BYTES) {
        hak_pending_send(heap);
        hak_decay_tick(); /* a thread that only frees passes nowhere else */
    }
}

/* The first parcel's owner gets all of his. Pre: there is one. */
static void send_to_one_owner(struct hak_pending *pending) {
    struct hak_heap *owner = NULL;
    struct hak_block *first = NULL, *last = NULL;
    for (uint64_t left = pending->filled; left != 0; left &= left - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(left);
        const struct hak_parcel *parcel = &pending->parcels[place];
        struct hak_heap *its_owner = hak_slab_owner(parcel->slab);
        if (owner != NULL && its_owner != owner) {
            continue;
        }
        struct hak_block *its_first, *its_last;
        hak_parcel_seal(parcel->slab, &parcel->chain, &its_first, &its_last);
        if (owner == NULL) {
            owner = its_owner;
            last = its_last;
        } else {
            hak_link_set(its_last, first);
        }
        first = its_first;
        parcel_end(pending, place);
    }
    hak_remote_push(&owner->remote, first, last);
}

void hak_pending_send(struct hak_heap *heap) {
    struct hak_pending *pending = &heap->pending;
    if (pending->count == 0) {
        return;
    }
    hak_lock_acquire(&heap->lock);
    const struct hak_pending before = *pending;
    while (pending->filled != 0) {
        send_to_one_owner(pending);
    }
    if (HAK_FAULT(PARCEL_SENT_TWICE)) {
        *pending = before;
    }
    hak_count(&heap->work.pushed, pending->count);
    pending->count = pending->bytes = 0;
    hak_lock_release(&heap->lock);
}
