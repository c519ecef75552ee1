/* reduce_fields: smaller numbers where nothing can be removed any more. Every step makes a number smaller, so they come
 * to an end. A number is searched for by halves, which finds the smallest where all larger ones fail likewise. */
#include <stddef.h>

#include "oracle/reduce_draft.h"

/* --- header --- */

static void no_geometry(struct program_header *header) {
    header->geometry = 0;
}
static void no_preset(struct program_header *header) {
    header->preset = 0;
}
static void no_placement(struct program_header *header) {
    header->placement = PLACE_LOW;
}
static void no_failures(struct program_header *header) {
    header->fail_every = 0;
}
static void no_clock(struct program_header *header) {
    header->clock_step_ms = 0;
}
static void no_weak(struct program_header *header) {
    header->weak = false;
}
static void no_favour(struct program_header *header) {
    header->favoured_op = OP_NOP;
    header->favour_weight = 0;
}
static void no_ops_off(struct program_header *header) {
    header->ops_off = 0;
}
static void plain_slots(struct program_header *header) {
    header->slot_count = program_slot_counts[0];
}

/* Where it is the time that passes with every record that matters, none of them can go. One record that lets it pass is
 * more by one, and then the others can. */
static bool clock_to_record(struct reduction *reduction) {
    const struct draft *now = &reduction->now;
    if (now->header.clock_step_ms == 0 || now->record_count == PROGRAM_RECORDS_MAX) {
        return false;
    }
    for (uint32_t at = now->record_count; at > 0; at--) {
        uint32_t ms = at * now->header.clock_step_ms;
        const struct record clock = {.op = OP_CLOCK,
                                     .thread = draft_record(now, at - 1).thread,
                                     .argument = (uint16_t)(ms < UINT16_MAX ? ms : UINT16_MAX)};
        struct draft *next = draft_begin(reduction);
        next->header.clock_step_ms = 0;
        draft_insert(next, at - 1, &clock);
        if (draft_try(reduction)) {
            return true;
        }
    }
    return false;
}

bool reduce_header(struct reduction *reduction) {
    static void (*const knobs[])(struct program_header *) = {
        no_geometry, no_preset, no_placement, no_failures, no_clock, no_weak, no_favour, no_ops_off, plain_slots};
    bool smaller = false;
    for (size_t i = 0; i < sizeof knobs / sizeof knobs[0]; i++) {
        knobs[i](&draft_begin(reduction)->header);
        smaller |= draft_try(reduction);
    }
    return clock_to_record(reduction) || smaller;
}

/* --- threads --- */

static uint8_t thread_of(const struct reduction *reduction, const struct draft *draft, uint32_t i) {
    return (uint8_t)(draft_record(draft, i).thread & (reduction->target->threads - 1U));
}

static void set_thread(struct draft *draft, uint32_t i, uint8_t thread) {
    draft->records[i][1] = thread;
}

/* What runs on `from` runs on `to`; genes that name the one name the other. */
static bool move_thread(struct reduction *reduction, uint8_t from, uint8_t to) {
    struct draft *next = draft_begin(reduction);
    for (uint32_t i = 0; i < next->record_count; i++) {
        if (thread_of(reduction, next, i) == from) {
            set_thread(next, i, to);
        }
    }
    for (uint32_t i = 0; i < next->gene_count; i++) {
        struct gene *gene = &next->genes[i];
        gene->value = gene->kind == GENE_GO && gene->value % PROGRAM_THREADS_MAX == from ? to : gene->value;
    }
    return draft_try(reduction);
}

bool reduce_threads(struct reduction *reduction) {
    bool smaller = false;
    for (uint8_t from = PROGRAM_THREADS_MAX - 1; from > 0; from--) {
        for (uint8_t to = 0; to < from; to++) {
            smaller |= move_thread(reduction, from, to);
        }
    }
    for (uint32_t i = 0; i < reduction->now.record_count; i++) {
        for (uint8_t to = 0; to < reduction->now.records[i][1]; to++) {
            set_thread(draft_begin(reduction), i, to);
            smaller |= draft_try(reduction);
        }
    }
    return smaller;
}

/* --- slots --- */

static uint64_t slots_used(const struct draft *draft) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < draft->record_count; i++) {
        struct record record = draft_record(draft, i);
        used |= UINT64_C(1) << record.slot;
    }
    return used;
}

static bool move_slot(struct reduction *reduction, uint8_t from, uint8_t to) {
    struct draft *next = draft_begin(reduction);
    for (uint32_t i = 0; i < next->record_count; i++) {
        if (draft_record(next, i).slot == from) {
            next->records[i][2] = to;
        }
    }
    return draft_try(reduction);
}

bool reduce_slots(struct reduction *reduction) {
    bool smaller = false;
    for (uint8_t from = PROGRAM_SLOTS_MAX - 1; from > 0; from--) {
        uint64_t used = slots_used(&reduction->now);
        uint8_t lowest = (uint8_t)__builtin_ctzll(~used);
        if ((used >> from & 1) != 0 && lowest < from) {
            smaller |= move_slot(reduction, from, lowest);
        }
    }
    return smaller;
}

