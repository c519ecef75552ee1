/* region: entries, bits, and the proof of both. region.h has the theory. */
#include "allocator/region.h"

#include "allocator/assert.h"
#include "allocator/bits.h"
#include "allocator/root.h"
#include "allocator/shard.h"

#define HAK_REGION_PROOF(id, name, page_shift, superslab_shift, tiny_shift, pool_shift, region_shift, ...)             \
    _Static_assert(1 << ((region_shift) - (page_shift)) <= HAK_REGION_PAGES_MAX, name ": the table of a region");      \
    _Static_assert((region_shift) >= (superslab_shift), name ": a region is whole cells");
HAK_GEOMETRY_TABLE(HAK_REGION_PROOF)
_Static_assert(HAK_REGION_LENGTH_MASK >= HAK_REGION_PAGES_MAX, "an entry holds any length");

uint32_t hak_region_pages(void) {
    return (uint32_t)1 << (HAK_GEO->region_shift - HAK_PAGE_SHIFT);
}

size_t hak_region_bytes(void) {
    return (size_t)1 << HAK_GEO->region_shift;
}

/* Where the records of free runs are in the region's record. */
static size_t runs_offset(void) {
    size_t end = offsetof(struct hak_region, entries) + hak_region_pages() * sizeof(_Atomic uint16_t);
    return (end + _Alignof(struct hak_free_run) - 1) & ~(_Alignof(struct hak_free_run) - 1);
}

size_t hak_region_record_bytes(void) {
    return runs_offset() + (hak_region_pages() + 1) / 2 * sizeof(struct hak_free_run);
}

void hak_region_init(struct hak_region *region, char *base) {
    region->base = base;
    region->runs = (struct hak_free_run *)(void *)((char *)region + runs_offset());
}

char *hak_region_address(const struct hak_region *region, uint32_t page) {
    return region->base + ((size_t)page << HAK_PAGE_SHIFT);
}

/* ---- bits ---- */

uint32_t hak_region_dirty_pages(const struct hak_region *region, uint32_t first, uint32_t pages) {
    uint32_t end = first + pages, count = 0;
    for (uint32_t word = first / 64; word <= (end - 1) / 64; word++) {
        uint64_t all = hak_bits_in_word(word, first, end), dirty = region->dirty[word] & all;
        if (dirty == all) { /* nearly always all or none, and to count bits is a call where no instruction does it */
            uint32_t from = first > word * 64 ? first : word * 64;
            count += (end < word * 64 + 64 ? end : word * 64 + 64) - from;
        } else if (dirty != 0) {
            count += (uint32_t)__builtin_popcountll(dirty);
        }
    }
    return count;
}

void hak_region_set_dirty(struct hak_region *region, uint32_t first, uint32_t pages, bool dirty) {
    for (uint32_t word = first / 64; word <= (first + pages - 1) / 64; word++) {
        uint64_t bits = hak_bits_in_word(word, first, first + pages);
        region->dirty[word] = dirty ? region->dirty[word] | bits : region->dirty[word] & ~bits;
    }
}

static bool is_dirty(const struct hak_region *region, uint32_t page) {
    return (region->dirty[page / 64] >> page % 64 & 1) != 0;
}

struct hak_page_span hak_region_dirty_span(const struct hak_region *region, const struct hak_free_run *run) {
    uint32_t first = run->first;
    uint32_t last = run->first + run->pages - 1U;
    hak_debug_assert(run->dirty_pages > 0);
    while (first < last && !is_dirty(region, first)) {
        first++;
    }
    while (first < last && !is_dirty(region, last)) {
        last--;
    }
    return (struct hak_page_span){first, last - first + 1};
}

/* ---- entries ---- */

static void entry_write(struct hak_region *region, uint32_t page, uint32_t entry) {
    hak_store(&region->entries[page], (uint16_t)entry, relaxed);
}

void hak_region_make_live(struct hak_region *region, uint32_t first, uint32_t pages) {
    hak_debug_assert(pages > 0 && first + pages <= hak_region_pages() && hak_region_entry(region, first) == 0);
    hak_region_set_dirty(region, first, pages, true);
    entry_write(region, first, HAK_REGION_LIVE | pages);
}

