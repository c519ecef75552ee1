/* meta: memory for the allocator's own records.
 *
 * Cut from chunks that the system gives, HAK_GEO->meta_chunk_bytes each (larger for a larger record), without limit on
 * their number. Records of a kind go back to that kind's list and serve that kind again; chunks are never given back,
 * so a stale pointer to a record is always readable. Owns meta.lock, the innermost lock. Any thread. */
#ifndef HAKMEM_ALLOCATOR_META_H
#define HAKMEM_ALLOCATOR_META_H

#include <stddef.h>

#include "allocator/lock.h"

enum hak_meta_kind {
    HAK_META_HEAP,
    HAK_META_LEAF,
    HAK_META_HOME,
    HAK_META_PAGES,
    HAK_META_BIG,
    HAK_META_REGION,
    HAK_META_SHARD,
    HAK_META_KINDS
};

struct hak_meta_free {
    struct hak_meta_free *next;
};

struct hak_meta {
    struct hak_lock lock;
    char *cursor; /* next free byte of the current chunk */
    char *limit;
    size_t reserved_bytes;
    uint32_t live[HAK_META_KINDS]; /* records taken and not given back */
    uint32_t free_count[HAK_META_KINDS];
    struct hak_meta_free *free[HAK_META_KINDS];
};

enum { HAK_META_ALIGN_BYTES = 64 };

/* A zeroed record, aligned to HAK_META_ALIGN_BYTES, or NULL when the system refuses. All records of a kind have one
 * size. Takes meta.lock. */
void *hak_meta_take(enum hak_meta_kind kind, size_t size_bytes);
/* Have at least `count` records of the kind in its list. False when the system refuses. Takes meta.lock. */
bool hak_meta_stock(enum hak_meta_kind kind, size_t size_bytes, size_t count);
/* Takes meta.lock. */
void hak_meta_give(enum hak_meta_kind kind, void *record);

#endif
