/* detect_write: outcomes as tables for people: text, Markdown, and two engines beside each other. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/detect.h"
#include "tools/terminal.h"

enum { WORDS_BYTES_MAX = 64, SEEN_BYTES_MAX = 200 };

static const struct fault_info *fault_of(const struct detect_outcome *outcome) {
    return outcome->series->plan.fault;
}

static const char *engine_of(const struct detect_outcome *outcome) {
    return outcome->series->plan.engine->name;
}

static const char *remark_of(const struct detect_outcome *outcome) {
    return outcome->without_fault > 0 ? " (FAILS WITHOUT THE FAULT TOO)" : "";
}

/* "3/5"; "?" where the engine does not tell. */
static void count_words(const struct detect_outcome *outcome, unsigned count, char *buffer, size_t capacity) {
    if (outcome->series->plan.engine->reached_known || (count > 0 && outcome->found == outcome->trials)) {
        snprintf(buffer, capacity, "%u/%u", count, outcome->trials);
    } else {
        snprintf(buffer, capacity, "?");
    }
}

/* "not found" or the checks that saw it. */
static void seen_words(const struct detect_outcome *outcome, char *buffer, size_t capacity) {
    snprintf(buffer, capacity, "not found");
    if (outcome->found > 0) {
        tally_words(&outcome->checks, buffer, capacity);
    }
}

/* Of the longest name of a fault. */
static int name_columns(void) {
    size_t longest = 0;
    for (unsigned i = 0; i < HAK_FAULT_COUNT; i++) {
        size_t length = strlen(fault_table[i].name);
        longest = length > longest ? length : longest;
    }
    return (int)longest;
}

/* --- a row for each fault and engine --- */

static void print_heading(const struct detect_result *result, bool markdown, FILE *out) {
    bool several = result->engines > 1;
    if (markdown) {
        fprintf(
            out,
            "| fault | %sorigin | needs | target | expected check | seen by (trials) | reached | triggered | found | "
            "executions: median / least / most |\n%s|---|---|---|---|---|---|---|---|---|---|\n",
            several ? "engine | " : "", several ? "|---" : "");
    } else {
        fprintf(out, "%-*s  %s%-8s  %-18s  %7s  %9s  %11s  %-26s  %s\n", name_columns(), "fault",
                several ? "engine     " : "", "target", "expected check", "reached", "triggered", "found",
                "median / least / most", "seen by (trials)");
    }
}

static void print_row(const struct detect_result *result, const struct detect_outcome *outcome, bool markdown,
                      FILE *out) {
    char executions[WORDS_BYTES_MAX], seen[SEEN_BYTES_MAX], reached[WORDS_BYTES_MAX], triggered[WORDS_BYTES_MAX];
    char engine[WORDS_BYTES_MAX] = "";
    const struct fault_info *fault = fault_of(outcome);
    const char *expected = check_table[fault->check].id, *target = outcome->series->plan.target->name;
    bool good = detect_outcome_is_good(outcome);
    detect_outcome_spread(outcome, executions, sizeof executions);
    seen_words(outcome, seen, sizeof seen);
    count_words(outcome, outcome->reached, reached, sizeof reached);
    count_words(outcome, outcome->triggered, triggered, sizeof triggered);
    if (result->engines > 1) {
        snprintf(engine, sizeof engine, markdown ? "%s | " : "%-9s  ", engine_of(outcome));
    }
    if (markdown) {
        fprintf(out, "| `%s` | %s%s | %s | %s | `%s` | %s%s | %s | %s | %u/%u | %s |\n", fault->name, engine,
                fault->origin, fault->needs, target, expected, seen, remark_of(outcome), reached, triggered,
                outcome->found, outcome->trials, executions);
    } else {
        fprintf(out, "%s%-*s%s  %s%-8s  %-18s  %7s  %9s  %7u/%-3u  %-26s  %s%s\n", good ? "" : colour_bad(out),
                name_columns(), fault->name, good ? "" : colour_end(out), engine, target, expected, reached, triggered,
                outcome->found, outcome->trials, executions, seen, remark_of(outcome));
    }
}

/* How long a core needs, in the median: what the seconds of a shared machine do not say. */
static void print_core_time(const struct detect_result *result, unsigned engine, FILE *out) {
    enum { SHORT_S = 600 };
    unsigned within = 0, found = 0;
    double longest = 0;
    for (unsigned i = 0; i < result->faults; i++) {
        const struct detect_outcome *outcome = &result->outcomes[i * result->engines + engine];
        bool is_found = !outcome->median_is_bound;
        found += is_found;
        within += is_found && outcome->core_seconds.median <= SHORT_S;
        longest = is_found && outcome->core_seconds.median > longest ? outcome->core_seconds.median : longest;
    }
    fprintf(out,
            "%s: %u of %u faults (%.0f %%) within ten core-minutes in the median; the longest median of those found is "
            "%.1f core-seconds; %u not found in half of the trials\n",
            result->outcomes[engine].series->plan.engine->name, within, result->faults, 100.0 * within / result->faults,
            longest, result->faults - found);
}

