/* verb_diff: the same programs on several mallocs. A line for each thing that is not as C and POSIX fix it; what they
 * leave open as a table by malloc, on request. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oracle/files.h"
#include "oracle/input.h"
#include "oracle/malloc_probe.h"
#include "oracle/text.h"
#include "tools/choice.h"
#include "tools/diff_misuse.h"
#include "tools/diff_write.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/performance.h"
#include "tools/place.h"
#include "tools/propose.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "diff",
    "[OPTION...] [FILE|DIR...]",
    "Runs each program on several mallocs, each time in a process of its own, one operation after another, and says\n"
    "where one does not do what C and POSIX fix: success, errno, alignment, zeroed memory, what realloc keeps,\n"
    "bad alignments, sizes near SIZE_MAX, errno after free (docs/differential.md has the list). Without a file,\n"
    "programs are generated. Without --malloc: hakmem, libc, and of jemalloc, mimalloc, tcmalloc, TBB and musl those\n"
    "that are there. What the standards leave open is no fault: --implementation-defined shows it. With --min each\n"
    "divergence is reduced to its smallest program; -o DIR keeps these. With --order free threads run beside each\n"
    "other, and each malloc is judged alone; programs stay as they are.\n"
    "\n"
    "With --performance nothing is judged: each program is carried out on many sets of slots, and its time, memory\n"
    "and fragmentation stand side by side. --worst searches for programs on which the first malloc is worst beside\n"
    "the best other one, reduces them, and says so; -o DIR keeps them (docs/worst.md).\n"
    "\n"
    "With --misuse no program runs: each malloc is shown what programs do wrong, from freeing a block twice to\n"
    "writing into one that was freed, and what it does then stands in a table. Nothing of that is a divergence.\n",
    "  hakfuzz diff --generate 1000 --min\n"
    "  hakfuzz diff --implementation-defined corpus/sequence\n"
    "  hakfuzz diff --malloc ./libfoo.so --malloc libc -o minimal crash-0123abcd\n"
    "  hakfuzz diff --order free --times 100 --malloc ./libfoo.so --generate 50\n"
    "  hakfuzz diff --performance corpus/threads/seed\n"
    "  hakfuzz diff --worst memory --seconds 600 -o bench/worst\n"
    "  hakfuzz diff --malloc libtbbmalloc.so.2=scalable_ --malloc libc\n"
    "  hakfuzz diff --misuse\n",
};

enum { PROGRAM_BYTES = 4096, TIMES_FREE = 20 };
#define NOT_GIVEN LONG_MIN

static const char *const default_mallocs[] = {
    "hakmem", "libc", "libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4", "libtbbmalloc.so.2=scalable_",
};

struct verb_diff {
    struct options options;
    const char **names; /* ends in NULL; NULL: the default */
    char *out;
    long generate, seed, times;
    int open, reduce, misuse, worker;
    char *texts[DIFF_MALLOCS_MAX]; /* names, cut in front of their prefix */
    struct diff_malloc mallocs[DIFF_MALLOCS_MAX];
    struct diff diff;
    struct performance performance;
    uint64_t unreadable, components;
};

/* --- the mallocs --- */

/* "LIB" or "LIB=PREFIX". */
static bool add_malloc(struct verb_diff *verb, const char *name) {
    struct diff *diff = &verb->diff;
    if (diff->malloc_count == DIFF_MALLOCS_MAX) {
        options_complain(&help, "more than %d mallocs", DIFF_MALLOCS_MAX);
        return false;
    }
    char *text = strdup(name);
    char *prefix = text != NULL ? strrchr(text, '=') : NULL;
    verb->texts[diff->malloc_count] = text;
    if (prefix != NULL) {
        *prefix = '\0';
    }
    bool is_free = verb->options.order != NULL && strcmp(verb->options.order, "free") == 0;
    bool open = text != NULL &&
                malloc_open(text, prefix != NULL ? prefix + 1 : "", is_free ? REAL_ORDER_FREE : REAL_ORDER_VIRTUAL,
                            &verb->mallocs[diff->malloc_count].malloc);
    diff->malloc_count += open;
    return open;
}

/* Whether the loader finds it: of the default ones not all need be there. */
static bool is_installed(const char *name) {
    char library[64], why[256];
    snprintf(library, sizeof library, "%.*s", (int)strcspn(name, "="), name);
    return strchr(name, '.') == NULL ||
           malloc_probe(library, strchr(name, '=') != NULL ? strchr(name, '=') + 1 : "", why, sizeof why);
}

