/* verb_emit_c: a finding as C files, each compiled and run before it is kept. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/files.h"
#include "oracle/input.h"
#include "tools/child.h"
#include "tools/choice.h"
#include "tools/convert.h"
#include "tools/emit.h"
#include "tools/execute.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "emit-c",
    "[OPTION...] FILE",
    "Writes the finding of FILE as C that reproduces it by itself, and keeps only what did so when it was compiled\n"
    "and run. OUT.c has plain calls of malloc and free, with threads that take turns; it is left out where the\n"
    "finding needs more than that: switches inside operations, refused system requests, the clock. OUT_world.c has\n"
    "the program's bytes and runs in the simulated world; it is written where there are threads, or no plain file.\n",
    "  hakfuzz emit-c crash-0123abcd\n"
    "  hakfuzz emit-c --fault carve-by-used corpus/sequence/regress/carve-by-used.hak -o carve.c\n"
    "  hakfuzz emit-c --malloc libmimalloc.so --prefix mi_ crash-0123abcd\n",
};

enum { COMMAND_BYTES = 4 * PATH_MAX, SEEN_BYTES = 512, RUNS = 3, TIMEOUT_S = 60 };

struct emit_verb {
    struct options options;
    char *out_name;
    bool is_foreign; /* on another malloc than the one in the world */
    struct malloc_choice malloc;
    struct choice choice;
    struct input input;
    struct program program;
    struct execution world; /* hakmem only */
    struct real_outcome real;
    char *directory;
    char seen[SEEN_BYTES];
    cJSON *json;
    unsigned kept;
};

/* --- compile and run --- */

/* The signal that ended the program, 0 for none: the shell between says it by its exit status. */
static int signal_of(const struct child *child) {
    enum { SHELL_SIGNALS = 128 };
    if (!child->done || WIFSIGNALED(child->status)) {
        return child->done ? WTERMSIG(child->status) : 0;
    }
    int status = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 0;
    return status > SHELL_SIGNALS ? status - SHELL_SIGNALS : 0;
}

/* From the last place where `words` stand to the end of that line; NULL when they do not. */
static const char *last_line(const char *output, const char *words) {
    const char *line = NULL;
    for (const char *next = output; next != NULL && (next = strstr(next, words)) != NULL; next++) {
        line = next;
    }
    return line;
}

/* What the program said, or how it ended. True when it was a finding. */
static bool seen_read(const struct child *child, bool *is_clean, char *seen) {
    const char *line = last_line(child->output, "finding: "), *said = last_line(child->output, "hakmem: ");
    int number = signal_of(child);
    *is_clean = child->done && WIFEXITED(child->status) && WEXITSTATUS(child->status) == EXIT_CLEAN;
    if (number != 0) {
        snprintf(seen, SEEN_BYTES, "signal %d (%s)%s%.*s", number, strsignal(number), said != NULL ? ": " : "",
                 said != NULL ? (int)strcspn(said, "\n") : 0, said != NULL ? said : "");
        return true;
    }
    if (line == NULL) {
        child_outcome(child, seen, SEEN_BYTES);
        return false;
    }
    snprintf(seen, SEEN_BYTES, "%.*s", (int)strcspn(line, "\n"), line);
    return WIFEXITED(child->status) && WEXITSTATUS(child->status) == EXIT_FINDING;
}

static bool go_on(void *unused, size_t done) {
    (void)unused, (void)done;
    progress("compiling and running");
    return !interrupted();
}

/* Run a shell command in the temporary directory. NULL-terminated output stays in *child. */
static void shell(const char *directory, const char *command, struct child *child) {
    *child = (struct child){
        .arguments = {"/bin/sh", "-c", command, NULL}, .directory = directory, .fault = "none", .timeout_s = TIMEOUT_S};
    children_run(child, 1, 1, go_on, NULL);
}

/* A word of the shell: in quotes, and quotes in it outside of them. Cut at `capacity`. */
static void shell_word(char *word, size_t capacity, const char *text) {
    size_t length = 0;
    word[length++] = '\'';
    for (; *text != '\0' && length + sizeof "'\\''" < capacity; text++) {
        length += (size_t)snprintf(word + length, capacity - length, *text == '\'' ? "'\\''" : "%c", *text);
    }
    word[length++] = '\'';
    word[length] = '\0';
}

/* The last part of a path as it may stand in a comment: whoever gets the file need not know where it came from. */
static void comment_name(char *name, size_t capacity, const char *path) {
    const char *last = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    snprintf(name, capacity, "%s", strcmp(path, "-") == 0 ? "standard input" : last);
    for (char *at = name; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == '*' ? '_' : *at;
    }
}

