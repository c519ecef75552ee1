/* detect_json: outcomes for programs: one object of JSON, or a row of CSV for each trial. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/detect.h"
#include "tools/json.h"

static cJSON *trials_json(const struct detect_outcome *outcome, unsigned trials) {
    cJSON *array = cJSON_CreateArray();
    for (unsigned i = 0; i < trials; i++) {
        const struct detect_trial *trial = &outcome->series->trials[i];
        cJSON *item = cJSON_CreateObject();
        json_number(item, "seed", i + 1);
        json_number(item, "executions", (double)trial->executions);
        json_bool(item, "found", trial->found);
        json_text(item, "check", trial->check);
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

static cJSON *survival_json(const struct detect_series *series, unsigned trials) {
    struct stats_point points[DETECT_TRIALS_MAX];
    size_t count = detect_outcome_survival(series, trials, points);
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        json_number(item, "executions", points[i].at);
        json_number(item, "share_not_found", points[i].share);
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

static cJSON *outcome_json(const struct detect_outcome *outcome, unsigned trials) {
    const struct detect_plan *plan = &outcome->series->plan;
    const struct fault_info *fault = plan->fault;
    const char *expected = check_table[fault->check].id;
    cJSON *item = cJSON_CreateObject();
    json_text(item, "fault", fault->name);
    json_text(item, "engine", plan->engine->name);
    json_text(item, "without", plan->without);
    json_text(item, "origin", fault->origin);
    json_text(item, "needs", fault->needs);
    json_text(item, "target", plan->target->name);
    json_text(item, "expected_check", expected);
    json_bool(item, "expected_check_seen", tally_equal(&outcome->checks, expected, 0) > 0);
    json_number(item, "found_as_expected", outcome->expected);
    cJSON_AddItemToObject(item, "checks_seen", tally_json(&outcome->checks));
    json_number(item, "trials", outcome->trials);
    json_number(item, "reached", outcome->reached);
    json_number(item, "triggered", outcome->triggered);
    json_bool(item, "reached_known_if_not_found", plan->engine->reached_known);
    json_number(item, "found", outcome->found);
    json_number(item, "found_without_fault_too", outcome->without_fault);
    json_number(item, "executions_median", outcome->executions.median);
    json_bool(item, "executions_median_is_lower_bound", outcome->median_is_bound);
    json_number(item, "executions_least", outcome->executions.minimum);
    json_number(item, "executions_most", outcome->executions.maximum);
    json_number(item, "executions_mean_restricted", outcome->executions_mean);
    json_number(item, "core_seconds_median", outcome->core_seconds.median);
    json_number(item, "core_seconds_most", outcome->core_seconds.maximum);
    json_number(item, "seconds_most", outcome->seconds);
    cJSON_AddItemToObject(item, "survival", survival_json(outcome->series, trials));
    cJSON_AddItemToObject(item, "runs", trials_json(outcome, trials));
    return item;
}

/* How the first compares with the second. */
static void add_comparison(cJSON *item, const struct detect_outcome *outcome, const struct detect_outcome *other) {
    struct stats_ranks ranks = detect_outcome_ranks(other, outcome);
    json_number(item, "ratio", other->executions.median / outcome->executions.median);
    json_number(item, "a12", ranks.a12);
    json_number(item, "u", ranks.u);
    json_number(item, "z", ranks.z);
    json_number(item, "p", ranks.p);
}

cJSON *detect_json(const struct detect_result *result) {
    cJSON *object = json_begin("detect");
    cJSON *engines = cJSON_AddArrayToObject(object, "engines");
    for (unsigned i = 0; i < result->engines; i++) {
        cJSON_AddItemToArray(engines, cJSON_CreateString(result->outcomes[i].series->plan.engine->name));
    }
    json_text(object, "against", result->against != NULL ? result->against->name : "");
    json_number(object, "trials", result->trials);
    json_number(object, "max_runs", (double)result->max_runs);
    cJSON *array = cJSON_AddArrayToObject(object, "faults");
    for (unsigned i = 0; i < result->faults * result->engines; i++) {
        const struct detect_outcome *outcome = &result->outcomes[i];
        cJSON *item = outcome_json(outcome, result->trials);
        if (result->against != NULL) {
            const struct detect_outcome *other = &result->others[i / result->engines];
            cJSON *against = outcome_json(other, result->trials);
            add_comparison(against, outcome, other);
            cJSON_AddItemToObject(item, "against", against);
        }
        cJSON_AddItemToArray(array, item);
    }
    return object;
}

/* --- CSV --- */

/* No name of ours needs quotes but the list of guides, and the origin of a fault, which has commas. */
static void print_csv_rows(const struct detect_series *series, unsigned trials, FILE *out) {
    const struct detect_plan *plan = &series->plan;
    for (unsigned i = 0; i < trials; i++) {
        const struct detect_trial *trial = &series->trials[i];
        fprintf(out, "%s,%s,%s,\"%s\",%u,%" PRIu64 ",%u,%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 ",%u,%.3f,%.3f,\"%s\"\n",
                plan->fault->name, plan->target->name, plan->engine->name, plan->without, i + 1, plan->max_runs,
                trial->found, trial->executions, trial->check, trial->first_reached, trial->first_triggered,
                trial->without_fault, trial->seconds, trial->core_seconds, plan->fault->origin);
    }
}

void detect_print_csv(const struct detect_result *result, FILE *out) {
    fputs("fault,target,engine,without,seed,max_runs,found,executions,check,first_reached,first_triggered,"
          "found_without_fault_too,seconds,core_seconds,origin\n",
          out);
    for (unsigned i = 0; i < result->list->count; i++) {
        print_csv_rows(&result->list->series[i], result->trials, out);
    }
}
