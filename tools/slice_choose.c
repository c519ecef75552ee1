/* slice_choose: a window that only builds up or tears down has no slots for most of what it does, so those that would
 * leave out more than a quarter are passed over as long as there are others. What a window is like is a row of counts:
 * operations by kind, sizes by how many bits they have, buffers that grow and shrink, frees by other threads, frees of
 * what was there before, switches of threads; what is about threads counts several times. How unlike two windows are is
 * the sum of the differences. All whole numbers, so that every machine chooses alike. */
#include "tools/slice_choose.h"

#include <stdlib.h>

enum { CANDIDATES_MAX = 4096, SIZE_BITS = 32, FITS_PART = 4, THREADS_WEIGHT = 4 };
enum {
    COUNT_KINDS,
    COUNT_SIZES = COUNT_KINDS + RECORDING_KIND_COUNT,
    COUNT_GROWS = COUNT_SIZES + SIZE_BITS,
    COUNT_SHRINKS,
    COUNT_REMOTE,
    COUNT_BEFORE,
    COUNT_SWITCHES,
    COUNTS
};

struct candidate {
    uint64_t first;
    uint64_t nearest; /* unlikeness to what is most like it among those chosen */
    uint32_t counts[COUNTS];
};

static void describe(const struct slice_source *source, unsigned length, struct candidate *candidate) {
    uint64_t end = candidate->first + length;
    uint64_t objects_before = UINT64_MAX; /* the first object that is made in the window */
    for (uint64_t i = candidate->first; i < end && i < source->totals.operations; i++) {
        const struct recording_op *op = &source->ops[i];
        uint32_t *counts = candidate->counts;
        bool makes = recording_kinds[op->kind].makes;
        objects_before = makes && objects_before == UINT64_MAX ? op->object : objects_before;
        counts[COUNT_KINDS + op->kind]++;
        counts[COUNT_SWITCHES] += i > candidate->first && op->thread != op[-1].thread ? THREADS_WEIGHT : 0;
        if (op->kind == RECORDING_THREAD_END) {
            continue;
        }
        unsigned bits = op->size_bytes == 0 ? 0 : 64 - (unsigned)__builtin_clzll(op->size_bytes);
        counts[COUNT_SIZES + (bits < SIZE_BITS ? bits : SIZE_BITS - 1)]++;
        if (!makes) {
            counts[COUNT_REMOTE] += op->owner != op->thread ? THREADS_WEIGHT : 0;
            counts[COUNT_BEFORE] += op->object < objects_before;
        }
        if (op->kind == RECORDING_REALLOC) {
            counts[COUNT_GROWS] += op->size_bytes > op->before_bytes;
            counts[COUNT_SHRINKS] += op->size_bytes < op->before_bytes;
        }
    }
}

static uint64_t unlikeness(const uint32_t *a, const uint32_t *b) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNTS; i++) {
        sum += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    }
    return sum;
}

/* The one that is nearest to the average of all. */
static unsigned most_usual(const struct candidate *candidates, unsigned count) {
    uint32_t average[COUNTS];
    for (unsigned i = 0; i < COUNTS; i++) {
        uint64_t sum = 0;
        for (unsigned j = 0; j < count; j++) {
            sum += candidates[j].counts[i];
        }
        average[i] = (uint32_t)(sum / count);
    }
    unsigned best = 0;
    for (unsigned j = 1; j < count; j++) {
        if (unlikeness(candidates[j].counts, average) < unlikeness(candidates[best].counts, average)) {
            best = j;
        }
    }
    return best;
}

/* Whether most of the window gets into its program. */
static bool fits(struct slice_source *source, uint64_t first, unsigned length) {
    static struct slice_program program; /* large */
    uint64_t end;
    slice_cut(source, first, length, &program, &end);
    return program.left_out <= (end - first) / FITS_PART;
}

/* Keep those that fit; all when none does. */
static unsigned keep_fitting(struct slice_source *source, unsigned length, struct candidate *candidates,
                             unsigned count) {
    unsigned kept = 0;
    for (unsigned j = 0; j < count; j++) {
        if (fits(source, candidates[j].first, length)) {
            candidates[kept++] = candidates[j];
        }
    }
    return kept > 0 ? kept : count;
}

unsigned slice_choose(struct slice_source *source, unsigned length, unsigned count, uint64_t *firsts) {
    uint64_t operations = source->totals.operations, windows = operations / length;
    if (operations == 0) {
        return 0;
    }
    windows = windows == 0 ? 1 : windows;
    unsigned candidate_count = windows < CANDIDATES_MAX ? (unsigned)windows : CANDIDATES_MAX;
    struct candidate *candidates = calloc(candidate_count, sizeof *candidates);
    if (candidates == NULL) {
        return 0;
    }
    for (unsigned j = 0; j < candidate_count; j++) {
        candidates[j].first = windows * j / candidate_count * length;
        candidates[j].nearest = UINT64_MAX;
        describe(source, length, &candidates[j]);
    }
    candidate_count = keep_fitting(source, length, candidates, candidate_count);
    unsigned chosen = 0, next = most_usual(candidates, candidate_count);
    while (chosen < count && candidates[next].nearest > 0) {
        const struct candidate *taken = &candidates[next];
        firsts[chosen++] = taken->first;
        next = 0;
        for (unsigned j = 0; j < candidate_count; j++) {
            uint64_t there = unlikeness(candidates[j].counts, taken->counts);
            candidates[j].nearest = there < candidates[j].nearest ? there : candidates[j].nearest;
            next = candidates[j].nearest > candidates[next].nearest ? j : next;
        }
    }
    free(candidates);
    return chosen;
}
