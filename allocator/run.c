/* run: taking, giving, resizing; regions that come and go; age. run.h has the theory. */
#include "allocator/run.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/fault.h"
#include "allocator/root.h"
#include "allocator/shard.h"
#include "allocator/shards.h"

/* ---- locks ---- */

/* The locked shard of a region. NULL when the region has gone: its record is readable for ever, and may serve another
 * region by now. */
static struct hak_shard *shard_lock_of(struct hak_region *region) {
    struct hak_shard *shard = hak_load(&region->shard, acquire);
    if (shard == NULL) {
        return NULL;
    }
    hak_shards_lock(shard);
    if (HAK_UNLIKELY(hak_load(&region->shard, relaxed) != shard)) {
        hak_shards_unlock(shard);
        return NULL;
    }
    return shard;
}

/* ---- regions that come and go ---- */

static char *region_map(struct hak_region *region) {
    size_t bytes = hak_region_bytes();
    char *base = os_reserve(bytes, (size_t)1 << HAK_GEO->superslab_shift);
    if (base == NULL) {
        return NULL;
    }
    hak_region_init(region, base);
    if (os_commit(base, bytes) && hak_map_enter_region(region, base)) {
        hak_mark_fresh(base, bytes);
        return base;
    }
    os_release(base, bytes);
    return NULL;
}

/* Pre: the shard is locked. False when the system refuses; then nothing is left of it. */
static bool region_create(struct hak_shard *shard) {
    struct hak_region *region = hak_meta_take(HAK_META_REGION, hak_region_record_bytes());
    if (region == NULL || region_map(region) == NULL) {
        hak_ring_note(HAK_EVENT_REFUSED, hak_region_bytes());
        if (region != NULL) {
            hak_meta_give(HAK_META_REGION, region);
        }
        return false;
    }
    hak_store(&region->shard, shard, release);
    shard->region_count++;
    shard->created++;
    hak_ring_note(HAK_EVENT_REGION_CREATED, (uintptr_t)region->base);
    hak_shard_list(shard, region, 0, hak_region_pages(), 0, NULL);
    return true;
}

/* Who had something to wait for: pages that were purged for their age are wanted again, or leave for good. */
static void purge_ended(const struct hak_free_run *run) {
    if (run->was_due) {
        hak_ace_purge_ended(&hak_root.ace, os_clock_ms() - run->purged_ms);
    }
}

/* Take a region that is all free out of shard and map, and put it before those in `gone`. Pre: the shard is locked. */
static struct hak_region *region_detach(struct hak_shard *shard, struct hak_free_run *run, struct hak_region *gone) {
    struct hak_region *region = run->region;
    struct hak_free_run was = hak_shard_unlist(shard, run);
    hak_debug_assert(was.pages == hak_region_pages());
    purge_ended(&was);
    shard->region_count--;
    shard->released++;
    hak_store(&region->shard, NULL, relaxed);
    if (!HAK_FAULT(MAP_KEEPS_REGION)) {
        hak_map_remove_region(region->base);
    }
    region->next = gone;
    return region;
}

/* Pre: no shard is locked. */
static void regions_release(struct hak_region *gone) {
    while (gone != NULL) {
        struct hak_region *region = gone;
        gone = region->next;
        hak_ring_note(HAK_EVENT_REGION_RELEASED, (uintptr_t)region->base);
        hak_mark_returned(region->base, hak_region_bytes());
        os_release(region->base, hak_region_bytes());
        hak_meta_give(HAK_META_REGION, region);
    }
}

static uint32_t regions_kept(void) {
    return hak_option(LAZY_CACHE) == 0 ? 0 : HAK_GEO->regions_kept;
}

/* ---- lengths ---- */

static uint32_t pages_for(size_t size_bytes) {
    size_t pages = (size_bytes + HAK_PAGE_BYTES - 1) >> HAK_PAGE_SHIFT;
    return pages == 0 ? 1 : hak_shard_round((uint32_t)pages);
}

/* Regions begin at cells, so nothing in them can be promised a larger alignment. */
bool hak_run_fits(size_t size_bytes, size_t align_bytes) {
    return size_bytes <= HAK_GEO->run_max_bytes && align_bytes <= (size_t)1 << HAK_GEO->superslab_shift;
}

/* Pre: its shard is locked. */
static bool region_is_valid(const struct hak_region *region) {
    struct hak_run_counts counts = {0};
    return hak_region_check(region, &counts) == NULL;
}

/* ---- taking ---- */

struct request {
    uint32_t pages;
    uint32_t align_pages;
};

