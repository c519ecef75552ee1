/* pool: taking and giving free slabs, purging them, and where SuperSlabs come from. Functions that are static need
 * pool.lock. */
#include "allocator/pool.h"

#include "allocator/assert.h"
#include "allocator/class.h"
#include "allocator/superslab.h"

static uint32_t slab_shift_of(enum hak_pool_kind kind) {
    return kind == HAK_POOL_TINY ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
}

static enum hak_pool_kind kind_of(const struct hak_superslab *superslab) {
    return superslab->slab_shift == HAK_GEO->tiny_slab_shift ? HAK_POOL_TINY : HAK_POOL_POOL;
}

/* Nearly always of one bit or none. */
static size_t mask_bytes(const struct hak_superslab *superslab, uint64_t mask) {
    size_t count = 0;
    for (; mask != 0; mask &= mask - 1) {
        count++;
    }
    return count << superslab->slab_shift;
}

/* --- the lists --- */

static void available_insert(struct hak_pool *pool, struct hak_superslab *superslab) {
    struct hak_superslab **list = &pool->available[kind_of(superslab)];
    superslab->previous = NULL;
    superslab->next = *list;
    if (superslab->next != NULL) {
        superslab->next->previous = superslab;
    }
    *list = superslab;
}

static void available_remove(struct hak_pool *pool, struct hak_superslab *superslab) {
    *(superslab->previous == NULL ? &pool->available[kind_of(superslab)] : &superslab->previous->next) =
        superslab->next;
    if (superslab->next != NULL) {
        superslab->next->previous = superslab->previous;
    }
    superslab->next = superslab->previous = NULL;
}

static void dirty_append(struct hak_pool *pool, struct hak_superslab *superslab) {
    superslab->dirty_younger = NULL;
    superslab->dirty_older = pool->dirty_youngest;
    *(pool->dirty_youngest == NULL ? &pool->dirty_oldest : &pool->dirty_youngest->dirty_younger) = superslab;
    pool->dirty_youngest = superslab;
}

static void dirty_unlink(struct hak_pool *pool, struct hak_superslab *superslab) {
    *(superslab->dirty_older == NULL ? &pool->dirty_oldest : &superslab->dirty_older->dirty_younger) =
        superslab->dirty_younger;
    *(superslab->dirty_younger == NULL ? &pool->dirty_youngest : &superslab->dirty_younger->dirty_older) =
        superslab->dirty_older;
    superslab->dirty_older = superslab->dirty_younger = NULL;
}

/* The one place where dirty_mask changes: list and sum follow. */
static void dirty_set(struct hak_pool *pool, struct hak_superslab *superslab, uint64_t mask) {
    if (mask == 0 && superslab->dirty_mask == 0) {
        return;
    }
    hak_decay_dirty(mask_bytes(superslab, mask & ~superslab->dirty_mask) -
                    mask_bytes(superslab, superslab->dirty_mask & ~mask));
    if (superslab->dirty_mask != 0) {
        dirty_unlink(pool, superslab);
    }
    superslab->dirty_mask = mask;
    if (mask != 0) {
        dirty_append(pool, superslab);
    }
}

/* --- SuperSlabs --- */

/* Room for one more, from the chunk or a new one. The system is asked for less when it refuses much. */
static char *chunk_cut(struct hak_pool *pool) {
    size_t superslab_bytes = hak_superslab_bytes();
    if (pool->chunk_cursor == pool->chunk_end) {
        uint32_t now_ms = os_clock_ms();
        if (pool->chunk_end != NULL) {
            hak_ace_chunk_used_up(&hak_root.ace, now_ms - pool->chunk_ms);
        }
        size_t count = hak_ace_value(&hak_root.ace, HAK_ACE_CHUNK);
        char *chunk = os_reserve(count * superslab_bytes, superslab_bytes);
        if (chunk == NULL && count > 1) {
            count = 1;
            chunk = os_reserve(superslab_bytes, superslab_bytes);
        }
        if (chunk == NULL) {
            hak_ring_note(HAK_EVENT_REFUSED, superslab_bytes);
            return NULL;
        }
        pool->chunk_cursor = chunk;
        pool->chunk_end = chunk + count * superslab_bytes;
        pool->chunk_ms = now_ms;
    }
    if (!os_commit(pool->chunk_cursor, superslab_bytes)) {
        return NULL; /* the chunk stays as it is, for the next attempt */
    }
    char *cut = pool->chunk_cursor;
    pool->chunk_cursor += superslab_bytes;
    return cut;
}

