/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-entropy, sum of squares and AdamW of the CPU device. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- cross-entropy ---- */

typedef struct loss_case {
    int64_t n, c, vocab;
    const int32_t *targets;
} loss_case;

/* Loss of one row from p = x[n,c], weight[vocab,c]; *first is the first largest logit. */
static double row_loss(const loss_case *k, const double *p, int64_t i, int64_t *first)
{
    const double *x = p + i * k->c, *weight = p + k->n * k->c;
    double *const logits = calloc((size_t)k->vocab, sizeof *logits);
    double sum = 0.0;
    *first = 0;
    for (int64_t v = 0; v < k->vocab; v++) {
        for (int64_t j = 0; j < k->c; j++)
            logits[v] += x[j] * weight[v * k->c + j];
        if (logits[v] > logits[*first])
            *first = v;
    }
    const double largest = logits[*first];
    for (int64_t v = 0; v < k->vocab; v++)
        sum += exp(logits[v] - largest);
    const double loss = k->targets[i] < 0 ? 0.0 : log(sum) + largest - logits[k->targets[i]];
    free(logits);
    return loss;
}

static double total_loss(const double *p, const void *context)
{
    const loss_case *k = context;
    double sum = 0.0;
    int64_t first;
    for (int64_t i = 0; i < k->n; i++)
        sum += row_loss(k, p, i, &first);
    return sum;
}

static void *workspace_of(mas_device *d, int64_t n, int64_t c, int64_t vocab)
{
    const size_t bytes = d->ops->cross_entropy_workspace_bytes(d, n, c, vocab, MAS_DTYPE_F32);
    float *const w = test_zeros(d, (int64_t)(bytes / sizeof *w));
    for (size_t i = 0; i < bytes / sizeof *w; i++)
        w[i] = NAN; /* prior content is never read */
    return w;
}

/* Compare with f64; the gradients of every `stride`-th number by finite differences. */
static void check_loss(mas_isa isa, int64_t n, int64_t c, int32_t vocab, double scale,
                       int64_t stride)
{
    mas_device *d = test_open(isa, 2);
    mas_error err = {0};
    const int64_t count = (n + vocab) * c;
    const float grad_scale = 0.37f;
    float *const p = test_normal(d, count, 1, scale), *const weight = p + n * c;
    int32_t *const targets = test_ids(d, n, 2, vocab);
    for (int64_t i = 2; i < n; i += 3)
        targets[i] = -1;
    float *const losses = test_zeros(d, n), *const again = test_zeros(d, n);
    float *const gradient = test_normal(d, count, 3, 1.0); /* d_x overwritten, d_weight added to */
    uint8_t *const correct = (uint8_t *)(void *)test_zeros(d, n);
    void *const workspace = workspace_of(d, n, c, vocab);
    double *const pw = test_wide(p, count), *const before = test_wide(gradient, count);
    const loss_case k = {n, c, vocab, targets};
    cr_assert_eq(d->ops->cross_entropy(d, n, c, vocab, MAS_DTYPE_F32, p, weight, 0, targets,
                                       grad_scale, again, NULL, NULL, NULL, workspace, &err),
                 MAS_OK, "%s", err.text);
    cr_assert_eq(d->ops->cross_entropy(d, n, c, vocab, MAS_DTYPE_F32, p, weight, 0, targets,
                                       grad_scale, losses, correct, gradient, gradient + n * c,
                                       workspace, &err),
                 MAS_OK, "%s", err.text);
    cr_assert_eq(memcmp(losses, again, (size_t)n * sizeof *losses), 0);
    for (int64_t i = 0; i < n; i++) {
        int64_t first;
        const double want = row_loss(&k, pw, i, &first);
        test_close_to("loss", 1, losses + i, &want, 1e-5);
        cr_assert_eq(correct[i], targets[i] >= 0 && first == targets[i], "row %lld", (long long)i);
    }
    for (int64_t i = 0; i < count; i += stride) {
        const double slope = (double)grad_scale * test_slope(total_loss, &k, pw, i);
        const double want = i < n * c ? slope : before[i] + slope;
        test_close_to(i < n * c ? "d_x" : "d_weight", 1, gradient + i, &want, 2e-5);
    }
    free(pw);
    free(before);
    test_close(d);
}

Test(device_loss, cross_entropy_matches_f64_and_finite_differences, .timeout = 300)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        check_loss(isa, 1, 1, 1, 1.0, 1);
        check_loss(isa, 3, 2, 5, 1.0, 1);
        check_loss(isa, 10, 7, 33, 1.0, 1);
        check_loss(isa, 12, 5, 17, 3.0, 1);
        check_loss(isa, 17, 3, 2100, 1.0, 503); /* several blocks of the sum */
        if (isa == top || !MAS_INSTRUMENTED)
            check_loss(isa, 600, 4, 9000, 0.5, 9001); /* several chunks of rows */
    }
}

Test(device_loss, cross_entropy_is_stable_and_takes_the_first_largest)
{
    mas_device *d = test_open(test_top_isa(), 1);
    mas_error err = {0};
    const int64_t n = 4, c = 1, vocab = 20;
    float x[4] = {1.0f, 1.0f, -1.0f, 0.0f}, weight[20] = {0}, losses[4], d_x[4], d_weight[20] = {0};
    const int32_t targets[4] = {3, 4, 3, 0};
    uint8_t correct[4];
    weight[3] = weight[4] = 1e4f; /* a tie, far above the rest */
    void *const workspace = workspace_of(d, n, c, vocab);
    cr_assert_eq(d->ops->cross_entropy(d, n, c, vocab, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, correct, d_x, d_weight, workspace, &err),
                 MAS_OK, "%s", err.text);
    const double want[4] = {log(2.0), log(2.0), 1e4 + log(18.0), log(20.0)};
    test_close_to("loss", 4, losses, want, 1e-6);
    cr_assert(correct[0] == 1 && correct[1] == 0 && correct[2] == 0 && correct[3] == 1);
    for (int i = 0; i < 4; i++)
        cr_assert(isfinite(d_x[i]));
    test_close(d);
}

