/* performance: the part of `hakfuzz diff` that measures: --performance (side_by_side.h) and --worst (worst.h), from
 * options to the exit code. Single-threaded. */
#ifndef HAKMEM_TOOLS_PERFORMANCE_H
#define HAKMEM_TOOLS_PERFORMANCE_H

#include "tools/malloc_choice.h"
#include "tools/side_by_side.h"
#include "tools/worst.h"

enum { PERFORMANCE_NOT_GIVEN = -1 };

struct performance {
    /* options */
    int is_on;
    char *metric; /* of --worst; NULL: it was not asked for */
    int rounds, seconds, live_mib;
    long runs_most;
    double above;
    /* filled in by performance_open */
    struct contender contenders[MEASURE_MALLOCS_MAX];
    char *own; /* path of hakmem's shared object */
    char *self;
    struct measure measure;
    struct side_by_side side;
    struct worst worst;
};

#define PERFORMANCE_INITIAL                                                                                            \
    {                                                                                                                  \
        .rounds = PERFORMANCE_NOT_GIVEN, .seconds = PERFORMANCE_NOT_GIVEN, .live_mib = PERFORMANCE_NOT_GIVEN,          \
        .runs_most = PERFORMANCE_NOT_GIVEN, .above = PERFORMANCE_NOT_GIVEN                                             \
    }

static inline bool performance_is_wanted(const struct performance *performance) {
    return performance->is_on || performance->metric != NULL;
}

/* Whether its options go together, and defaults for what was not given. Complains otherwise. */
bool performance_check(const struct verb_help *help, struct performance *performance);

/* Start what measures. `mallocs` are open and stay so; `seed` is that of the search. performance_close is due. False,
 * with a message, when one of them does not serve. */
bool performance_open(struct performance *performance, const struct target_info *target, uint64_t seed,
                      struct malloc_choice *const *mallocs, unsigned count, bool (*goes_on)(void));
void performance_close(struct performance *performance);

/* A program to measure, or to begin the search with. False, with a message, when no process could be had. */
bool performance_take(struct performance *performance, const char *name, const struct target_info *target,
                      const struct program *program);
/* The search, where one is wanted; the report, and with `directory` files. Returns an exit code. */
int performance_finish(struct performance *performance, const char *directory, bool json);

#endif