/* Cut what was asked for out of a free run: what lies before it and behind it is free again. */
static void *run_cut(struct hak_shard *shard, struct hak_free_run *run, struct request request, bool *zeroed) {
    struct hak_region *region = run->region;
    struct hak_free_run was = hak_shard_unlist(shard, run);
    uint32_t first = hak_shard_place_in(&was, request.align_pages);
    uint32_t end = first + request.pages;
    uint32_t was_end = (uint32_t)was.first + was.pages;
    hak_assert(end <= was_end);
    uint32_t front_pages = first - was.first;
    uint32_t front_dirty = front_pages == 0 ? 0 : hak_region_dirty_pages(region, was.first, front_pages);
    uint32_t dirty = hak_region_dirty_pages(region, first, request.pages);
    if (front_pages != 0 && !HAK_FAULT(RUN_ALIGN_FRONT_LOST)) {
        hak_shard_list(shard, region, was.first, front_pages, front_dirty, &was);
    }
    if (was_end > end) {
        hak_shard_list(shard, region, end, was_end - end, was.dirty_pages - front_dirty - dirty, &was);
    }
    *zeroed = dirty == 0 || HAK_FAULT(RUN_KEEPS_ZERO);
    purge_ended(&was);
    hak_region_make_live(region, first, request.pages);
    shard->live_pages += request.pages;
    shard->taken++;
    hak_heap_assert(region_is_valid(region));
    return hak_region_address(region, first);
}

/* Pre: the shard is locked. */
static void *take_from(struct hak_shard *shard, struct request request, bool *zeroed) {
    struct hak_free_run *run = hak_shard_find(shard, request.pages, request.align_pages);
    return run == NULL ? NULL : run_cut(shard, run, request, zeroed);
}

static void *take_from_others(const struct hak_shard *own, struct request request, bool *zeroed) {
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        struct hak_shard *shard = hak_shards_at(i);
        if (shard == NULL || shard == own || !hak_shard_may_fit(shard, request.pages) || !hak_lock_try(&shard->lock)) {
            continue;
        }
        void *block = take_from(shard, request, zeroed);
        shard->lent += block != NULL;
        hak_shards_unlock(shard);
        if (block != NULL) {
            return block;
        }
    }
    return NULL;
}

void *hak_run_take(size_t size_bytes, size_t align_bytes, uint32_t home, bool *zeroed) {
    hak_debug_assert(hak_run_fits(size_bytes, align_bytes));
    struct request request = {pages_for(size_bytes), 1};
    if (align_bytes > HAK_PAGE_BYTES) {
        request.align_pages = (uint32_t)(align_bytes >> HAK_PAGE_SHIFT);
    }
    struct hak_shard *shard = hak_shards_of(home);
    if (HAK_UNLIKELY(shard == NULL)) {
        return NULL;
    }
    hak_shards_lock(shard);
    void *block = take_from(shard, request, zeroed);
    hak_shards_unlock(shard);
    if (HAK_LIKELY(block != NULL)) {
        return block;
    }
    block = take_from_others(shard, request, zeroed);
    if (block != NULL) {
        return block;
    }
    hak_shards_lock(shard);
    block = take_from(shard, request, zeroed); /* somebody may have given one back, or made a region */
    if (block == NULL && region_create(shard)) {
        block = take_from(shard, request, zeroed);
        hak_assert(block != NULL);
    }
    hak_shards_unlock(shard);
    return block;
}

/* ---- giving ---- */

/* Purge the oldest as long as there is too much in all. Pre: the shard is locked. */
static void purge_excess(struct hak_shard *shard) {
    hak_shard_settle(shard);
    while (shard->oldest != NULL && hak_decay_excess() > 0 && hak_shard_purge(shard, shard->oldest, false)) {
        hak_shard_settle(shard);
    }
}

bool hak_run_give(struct hak_region *region, void *address) {
    struct hak_shard *shard = shard_lock_of(region);
    if (HAK_UNLIKELY(shard == NULL)) {
        return false;
    }
    uint32_t pages = hak_region_pages_of(region, address);
    if (HAK_UNLIKELY(pages == 0)) {
        hak_shards_unlock(shard);
        return false;
    }
    uint32_t first = (uint32_t)((size_t)((char *)address - region->base) >> HAK_PAGE_SHIFT);
    hak_mark_closed(address, (size_t)pages << HAK_PAGE_SHIFT);
    hak_region_unmake(region, first);
    shard->live_pages -= pages;
    shard->given++;
    hak_shard_join(shard, region, first, pages);
    hak_heap_assert(region_is_valid(region));
    struct hak_region *gone = NULL;
    while (shard->empty_count > regions_kept()) {
        gone = region_detach(shard, hak_shard_empty(shard), gone);
    }
    purge_excess(shard);
    hak_shards_unlock(shard);
    regions_release(gone);
    return true;
}

size_t hak_run_usable(const struct hak_region *region, const void *address) {
    return (size_t)hak_region_pages_of(region, address) << HAK_PAGE_SHIFT;
}

struct hak_run_place hak_run_place(const struct hak_region *region, const void *address) {
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)region->base);
    struct hak_run_place place = {NULL, 0, false};
    if (offset >= hak_region_bytes()) {
        return place;
    }
    uint32_t page = (uint32_t)(offset >> HAK_PAGE_SHIFT);
    uint32_t entry = hak_region_entry(region, page);
    while ((entry & (HAK_REGION_LIVE | HAK_REGION_FREE)) == 0 && page > 0) {
        entry = hak_region_entry(region, --page);
    }
    if ((entry & (HAK_REGION_LIVE | HAK_REGION_FREE)) != 0) {
        place.start = hak_region_address(region, page);
        place.size_bytes = (size_t)(entry & HAK_REGION_LENGTH_MASK) << HAK_PAGE_SHIFT;
        place.is_live = (entry & HAK_REGION_LIVE) != 0;
    }
    return place;
}