Test(device_loss, cross_entropy_without_scored_rows_gives_zeros)
{
    mas_device *d = test_open(test_top_isa(), 1);
    mas_error err = {0};
    float x[3] = {NAN, INFINITY, 1.0f}, weight[2] = {1.0f, 2.0f}, losses[3] = {1.0f, 1.0f, 1.0f};
    const int32_t targets[3] = {-1, -1, -1};
    void *const workspace = workspace_of(d, 3, 1, 2);
    cr_assert_eq(d->ops->cross_entropy(d, 3, 1, 2, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, NULL, NULL, NULL, workspace, &err),
                 MAS_OK);
    cr_assert(losses[0] == 0.0f && losses[1] == 0.0f && losses[2] == 0.0f);
    float d_x[3], d_weight[2] = {5.0f, 6.0f};
    x[0] = x[1] = 2.0f;
    cr_assert_eq(d->ops->cross_entropy(d, 3, 1, 2, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, NULL, d_x, d_weight, workspace, &err),
                 MAS_OK);
    cr_assert(d_x[0] == 0.0f && d_x[2] == 0.0f && d_weight[0] == 5.0f && d_weight[1] == 6.0f);
    test_close(d);
}

Test(device_loss, cross_entropy_keeps_nan_and_refuses_bad_targets)
{
    mas_device *d = test_open(test_top_isa(), 1);
    mas_error err = {0};
    float x[2] = {NAN, 1.0f}, weight[3] = {1.0f, 2.0f, 3.0f}, losses[2];
    int32_t targets[2] = {0, 1};
    void *const workspace = workspace_of(d, 2, 1, 3);
    cr_assert_eq(d->ops->cross_entropy(d, 2, 1, 3, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, NULL, NULL, NULL, workspace, &err),
                 MAS_OK);
    cr_assert(isnan(losses[0]) && isfinite(losses[1]));
    targets[1] = 3;
    cr_assert_eq(d->ops->cross_entropy(d, 2, 1, 3, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, NULL, NULL, NULL, workspace, &err),
                 MAS_E_ARGUMENT);
    cr_assert(strstr(err.text, "target 1 is 3, expected -1 (not scored) to 2"), "%s", err.text);
    targets[1] = -2;
    cr_assert_eq(d->ops->cross_entropy(d, 2, 1, 3, MAS_DTYPE_F32, x, weight, 0, targets, 1.0f,
                                       losses, NULL, NULL, NULL, workspace, &err),
                 MAS_E_ARGUMENT);
    test_close(d);
}

/* ---- optimiser ---- */

Test(device_loss, sum_of_squares)
{
    static const int64_t counts[] = {1, 5, 17, 1000, 40000, 100001};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof counts / sizeof *counts; s++) {
            mas_device *d = test_open(isa, 2);
            const float *x = test_normal(d, counts[s], 1, 1e-3);
            double want = 0.0;
            for (int64_t i = 0; i < counts[s]; i++)
                want += (double)x[i] * (double)x[i];
            const double got = d->ops->sum_squares(d, counts[s], x);
            cr_assert(fabs(got - want) <= 1e-13 * want, "%.17g, expected %.17g", got, want);
            test_close(d);
        }
}

static void check_adamw(mas_isa isa, int64_t count)
{
    mas_device *d = test_open(isa, 2);
    mas_adamw h = {.learning_rate = 3e-3f,
                   .beta1 = 0.9f,
                   .beta2 = 0.95f,
                   .epsilon = 1e-8f,
                   .weight_decay = 0.1f,
                   .gradient_scale = 0.25f};
    float *const weight = test_normal(d, count, 1, 1.0);
    float *const m = test_zeros(d, count), *const v = test_zeros(d, count);
    double *const w64 = test_wide(weight, count);
    double *const m64 = calloc((size_t)count, sizeof *m64), *const v64 =
                                                                calloc((size_t)count, sizeof *v64);
    for (h.step = 1; h.step <= 5; h.step++) {
        const float *gradient = test_normal(d, count, (uint64_t)h.step, 1.0);
        const double b1 = (double)h.beta1, b2 = (double)h.beta2, rate = (double)h.learning_rate;
        for (int64_t i = 0; i < count; i++) {
            const double g = (double)h.gradient_scale * (double)gradient[i];
            m64[i] = b1 * m64[i] + (1.0 - b1) * g;
            v64[i] = b2 * v64[i] + (1.0 - b2) * g * g;
            const double m_hat = m64[i] / (1.0 - pow(b1, (double)h.step));
            const double v_hat = v64[i] / (1.0 - pow(b2, (double)h.step));
            w64[i] -= rate * (double)h.weight_decay * w64[i];
            w64[i] -= rate * m_hat / (sqrt(v_hat) + (double)h.epsilon);
        }
        d->ops->adamw(d, count, &h, gradient, weight, m, v, NULL);
    }
    test_close_to("weight", count, weight, w64, 1e-6);
    test_close_to("m", count, m, m64, 1e-6);
    test_close_to("v", count, v, v64, 1e-6);
    free(w64);
    free(m64);
    free(v64);
    test_close(d);
}

Test(device_loss, adamw_matches_f64)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        check_adamw(isa, 1);
        check_adamw(isa, 37);
        check_adamw(isa, 70001);
    }
}
