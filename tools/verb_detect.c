/* verb_detect: ground truth. Each historical bug of the catalogue is put back alone, and the machine has to find it.
 * Reached, triggered and found are counted separately: they tell a place that is never visited from a check that is
 * blind. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle/guide.h"
#include "tools/choice.h"
#include "tools/detect.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/verb.h"

#define GUIDE_NAME(id, name, meaning) name " "
static const char guide_names[] = GUIDE_TABLE(GUIDE_NAME);
#undef GUIDE_NAME

#define GUIDE_LINE(id, name, meaning) "  " name ": " meaning "\n"
#define GUIDES GUIDE_TABLE(GUIDE_LINE)
#define ENGINE_LINE(name, meaning, ...) "  " name ": " meaning "\n"
#define ENGINES DETECT_ENGINE_TABLE(ENGINE_LINE)
static const struct verb_help help = {
    "detect",
    "[OPTION...]",
    "Puts each fault of the catalogue back, alone, and fuzzes its target from an empty corpus until it is found, in\n"
    "several trials with seeds 1, 2, 3... A median with '>' means that half of the trials or more found nothing.\n"
    "--engine takes several, with commas between:\n" ENGINES
    "--against makes a table of two engines. With --ablation some faults are looked for again without each of the\n"
    "guides, which are:\n" GUIDES
    "--store keeps each trial as it ends; a second run with the same file goes on where the first was cut, and costs\n"
    "nothing where all is done, so every view can be had of one measurement.\n"
    "Exit status 1 when a fault is not found in every trial, or a finding also happens without its fault.\n",
    "  hakfuzz detect\n"
    "  hakfuzz detect --fault sentinel-leak --trials 100\n"
    "  hakfuzz detect --engine libfuzzer,afl,builtin --max-runs 1000000 --store trials.jsonl --html -o detect.html\n"
    "  hakfuzz detect --engine libfuzzer --against naive --store trials.jsonl\n"
    "  hakfuzz detect --markdown > table.md\n"
    "  hakfuzz detect --fault owner-8bit,take-relaxed --against real --seconds 600\n"
    "  hakfuzz detect --ablation --engine libfuzzer --trials 20\n",
};
#undef GUIDES
#undef GUIDE_LINE
#undef ENGINES
#undef ENGINE_LINE

enum { TRIALS = 20, MAX_RUNS = 200000, ENGINES_MAX = 8 };

struct detect {
    struct options options;
    char *engine_names, *against_name;
    char *without, *store, *out;
    int trials, jobs;
    long max_runs, seconds;
    int markdown, csv, html;
    int ablation;
    unsigned faults[HAK_FAULT_COUNT]; /* to look for */
    unsigned fault_count;
    const struct target_info *target;                           /* NULL: each fault's own */
    const struct detect_engine *engines[ENGINES_MAX], *against; /* the second one may be NULL */
    unsigned engine_count;
    struct detect_list list;
};

static enum detect_view view_of(const struct detect *detect) {
    return detect->options.json ? DETECT_JSON
           : detect->csv        ? DETECT_CSV
           : detect->html       ? DETECT_HTML
           : detect->markdown   ? DETECT_MARKDOWN
                                : DETECT_TEXT;
}

static bool print_view(const struct detect *detect, const struct detect_result *result, FILE *out) {
    switch (view_of(detect)) {
    case DETECT_JSON: {
        char *text = NULL;
        cJSON *object = detect_json(result);
        text = cJSON_Print(object);
        cJSON_Delete(object);
        if (text != NULL) {
            fprintf(out, "%s\n", text);
        }
        cJSON_free(text);
        return text != NULL;
    }
    case DETECT_CSV:
        detect_print_csv(result, out);
        return true;
    case DETECT_HTML:
        return detect_page(result, out);
    default:
        if (result->against != NULL) {
            detect_print_pairs(result, out);
        } else {
            detect_print_text(result, detect->markdown, out);
        }
        return true;
    }
}

/* To standard output, or to --output. */
static bool write_view(const struct detect *detect, const struct detect_result *result) {
    FILE *out = detect->out != NULL ? fopen(detect->out, "w") : stdout;
    bool good = out != NULL && print_view(detect, result, out);
    if (out != NULL && detect->out != NULL) {
        good = (fclose(out) == 0) && good;
    }
    if (!good) {
        fprintf(stderr, "hakfuzz detect: '%s' cannot be written: %s\n", detect->out != NULL ? detect->out : "-",
                strerror(errno));
    }
    return good;
}

