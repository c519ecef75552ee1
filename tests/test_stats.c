/* test_stats: survival curves and rank tests beside values that others have published or that a hand works out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/stats.h"

static void near(double value, double wanted, double within) {
    if (fabs(value - wanted) > within) {
        fail_msg("%.9g is not %.9g", value, wanted);
    }
}

/* Five wait: 1 comes, 2 gives up, 3 comes, 4 gives up, 5 comes. 4/5, then of three 2/3, then of one none. */
static void test_curve_by_hand(void **state) {
    (void)state;
    struct stats_wait waits[] = {{5, true}, {2, false}, {1, true}, {4, false}, {3, true}};
    struct stats_point points[5];
    assert_int_equal(stats_survival(waits, 5, points), 3);
    near(points[0].at, 1, 0), near(points[0].share, 0.8, 1e-12);
    near(points[1].at, 3, 0), near(points[1].share, 0.8 * 2 / 3, 1e-12);
    near(points[2].at, 5, 0), near(points[2].share, 0, 1e-12);
    near(stats_survival_median(points, 3), 5, 0);
    near(stats_survival_mean(points, 3, 4), 1 + 2 * 0.8 + 1 * 0.8 * 2 / 3, 1e-12);
}

/* Freireich and others (1963), remission of leukaemia with 6-mercaptopurine, in weeks: the example of many textbooks.
 */
static void test_curve_of_the_textbooks(void **state) {
    (void)state;
    struct stats_wait waits[] = {{6, true},   {6, true},   {6, true},   {6, false}, {7, true},   {9, false},
                                 {10, true},  {10, false}, {11, false}, {13, true}, {16, true},  {17, false},
                                 {19, false}, {20, false}, {22, true},  {23, true}, {25, false}, {32, false},
                                 {32, false}, {34, false}, {35, false}};
    static const struct stats_point published[] = {{6, 0.857},  {7, 0.807},  {10, 0.753}, {13, 0.690},
                                                   {16, 0.627}, {22, 0.538}, {23, 0.448}};
    struct stats_point points[21];
    assert_int_equal(stats_survival(waits, 21, points), 7);
    for (unsigned i = 0; i < 7; i++) {
        near(points[i].at, published[i].at, 0);
        near(points[i].share, published[i].share, 0.0006);
    }
    near(stats_survival_median(points, 7), 23, 0);
}

static void test_curve_without_an_end(void **state) {
    (void)state;
    struct stats_wait gave_up[] = {{10, false}, {10, false}, {10, false}}, half[] = {{2, true}, {10, false}};
    struct stats_wait all[] = {{1, true}, {2, true}, {4, true}, {8, true}};
    struct stats_point points[4];
    assert_int_equal(stats_survival(gave_up, 3, points), 0);
    assert_true(isinf(stats_survival_median(points, 0)));
    near(stats_survival_mean(points, 0, 10), 10, 0);
    assert_int_equal(stats_survival(half, 2, points), 1);
    assert_true(isinf(stats_survival_median(points, 1)));
    /* When all came, the median and the mean are what they are without any theory. */
    assert_int_equal(stats_survival(all, 4, points), 4);
    near(stats_survival_median(points, 4), 3, 1e-12);
    near(stats_survival_mean(points, 4, 100), 15.0 / 4, 1e-12);
    assert_int_equal(stats_survival(all, 0, points), 0);
}

/* The example in the manual of scipy.stats.mannwhitneyu: ages at diagnosis, U = 17, p = 0.11134688653314041 with the
 * normal approximation. */
static void test_ranks_of_an_example(void **state) {
    (void)state;
    static const double males[] = {19, 22, 16, 29, 24}, females[] = {20, 11, 17, 12};
    struct stats_ranks ranks = stats_ranks(males, 5, females, 4), back = stats_ranks(females, 4, males, 5);
    near(ranks.u, 17, 0);
    near(ranks.a12, 0.85, 1e-12);
    near(ranks.p, 0.11134688653314041, 1e-12);
    assert_true(ranks.z > 0);
    near(back.u, 3, 0);
    near(back.a12, 0.15, 1e-12);
    near(back.z, -ranks.z, 1e-12);
}

/* Ties are halves, and make the deviation smaller: with {1 2 2 3} and {2 2 3 4} U is 4.5; four
 * 2s give 60, two 3s give 6; the variance is 16/12 * (9 - 66/56). */
static void test_ranks_with_ties(void **state) {
    (void)state;
    static const double left[] = {1, 2, 2, 3}, right[] = {2, 2, 3, 4}, same[] = {7, 7, 7};
    struct stats_ranks ranks = stats_ranks(left, 4, right, 4);
    near(ranks.u, 4.5, 0);
    near(ranks.z, -(8 - 4.5 - 0.5) / sqrt(16.0 / 12 * (9 - 66.0 / 56)), 1e-12);
    near(ranks.p, erfc(-ranks.z / sqrt(2)), 1e-12);
    ranks = stats_ranks(same, 3, same, 3);
    near(ranks.a12, 0.5, 0), near(ranks.z, 0, 0), near(ranks.p, 1, 0);
    ranks = stats_ranks(left, 4, right, 0);
    near(ranks.a12, 0.5, 0), near(ranks.p, 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve_by_hand),        cmocka_unit_test(test_curve_of_the_textbooks),
        cmocka_unit_test(test_curve_without_an_end), cmocka_unit_test(test_ranks_of_an_example),
        cmocka_unit_test(test_ranks_with_ties),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
