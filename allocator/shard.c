/* shard: bins, the list by age, joining, purging, and the proof of the lists. shard.h has the theory. */
#include "allocator/shard.h"

#include "allocator/assert.h"
#include "allocator/fault.h"
#include "allocator/root.h"

enum { LOOKED_AT = 8 }; /* runs of a bin, at most, for the place of one that is dirty in part */

/* ---- steps ---- */

static uint32_t log2_floor(uint32_t value) {
    return 31 - (uint32_t)__builtin_clz(value);
}

uint32_t hak_shard_round(uint32_t pages) {
    if (pages <= 8) {
        return pages;
    }
    uint32_t step = (uint32_t)1 << (log2_floor(pages - 1) - 3);
    return (pages + step - 1) & ~(step - 1);
}

/* The bin of the largest step that is not above `pages`. */
static uint32_t bin_of(uint32_t pages) {
    if (pages <= 8) {
        return pages - 1;
    }
    uint32_t doubling = log2_floor(pages) - 3;
    return doubling * 8 + (pages >> doubling) - 1;
}

_Static_assert(HAK_REGION_PAGES_MAX == 8 << (HAK_SHARD_BINS / 8 - 1), "eight bins to a doubling reach a whole region");

/* ---- bins ---- */

static uint32_t clean_pages(const struct hak_free_run *run) {
    return (uint32_t)run->pages - run->dirty_pages;
}

/* In a ring that is not empty, the run before which one belongs that is not to be the front; the front stands for the
 * back. */
static struct hak_free_run *place_in_ring(struct hak_free_run *front, const struct hak_free_run *run) {
    if (run->dirty_pages == 0) {
        return front;
    }
    struct hak_free_run *place = front->next;
    for (uint32_t i = 1; i < LOOKED_AT && place != front && clean_pages(place) < clean_pages(run); i++) {
        place = place->next;
    }
    return place;
}

static void bin_insert(struct hak_shard *shard, struct hak_free_run *run) {
    uint32_t bin = bin_of(run->pages);
    struct hak_free_run *front = shard->bins[bin];
    if (front == NULL) {
        run->next = run->previous = run;
        shard->bins[bin] = run;
        hak_store(&shard->filled, hak_load(&shard->filled, relaxed) | UINT64_C(1) << bin, relaxed);
        return;
    }
    bool leads = run->dirty_pages != 0 && clean_pages(run) <= clean_pages(front);
    struct hak_free_run *place = leads ? front : place_in_ring(front, run);
    run->next = place;
    run->previous = place->previous;
    place->previous->next = run;
    place->previous = run;
    if (leads) {
        shard->bins[bin] = run;
    }
}

static void bin_remove(struct hak_shard *shard, struct hak_free_run *run) {
    uint32_t bin = bin_of(run->pages);
    if (run->next == run) {
        hak_assert(shard->bins[bin] == run);
        shard->bins[bin] = NULL;
        hak_store(&shard->filled, hak_load(&shard->filled, relaxed) & ~(UINT64_C(1) << bin), relaxed);
        return;
    }
    hak_assert(run->next->previous == run && run->previous->next == run);
    run->next->previous = run->previous;
    run->previous->next = run->next;
    if (shard->bins[bin] == run) {
        shard->bins[bin] = run->next;
    }
}

/* ---- the list by age ---- */

/* Put a run behind `older`, or at the old end where that is NULL. */
static void age_insert(struct hak_shard *shard, struct hak_free_run *run, struct hak_free_run *older) {
    run->older = older;
    run->younger = older == NULL ? shard->oldest : older->younger;
    *(run->older == NULL ? &shard->oldest : &run->older->younger) = run;
    *(run->younger == NULL ? &shard->youngest : &run->younger->older) = run;
}

static void age_remove(struct hak_shard *shard, struct hak_free_run *run) {
    *(run->older == NULL ? &shard->oldest : &run->older->younger) = run->younger;
    *(run->younger == NULL ? &shard->youngest : &run->younger->older) = run->older;
}

/* ---- runs ---- */

