/* fiber_bench: what a switch of fibers takes by itself, for `hakfuzz bench fuzz`: two that do nothing but switch. */
#include <stdlib.h>
#include <time.h>

#include "oracle/fiber.h"

enum { SWITCHES = 100000, STACK_BYTES = 64 * 1024 };

static struct fiber here, there;

static void switch_back(void *unused) {
    (void)unused;
    for (;;) {
        fiber_switch(&there, &here);
    }
}

static double elapsed_ns(const struct timespec *start) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start->tv_sec) * 1e9 + (double)(end.tv_nsec - start->tv_nsec);
}

double fiber_bench_switch_ns(void) {
    here = (struct fiber){0};
    there = (struct fiber){.stack = malloc(STACK_BYTES), .stack_bytes = STACK_BYTES};
    if (there.stack == NULL) {
        return 0;
    }
    fiber_prepare(&there, switch_back, NULL);
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < SWITCHES / 2; i++) {
        fiber_switch(&here, &there);
    }
    double ns = elapsed_ns(&start) / SWITCHES;
    free(there.stack);
    return ns;
}
