/* heap: a thread's slabs and caches. How heaps change hands is in heaps.c. */
#include "allocator/heap.h"

#include "allocator/assert.h"
#include "allocator/links.h"
#include "allocator/ring.h"
#include "allocator/slab_list.h"
#include "allocator/superslab.h"

const struct hak_heap hak_heap_none;

/* --- sizes of caches --- */

static uint32_t at_most(uint32_t value, uint32_t limit) {
    return value < limit ? value : limit;
}

static uint32_t at_least(uint32_t value, uint32_t limit) {
    return value > limit ? value : limit;
}

/* Large blocks are cached by the byte rather than by the piece. */
enum { CACHE_MIN_BYTES = 64 << 10, CACHE_MAX_BYTES = 1 << 20, BATCH_MAX_BYTES = 16 << 10 };

static uint32_t cache_min(uint32_t class_id) {
    return at_most(CACHE_MIN_BYTES / hak_class_bytes[class_id], HAK_GEO->cache_min);
}

static uint32_t cache_max(uint32_t class_id) {
    return at_most(CACHE_MAX_BYTES / hak_class_bytes[class_id], HAK_GEO->cache_max);
}

uint32_t hak_heap_batch_max(uint32_t class_id) {
    return at_least(at_most(BATCH_MAX_BYTES / hak_class_bytes[class_id], HAK_GEO->refill_batch), 1);
}

static bool caches_are_pinned(void) {
    return hak_option(THREAD_CACHE) == 0 || hak_ace_is_pinned(&hak_root.ace, HAK_ACE_CACHE);
}

/* What the caches of all threads together may hold is shared out among them, since nobody but the owner can empty a
 * cache, and that one may sleep. */
enum { ALL_CACHES_MAX_BYTES = 16 << 20 };

/* The most blocks of the class that all caches of the heap together leave room for. */
static uint32_t room_for(const struct hak_heap *heap, uint32_t class_id) {
    size_t block_bytes = hak_class_bytes[class_id];
    size_t share_bytes = ALL_CACHES_MAX_BYTES / (hak_load(&hak_root.heaps.count, relaxed) + 1U);
    size_t limit_bytes = (size_t)hak_option(CACHE_MAX_KB) << 10;
    size_t others_bytes = heap->capacity_bytes - heap->caches[class_id].capacity * block_bytes;
    limit_bytes = limit_bytes < share_bytes ? limit_bytes : share_bytes;
    return limit_bytes <= others_bytes ? 0 : (uint32_t)((limit_bytes - others_bytes) / block_bytes);
}

/* A heap is born with caches of no capacity; each gets its own at the first use of its class. */
static void cache_init(struct hak_heap *heap, uint32_t class_id) {
    struct hak_cache *cache = &heap->caches[class_id];
    uint32_t start = hak_ace_value(&hak_root.ace, HAK_ACE_CACHE);
    uint32_t capacity = at_most(at_least(start, cache_min(class_id)), cache_max(class_id));
    if (class_id >= HAK_TINY_CLASSES) {
        capacity = at_most(start, cache_min(class_id)); /* of larger blocks few to begin with */
    }
    capacity = at_least(at_most(capacity, room_for(heap, class_id)), cache_min(class_id));
    hak_cache_set(cache, hak_cache_count(cache), hak_option(THREAD_CACHE) == 0 ? 0 : capacity);
    cache->batch = (uint16_t)at_most(HAK_GEO->prewarm, hak_heap_batch_max(class_id));
    heap->capacity_bytes += (size_t)cache->capacity * hak_class_bytes[class_id];
}

/* --- epochs: caches follow their load --- */

enum { EPOCH_EVENTS = HAK_TRIAL ? 8 : 64 };

/* Growth stops where all caches together could hold too much. */
static void cache_resize(struct hak_heap *heap, uint32_t class_id, uint32_t capacity) {
    struct hak_cache *cache = &heap->caches[class_id];
    size_t block_bytes = hak_class_bytes[class_id];
    if (capacity > cache->capacity && capacity > room_for(heap, class_id)) {
        return;
    }
    heap->capacity_bytes += capacity * block_bytes;
    heap->capacity_bytes -= cache->capacity * block_bytes;
    hak_cache_set(cache, hak_cache_count(cache), capacity);
    if (cache->room < 0) {
        hak_heap_flush(heap, class_id, capacity);
    }
}

