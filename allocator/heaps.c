/* heaps: how heaps are made and change hands. All under heaps.lock, which is the outermost. */
#include "allocator/assert.h"
#include "allocator/check.h"
#include "allocator/heap.h"
#include "allocator/links.h"
#include "allocator/ring.h"
#include "allocator/slab_list.h"
#include "allocator/superslab.h"

/* Brings `classes` up to date. Pre: heap.lock, or nobody else has the heap. */
static bool heap_has_slabs(struct hak_heap *heap) {
    bool any = heap->full != NULL;
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; !any && (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        any = heap->available[class_id] != NULL;
    }
    if (!any) {
        heap->classes = (struct hak_class_set){{0}};
    }
    return any;
}

/* `previous` is the one before it in the list, NULL: it is the first. */
static void unowned_remove(_Atomic(struct hak_heap *) *list, struct hak_heap *previous, struct hak_heap *heap) {
    if (previous == NULL) {
        hak_store(list, heap->next_unowned, relaxed);
    } else {
        previous->next_unowned = heap->next_unowned;
    }
    heap->next_unowned = NULL;
}

static struct hak_heap *unowned_pop(_Atomic(struct hak_heap *) *list) {
    struct hak_heap *heap = hak_load(list, relaxed);
    if (heap != NULL) {
        if (heap == hak_root.heaps.asked_last) {
            hak_root.heaps.asked_last = NULL;
        }
        unowned_remove(list, NULL, heap);
        heap->state = HAK_HEAP_OWNED;
    }
    return heap;
}

static void unowned_put(struct hak_heap *heap, bool has_slabs) {
    struct hak_heaps *heaps = &hak_root.heaps;
    _Atomic(struct hak_heap *) *list = has_slabs ? &heaps->orphans : &heaps->spares;
    heap->state = has_slabs ? HAK_HEAP_ORPHAN : HAK_HEAP_SPARE;
    heap->next_unowned = HAK_FAULT(HEAP_LISTED_TWICE) ? heap : hak_load(list, relaxed);
    hak_store(list, heap, relaxed);
}

static struct hak_heap *heap_create(struct hak_heaps *heaps) {
    struct hak_heap *heap = hak_meta_take(HAK_META_HEAP, sizeof *heap);
    if (heap == NULL) {
        return NULL;
    }
    heap->id = hak_load(&heaps->count, relaxed) + 1;
    hak_store(&heaps->count, heap->id, relaxed);
    hak_tell_write(heap->lock.word); /* its zero */
    heap->next_known = hak_load(&heaps->known, relaxed);
    hak_store(&heaps->known, heap, release); /* what it holds before its address */
    return heap;
}

/* The queue opens, and what came while nobody had the heap comes home. */
static void heap_open(struct hak_heap *heap) {
    hak_lock_acquire(&heap->lock);
    heap->remote.is_owned = true;
    hak_remote_drain(heap);
    hak_lock_release(&heap->lock);
    hak_ring_note(HAK_EVENT_HEAP_CLAIMED, heap->id);
}

struct hak_heap *hak_heap_claim(void) {
    struct hak_heaps *heaps = &hak_root.heaps;
    hak_lock_acquire(&heaps->lock);
    struct hak_heap *heap = unowned_pop(&heaps->spares);
    if (heap == NULL) {
        heap = unowned_pop(&heaps->orphans);
    }
    if (heap == NULL) {
        heap = heap_create(heaps);
    }
    hak_lock_release(&heaps->lock);
    if (heap != NULL) {
        heap_open(heap);
    }
    return heap;
}

void hak_heap_flush_all(struct hak_heap *heap) {
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        hak_heap_flush(heap, class_id, 0);
    }
}

