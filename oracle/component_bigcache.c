/* component bigcache: big mappings and their cache, beside a plain list of what is cached, oldest first.
 *
 *   malloc, realloc s3 SIZE          a mapping into an empty slot
 *   calloc s3 SIZE n=N               the same, of N times that size
 *   *align* s3 SIZE align=A          the same, aligned to A
 *   realloc, reallocarray s3 SIZE    resizes where it is, or else has it moved
 *   free s3                          gives it back
 *   free_*sized s3                   the same, but tries places that are no block's first, and does it twice
 *   malloc_many, free_many           several of them
 *   usable, write, verify s3         its record; new content; content
 *   trim; clock ms=N                 all that is cached goes; time passes, and what is old goes
 *   check                            cache, map and sums are proven
 *
 * A size of 128 stands for a page, so that small ones differ; all are taken modulo an eighth of the arena. The model
 * knows every hit and miss, what leaves for the bounds of count, bytes, age and dirt (which is not looked at
 * for a second after a refusal), and the length of the table.
 * Where the system refused something in a call, what the cache then has must be a part of what the model expects, in
 * the same order, and the model goes on from there. */
#include "allocator/bigcache.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum { CHAIN_SURE = 32 }; /* among so many entries one that fits is found for sure */

struct entry {
    const char *base;
    size_t bytes;
    uint32_t since_ms;
    bool dirty;
};

static struct {
    struct entry cached[ARENA_PAGES]; /* oldest first */
    size_t count;
    size_t bytes;
    size_t dirty_bytes;
    size_t buckets; /* of the table, 0 when there is none */
    size_t live_bytes;
    size_t spare_bytes[PROGRAM_SLOTS_MAX]; /* of live mappings: resident behind what was asked for */
    size_t spare_sum_bytes;
    uint64_t refused; /* when the list was last compared */
} state;

static uint32_t step_of(size_t length_bytes) {
    uint32_t step;
    (void)component_length(length_bytes, &step);
    return step;
}

/* --- the model: the list and the table --- */

static void table_make_room(void) {
    while (state.count >= state.buckets) {
        state.buckets = state.buckets == 0 ? HAK_GEO->big_buckets : 2 * state.buckets;
    }
}

static void sums_change(const struct entry *entry, bool more) {
    state.count += more ? 1 : (size_t)-1;
    state.bytes += more ? entry->bytes : -entry->bytes;
    state.dirty_bytes += !entry->dirty ? 0 : more ? entry->bytes : -entry->bytes;
}

static void entry_insert(size_t index, struct entry entry) {
    table_make_room();
    memmove(&state.cached[index + 1], &state.cached[index], (state.count - index) * sizeof entry);
    state.cached[index] = entry;
    sums_change(&entry, true);
}

static struct entry entry_take(size_t index) {
    struct entry entry = state.cached[index];
    memmove(&state.cached[index], &state.cached[index + 1], (state.count - index - 1) * sizeof entry);
    sums_change(&entry, false);
    if (state.buckets > HAK_GEO->big_buckets && state.count < state.buckets / 8) {
        state.buckets /= 2;
    }
    return entry;
}

static bool is_over(void) {
    return state.count > hak_option(BIG_CACHE_MAX_COUNT) ||
           state.bytes > (uint64_t)hak_option(BIG_CACHE_MAX_MEMORY_MB) * 1024 * 1024;
}

static bool is_too_dirty(void) {
    size_t budget_bytes = (size_t)hak_option(DIRTY_MAX_MB) * 1024 * 1024;
    size_t dirty_bytes = state.dirty_bytes + state.spare_sum_bytes;
    return !component_is_purge_silent() && dirty_bytes > budget_bytes && dirty_bytes > budget_bytes + state.live_bytes;
}

/* The oldest dirty one becomes clean, where it is. False when there is none, or it is younger than min_age_ms. */
static bool purge_oldest(uint32_t now_ms, uint32_t min_age_ms) {
    size_t index = 0;
    while (index < state.count && !state.cached[index].dirty) {
        index++;
    }
    if (index == state.count || now_ms - state.cached[index].since_ms < min_age_ms) {
        return false;
    }
    struct entry entry = entry_take(index);
    entry.dirty = false;
    entry_insert(index, entry);
    return true;
}

static void expect_give(const struct shadow_block *block, uint32_t now_ms) {
    bool fits = block->claimed_bytes <= (uint64_t)hak_option(BIG_CACHE_MAX_MEMORY_MB) * 1024 * 1024;
    state.live_bytes -= block->claimed_bytes;
    if (hak_option(BIG_CACHE_MAX_COUNT) == 0 || !fits) {
        return;
    }
    entry_insert(state.count, (struct entry){(const char *)block->start, block->claimed_bytes, now_ms, true});
    while (is_over()) {
        (void)entry_take(0);
    }
    while (is_too_dirty() && purge_oldest(now_ms, 0)) {
    }
}