static void cache_epoch(struct hak_heap *heap, uint32_t class_id) {
    struct hak_cache *cache = hak_heap_cache(heap, class_id); /* slabs of a class come with adoption too */
    struct hak_ace_cache_step step = hak_ace_cache((struct hak_ace_cache_view){
        .capacity = cache->capacity,
        .capacity_min = (uint16_t)cache_min(class_id),
        .capacity_max = (uint16_t)cache_max(class_id),
        .quiet_epochs = cache->quiet_epochs,
        .age_epochs = cache->age_epochs,
        .refilled = hak_class_in(&heap->refilled, class_id),
        .flushed = hak_class_in(&heap->flushed, class_id),
    });
    bool is_quiet = !hak_class_in(&heap->refilled, class_id) && !hak_class_in(&heap->flushed, class_id);
    if (is_quiet && step.quiet_epochs == 0 && cache->capacity == cache_min(class_id)) {
        hak_heap_flush(heap, class_id, 0); /* as small as can be and still not used: what it holds is not needed */
    }
    cache->quiet_epochs = step.quiet_epochs;
    cache->age_epochs = step.age_epochs;
    hak_ace_vote(&hak_root.ace, HAK_ACE_CACHE, step.vote);
    if (step.capacity != cache->capacity) {
        cache_resize(heap, class_id, step.capacity);
    }
}

/* `classes` may be read here without the lock: only the owner adds to it. */
static void slow_event(struct hak_heap *heap) {
    if (++heap->slow_events < EPOCH_EVENTS) {
        return;
    }
    heap->slow_events = 0;
    if (!caches_are_pinned()) {
        struct hak_class_set classes = heap->classes;
        for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
            cache_epoch(heap, class_id);
        }
    }
    heap->refilled = heap->flushed = (struct hak_class_set){{0}};
}

struct hak_cache *hak_heap_cache(struct hak_heap *heap, uint32_t class_id) {
    if (HAK_UNLIKELY(heap->caches[class_id].batch == 0)) {
        cache_init(heap, class_id);
    }
    return &heap->caches[class_id];
}

uint32_t hak_heap_cache_growth(const struct hak_heap *heap, uint32_t class_id) {
    uint32_t capacity = heap->caches[class_id].capacity;
    uint32_t grown = at_most(at_most(capacity * 2, cache_max(class_id)), room_for(heap, class_id));
    return caches_are_pinned() || grown < capacity ? capacity : grown;
}

void hak_heap_cache_filled(struct hak_heap *heap, uint32_t class_id, uint32_t count) {
    struct hak_cache *cache = &heap->caches[class_id];
    uint32_t capacity = cache->capacity;
    if (count > capacity) {
        heap->capacity_bytes += (size_t)(count - capacity) * hak_class_bytes[class_id];
        capacity = count;
    }
    hak_cache_set(cache, count, capacity);
}

void hak_heap_refilled(struct hak_heap *heap, uint32_t class_id) {
    hak_class_add(&heap->refilled, class_id);
    hak_class_remove(&heap->freed, class_id);
    slow_event(heap);
}

void hak_heap_overflow(struct hak_heap *heap, uint32_t class_id) {
    struct hak_cache *cache = hak_heap_cache(heap, class_id);
    if (cache->room >= 0) {
        return; /* it had no capacity yet */
    }
    /* Half of it stays for what may be allocated next. Who only frees has no use for that, and all of it at once is one
     * look at each block less; the newest blocks are those that a refill takes first. */
    hak_heap_flush(heap, class_id, hak_class_in(&heap->freed, class_id) ? 0 : cache->capacity / 2);
    hak_class_add(&heap->freed, class_id);
    hak_class_add(&heap->flushed, class_id);
    slow_event(heap);
    hak_decay_tick();
}

