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

#endif
