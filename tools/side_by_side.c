/* side_by_side: see the header. */
#include "tools/side_by_side.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/amount.h"
#include "tools/json.h"
#include "tools/terminal.h"

/* --- figures --- */

static bool measure_rounds(struct side_by_side *side, struct side_row *row, const struct load *load,
                           double (*ns)[MEASURE_ROUNDS_MAX]) {
    for (unsigned round = 0; round < side->rounds; round++) {
        for (unsigned i = 0; i < side->measure->count; i++) {
            unsigned malloc = (i + round) % side->measure->count; /* none is always the first */
            struct load_result result;
            if (!measure_time(side->measure, malloc, load, MEASURE_NS, &result)) {
                return false;
            }
            bool good = result.done && result.refused == 0;
            ns[malloc][round] = good ? (double)result.cpu_ns / (double)result.operations : NAN;
            row->figures[malloc].faults = good ? (double)result.faults / (double)result.operations : NAN;
        }
    }
    return true;
}

static bool all_ended(const double *ns, unsigned rounds) {
    bool all = true;
    for (unsigned i = 0; i < rounds; i++) {
        all = all && !isnan(ns[i]);
    }
    return all;
}

static bool measure_bytes(struct side_by_side *side, struct side_row *row, unsigned malloc, const struct load *load) {
    struct figures *figures = &row->figures[malloc];
    struct load_result result;
    if (!measure_memory(side->measure, malloc, load, &result)) {
        return false;
    }
    bool good = result.done && result.refused == 0;
    figures->peak_bytes = result.peak_bytes;
    figures->left_bytes = result.left_bytes;
    figures->kept_bytes = result.kept_bytes;
    figures->values[METRIC_MEMORY] = good && measure_is_enough(side->measure, row->peak_bytes)
                                         ? (double)result.peak_bytes / (double)row->peak_bytes
                                         : NAN;
    figures->values[METRIC_LEFT] = good && measure_is_enough(side->measure, row->left_bytes)
                                       ? (double)result.left_bytes / (double)row->left_bytes
                                       : NAN;
    return true;
}

static void compare_row(struct side_row *row, unsigned mallocs) {
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        double best = NAN;
        row->ratios[metric] = NAN;
        for (unsigned i = 1; i < mallocs; i++) {
            double value = row->figures[i].values[metric];
            if (!isnan(value) && !(value >= best)) {
                best = value;
                row->others[metric] = i;
                row->ratios[metric] = row->figures[0].values[metric] / best;
            }
        }
    }
}

bool side_by_side_add(struct side_by_side *side, const char *name, const struct load *load) {
    static double ns[MEASURE_MALLOCS_MAX][MEASURE_ROUNDS_MAX];
    if (!measure_is_fit(load)) {
        side->unfit++;
        return true;
    }
    struct side_row *rows = realloc(side->rows, (side->row_count + 1) * sizeof *rows);
    char *copy = strdup(name);
    side->rows = rows != NULL ? rows : side->rows;
    if (rows == NULL || copy == NULL) {
        free(copy);
        fputs("hakfuzz diff: out of memory for the table\n", stderr);
        return false;
    }
    struct side_row *row = &rows[side->row_count++];
    *row = (struct side_row){.name = copy, .calls = load->calls, .phases = load->phase_count};
    row->banks = load_banks(load, side->measure->live_bytes, LOAD_BANKS_MAX);
    row->peak_bytes = row->banks * load->peak_bytes;
    row->left_bytes = row->banks * load->left_bytes;
    bool good = measure_rounds(side, row, load, ns);
    for (unsigned i = 0; i < side->measure->count && good; i++) {
        good = measure_bytes(side, row, i, load);
        bool ended = all_ended(ns[i], side->rounds);
        row->figures[i].ns = ended ? stats_of(ns[i], side->rounds) : (struct stats){NAN, NAN, NAN};
        row->figures[i].values[METRIC_TIME] = row->figures[i].ns.median;
    }
    compare_row(row, side->measure->count);
    return good;
}

/* --- text --- */

/* "1.06", or "-" where there is none. */
static const char *number(double value, char text[16]) {
    snprintf(text, 16, isnan(value) ? "-" : "%.2f", value);
    return text;
}

static void print_figures(const struct contender *contender, const struct figures *figures, FILE *out) {
    char ns[16], faults[16], peak[16], left[16], range[40];
    char peak_bytes[AMOUNT_BYTES], left_bytes[AMOUNT_BYTES], kept_bytes[AMOUNT_BYTES];
    snprintf(range, sizeof range, "%.1f..%.1f", figures->ns.minimum, figures->ns.maximum);
    fprintf(out, "  %-26s %9s %16s %7s %11s %6s %11s %6s %11s\n", contender->name,
            number(figures->values[METRIC_TIME], ns), range, number(figures->faults, faults),
            amount_bytes(figures->peak_bytes, peak_bytes), number(figures->values[METRIC_MEMORY], peak),
            amount_bytes(figures->left_bytes, left_bytes), number(figures->values[METRIC_LEFT], left),
            amount_bytes(figures->kept_bytes, kept_bytes));
}