static void print_summary(const struct detect_result *result, unsigned engine, FILE *out) {
    unsigned good = 0, expected = 0;
    for (unsigned i = 0; i < result->faults; i++) {
        const struct detect_outcome *outcome = &result->outcomes[i * result->engines + engine];
        good += detect_outcome_is_good(outcome);
        expected += outcome->found > 0 && outcome->expected == outcome->found;
    }
    fprintf(out,
            "%u of %u faults found in every trial, %u by expected checks alone (engine %s, %u trial%s, at most %" PRIu64
            " executions each)\n",
            good, result->faults, expected, result->outcomes[engine].series->plan.engine->name, result->trials,
            result->trials == 1 ? "" : "s", result->max_runs);
}

void detect_print_text(const struct detect_result *result, bool markdown, FILE *out) {
    print_heading(result, markdown, out);
    for (unsigned i = 0; i < result->faults * result->engines; i++) {
        print_row(result, &result->outcomes[i], markdown, out);
    }
    for (unsigned engine = 0; engine < result->engines; engine++) {
        fputs(markdown ? "\n" : "", out);
        print_summary(result, engine, out);
        fputs(markdown ? "\n" : "", out);
        print_core_time(result, engine, out);
    }
}

/* --- two engines beside each other --- */

/* What one engine's faults come to beside those of the other. */
struct pairs {
    unsigned both, sure;
    double log_ratio; /* sum over faults that both find in the median */
    double *ratios;   /* of these */
    double means, other_means;
};

static void print_pair(const struct detect_outcome *outcome, const struct detect_outcome *other, struct pairs *pairs,
                       FILE *out) {
    char words[WORDS_BYTES_MAX], other_words[WORDS_BYTES_MAX], seen[SEEN_BYTES_MAX];
    const char *sign = outcome->median_is_bound && other->median_is_bound ? "?"
                       : outcome->median_is_bound                         ? "<"
                       : other->median_is_bound                           ? ">"
                                                                          : "";
    struct stats_ranks ranks = detect_outcome_ranks(other, outcome);
    double ratio = other->executions.median / outcome->executions.median;
    bool is_sure = ranks.p < 0.01;
    detect_outcome_spread(outcome, words, sizeof words);
    detect_outcome_spread(other, other_words, sizeof other_words);
    seen_words(other, seen, sizeof seen);
    if (*sign == '\0') {
        pairs->ratios[pairs->both++] = ratio;
        pairs->log_ratio += log(ratio);
    }
    pairs->sure += is_sure && ranks.z > 0;
    pairs->means += outcome->executions_mean;
    pairs->other_means += other->executions_mean;
    fprintf(out, "| `%s` | %s | %u/%u | %s | %.1f | %u/%u | %s | %.1f | %s%s | %s%s%.*f%s | %.2f |\n",
            fault_of(outcome)->name, outcome->series->plan.target->name, outcome->found, outcome->trials, words,
            outcome->core_seconds.median, other->found, other->trials, other_words, other->core_seconds.median, seen,
            remark_of(other->without_fault > 0 ? other : outcome), is_sure ? "**" : "", sign, ratio < 10 ? 1 : 0, ratio,
            is_sure ? "**" : "", ranks.a12);
}

static void print_misses(const struct detect_result *result, bool of_others, unsigned engine, FILE *out) {
    unsigned count = 0;
    for (unsigned i = 0; i < result->faults; i++) {
        const struct detect_outcome *outcome =
            of_others ? &result->others[i] : &result->outcomes[i * result->engines + engine];
        if (outcome->median_is_bound) {
            fprintf(out, "%s`%s` (%u/%u)", count++ > 0 ? ", " : "", fault_of(outcome)->name, outcome->found,
                    outcome->trials);
        }
    }
    fprintf(out, "%s\n", count > 0 ? "" : "none");
}

static void print_pairs_of(const struct detect_result *result, unsigned engine, struct pairs *pairs, FILE *out) {
    const char *name = result->outcomes[engine].series->plan.engine->name, *against = result->against->name;
    *pairs = (struct pairs){.ratios = pairs->ratios};
    fprintf(
        out,
        "| fault | target | %s: found | executions: median / least / most | core s | %s: found | executions: median "
        "/ least / most | core s | by | times | A12 |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        name, against);
    for (unsigned i = 0; i < result->faults; i++) {
        print_pair(&result->outcomes[i * result->engines + engine], &result->others[i], pairs, out);
    }
    fprintf(out, "\nNot found in half of the trials by %s: ", name);
    print_misses(result, false, engine, out);
    fprintf(out, "\nNot found in half of the trials by %s: ", against);
    print_misses(result, true, engine, out);
    fprintf(
        out,
        "\nOver the %u faults that both find, %s needs %.1f times the executions of %s in the median (geometric mean "
        "%.1f). Over all %u, restricted means added up, at least %.1f times; longer with 99 %% certainty for %u.\n",
        pairs->both, against, stats_of(pairs->ratios, pairs->both).median, name,
        pairs->both > 0 ? exp(pairs->log_ratio / pairs->both) : 0, result->faults, pairs->other_means / pairs->means,
        pairs->sure);
    fputc('\n', out);
    print_core_time(result, engine, out);
    fputc('\n', out);
}

void detect_print_pairs(const struct detect_result *result, FILE *out) {
    double ratios[HAK_FAULT_COUNT];
    struct pairs pairs = {.ratios = ratios};
    for (unsigned engine = 0; engine < result->engines; engine++) {
        print_pairs_of(result, engine, &pairs, out);
        fputs(engine + 1 < result->engines ? "\n" : "", out);
    }
    for (unsigned engine = 0; engine < result->engines; engine++) {
        print_summary(result, engine, out);
    }
}
