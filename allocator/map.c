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

/* One cell's share of a range of pages. */
struct cell_part {
    uintptr_t cell;
    size_t first_page;
    size_t page_count;
};

static struct cell_part part_at(const char *address, const char *end) {
    size_t first_page = page_in_cell(address);
    size_t room = pages_per_cell() - first_page;
    size_t left = (size_t)(end - address) >> HAK_PAGE_SHIFT;
    return (struct cell_part){cell_of(address), first_page, left < room ? left : room};
}

static struct hak_map_pages *pages_take(void) {
    return hak_meta_take(HAK_META_PAGES,
                         sizeof(struct hak_map_pages) + pages_per_cell() * sizeof(_Atomic(struct hak_big *)));
}

/* Make every table that entering the part will need. */
static bool part_prepare(struct cell_part part) {
    _Atomic uintptr_t *word = cell_word(part.cell);
    if (word == NULL) {
        return false;
    }
    if (part.page_count == pages_per_cell() || hak_load(word, relaxed) != HAK_MAP_NONE) {
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
    uintptr_t entry = hak_load(word, relaxed);
    struct hak_map_pages *pages = entry_pointer(entry);
    if (pages->used == 0 || HAK_FAULT_IF(MAP_LOSES_PAGE, pages->used == 1)) {
        hak_store(word, HAK_MAP_NONE, relaxed);
        hak_meta_give(HAK_META_PAGES, pages);
    }
}

/* Undo part_prepare where the table stayed empty. */
static void part_unprepare(struct cell_part part) {
    _Atomic uintptr_t *word = cell_word(part.cell);
    if (word != NULL && (hak_load(word, relaxed) & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES) {
        pages_drop_if_unused(word);
    }
}

static void part_enter(struct cell_part part, struct hak_big *big) {
    _Atomic uintptr_t *word = cell_word(part.cell);
    uintptr_t entry = hak_load(word, relaxed);
    if (entry == HAK_MAP_NONE) {
        hak_store(word, (uintptr_t)big | HAK_MAP_BIG, release);
        return;
    }
    hak_assert((entry & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES);
    struct hak_map_pages *pages = entry_pointer(entry);
    for (size_t i = part.first_page; i < part.first_page + part.page_count; i++) {
        hak_assert(hak_load(&pages->big[i], relaxed) == NULL);
        hak_store(&pages->big[i], big, release);
    }
    pages->used += (uint32_t)part.page_count;
}

static void part_remove(struct cell_part part) {
    _Atomic uintptr_t *word = cell_word(part.cell);
    uintptr_t entry = hak_load(word, relaxed);
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_BIG) {
        hak_assert(part.page_count == pages_per_cell());
        hak_store(word, HAK_MAP_NONE, relaxed);
        return;
    }
    hak_assert((entry & HAK_MAP_TAG_MASK) == HAK_MAP_PAGES);
    struct hak_map_pages *pages = entry_pointer(entry);
    for (size_t i = part.first_page; i < part.first_page + part.page_count; i++) {
        hak_store(&pages->big[i], NULL, relaxed);
    }
    pages->used -= (uint32_t)part.page_count;
    pages_drop_if_unused(word);
}

bool hak_map_enter_big(struct hak_big *big, const void *address, size_t size_bytes) {
    const char *start = address;
    const char *end = start + size_bytes;
    const char *at = start;
    bool prepared = true;
    hak_lock_acquire(&hak_root.map.lock);
    while (prepared && at < end) {
        struct cell_part part = part_at(at, end);
        prepared = part_prepare(part);
        at += prepared ? part.page_count << HAK_PAGE_SHIFT : 0;
    }
    if (prepared) {
        for (at = start; at < end; at += part_at(at, end).page_count << HAK_PAGE_SHIFT) {
            part_enter(part_at(at, end), big);
        }
    } else {
        for (end = at, at = start; at < end; at += part_at(at, end).page_count << HAK_PAGE_SHIFT) {
            part_unprepare(part_at(at, end));
        }
    }
    hak_lock_release(&hak_root.map.lock);
    return prepared;
}

void hak_map_remove_big(const void *address, size_t size_bytes) {
    const char *end = (const char *)address + size_bytes;
    hak_lock_acquire(&hak_root.map.lock);
    for (const char *at = address; at < end;) {
        struct cell_part part = part_at(at, end);
        part_remove(part);
        at += part.page_count << HAK_PAGE_SHIFT;
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
    for (uintptr_t root_index = 0; root_index < HAK_MAP_ROOT_ENTRIES; root_index++) {
        _Atomic uintptr_t *leaf = hak_load(&hak_root.map.root[root_index], acquire);
        for (uintptr_t i = 0; leaf != NULL && i >> leaf_bits == 0; i++) {
            uintptr_t entry = hak_load(&leaf[i], relaxed);
            if (entry != HAK_MAP_NONE) {
                uintptr_t start = HAK_ADDRESS_BASE + (((root_index << leaf_bits) | i) << HAK_GEO->superslab_shift);
                walk_cell(entry, (const char *)start, superslab, big, context);
            }
        }
    }
}
