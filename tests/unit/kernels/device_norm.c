/* SPDX-License-Identifier: Apache-2.0 */
/* Layernorm and rmsnorm against f64; gradients against finite differences of the f64 forward
 * pass. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define EPSILON 1e-5f

static void oracle(mas_norm kind, int64_t c, const double *x, const double *weight,
                   const double *bias, double *out, double *mean, double *rstd)
{
    double mu = 0.0, square = 0.0;
    for (int64_t j = 0; j < c && kind == MAS_NORM_LAYERNORM; j++)
        mu += x[j] / (double)c;
    for (int64_t j = 0; j < c; j++)
        square += (x[j] - mu) * (x[j] - mu) / (double)c;
    *mean = mu;
    *rstd = 1.0 / sqrt(square + (double)EPSILON);
    for (int64_t j = 0; j < c; j++)
        out[j] = (x[j] - mu) * *rstd * weight[j] + (bias ? bias[j] : 0.0);
}

static void check_forward(mas_isa isa, mas_norm kind, int64_t n, int64_t c, double offset)
{
    mas_device *d = test_open(isa, 2);
    const bool centred = kind == MAS_NORM_LAYERNORM;
    float *const x = test_normal(d, n * c, 1, 2.0), *const weight = test_normal(d, c, 2, 1.0);
    float *const bias = centred ? test_normal(d, c, 3, 1.0) : NULL;
    float *const out = test_zeros(d, n * c), *const rstd = test_zeros(d, n);
    float *const mean = centred ? test_zeros(d, n) : NULL;
    for (int64_t i = 0; i < n * c; i++)
        x[i] += (float)offset;
    d->ops->norm(d, kind, n, c, EPSILON, x, NULL, NULL, weight, bias, MAS_DTYPE_F32, out, mean,
                 rstd);
    double *const xw = test_wide(x, n * c), *const ww = test_wide(weight, c);
    double *const bw = bias ? test_wide(bias, c) : NULL;
    double *const want = malloc((size_t)c * sizeof *want);
    for (int64_t i = 0; i < n; i++) {
        double mu, r;
        oracle(kind, c, xw + i * c, ww, bw, want, &mu, &r);
        const double loss = 1.0 + fabs(offset); /* bits that the subtraction of the mean costs */
        test_close_to("norm", c, out + i * c, want, 2e-6 * loss);
        test_close_to("rstd", 1, rstd + i, &r, 2e-6 * loss);
        if (centred)
            test_close_to("mean", 1, mean + i, &mu, 1e-6);
    }
    free(xw);
    free(ww);
    free(bw);
    free(want);
    test_close(d);
}

Test(device_norm, forward_matches_f64)
{
    static const int64_t sizes[][2] = {{1, 1},    {3, 5},    {7, 17},  {33, 64},
                                       {130, 31}, {900, 48}, {2, 1000}};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int kind = 0; kind < MAS_NORM_COUNT; kind++) {
                check_forward(isa, (mas_norm)kind, sizes[s][0], sizes[s][1], 0.0);
                check_forward(isa, (mas_norm)kind, sizes[s][0], sizes[s][1], 100.0);
            }
}

typedef struct norm_case {
    mas_norm kind;
    int64_t n, c;
    const double *d_out;
} norm_case;

/* sum of d_out * norm(x, weight, bias), over the parameters laid out as x[n,c], weight[c],
 * bias[c]. */
static double scalar(const double *p, const void *context)
{
    const norm_case *k = context;
    double out[64], mean, rstd, sum = 0.0;
    for (int64_t i = 0; i < k->n; i++) {
        oracle(k->kind, k->c, p + i * k->c, p + k->n * k->c,
               k->kind == MAS_NORM_LAYERNORM ? p + (k->n + 1) * k->c : NULL, out, &mean, &rstd);
        for (int64_t j = 0; j < k->c; j++)
            sum += k->d_out[i * k->c + j] * out[j];
    }
    return sum;
}

