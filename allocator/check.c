/* check: the whole-heap proof. Lists are walked with a bound, since a broken one may be a ring; links are followed only
 * while they stay inside the slab that was named last. */
#include "allocator/check.h"

#include "allocator/assert.h"
#include "allocator/big.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

struct walk {
    struct hak_heap_counts counts;
    size_t available_superslabs; /* with a free slab */
    size_t empty_superslabs;
    const char *broken;
    hak_block_visitor *visit;
    void *context;
};

static void found(struct walk *walk, const struct hak_slab *slab, const void *block, enum hak_block_state state) {
    walk->counts.free_blocks += state == HAK_BLOCK_FREE;
    walk->counts.cached_blocks += state == HAK_BLOCK_CACHED;
    walk->counts.remote_blocks += state == HAK_BLOCK_REMOTE;
    if (walk->visit != NULL) {
        walk->visit(walk->context, block, slab->block_bytes, state);
    }
}

static void broken(struct walk *walk, bool holds, const char *what) {
    if (!holds && walk->broken == NULL) {
        walk->broken = what;
    }
}

/* The bound slab whose block this is, or NULL. */
static struct hak_slab *slab_holding(const void *block) {
    struct hak_superslab *superslab = hak_map_superslab(block);
    if (superslab == NULL) {
        return NULL;
    }
    struct hak_slab *slab = hak_superslab_slab(superslab, block);
    return slab->state == HAK_SLAB_BOUND && hak_slab_holds(slab, block) ? slab : NULL;
}

static void check_slab(struct walk *walk, struct hak_slab *slab) {
    walk->counts.bound_slabs++;
    walk->counts.carved_blocks += slab->carved;
    broken(walk, slab->used <= slab->carved && slab->carved <= slab->capacity, "I1: used <= carved <= capacity");
    broken(walk, hak_load(&slab->owner, relaxed) != NULL, "I2: a bound slab has an owner");
    uint32_t length = 0;
    for (struct hak_block *block = slab->free; block != NULL; block = hak_link_get(block)) {
        broken(walk, block != HAK_SENTINEL, "I3: no sentinel in a free list");
        broken(walk, block == HAK_SENTINEL || hak_slab_holds(slab, block), "I4: a slab's free list stays in the slab");
        broken(walk, ++length <= slab->carved, "I5: a free list is no longer than what was carved");
        if (walk->broken != NULL) {
            return;
        }
        found(walk, slab, block, HAK_BLOCK_FREE);
    }
    broken(walk, length + slab->used == slab->carved, "I6: every carved block is used or in the free list");
}

static void check_superslab(void *context, struct hak_superslab *superslab) {
    struct walk *walk = context;
    uint32_t free_slabs = 0;
    walk->counts.superslabs++;
    for (uint32_t i = 1; i <= superslab->slab_count && walk->broken == NULL; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        if (slab->state == HAK_SLAB_BOUND) {
            check_slab(walk, slab);
        } else {
            free_slabs++;
        }
    }
    walk->available_superslabs += superslab->free_count != 0;
    walk->empty_superslabs += superslab->free_count == superslab->slab_count;
    broken(walk, free_slabs == superslab->free_count || walk->broken != NULL,
           "I7: a SuperSlab counts its free slabs right");
}

static void check_big(void *context, struct hak_big *big) {
    struct walk *walk = context;
    walk->counts.bigs++;
    walk->counts.big_bytes += big->size_bytes;
    broken(walk, hak_map_big((char *)big->base + big->size_bytes - 1) == big,
           "I8: the map knows every page of a mapping");
}

/* A list of blocks outside slabs: a cache or a remote queue. `expected` is its length, or SIZE_MAX if that is free. */
static void check_list(struct walk *walk, struct hak_block *block, const struct hak_heap *heap, uint32_t class_id,
                       size_t expected, enum hak_block_state state) {
    size_t length = 0;
    for (; block != NULL; block = hak_link_get(block)) {
        if (block == HAK_SENTINEL) {
            broken(walk, state == HAK_BLOCK_REMOTE, "I3: no sentinel in a free list");
            break;
        }
        struct hak_slab *slab = slab_holding(block);
        broken(walk, slab != NULL, "I9: caches and queues hold blocks of bound slabs");
        if (walk->broken != NULL) {
            return;
        }
        bool own = hak_load(&slab->owner, relaxed) == heap;
        broken(walk, state == HAK_BLOCK_REMOTE || (own && slab->class_id == class_id),
               "I10: a cached block is of its cache's class and of a slab of its cache's heap");
        broken(walk, ++length <= walk->counts.carved_blocks, "I5: a free list is no longer than what was carved");
        if (walk->broken != NULL) {
            return;
        }
        found(walk, slab, block, state);
    }
    broken(walk, expected == SIZE_MAX || length == expected, "I11: a cache counts its blocks right");
}

