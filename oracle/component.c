/* component: the table, and what the components share. */
#include "oracle/component.h"

#include <inttypes.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/root.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/preset.h"
#include "oracle/run.h"
#include "oracle/sim.h"

static const struct {
    const char *name;
    const struct component *component;
} component_table[] = {
#define COMPONENT_ROW(name) {#name, &component_##name},
    COMPONENT_TABLE(COMPONENT_ROW)
#undef COMPONENT_ROW
};

const struct component *component_find(const char *name) {
    if (name[0] == '\0') {
        return NULL;
    }
    for (size_t i = 0; i < sizeof component_table / sizeof component_table[0]; i++) {
        if (strcmp(component_table[i].name, name) == 0) {
            return component_table[i].component;
        }
    }
    return NULL;
}

/* --- threads --- */

void component_begin_threads(void) {
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        run.threads[i].alive = true;
    }
    run.alive = run.alive_most = PROGRAM_THREADS_MAX;
}

struct hak_thread *component_thread_root(uint8_t thread) {
    return thread == run.thread ? &hak_thread : &run.threads[thread].root;
}

/* --- the region map --- */

static void foreign_superslab(void *context, struct hak_superslab *superslab) {
    (void)context;
    finding_raise(CHECK_MODEL, superslab, "the region map has a SuperSlab, and no part under test makes any");
}

static void foreign_region(void *context, struct hak_region *region) {
    (void)context;
    (void)region;
    finding_raise(CHECK_MODEL, NULL, "the region map has a region, and no part under test makes any");
}

static void foreign_big(void *context, struct hak_big *big) {
    (void)context;
    (void)big;
    finding_raise(CHECK_MODEL, NULL, "the region map has a big mapping, and no part under test makes any");
}

void component_walk(struct hak_map_visitor visitor, void *context) {
    visitor.superslab = visitor.superslab == NULL ? foreign_superslab : visitor.superslab;
    visitor.region = visitor.region == NULL ? foreign_region : visitor.region;
    visitor.big = visitor.big == NULL ? foreign_big : visitor.big;
    hak_map_walk(&visitor, context);
}

/* --- time --- */

bool component_is_purge_silent(void) {
    return sim_refused_purge(1000);
}

bool component_is_all_old(uint32_t changed_ms) {
    uint32_t age_ms = os_clock_ms() - changed_ms;
    return age_ms / 1000 >= hak_option(SUPERSLAB_TTL_SEC) &&
           age_ms >= hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY) && !component_is_purge_silent();
}

void component_compare(const char *what, uint64_t component_has, uint64_t model_has) {
    if (component_has != model_has) {
        finding_raise(CHECK_MODEL, NULL, "%s: %" PRIu64 ", by the model %" PRIu64, what, component_has, model_has);
    }
}

void component_check_refusal(const char *call, size_t size_bytes, uint64_t refused_before) {
    run_trace(UINT64_C(0xfa11));
    if (sim_refused() == refused_before) {
        finding_raise(CHECK_SPURIOUS_FAILURE, NULL,
                      "%s of %zu bytes came to nothing, though the system refused nothing", call, size_bytes);
    }
}

/* --- blocks --- */

static void event_add(enum event_kind kind, uint8_t slot, const struct shadow_block *block) {
    run.events[run.event_count++ % EVENTS_KEPT] =
        (struct event){block->start, block->requested_bytes, run.now->index, run.thread, slot, (uint8_t)kind};
}

void component_block_subject(uint8_t slot) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    run.now->slot = slot;
    run.now->subject = block->start;
    run.now->subject_bytes = block->requested_bytes;
    run.now->subject_thread = block->thread;
    run.now->subject_known = true;
}

void component_block_enter(uint8_t slot, void *address, size_t requested_bytes, size_t claimed_bytes,
                           size_t align_bytes) {
    run.now->slot = slot;
    run.now->subject_bytes = requested_bytes;
    hak_mark_open(address, claimed_bytes);
    block_check_address(address, claimed_bytes, align_bytes);
    const struct shadow_block block = {.start = (uintptr_t)address,
                                       .requested_bytes = requested_bytes,
                                       .claimed_bytes = claimed_bytes,
                                       .born = run.now->index,
                                       .thread = run.thread};
    shadow_insert(&run.shadow, slot, &block);
    component_block_subject(slot);
    event_add(EVENT_ALLOCATED, slot, &block);
    run_trace(sim_offset(address) ^ claimed_bytes);
}

void component_block_fill(uint8_t slot) {
    struct shadow_block *block = &run.shadow.blocks[slot];
    block->pattern = shadow_pattern(run.writes++);
    shadow_fill(block);
}

void component_block_verify(uint8_t slot, const char *where) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    ptrdiff_t changed = shadow_verify(block, block->start, block->claimed_bytes);
    component_block_subject(slot);
    if (changed != SHADOW_INTACT) {
        finding_raise(CHECK_CONTENT_CHANGED, (void *)block->start, "slot s%u, byte %td of %zu changed%s", slot, changed,
                      block->claimed_bytes, where);
    }
}

