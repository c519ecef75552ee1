/* reduce: the order of steps, delta debugging, and modes to genes. */
#include "oracle/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "oracle/reduce_draft.h"

struct reduce_counts reduce_count(const struct target_info *target, const struct program *program) {
    uint32_t threads = 0;
    for (uint32_t i = 0; i < program->record_count; i++) {
        threads |= UINT32_C(1) << (program_record_thread(program, i) & (target->threads - 1U));
    }
    return (struct reduce_counts){.records = program->record_count,
                                  .genes = program->gene_count,
                                  .threads = (uint32_t)__builtin_popcount(threads)};
}

/* --- delta debugging --- */

typedef void remove_function(struct draft *draft, uint32_t at, uint32_t count);

/* Whether [at, at + count) can go. */
static bool try_without(struct reduction *reduction, remove_function *remove, uint32_t at, uint32_t count) {
    remove(draft_begin(reduction), at, count);
    return draft_try(reduction);
}

/* Pieces of one length, from the end: what comes after the failure goes first. */
static bool remove_pieces(struct reduction *reduction, const uint32_t *total, remove_function *remove,
                          uint32_t length) {
    bool removed = false;
    for (uint32_t end = *total; end > 0 && !reduction->stopped;) {
        uint32_t at = end > length ? end - length : 0;
        removed |= try_without(reduction, remove, at, end - at);
        end = at < *total ? at : *total;
    }
    return removed;
}

/* `total` is the count of them in reduction->now. Ends when none can go alone. */
static bool remove_all(struct reduction *reduction, const uint32_t *total, remove_function *remove) {
    bool removed = false;
    for (uint32_t length = *total; length > 1; length /= 2) {
        removed |= remove_pieces(reduction, total, remove, length);
    }
    while (remove_pieces(reduction, total, remove, 1)) {
        removed = true;
    }
    return removed;
}

static bool remove_records(struct reduction *reduction) {
    return remove_all(reduction, &reduction->now.record_count, draft_remove_records);
}

static bool remove_genes(struct reduction *reduction) {
    return remove_all(reduction, &reduction->now.gene_count, draft_remove_genes);
}

/* --- the schedule --- */

/* Genes that mean the same in every mode. */
static void keep_twists(struct draft *draft) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < draft->gene_count; i++) {
        draft->genes[kept] = draft->genes[i];
        kept += draft->genes[i].kind == GENE_STALE || draft->genes[i].kind == GENE_WEAK;
    }
    draft->gene_count = kept;
}

/* `next`: mode genes, with what a run of `now` noted. False when that is too much. */
static bool note_schedule(struct reduction *reduction) {
    const struct reduce_means *means = reduction->means;
    struct program program;
    struct draft *next = draft_begin(reduction);
    keep_twists(next);
    next->header.mode = MODE_GENES;
    next->header.mode_seed = 0;
    uint32_t room = TRANSCRIPT_GENES_MAX - next->gene_count;
    program_read(&program, reduction->best, reduction->best_bytes);
    uint32_t noted = means->note(means->context, &program, next->genes + next->gene_count, room);
    next->gene_count += noted <= room ? noted : 0;
    return noted <= room;
}

/* Whether the mode could be made genes, not more of them than an input holds. */
static bool mode_to_genes(struct reduction *reduction) {
    if (reduction->now.header.mode == MODE_GENES) {
        return true;
    }
    struct draft *next = draft_begin(reduction);
    keep_twists(next);
    next->header.mode = MODE_GENES;
    if (draft_try(reduction)) { /* the mode was not needed */
        return true;
    }
    struct draft *before = malloc(sizeof *before);
    if (before == NULL) {
        return false;
    }
    *before = reduction->now;
    bool good = note_schedule(reduction) && draft_try(reduction);
    if (good) {
        remove_genes(reduction);
    }
    if (reduction->now.gene_count > PROGRAM_GENES_MAX) {
        reduction->now = *before;
        good = false;
    }
    free(before);
    return good;
}

/* --- all of it --- */

static bool reduce_round(struct reduction *reduction) {
    enum program_mode mode = reduction->now.header.mode;
    bool smaller = remove_records(reduction);
    (void)mode_to_genes(reduction);
    smaller |= reduction->now.header.mode != mode;
    smaller |= remove_genes(reduction);
    smaller |= reduce_header(reduction);
    smaller |= reduce_threads(reduction);
    smaller |= reduce_slots(reduction);
    smaller |= reduce_records(reduction);
    smaller |= reduce_genes(reduction);
    return smaller;
}

/* True unless stopped. */
static bool reduce_rounds(struct reduction *reduction) {
    (void)mode_to_genes(reduction);
    (void)remove_genes(reduction); /* fewer names of places: records go more easily */
    while (!reduction->stopped && reduce_round(reduction)) {
    }
    return !reduction->stopped;
}

void reduce(const struct target_info *target, const struct program *program, const struct reduce_means *means,
            struct reduce_result *result) {
    struct reduction *reduction = malloc(sizeof *reduction);
    *result = (struct reduce_result){.before = reduce_count(target, program)};
    if (reduction == NULL) {
        return;
    }
    *reduction = (struct reduction){.target = target, .means = means, .best_bytes = program->size_bytes};
    if (program->size_bytes > sizeof reduction->best) { /* what lies beyond has no meaning */
        reduction->best_bytes = sizeof reduction->best;
    }
    memcpy(reduction->best, program->bytes, reduction->best_bytes);
    draft_read(&reduction->now, program);
    result->is_minimal = reduce_rounds(reduction);
    struct program best;
    program_read(&best, reduction->best, reduction->best_bytes);
    result->after = reduce_count(target, &best);
    result->before.tests = 0;
    result->after.tests = reduction->tests;
    result->has_no_mode = best.header.mode == MODE_GENES;
    result->size_bytes = reduction->best_bytes;
    result->bytes = malloc(reduction->best_bytes + 1);
    if (result->bytes != NULL) {
        memcpy(result->bytes, reduction->best, reduction->best_bytes);
    }
    free(reduction);
}
