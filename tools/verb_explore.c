/* verb_explore: a tiny program under every schedule with at most K preemptions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/explore.h"
#include "oracle/input.h"
#include "oracle/text.h"
#include "tools/choice.h"
#include "tools/guard.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "explore",
    "[OPTION...] FILE",
    "Runs FILE under every schedule with at most K preemptions: switches inside an operation, at an access of\n"
    "shared memory, away from a thread that could go on. Between operations any thread may go on, at no cost.\n"
    "Genes, modes and weak memory of FILE are left out.\n"
    "Schedules that lead to a state that was seen are not run to their end (pruned);\n"
    "the search is 'complete' when more preemptions would lead to no new state. It ends with the first finding, which\n"
    "has as few preemptions as can be, and prints the program with genes that lead there, or writes it to OUT, for\n"
    "'hakfuzz repro'.\n",
    "  hakfuzz explore --preemptions 2 corpus/threads/seed/remote-free.hak\n"
    "  hakfuzz explore --preemptions 9 --target remote corpus/remote/seed/three-by-three.hak\n"
    "  hakfuzz explore --fault push-keeps-head -o found.hak corpus/threads/seed/no-remote-batch.hak\n",
};

enum { PREEMPTIONS_MAX = 1000 };

struct exploration {
    struct options options;
    char *out;
    int preemptions;
    struct choice choice;
    struct input input;
    struct explore_result result;
    char *report;
    char *found; /* text form of the input that leads there */
};

static bool goes_on(void *context, const struct explore_counts *counts) {
    guard_begin(context); /* each run has its own time */
    progress("%" PRIu64 " schedules, %" PRIu64 " pruned, %" PRIu64 " states, %" PRIu32 " preemptions",
             counts->schedules, counts->pruned, counts->states, counts->preemptions);
    return !interrupted();
}

static char *text_of(const uint8_t *bytes, size_t size_bytes) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = bytes == NULL ? NULL : open_memstream(&text, &text_bytes);
    if (memory != NULL) {
        (void)text_disassemble(bytes, size_bytes, memory);
        fclose(memory);
    }
    return text;
}

static const char *bound_words(const struct explore_counts *counts) {
    return counts->complete ? "complete: more preemptions lead to nothing new"
                            : "more preemptions may lead to more states";
}

static void print_counts(const struct explore_counts *counts) {
    printf("%" PRIu64 " schedules run, %" PRIu64 " pruned, %" PRIu64 " states, %" PRIu64 " at the end\n",
           counts->schedules, counts->pruned, counts->states, counts->ends);
}

static int print_text(const struct exploration *all, const char *path) {
    const struct explore_result *result = &all->result;
    bool is_found = result->verdict.check != CHECK_NONE;
    if (is_found) {
        puts(all->report);
        world_print_finding(all->choice.target, &result->verdict, stdout);
    }
    print_counts(&result->counts);
    if (!is_found) {
        printf("clean with at most %" PRIu32 " preemption%s; %s\n", result->counts.preemptions,
               result->counts.preemptions == 1 ? "" : "s", bound_words(&result->counts));
        return EXIT_CLEAN;
    }
    printf("found with %" PRIu32 " preemption%s\n", result->counts.preemptions,
           result->counts.preemptions == 1 ? "" : "s");
    if (all->found == NULL) {
        printf("its schedule needs more than %d genes, so no input can say it; explore a shorter program\n",
               PROGRAM_GENES_MAX);
    } else if (!result->replays) {
        puts("nondeterminism: the input below does not lead to the same signature");
    }
    if (all->found != NULL && all->out == NULL) {
        printf("\n# %s, explored: hakfuzz repro --target %s%s%s\n%s", path, all->choice.target->name,
               *all->choice.fault != '\0' ? " --fault " : "", all->choice.fault, all->found);
    } else if (all->found != NULL) {
        printf("hakfuzz repro --target %s%s%s %s\n", all->choice.target->name,
               *all->choice.fault != '\0' ? " --fault " : "", all->choice.fault, all->out);
    }
    return EXIT_FINDING;
}

