/* mutate_make: see the header. The weights here are chosen by hand: many small requests that meet in few slabs, frees
 * of what is live, often from another thread, and threads that end while their blocks are still in use. */
#include "oracle/mutate_make.h"

#include <string.h>

#include "oracle/guide.h"
#include "oracle/preset.h"

/* Indexes into program_boundaries; a test holds them to the names. */
enum {
    BOUNDARY_ZERO = 0,
    BOUNDARY_8 = 1,
    BOUNDARY_1K = 33,
    BOUNDARY_2K = 34,
    BOUNDARY_1M = 43,
    BOUNDARY_HALF = 52,
    BOUNDARY_TOP_HALF = 54, /* 2^63 */
    BOUNDARY_MAX = 55,
    BOUNDARY_STEPS = 56
};

enum { GO_PER_256 = 32 }; /* of genes. hold does the same in most places, but does not say who goes on */

/* Out of 1000 requests: how many are at most this large. */
enum { UP_TO_1K = 805, STEPS_TO_1M = 880, UP_TO_1M = 980, UP_TO_ZERO = 987, UP_TO_128T = 995 };

/* How often an operation is to be made. */
static unsigned weight_of(const struct mutate_random *random, const struct program_header *header, unsigned op) {
    return (header->ops_off >> op & 1) == 0 ? random->repertoire.weights[op] : 0;
}

bool make_chance(struct mutate_random *random, unsigned per_256) {
    return mutate_below(random, 256) < per_256;
}

uint8_t make_one_of(struct mutate_random *random, uint32_t set, unsigned count) {
    unsigned members = 0, i = 0;
    for (unsigned member = 0; member < count; member++)
        members += set >> member & 1;
    unsigned roll = members == 0 ? 0 : mutate_below(random, members);
    for (; i + 1 < count && ((set >> i & 1) == 0 || roll > 0); i++)
        roll -= set >> i & 1;
    return (uint8_t)i;
}

enum program_op make_op(struct mutate_random *random, const struct program_header *header) {
    unsigned total = 0;
    if (weight_of(random, header, header->favoured_op) != 0 && make_chance(random, header->favour_weight))
        return header->favoured_op;
    for (unsigned op = 0; op < OP_COUNT; op++)
        total += weight_of(random, header, op);
    if (total == 0)
        return OP_NOP;
    unsigned roll = mutate_below(random, total), op = 0;
    for (;; op++) {
        unsigned weight = weight_of(random, header, op);
        if (roll < weight)
            return (enum program_op)op;
        roll -= weight;
    }
}

static uint8_t between(struct mutate_random *random, unsigned first, unsigned last) {
    return (uint8_t)(first + mutate_below(random, last - first + 1));
}

uint8_t make_boundary(struct mutate_random *random) {
    unsigned roll = mutate_below(random, 1000);
    if (roll < UP_TO_1K)
        return between(random, BOUNDARY_8, BOUNDARY_1K);
    if (roll < STEPS_TO_1M)
        return between(random, BOUNDARY_STEPS, BOUNDARY_COUNT - 1);
    if (roll < UP_TO_1M)
        return between(random, BOUNDARY_2K, BOUNDARY_1M);
    if (roll < UP_TO_ZERO)
        return BOUNDARY_ZERO;
    if (roll < UP_TO_128T)
        return between(random, BOUNDARY_1M + 1, BOUNDARY_HALF - 1);
    return between(random, BOUNDARY_HALF, BOUNDARY_MAX);
}

int8_t make_distance(struct mutate_random *random) {
    unsigned roll = mutate_below(random, 16);
    if (roll < 10)
        return 0;
    if (roll < 14)
        return roll & 1 ? 1 : -1;
    return roll == 14 ? (int8_t)((int)mutate_below(random, 33) - 16) : (int8_t)((int)mutate_below(random, 256) - 128);
}

