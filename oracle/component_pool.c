/* component pool: the shared pool of slabs, beside the set of slabs that are out.
 *
 *   malloc, realloc s3 SIZE          a slab for the class of that size into an empty slot; it is bound, two blocks are
 *                                    cut (as far as it has them), and its ends are written
 *   calloc, reallocarray s3 SIZE n=N the same, for the class of N times that size
 *   *align* s3 SIZE align=A          a slab as before that is bound, but never cut nor written
 *   free, free_*sized s3             its blocks come back, it is unbound and given to the pool
 *   malloc_many, free_many           several of them
 *   usable, verify s3                its content, its counters and its SuperSlab's
 *   write s3                         the same, with new content
 *   trim; clock ms=N                 what is empty goes; time passes, and what is old goes
 *   check                            all SuperSlabs and sums are compared
 *
 * Any of four threads may do each of these, and may be switched inside the pool. A slab joins the set when
 * hak_pool_take has returned it, and leaves it before hak_pool_give is called: so it is never in the set while it is
 * the pool's. Sizes are taken modulo the largest block of the geometry and one.
 *
 * At any time: no slab is out twice and none overlaps another; what the pool gives is a free slab of a SuperSlab of
 * the right kind. When nobody is inside: a SuperSlab's bits are those of the set. What is said of one call is held
 * against it where no other overlapped it: after trim there are only SuperSlabs with a slab that is out, and no free
 * slab is dirty, unless the system refused; none is made while there is a free slab of that kind, or an empty one. */
#include "allocator/pool.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/class.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum { CUT_BLOCKS = 2 };

struct out {
    struct hak_slab *slab; /* NULL: the slot is empty */
    size_t bytes;          /* of the slab */
    struct hak_block *blocks[CUT_BLOCKS];
    uint64_t count;
};

/* Whole words, without gaps. */
static struct {
    struct out out[PROGRAM_SLOTS_MAX];
    size_t live_bytes;
    uint64_t refused;    /* as it was when a request was last looked at */
    uint64_t changed_ms; /* when a slab was last given, a purge was refused or an option changed */
} state;

/* What a walk over the SuperSlabs gathers. */
static struct {
    size_t superslabs;
    size_t dirty_bytes;
    size_t cached;
    bool expects_clean; /* it looks whether free slabs are */
} walk;

static bool is_quiet(void) {
    return run.inside == 0;
}

/* --- comparing --- */

/* Bits of the slabs of a SuperSlab that are out. */
static uint64_t out_mask(const struct hak_superslab *superslab) {
    uint64_t mask = 0;
    for (uint8_t slot = 0; slot < run.program->header.slot_count; slot++) {
        const struct hak_slab *slab = state.out[slot].slab;
        if (slab != NULL && hak_superslab_of(slab) == superslab) {
            mask |= UINT64_C(1) << (slab - superslab->slabs);
        }
    }
    return mask;
}

static bool is_in_list(const struct hak_superslab *superslab) {
    const struct hak_pool *pool = &hak_root.pool;
    bool is_tiny = superslab->slab_shift == HAK_GEO->tiny_slab_shift;
    const struct hak_superslab *at = pool->available[is_tiny ? HAK_POOL_TINY : HAK_POOL_POOL];
    while (at != NULL && at != superslab) {
        at = at->next;
    }
    return at != NULL;
}

/* Free slabs that were written were purged: their ends, where patterns were, read as zero. */
static void check_clean(struct hak_superslab *superslab) {
    enum { EDGE_BYTES = 32 };
    static const unsigned char zero[EDGE_BYTES];
    size_t slab_bytes = (size_t)1 << superslab->slab_shift;
    for (size_t i = 1; i <= superslab->slab_count; i++) {
        char *start = (char *)superslab + i * slab_bytes;
        if ((superslab->free_mask >> i & 1) != 0) {
            hak_mark_open(start, slab_bytes);
            if (memcmp(start, zero, EDGE_BYTES) != 0 ||
                memcmp(start + slab_bytes - EDGE_BYTES, zero, EDGE_BYTES) != 0) {
                finding_raise(CHECK_NOT_RETURNED, start, "the free slab at offset 0x%llx was not purged",
                              (unsigned long long)sim_offset(start));
            }
            hak_mark_closed(start, slab_bytes);
        }
    }
}