static void print_ratios(const struct side_by_side *side, const struct side_row *row, FILE *out) {
    bool any = false;
    fprintf(out, "  %s to the best other:", side->measure->contenders[0].name);
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        if (!isnan(row->ratios[metric])) {
            fprintf(out, "%s %s %.2f (%s)", any ? "," : "", metric_table[metric].name, row->ratios[metric],
                    side->measure->contenders[row->others[metric]].name);
            any = true;
        }
    }
    fputs(any ? "\n" : " there is none\n", out);
}

static void print_row(const struct side_by_side *side, const struct side_row *row, FILE *out) {
    char peak[AMOUNT_BYTES], left[AMOUNT_BYTES];
    fprintf(out, "%s: %" PRIu32 " calls in %" PRIu32 " phases; on %" PRIu32 " banks %s live at most, %s at the end\n",
            row->name, row->calls, row->phases, row->banks, amount_bytes(row->peak_bytes, peak),
            amount_bytes(row->left_bytes, left));
    fprintf(out, "  %-26s %9s %16s %7s %11s %6s %11s %6s %11s\n", "", "ns/call", "least..most", "faults", "resident",
            "/live", "left", "/live", "freed");
    for (unsigned i = 0; i < side->measure->count; i++) {
        print_figures(&side->measure->contenders[i], &row->figures[i], out);
    }
    print_ratios(side, row, out);
}

/* Over all programs: the mean of ratios, and the worst. */
struct sum {
    double logarithms, worst;
    unsigned count;
    size_t row;
};

static struct sum sum_of(const struct side_by_side *side, enum metric metric) {
    struct sum sum = {.worst = 0};
    for (size_t i = 0; i < side->row_count; i++) {
        double ratio = side->rows[i].ratios[metric];
        if (!isnan(ratio) && ratio > 0) {
            sum.logarithms += log(ratio);
            sum.count++;
            sum.row = ratio > sum.worst ? i : sum.row;
            sum.worst = ratio > sum.worst ? ratio : sum.worst;
        }
    }
    return sum;
}

void side_by_side_print(const struct side_by_side *side, FILE *out) {
    for (size_t i = 0; i < side->row_count; i++) {
        print_row(side, &side->rows[i], out);
        fputc('\n', out);
    }
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        struct sum sum = sum_of(side, (enum metric)metric);
        if (sum.count > 0) {
            fprintf(out, "%-6s %s to the best other: geometric mean %.2f of %u program%s, worst %.2f (%s)\n",
                    metric_table[metric].name, side->measure->contenders[0].name, exp(sum.logarithms / sum.count),
                    sum.count, sum.count == 1 ? "" : "s", sum.worst, side->rows[sum.row].name);
        }
    }
    if (side->unfit > 0) {
        fprintf(out, "%" PRIu64 " program%s not measured: no calls, or more than %d MiB live\n", side->unfit,
                side->unfit == 1 ? "" : "s", MEASURE_LIVE_MOST_BYTES >> 20);
    }
}

/* --- JSON --- */

static cJSON *metric_json(unsigned metric) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "metric", metric_table[metric].name);
    return object;
}

static cJSON *figures_json(const struct contender *contender, const struct figures *figures) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "malloc", contender->name);
    cJSON *values = cJSON_AddArrayToObject(object, "values");
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        cJSON *item = metric_json(metric);
        json_number(item, "value", figures->values[metric]);
        cJSON_AddItemToArray(values, item);
    }
    json_number(object, "least_ns", figures->ns.minimum);
    json_number(object, "most_ns", figures->ns.maximum);
    json_number(object, "page_faults", figures->faults);
    json_number(object, "peak_resident_bytes", (double)figures->peak_bytes);
    json_number(object, "end_resident_bytes", (double)figures->left_bytes);
    json_number(object, "freed_resident_bytes", (double)figures->kept_bytes);
    return object;
}

static cJSON *row_json(const struct side_by_side *side, const struct side_row *row) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "file", row->name);
    json_number(object, "calls", row->calls);
    json_number(object, "phases", row->phases);
    json_number(object, "banks", row->banks);
    json_number(object, "peak_live_bytes", (double)row->peak_bytes);
    json_number(object, "end_live_bytes", (double)row->left_bytes);
    cJSON *mallocs = cJSON_AddArrayToObject(object, "mallocs");
    for (unsigned i = 0; i < side->measure->count; i++) {
        cJSON_AddItemToArray(mallocs, figures_json(&side->measure->contenders[i], &row->figures[i]));
    }
    cJSON *ratios = cJSON_AddArrayToObject(object, "ratios");
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        cJSON *item = metric_json(metric);
        json_number(item, "ratio", row->ratios[metric]);
        json_text(item, "best_other", side->measure->contenders[row->others[metric]].name);
        cJSON_AddItemToArray(ratios, item);
    }
    return object;
}

cJSON *side_by_side_json(const struct side_by_side *side) {
    cJSON *object = json_begin("diff");
    cJSON *measured = cJSON_AddArrayToObject(object, "measured");
    json_number(object, "programs", (double)side->row_count);
    json_number(object, "times", side->rounds);
    json_number(object, "not_measured", (double)side->unfit);
    for (size_t i = 0; i < side->row_count; i++) {
        cJSON_AddItemToArray(measured, row_json(side, &side->rows[i]));
    }
    return object;
}

void side_by_side_free(struct side_by_side *side) {
    for (size_t i = 0; i < side->row_count; i++) {
        free(side->rows[i].name);
    }
    free(side->rows);
    side->rows = NULL;
    side->row_count = 0;
}
