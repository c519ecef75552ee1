/* geometry: the sizes of everything, in one table.
 *
 * The released allocator is compiled for the row "real". The simulated world picks a row for each program, so that it
 * can be tiny: a slab of a few blocks, a cache of two, and deep states in ten operations.
 * Constant data, any thread. */
#ifndef HAKMEM_ALLOCATOR_GEOMETRY_H
#define HAKMEM_ALLOCATOR_GEOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "allocator/os.h"

struct hak_geometry {
    const char *name;
    uint32_t superslab_shift;  /* a SuperSlab is 2^shift bytes and aligned to that; also a cell of the region map */
    uint32_t slab_shift;       /* a slab is 2^shift bytes; the first of a SuperSlab holds the metadata */
    uint32_t slab_blocks_max;  /* a slab is cut into at most this many blocks */
    uint32_t cache_capacity;   /* blocks a thread caches per class before it flushes half */
    uint32_t refill_batch;     /* blocks taken from a slab at once, at most cache_capacity */
    uint32_t meta_chunk_bytes; /* metadata is cut from chunks of this size */
    uint32_t empties_kept;     /* empty SuperSlabs kept for reuse before one is released */
};

/* id, then the fields in order. The order of rows is part of the program encoding: append, never reorder. */
#define HAK_GEOMETRY_TABLE(X)                                                                                          \
    X(TINY, "tiny", 14, 12, 4, 2, 2, 4096, 1)                                                                          \
    X(SMALL, "small", 15, 12, 8, 4, 2, 4096, 0)                                                                        \
    X(MEDIUM, "medium", 16, 12, 512, 16, 8, 4096, 1)                                                                   \
    X(REAL, "real", 21, 16, 8192, 128, 32, 65536, 1)

enum hak_geometry_id {
#define HAK_GEOMETRY_ENUM(id, ...) HAK_GEOMETRY_##id,
    HAK_GEOMETRY_TABLE(HAK_GEOMETRY_ENUM)
#undef HAK_GEOMETRY_ENUM
        HAK_GEOMETRY_COUNT
};

#define HAK_GEOMETRY_ROW(id, ...) [HAK_GEOMETRY_##id] = {__VA_ARGS__},
static const struct hak_geometry hak_geometries[HAK_GEOMETRY_COUNT] = {HAK_GEOMETRY_TABLE(HAK_GEOMETRY_ROW)};

#if HAK_SIM
#define HAK_GEO (hak_root.geometry)
#else
#define HAK_GEO (&hak_geometries[HAK_GEOMETRY_REAL])
#endif

#endif
