/* throughput: how fast programs of 64 operations run in this process, and what a reset costs. Opens no world; calls
 * must come from the thread that did. */
#ifndef HAKMEM_TOOLS_THROUGHPUT_H
#define HAKMEM_TOOLS_THROUGHPUT_H

#include <stdint.h>

#include "oracle/target.h"

enum { THROUGHPUT_PROGRAMS = 256, THROUGHPUT_RECORDS = 64, THROUGHPUT_BYTES_MAX = 16 + 8 * (64 + 15) };

/* A fixed pool: equal on every machine and in every build. */
struct throughput_pool {
    const struct target_info *target;
    unsigned count;    /* programs without a finding */
    unsigned findings; /* programs that were left out because they have one */
    double switches;   /* inside operations, mean of a program */
    double operations; /* that do something, mean of a program; malloc_many counts as many */
    uint32_t sizes_bytes[THROUGHPUT_PROGRAMS];
    uint8_t bytes[THROUGHPUT_PROGRAMS][THROUGHPUT_BYTES_MAX];
};

/* Operations run to their end; the same, in weak memory; or three threads are switched inside them: by genes in each
 * program, by mode random in one of six and by pct in another, as the mutator makes them. */
enum throughput_schedule { THROUGHPUT_WHOLE, THROUGHPUT_WEAK, THROUGHPUT_SWITCHING };

/* Fill the pool; runs each program once. */
void throughput_pool_make(struct throughput_pool *pool, const struct target_info *target,
                          enum throughput_schedule schedule);

/* Run the pool round robin for about `seconds`. Returns executions a second. pool->count > 0. */
double throughput_measure(const struct throughput_pool *pool, double seconds);

/* What one switch inside an operation takes, in nanoseconds: the pool's programs run with switches at every second
 * access or so, and at every hundredth, and the difference in time is shared out among the difference in switches.
 * Leaves the programs with other schedules. */
double throughput_switch_ns(struct throughput_pool *pool, double seconds);

#endif
