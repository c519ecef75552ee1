/* map: changes to the region map, and the lookups that are not on the fast path. */
#include "allocator/map.h"

#include "allocator/assert.h"
#include "allocator/big.h"
#include "allocator/meta.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

static size_t cell_bytes(void) {
    return (size_t)1 << HAK_GEO->superslab_shift;
}

static size_t pages_per_cell(void) {
    return cell_bytes() >> HAK_PAGE_SHIFT;
}

static void *entry_pointer(uintptr_t entry) {
    return (void *)(entry & ~(uintptr_t)HAK_MAP_TAG_MASK); /* tagged words hold addresses: records are aligned to 64 */
}

static uintptr_t cell_of(const void *address) {
    return ((uintptr_t)address - HAK_ADDRESS_BASE) >> HAK_GEO->superslab_shift;
}

static uintptr_t page_in_cell(const void *address) {
    return ((uintptr_t)address & (cell_bytes() - 1)) >> HAK_PAGE_SHIFT;
}

/* The word of a cell, its leaf made if need be, or NULL when the system refuses or the cell is out of range. */
static _Atomic uintptr_t *cell_word(uintptr_t cell) {
    uint32_t leaf_bits = hak_map_leaf_bits(HAK_GEO);
    uintptr_t root_index = cell >> leaf_bits;
    if (root_index >= HAK_MAP_ROOT_ENTRIES) {
        return NULL;
    }
    _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index], relaxed); /* written under this lock only */
    if (leaf == NULL) {
        leaf = hak_meta_take(HAK_META_LEAF, sizeof *leaf << leaf_bits);
        if (leaf == NULL) {
            return NULL;
        }
        hak_store(&hak_root.map.root[root_index], leaf, release); /* its zeroes before its address */
    }
    return &leaf[cell & (((uintptr_t)1 << leaf_bits) - 1)];
}

struct hak_superslab *hak_map_superslab(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    return (entry & HAK_MAP_TAG_MASK) == HAK_MAP_SUPERSLAB ? entry_pointer(entry) : NULL;
}

struct hak_big *hak_map_big(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    switch (entry & HAK_MAP_TAG_MASK) {
    case HAK_MAP_BIG:
        return entry_pointer(entry);
    case HAK_MAP_PAGES:
        return hak_load(&((struct hak_map_pages *)entry_pointer(entry))->big[page_in_cell(address)], acquire);
    default:
        return NULL;
    }
}

bool hak_map_enter_superslab(struct hak_superslab *superslab) {
    hak_lock_acquire(&hak_root.map.lock);
    _Atomic uintptr_t *word = cell_word(cell_of(superslab));
    if (word != NULL) {
        hak_assert(hak_load(word, relaxed) == HAK_MAP_NONE);
        hak_store(word, (uintptr_t)superslab | HAK_MAP_SUPERSLAB, release); /* the header before its address */
    }
    hak_lock_release(&hak_root.map.lock);
    return word != NULL;
}

void hak_map_remove_superslab(struct hak_superslab *superslab) {
    hak_lock_acquire(&hak_root.map.lock);
    _Atomic uintptr_t *word = cell_word(cell_of(superslab));
    hak_assert(word != NULL && hak_load(word, relaxed) == ((uintptr_t)superslab | HAK_MAP_SUPERSLAB));
    hak_store(word, HAK_MAP_NONE, relaxed);
    hak_lock_release(&hak_root.map.lock);
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

static struct hak_map_pages *pages_take(void) {
    return hak_meta_take(HAK_META_PAGES,
                         sizeof(struct hak_map_pages) + pages_per_cell() * sizeof(_Atomic(struct hak_big *)));
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
    struct hak_map_pages *pages = entry_pointer(hak_load(word, relaxed));
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
    struct hak_map_pages *pages = entry_pointer(hak_load(word, relaxed));
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

bool hak_map_enter_big(struct hak_big *big, const void *address, size_t size_bytes) {
    const char *start = address;
    const char *end = start + size_bytes;
    const char *prepared_end = start;
    bool prepared = true;
    hak_lock_acquire(&hak_root.map.lock);
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
    hak_lock_release(&hak_root.map.lock);
    return prepared;
}

void hak_map_remove_big(const void *address, size_t size_bytes) {
    const char *end = (const char *)address + size_bytes;
    hak_lock_acquire(&hak_root.map.lock);
    for (const char *at = address; at < end;) {
        struct stretch stretch = stretch_at(at, end);
        stretch_write(stretch, NULL);
        at += stretch_bytes(stretch);
    }
    hak_lock_release(&hak_root.map.lock);
}

/* A cell that is one word becomes a table that says the same, page by page. Pre: map.lock is held. */
static bool cell_split(_Atomic uintptr_t *word) {
    struct hak_map_pages *pages = pages_take();
    if (pages == NULL) {
        return false;
    }
    for (size_t i = 0; i < pages_per_cell(); i++) {
        hak_store(&pages->big[i], entry_pointer(hak_load(word, relaxed)), relaxed);
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

/* A big mapping may stand in many words: report it where its first page is. */
static void walk_cell(uintptr_t entry, const char *cell_start, void (*superslab)(void *, struct hak_superslab *),
                      void (*big)(void *, struct hak_big *), void *context) {
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_SUPERSLAB) {
        superslab(context, entry_pointer(entry));
    } else if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_BIG) {
        struct hak_big *record = entry_pointer(entry);
        if (record->base == cell_start) {
            big(context, record);
        }
    } else if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES) {
        struct hak_map_pages *pages = entry_pointer(entry);
        for (size_t i = 0; i < pages_per_cell(); i++) {
            struct hak_big *record = hak_load(&pages->big[i], relaxed);
            if (record != NULL && record->base == cell_start + (i << HAK_PAGE_SHIFT)) {
                big(context, record);
            }
        }
    }
}

void hak_map_walk(void (*superslab)(void *context, struct hak_superslab *),
                  void (*big)(void *context, struct hak_big *), void *context) {
    uint32_t leaf_bits = hak_map_leaf_bits(HAK_GEO);
    uintptr_t root_end = (uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_GEO->superslab_shift - leaf_bits);
    for (uintptr_t root_index = 0; root_index < root_end; root_index++) {
        _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index], acquire);
        uintptr_t leaf_end = leaf == NULL ? 0 : (uintptr_t)1 << leaf_bits;
        for (uintptr_t i = 0; i < leaf_end; i++) {
            uintptr_t entry = hak_load(&leaf[i], relaxed);
            if (HAK_UNLIKELY(entry != HAK_MAP_NONE)) {
                uintptr_t start = HAK_ADDRESS_BASE + (((root_index << leaf_bits) | i) << HAK_GEO->superslab_shift);
                walk_cell(entry, (const char *)start, superslab, big, context);
            }
        }
    }
}