static struct hak_superslab *superslab_create(struct hak_pool *pool, uint32_t slab_shift) {
    if (HAK_FAULT_IF(GROWTH_LIMIT, pool->superslab_count == 4)) {
        return NULL;
    }
    struct hak_superslab *superslab = (struct hak_superslab *)(void *)chunk_cut(pool);
    if (superslab == NULL) {
        return NULL;
    }
    if (!hak_superslab_create(superslab, slab_shift)) {
        os_release(superslab, hak_superslab_bytes());
        return NULL;
    }
    pool->superslab_count++;
    pool->created++;
    return superslab;
}

static void superslab_release(struct hak_pool *pool, struct hak_superslab *superslab) {
    dirty_set(pool, superslab, 0);
    if (superslab->purged_mask != 0) {
        hak_ace_purge_ended(&hak_root.ace, os_clock_ms() - superslab->purged_ms);
    }
    hak_ace_vote(&hak_root.ace, HAK_ACE_CHUNK, -1);
    pool->superslab_count--;
    pool->released++;
    hak_superslab_destroy(superslab);
}

/* A partly used one of the kind, of those where a slab became free last: it is resident. At most so many are looked
 * at. */
static struct hak_superslab *dirty_available(const struct hak_pool *pool, enum hak_pool_kind kind) {
    enum { LOOKED_AT = 16 };
    struct hak_superslab *superslab = pool->dirty_youngest;
    for (uint32_t looked = 0; superslab != NULL && looked < LOOKED_AT; looked++) {
        if (!superslab->cached && superslab->slab_shift == slab_shift_of(kind)) {
            return superslab;
        }
        superslab = superslab->dirty_older;
    }
    return NULL;
}

/* One with a free slab of the kind: a partly used one, best with memory behind it, else an empty one, divided as need
 * be, else a new one. */
static struct hak_superslab *superslab_for(struct hak_pool *pool, enum hak_pool_kind kind) {
    struct hak_superslab *first = pool->available[kind];
    if (first != NULL && !HAK_FAULT(POOL_PASSES_FREE)) {
        struct hak_superslab *dirty = first->dirty_mask != 0 ? first : dirty_available(pool, kind);
        return dirty != NULL ? dirty : first;
    }
    struct hak_superslab *superslab = hak_lazy_take(&pool->lazy, slab_shift_of(kind));
    if (superslab == NULL) {
        superslab = superslab_create(pool, slab_shift_of(kind));
    } else {
        hak_ring_note(HAK_EVENT_SUPERSLAB_REUSED, (uintptr_t)superslab);
        if (superslab->slab_shift != slab_shift_of(kind)) {
            uint64_t dirty_mask = superslab->dirty_mask;
            if (!HAK_FAULT_IF(DIVISION_KEEPS_BYTES, dirty_mask != 0)) {
                dirty_set(pool, superslab, 0);
            }
            dirty_set(pool, superslab, hak_superslab_divide(superslab, slab_shift_of(kind), dirty_mask));
        }
    }
    if (superslab != NULL) {
        available_insert(pool, superslab);
    }
    return superslab;
}

/* --- slabs --- */

