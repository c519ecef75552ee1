/* component map: the region map, beside an array that says for each page of the arena which slot's object has it.
 *
 * A slot holds a SuperSlab, a region or a big mapping, none of which ever serves a block: ranges that the system gave,
 * entered in the map as their owners would.
 *
 *   malloc, realloc s3 SIZE          a big mapping into an empty slot
 *   *align* s3 SIZE align=A          the same, aligned to A
 *   calloc s3 SIZE n=N               into an empty slot: n=1 a SuperSlab of tiny slabs, n=2 one of pool slabs, else a
 *                                    region
 *   realloc, reallocarray s3 SIZE    of a big mapping: its end is cut off, or it grows where it is, or it is moved
 *   write s3                         a SuperSlab is divided anew; of a big mapping the cell in its middle is split
 *   free, free_*sized s3             it is taken out of the map and given back
 *   malloc_many, free_many           several big mappings; several frees
 *   verify, usable s3; check         compares what is around the slot's object; all pages
 *
 * A size of 128 stands for a page, so that small ones differ; all are taken modulo a quarter of the arena. After each
 * change its range, what lies beside it and the cells it ends in are compared. */
#include "allocator/map.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/component.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum object_kind { OBJECT_NONE, OBJECT_SUPERSLAB, OBJECT_REGION, OBJECT_BIG };

struct object {
    enum object_kind kind;
    char *start;
    size_t size_bytes;
    uint32_t slab_shift; /* of a SuperSlab */
    void *record;        /* of a region or a big mapping */
};

static struct {
    struct object objects[PROGRAM_SLOTS_MAX];
    uint8_t owners[ARENA_PAGES]; /* slot plus one, 0 where there is nothing */
    uint32_t walked;
    const char *walked_to;
} state;

static const struct object nothing = {0};

static size_t cell_bytes(void) {
    return (size_t)1 << HAK_GEO->superslab_shift;
}

/* --- comparing --- */

static const struct object *object_at(const char *address) {
    uint8_t owner = state.owners[sim_offset(address) / SIM_PAGE_BYTES];
    return owner == 0 ? &nothing : &state.objects[owner - 1];
}

static void expect(const char *address, const char *call, const void *has, const void *expected) {
    if (has != expected) {
        finding_raise(CHECK_MODEL, NULL, "%s of the page at offset 0x%llx: %s, by the model %s", call,
                      (unsigned long long)sim_offset(address), has == NULL ? "nothing" : "an object",
                      expected == NULL ? "nothing"
                      : has == NULL    ? "an object"
                                       : "another one");
    }
}

static void compare_page(const char *page) {
    const struct object *object = object_at(page);
    const char *last = page + SIM_PAGE_BYTES - 1;
    bool is_superslab = object->kind == OBJECT_SUPERSLAB;
    const void *region = object->kind == OBJECT_REGION ? object->record : NULL;
    const void *big = object->kind == OBJECT_BIG ? object->record : NULL;
    expect(page, "hak_map_superslab", hak_map_superslab(page), is_superslab ? object->start : NULL);
    expect(last, "hak_map_region", hak_map_region(last), region);
    expect(page, "hak_map_big", hak_map_big(page), big);
    expect(last, "hak_map_big", hak_map_big(last), big);
    if (is_superslab) {
        component_compare("shift of the slabs", hak_map_entry(page) & HAK_MAP_TAG_MASK, object->slab_shift);
    }
    uintptr_t unit = ((uintptr_t)page - hak_root.map.home_base) >> HAK_GEO->tiny_slab_shift;
    if (unit < hak_root.map.home_units) {
        size_t index = (size_t)(page - object->start) >> object->slab_shift;
        expect(page, "hak_map_slab_home", hak_map_slab_home(page),
               is_superslab ? &((struct hak_superslab *)(void *)object->start)->slabs[index] : NULL);
    }
}

/* Pages of [first, end), as far as there are, every `stride`th. */
static void compare_pages(intptr_t first, intptr_t end, intptr_t stride) {
    first = first < 0 ? 0 : first;
    end = end > ARENA_PAGES ? ARENA_PAGES : end;
    for (intptr_t page = first; page < end; page += stride) {
        compare_page((const char *)HAK_ADDRESS_BASE + (size_t)page * SIM_PAGE_BYTES);
    }
}

