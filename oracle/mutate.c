/* mutate: the mutators and their weights, and fresh programs.
 *
 * Each mutator changes an open edit and says whether it could. All of them keep the program canonical, whole records
 * and inside its buffer, because mutate_edit is their only way to write. */
#include "oracle/mutate.h"

#include <string.h>

#include "oracle/guide.h"
#include "oracle/mutate_bytes.h"
#include "oracle/mutate_edit.h"
#include "oracle/mutate_make.h"

enum {
    RANGE_MAX = 8,     /* records a mutator inserts, removes or copies at once */
    ROUNDS_MAX = 4,    /* mutators applied in one call */
    ATTEMPTS_MAX = 16, /* to find a mutator that can do something */
    FRESH_ONE_IN = 4,  /* inputs of an engine that are replaced ... */
    FRESH_LEAST = 8,   /* ... by programs of so many records ... */
    FRESH_SPAN = 121,  /* ... or fewer than that more; */
    SHORT_BYTES = PROGRAM_HEADER_BYTES + FRESH_LEAST * PROGRAM_RECORD_BYTES,
    SHORT_FRESH_ONE_IN = 2, /* of shorter ones, which hold little to be mutated, more */
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* 1 .. limit, small numbers more often. limit > 0. */
static uint32_t pick_count(struct mutate_random *random, uint32_t limit) {
    return 1 + mutate_below(random, 1 + mutate_below(random, smaller(limit, RANGE_MAX)));
}

static bool has_field(const struct record *record, unsigned field) {
    return (program_op_info[record->op].fields & field) != 0;
}

static bool insert_records(struct edit *edit, struct mutate_random *random) {
    struct maker maker;
    uint32_t room = edit_room(edit);
    if (room == 0)
        return false;
    uint32_t at = mutate_below(random, edit->program.record_count + 1), count = pick_count(random, room);
    maker_init(&maker, random, &edit->program.header, PROGRAM_THREADS_MAX);
    for (uint32_t i = 0; i < at; i++) {
        struct record record = program_record(&edit->program, i);
        maker_apply(&maker, &record);
        if (has_field(&record, FIELD_SIZE))
            maker.palette[i % PALETTE_SIZES] = record.boundary;
    }
    edit_insert(edit, at, count);
    for (uint32_t i = at; i < at + count; i++) {
        struct record record = make_record(&maker);
        maker_apply(&maker, &record);
        edit_set_record(edit, i, record);
    }
    return true;
}

static bool delete_records(struct edit *edit, struct mutate_random *random) {
    uint32_t records = edit->program.record_count;
    if (records < 2)
        return false;
    uint32_t at = mutate_below(random, records);
    edit_delete(edit, at, smaller(pick_count(random, records - 1), records - at));
    return true;
}

static bool duplicate_records(struct edit *edit, struct mutate_random *random) {
    struct record copy[RANGE_MAX];
    uint32_t records = edit->program.record_count, room = edit_room(edit);
    if (records == 0 || room == 0)
        return false;
    uint32_t from = mutate_below(random, records);
    uint32_t count = smaller(pick_count(random, smaller(room, records - from)), RANGE_MAX);
    /* Right behind itself as often as anywhere: loops. */
    uint32_t to = make_chance(random, 128) ? from + count : mutate_below(random, records + 1);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = program_record(&edit->program, from + i);
    edit_insert(edit, to, count);
    for (uint32_t i = 0; i < count; i++)
        edit_set_record(edit, to + i, copy[i]);
    return true;
}

static bool swap_records(struct edit *edit, struct mutate_random *random) {
    struct program *program = &edit->program;
    if (program->record_count < 2)
        return false;
    uint32_t i = mutate_below(random, program->record_count - 1);
    uint32_t j = make_chance(random, 128) ? i + 1 : i + 1 + mutate_below(random, program->record_count - 1 - i);
    edit_swap(edit, i, j);
    return true;
}

/* One record, or every use of its slot from there on. */
static bool retarget_slot(struct edit *edit, struct mutate_random *random) {
    struct program *program = &edit->program;
    if (program->record_count == 0)
        return false;
    uint32_t at = mutate_below(random, program->record_count);
    struct record chosen = program_record(program, at);
    if (!has_field(&chosen, FIELD_SLOT))
        return false;
    uint8_t slots = program->header.slot_count;
    uint8_t to = (uint8_t)((chosen.slot + 1 + mutate_below(random, slots - 1U)) & (slots - 1U));
    uint32_t end = make_chance(random, 160) ? at + 1 : program->record_count;
    for (uint32_t i = at; i < end; i++) {
        struct record record = program_record(program, i);
        if (!has_field(&record, FIELD_SLOT) || record.slot != chosen.slot)
            continue;
        record.slot = to;
        edit_set_record(edit, i, record);
    }
    return true;
}

/* One record, a few in a row, or everything its thread does from there on. */
static bool move_to_thread(struct edit *edit, struct mutate_random *random) {
    struct program *program = &edit->program;
    if (program->record_count == 0 || random->repertoire.threads == 1)
        return false;
    uint32_t at = mutate_below(random, program->record_count), way = mutate_below(random, 4);
    uint8_t from = program_record(program, at).thread;
    uint8_t to =
        (uint8_t)((from + 1 + mutate_below(random, random->repertoire.threads - 1U)) % random->repertoire.threads);
    uint32_t left = program->record_count - at;
    uint32_t count = way < 2 ? 1 : way == 2 ? pick_count(random, left) : left;
    for (uint32_t i = at; i < at + count; i++) {
        struct record record = program_record(program, i);
        if (way == 3 && record.thread != from)
            continue;
        record.thread = to;
        edit_set_record(edit, i, record);
    }
    return true;
}

static void tweak_size(struct record *record, struct mutate_random *random) {
    bool up = make_chance(random, 128);
    switch (mutate_below(random, 4)) {
    case 0:
        record->boundary = make_boundary(random);
        break;
    case 1:
        record->boundary = (uint8_t)((record->boundary + (up ? 1 : BOUNDARY_COUNT - 1)) % BOUNDARY_COUNT);
        break;
    case 2:
        record->distance = make_distance(random);
        break;
    default:
        if (record->distance != (up ? INT8_MAX : INT8_MIN))
            record->distance = (int8_t)(record->distance + (up ? 1 : -1));
        break;
    }
}

static bool tweak_record(struct edit *edit, struct mutate_random *random) {
    if (edit->program.record_count == 0)
        return false;
    uint32_t at = mutate_below(random, edit->program.record_count);
    struct record record = program_record(&edit->program, at);
    unsigned fields = program_op_info[record.op].fields;
    if (make_chance(random, 64)) {
        record.op = make_op(random, &edit->program.header);
        make_fields(random, &record, program_op_info[record.op].fields & ~fields);
    } else if ((fields & FIELD_SIZE) && make_chance(random, 160)) {
        tweak_size(&record, random);
    } else if (fields & (FIELD_ALIGN | FIELD_COUNT | FIELD_OPTION)) {
        make_fields(random, &record, fields & (FIELD_ALIGN | FIELD_COUNT | FIELD_OPTION));
    } else {
        return false;
    }
    edit_set_record(edit, at, record);
    return true;
}

static bool end_thread(struct edit *edit, struct mutate_random *random) {
    struct program *program = &edit->program;
    if (edit_room(edit) == 0 || (program->header.ops_off >> OP_THREAD_END & 1) ||
        random->repertoire.weights[OP_THREAD_END] == 0)
        return false;
    uint32_t at = mutate_below(random, program->record_count + 1);
    uint8_t thread = (uint8_t)(1 + mutate_below(random, random->repertoire.threads - 1U));
    edit_insert(edit, at, 1);
    edit_set_record(edit, at, (struct record){.op = OP_THREAD_END, .thread = thread});
    return true;
}

static bool change_header(struct edit *edit, struct mutate_random *random) {
    make_header_change(random, &edit->program.header);
    edit_refit_slots(edit);
    return true;
}

static bool add_gene(struct edit *edit, struct mutate_random *random) {
    uint32_t records = edit->program.record_count;
    return records > 0 && random->repertoire.interleaves && guide_is_there(GUIDE_GENES) &&
           edit_add_gene(edit, make_gene(random, records, edit->program.header.mode));
}

static bool move_gene(struct edit *edit, struct mutate_random *random) {
    struct program *program = &edit->program;
    if (program->gene_count == 0 || program->record_count == 0)
        return false;
    uint32_t i = mutate_below(random, program->gene_count);
    struct gene gene = program_gene(program, i), fresh = make_gene(random, program->record_count, program->header.mode);
    uint32_t way = mutate_below(random, 8);
    if (way == 0 || gene.record >= program->record_count)
        gene.record = fresh.record;
    else if (way == 1)
        gene = (struct gene){gene.record, gene.yield, fresh.value, fresh.kind};
    else if (way == 2 && gene.record > 0)
        gene.record--;
    else if (way == 3 && gene.record + 1U < program->record_count)
        gene.record++;
    else if (way < 6)
        gene.yield = fresh.yield;
    else if (way == 6 && gene.yield > 0)
        gene.yield--;
    else if (gene.yield < UINT8_MAX)
        gene.yield++;
    edit_set_gene(edit, i, gene);
    return true;
}

static bool remove_gene(struct edit *edit, struct mutate_random *random) {
    if (edit->program.gene_count == 0)
        return false;
    edit_remove_gene(edit, mutate_below(random, edit->program.gene_count));
    return true;
}

/* A plain bit, wherever it is; reading it back makes it canonical. Reaches what no other mutator thinks of. */
static bool flip_bit(struct edit *edit, struct mutate_random *random) {
    size_t size_bytes = edit_close(edit);
    size_t capacity_bytes = PROGRAM_HEADER_BYTES + (size_t)edit->units_max * PROGRAM_RECORD_BYTES;
    edit->bytes[mutate_below(random, (uint32_t)size_bytes)] ^= (uint8_t)(1U << mutate_below(random, 8));
    edit_open(edit, edit->bytes, size_bytes, capacity_bytes);
    return true;
}

static const struct mutator {
    bool (*apply)(struct edit *edit, struct mutate_random *random);
    unsigned weight;
} mutators[] = {
    {insert_records, 24}, {delete_records, 14}, {duplicate_records, 8}, {swap_records, 8},  {retarget_slot, 8},
    {move_to_thread, 8},  {tweak_record, 16},   {end_thread, 4},        {change_header, 4}, {add_gene, 6},
    {move_gene, 5},       {remove_gene, 2},     {flip_bit, 1},
};
enum { MUTATORS = sizeof mutators / sizeof mutators[0] };

static const struct mutator *pick_mutator(struct mutate_random *random) {
    unsigned total = 0, i = 0;
    for (unsigned m = 0; m < MUTATORS; m++)
        total += mutators[m].weight;
    unsigned roll = mutate_below(random, total);
    while (roll >= mutators[i].weight)
        roll -= mutators[i++].weight;
    return &mutators[i];
}

/* Without room for a header there is nothing to understand: keep what fits and change one bit of it. */
static size_t mutate_stub(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    if (capacity_bytes == 0)
        return 0;
    if (size_bytes == 0)
        bytes[size_bytes++] = PROGRAM_VERSION;
    if (size_bytes > capacity_bytes)
        size_bytes = capacity_bytes;
    bytes[mutate_below(random, (uint32_t)size_bytes)] ^= (uint8_t)(1U << mutate_below(random, 8));
    return size_bytes;
}

size_t mutate(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    struct edit edit;
    if (!guide_is_there(GUIDE_STRUCTURE))
        return mutate_bytes(random, bytes, size_bytes, capacity_bytes);
    if (capacity_bytes < PROGRAM_HEADER_BYTES)
        return mutate_stub(random, bytes, size_bytes, capacity_bytes);
    edit_open(&edit, bytes, size_bytes, capacity_bytes);
    uint32_t rounds = make_chance(random, 128) ? 1 : 1 + mutate_below(random, ROUNDS_MAX);
    for (uint32_t round = 0; round < rounds; round++) {
        unsigned attempts = 0;
        while (!pick_mutator(random)->apply(&edit, random) && attempts < ATTEMPTS_MAX)
            attempts++;
    }
    return edit_close(&edit);
}

size_t mutate_generate(struct mutate_random *random, unsigned record_target, uint8_t *bytes, size_t capacity_bytes) {
    static const uint8_t thread_choices[] = {1, 2, 2, 2, 3, 4};
    struct edit edit;
    struct maker maker;
    if (!guide_is_there(GUIDE_STRUCTURE))
        return mutate_bytes_generate(random, PROGRAM_HEADER_BYTES + record_target * PROGRAM_RECORD_BYTES, bytes,
                                     capacity_bytes);
    edit_open(&edit, bytes, 0, capacity_bytes);
    make_header(random, &edit.program.header);
    uint8_t threads = thread_choices[mutate_below(random, sizeof thread_choices)];
    maker_init(&maker, random, &edit.program.header, threads);

    uint32_t count = smaller(record_target, edit_room(&edit));
    edit_insert(&edit, 0, count);
    for (uint32_t i = 0; i < count; i++) {
        struct record record = make_record(&maker);
        maker_apply(&maker, &record);
        edit_set_record(&edit, i, record);
    }
    bool interleaves = threads > 1 && random->repertoire.interleaves && guide_is_there(GUIDE_GENES);
    uint32_t genes = interleaves && count > 0 && make_chance(random, 160) ? 1 + mutate_below(random, 6) : 0;
    for (uint32_t i = 0; i < genes; i++)
        edit_add_gene(&edit, make_gene(random, count, edit.program.header.mode));
    return edit_close(&edit);
}

size_t mutate_or_generate(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    uint32_t one_in = size_bytes < SHORT_BYTES ? SHORT_FRESH_ONE_IN : FRESH_ONE_IN;
    if (capacity_bytes >= PROGRAM_HEADER_BYTES && mutate_below(random, one_in) == 0)
        return mutate_generate(random, FRESH_LEAST + mutate_below(random, FRESH_SPAN), bytes, capacity_bytes);
    return mutate(random, bytes, size_bytes, capacity_bytes);
}

size_t mutate_cross(struct mutate_random *random, const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
                    uint8_t *out, size_t capacity_bytes) {
    struct program other;
    struct edit edit;
    if (!guide_is_there(GUIDE_STRUCTURE))
        return mutate_bytes_cross(random, a, a_bytes, b, b_bytes, out, capacity_bytes);
    if (capacity_bytes < PROGRAM_HEADER_BYTES) {
        size_t kept_bytes = a_bytes < capacity_bytes ? a_bytes : capacity_bytes;
        if (kept_bytes > 0)
            memcpy(out, a, kept_bytes);
        return mutate_stub(random, out, kept_bytes, capacity_bytes);
    }
    size_t copied_bytes = mutate_canonical(a, a_bytes, out, capacity_bytes);
    edit_open(&edit, out, copied_bytes, capacity_bytes);
    program_read(&other, b, b_bytes);

    /* The start of a, a piece of b, and either the rest of a or a later part of it. */
    uint32_t at = mutate_below(random, edit.program.record_count + 1);
    if (make_chance(random, 128))
        edit_delete(&edit, at, mutate_below(random, edit.program.record_count - at + 1));
    uint32_t from = mutate_below(random, other.record_count + 1);
    uint32_t count = smaller(mutate_below(random, other.record_count - from + 1), edit_room(&edit));
    edit_insert(&edit, at, count);
    for (uint32_t i = 0; i < count; i++)
        edit_set_record(&edit, at + i, program_record(&other, from + i));
    for (uint32_t i = 0; i < other.gene_count; i++) {
        struct gene gene = program_gene(&other, i);
        if (gene.record < from || gene.record >= from + count)
            continue;
        gene.record = (uint16_t)(gene.record - from + at);
        edit_add_gene(&edit, gene);
    }
    return edit_close(&edit);
}