void hak_heap_release(struct hak_heap *heap) {
    if (HAK_FAULT_IF(PENDING_DROPPED, heap->pending.count != 0)) {
        heap->pending = (struct hak_pending){0};
    }
    hak_pending_send(heap);
    hak_heap_flush_all(heap);
    hak_lock_acquire(&hak_root.heaps.lock);
    hak_lock_acquire(&heap->lock);
    hak_heap_assert(hak_heap_is_valid(heap)); /* under the lock: who trims may be at its lists */
    heap->remote.is_owned = false;
    hak_remote_drain(heap);
    hak_heap_give_empties(heap);
    bool has_slabs = heap_has_slabs(heap);
    hak_lock_release(&heap->lock);
    hak_ring_note(HAK_EVENT_HEAP_RELEASED, heap->id);
    unowned_put(heap, has_slabs);
    hak_lock_release(&hak_root.heaps.lock);
}

static void slab_take_over(struct hak_heap *heap, struct hak_slab **from, struct hak_slab **to) {
    struct hak_slab *slab = *from;
    hak_slab_list_remove(from, slab);
    hak_slab_set_owner(slab, heap); /* who still reads the old owner pushes there, and is forwarded */
    hak_slab_list_insert(to, slab);
}

static void slabs_take_over(struct hak_heap *heap, struct hak_slab **from, struct hak_slab **to) {
    while (*from != NULL) {
        slab_take_over(heap, from, to);
    }
}

/* All that the orphan has. Pre: both locks. */
static void take_over_all(struct hak_heap *heap, struct hak_heap *orphan) {
    hak_class_join(&heap->classes, &orphan->classes); /* those of full slabs too */
    struct hak_class_set classes = orphan->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        slabs_take_over(heap, &orphan->available[class_id], &heap->available[class_id]);
    }
    slabs_take_over(heap, &orphan->full, &heap->full);
    hak_remote_drain(orphan); /* all of it is forwarded to this heap */
    hak_remote_drain(heap);
}

/* A slab of the class that has room: no more than is needed, others may need some too. False when there is none. Pre:
 * both locks. */
static bool take_over_class(struct hak_heap *heap, struct hak_heap *orphan, uint32_t class_id) {
    struct hak_slab *early = orphan->available[class_id];
    hak_remote_drain(orphan); /* some may be forwarded to this heap: it has looked at its queue already */
    hak_remote_drain(heap);
    if (HAK_FAULT_IF(SLAB_LOOKED_UP_EARLY, early != NULL && early->state != HAK_SLAB_BOUND)) {
        slab_take_over(heap, &early, &heap->available[class_id]);
        return true;
    }
    if (orphan->available[class_id] == NULL) {
        return false;
    }
    hak_class_add(&heap->classes, class_id);
    slab_take_over(heap, &orphan->available[class_id], &heap->available[class_id]);
    return true;
}

/* True when something was taken over. *has_slabs: the orphan still has some. Pre: heaps.lock. */
static bool adopt_from(struct hak_heap *heap, struct hak_heap *orphan, uint32_t class_id, bool *has_slabs) {
    bool some = true;
    hak_lock_acquire(&heap->lock);
    hak_lock_acquire(&orphan->lock);
    if (HAK_FAULT_IF(ADOPT_FORGETS_FULL, orphan->full != NULL)) {
        orphan->full = NULL;
    }
    if (class_id == HAK_CLASS_NONE) {
        take_over_all(heap, orphan);
    } else {
        some = take_over_class(heap, orphan, class_id);
    }
    if (HAK_FAULT_IF(ADOPT_NULL, some)) {
        hak_remote_drain(orphan->next_unowned);
    }
    *has_slabs = heap_has_slabs(orphan);
    hak_lock_release(&orphan->lock);
    hak_lock_release(&heap->lock);
    if (some) {
        hak_count(&heap->work.adopted, 1);
        hak_ring_note(HAK_EVENT_HEAP_ADOPTED, orphan->id);
    }
    return some;
}

/* Only a few orphans are asked, beside those that turn out to have nothing left; the next time the ones behind them.
 * The end of the list is no end, but is passed once only. */
