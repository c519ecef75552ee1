/* map: changes to the region map, and the lookups that are not on the fast path. */
#include "allocator/map.h"

#include "allocator/assert.h"
#include "allocator/big.h"
#include "allocator/meta.h"
#include "allocator/root.h"
#include "allocator/run.h"
#include "allocator/superslab.h"

static size_t cell_bytes(void) {
    return (size_t)1 << HAK_GEO->superslab_shift;
}

static size_t pages_per_cell(void) {
    return cell_bytes() >> HAK_PAGE_SHIFT;
}

static uintptr_t cell_of(const void *address) {
    return ((uintptr_t)address - HAK_ADDRESS_BASE) >> HAK_GEO->superslab_shift;
}

static uintptr_t page_in_cell(const void *address) {
    return ((uintptr_t)address & (cell_bytes() - 1)) >> HAK_PAGE_SHIFT;
}

static uintptr_t root_index_of(uintptr_t cell) {
    return cell >> hak_map_leaf_bits(HAK_GEO);
}

static uintptr_t leaf_index_of(uintptr_t cell) {
    return cell & (((uintptr_t)1 << hak_map_leaf_bits(HAK_GEO)) - 1);
}

uintptr_t hak_map_entry(const void *address) {
    uintptr_t cell = cell_of(address);
    if (root_index_of(cell) >= HAK_MAP_ROOT_ENTRIES) {
        return HAK_MAP_NONE;
    }
    _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index_of(cell)], acquire);
    return leaf == NULL ? HAK_MAP_NONE : hak_load(&leaf[leaf_index_of(cell)], acquire);
}

/* The first leaf is where nearly all lookups will end. Without its table they take the longer way. */
static void home_set(uintptr_t root_index) {
    struct hak_map *map = &hak_root.map;
    uint32_t leaf_shift = hak_map_leaf_bits(HAK_GEO) + HAK_GEO->superslab_shift;
    size_t units = (size_t)1 << (leaf_shift - HAK_GEO->tiny_slab_shift);
    _Atomic(struct hak_slab *) *slabs = hak_meta_take(HAK_META_HOME, units * sizeof *slabs);
    if (slabs != NULL) {
        hak_plain_store(map->home_slabs, slabs);
        hak_store(&map->home_base, HAK_ADDRESS_BASE + (root_index << leaf_shift), relaxed);
        hak_store(&map->home_units, units, release);
    }
}

/* The home table says which slab has each unit of a SuperSlab, or with shift 0 that none has. Whoever calls has the
 * SuperSlab for itself. */
static void home_write(struct hak_superslab *superslab, uint32_t slab_shift) {
    struct hak_map *map = &hak_root.map;
    uint32_t unit_shift = HAK_GEO->tiny_slab_shift;
    size_t home_units = hak_load(&map->home_units, acquire);
    uintptr_t first = ((uintptr_t)superslab - hak_load(&map->home_base, relaxed)) >> unit_shift;
    if (first >= home_units) {
        return;
    }
    for (size_t i = 0; i < cell_bytes() >> unit_shift; i++) {
        struct hak_slab *slab = slab_shift == 0 ? NULL : &superslab->slabs[i >> (slab_shift - unit_shift)];
        hak_store(&hak_plain_load(map->home_slabs)[first + i], slab, release);
    }
}

/* The word of a cell, its leaf made if need be, or NULL when the system refuses or the cell is out of range. */
static _Atomic uintptr_t *cell_word(uintptr_t cell) {
    uintptr_t root_index = root_index_of(cell);
    if (root_index >= HAK_MAP_ROOT_ENTRIES) {
        return NULL;
    }
    _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index], relaxed); /* written under this lock only */
    if (leaf == NULL) {
        leaf = hak_meta_take(HAK_META_LEAF, sizeof *leaf << hak_map_leaf_bits(HAK_GEO));
        if (leaf == NULL) {
            return NULL;
        }
        hak_store(&hak_root.map.root[root_index], leaf, release); /* its zeroes before its address */
        if (hak_root.meta.live[HAK_META_LEAF] == 1) {
            home_set(root_index);
        }
    }
    return &leaf[leaf_index_of(cell)];
}

struct hak_superslab *hak_map_superslab(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    return hak_map_is_superslab(entry) ? hak_superslab_of(hak_map_record(entry)) : NULL;
}

struct hak_region *hak_map_region(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    return (entry & HAK_MAP_TAG_MASK) == HAK_MAP_REGION ? hak_map_record(entry) : NULL;
}

