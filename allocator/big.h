/* big: blocks above the run tier, each one a mapping of its own, and the BigCache that keeps those that were freed.
 *
 * The block is the whole mapping; its record stands in metadata memory and in the region map, so nothing of the
 * allocator's is in reach of an overflow. Lengths are rounded up to steps of 12.5 % (of pages that are never touched).
 * A freed mapping stays in the region map, marked cached: freeing it again is noticed. While it is dirty it serves
 * requests of down to half its length; what these have too much is *spare*. It is resident and of no use, so it counts
 * as dirty memory as long as the block lives, and leaves that much less of the budget to the cache.
 *
 * A record's states: none -> live -> cached -> live ..., and leaving, from live or cached: out of the cache while the
 * system is asked to purge or release it; it comes back, or its record does. Only a live one answers for an address.
 *
 * What was freed goes to the BigCache (bigcache.h), within the bounds of HAKMEM_BIG_CACHE_MAX_COUNT, _MAX_MEMORY_MB and
 * _TTL_SEC; beyond these the oldest goes to the system. It stays dirty until decay.h has it purged; a mapping that
 * cannot be purged is released. When the system refuses a new mapping, all cached ones are given back and it is asked
 * again.
 *
 * Most of what a block of some megabytes costs are the faults of its pages, each a page of its own. Mappings of
 * HAK_BIG_HUGE_MIN_BYTES to HAK_BIG_HUGE_MAX_BYTES ask for huge pages, and begin where one can; smaller ones cover
 * none, and larger ones are often tables that are meant to stay nearly empty.
 *
 * Any thread may free any big block; resizing one is up to whoever has it, alone. big.lock covers cache, counters and
 * every change of a state; it is not held while the system maps, moves, purges or releases a mapping (only while it
 * gives the cache a table). It may be held while taking map.lock and meta.lock. */
#ifndef HAKMEM_ALLOCATOR_BIG_H
#define HAKMEM_ALLOCATOR_BIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/bigcache.h"
#include "allocator/lock.h"

enum hak_big_state { HAK_BIG_NONE, HAK_BIG_LIVE, HAK_BIG_CACHED, HAK_BIG_LEAVING };

/* What is not said to be the cache's is written by whoever has the block, or while it is nobody's. */
struct hak_big {
    struct hak_big *next; /* the cache's: in its bucket. First, since the list of free records writes there */
    union {
        struct hak_big *previous; /* the cache's */
        size_t spare_bytes;       /* of a live one: at its end; 0 where it was not dirty when it was taken */
    };
    struct hak_big *younger; /* the cache's: by the time of being freed */
    struct hak_big *older;   /* the cache's */
    char *base;
    size_t size_bytes;      /* of the mapping: whole pages, a step */
    _Atomic uint32_t state; /* enum hak_big_state */
    uint32_t since_ms;      /* the cache's: when it was freed */
    uint32_t purged_ms;     /* when it was purged */
    bool was_due;           /* it was purged, for its age */
    bool dirty;             /* the cache's: may hold something else than zeroes */
};

/* Counters for statistics: so far, but for live ones. */
struct hak_big_counters {
    size_t live, live_bytes;   /* now */
    uint64_t taken;            /* blocks handed out */
    uint64_t hits;             /* of these, from the cache */
    uint64_t mapped, released; /* mappings */
    uint64_t purged;           /* mappings that stayed */
    uint64_t extended, cut;    /* resized where they are: up, down */
    uint64_t moved;
};

struct hak_bigs {
    struct hak_lock lock;
    size_t leaving; /* records in that state */
    struct hak_bigcache cache;
    struct hak_big_counters counters;
};

struct hak_big_totals {
    uint64_t taken;            /* blocks handed out so far */
    uint64_t live, live_bytes; /* now */
    uint64_t cached, cached_bytes, cached_dirty_bytes;
    uint64_t hits, misses;             /* blocks from the cache, and others */
    uint64_t mapped, released, purged; /* mappings, so far */
    uint64_t resized;                  /* extended + cut */
    uint64_t extended, cut, moved;
    uint64_t buckets, grown, shrunk; /* the table, and how often it was */
};

/* A block of at least size_bytes, aligned to align_bytes (a power of two) and to a page; *zeroed says whether all of it
 * reads as zero. NULL when the system refuses or the size cannot be. No lock held. */
void *hak_big_take(size_t size_bytes, size_t align_bytes, bool *zeroed);
/* Free it. False, with nothing changed, when no live block begins at `address`. No lock held. */
bool hak_big_give(struct hak_big *big, const void *address);

/* Whether a live block begins at `address`. No lock. */
static inline bool hak_big_is_live(const struct hak_big *big, const void *address) {
    return hak_load(&big->state, acquire) == HAK_BIG_LIVE && hak_plain_load(big->base) == address;
}

/* Make the block fit the new size where it is: by what the system has behind it, or by giving the end back. What is new
 * reads as zero. False, with nothing changed, when that cannot be. Pre, also below: the caller has the live block. */
bool hak_big_resize(struct hak_big *big, size_t size_bytes);
/* Have the system move the block to where it is long enough, which does not copy. The new address, aligned to a page
 * and no more, where the same record stands for it; NULL, with nothing changed, when that cannot be. */
void *hak_big_move(struct hak_big *big, size_t size_bytes);

/* Release cached mappings that are past their time or beyond the bounds, purge those that are due. No lock held. */
void hak_big_age(uint32_t now_ms);
/* Release all cached mappings, and the table. No lock held. */
bool hak_big_trim(void);

/* Around fork. */
void hak_big_lock(void);
void hak_big_unlock(void);
void hak_big_reset(void);

/* Proof, while no other thread is here: cached_count is how many records the region map has that are not live. NULL, or
 * one line that names what does not hold. */
const char *hak_big_check(size_t cached_count);
void hak_big_totals(struct hak_big_totals *totals);

#endif
