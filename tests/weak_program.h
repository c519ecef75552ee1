/* weak_program: small programs of atomic accesses, and all that oracle/weak.h may show of them.
 *
 * A program is a table of steps. Its outcome is what its registers and, at the end, its locations hold, packed into one
 * number. weak_program_explore runs all interleavings and, at each load, all the stores it may read.
 *
 * Included by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_WEAK_PROGRAM_H
#define HAKMEM_TESTS_WEAK_PROGRAM_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/weak.h"

enum { STEPS_MAX = 5, LOCATIONS = 3, REGISTERS = 8, OUTCOMES_MAX = 4096 };

enum step_kind { STEP_NONE, STEP_LOAD, STEP_STORE, STEP_EXCHANGE, STEP_FENCE };
struct step {
    uint8_t kind;
    uint8_t order;
    uint8_t location;
    uint8_t value; /* stored: 1 to 15, no two stores to a location alike */
    uint8_t reg;   /* loaded into */
};
struct weak_program {
    struct step threads[WEAK_THREADS_MAX][STEPS_MAX + 1]; /* each ends with STEP_NONE */
};

/* An outcome has four bits for each register, then for each location. */

static inline void outcome_put(uint64_t *outcome, unsigned index, uint64_t value) {
    *outcome = (*outcome & ~(UINT64_C(15) << 4 * index)) | value << 4 * index;
}

struct outcomes {
    uint32_t count;
    uint64_t list[OUTCOMES_MAX]; /* sorted */
};

static inline bool outcomes_find(const struct outcomes *outcomes, uint64_t outcome, uint32_t *place) {
    uint32_t low = 0, high = outcomes->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (outcomes->list[middle] < outcome) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *place = low;
    return low < outcomes->count && outcomes->list[low] == outcome;
}

static inline void outcomes_add(struct outcomes *outcomes, uint64_t outcome) {
    uint32_t place;
    if (outcomes_find(outcomes, outcome, &place)) {
        return;
    }
    assert_true(outcomes->count < OUTCOMES_MAX);
    memmove(&outcomes->list[place + 1], &outcomes->list[place], (outcomes->count - place) * sizeof outcome);
    outcomes->list[place] = outcome;
    outcomes->count++;
}

/* ---- as text ---- */

static inline void step_print(FILE *out, const struct step *step) {
    static const char *const orders[] = {"rlx", "con", "acq", "rel", "ar", "sc"};
    char location = (char)('x' + step->location);
    const char *order = orders[step->order];
    switch (step->kind) {
    case STEP_LOAD:
        fprintf(out, "r%u = %c %s", step->reg, location, order);
        break;
    case STEP_STORE:
        fprintf(out, "%c = %u %s", location, step->value, order);
        break;
    case STEP_EXCHANGE:
        fprintf(out, "r%u = xchg(%c, %u) %s", step->reg, location, step->value, order);
        break;
    default:
        fprintf(out, "fence %s", order);
    }
}

/* Threads apart by " // ", their steps by "; ", each thread in backquotes. */
static inline void weak_program_print(FILE *out, const struct weak_program *program) {
    for (unsigned thread = 0; thread < WEAK_THREADS_MAX && program->threads[thread][0].kind != STEP_NONE; thread++) {
        fputs(thread == 0 ? "`" : " // `", out);
        for (const struct step *step = program->threads[thread]; step->kind != STEP_NONE; step++) {
            fputs(step == program->threads[thread] ? "" : "; ", out);
            step_print(out, step);
        }
        fputs("`", out);
    }
}

/* "r0=1 y=2": whether the outcome has all of these values. */
static inline bool outcome_matches(uint64_t outcome, const char *text) {
    while (*text != '\0') {
        unsigned index = *text == 'r' ? (unsigned)(text[1] - '0') : REGISTERS + (unsigned)(text[0] - 'x');
        const char *value = strchr(text, '=') + 1;
        if ((outcome >> 4 * index & 15) != (unsigned)(*value - '0')) {
            return false;
        }
        text = value + 1 + strspn(value + 1, " ");
    }
    return true;
}

static inline bool outcomes_match(const struct outcomes *outcomes, const char *text) {
    for (uint32_t i = 0; i < outcomes->count; i++) {
        if (outcome_matches(outcomes->list[i], text)) {
            return true;
        }
    }
    return false;
}

/* ---- all paths ---- */

/* The decisions of one run: those below `fixed` are given, the others are 0. Counting up visits all. */
struct path {
    uint32_t length, fixed;
    uint8_t choice[64], choices[64];
};

static inline uint32_t path_wanted(const struct path *path) {
    return path->length < path->fixed ? path->choice[path->length] : 0;
}

static inline void path_chose(struct path *path, uint32_t choices) {
    assert_true(path->length < sizeof path->choice && choices >= 1 && choices < UINT8_MAX);
    path->choice[path->length] = (uint8_t)path_wanted(path);
    path->choices[path->length++] = (uint8_t)choices;
}

static inline bool path_next(struct path *path) {
    path->fixed = path->length;
    while (path->fixed > 0 && path->choice[path->fixed - 1] + 1 == path->choices[path->fixed - 1]) {
        path->fixed--;
    }
    path->length = 0;
    if (path->fixed == 0) {
        return false;
    }
    path->choice[path->fixed - 1]++;
    return true;
}

static _Atomic uint32_t weak_program_memory[LOCATIONS];

static inline void step_run(uint8_t thread, const struct step *step, struct path *path, uint64_t *result) {
    volatile void *address = &weak_program_memory[step->location];
    enum weak_order order = (enum weak_order)step->order;
    uint32_t choices;
    switch (step->kind) {
    case STEP_LOAD:
        outcome_put(result, step->reg, weak_load(thread, address, 4, order, path_wanted(path), &choices, 0));
        path_chose(path, choices);
        break;
    case STEP_STORE:
        weak_store(thread, address, 4, step->value, order, 0);
        break;
    case STEP_EXCHANGE: {
        uint32_t before = atomic_load(&weak_program_memory[step->location]);
        outcome_put(result, step->reg, before);
        weak_rmw(thread, address, 4, before, step->value, order, 0);
        break;
    }
    default:
        weak_fence(thread, order);
    }
}

static inline uint64_t weak_program_run(const struct weak_program *program, struct path *path) {
    const struct step *at[WEAK_THREADS_MAX];
    uint64_t result = 0;
    weak_begin();
    for (unsigned i = 0; i < LOCATIONS; i++) {
        atomic_store(&weak_program_memory[i], 0);
    }
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        at[i] = program->threads[i];
    }
    for (;;) {
        uint8_t ready[WEAK_THREADS_MAX];
        uint32_t count = 0;
        for (uint8_t i = 0; i < WEAK_THREADS_MAX; i++) {
            if (at[i]->kind != STEP_NONE) {
                ready[count++] = i;
            }
        }
        if (count == 0) {
            break;
        }
        uint8_t thread = ready[path_wanted(path)];
        path_chose(path, count);
        step_run(thread, at[thread]++, path, &result);
    }
    for (unsigned i = 0; i < LOCATIONS; i++) {
        outcome_put(&result, REGISTERS + i, atomic_load(&weak_program_memory[i]));
    }
    return result;
}

static inline void weak_program_explore(const struct weak_program *program, struct outcomes *outcomes) {
    struct path path = {0};
    outcomes->count = 0;
    do {
        outcomes_add(outcomes, weak_program_run(program, &path));
    } while (path_next(&path));
}

#endif