/* One that is resident already comes before one that is not; then the lowest. */
static struct hak_slab *slab_take(struct hak_pool *pool, enum hak_pool_kind kind) {
    const struct hak_superslab *first = pool->available[kind];
    struct hak_superslab *superslab = superslab_for(pool, kind);
    if (superslab == NULL) {
        return NULL;
    }
    uint64_t candidates = superslab->dirty_mask != 0 ? superslab->dirty_mask : superslab->free_mask;
    if (HAK_FAULT_IF(STALE_FREE_MASK, first != NULL && (first->free_mask & ~superslab->free_mask) != 0)) {
        candidates = first->free_mask & ~superslab->free_mask;
    }
    uint32_t index = (uint32_t)__builtin_ctzll(candidates);
    uint64_t bit = UINT64_C(1) << index;
    struct hak_slab *slab = &superslab->slabs[index];
    if (HAK_FAULT(POOL_CHOOSES_EARLY)) {
        hak_lock_anew(&pool->lock); /* it is taken only now */
    }
    hak_debug_assert(slab->state == HAK_SLAB_FREE || HAK_FAULT_ARMED(SLAB_TWO_CLASSES) ||
                     HAK_FAULT_ARMED(POOL_CHOOSES_EARLY));
    if (HAK_FAULT_IF(SLAB_TWO_CLASSES, (superslab->free_mask & ~bit) != 0)) {
        return slab;
    }
    bool is_clean = (superslab->dirty_mask & bit) == 0;
    hak_store(&slab->clean_pages, is_clean ? hak_slab_all_pages(slab) : 0, relaxed);
    superslab->free_mask &= ~bit;
    dirty_set(pool, superslab, superslab->dirty_mask & ~bit);
    if ((superslab->purged_mask & bit) != 0) {
        superslab->purged_mask &= ~bit;
        hak_ace_purge_ended(&hak_root.ace, os_clock_ms() - superslab->purged_ms);
    }
    if (superslab->free_mask == 0) {
        available_remove(pool, superslab);
    }
    pool->taken++;
    hak_decay_live((size_t)1 << superslab->slab_shift);
    return slab;
}

struct hak_slab *hak_pool_take(uint32_t class_id) {
    struct hak_pool *pool = &hak_root.pool;
    bool alone = HAK_FAULT_IF(LOCK_SKIPPED, hak_load(&hak_root.heaps.count, relaxed) == 1);
    if (!alone) {
        hak_lock_acquire(&pool->lock);
    }
    struct hak_slab *slab = slab_take(pool, class_id < HAK_TINY_CLASSES ? HAK_POOL_TINY : HAK_POOL_POOL);
    if (HAK_FAULT_IF(LOCK_KEPT, slab == NULL)) {
        return NULL;
    }
    if (!alone) {
        hak_lock_release(&pool->lock);
    }
    return slab;
}

static void superslab_purge(struct hak_pool *pool, struct hak_superslab *superslab, uint32_t now_ms) {
    uint64_t bound = ((UINT64_C(2) << superslab->slab_count) - 2) & ~superslab->free_mask;
    if (HAK_FAULT_IF(PURGE_BOUND, bound != 0)) {
        (void)hak_superslab_purge(superslab, bound);
    }
    uint64_t purged = hak_superslab_purge(superslab, superslab->dirty_mask);
    superslab->purged_mask |= purged;
    superslab->purged_ms = now_ms;
    hak_decay_purged(mask_bytes(superslab, purged));
    hak_ring_note(HAK_EVENT_PURGED, (uintptr_t)superslab);
    pool->purges += purged != 0;
    dirty_set(pool, superslab, superslab->dirty_mask & ~purged);
    if (HAK_FAULT_IF(DECAY_FORGETS_PURGE, purged != 0)) {
        hak_decay_dirty(mask_bytes(superslab, purged));
    }
}

/* Purge from the old end, while `is_due` says so. What the system will not purge goes to the young end: each is looked
 * at once. */
