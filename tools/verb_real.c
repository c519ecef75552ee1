/* verb_real: run programs on real threads, each run in a process of its own. One line a finding after what the malloc
 * or a sanitizer said, one summary at the end. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle/files.h"
#include "oracle/input.h"
#include "oracle/real.h"
#include "tools/choice.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/propose.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "real",
    "[OPTION...] [FILE|DIR...]",
    "Runs each program on real threads, on hakmem as it is built to be tried, or on another malloc. Without a\n"
    "file, programs are generated. With --threads, copies of the program run beside each other until there are so\n"
    "many threads: more than the machine has processors is a stress test. Built with the preset tsan,\n"
    "ThreadSanitizer judges too.\n",
    "  hakfuzz real corpus/threads\n"
    "  hakfuzz real --threads 64 --times 100 corpus/threads/seed/ping-pong.hak\n"
    "  hakfuzz real --generate 1000 --order virtual\n"
    "  hakfuzz real --seconds 60 --fault owner-8bit\n"
    "  hakfuzz real --malloc libmimalloc.so --prefix mi_ corpus/threads\n"
    "  LD_PRELOAD=libjemalloc.so.2 hakfuzz real --malloc libc corpus/threads\n",
};

enum { THREADS_MAX = REAL_INSTANCES_MAX * PROGRAM_THREADS_MAX, PROGRAM_BYTES = 4096 };
#define NOT_GIVEN LONG_MIN

struct summary {
    uint64_t programs;
    uint64_t runs; /* processes */
    uint64_t operations;
    uint64_t skipped;
    uint64_t not_carried;
    uint64_t threads;
    uint64_t findings;
    uint64_t unusable;
    uint64_t components; /* programs of targets that are no malloc */
};

struct real_verb {
    struct options options;
    char *artifacts; /* directory, or NULL */
    long threads, times, seconds, generate, seed;
    int keep_going;
    struct malloc_choice malloc;
    uint64_t begun_ns;
    struct summary summary;
    cJSON *findings;
};

/* --- one program --- */

static void add_finding(struct real_verb *verb, const char *name, const struct choice *choice,
                        const struct real_outcome *outcome) {
    const struct verdict *verdict = &outcome->verdict;
    verb->summary.findings++;
    progress_end();
    if (verb->options.json) {
        cJSON *item = cJSON_CreateObject();
        json_text(item, "file", name);
        json_text(item, "target", choice->target->name);
        json_text(item, "fault", choice->fault);
        json_verdict(item, verdict);
        json_text(item, "said", outcome->said);
        cJSON_AddItemToArray(verb->findings, item);
        return;
    }
    fputs(outcome->said, stdout);
    printf("%s%s: %s%s: %s (record %u, signature %s)\n", colour_bad(stdout), name, check_table[verdict->check].id,
           colour_end(stdout), verdict->message, verdict->record, verdict->signature);
    fflush(stdout);
}

static void add_counts(struct summary *summary, const struct real_outcome *outcome) {
    summary->runs++;
    summary->operations += outcome->verdict.operations;
    summary->skipped += outcome->skipped;
    summary->not_carried += outcome->not_carried;
    summary->threads += outcome->threads;
}

/* Returns an exit code. */
static int run_program(struct real_verb *verb, const char *name, const struct choice *choice, const uint8_t *bytes,
                       size_t size_bytes) {
    static struct real_outcome outcome;
    char why[VERDICT_MESSAGE_BYTES_MAX];
    struct program program;
    uint32_t lanes = choice->target->threads;
    struct real_plan plan = malloc_plan(&verb->malloc, choice->target, choice->fault);
    plan.instances = ((uint32_t)verb->threads + lanes - 1) / lanes;
    plan.times = (uint64_t)verb->times;
    plan.instances = plan.instances > REAL_INSTANCES_MAX ? REAL_INSTANCES_MAX : plan.instances;
    program_read(&program, bytes, size_bytes);
    if (!real_run(&plan, &program, &outcome, why, sizeof why)) {
        progress_end();
        fprintf(stderr, "hakfuzz real: %s: %s\n", name, why);
        return EXIT_USAGE;
    }
    add_counts(&verb->summary, &outcome);
    if (outcome.verdict.check == CHECK_NONE) {
        return EXIT_CLEAN;
    }
    add_finding(verb, name, choice, &outcome);
    return EXIT_FINDING;
}

static int check_choice(struct real_verb *verb, const struct choice *choice) {
    if (*choice->fault != '\0' && verb->malloc.backend.trial.begin == NULL) {
        return options_complain(&help, "only hakmem as it is built to be tried has faults (--fault, HAKMEM_FAULT)");
    }
    return EXIT_CLEAN;
}

