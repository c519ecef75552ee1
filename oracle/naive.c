/* naive: see the header. The reader keeps a list of the blocks it believes to be live, in the order they came; a
 * request that fails in the world leaves one there that is none, and what is done with it does nothing. */
#include "oracle/naive.h"

#include <stdbool.h>
#include <string.h>

#include "oracle/preset.h"
#include "oracle/program.h"
#include "oracle/repertoire.h"

enum { SLOTS_BYTE = 2, SLOTS_64 = 3 /* place in program_slot_counts */, COUNT_MAX = 16, CONTENT_MAX_BYTES = 16 };

struct reader {
    const uint8_t *front, *end;
    uint8_t live[NAIVE_SLOTS]; /* slots */
    unsigned live_count;
};

/* 0 .. most, from the end of the input; 0 when that is used up. */
static uint64_t integer(struct reader *reader, uint64_t most) {
    uint64_t value = 0;
    for (uint64_t range = most; range > 0 && reader->end > reader->front; range >>= 8) {
        value = value << 8 | *--reader->end;
    }
    return most == UINT64_MAX ? value : value % (most + 1);
}

/* Content of a block: where it goes nobody asks, since the world writes patterns of its own; but the bytes are used. */
static void content(struct reader *reader) {
    uint64_t wanted = integer(reader, CONTENT_MAX_BYTES), left = (uint64_t)(reader->end - reader->front);
    reader->front += wanted < left ? wanted : left;
}

static bool is_allocation(enum program_op op) {
    return op == OP_MALLOC || op == OP_CALLOC || op == OP_ALIGNED_ALLOC || op == OP_POSIX_MEMALIGN || op == OP_MEMALIGN;
}

static bool is_free(enum program_op op) {
    return op == OP_FREE || op == OP_FREE_SIZED || op == OP_FREE_ALIGNED_SIZED;
}

/* One of the operations that the target carries out, each as likely. Those on many slots at once are no idea that comes
 * in an hour. */
static enum program_op operation(struct reader *reader, const struct repertoire *repertoire) {
    enum program_op useful[OP_COUNT] = {OP_NOP};
    unsigned count = 0;
    for (unsigned op = OP_NOP + 1; op < OP_COUNT; op++) {
        if (repertoire->weights[op] != 0 && op != OP_MALLOC_MANY && op != OP_FREE_MANY) {
            useful[count++] = (enum program_op)op;
        }
    }
    return count > 0 ? useful[integer(reader, count - 1)] : OP_NOP;
}

/* The nearest size that a record can say: all small ones, and of others those beside a boundary. */
static void set_size(struct record *record, uint64_t size_bytes) {
    uint64_t nearest = UINT64_MAX;
    for (unsigned i = 0; i < BOUNDARY_COUNT; i++) {
        uint64_t boundary = program_boundaries[i].value_bytes;
        uint64_t away = boundary > size_bytes ? boundary - size_bytes : size_bytes - boundary;
        if (away < nearest) {
            nearest = away;
            record->boundary = (uint8_t)i;
            record->distance = (int8_t)(boundary > size_bytes ? (away > 128 ? -128 : -(int)away)
                                                              : (away > INT8_MAX ? INT8_MAX : (int)away));
        }
    }
}

/* Five of eight are small, two large, one anything. */
static uint64_t size(struct reader *reader) {
    uint64_t kind = integer(reader, 7);
    return integer(reader, kind < 5 ? NAIVE_SMALL_BYTES : kind < 7 ? NAIVE_LARGE_BYTES : UINT64_MAX);
}

/* A slot for a new block; false when all are taken. */
static bool born(struct reader *reader, uint8_t *slot) {
    uint64_t taken = 0;
    for (unsigned i = 0; i < reader->live_count; i++) {
        taken |= UINT64_C(1) << reader->live[i];
    }
    for (*slot = 0; *slot < NAIVE_SLOTS && (taken >> *slot & 1) != 0; ++*slot) {
    }
    if (*slot == NAIVE_SLOTS) {
        return false;
    }
    reader->live[reader->live_count++] = *slot;
    return true;
}

/* The n-th live block; false when there is none. */
static bool chosen(struct reader *reader, bool dies, uint8_t *slot) {
    if (reader->live_count == 0) {
        return false;
    }
    unsigned n = (unsigned)integer(reader, reader->live_count - 1);
    *slot = reader->live[n];
    if (dies) {
        reader->live_count--;
        memmove(reader->live + n, reader->live + n + 1, reader->live_count - n);
    }
    return true;
}

/* realloc of no block is how the first one is made. */
static bool set_slot(struct reader *reader, struct record *record) {
    bool resizes = record->op == OP_REALLOC || record->op == OP_REALLOCARRAY;
    if (is_allocation(record->op) || (resizes && reader->live_count == 0)) {
        return born(reader, &record->slot);
    }
    return chosen(reader, is_free(record->op), &record->slot);
}

/* False when the operation does not apply. */
static bool read_record(struct reader *reader, const struct target_info *target, const struct repertoire *repertoire,
                        struct record *record) {
    *record = (struct record){.op = operation(reader, repertoire)};
    unsigned fields = program_op_info[record->op].fields;
    record->thread = (uint8_t)integer(reader, target->threads - 1U);
    if ((fields & FIELD_SLOT) != 0 && !set_slot(reader, record)) {
        return false;
    }
    if ((fields & FIELD_SIZE) != 0) {
        set_size(record, size(reader));
    }
    if ((fields & FIELD_ALIGN) != 0) {
        record->align_exponent = (uint8_t)integer(reader, 16);
    }
    if ((fields & FIELD_COUNT) != 0) {
        record->argument = (uint16_t)integer(reader, record->op == OP_CLOCK ? UINT16_MAX : COUNT_MAX);
    }
    if ((fields & FIELD_OPTION) != 0) {
        unsigned choice = (unsigned)integer(reader, CHOICE_COUNT - 1);
        record->argument = record_option_argument(choice, (unsigned)integer(reader, CHOICE_VALUES_MAX - 1));
    }
    if (record->op == OP_WRITE) {
        content(reader);
    }
    return true;
}

size_t naive_program(const struct target_info *target, const uint8_t *bytes, size_t size_bytes, uint8_t *program,
                     size_t capacity_bytes) {
    static const uint8_t nothing[1];
    const struct repertoire repertoire = repertoire_of(target);
    const uint8_t *front = size_bytes > 0 ? bytes : nothing;
    struct reader reader = {.front = front, .end = front + size_bytes};
    size_t used_bytes = PROGRAM_HEADER_BYTES;
    memset(program, 0, PROGRAM_HEADER_BYTES);
    program[SLOTS_BYTE] = SLOTS_64;
    for (unsigned records = 0; reader.end > reader.front && records < PROGRAM_RECORDS_MAX &&
                               capacity_bytes - used_bytes >= PROGRAM_RECORD_BYTES;) {
        struct record record;
        if (read_record(&reader, target, &repertoire, &record)) {
            record_write(&record, program + used_bytes);
            used_bytes += PROGRAM_RECORD_BYTES;
            records++;
        }
    }
    return used_bytes;
}
