/* verb_min: a smaller program that fails in the same way, written as bytes or text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/convert.h"
#include "tools/fresh.h"
#include "tools/json.h"
#include "tools/minimize.h"
#include "tools/options.h"
#include "tools/tally.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "min",
    "[OPTION...] FILE",
    "Makes FILE as small as it can while it fails with the same signature: records, threads, switches between\n"
    "threads, failures, slots, sizes and header go or become smaller, until no record and no gene can go alone.\n"
    "A schedule of mode random or pct is said in genes first. Candidates run in a process of their own, so findings\n"
    "that kill it are no obstacle. In the end the result is run N times, each in a new process.\n"
    "Prints the text form, or writes it to OUT: as text when OUT ends in .hak, else as bytes. Ctrl-C ends the search;\n"
    "the best program so far is written.\n",
    "  hakfuzz min crash-0123abcd\n"
    "  hakfuzz min -o small.hak crash-0123abcd\n"
    "  hakfuzz min --malloc ./libfoo.so -o small.hak crash-0123abcd\n"
    "  hakfuzz min --target oom --fault lock-kept -o small.bin --text small.hak crash-0123abcd\n",
};

enum { TIMES_MAX = 1000, TIMEOUT_MAX = 3600 };
static const uint64_t save_every_ns = 1000000000;

struct min {
    struct options options;
    char *out;
    char *text;
    int times;
    int timeout_s;
    struct choice choice;
    struct malloc_choice malloc;
    struct input input;
    struct minimization minimization;
    struct tally fresh;
    uint64_t began_ns;
    uint64_t saved_ns;
    double seconds;
    bool stopped;
    bool unwritten; /* a file could not be written */
};

/* --- files --- */

static bool is_text_name(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".hak") == 0;
}

/* All or nothing: what was there stays until the new one is complete. But a device or a pipe is written to as it is. */
static bool write_file(const struct min *min, const char *path, bool is_text, const struct program *program) {
    char *part = NULL;
    struct stat status;
    bool is_special = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    FILE *file = asprintf(&part, is_special ? "%s" : "%s.part", path) > 0 ? fopen(part, "wb") : NULL;
    bool good = file != NULL && (is_text ? minimize_print(&min->minimization, program, file) == 0
                                         : fwrite(program->bytes, 1, program->size_bytes, file) == program->size_bytes);
    good = file != NULL && (fclose(file) == 0) & good && (is_special || rename(part, path) == 0);
    if (!good) {
        fprintf(stderr, "hakfuzz min: '%s' cannot be written: %s; name another file\n", path, strerror(errno));
        if (file != NULL && !is_special) {
            remove(part);
        }
    }
    free(part);
    return good;
}

static void save(struct min *min, const struct program *program) {
    if (min->out != NULL && !write_file(min, min->out, is_text_name(min->out), program)) {
        min->unwritten = true;
    }
    if (min->text != NULL && !write_file(min, min->text, true, program)) {
        min->unwritten = true;
    }
    min->saved_ns = clock_ns();
}

/* --- the search --- */

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    struct min *min = context;
    progress("%" PRIu32 " records, %" PRIu32 " genes, %" PRIu32 " threads after %" PRIu64 " runs", counts->records,
             counts->genes, counts->threads, counts->tests);
    if (best != NULL && (min->saved_ns == 0 || clock_ns() - min->saved_ns > save_every_ns)) {
        save(min, best);
    }
    return !interrupted() && !min->unwritten;
}

/* In processes that know nothing of the search. False when interrupted or unable. */
static bool replay(struct min *min) {
    const struct minimization *minimization = &min->minimization;
    const struct input input = {minimization->result.bytes, minimization->result.size_bytes};
    bool repeats = minimization->before.check == CHECK_NONDETERMINISM;
    struct fresh fresh = {
        .choice = &min->choice, .repeats = repeats, .timeout_s = (unsigned)min->timeout_s, .times = (size_t)min->times};
    bool good = fresh_open(&fresh, &input);
    progress_begin();
    while (good && fresh.done < fresh.times) {
        struct child children[FRESH_BATCH] = {0};
        size_t left = fresh.times - fresh.done, batch = left < FRESH_BATCH ? left : FRESH_BATCH;
        good = fresh_run(&fresh, children, batch);
        for (size_t i = 0; i < batch && good; i++) {
            struct verdict verdict;
            child_verdict(&children[i], &verdict);
            tally_add(&min->fresh, verdict.check == CHECK_NONE ? "(clean)" : verdict.signature, 0);
        }
        children_free(children, batch);
    }
    progress_end();
    fresh_close(&fresh);
    return good;
}