/* ---- resizing ---- */

/* Pre, for both: the shard is locked, a live run of `pages` begins at `first`. */
static void run_shrink(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages,
                       uint32_t new_pages) {
    if (HAK_FAULT_IF(RUN_TAIL_SHORT, new_pages > 1)) {
        new_pages--;
    }
    hak_mark_closed(hak_region_address(region, first + new_pages), (size_t)(pages - new_pages) << HAK_PAGE_SHIFT);
    hak_region_unmake(region, first);
    hak_region_make_live(region, first, new_pages);
    shard->live_pages -= pages - new_pages;
    hak_shard_join(shard, region, first + new_pages, pages - new_pages);
    purge_excess(shard);
}

static bool run_grow(struct hak_shard *shard, struct hak_region *region, uint32_t first, uint32_t pages,
                     uint32_t new_pages) {
    uint32_t end = first + pages;
    uint32_t behind = end < hak_region_pages() ? hak_region_entry(region, end) : 0;
    uint32_t more = new_pages - pages;
    if ((behind & HAK_REGION_FREE) == 0 || (behind & HAK_REGION_LENGTH_MASK) < more) {
        return false;
    }
    struct hak_free_run was = hak_shard_unlist(shard, hak_region_run(region, end));
    uint32_t dirty = hak_region_dirty_pages(region, end, more);
    if (was.pages > more) {
        hak_shard_list(shard, region, end + more, was.pages - more, was.dirty_pages - dirty, &was);
    }
    purge_ended(&was);
    bool stays_clean = HAK_FAULT_IF(REGROW_KEEPS_CLEAN, dirty == 0);
    hak_region_unmake(region, first);
    hak_region_make_live(region, first, new_pages);
    if (stays_clean) {
        hak_region_set_dirty(region, end, more, false);
    }
    shard->live_pages += more;
    return true;
}

bool hak_run_resize(struct hak_region *region, void *address, size_t size_bytes) {
    struct hak_shard *shard = hak_run_fits(size_bytes, 1) ? shard_lock_of(region) : NULL;
    if (shard == NULL) {
        return false;
    }
    uint32_t pages = hak_region_pages_of(region, address);
    uint32_t new_pages = pages_for(size_bytes);
    uint32_t first = (uint32_t)((size_t)((char *)address - region->base) >> HAK_PAGE_SHIFT);
    bool done = pages != 0;
    if (HAK_FAULT_IF(ALIGNED_GAP_COUNTS,
                     done && new_pages > pages && first > 0 &&
                         (hak_region_entry(region, first - 1) & HAK_REGION_FREE_END) != 0 &&
                         new_pages - pages <= (hak_region_entry(region, first - 1) & HAK_REGION_LENGTH_MASK))) {
        new_pages = pages; /* large enough as it is */
    }
    if (done && new_pages < pages) {
        run_shrink(shard, region, first, pages, new_pages);
    } else if (done && new_pages > pages) {
        done = run_grow(shard, region, first, pages, new_pages);
    }
    shard->resized += done && new_pages != pages;
    hak_heap_assert(region_is_valid(region));
    hak_shards_unlock(shard);
    return done;
}

/* ---- age and trim ---- */

static bool is_past_its_time(uint32_t since_ms, uint32_t now_ms) {
    return hak_decay_age_ms(since_ms, now_ms) / 1000 >= hak_option(SUPERSLAB_TTL_SEC);
}

void hak_run_age(uint32_t now_ms) {
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        struct hak_shard *shard = hak_shards_at(i);
        if (shard == NULL || !hak_lock_try(&shard->lock)) {
            continue;
        }
        struct hak_region *gone = NULL;
        struct hak_free_run *empty = hak_shard_empty(shard);
        while (empty != NULL && is_past_its_time(empty->since_ms, now_ms)) {
            gone = region_detach(shard, empty, gone);
            empty = hak_shard_empty(shard);
        }
        while (shard->oldest != NULL && hak_decay_is_due(shard->oldest->since_ms, now_ms) &&
               hak_shard_purge(shard, shard->oldest, true)) {
            hak_shard_settle(shard);
        }
        hak_shards_unlock(shard);
        regions_release(gone);
    }
}

bool hak_run_trim(void) {
    bool some = false;
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        struct hak_shard *shard = hak_shards_at(i);
        if (shard == NULL) {
            continue;
        }
        hak_shards_lock(shard);
        struct hak_region *gone = NULL;
        while (shard->empty_count > 0) {
            gone = region_detach(shard, hak_shard_empty(shard), gone);
        }
        struct hak_free_run *last = shard->youngest; /* where the system refuses, runs go behind it */
        for (struct hak_free_run *run = shard->oldest, *next; run != NULL; run = next) {
            next = run == last ? NULL : run->younger;
            some = hak_shard_purge(shard, run, false) || some;
        }
        hak_shards_unlock(shard);
        some = some || gone != NULL;
        regions_release(gone);
    }
    return some;
}