void hak_shard_list(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages,
                    uint32_t dirty_pages, const struct hak_free_run *origin) {
    struct hak_free_run *run = hak_region_make_free(region, first, pages, dirty_pages);
    run->since_ms = origin == NULL ? os_clock_ms() : origin->since_ms;
    run->was_due = origin != NULL && origin->was_due;
    run->purged_ms = origin == NULL ? 0 : origin->purged_ms;
    bin_insert(shard, run);
    if (run->dirty_pages != 0) {
        age_insert(shard, run, origin == NULL ? shard->youngest : origin->older);
        shard->dirty_pages += run->dirty_pages;
    }
    shard->empty_count += pages == hak_region_pages();
}

struct hak_free_run hak_shard_unlist(struct hak_shard *shard, struct hak_free_run *run) {
    struct hak_free_run was = *run;
    bin_remove(shard, run);
    if (run->dirty_pages != 0) {
        age_remove(shard, run);
        shard->dirty_pages -= run->dirty_pages;
    }
    shard->empty_count -= run->pages == hak_region_pages();
    hak_region_unmake(run->region, run->first);
    return was;
}

void hak_shard_join(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages) {
    uint32_t end = first + pages;
    uint32_t dirty_pages = hak_region_dirty_pages(region, first, pages);
    uint32_t left = first > 0 ? hak_region_entry(region, first - 1) : 0;
    uint32_t right = end < hak_region_pages() ? hak_region_entry(region, end) : 0;
    if ((left & HAK_REGION_FREE_END) != 0) {
        first -= left & HAK_REGION_LENGTH_MASK;
        dirty_pages += hak_shard_unlist(shard, hak_region_run(region, first)).dirty_pages;
    }
    if ((right & HAK_REGION_FREE) != 0) {
        struct hak_free_run *run = hak_region_run(region, end);
        dirty_pages += run->dirty_pages;
        if (HAK_FAULT(RUN_JOIN_LOSES_NEIGHBOUR)) {
            hak_region_unmake(region, end);
        } else {
            struct hak_free_run was = hak_shard_unlist(shard, run);
            if (HAK_FAULT_IF(JOIN_KEEPS_AGE, was.dirty_pages != 0)) {
                age_insert(shard, run, shard->youngest);
            }
        }
        end += right & HAK_REGION_LENGTH_MASK;
    }
    hak_shard_list(shard, region, first, end - first, dirty_pages, NULL);
}

/* ---- finding ---- */

uint32_t hak_shard_place_in(const struct hak_free_run *run, uint32_t align_pages) {
    return (run->first + align_pages - 1) & ~(align_pages - 1);
}

static uint64_t bins_from(uint32_t pages) {
    return ~UINT64_C(0) << bin_of(pages);
}

/* With an alignment only the front of each bin is looked at. That finds one whenever there is a run that is longer by
 * the alignment, or a whole region. */
struct hak_free_run *hak_shard_find(struct hak_shard *shard, uint32_t pages, uint32_t align_pages) {
    hak_debug_assert(hak_shard_round(pages) == pages);
    uint64_t bins = hak_load(&shard->filled, relaxed) & bins_from(pages);
    for (; bins != 0; bins &= bins - 1) {
        struct hak_free_run *run = shard->bins[__builtin_ctzll(bins)];
        hak_assert(run->pages >= pages);
        if (hak_shard_place_in(run, align_pages) + pages <= (uint32_t)run->first + run->pages) {
            return run;
        }
    }
    return NULL;
}

bool hak_shard_may_fit(struct hak_shard *shard, uint32_t pages) {
    return (hak_load(&shard->filled, relaxed) & bins_from(pages)) != 0;
}

/* The ring is short: run.c keeps few such regions. */
struct hak_free_run *hak_shard_empty(struct hak_shard *shard) {
    struct hak_free_run *front = shard->bins[bin_of(hak_region_pages())];
    struct hak_free_run *oldest = front;
    for (struct hak_free_run *run = front; run != NULL; run = run->next == front ? NULL : run->next) {
        oldest = (int32_t)(run->since_ms - oldest->since_ms) <= 0 ? run : oldest;
    }
    return oldest;
}

/* ---- going back to the system ---- */