static uint64_t replays_equal(const struct min *min) {
    return tally_equal(&min->fresh, min->minimization.before.signature, 0);
}

/* --- what is said --- */

static void print_summary(const struct min *min) {
    const struct minimization *minimization = &min->minimization;
    const struct reduce_result *result = &minimization->result;
    char before[64], after[64];
    minimize_words(&result->before, before, sizeof before);
    minimize_words(&result->after, after, sizeof after);
    world_print_finding(min->choice.target, &minimization->after, stdout);
    printf("%s -> %s%s; %" PRIu64 " runs, %.1f s\n", before, after,
           result->is_minimal ? ": no record and no gene can go" : ", stopped early", result->after.tests,
           min->seconds);
    if (!result->has_no_mode) {
        puts("the schedule stays drawn by its mode: as genes it is another finding, or too long");
    }
    if (min->fresh.total > 0) {
        printf("signature %s: %" PRIu64 " of %" PRIu64 " equal in new processes\n", minimization->before.signature,
               replays_equal(min), min->fresh.total);
    }
    if (replays_equal(min) != min->fresh.total) {
        tally_print(&min->fresh, stdout);
    }
    choice_print_repro(&min->choice, min->out != NULL ? min->out : min->text, stdout);
}

static void add_counts(cJSON *object, const char *key, const struct reduce_counts *counts, size_t bytes) {
    cJSON *item = cJSON_AddObjectToObject(object, key);
    json_number(item, "records", counts->records);
    json_number(item, "threads", counts->threads);
    json_number(item, "genes", counts->genes);
    json_number(item, "bytes", (double)bytes);
}

static char *text_of(const struct min *min, const struct program *program) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    if (memory != NULL) {
        (void)minimize_print(&min->minimization, program, memory);
        fclose(memory);
    }
    return text;
}

static void print_json(const struct min *min, const char *path, const struct program *program) {
    const struct minimization *minimization = &min->minimization;
    const struct reduce_result *result = &minimization->result;
    char *text = text_of(min, program);
    cJSON *object = json_begin(help.name);
    json_text(object, "file", path);
    json_text(object, "target", min->choice.target->name);
    json_text(object, "fault", min->choice.fault);
    json_verdict(object, &minimization->after);
    add_counts(object, "before", &result->before, min->input.size_bytes);
    add_counts(object, "after", &result->after, result->size_bytes);
    json_number(object, "executions", (double)result->after.tests);
    json_number(object, "seconds", min->seconds);
    json_bool(object, "complete", !min->stopped);
    json_bool(object, "minimal", result->is_minimal);
    json_bool(object, "schedule_in_genes", result->has_no_mode);
    json_number(object, "times", (double)min->fresh.total);
    json_number(object, "equal", (double)replays_equal(min));
    json_text(object, "program", text == NULL ? "" : text);
    json_print(object);
    free(text);
}

/* --- the verb --- */

static int say_clean(const struct min *min, const char *path) {
    if (min->options.json) {
        cJSON *object = json_begin(help.name);
        json_text(object, "file", path);
        json_text(object, "target", min->choice.target->name);
        json_text(object, "fault", min->choice.fault);
        json_verdict(object, &min->minimization.before);
        json_print(object);
    } else {
        printf("clean: %s does not fail here, so there is nothing to reduce; see 'hakfuzz repro --help'\n", path);
    }
    return EXIT_CLEAN;
}

