/* verb_bench: measurements, by name. 'fuzz': how fast the fuzzing is, next to a fuzz target that does nothing and to
 * the sanitizer build, all in interleaved rounds, so that a noisy machine is noisy for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/fiber.h"
#include "oracle/sim.h"
#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/bench_children.h"
#include "tools/bench_record.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/stats.h"
#include "tools/terminal.h"
#include "tools/throughput.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "bench",
    "[OPTION...] NAME [-- COMMAND [ARGUMENT...]]",
    "NAME is what to measure:\n"
    "  fuzz   executions a second of 64-operation programs (256 fixed ones, round robin) on the targets threads and\n"
    "         sequence; 'switching' is threads with three threads that are switched inside operations, 'weak' is\n"
    "         threads with memory as weak as C11 allows. The cost of a reset and of a switch, the same in the\n"
    "         sanitizer build, and the ratio to the empty libFuzzer target.\n"
    "         Medians of interleaved rounds. For figures that count, leave the machine alone meanwhile.\n"
    "  record what hakfuzz record costs a command, whose output is thrown away: its time with and without it.\n",
    "  hakfuzz bench fuzz\n"
    "  hakfuzz bench fuzz --seconds 30 --json\n"
    "  hakfuzz bench record --times 9 -- python3 -c 'print(sum(range(1000)))'\n",
};

enum {
    ROUNDS = 5,
    SECONDS_MAX = 3600,
    RECORD_ROUNDS_MAX = 100,
    RESET_PAGES = 64,
    POOLS = 4,
    ROW_COUNT = 2 * POOLS + 1
};
static const struct {
    enum target target;
    enum throughput_schedule schedule;
} pool_table[POOLS] = {{TARGET_THREADS, THROUGHPUT_WHOLE},
                       {TARGET_THREADS, THROUGHPUT_SWITCHING},
                       {TARGET_THREADS, THROUGHPUT_WEAK},
                       {TARGET_SEQUENCE, THROUGHPUT_WHOLE}};
static const char *const pool_names[POOLS] = {"threads", "switching", "weak", "sequence"};
enum { POOL_SWITCHING = 1 };

struct bench {
    struct options options;
    int seconds;
    int rounds;
    int worker;
    struct throughput_pool *pools;       /* POOLS */
    struct throughput_pool *rescheduled; /* one, for the cost of a switch */
    double here[POOLS][ROUNDS];          /* executions a second */
    double asan[POOLS][ROUNDS];
    double empty[ROUNDS];
    double reset_ns[ROUNDS];
    double switch_ns[ROUNDS];
    double fiber_ns[ROUNDS];
    unsigned rounds_done;
    char *asan_path; /* NULL: not there, and why in asan_missing */
    char *empty_path;
    const char *asan_missing;
    const char *empty_missing;
    unsigned findings;
};

/* A row of the table that is printed: one target in one build. */
struct row {
    char label[40];
    struct stats per_second;
    double operation_ns;
};

static void find_children(struct bench *bench) {
    char *self = self_path();
    bench->asan_path = sibling_find("../fuzz/hakfuzz");
    bench->empty_path = sibling_find("fuzz_empty");
    bench->asan_missing = "build/fuzz/hakfuzz is not there; to build it: "
                          "cmake --preset fuzz && cmake --build --preset fuzz --target hakfuzz";
    bench->empty_missing = "build/fuzz/fuzz_empty is not there; to build it: "
                           "cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_empty";
    if (self != NULL && bench->asan_path != NULL && strcmp(self, bench->asan_path) == 0) {
        bench->asan_missing = "this is the sanitizer build itself";
        free(bench->asan_path);
        bench->asan_path = NULL;
    }
    free(self);
}

static bool make_pools(struct bench *bench) {
    bench->pools = calloc(POOLS, sizeof *bench->pools);
    bench->rescheduled = calloc(1, sizeof *bench->rescheduled);
    if (bench->pools == NULL || bench->rescheduled == NULL || !choice_open_world() || !world_arm_fault("")) {
        return false;
    }
    for (unsigned i = 0; i < POOLS; i++) {
        throughput_pool_make(&bench->pools[i], &target_table[pool_table[i].target], pool_table[i].schedule);
        bench->findings += bench->pools[i].findings;
        if (bench->pools[i].count == 0) {
            fprintf(stderr,
                    "hakfuzz bench: every program of target %s has a finding; there is nothing to measure: run "
                    "ci/fuzz first\n",
                    bench->pools[i].target->name);
            return false;
        }
    }
    return true;
}