/* What lies around a border between objects: three pages on both sides, and some of its cell. */
static void compare_around(const char *address) {
    enum { NEAR = 3, SAMPLE = 16 };
    intptr_t page = (intptr_t)(sim_offset(address) / SIM_PAGE_BYTES);
    intptr_t cell_pages = (intptr_t)(cell_bytes() / SIM_PAGE_BYTES);
    intptr_t cell = page & ~(cell_pages - 1);
    compare_pages(page - NEAR, page + NEAR, 1);
    compare_pages(cell, cell + cell_pages, cell_pages > SAMPLE ? cell_pages / SAMPLE : 1);
}

static void compare_range(const char *start, size_t size_bytes) {
    compare_around(start);
    compare_around(start + size_bytes);
    compare_page((const char *)((uintptr_t)(start + size_bytes / 2) & ~(uintptr_t)(SIM_PAGE_BYTES - 1)));
}

/* --- the walk: each object once, in the order of addresses --- */

static void walked(const char *start, enum object_kind kind, const void *record) {
    const struct object *object = object_at(start);
    if (object->kind != kind || object->start != start || (object->record != NULL && object->record != record)) {
        finding_raise(CHECK_MODEL, NULL, "the walk comes to an object at offset 0x%llx that is not there",
                      (unsigned long long)sim_offset(start));
    }
    component_compare("the walk goes up", start > state.walked_to, true);
    state.walked_to = start;
    state.walked++;
}

static void walk_superslab(void *context, struct hak_superslab *superslab) {
    (void)context;
    walked((const char *)superslab, OBJECT_SUPERSLAB, superslab);
}

static void walk_region(void *context, struct hak_region *region) {
    (void)context;
    walked(region->base, OBJECT_REGION, region);
}

static void walk_big(void *context, struct hak_big *big) {
    (void)context;
    walked(big->base, OBJECT_BIG, big);
}

/* Cells of which the map says nothing hold nothing; the others are looked at page by page. */
static void compare_all(void) {
    static const uint8_t none[64];
    static const struct hak_map_visitor visitor = {walk_superslab, walk_region, walk_big};
    uint32_t objects = 0;
    size_t cell_pages = cell_bytes() / SIM_PAGE_BYTES;
    for (size_t page = 0; page < ARENA_PAGES; page += cell_pages) {
        const char *cell = (const char *)HAK_ADDRESS_BASE + page * SIM_PAGE_BYTES;
        size_t seen = 0;
        while (hak_map_entry(cell) == HAK_MAP_NONE && seen < cell_pages) {
            size_t count = cell_pages - seen < sizeof none ? cell_pages - seen : sizeof none;
            if (memcmp(&state.owners[page + seen], none, count) != 0) {
                break;
            }
            seen += count;
        }
        if (seen < cell_pages) {
            compare_pages((intptr_t)page, (intptr_t)(page + cell_pages), 1);
        }
    }
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        objects += state.objects[slot].kind != OBJECT_NONE;
    }
    state.walked = 0;
    state.walked_to = NULL;
    hak_map_walk(&visitor, NULL);
    component_compare("objects the walk comes to", state.walked, objects);
}

/* --- the model --- */

static void own(uint8_t owner, const char *start, size_t size_bytes) {
    memset(&state.owners[sim_offset(start) / SIM_PAGE_BYTES], owner, size_bytes / SIM_PAGE_BYTES);
}

static void subject_set(uint8_t slot) {
    run.now->slot = slot;
    run.now->subject = (uintptr_t)state.objects[slot].start;
    run.now->subject_bytes = state.objects[slot].size_bytes;
}

static void object_appear(uint8_t slot, const struct object *object) {
    state.objects[slot] = *object;
    own((uint8_t)(slot + 1), object->start, object->size_bytes);
    subject_set(slot);
    run_trace(sim_offset(object->start) ^ object->size_bytes);
    compare_range(object->start, object->size_bytes);
}

/* --- into the map --- */

static char *range_take(size_t size_bytes, size_t align_bytes) {
    char *start = os_reserve(size_bytes, align_bytes < HAK_PAGE_BYTES ? HAK_PAGE_BYTES : align_bytes);
    if (start != NULL && !os_commit(start, size_bytes)) {
        os_release(start, size_bytes);
        return NULL;
    }
    return start;
}

