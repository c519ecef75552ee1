/* superslab: a mapping of 2^superslab_shift bytes, aligned to that, divided into slabs.
 *
 * The first slab's place holds this header with the metadata of all slabs; the others carry blocks. `free` and
 * `free_count` are the slabs that no heap owns; they and the links belong to the pool, under its lock. */
#ifndef HAKMEM_ALLOCATOR_SUPERSLAB_H
#define HAKMEM_ALLOCATOR_SUPERSLAB_H

#include "allocator/root.h"
#include "allocator/slab.h"

struct hak_superslab {
    struct hak_superslab *next; /* in the pool's list of SuperSlabs that have a free slab */
    struct hak_superslab *previous;
    struct hak_slab *free;
    uint32_t free_count;
    uint32_t slab_count;     /* usable slabs: indices 1 to slab_count */
    struct hak_slab slabs[]; /* [0] stands for the header's own place and stays zero: it has no blocks */
};

/* The slab an address of this SuperSlab lies in. */
static inline struct hak_slab *hak_superslab_slab(struct hak_superslab *superslab, const void *address) {
    return &superslab->slabs[((uintptr_t)address - (uintptr_t)superslab) >> HAK_GEO->slab_shift];
}

/* The SuperSlab a slab's metadata stands in. */
static inline struct hak_superslab *hak_superslab_of(const struct hak_slab *slab) {
    return (struct hak_superslab *)((uintptr_t)slab & ~(((uintptr_t)1 << HAK_GEO->superslab_shift) - 1));
}

/* Map one with all slabs free and enter it in the region map. NULL when the system refuses. Takes map.lock. */
struct hak_superslab *hak_superslab_create(void);
/* Take it out of the region map and give it back. Pre: all slabs free. Takes map.lock. */
void hak_superslab_destroy(struct hak_superslab *superslab);

#endif
