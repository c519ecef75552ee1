/* stats: order statistics over a few values. Pure functions that sort their argument. */
#ifndef HAKMEM_TOOLS_STATS_H
#define HAKMEM_TOOLS_STATS_H

#include <stddef.h>

struct stats {
    double minimum;
    double median;
    double maximum;
};

/* All zero for count 0. Sorts `values`. */
struct stats stats_of(double *values, size_t count);

/* How surely two samples are not of one kind: the z of Mann and Whitney's test, negative where `left` has the smaller
 * values; of pairs that are of one kind one in a hundred is beyond 2.58 on either side. It looks at ranks only, so one
 * long trial counts no more than another. 0 when a sample is empty. */
double stats_difference(const double *left, size_t left_count, const double *right, size_t right_count);

#endif