/* Cut the cache's list behind its `keep` newest blocks: the rest. */
static struct hak_block *cache_cut(struct hak_cache *cache, uint32_t keep) {
    struct hak_block *rest = cache->head;
    if (keep == 0) {
        cache->head = NULL;
    } else {
        struct hak_block *last = cache->head;
        for (uint32_t i = 1; i < keep; i++) {
            last = hak_link_get(last);
        }
        rest = hak_link_get(last);
        if (!HAK_FAULT(CUT_KEEPS_TAIL)) {
            hak_link_set(last, NULL);
        }
    }
    hak_cache_set(cache, keep, cache->capacity);
    return rest;
}

/* Take from the front of the list what lies in the slab, as the first does. */
static struct hak_chain chain_within(const struct hak_slab *slab, struct hak_block **list) {
    uintptr_t bytes = hak_slab_bytes(slab);
    struct hak_chain chain = {.head = *list, .tail = *list, .count = 1};
    for (*list = hak_link_get(*list); *list != NULL && ((uintptr_t)*list ^ (uintptr_t)slab->start) < bytes;
         *list = hak_link_get(*list)) {
        chain.tail = *list;
        chain.count++;
    }
    return chain;
}

void hak_heap_flush(struct hak_heap *heap, uint32_t class_id, uint32_t keep) {
    struct hak_cache *cache = &heap->caches[class_id];
    if (hak_cache_count(cache) <= keep) {
        return;
    }
    hak_lock_acquire(&heap->lock); /* first: a fork must find the blocks in the cache or in their slabs */
    struct hak_block *rest = cache_cut(cache, keep);
    while (rest != NULL) {
        struct hak_slab *slab = hak_slab_of(rest);
        struct hak_chain chain = chain_within(slab, &rest);
        if (!HAK_FAULT_IF(FLUSH_DROPS, rest == NULL)) {
            hak_heap_return(heap, slab, chain);
        }
    }
    hak_count(&heap->work.flushes, 1);
    hak_lock_release(&heap->lock);
}

/* --- slabs, under heap.lock --- */

/* Unless `last_one_kept` asks to keep the class's last slab, to spare the next allocation a trip to the pool. */
static void slab_give_if_empty(struct hak_heap *heap, struct hak_slab *slab, bool last_one_kept) {
    struct hak_slab **list = &heap->available[slab->class_id];
    bool last_one = *list == slab && slab->next == NULL;
    if (slab->used != 0 || (last_one && last_one_kept)) {
        return;
    }
    hak_slab_list_remove(list, slab);
    hak_ring_note(HAK_EVENT_SLAB_UNBOUND, (uintptr_t)slab->start);
    hak_slab_unbind(slab);
    hak_pool_give(slab);
}

void hak_heap_return(struct hak_heap *heap, struct hak_slab *slab, struct hak_chain chain) {
    bool was_full = hak_slab_is_full(slab);
    hak_slab_give(slab, chain);
    if (was_full) {
        hak_slab_list_remove(&heap->full, slab);
        hak_slab_list_insert(&heap->available[slab->class_id], slab);
    }
    slab_give_if_empty(heap, slab, heap->remote.is_owned);
}

void hak_heap_bind(struct hak_heap *heap, struct hak_slab *slab, uint32_t class_id) {
    hak_slab_bind(slab, class_id, heap);
    hak_ring_note(HAK_EVENT_SLAB_BOUND, (uintptr_t)slab->start);
    hak_class_add(&heap->classes, class_id);
    hak_slab_list_insert(&heap->available[class_id], slab);
}

void hak_heap_retire_full(struct hak_heap *heap, struct hak_slab *slab) {
    hak_debug_assert(hak_slab_is_full(slab));
    hak_slab_list_remove(&heap->available[slab->class_id], slab);
    hak_slab_list_insert(&heap->full, slab);
}

void hak_heap_give_empties(struct hak_heap *heap) {
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        for (struct hak_slab *slab = heap->available[class_id], *next; slab != NULL; slab = next) {
            next = slab->next;
            slab_give_if_empty(heap, slab, false);
        }
    }
}