bool hak_heap_adopt(struct hak_heap *heap, uint32_t class_id) {
    enum { ASKED_AT_MOST = 8 };
    struct hak_heaps *heaps = &hak_root.heaps;
    struct hak_heap *seen = hak_load(&heaps->orphans, relaxed);
    if (HAK_LIKELY(seen == NULL)) {
        return false;
    }
    bool some = false;
    hak_lock_acquire(&heaps->lock);
    struct hak_heap *previous = heaps->asked_last;
    for (uint32_t asked = 0, ends = 0; !some && asked < ASKED_AT_MOST && ends < 2;) {
        struct hak_heap *orphan = previous == NULL ? hak_load(&heaps->orphans, relaxed) : previous->next_unowned;
        bool has_slabs;
        hak_assert(orphan == NULL || orphan->state == HAK_HEAP_ORPHAN); /* or the list has a ring, and no end */
        if (HAK_FAULT_IF(HEAP_REUSED, seen != NULL && seen->state != HAK_HEAP_ORPHAN)) {
            orphan = seen;
            seen = NULL;
        }
        if (orphan == NULL) {
            previous = NULL;
            ends++;
            continue;
        }
        some = adopt_from(heap, orphan, class_id, &has_slabs);
        if (!has_slabs) {
            unowned_remove(&heaps->orphans, previous, orphan);
            unowned_put(orphan, false);
        } else if (!some) {
            asked++;
            previous = orphan;
        }
    }
    heaps->asked_last = previous;
    hak_lock_release(&heaps->lock);
    return some;
}

/* --- fork --- */

/* Whether a block that stood in a cache of a thread that was stopped anywhere can be put back into its slab. */
static bool salvageable(const struct hak_heap *heap, uint32_t class_id, const struct hak_block *block) {
    uintptr_t entry = hak_map_entry(block);
    if (!hak_map_is_superslab(entry)) {
        return false;
    }
    struct hak_slab *slab = hak_slab_at(entry, block);
    return slab->state == HAK_SLAB_BOUND && slab->class_id == class_id && hak_slab_owner(slab) == heap &&
           slab->used > 0 && hak_slab_holds(slab, block);
}

/* The thread may have been stopped in the middle of a push or pop, which leaves at most a block that is in no list and
 * an end that is no link: each step is looked at before it is taken. */
static void cache_salvage(struct hak_heap *heap, uint32_t class_id) {
    struct hak_cache *cache = &heap->caches[class_id];
    struct hak_block *block = cache->head, *next;
    uint32_t bound = hak_cache_count(cache) + 1U;
    cache->head = NULL;
    hak_cache_set(cache, 0, cache->capacity);
    for (; bound > 0 && block != NULL && salvageable(heap, class_id, block) && hak_link_peek(block, &next); bound--) {
        hak_heap_return(heap, hak_slab_of(block), (struct hak_chain){.head = block, .tail = block, .count = 1});
        block = next;
    }
}

/* The slab is bound as long as a block of it waits here. Its counters are those of the moment, since its owner, who may
 * be the one who forks, changes them under his lock only. */
static void parcel_salvage(const struct hak_parcel *parcel) {
    struct hak_slab *slab = parcel->slab;
    struct hak_block *block = parcel->chain.head, *next;
    uint32_t bound = parcel->chain.count + 1U;
    for (; bound > 0 && block != NULL && slab != NULL && slab->state == HAK_SLAB_BOUND && hak_slab_holds(slab, block) &&
           hak_link_peek(block, &next);
         bound--) {
        hak_remote_free(slab, block);
        block = next;
    }
}

static void pending_salvage(struct hak_heap *heap) {
    for (uint64_t left = heap->pending.filled; left != 0; left &= left - 1) {
        parcel_salvage(&heap->pending.parcels[__builtin_ctzll(left)]);
    }
    heap->pending = (struct hak_pending){0};
}

void hak_heap_salvage(struct hak_heap *heap) {
    if (heap->state != HAK_HEAP_OWNED) {
        return;
    }
    pending_salvage(heap);
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        cache_salvage(heap, class_id);
    }
    heap->remote.is_owned = false;
    unowned_put(heap, heap_has_slabs(heap));
}
