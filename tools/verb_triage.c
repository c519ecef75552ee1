/* verb_triage: directories of failing inputs to a short list of findings, each with its smallest program. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fresh.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/terminal.h"
#include "tools/triage.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "triage",
    "[OPTION...] FILE|DIR...",
    "Runs every input that a fuzzer left (crash-*, timeout-*, id:*, ..., *.hak, *.bin), drops those that do not fail,\n"
    "groups the others by signature, and reduces the shortest of each group as 'hakfuzz min' does. Files that are\n"
    "named are taken whatever their name; of AFL++'s directories, those of crashes and hangs are meant.\n"
    "The target is that of --target, else one that the path names (fuzz_oom/crash-1, findings/oom/crash-1,\n"
    "oom-crash-1), else 'threads'.\n"
    "With -o, DIR gets index.html, findings.json, findings.sarif (SARIF 2.1.0; rules are the checks, fingerprints the\n"
    "signatures), and for each finding its smallest program (.hak, .bin) and what it shows.\n",
    "  hakfuzz triage build/fuzz/findings\n"
    "  hakfuzz triage -o report --target oom build/afl/out/crashes\n"
    "  hakfuzz triage --malloc ./libfoo.so -o report crashes\n"
    "  hakfuzz triage --json --no-reduce crashes | jq '.findings[].signature'\n",
};

enum { TIMEOUT_MAX = 3600 };

struct verb_triage {
    struct options options;
    char *out;
    int timeout_s;
    int no_reduce;
    struct malloc_choice malloc;
    struct triage triage;
    size_t reducing; /* group; or the first of those being shown */
};

/* --- run and reduce --- */

static bool add_all(struct verb_triage *verb, const struct files *files, size_t from, bool is_named) {
    struct triage *triage = &verb->triage;
    bool good = true;
    for (size_t i = from; i < files->count && good && !interrupted(); i++) {
        progress("%zu of %zu files, %zu findings", i, files->count, triage->group_count);
        if (is_named || triage_is_input(files->paths[i])) {
            good = triage_add(triage, files->paths[i]);
        } else {
            triage->others++;
        }
    }
    return good;
}

/* False: nothing can be run. Paths that cannot be looked at are counted. */
static bool collect(struct verb_triage *verb) {
    struct files files = {0};
    bool good = true;
    progress_begin();
    for (int i = 0; i < verb->options.argument_count && good; i++) {
        const char *path = verb->options.arguments[i];
        struct stat status;
        bool is_directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
        size_t from = files.count;
        verb->triage.unreadable += !files_add(&files, path) && files.count == from;
        good = add_all(verb, &files, from, !is_directory);
    }
    progress_end();
    verb->triage.unreadable += files.unusable;
    files_free(&files);
    triage_sort(&verb->triage);
    return good;
}

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    const struct verb_triage *verb = context;
    (void)best;
    progress("reducing %zu of %zu: %" PRIu32 " records", verb->reducing + 1, verb->triage.group_count, counts->records);
    return !interrupted();
}

static bool write_text(const struct verb_triage *verb, const struct triage_group *group,
                       const struct minimization *minimization);

static bool reduce_group(struct verb_triage *verb, struct triage_group *group) {
    struct input input;
    if (!input_load(group->inputs.paths[group->shortest], INPUT_EITHER, &input)) {
        return false;
    }
    struct minimization minimization = {.worker = verb->triage.worker,
                                        .choice = &group->choice,
                                        .input = &input,
                                        .name = group->inputs.paths[group->shortest],
                                        .goes_on = goes_on,
                                        .context = verb,
                                        .before = group->verdict};
    bool good = minimize(&minimization);
    if (good) {
        group->before = minimization.result.before;
        group->after = minimization.result.after;
        group->is_minimal = minimization.result.is_minimal;
        group->verdict = minimization.after;
        group->bytes = minimization.result.bytes;
        group->size_bytes = minimization.result.size_bytes;
        good = verb->out == NULL || write_text(verb, group, &minimization);
    }
    input_free(&input);
    return good;
}

