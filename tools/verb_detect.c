/* verb_detect: ground truth. Each historical bug of the catalogue is put back alone, and the machine has to find it.
 * Reached, triggered and found are counted separately: they tell a place that is never visited from a check that is
 * blind. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/guide.h"
#include "tools/choice.h"
#include "tools/detect.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/verb.h"

#define GUIDE_NAME(id, name, meaning) name " "
static const char guide_names[] = GUIDE_TABLE(GUIDE_NAME);
#undef GUIDE_NAME

#define GUIDE_LINE(id, name, meaning) "  " name ": " meaning "\n"
#define GUIDES GUIDE_TABLE(GUIDE_LINE)
static const struct verb_help help = {
    "detect",
    "[OPTION...]",
    "Puts each fault of the catalogue back, alone, and fuzzes its target from an empty corpus until it is found, in\n"
    "several trials with seeds 1, 2, 3... A median with '>' means that half of the trials or more found nothing.\n"
    "Engine real runs the programs of builtin on real threads; --against makes one table of two engines.\n"
    "With --ablation some of them are looked for again without each of the guides, which are:\n" GUIDES
    "Exit status 1 when a fault is not found in every trial, or a finding also happens without its fault.\n",
    "  hakfuzz detect\n"
    "  hakfuzz detect --fault sentinel-leak --trials 20\n"
    "  hakfuzz detect --engine libfuzzer --max-runs 1000000\n"
    "  hakfuzz detect --markdown > table.md\n"
    "  hakfuzz detect --fault owner-8bit,take-relaxed --against real --seconds 600\n"
    "  hakfuzz detect --ablation --engine libfuzzer --trials 20\n",
};
#undef GUIDES
#undef GUIDE_LINE

struct detect {
    struct options options;
    char *engine_name, *against_name;
    char *without;
    int trials;
    long max_runs, seconds;
    int markdown;
    int ablation;
    unsigned faults[HAK_FAULT_COUNT]; /* to look for */
    unsigned fault_count;
    const struct target_info *target;             /* NULL: each fault's own */
    const struct detect_engine *engine, *against; /* the second one may be NULL */
    struct detect_outcome outcomes[HAK_FAULT_COUNT];
    struct detect_outcome others[HAK_FAULT_COUNT]; /* of the second engine */
    unsigned outcome_count;
};

static bool is_good(const struct detect_outcome *outcome) {
    return outcome->trials > 0 && outcome->found == outcome->trials && outcome->without_fault == 0;
}

static bool check_is_expected(const struct detect_outcome *outcome) {
    return tally_equal(&outcome->checks, check_table[outcome->fault->check].id, 0) > 0;
}

static void say_progress(const struct detect_outcome *outcome, unsigned index, unsigned count) {
    progress("%u of %u faults; %s found %u of %u", index + 1, count, outcome->fault->name, outcome->found,
             outcome->trials);
}

