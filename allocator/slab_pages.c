/* slab_pages: which pages of a bound slab hold something, and the purge of those that need not. Under the lock of the
 * heap that owns the slab; that it is not the owner who holds it is no matter.
 *
 * A page can go when every carved block that touches it is in the slab's free list, or withdrawn already because of
 * another page. What is not cut can go in any case. Neither live blocks nor those that a cache or a queue holds are in
 * the free list, so theirs stay. */
#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/header.h"
#include "allocator/links.h"
#include "allocator/slab.h"
#include "allocator/superslab.h"

enum { PAGES_MAX = 32 }; /* the bits of clean_pages; superslab.c sees to it */

static size_t offset_of(const struct hak_slab *slab, const char *address) {
    return (uintptr_t)address & (hak_slab_bytes(slab) - 1);
}

static uint32_t page_of(const struct hak_slab *slab, const char *address) {
    return (uint32_t)(offset_of(slab, address) >> HAK_PAGE_SHIFT);
}

/* Pages from `first` to `last`, as bits. */
static uint32_t pages_between(size_t first, size_t last) {
    return (uint32_t)((UINT64_C(2) << last) - (UINT64_C(1) << first));
}

/* A block's place begins with its header. */
static uint32_t pages_of(const struct hak_slab *slab, const struct hak_block *block) {
    size_t offset = offset_of(slab, (const char *)block - HAK_HEADER_BYTES);
    return pages_between(offset >> HAK_PAGE_SHIFT, (offset + slab->block_bytes - 1) >> HAK_PAGE_SHIFT);
}

static void clean_set(struct hak_slab *slab, uint32_t pages) {
    hak_store(&slab->clean_pages, pages, relaxed);
}

uint32_t hak_slab_all_pages(const struct hak_slab *slab) {
    return pages_between(0, (hak_slab_bytes(slab) >> HAK_PAGE_SHIFT) - 1);
}

/* The carved blocks lie without a gap from the first page on. */
uint32_t hak_slab_withdrawn_pages(const struct hak_slab *slab) {
    if (hak_slab_clean_pages(slab) == 0 || slab->carved == 0) {
        return 0;
    }
    uint32_t last = page_of(slab, slab->carved_end - HAK_HEADER_BYTES - 1);
    return hak_slab_clean_pages(slab) & pages_between(0, last);
}

bool hak_slab_touches_clean(const struct hak_slab *slab, const struct hak_block *block) {
    return (hak_slab_clean_pages(slab) & pages_of(slab, block)) != 0;
}

void hak_slab_use_pages(struct hak_slab *slab, const struct hak_block *first, const struct hak_block *last) {
    const char *start = (const char *)first - HAK_HEADER_BYTES, *end = (const char *)last - HAK_HEADER_BYTES;
    uint32_t pages = pages_between(page_of(slab, start), page_of(slab, end + slab->block_bytes - 1));
    if ((hak_slab_clean_pages(slab) & pages) != 0) {
        clean_set(slab, hak_slab_clean_pages(slab) & ~pages);
    }
}

void hak_slab_wipe_links(struct hak_slab *slab) {
    bool has_labels = hak_slab_has_labels(slab);
    uint32_t clean_pages = hak_slab_clean_pages(slab);
    char *end = slab->carved_end;
    for (char *at = slab->start; at < end; at += slab->block_bytes) {
        if (HAK_LIKELY(clean_pages == 0) || (clean_pages >> page_of(slab, at) & 1) == 0) {
            hak_link_wipe((struct hak_block *)(void *)at);
            if (has_labels) {
                hak_label_wipe((struct hak_block *)(void *)at);
            }
        }
    }
}

/* --- the blocks of a page --- */

/* Numbers of the carved blocks that touch a page: first to end - 1. */
struct range {
    uint32_t first;
    uint32_t end;
};

static struct range blocks_of(const struct hak_slab *slab, uint32_t page) {
    size_t origin = offset_of(slab, slab->start - HAK_HEADER_BYTES);
    size_t page_start = (size_t)page << HAK_PAGE_SHIFT, page_last = page_start + HAK_PAGE_BYTES - 1;
    hak_debug_assert(origin < HAK_PAGE_BYTES); /* the first block, or its header, begins on the first page */
    uint32_t first = page_start < origin ? 0 : (uint32_t)((page_start - origin) / slab->block_bytes);
    uint32_t end = (uint32_t)((page_last - origin) / slab->block_bytes) + 1;
    if (HAK_FAULT_IF(PURGE_STRADDLED,
                     (size_t)first * slab->block_bytes + origin < page_start && first < slab->carved)) {
        first++; /* the block that begins on the page before */
    }
    end = end < slab->carved ? end : slab->carved;
    return (struct range){first < end ? first : end, end};
}

/* For each page the number of free blocks that touch it. */
struct census {
    uint16_t free[PAGES_MAX];
};

static void census_add(struct census *census, const struct hak_slab *slab, const struct hak_block *block) {
    for (uint32_t pages = pages_of(slab, block); pages != 0; pages &= pages - 1) {
        census->free[__builtin_ctz(pages)]++;
    }
}