/* --- files of a group --- */

static bool complain(const char *path) {
    fprintf(stderr, "hakfuzz triage: '%s' cannot be written: %s; give another directory with -o\n", path,
            strerror(errno));
    return false;
}

/* DIR/NAME.ENDING, to be freed. */
static char *path_of(const struct verb_triage *verb, const char *name, const char *ending) {
    char *path = NULL;
    return asprintf(&path, "%s/%s%s", verb->out, name, ending) < 0 ? NULL : path;
}

static bool write_bytes(const struct verb_triage *verb, const char *name, const char *ending, const void *bytes,
                        size_t size_bytes) {
    char *path = path_of(verb, name, ending);
    FILE *file = path != NULL ? fopen(path, "wb") : NULL;
    bool good = file != NULL && fwrite(bytes, 1, size_bytes, file) == size_bytes;
    good = file != NULL && (fclose(file) == 0) & good;
    good = good || complain(path != NULL ? path : verb->out);
    free(path);
    return good;
}

static bool write_text(const struct verb_triage *verb, const struct triage_group *group,
                       const struct minimization *minimization) {
    char *text = NULL;
    size_t text_bytes = 0;
    struct program program;
    program_read(&program, group->bytes, group->size_bytes);
    FILE *memory = open_memstream(&text, &text_bytes);
    bool good = memory != NULL && minimize_print(minimization, &program, memory) == 0;
    good = memory != NULL && (fclose(memory) == 0) & good;
    good = good && write_bytes(verb, group->name, ".hak", text, text_bytes) &&
           write_bytes(verb, group->name, ".bin", group->bytes, group->size_bytes);
    free(text);
    return good;
}

/* One process for each of some groups: this binary on the reduced program, in the directory. With an `ending` it is to
 * write a page of that ending, else to run it. False when interrupted or unable. */
enum { BATCH = 16 };
struct batch {
    struct triage_group *groups;
    size_t count;
    struct child children[BATCH];
    char *names[BATCH][2]; /* of the program and the page */
};

static bool batch_tick(void *context, size_t done) {
    const struct verb_triage *verb = context;
    progress("showing %zu of %zu findings", verb->reducing + done, verb->triage.group_count);
    return !interrupted();
}

static void batch_run(struct verb_triage *verb, struct batch *batch, const char *self, const char *ending) {
    for (size_t i = 0; i < batch->count; i++) {
        const struct triage_group *group = &batch->groups[i];
        const char *fault = *group->choice.fault != '\0' ? group->choice.fault : "none";
        char **names = batch->names[i];
        names[0] = names[1] = NULL;
        if (asprintf(&names[0], "%s.bin", group->name) < 0 || asprintf(&names[1], "%s%s", group->name, ending) < 0) {
            names[0] = NULL; /* the list of arguments ends early: the child complains */
        }
        struct child *child = &batch->children[i];
        *child = (struct child){.directory = verb->out, .fault = fault, .timeout_s = (unsigned)verb->timeout_s};
        const char **arguments = child->arguments;
        arguments[0] = self;
        size_t count = 1;
        if (*ending == '\0') {
            count += fresh_arguments(&group->choice, false, arguments + 1);
        } else {
            arguments[count++] = "show";
            arguments[count++] = "--html";
            arguments[count++] = "-o";
            arguments[count++] = names[1];
            count = choice_arguments(&group->choice, arguments, count);
        }
        arguments[count] = names[0];
    }
    children_run(batch->children, batch->count, CHILDREN_AT_ONCE, batch_tick, verb);
}

static void batch_free(struct batch *batch) {
    children_free(batch->children, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->names[i][0]);
        free(batch->names[i][1]);
    }
}

