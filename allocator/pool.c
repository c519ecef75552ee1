/* pool: taking and giving free slabs. */
#include "allocator/pool.h"

#include "allocator/assert.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

static bool superslab_is_empty(const struct hak_superslab *superslab) {
    return superslab->free_count == superslab->slab_count;
}

static void list_insert(struct hak_pool *pool, struct hak_superslab *superslab) {
    superslab->previous = NULL;
    superslab->next = pool->available;
    if (superslab->next != NULL) {
        superslab->next->previous = superslab;
    }
    pool->available = superslab;
}

static void list_remove(struct hak_pool *pool, struct hak_superslab *superslab) {
    if (superslab->previous != NULL) {
        superslab->previous->next = superslab->next;
    } else {
        pool->available = superslab->next;
    }
    if (superslab->next != NULL) {
        superslab->next->previous = superslab->previous;
    }
}

/* A SuperSlab with a free slab. Pre: pool.lock is held. */
static struct hak_superslab *superslab_available(struct hak_pool *pool) {
    if (pool->available != NULL) {
        return pool->available;
    }
    if (HAK_FAULT_IF(GROWTH_LIMIT, pool->superslab_count == 4)) {
        return NULL;
    }
    struct hak_superslab *superslab = hak_superslab_create();
    if (superslab != NULL) {
        list_insert(pool, superslab);
        pool->superslab_count++;
        pool->empty_count++;
    }
    return superslab;
}

/* Pages that once served stay committed: only a slab's first use asks the system. */
static bool slab_commit(struct hak_slab *slab) {
    if (!slab->committed) {
        slab->committed = os_commit(slab->start, (size_t)1 << HAK_GEO->slab_shift);
    }
    return slab->committed;
}

static struct hak_slab *slab_take(struct hak_pool *pool) {
    struct hak_superslab *superslab = superslab_available(pool);
    if (superslab == NULL || !slab_commit(superslab->free)) {
        return NULL;
    }
    struct hak_slab *slab = superslab->free;
    hak_debug_assert(slab->state == HAK_SLAB_FREE || HAK_FAULT(SLAB_TWO_CLASSES));
    pool->empty_count -= superslab_is_empty(superslab);
    if (HAK_FAULT_IF(SLAB_TWO_CLASSES, superslab->free_count > 1)) {
        return slab;
    }
    superslab->free = slab->next;
    superslab->free_count--;
    if (superslab->free == NULL) {
        list_remove(pool, superslab);
    }
    return slab;
}

struct hak_slab *hak_pool_take(void) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    struct hak_slab *slab = slab_take(pool);
    if (HAK_FAULT_IF(LOCK_KEPT, slab == NULL)) {
        return NULL;
    }
    hak_lock_release(&pool->lock);
    return slab;
}

static void superslab_release(struct hak_pool *pool, struct hak_superslab *superslab) {
    list_remove(pool, superslab);
    pool->superslab_count--;
    pool->empty_count--;
    hak_superslab_destroy(superslab);
}

void hak_pool_give(struct hak_slab *slab) {
    struct hak_pool *pool = &hak_root.pool;
    struct hak_superslab *superslab = hak_superslab_of(slab);
    hak_lock_acquire(&pool->lock);
    hak_debug_assert(slab->state == HAK_SLAB_FREE && superslab->free_count < superslab->slab_count);
    if (superslab->free == NULL) {
        list_insert(pool, superslab);
    }
    slab->next = superslab->free;
    superslab->free = slab;
    superslab->free_count++;
    if (superslab_is_empty(superslab) && ++pool->empty_count > HAK_GEO->empties_kept) {
        superslab_release(pool, superslab);
    }
    hak_lock_release(&pool->lock);
}

void hak_pool_trim(void) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    for (struct hak_superslab *superslab = pool->available, *next; superslab != NULL; superslab = next) {
        next = superslab->next;
        if (superslab_is_empty(superslab) && !HAK_FAULT_IF(TRIM_FORGETS, next == NULL)) {
            superslab_release(pool, superslab);
        } else if (HAK_FAULT_IF(RELEASE_LIVE, superslab->free_count + 1 == superslab->slab_count)) {
            pool->empty_count++;
            superslab_release(pool, superslab);
        }
    }
    hak_lock_release(&pool->lock);
}