void component_block_leave(uint8_t slot) {
    component_block_verify(slot, " before it is given back");
    event_add(EVENT_FREED, slot, &run.shadow.blocks[slot]);
    run_trace(~sim_offset((void *)run.shadow.blocks[slot].start));
    shadow_remove(&run.shadow, slot);
}

void component_block_change(uint8_t slot, void *address, size_t requested_bytes, size_t claimed_bytes,
                            size_t kept_bytes) {
    const struct shadow_block old = run.shadow.blocks[slot];
    hak_mark_open(address, claimed_bytes);
    ptrdiff_t changed = shadow_verify(&old, (uintptr_t)address, kept_bytes);
    if (changed != SHADOW_INTACT) {
        finding_raise(CHECK_REALLOC_PREFIX, address, "byte %td of the %zu that both lengths share was lost", changed,
                      kept_bytes);
    }
    event_add(EVENT_FREED, slot, &old);
    shadow_remove(&run.shadow, slot);
    component_block_enter(slot, address, requested_bytes, claimed_bytes, HAK_PAGE_BYTES);
    component_block_fill(slot);
}

/* Megabytes go by whole huge pages, where that is at most one part of so many more. */
static size_t whole_huge(size_t pages, size_t parts) {
    enum { HUGE_BYTES = 2 << 20, HUGE_MOST_BYTES = 64 << 20 };
    size_t bytes = pages * HAK_PAGE_BYTES, whole = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    bool fits = bytes > HUGE_BYTES && bytes <= HUGE_MOST_BYTES && parts * (whole - bytes) <= bytes;
    return fits ? whole / HAK_PAGE_BYTES : pages;
}

size_t component_length(size_t size_bytes, uint32_t *step) {
    size_t pages = (size_bytes + HAK_PAGE_BYTES - 1) / HAK_PAGE_BYTES;
    size_t distance = 1, length = 1;
    uint32_t number = 1;
    for (; length < pages; number++) {
        distance = length >= 16 * distance ? 2 * distance : distance;
        length = whole_huge(length + distance, 7);
    }
    if (step != NULL) {
        *step = number;
    }
    return length * HAK_PAGE_BYTES;
}

size_t component_grown_length(size_t length_bytes) {
    return whole_huge(length_bytes / HAK_PAGE_BYTES, 3) * HAK_PAGE_BYTES;
}

void component_check_zero(const char *start, size_t size_bytes) {
    enum { EDGE_BYTES = 32 };
    for (size_t offset = 0; offset < size_bytes; offset += SIM_PAGE_BYTES) {
        block_check_zero((const unsigned char *)start + offset, EDGE_BYTES);
        block_check_zero((const unsigned char *)start + offset + SIM_PAGE_BYTES - EDGE_BYTES, EDGE_BYTES);
    }
}

bool component_common(void) {
    if (run.now->record.op == OP_FAIL && run.target->failures) {
        run.now->applied = true;
        sim_fail_next(run.now->record.argument);
    } else if (run.now->record.op == OP_OPTION) {
        const struct choice_info *choice = &choice_table[record_option_choice(&run.now->record)];
        run.now->applied = true;
        hak_root.options.value[choice->option] = choice->values[record_option_value(&run.now->record)];
        hak_ace_configure(&hak_root.ace, &hak_root.options);
    } else {
        return false;
    }
    return true;
}

void component_each_slot(void (*call)(uint8_t slot)) {
    uint32_t slots = run.program->header.slot_count;
    for (uint32_t i = 0; i < run.now->record.argument && i < slots; i++) {
        call((uint8_t)((run.now->record.slot + i) % slots));
    }
}

bool component_slot_record(const struct component_slots *slots) {
    const struct record *record = &run.now->record;
    switch (record->op) {
    case OP_MALLOC:
        slots->take(record->slot, slots->request_bytes(1), 1);
        return true;
    case OP_CALLOC:
        slots->take(record->slot, slots->request_bytes(record->argument), 1);
        return true;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        slots->take(record->slot, slots->request_bytes(1), record_align_bytes(record));
        return true;
    case OP_MALLOC_MANY:
        component_each_slot(slots->take_any);
        return true;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        if (run.shadow.blocks[record->slot].start != 0) {
            slots->resize(record->slot);
        } else {
            slots->take(record->slot, slots->request_bytes(1), 1);
        }
        return true;
    case OP_FREE:
        slots->give(record->slot);
        return true;
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        slots->give_carefully(record->slot);
        return true;
    case OP_FREE_MANY:
        component_each_slot(slots->give);
        return true;
    case OP_USABLE:
    case OP_WRITE:
    case OP_VERIFY:
        slots->look(record->slot);
        return true;
    default:
        return false;
    }
}

void component_check_returned(size_t still_reserved_bytes) {
    size_t expected_bytes = hak_root.meta.reserved_bytes + still_reserved_bytes;
    if (sim_reserved_bytes() != expected_bytes) {
        finding_raise(CHECK_NOT_RETURNED, NULL, "%zu bytes are reserved, where %zu are accounted for",
                      sim_reserved_bytes(), expected_bytes);
    }
}
