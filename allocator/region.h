/* region: the page table of one region of the run tier.
 *
 * A region is a mapping of 2^region_shift bytes, aligned to a cell of the region map. Nothing of the allocator's stands
 * in it; its record is metadata memory: an entry a page, a bit a page, and records for the free runs.
 *
 * Live and free runs tile the region without gap, and no two free runs are neighbours. The entry of a run's first page
 * says how long it is and whether it is live; that of the last page of a free run says the same, so that who comes from
 * the right finds the start; all other entries are 0. Since free runs are never neighbours, their first pages are at
 * least two apart: half as many records as pages are enough, and the run that begins at page n has record n / 2.
 *
 * The bit of a page is set when the page may hold something: it is in a live run, or was in one and was not purged
 * since.
 *
 * A region belongs to one shard for its life. Its lock covers all changes and everything here but hak_region_pages_of:
 * whoever holds a live run may ask for its length at any time, because nobody else changes that entry. */
#ifndef HAKMEM_ALLOCATOR_REGION_H
#define HAKMEM_ALLOCATOR_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"

struct hak_region;
struct hak_shard;

enum {
    HAK_REGION_PAGES_MAX = 1024,
    HAK_REGION_LENGTH_MASK = 2047, /* of an entry: the run's pages */
    HAK_REGION_LIVE = 1 << 12,     /* first page of a live run */
    HAK_REGION_FREE = 1 << 13,     /* first page of a free run */
    HAK_REGION_FREE_END = 1 << 14  /* last page of a free run */
};

/* A free run, in the lists of its shard (shard.h). */
struct hak_free_run {
    struct hak_region *region;
    struct hak_free_run *next; /* in its bin: a ring */
    struct hak_free_run *previous;
    struct hak_free_run *younger; /* among those with dirty pages, by since_ms */
    struct hak_free_run *older;
    uint32_t since_ms;  /* when the youngest part of it was freed */
    uint32_t purged_ms; /* where was_due is set: when that was */
    uint16_t first;     /* page */
    uint16_t pages;
    uint16_t dirty_pages;
    bool was_due; /* no page is dirty, because all were old enough to be purged */
};

struct hak_region {
    char *base;
    _Atomic(struct hak_shard *) shard; /* NULL when the region has gone; for whoever frees what is not live any more */
    struct hak_region *next;           /* while it is being released */
    uint64_t dirty[HAK_REGION_PAGES_MAX / 64];
    struct hak_free_run *runs; /* behind the entries */
    _Atomic uint16_t entries[];
};

/* All regions have one size. */
uint32_t hak_region_pages(void);
size_t hak_region_bytes(void);
size_t hak_region_record_bytes(void);

/* Make a zeroed record that of a region of no runs at all: whoever calls says what all its pages are. */
void hak_region_init(struct hak_region *region, char *base);

static inline uint32_t hak_region_entry(const struct hak_region *region, uint32_t page) {
    /* C17 lets no const object be loaded from by all compilers we have. */
    return hak_load(&((struct hak_region *)(uintptr_t)region)->entries[page], relaxed);
}

static inline struct hak_free_run *hak_region_run(const struct hak_region *region, uint32_t first) {
    return &region->runs[first / 2];
}

char *hak_region_address(const struct hak_region *region, uint32_t page);

/* Say that [first, first + pages) is a live run; its bits are set. Pre: a part of no run. */
void hak_region_make_live(struct hak_region *region, uint32_t first, uint32_t pages);
/* The same for a free run, so many pages of which are dirty; its record is begun: region, place and that number. Who
 * makes runs of others knows it without a look at their bits. */
struct hak_free_run *hak_region_make_free(struct hak_region *region, uint32_t first, uint32_t pages,
                                          uint32_t dirty_pages);
/* The run that begins at `first` is no run any more. */
void hak_region_unmake(struct hak_region *region, uint32_t first);

uint32_t hak_region_dirty_pages(const struct hak_region *region, uint32_t first, uint32_t pages);
void hak_region_set_dirty(struct hak_region *region, uint32_t first, uint32_t pages, bool dirty);

/* From the first to the last dirty page of a free run. Pre: it has one. */
struct hak_page_span {
    uint32_t first;
    uint32_t pages;
};
struct hak_page_span hak_region_dirty_span(const struct hak_region *region, const struct hak_free_run *run);

/* Length of the live run that begins at the address, 0 if none does. Needs no lock where the caller holds the run. */
uint32_t hak_region_pages_of(const struct hak_region *region, const void *address);

/* Sums over regions. */
struct hak_run_counts {
    size_t regions;
    size_t live; /* runs */
    size_t live_bytes;
    size_t free_runs;
    size_t free_bytes;
    size_t dirty_runs; /* free runs with a dirty page */
    size_t dirty_bytes;
    size_t empty_regions; /* of one free run */
};

/* NULL, or the one line that names the invariant of the page table that does not hold. Adds to the counts; the lists of
 * the shards are proven from these by hak_run_check (run.h). No other thread is inside the allocator. */
const char *hak_region_check(const struct hak_region *region, struct hak_run_counts *counts);

#endif
