/* geometry: the sizes of everything, in one table.
 *
 * The released allocator is compiled for the row "real". Where it is only tried, the oracle picks a row for each
 * program, so that it can be tiny: a slab of a few blocks, a cache of two, and deep states in ten operations; or have
 * larger pages.
 * Constant data, any thread. Who uses HAK_GEO or a page's size includes root.h. */
#ifndef HAKMEM_ALLOCATOR_GEOMETRY_H
#define HAKMEM_ALLOCATOR_GEOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "allocator/config.h"

/* The unit of all requests to the system. It may be larger than the system's own page, never smaller; where the size of
 * that is a matter of configuration, the largest one serves all. */
#ifndef HAK_REAL_PAGE_SHIFT
#if defined(__x86_64__)
#define HAK_REAL_PAGE_SHIFT 12
#else
#define HAK_REAL_PAGE_SHIFT 16
#endif
#endif

struct hak_geometry {
    const char *name;
    uint32_t page_shift;
    uint32_t superslab_shift; /* a SuperSlab is 2^shift bytes and aligned to that; also a cell of the region map */
    uint32_t tiny_slab_shift; /* a slab of the tiny tier is 2^shift bytes; the first of a SuperSlab holds metadata */
    uint32_t pool_slab_shift; /* the same for the pool tier */
    uint32_t region_shift;    /* a region of the run tier is 2^shift bytes: whole cells */
    uint32_t slab_blocks_max; /* a slab is cut into at most this many blocks, which fits 16 bits */
    uint32_t pool_max_bytes;  /* largest block of the pool tier, a size class */
    uint32_t run_max_bytes;   /* largest run, whole pages, at most half a region */
    uint32_t cache_min;       /* a thread caches at least this many blocks of a tiny class before it flushes half ... */
    uint32_t cache_max;       /* ... and at most this many */
    uint32_t refill_batch;    /* blocks taken from a slab at once, at most ... */
    uint32_t prewarm;         /* ... and at the first use of a class */
    uint32_t remote_batch;    /* blocks of other threads that are gathered before they are handed over, at most */
    uint32_t lazy_max;        /* empty SuperSlabs in the lazy cache, at most, whatever the option says */
    uint32_t regions_kept;    /* regions of a shard that are all free, at most; what is dirty of them decay.h bounds */
    uint32_t big_buckets;     /* the BigCache's table begins with so many buckets */
    uint32_t meta_chunk_bytes; /* metadata is cut from chunks of this size */
};

/* id, then the fields in order. The order of rows is part of the program encoding: append, never reorder. */
#define HAK_GEOMETRY_TABLE(X)                                                                                          \
    X(TINY, "tiny", 12, 14, 12, 13, 16, 4, 2048, 16384, 2, 8, 2, 1, 2, 1, 1, 4, 4096)                                  \
    X(SMALL, "small", 12, 15, 12, 13, 17, 8, 4096, 32768, 4, 16, 2, 1, 4, 0, 0, 4, 4096)                               \
    X(MEDIUM, "medium", 12, 16, 12, 14, 18, 512, 8192, 65536, 16, 64, 8, 2, 8, 2, 2, 4, 4096)                          \
    X(REAL, "real", HAK_REAL_PAGE_SHIFT, 21, 16, 17, 22, 8192, 32768, 1048576, 16, 2048, 128, 8, 4096, 65536, 64, 256, \
      65536)                                                                                                           \
    X(PAGE_16K, "page-16k", 14, 17, 14, 15, 19, 4, 8192, 65536, 2, 8, 2, 1, 2, 1, 1, 4, 16384)                         \
    X(PAGE_64K, "page-64k", 16, 19, 16, 17, 21, 8, 16384, 262144, 4, 16, 2, 1, 2, 1, 1, 4, 65536)

enum hak_geometry_id {
#define HAK_GEOMETRY_ENUM(id, ...) HAK_GEOMETRY_##id,
    HAK_GEOMETRY_TABLE(HAK_GEOMETRY_ENUM)
#undef HAK_GEOMETRY_ENUM
        HAK_GEOMETRY_COUNT
};

#define HAK_GEOMETRY_ROW(id, ...) [HAK_GEOMETRY_##id] = {__VA_ARGS__},
static const struct hak_geometry hak_geometries[HAK_GEOMETRY_COUNT] = {HAK_GEOMETRY_TABLE(HAK_GEOMETRY_ROW)};

#if HAK_TRIAL
#define HAK_GEO (hak_root.geometry)
#define HAK_PAGE_SHIFT (HAK_GEO->page_shift)
#else
#define HAK_GEO (&hak_geometries[HAK_GEOMETRY_REAL])
#define HAK_PAGE_SHIFT HAK_REAL_PAGE_SHIFT
#endif
#define HAK_PAGE_BYTES ((size_t)1 << HAK_PAGE_SHIFT)

#endif
