/* lazy: the lazy cache of SuperSlabs that are all free.
 *
 * They stay mapped and known to the region map, newest first, and the newest serves first. Bounds: count
 * (HAKMEM_SUPERSLAB_MAX_CACHED), bytes (HAKMEM_SUPERSLAB_MAX_MEMORY_MB) and age (HAKMEM_SUPERSLAB_TTL_SEC): the oldest
 * go back to the system. Their pages may have been purged before that (pool.h). Pre, for all: pool.lock is held. */
#ifndef HAKMEM_ALLOCATOR_LAZY_H
#define HAKMEM_ALLOCATOR_LAZY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_superslab;

struct hak_lazy {
    struct hak_superslab *youngest;
    struct hak_superslab *oldest;
    size_t count;
    uint64_t hits, evictions; /* for statistics */
};

/* Put an empty SuperSlab in. Returns one that has to be released instead, maybe the same, or NULL. */
struct hak_superslab *hak_lazy_put(struct hak_lazy *lazy, struct hak_superslab *superslab);
/* The newest, or NULL; with slabs of that size if there is one among the newest few. */
struct hak_superslab *hak_lazy_take(struct hak_lazy *lazy, uint32_t slab_shift);
/* The oldest, if it is past its time to live or `all` is true. It is taken out; NULL when there is none such. */
struct hak_superslab *hak_lazy_expired(struct hak_lazy *lazy, uint32_t now_ms, bool all);

#endif