static uint16_t make_argument(struct mutate_random *random, enum program_op op) {
    static const uint16_t milliseconds[] = {1, 10, 100, 1000, 10000, 60000};
    if (op == OP_CLOCK)
        return milliseconds[mutate_below(random, sizeof milliseconds / sizeof milliseconds[0])];
    if (op == OP_REPORT)
        return (uint16_t)mutate_below(random, PROGRAM_REPORTS);
    if (op == OP_MALLOC_MANY || op == OP_FREE_MANY)
        return (uint16_t)(2 + mutate_below(random, make_chance(random, 64) ? 31 : 7));
    unsigned roll = mutate_below(random, 32);
    if (roll == 0)
        return 0;
    return (uint16_t)(roll == 1 ? mutate_below(random, UINT16_MAX + 1) : 1 + mutate_below(random, 4));
}

void make_fields(struct mutate_random *random, struct record *record, unsigned fields) {
    if (fields & FIELD_SIZE) {
        record->boundary = make_boundary(random);
        record->distance = make_distance(random);
    }
    if (fields & FIELD_ALIGN) {
        /* 8 to 8 KiB as a rule; a slab and a SuperSlab are aligned to more. */
        record->align_exponent = make_chance(random, 240) ? between(random, 3, 13) : between(random, 0, 31);
        record->align_odd = make_chance(random, 6);
    }
    if (fields & FIELD_COUNT)
        record->argument = make_argument(random, record->op);
    if (fields & FIELD_OPTION) {
        unsigned choice = make_one_of(random, random->repertoire.choices, CHOICE_COUNT);
        record->argument = record_option_argument(choice, mutate_below(random, choice_table[choice].value_count));
    }
}

/* A product that wraps around to a small one: chance alone makes hardly any. */
static void make_product_wrap(struct mutate_random *random, struct record *record) {
    record->boundary = BOUNDARY_TOP_HALF;
    record->distance = (int8_t)mutate_below(random, 65);
    record->argument = (uint16_t)(2 * (1 + mutate_below(random, 2)));
}

/* Most operations make few accesses, so low numbers are more likely; one in four genes stands in front of its record.
 */
uint8_t make_yield(struct mutate_random *random) {
    if (make_chance(random, 64))
        return 0;
    return (uint8_t)(1 + mutate_below(random, 1U << (1 + mutate_below(random, 7))));
}

struct gene make_gene(struct mutate_random *random, uint32_t record_count, enum program_mode mode) {
    uint32_t value = make_chance(random, 224) ? 1 + mutate_below(random, 6) : 1 + mutate_below(random, UINT8_MAX);
    struct gene gene = {
        .record = (uint16_t)mutate_below(random, record_count), .yield = make_yield(random), .value = (uint8_t)value};
    if (guide_is_there(GUIDE_GO_GENES) && make_chance(random, GO_PER_256)) {
        gene.kind = GENE_GO;
        gene.value = (uint8_t)mutate_below(random, PROGRAM_THREADS_MAX);
        return gene;
    }
    if (mode == MODE_PCT && make_chance(random, 160)) {
        gene.kind = GENE_LOWER;
    } else if (gene.yield != 0 && make_chance(random, 24)) {
        gene.kind = make_chance(random, 128) ? GENE_WEAK : GENE_STALE;
        gene.value = 1;
    }
    return gene;
}

/* --- the maker --- */

static bool op_frees(enum program_op op) {
    return op == OP_FREE || op == OP_FREE_SIZED || op == OP_FREE_ALIGNED_SIZED || op == OP_FREE_MANY;
}

void maker_init(struct maker *maker, struct mutate_random *random, const struct program_header *header,
                uint8_t threads) {
    uint8_t most = random->repertoire.threads;
    *maker = (struct maker){.random = random, .header = header, .threads = threads < most ? threads : most};
    for (unsigned i = 0; i < PALETTE_SIZES; i++)
        maker->palette[i] = make_boundary(random);
}