/* musl's malloc, where the build tree has it. It is good for one thread at a time. */
static bool add_musl(struct verb_diff *verb) {
    char *musl = diff_is_free(&verb->diff) ? NULL : beside_find("musl_malloc.so");
    bool good = musl == NULL || add_malloc(verb, musl);
    free(musl);
    return good;
}

static bool open_mallocs(struct verb_diff *verb) {
    bool good = true;
    verb->diff.mallocs = verb->mallocs;
    for (unsigned i = 0; verb->names != NULL && verb->names[i] != NULL && good; i++) {
        good = add_malloc(verb, verb->names[i]);
    }
    for (unsigned i = 0; verb->names == NULL && i < sizeof default_mallocs / sizeof default_mallocs[0] && good; i++) {
        if (is_installed(default_mallocs[i])) {
            good = add_malloc(verb, default_mallocs[i]);
        } else {
            fprintf(stderr, "hakfuzz diff: note: %s cannot be loaded, and is left out\n", default_mallocs[i]);
        }
    }
    return good && (verb->names != NULL || add_musl(verb));
}

static void close_mallocs(struct verb_diff *verb) {
    for (unsigned i = 0; i < DIFF_MALLOCS_MAX; i++) {
        if (i < verb->diff.malloc_count) {
            malloc_close(&verb->mallocs[i].malloc);
        }
        if (verb->mallocs[i].journal != NULL) {
            munmap(verb->mallocs[i].journal, sizeof *verb->mallocs[i].journal);
        }
        free(verb->texts[i]);
    }
    diff_free(&verb->diff);
}

/* --- the programs --- */

static bool take_program(struct verb_diff *verb, const char *name, const struct target_info *target,
                         const struct program *program) {
    return performance_is_wanted(&verb->performance) ? performance_take(&verb->performance, name, target, program)
                                                     : diff_program(&verb->diff, name, target, program);
}

static bool run_file(struct verb_diff *verb, const char *path) {
    struct input input;
    struct choice choice;
    struct program program;
    if (!choose(verb->options.target, "none", path, NULL, &choice)) {
        return false;
    }
    if (*choice.target->component != '\0') {
        verb->components++;
        return true;
    }
    if (!input_load(path, INPUT_EITHER, &input)) {
        verb->unreadable++;
        return true;
    }
    program_read(&program, input.bytes, input.size_bytes);
    bool good = take_program(verb, path, choice.target, &program);
    input_free(&input);
    return good;
}

/* The i-th generated program is that of `hakfuzz real`. */
static bool run_generated(struct verb_diff *verb, uint64_t i) {
    static uint8_t bytes[PROGRAM_BYTES];
    char name[64];
    struct choice choice;
    struct program program;
    uint64_t seed = (uint64_t)verb->seed + i;
    if (!choose(verb->options.target, "none", "", NULL, &choice)) {
        return false;
    }
    size_t size_bytes = propose_generate(seed, bytes, sizeof bytes);
    snprintf(name, sizeof name, "generated program %" PRIu64, seed);
    program_read(&program, bytes, size_bytes);
    return take_program(verb, name, choice.target, &program);
}

static bool run_all(struct verb_diff *verb, const struct files *files) {
    bool is_searched = verb->performance.metric != NULL;
    uint64_t count = files->count > 0 ? files->count : is_searched ? 0 : (uint64_t)verb->generate;
    bool good = true;
    progress_begin();
    for (uint64_t i = 0; i < count && good && !interrupted(); i++) {
        progress("%" PRIu64 " of %" PRIu64 " programs on %u mallocs, %zu divergences", i, count,
                 verb->diff.malloc_count, verb->diff.divergence_count);
        good = files->count > 0 ? run_file(verb, files->paths[i]) : run_generated(verb, i);
    }
    diff_sort(&verb->diff);
    for (size_t i = 0; verb->reduce && i < verb->diff.divergence_count && good && !interrupted(); i++) {
        progress("reducing %zu of %zu divergences", i + 1, verb->diff.divergence_count);
        good = diff_reduce(&verb->diff, &verb->diff.divergences[i]);
    }
    progress_end();
    return good;
}

/* --- the verb --- */

static bool is_going_on(void) {
    return !interrupted();
}

