/* verb_faults: the catalogue, and the proof by the corpus alone: each fault is put back, and the one program that is
 * written for it has to show it by a check that the catalogue names. No fuzzing. A process for each, since some faults
 * end it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/fault.h"
#include "oracle/input.h"
#include "oracle/program.h"
#include "tools/choice.h"
#include "tools/guard.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "faults",
    "[OPTION...] [CORPUS]",
    "Lists the catalogue of historical bugs: class, origin, and what was wrong.\n"
    "With a corpus, puts each of them back, runs CORPUS/TARGET/regress/FAULT.hak once and says which check saw it,\n"
    "how often its place was passed until it was triggered, and how long that took. Nothing is fuzzed.\n"
    "Exit status 1 when a fault is not seen by a check that the catalogue names, or is seen where it is not armed.\n",
    "  hakfuzz faults\n"
    "  hakfuzz faults corpus\n"
    "  hakfuzz faults --fault owner-8bit corpus\n"
    "  hakfuzz faults --json corpus\n",
};

/* Filled by a child, which may die at any moment. */
struct outcome {
    struct verdict clean, verdict; /* without the fault, with it */
    double seconds;
};

struct faults {
    struct options options;
    const char *corpus; /* NULL: only list */
    struct outcome *outcome;
    cJSON *list;
    unsigned count, tripped;
    uint64_t checks; /* that saw one first */
    double seconds;
};

static bool is_good(const struct fault_info *fault, const struct outcome *outcome) {
    return outcome->clean.check == CHECK_NONE && outcome->verdict.fault_triggered > 0 &&
           fault_expects(fault, outcome->verdict.check);
}

/* A bug that only makes runs differ is seen by the sample of runs that is proven, which comes by sooner or later. */
static void run_child(const struct fault_info *fault, const struct input *input, struct outcome *outcome) {
    enum { RUNS_MOST = 128 };
    const struct target_info *target = &target_table[fault->target];
    struct program program;
    program_read(&program, input->bytes, input->size_bytes);
    guard_begin(fault->name);
    world_run(target, &program, NULL, &outcome->clean);
    (void)world_arm_fault(fault->name);
    uint64_t start_ns = clock_ns();
    unsigned runs = (fault->checks >> CHECK_NONDETERMINISM & 1) != 0 ? RUNS_MOST : 1;
    for (unsigned i = 0; i < runs && outcome->verdict.check == CHECK_NONE; i++) {
        world_run_sampled(target, &program, NULL, &outcome->verdict);
    }
    outcome->seconds = (double)(clock_ns() - start_ns) / 1e9;
}

/* What it says of the faulty allocator's end is not news here. */
static bool run_apart(const struct fault_info *fault, const struct input *input, struct outcome *outcome) {
    memset(outcome, 0, sizeof *outcome);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null_fd = open("/dev/null", O_RDWR);
        (void)(null_fd >= 0 && dup2(null_fd, STDOUT_FILENO) >= 0 && dup2(null_fd, STDERR_FILENO) >= 0);
        run_child(fault, input, outcome);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
        perror("hakfuzz faults: cannot run a process");
        return false;
    }
    return true;
}

static void print_row(const struct fault_info *fault, const struct outcome *outcome) {
    bool good = is_good(fault, outcome);
    const struct verdict *verdict = &outcome->verdict;
    printf("%s%-24s%s %-8s  %7" PRIu64 "  %9s  %-18s  %6.2f ms  %s\n", good ? "" : colour_bad(stdout), fault->name,
           good ? "" : colour_end(stdout), target_table[fault->target].name, verdict->fault_reached,
           verdict->fault_triggered > 0 ? "yes" : "no",
           verdict->check != CHECK_NONE ? check_table[verdict->check].id : "not seen", outcome->seconds * 1e3,
           outcome->clean.check != CHECK_NONE      ? "FAILS WITHOUT THE FAULT TOO"
           : verdict->check != CHECK_NONE && !good ? "NOT A CHECK THAT THE CATALOGUE NAMES"
                                                   : fault->title);
}

static cJSON *fault_json(const struct fault_info *fault) {
    cJSON *item = cJSON_CreateObject(), *expected = cJSON_AddArrayToObject(item, "expected_checks");
    json_text(item, "fault", fault->name);
    json_text(item, "class", fault_class_names[fault->class]);
    json_text(item, "origin", fault->origin);
    json_text(item, "title", fault->title);
    json_text(item, "needs", fault->needs);
    json_text(item, "target", target_table[fault->target].name);
    cJSON_AddItemToArray(expected, cJSON_CreateString(check_table[fault->check].id));
    for (unsigned check = 0; check < CHECK_COUNT; check++) {
        if (check != fault->check && fault_expects(fault, (enum check)check)) {
            cJSON_AddItemToArray(expected, cJSON_CreateString(check_table[check].id));
        }
    }
    return item;
}