struct hak_free_run *hak_region_make_free(struct hak_region *region, uint32_t first, uint32_t pages,
                                          uint32_t dirty_pages) {
    hak_debug_assert(pages > 0 && first + pages <= hak_region_pages() && hak_region_entry(region, first) == 0);
    entry_write(region, first + pages - 1, HAK_REGION_FREE_END | pages);
    entry_write(region, first, HAK_REGION_FREE | (pages == 1 ? HAK_REGION_FREE_END : 0) | pages);
    struct hak_free_run *run = hak_region_run(region, first);
    *run = (struct hak_free_run){
        .region = region,
        .first = (uint16_t)first,
        .pages = (uint16_t)pages,
        .dirty_pages = (uint16_t)dirty_pages,
    };
    return run;
}

void hak_region_unmake(struct hak_region *region, uint32_t first) {
    uint32_t entry = hak_region_entry(region, first);
    if ((entry & HAK_REGION_FREE) != 0) {
        entry_write(region, first + (entry & HAK_REGION_LENGTH_MASK) - 1, 0);
    }
    entry_write(region, first, 0);
}

uint32_t hak_region_pages_of(const struct hak_region *region, const void *address) {
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)region->base);
    if (offset >= hak_region_bytes() || (offset & (HAK_PAGE_BYTES - 1)) != 0) {
        return 0;
    }
    uint32_t entry = hak_region_entry(region, (uint32_t)(offset >> HAK_PAGE_SHIFT));
    return (entry & HAK_REGION_LIVE) != 0 ? entry & HAK_REGION_LENGTH_MASK : 0;
}

/* ---- the proof ---- */

/* Entries of a run are as they should be, given that a run begins at `first` with this entry. */
static bool run_is_whole(const struct hak_region *region, uint32_t first, uint32_t entry) {
    uint32_t pages = entry & HAK_REGION_LENGTH_MASK;
    uint32_t state = entry & ~(uint32_t)HAK_REGION_LENGTH_MASK;
    bool is_free = (entry & HAK_REGION_FREE) != 0;
    uint32_t expected = is_free ? HAK_REGION_FREE | (pages == 1 ? HAK_REGION_FREE_END : 0) : HAK_REGION_LIVE;
    if (state != expected || pages == 0 || first + pages > hak_region_pages()) {
        return false;
    }
    for (uint32_t page = first + 1; page < first + pages; page++) {
        bool end = is_free && page == first + pages - 1;
        if (hak_region_entry(region, page) != (end ? HAK_REGION_FREE_END | pages : 0)) {
            return false;
        }
    }
    return true;
}

static const char *free_run_check(const struct hak_region *region, uint32_t first, uint32_t pages,
                                  struct hak_run_counts *counts) {
    const struct hak_free_run *run = hak_region_run(region, first);
    uint32_t dirty_pages = hak_region_dirty_pages(region, first, pages);
    counts->free_runs++;
    counts->free_bytes += (size_t)pages << HAK_PAGE_SHIFT;
    counts->dirty_runs += dirty_pages != 0;
    counts->dirty_bytes += (size_t)dirty_pages << HAK_PAGE_SHIFT;
    counts->empty_regions += pages == hak_region_pages();
    if (run->region != region || run->first != first || run->pages != pages || run->dirty_pages != dirty_pages) {
        return "I21: a free run's record says what the page table says";
    }
    if (run->next == NULL || run->next->previous != run || run->previous->next != run) {
        return "I22: every free run is in the bin of its length, once";
    }
    return NULL;
}

const char *hak_region_check(const struct hak_region *region, struct hak_run_counts *counts) {
    uint32_t pages = 0;
    bool after_free = false;
    counts->regions++;
    for (uint32_t first = 0; first < hak_region_pages(); first += pages) {
        uint32_t entry = hak_region_entry(region, first);
        bool is_free = (entry & HAK_REGION_FREE) != 0;
        pages = entry & HAK_REGION_LENGTH_MASK;
        if (!run_is_whole(region, first, entry)) {
            return "I19: live and free runs tile a region, and only their ends are marked";
        }
        if (is_free && after_free) {
            return "I20: no two free runs are neighbours";
        }
        after_free = is_free;
        const char *broken = is_free ? free_run_check(region, first, pages, counts) : NULL;
        if (broken != NULL) {
            return broken;
        }
        if (!is_free) {
            counts->live++;
            counts->live_bytes += (size_t)pages << HAK_PAGE_SHIFT;
        }
        if (!is_free && (hak_shard_round(pages) != pages || hak_region_dirty_pages(region, first, pages) != pages)) {
            return "I23: a live run has a length of the steps, and all its pages count as written";
        }
    }
    return NULL;
}
