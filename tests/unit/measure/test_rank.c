/* SPDX-License-Identifier: Apache-2.0 */
/* Rank tests against SciPy 1.17 (mannwhitneyu, wilcoxon), and error rates on drawn samples. */
#include "harness/measure/rank.h"
#include "masbench/rng.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(rank, .timeout = 60);

static mas_shift independent(const double *a, size_t n, const double *b, size_t m)
{
    mas_shift s;
    mas_error err;
    cr_assert_eq(mas_rank_independent(a, n, b, m, 0.95, &s, &err), MAS_OK, "%s", err.text);
    return s;
}

Test(rank, exact_rank_sum)
{
    const double a[] = {10.0, 11.0, 10.5, 9.8, 12.0}, b[] = {11.5, 12.5, 13.0, 11.2, 14.0, 12.2};
    const mas_shift s = independent(a, 5, b, 6);
    cr_expect_float_eq(s.p_larger, 0.008658008658008658, 1e-12);
    cr_expect_float_eq(s.p_smaller, 0.9956709956709956, 1e-12);
    cr_expect_float_eq(s.ratio, 1.164283279771532, 1e-12);
}

Test(rank, ties_take_the_normal_approximation)
{
    const double a[] = {1, 2, 2, 3, 4, 4, 5, 6}, b[] = {2, 3, 4, 4, 6, 7, 8, 8, 9};
    const mas_shift s = independent(a, 8, b, 9);
    cr_expect_float_eq(s.p_larger, 0.03600921682899306, 1e-12);
    cr_expect_float_eq(s.p_smaller, 0.971036165058055, 1e-12);
}

Test(rank, exact_signed_rank)
{
    const double a[] = {125, 115, 130, 140, 140, 115, 140, 125, 140, 135},
                 b[] = {110, 122, 125, 120, 141, 124, 123, 137, 135, 145};
    mas_shift s;
    mas_error err;
    cr_assert_eq(mas_rank_pairs(a, b, 10, 0.95, &s, &err), MAS_OK);
    cr_expect_float_eq(s.p_smaller, 0.34765625, 1e-12);
    cr_expect_float_eq(s.p_larger, 0.6875, 1e-12);
    cr_expect_float_eq(s.ratio, 0.9740993610599441, 1e-12);
}

Test(rank, equal_values_say_nothing)
{
    const double a[] = {3, 3, 3, 3, 3, 3, 3, 3};
    const mas_shift s = independent(a, 8, a, 8);
    cr_expect_float_eq(s.ratio, 1, 0);
    cr_expect_gt(s.p_larger, 0.4);
    cr_expect_gt(s.p_smaller, 0.4);
    mas_shift pairs;
    cr_assert_eq(mas_rank_pairs(a, a, 8, 0.95, &pairs, NULL), MAS_OK);
    cr_expect_gt(pairs.p_larger, 0.4);
}

Test(rank, one_spike_does_not_count)
{
    double a[20], b[20];
    for (int i = 0; i < 20; i++)
        a[i] = b[i] = 1 + 0.001 * i;
    b[7] *= 5;
    const mas_shift s = independent(a, 20, b, 20);
    cr_expect_float_eq(s.ratio, 1, 0.01);
    cr_expect_gt(s.p_larger, 0.2);
}

static double skewed(mas_rng *rng)
{
    return exp(0.05 * fabs(mas_rng_normal(rng)));
}

Test(rank, intervals_hold_the_true_ratio)
{
    mas_rng rng = mas_rng_seed(7, 1);
    int held = 0, held_pairs = 0;
    enum { DRAWS = 1000, COUNT = 20 };
    for (int draw = 0; draw < DRAWS; draw++) {
        double a[COUNT], b[COUNT];
        for (int i = 0; i < COUNT; i++) {
            a[i] = skewed(&rng);
            b[i] = 1.1 * skewed(&rng);
        }
        const mas_shift s = independent(a, COUNT, b, COUNT);
        held += s.low <= 1.1 && 1.1 <= s.high;
        mas_shift pairs;
        cr_assert_eq(mas_rank_pairs(a, b, COUNT, 0.95, &pairs, NULL), MAS_OK);
        held_pairs += pairs.low <= 1.1 && 1.1 <= pairs.high;
    }
    cr_expect(held > 930 && held < 975, "%d of 1000", held);
    cr_expect(held_pairs > 930 && held_pairs < 975, "%d of 1000", held_pairs);
}

Test(rank, large_sets_are_thinned)
{
    mas_rng rng = mas_rng_seed(8, 1);
    enum { COUNT = 5000 };
    static double a[COUNT], b[COUNT];
    for (int i = 0; i < COUNT; i++) {
        a[i] = skewed(&rng);
        b[i] = 1.02 * skewed(&rng);
    }
    const mas_shift s = independent(a, COUNT, b, COUNT);
    cr_expect_float_eq(s.ratio, 1.02, 0.002);
    cr_expect(s.low > 1.01 && s.high < 1.03);
    cr_expect_lt(s.p_larger, 1e-10);
}

Test(rank, refuses_what_has_no_logarithm)
{
    const double good[] = {1, 2}, zero[] = {1, 0}, none[] = {1, (double)NAN};
    mas_shift s;
    mas_error err;
    cr_expect_eq(mas_rank_independent(good, 2, zero, 2, 0.95, &s, &err), MAS_E_ARGUMENT);
    cr_expect_eq(mas_rank_independent(none, 2, good, 2, 0.95, &s, &err), MAS_E_ARGUMENT);
    cr_expect_eq(mas_rank_independent(good, 0, good, 2, 0.95, &s, &err), MAS_E_ARGUMENT);
    cr_expect_eq(mas_rank_pairs(good, zero, 2, 0.95, &s, &err), MAS_E_ARGUMENT);
    const mas_shift few = independent(good, 2, good, 2);
    cr_expect(few.low <= 0 && isinf(few.high), "two values have no interval");
}