static int diff_files(struct verb_diff *verb, const struct files *files) {
    verb->diff.goes_on = is_going_on;
    interrupts_watch();
    if (verb->out != NULL && mkdir(verb->out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "hakfuzz diff: '%s' cannot be made: %s; give another directory with -o\n", verb->out,
                strerror(errno));
        return EXIT_USAGE;
    }
    if (performance_is_wanted(&verb->performance)) {
        return run_all(verb, files) ? performance_finish(&verb->performance, verb->out, verb->options.json)
                                    : EXIT_USAGE;
    }
    if (!run_all(verb, files) || (verb->out != NULL && !diff_keep(&verb->diff, verb->out))) {
        return EXIT_USAGE;
    }
    if (verb->options.json) {
        json_print(diff_json(&verb->diff, verb->open != 0));
    } else {
        diff_print(&verb->diff, verb->open != 0, stdout);
    }
    if (interrupted()) {
        fputs("hakfuzz diff: stopped before the end; what is above is part of it\n", stderr);
        return EXIT_USAGE;
    }
    return verb->diff.divergence_count > 0                                      ? EXIT_FINDING
           : verb->unreadable + files->unusable > 0 || verb->diff.programs == 0 ? EXIT_USAGE
                                                                                : EXIT_CLEAN;
}

/* What measures is there, if it is wanted. */
static bool open_performance(struct verb_diff *verb, const struct target_info *target) {
    struct malloc_choice *mallocs[DIFF_MALLOCS_MAX];
    for (unsigned i = 0; i < verb->diff.malloc_count; i++) {
        mallocs[i] = &verb->mallocs[i].malloc;
    }
    return !performance_is_wanted(&verb->performance) ||
           performance_open(&verb->performance, target, (uint64_t)verb->seed, mallocs, verb->diff.malloc_count,
                            is_going_on);
}

/* What --order free cannot do, or what only it does. Complains. */
static bool order_fits(const struct verb_diff *verb, bool is_free) {
    if (!is_free && verb->times != 0) {
        options_complain(&help, "--times is of --order free: in virtual order each time is the same");
    } else if (is_free && verb->open) {
        options_complain(&help, "--implementation-defined compares answers, and --order free has none to compare");
    } else if (is_free && verb->reduce) {
        options_complain(&help, "--min is of virtual order: what --order free finds need not come back");
    } else if (is_free && performance_is_wanted(&verb->performance)) {
        options_complain(&help, "--performance and --worst carry programs out in virtual order");
    } else {
        return true;
    }
    return false;
}

/* --misuse has programs of its own. Complains. */
static bool misuse_fits(const struct verb_diff *verb, bool has_seed) {
    const struct options *options = &verb->options;
    bool is_alone = options->argument_count == 0 && options->order == NULL && verb->out == NULL && !verb->open &&
                    !verb->reduce && verb->generate == 0 && verb->times == 0 && !has_seed &&
                    !performance_is_wanted(&verb->performance);
    if (verb->misuse && !is_alone) {
        options_complain(&help, "--misuse has programs of its own: only --malloc and --json go with it");
    }
    return !verb->misuse || is_alone;
}

/* Whether the options go together; what was not given has its value then. Complains otherwise. */
static bool options_fit(struct verb_diff *verb) {
    const struct options *options = &verb->options;
    bool is_free = options->order != NULL && strcmp(options->order, "free") == 0;
    if (!malloc_check(&help, options) || !order_fits(verb, is_free)) {
        return false;
    }
    bool has_seed = verb->seed != NOT_GIVEN && verb->performance.metric == NULL; /* a search has one, too */
    if (!misuse_fits(verb, has_seed)) {
        return false;
    }
    if (options->argument_count > 0 && (verb->generate != 0 || has_seed)) {
        options_complain(&help, "--generate and --seed are of generated programs, and '%s' is none",
                         options->arguments[0]);
        return false;
    }
    verb->seed = verb->seed == NOT_GIVEN ? 1 : verb->seed;
    verb->generate = verb->generate == 0 ? 200 : verb->generate;
    verb->reduce = verb->reduce || (verb->out != NULL && !is_free);
    verb->times = verb->times == 0 ? (is_free ? TIMES_FREE : 1) : verb->times;
    verb->diff.times = (uint64_t)verb->times;
    return options_in_range(&help, "--times", verb->times, 1, 1000000) &&
           options_in_range(&help, "--generate", verb->generate, 1, 1000000000) &&
           options_in_range(&help, "--seed", verb->seed, 0, 1000000000000) &&
           performance_check(&help, &verb->performance);
}