/* --- fields of records --- */

/* Operations that are a plainer one with something added. */
static enum program_op plainer_op(enum program_op op) {
    switch (op) {
    case OP_CALLOC:
    case OP_REALLOC:
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
    case OP_MALLOC_MANY:
        return OP_MALLOC;
    case OP_REALLOCARRAY:
        return OP_REALLOC;
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
    case OP_FREE_MANY:
        return OP_FREE;
    case OP_USABLE:
    case OP_WRITE:
        return OP_VERIFY;
    default:
        return op;
    }
}

static bool try_record(struct reduction *reduction, uint32_t i, const struct record *record) {
    draft_set_record(draft_begin(reduction), i, record);
    return draft_try(reduction);
}

/* Fields that the operation does not use are zero, where nobody reads them. */
static bool make_canonical(struct reduction *reduction, uint32_t i) {
    struct record record = draft_record(&reduction->now, i);
    record_write(&record, draft_begin(reduction)->records[i]);
    return draft_try(reduction);
}

/* One number of a record. `set` is given one below what stands there. */
typedef void set_number(struct record *record, uint32_t value);

static bool shrink(struct reduction *reduction, uint32_t i, uint32_t value, set_number *set) {
    uint32_t low = 0, high = value; /* below `low` none was good; `high` is */
    for (bool first = true; low < high; first = false) {
        uint32_t middle = first ? 0 : low + (high - low) / 2;
        struct record record = draft_record(&reduction->now, i);
        set(&record, middle);
        if (try_record(reduction, i, &record)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return high < value;
}

static void set_argument(struct record *record, uint32_t value) {
    record->argument = (uint16_t)value;
}
static void set_align(struct record *record, uint32_t value) {
    record->align_exponent = (uint8_t)value;
}
static void set_odd(struct record *record, uint32_t value) {
    record->align_odd = value != 0;
}
static void set_option_value(struct record *record, uint32_t value) {
    record->argument = record_option_argument(record_option_choice(record), value);
}
static void set_distance(struct record *record, uint32_t value) {
    record->distance = (int8_t)(record->distance < 0 ? -(int)value : (int)value);
}

/* Boundaries by size: the first of equals comes first. */
static uint32_t boundary_rank(uint8_t boundary) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < BOUNDARY_COUNT; i++) {
        size_t other = program_boundaries[i].value_bytes, own = program_boundaries[boundary].value_bytes;
        rank += other < own || (other == own && i < boundary);
    }
    return rank;
}

static void set_boundary(struct record *record, uint32_t value) {
    for (uint8_t i = 0; i < BOUNDARY_COUNT; i++) {
        if (boundary_rank(i) == value) {
            record->boundary = i;
            return;
        }
    }
}

static bool shrink_size(struct reduction *reduction, uint32_t i) {
    struct record record = draft_record(&reduction->now, i);
    uint32_t distance = (uint32_t)(record.distance < 0 ? -record.distance : record.distance);
    bool smaller = shrink(reduction, i, distance, set_distance);
    return shrink(reduction, i, boundary_rank(record.boundary), set_boundary) || smaller;
}

static bool reduce_record(struct reduction *reduction, uint32_t i) {
    bool smaller = make_canonical(reduction, i);
    struct record record = draft_record(&reduction->now, i);
    while (plainer_op(record.op) != record.op) {
        record.op = plainer_op(record.op);
        smaller |= try_record(reduction, i, &record);
    }
    record = draft_record(&reduction->now, i);
    unsigned fields = program_op_info[record.op].fields;
    if ((fields & FIELD_SIZE) != 0) {
        smaller |= shrink_size(reduction, i);
    }
    if ((fields & FIELD_ALIGN) != 0) {
        smaller |= shrink(reduction, i, record.align_odd, set_odd);
        smaller |= shrink(reduction, i, record.align_exponent, set_align);
    }
    if ((fields & FIELD_OPTION) != 0) {
        smaller |= shrink(reduction, i, record_option_value(&record), set_option_value);
    } else {
        smaller |= shrink(reduction, i, record.argument, set_argument);
    }
    return smaller;
}

bool reduce_records(struct reduction *reduction) {
    bool smaller = false;
    for (uint32_t i = 0; i < reduction->now.record_count && !reduction->stopped; i++) {
        smaller |= reduce_record(reduction, i);
    }
    return smaller;
}

/* --- fields of genes --- */

static bool shrink_gene(struct reduction *reduction, uint32_t i) {
    uint32_t value = reduction->now.genes[i].value, low = 1, high = value;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        draft_begin(reduction)->genes[i].value = (uint8_t)middle;
        if (draft_try(reduction)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return high < value;
}

bool reduce_genes(struct reduction *reduction) {
    bool smaller = false;
    for (uint32_t i = 0; i < reduction->now.gene_count && !reduction->stopped; i++) {
        if (reduction->now.genes[i].kind != GENE_GO) {
            smaller |= shrink_gene(reduction, i);
            continue;
        }
        draft_begin(reduction)->genes[i].yield = 0; /* between operations: easier to read */
        smaller |= draft_try(reduction);
    }
    return smaller;
}
