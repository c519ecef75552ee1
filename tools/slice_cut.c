/* slice_cut: see the header.
 *
 * A quarter of the records may be blocks from before. Slots go to who comes first; but blocks that outlive the window
 * leave the last sixteen to those that do not, or a window that only builds something up would have no frees in its
 * second half. What gets no slot is left out with all its operations. Threads keep their order; from the fifth on
 * they share. */
#include "tools/slice_cut.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = PROGRAM_SLOTS_MAX, SLOTS_FOR_SHORT = 16, SHORT_WINDOWS = 4 };
/* Of an object: place + 1 is its slot, or one of these. */
enum { PLACE_NONE = 0, PLACE_OUT = SLOTS + 1, PLACE_ENDS = 0x80 };

struct cut {
    struct slice_source *source;
    struct slice_program *program;
    bool taken[SLOTS];
    unsigned free_slots;
    uint32_t threads[PROGRAM_RECORDS_MAX]; /* of the recording, in the order they appear */
    unsigned thread_count;
    unsigned count, limit; /* records */
};

static uint64_t gap(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

void slice_size(uint64_t size_bytes, struct record *record) {
    unsigned best = 0;
    for (unsigned i = 1; i < BOUNDARY_COUNT; i++) {
        uint64_t there = gap(size_bytes, program_boundaries[i].value_bytes);
        uint64_t here = gap(size_bytes, program_boundaries[best].value_bytes);
        bool lower = program_boundaries[i].value_bytes < program_boundaries[best].value_bytes;
        if (there < here || (there == here && lower)) {
            best = i;
        }
    }
    uint64_t boundary = program_boundaries[best].value_bytes;
    uint64_t distance = gap(size_bytes, boundary);
    bool below = size_bytes < boundary;
    uint64_t most = below ? 128 : INT8_MAX;
    distance = distance < most ? distance : most;
    record->boundary = (uint8_t)best;
    record->distance = (int8_t)(below ? -(int)distance : (int)distance);
}

static uint8_t thread_of(struct cut *cut, uint32_t thread) {
    unsigned i = 0;
    while (i < cut->thread_count && cut->threads[i] != thread) {
        i++;
    }
    if (i == cut->thread_count) {
        cut->threads[cut->thread_count++] = thread;
    }
    return (uint8_t)(i % PROGRAM_THREADS_MAX);
}

static void emit(struct cut *cut, const struct record *record) {
    record_write(record, cut->program->bytes + PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (size_t)cut->count++);
}

/* The slot of an object that is made; -1: there is none for it. */
static int take_slot(struct cut *cut, uint32_t object) {
    uint8_t *place = &cut->source->places[object];
    bool ends = (*place & PLACE_ENDS) != 0;
    if (cut->free_slots <= (ends ? 0 : SLOTS_FOR_SHORT)) {
        *place = PLACE_OUT;
        return -1;
    }
    int slot = 0;
    while (cut->taken[slot]) {
        slot++;
    }
    cut->taken[slot] = true;
    cut->free_slots--;
    *place = (uint8_t)((*place & PLACE_ENDS) | (slot + 1));
    return slot;
}

static int slot_of(const struct cut *cut, uint32_t object) {
    int place = cut->source->places[object] & ~PLACE_ENDS;
    return place == PLACE_NONE || place == PLACE_OUT ? -1 : place - 1;
}

static void emit_made(struct cut *cut, const struct recording_op *op, uint32_t thread, uint64_t size_bytes, int slot) {
    static const uint8_t ops[RECORDING_KIND_COUNT] = {
        [RECORDING_MALLOC] = OP_MALLOC,
        [RECORDING_CALLOC] = OP_CALLOC,
        [RECORDING_ALIGNED_ALLOC] = OP_ALIGNED_ALLOC,
        [RECORDING_POSIX_MEMALIGN] = OP_POSIX_MEMALIGN,
        [RECORDING_MEMALIGN] = OP_MEMALIGN,
    };
    bool made = recording_kinds[op->kind].makes;
    struct record record = {.op = made ? (enum program_op)ops[op->kind] : OP_MALLOC,
                            .thread = thread_of(cut, thread),
                            .slot = (uint8_t)slot,
                            .argument = op->kind == RECORDING_CALLOC};
    if (recording_is_aligned(op->kind)) {
        record.align_exponent = op->align_shift < RECORD_ALIGN_EXPONENT ? op->align_shift : RECORD_ALIGN_EXPONENT;
    }
    slice_size(size_bytes, &record);
    emit(cut, &record);
}

static void emit_op(struct cut *cut, const struct recording_op *op) {
    struct record record = {.thread = thread_of(cut, op->thread)};
    if (op->kind == RECORDING_THREAD_END) {
        if (record.thread != 0 && cut->thread_count <= PROGRAM_THREADS_MAX) {
            record.op = OP_THREAD_END;
            emit(cut, &record);
        }
        return;
    }
    bool makes = recording_kinds[op->kind].makes;
    int slot = makes ? take_slot(cut, op->object) : slot_of(cut, op->object);
    if (slot < 0) {
        cut->program->left_out++;
    } else if (makes) {
        emit_made(cut, op, op->thread, op->size_bytes, slot);
    } else {
        record.slot = (uint8_t)slot;
        cut->program->remote_frees += op->owner != op->thread;
        if (op->kind == RECORDING_REALLOC) {
            record.op = OP_REALLOC;
            slice_size(op->size_bytes, &record);
            cut->program->reallocs++;
        } else {
            record.op = op->kind == RECORDING_FREE_SIZED ? OP_FREE_SIZED : OP_FREE;
            cut->taken[slot] = false;
            cut->free_slots++;
        }
        emit(cut, &record);
    }
}

/* What the window touches: blocks from before it are made, those that end in it are marked. */
static void prepare(struct cut *cut, uint64_t first, uint64_t end) {
    const struct recording_op *ops = cut->source->ops;
    uint8_t *places = cut->source->places;
    for (uint64_t i = first; i < end; i++) {
        if (recording_kinds[ops[i].kind].ends) {
            places[ops[i].object] |= PLACE_ENDS;
        }
    }
    unsigned most = cut->limit / SHORT_WINDOWS;
    for (uint64_t i = first; i < end; i++) {
        const struct recording_op *op = &ops[i];
        if (op->kind == RECORDING_THREAD_END || (places[op->object] & ~PLACE_ENDS) != PLACE_NONE) {
            continue;
        }
        if (recording_kinds[op->kind].makes) {
            places[op->object] |= PLACE_OUT; /* until its operation comes */
        } else if (cut->program->before < most) {
            int slot = take_slot(cut, op->object);
            if (slot >= 0) {
                emit_made(cut, op, op->owner, op->before_bytes, slot);
                cut->program->before++;
            }
        } else {
            places[op->object] = PLACE_OUT;
        }
    }
}

static void write_header(struct slice_program *program, unsigned records) {
    const struct program_header header = {.version = PROGRAM_VERSION, .slot_count = SLOTS};
    program_header_write(&header, program->bytes);
    program->size_bytes = PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (size_t)records;
}

void slice_cut(struct slice_source *source, uint64_t first, unsigned records, struct slice_program *program,
               uint64_t *end) {
    static struct cut cut; /* large */
    cut = (struct cut){.source = source, .program = program, .free_slots = SLOTS, .limit = records};
    *program = (struct slice_program){0};
    uint64_t last = source->totals.operations - first > records ? first + records : source->totals.operations;
    prepare(&cut, first, last);
    uint64_t i = first;
    for (; i < last && cut.count < records; i++) {
        emit_op(&cut, &source->ops[i]);
    }
    *end = i;
    for (uint64_t j = first; j < last; j++) {
        if (source->ops[j].kind != RECORDING_THREAD_END) {
            source->places[source->ops[j].object] = PLACE_NONE;
        }
    }
    program->threads = cut.thread_count < PROGRAM_THREADS_MAX ? cut.thread_count : PROGRAM_THREADS_MAX;
    write_header(program, cut.count);
}