static int diff_arguments(struct verb_diff *verb) {
    const struct options *options = &verb->options;
    struct files files = {0};
    struct choice choice;
    if (!options_fit(verb) || !choose(options->target, "none", "", NULL, &choice)) {
        return EXIT_USAGE;
    }
    if (*choice.target->component != '\0') {
        return options_complain(&help, "target %s tries a component, not a malloc", choice.target->name);
    }
    int code = EXIT_USAGE;
    bool listed = true;
    if (verb->misuse) {
        code = open_mallocs(verb) ? diff_misuse(&verb->diff, options->json, is_going_on) : EXIT_USAGE;
    } else if (open_mallocs(verb) && open_performance(verb, choice.target)) {
        for (int i = 0; i < options->argument_count; i++) {
            listed &= files_add(&files, options->arguments[i]);
        }
        code = options->argument_count > 0 && files.count == 0 ? EXIT_USAGE : diff_files(verb, &files);
    }
    files_free(&files);
    performance_close(&verb->performance);
    close_mallocs(verb);
    return code == EXIT_CLEAN && !listed ? EXIT_USAGE : code;
}

/* Of `--worker`, with one malloc: that of the process. */
static const char *worker_prefix(const struct verb_diff *verb) {
    const char *equals = verb->names != NULL && verb->names[0] != NULL ? strrchr(verb->names[0], '=') : NULL;
    return equals != NULL ? equals + 1 : "";
}

int verb_diff(int argc, char **argv) {
    static struct verb_diff verb = {.seed = NOT_GIVEN, .worker = -1, .performance = PERFORMANCE_INITIAL};
    struct poptOption table[] = {
        OPTION_TARGET(verb.options),
        {"malloc", 'm', POPT_ARG_ARGV, &verb.names, 0,
         "hakmem, libc, or a shared object, with =PREFIX where its names have one; may be given several times", "LIB"},
        {"implementation-defined", 'i', POPT_ARG_NONE, &verb.open, 0, "what the standards leave open, by malloc", NULL},
        {"misuse", '\0', POPT_ARG_NONE, &verb.misuse, 0, "what each malloc does when a program breaks its rules", NULL},
        {"min", '\0', POPT_ARG_NONE, &verb.reduce, 0, "reduce each divergence to its smallest program", NULL},
        {"output", 'o', POPT_ARG_STRING, &verb.out, 0, "write the smallest programs here", "DIR"},
        {"generate", '\0', POPT_ARG_LONG, &verb.generate, 0, "generated programs, where no file is given (200)", "N"},
        OPTION_ORDER(verb.options, "virtual"),
        {"times", 'n', POPT_ARG_LONG, &verb.times, 0, "with --order free: how often each program runs (20)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &verb.seed, 0, "number of the first generated program, or of the search (1)",
         "N"},
        {"performance", '\0', POPT_ARG_NONE, &verb.performance.is_on, 0,
         "measure: time, resident memory and fragmentation side by side", NULL},
        {"rounds", '\0', POPT_ARG_INT, &verb.performance.rounds, 0, "of time, with --performance (7)", "N"},
        {"live", '\0', POPT_ARG_INT, &verb.performance.live_mib, 0,
         "MiB that are live at the peak where memory is measured (4)", "N"},
        {"worst", '\0', POPT_ARG_STRING, &verb.performance.metric, 0,
         "search for programs on which the first malloc is worst: by time, memory or left", "METRIC"},
        {"above", '\0', POPT_ARG_DOUBLE, &verb.performance.above, 0,
         "with --worst: keep what is so many times the best other (1.5)", "N"},
        {"seconds", 's', POPT_ARG_INT, &verb.performance.seconds, 0, "with --worst: how long to search (60)", "S"},
        {"max-runs", '\0', POPT_ARG_LONG, &verb.performance.runs_most, 0, "with --worst: runs of the search", "N"},
        {"worker", '\0', POPT_ARG_INT | POPT_ARGFLAG_DOC_HIDDEN, &verb.worker, 0, NULL, NULL},
        OPTION_JSON(verb.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome != OPTIONS_GO ? options_exit(outcome)
               : verb.worker >= 0    ? load_work(STDIN_FILENO, verb.worker, worker_prefix(&verb))
                                     : diff_arguments(&verb);
    for (unsigned i = 0; verb.names != NULL && verb.names[i] != NULL; i++) {
        free((void *)(uintptr_t)verb.names[i]);
    }
    free(verb.names);
    free(verb.out);
    free(verb.performance.metric);
    options_free(&verb.options);
    return code;
}
