/* pool: the shared pool of free slabs, and through it of SuperSlabs.
 *
 * A slab that no heap needs comes here and serves any class of any heap next. SuperSlabs that have a free slab are in
 * one list without limit; those that are all free are counted, and beyond HAK_GEO->empties_kept they go back to the
 * system. Owns pool.lock, which may be held while taking map.lock and meta.lock. Any thread. */
#ifndef HAKMEM_ALLOCATOR_POOL_H
#define HAKMEM_ALLOCATOR_POOL_H

#include <stddef.h>

#include "allocator/lock.h"

struct hak_slab;
struct hak_superslab;

struct hak_pool {
    struct hak_lock lock;
    struct hak_superslab *available; /* SuperSlabs with a free slab */
    size_t superslab_count;          /* all of them */
    size_t empty_count;              /* those with no slab in use */
};

/* A free, committed slab, not yet bound, or NULL when the system refuses. */
struct hak_slab *hak_pool_take(void);
/* Give back a slab that was unbound. */
void hak_pool_give(struct hak_slab *slab);
/* Release every empty SuperSlab. */
void hak_pool_trim(void);

#endif
