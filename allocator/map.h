/* map: the region map. One lookup answers what any address is.
 *
 * The address space is divided into cells of one SuperSlab's size. A two-level table has a word per cell, with a tag in
 * its low bits: none, one big mapping that covers the whole cell, a table of the cell's pages (where smaller mappings
 * and the ends of larger ones are found page by page), a region of the run tier, or a SuperSlab. The tag of a SuperSlab
 * is the shift of its slabs, which are always larger than the other tags, and it leads to their metadata: one word
 * answers which slab an address is in.
 *
 * The first leaf that is made is the home leaf. It covers 32 GiB of addresses, in which the system places what most
 * processes ever ask for. For these there is the home table beside it, with a word for each unit of the smallest slab's
 * size: the slab that has it, or NULL. So free finds its slab with one load. It never moves: what a process has
 * elsewhere, or where the system had no room for the table, is found by the longer way, by way of the root.
 *
 * Lookups take no lock and may run beside changes: an entry is written before the address it stands for is handed out,
 * and tables live in metadata memory, which stays readable for ever. Changes take map.lock; it may be held while taking
 * meta.lock. */
#ifndef HAKMEM_ALLOCATOR_MAP_H
#define HAKMEM_ALLOCATOR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/geometry.h"
#include "allocator/lock.h"

struct hak_superslab;
struct hak_slab;
struct hak_big;

struct hak_region;

/* Records behind tagged words are aligned to 64. */
enum hak_map_tag {
    HAK_MAP_NONE,
    HAK_MAP_BIG,
    HAK_MAP_PAGES,
    HAK_MAP_REGION,
    HAK_MAP_SUPERSLAB, /* and every larger tag */
    HAK_MAP_TAG_MASK = 63
};

/* Two halves of the bits that number cells; the leaf takes the larger one. Real: 48 - 21 = 27 bits, 13 + 14. With the
 * smallest cells of all in the whole address space: 48 - 14 = 34 bits, 17 + 17. */
enum { HAK_MAP_ROOT_ENTRIES = HAK_SIM ? 64 : HAK_TRIAL ? 131072 : 8192 };

struct hak_map {
    struct hak_lock lock;
    _Atomic size_t home_units;   /* of the home table; 0: there is none, or not yet; written once */
    _Atomic uintptr_t home_base; /* read before it is known whether it was written */
    _Atomic(struct hak_slab *) *home_slabs;
    _Atomic(_Atomic uintptr_t *) root[HAK_MAP_ROOT_ENTRIES];
};

/* Pages of one cell; `used` under map.lock. */
struct hak_map_pages {
    uint32_t used;
    _Atomic(struct hak_big *) big[];
};

static inline uint32_t hak_map_leaf_bits(const struct hak_geometry *geometry) {
    return (HAK_ADDRESS_BITS - geometry->superslab_shift + 1) / 2;
}

/* The slab an address lies in, by the home table; NULL when that does not know, or there is none. Include root.h to
 * call it. */
#define hak_map_slab_home(address) hak_map_slab_home_in(&hak_root.map, HAK_GEO->tiny_slab_shift, (address))
static inline struct hak_slab *hak_map_slab_home_in(struct hak_map *map, uint32_t unit_shift, const void *address) {
    size_t home_units = hak_load(&map->home_units, acquire); /* 0, or the other two are there */
    uintptr_t unit = ((uintptr_t)address - hak_load(&map->home_base, relaxed)) >> unit_shift;
    if (HAK_UNLIKELY(unit >= home_units)) {
        return NULL;
    }
    return hak_load(&hak_plain_load(map->home_slabs)[unit], acquire);
}

/* The entry of the cell an address lies in: two dependent loads. */
uintptr_t hak_map_entry(const void *address);

static inline bool hak_map_is_superslab(uintptr_t entry) {
    return (entry & HAK_MAP_TAG_MASK) >= HAK_MAP_SUPERSLAB;
}

static inline void *hak_map_record(uintptr_t entry) {
    return (void *)(entry & ~(uintptr_t)HAK_MAP_TAG_MASK);
}

/* The SuperSlab, region or big mapping an address lies in, or NULL. */
struct hak_superslab *hak_map_superslab(const void *address);
struct hak_region *hak_map_region(const void *address);
struct hak_big *hak_map_big(const void *address);

/* Enter or remove a SuperSlab, with the shift of its slabs. Enter returns false, and has changed nothing, when the
 * system refuses a table. */
bool hak_map_enter_superslab(struct hak_superslab *superslab, uint32_t slab_shift);
void hak_map_remove_superslab(struct hak_superslab *superslab);
/* The SuperSlab was divided anew. Pre: all its slabs are free. */
void hak_map_change_superslab(struct hak_superslab *superslab, uint32_t slab_shift);

/* The same for a region, which begins at `base` and has HAK_GEO->region_shift. */
bool hak_map_enter_region(struct hak_region *region, const void *base);
void hak_map_remove_region(const void *base);

/* The same for the pages [address, address + size_bytes) of a big mapping. */
bool hak_map_enter_big(struct hak_big *big, const void *address, size_t size_bytes);
void hak_map_remove_big(const void *address, size_t size_bytes);
/* Make it possible to remove the pages of a big mapping from `address` on, where that is inside a cell. False when the
 * system refuses a table. */
bool hak_map_split_big(const void *address);
/* Have the system move a big mapping to where it can be new_bytes long, and enter it there. Its record is changed by
 * the caller, who is the only one that may know the block. NULL when that cannot be; then nothing has changed. */
void *hak_map_move_big(struct hak_big *big, void *address, size_t old_bytes, size_t new_bytes);

/* Call back for every SuperSlab, and once for every region and every big mapping, in the order of their addresses.
 * Nothing may change meanwhile. */
struct hak_map_visitor {
    void (*superslab)(void *context, struct hak_superslab *);
    void (*region)(void *context, struct hak_region *);
    void (*big)(void *context, struct hak_big *);
};
void hak_map_walk(const struct hak_map_visitor *visitor, void *context);

#endif