/* Enter an object that has its record; where that is refused, nothing may have changed. */
static void object_enter(uint8_t slot, struct object *object, size_t align_bytes) {
    run.now->applied = true;
    run.now->slot = slot;
    run.now->subject_bytes = object->size_bytes;
    uint64_t refused = sim_refused();
    object->start = range_take(object->size_bytes, align_bytes);
    if (object->start == NULL) {
        run_trace(UINT64_C(0xfa11));
        return;
    }
    bool entered;
    if (object->kind == OBJECT_BIG) {
        *(struct hak_big *)object->record = (struct hak_big){.base = object->start, .size_bytes = object->size_bytes};
        entered = hak_map_enter_big(object->record, object->start, object->size_bytes);
    } else if (object->kind == OBJECT_REGION) {
        hak_region_init(object->record, object->start);
        entered = hak_map_enter_region(object->record, object->start);
    } else {
        hak_mark_open(object->start, cell_bytes());
        entered = hak_map_enter_superslab((struct hak_superslab *)(void *)object->start, object->slab_shift);
    }
    if (entered) {
        object_appear(slot, object);
        return;
    }
    component_check_refusal("entering", object->size_bytes, refused);
    compare_range(object->start, object->size_bytes);
    hak_mark_closed(object->start, object->size_bytes);
    os_release(object->start, object->size_bytes);
    object->start = NULL;
}

static void with_record(uint8_t slot, struct object object, enum hak_meta_kind kind, size_t record_bytes,
                        size_t align_bytes) {
    run.now->applied = true;
    object.record = hak_meta_take(kind, record_bytes);
    if (object.record == NULL) {
        return;
    }
    object_enter(slot, &object, align_bytes);
    if (object.start == NULL) {
        hak_meta_give(kind, object.record);
    }
}

static size_t mapping_bytes(void) {
    size_t limit_bytes = ((size_t)ARENA_PAGES * SIM_PAGE_BYTES) / 4;
    size_t size_bytes = record_size_bytes(&run.now->record) * (HAK_PAGE_BYTES / 128) % limit_bytes;
    size_t pages = (size_bytes + HAK_PAGE_BYTES - 1) / HAK_PAGE_BYTES;
    return (pages == 0 ? 1 : pages) * HAK_PAGE_BYTES;
}

static void big_enter(uint8_t slot, size_t align_bytes) {
    if (state.objects[slot].kind == OBJECT_NONE && (align_bytes & (align_bytes - 1)) == 0) {
        struct object object = {.kind = OBJECT_BIG, .size_bytes = mapping_bytes()};
        with_record(slot, object, HAK_META_BIG, sizeof(struct hak_big), align_bytes);
    }
}

static void big_enter_any(uint8_t slot) {
    big_enter(slot, 1);
}

static void other_enter(uint8_t slot) {
    uint32_t which = run.now->record.argument;
    if (state.objects[slot].kind != OBJECT_NONE) {
        return;
    }
    if (which == 1 || which == 2) {
        struct object superslab = {.kind = OBJECT_SUPERSLAB, .size_bytes = cell_bytes()};
        superslab.slab_shift = which == 1 ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
        object_enter(slot, &superslab, cell_bytes());
    } else {
        struct object region = {.kind = OBJECT_REGION, .size_bytes = hak_region_bytes()};
        with_record(slot, region, HAK_META_REGION, hak_region_record_bytes(), cell_bytes());
    }
}

/* --- out of the map --- */

static void object_remove(uint8_t slot) {
    struct object *object = &state.objects[slot];
    const struct object was = *object;
    if (was.kind == OBJECT_NONE) {
        return;
    }
    run.now->applied = true;
    subject_set(slot);
    run_trace(~sim_offset(was.start));
    if (was.kind == OBJECT_BIG) {
        hak_map_remove_big(was.start, was.size_bytes);
    } else if (was.kind == OBJECT_REGION) {
        hak_map_remove_region(was.start);
    } else {
        hak_map_remove_superslab((struct hak_superslab *)(void *)was.start);
    }
    own(0, was.start, was.size_bytes);
    *object = nothing;
    compare_range(was.start, was.size_bytes);
    hak_mark_closed(was.start, was.size_bytes);
    os_release(was.start, was.size_bytes);
    if (was.record != NULL) {
        hak_meta_give(was.kind == OBJECT_BIG ? HAK_META_BIG : HAK_META_REGION, was.record);
    }
}

/* --- changes --- */

static void big_cut(struct object *object, size_t new_bytes) {
    uint64_t refused = sim_refused();
    char *end = object->start + new_bytes;
    size_t cut_bytes = object->size_bytes - new_bytes;
    if (!hak_map_split_big(end)) {
        component_check_refusal("splitting", new_bytes, refused);
        compare_range(object->start, object->size_bytes);
        return;
    }
    hak_map_remove_big(end, cut_bytes);
    object->size_bytes = ((struct hak_big *)object->record)->size_bytes = new_bytes;
    own(0, end, cut_bytes);
    compare_range(end, cut_bytes);
    os_release(end, cut_bytes);
}