static void expect_age(uint32_t now_ms) {
    uint64_t limit_ms = (uint64_t)hak_option(BIG_CACHE_TTL_SEC) * 1000;
    while (state.count > 0 && (now_ms - state.cached[0].since_ms >= limit_ms || is_over())) {
        (void)entry_take(0);
    }
    while (!component_is_purge_silent() &&
           purge_oldest(now_ms, is_too_dirty() ? 0 : hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY))) {
    }
    state.buckets = state.count == 0 ? 0 : state.buckets;
}

static void expect_empty(void) {
    state.count = state.bytes = state.dirty_bytes = state.buckets = 0;
}

/* --- comparing --- */

/* The system refused something: entries may have gone, and what was to be clean may be gone too. */
static void adopt(void) {
    size_t kept = 0, at = 0;
    const size_t expected = state.count;
    state.bytes = state.dirty_bytes = 0;
    for (const struct hak_big *big = hak_root.bigs.cache.oldest; big != NULL; big = big->younger) {
        while (at < expected && state.cached[at].base != big->base) {
            at++;
        }
        if (at == expected || state.cached[at].bytes != big->size_bytes) {
            finding_raise(CHECK_MODEL, big->base,
                          "the mapping at offset 0x%llx is cached, which it is not by the model, or is younger there",
                          (unsigned long long)sim_offset(big->base));
        }
        struct entry entry = state.cached[at++];
        entry.dirty = big->dirty;
        state.cached[kept++] = entry;
        state.bytes += entry.bytes;
        state.dirty_bytes += entry.dirty ? entry.bytes : 0;
    }
    state.count = kept;
    state.buckets = hak_root.bigs.cache.bucket_count;
}

static void compare_list(void) {
    if (sim_refused() != state.refused) {
        state.refused = sim_refused();
        run_trace(UINT64_C(0xfa11));
        adopt();
    }
    size_t index = 0;
    const struct hak_big *big = hak_root.bigs.cache.oldest;
    for (; big != NULL && index < state.count; big = big->younger, index++) {
        const struct entry *entry = &state.cached[index];
        if (big->base != entry->base) {
            finding_raise(CHECK_MODEL, big->base, "entry %zu by age is at offset 0x%llx, by the model 0x%llx", index,
                          (unsigned long long)sim_offset(big->base), (unsigned long long)sim_offset(entry->base));
        }
        component_compare("length of a cached mapping", big->size_bytes, entry->bytes);
        component_compare("when it was freed", big->since_ms, entry->since_ms);
        component_compare("a cached mapping is dirty", big->dirty, entry->dirty);
    }
    component_compare("mappings cached", hak_root.bigs.cache.count, state.count);
    component_compare("bytes cached", hak_root.bigs.cache.bytes, state.bytes);
    component_compare("dirty bytes cached", hak_root.bigs.cache.dirty_bytes, state.dirty_bytes);
    component_compare("buckets of the table", hak_root.bigs.cache.bucket_count, state.buckets);
    component_compare("dirty bytes", hak_load(&hak_root.decay.dirty_bytes, relaxed),
                      state.dirty_bytes + state.spare_sum_bytes);
    component_compare("live bytes", hak_load(&hak_root.decay.live_bytes, relaxed), state.live_bytes);
}

static void visit_big(void *context, struct hak_big *big) {
    *(size_t *)context += !hak_big_is_live(big, big->base);
}

static void compare_all(void) {
    size_t cached = 0;
    const struct hak_map_visitor visitor = {.big = visit_big}; /* a literal as argument is a false report of clang 14 */
    component_walk(visitor, &cached);
    const char *broken = hak_big_check(cached);
    if (broken != NULL) {
        finding_raise(CHECK_ACCOUNTING, NULL, "does not hold: %s", broken);
    }
    component_compare("cached mappings in the map", cached, state.count);
    component_compare("records of mappings", hak_root.meta.live[HAK_META_BIG], run.shadow.count + state.count);
    size_t table_bytes = (state.buckets * sizeof(void *) + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1);
    component_check_returned(state.live_bytes + state.bytes + table_bytes);
}

/* --- taking --- */

/* Spare is what a mapping has beyond its length, if it is more than a step. */
static void spare_set(uint8_t slot, size_t bytes, size_t length_bytes) {
    size_t spare_bytes = step_of(bytes) > step_of(length_bytes) + 1 ? bytes - length_bytes : 0;
    state.spare_sum_bytes += spare_bytes - state.spare_bytes[slot];
    state.spare_bytes[slot] = spare_bytes;
}

