/* world_thrift: memory that is taken though some was there, and memory that is kept though nobody allowed it.
 *
 * Neither corrupts anything, so no other check sees it; a long-running program does. What holds:
 *
 *   drain     a thread takes a slab from the pool only after it has emptied its own queue
 *   reuse     a SuperSlab is made only when no listed and no cached one could have served
 *   bounds    the lazy cache, the empty regions and the BigCache hold no more than their options allow; options may
 *             change on the way, so the largest limits of the run count
 *
 * Operations run to their end, so nobody comes in between the two looks of one. One OS thread. */
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/finding.h"
#include "oracle/run.h"

static struct {
    size_t superslabs;
    size_t regions; /* of each shard */
    size_t bigs;
} limits;

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void run_thrift_options(void) {
    bool lazy = hak_option(LAZY_CACHE) != 0;
    size_t by_bytes = ((size_t)hak_option(SUPERSLAB_MAX_MEMORY_MB) << 20) / hak_superslab_bytes();
    size_t superslabs = smaller(smaller(hak_option(SUPERSLAB_MAX_CACHED), by_bytes), HAK_GEO->lazy_max);
    limits.superslabs = larger(limits.superslabs, lazy ? superslabs : 0);
    limits.regions = larger(limits.regions, lazy ? HAK_GEO->regions_kept : 0);
    limits.bigs = larger(limits.bigs, hak_option(BIG_CACHE_MAX_COUNT));
}

uint64_t run_thrift_state(void) {
    return (limits.superslabs * UINT64_C(0x9e3779b97f4a7c15) ^ limits.regions) * UINT64_C(0xbf58476d1ce4e5b9) ^
           limits.bigs;
}

void run_thrift_begin(void) {
    limits.superslabs = limits.regions = limits.bigs = 0;
    run_thrift_options();
}

struct thrift run_thrift_before(void) {
    const struct hak_pool *pool = &hak_root.pool;
    return (struct thrift){.created = pool->created,
                           .released = pool->released,
                           .taken = pool->taken,
                           .has_free = {pool->available[0] != NULL, pool->available[1] != NULL},
                           .has_cached = pool->lazy.count != 0};
}

/* What is released on the way could not serve any more. */
void run_thrift_check(const struct thrift *before, const void *address) {
    const struct hak_pool *pool = &hak_root.pool;
    if (pool->taken == before->taken) {
        return;
    }
    if (hak_remote_has_blocks(&hak_thread.heap->remote)) {
        finding_raise(CHECK_RETENTION, address,
                      "a slab was taken from the pool while blocks waited in the thread's queue");
    }
    if (pool->created == before->created || pool->released != before->released) {
        return;
    }
    bool is_pool = hak_place_of(address).kind == HAK_PLACE_POOL;
    if (before->has_free[is_pool] || before->has_cached) {
        finding_raise(CHECK_RETENTION, address, "a SuperSlab was made though %s",
                      before->has_cached ? "one waited in the lazy cache" : "another had a free slab");
    }
}

static void prove_bound(const char *what, size_t held, size_t limit) {
    if (held > limit) {
        finding_raise(CHECK_RETENTION, NULL, "%zu %s are kept, where the options allow %zu", held, what, limit);
    }
}

void run_thrift_prove(const struct hak_heap_counts *counts) {
    struct hak_run_totals totals;
    hak_run_totals(&totals);
    prove_bound("empty SuperSlabs", counts->cached_superslabs, limits.superslabs);
    prove_bound("empty regions", totals.empty_regions, limits.regions * totals.shards);
    prove_bound("freed mappings", counts->cached_bigs, limits.bigs);
}
