/* verb_repro: does one input fail, and does it fail in the same way every time, here and in other binaries? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/execute.h"
#include "tools/guard.h"
#include "oracle/input.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/repro_gdb.h"
#include "tools/repro_sanitized.h"
#include "tools/repro_with.h"
#include "tools/tally.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "repro",
    "[OPTION...] FILE",
    "Runs FILE, prints the report once, then runs it again until it ran N times, and compares signature and trace\n"
    "hash of all runs. Runs that differ are a finding of their own: nondeterminism.\n"
    "With --malloc it runs on another malloc, each time in a process of its own, on real threads; with --order free\n"
    "they run side by side, and how often each outcome came is told.\n"
    "--gdb starts gdb instead, stopped in front of the operation that fails; 'continue' goes to the finding,\n"
    "'hak report' prints its report, and 'help hak' names what else there is to see.\n"
    "--with also runs a fuzz target's binary (libFuzzer, AFL++ or stand-alone build) N times on the input, and\n"
    "compares the signatures that it prints.\n",
    "  hakfuzz repro crash-0123abcd\n"
    "  hakfuzz repro --target oom --times 1000 crash-0123abcd\n"
    "  hakfuzz repro --malloc ./libfoo.so --times 100 crash-0123abcd\n"
    "  hakfuzz repro --gdb crash-0123abcd\n"
    "  hakfuzz repro --with build/fuzz/fuzz_threads crash-0123abcd\n",
};

enum { TIMES_MAX = 10000000 };

struct repro {
    struct options options;
    char *with;
    int gdb;
    int times;
    struct choice choice;
    struct malloc_choice malloc;
    struct input input;
    struct execution first;
    bool sanitized; /* a sanitizer's finding, not the world's */
    struct tally here;
    struct tally there;
};

static const char *outcome_name(const struct verdict *verdict) {
    return verdict->check == CHECK_NONE ? "(clean)" : verdict->signature;
}

/* In a sanitizer build a run may take the whole process with it, so one is tried in a child; not when only one is
 * wanted, as somebody may sit in a debugger. False: interrupted or unable. */
static bool run_here(struct repro *repro, const char *path) {
    if (repro->times > 1 && guard_has_sanitizer() && repro->choice.malloc == NULL) {
        struct execution *first = &repro->first;
        enum repro_sanitized outcome = repro_sanitized(&repro->choice, &repro->input, (size_t)repro->times,
                                                       &repro->here, &first->verdict, &first->report);
        repro->sanitized = outcome == REPRO_SANITIZED;
        if (repro->sanitized && !repro->options.json) {
            puts(first->report);
        }
        if (outcome != REPRO_UNSANITIZED) {
            return repro->sanitized;
        }
    }
    progress_begin();
    for (int i = 0; i < repro->times && !interrupted(); i++) {
        struct execution again;
        enum execute_report report = i > 0                 ? EXECUTE_SILENT
                                     : repro->options.json ? EXECUTE_KEEP_REPORT
                                                           : EXECUTE_PRINT_REPORT;
        struct execution *execution = i == 0 ? &repro->first : &again;
        if (!execute(&repro->choice, &repro->input, path, report, execution)) {
            return false;
        }
        tally_add(&repro->here, outcome_name(&execution->verdict), execution->verdict.trace_hash);
        if (i > 0) {
            execution_free(execution);
        }
        progress("%d of %d runs", i + 1, repro->times);
    }
    progress_end();
    return !interrupted();
}

/* One line where all are equal, else that they are not, and the list. */
static bool print_tally(const struct tally *tally, const struct verdict *first, const char *where) {
    const char *name = outcome_name(first);
    uint64_t equal = tally_equal(tally, name, first->trace_hash);
    if (equal != tally->total) {
        printf("%s%snondeterminism:%s the runs differ: %" PRIu64 " of %" PRIu64 " were like the first here\n", where,
               colour_bad(stdout), colour_end(stdout), equal, tally->total);
        tally_print(tally, stdout);
        return false;
    }
    bool hash_known = tally->entry_count > 0 && tally->entries[0].trace_hash != 0;
    printf("%s%s%s: %" PRIu64 " of %" PRIu64 " equal", where, first->check == CHECK_NONE ? "" : "signature ",
           first->check == CHECK_NONE ? "clean" : name, equal, tally->total);
    if (hash_known) {
        printf(", trace hash 0x%016" PRIx64 " equal", first->trace_hash);
    }
    putchar('\n');
    return true;
}

/* Runs whose threads go on side by side need not be equal: how often each outcome came is what there is to say. */
static bool is_free(const struct repro *repro) {
    return repro->choice.malloc != NULL && repro->choice.malloc->order == REAL_ORDER_FREE;
}

static bool is_all_clean(const struct repro *repro) {
    return tally_equal(&repro->here, "(clean)", 0) == repro->here.total;
}

static int print_text(const struct repro *repro) {
    const struct verdict *first = &repro->first.verdict;
    if (is_free(repro)) {
        tally_print(&repro->here, stdout);
        return is_all_clean(repro) ? EXIT_CLEAN : EXIT_FINDING;
    }
    bool equal = print_tally(&repro->here, first, "");
    if (repro->with != NULL) {
        char where[160];
        snprintf(where, sizeof where, "%s: ", repro->with);
        bool there_equal = print_tally(&repro->there, first, where);
        equal = equal && there_equal;
    }
    if (!equal) {
        struct verdict differs = execution_differs(first);
        world_print_finding(repro->choice.target, &differs, stdout);
        return EXIT_FINDING;
    }
    return first->check == CHECK_NONE ? EXIT_CLEAN : EXIT_FINDING;
}

