/* stats: see the header. */
#include "tools/stats.h"

#include <stdlib.h>

static int compare(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

struct stats stats_of(double *values, size_t count) {
    struct stats stats = {0};
    if (count > 0) {
        qsort(values, count, sizeof *values, compare);
        stats.minimum = values[0];
        stats.maximum = values[count - 1];
        stats.median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
    }
    return stats;
}