struct hak_big *hak_map_big(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    switch (entry & HAK_MAP_TAG_MASK) {
    case HAK_MAP_BIG:
        return hak_map_record(entry);
    case HAK_MAP_PAGES:
        return hak_load(&((struct hak_map_pages *)hak_map_record(entry))->big[page_in_cell(address)], acquire);
    default:
        return NULL;
    }
}

/* Make `count` cells say `entry`, none if a table is refused. Pre: they said nothing. */
static bool cells_enter(const void *start, size_t count, uintptr_t entry) {
    uintptr_t cell = cell_of(start);
    bool prepared = true;
    hak_lock_acquire(&hak_root.map.lock);
    for (size_t i = 0; i < count && prepared; i++) {
        prepared = cell_word(cell + i) != NULL; /* a leaf that stays empty costs nothing but its place */
    }
    for (size_t i = 0; i < count && prepared; i++) {
        _Atomic uintptr_t *word = cell_word(cell + i);
        hak_assert(hak_load(word, relaxed) == HAK_MAP_NONE);
        hak_store(word, entry, release); /* the record before its address */
    }
    hak_lock_release(&hak_root.map.lock);
    return prepared;
}

static void cells_change(const void *start, size_t count, uintptr_t entry) {
    uintptr_t cell = cell_of(start);
    hak_lock_acquire(&hak_root.map.lock);
    for (size_t i = 0; i < count; i++) {
        _Atomic uintptr_t *word = cell_word(cell + i);
        hak_assert(word != NULL && (hak_load(word, relaxed) & HAK_MAP_TAG_MASK) >= HAK_MAP_REGION);
        hak_store(word, entry, release);
    }
    hak_lock_release(&hak_root.map.lock);
}

bool hak_map_enter_superslab(struct hak_superslab *superslab, uint32_t slab_shift) {
    hak_assert(slab_shift >= HAK_MAP_SUPERSLAB && slab_shift <= HAK_MAP_TAG_MASK);
    bool entered = cells_enter(superslab, 1, (uintptr_t)superslab->slabs | slab_shift);
    if (entered) {
        home_write(superslab, slab_shift);
    }
    return entered;
}

void hak_map_remove_superslab(struct hak_superslab *superslab) {
    home_write(superslab, 0);
    cells_change(superslab, 1, HAK_MAP_NONE);
}

void hak_map_change_superslab(struct hak_superslab *superslab, uint32_t slab_shift) {
    cells_change(superslab, 1, (uintptr_t)superslab->slabs | slab_shift);
    home_write(superslab, slab_shift);
}

static size_t region_cells(void) {
    return (size_t)1 << (HAK_GEO->region_shift - HAK_GEO->superslab_shift);
}

bool hak_map_enter_region(struct hak_region *region, const void *base) {
    return cells_enter(base, region_cells(), (uintptr_t)region | HAK_MAP_REGION);
}

void hak_map_remove_region(const void *base) {
    cells_change(base, region_cells(), HAK_MAP_NONE);
}

/* A stretch of a range of pages: a part of one cell, or several whole cells of one leaf. */
struct stretch {
    uintptr_t cell;
    size_t cell_count;
    size_t first_page; /* 0 where cells are whole */
    size_t page_count; /* in each cell */
};

static struct stretch stretch_at(const char *address, const char *end) {
    struct stretch stretch = {cell_of(address), 1, page_in_cell(address), pages_per_cell()};
    size_t pages_left = (size_t)(end - address) >> HAK_PAGE_SHIFT;
    size_t room = pages_per_cell() - stretch.first_page;
    if (room < pages_per_cell() || pages_left < room) {
        stretch.page_count = pages_left < room ? pages_left : room;
        return stretch;
    }
    size_t leaf_cells = (size_t)1 << hak_map_leaf_bits(HAK_GEO);
    size_t leaf_room = leaf_cells - (stretch.cell & (leaf_cells - 1));
    size_t wanted = pages_left / pages_per_cell();
    stretch.cell_count = wanted < leaf_room ? wanted : leaf_room;
    return stretch;
}

static size_t stretch_bytes(struct stretch stretch) {
    return stretch.cell_count * stretch.page_count << HAK_PAGE_SHIFT;
}

static size_t pages_bytes(void) {
    return sizeof(struct hak_map_pages) + pages_per_cell() * sizeof(_Atomic(struct hak_big *));
}

static struct hak_map_pages *pages_take(void) {
    return hak_meta_take(HAK_META_PAGES, pages_bytes());
}