static int print_json(const struct repro *repro, const char *path) {
    const struct verdict *first = &repro->first.verdict;
    const char *name = outcome_name(first);
    cJSON *object = json_begin(help.name);
    json_text(object, "file", path);
    json_text(object, "target", repro->choice.target->name);
    json_text(object, "fault", repro->choice.fault);
    json_verdict(object, first);
    json_text(object, "report", repro->first.report);
    if (repro->choice.malloc != NULL) {
        json_text(object, "malloc", repro->choice.malloc->name);
    }
    uint64_t equal = tally_equal(&repro->here, name, first->trace_hash);
    uint64_t there_equal = tally_equal(&repro->there, name, first->trace_hash);
    bool deterministic = equal == repro->here.total && there_equal == repro->there.total;
    json_number(object, "times", (double)repro->here.total);
    json_number(object, "equal", (double)equal);
    cJSON_AddItemToObject(object, "outcomes", tally_json(&repro->here));
    if (repro->with != NULL) {
        cJSON *with = cJSON_CreateObject();
        json_text(with, "binary", repro->with);
        json_number(with, "times", (double)repro->there.total);
        json_number(with, "equal", (double)there_equal);
        cJSON_AddItemToObject(with, "outcomes", tally_json(&repro->there));
        cJSON_AddItemToObject(object, "with", with);
    }
    json_bool(object, "deterministic", deterministic);
    json_print(object);
    if (is_free(repro)) {
        return is_all_clean(repro) ? EXIT_CLEAN : EXIT_FINDING;
    }
    return deterministic && first->check == CHECK_NONE ? EXIT_CLEAN : EXIT_FINDING;
}

static int repro_input(struct repro *repro, const char *path) {
    if (!choice_prepare(&repro->choice)) {
        return EXIT_USAGE;
    }
    choice_tell(&repro->choice);
    if (repro->gdb) {
        return repro_gdb(&repro->choice, &repro->input, path);
    }
    interrupts_watch();
    bool complete = run_here(repro, path);
    if (complete && !repro->options.json && repro->first.verdict.check != CHECK_NONE && !repro->sanitized) {
        world_print_finding(repro->choice.target, &repro->first.verdict, stdout);
    }
    if (complete && repro->with != NULL) {
        complete = repro_with(repro->with, repro->choice.fault, &repro->input, (size_t)repro->times, &repro->there);
    }
    if (!complete) {
        fputs("hakfuzz repro: stopped before all runs were done\n", stderr);
        return EXIT_USAGE;
    }
    return repro->options.json ? print_json(repro, path) : print_text(repro);
}

static int repro_arguments(struct repro *repro) {
    const struct options *options = &repro->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    if (!options_in_range(&help, "--times", repro->times, 1, TIMES_MAX)) {
        return EXIT_USAGE;
    }
    if (repro->with != NULL && access(repro->with, X_OK) != 0) {
        return options_complain(&help,
                                "--with %s is not a program that can be run: build it first "
                                "(cmake --build --preset fuzz)",
                                repro->with);
    }
    if (repro->gdb && (repro->with != NULL || options->json)) {
        return options_complain(&help, "--gdb goes with neither --with nor --json");
    }
    if (malloc_is_foreign(options) && (repro->with != NULL || repro->gdb)) {
        return options_complain(&help,
                                "--gdb and --with are of hakmem in the simulated world: they go without --malloc");
    }
    if (options->order != NULL && !malloc_is_foreign(options)) {
        return options_complain(&help, "--order is of real threads: it goes with --malloc");
    }
    const char *path = options->arguments[0];
    int code = EXIT_USAGE;
    if (choose_on(&help, options, REAL_ORDER_VIRTUAL, path, repro->with, &repro->malloc, &repro->choice)) {
        code = input_load(path, INPUT_EITHER, &repro->input) ? repro_input(repro, path) : EXIT_USAGE;
        input_free(&repro->input);
    }
    execution_free(&repro->first);
    malloc_close(&repro->malloc);
    return code;
}

int verb_repro(int argc, char **argv) {
    struct repro repro = {.times = 10};
    struct poptOption table[] = {
        OPTION_TARGET(repro.options),
        OPTION_FAULT(repro.options),
        OPTION_MALLOC(repro.options),
        OPTION_PREFIX(repro.options),
        OPTION_ORDER(repro.options, "default"),
        OPTION_JSON(repro.options),
        {"times", 'n', POPT_ARG_INT, &repro.times, 0, "how often (10)", "N"},
        {"gdb", 'g', POPT_ARG_NONE, &repro.gdb, 0, "stop in gdb where it fails", NULL},
        {"with", 'w', POPT_ARG_STRING, &repro.with, 0, "compare with this fuzz target's binary", "BINARY"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &repro.options);
    int code = outcome == OPTIONS_GO ? repro_arguments(&repro) : options_exit(outcome);
    free(repro.with);
    options_free(&repro.options);
    return code;
}
