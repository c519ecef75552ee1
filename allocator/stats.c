/* stats: taking the numbers. stats_print.c shows them. */
#include "allocator/stats.h"

#include "allocator/hakmem.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

static void add_slab(struct hak_stats *stats, const struct hak_slab *slab) {
    bool is_tiny = slab->class_id < HAK_TINY_CLASSES;
    stats->value[is_tiny ? HAK_STAT_TINY_slabs : HAK_STAT_POOL_slabs]++;
    stats->value[is_tiny ? HAK_STAT_TINY_slab_bytes : HAK_STAT_POOL_slab_bytes] += hak_slab_bytes(slab);
    stats->value[is_tiny ? HAK_STAT_TINY_clean_bytes : HAK_STAT_POOL_clean_bytes] +=
        (size_t)__builtin_popcount(hak_slab_clean_pages(slab)) << HAK_PAGE_SHIFT;
    stats->value[is_tiny ? HAK_STAT_TINY_live_blocks : HAK_STAT_POOL_live_blocks] += slab->used;
    stats->value[is_tiny ? HAK_STAT_TINY_live_bytes : HAK_STAT_POOL_live_bytes] +=
        (uint64_t)slab->used * slab->block_bytes;
    stats->value[is_tiny ? HAK_STAT_TINY_free_blocks : HAK_STAT_POOL_free_blocks] += slab->carved - slab->used;
}

/* Pre: heap.lock. */
static void add_heap(struct hak_stats *stats, struct hak_heap *heap) {
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        for (const struct hak_slab *slab = heap->available[class_id]; slab != NULL; slab = slab->next) {
            add_slab(stats, slab);
        }
    }
    for (const struct hak_slab *slab = heap->full; slab != NULL; slab = slab->next) {
        add_slab(stats, slab);
    }
    struct hak_heap_work *work = &heap->work;
    stats->value[HAK_STAT_TINY_refills] += hak_note_load(&work->refills[0]);
    stats->value[HAK_STAT_POOL_refills] += hak_note_load(&work->refills[1]);
    stats->value[HAK_STAT_TINY_blocks] += hak_note_load(&work->blocks[0]);
    stats->value[HAK_STAT_POOL_blocks] += hak_note_load(&work->blocks[1]);
    stats->value[HAK_STAT_THREAD_flushes] += hak_note_load(&work->flushes);
    stats->value[HAK_STAT_THREAD_remote_pushed] += hak_note_load(&work->pushed);
    stats->value[HAK_STAT_THREAD_remote_drained] += hak_note_load(&work->drained);
    stats->value[HAK_STAT_THREAD_helped] += hak_note_load(&work->helped);
    stats->value[HAK_STAT_THREAD_adopted] += hak_note_load(&work->adopted);
    stats->value[HAK_STAT_THREAD_heaps]++;
    stats->value[HAK_STAT_MEMORY_slab_purged_bytes] += hak_note_load(&work->purged_bytes);
}

/* What the calling thread's own caches hold: count and bytes by tier. */
struct cached {
    uint64_t blocks[2];
    uint64_t bytes[2];
};

static struct cached own_cached(void) {
    struct cached cached = {{0, 0}, {0, 0}};
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        uint64_t count = hak_cache_count(&hak_thread.heap->caches[class_id]);
        cached.blocks[class_id >= HAK_TINY_CLASSES] += count;
        cached.bytes[class_id >= HAK_TINY_CLASSES] += count * hak_class_bytes[class_id];
    }
    return cached;
}

static void take_heaps(struct hak_stats *stats) {
    struct hak_heap *heap = hak_load(&hak_root.heaps.known, acquire);
    for (; heap != NULL; heap = heap->next_known) {
        hak_lock_acquire(&heap->lock);
        add_heap(stats, heap);
        hak_lock_release(&heap->lock);
    }
    struct cached cached = own_cached();
    stats->value[HAK_STAT_TINY_live_blocks] -= cached.blocks[0];
    stats->value[HAK_STAT_TINY_live_bytes] -= cached.bytes[0];
    stats->value[HAK_STAT_POOL_live_blocks] -= cached.blocks[1];
    stats->value[HAK_STAT_POOL_live_bytes] -= cached.bytes[1];
}

