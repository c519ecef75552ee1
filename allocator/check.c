/* check: the whole-heap proof. Lists are walked with a bound, since a broken one may be a ring; links are followed only
 * while they stay inside the slab that was named last. */
#include "allocator/check.h"

#include "allocator/assert.h"
#include "allocator/links.h"
#include "allocator/superslab.h"

#define CLEAN_TOUCHED "I35: no block in use or in a list touches a clean page"

struct walk {
    struct hak_heap_counts counts;
    size_t available_superslabs; /* with a free and a bound slab */
    size_t dirty_superslabs;
    size_t listed_slabs; /* in the lists of heaps */
    size_t live_bytes;
    size_t spare_bytes;
    struct hak_run_counts runs;
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
    uintptr_t entry = hak_map_entry(block);
    if (!hak_map_is_superslab(entry)) {
        return NULL;
    }
    struct hak_slab *slab = hak_slab_at(entry, block);
    return slab->state == HAK_SLAB_BOUND && hak_slab_holds(slab, block) ? slab : NULL;
}

static void check_slab(struct walk *walk, struct hak_slab *slab) {
    walk->counts.bound_slabs++;
    walk->counts.carved_blocks += slab->carved;
    broken(walk, slab->used <= slab->carved && slab->carved <= slab->capacity, "I1: used <= carved <= capacity");
    broken(walk, hak_slab_owner(slab) != NULL, "I2: a bound slab has an owner");
    uint32_t length = 0;
    for (struct hak_block *block = slab->free; block != NULL; block = hak_link_get(block)) {
        broken(walk, block != HAK_SENTINEL, "I3: no sentinel in a free list");
        broken(walk, block == HAK_SENTINEL || hak_slab_holds(slab, block), "I4: a slab's free list stays in the slab");
        broken(walk, ++length <= slab->carved, "I5: a free list is no longer than what was carved");
        broken(walk, block == HAK_SENTINEL || !hak_slab_touches_clean(slab, block), CLEAN_TOUCHED);
        if (walk->broken != NULL) {
            return;
        }
        found(walk, slab, block, HAK_BLOCK_FREE);
    }
    for (uint32_t i = 0; hak_slab_has_withdrawn(slab) && i < slab->carved; i++) {
        if (hak_slab_touches_clean(slab, hak_slab_block(slab, i))) {
            found(walk, slab, hak_slab_block(slab, i), HAK_BLOCK_FREE);
            length++;
        }
    }
    broken(walk, length + slab->used == slab->carved, "I6: every carved block is used, in the free list or withdrawn");
    broken(walk, walk->broken != NULL || hak_slab_chains_hold(slab),
           "I37: a free list's labels say where its chains end");
    broken(walk, hak_slab_withdrawn_pages(slab) == 0 || hak_slab_has_withdrawn(slab),
           "I36: where blocks are withdrawn, frees are careful");
}

/* The home table knows all of a SuperSlab or nothing. */
static bool is_at_home(const struct hak_superslab *superslab) {
    const struct hak_slab *seen = hak_map_slab_home(superslab);
    for (uint32_t i = 1; i <= superslab->slab_count; i++) {
        const char *slab_start = (const char *)superslab + ((size_t)i << superslab->slab_shift);
        const char *slab_end = slab_start + ((size_t)1 << superslab->slab_shift);
        const struct hak_slab *expected = seen == NULL ? NULL : &superslab->slabs[i];
        if (hak_map_slab_home(slab_start) != expected || hak_map_slab_home(slab_end - 1) != expected) {
            return false;
        }
    }
    return seen == NULL || seen == superslab->slabs;
}