static int print_json(const struct exploration *all, const char *path) {
    const struct explore_counts *counts = &all->result.counts;
    cJSON *object = json_begin(help.name);
    json_text(object, "file", path);
    json_text(object, "target", all->choice.target->name);
    json_text(object, "fault", all->choice.fault);
    json_number(object, "schedules", (double)counts->schedules);
    json_number(object, "pruned", (double)counts->pruned);
    json_number(object, "states", (double)counts->states);
    json_number(object, "end_states", (double)counts->ends);
    json_number(object, "preemptions", counts->preemptions);
    json_bool(object, "complete", counts->complete);
    json_verdict(object, &all->result.verdict);
    json_text(object, "report", all->report == NULL ? "" : all->report);
    json_text(object, "program", all->found == NULL ? "" : all->found);
    json_bool(object, "deterministic", all->result.replays);
    json_print(object);
    return all->result.verdict.check == CHECK_NONE ? EXIT_CLEAN : EXIT_FINDING;
}

/* True unless it was wanted and could not be written. */
static bool write_found(const struct exploration *all) {
    if (all->out == NULL || all->found == NULL) {
        return true;
    }
    FILE *out = fopen(all->out, "w");
    bool is_written = out != NULL && fputs(all->found, out) >= 0;
    if (out != NULL) {
        is_written = fclose(out) == 0 && is_written;
    }
    if (!is_written) {
        fprintf(stderr, "hakfuzz explore: '%s' cannot be written: %s; name another file with -o\n", all->out,
                strerror(errno));
    }
    return is_written;
}

static int explore_input(struct exploration *all, const char *path) {
    if (!choice_open_world() || !choice_arm(&all->choice)) {
        return EXIT_USAGE;
    }
    if (all->choice.target->threads < 2) {
        return options_complain(&help, "target '%s' has one thread, so there is one schedule",
                                all->choice.target->name);
    }
    choice_tell(&all->choice);
    interrupts_watch();
    const struct explore_limits limits = {
        .preemptions = (uint32_t)all->preemptions, .goes_on = goes_on, .context = (void *)(uintptr_t)path};
    struct program program;
    size_t report_bytes = 0;
    program_read(&program, all->input.bytes, all->input.size_bytes);
    FILE *memory = open_memstream(&all->report, &report_bytes);
    progress_begin();
    guard_begin(path);
    (void)explore(all->choice.target, &program, &limits, memory, &all->result);
    guard_end();
    progress_end();
    if (memory != NULL) {
        fclose(memory);
    }
    if (all->result.counts.stopped) {
        fputs("hakfuzz explore: stopped before all schedules were run\n", stderr);
        return EXIT_USAGE;
    }
    all->found = text_of(all->result.bytes, all->result.size_bytes);
    if (!write_found(all)) {
        return EXIT_USAGE;
    }
    return (all->options.json ? print_json : print_text)(all, path);
}

static int explore_arguments(struct exploration *all) {
    const struct options *options = &all->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    if (!options_in_range(&help, "--preemptions", all->preemptions, 0, PREEMPTIONS_MAX)) {
        return EXIT_USAGE;
    }
    const char *path = options->arguments[0];
    if (!choose(options->target, options->fault, path, NULL, &all->choice) ||
        !input_load(path, INPUT_EITHER, &all->input)) {
        return EXIT_USAGE;
    }
    int code = explore_input(all, path);
    input_free(&all->input);
    free(all->result.bytes);
    free(all->report);
    free(all->found);
    return code;
}

int verb_explore(int argc, char **argv) {
    struct exploration all = {.preemptions = 2};
    struct poptOption table[] = {
        {"preemptions", '\0', POPT_ARG_INT, &all.preemptions, 0, "switches inside operations, at most (2)", "N"},
        {"output", 'o', POPT_ARG_STRING, &all.out, 0, "where the input of a finding goes", "OUT"},
        OPTION_TARGET(all.options),
        OPTION_FAULT(all.options),
        OPTION_JSON(all.options),
        POPT_TABLEEND};
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &all.options);
    int code = outcome == OPTIONS_GO ? explore_arguments(&all) : options_exit(outcome);
    free(all.out);
    options_free(&all.options);
    return code;
}
