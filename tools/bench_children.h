/* bench_children: the measurements that other binaries make for 'bench fuzz'. */
#ifndef HAKMEM_TOOLS_BENCH_CHILDREN_H
#define HAKMEM_TOOLS_BENCH_CHILDREN_H

#include <stdbool.h>

/* Executions a second of a libFuzzer binary that does nothing; 0 and *missing set when it could not be measured.
 * libFuzzer counts its own time in whole seconds, so the figure is made from wall time, start-up taken off. */
double bench_empty_target(const char *path, const char **missing);

/* Ask another hakfuzz for its executions a second, `slice_s` for each of `count` names of what it measures. */
bool bench_worker(const char *path, double slice_s, const char *const *names, unsigned count, double *per_second,
                  const char **missing);

#endif
