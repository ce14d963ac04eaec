/* SPDX-License-Identifier: Apache-2.0 */
/* Activations, bias, addition, rotary positions and embedding of the CPU device against f64. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- exponential ---- */

static double ulp_of(double x)
{
    return ldexp(1.0, ilogb(x) - 23);
}

Test(device_rows, exponential_is_within_two_ulp)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        const mas_cpu_rows *rows = mas_cpu_rows_for(isa);
        double worst = 0.0;
        for (double at = -87.3; at < 87.3; at += 0.00037) {
            const float x = (float)at;
            float got;
            rows->exponential(1, &x, &got);
            const double want = exp((double)x), error = fabs((double)got - want) / ulp_of(want);
            worst = error > worst ? error : worst;
        }
        cr_assert_leq(worst, 2.0, "%s: %.3g ulp", mas_isa_name(isa), worst);
        const float edge[] = {-INFINITY, -1e30f, INFINITY, NAN, 0.0f};
        float got[5];
        rows->exponential(5, edge, got);
        cr_assert(got[0] > 0.0f && got[0] < 1.3e-38f && got[1] == got[0]);
        cr_assert(got[2] > 8e37f && isfinite(got[2]));
        cr_assert(isnan(got[3]));
        cr_assert(got[4] == 1.0f);
    }
}

/* Arithmetic keeps the bits of a NaN, so any may come. */
Test(device_rows, exponential_keeps_every_nan)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (uint32_t payload = 1; payload < 0x800000; payload += payload < 0x1000 ? 1 : 0xfff)
            for (uint32_t sign = 0; sign < 2; sign++) {
                const uint32_t bits = sign << 31 | 0x7f800000 | payload;
                float x, got;
                memcpy(&x, &bits, sizeof x);
                mas_cpu_rows_for(isa)->exponential(1, &x, &got);
                cr_assert(isnan(got), "%s: e^NaN is %g for %08x", mas_isa_name(isa), (double)got,
                          bits);
            }
}

/* ---- activations ---- */

static double gelu(double x)
{
    return 0.5 * x * (1.0 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double silu(double x)
{
    return x / (1.0 + exp(-x));
}

static double gelu_of(const double *x, const void *context)
{
    (void)context;
    return gelu(*x);
}

/* x = (gate, up) */
static double swiglu_of(const double *x, const void *context)
{
    (void)context;
    return silu(x[0]) * x[1];
}

static void check_activation(mas_isa isa, mas_activation kind, int64_t n, int64_t f, double scale)
{
    mas_device *d = test_open(isa, 2);
    const bool gated = kind == MAS_ACTIVATION_SWIGLU;
    const int64_t width = gated ? 2 * f : f;
    float *const in = test_normal(d, n * width, 1, scale), *const d_out =
                                                               test_normal(d, n * f, 2, 1.0);
    float *const out = test_zeros(d, n * f), *const d_in = test_normal(d, n * width, 3, 1.0);
    double *const want = calloc((size_t)(n * f), sizeof *want);
    double *const slope = calloc((size_t)(n * width), sizeof *slope);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < f; j++) {
            const int64_t at = i * width + j;
            double x[2] = {(double)in[at], gated ? (double)in[at + f] : 0.0};
            const double dy = (double)d_out[i * f + j];
            want[i * f + j] = gated ? swiglu_of(x, NULL) : gelu(x[0]);
            slope[at] = dy * test_slope(gated ? swiglu_of : gelu_of, NULL, x, 0);
            if (gated)
                slope[at + f] = dy * silu(x[0]);
        }
    d->ops->activation(d, kind, n, f, MAS_DTYPE_F32, in, out);
    d->ops->activation_backward(d, kind, n, f, MAS_DTYPE_F32, in, d_out, d_in);
    test_close_to("activation", n * f, out, want, 1e-6);
    test_close_to("activation gradient", n * width, d_in, slope, 4e-6);
    free(want);
    free(slope);
    test_close(d);
}

Test(device_rows, activations_match_f64_and_finite_differences)
{
    static const int64_t sizes[][2] = {{1, 1}, {3, 5}, {7, 17}, {33, 64}, {130, 31}, {700, 100}};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int kind = 0; kind < MAS_ACTIVATION_COUNT; kind++)
                for (double scale = 0.1; scale < 100.0; scale *= 20.0)
                    check_activation(isa, (mas_activation)kind, sizes[s][0], sizes[s][1], scale);
}

Test(device_rows, activations_keep_extremes_and_nan)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        mas_device *d = test_open(isa, 1);
        const float in[] = {-1e30f, 1e15f, -30.0f, 0.0f, NAN};
        const float ones[] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
        float out[5], d_in[5];
        d->ops->activation(d, MAS_ACTIVATION_GELU, 1, 5, MAS_DTYPE_F32, in, out);
        d->ops->activation_backward(d, MAS_ACTIVATION_GELU, 1, 5, MAS_DTYPE_F32, in, ones, d_in);
        cr_assert(fabsf(out[0]) < 1e-7f && out[1] == 1e15f && fabsf(out[2]) < 1e-30f &&
                  out[3] == 0.0f);
        cr_assert(fabsf(d_in[0]) < 1e-30f && d_in[1] == 1.0f && d_in[3] == 0.5f);
        cr_assert(isnan(out[4]) && isnan(d_in[4]));
        test_close(d);
    }
}

/* ---- bias and addition ---- */