/* The index of the shortest one between these lengths; count when there is none. */
static size_t find_within(size_t least_bytes, size_t most_bytes, size_t align_bytes, bool dirty) {
    size_t found = state.count;
    for (size_t index = 0; index < state.count; index++) {
        const struct entry *entry = &state.cached[index];
        bool serves = entry->bytes >= least_bytes && entry->bytes <= most_bytes && entry->dirty == dirty &&
                      (uintptr_t)entry->base % align_bytes == 0;
        found = serves && (found == state.count || entry->bytes < state.cached[found].bytes) ? index : found;
    }
    return found;
}

/* The index of one that serves: a dirty one up to twice as long, else a clean one that is hardly longer. */
static size_t find(size_t length_bytes, size_t align_bytes) {
    size_t index = find_within(length_bytes, 2 * length_bytes, align_bytes, true);
    size_t next_bytes = component_length(length_bytes + 1, NULL);
    return index != state.count ? index : find_within(length_bytes, next_bytes, align_bytes, false);
}

/* What a hit must be: one of the list, no longer than the one the model has found. */
static void compare_hit(const char *base, size_t found_bytes, size_t bytes, bool zeroed) {
    size_t index = 0;
    while (index < state.count && state.cached[index].base != base) {
        index++;
    }
    if (index == state.count) {
        finding_raise(CHECK_MODEL, base, "the mapping at offset 0x%llx came from the cache, where it was not",
                      (unsigned long long)sim_offset(base));
    }
    const struct entry entry = entry_take(index);
    component_compare("length of a mapping from the cache", bytes, entry.bytes);
    component_compare("a mapping from the cache reads as zero", zeroed, !entry.dirty);
    if (state.count < CHAIN_SURE) {
        component_compare("step of a mapping from the cache", step_of(bytes), step_of(found_bytes));
    }
}

static void big_take(uint8_t slot, size_t size_bytes, size_t align_bytes) {
    if (run.shadow.blocks[slot].start != 0 || (align_bytes & (align_bytes - 1)) != 0) {
        return;
    }
    run.now->applied = true;
    run.now->slot = slot;
    run.now->subject_bytes = size_bytes;
    uint32_t step;
    size_t length_bytes = component_length(size_bytes, &step);
    component_compare("length for a size", hak_bigcache_length(size_bytes), length_bytes);
    align_bytes = align_bytes < HAK_PAGE_BYTES ? HAK_PAGE_BYTES : align_bytes;
    size_t found = find(length_bytes, align_bytes), found_bytes = found < state.count ? state.cached[found].bytes : 0;
    uint64_t refused = sim_refused(), hits = hak_root.bigs.counters.hits;
    bool zeroed = false, sure = state.count <= CHAIN_SURE;
    char *start = hak_big_take(size_bytes, align_bytes, &zeroed);
    if (start == NULL) {
        component_check_refusal("hak_big_take", size_bytes, refused);
        compare_list();
        return;
    }
    struct hak_big *big = hak_map_big(start);
    component_compare("the region map knows the mapping", big != NULL && hak_big_is_live(big, start), true);
    size_t bytes = big->size_bytes;
    bool hit = hak_root.bigs.counters.hits != hits;
    if (sure || hit) {
        component_compare("a mapping comes from the cache", hit, found_bytes != 0);
    }
    if (hit) {
        compare_hit(start, found_bytes, bytes, zeroed);
    } else {
        component_compare("length of a new mapping", bytes, length_bytes);
        component_compare("a new mapping reads as zero", zeroed, true);
    }
    state.live_bytes += bytes;
    spare_set(slot, bytes, hit && !zeroed ? length_bytes : bytes);
    if (zeroed) {
        hak_mark_open(start, bytes);
        component_check_zero(start, bytes);
    }
    component_block_enter(slot, start, size_bytes, bytes, align_bytes);
    component_block_fill(slot);
    compare_list();
}

static size_t request_bytes(size_t count) {
    size_t limit_bytes = ((size_t)ARENA_PAGES * SIM_PAGE_BYTES) / 8;
    return record_size_bytes(&run.now->record) * count * (HAK_PAGE_BYTES / 128) % limit_bytes;
}

static void big_take_any(uint8_t slot) {
    big_take(slot, request_bytes(1), 1);
}

/* --- giving and resizing --- */

static void big_give(uint8_t slot) {
    const struct shadow_block block = run.shadow.blocks[slot];
    if (block.start == 0) {
        return;
    }
    run.now->applied = true;
    char *start = (char *)block.start;
    component_block_leave(slot);
    component_compare("giving a live mapping back", hak_big_give(hak_map_big(start), start), true);
    spare_set(slot, block.claimed_bytes, block.claimed_bytes);
    expect_give(&block, os_clock_ms());
    compare_list();
}

