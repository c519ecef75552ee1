/* stats: what samples of a few values say: order statistics, samples that were cut off before their end, and whether
 * two samples differ. Pure functions. */
#ifndef HAKMEM_TOOLS_STATS_H
#define HAKMEM_TOOLS_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct stats {
    double minimum;
    double median;
    double maximum;
};

/* All zero for count 0. Sorts `values`. */
struct stats stats_of(double *values, size_t count);

/* --- survival: Kaplan and Meier's estimate --- */

/* Something was waited for until `at`; then it had come, or the waiting was given up ("censored"), which says no more
 * than that it takes longer. */
struct stats_wait {
    double at;
    bool ended;
};
/* From `at` on, up to the next point, this share is still waiting; 1 in front of the first one. */
struct stats_point {
    double at;
    double share;
};

/* Fills points[0..count) and returns how many there are: one for each different time at which something came. Who gave
 * up at that very time was still waiting then. Sorts `waits`. */
size_t stats_survival(struct stats_wait *waits, size_t count, struct stats_point *points);
/* Where the curve falls below one half, or the middle of where it lies on it; INFINITY when it does not fall so far. */
double stats_survival_median(const struct stats_point *points, size_t count);
/* Mean of the waiting times, those that are longer counted as `limit`: the area under the curve up to there. The honest
 * mean of what was cut off: it is the mean of all as long as nobody gave up before `limit`. */
double stats_survival_mean(const struct stats_point *points, size_t count, double limit);

/* --- two samples --- */

struct stats_ranks {
    double u;   /* Mann and Whitney's U of `left`: pairs in which it is larger, ties for a half */
    double a12; /* Vargha and Delaney's effect: chance that one of `left` is larger than one of `right`; 0.5: no
                   difference */
    double z;   /* how surely they differ, in standard deviations, with its sign; ties and continuity corrected */
    double p;   /* chance of a U that far from the middle on either side, when they do not differ */
};
/* It looks at ranks only, so one long trial counts no more than another, and trials that were all given up at the same
 * limit are ties. The normal approximation: good from some eight values on each side. p is 1 when a sample is empty. */
struct stats_ranks stats_ranks(const double *left, size_t left_count, const double *right, size_t right_count);

#endif