static void compare_superslab(void *context, struct hak_superslab *superslab) {
    (void)context;
    uint64_t all = ((UINT64_C(1) << superslab->slab_count) - 1) << 1;
    uint64_t out = out_mask(superslab);
    component_compare("slabs of a SuperSlab", superslab->slab_count,
                      (hak_superslab_bytes() >> superslab->slab_shift) - 1);
    component_compare("free slabs of a SuperSlab", superslab->free_mask, all & ~out);
    component_compare("a SuperSlab is cached when no slab is out", superslab->cached, out == 0);
    component_compare("a SuperSlab is available when some slabs are out", is_in_list(superslab),
                      out != 0 && out != all);
    if (!hak_superslab_is_valid(superslab)) {
        finding_raise(CHECK_ACCOUNTING, superslab, "the SuperSlab at offset 0x%llx is not valid",
                      (unsigned long long)sim_offset(superslab));
    }
    if (walk.expects_clean) {
        check_clean(superslab);
    }
    walk.superslabs++;
    walk.cached += superslab->cached;
    walk.dirty_bytes += (size_t)__builtin_popcountll(superslab->dirty_mask) << superslab->slab_shift;
}

static void compare_sums(void) {
    if (!is_quiet()) {
        return;
    }
    component_compare("live bytes", hak_load(&hak_root.decay.live_bytes, relaxed), state.live_bytes);
}

static void compare_dirty_list(void) {
    size_t listed = 0, length = 0;
    const struct hak_superslab *older = NULL;
    for (const struct hak_superslab *at = hak_root.pool.dirty_oldest; at != NULL; at = at->dirty_younger) {
        component_compare("the list of dirty SuperSlabs leads back", at->dirty_older == older, true);
        component_compare("length of the list of dirty SuperSlabs is at most", ++length > walk.superslabs, false);
        listed += (size_t)__builtin_popcountll(at->dirty_mask) << at->slab_shift;
        older = at;
    }
    component_compare("the list of dirty SuperSlabs ends", hak_root.pool.dirty_youngest == older, true);
    component_compare("bytes in the list of dirty SuperSlabs", listed, walk.dirty_bytes);
}

static void compare_all(void) {
    const struct hak_pool *pool = &hak_root.pool;
    walk.superslabs = walk.dirty_bytes = walk.cached = 0;
    component_walk((struct hak_map_visitor){.superslab = compare_superslab}, NULL);
    component_compare("SuperSlabs", pool->superslab_count, walk.superslabs);
    component_compare("SuperSlabs made and not released", pool->created - pool->released, walk.superslabs);
    component_compare("cached SuperSlabs", pool->lazy.count, walk.cached);
    component_compare("slabs taken and not given", pool->taken - pool->given, run.shadow.count);
    component_compare("dirty bytes", hak_load(&hak_root.decay.dirty_bytes, relaxed), walk.dirty_bytes);
    compare_dirty_list();
    compare_sums();
    component_check_returned(walk.superslabs * hak_superslab_bytes() + (size_t)(pool->chunk_end - pool->chunk_cursor));
    run_trace(walk.superslabs << 32 | walk.dirty_bytes);
}

static size_t superslabs_with_slabs_out(void) {
    size_t count = 0;
    const struct hak_superslab *last = NULL;
    for (uint32_t i = 0; i < run.shadow.count; i++) { /* sorted by address */
        const struct hak_superslab *superslab = hak_superslab_of((const void *)run.shadow.starts[i]);
        count += superslab != last;
        last = superslab;
    }
    return count;
}

static void compare_trimmed(const char *after) {
    walk.expects_clean = true;
    compare_all();
    walk.expects_clean = false;
    size_t needed = superslabs_with_slabs_out();
    if (walk.superslabs != needed || walk.dirty_bytes != 0) {
        finding_raise(CHECK_NOT_RETURNED, NULL,
                      "%s there are %zu SuperSlabs, %zu of them with a slab in use, and %zu dirty bytes", after,
                      walk.superslabs, needed, walk.dirty_bytes);
    }
}

/* --- slabs --- */

static void compare_slab(uint8_t slot) {
    const struct out *out = &state.out[slot];
    component_compare("state of a slab that is out", out->slab->state, HAK_SLAB_BOUND);
    component_compare("blocks out of the slab", out->slab->used, out->count);
    component_compare("blocks cut of the slab", out->slab->carved, out->count);
}