static void big_give_carefully(uint8_t slot) {
    char *start = (char *)run.shadow.blocks[slot].start;
    if (start == NULL) {
        return;
    }
    struct hak_big *big = hak_map_big(start);
    component_compare("giving an address inside a mapping", hak_big_give(big, start + 16), false);
    big_give(slot);
    if (hak_map_big(start) == big) {
        component_compare("giving a mapping twice", hak_big_give(big, start), false);
    }
}

static void big_resize(uint8_t slot) {
    const struct shadow_block block = run.shadow.blocks[slot];
    char *start = (char *)block.start;
    struct hak_big *big = hak_map_big(start);
    size_t size_bytes = request_bytes(run.now->record.op == OP_REALLOCARRAY ? run.now->record.argument : 1);
    uint32_t step;
    size_t length_bytes = component_length(size_bytes, &step);
    uint64_t refused = sim_refused();
    run.now->applied = true;
    component_block_verify(slot, " before it is resized");
    bool done = hak_big_resize(big, size_bytes);
    bool spares = state.spare_bytes[slot] != 0 && length_bytes <= block.claimed_bytes &&
                  length_bytes >= block.claimed_bytes - state.spare_bytes[slot];
    bool cuts = step_of(block.claimed_bytes) > step + 1 && !spares;
    if (length_bytes <= block.claimed_bytes) {
        component_compare("a mapping that is long enough stays", done, true);
        if (sim_refused() == refused) {
            component_compare("length after that", big->size_bytes, cuts ? length_bytes : block.claimed_bytes);
        }
    } else if (!done) {
        component_compare("length after a resize that failed", big->size_bytes, block.claimed_bytes);
        char *moved = hak_big_move(big, size_bytes);
        if (moved == NULL) {
            component_check_refusal("hak_big_move", size_bytes, refused);
        }
        start = moved == NULL ? start : moved;
        length_bytes = moved == NULL ? block.claimed_bytes : component_grown_length(length_bytes);
        component_compare("length after a move", big->size_bytes, length_bytes);
    } else {
        component_compare("length after growing", big->size_bytes, component_grown_length(length_bytes));
    }
    size_t bytes = big->size_bytes;
    if (spares || bytes != block.claimed_bytes) {
        spare_set(slot, bytes, spares && bytes == block.claimed_bytes ? length_bytes : bytes);
    }
    component_compare("the region map knows the mapping", hak_map_big(start) == big && hak_big_is_live(big, start),
                      true);
    state.live_bytes += bytes - block.claimed_bytes;
    component_block_change(slot, start, size_bytes < bytes ? size_bytes : bytes, bytes,
                           bytes < block.claimed_bytes ? bytes : block.claimed_bytes);
    compare_list();
}

/* --- records --- */

static void begin(void) {
    expect_empty();
    state.live_bytes = state.spare_sum_bytes = 0;
    memset(state.spare_bytes, 0, sizeof state.spare_bytes);
    state.refused = 0;
}

static void on_live(uint8_t slot) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    if (block->start == 0) {
        return;
    }
    run.now->applied = true;
    component_block_verify(slot, "");
    const struct hak_big *big = hak_map_big((const char *)block->start + block->claimed_bytes - 1);
    component_compare("the record of a mapping",
                      big != NULL && hak_big_is_live(big, (const void *)block->start) &&
                          big->size_bytes == block->claimed_bytes,
                      true);
    if (run.now->record.op == OP_WRITE) {
        component_block_fill(slot);
    }
}

static const struct component_slots slots = {
    .take = big_take,
    .take_any = big_take_any,
    .request_bytes = request_bytes,
    .resize = big_resize,
    .give = big_give,
    .give_carefully = big_give_carefully,
    .look = on_live,
};

static void record(void) {
    switch (run.now->record.op) {
    case OP_TRIM:
        run.now->applied = true;
        hak_big_trim();
        expect_empty();
        compare_all();
        break;
    case OP_CLOCK:
        run.now->applied = true;
        sim_advance_clock(run.now->record.argument);
        hak_big_age(os_clock_ms());
        expect_age(os_clock_ms());
        if (sim_refused() == state.refused) {
            compare_all();
        }
        break;
    case OP_CHECK:
        run.now->applied = true;
        compare_all();
        break;
    default:
        if (!component_slot_record(&slots)) {
            (void)component_common();
        }
        return;
    }
    compare_list();
}

static void final(void) {
    compare_list();
    compare_all();
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        big_give(slot);
    }
    run_forget_subject();
    hak_big_trim();
    expect_empty();
    compare_list();
    compare_all();
    component_check_returned(0);
}

const struct component component_bigcache = {.begin = begin, .record = record, .final = final};
