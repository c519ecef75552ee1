/* pool: the shared pool of free slabs, and through it of SuperSlabs.
 *
 * A slab that no heap needs comes here and serves any class of any heap next. There are two kinds of SuperSlabs, by the
 * size of their slabs: for the tiny and for the pool tier. Those of a kind that have a free slab and a bound one are in
 * that kind's list. One that is all free goes to the lazy cache (lazy.h), where it waits to serve again as either kind.
 * When there is none, SuperSlabs are cut from a chunk, which the system gave; how many are asked for at once is the
 * controller's decision.
 *
 * Free slabs that were written are dirty; SuperSlabs with such slabs are in a list by the time a slab was last given
 * back, and are purged from its old end (decay.h).
 *
 * Owns pool.lock, which covers the lazy cache too, and may be held while taking map.lock and meta.lock. Any thread. */
#ifndef HAKMEM_ALLOCATOR_POOL_H
#define HAKMEM_ALLOCATOR_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/lazy.h"
#include "allocator/lock.h"

struct hak_slab;
struct hak_superslab;

enum hak_pool_kind { HAK_POOL_TINY, HAK_POOL_POOL, HAK_POOL_KINDS };

struct hak_pool {
    struct hak_lock lock;
    struct hak_superslab *available[HAK_POOL_KINDS]; /* with a free slab and a bound one */
    struct hak_superslab *dirty_oldest;
    struct hak_superslab *dirty_youngest;
    struct hak_lazy lazy;
    char *chunk_cursor; /* reserved for SuperSlabs to come */
    char *chunk_end;
    uint32_t chunk_ms;                                /* when it was reserved */
    size_t superslab_count;                           /* all of them, cached ones too */
    uint64_t created, released, taken, given, purges; /* for statistics */
};

/* A free slab for a class, not yet bound, or NULL when the system refuses. */
struct hak_slab *hak_pool_take(uint32_t class_id);
/* Give back a slab that was unbound. */
void hak_pool_give(struct hak_slab *slab);
/* Purge what is due, release what is past its time. */
void hak_pool_age(uint32_t now_ms);
/* Release every empty SuperSlab, purge every free slab. */
void hak_pool_trim(void);
/* How often memory went back to the system so far. */
uint64_t hak_pool_returned(void);

#endif
