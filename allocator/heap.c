/* heap: a thread's slabs and caches, and how heaps change hands. */
#include "allocator/heap.h"

#include "allocator/assert.h"
#include "allocator/check.h"
#include "allocator/map.h"
#include "allocator/meta.h"
#include "allocator/pool.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

const struct hak_heap hak_heap_none;

_Static_assert(HAK_CLASS_COUNT <= 64, "a heap's classes fit a word");

/* The lowest class of a set that is not empty, taken out of it. */
static uint32_t class_next(uint64_t *classes) {
    uint32_t class_id = (uint32_t)__builtin_ctzll(*classes);
    *classes &= *classes - 1;
    return class_id;
}

static void list_insert(struct hak_slab **list, struct hak_slab *slab) {
    slab->previous = NULL;
    slab->next = *list;
    if (slab->next != NULL) {
        slab->next->previous = slab;
    }
    *list = slab;
}

static void list_remove(struct hak_slab **list, struct hak_slab *slab) {
    if (slab->previous != NULL) {
        slab->previous->next = slab->next;
    } else {
        hak_debug_assert(*list == slab);
        *list = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->previous = slab->previous;
    }
    slab->next = slab->previous = NULL;
}

/* Unless `only_one_kept` asks to keep the class's last slab, to spare the next allocation a trip to the pool. */
static void slab_give_if_empty(struct hak_heap *heap, struct hak_slab *slab, bool last_one_kept) {
    struct hak_slab **list = &heap->available[slab->class_id];
    bool last_one = *list == slab && slab->next == NULL;
    if (slab->used != 0 || (last_one && last_one_kept)) {
        return;
    }
    list_remove(list, slab);
    hak_slab_unbind(slab);
    hak_pool_give(slab);
}

void hak_heap_return(struct hak_heap *heap, struct hak_slab *slab, struct hak_block *block) {
    bool was_full = hak_slab_is_full(slab);
    hak_slab_push(slab, block);
    if (was_full) {
        list_remove(&heap->full, slab);
        list_insert(&heap->available[slab->class_id], slab);
    }
    slab_give_if_empty(heap, slab, true);
}

void hak_heap_bind(struct hak_heap *heap, struct hak_slab *slab, uint32_t class_id) {
    hak_slab_bind(slab, class_id, heap);
    heap->classes |= UINT64_C(1) << class_id;
    list_insert(&heap->available[class_id], slab);
}

void hak_heap_retire_full(struct hak_heap *heap, struct hak_slab *slab) {
    hak_debug_assert(hak_slab_is_full(slab));
    list_remove(&heap->available[slab->class_id], slab);
    list_insert(&heap->full, slab);
}

void hak_heap_flush(struct hak_heap *heap, uint32_t class_id, uint32_t keep) {
    struct hak_cache *cache = &heap->caches[class_id];
    while (cache->count > keep) {
        struct hak_block *block = hak_list_pop(&cache->head);
        cache->count--;
        if (HAK_FAULT_IF(FLUSH_DROPS, cache->count == 0)) {
            continue;
        }
        hak_heap_return(heap, hak_superslab_slab(hak_map_superslab(block), block), block);
    }
}

/* Make a heap hold nothing it does not need: no cached block, no empty slab. */
static void heap_shrink(struct hak_heap *heap) {
    for (uint64_t classes = heap->classes; classes != 0;) {
        uint32_t class_id = class_next(&classes);
        hak_heap_flush(heap, class_id, 0);
        for (struct hak_slab *slab = heap->available[class_id], *next; slab != NULL; slab = next) {
            next = slab->next;
            slab_give_if_empty(heap, slab, false);
        }
    }
}

/* Pre: shrunk. Brings `classes` up to date. */
static bool heap_has_slabs(struct hak_heap *heap) {
    bool any = heap->full != NULL;
    for (uint64_t classes = heap->classes; classes != 0 && !any;) {
        any = heap->available[class_next(&classes)] != NULL;
    }
    if (!any) {
        heap->classes = 0;
    }
    return any;
}

/* Pre: heaps.lock is held. */
static struct hak_heap *unowned_pop(_Atomic(struct hak_heap *) *list) {
    struct hak_heap *heap = hak_load(list, relaxed);
    if (heap != NULL) {
        hak_store(list, heap->next_unowned, relaxed);
        heap->next_unowned = NULL;
        heap->state = HAK_HEAP_OWNED;
    }
    return heap;
}

