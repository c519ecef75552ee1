/* schedule: the order of records, from the genes of the trailer that stand in front of one. What happens inside
 * operations is scheduler.c's, which keeps to this order where nothing says otherwise.
 *
 * Without such genes records run as they stand. A gene at record r holds r's thread back: its records wait, in order,
 * until `hold` records of other threads have run, or none are left. Other threads never overtake within themselves. */
#include "oracle/schedule.h"

#include <stdbool.h>

struct hold {
    uint8_t thread;
    uint32_t left;
    uint32_t first; /* first waiting record of the thread */
    bool active;
};

/* The first gene that holds before the given record, and how long; genes are few. */
static uint32_t gene_hold_at(const struct program *program, uint64_t held_records, uint32_t record) {
    if ((held_records >> record % 64 & 1) == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        if (gene.record == record && gene.yield == 0 && gene.kind == GENE_HOLD) {
            return gene.value;
        }
    }
    return 0;
}

/* A bit for every record, modulo 64, before which some gene holds: most records need not be looked up. */
static uint64_t records_held(const struct program *program) {
    uint64_t held = 0;
    for (uint32_t i = 0; i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        bool holds = gene.yield == 0 && gene.kind == GENE_HOLD && gene.value != 0;
        held |= (uint64_t)holds << gene.record % 64;
    }
    return held;
}

struct ordering {
    const uint8_t *threads_of;
    uint8_t threads;
    uint32_t end; /* records below it have had their turn */
    uint16_t *order;
    uint32_t count;
    struct hold holds[PROGRAM_THREADS_MAX];
};

static void hold_end(struct ordering *ordering, struct hold *hold);

/* A record runs, which may be the last that some other thread was waiting for. */
static void record_emit(struct ordering *ordering, uint32_t record) {
    ordering->order[ordering->count++] = (uint16_t)record;
    for (uint8_t other = 0; other < ordering->threads; other++) {
        struct hold *hold = &ordering->holds[other];
        if (other != ordering->threads_of[record] && hold->active && --hold->left == 0) {
            hold_end(ordering, hold);
        }
    }
}

/* The thread's waiting records run. Recursion is as deep as there are threads: the hold has ended before. */
static void hold_end(struct ordering *ordering, struct hold *hold) {
    hold->active = false;
    for (uint32_t i = hold->first; i < ordering->end; i++) {
        if (ordering->threads_of[i] == hold->thread) {
            record_emit(ordering, i);
        }
    }
}

static void order_with_genes(const struct program *program, uint64_t held, struct ordering *ordering) {
    for (uint32_t i = 0; i < program->record_count; i++) {
        uint8_t thread = ordering->threads_of[i];
        struct hold *own = &ordering->holds[thread];
        uint32_t wanted = gene_hold_at(program, held, i);
        if (!own->active && wanted != 0) {
            *own = (struct hold){.thread = thread, .left = wanted, .first = i, .active = true};
        }
        ordering->end = i;
        if (!own->active) {
            record_emit(ordering, i);
        }
    }
    ordering->end = program->record_count;
    for (uint8_t thread = 0; thread < ordering->threads; thread++) {
        if (ordering->holds[thread].active) {
            hold_end(ordering, &ordering->holds[thread]);
        }
    }
}

void schedule_order(const struct program *program, const uint8_t *threads_of, uint8_t threads, uint16_t *order) {
    uint64_t held = records_held(program);
    if (held != 0) {
        struct ordering ordering = {.threads_of = threads_of, .threads = threads, .order = order};
        order_with_genes(program, held, &ordering);
        return;
    }
    for (uint32_t i = 0; i < program->record_count; i++) {
        order[i] = (uint16_t)i;
    }
}