/* "3/5"; "?" where the engine does not tell. */
static void count_words(const struct detect *detect, const struct detect_outcome *outcome, unsigned count, char *buffer,
                        size_t capacity) {
    if (detect->engine->reached_known || (count > 0 && outcome->found == outcome->trials)) {
        snprintf(buffer, capacity, "%u/%u", count, outcome->trials);
    } else {
        snprintf(buffer, capacity, "?");
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

static void print_row(const struct detect *detect, const struct detect_outcome *outcome) {
    char executions[64], seen[200], reached[24], triggered[24];
    const struct fault_info *fault = outcome->fault;
    const char *expected = check_table[fault->check].id;
    detect_outcome_spread(outcome, executions, sizeof executions);
    tally_words(&outcome->checks, seen, sizeof seen);
    count_words(detect, outcome, outcome->reached, reached, sizeof reached);
    count_words(detect, outcome, outcome->triggered, triggered, sizeof triggered);
    const char *remark = outcome->without_fault > 0 ? " (FAILS WITHOUT THE FAULT TOO)" : "";
    if (detect->markdown) {
        printf("| `%s` | %s | %s | %s | `%s` | %s%s | %s | %s | %u/%u | %s |\n", fault->name, fault->origin,
               fault->needs, outcome->target->name, expected, outcome->found > 0 ? seen : "not found", remark, reached,
               triggered, outcome->found, outcome->trials, executions);
        return;
    }
    printf("%s%-*s%s  %-8s  %-18s  %7s  %9s  %7u/%-3u  %-26s  %s%s\n", is_good(outcome) ? "" : colour_bad(stdout),
           name_columns(), fault->name, is_good(outcome) ? "" : colour_end(stdout), outcome->target->name, expected,
           reached, triggered, outcome->found, outcome->trials, executions, outcome->found > 0 ? seen : "not found",
           remark);
    fflush(stdout);
}

static void print_heading(const struct detect *detect) {
    if (detect->against != NULL) {
        if (!detect->options.json) {
            detect_print_pair_heading(detect->engine->name, detect->against->name);
        }
    } else if (detect->markdown) {
        puts("| fault | origin | needs | target | expected check | seen by (trials) | reached | triggered | found | "
             "executions: median / least / most |");
        puts("|---|---|---|---|---|---|---|---|---|---|");
    } else if (!detect->options.json) {
        printf("%-*s  %-8s  %-18s  %7s  %9s  %11s  %-26s  %s\n", name_columns(), "fault", "target", "expected check",
               "reached", "triggered", "found", "median / least / most", "seen by (trials)");
    }
}

static cJSON *outcome_json(const struct detect *detect, const struct detect_outcome *outcome) {
    const struct fault_info *fault = outcome->fault;
    cJSON *item = cJSON_CreateObject();
    json_text(item, "fault", fault->name);
    json_text(item, "origin", fault->origin);
    json_text(item, "needs", fault->needs);
    json_text(item, "target", outcome->target->name);
    json_text(item, "expected_check", check_table[fault->check].id);
    json_bool(item, "expected_check_seen", check_is_expected(outcome));
    cJSON_AddItemToObject(item, "checks_seen", tally_json(&outcome->checks));
    json_number(item, "trials", outcome->trials);
    json_number(item, "reached", outcome->reached);
    json_number(item, "triggered", outcome->triggered);
    json_bool(item, "reached_known_if_not_found", detect->engine->reached_known);
    json_number(item, "found", outcome->found);
    json_number(item, "found_without_fault_too", outcome->without_fault);
    json_number(item, "executions_median", outcome->executions.median);
    json_bool(item, "executions_median_is_lower_bound", outcome->median_is_bound);
    json_number(item, "executions_least", outcome->executions.minimum);
    json_number(item, "executions_most", outcome->executions.maximum);
    json_number(item, "seconds_most", outcome->seconds);
    return item;
}

static int finish(const struct detect *detect) {
    unsigned good = 0, expected = 0;
    for (unsigned i = 0; i < detect->outcome_count; i++) {
        good += is_good(&detect->outcomes[i]);
        expected += check_is_expected(&detect->outcomes[i]);
    }
    if (detect->options.json) {
        cJSON *object = json_begin(help.name);
        json_text(object, "engine", detect->engine->name);
        if (detect->against != NULL) {
            json_text(object, "against", detect->against->name);
        }
        json_number(object, "trials", detect->trials);
        json_number(object, "max_runs", (double)detect->max_runs);
        cJSON *array = cJSON_AddArrayToObject(object, "faults");
        for (unsigned i = 0; i < detect->outcome_count; i++) {
            cJSON *item = outcome_json(detect, &detect->outcomes[i]);
            if (detect->against != NULL) {
                cJSON_AddItemToObject(item, "against", outcome_json(detect, &detect->others[i]));
            }
            cJSON_AddItemToArray(array, item);
        }
        json_print(object);
    } else {
        printf("%s%u of %u faults found in every trial, %u by the expected check (engine %s, %d trial%s, at most %ld "
               "executions each)\n",
               detect->markdown ? "\n" : "", good, detect->outcome_count, expected, detect->engine->name,
               detect->trials, detect->trials == 1 ? "" : "s", detect->max_runs);
    }
    return good == detect->outcome_count ? EXIT_CLEAN : EXIT_FINDING;
}

static struct detect_plan plan_of(const struct detect *detect, const struct fault_info *fault) {
    return (struct detect_plan){fault,
                                detect->target != NULL ? detect->target : &target_table[fault->target],
                                detect->without != NULL ? detect->without : "",
                                (unsigned)detect->trials,
                                (uint64_t)detect->max_runs,
                                (unsigned)detect->seconds};
}

/* One fault's trials with one engine. */
static bool detect_one(const struct detect *detect, const struct detect_engine *engine, unsigned fault,
                       struct detect_trial *trials, struct detect_outcome *outcome) {
    const struct detect_plan plan = plan_of(detect, &fault_table[fault]);
    bool good = detect_outcome_of(engine, &plan, trials, outcome);
    progress_end();
    return good && !interrupted();
}

static int detect_faults(struct detect *detect) {
    struct detect_trial *trials = calloc((size_t)detect->trials, sizeof *trials);
    if (trials == NULL) {
        perror("hakfuzz detect");
        return EXIT_USAGE;
    }
    interrupts_watch();
    print_heading(detect);
    progress_begin();
    bool good = true;
    for (unsigned i = 0; i < detect->fault_count && good; i++) {
        struct detect_outcome *outcome = &detect->outcomes[detect->outcome_count];
        struct detect_outcome *other = &detect->others[detect->outcome_count++];
        good = detect_one(detect, detect->engine, detect->faults[i], trials, outcome) &&
               (detect->against == NULL || detect_one(detect, detect->against, detect->faults[i], trials, other));
        if (good && !detect->options.json && detect->against != NULL) {
            detect_print_pair(outcome, other);
        } else if (good && !detect->options.json) {
            print_row(detect, outcome);
        }
        say_progress(outcome, i, detect->fault_count);
    }
    progress_end();
    free(trials);
    if (!good) {
        fputs("hakfuzz detect: stopped before all faults were tried\n", stderr);
        return EXIT_USAGE;
    }
    return finish(detect);
}

/* All of the catalogue, or those that are named, with commas between them. */
static bool choose_faults(struct detect *detect) {
    const char *target = detect->options.target != NULL ? detect->options.target : "threads";
    if (detect->options.fault == NULL) {
        for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
            detect->faults[detect->fault_count++] = i;
        }
        return true;
    }
    char *rest = detect->options.fault, *word;
    while ((word = strsep(&rest, ",")) != NULL) {
        struct choice choice;
        if (!choose(target, word, "", NULL, &choice)) {
            return false;
        }
        int index = fault_find(choice.fault);
        if (index <= 0 || detect->fault_count == HAK_FAULT_COUNT) {
            options_complain(&help, "--fault %s is no fault to look for, or one too many", word);
            return false;
        }
        detect->faults[detect->fault_count++] = (unsigned)index;
    }
    return true;
}

static bool choose_engine(const char *name, const struct detect_engine **engine) {
    *engine = detect_engine_find(name);
    if (*engine == NULL) {
        options_complain(&help, "there is no engine '%s'; there are builtin, libfuzzer and real", name);
    }
    return *engine != NULL;
}

static int detect_arguments(struct detect *detect) {
    const struct options *options = &detect->options;
    if (options->argument_count != 0) {
        return options_complain(&help, "'%s' is one argument too many", options->arguments[0]);
    }
    if (!choose_engine(detect->engine_name != NULL ? detect->engine_name : "builtin", &detect->engine) ||
        (detect->against_name != NULL && !choose_engine(detect->against_name, &detect->against))) {
        return EXIT_USAGE;
    }
    if (detect->against == detect->engine) {
        return options_complain(&help, "--against %s: that is the first engine already; --engine names another",
                                detect->engine->name);
    }
    if (detect->against != NULL && detect->ablation) {
        return options_complain(&help, "--ablation is a table of one engine, and goes without --against");
    }
    if (options->json && detect->markdown) {
        return options_complain(&help, "--json and --markdown exclude each other");
    }
    if (!options_in_range(&help, "--trials", detect->trials, 1, DETECT_TRIALS_MAX) ||
        !options_in_range(&help, "--max-runs", detect->max_runs, 1, 1000000000000) ||
        !options_in_range(&help, "--seconds", detect->seconds, 1, 1000000)) {
        return EXIT_USAGE;
    }
    if (detect->ablation && (detect->markdown || detect->without != NULL)) {
        return options_complain(&help, "--ablation is in Markdown by itself, and goes without each guide in turn");
    }
    if (detect->without != NULL && *detect->without == '\0') {
        return options_complain(&help, "--without names no guide; there are %s", guide_names);
    }
    if (!guide_take_away(detect->without)) {
        return options_complain(&help, "--without %s: there is no such guide; there are %s", detect->without,
                                guide_names);
    }
    struct choice choice;
    if (!choose(options->target != NULL ? options->target : "threads", "none", "", NULL, &choice) ||
        !choose_faults(detect)) {
        return EXIT_USAGE;
    }
    bool one = detect->fault_count == 1, all = options->fault == NULL;
    if (detect->ablation && !one && !all) {
        return options_complain(&help, "--ablation looks for one fault or for those of its own table, not for several");
    }
    detect->target = options->target != NULL ? choice.target : NULL;
    if (!choice_open_world()) {
        return EXIT_USAGE;
    }
    return detect->ablation
               ? detect_ablation(detect->engine, all ? NULL : &fault_table[detect->faults[0]], detect->target,
                                 (unsigned)detect->trials, (uint64_t)detect->max_runs, options->json)
               : detect_faults(detect);
}

int verb_detect(int argc, char **argv) {
    static struct detect detect = {.trials = 5, .max_runs = 200000, .seconds = DETECT_SECONDS_MAX};
    struct poptOption table[] = {
        {"engine", 'e', POPT_ARG_STRING, &detect.engine_name, 0, "builtin (default), libfuzzer or real", "ENGINE"},
        {"against", '\0', POPT_ARG_STRING, &detect.against_name, 0, "a second engine, for a table of both", "ENGINE"},
        {"trials", '\0', POPT_ARG_INT, &detect.trials, 0, "how often each fault is looked for (5)", "N"},
        {"max-runs", '\0', POPT_ARG_LONG, &detect.max_runs, 0, "executions before a trial gives up (200000)", "N"},
        {"seconds", 's', POPT_ARG_LONG, &detect.seconds, 0, "seconds before a trial of engine real gives up (600)",
         "S"},
        {"fault", 'f', POPT_ARG_STRING, &detect.options.fault, 0,
         "look for this historical bug only, or several: a,b,c", "FAULT"},
        OPTION_JSON(detect.options),
        {"markdown", '\0', POPT_ARG_NONE, &detect.markdown, 0, "the table of docs/faults.md", NULL},
        {"target", 't', POPT_ARG_STRING, &detect.options.target, 0, "fuzz this one, not each fault's own", "TARGET"},
        {"without", '\0', POPT_ARG_STRING, &detect.without, 0, "take guides away, with commas between", "GUIDE"},
        {"ablation", 'a', POPT_ARG_NONE, &detect.ablation, 0, "the table of docs/ablation.md", NULL},
        {"mutants", '\0', POPT_ARG_NONE, NULL, 0, "ordinary mistakes instead: see --mutants --help", NULL},
        POPT_TABLEEND,
    };
    int code;
    if (detect_mutants(argc, argv, &code)) {
        return code;
    }
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &detect.options);
    code = outcome == OPTIONS_GO ? detect_arguments(&detect) : options_exit(outcome);
    free(detect.engine_name);
    free(detect.against_name);
    free(detect.without);
    options_free(&detect.options);
    return code;
}
