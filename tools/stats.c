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

static int compare_waits(const void *left, const void *right) {
    const struct stats_wait *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

size_t stats_survival(struct stats_wait *waits, size_t count, struct stats_point *points) {
    size_t found = 0;
    double share = 1;
    if (count > 0) {
        qsort(waits, count, sizeof *waits, compare_waits);
    }
    for (size_t i = 0; i < count;) {
        size_t came = 0, next = i;
        for (; next < count && waits[next].at == waits[i].at; next++) {
            came += waits[next].ended;
        }
        if (came > 0) {
            double waiting = (double)(count - i);
            share *= (waiting - (double)came) / waiting;
            points[found++] = (struct stats_point){waits[i].at, share};
        }
        i = next;
    }
    return found;
}

double stats_survival_median(const struct stats_point *points, size_t count) {
    static const double little = 1e-12; /* shares are products of fractions */
    for (size_t i = 0; i < count; i++) {
        if (points[i].share < 0.5 - little) {
            return points[i].at;
        }
        if (points[i].share < 0.5 + little) {
            return i + 1 < count ? (points[i].at + points[i + 1].at) / 2 : INFINITY;
        }
    }
    return INFINITY;
}

double stats_survival_mean(const struct stats_point *points, size_t count, double limit) {
    double area = 0, from = 0, share = 1;
    for (size_t i = 0; i < count && points[i].at < limit; i++) {
        area += share * (points[i].at - from);
        from = points[i].at;
        share = points[i].share;
    }
    return area + share * (limit - from);
}

/* The sum of t^3 - t over groups of t equal values of both samples. */
static double ties_of(const double *left, size_t left_count, const double *right, size_t right_count) {
    size_t count = left_count + right_count;
    double *all = malloc(count * sizeof *all), ties = 0;
    if (all == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        all[i] = i < left_count ? left[i] : right[i - left_count];
    }
    qsort(all, count, sizeof *all, compare);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i; next < count && all[next] == all[i]; next++) {
        }
        double t = (double)(next - i);
        ties += t * t * t - t;
    }
    free(all);
    return ties;
}

struct stats_ranks stats_ranks(const double *left, size_t left_count, const double *right, size_t right_count) {
    struct stats_ranks ranks = {.a12 = 0.5, .p = 1};
    double n = (double)left_count, m = (double)right_count, both = n + m;
    if (left_count == 0 || right_count == 0) {
        return ranks;
    }
    for (size_t i = 0; i < left_count; i++) {
        for (size_t j = 0; j < right_count; j++) {
            ranks.u += left[i] > right[j] ? 1 : left[i] < right[j] ? 0 : 0.5;
        }
    }
    ranks.a12 = ranks.u / (n * m);
    double ties = ties_of(left, left_count, right, right_count);
    double deviation = sqrt(n * m / 12 * (both + 1 - ties / (both * (both - 1))));
    double away = fabs(ranks.u - n * m / 2) - 0.5;
    if (deviation > 0 && away > 0) {
        ranks.z = copysign(away / deviation, ranks.a12 - 0.5);
        ranks.p = erfc(fabs(ranks.z) / sqrt(2));
    }
    return ranks;
}