static bool measure_round(struct bench *bench, unsigned round, double slice_s) {
    for (unsigned i = 0; i < POOLS; i++) {
        progress("round %u of %d: %s", round + 1, ROUNDS, pool_names[i]);
        bench->here[i][round] = throughput_measure(&bench->pools[i], slice_s);
    }
    bench->reset_ns[round] = (double)sim_bench_reset_ns(RESET_PAGES);
    *bench->rescheduled = bench->pools[POOL_SWITCHING];
    bench->switch_ns[round] = throughput_switch_ns(bench->rescheduled, slice_s);
    bench->fiber_ns[round] = fiber_bench_switch_ns();
    if (bench->empty_path != NULL) {
        progress("round %u of %d: the empty target", round + 1, ROUNDS);
        bench->empty[round] = bench_empty_target(bench->empty_path, &bench->empty_missing);
        if (bench->empty[round] <= 0) {
            free(bench->empty_path);
            bench->empty_path = NULL;
        }
    }
    if (bench->asan_path != NULL) {
        progress("round %u of %d: the sanitizer build", round + 1, ROUNDS);
        double all[POOLS];
        if (bench_worker(bench->asan_path, slice_s, pool_names, POOLS, all, &bench->asan_missing)) {
            for (unsigned i = 0; i < POOLS; i++) {
                bench->asan[i][round] = all[i];
            }
        } else {
            free(bench->asan_path);
            bench->asan_path = NULL;
        }
    }
    return !interrupted();
}

static unsigned make_rows(struct bench *bench, struct row *rows) {
    unsigned count = 0;
    for (unsigned build = 0; build < 2; build++) {
        for (unsigned i = 0; i < POOLS && (build == 0 || bench->asan_path != NULL); i++) {
            struct row *row = &rows[count++];
            snprintf(row->label, sizeof row->label, "%s%s", pool_names[i], build > 0 ? ", sanitizers" : "");
            row->per_second = stats_of(build > 0 ? bench->asan[i] : bench->here[i], bench->rounds_done);
            row->operation_ns = 1e9 / row->per_second.median / bench->pools[i].operations;
        }
    }
    return count;
}

/* stats_of sorts what it is given. */
static double median_of(const double *figures, unsigned count) {
    double values[ROUNDS];
    memcpy(values, figures, sizeof values);
    return stats_of(values, count).median;
}

static void print_text(const struct bench *bench, const struct row *rows, unsigned count, double empty, double reset) {
    printf("%d programs a target, each %d records; operations that do something: ", THROUGHPUT_PROGRAMS,
           THROUGHPUT_RECORDS);
    for (unsigned i = 0; i < POOLS; i++) {
        printf("%.1f (%s)%s", bench->pools[i].operations, pool_names[i], i + 1 < POOLS ? ", " : "");
    }
    printf("; %u rounds\n\n", bench->rounds_done);
    printf("%-24s  %12s  %25s  %8s  %s\n", "", "executions/s", "(least .. most)", "ns/op", "empty target is");
    for (unsigned i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        char range[40], ratio[32] = "?";
        snprintf(range, sizeof range, "(%.0f .. %.0f)", row->per_second.minimum, row->per_second.maximum);
        if (empty > 0) {
            snprintf(ratio, sizeof ratio, "%.1f times as fast", empty / row->per_second.median);
        }
        printf("%-24s  %12.0f  %25s  %8.1f  %s\n", row->label, row->per_second.median, range, row->operation_ns, ratio);
    }
    if (empty > 0) {
        printf("%-24s  %12.0f\n", "empty libFuzzer target", empty);
    }
    printf("\nreset with %d dirty pages: %.0f ns\n", RESET_PAGES, reset);
    printf("switch of fibers: %.1f ns; with the choice of the thread, inside an operation: %.1f ns; %.1f of them in a "
           "program of 'switching'\n",
           median_of(bench->fiber_ns, bench->rounds_done), median_of(bench->switch_ns, bench->rounds_done),
           bench->pools[POOL_SWITCHING].switches);
    if (bench->empty_path == NULL) {
        printf("not measured: the empty target: %s\n", bench->empty_missing);
    }
    if (bench->asan_path == NULL) {
        printf("not measured: the sanitizer build: %s\n", bench->asan_missing);
    }
}

