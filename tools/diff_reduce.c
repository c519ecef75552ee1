/* diff_reduce: a divergence made small by the reduction of oracle/reduce.h: "the same way" is the same fact, on the
 * same malloc, by the same operation. The others run only where the fact is one that needs another answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff.h"

struct searching {
    struct diff *diff;
    struct divergence *divergence;
    bool is_seen;
    bool is_broken;
    uint32_t record;
    char message[DIFF_MESSAGE_BYTES];
};

static void look(void *context, unsigned malloc, enum fact fact, enum program_op op, uint32_t record,
                 const char *message) {
    struct searching *searching = context;
    const struct divergence *wanted = searching->divergence;
    if (wanted->malloc == malloc && wanted->fact == fact && wanted->op == op && !searching->is_seen) {
        searching->is_seen = true;
        searching->record = record;
        snprintf(searching->message, sizeof searching->message, "%s", message);
    }
}

static bool shows_it(void *context, const struct program *candidate) {
    struct searching *searching = context;
    const struct divergence *wanted = searching->divergence;
    uint32_t mallocs = wanted->fact == FACT_SUCCESS ? UINT32_MAX : UINT32_C(1) << wanted->malloc;
    searching->is_seen = false;
    searching->is_broken =
        searching->is_broken || !diff_run(searching->diff, mallocs, wanted->target, candidate, false, look, searching);
    return searching->is_seen && !searching->is_broken;
}

/* Operations follow one another as the program has them: nothing is drawn. */
static uint32_t note(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity) {
    (void)context, (void)candidate, (void)genes, (void)capacity;
    return 0;
}

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    const struct searching *searching = context;
    (void)counts, (void)best;
    return !searching->is_broken && searching->diff->goes_on();
}

bool diff_reduce(struct diff *diff, struct divergence *divergence) {
    struct searching searching = {.diff = diff, .divergence = divergence};
    const struct reduce_means means = {.context = &searching, .fails = shows_it, .note = note, .goes_on = goes_on};
    struct program program;
    struct reduce_result result;
    program_read(&program, divergence->bytes, divergence->size_bytes);
    reduce(divergence->target, &program, &means, &result);
    if (result.bytes == NULL) {
        fputs("hakfuzz diff: out of memory for a reduction\n", stderr);
        return false;
    }
    program_read(&program, result.bytes, result.size_bytes);
    if (shows_it(&searching, &program)) { /* where in it, and in which words */
        free(divergence->bytes);
        divergence->bytes = result.bytes;
        divergence->size_bytes = result.size_bytes;
        divergence->record = searching.record;
        divergence->after = result.after;
        memcpy(divergence->message, searching.message, sizeof divergence->message);
    } else {
        free(result.bytes);
    }
    return !searching.is_broken;
}
