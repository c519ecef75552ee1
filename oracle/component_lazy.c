/* component lazy: the lazy cache of SuperSlabs, beside an array of those that are in it, oldest first.
 *
 *   malloc, realloc s3 SIZE          an empty SuperSlab with slabs for that size into an empty slot: the cache's, or
 *                                    else a new one
 *   calloc, *align* s3 SIZE ...      the same, but never the cache's
 *   malloc_many, free_many           several of them, the cache's first; several frees
 *   free, free_*sized s3             into the cache; what comes back from it instead is released
 *   write s3                         the SuperSlab in the slot is divided anew, for slabs of the other size
 *   trim; clock ms=N                 the oldest leaves until there is none; time passes, and what is old leaves
 *   usable, verify s3; check         compares the list with the array
 *
 * Any of four threads may do each of these, each call of the cache under pool.lock, where the array follows at once: so
 * both are the same at any time. What the lock need not cover is done without it: SuperSlabs are made, divided, looked
 * up and released while others are in the cache, or do the same. That as many are reserved as are held is looked at
 * when nobody is inside.
 *
 * Sizes count only as tiny or not. Bounds: count, bytes and time to live by their options, and the geometry's lazy_max.
 * With the cache off nothing stays. The newest serves first, of slabs of that size if one of the newest few has them.
 */
#include "allocator/lazy.h"

#include <string.h>

#include "allocator/class.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/component.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum { CACHED_MAX = ARENA_PAGES / 4, NEWEST_FEW = 4 };

struct entry {
    struct hak_superslab *superslab;
    uint32_t slab_shift;
    uint32_t freed_ms;
};

/* Whole words, without gaps. */
static struct {
    struct entry cached[CACHED_MAX]; /* oldest first; behind `count` all zero */
    uint64_t count;
    struct hak_superslab *slots[PROGRAM_SLOTS_MAX];
    uint64_t held; /* slots that are not empty */
    uint64_t hits, evictions;
} state;

/* It hangs off the pool, as it does in the allocator. */
static struct hak_lazy *lazy(void) {
    return &hak_root.pool.lazy;
}

/* --- comparing --- */

static void expect(const char *call, const struct hak_superslab *has, const struct hak_superslab *expected) {
    run_trace(sim_offset(has));
    if (has != expected) {
        finding_raise(CHECK_MODEL, has, "%s: the SuperSlab at offset 0x%llx, by the model 0x%llx", call,
                      (unsigned long long)sim_offset(has), (unsigned long long)sim_offset(expected));
    }
}

static void compare_all(void) {
    const struct hak_superslab *older = NULL;
    const struct hak_superslab *at = lazy()->oldest;
    component_compare("SuperSlabs in the cache", lazy()->count, state.count);
    for (uint64_t i = 0; i < state.count; i++) { /* `next` leads to the older one */
        const struct entry *entry = &state.cached[i];
        expect("the list, from its old end", at, entry->superslab);
        expect("the list, backwards", at->next, older);
        component_compare("a SuperSlab in the cache is marked so", at->cached, true);
        component_compare("shift of its slabs", at->slab_shift, entry->slab_shift);
        component_compare("when it was freed", at->freed_ms, entry->freed_ms);
        component_compare("the region map's shift", hak_map_entry(at) & HAK_MAP_TAG_MASK, entry->slab_shift);
        older = at;
        at = at->previous;
    }
    expect("the list, behind its young end", at, NULL);
    expect("the young end of the list", lazy()->youngest, older);
    component_compare("hits", lazy()->hits, state.hits);
    component_compare("evictions", lazy()->evictions, state.evictions);
    if (run.inside == 0) {
        component_check_returned((state.count + state.held) * hak_superslab_bytes());
    }
}

/* --- the model --- */

static bool is_over(void) {
    uint64_t limit_bytes = (uint64_t)hak_option(SUPERSLAB_MAX_MEMORY_MB) * 1024 * 1024;
    return hak_option(LAZY_CACHE) == 0 || state.count > hak_option(SUPERSLAB_MAX_CACHED) ||
           state.count > HAK_GEO->lazy_max || state.count * hak_superslab_bytes() > limit_bytes;
}