static void unowned_put(struct hak_heap *heap) {
    struct hak_heaps *heaps = &hak_root.heaps;
    bool has_slabs = heap_has_slabs(heap);
    _Atomic(struct hak_heap *) *list = has_slabs ? &heaps->orphans : &heaps->spares;
    hak_lock_acquire(&heaps->lock);
    heap->state = has_slabs ? HAK_HEAP_ORPHAN : HAK_HEAP_SPARE;
    heap->next_unowned = hak_load(list, relaxed);
    hak_store(list, heap, relaxed);
    hak_lock_release(&heaps->lock);
}

/* Pre: heaps.lock is held. */
static struct hak_heap *heap_create(struct hak_heaps *heaps) {
    struct hak_heap *heap = hak_meta_take(HAK_META_HEAP, sizeof *heap);
    if (heap == NULL) {
        return NULL;
    }
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        heap->caches[class_id].capacity = (uint16_t)HAK_GEO->cache_capacity;
        heap->caches[class_id].batch = 1;
    }
    heap->id = ++heaps->count;
    heap->next_known = heaps->known;
    heaps->known = heap;
    return heap;
}

struct hak_heap *hak_heap_claim(void) {
    struct hak_heaps *heaps = &hak_root.heaps;
    hak_lock_acquire(&heaps->lock);
    struct hak_heap *heap = unowned_pop(&heaps->orphans);
    if (heap == NULL) {
        heap = unowned_pop(&heaps->spares);
    }
    if (heap == NULL) {
        heap = heap_create(heaps);
    }
    hak_lock_release(&heaps->lock);
    if (heap != NULL) {
        hak_remote_drain(heap, HAK_REMOTE_OPEN);
    }
    return heap;
}

void hak_heap_release(struct hak_heap *heap) {
    hak_heap_assert(hak_heap_is_valid(heap));
    hak_remote_drain(heap, HAK_REMOTE_CLOSED);
    heap_shrink(heap);
    unowned_put(heap);
}

static void slabs_take_over(struct hak_heap *heap, struct hak_slab **from, struct hak_slab **to) {
    while (*from != NULL) {
        struct hak_slab *slab = *from;
        list_remove(from, slab);
        hak_store(&slab->owner, heap, relaxed); /* who still reads the old owner pushes there, and is forwarded */
        list_insert(to, slab);
    }
}

bool hak_heap_adopt(struct hak_heap *heap) {
    struct hak_heaps *heaps = &hak_root.heaps;
    if (HAK_LIKELY(hak_load(&heaps->orphans, relaxed) == NULL)) {
        return false;
    }
    hak_lock_acquire(&heaps->lock);
    struct hak_heap *orphan = unowned_pop(&heaps->orphans);
    hak_lock_release(&heaps->lock);
    if (orphan == NULL) {
        return false;
    }
    heap->classes |= orphan->classes; /* those of full slabs too */
    for (uint64_t classes = orphan->classes; classes != 0;) {
        uint32_t class_id = class_next(&classes);
        slabs_take_over(heap, &orphan->available[class_id], &heap->available[class_id]);
    }
    slabs_take_over(heap, &orphan->full, &heap->full);
    if (HAK_FAULT_IF(ADOPT_NULL, hak_load(&orphan->remote.head, relaxed) == HAK_SENTINEL)) {
        orphan->next_unowned->state = HAK_HEAP_SPARE;
    }
    hak_remote_drain(orphan, HAK_REMOTE_CLOSED); /* all of it is forwarded to this heap */
    hak_remote_drain(heap, HAK_REMOTE_OPEN);
    unowned_put(orphan);
    return true;
}

/* Spares hold no slab, but a block that was pushed late may wait in their queue. Pre: none is claimed meanwhile. */
static void spares_forward(void) {
    struct hak_heaps *heaps = &hak_root.heaps;
    hak_lock_acquire(&heaps->lock);
    for (struct hak_heap *spare = hak_load(&heaps->spares, relaxed); spare != NULL; spare = spare->next_unowned) {
        if (!hak_remote_is_empty(&spare->remote)) {
            hak_remote_drain(spare, HAK_REMOTE_CLOSED);
        }
    }
    hak_lock_release(&heaps->lock);
}

void hak_heap_trim(struct hak_heap *heap) {
    while (hak_heap_adopt(heap)) {
    }
    spares_forward();
    hak_remote_drain(heap, HAK_REMOTE_OPEN);
    heap_shrink(heap);
}