static int run_file(struct real_verb *verb, const char *path) {
    struct input input;
    struct choice choice;
    if (!choose(verb->options.target, verb->options.fault, path, NULL, &choice) ||
        check_choice(verb, &choice) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    if (*choice.target->component != '\0') {
        verb->summary.components++;
        return EXIT_CLEAN;
    }
    if (!input_load(path, INPUT_EITHER, &input)) {
        verb->summary.unusable++;
        return EXIT_USAGE;
    }
    int code = run_program(verb, path, &choice, input.bytes, input.size_bytes);
    input_free(&input);
    return code;
}

/* Says where it is; false when it could not be written. */
static bool keep(const struct real_verb *verb, const struct choice *choice, uint64_t seed, const uint8_t *bytes,
                 size_t size_bytes) {
    char name[64];
    snprintf(name, sizeof name, "crash-generated-%" PRIu64, seed);
    char *path = temporary_write(verb->artifacts, name, bytes, size_bytes);
    if (path != NULL && !verb->options.json) {
        if (verb->malloc.order == REAL_ORDER_VIRTUAL && malloc_is_foreign(&verb->options)) {
            struct choice there = *choice;
            there.malloc = &verb->malloc;
            fputs("reproduce: ", stdout);
            choice_print_repro(&there, path, stdout);
        } else {
            printf("kept as %s\n", path);
        }
    }
    free(path);
    return path != NULL;
}

/* The i-th generated program is the same everywhere. */
static int run_generated(struct real_verb *verb, uint64_t i) {
    static uint8_t bytes[PROGRAM_BYTES];
    char name[64];
    struct choice choice;
    uint64_t seed = (uint64_t)verb->seed + i;
    if (!choose(verb->options.target, verb->options.fault, "", NULL, &choice) ||
        check_choice(verb, &choice) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    size_t size_bytes = propose_generate(seed, bytes, sizeof bytes);
    snprintf(name, sizeof name, "generated program %" PRIu64, seed);
    int code = run_program(verb, name, &choice, bytes, size_bytes);
    return code == EXIT_FINDING && verb->artifacts != NULL && !keep(verb, &choice, seed, bytes, size_bytes) ? EXIT_USAGE
                                                                                                            : code;
}

/* --- all --- */

static bool time_is_over(const struct real_verb *verb) {
    return verb->seconds > 0 && clock_ns() - verb->begun_ns >= (uint64_t)verb->seconds * UINT64_C(1000000000);
}

/* All once, or round and round until the time is over. */
static int run_all(struct real_verb *verb, const struct files *files) {
    uint64_t count = files->count > 0 ? files->count : (uint64_t)verb->generate;
    bool endless = verb->seconds > 0;
    int worst = EXIT_CLEAN;
    progress_begin();
    for (uint64_t i = 0; (endless || i < count) && !interrupted() && !(i > 0 && time_is_over(verb)); i++) {
        progress("%" PRIu64 " runs, %" PRIu64 " operations on %" PRIu64 " threads, %" PRIu64 " findings",
                 verb->summary.runs, verb->summary.operations, verb->summary.threads, verb->summary.findings);
        int code = files->count > 0 ? run_file(verb, files->paths[i % files->count]) : run_generated(verb, i);
        verb->summary.programs += files->count == 0 || i < files->count;
        if (code == EXIT_FINDING || worst == EXIT_CLEAN) {
            worst = code;
        }
        if ((code == EXIT_FINDING && !verb->keep_going) ||
            (code == EXIT_USAGE && verb->summary.runs + verb->summary.unusable == 0)) {
            break;
        }
    }
    progress_end();
    return worst;
}

static void print_summary(struct real_verb *verb) {
    const struct summary *summary = &verb->summary;
    if (verb->options.json) {
        cJSON *object = json_begin(help.name);
        json_number(object, "programs", (double)summary->programs);
        json_number(object, "runs", (double)summary->runs);
        json_number(object, "operations", (double)summary->operations);
        json_number(object, "skipped", (double)summary->skipped);
        json_number(object, "not_carried_out", (double)summary->not_carried);
        json_number(object, "threads", (double)summary->threads);
        json_number(object, "unusable", (double)summary->unusable);
        json_bool(object, "complete", !interrupted());
        cJSON_AddItemToObject(object, "findings", verb->findings);
        json_print(object);
        return;
    }
    printf("%sprograms %" PRIu64 ", runs %" PRIu64 ", operations %" PRIu64 ", skipped %" PRIu64
           ", not carried out %" PRIu64 ", threads %" PRIu64 ", findings %" PRIu64 "%s\n",
           summary->findings > 0 ? colour_bad(stdout) : colour_good(stdout), summary->programs, summary->runs,
           summary->operations, summary->skipped, summary->not_carried, summary->threads, summary->findings,
           colour_end(stdout));
    if (summary->components > 0) {
        printf("left out %" PRIu64 " programs of targets that try a component, not a malloc\n", summary->components);
    }
}

static int run_options(struct real_verb *verb) {
    const struct options *options = &verb->options;
    struct files files = {0};
    bool listed = true;
    for (int i = 0; i < options->argument_count; i++) {
        listed &= files_add(&files, options->arguments[i]);
    }
    if (options->argument_count > 0 && files.count == 0) {
        files_free(&files);
        return EXIT_USAGE;
    }
    verb->findings = options->json ? cJSON_CreateArray() : NULL;
    verb->begun_ns = clock_ns();
    interrupts_watch();
    int code = run_all(verb, &files);
    verb->summary.unusable += files.unusable;
    files_free(&files);
    print_summary(verb);
    if (interrupted()) {
        fputs("hakfuzz real: interrupted: what is said is of the runs until then\n", stderr);
    }
    return code == EXIT_CLEAN && (!listed || interrupted()) ? EXIT_USAGE : code;
}

static int real_arguments(struct real_verb *verb) {
    const struct options *options = &verb->options;
    struct choice choice;
    if (options->argument_count > 0 && verb->generate != 0) {
        return options_complain(&help, "--generate and '%s' exclude each other", options->arguments[0]);
    }
    if (options->argument_count > 0 && verb->artifacts != NULL) {
        return options_complain(&help, "--artifacts is of generated programs, and '%s' is a file already",
                                options->arguments[0]);
    }
    if (verb->artifacts != NULL && access(verb->artifacts, W_OK) != 0) {
        return options_complain(&help, "--artifacts %s cannot be written to: %s", verb->artifacts, strerror(errno));
    }
    if (options->argument_count > 0 && verb->seed != NOT_GIVEN) {
        return options_complain(&help, "--seed is of generated programs, and '%s' is none", options->arguments[0]);
    }
    verb->seed = verb->seed == NOT_GIVEN ? 1 : verb->seed;
    verb->generate = verb->generate == 0 ? 1000 : verb->generate;
    if (!options_in_range(&help, "--threads", verb->threads, 1, THREADS_MAX) ||
        !options_in_range(&help, "--times", verb->times, 1, 1000000000) ||
        !options_in_range(&help, "--seconds", verb->seconds, 0, 1000000) ||
        !options_in_range(&help, "--generate", verb->generate, 1, 1000000000) ||
        !options_in_range(&help, "--seed", verb->seed, 0, 1000000000000)) {
        return EXIT_USAGE;
    }
    if (!choose(options->target, options->fault, "", NULL, &choice)) {
        return EXIT_USAGE;
    }
    if (*choice.target->component != '\0') {
        return options_complain(&help, "target %s tries a component, not a malloc", choice.target->name);
    }
    if (!malloc_choose(&help, options, REAL_ORDER_FREE, &verb->malloc)) {
        return EXIT_USAGE;
    }
    int code = check_choice(verb, &choice);
    code = code == EXIT_CLEAN ? run_options(verb) : code;
    malloc_close(&verb->malloc);
    return code;
}

int verb_real(int argc, char **argv) {
    static struct real_verb verb = {.threads = 1, .times = 1, .seed = NOT_GIVEN};
    struct poptOption table[] = {
        OPTION_TARGET(verb.options),
        OPTION_FAULT(verb.options),
        OPTION_MALLOC(verb.options),
        OPTION_PREFIX(verb.options),
        OPTION_ORDER(verb.options, "free"),
        {"threads", 'T', POPT_ARG_LONG, &verb.threads, 0, "at least so many threads at once, by copies (1)", "N"},
        {"times", 'n', POPT_ARG_LONG, &verb.times, 0, "each program so often in one process (1)", "N"},
        {"seconds", 's', POPT_ARG_LONG, &verb.seconds, 0, "go round until so many seconds are over", "S"},
        {"generate", '\0', POPT_ARG_LONG, &verb.generate, 0, "generated programs, where no file is given (1000)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &verb.seed, 0, "number of the first generated program (1)", "N"},
        {"artifacts", '\0', POPT_ARG_STRING, &verb.artifacts, 0, "write generated programs with a finding here", "DIR"},
        OPTION_JSON(verb.options),
        {"keep-going", 'k', POPT_ARG_NONE, &verb.keep_going, 0, "go on after a finding", NULL},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome == OPTIONS_GO ? real_arguments(&verb) : options_exit(outcome);
    free(verb.artifacts);
    options_free(&verb.options);
    return code;
}