static void check_backward(mas_isa isa, mas_norm kind, int64_t n, int64_t c)
{
    mas_device *d = test_open(isa, 2);
    const bool centred = kind == MAS_NORM_LAYERNORM;
    const int64_t count = (n + 2) * c;
    float *const p = test_normal(d, count, 1, 1.0), *const d_out = test_normal(d, n * c, 2, 1.0);
    float *const gradient = test_normal(d, count, 3, 1.0); /* everything is added to this */
    float *const out = test_zeros(d, n * c), *const mean = test_zeros(d, n),
                 *const rstd = test_zeros(d, n);
    double *const pw = test_wide(p, count), *const dw = test_wide(d_out, n * c);
    double *const want = test_wide(gradient, count);
    const norm_case k = {kind, n, c, dw};
    for (int64_t i = 0; i < (centred ? count : count - c); i++)
        want[i] += test_slope(scalar, &k, pw, i);
    float *const weight = p + n * c, *const bias = centred ? p + (n + 1) * c : NULL;
    d->ops->norm(d, kind, n, c, EPSILON, p, NULL, NULL, weight, bias, MAS_DTYPE_F32, out,
                 centred ? mean : NULL, rstd);
    d->ops->norm_backward(d, kind, n, c, p, weight, centred ? mean : NULL, rstd, MAS_DTYPE_F32,
                          d_out, gradient, NULL, gradient + n * c,
                          centred ? gradient + (n + 1) * c : NULL);
    test_close_to("norm gradient", count, gradient, want, 2e-5);
    free(pw);
    free(dw);
    free(want);
    test_close(d);
}

Test(device_norm, backward_matches_finite_differences)
{
    static const int64_t sizes[][2] = {{1, 2}, {3, 5}, {6, 17}, {5, 33}, {40, 16}};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int kind = 0; kind < MAS_NORM_COUNT; kind++)
                check_backward(isa, (mas_norm)kind, sizes[s][0], sizes[s][1]);
}

/* Rows enough for several partial sums: parameter gradients against plain f64 sums. */
static void check_parameter_sums(mas_norm kind, int64_t n, int64_t c)
{
    mas_device *d = test_open(test_top_isa(), 2);
    const bool centred = kind == MAS_NORM_LAYERNORM;
    float *const x = test_normal(d, n * c, 1, 1.0), *const weight = test_normal(d, c, 2, 1.0);
    float *const d_out = test_normal(d, n * c, 3, 0.1), *const out = test_zeros(d, n * c);
    float *const mean = test_zeros(d, n), *const rstd = test_zeros(d, n),
                 *const d_x = test_zeros(d, n * c);
    float *const d_weight = test_zeros(d, c), *const d_bias = test_zeros(d, c);
    d->ops->norm(d, kind, n, c, EPSILON, x, NULL, NULL, weight, centred ? weight : NULL,
                 MAS_DTYPE_F32, out, mean, rstd);
    d->ops->norm_backward(d, kind, n, c, x, weight, mean, rstd, MAS_DTYPE_F32, d_out, d_x, NULL,
                          d_weight, centred ? d_bias : NULL);
    double *const want = calloc((size_t)(2 * c), sizeof *want);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++) {
            const double h =
                ((double)x[i * c + j] - (centred ? (double)mean[i] : 0.0)) * (double)rstd[i];
            want[j] += (double)d_out[i * c + j] * h;
            want[c + j] += centred ? (double)d_out[i * c + j] : 0.0;
        }
    test_close_to("d_weight", c, d_weight, want, 1e-5);
    test_close_to("d_bias", c, d_bias, want + c, 1e-5);
    free(want);
    test_close(d);
}

Test(device_norm, parameter_gradients_over_many_rows)
{
    for (int kind = 0; kind < MAS_NORM_COUNT; kind++) {
        check_parameter_sums((mas_norm)kind, 5000, 72);
        check_parameter_sums((mas_norm)kind, 70, 40000);  /* few partial sums fit the scratch */
        check_parameter_sums((mas_norm)kind, 3, 1100000); /* none fits */
    }
}