/* The build command, as the file's head states it: `extra` is what to link. Text longer than any path is cut, and then
 * does not build. */
static void build_command(char *command, const char *source, const char *program, const char *extra) {
    char words[3][PATH_MAX];
    char run[PATH_MAX + 2];
    snprintf(run, sizeof run, "./%s", program);
    shell_word(words[0], sizeof words[0], source);
    shell_word(words[1], sizeof words[1], program);
    shell_word(words[2], sizeof words[2], run);
    int length = snprintf(command, COMMAND_BYTES, "${CC:-cc} -std=gnu17 -g -fno-builtin -pthread %s %s -o %s && %s",
                          words[0], extra, words[1], words[2]);
    if (length >= COMMAND_BYTES) {
        command[0] = '\0';
    }
}

/* Of another malloc the finding is known, so another one is none; how a process ends is said by no line. */
static bool is_the_finding(const struct emit_verb *verb) {
    static const char words[] = "finding: ";
    const char *id = check_table[verb->real.verdict.check].id;
    size_t length = strlen(id);
    bool is_said = strncmp(verb->seen, words, sizeof words - 1) == 0;
    const char *seen = verb->seen + (is_said ? sizeof words - 1 : 0);
    return !verb->is_foreign || !is_said || (strncmp(seen, id, length) == 0 && seen[length] == ' ');
}

/* Compile the file in the temporary directory and run it some times. True when each run had the same finding. */
static bool is_reproduced(struct emit_verb *verb, const char *extra, const char *kind) {
    char command[COMMAND_BYTES], first[SEEN_BYTES] = "";
    build_command(command, "try.c", "try", extra);
    for (int i = 0; i < RUNS; i++) {
        struct child child;
        bool is_clean;
        shell(verb->directory, i == 0 ? command : "./try", &child);
        bool found = seen_read(&child, &is_clean, verb->seen);
        bool is_same = found && is_the_finding(verb) && (i == 0 || strcmp(first, verb->seen) == 0);
        if (!found && !is_clean && !interrupted()) {
            fprintf(stderr, "hakfuzz emit-c: the %s file could not be compiled or run: %s\n%s\n", kind, verb->seen,
                    child.output != NULL ? child.output : "");
        } else if (i > 0 && !is_same && !interrupted()) {
            fprintf(stderr, "hakfuzz emit-c: the %s file is not kept: it ended with '%s', and in run %d with '%s'\n",
                    kind, first, i + 1, is_clean ? "clean" : verb->seen);
        }
        children_free(&child, 1);
        if (!is_same) {
            return false;
        }
        snprintf(first, sizeof first, "%s", verb->seen);
    }
    return true;
}

/* --- the two files --- */

typedef bool emit_function(struct emit_verb *verb, FILE *out, const struct emit_head *head);

static bool plain_write(struct emit_verb *verb, FILE *out, const struct emit_head *head) {
    struct real_plan plan = malloc_plan(&verb->malloc, verb->choice.target, verb->choice.fault);
    return emit_plain(out, head, &plan, verb->malloc.prefix, &verb->program, &verb->real);
}

static bool world_write(struct emit_verb *verb, FILE *out, const struct emit_head *head) {
    emit_world(out, head, verb->choice.target, verb->choice.fault, &verb->program, &verb->world.verdict);
    return true;
}

static bool file_write(struct emit_verb *verb, emit_function *write, const char *path, const struct emit_head *head) {
    FILE *out = fopen(path, "w");
    bool written = out != NULL && write(verb, out, head);
    if (out != NULL && fclose(out) != 0) {
        written = false;
    }
    if (!written) {
        fprintf(stderr, "hakfuzz emit-c: %s cannot be written: %s\n", path, strerror(errno));
    }
    return written;
}

static void kept_tell(struct emit_verb *verb, const char *kind, const char *path, const char *build) {
    verb->kept++;
    if (verb->options.json) {
        cJSON *item = cJSON_AddObjectToObject(verb->json, kind);
        json_text(item, "file", path);
        json_text(item, "build", build);
        json_text(item, "said", verb->seen);
        return;
    }
    printf("%s: %s file, compiled and run %d times: %s\n", path, kind, RUNS, verb->seen);
}

