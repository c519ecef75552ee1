/* shard: the free runs of some regions, by length and by age.
 *
 * Lengths have steps: exact to 8 pages, then eight to each doubling. There is a bin for each step, for free runs from
 * that length to below the next, and a bit for each bin that holds one. What is taken is rounded up to a step, so every
 * run of its bin and of all larger bins fits: the first that fits is found by one look at the bits. The last bin is
 * that of whole regions: they are used only when nothing else fits, and so the emptier regions become all free.
 *
 * A bin is a ring. Runs whose pages are all dirty are put in front, clean ones at its back, those that are dirty in
 * part between them, and the front is taken: what was written last serves first, and untouched memory stays so. Those
 * with dirty pages are in a list by age too. A run that is a rest of an older one keeps the place of that in the list;
 * one that was joined is as young as its youngest part.
 *
 * Who holds the lock of a shard may change it and its regions, and may take map.lock and meta.lock. Before the lock is
 * released hak_shard_settle tells decay.h what has changed. Pre, for all with a shard: its lock is held. */
#ifndef HAKMEM_ALLOCATOR_SHARD_H
#define HAKMEM_ALLOCATOR_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/ace.h"
#include "allocator/lock.h"
#include "allocator/region.h"

enum { HAK_SHARD_BINS = 64 };

struct hak_shard {
    struct hak_lock lock;
    struct hak_ace_window window;
    _Atomic uint64_t filled; /* a bit per bin; others may look without the lock */
    struct hak_free_run *bins[HAK_SHARD_BINS];
    struct hak_free_run *oldest; /* with dirty pages */
    struct hak_free_run *youngest;
    size_t live_pages;
    size_t dirty_pages; /* of free runs */
    size_t told_live_pages;
    size_t told_dirty_pages;
    uint32_t region_count;
    uint32_t empty_count; /* regions that are one free run */
    uint64_t taken, given, resized, lent, contended, created, released, purged_bytes; /* for statistics */
};

/* The step a length is rounded up to. 1 <= pages <= HAK_REGION_PAGES_MAX. */
uint32_t hak_shard_round(uint32_t pages);

/* Make pages that are part of no run a free run, with so many dirty ones, and put it into the lists. `origin` says how
 * old it is and was: a free run that was taken out, or NULL when it is free from now on. */
void hak_shard_list(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages,
                    uint32_t dirty_pages, const struct hak_free_run *origin);
/* Take a free run out of the lists; its pages are part of no run. Returns what it was, good for `origin` as long as no
 * other run is taken out. */
struct hak_free_run hak_shard_unlist(struct hak_shard *shard, struct hak_free_run *run);
/* Make pages that are part of no run a free run from now on, joined with free neighbours. */
void hak_shard_join(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages);

/* A run in which `pages` (a step) fit at a multiple of align_pages, or NULL. */
struct hak_free_run *hak_shard_find(struct hak_shard *shard, uint32_t pages, uint32_t align_pages);
/* Whether the shard may have a run of so many pages. Needs no lock: a hint. */
bool hak_shard_may_fit(struct hak_shard *shard, uint32_t pages);
/* Where in a run pages with that alignment begin. */
uint32_t hak_shard_place_in(const struct hak_free_run *run, uint32_t align_pages);

/* Of the regions that are all free, the one that has been so for longest, or NULL. */
struct hak_free_run *hak_shard_empty(struct hak_shard *shard);

/* Give the dirty pages of a run back to the system. `due`: because they were old. Where the system refuses, the run
 * counts as freed just now, so that others have their turn, and false comes back. */
bool hak_shard_purge(struct hak_shard *shard, struct hak_free_run *run, bool due);

/* Tell decay.h how much is live and dirty now. */
void hak_shard_settle(struct hak_shard *shard);

/* Prove the lists; adds to what they hold. NULL or the invariant that does not hold, as hak_region_check. */
const char *hak_shard_check(const struct hak_shard *shard, struct hak_run_counts *listed);

#endif