static void check_one_heap(struct walk *walk, struct hak_heap *heap) {
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT && walk->broken == NULL; class_id++) {
        const struct hak_cache *cache = &heap->caches[class_id];
        if (cache->head == NULL && cache->count == 0) {
            continue;
        }
        check_list(walk, cache->head, heap, class_id, cache->count, HAK_BLOCK_CACHED);
    }
    broken(walk, hak_heap_is_valid(heap) || walk->broken != NULL,
           "I12: a heap's lists hold its own slabs, full ones apart");
    if (walk->broken == NULL) {
        struct hak_block *head = hak_load(&heap->remote.head, acquire);
        check_list(walk, head, heap, 0, SIZE_MAX, HAK_BLOCK_REMOTE);
    }
}

static void check_pool(struct walk *walk) {
    const struct hak_pool *pool = &hak_root.pool;
    size_t listed = 0;
    const struct hak_superslab *superslab = pool->available;
    while (superslab != NULL && superslab->free_count != 0 && listed <= walk->counts.superslabs) {
        superslab = superslab->next;
        listed++;
    }
    broken(walk, superslab == NULL && listed == walk->available_superslabs,
           "I14: the pool lists each SuperSlab that has a free slab, once");
    broken(walk, pool->superslab_count == walk->counts.superslabs && pool->empty_count == walk->empty_superslabs,
           "I15: the pool counts SuperSlabs and empty ones right");
}

const char *hak_check_heap(struct hak_heap_counts *counts, hak_block_visitor *visit, void *context) {
    struct walk walk = {.visit = visit, .context = context};
    hak_map_walk(check_superslab, check_big, &walk);
    for (struct hak_heap *heap = hak_root.heaps.known; heap != NULL && walk.broken == NULL; heap = heap->next_known) {
        check_one_heap(&walk, heap);
    }
    check_pool(&walk);
    const struct hak_heap_counts *seen = &walk.counts;
    broken(&walk, seen->free_blocks + seen->cached_blocks + seen->remote_blocks <= seen->carved_blocks,
           "I13: no more blocks in lists than were carved");
    *counts = walk.counts;
    return walk.broken;
}

static bool list_is_valid(const struct hak_slab *slab, const struct hak_heap *heap, uint32_t class_id, bool full) {
    const struct hak_slab *previous = NULL;
    for (; slab != NULL; previous = slab, slab = slab->next) {
        if (slab->previous != previous || slab->state != HAK_SLAB_BOUND || hak_slab_is_full(slab) != full ||
            (!full && slab->class_id != class_id) ||
            hak_load(&((struct hak_slab *)(uintptr_t)slab)->owner, relaxed) != heap) {
            return false;
        }
    }
    return true;
}

bool hak_heap_is_valid(const struct hak_heap *heap) {
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        const struct hak_cache *cache = &heap->caches[class_id];
        bool nothing = cache->head == NULL && heap->available[class_id] == NULL && cache->count == 0;
        if ((heap->classes >> class_id & 1) == 0 && !nothing) {
            return false;
        }
        if (nothing) {
            continue;
        }
        if (cache->count > cache->capacity || (cache->count == 0) != (cache->head == NULL) ||
            !list_is_valid(heap->available[class_id], heap, class_id, false)) {
            return false;
        }
    }
    return list_is_valid(heap->full, heap, HAK_CLASS_NONE, true);
}

struct hak_place hak_place_of(const void *address) {
    struct hak_superslab *superslab = hak_map_superslab(address);
    if (superslab == NULL) {
        struct hak_big *big = hak_map_big(address);
        if (big == NULL) {
            return (struct hak_place){.kind = HAK_PLACE_FOREIGN};
        }
        return (struct hak_place){.kind = HAK_PLACE_BIG, .block = big->base, .block_bytes = big->size_bytes};
    }
    struct hak_slab *slab = hak_superslab_slab(superslab, address);
    if (slab == &superslab->slabs[0] || slab->state != HAK_SLAB_BOUND) {
        return (struct hak_place){.kind = slab == superslab->slabs ? HAK_PLACE_HEADER : HAK_PLACE_FREE_SLAB};
    }
    size_t index = (size_t)((const char *)address - slab->start) / slab->block_bytes;
    struct hak_heap *owner = hak_load(&slab->owner, relaxed);
    return (struct hak_place){
        .kind = HAK_PLACE_TINY,
        .class_id = slab->class_id,
        .block_bytes = slab->block_bytes,
        .block = slab->start + index * slab->block_bytes,
        .used = slab->used,
        .carved = slab->carved,
        .capacity = slab->capacity,
        .owner = owner,
        .owner_id = owner == NULL ? 0 : owner->id,
    };
}
