/* detect: how many executions until a fault of the catalogue is found, from an empty corpus. What both engines share.
 */
#ifndef HAKMEM_TOOLS_DETECT_H
#define HAKMEM_TOOLS_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/fault.h"
#include "oracle/world.h"
#include "tools/propose.h"
#include "tools/stats.h"
#include "tools/tally.h"

enum { DETECT_TRIALS_MAX = 1000 };

enum { DETECT_SECONDS_MAX = 600 }; /* of a trial, unless told */

struct detect_trial {
    bool done; /* false: interrupted or the engine did not work */
    bool found;
    bool without_fault;     /* the input that was found fails with the fault disarmed too: a bug, not this fault */
    uint64_t executions;    /* up to the finding, or all of them */
    uint64_t first_reached; /* execution that first passed the fault's place; 0 never or not known */
    uint64_t first_triggered;
    double seconds; /* that it took; engine real only */
    char check[TALLY_NAME_BYTES_MAX];
};

struct detect_plan {
    const struct fault_info *fault;
    const struct target_info *target; /* the fault's, unless another one is asked for */
    const char *without;              /* guides that are taken away (guide.h), "" for none */
    unsigned trials;
    uint64_t max_runs;
    unsigned max_seconds; /* before a trial gives up; engine real only */
};

/* Trials get seeds 1, 2, 3...; each engine fills trials[0..plan->trials). Return false with a message when the engine
 * cannot run at all. The world is open. */
bool detect_builtin(const struct detect_plan *plan, struct detect_trial *trials);
bool detect_libfuzzer(const struct detect_plan *plan, struct detect_trial *trials);
/* The programs of the unguided engine, each in a process of its own, on real threads in free order. */
bool detect_real(const struct detect_plan *plan, struct detect_trial *trials);

struct detect_engine {
    const char *name;
    bool reached_known; /* also in trials that found nothing */
    bool (*function)(const struct detect_plan *plan, struct detect_trial *trials);
};
/* NULL when there is none of that name. */
const struct detect_engine *detect_engine_find(const char *name);
const char *detect_engine_name(unsigned i); /* NULL behind the last */

/* Everything known about one fault after its trials. */
struct detect_outcome {
    const struct fault_info *fault;
    const struct target_info *target;
    unsigned trials; /* done */
    unsigned found;
    unsigned reached;
    unsigned triggered;
    unsigned without_fault;
    struct stats executions; /* trials that found nothing count with all their executions */
    double seconds;          /* of the longest trial */
    bool median_is_bound;
    struct tally checks;
};
/* Run the trials of a plan into trials[0..plan->trials). False as the engines return it. */
bool detect_outcome_of(const struct detect_engine *engine, const struct detect_plan *plan, struct detect_trial *trials,
                       struct detect_outcome *outcome);
/* "12", ">200000" */
void detect_outcome_median(const struct detect_outcome *outcome, char *words, size_t capacity);
/* "12 / 3 / 90", ">200000 / 31 / 200000": median, least, most. */
void detect_outcome_spread(const struct detect_outcome *outcome, char *words, size_t capacity);

/* The table of two engines, in Markdown: its heading, and the row of a fault. */
void detect_print_pair_heading(const char *engine, const char *against);
void detect_print_pair(const struct detect_outcome *outcome, const struct detect_outcome *against);

/* detect_ablation.c: the trials again without each guide (guide.h), printed as a table in Markdown or, with `json`, as
 * an object. `fault` NULL: those of its own table; `target` NULL: that of the table or of the fault. Returns the exit
 * code. The world is open. */
int detect_ablation(const struct detect_engine *engine, const struct fault_info *fault,
                    const struct target_info *target, unsigned trials, uint64_t max_runs, bool json);

/* One trial of the unguided engine, in this process; what it stores is meaningful at any moment, since it may die. */
void detect_run_trial(const struct detect_plan *plan, uint64_t seed, struct detect_trial *trial,
                      struct proposal *candidate);

/* Run an input in a process of its own, with `fault` armed, "" for none. Whether it fails, or takes the process down;
 * then *verdict holds what is known of it. */
bool detect_replay(const struct target_info *target, const char *fault, const uint8_t *bytes, size_t size_bytes,
                   struct verdict *verdict);

/* Ordinary mistakes in the allocator instead of the catalogue's: `--mutants` anywhere on the command line hands all the
 * rest of it to tools/mutants, which takes the place of this process. True when it is there; *code says how it failed.
 */
bool detect_mutants(int argc, char **argv, int *code);

#endif
