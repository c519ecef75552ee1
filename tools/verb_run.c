/* verb_run: run programs once each. One line a finding after its full report, one summary at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/execute.h"
#include "oracle/files.h"
#include "tools/guard.h"
#include "oracle/input.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "run",
    "[OPTION...] FILE|DIR...",
    "Runs each program in the simulated world; a directory stands for every regular file below it,\n"
    "except names that begin with a dot.\n"
    "Text form and bytes are told apart by content; '-' is standard input.\n"
    "Without --target, the path says which (corpus/oom/, findings/oom/, fuzz_oom in it, a file oom-crash-1), else it\n"
    "is 'threads'.\n"
    "--traces prints a line a program: trace hash, signature ('-' when clean) and path. Equal programs have equal\n"
    "lines, whatever ran before them, and in every build.\n",
    "  hakfuzz run crash-0123abcd\n"
    "  hakfuzz run --keep-going corpus/\n"
    "  hakfuzz run --fault carve-by-used corpus/sequence/regress\n"
    "  hakfuzz disasm crash-0123abcd | sed 's/4k/4k+1/' | hakfuzz run -\n",
};

struct summary {
    uint64_t programs;
    uint64_t operations;
    uint64_t findings;
    uint64_t unusable;
    uint64_t left_out; /* not run, because a finding came first */
};

struct run {
    struct options options;
    int keep_going;
    int traces;
    struct summary summary;
    cJSON *findings;
    bool told[TARGET_COUNT];
};

/* Text: report, machine-readable line and one line of ours. JSON: one element of the array. */
static void add_finding(struct run *run, const char *path, const struct choice *choice,
                        const struct execution *execution) {
    const struct verdict *verdict = &execution->verdict;
    run->summary.findings++;
    if (run->options.json) {
        cJSON *item = cJSON_CreateObject();
        json_text(item, "file", path);
        json_text(item, "target", choice->target->name);
        json_text(item, "fault", choice->fault);
        json_verdict(item, verdict);
        json_text(item, "report", execution->report);
        cJSON_AddItemToArray(run->findings, item);
        return;
    }
    world_print_finding(choice->target, verdict, stdout);
    printf("%s%s: %s%s: %s (signature %s)\n", colour_bad(stdout), path, check_table[verdict->check].id,
           colour_end(stdout), verdict->message, verdict->signature);
    printf("reproduce: hakfuzz repro --target %s%s%s %s\n\n", choice->target->name, *choice->fault ? " --fault " : "",
           choice->fault, path);
    fflush(stdout);
}

/* Returns an exit code; EXIT_USAGE for this one file does not end the run. */
static int run_one(struct run *run, const char *path) {
    struct input input;
    struct choice choice;
    if (!input_load(path, INPUT_EITHER, &input)) {
        run->summary.unusable++;
        return EXIT_USAGE;
    }
    int code = EXIT_USAGE;
    if (choose(run->options.target, run->options.fault, path, NULL, &choice) && choice_open_world() &&
        choice_arm(&choice)) {
        if (!run->told[choice.target - target_table]) {
            run->told[choice.target - target_table] = true;
            progress_end();
            choice_tell(&choice);
        }
        struct execution execution;
        execute(&choice, &input, path, run->options.json ? EXECUTE_KEEP_REPORT : EXECUTE_PRINT_REPORT, &execution);
        run->summary.programs++;
        run->summary.operations += execution.verdict.operations;
        code = EXIT_CLEAN;
        if (run->traces) {
            bool is_clean = execution.verdict.check == CHECK_NONE;
            printf("%016" PRIx64 " %s %s\n", execution.verdict.trace_hash, is_clean ? "-" : execution.verdict.signature,
                   path);
        }
        if (execution.verdict.check != CHECK_NONE) {
            add_finding(run, path, &choice, &execution);
            code = EXIT_FINDING;
        }
        execution_free(&execution);
    }
    input_free(&input);
    return code;
}

static int run_all(struct run *run, const struct files *files) {
    int worst = EXIT_CLEAN;
    progress_begin();
    for (size_t i = 0; i < files->count; i++) {
        progress("%zu of %zu programs, %" PRIu64 " findings", i, files->count, run->summary.findings);
        int code = run_one(run, files->paths[i]);
        if (code == EXIT_FINDING || worst == EXIT_CLEAN) {
            worst = code;
        }
        if (code == EXIT_FINDING && !run->keep_going) {
            run->summary.left_out = files->count - i - 1;
            break;
        }
        /* The environment is at fault, not this file: the next one would say the same. */
        if (code == EXIT_USAGE && run->summary.programs + run->summary.unusable == 0) {
            break;
        }
    }
    progress_end();
    return worst;
}

static void print_summary(const struct run *run) {
    const struct summary *summary = &run->summary;
    if (run->options.json) {
        cJSON *object = json_begin(help.name);
        json_number(object, "programs", (double)summary->programs);
        json_number(object, "operations", (double)summary->operations);
        json_number(object, "unusable", (double)summary->unusable);
        json_number(object, "not_run", (double)summary->left_out);
        cJSON_AddItemToObject(object, "findings", run->findings);
        json_print(object);
        return;
    }
    printf("%sprograms %" PRIu64 ", operations %" PRIu64 ", findings %" PRIu64 "%s",
           summary->findings > 0 ? colour_bad(stdout) : colour_good(stdout), summary->programs, summary->operations,
           summary->findings, colour_end(stdout));
    if (summary->unusable > 0) {
        printf(", unusable files %" PRIu64, summary->unusable);
    }
    if (summary->left_out > 0) {
        printf(", not run after the finding %" PRIu64 " (--keep-going runs them)", summary->left_out);
    }
    putchar('\n');
}

static int run_arguments(struct run *run) {
    const struct options *options = &run->options;
    if (options->argument_count == 0) {
        return options_complain(&help, "no FILE or DIR given");
    }
    if (run->traces && options->json) {
        return options_complain(&help, "--traces prints lines, --json one object: choose one");
    }
    struct choice unused;
    if (!choose(options->target, options->fault, "", NULL, &unused)) {
        return EXIT_USAGE;
    }
    struct files files = {0};
    bool listed = true;
    for (int i = 0; i < options->argument_count; i++) {
        listed &= files_add(&files, options->arguments[i]);
    }
    run->findings = options->json ? cJSON_CreateArray() : NULL;
    int code = run_all(run, &files);
    run->summary.unusable += files.unusable;
    files_free(&files);
    print_summary(run);
    return code == EXIT_CLEAN && !listed ? EXIT_USAGE : code;
}

int verb_run(int argc, char **argv) {
    struct run run = {0};
    struct poptOption table[] = {
        OPTION_TARGET(run.options),
        OPTION_FAULT(run.options),
        OPTION_JSON(run.options),
        {"keep-going", 'k', POPT_ARG_NONE, &run.keep_going, 0, "go on after a finding", NULL},
        {"traces", '\0', POPT_ARG_NONE, &run.traces, 0, "print each program's trace hash", NULL},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &run.options);
    int code = outcome == OPTIONS_GO ? run_arguments(&run) : options_exit(outcome);
    options_free(&run.options);
    return code;
}