Test(device_rows, bias_and_addition)
{
    static const int64_t sizes[][2] = {{1, 1}, {3, 5}, {7, 17}, {33, 64}, {4000, 31}, {10, 5000}};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int64_t n = sizes[s][0], c = sizes[s][1];
            mas_device *d = test_open(isa, 2);
            float *const x = test_normal(d, n * c, 1, 1.0), *const y =
                                                                test_normal(d, n * c, 2, 1.0);
            float *const bias = test_normal(d, c, 3, 1.0);
            double *const xw = test_wide(x, n * c), *const sums = test_wide(bias, c);
            for (int64_t i = 0; i < n * c; i++) {
                xw[i] = (double)(x[i] + bias[i % c] + y[i]);
                sums[i % c] += (double)y[i];
            }
            d->ops->add_bias(d, n, c, bias, MAS_DTYPE_F32, x);
            d->ops->add(d, n * c, y, x);
            d->ops->bias_backward(d, n, c, MAS_DTYPE_F32, y, bias);
            test_close_to("add_bias and add", n * c, x, xw, 0.0);
            test_close_to("bias_backward", c, bias, sums, 5e-5);
            free(xw);
            free(sums);
            test_close(d);
        }
}

/* ---- rotary positions ---- */

static void check_rope(mas_isa isa, int64_t n, int64_t heads, int64_t dim, float theta,
                       int32_t first)
{
    mas_device *d = test_open(isa, 2);
    const int64_t stride = heads * dim + 3; /* a slice of wider rows: the rest must survive */
    float *const x = test_normal(d, n * stride, 1, 1.0);
    int32_t *const positions = test_ids(d, n, 2, 5000);
    double *const before = test_wide(x, n * stride), *const want = test_wide(x, n * stride);
    for (int64_t i = 0; i < n; i++) {
        positions[i] += first;
        for (int64_t h = 0; h < heads; h++)
            for (int64_t j = 0; j < dim / 2; j++) {
                const int64_t at = i * stride + h * dim + j;
                const double angle =
                    (double)positions[i] * pow((double)theta, -2.0 * (double)j / (double)dim);
                want[at] = before[at] * cos(angle) - before[at + dim / 2] * sin(angle);
                want[at + dim / 2] = before[at] * sin(angle) + before[at + dim / 2] * cos(angle);
            }
    }
    d->ops->rope(d, n, heads, dim, stride, theta, false, positions, MAS_DTYPE_F32, x);
    test_close_to("rope", n * stride, x, want, 4e-7);
    d->ops->rope(d, n, heads, dim, stride, theta, true, positions, MAS_DTYPE_F32, x);
    test_close_to("rope and back", n * stride, x, before, 4e-7);
    free(before);
    free(want);
    test_close(d);
}

Test(device_rows, rope_turns_and_returns)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        check_rope(isa, 1, 1, 2, 10000.0f, 0);
        check_rope(isa, 37, 3, 10, 10000.0f, 0);
        check_rope(isa, 50, 2, 64, 10000.0f, 100000);
        check_rope(isa, 300, 4, 16, 1000000.0f, 0);
        check_rope(isa, 9, 1, 256, 500000.0f, 2000000000);
    }
}

/* ---- embedding ---- */

static void check_embed(mas_isa isa, int64_t n, int64_t c, int32_t vocab, bool positional)
{
    mas_device *d = test_open(isa, 3);
    const int32_t length = 50;
    float *const tokens = test_normal(d, vocab * c, 1, 1.0), *const places =
                                                                 test_normal(d, length * c, 2, 1.0);
    int32_t *const ids = test_ids(d, n, 3, vocab), *const positions = test_ids(d, n, 4, length);
    float *const out = test_zeros(d, n * c), *const d_out = test_normal(d, n * c, 5, 1.0);
    float *const d_tokens = test_normal(d, vocab * c, 6, 1.0), *const d_places = test_normal(
                                                                   d, length * c, 7, 1.0);
    double *const want = calloc((size_t)(n * c), sizeof *want);
    double *const tokens_want = test_wide(d_tokens, vocab * c), *const places_want =
                                                                    test_wide(d_places, length * c);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++) {
            want[i * c + j] = (double)tokens[ids[i] * c + j];
            tokens_want[ids[i] * c + j] += (double)d_out[i * c + j];
            if (positional) {
                want[i * c + j] += (double)places[positions[i] * c + j];
                places_want[positions[i] * c + j] += (double)d_out[i * c + j];
            }
        }
    d->ops->embed(d, n, c, ids, positional ? positions : NULL, tokens, positional ? places : NULL,
                  out);
    d->ops->embed_backward(d, n, c, vocab, ids, positional ? positions : NULL, d_out, d_tokens,
                           positional ? d_places : NULL);
    test_close_to("embed", n * c, out, want, 1e-7);
    test_close_to("embed_backward, tokens", vocab * c, d_tokens, tokens_want, 2e-6);
    test_close_to("embed_backward, positions", length * c, d_places, places_want, 2e-6);
    free(want);
    free(tokens_want);
    free(places_want);
    test_close(d);
}

Test(device_rows, embedding_and_its_gradient)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (int positional = 0; positional < 2; positional++) {
            check_embed(isa, 1, 1, 1, positional);
            check_embed(isa, 40, 7, 3, positional);
            check_embed(isa, 900, 100, 61, positional);
            check_embed(isa, 60, 600, 1000, positional);
        }
}
