/* component run: the run tier, beside an array that says for each page of the arena which slot's run has it.
 *
 *   malloc, realloc s3 SIZE          a run into an empty slot, for the home with the number of the record's thread
 *   calloc s3 SIZE n=N               the same, of N times that size
 *   *align* s3 SIZE align=A          the same, aligned to A; what the tier does not have is not asked for
 *   realloc, reallocarray s3 SIZE    resizes where it is; that fails exactly when the pages behind are not all free
 *   free s3; free_*sized s3          gives it back; first tries addresses that are no run's, which must be refused
 *   malloc_many, free_many           several of them
 *   usable, write, verify s3         length; new content; content
 *   trim; clock ms=N                 what can go back goes; time passes, and what is old goes
 *   check                            page tables, lists and sums are proven
 *
 * A size of 128 stands for a page, so that small ones differ; all are taken modulo the longest run and a page. After
 * trim, and when all that is free has become old, nothing may be left but the regions of live runs, unless the system
 * refused. */
#include "allocator/run.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

static struct {
    uint8_t owners[ARENA_PAGES]; /* slot plus one, 0 where there is no run */
    size_t live_bytes;
    uint64_t refused;    /* as it was when a request was last looked at */
    uint32_t changed_ms; /* when a run was last given back or shortened, a purge was refused or an option changed */
    const char *broken;
    struct hak_run_counts counts;
} state;

/* --- the model --- */

static void own(const char *start, size_t size_bytes, uint8_t from, uint8_t to) {
    for (size_t offset = 0; offset < size_bytes; offset += SIM_PAGE_BYTES) {
        uint8_t *owner = &state.owners[sim_offset(start + offset) / SIM_PAGE_BYTES];
        if (*owner != from) {
            finding_raise(CHECK_OVERLAP, start, "the page at offset 0x%llx is that of slot s%u",
                          (unsigned long long)sim_offset(start + offset), *owner - 1U);
        }
        *owner = to;
    }
    state.live_bytes += (to != 0 ? size_bytes : 0) - (from != 0 ? size_bytes : 0);
}

static bool is_free_behind(const char *start, size_t old_bytes, size_t new_bytes) {
    const struct hak_region *region = hak_map_region(start);
    if (start + new_bytes > region->base + hak_region_bytes()) {
        return false;
    }
    for (size_t offset = old_bytes; offset < new_bytes; offset += SIM_PAGE_BYTES) {
        if (state.owners[sim_offset(start + offset) / SIM_PAGE_BYTES] != 0) {
            return false;
        }
    }
    return true;
}

/* Regions with a live run in them. */
static size_t regions_live(void) {
    size_t count = 0;
    const char *last = NULL;
    for (uint32_t i = 0; i < run.shadow.count; i++) { /* sorted by address */
        const char *base = hak_map_region((const void *)run.shadow.starts[i])->base;
        count += base != last;
        last = base;
    }
    return count;
}

/* --- comparing --- */

static void visit_region(void *context, struct hak_region *region) {
    (void)context;
    if (state.broken == NULL) {
        state.broken = hak_region_check(region, &state.counts);
    }
}

static void compare_sums(void) {
    component_compare("live bytes", hak_load(&hak_root.decay.live_bytes, relaxed), state.live_bytes);
}

static void compare_all(void) {
    state.broken = NULL;
    state.counts = (struct hak_run_counts){0};
    component_walk((struct hak_map_visitor){.region = visit_region}, NULL);
    if (state.broken == NULL) {
        state.broken = hak_run_check(&state.counts);
    }
    if (state.broken != NULL) {
        finding_raise(CHECK_ACCOUNTING, NULL, "does not hold: %s", state.broken);
    }
    component_compare("live runs", state.counts.live, run.shadow.count);
    component_compare("bytes of live runs", state.counts.live_bytes, state.live_bytes);
    component_compare("bytes of runs and of regions", state.counts.live_bytes + state.counts.free_bytes,
                      state.counts.regions * hak_region_bytes());
    component_compare("dirty bytes", hak_load(&hak_root.decay.dirty_bytes, relaxed), state.counts.dirty_bytes);
    compare_sums();
    component_check_returned(state.counts.regions * hak_region_bytes());
    run_trace(state.counts.free_runs << 32 | state.counts.dirty_runs);
}