static struct entry entry_take(uint64_t index) {
    const struct entry entry = state.cached[index];
    memmove(&state.cached[index], &state.cached[index + 1], (state.count - index - 1) * sizeof entry);
    state.cached[--state.count] = (struct entry){NULL, 0, 0};
    return entry;
}

/* --- the cache --- */

static void cache_lock(uint8_t slot) {
    run_enter(slot);
    hak_lock_acquire(&hak_root.pool.lock);
}

static void cache_unlock(uint8_t slot) {
    hak_lock_release(&hak_root.pool.lock);
    run_leave(slot);
}

static void superslab_destroy(struct hak_superslab *superslab) {
    component_compare("what left the cache is not marked", superslab->cached, false);
    run_enter(NO_SLOT);
    hak_superslab_destroy(superslab);
    run_leave(NO_SLOT);
}

/* NULL when the system refuses. */
static struct hak_superslab *superslab_make(uint32_t slab_shift) {
    size_t bytes = hak_superslab_bytes();
    struct hak_superslab *superslab = os_reserve(bytes, bytes);
    if (superslab == NULL || (os_commit(superslab, bytes) && hak_superslab_create(superslab, slab_shift))) {
        return superslab;
    }
    os_release(superslab, bytes);
    return NULL;
}

static struct hak_superslab *superslab_new(uint8_t slot, uint32_t slab_shift) {
    uint64_t refused = sim_refused();
    run_enter(slot);
    struct hak_superslab *superslab = superslab_make(slab_shift);
    run_leave(slot);
    if (superslab == NULL) {
        component_check_refusal("a SuperSlab", hak_superslab_bytes(), refused);
    }
    return superslab;
}

/* The one that the array says comes next. */
static const struct entry *entry_chosen(uint32_t slab_shift) {
    for (uint64_t back = 1; back <= NEWEST_FEW && back <= state.count; back++) {
        if (state.cached[state.count - back].slab_shift == slab_shift) {
            return &state.cached[state.count - back];
        }
    }
    return state.count == 0 ? NULL : &state.cached[state.count - 1];
}

static struct hak_superslab *cache_take(uint8_t slot, uint32_t slab_shift) {
    cache_lock(slot);
    struct hak_superslab *superslab = hak_lazy_take(lazy(), slab_shift);
    const struct entry *chosen = entry_chosen(slab_shift);
    expect("hak_lazy_take", superslab, chosen == NULL ? NULL : chosen->superslab);
    if (chosen != NULL) {
        (void)entry_take((uint64_t)(chosen - state.cached));
        state.hits++;
        component_compare("what is taken is not marked as cached", superslab->cached, false);
    }
    cache_unlock(slot);
    return superslab;
}

static void slot_fill(uint8_t slot, bool from_cache) {
    bool is_tiny = record_size_bytes(&run.now->record) <= HAK_TINY_MAX_BYTES;
    uint32_t slab_shift = is_tiny ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
    if (state.slots[slot] != NULL || run_is_claimed(slot)) {
        return;
    }
    run.now->applied = true;
    run.now->slot = slot;
    struct hak_superslab *superslab = from_cache ? cache_take(slot, slab_shift) : NULL;
    if (superslab == NULL) {
        superslab = superslab_new(slot, slab_shift);
    }
    state.slots[slot] = superslab;
    state.held += superslab != NULL;
    run_slot_write(slot);
    run.now->subject = (uintptr_t)superslab;
    run.now->subject_bytes = hak_superslab_bytes();
    run_trace(sim_offset(superslab));
}

static void slot_fill_any(uint8_t slot) {
    slot_fill(slot, true);
}

static void slot_give(uint8_t slot) {
    struct hak_superslab *superslab = state.slots[slot], *surplus = NULL;
    if (superslab == NULL || run_is_claimed(slot)) {
        return;
    }
    run.now->applied = true;
    run.now->slot = slot;
    run.now->subject = (uintptr_t)superslab;
    run_slot_read(slot);
    superslab->freed_ms = os_clock_ms();
    state.slots[slot] = NULL;
    state.held--;
    cache_lock(NO_SLOT);
    struct hak_superslab *returned = hak_lazy_put(lazy(), superslab);
    state.cached[state.count++] = (struct entry){superslab, superslab->slab_shift, superslab->freed_ms};
    if (is_over()) {
        surplus = entry_take(0).superslab;
        state.evictions++;
    }
    expect("hak_lazy_put", returned, surplus);
    cache_unlock(NO_SLOT);
    if (surplus != NULL) {
        superslab_destroy(surplus);
    }
}

