/* engine_standalone: main of a fuzz target that needs no engine. Replays inputs, or fuzzes by itself with --random. */
#include <limits.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/random.h"
#include "fuzz_targets/replay.h"

struct arguments {
    int help;
    int random;
    long long seconds;
    long long runs;
    long long seed;
    char *artifacts;
    char *fault;
};

enum { DEFAULT_SECONDS = 60 };
#define ABSENT LLONG_MIN /* an option that was not given */

static void print_help(poptContext context) {
    printf("fuzz_%s: %s\n\n", fuzz_target->name, fuzz_target->purpose);
    poptPrintHelp(context, stdout, 0);
    printf("\nInputs are files with a program in bytes or in text form; directories stand for all files below them.\n"
           "Exit code: 0 clean, 1 finding, 2 wrong usage or environment.\n"
           "\nExamples:\n"
           "  fuzz_%s crash-0123456789abcdef           run one input\n"
           "  fuzz_%s corpus/%s%*srun all inputs of a directory\n"
           "  fuzz_%s --random --seconds 600           fuzz for ten minutes\n"
           "  fuzz_%s --random --runs 100000 --seed 7  the same programs every time\n"
           "  fuzz_%s --random --fault sentinel-leak   fuzz with a fault of the catalogue put back\n",
           fuzz_target->name, fuzz_target->name, fuzz_target->name, 26 - (int)strlen(fuzz_target->name), "",
           fuzz_target->name, fuzz_target->name, fuzz_target->name);
}

static int usage_error(const char *message) {
    fprintf(stderr, "fuzz_%s: %s (see --help)\n", fuzz_target->name, message);
    return EXIT_UNABLE;
}

/* What popt cannot say: which options go together. NULL when all is well. */
static const char *arguments_wrong(const struct arguments *arguments, const char **inputs) {
    if ((arguments->seconds < 1 && arguments->seconds != ABSENT) ||
        (arguments->runs < 1 && arguments->runs != ABSENT)) {
        return "--seconds and --runs take a whole number from 1 on";
    }
    if (arguments->seed < 0 && arguments->seed != ABSENT) {
        return "--seed takes a number that is not negative";
    }
    if (arguments->fault != NULL && arguments->fault[0] == '\0') {
        return "--fault '' names no fault; 'none' stands for none";
    }
    if (!arguments->random &&
        (arguments->seconds != ABSENT || arguments->runs != ABSENT || arguments->seed != ABSENT)) {
        return "--seconds, --runs and --seed belong to --random";
    }
    if (!arguments->random && arguments->artifacts != NULL) {
        return "--artifacts belongs to --random";
    }
    if (!arguments->random && (inputs == NULL || inputs[0] == NULL)) {
        return "nothing to do: name inputs, or use --random";
    }
    return NULL;
}

static uint64_t seed_of(const struct arguments *arguments) {
    if (arguments->seed >= 0) {
        return (uint64_t)arguments->seed;
    }
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        fprintf(stderr, "fuzz_%s: no random seed from the system; using 0\n", fuzz_target->name);
    }
    return seed;
}

static int run(const struct arguments *arguments, const char **inputs, const char *self) {
    struct files list = {0};
    for (; inputs != NULL && *inputs != NULL; inputs++) {
        if (!files_add(&list, *inputs)) {
            files_free(&list);
            return EXIT_UNABLE;
        }
    }
    const char *fault = arguments->fault != NULL ? arguments->fault : getenv(FUZZ_FAULT_VARIABLE);
    fuzz_open(fault, arguments->fault != NULL ? "--fault" : FUZZ_FAULT_VARIABLE);
    struct replay_command command = {self, fault};
    int code;
    if (arguments->random) {
        long long seconds = arguments->runs != ABSENT ? 0 : DEFAULT_SECONDS;
        struct random_options options = {
            .seed = seed_of(arguments),
            .runs = arguments->runs != ABSENT ? (uint64_t)arguments->runs : 0,
            .seconds = (uint64_t)(arguments->seconds != ABSENT ? arguments->seconds : seconds),
            .artifacts = arguments->artifacts != NULL ? arguments->artifacts : ".",
            .seeds = list,
            .self = command,
        };
        code = random_fuzz(&options);
    } else {
        code = replay_files(&command, &list);
    }
    files_free(&list);
    return code;
}

int main(int argc, const char **argv) {
    struct arguments arguments = {.seconds = ABSENT, .runs = ABSENT, .seed = ABSENT};
    struct poptOption table[] = {
        {"random", 0, POPT_ARG_NONE, &arguments.random, 0, "fuzz with generated programs; inputs are where it begins",
         NULL},
        {"seconds", 0, POPT_ARG_LONGLONG, &arguments.seconds, 0, "end after N seconds (60 when --runs is not given)",
         "N"},
        {"runs", 0, POPT_ARG_LONGLONG, &arguments.runs, 0, "end after N programs", "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &arguments.seed, 0, "equal seeds make equal programs (default: random)", "N"},
        {"artifacts", 0, POPT_ARG_STRING, &arguments.artifacts, 0, "directory for the input of a finding (default: .)",
         "DIR"},
        {"fault", 0, POPT_ARG_STRING, &arguments.fault, 0, "put a fault of the catalogue back (default: $HAKMEM_FAULT)",
         "NAME"},
        {"help", 'h', POPT_ARG_NONE, &arguments.help, 0, "show this and end", NULL},
        POPT_TABLEEND,
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    poptContext context = poptGetContext("fuzz", argc, argv, table, 0);
    poptSetOtherOptionHelp(context, "[--random] [OPTION...] [INPUT...]");
    int result = poptGetNextOpt(context);
    const char **inputs = poptGetArgs(context);
    const char *wrong = arguments_wrong(&arguments, inputs);
    int code;
    if (result < -1) {
        const char *bad = poptBadOption(context, POPT_BADOPTION_NOALIAS);
        bool is_number = result == POPT_ERROR_BADNUMBER || result == POPT_ERROR_OVERFLOW;
        fprintf(stderr, "fuzz_%s: %s%s: %s (see --help)\n", fuzz_target->name,
                is_number ? "--seconds, --runs or --seed " : "", bad,
                is_number ? "not a whole number that fits" : poptStrerror(result));
        code = EXIT_UNABLE;
    } else if (arguments.help) {
        print_help(context);
        code = EXIT_CLEAN;
    } else {
        code = wrong != NULL ? usage_error(wrong) : run(&arguments, inputs, argv[0]);
    }
    poptFreeContext(context);
    free(arguments.artifacts);
    free(arguments.fault);
    return code;
}