static void take_pool(struct hak_stats *stats) {
    struct hak_pool *pool = &hak_root.pool;
    hak_lock_acquire(&pool->lock);
    stats->value[HAK_STAT_SUPERSLAB_mapped] = pool->superslab_count;
    stats->value[HAK_STAT_SUPERSLAB_cached] = pool->lazy.count;
    stats->value[HAK_STAT_SUPERSLAB_created] = pool->created;
    stats->value[HAK_STAT_SUPERSLAB_released] = pool->released;
    stats->value[HAK_STAT_SUPERSLAB_reused] = pool->lazy.hits;
    stats->value[HAK_STAT_SUPERSLAB_slabs_taken] = pool->taken;
    stats->value[HAK_STAT_SUPERSLAB_slabs_given] = pool->given;
    hak_lock_release(&pool->lock);
}

static void take_large(struct hak_stats *stats) {
    struct hak_run_totals runs;
    struct hak_big_totals bigs;
    hak_run_totals(&runs);
    hak_big_totals(&bigs);
    stats->value[HAK_STAT_RUN_blocks] = runs.taken;
    stats->value[HAK_STAT_RUN_live_blocks] = runs.live;
    stats->value[HAK_STAT_RUN_live_bytes] = runs.live_bytes;
    stats->value[HAK_STAT_RUN_resized] = runs.resized;
    stats->value[HAK_STAT_RUN_regions] = runs.regions;
    stats->value[HAK_STAT_RUN_contended] = runs.contended;
    stats->value[HAK_STAT_BIG_blocks] = bigs.taken;
    stats->value[HAK_STAT_BIG_live_blocks] = bigs.live;
    stats->value[HAK_STAT_BIG_live_bytes] = bigs.live_bytes;
    stats->value[HAK_STAT_BIG_resized] = bigs.resized;
    stats->value[HAK_STAT_BIG_moved] = bigs.moved;
    stats->value[HAK_STAT_BIG_cached_blocks] = bigs.cached;
    stats->value[HAK_STAT_BIG_cached_bytes] = bigs.cached_bytes;
    stats->value[HAK_STAT_BIG_cache_hits] = bigs.hits;
}

void hak_stats_take(struct hak_stats *stats) {
    *stats = (struct hak_stats){{0}};
    take_heaps(stats);
    take_pool(stats);
    take_large(stats);
    stats->value[HAK_STAT_MEMORY_live_bytes] = hak_load(&hak_root.decay.live_bytes, relaxed);
    stats->value[HAK_STAT_MEMORY_dirty_bytes] = hak_load(&hak_root.decay.dirty_bytes, relaxed);
    stats->value[HAK_STAT_MEMORY_purged_bytes] = hak_load(&hak_root.decay.purged_bytes, relaxed);
    hak_lock_acquire(&hak_root.meta.lock);
    stats->value[HAK_STAT_MEMORY_metadata_bytes] = hak_root.meta.reserved_bytes;
    hak_lock_release(&hak_root.meta.lock);
    stats->value[HAK_STAT_ERROR_bad_pointers] = hak_load(&hak_root.complaints, relaxed);
}

HAK_EXPORT void hak_stats_totals(struct hak_totals *totals) {
    struct hak_stats stats;
    hak_stats_take(&stats);
    const uint64_t *value = stats.value;
    struct cached cached = own_cached();
    size_t live_bytes =
        value[HAK_STAT_TINY_live_bytes] + value[HAK_STAT_POOL_live_bytes] + value[HAK_STAT_RUN_live_bytes];
    size_t reserved_bytes = value[HAK_STAT_SUPERSLAB_mapped] * hak_superslab_bytes() +
                            (value[HAK_STAT_RUN_regions] << HAK_GEO->region_shift);
    *totals = (struct hak_totals){
        .reserved_bytes = reserved_bytes > live_bytes ? reserved_bytes : live_bytes,
        .live_bytes = live_bytes,
        .free_bytes = reserved_bytes > live_bytes ? reserved_bytes - live_bytes : 0,
        .free_count =
            cached.blocks[0] + cached.blocks[1] + value[HAK_STAT_TINY_free_blocks] + value[HAK_STAT_POOL_free_blocks],
        .cached_bytes = cached.bytes[0] + cached.bytes[1],
        .cached_count = cached.blocks[0] + cached.blocks[1],
        .mapped_bytes = value[HAK_STAT_BIG_live_bytes],
        .mapped_count = value[HAK_STAT_BIG_live_blocks],
        .trimmable_bytes = value[HAK_STAT_MEMORY_dirty_bytes],
    };
}
