/* detect_outcome: what the trials of one series come to, and of two series beside each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/detect.h"

size_t detect_outcome_survival(const struct detect_series *series, unsigned trials, struct stats_point *points) {
    struct stats_wait waits[DETECT_TRIALS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < trials; i++) {
        const struct detect_trial *trial = &series->trials[i];
        if (trial->done) {
            waits[count++] = (struct stats_wait){(double)trial->executions, trial->found};
        }
    }
    return stats_survival(waits, count, points);
}

/* Any of the checks that the catalogue expects: which of them is first depends on what comes next. */
static bool is_expected(const struct fault_info *fault, const char *id) {
    for (unsigned check = 0; check < CHECK_COUNT; check++) {
        if (fault_expects(fault, (enum check)check) && strcmp(check_table[check].id, id) == 0) {
            return true;
        }
    }
    return false;
}

void detect_outcome_of(const struct detect_series *series, unsigned trials, struct detect_outcome *outcome) {
    double executions[DETECT_TRIALS_MAX], core_seconds[DETECT_TRIALS_MAX];
    struct stats_point points[DETECT_TRIALS_MAX];
    *outcome = (struct detect_outcome){.series = series};
    for (unsigned i = 0; i < trials; i++) {
        const struct detect_trial *trial = &series->trials[i];
        if (!trial->done) {
            continue;
        }
        core_seconds[outcome->trials] = trial->core_seconds;
        executions[outcome->trials++] = (double)trial->executions;
        outcome->found += trial->found;
        outcome->reached += trial->first_reached > 0;
        outcome->triggered += trial->first_triggered > 0;
        outcome->without_fault += trial->without_fault;
        outcome->seconds = trial->seconds > outcome->seconds ? trial->seconds : outcome->seconds;
        if (trial->found) {
            tally_add(&outcome->checks, trial->check, 0);
            outcome->expected += is_expected(series->plan.fault, trial->check);
        }
    }
    outcome->executions = stats_of(executions, outcome->trials);
    outcome->core_seconds = stats_of(core_seconds, outcome->trials);
    outcome->median_is_bound = 2 * outcome->found <= outcome->trials;
    size_t count = detect_outcome_survival(series, trials, points);
    outcome->executions_mean = stats_survival_mean(points, count, (double)series->plan.max_runs);
}

bool detect_outcome_is_good(const struct detect_outcome *outcome) {
    return outcome->trials > 0 && outcome->found == outcome->trials && outcome->without_fault == 0;
}

void detect_outcome_median(const struct detect_outcome *outcome, char *words, size_t capacity) {
    snprintf(words, capacity, "%s%.0f", outcome->median_is_bound ? ">" : "", outcome->executions.median);
}

void detect_outcome_spread(const struct detect_outcome *outcome, char *words, size_t capacity) {
    const struct stats *stats = &outcome->executions;
    snprintf(words, capacity, "%s%.0f / %.0f / %.0f", outcome->median_is_bound ? ">" : "", stats->median,
             stats->minimum, stats->maximum);
}

static size_t executions_of(const struct detect_outcome *outcome, double *values) {
    size_t count = 0;
    for (unsigned i = 0; count < outcome->trials; i++) {
        if (outcome->series->trials[i].done) {
            values[count++] = (double)outcome->series->trials[i].executions;
        }
    }
    return count;
}

struct stats_ranks detect_outcome_ranks(const struct detect_outcome *left, const struct detect_outcome *right) {
    double a[DETECT_TRIALS_MAX], b[DETECT_TRIALS_MAX];
    size_t a_count = executions_of(left, a), b_count = executions_of(right, b);
    return stats_ranks(a, a_count, b, b_count);
}
