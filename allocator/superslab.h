/* superslab: a mapping of 2^superslab_shift bytes, aligned to that, divided into slabs of one size.
 *
 * The first slab's place holds this header with the metadata of all slabs; the others carry blocks. Which of them no
 * heap owns, and which of those hold something, are bits by index. All but the slabs that heaps own belongs to the
 * pool, under its lock. A SuperSlab with no bound slab can be divided anew, for slabs of another size. */
#ifndef HAKMEM_ALLOCATOR_SUPERSLAB_H
#define HAKMEM_ALLOCATOR_SUPERSLAB_H

#include "allocator/root.h"
#include "allocator/slab.h"

struct hak_superslab {
    struct hak_superslab *next; /* in the pool's list, or in the lazy cache, where it is the older one */
    struct hak_superslab *previous;
    struct hak_superslab *dirty_older; /* in the pool's list of those with a dirty slab */
    struct hak_superslab *dirty_younger;
    uint64_t free_mask;      /* bit i: slab i is free */
    uint64_t dirty_mask;     /* bit i: slab i is free and may hold something */
    uint64_t purged_mask;    /* bit i: slab i is free and was purged */
    uint32_t slab_count;     /* usable slabs: indices 1 to slab_count */
    uint32_t slab_shift;     /* a slab is 2^shift bytes */
    uint32_t freed_ms;       /* when a slab was last given back */
    uint32_t purged_ms;      /* when slabs were last purged */
    bool cached;             /* in the lazy cache */
    struct hak_slab slabs[]; /* [0] stands for the header's own place and stays zero: it has no blocks */
};

static inline size_t hak_superslab_bytes(void) {
    return (size_t)1 << HAK_GEO->superslab_shift;
}

/* The SuperSlab in which an address lies that is known to be in one. */
static inline struct hak_superslab *hak_superslab_of(const void *address) {
    return (struct hak_superslab *)((uintptr_t)address & ~((uintptr_t)hak_superslab_bytes() - 1));
}

static inline size_t hak_slab_bytes(const struct hak_slab *slab) {
    return (size_t)1 << hak_superslab_of(slab)->slab_shift;
}

/* The slab of a block that is known to be in one. */
static inline struct hak_slab *hak_slab_of(const struct hak_block *block) {
    struct hak_superslab *superslab = hak_superslab_of(block);
    return &superslab->slabs[((uintptr_t)block - (uintptr_t)superslab) >> superslab->slab_shift];
}

/* The slab an address lies in, by its entry of the region map, which leads to the slabs' metadata and whose tag is the
 * shift: one register, no load. */
static inline struct hak_slab *hak_slab_at(uintptr_t entry, const void *address) {
    struct hak_slab *slabs = hak_map_record(entry);
    return &slabs[((uintptr_t)address & (hak_superslab_bytes() - 1)) >> (entry & HAK_MAP_TAG_MASK)];
}

static inline bool hak_superslab_is_empty(const struct hak_superslab *superslab) {
    return superslab->free_mask >> 1 == (UINT64_C(1) << superslab->slab_count) - 1;
}

/* Make a fresh, committed range one, with all slabs free, and enter it in the region map. False when the system
 * refuses; then the range is as before but for its header's bytes. Takes map.lock. */
bool hak_superslab_create(struct hak_superslab *superslab, uint32_t slab_shift);
/* Divide an empty one anew, of which these slabs are dirty: returns which ones are then. Takes map.lock. */
uint64_t hak_superslab_divide(struct hak_superslab *superslab, uint32_t slab_shift, uint64_t dirty_mask);
/* Take it out of the region map and give it back. Pre: all slabs free. Takes map.lock. */
void hak_superslab_destroy(struct hak_superslab *superslab);
/* Purge the slabs of a set of bits; those that were purged. */
uint64_t hak_superslab_purge(struct hak_superslab *superslab, uint64_t mask);

/* Free slabs are free, others bound; dirty ones are free. */
bool hak_superslab_is_valid(const struct hak_superslab *superslab);

#endif