/* Returns an exit code: EXIT_CLEAN when the file does not reproduce the finding. */
static int file_try(struct emit_verb *verb, emit_function *write, const char *kind, const char *path,
                    const char *extra) {
    char build[COMMAND_BYTES], try_path[PATH_MAX], program[PATH_MAX];
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    snprintf(program, sizeof program, "%.*s", (int)(strlen(name) - strlen(".c")), name);
    build_command(build, name, program, extra);
    char input[256];
    comment_name(input, sizeof input, verb->options.arguments[0]);
    struct emit_head head = {.name = name,
                             .input = input,
                             .check = (verb->is_foreign ? &verb->real.verdict : &verb->world.verdict)->check,
                             .build = build,
                             .malloc_is = verb->is_foreign ? verb->malloc.name : "hakmem as it is built to be tried"};
    snprintf(try_path, sizeof try_path, "%s/try.c", verb->directory);
    if (!file_write(verb, write, try_path, &head)) {
        return EXIT_USAGE;
    }
    if (!is_reproduced(verb, extra, kind)) {
        return EXIT_CLEAN;
    }
    if (write == world_write) { /* it said so for machines */
        const struct verdict *verdict = &verb->world.verdict;
        snprintf(verb->seen, sizeof verb->seen, "finding: %s at %u: %s", check_table[verdict->check].id,
                 verdict->record, verdict->message);
    }
    head.seen = verb->seen;
    if (!file_write(verb, write, path, &head)) {
        return EXIT_USAGE;
    }
    kept_tell(verb, kind, path, build);
    return EXIT_FINDING;
}

static int plain_try(struct emit_verb *verb, const char *path) {
    char extra[COMMAND_BYTES] = "", why[VERDICT_MESSAGE_BYTES_MAX];
    struct real_plan plan = malloc_plan(&verb->malloc, verb->choice.target, verb->choice.fault);
    if (*verb->choice.target->component != '\0') {
        return EXIT_CLEAN;
    }
    if (!real_run(&plan, &verb->program, &verb->real, why, sizeof why)) {
        fprintf(stderr, "hakfuzz emit-c: %s\n", why);
        return EXIT_USAGE;
    }
    if (verb->real.verdict.check == CHECK_NONE) {
        return EXIT_CLEAN;
    }
    if (verb->malloc.path != NULL) {
        char library[PATH_MAX], directory[PATH_MAX], words[2][PATH_MAX];
        snprintf(library, sizeof library, "%s", verb->malloc.path);
        snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(library, '/') - library), library);
        shell_word(words[0], sizeof words[0], library);
        shell_word(words[1], sizeof words[1], directory);
        snprintf(extra, sizeof extra, "%s -Wl,-rpath,%s", words[0], words[1]);
    }
    return file_try(verb, plain_write, "plain", path, extra);
}

static int world_try(struct emit_verb *verb, const char *path) {
    char extra[COMMAND_BYTES], world_path[PATH_MAX];
    char *library = beside_find("libhak_world.a");
    if (library == NULL) {
        fputs("hakfuzz emit-c: libhak_world.a is not beside this tool; a build tree has it, for the world file\n",
              stderr);
        return EXIT_USAGE;
    }
    char word[PATH_MAX];
    shell_word(word, sizeof word, library);
    snprintf(extra, sizeof extra, "%s -lm", word);
    snprintf(world_path, sizeof world_path, "%.*s_world.c", (int)(strlen(path) - strlen(".c")), path);
    free(library);
    return file_try(verb, world_write, "world", world_path, extra);
}

/* --- the verb --- */

/* The findings of the simulated world, and of the malloc in it. */
static int emit_hakmem(struct emit_verb *verb, const char *path) {
    const struct verdict *verdict = &verb->world.verdict;
    if (!choice_open_world() || !choice_arm(&verb->choice)) {
        return EXIT_USAGE;
    }
    execute(&verb->choice, &verb->input, verb->options.arguments[0], EXECUTE_SILENT, &verb->world);
    if (verdict->check == CHECK_NONE) {
        return EXIT_CLEAN;
    }
    int plain = plain_try(verb, path);
    bool has_threads = verb->choice.target->threads > 1;
    int world = plain == EXIT_CLEAN || has_threads ? world_try(verb, path) : EXIT_CLEAN;
    if (plain == EXIT_CLEAN && !verb->options.json) {
        printf("no plain file: %s\n", *verb->choice.target->component != '\0'
                                          ? "the program tries a component, not a malloc"
                                          : "plain calls do not lead to the finding outside the simulated world");
    }
    return plain == EXIT_FINDING || world == EXIT_FINDING ? EXIT_FINDING : EXIT_USAGE;
}