/* Make every table that entering the stretch will need. */
static bool stretch_prepare(struct stretch stretch) {
    _Atomic uintptr_t *word = cell_word(stretch.cell);
    if (word == NULL) {
        return false;
    }
    if (stretch.page_count == pages_per_cell() || hak_load(word, relaxed) != HAK_MAP_NONE) {
        return true;
    }
    struct hak_map_pages *pages = pages_take();
    if (pages == NULL) {
        return false;
    }
    hak_store(word, (uintptr_t)pages | HAK_MAP_PAGES, release);
    return true;
}

static void pages_drop_if_unused(_Atomic uintptr_t *word) {
    struct hak_map_pages *pages = hak_map_record(hak_load(word, relaxed));
    if (pages->used == 0) {
        hak_store(word, HAK_MAP_NONE, relaxed);
        hak_meta_give(HAK_META_PAGES, pages);
    }
}

/* Undo stretch_prepare where the table stayed empty. */
static void stretch_unprepare(struct stretch stretch) {
    _Atomic uintptr_t *word = cell_word(stretch.cell);
    if ((hak_load(word, relaxed) & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES) {
        pages_drop_if_unused(word);
    }
}

static void pages_write(_Atomic uintptr_t *word, size_t first_page, size_t page_count, struct hak_big *big) {
    struct hak_map_pages *pages = hak_map_record(hak_load(word, relaxed));
    for (size_t i = first_page; i < first_page + page_count; i++) {
        hak_debug_assert((hak_load(&pages->big[i], relaxed) == NULL) == (big != NULL));
        hak_store(&pages->big[i], big, release);
    }
    pages->used += big == NULL ? -(uint32_t)page_count : (uint32_t)page_count;
    if (HAK_FAULT_IF(MAP_LOSES_PAGE, big == NULL && pages->used == 1)) {
        pages->used = 0;
    }
    pages_drop_if_unused(word);
}

/* Make the words of the stretch say `big`; NULL takes them out. A whole cell may be a table, if it was split once. */
static void stretch_write(struct stretch stretch, struct hak_big *big) {
    _Atomic uintptr_t *word = cell_word(stretch.cell);
    for (size_t i = 0; i < stretch.cell_count; i++) {
        uintptr_t entry = hak_load(&word[i], relaxed);
        if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES) {
            pages_write(&word[i], stretch.first_page, stretch.page_count, big);
        } else {
            hak_assert(stretch.page_count == pages_per_cell() && (entry == HAK_MAP_NONE) == (big != NULL));
            hak_store(&word[i], big == NULL ? HAK_MAP_NONE : (uintptr_t)big | HAK_MAP_BIG, release);
        }
    }
}

/* Pre: map.lock is held. */
static bool big_enter(struct hak_big *big, const char *start, size_t size_bytes) {
    const char *end = start + size_bytes;
    const char *prepared_end = start;
    bool prepared = true;
    while (prepared && prepared_end < end) {
        struct stretch stretch = stretch_at(prepared_end, end);
        prepared = stretch_prepare(stretch);
        prepared_end += prepared ? stretch_bytes(stretch) : 0;
    }
    for (const char *at = start; at < prepared_end;) {
        struct stretch stretch = stretch_at(at, end);
        if (prepared) {
            stretch_write(stretch, big);
        } else {
            stretch_unprepare(stretch);
        }
        at += stretch_bytes(stretch);
    }
    return prepared;
}

/* Pre: map.lock is held. */
static void big_remove(const char *start, size_t size_bytes) {
    const char *end = start + size_bytes;
    for (const char *at = start; at < end;) {
        struct stretch stretch = stretch_at(at, end);
        stretch_write(stretch, NULL);
        at += stretch_bytes(stretch);
    }
}

bool hak_map_enter_big(struct hak_big *big, const void *address, size_t size_bytes) {
    hak_lock_acquire(&hak_root.map.lock);
    bool entered = big_enter(big, address, size_bytes);
    hak_lock_release(&hak_root.map.lock);
    return entered;
}

void hak_map_remove_big(const void *address, size_t size_bytes) {
    hak_lock_acquire(&hak_root.map.lock);
    big_remove(address, size_bytes);
    hak_lock_release(&hak_root.map.lock);
}

/* Many tables are made only for a length that the system would give at all: they are never given back. */
static bool system_has(size_t size_bytes) {
    void *probe = os_reserve(size_bytes, HAK_PAGE_BYTES);
    if (probe != NULL) {
        os_release(probe, size_bytes);
    }
    return probe != NULL;
}

/* Records that entering a mapping anywhere could need: it ends in at most two cells that are not whole, and in as many
 * leaves as its cells can spread over. */