static void purge_old(struct hak_pool *pool, bool (*is_due)(uint32_t freed_ms, uint32_t now_ms), uint32_t now_ms) {
    struct hak_superslab *last = pool->dirty_youngest;
    for (bool more = last != NULL; more;) {
        struct hak_superslab *superslab = pool->dirty_oldest;
        if (!is_due(superslab->freed_ms, now_ms)) {
            return;
        }
        more = superslab != last;
        superslab_purge(pool, superslab, now_ms);
    }
}

static bool is_beyond_budget(uint32_t freed_ms, uint32_t now_ms) {
    (void)freed_ms;
    (void)now_ms;
    return hak_decay_excess() > 0;
}

static bool is_any(uint32_t freed_ms, uint32_t now_ms) {
    (void)freed_ms;
    (void)now_ms;
    return true;
}

/* A SuperSlab became empty: it leaves its list for the lazy cache, which may have one to release in its stead. */
static void superslab_empty(struct hak_pool *pool, struct hak_superslab *superslab) {
    available_remove(pool, superslab);
    hak_ring_note(HAK_EVENT_SUPERSLAB_CACHED, (uintptr_t)superslab);
    struct hak_superslab *surplus = hak_lazy_put(&pool->lazy, superslab);
    if (surplus != NULL) {
        superslab_release(pool, surplus);
    }
}

void hak_pool_give(struct hak_slab *slab) {
    struct hak_pool *pool = &hak_root.pool;
    struct hak_superslab *superslab = hak_superslab_of(slab);
    uint64_t bit = UINT64_C(1) << (slab - superslab->slabs);
    uint32_t now_ms = os_clock_ms();
    hak_lock_acquire(&pool->lock);
    hak_debug_assert(slab->state == HAK_SLAB_FREE && (superslab->free_mask & bit) == 0);
    if (superslab->free_mask == 0) {
        available_insert(pool, superslab);
    }
    superslab->free_mask |= bit;
    superslab->freed_ms = now_ms;
    dirty_set(pool, superslab, superslab->dirty_mask | bit); /* if it was not cut: it may have been dirty before */
    pool->given++;
    hak_decay_live(-((size_t)1 << superslab->slab_shift));
    if (hak_superslab_is_empty(superslab)) {
        superslab_empty(pool, superslab);
    }
    purge_old(pool, is_beyond_budget, now_ms);
    hak_lock_release(&pool->lock);
}

static void expired_release(struct hak_pool *pool, uint32_t now_ms, bool all) {
    struct hak_superslab *superslab;
    while ((superslab = hak_lazy_expired(&pool->lazy, now_ms, all)) != NULL) {
        if (HAK_FAULT_IF(TRIM_FORGETS, all && pool->lazy.count == 0)) {
            (void)hak_lazy_put(&pool->lazy, superslab);
            return;
        }
        superslab_release(pool, superslab);
    }
}

void hak_pool_age(uint32_t now_ms) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    expired_release(pool, now_ms, false);
    purge_old(pool, hak_decay_is_due, now_ms);
    hak_lock_release(&pool->lock);
}

void hak_pool_trim(void) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    if (HAK_FAULT_IF(RELEASE_LIVE, pool->available[HAK_POOL_TINY] != NULL)) {
        struct hak_superslab *live = pool->available[HAK_POOL_TINY];
        available_remove(pool, live);
        superslab_release(pool, live);
    }
    expired_release(pool, 0, true);
    purge_old(pool, is_any, os_clock_ms());
    if (pool->chunk_cursor != pool->chunk_end) {
        os_release(pool->chunk_cursor, (size_t)(pool->chunk_end - pool->chunk_cursor));
    }
    pool->chunk_cursor = pool->chunk_end = NULL;
    hak_lock_release(&pool->lock);
}

uint64_t hak_pool_returned(void) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    uint64_t returned = pool->released + pool->purges;
    hak_lock_release(&pool->lock);
    return returned;
}
