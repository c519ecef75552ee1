/* stats: see the header. */
#include "tools/stats.h"

#include <math.h>
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

double stats_difference(const double *left, size_t left_count, const double *right, size_t right_count) {
    double above = 0, n = (double)left_count, m = (double)right_count;
    for (size_t i = 0; i < left_count; i++) {
        for (size_t j = 0; j < right_count; j++) {
            above += left[i] > right[j] ? 1 : left[i] < right[j] ? 0 : 0.5;
        }
    }
    double deviation = sqrt(n * m * (n + m + 1) / 12);
    return deviation > 0 ? (above - n * m / 2) / deviation : 0;
}