/* A slab that comes from the pool is free, one of its SuperSlab's that the map knows, and of the kind of the class. */
static void compare_taken(const struct hak_slab *slab, uint32_t class_id) {
    const struct hak_superslab *superslab = hak_superslab_of(slab);
    uint32_t shift = class_id < HAK_TINY_CLASSES ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
    if (hak_map_superslab(slab) != superslab) {
        finding_raise(CHECK_OUTSIDE_WORLD, NULL, "the slab is in no SuperSlab that the region map knows");
    }
    component_compare("shift of the slab", superslab->slab_shift, shift);
    component_compare("shift of the slab in the region map", hak_map_entry(slab) & HAK_MAP_TAG_MASK, shift);
    size_t index = (size_t)(slab - superslab->slabs);
    component_compare("the slab is one that carries blocks", index >= 1 && index <= superslab->slab_count, true);
    component_compare("a SuperSlab in use is not cached", superslab->cached, false);
}

/* Whether a SuperSlab with a slab that is out has a free one, of the kind of the class. */
static bool has_free_slab(uint32_t class_id) {
    uint32_t shift = class_id < HAK_TINY_CLASSES ? HAK_GEO->tiny_slab_shift : HAK_GEO->pool_slab_shift;
    for (uint8_t slot = 0; slot < run.program->header.slot_count; slot++) {
        const struct hak_slab *slab = state.out[slot].slab;
        const struct hak_superslab *superslab = slab == NULL ? NULL : hak_superslab_of(slab);
        if (superslab != NULL && superslab->slab_shift == shift &&
            (uint32_t)__builtin_popcountll(out_mask(superslab)) < superslab->slab_count) {
            return true;
        }
    }
    return false;
}

static void bind(struct out *out, uint32_t class_id, bool cuts) {
    struct hak_slab *slab = out->slab;
    hak_slab_bind(slab, class_id, NULL);
    component_compare("blocks out of a new slab", slab->used, 0);
    component_compare("blocks cut of a new slab", slab->carved, 0);
    component_compare("a new slab has no free list", slab->free == NULL, true);
    component_compare("block size of a new slab", slab->block_bytes, hak_class_bytes[class_id]);
    while (cuts && out->count < CUT_BLOCKS && !hak_slab_is_full(slab)) {
        uint32_t taken;
        out->blocks[out->count] = hak_slab_take(slab, 1, 1, &taken);
        hak_link_wipe(out->blocks[out->count++]);
    }
}

static struct hak_slab *pool_take(uint8_t slot, size_t size_bytes, uint32_t class_id) {
    uint64_t refused = sim_refused(), created = hak_root.pool.created;
    bool has_one = hak_root.pool.lazy.count > 0 || has_free_slab(class_id);
    run_enter(slot);
    struct hak_slab *slab = hak_pool_take(class_id);
    run_leave(slot);
    if (slab == NULL) {
        component_check_refusal("hak_pool_take", size_bytes, refused);
        return NULL;
    }
    compare_taken(slab, class_id);
    if (has_one && !run.now->overlapped && hak_root.pool.created != created) {
        finding_raise(CHECK_RETENTION, slab, "a SuperSlab was made, though there was a free slab of that kind");
    }
    return slab;
}

static void slab_take(uint8_t slot, size_t size_bytes, bool cuts) {
    if (state.out[slot].slab != NULL || run_is_claimed(slot)) {
        return;
    }
    run.now->applied = true;
    run.now->slot = slot;
    run.now->subject_bytes = size_bytes;
    uint32_t class_id = hak_class_of(size_bytes % (HAK_GEO->pool_max_bytes + 1U));
    struct hak_slab *slab = pool_take(slot, size_bytes, class_id);
    if (slab == NULL) {
        return;
    }
    struct out out = {.slab = slab, .bytes = hak_slab_bytes(slab)};
    char *start = (char *)hak_superslab_of(slab) + (size_t)(slab - hak_superslab_of(slab)->slabs) * out.bytes;
    uint8_t other; /* before it is bound: its first owner's counters would be lost */
    if (shadow_find(&run.shadow, (uintptr_t)start, out.bytes, &other) == SHADOW_SAME_START) {
        finding_raise(CHECK_DOUBLE_ALLOC, start, "the slab at offset 0x%llx is out already in slot s%u",
                      (unsigned long long)sim_offset(start), other);
    }
    run_enter(slot);
    bind(&out, class_id, cuts);
    run_leave(slot);
    state.out[slot] = out;
    state.live_bytes += out.bytes;
    component_block_enter(slot, start, size_bytes, out.bytes, out.bytes);
    if (out.count > 0) {
        component_block_fill(slot);
    }
    run_user_gets(slot);
}

