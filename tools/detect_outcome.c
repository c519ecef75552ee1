/* detect_outcome: the engines, and what the trials of one fault come to. */
#include <string.h>

#include "tools/detect.h"

static const struct detect_engine engines[] = {{"builtin", true, detect_builtin},
                                               {"libfuzzer", false, detect_libfuzzer}};

const struct detect_engine *detect_engine_find(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(name, engines[i].name) == 0) {
            return &engines[i];
        }
    }
    return NULL;
}

static void summarize(const struct detect_plan *plan, const struct detect_trial *trials,
                      struct detect_outcome *outcome) {
    double executions[DETECT_TRIALS_MAX];
    *outcome = (struct detect_outcome){.fault = plan->fault, .target = plan->target};
    for (unsigned i = 0; i < plan->trials; i++) {
        const struct detect_trial *trial = &trials[i];
        if (!trial->done) {
            continue;
        }
        executions[outcome->trials++] = (double)trial->executions;
        outcome->found += trial->found;
        outcome->reached += trial->first_reached > 0;
        outcome->triggered += trial->first_triggered > 0;
        outcome->without_fault += trial->without_fault;
        if (trial->found) {
            tally_add(&outcome->checks, trial->check, 0);
        }
    }
    outcome->executions = stats_of(executions, outcome->trials);
    outcome->median_is_bound = 2 * outcome->found <= outcome->trials;
}

bool detect_outcome_of(const struct detect_engine *engine, const struct detect_plan *plan, struct detect_trial *trials,
                       struct detect_outcome *outcome) {
    memset(trials, 0, plan->trials * sizeof *trials);
    bool good = engine->function(plan, trials);
    summarize(plan, trials, outcome);
    return good;
}

void detect_outcome_median(const struct detect_outcome *outcome, char *words, size_t capacity) {
    snprintf(words, capacity, "%s%.0f", outcome->median_is_bound ? ">" : "", outcome->executions.median);
}
