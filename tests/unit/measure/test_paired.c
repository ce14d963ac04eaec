/* SPDX-License-Identifier: Apache-2.0 */
/* Differences with known answers: tables of Student's t, Holm's own scheme, errors by formula. */
#include "harness/measure/paired.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(paired, .timeout = 30);

Test(paired, students_t_as_in_the_tables)
{
    cr_expect_float_eq(mas_student_t(0.05, 1), 12.7062, 1e-4);
    cr_expect_float_eq(mas_student_t(0.05, 2), 4.30265, 1e-5);
    cr_expect_float_eq(mas_student_t(0.05, 3), 3.18245, 1e-5);
    cr_expect_float_eq(mas_student_t(0.01, 10), 3.16927, 1e-5);
    cr_expect_float_eq(mas_student_t(0.05, 29), 2.04523, 1e-5);
    cr_expect_float_eq(mas_student_p(0, 5), 1, 1e-15);
}

Test(paired, holm_is_stepwise_and_never_falls)
{
    double p[] = {0.01, 0.04, 0.03, (double)NAN, 0.005};
    mas_error err;
    cr_assert_eq(mas_holm(p, 5, &err), MAS_OK);
    cr_expect_float_eq(p[4], 0.02, 1e-12);
    cr_expect_float_eq(p[0], 0.03, 1e-12);
    cr_expect_float_eq(p[2], 0.06, 1e-12);
    cr_expect_float_eq(p[1], 0.06, 1e-12);
    cr_expect(isnan(p[3]));
}

Test(paired, seeds_alone_give_the_t_test)
{
    const double d[] = {1, 2, 3, 6}, tokens[] = {1};
    mas_paired r;
    mas_error err;
    cr_assert_eq(mas_paired_compare(d, tokens, 4, 1, &r, &err), MAS_OK);
    const double error = sqrt((4.0 + 1 + 0 + 9) / 3 / 4); /* of the mean 3 */
    cr_expect_float_eq(r.difference, 3, 1e-12);
    cr_expect_float_eq(r.seed_error, error, 0.06 * error);
    cr_expect_float_eq(r.high - 3, 3.18245 * error, 0.06 * 3.18245 * error);
    cr_expect_float_eq(r.p, mas_student_p(3 / error, 3), 0.01);
    cr_expect_eq(r.segment_error, 0);
}

Test(paired, segments_count_where_seeds_agree)
{
    double d[2 * 64], tokens[64], sum = 0, squares = 0;
    for (int g = 0; g < 64; g++) {
        tokens[g] = 10;
        d[g] = d[64 + g] = g % 5;
        sum += d[g] / 10;
        squares += d[g] * d[g] / 100;
    }
    const double mean = sum / 64, error = sqrt((squares / 64 - mean * mean) / 64);
    mas_paired r;
    mas_error err;
    cr_assert_eq(mas_paired_compare(d, tokens, 2, 64, &r, &err), MAS_OK);
    cr_expect_float_eq(r.difference, mean, 1e-12);
    cr_expect_lt(r.seed_error, 1e-12);
    cr_expect_float_eq(r.segment_error, error, 0.06 * error);
    cr_expect_float_eq(r.high - mean, 12.7062 * error, 0.06 * 12.7062 * error);
}

Test(paired, one_seed_decides_nothing_and_nothing_is_refused)
{
    const double d[] = {1, 2}, tokens[] = {1, 1};
    mas_paired r;
    mas_error err;
    cr_assert_eq(mas_paired_compare(d, tokens, 1, 2, &r, &err), MAS_OK);
    cr_expect(isnan(r.p) && isnan(r.low));
    cr_expect_eq(mas_paired_seeds_needed(&r, 0.05), 0);
    cr_expect_eq(mas_paired_compare(d, tokens, 0, 2, &r, &err), MAS_E_ARGUMENT);
}

Test(paired, seeds_that_would_settle)
{
    /* a difference of one standard deviation of seeds: the t-test needs 7 pairs */
    const mas_paired r = {.seeds = 4, .segments = 1, .difference = 1, .seed_error = 0.5};
    cr_expect_eq(mas_paired_seeds_needed(&r, 0.05), 7);
    const mas_paired blind = {
        .seeds = 4, .segments = 9, .difference = 1, .seed_error = 0.5, .segment_error = 2};
    cr_expect_eq(mas_paired_seeds_needed(&blind, 0.05), 0);
}
