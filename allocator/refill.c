/* refill: drain, bind, acquire.
 *
 *   drain    what other threads gave back becomes local, so memory that is there is used before more is taken
 *   bind     a slab of the class that has a block: own, else an orphan's, else from the pool
 *   acquire  a batch of blocks moves from that slab to the cache
 *
 * All of it under heap.lock, which is given up only to adopt. */
#include "allocator/refill.h"

#include "allocator/assert.h"
#include "allocator/check.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/thread.h"

static struct hak_slab *slab_for(struct hak_heap *heap, uint32_t class_id) {
    if (heap->available[class_id] == NULL) {
        struct hak_slab *slab = hak_pool_take(class_id);
        if (slab == NULL) {
            return NULL;
        }
        hak_heap_bind(heap, slab, class_id);
    }
    return heap->available[class_id];
}

static struct hak_block *acquire(struct hak_heap *heap, struct hak_slab *slab) {
    uint32_t class_id = slab->class_id;
    struct hak_cache *cache = hak_heap_cache(heap, class_id);
    hak_debug_assert(cache->head == NULL);
    uint32_t wanted = cache->batch < cache->capacity + 1U ? cache->batch : cache->capacity + 1U;
    uint32_t taken;
    cache->head = hak_slab_take(slab, wanted, hak_heap_cache_growth(heap, class_id) + 1, &taken);
    struct hak_block *block = hak_list_pop(&cache->head);
    hak_heap_cache_filled(heap, class_id, taken - 1);
    uint32_t batch_max = hak_heap_batch_max(class_id);
    cache->batch =
        (uint16_t)(cache->batch * 2U < batch_max ? cache->batch * 2U : batch_max); /* little use, little kept */
    if (hak_slab_is_full(slab)) {
        hak_heap_retire_full(heap, slab);
    }
    hak_count(&heap->work.refills[class_id >= HAK_TINY_CLASSES], 1);
    hak_count(&heap->work.blocks[class_id >= HAK_TINY_CLASSES], taken);
    return block;
}

static struct hak_block *refill_locked(struct hak_heap *heap, uint32_t class_id) {
    hak_lock_acquire(&heap->lock);
    hak_store(&heap->drained_ms, hak_load(&hak_root.decay.looked_ms, relaxed), relaxed);
    if (!HAK_FAULT_IF(REFILL_SKIPS_DRAIN, hak_remote_has_blocks(&heap->remote))) {
        hak_remote_drain(heap);
    }
    while (heap->available[class_id] == NULL && hak_load(&hak_root.heaps.orphans, relaxed) != NULL) {
        hak_lock_release(&heap->lock);
        bool adopted = hak_heap_adopt(heap, class_id);
        hak_lock_acquire(&heap->lock);
        if (!adopted) {
            break;
        }
    }
    struct hak_slab *slab = slab_for(heap, class_id);
    hak_heap_assert(slab == NULL || hak_slab_is_valid(slab));
    struct hak_block *block = slab == NULL ? NULL : acquire(heap, slab);
    if (HAK_FAULT_IF(REFILL_COUNTS_REFUSED, slab == NULL)) {
        hak_heap_cache_filled(heap, class_id, hak_heap_cache(heap, class_id)->batch);
    }
    hak_heap_assert(hak_heap_is_valid(heap));
    hak_lock_release(&heap->lock);
    return block;
}

struct hak_block *hak_refill(uint32_t class_id) {
    struct hak_heap *heap = hak_thread_heap();
    if (heap == NULL) {
        return NULL;
    }
    struct hak_cache *cache = &heap->caches[class_id];
    if (HAK_UNLIKELY(cache->head != NULL)) { /* registering the thread may have allocated, and refilled it */
        cache->room++;
        return hak_list_pop(&cache->head);
    }
    hak_pending_send(heap);
    hak_decay_tick(); /* it may send blocks home to this heap */
    struct hak_block *block = refill_locked(heap, class_id);
    if (block != NULL) {
        hak_heap_refilled(heap, class_id);
    }
    hak_thread_done();
    return block;
}