/* The oldest, if it has to leave. */
static struct hak_superslab *cache_expire_one(uint32_t now_ms, bool all) {
    cache_lock(NO_SLOT);
    struct hak_superslab *superslab = hak_lazy_expired(lazy(), now_ms, all);
    int64_t age_ms = state.count == 0 ? 0 : (int32_t)(now_ms - state.cached[0].freed_ms);
    age_ms = age_ms < 0 ? 0 : age_ms; /* freed by somebody who read the clock later */
    bool leaves = state.count > 0 && (all || age_ms >= (int64_t)hak_option(SUPERSLAB_TTL_SEC) * 1000);
    expect("hak_lazy_expired", superslab, leaves ? state.cached[0].superslab : NULL);
    if (superslab != NULL) {
        (void)entry_take(0);
        state.evictions += !all;
    }
    cache_unlock(NO_SLOT);
    return superslab;
}

/* All that have to leave, oldest first. */
static void cache_expire(bool all) {
    uint32_t now_ms = os_clock_ms();
    struct hak_superslab *superslab;
    while ((superslab = cache_expire_one(now_ms, all)) != NULL) {
        superslab_destroy(superslab);
    }
}

/* --- records --- */

static void begin(void) {
    memset(state.cached, 0, state.count * sizeof state.cached[0]);
    state.count = state.held = 0;
    state.hits = state.evictions = 0;
    memset(state.slots, 0, sizeof state.slots);
    component_begin_threads();
}

static void slot_divide(uint8_t slot) {
    struct hak_superslab *superslab = state.slots[slot];
    if (superslab != NULL) {
        uint32_t other_shift = superslab->slab_shift ^ HAK_GEO->tiny_slab_shift ^ HAK_GEO->pool_slab_shift;
        run.now->applied = true;
        run_slot_read(slot);
        run_enter(slot);
        superslab->dirty_mask = hak_superslab_divide(superslab, other_shift, superslab->dirty_mask);
        run_leave(slot);
        run_slot_write(slot);
    }
}

/* By the region map, beside those who change it. */
static void slot_look_up(uint8_t slot) {
    struct hak_superslab *superslab = state.slots[slot];
    if (superslab != NULL) {
        run_slot_read(slot);
        run_enter(slot);
        struct hak_superslab *found = hak_map_superslab((char *)superslab + hak_superslab_bytes() - 1);
        run_leave(slot);
        expect("hak_map_superslab", found, superslab);
    }
}

static void record(void) {
    uint8_t slot = run.now->record.slot;
    if (run_is_claimed(slot) && (program_op_info[run.now->record.op].fields & FIELD_SLOT) != 0) {
        return;
    }
    switch (run.now->record.op) {
    case OP_MALLOC:
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        slot_fill(slot, true);
        break;
    case OP_CALLOC:
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        slot_fill(slot, false);
        break;
    case OP_MALLOC_MANY:
        component_each_slot(slot_fill_any);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        slot_give(slot);
        break;
    case OP_FREE_MANY:
        component_each_slot(slot_give);
        break;
    case OP_WRITE:
        slot_divide(slot);
        break;
    case OP_TRIM:
        run.now->applied = true;
        cache_expire(true);
        break;
    case OP_CLOCK:
        run.now->applied = true;
        sim_advance_clock(run.now->record.argument);
        cache_expire(false);
        break;
    case OP_USABLE:
    case OP_VERIFY:
        slot_look_up(slot);
        run.now->applied = true;
        compare_all();
        break;
    case OP_CHECK:
        run.now->applied = true;
        compare_all();
        break;
    default:
        (void)component_common();
    }
    component_compare("SuperSlabs in the cache", lazy()->count, state.count);
}

static void final(void) {
    compare_all();
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        slot_give(slot);
    }
    run_forget_subject();
    cache_expire(true);
    compare_all();
    component_check_returned(0);
}

const struct component component_lazy = {
    .begin = begin, .record = record, .final = final, .state = &state, .state_bytes = sizeof state};