static void check_superslab(void *context, struct hak_superslab *superslab) {
    struct walk *walk = context;
    walk->counts.superslabs++;
    walk->counts.dirty_bytes += (size_t)__builtin_popcountll(superslab->dirty_mask) << superslab->slab_shift;
    for (uint32_t i = 1; i <= superslab->slab_count && walk->broken == NULL; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        if (slab->state == HAK_SLAB_BOUND) {
            check_slab(walk, slab);
            walk->live_bytes += (size_t)1 << superslab->slab_shift;
        }
    }
    bool is_empty = hak_superslab_is_empty(superslab);
    walk->available_superslabs += superslab->free_mask != 0 && !is_empty;
    walk->dirty_superslabs += superslab->dirty_mask != 0;
    walk->counts.cached_superslabs += superslab->cached;
    broken(walk, is_at_home(superslab), "I38: the home table says the slab of each unit of a SuperSlab");
    broken(walk, hak_superslab_is_valid(superslab), "I7: a SuperSlab knows which of its slabs are free, and dirty");
    broken(walk, superslab->cached == is_empty, "I15: a SuperSlab is in the lazy cache when all its slabs are free");
}

static void check_region(void *context, struct hak_region *region) {
    struct walk *walk = context;
    const char *what = hak_region_check(region, &walk->runs);
    broken(walk, what == NULL, what);
}

static void check_big(void *context, struct hak_big *big) {
    struct walk *walk = context;
    bool is_live = hak_big_is_live(big, big->base);
    walk->counts.bigs += is_live;
    walk->counts.big_bytes += is_live ? big->size_bytes : 0;
    walk->counts.cached_bigs += !is_live;
    walk->spare_bytes += is_live ? big->spare_bytes : 0;
    walk->counts.dirty_bytes += is_live ? big->spare_bytes : big->dirty ? big->size_bytes : 0;
    walk->live_bytes += is_live ? big->size_bytes : 0;
    broken(walk, hak_map_big((char *)big->base + big->size_bytes - 1) == big,
           "I8: the map knows every page of a mapping");
}

/* A list of blocks outside slabs: a cache or a parcel of a remote queue. `heap` is NULL where any may own them. */
static void check_list(struct walk *walk, struct hak_block *block, const struct hak_heap *heap, uint32_t class_id,
                       size_t expected, enum hak_block_state state) {
    size_t length = 0;
    for (; length < expected && block != NULL; block = hak_link_get(block)) {
        broken(walk, block != HAK_SENTINEL, "I3: no sentinel in a free list");
        struct hak_slab *slab = walk->broken != NULL ? NULL : slab_holding(block);
        broken(walk, slab != NULL, "I9: caches and queues hold blocks of bound slabs");
        if (walk->broken != NULL) {
            return;
        }
        broken(walk, heap == NULL || (hak_slab_owner(slab) == heap && slab->class_id == class_id),
               "I10: a cached block is of its cache's class and of a slab of its cache's heap");
        broken(walk, !hak_slab_touches_clean(slab, block), CLEAN_TOUCHED);
        broken(walk, ++length <= walk->counts.carved_blocks, "I5: a free list is no longer than what was carved");
        if (walk->broken != NULL) {
            return;
        }
        found(walk, slab, block, state);
    }
    broken(walk, length == expected && (state == HAK_BLOCK_REMOTE || block == NULL),
           "I11: a cache counts its blocks right, and so does a parcel");
}

static void check_queue(struct walk *walk, struct hak_remote *remote) {
    struct hak_block *last = hak_load(&remote->head, acquire);
    size_t parcels = 0;
    for (; walk->broken == NULL && last != NULL && last != HAK_SENTINEL; last = hak_link_get(last)) {
        struct hak_slab *slab = slab_holding(last);
        broken(walk, slab != NULL, "I9: caches and queues hold blocks of bound slabs");
        broken(walk, ++parcels <= walk->counts.carved_blocks, "I5: a free list is no longer than what was carved");
        if (walk->broken == NULL) {
            struct hak_chain chain = hak_parcel_chain(slab, last);
            check_list(walk, chain.head, NULL, 0, chain.count, HAK_BLOCK_REMOTE);
        }
    }
}

static void check_pending(struct walk *walk, const struct hak_pending *pending) {
    uint32_t count = 0;
    for (uint64_t left = pending->filled; left != 0; left &= left - 1) {
        const struct hak_chain *chain = &pending->parcels[__builtin_ctzll(left)].chain;
        check_list(walk, chain->head, NULL, 0, chain->count, HAK_BLOCK_REMOTE);
        count += chain->count;
    }
    broken(walk, count <= pending->count, "I11: a cache counts its blocks right, and so does a parcel");
}