static void compare_trimmed(const char *after) {
    compare_all();
    if (state.counts.regions != regions_live() || state.counts.dirty_bytes != 0) {
        finding_raise(CHECK_NOT_RETURNED, NULL,
                      "%s there are %zu regions, %zu of them with live runs, and %zu dirty bytes", after,
                      state.counts.regions, regions_live(), state.counts.dirty_bytes);
    }
}

/* --- taking and giving --- */

static void run_take(uint8_t slot, size_t size_bytes, size_t align_bytes) {
    size_t cell_bytes = (size_t)1 << HAK_GEO->superslab_shift;
    if (run.shadow.blocks[slot].start != 0 || (align_bytes & (align_bytes - 1)) != 0) {
        return;
    }
    run.now->applied = true;
    run.now->slot = slot;
    run.now->subject_bytes = size_bytes;
    bool fits = size_bytes <= HAK_GEO->run_max_bytes && align_bytes <= cell_bytes;
    component_compare("the tier has such runs", hak_run_fits(size_bytes, align_bytes), fits);
    if (!fits) {
        return;
    }
    bool zeroed = false;
    uint64_t refused = sim_refused();
    char *start = hak_run_take(size_bytes, align_bytes, run.now->record.thread, &zeroed);
    if (start == NULL) {
        component_check_refusal("hak_run_take", size_bytes, refused);
        return;
    }
    struct hak_region *region = hak_map_region(start);
    size_t usable_bytes = region == NULL ? 0 : hak_run_usable(region, start);
    component_compare("length of a new run", usable_bytes, component_length(size_bytes, NULL));
    own(start, usable_bytes, 0, (uint8_t)(slot + 1));
    if (zeroed) {
        hak_mark_open(start, usable_bytes);
        component_check_zero(start, usable_bytes);
    }
    run_trace(zeroed);
    component_block_enter(slot, start, size_bytes, usable_bytes,
                          align_bytes < HAK_PAGE_BYTES ? HAK_PAGE_BYTES : align_bytes);
    component_block_fill(slot);
    struct hak_run_place place = hak_run_place(region, start + usable_bytes - 1);
    component_compare("the run its last byte lies in", place.is_live && place.start == start, true);
}

static size_t request_bytes(size_t count) {
    size_t limit_bytes = HAK_GEO->run_max_bytes + HAK_PAGE_BYTES;
    return record_size_bytes(&run.now->record) * count * (HAK_PAGE_BYTES / 128) % limit_bytes;
}

static void run_take_any(uint8_t slot) {
    run_take(slot, request_bytes(1), 1);
}

static void run_give(uint8_t slot) {
    struct shadow_block block = run.shadow.blocks[slot];
    if (block.start == 0) {
        return;
    }
    run.now->applied = true;
    char *start = (char *)block.start;
    struct hak_region *region = hak_map_region(start);
    component_block_leave(slot);
    own(start, block.claimed_bytes, (uint8_t)(slot + 1), 0);
    component_compare("giving a live run back", hak_run_give(region, start), true);
    state.changed_ms = os_clock_ms();
}

/* Places that are the start of no live run, and of one that has gone. */
static void run_give_carefully(uint8_t slot) {
    char *start = (char *)run.shadow.blocks[slot].start;
    if (start == NULL) {
        return;
    }
    struct hak_region *region = hak_map_region(start);
    component_compare("giving an address inside a page", hak_run_give(region, start + 16), false);
    if (run.shadow.blocks[slot].claimed_bytes > HAK_PAGE_BYTES) {
        component_compare("giving a page inside a run", hak_run_give(region, start + HAK_PAGE_BYTES), false);
    }
    run_give(slot);
    if (hak_map_region(start) == region) {
        component_compare("giving a run twice", hak_run_give(region, start), false);
        component_compare("length of a run that was given back", hak_run_usable(region, start), 0);
    }
}

