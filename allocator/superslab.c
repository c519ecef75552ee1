/* superslab: birth, division, purge and death of SuperSlabs. */
#include "allocator/superslab.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/map.h"
#include "allocator/ring.h"

static size_t header_bytes(uint32_t slab_count) {
    return sizeof(struct hak_superslab) + (slab_count + 1) * sizeof(struct hak_slab);
}

/* Pre: the header is zero, or describes an empty SuperSlab. */
static void divide(struct hak_superslab *superslab, uint32_t slab_shift) {
    uint32_t slab_count = (uint32_t)(hak_superslab_bytes() >> slab_shift) - 1;
    hak_assert(header_bytes(slab_count) <= (size_t)1 << slab_shift && slab_count < 63);
    hak_assert(((size_t)1 << slab_shift) >> HAK_PAGE_SHIFT <= 32); /* the bits of clean_pages */
    os_announce(superslab, header_bytes(slab_count));
    hak_mark_open(superslab, header_bytes(slab_count));
    superslab->slab_count = slab_count;
    superslab->slab_shift = slab_shift;
    superslab->free_mask = ((UINT64_C(1) << slab_count) - 1) << 1;
    for (uint32_t i = 1; i <= slab_count; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        hak_debug_assert(slab->state == HAK_SLAB_FREE);
        slab->start = (char *)superslab + ((size_t)i << slab_shift);
    }
}

bool hak_superslab_create(struct hak_superslab *superslab, uint32_t slab_shift) {
    divide(superslab, slab_shift);
    if (!hak_map_enter_superslab(superslab, slab_shift)) {
        hak_mark_closed(superslab, header_bytes(superslab->slab_count));
        hak_mark_returned(superslab, hak_superslab_bytes());
        return false;
    }
    hak_ring_note(HAK_EVENT_SUPERSLAB_CREATED, (uintptr_t)superslab);
    return true;
}

/* The slabs of the new division that lie in dirty ones of the old, or in the old header's place, of which nobody knows
 * what it holds. */
static uint64_t dirty_by(const struct hak_superslab *superslab, uint64_t old_mask, uint32_t slab_shift) {
    uint64_t dirty_mask = 0;
    for (uint32_t i = 0; i <= superslab->slab_count; i++) {
        size_t first = ((size_t)i << superslab->slab_shift) >> slab_shift;
        size_t last = (((size_t)(i + 1) << superslab->slab_shift) - 1) >> slab_shift;
        if (i == 0 || (old_mask >> i & 1) != 0) {
            dirty_mask |= (UINT64_C(2) << last) - (UINT64_C(1) << first);
        }
    }
    return dirty_mask;
}

/* Where the header's place grows, what was a slab there would stay resident unseen, so it is purged. */
uint64_t hak_superslab_divide(struct hak_superslab *superslab, uint32_t slab_shift, uint64_t dirty_mask) {
    hak_assert(hak_superslab_is_empty(superslab));
    uint64_t swallowed = ((UINT64_C(1) << ((size_t)1 << slab_shift >> superslab->slab_shift)) - 1) & ~UINT64_C(1);
    (void)hak_superslab_purge(superslab, swallowed & dirty_mask);
    uint64_t new_mask = dirty_by(superslab, dirty_mask, slab_shift);
    divide(superslab, slab_shift);
    superslab->purged_mask = 0;
    if (!HAK_FAULT(LAZY_STALE_DIVISION)) {
        hak_map_change_superslab(superslab, slab_shift);
    }
    return new_mask & superslab->free_mask;
}

void hak_superslab_destroy(struct hak_superslab *superslab) {
    hak_assert(hak_superslab_is_empty(superslab) || HAK_FAULT_ARMED(RELEASE_LIVE));
    hak_ring_note(HAK_EVENT_SUPERSLAB_RELEASED, (uintptr_t)superslab);
    hak_map_remove_superslab(superslab);
    hak_mark_closed(superslab, header_bytes(superslab->slab_count)); /* all blocks are closed already */
    hak_mark_returned(superslab, hak_superslab_bytes());
    os_release(superslab, hak_superslab_bytes());
}

/* Neighbours go in one request. */
uint64_t hak_superslab_purge(struct hak_superslab *superslab, uint64_t mask) {
    uint64_t purged = 0;
    for (uint64_t left = mask; left != 0;) {
        uint32_t first = (uint32_t)__builtin_ctzll(left);
        uint64_t from_first = ~(left >> first);
        uint32_t count = (uint32_t)__builtin_ctzll(from_first);
        uint64_t stretch = ((UINT64_C(1) << count) - 1) << first;
        char *start = (char *)superslab + ((size_t)first << superslab->slab_shift);
        if (hak_decay_purge(start, (size_t)count << superslab->slab_shift)) {
            purged |= stretch;
        }
        left &= ~stretch;
    }
    return purged;
}

bool hak_superslab_is_valid(const struct hak_superslab *superslab) {
    for (uint32_t i = 1; i <= superslab->slab_count; i++) {
        bool is_free = superslab->slabs[i].state == HAK_SLAB_FREE;
        if (is_free != (superslab->free_mask >> i & 1)) {
            return false;
        }
    }
    return ((superslab->dirty_mask | superslab->purged_mask) & ~superslab->free_mask) == 0 &&
           (superslab->dirty_mask & superslab->purged_mask) == 0;
}
