/* run: the run tier (L2.5): blocks of whole pages inside shared regions, for requests between the pool tier and the
 * BigCache.
 *
 * A region (region.h) is a mapping of a few hundred pages, divided into live and free runs. It belongs to one shard
 * (shard.h) for its life. A shard has a lock, and lists of its free runs by length and age. A thread takes from the
 * shard its heap's number leads to; how many shards are in use follows contention (ace.h). Before a shard asks the
 * system for a region it looks whether another one has a run that fits and is not busy. Whoever frees goes to the shard
 * of the block's region. Nothing is cached by threads. Any thread may call anything here.
 *
 * Free runs remember which of their pages were written since the system gave them (dirty): calloc need not clear those
 * that were not, and decay.h has the others purged when they are old or too many. A region that is all free stays for
 * the next use, up to regions_kept of the geometry in each shard and for HAKMEM_SUPERSLAB_TTL_SEC, with
 * HAKMEM_LAZY_CACHE=0 not at all.
 *
 * Order of locks: runs.lock, which covers the making of shards; then that of one shard; then map.lock and meta.lock. A
 * shard's lock is held while the system makes a region or purges, not while it takes a region back. */
#ifndef HAKMEM_ALLOCATOR_RUN_H
#define HAKMEM_ALLOCATOR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/lock.h"
#include "allocator/region.h"

enum { HAK_SHARDS_MAX = 64 };

struct hak_runs {
    struct hak_lock lock;
    _Atomic uint32_t shards_end; /* none was made at this index or above; grows, under the lock */
    _Atomic(struct hak_shard *) shards[HAK_SHARDS_MAX]; /* records of metadata memory, made when first needed */
};

/* Whether the tier has blocks of that size and alignment (a power of two). 0 bytes take a page. */
bool hak_run_fits(size_t size_bytes, size_t align_bytes);

/* A run of at least size_bytes, for the heap with the number `home`. *zeroed: all of it reads as zero. It is closed to
 * the user (annotate.h). NULL when the system refuses. Pre: it fits. */
void *hak_run_take(size_t size_bytes, size_t align_bytes, uint32_t home, bool *zeroed);

/* Give a run back. False when the address is not the start of a live run of the region; then nothing has changed. */
bool hak_run_give(struct hak_region *region, void *address);

/* Length of the live run that begins at the address, or 0 when none does. Takes no lock. */
size_t hak_run_usable(const struct hak_region *region, const void *address);

/* Make a live run as long as if it had been taken with size_bytes, where it is: what it loses is closed to the user and
 * given back, what it gains is what comes behind it, in whatever state. False when that cannot be, and when no live run
 * begins there; then nothing has changed. */
bool hak_run_resize(struct hak_region *region, void *address, size_t size_bytes);

/* Purge free runs that are due, release regions that have been all free for too long. Shards that are busy are left for
 * the next time. Take and give do not call it: hak_decay_tick does, with no lock held. */
void hak_run_age(uint32_t now_ms);

/* Purge all free runs, release all regions that are all free. */
bool hak_run_trim(void);

/* The run an address of the region lies in. For reports: takes no lock. start is NULL where there is none. */
struct hak_run_place {
    const char *start;
    size_t size_bytes;
    bool is_live;
};
struct hak_run_place hak_run_place(const struct hak_region *region, const void *address);

struct hak_run_totals {
    size_t shards;
    size_t regions;
    size_t empty_regions; /* all free */
    size_t live;          /* runs */
    size_t live_bytes;
    size_t free_bytes;
    size_t dirty_bytes; /* of the free ones */
    /* ever: */
    uint64_t taken;
    uint64_t given;
    uint64_t resized;   /* in place, longer or shorter */
    uint64_t lent;      /* taken by threads whose own shard had none that fits */
    uint64_t contended; /* a lock was found taken */
    uint64_t created;   /* regions */
    uint64_t released;  /* regions */
    uint64_t purged_bytes;
};
/* Takes the lock of each shard in turn. */
void hak_run_totals(struct hak_run_totals *totals);

/* Prove the lists of all shards, given the sums of hak_region_check over all regions. NULL, or the one line that names
 * the invariant that does not hold. No other thread is inside the allocator. */
const char *hak_run_check(const struct hak_run_counts *counts);

/* Around fork: hold every lock of the tier; let go, in the parent; make them free, in the child. */
void hak_run_lock_all(void);
void hak_run_unlock_all(void);
void hak_run_reset_all(void);

#endif