static int run_one(struct faults *faults, const struct fault_info *fault) {
    char path[4096];
    struct input input;
    snprintf(path, sizeof path, "%s/%s/regress/%s.hak", faults->corpus, target_table[fault->target].name, fault->name);
    if (!input_load(path, INPUT_EITHER, &input)) {
        return EXIT_USAGE;
    }
    bool ran = run_apart(fault, &input, faults->outcome);
    input_free(&input);
    if (!ran) {
        return EXIT_USAGE;
    }
    const struct outcome *outcome = faults->outcome;
    bool good = is_good(fault, outcome);
    faults->count++;
    faults->tripped += good;
    faults->checks |= good ? UINT64_C(1) << outcome->verdict.check : 0;
    faults->seconds += outcome->seconds;
    if (faults->options.json) {
        cJSON *item = fault_json(fault);
        json_text(item, "file", path);
        json_verdict(item, &outcome->verdict);
        json_bool(item, "found_without_fault_too", outcome->clean.check != CHECK_NONE);
        json_number(item, "milliseconds", outcome->seconds * 1e3);
        cJSON_AddItemToArray(faults->list, item);
    } else {
        print_row(fault, outcome);
    }
    return good ? EXIT_CLEAN : EXIT_FINDING;
}

static void list_one(struct faults *faults, const struct fault_info *fault) {
    if (faults->options.json) {
        cJSON_AddItemToArray(faults->list, fault_json(fault));
    } else {
        printf("%-24s  %-29s  %s: %s\n", fault->name, fault_class_names[fault->class], fault->origin, fault->title);
    }
}

static void print_summary(const struct faults *faults, double seconds) {
    if (faults->options.json) {
        cJSON *object = json_begin(help.name);
        cJSON_AddItemToObject(object, "faults", faults->list);
        if (faults->corpus != NULL) {
            json_number(object, "tripped", faults->tripped);
            json_number(object, "seconds", seconds);
        }
        json_print(object);
    } else if (faults->corpus != NULL) {
        printf(
            "%s%u of %u faults tripped by the corpus alone%s, %d of %d checks saw one first, in %.2f s (%.3f s in the "
            "runs themselves)\n",
            faults->tripped == faults->count ? colour_good(stdout) : colour_bad(stdout), faults->tripped, faults->count,
            colour_end(stdout), __builtin_popcountll(faults->checks), CHECK_COUNT - 1, seconds, faults->seconds);
    }
}

static int do_all(struct faults *faults, int only) {
    int worst = EXIT_CLEAN;
    uint64_t start_ns = clock_ns();
    if (faults->corpus != NULL && !faults->options.json) {
        printf("%-24s %-8s  %7s  %9s  %-18s  %9s  %s\n", "fault", "target", "reached", "triggered", "detected by",
               "time", "what was wrong");
    }
    for (int i = only > 0 ? only : 1; i < (only > 0 ? only + 1 : HAK_FAULT_COUNT); i++) {
        int code = EXIT_CLEAN;
        if (faults->corpus != NULL) {
            code = run_one(faults, &fault_table[i]);
        } else {
            list_one(faults, &fault_table[i]);
        }
        worst = code == EXIT_FINDING || worst == EXIT_CLEAN ? code : worst;
    }
    print_summary(faults, (double)(clock_ns() - start_ns) / 1e9);
    return worst;
}

static int faults_arguments(struct faults *faults) {
    const struct options *options = &faults->options;
    struct choice choice;
    if (options->argument_count > 1) {
        return options_complain(&help, "one CORPUS is enough");
    }
    if (!choose(NULL, options->fault != NULL ? options->fault : "none", "", NULL, &choice) || !choice_open_world()) {
        return EXIT_USAGE;
    }
    faults->corpus = options->argument_count == 1 ? options->arguments[0] : NULL;
    faults->outcome = mmap(NULL, sizeof *faults->outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (faults->outcome == MAP_FAILED) {
        perror("hakfuzz faults: cannot share memory with children");
        return EXIT_USAGE;
    }
    faults->list = options->json ? cJSON_CreateArray() : NULL;
    int code = do_all(faults, fault_find(choice.fault));
    munmap(faults->outcome, sizeof *faults->outcome);
    return code;
}

int verb_faults(int argc, char **argv) {
    struct faults faults = {0};
    struct poptOption table[] = {
        OPTION_FAULT(faults.options),
        OPTION_JSON(faults.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &faults.options);
    int code = outcome == OPTIONS_GO ? faults_arguments(&faults) : options_exit(outcome);
    options_free(&faults.options);
    return code;
}