static bool tables_stock(size_t size_bytes) {
    size_t leaf_cells = (size_t)1 << hak_map_leaf_bits(HAK_GEO);
    size_t leaves = size_bytes / cell_bytes() / leaf_cells + 2;
    if (size_bytes >> HAK_ADDRESS_BITS != 0 || (leaves > 2 && !system_has(size_bytes))) {
        return false;
    }
    return hak_meta_stock(HAK_META_LEAF, sizeof(_Atomic uintptr_t) * leaf_cells, leaves) &&
           hak_meta_stock(HAK_META_PAGES, pages_bytes(), 2);
}

/* The tables are there before the mapping moves, and only holders of map.lock take such: entering it cannot fail. The
 * old range may be somebody else's as soon as it has moved, but nobody can enter it before the lock is free. */
void *hak_map_move_big(struct hak_big *big, void *address, size_t old_bytes, size_t new_bytes) {
    hak_lock_acquire(&hak_root.map.lock);
    void *moved = tables_stock(new_bytes) ? os_remap(address, old_bytes, new_bytes) : NULL;
    if (HAK_FAULT_IF(REMAP_UNLOCKED, moved != NULL && moved != address)) {
        hak_lock_anew(&hak_root.map.lock); /* it is taken only now */
    }
    if (moved != NULL) {
        big_remove(address, old_bytes);
        bool entered = big_enter(big, moved, new_bytes);
        hak_assert(entered);
    }
    hak_lock_release(&hak_root.map.lock);
    return moved;
}

/* A cell that is one word becomes a table that says the same, page by page. Pre: map.lock is held. */
static bool cell_split(_Atomic uintptr_t *word) {
    struct hak_map_pages *pages = pages_take();
    if (pages == NULL) {
        return false;
    }
    for (size_t i = 0; i < pages_per_cell(); i++) {
        hak_store(&pages->big[i], hak_map_record(hak_load(word, relaxed)), relaxed);
    }
    pages->used = (uint32_t)pages_per_cell();
    hak_store(word, (uintptr_t)pages | HAK_MAP_PAGES, release);
    return true;
}

bool hak_map_split_big(const void *address) {
    hak_lock_acquire(&hak_root.map.lock);
    _Atomic uintptr_t *word = cell_word(cell_of(address));
    bool whole = (hak_load(word, relaxed) & HAK_MAP_TAG_MASK) == HAK_MAP_BIG;
    bool done = !whole || page_in_cell(address) == 0 || cell_split(word);
    hak_lock_release(&hak_root.map.lock);
    return done;
}

/* A region or a mapping may stand in many words: report it where its first page is. */
static void walk_cell(uintptr_t entry, const char *cell_start, const struct hak_map_visitor *visitor, void *context) {
    if (hak_map_is_superslab(entry)) {
        visitor->superslab(context, hak_superslab_of(hak_map_record(entry)));
    } else if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_REGION) {
        struct hak_region *region = hak_map_record(entry);
        if (region->base == cell_start) {
            visitor->region(context, region);
        }
    } else if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_BIG) {
        struct hak_big *record = hak_map_record(entry);
        if (record->base == cell_start) {
            visitor->big(context, record);
        }
    } else {
        struct hak_map_pages *pages = hak_map_record(entry);
        for (size_t i = 0; i < pages_per_cell(); i++) {
            struct hak_big *record = hak_load(&pages->big[i], relaxed);
            if (record != NULL && record->base == cell_start + (i << HAK_PAGE_SHIFT)) {
                visitor->big(context, record);
            }
        }
    }
}

void hak_map_walk(const struct hak_map_visitor *visitor, void *context) {
    uint32_t leaf_bits = hak_map_leaf_bits(HAK_GEO);
    uintptr_t root_end = (uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_GEO->superslab_shift - leaf_bits);
    for (uintptr_t root_index = 0; root_index < root_end; root_index++) {
        /* Most words are empty, here and in a leaf, and what is written meanwhile need not be met. */
        if (HAK_LIKELY(hak_note_load(&hak_root.map.root[root_index]) == NULL)) {
            continue;
        }
        _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index], acquire);
        uintptr_t leaf_end = leaf == NULL ? 0 : (uintptr_t)1 << leaf_bits;
        for (uintptr_t i = 0; i < leaf_end; i++) {
            uintptr_t entry =
                HAK_LIKELY(hak_note_load(&leaf[i]) == HAK_MAP_NONE) ? HAK_MAP_NONE : hak_load(&leaf[i], acquire);
            if (HAK_UNLIKELY(entry != HAK_MAP_NONE)) {
                uintptr_t start = HAK_ADDRESS_BASE + (((root_index << leaf_bits) | i) << HAK_GEO->superslab_shift);
                walk_cell(entry, (const char *)start, visitor, context);
            }
        }
    }
}