static size_t list_length(const struct walk *walk, const struct hak_slab *slab) {
    size_t length = 0;
    for (; slab != NULL && length <= walk->counts.bound_slabs; slab = slab->next) {
        length++;
    }
    return length;
}

static void check_one_heap(struct walk *walk, struct hak_heap *heap) {
    walk->listed_slabs += list_length(walk, heap->full);
    struct hak_class_set classes = heap->classes; /* hak_heap_is_valid sees to the others */
    for (uint32_t class_id; walk->broken == NULL && (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        const struct hak_cache *cache = &heap->caches[class_id];
        walk->listed_slabs += list_length(walk, heap->available[class_id]);
        check_list(walk, cache->head, heap, class_id, hak_cache_count(cache), HAK_BLOCK_CACHED);
    }
    broken(walk, hak_heap_is_valid(heap) || walk->broken != NULL,
           "I12: a heap's lists hold its own slabs, full ones apart");
    if (walk->broken == NULL) {
        check_queue(walk, &heap->remote);
        check_pending(walk, &heap->pending);
    }
}

static void check_pool(struct walk *walk) {
    const struct hak_pool *pool = &hak_root.pool;
    size_t all = walk->counts.superslabs;
    size_t available = 0, cached = 0, dirty = 0;
    for (uint32_t kind = 0; kind < HAK_POOL_KINDS; kind++) {
        uint32_t shift = kind == HAK_POOL_TINY ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
        const struct hak_superslab *superslab = pool->available[kind];
        for (; superslab != NULL && available <= all; superslab = superslab->next, available++) {
            broken(walk, superslab->free_mask != 0 && superslab->slab_shift == shift && !superslab->cached,
                   "I14: the pool lists each SuperSlab that has a free and a bound slab, once, by kind");
        }
    }
    for (const struct hak_superslab *s = pool->lazy.youngest; s != NULL && cached <= all; s = s->next, cached++) {
        broken(walk, s->cached && (s->next == NULL) == (s == pool->lazy.oldest),
               "I15: a SuperSlab is in the lazy cache when all its slabs are free");
    }
    for (const struct hak_superslab *s = pool->dirty_oldest; s != NULL && dirty <= all; s = s->dirty_younger, dirty++) {
        broken(walk, s->dirty_mask != 0, "I16: SuperSlabs with dirty slabs, and no others, wait to be purged");
    }
    broken(walk, available == walk->available_superslabs,
           "I14: the pool lists each SuperSlab that has a free and a bound slab, once, by kind");
    broken(walk, cached == walk->counts.cached_superslabs && cached == pool->lazy.count,
           "I15: a SuperSlab is in the lazy cache when all its slabs are free");
    broken(walk, dirty == walk->dirty_superslabs, "I16: SuperSlabs with dirty slabs, and no others, wait to be purged");
    broken(walk, pool->superslab_count == all, "I17: the pool counts SuperSlabs right");
}

static void check_runs(struct walk *walk) {
    const char *what = hak_run_check(&walk->runs);
    broken(walk, what == NULL, what);
    walk->counts.regions = walk->runs.regions;
    walk->counts.runs = walk->runs.live;
    walk->counts.run_bytes = walk->runs.live_bytes;
    walk->counts.dirty_bytes += walk->runs.dirty_bytes;
    walk->live_bytes += walk->runs.live_bytes;
}

static void check_sums(struct walk *walk) {
    const struct hak_heap_counts *seen = &walk->counts;
    broken(walk, walk->listed_slabs == seen->bound_slabs, "I34: every bound slab is in a list of its owner");
    broken(walk, seen->free_blocks + seen->cached_blocks + seen->remote_blocks <= seen->carved_blocks,
           "I13: no more blocks in lists than were carved");
    broken(walk,
           hak_load(&hak_root.decay.dirty_bytes, relaxed) == seen->dirty_bytes &&
               hak_load(&hak_root.decay.live_bytes, relaxed) == walk->live_bytes &&
               hak_load(&hak_root.decay.spare_bytes, relaxed) == walk->spare_bytes,
           "I18: the sums of dirty and of live memory are right");
}

const char *hak_check_heap(struct hak_heap_counts *counts, hak_block_visitor *visit, void *context) {
    static const struct hak_map_visitor visitor = {check_superslab, check_region, check_big};
    struct walk walk = {.visit = visit, .context = context};
    hak_map_walk(&visitor, &walk);
    struct hak_heap *heap = hak_load(&hak_root.heaps.known, acquire);
    for (; heap != NULL && walk.broken == NULL; heap = heap->next_known) {
        check_one_heap(&walk, heap);
    }
    check_pool(&walk);
    check_runs(&walk);
    const char *bigs_broken = hak_big_check(walk.counts.cached_bigs);
    broken(&walk, bigs_broken == NULL, bigs_broken);
    check_sums(&walk);
    *counts = walk.counts;
    return walk.broken;
}

static bool list_is_valid(const struct hak_slab *slab, const struct hak_heap *heap, uint32_t class_id, bool full) {
    const struct hak_slab *previous = NULL;
    for (; slab != NULL; previous = slab, slab = slab->next) {
        if (slab->previous != previous || slab->state != HAK_SLAB_BOUND || hak_slab_is_full(slab) != full ||
            (!full && slab->class_id != class_id) || hak_slab_owner(slab) != heap) {
            return false;
        }
    }
    return true;
}

static bool cache_is_valid(const struct hak_cache *cache) {
    return cache->room >= 0 && cache->room <= cache->capacity && (hak_cache_count(cache) == 0) == (cache->head == NULL);
}

static bool class_is_in_use(const struct hak_heap *heap, uint32_t class_id) {
    const struct hak_cache *cache = &heap->caches[class_id];
    return ((uintptr_t)cache->head | (uintptr_t)heap->available[class_id] | hak_cache_count(cache)) != 0;
}

/* Without branches, since most classes have nothing. */
static uint32_t classes_in_use(const struct hak_heap *heap) {
    uint32_t count = 0;
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        count += class_is_in_use(heap, class_id);
    }
    return count;
}

