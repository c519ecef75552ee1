/* refill: drain, bind, acquire.
 *
 *   drain    what other threads gave back becomes local, so memory that is there is used before more is taken
 *   bind     a slab of the class that has a block: own, else an orphan's, else from the pool
 *   acquire  a batch of blocks moves from that slab to the cache */
#include "allocator/refill.h"

#include "allocator/assert.h"
#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/thread.h"

static struct hak_slab *slab_for(struct hak_heap *heap, uint32_t class_id) {
    while (heap->available[class_id] == NULL && hak_heap_adopt(heap)) {
    }
    if (heap->available[class_id] == NULL) {
        struct hak_slab *slab = hak_pool_take();
        if (slab == NULL) {
            return NULL;
        }
        hak_heap_bind(heap, slab, class_id);
    }
    return heap->available[class_id];
}

static struct hak_block *acquire(struct hak_heap *heap, struct hak_slab *slab) {
    struct hak_cache *cache = &heap->caches[slab->class_id];
    hak_debug_assert(cache->head == NULL);
    struct hak_block *block = hak_slab_pop(slab);
    for (uint32_t taken = 1; taken < cache->batch && !hak_slab_is_full(slab); taken++) {
        hak_list_push(&cache->head, hak_slab_pop(slab));
        cache->count++;
    }
    if (cache->batch < HAK_GEO->refill_batch) {
        cache->batch = (uint16_t)(cache->batch * 2); /* a class that is used little keeps little */
    }
    if (hak_slab_is_full(slab)) {
        hak_heap_retire_full(heap, slab);
    }
    return block;
}

struct hak_block *hak_refill(uint32_t class_id) {
    struct hak_heap *heap = hak_thread_heap();
    if (heap == NULL) {
        return NULL;
    }
    struct hak_cache *cache = &heap->caches[class_id];
    if (HAK_UNLIKELY(cache->head != NULL)) { /* registering the thread may have allocated, and refilled it */
        cache->count--;
        return hak_list_pop(&cache->head);
    }
    hak_remote_drain(heap, HAK_REMOTE_OPEN);
    struct hak_slab *slab = slab_for(heap, class_id);
    if (slab == NULL) {
        return NULL;
    }
    struct hak_block *block = acquire(heap, slab);
    hak_heap_assert(hak_heap_is_valid(heap));
    return block;
}