static int emit_run(struct emit_verb *verb, const char *path) {
    verb->json = verb->options.json ? json_begin(help.name) : NULL;
    int code = verb->is_foreign ? plain_try(verb, path) : emit_hakmem(verb, path);
    if (verb->is_foreign && code == EXIT_CLEAN && verb->real.verdict.check != CHECK_NONE) {
        code = EXIT_USAGE; /* there is one, but not in a program that is built otherwise */
    }
    if (interrupted()) {
        fputs("hakfuzz emit-c: stopped; what was not compiled and run is not kept\n", stderr);
        code = EXIT_USAGE;
    } else if (code == EXIT_CLEAN) {
        fputs(verb->options.json ? "" : "clean: there is no finding to reproduce\n", stdout);
    } else if (code == EXIT_USAGE && verb->kept == 0) {
        fputs("hakfuzz emit-c: no file reproduces the finding; 'hakfuzz repro' shows it\n", stderr);
    }
    if (verb->json != NULL) {
        json_text(verb->json, "file", verb->options.arguments[0]);
        json_text(verb->json, "target", verb->choice.target->name);
        json_text(verb->json, "fault", verb->choice.fault);
        json_verdict(verb->json, verb->is_foreign ? &verb->real.verdict : &verb->world.verdict);
        json_print(verb->json);
    }
    return code;
}

static char *out_path(const struct emit_verb *verb) {
    char *path = NULL;
    const char *given = verb->out_name != NULL ? verb->out_name : verb->options.arguments[0];
    size_t length = strlen(given);
    bool has_suffix = length > 2 && strcmp(given + length - 2, ".c") == 0;
    const char *base = verb->out_name == NULL && strrchr(given, '/') != NULL ? strrchr(given, '/') + 1 : given;
    const char *dot = verb->out_name == NULL ? strrchr(base, '.') : NULL;
    int kept = dot != NULL && dot != base ? (int)(dot - base) : (int)strlen(base);
    int error =
        has_suffix && verb->out_name != NULL ? asprintf(&path, "%s", given) : asprintf(&path, "%.*s.c", kept, base);
    return error < 0 ? NULL : path;
}

/* Nothing that somebody has is overwritten unasked, and what cannot be written is said before the work. */
static int check_output(const struct emit_verb *verb, const char *path) {
    const char *input = verb->options.arguments[0];
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path) : 1, slash != NULL ? path : ".");
    if (strcmp(input, "-") == 0 && verb->out_name == NULL) {
        return options_complain(&help, "standard input has no name for the output: give -o OUT");
    }
    if (convert_are_same(input, path)) {
        return options_complain(&help, "'%s' is input and output: it would be overwritten; give another OUT", path);
    }
    if (verb->out_name == NULL && access(path, F_OK) == 0) {
        return options_complain(&help, "'%s' is there already: give -o OUT to overwrite it, or another one", path);
    }
    if (access(*directory != '\0' ? directory : "/", W_OK) != 0) {
        return options_complain(&help, "'%s' cannot be written: %s; give another OUT", path, strerror(errno));
    }
    return EXIT_CLEAN;
}

static int emit_input(struct emit_verb *verb) {
    program_read(&verb->program, verb->input.bytes, verb->input.size_bytes);
    char *path = out_path(verb);
    verb->directory = temporary_make();
    int code = EXIT_USAGE;
    if (path != NULL && verb->directory != NULL && check_output(verb, path) == EXIT_CLEAN) {
        interrupts_watch();
        code = emit_run(verb, path);
    }
    temporary_remove(verb->directory);
    free(path);
    return code;
}

static int emit_arguments(struct emit_verb *verb) {
    const struct options *options = &verb->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    verb->is_foreign = malloc_is_foreign(options);
    int code = EXIT_USAGE;
    const char *path = options->arguments[0];
    if (malloc_choose(&help, options, REAL_ORDER_VIRTUAL, &verb->malloc) &&
        choose(options->target, options->fault, path, NULL, &verb->choice) &&
        (!verb->is_foreign || choice_set_malloc(&verb->choice, &verb->malloc)) &&
        input_load(path, INPUT_EITHER, &verb->input)) {
        code = emit_input(verb);
    }
    input_free(&verb->input);
    execution_free(&verb->world);
    malloc_close(&verb->malloc);
    return code;
}

int verb_emit_c(int argc, char **argv) {
    static struct emit_verb verb;
    struct poptOption table[] = {
        OPTION_TARGET(verb.options),
        OPTION_FAULT(verb.options),
        {"output", 'o', POPT_ARG_STRING, &verb.out_name, 0, "the file with plain calls (name of FILE, with .c)", "OUT"},
        OPTION_MALLOC(verb.options),
        OPTION_PREFIX(verb.options),
        OPTION_JSON(verb.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome == OPTIONS_GO ? emit_arguments(&verb) : options_exit(outcome);
    free(verb.out_name);
    options_free(&verb.options);
    return code;
}
