/* bench_children: see the header. */
#include "tools/bench_children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/child.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { EMPTY_RUNS = 5000000, WORKER_ROUNDS = 5 };

static bool tick(void *context, size_t done) {
    (void)context;
    (void)done;
    return !interrupted();
}

static bool run_one(struct child *child) {
    child->directory = "/";
    child->fault = "none";
    child->timeout_s = 600;
    children_run(child, 1, 1, tick, NULL);
    return child->done && child->error == 0 && child->output != NULL;
}

/* Wall time of `-runs=N`; 0 when it failed. */
static double empty_wall_s(const char *path, const char *runs) {
    struct child child = {.arguments = {path, runs, "-seed=1"}};
    char wanted[64];
    snprintf(wanted, sizeof wanted, "Done %s runs in ", runs + strlen("-runs="));
    bool good = run_one(&child) && strstr(child.output, wanted) != NULL;
    double wall_s = good ? (double)child.wall_ns / 1e9 : 0;
    children_free(&child, 1);
    return wall_s;
}

double bench_empty_target(const char *path, const char **missing) {
    char runs[32];
    snprintf(runs, sizeof runs, "-runs=%d", EMPTY_RUNS);
    double start_s = empty_wall_s(path, "-runs=10");
    double wall_s = empty_wall_s(path, runs);
    if (start_s <= 0 || wall_s <= start_s) {
        *missing = "fuzz_empty did not end with libFuzzer's 'Done N runs'; run it by hand with -runs=10";
        return 0;
    }
    return EMPTY_RUNS / (wall_s - start_s);
}

static double read_line(const char *output, const char *target) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "worker %s ", target);
    const char *line = strstr(output, wanted);
    return line != NULL ? strtod(line + strlen(wanted), NULL) : 0;
}

bool bench_worker(const char *path, double slice_s, const char *const *names, unsigned count, double *per_second,
                  const char **missing) {
    char seconds[24];
    double total_s = slice_s * WORKER_ROUNDS * count;
    snprintf(seconds, sizeof seconds, "%d", total_s < 1 ? 1 : (int)(total_s + 0.5));
    struct child child = {.arguments = {path, "bench", "fuzz", "--worker", "--seconds", seconds}};
    bool good = run_one(&child);
    for (unsigned i = 0; i < count; i++) {
        per_second[i] = good ? read_line(child.output, names[i]) : 0;
        good = good && per_second[i] > 0;
    }
    children_free(&child, 1);
    if (!good) {
        *missing = "it did not answer; try it by hand: build/fuzz/hakfuzz bench fuzz --worker";
    }
    return good;
}