static void run_resize(uint8_t slot) {
    struct shadow_block block = run.shadow.blocks[slot];
    char *start = (char *)block.start;
    struct hak_region *region = hak_map_region(start);
    size_t size_bytes = request_bytes(run.now->record.op == OP_REALLOCARRAY ? run.now->record.argument : 1);
    size_t new_bytes = component_length(size_bytes, NULL);
    bool possible = size_bytes <= HAK_GEO->run_max_bytes && is_free_behind(start, block.claimed_bytes, new_bytes);
    run.now->applied = true;
    component_block_verify(slot, " before it is resized");
    bool done = hak_run_resize(region, start, size_bytes);
    run_trace(done);
    component_compare("resizing a run where it is", done, possible);
    component_compare("length after resizing", hak_run_usable(region, start), done ? new_bytes : block.claimed_bytes);
    if (done) {
        own(start, block.claimed_bytes, (uint8_t)(slot + 1), 0);
        own(start, new_bytes, 0, (uint8_t)(slot + 1));
        size_t kept_bytes = new_bytes < block.claimed_bytes ? new_bytes : block.claimed_bytes;
        component_block_change(slot, start, size_bytes, new_bytes, kept_bytes);
        state.changed_ms = os_clock_ms();
    } else {
        component_block_verify(slot, " by a resize that failed");
    }
}

/* --- time --- */

static void run_trim(void) {
    uint64_t refused = sim_refused();
    hak_run_trim();
    if (sim_refused() == refused) {
        compare_trimmed("after trim");
    }
}

static void run_age(void) {
    sim_advance_clock(run.now->record.argument);
    uint64_t refused = sim_refused();
    hak_run_age(os_clock_ms());
    if (component_is_all_old(state.changed_ms) && sim_refused() == refused) {
        compare_trimmed("when all that is free is old");
    }
}

/* --- records --- */

static void begin(void) {
    memset(&state, 0, sizeof state);
}

static void on_live(uint8_t slot) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    if (block->start == 0) {
        return;
    }
    run.now->applied = true;
    component_block_verify(slot, "");
    const void *start = (const void *)block->start;
    component_compare("length of a live run", hak_run_usable(hak_map_region(start), start), block->claimed_bytes);
    if (run.now->record.op == OP_WRITE) {
        component_block_fill(slot);
    }
}

static const struct component_slots slots = {
    .take = run_take,
    .take_any = run_take_any,
    .request_bytes = request_bytes,
    .resize = run_resize,
    .give = run_give,
    .give_carefully = run_give_carefully,
    .look = on_live,
};

static void record(void) {
    switch (run.now->record.op) {
    case OP_TRIM:
        run.now->applied = true;
        run_trim();
        break;
    case OP_CLOCK:
        run.now->applied = true;
        run_age();
        break;
    case OP_CHECK:
        run.now->applied = true;
        compare_all();
        break;
    default:
        if (component_common()) {
            state.changed_ms = os_clock_ms();
        } else {
            (void)component_slot_record(&slots);
        }
    }
    compare_sums();
    if (sim_refused() != state.refused) { /* a purge that was refused starts its run's age anew */
        state.refused = sim_refused();
        state.changed_ms = os_clock_ms();
    }
}

static void final(void) {
    compare_all();
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        run_give(slot);
    }
    run_forget_subject();
    run_trim();
    component_check_returned(0);
    component_compare("records of regions that remain", hak_root.meta.live[HAK_META_REGION], 0);
}

const struct component component_run = {.begin = begin, .record = record, .final = final};