static int finish(const struct detect *detect, struct detect_outcome *outcomes) {
    unsigned engines = detect->engine_count, both = engines + (detect->against != NULL), good = 0;
    struct detect_outcome *others = outcomes + (size_t)detect->fault_count * engines;
    for (unsigned i = 0; i < detect->list.count; i++) {
        unsigned fault = i / both, engine = i % both;
        struct detect_outcome *outcome = engine < engines ? &outcomes[fault * engines + engine] : &others[fault];
        detect_outcome_of(&detect->list.series[i], (unsigned)detect->trials, outcome);
        good += engine < engines && detect_outcome_is_good(outcome);
    }
    const struct detect_result result = {
        .list = &detect->list,
        .faults = detect->fault_count,
        .engines = engines,
        .trials = (unsigned)detect->trials,
        .max_runs = (uint64_t)detect->max_runs,
        .against = detect->against,
        .outcomes = outcomes,
        .others = detect->against != NULL ? others : NULL,
    };
    return !write_view(detect, &result)            ? EXIT_USAGE
           : good == detect->fault_count * engines ? EXIT_CLEAN
                                                   : EXIT_FINDING;
}

static bool add_series(struct detect *detect, unsigned fault, const struct detect_engine *engine) {
    struct detect_plan plan = {
        .engine = engine,
        .fault = &fault_table[fault],
        .target = detect->target != NULL ? detect->target : &target_table[fault_table[fault].target],
        .max_runs = (uint64_t)detect->max_runs,
        .max_seconds = (unsigned)detect->seconds,
    };
    snprintf(plan.without, sizeof plan.without, "%s", detect->without != NULL ? detect->without : "");
    return detect_list_add(&detect->list, &plan) != SIZE_MAX;
}

static int detect_faults(struct detect *detect) {
    bool good = true;
    detect->list.trials = (unsigned)detect->trials;
    for (unsigned i = 0; i < detect->fault_count && good; i++) {
        for (unsigned e = 0; e < detect->engine_count && good; e++) {
            good = add_series(detect, detect->faults[i], detect->engines[e]);
        }
        good = good && (detect->against == NULL || add_series(detect, detect->faults[i], detect->against));
    }
    struct detect_outcome *outcomes = calloc(detect->list.count, sizeof *outcomes);
    good = good && outcomes != NULL && detect_run(&detect->list, (unsigned)detect->jobs, detect->store);
    int code = good ? finish(detect, outcomes) : EXIT_USAGE;
    free(outcomes);
    detect_list_free(&detect->list);
    return code;
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
#define ENGINE_NAME(name, ...) " " name
    static const char engine_names[] = DETECT_ENGINE_TABLE(ENGINE_NAME);
#undef ENGINE_NAME
    *engine = detect_engine_find(name);
    if (*engine == NULL) {
        options_complain(&help, "there is no engine '%s'; there are%s", name, engine_names);
    }
    return *engine != NULL;
}

static bool choose_engines(struct detect *detect) {
    char *rest = detect->engine_names, *word;
    if (rest == NULL) {
        return choose_engine("builtin", &detect->engines[detect->engine_count++]);
    }
    while ((word = strsep(&rest, ",")) != NULL) {
        if (detect->engine_count == ENGINES_MAX) {
            options_complain(&help, "--engine names more than there are");
            return false;
        }
        const struct detect_engine **engine = &detect->engines[detect->engine_count];
        if (!choose_engine(word, engine)) {
            return false;
        }
        for (unsigned i = 0; i < detect->engine_count; i++) {
            if (detect->engines[i] == *engine) {
                options_complain(&help, "--engine names %s twice", word);
                return false;
            }
        }
        detect->engine_count++;
    }
    return true;
}

/* What goes with what. EXIT_CLEAN, or as options_complain. */
static int check_arguments(const struct detect *detect) {
    for (unsigned i = 0; i < detect->engine_count; i++) {
        if (detect->against == detect->engines[i]) {
            return options_complain(&help, "--against %s: that is an engine already; --engine names others",
                                    detect->against->name);
        }
    }
    if (detect->against != NULL && detect->ablation) {
        return options_complain(&help, "--ablation is a table of one engine, and goes without --against");
    }
    if (detect->engine_count > 1 && detect->ablation) {
        return options_complain(&help, "--ablation is a table of one engine, not of several");
    }
    if (detect->options.json + detect->markdown + detect->csv + detect->html > 1) {
        return options_complain(&help, "--json, --markdown, --csv and --html exclude each other");
    }
    if (detect->ablation &&
        (detect->markdown || detect->csv || detect->html || detect->out != NULL || detect->without != NULL)) {
        return options_complain(&help,
                                "--ablation is in Markdown or --json by itself, and goes without each guide in turn");
    }
    if (detect->without != NULL && *detect->without == '\0') {
        return options_complain(&help, "--without names no guide; there are %s", guide_names);
    }
    if (!guide_names_are_good(detect->without)) {
        return options_complain(&help, "--without %s: there is no such guide; there are %s", detect->without,
                                guide_names);
    }
    return options_in_range(&help, "--trials", detect->trials, 1, DETECT_TRIALS_MAX) &&
                   options_in_range(&help, "--jobs", detect->jobs, 1, DETECT_JOBS_MAX) &&
                   options_in_range(&help, "--max-runs", detect->max_runs, 1, 1000000000000) &&
                   options_in_range(&help, "--seconds", detect->seconds, 1, 1000000)
               ? EXIT_CLEAN
               : EXIT_USAGE;
}