/* What a new process says of the program: its report is the page, and its signature must be the same. */
static bool batch_report(struct verb_triage *verb, struct batch *batch, const char *self) {
    bool good = true;
    batch_run(verb, batch, self, "");
    for (size_t i = 0; i < batch->count && good && !interrupted(); i++) {
        struct triage_group *group = &batch->groups[i];
        struct verdict verdict;
        child_verdict(&batch->children[i], &verdict);
        group->replays = 1;
        group->replays_equal = strcmp(verdict.signature, group->verdict.signature) == 0;
        group->page_ending = ".txt";
        good = batch->children[i].output != NULL &&
               write_bytes(verb, group->name, group->page_ending, batch->children[i].output,
                           batch->children[i].output_bytes);
    }
    batch_free(batch);
    return good;
}

/* A page to step through, where there is one to be had: a program that ends its process has none. */
static void batch_show(struct verb_triage *verb, struct batch *batch, const char *self) {
    batch_run(verb, batch, self, ".html");
    for (size_t i = 0; i < batch->count && !interrupted(); i++) {
        char *page = path_of(verb, batch->groups[i].name, ".html");
        struct stat status;
        if (page != NULL && stat(page, &status) == 0 && status.st_size > 0) {
            batch->groups[i].page_ending = ".html";
        }
        free(page);
    }
    batch_free(batch);
}

static bool show_all(struct verb_triage *verb) {
    struct triage *triage = &verb->triage;
    char *self = self_path();
    bool good = self != NULL;
    progress_begin();
    for (size_t from = 0; from < triage->group_count && good && !interrupted(); from += BATCH) {
        size_t left = triage->group_count - from;
        struct batch batch = {.groups = &triage->groups[from], .count = left < BATCH ? left : BATCH};
        verb->reducing = from;
        good = batch_report(verb, &batch, self);
        if (good && !interrupted()) {
            batch_show(verb, &batch, self);
        }
    }
    progress_end();
    free(self);
    return good;
}

