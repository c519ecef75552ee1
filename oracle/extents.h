/* extents: which pages of the simulated arena are free.
 *
 * The list is sorted by address and has no two neighbours that touch; everything else is taken. Plain data without
 * pointers, so it resets by assignment. One OS thread. */
#ifndef HAKMEM_ORACLE_EXTENTS_H
#define HAKMEM_ORACLE_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/os.h"

/* The arena's own pages: those of the geometry are as large or larger. */
enum { SIM_PAGE_SHIFT = 12, SIM_PAGE_BYTES = 1 << SIM_PAGE_SHIFT };
enum { ARENA_PAGES = 1 << (HAK_ADDRESS_BITS - SIM_PAGE_SHIFT), EXTENT_NONE = ARENA_PAGES };

struct extent {
    uint32_t first; /* page */
    uint32_t count;
};

struct extents {
    uint32_t count;
    uint32_t taken_pages;
    struct extent list[ARENA_PAGES / 2 + 1];
};

/* Take `count` pages, the first a multiple of `align` (a power of two) and at or after `from`; the lowest place that
 * fits, or the highest. EXTENT_NONE when there is none. */
uint32_t extents_take(struct extents *extents, uint32_t count, uint32_t align, uint32_t from, bool highest);
/* Take [first, first + count) out of the free extent with this index. */
void extents_cut(struct extents *extents, uint32_t index, uint32_t first, uint32_t count);
/* Give pages back. They must be taken. */
void extents_give(struct extents *extents, uint32_t first, uint32_t count);
/* Index of the first free extent that ends after `page`; `count` when there is none. */
uint32_t extents_after(const struct extents *extents, uint32_t page);

#endif