static void print_json(const struct bench *bench, const struct row *rows, unsigned count, double empty, double reset) {
    cJSON *object = json_begin(help.name);
    json_text(object, "name", "fuzz");
    json_number(object, "programs", THROUGHPUT_PROGRAMS);
    json_number(object, "records_per_program", THROUGHPUT_RECORDS);
    json_number(object, "times", bench->rounds_done);
    cJSON *array = cJSON_AddArrayToObject(object, "rows");
    for (unsigned i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        json_text(item, "label", rows[i].label);
        json_text(item, "target", target_table[pool_table[i % POOLS].target].name);
        json_bool(item, "switching", i % POOLS == POOL_SWITCHING);
        json_bool(item, "sanitizers", i >= POOLS);
        json_number(item, "operations_per_execution", bench->pools[i % POOLS].operations);
        json_number(item, "executions_per_second", rows[i].per_second.median);
        json_number(item, "executions_per_second_least", rows[i].per_second.minimum);
        json_number(item, "executions_per_second_most", rows[i].per_second.maximum);
        json_number(item, "ns_per_operation", rows[i].operation_ns);
        if (empty > 0) {
            json_number(item, "empty_target_ratio", empty / rows[i].per_second.median);
        }
        cJSON_AddItemToArray(array, item);
    }
    if (empty > 0) {
        json_number(object, "empty_executions_per_second", empty);
    } else {
        json_text(object, "empty_missing", bench->empty_missing);
    }
    if (bench->asan_path == NULL) {
        json_text(object, "sanitizers_missing", bench->asan_missing);
    }
    json_number(object, "reset_pages", RESET_PAGES);
    json_number(object, "reset_ns", reset);
    json_number(object, "fiber_switch_ns", median_of(bench->fiber_ns, bench->rounds_done));
    json_number(object, "switch_ns", median_of(bench->switch_ns, bench->rounds_done));
    json_number(object, "switches_per_execution", bench->pools[POOL_SWITCHING].switches);
    json_number(object, "findings", bench->findings);
    json_print(object);
}

static int report(struct bench *bench) {
    struct row rows[ROW_COUNT];
    unsigned count = make_rows(bench, rows);
    double empty = bench->empty_path != NULL ? stats_of(bench->empty, bench->rounds_done).median : 0;
    double reset = stats_of(bench->reset_ns, bench->rounds_done).median;
    (bench->options.json ? print_json : print_text)(bench, rows, count, empty, reset);
    if (bench->findings > 0) {
        fprintf(stderr, "hakfuzz bench: %u generated programs have findings and were left out: run ci/fuzz\n",
                bench->findings);
        return EXIT_FINDING;
    }
    return EXIT_CLEAN;
}

/* What the sanitizer build is asked for: one measurement, in the form bench_worker reads. */
static int work(struct bench *bench) {
    double slice_s = (double)bench->seconds / ROUNDS / POOLS;
    for (unsigned i = 0; i < POOLS; i++) {
        printf("worker %s %.3f\n", pool_names[i], throughput_measure(&bench->pools[i], slice_s));
    }
    return EXIT_CLEAN;
}

static int bench_fuzz(struct bench *bench) {
    if (bench->options.argument_count != 1) {
        return options_complain(&help, "fuzz takes no command: '%s'", bench->options.arguments[1]);
    }
    if (!options_in_range(&help, "--seconds", bench->seconds, 1, SECONDS_MAX)) {
        return EXIT_USAGE;
    }
    interrupts_watch();
    progress_begin();
    int code = EXIT_USAGE;
    if (make_pools(bench)) {
        if (bench->worker) {
            return work(bench);
        }
        find_children(bench);
        double slice_s = (double)bench->seconds / ROUNDS / POOLS;
        while (bench->rounds_done < ROUNDS && measure_round(bench, bench->rounds_done, slice_s)) {
            bench->rounds_done++;
        }
        progress_end();
        if (bench->rounds_done > 0) {
            code = report(bench);
        }
    }
    return code;
}

static int bench_record_command(struct bench *bench) {
    if (bench->options.argument_count < 2) {
        return options_complain(&help, "record wants a command, behind --");
    }
    if (!options_in_range(&help, "--times", bench->rounds, 1, RECORD_ROUNDS_MAX)) {
        return EXIT_USAGE;
    }
    progress_begin();
    return bench_record(bench->options.arguments + 1, (unsigned)bench->rounds, bench->options.json != 0);
}

/* What can be measured. */
static const struct {
    const char *name;
    int (*function)(struct bench *bench);
} benches[] = {{"fuzz", bench_fuzz}, {"record", bench_record_command}};

static int bench_arguments(struct bench *bench) {
    const struct options *options = &bench->options;
    const char *name = options->argument_count >= 1 ? options->arguments[0] : "";
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        if (strcmp(name, benches[i].name) == 0) {
            return benches[i].function(bench);
        }
    }
    char names[64] = "";
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, " %s", benches[i].name);
    }
    return options_complain(&help, "one NAME of what to measure is wanted%s%s%s; there is:%s", *name ? ", not '" : "",
                            name, *name ? "'" : "", names);
}

int verb_bench(int argc, char **argv) {
    struct bench bench = {.seconds = 10, .rounds = 7};
    struct poptOption table[] = {
        OPTION_JSON(bench.options),
        {"seconds", 's', POPT_ARG_INT, &bench.seconds, 0, "time for the executions of one build (10)", "S"},
        {"times", 'n', POPT_ARG_INT, &bench.rounds, 0, "rounds of record (7)", "N"},
        {"worker", '\0', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, &bench.worker, 0, NULL, NULL},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &bench.options);
    int code = outcome == OPTIONS_GO ? bench_arguments(&bench) : options_exit(outcome);
    free(bench.pools);
    free(bench.rescheduled);
    free(bench.asan_path);
    free(bench.empty_path);
    options_free(&bench.options);
    return code;
}