static void slab_take_any(uint8_t slot) {
    slab_take(slot, record_size_bytes(&run.now->record), true);
}

static void slab_give(uint8_t slot) {
    struct out out = state.out[slot];
    if (out.slab == NULL || run_is_claimed(slot)) {
        return;
    }
    run.now->applied = true;
    compare_slab(slot);
    run_user_has(slot);
    char *start = (char *)run.shadow.blocks[slot].start;
    component_block_leave(slot);
    hak_mark_closed(start, out.bytes);
    state.out[slot] = (struct out){0};
    state.live_bytes -= out.bytes;
    run_enter(NO_SLOT);
    while (out.count > 0) {
        struct hak_block *block = out.blocks[--out.count];
        hak_slab_give(out.slab, (struct hak_chain){block, block, 1});
    }
    hak_slab_unbind(out.slab);
    hak_pool_give(out.slab);
    run_leave(NO_SLOT);
    state.changed_ms = os_clock_ms();
}

static void on_live(uint8_t slot) {
    if (state.out[slot].slab == NULL) {
        return;
    }
    run.now->applied = true;
    compare_slab(slot);
    run_user_has(slot);
    component_block_verify(slot, "");
    if (run.now->record.op == OP_WRITE && state.out[slot].count > 0) {
        component_block_fill(slot);
    }
    run_user_gets(slot);
    if (is_quiet()) {
        walk.superslabs = walk.cached = walk.dirty_bytes = 0;
        compare_superslab(NULL, hak_superslab_of(state.out[slot].slab));
    }
}

/* --- time --- */

static void pool_trim(void) {
    uint64_t refused = sim_refused();
    run_enter(NO_SLOT);
    hak_pool_trim();
    run_leave(NO_SLOT);
    if (sim_refused() == refused && !run.now->overlapped) {
        compare_trimmed("after trim");
    }
}

static void pool_age(void) {
    sim_advance_clock(run.now->record.argument);
    uint64_t refused = sim_refused();
    run_enter(NO_SLOT);
    hak_pool_age(os_clock_ms());
    run_leave(NO_SLOT);
    if (component_is_all_old((uint32_t)state.changed_ms) && sim_refused() == refused && !run.now->overlapped) {
        compare_trimmed("when all that is free is old");
    }
}

/* --- records --- */

static void begin(void) {
    memset(&state, 0, sizeof state);
    component_begin_threads();
}

static void carry_out(uint8_t slot) {
    size_t size_bytes = record_size_bytes(&run.now->record);
    switch (run.now->record.op) {
    case OP_MALLOC:
    case OP_REALLOC:
        slab_take(slot, size_bytes, true);
        break;
    case OP_CALLOC:
    case OP_REALLOCARRAY:
        slab_take(slot, size_bytes * run.now->record.argument, true);
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        slab_take(slot, size_bytes, false);
        break;
    case OP_MALLOC_MANY:
        component_each_slot(slab_take_any);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        slab_give(slot);
        break;
    case OP_FREE_MANY:
        component_each_slot(slab_give);
        break;
    case OP_USABLE:
    case OP_WRITE:
    case OP_VERIFY:
        on_live(slot);
        break;
    default:
        break;
    }
}

static void record(void) {
    switch (run.now->record.op) {
    case OP_TRIM:
        run.now->applied = true;
        pool_trim();
        break;
    case OP_CLOCK:
        run.now->applied = true;
        pool_age();
        break;
    case OP_CHECK:
        run.now->applied = is_quiet();
        if (run.now->applied) {
            compare_all();
        }
        break;
    default:
        if (component_common()) {
            state.changed_ms = os_clock_ms();
        } else if (!run_is_claimed(run.now->record.slot)) {
            carry_out(run.now->record.slot);
        }
    }
    compare_sums();
    if (sim_refused() != state.refused) {
        state.refused = sim_refused();
        state.changed_ms = os_clock_ms();
    }
}

static void final(void) {
    compare_all();
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        slab_give(slot);
    }
    run_forget_subject();
    pool_trim();
    component_check_returned(0);
}

const struct component component_pool = {
    .begin = begin, .record = record, .final = final, .state = &state, .state_bytes = sizeof state};
