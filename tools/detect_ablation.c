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
#include "tools/terminal.h"
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
    double ratio; /* of medians, to that with all guides */
    double z;     /* stats_difference from that; positive: takes longer without */
};

struct ablation {
    const struct detect_engine *engine;
    struct detect_trial *trials;
    double *executions[2]; /* with all guides; of the column that is done now */
    double log_ratios[COLUMNS];
    unsigned rows, trial_count;
    uint64_t max_runs;
    cJSON *json; /* rows, NULL: the table is printed */
};

static bool open_ablation(struct ablation *ablation) {
    ablation->trials = calloc(ablation->trial_count, sizeof *ablation->trials);
    ablation->executions[0] = calloc(ablation->trial_count, sizeof(double));
    ablation->executions[1] = calloc(ablation->trial_count, sizeof(double));
    return ablation->trials != NULL && ablation->executions[0] != NULL && ablation->executions[1] != NULL;
}

static void close_ablation(struct ablation *ablation) {
    free(ablation->trials);
    free(ablation->executions[0]);
    free(ablation->executions[1]);
}

/* The trials of one cell. False when the engine cannot run, or somebody wants to stop. */
static bool measure(struct ablation *ablation, const struct fault_info *fault, const struct target_info *target,
                    unsigned column, struct cell *cells) {
    const char *without = column == 0 ? "" : guide_table[column - 1].name;
    const struct detect_plan plan = {
        fault, target, without, ablation->trial_count, ablation->max_runs, DETECT_SECONDS_MAX};
    struct cell *cell = &cells[column];
    if (!detect_outcome_of(ablation->engine, &plan, ablation->trials, &cell->outcome) || interrupted()) {
        return false;
    }
    double *executions = ablation->executions[column != 0];
    for (unsigned i = 0; i < ablation->trial_count; i++) {
        executions[i] = (double)ablation->trials[i].executions;
    }
    cell->ratio = cell->outcome.executions.median / cells[0].outcome.executions.median;
    cell->z = stats_difference(executions, ablation->trial_count, ablation->executions[0], ablation->trial_count);
    ablation->log_ratios[column] += log(cell->ratio);
    return true;
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
    enum { SURE_PER_100 = 258 }; /* z of 99 % */
    const struct detect_outcome *outcome = &cell->outcome;
    char median[32];
    detect_outcome_median(outcome, median, sizeof median);
    bool is_sure = fabs(cell->z) * 100 > SURE_PER_100;
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
    printf("| `%s` | %s |", cells[0].outcome.fault->name, cells[0].outcome.target->name);
    for (unsigned i = 0; i < COLUMNS; i++) {
        print_cell(&cells[i], i == 0);
    }
    putchar('\n');
    fflush(stdout);
}

static void print_means(const struct ablation *ablation) {
    fputs("| mean ratio | | |", stdout);
    for (unsigned i = 1; i < COLUMNS; i++) {
        printf(" %.2f |", exp(ablation->log_ratios[i] / ablation->rows));
    }
    printf("\n\nEngine %s, %u trials with the seeds from 1 on, at most %llu executions each.\n", ablation->engine->name,
           ablation->trial_count, (unsigned long long)ablation->max_runs);
}

static cJSON *row_json(const struct cell *cells) {
    cJSON *row = cJSON_CreateObject();
    json_text(row, "fault", cells[0].outcome.fault->name);
    json_text(row, "target", cells[0].outcome.target->name);
    cJSON *array = cJSON_AddArrayToObject(row, "cells");
    for (unsigned i = 0; i < COLUMNS; i++) {
        cJSON *cell = cJSON_CreateObject();
        json_text(cell, "without", i == 0 ? "" : guide_table[i - 1].name);
        json_number(cell, "executions_median", cells[i].outcome.executions.median);
        json_bool(cell, "executions_median_is_lower_bound", cells[i].outcome.median_is_bound);
        json_number(cell, "found", cells[i].outcome.found);
        json_number(cell, "ratio", cells[i].ratio);
        json_number(cell, "z", cells[i].z);
        cJSON_AddItemToArray(array, cell);
    }
    return row;
}

static bool do_row(struct ablation *ablation, const struct fault_info *fault, const struct target_info *target) {
    static struct cell cells[COLUMNS];
    for (unsigned i = 0; i < COLUMNS; i++) {
        if (!measure(ablation, fault, target, i, cells)) {
            return false;
        }
    }
    ablation->rows++;
    progress_end();
    if (ablation->json != NULL) {
        cJSON_AddItemToArray(ablation->json, row_json(cells));
    } else {
        print_row(cells);
    }
    return true;
}

static bool do_rows(struct ablation *ablation, const struct fault_info *fault, const struct target_info *target) {
    if (fault != NULL) {
        return do_row(ablation, fault, target != NULL ? target : &target_table[fault->target]);
    }
    bool good = true;
    for (unsigned i = 0; i < SUBJECTS && good; i++) {
        const struct target_info *its_target = &target_table[subjects[i].target];
        if (target == NULL || target == its_target) {
            good = do_row(ablation, &fault_table[subjects[i].fault], its_target);
        }
    }
    return good;
}

int detect_ablation(const struct detect_engine *engine, const struct fault_info *fault,
                    const struct target_info *target, unsigned trials, uint64_t max_runs, bool json) {
    struct ablation ablation = {.engine = engine, .trial_count = trials, .max_runs = max_runs};
    cJSON *object = json ? json_begin("detect") : NULL;
    ablation.json = json ? cJSON_AddArrayToObject(object, "faults") : NULL;
    interrupts_watch();
    if (!json) {
        print_heading();
    }
    progress_begin();
    bool good = open_ablation(&ablation) && do_rows(&ablation, fault, target);
    progress_end();
    close_ablation(&ablation);
    if (!good) {
        fputs("hakfuzz detect: stopped before all was measured\n", stderr);
        cJSON_Delete(object);
        return EXIT_USAGE;
    }
    if (ablation.rows == 0) {
        fprintf(stderr, "hakfuzz detect: no fault of the ablation is looked for in target %s; name one with --fault\n",
                target->name);
        cJSON_Delete(object);
        return EXIT_USAGE;
    }
    if (json) {
        json_print(object);
    } else {
        print_means(&ablation);
    }
    return EXIT_CLEAN;
}
