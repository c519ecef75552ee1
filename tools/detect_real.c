/* detect_real: the trials of the unguided engine with real threads in the place of virtual ones. What differs is who
 * decides which thread runs, and what an execution costs; programs, geometries, options and faults are the same.
 * Trials run one after the other: each has the machine to itself, as far as this tool is concerned. */
#include <stdio.h>
#include <string.h>

#include "oracle/guide.h"
#include "oracle/real.h"
#include "tools/detect.h"
#include "tools/malloc_choice.h"
#include "tools/terminal.h"

/* Whole programs reach a fault through the whole malloc, also one that the world looks for in a component. */
static const struct target_info *target_of(const struct detect_plan *plan) {
    const struct target_info *target = plan->target;
    return *target->component == '\0' ? target : &target_table[TARGET_THREADS];
}

static bool run(const struct detect_plan *plan, const struct backend *backend, enum hak_fault fault,
                const struct proposal *candidate, struct real_outcome *outcome) {
    char why[VERDICT_MESSAGE_BYTES_MAX];
    struct program program;
    const struct real_plan real_plan = {.backend = backend,
                                        .target = target_of(plan),
                                        .order = REAL_ORDER_FREE,
                                        .instances = 1,
                                        .times = 1,
                                        .fault = fault};
    program_read(&program, candidate->bytes, candidate->size_bytes);
    if (!real_run(&real_plan, &program, outcome, why, sizeof why)) {
        fprintf(stderr, "hakfuzz detect: %s\n", why);
        return false;
    }
    return true;
}

static bool run_trial(const struct detect_plan *plan, const struct backend *backend, uint64_t seed,
                      struct detect_trial *trial) {
    static struct proposer proposer;
    static struct proposal candidate;
    static struct real_outcome outcome;
    enum hak_fault fault = (enum hak_fault)(plan->fault - fault_table);
    uint64_t begun_ns = clock_ns();
    propose_begin(&proposer, seed, target_of(plan));
    while (trial->executions < plan->max_runs && trial->seconds < plan->max_seconds && !interrupted()) {
        propose(&proposer, &candidate);
        if (!run(plan, backend, fault, &candidate, &outcome)) {
            return false;
        }
        trial->executions++;
        trial->seconds = (double)(clock_ns() - begun_ns) / 1e9;
        if (trial->first_reached == 0 && outcome.verdict.fault_reached > 0) {
            trial->first_reached = trial->executions;
        }
        if (trial->first_triggered == 0 && outcome.verdict.fault_triggered > 0) {
            trial->first_triggered = trial->executions;
        }
        if (outcome.verdict.check != CHECK_NONE) {
            trial->found = true;
            snprintf(trial->check, sizeof trial->check, "%s", check_table[outcome.verdict.check].id);
            /* A process that crashed did not say what it had passed. */
            trial->first_reached = trial->first_reached == 0 ? trial->executions : trial->first_reached;
            trial->first_triggered = trial->first_triggered == 0 ? trial->executions : trial->first_triggered;
            trial->done = run(plan, backend, HAK_FAULT_NONE, &candidate, &outcome);
            trial->without_fault = outcome.verdict.check != CHECK_NONE;
            return trial->done;
        }
        propose_keep(&proposer, &candidate);
    }
    trial->done = !interrupted();
    return true;
}

bool detect_real(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared) {
    struct malloc_choice malloc;
    if (!malloc_choose(NULL, &(struct options){.malloc_name = NULL}, REAL_ORDER_FREE, &malloc)) {
        return false;
    }
    (void)guide_take_away(plan->without); /* names that were looked at */
    bool good = run_trial(plan, &malloc.backend, seed, &shared->trial);
    malloc_close(&malloc);
    return good;
}