bool hak_heap_is_valid(const struct hak_heap *heap) {
    struct hak_class_set classes = heap->classes;
    uint32_t in_use = 0;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        if (!cache_is_valid(&heap->caches[class_id]) ||
            !list_is_valid(heap->available[class_id], heap, class_id, false)) {
            return false;
        }
        in_use += class_is_in_use(heap, class_id);
    }
    return in_use == classes_in_use(heap) && list_is_valid(heap->full, heap, HAK_CLASS_NONE, true);
}

static struct hak_place place_in_slab(const struct hak_superslab *superslab, const struct hak_slab *slab,
                                      const void *address) {
    if (slab == &superslab->slabs[0] || slab->state != HAK_SLAB_BOUND || (const char *)address < slab->start) {
        return (struct hak_place){.kind = slab == superslab->slabs ? HAK_PLACE_HEADER : HAK_PLACE_FREE_SLAB};
    }
    size_t index = (size_t)((const char *)address - slab->start) / slab->block_bytes;
    struct hak_heap *owner = hak_slab_owner(slab);
    return (struct hak_place){
        .kind = slab->class_id < HAK_TINY_CLASSES ? HAK_PLACE_TINY : HAK_PLACE_POOL,
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

struct hak_place hak_place_of(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    if (hak_map_is_superslab(entry)) {
        return place_in_slab(hak_superslab_of(address), hak_slab_at(entry, address), address);
    }
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_REGION) {
        struct hak_run_place run = hak_run_place(hak_map_record(entry), address);
        return (struct hak_place){.kind = run.is_live ? HAK_PLACE_RUN : HAK_PLACE_FREE_RUN,
                                  .block = run.start,
                                  .block_bytes = run.size_bytes};
    }
    struct hak_big *big = hak_map_big(address);
    if (big == NULL) {
        return (struct hak_place){.kind = HAK_PLACE_FOREIGN};
    }
    return (struct hak_place){.kind = hak_big_is_live(big, big->base) ? HAK_PLACE_BIG : HAK_PLACE_CACHED_BIG,
                              .block = big->base,
                              .block_bytes = big->size_bytes};
}