void maker_apply(struct maker *maker, const struct record *record) {
    maker->thread = record->thread;
    if ((maker->header->ops_off >> record->op & 1) != 0 || !(program_op_info[record->op].fields & FIELD_SLOT))
        return;
    bool many = record->op == OP_MALLOC_MANY || record->op == OP_FREE_MANY;
    bool frees = op_frees(record->op);
    if (record->op == OP_USABLE || record->op == OP_WRITE || record->op == OP_VERIFY)
        return;
    unsigned slots = maker->header->slot_count, count = many ? record->argument : 1;
    for (unsigned i = 0; i < count && i < slots; i++) {
        unsigned slot = (record->slot + i) & (slots - 1);
        if (frees) {
            maker->filled &= ~(UINT64_C(1) << slot);
        } else if (!(maker->filled >> slot & 1)) {
            maker->filled |= UINT64_C(1) << slot;
            maker->owner[slot] = record->thread;
        }
    }
}

/* A random slot that is filled (or empty); any slot when there is none. Sets *found. */
static uint8_t pick_slot(struct maker *maker, bool filled, bool *found) {
    unsigned slots = maker->header->slot_count, start = mutate_below(maker->random, slots);
    for (unsigned i = 0; i < slots; i++) {
        unsigned slot = (start + i) & (slots - 1);
        if ((maker->filled >> slot & 1) == filled) {
            *found = true;
            return (uint8_t)slot;
        }
    }
    *found = false;
    return (uint8_t)start;
}

/* The first of two operations that may be made, else the operation itself. */
static enum program_op instead(const struct maker *maker, enum program_op op, enum program_op first,
                               enum program_op second) {
    if (weight_of(maker->random, maker->header, first) != 0)
        return first;
    return weight_of(maker->random, maker->header, second) != 0 ? second : op;
}

static uint8_t pick_thread(struct maker *maker, const struct record *record) {
    unsigned others = maker->threads - 1U;
    if (others == 0)
        return 0;
    bool ends = record->op == OP_THREAD_END || record->op == OP_THREAD_START;
    if (ends)
        return between(maker->random, 1, others);
    bool frees = op_frees(record->op);
    if (frees && make_chance(maker->random, 112)) /* a remote free */
        return (uint8_t)((maker->owner[record->slot] + between(maker->random, 1, others)) % maker->threads);
    if (frees && make_chance(maker->random, 128)) /* a local one */
        return maker->owner[record->slot];
    if (make_chance(maker->random, 176) && maker->thread < maker->threads)
        return maker->thread;
    return between(maker->random, 0, others);
}

struct record make_record(struct maker *maker) {
    struct record record = {.op = make_op(maker->random, maker->header)};
    bool found;
    if (maker->threads < 2 && (record.op == OP_THREAD_END || record.op == OP_THREAD_START))
        record.op = instead(maker, record.op, OP_MALLOC, OP_MALLOC_MANY);

    bool allocates = record.op == OP_MALLOC || record.op == OP_CALLOC || record.op == OP_ALIGNED_ALLOC ||
                     record.op == OP_POSIX_MEMALIGN || record.op == OP_MEMALIGN || record.op == OP_MALLOC_MANY;
    bool reallocates = record.op == OP_REALLOC || record.op == OP_REALLOCARRAY;
    if (program_op_info[record.op].fields & FIELD_SLOT) {
        bool wants_filled = !allocates && !(reallocates && make_chance(maker->random, 32));
        record.slot = pick_slot(maker, wants_filled, &found);
        if (!found && allocates)
            record.op = instead(maker, record.op, OP_FREE, OP_FREE_MANY);
        else if (!found && !reallocates)
            record.op = instead(maker, record.op, OP_MALLOC, OP_MALLOC_MANY);
    }
    make_fields(maker->random, &record, program_op_info[record.op].fields);
    if ((program_op_info[record.op].fields & FIELD_SIZE) && make_chance(maker->random, 160))
        record.boundary = maker->palette[mutate_below(maker->random, PALETTE_SIZES)];
    if ((record.op == OP_CALLOC || record.op == OP_REALLOCARRAY) && make_chance(maker->random, 8))
        make_product_wrap(maker->random, &record);
    record.thread = pick_thread(maker, &record);
    return record;
}
