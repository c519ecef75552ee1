/* detect_outcome: the engines, what the trials of one fault come to, and two engines beside each other. */
#include <stdio.h>
#include <string.h>

#include "tools/detect.h"

static const struct detect_engine engines[] = {
    {"builtin", true, detect_builtin}, {"libfuzzer", false, detect_libfuzzer}, {"real", true, detect_real}};

const struct detect_engine *detect_engine_find(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(name, engines[i].name) == 0) {
            return &engines[i];
        }
    }
    return NULL;
}

const char *detect_engine_name(unsigned i) {
    return i < sizeof engines / sizeof engines[0] ? engines[i].name : NULL;
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
        outcome->seconds = trial->seconds > outcome->seconds ? trial->seconds : outcome->seconds;
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

void detect_outcome_spread(const struct detect_outcome *outcome, char *words, size_t capacity) {
    const struct stats *stats = &outcome->executions;
    snprintf(words, capacity, "%s%.0f / %.0f / %.0f", outcome->median_is_bound ? ">" : "", stats->median,
             stats->minimum, stats->maximum);
}

void detect_print_pair_heading(const char *engine, const char *against) {
    printf("| fault | needs | %s: found | executions: median / least / most | %s: found | executions: median / least / "
           "most | by | longest trial |\n|---|---|---|---|---|---|---|---|\n",
           engine, against);
}

void detect_print_pair(const struct detect_outcome *outcome, const struct detect_outcome *against) {
    char executions[64], against_executions[64], seen[200];
    detect_outcome_spread(outcome, executions, sizeof executions);
    detect_outcome_spread(against, against_executions, sizeof against_executions);
    tally_words(&against->checks, seen, sizeof seen);
    printf("| `%s` | %s | %u/%u | %s | %u/%u | %s | %s%s | %.0f s |\n", outcome->fault->name, outcome->fault->needs,
           outcome->found, outcome->trials, executions, against->found, against->trials, against_executions,
           against->found > 0 ? seen : "not found",
           outcome->without_fault + against->without_fault > 0 ? " (FAILS WITHOUT THE FAULT TOO)" : "",
           against->seconds);
    fflush(stdout);
}