/* Takes the object. */
static bool write_json(const struct verb_triage *verb, const char *name, cJSON *object) {
    char *text = cJSON_Print(object);
    bool good = text != NULL && write_bytes(verb, name, "", text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(object);
    return good;
}

static bool write_reports(const struct verb_triage *verb) {
    return write_json(verb, "findings.json", triage_json(&verb->triage)) &&
           write_json(verb, "findings.sarif", triage_sarif(&verb->triage)) &&
           triage_write_html(&verb->triage, verb->out);
}

/* Before anything is run: whether it can be written is known at once, and a run that is killed has not left the reports
 * of an earlier one as if they were its own. */
static bool begin_reports(const struct verb_triage *verb) {
    if (verb->out != NULL && mkdir(verb->out, 0777) != 0 && errno != EEXIST) {
        return complain(verb->out);
    }
    return verb->out == NULL || write_reports(verb);
}

/* --- what is said --- */

static void print_table(const struct verb_triage *verb) {
    const struct triage *triage = &verb->triage;
    if (triage->group_count > 0) {
        printf("%6s  %-9s %s\n", "inputs", "target", "signature, and the shortest input");
    }
    for (size_t i = 0; i < triage->group_count; i++) {
        const struct triage_group *group = &triage->groups[i];
        char words[64];
        printf("%6zu  %-9s %s%s%s\n%18s%s\n", group->inputs.count, group->choice.target->name, colour_bad(stdout),
               group->verdict.signature, colour_end(stdout), "", group->inputs.paths[group->shortest]);
        if (group->bytes != NULL) {
            minimize_words(&group->after, words, sizeof words);
            printf("%18s%s%s%s%s%s%s%s\n", "", group->is_minimal ? "reduced to " : "stopped at ", words,
                   verb->out != NULL ? ": " : "", verb->out != NULL ? verb->out : "", verb->out != NULL ? "/" : "",
                   verb->out != NULL ? group->name : "", verb->out != NULL ? ".hak" : "");
        }
        if (group->replays != group->replays_equal) {
            printf("%18snondeterminism: a new process finds something else\n", "");
        }
    }
    printf("%s%zu finding%s%s in %" PRIu64 " inputs, %" PRIu64 " of them clean",
           triage->group_count > 0 ? colour_bad(stdout) : colour_good(stdout), triage->group_count,
           triage->group_count == 1 ? "" : "s", colour_end(stdout), triage->inputs, triage->clean);
    if (triage->others > 0) {
        printf(", %" PRIu64 " files left out by their names", triage->others);
    }
    if (triage->unreadable > 0) {
        printf(", %" PRIu64 " unusable", triage->unreadable);
    }
    putchar('\n');
    if (verb->out != NULL) {
        printf("%s/index.html\n", verb->out);
    }
}

/* --- the verb --- */

static int exit_code_of(const struct verb_triage *verb) {
    if (verb->triage.group_count > 0) {
        return EXIT_FINDING;
    }
    return verb->triage.unreadable > 0 ? EXIT_USAGE : EXIT_CLEAN;
}

static int triage_inputs(struct verb_triage *verb) {
    struct triage *triage = &verb->triage;
    bool good = collect(verb);
    progress_begin();
    for (size_t i = 0; i < triage->group_count && good && !verb->no_reduce && !interrupted(); i++) {
        verb->reducing = i;
        good = reduce_group(verb, &triage->groups[i]);
    }
    progress_end();
    good = good && (verb->out == NULL || verb->no_reduce || show_all(verb));
    triage->is_complete = good && !interrupted();
    if ((!good && !interrupted()) || (verb->out != NULL && !write_reports(verb))) {
        return EXIT_USAGE;
    }
    if (verb->options.json) {
        json_print(triage_json(triage));
    } else {
        print_table(verb);
    }
    if (interrupted()) {
        fputs("hakfuzz triage: stopped before the end; what is above is part of it\n", stderr);
        return EXIT_USAGE;
    }
    return exit_code_of(verb);
}

static int triage_arguments(struct verb_triage *verb) {
    const struct options *options = &verb->options;
    struct choice unused;
    if (options->argument_count == 0) {
        return options_complain(&help, "no FILE or DIR given");
    }
    for (int i = 0; i < options->argument_count; i++) {
        if (strcmp(options->arguments[i], "-") == 0) { /* each input is read again for its reduction */
            return options_complain(&help,
                                    "'-' (standard input) can be read only once; save it to a file and name that");
        }
    }
    if (!options_in_range(&help, "--timeout", verb->timeout_s, 1, TIMEOUT_MAX) ||
        !choose_on(&help, options, REAL_ORDER_VIRTUAL, "", NULL, &verb->malloc, &unused)) {
        return EXIT_USAGE;
    }
    verb->triage = (struct triage){.target = options->target, .fault = options->fault, .malloc = unused.malloc};
    interrupts_watch();
    if (!begin_reports(verb)) {
        return EXIT_USAGE;
    }
    if (!choice_prepare(&unused)) {
        return EXIT_USAGE;
    }
    verb->triage.worker = worker_open((unsigned)verb->timeout_s);
    int code = verb->triage.worker != NULL ? triage_inputs(verb) : EXIT_USAGE;
    triage_free(&verb->triage);
    return code;
}

int verb_triage(int argc, char **argv) {
    struct verb_triage verb = {.timeout_s = 10};
    struct poptOption table[] = {
        OPTION_TARGET(verb.options),
        OPTION_FAULT(verb.options),
        OPTION_MALLOC(verb.options),
        OPTION_PREFIX(verb.options),
        OPTION_JSON(verb.options),
        {"output", 'o', POPT_ARG_STRING, &verb.out, 0, "write pages, SARIF and programs here", "DIR"},
        {"no-reduce", '\0', POPT_ARG_NONE, &verb.no_reduce, 0, "only run and group", NULL},
        {"timeout", '\0', POPT_ARG_INT, &verb.timeout_s, 0, "seconds after which a run hangs (10)", "S"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome == OPTIONS_GO ? triage_arguments(&verb) : options_exit(outcome);
    malloc_close(&verb.malloc);
    free(verb.out);
    options_free(&verb.options);
    return code;
}