bool hak_shard_purge(struct hak_shard *shard, struct hak_free_run *run, bool due) {
    struct hak_region *region = run->region;
    struct hak_page_span span = hak_region_dirty_span(region, run);
    if (!hak_decay_purge(hak_region_address(region, span.first), (size_t)span.pages << HAK_PAGE_SHIFT)) {
        hak_ring_note(HAK_EVENT_REFUSED, (size_t)span.pages << HAK_PAGE_SHIFT);
        age_remove(shard, run);
        age_insert(shard, run, shard->youngest);
        run->since_ms = os_clock_ms();
        return false;
    }
    size_t purged_bytes = (size_t)run->dirty_pages << HAK_PAGE_SHIFT;
    shard->purged_bytes += purged_bytes;
    hak_ring_note(HAK_EVENT_PURGED, (uintptr_t)hak_region_address(region, span.first));
    hak_decay_purged(purged_bytes);
    bin_remove(shard, run);
    age_remove(shard, run);
    shard->dirty_pages -= run->dirty_pages;
    hak_region_set_dirty(region, span.first, span.pages, false);
    run->dirty_pages = 0;
    run->was_due = due;
    run->purged_ms = os_clock_ms();
    bin_insert(shard, run);
    return true;
}

void hak_shard_settle(struct hak_shard *shard) {
    if (shard->live_pages != shard->told_live_pages) {
        hak_decay_live((shard->live_pages - shard->told_live_pages) << HAK_PAGE_SHIFT);
        shard->told_live_pages = shard->live_pages;
    }
    if (shard->dirty_pages != shard->told_dirty_pages) {
        hak_decay_dirty((shard->dirty_pages - shard->told_dirty_pages) << HAK_PAGE_SHIFT);
        shard->told_dirty_pages = shard->dirty_pages;
    }
}

/* ---- the proof ---- */

/* A run in a list is one of this shard's that the page table knows. Its links are looked at by the walk. */
static bool is_listed_rightly(const struct hak_shard *shard, const struct hak_free_run *run) {
    struct hak_region *region = run->region;
    return hak_load(&region->shard, relaxed) == shard && hak_region_run(region, run->first) == run &&
           (hak_region_entry(region, run->first) & ~(uint32_t)HAK_REGION_FREE_END) ==
               ((uint32_t)HAK_REGION_FREE | run->pages);
}

static bool bin_is_valid(const struct hak_shard *shard, uint32_t bin, struct hak_run_counts *listed) {
    const struct hak_free_run *run = shard->bins[bin];
    bool filled = (hak_load(&((struct hak_shard *)(uintptr_t)shard)->filled, relaxed) >> bin & 1) != 0;
    if (run == NULL || !filled) {
        return run == NULL && !filled;
    }
    do {
        if (!is_listed_rightly(shard, run) || bin_of(run->pages) != bin || run->next->previous != run) {
            return false;
        }
        listed->free_runs++;
        listed->free_bytes += (size_t)run->pages << HAK_PAGE_SHIFT;
        run = run->next;
    } while (run != shard->bins[bin]);
    return true;
}

static bool ages_are_valid(const struct hak_shard *shard, struct hak_run_counts *listed) {
    const struct hak_free_run *older = NULL;
    size_t dirty_pages = 0;
    for (const struct hak_free_run *run = shard->oldest; run != NULL; older = run, run = run->younger) {
        if (!is_listed_rightly(shard, run) || run->older != older || run->dirty_pages == 0 || run->was_due ||
            (older != NULL && run->since_ms - older->since_ms > INT32_MAX)) {
            return false;
        }
        listed->dirty_runs++;
        dirty_pages += run->dirty_pages;
    }
    listed->dirty_bytes += dirty_pages << HAK_PAGE_SHIFT;
    return shard->youngest == older && shard->dirty_pages == dirty_pages && shard->told_dirty_pages == dirty_pages;
}

const char *hak_shard_check(const struct hak_shard *shard, struct hak_run_counts *listed) {
    for (uint32_t bin = 0; bin < HAK_SHARD_BINS; bin++) {
        if (!bin_is_valid(shard, bin, listed)) {
            return "I22: every free run is in the bin of its length, once";
        }
    }
    if (!ages_are_valid(shard, listed)) {
        return "I24: the list by age holds the free runs with dirty pages, oldest first";
    }
    listed->regions += shard->region_count;
    listed->empty_regions += shard->empty_count;
    listed->live += (size_t)(shard->taken - shard->given);
    listed->live_bytes += shard->live_pages << HAK_PAGE_SHIFT;
    return shard->live_pages == shard->told_live_pages ? NULL : "I25: a shard has told decay what is live";
}