static int detect_arguments(struct detect *detect) {
    const struct options *options = &detect->options;
    if (options->argument_count != 0) {
        return options_complain(&help, "'%s' is one argument too many", options->arguments[0]);
    }
    if (!choose_engines(detect) ||
        (detect->against_name != NULL && !choose_engine(detect->against_name, &detect->against)) ||
        check_arguments(detect) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    struct choice choice;
    bool all = options->fault == NULL;
    if (!choose(options->target != NULL ? options->target : "threads", "none", "", NULL, &choice) ||
        !choose_faults(detect)) {
        return EXIT_USAGE;
    }
    if (detect->ablation && detect->fault_count != 1 && !all) {
        return options_complain(&help, "--ablation looks for one fault or for those of its own table, not for several");
    }
    detect->target = options->target != NULL ? choice.target : NULL;
    if (!choice_open_world()) {
        return EXIT_USAGE;
    }
    const struct detect_settings settings = {(unsigned)detect->trials, (unsigned)detect->jobs,
                                             (unsigned)detect->seconds, (uint64_t)detect->max_runs, detect->store};
    return detect->ablation ? detect_ablation(detect->engines[0], all ? NULL : &fault_table[detect->faults[0]],
                                              detect->target, &settings, options->json)
                            : detect_faults(detect);
}

static int processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > DETECT_JOBS_MAX ? DETECT_JOBS_MAX : (int)count;
}

int verb_detect(int argc, char **argv) {
    static struct detect detect = {.trials = TRIALS, .max_runs = MAX_RUNS, .seconds = DETECT_SECONDS_MAX};
    detect.jobs = processors();
    struct poptOption table[] = {
        {"engine", 'e', POPT_ARG_STRING, &detect.engine_names, 0, "who looks (builtin), with commas between", "ENGINE"},
        {"against", '\0', POPT_ARG_STRING, &detect.against_name, 0, "a second engine, for a table of both", "ENGINE"},
        {"trials", '\0', POPT_ARG_INT, &detect.trials, 0, "how often each fault is looked for (20)", "N"},
        {"max-runs", '\0', POPT_ARG_LONG, &detect.max_runs, 0, "executions before a trial gives up (200000)", "N"},
        {"seconds", 's', POPT_ARG_LONG, &detect.seconds, 0, "seconds before a trial of engine real gives up (600)",
         "S"},
        {"jobs", '\0', POPT_ARG_INT, &detect.jobs, 0, "trials side by side (one for each processor)", "N"},
        {"store", '\0', POPT_ARG_STRING, &detect.store, 0, "keep trials here, and go on from those that are", "FILE"},
        {"fault", 'f', POPT_ARG_STRING, &detect.options.fault, 0,
         "look for this historical bug only, or several: a,b,c", "FAULT"},
        {"target", 't', POPT_ARG_STRING, &detect.options.target, 0, "fuzz this one, not each fault's own", "TARGET"},
        {"without", '\0', POPT_ARG_STRING, &detect.without, 0, "take guides away, with commas between", "GUIDE"},
        {"ablation", 'a', POPT_ARG_NONE, &detect.ablation, 0, "the table of docs/ablation.md", NULL},
        OPTION_JSON(detect.options),
        {"markdown", '\0', POPT_ARG_NONE, &detect.markdown, 0, "the table of docs/faults.md", NULL},
        {"csv", '\0', POPT_ARG_NONE, &detect.csv, 0, "a row for each trial", NULL},
        {"html", '\0', POPT_ARG_NONE, &detect.html, 0, "one page with survival curves, without network", NULL},
        {"output", 'o', POPT_ARG_STRING, &detect.out, 0, "write here instead of standard output", "OUT"},
        {"mutants", '\0', POPT_ARG_NONE, NULL, 0, "ordinary mistakes instead: see --mutants --help", NULL},
        POPT_TABLEEND,
    };
    int code;
    if (detect_mutants(argc, argv, &code)) {
        return code;
    }
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &detect.options);
    code = outcome == OPTIONS_GO ? detect_arguments(&detect) : options_exit(outcome);
    free(detect.engine_names);
    free(detect.against_name);
    free(detect.without);
    free(detect.store);
    free(detect.out);
    options_free(&detect.options);
    return code;
}
