/* detect_ablation: what each guide is worth: the trials of some faults with all guides, then without each of them.
 *
 * A median of few trials says little by itself, since executions until a finding are spread as waiting times are. So a
 * pair of samples that ranks tell apart with 99 % is marked, and for each guide stands the mean ratio over all faults.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/guide.h"
#include "tools/detect.h"
#include "tools/json.h"
#include "tools/verb.h"

/* Faults that need an interleaving or a long way, in the whole allocator and where a component is alone with them; few
 * enough that all columns are done in a quarter of an hour. Any other one can be asked for by name. */
#define ABLATION_TABLE(X)                                                                                              \
    X(SENTINEL_LEAK, THREADS)                                                                                          \
    X(SENTINEL_VISIBLE, THREADS)                                                                                       \
    X(PUSH_KEEPS_HEAD, THREADS)                                                                                        \
    X(TAKE_RELAXED, THREADS)                                                                                           \
    X(LAZY_STALE_DIVISION, THREADS)                                                                                    \
    X(LAZY_KEEPS_MORE, THREADS)                                                                                        \
    X(PURGE_STRADDLED, SEQUENCE)                                                                                       \
    X(BIGCACHE_KEEPS_ZERO, SEQUENCE)                                                                                   \
    X(PUSH_KEEPS_HEAD, REMOTE)                                                                                         \
    X(ADOPT_FORGETS_FULL, REMOTE)                                                                                      \
    X(RUN_TAIL_SHORT, RUN)                                                                                             \
    X(LAZY_KEEPS_MORE, LAZY)                                                                                           \
    X(OPTION_UNIT_TRUNCATES, OPTION)

static const struct {
    enum hak_fault fault;
    enum target target;
} subjects[] = {
#define ABLATION_ROW(fault, target) {HAK_FAULT_##fault, TARGET_##target},
    ABLATION_TABLE(ABLATION_ROW)
#undef ABLATION_ROW
};

/* Column 0 has all guides, column i + 1 lacks guide i. */
enum { COLUMNS = GUIDE_COUNT + 1, SUBJECTS = sizeof subjects / sizeof subjects[0] };

struct cell {
    struct detect_outcome outcome;
    double ratio;             /* of medians, to that with all guides */
    struct stats_ranks ranks; /* beside that with all guides; z above 0: takes longer without */
};

struct ablation {
    const struct detect_engine *engine;
    const struct detect_settings *settings;
    struct detect_list list; /* COLUMNS series a row */
    double log_ratios[COLUMNS];
    unsigned rows;
};

static bool add_row(struct ablation *ablation, const struct fault_info *fault, const struct target_info *target) {
    for (unsigned column = 0; column < COLUMNS; column++) {
        struct detect_plan plan = {.engine = ablation->engine,
                                   .fault = fault,
                                   .target = target,
                                   .max_runs = ablation->settings->max_runs,
                                   .max_seconds = ablation->settings->max_seconds};
        snprintf(plan.without, sizeof plan.without, "%s", column == 0 ? "" : guide_table[column - 1].name);
        if (detect_list_add(&ablation->list, &plan) == SIZE_MAX) {
            return false;
        }
    }
    ablation->rows++;
    return true;
}

static bool add_rows(struct ablation *ablation, const struct fault_info *fault, const struct target_info *target) {
    if (fault != NULL) {
        return add_row(ablation, fault, target != NULL ? target : &target_table[fault->target]);
    }
    bool good = true;
    for (unsigned i = 0; i < SUBJECTS && good; i++) {
        const struct target_info *its_target = &target_table[subjects[i].target];
        if (target == NULL || target == its_target) {
            good = add_row(ablation, &fault_table[subjects[i].fault], its_target);
        }
    }
    return good;
}

static void fill_cells(struct ablation *ablation, unsigned row, struct cell *cells) {
    for (unsigned i = 0; i < COLUMNS; i++) {
        struct cell *cell = &cells[i];
        detect_outcome_of(&ablation->list.series[row * COLUMNS + i], ablation->settings->trials, &cell->outcome);
        cell->ratio = cell->outcome.executions.median / cells[0].outcome.executions.median;
        cell->ranks = detect_outcome_ranks(&cell->outcome, &cells[0].outcome);
        ablation->log_ratios[i] += log(cell->ratio);
    }
}

