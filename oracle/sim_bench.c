/* sim_bench: how long a reset of the simulated world takes, for `hakfuzz bench fuzz`. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "allocator/annotate.h"
#include "oracle/extents.h"
#include "oracle/sim.h"

static int compare_ns(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t sim_bench_reset_ns(unsigned pages) {
    enum { ROUNDS = 1001 };
    static uint64_t ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        char *block = os_reserve((size_t)pages << SIM_PAGE_SHIFT, SIM_PAGE_BYTES);
        (void)os_commit(block, (size_t)pages << SIM_PAGE_SHIFT);
        os_announce(block, (size_t)pages << SIM_PAGE_SHIFT);
        hak_mark_open(block, (size_t)pages << SIM_PAGE_SHIFT);
        memset(block, 1, (size_t)pages << SIM_PAGE_SHIFT);
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        sim_reset(false);
        clock_gettime(CLOCK_MONOTONIC, &end);
        ns[round] = (uint64_t)((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec);
    }
    qsort(ns, ROUNDS, sizeof ns[0], compare_ns);
    return ns[ROUNDS / 2];
}
