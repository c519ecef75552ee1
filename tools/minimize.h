/* minimize: one failing input made small, for min and triage: the reduction of oracle/reduce.h, with candidates run by
 * a worker, and "the same way" as the same signature. Single-threaded. */
#ifndef HAKMEM_TOOLS_MINIMIZE_H
#define HAKMEM_TOOLS_MINIMIZE_H

#include <stdio.h>

#include "oracle/input.h"
#include "oracle/reduce.h"
#include "tools/worker.h"

enum { MINIMIZE_REPEATS = 4 }; /* runs in a row that must be equal, or it is nondeterminism */

struct minimization {
    /* filled in by the caller */
    struct worker *worker;
    const struct choice *choice;
    const struct input *input;
    const char *name; /* of the input, for comments in text form */
    /* Called with the best program so far, when there is a better one, and now and then with NULL; false stops. */
    bool (*goes_on)(void *context, const struct reduce_counts *counts, const struct program *best);
    void *context;
    /* filled in by minimize */
    struct verdict before; /* of the input */
    struct verdict after;  /* of the result */
    struct reduce_result result;
    bool broken; /* no process could be had */
};

/* Run the input. False: no process could be had. Otherwise `before` says how it fails, or that it is clean. */
bool minimize_try(struct minimization *minimization);
/* Pre: minimize_try found a finding. False: no process or no memory could be had. */
bool minimize(struct minimization *minimization);
void minimization_free(struct minimization *minimization);

/* The result, or any program on the way, in text form with what it shows as comments. -1 with errno when it failed. */
int minimize_print(const struct minimization *minimization, const struct program *program, FILE *out);
/* "64 records on 4 threads, 12 genes" */
void minimize_words(const struct reduce_counts *counts, char *text, size_t capacity);

#endif