/* --- what is printed --- */

static void print_heading(void) {
    fputs("| fault | target | all |", stdout);
    for (unsigned i = 0; i < GUIDE_COUNT; i++) {
        printf(" without `%s` |", guide_table[i].name);
    }
    fputs("\n|---|---|---|", stdout);
    for (unsigned i = 0; i < GUIDE_COUNT; i++) {
        fputs("---|", stdout);
    }
    putchar('\n');
}

static void print_cell(const struct cell *cell, bool is_first) {
    const struct detect_outcome *outcome = &cell->outcome;
    char median[32];
    detect_outcome_median(outcome, median, sizeof median);
    bool is_sure = cell->ranks.p < 0.01;
    printf(" %s", median);
    if (!is_first) {
        printf(" (%s%.2f%s)", is_sure ? "**" : "", cell->ratio, is_sure ? "**" : "");
    }
    if (outcome->found < outcome->trials) {
        printf(", %u not found", outcome->trials - outcome->found);
    }
    fputs(" |", stdout);
}

static void print_row(const struct cell *cells) {
    const struct detect_plan *plan = &cells[0].outcome.series->plan;
    printf("| `%s` | %s |", plan->fault->name, plan->target->name);
    for (unsigned i = 0; i < COLUMNS; i++) {
        print_cell(&cells[i], i == 0);
    }
    putchar('\n');
}

static void print_means(const struct ablation *ablation) {
    fputs("| mean ratio | | |", stdout);
    for (unsigned i = 1; i < COLUMNS; i++) {
        printf(" %.2f |", exp(ablation->log_ratios[i] / ablation->rows));
    }
    printf("\n\nEngine %s, %u trials with the seeds from 1 on, at most %llu executions each.\n", ablation->engine->name,
           ablation->settings->trials, (unsigned long long)ablation->settings->max_runs);
}

static cJSON *row_json(const struct cell *cells) {
    cJSON *row = cJSON_CreateObject();
    const struct detect_plan *plan = &cells[0].outcome.series->plan;
    json_text(row, "fault", plan->fault->name);
    json_text(row, "target", plan->target->name);
    cJSON *array = cJSON_AddArrayToObject(row, "cells");
    for (unsigned i = 0; i < COLUMNS; i++) {
        cJSON *cell = cJSON_CreateObject();
        json_text(cell, "without", i == 0 ? "" : guide_table[i - 1].name);
        json_number(cell, "executions_median", cells[i].outcome.executions.median);
        json_bool(cell, "executions_median_is_lower_bound", cells[i].outcome.median_is_bound);
        json_number(cell, "found", cells[i].outcome.found);
        json_number(cell, "ratio", cells[i].ratio);
        json_number(cell, "a12", cells[i].ranks.a12);
        json_number(cell, "z", cells[i].ranks.z);
        json_number(cell, "p", cells[i].ranks.p);
        cJSON_AddItemToArray(array, cell);
    }
    return row;
}

static void print_all(struct ablation *ablation, bool json) {
    static struct cell cells[COLUMNS];
    cJSON *object = json ? json_begin("detect") : NULL;
    cJSON *array = json ? cJSON_AddArrayToObject(object, "faults") : NULL;
    if (!json) {
        print_heading();
    }
    for (unsigned row = 0; row < ablation->rows; row++) {
        fill_cells(ablation, row, cells);
        if (json) {
            cJSON_AddItemToArray(array, row_json(cells));
        } else {
            print_row(cells);
        }
    }
    if (json) {
        json_print(object);
    } else {
        print_means(ablation);
    }
}

int detect_ablation(const struct detect_engine *engine, const struct fault_info *fault,
                    const struct target_info *target, const struct detect_settings *settings, bool json) {
    struct ablation ablation = {.engine = engine, .settings = settings, .list.trials = settings->trials};
    int code = EXIT_USAGE;
    if (add_rows(&ablation, fault, target)) {
        if (ablation.rows == 0) {
            fprintf(stderr,
                    "hakfuzz detect: no fault of the ablation is looked for in target %s; name one with --fault\n",
                    target->name);
        } else if (detect_run(&ablation.list, settings->jobs, settings->store)) {
            print_all(&ablation, json);
            code = EXIT_CLEAN;
        }
    }
    detect_list_free(&ablation.list);
    return code;
}
