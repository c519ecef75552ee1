/* extents: first fit over a sorted list. */
#include "oracle/extents.h"

#include <string.h>

static void extent_insert(struct extents *extents, uint32_t index, struct extent extent) {
    memmove(&extents->list[index + 1], &extents->list[index], (extents->count - index) * sizeof extent);
    extents->list[index] = extent;
    extents->count++;
}

static void extent_delete(struct extents *extents, uint32_t index) {
    extents->count--;
    memmove(&extents->list[index], &extents->list[index + 1], (extents->count - index) * sizeof extents->list[0]);
}

/* Cut [first, first + count) out of free extent `index`. */
void extents_cut(struct extents *extents, uint32_t index, uint32_t first, uint32_t count) {
    struct extent whole = extents->list[index];
    struct extent before = {whole.first, first - whole.first};
    struct extent after = {first + count, whole.first + whole.count - first - count};
    if (before.count != 0) {
        extents->list[index++] = before;
        if (after.count != 0) {
            extent_insert(extents, index, after);
        }
    } else if (after.count != 0) {
        extents->list[index] = after;
    } else {
        extent_delete(extents, index);
    }
    extents->taken_pages += count;
}

/* The place for `count` aligned pages inside an extent at or after `from`, lowest or highest; EXTENT_NONE if none. */
static uint32_t place_in(struct extent extent, uint32_t count, uint32_t align, uint32_t from, bool highest) {
    uint32_t low = extent.first > from ? extent.first : from;
    uint32_t end = extent.first + extent.count;
    low = (low + align - 1) & ~(align - 1);
    if (low > end || end - low < count) {
        return EXTENT_NONE;
    }
    return highest ? (end - count) & ~(align - 1) : low;
}

uint32_t extents_take(struct extents *extents, uint32_t count, uint32_t align, uint32_t from, bool highest) {
    for (uint32_t step = 0; step < extents->count; step++) {
        uint32_t index = highest ? extents->count - 1 - step : step;
        uint32_t first = place_in(extents->list[index], count, align, from, highest);
        if (first != EXTENT_NONE) {
            extents_cut(extents, index, first, count);
            return first;
        }
    }
    return EXTENT_NONE;
}

/* Index of the first free extent that ends after `page`. */
uint32_t extents_after(const struct extents *extents, uint32_t page) {
    uint32_t low = 0, high = extents->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (extents->list[middle].first + extents->list[middle].count > page) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void extents_give(struct extents *extents, uint32_t first, uint32_t count) {
    uint32_t index = extents_after(extents, first);
    bool joins_next = index < extents->count && extents->list[index].first == first + count;
    bool joins_previous = index > 0 && extents->list[index - 1].first + extents->list[index - 1].count == first;
    if (joins_previous && joins_next) {
        extents->list[index - 1].count += count + extents->list[index].count;
        extent_delete(extents, index);
    } else if (joins_previous) {
        extents->list[index - 1].count += count;
    } else if (joins_next) {
        extents->list[index] = (struct extent){first, count + extents->list[index].count};
    } else {
        extent_insert(extents, index, (struct extent){first, count});
    }
    extents->taken_pages -= count;
}