/* A list that is longer than it can be is a ring, of a block that was freed twice: the end, rather than no end. */
static void census_take(struct census *census, const struct hak_slab *slab) {
    uint32_t length = 0;
    *census = (struct census){{0}};
    for (struct hak_block *block = slab->free; block != NULL; block = hak_link_get(block)) {
        hak_assert(slab->used + length++ < slab->carved);
        census_add(census, slab, block);
    }
    for (uint32_t i = 0; hak_slab_has_withdrawn(slab) && i < slab->carved; i++) {
        const struct hak_block *block = hak_slab_block(slab, i);
        if (hak_slab_touches_clean(slab, block)) {
            census_add(census, slab, block);
        }
    }
}

/* Pages that no block in use touches. */
static uint32_t pages_free(const struct hak_slab *slab) {
    struct census census;
    census_take(&census, slab);
    uint32_t pages = 0;
    for (uint32_t page = 0; page < hak_slab_bytes(slab) >> HAK_PAGE_SHIFT; page++) {
        struct range range = blocks_of(slab, page);
        if (census.free[page] >= range.end - range.first) {
            pages |= UINT32_C(1) << page;
        }
    }
    return pages;
}

/* --- there and back --- */

/* Those that touch a clean page leave the free list; the others keep their order, and are one chain now: its label is
 * the only one that is left. */
static void list_withdraw(struct hak_slab *slab) {
    struct hak_chain stay = {0};
    bool has_labels = hak_slab_has_labels(slab);
    struct hak_block *block = slab->free;
    for (struct hak_block *next; block != NULL; block = next) {
        next = hak_link_get(block);
        if (hak_slab_touches_clean(slab, block) && !HAK_FAULT(PURGE_KEEPS_LISTED)) {
            continue;
        }
        if (has_labels && !HAK_FAULT(LABEL_LEFT)) {
            hak_label_wipe(block);
        }
        if (stay.count++ == 0) {
            stay.head = block;
        } else {
            hak_link_set(stay.tail, block);
        }
        stay.tail = block;
    }
    slab->free = NULL;
    if (stay.count != 0) {
        hak_slab_relist(slab, stay);
    }
}

/* The page holds something again, or still. Blocks that touch no other clean page are free, the lowest in front. */
static void page_restore(struct hak_slab *slab, uint32_t page) {
    clean_set(slab, hak_slab_clean_pages(slab) & ~(UINT32_C(1) << page));
    struct range range = blocks_of(slab, page);
    for (uint32_t i = range.end; i > range.first; i--) {
        struct hak_block *block = hak_slab_block(slab, i - 1);
        if (hak_slab_touches_clean(slab, block) || HAK_FAULT_IF(RESTORE_FORGETS, slab->free != NULL)) {
            continue;
        }
        hak_slab_announce(slab, block);
        hak_header_close(block, slab->class_id);
        hak_slab_relist(slab, (struct hak_chain){block, block, 1});
    }
}

void hak_slab_restore(struct hak_slab *slab) {
    hak_debug_assert(slab->free == NULL);
    uint32_t pages;
    while (slab->free == NULL && (pages = hak_slab_withdrawn_pages(slab)) != 0) {
        page_restore(slab, (uint32_t)__builtin_ctz(pages));
    }
    hak_slab_set_owner(slab, hak_slab_owner(slab));
}

/* Neighbours go in one request. What the system refuses to purge is as before. */
static uint32_t pages_purge(struct hak_slab *slab, uint32_t pages) {
    char *slab_start = slab->start - offset_of(slab, slab->start);
    uint32_t purged = 0;
    for (uint32_t left = pages; left != 0;) {
        uint32_t first = (uint32_t)__builtin_ctz(left);
        uint32_t count = (uint32_t)__builtin_ctzll(~((uint64_t)left >> first));
        uint32_t stretch = pages_between(first, first + count - 1);
        if (hak_decay_purge(slab_start + ((size_t)first << HAK_PAGE_SHIFT), (size_t)count << HAK_PAGE_SHIFT)) {
            purged |= stretch;
        }
        left &= ~stretch;
    }
    return purged;
}

size_t hak_slab_purge(struct hak_slab *slab, uint32_t pages_min) {
    uint32_t pages = pages_free(slab) & ~hak_slab_clean_pages(slab);
    if (pages == 0 || (uint32_t)__builtin_popcount(pages) < pages_min) {
        return 0;
    }
    clean_set(slab, hak_slab_clean_pages(slab) | pages);
    list_withdraw(slab);
    hak_slab_set_owner(slab, hak_slab_owner(slab)); /* before a page loses what a second free is known by */
    uint32_t purged = pages_purge(slab, pages);
    for (uint32_t refused = pages & ~purged; refused != 0; refused &= refused - 1) {
        page_restore(slab, (uint32_t)__builtin_ctz(refused));
    }
    hak_slab_set_owner(slab, hak_slab_owner(slab));
    return (size_t)__builtin_popcount(purged) << HAK_PAGE_SHIFT;
}