static bool big_extend(struct object *object, uint8_t owner, size_t more_bytes) {
    uint64_t refused = sim_refused();
    char *end = object->start + object->size_bytes;
    if (!os_extend(object->start, object->size_bytes, object->size_bytes + more_bytes)) {
        return false;
    }
    if (!hak_map_enter_big(object->record, end, more_bytes)) {
        component_check_refusal("entering", more_bytes, refused);
        compare_range(end, more_bytes);
        os_release(end, more_bytes);
        return false;
    }
    object->size_bytes += more_bytes;
    ((struct hak_big *)object->record)->size_bytes = object->size_bytes;
    own(owner, end, more_bytes);
    compare_range(end, more_bytes);
    return true;
}

static void big_move(struct object *object, uint8_t owner, size_t new_bytes) {
    uint64_t refused = sim_refused();
    const struct object was = *object;
    char *moved = hak_map_move_big(object->record, was.start, was.size_bytes, new_bytes);
    if (moved == NULL) {
        component_check_refusal("moving", new_bytes, refused);
        compare_range(was.start, was.size_bytes);
        return;
    }
    object->start = moved;
    object->size_bytes = new_bytes;
    *(struct hak_big *)object->record = (struct hak_big){.base = moved, .size_bytes = new_bytes};
    own(0, was.start, was.size_bytes);
    own(owner, moved, new_bytes);
    compare_range(was.start, was.size_bytes);
    compare_range(moved, new_bytes);
}

static void big_resize(uint8_t slot) {
    struct object *object = &state.objects[slot];
    size_t new_bytes = mapping_bytes();
    run.now->applied = true;
    if (new_bytes < object->size_bytes) {
        big_cut(object, new_bytes);
    } else if (new_bytes == object->size_bytes || run.now->record.distance % 2 != 0 ||
               !big_extend(object, (uint8_t)(slot + 1), new_bytes - object->size_bytes)) {
        big_move(object, (uint8_t)(slot + 1), new_bytes); /* odd distances, and what has no room where it is */
    }
    subject_set(slot);
    run_trace(sim_offset(object->start) ^ object->size_bytes);
}

static void object_change(uint8_t slot) {
    struct object *object = &state.objects[slot];
    if (object->kind == OBJECT_SUPERSLAB) {
        object->slab_shift ^= HAK_GEO->tiny_slab_shift ^ HAK_GEO->pool_slab_shift;
        hak_map_change_superslab((struct hak_superslab *)(void *)object->start, object->slab_shift);
    } else if (object->kind == OBJECT_BIG) {
        uint64_t refused = sim_refused();
        size_t half_bytes = object->size_bytes / 2 & ~(HAK_PAGE_BYTES - 1);
        if (!hak_map_split_big(object->start + half_bytes)) {
            component_check_refusal("splitting", half_bytes, refused);
        }
    }
    run.now->applied = object->kind != OBJECT_NONE;
    if (run.now->applied) {
        subject_set(slot);
        compare_range(object->start, object->size_bytes);
    }
}

/* --- records --- */

static void begin(void) {
    memset(&state, 0, sizeof state);
}

static void record(void) {
    uint8_t slot = run.now->record.slot;
    const struct object *object = &state.objects[slot];
    switch (run.now->record.op) {
    case OP_MALLOC:
        big_enter(slot, 1);
        break;
    case OP_MALLOC_MANY:
        component_each_slot(big_enter_any);
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        big_enter(slot, record_align_bytes(&run.now->record));
        break;
    case OP_CALLOC:
        other_enter(slot);
        break;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        if (object->kind == OBJECT_BIG) {
            big_resize(slot);
        } else {
            big_enter(slot, 1);
        }
        break;
    case OP_WRITE:
        object_change(slot);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        object_remove(slot);
        break;
    case OP_FREE_MANY:
        component_each_slot(object_remove);
        break;
    case OP_USABLE:
    case OP_VERIFY:
        run.now->applied = object->kind != OBJECT_NONE;
        if (run.now->applied) {
            subject_set(slot);
            compare_range(object->start, object->size_bytes);
        }
        break;
    case OP_CHECK:
        run.now->applied = true;
        compare_all();
        break;
    default:
        (void)component_common();
    }
}

static void final(void) {
    compare_all();
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        object_remove(slot);
    }
    run_forget_subject();
    compare_all();
    component_check_returned(0);
    component_compare("page tables that remain", hak_root.meta.live[HAK_META_PAGES], 0);
}

const struct component component_map = {.begin = begin, .record = record, .final = final};
