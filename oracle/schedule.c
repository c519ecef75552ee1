/* schedule: the order of records, from the genes of the trailer.
 *
 * Without genes records run as they stand. A gene at record r holds r's thread back: its records wait, in order, until
 * `hold` records of other threads have run, or none are left. Other threads never overtake within themselves. */
#include "oracle/run.h"

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
        if (gene.record == record && gene.yield == 0) {
            return gene.hold;
        }
    }
    return 0;
}

/* A bit for every record, modulo 64, that some gene names: most records need not be looked up. */
static uint64_t records_named(const struct program *program) {
    uint64_t named = 0;
    for (uint32_t i = 0; i < program->gene_count; i++) {
        named |= UINT64_C(1) << program_gene(program, i).record % 64;
    }
    return named;
}

/* Emit the thread's waiting records with an index below `end`. */
static uint32_t emit_waiting(const uint8_t *threads_of, struct hold *hold, uint32_t end, uint16_t *order,
                             uint32_t count) {
    for (uint32_t i = hold->first; i < end; i++) {
        if (threads_of[i] == hold->thread) {
            order[count++] = (uint16_t)i;
        }
    }
    hold->active = false;
    return count;
}

static void order_with_genes(const struct program *program, const uint8_t *threads_of, uint8_t threads,
                             uint16_t *order) {
    struct hold holds[PROGRAM_THREADS_MAX] = {0};
    uint64_t named = records_named(program);
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->record_count; i++) {
        uint8_t thread = threads_of[i];
        struct hold *own = &holds[thread];
        uint32_t wanted = gene_hold_at(program, named, i);
        if (!own->active && wanted != 0) {
            *own = (struct hold){.thread = thread, .left = wanted, .first = i, .active = true};
        }
        if (own->active) {
            continue;
        }
        order[count++] = (uint16_t)i;
        for (uint8_t other = 0; other < threads; other++) {
            if (other != thread && holds[other].active && --holds[other].left == 0) {
                count = emit_waiting(threads_of, &holds[other], i, order, count);
            }
        }
    }
    for (uint8_t thread = 0; thread < threads; thread++) {
        if (holds[thread].active) {
            count = emit_waiting(threads_of, &holds[thread], program->record_count, order, count);
        }
    }
}

void schedule_order(const struct program *program, const uint8_t *threads_of, uint8_t threads, uint16_t *order) {
    if (program->gene_count != 0) {
        order_with_genes(program, threads_of, threads, order);
        return;
    }
    for (uint32_t i = 0; i < program->record_count; i++) {
        order[i] = (uint16_t)i;
    }
}