static int min_finding(struct min *min, const char *path) {
    struct program best;
    progress_begin();
    bool good = minimize(&min->minimization);
    progress_end();
    if (!good || min->unwritten) {
        return EXIT_USAGE;
    }
    min->seconds = (double)(clock_ns() - min->began_ns) / 1e9;
    program_read(&best, min->minimization.result.bytes, min->minimization.result.size_bytes);
    save(min, &best);
    min->stopped = interrupted();
    if (min->unwritten || (!min->stopped && !replay(min) && !interrupted())) {
        return EXIT_USAGE;
    }
    if (min->options.json) {
        print_json(min, path, &best);
    } else if (min->out == NULL && min->text == NULL) {
        (void)minimize_print(&min->minimization, &best, stdout);
    } else {
        print_summary(min);
    }
    if (min->stopped) {
        fputs("hakfuzz min: stopped before the end; the result is the best so far\n", stderr);
    } else if (replays_equal(min) != min->fresh.total) {
        fputs("hakfuzz min: nondeterminism: runs in new processes are not like those of the search\n", stderr);
    }
    return EXIT_FINDING;
}

static int min_input(struct min *min, const char *path) {
    if (!choice_prepare(&min->choice)) {
        return EXIT_USAGE;
    }
    choice_tell(&min->choice);
    interrupts_watch();
    min->began_ns = clock_ns();
    min->minimization = (struct minimization){.worker = worker_open((unsigned)min->timeout_s),
                                              .choice = &min->choice,
                                              .input = &min->input,
                                              .name = path,
                                              .goes_on = goes_on,
                                              .context = min};
    int code = EXIT_USAGE;
    if (min->minimization.worker != NULL && minimize_try(&min->minimization)) {
        bool is_clean = min->minimization.before.check == CHECK_NONE;
        code = is_clean ? say_clean(min, path) : min_finding(min, path);
    }
    worker_close(min->minimization.worker);
    minimization_free(&min->minimization);
    return code;
}

/* Files that are not there yet are the same when their names are. */
static bool are_same(const char *a, const char *b) {
    return a != NULL && b != NULL && (strcmp(a, b) == 0 || convert_are_same(a, b));
}

static int min_arguments(struct min *min) {
    const struct options *options = &min->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    if (!options_in_range(&help, "--times", min->times, 1, TIMES_MAX) ||
        !options_in_range(&help, "--timeout", min->timeout_s, 1, TIMEOUT_MAX)) {
        return EXIT_USAGE;
    }
    const char *path = options->arguments[0];
    if (are_same(path, min->out) || are_same(path, min->text)) {
        return options_complain(&help, "'%s' is input and output: it would be overwritten; give another OUT", path);
    }
    if (are_same(min->out, min->text)) {
        return options_complain(&help, "'%s' is output of -o and of --text; give each its own", min->out);
    }
    int code = EXIT_USAGE;
    if (choose_on(&help, options, REAL_ORDER_VIRTUAL, path, NULL, &min->malloc, &min->choice)) {
        code = input_load(path, INPUT_EITHER, &min->input) ? min_input(min, path) : EXIT_USAGE;
        input_free(&min->input);
    }
    malloc_close(&min->malloc);
    return code;
}

int verb_min(int argc, char **argv) {
    struct min min = {.times = 3, .timeout_s = 10};
    struct poptOption table[] = {
        OPTION_TARGET(min.options),
        OPTION_FAULT(min.options),
        OPTION_MALLOC(min.options),
        OPTION_PREFIX(min.options),
        OPTION_JSON(min.options),
        {"output", 'o', POPT_ARG_STRING, &min.out, 0, "write the result here: text (.hak) or bytes", "OUT"},
        {"text", 'x', POPT_ARG_STRING, &min.text, 0, "write its text form here", "OUT"},
        {"times", 'n', POPT_ARG_INT, &min.times, 0, "runs of the result in new processes (3)", "N"},
        {"timeout", '\0', POPT_ARG_INT, &min.timeout_s, 0, "seconds after which a run hangs (10)", "S"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &min.options);
    int code = outcome == OPTIONS_GO ? min_arguments(&min) : options_exit(outcome);
    free(min.out);
    free(min.text);
    options_free(&min.options);
    return code;
}
