/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's own proof: its gradients against central differences of its forward, in f64. Inputs
 * lie on a grid that f32 holds exactly, also one and two steps away, so that the fourth-order
 * formula f'(x) = (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h leaves an error near 1e-9. */
#include "harness/check/internal.h"
#include "kernels/reference/ops_reference.h"
#include "kernels/reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP 0x1p-7
#define ALLOWED 1e-6 /* relative to 1 + |gradient| */

static const struct {
    mas_attn_problem p;
    mas_check_mask mask;
} problems[] = {
    {{.batch = 1,
      .q_heads = 1,
      .kv_heads = 1,
      .q_len = 4,
      .kv_len = 4,
      .d_qk = 3,
      .d_v = 3,
      .scale = 0.5f},
     {.kind = MAS_CHECK_CAUSAL}},
    {{.batch = 2,
      .q_heads = 4,
      .kv_heads = 2,
      .q_len = 3,
      .kv_len = 5,
      .d_qk = 2,
      .d_v = 3,
      .scale = 0.7f,
      .sinks = true},
     {.kind = MAS_CHECK_CAUSAL}},
    {{.batch = 1,
      .q_heads = 3,
      .kv_heads = 1,
      .q_len = 5,
      .kv_len = 3,
      .d_qk = 3,
      .d_v = 2,
      .scale = 1.0f,
      .softcap = 1.5f,
      .sinks = true},
     {.kind = MAS_CHECK_CAUSAL}},
    {{.batch = 1,
      .q_heads = 2,
      .kv_heads = 2,
      .q_len = 6,
      .kv_len = 6,
      .d_qk = 2,
      .d_v = 2,
      .scale = 1.0f,
      .softcap = 3.0f,
      .alignment = MAS_ALIGN_TOP_LEFT},
     {.kind = MAS_CHECK_WINDOW, .a = 2, .b = 1}},
    {{.batch = 1,
      .q_heads = 2,
      .kv_heads = 1,
      .q_len = 6,
      .kv_len = 5,
      .d_qk = 2,
      .d_v = 1,
      .scale = -0.9f,
      .sinks = true},
     {.kind = MAS_CHECK_HOLES, .a = 3}},
    {{.batch = 1,
      .q_heads = 1,
      .kv_heads = 1,
      .q_len = 5,
      .kv_len = 6,
      .d_qk = 1,
      .d_v = 2,
      .scale = 1.0f},
     {.kind = MAS_CHECK_PAIRS, .b = 50, .seed = 9}},
};

/* sum of d_o * o */
static mas_status loss_of(const mas_check_rig *rig, double *o, double *lse, double *loss,
                          mas_error *err)
{
    const mas_status status = mas_attn_oracle_forward(&rig->problem, 1, &rig->args, o, lse, err);
    *loss = 0;
    for (int64_t i = 0; status == MAS_OK && i < rig->tensors[MAS_CHECK_D_O].count; i++)
        *loss += rig->tensors[MAS_CHECK_D_O].values[i] * o[i];
    return status;
}

static mas_status compare_element(mas_check_rig *rig, int tensor, int64_t i, double gradient,
                                  double *o, double *lse, double *ratio, mas_error *err)
{
    static const int steps[] = {1, -1, 2, -2};
    mas_check_tensor *t = &rig->tensors[tensor];
    const double x = t->values[i];
    double loss[4];
    mas_status status = MAS_OK;
    for (int n = 0; status == MAS_OK && n < 4; n++) {
        t->values[i] = x + steps[n] * STEP;
        mas_check_rig_store(rig, tensor);
        status = loss_of(rig, o, lse, &loss[n], err);
    }
    t->values[i] = x;
    mas_check_rig_store(rig, tensor);
    if (status != MAS_OK)
        return status;
    const double slope = (8 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12 * STEP);
    const double error = fabs(slope - gradient) / (1 + fabs(slope)) / ALLOWED;
    *ratio = fmax(*ratio, error);
    if (error <= 1)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "the gradient of element %lld of %s is %.12g, finite differences give %.12g",
                    (long long)i, t->name, gradient, slope);
}

static mas_status attention_gradients(const mas_check_options *options, int variant, double *ratio,
                                      mas_error *err)
{
    static const int inputs[] = {MAS_CHECK_Q, MAS_CHECK_K, MAS_CHECK_V, MAS_CHECK_SINKS};
    static const int gradients[] = {MAS_CHECK_D_Q, MAS_CHECK_D_K, MAS_CHECK_D_V, MAS_CHECK_D_SINKS};
    const mas_mask mask = mas_check_mask_make(&problems[variant].mask);
    mas_attn_problem p = problems[variant].p;
    p.mask = &mask;
    mas_check_rig *rig = NULL;
    double *o = NULL, *lse = NULL;
    mas_status status = mas_check_rig_open(&p, MAS_ATTN_BACKWARD, MAS_CHECK_DENSE, &rig, err);
    if (status != MAS_OK)
        return status;
    mas_rng rng = mas_rng_seed(options->seed, 100 + (uint64_t)variant);
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++) {
        mas_check_tensor *t = &rig->tensors[kind];
        for (int64_t i = 0; t->present && i < t->count; i++)
            t->values[i] = STEP * round(mas_rng_normal(&rng) / STEP);
        if (t->present)
            mas_check_rig_store(rig, kind);
    }
    o = malloc((size_t)rig->tensors[MAS_CHECK_O].count * sizeof *o);
    lse = malloc((size_t)rig->tensors[MAS_CHECK_LSE].count * sizeof *lse);
    status = !o || !lse
                 ? mas_fail(err, MAS_E_MEMORY, "no memory for finite differences")
                 : mas_attn_oracle_backward(&p, 1, &rig->args, rig->tensors[MAS_CHECK_D_Q].values,
                                            rig->tensors[MAS_CHECK_D_K].values,
                                            rig->tensors[MAS_CHECK_D_V].values,
                                            rig->tensors[MAS_CHECK_D_SINKS].values, err);
    for (int n = 0; n < 4; n++) {
        const mas_check_tensor *d = &rig->tensors[gradients[n]];
        for (int64_t i = 0; status == MAS_OK && d->present && i < d->count; i++)
            status = compare_element(rig, inputs[n], i, d->values[i], o, lse, ratio, err);
    }
    free(o);
    free(lse);
    mas_check_rig_close(rig);
    return status;
}

/* ---- the device's operations ---- */

enum { N = 3, C = 6, V = 5 };

/* x (largest operation: swiglu, two inputs), two parameters, and scratch for what an operation also
 * writes */
typedef struct point {
    double x[N * 2 * C], w[V * C], b[C];
    double out[N * 2 * C], mean[N], rstd[N], logits[V];
} point;

static const int32_t targets[N] = {2, -1, 4};
static const int32_t positions[N] = {0, 3, 50};

static double operation(int which, point *at, const double *weights)
{
    double loss = 0;
    int64_t count = (int64_t)N * C;
    switch (which) {
    case 0:
        mas_ops_reference_norm(MAS_NORM_LAYERNORM, N, C, 1e-2f, at->x, at->w, at->b, at->out,
                               at->mean, at->rstd);
        break;
    case 1:
        mas_ops_reference_norm(MAS_NORM_RMSNORM, N, C, 1e-2f, at->x, at->w, NULL, at->out, NULL,
                               at->rstd);
        break;
    case 2: mas_ops_reference_activation(MAS_ACTIVATION_GELU, N, C, at->x, at->out); break;
    case 3: mas_ops_reference_activation(MAS_ACTIVATION_SWIGLU, N, C, at->x, at->out); break;
    case 4:
        memcpy(at->out, at->x, sizeof at->out);
        mas_ops_reference_rope(N, 1, C, C, 100.0f, false, positions, at->out);
        break;
    default:
        mas_ops_reference_cross_entropy(N, C, V, MAS_DTYPE_F32, at->x, at->w, targets, 0, at->out,
                                        NULL, NULL, NULL, at->logits);
        return at->out[0] + at->out[1] + at->out[2];
    }
    for (int64_t i = 0; i < count; i++)
        loss += weights[i] * at->out[i];
    return loss;
}

/* Gradients of the loss above at a point; d has the same layout. */
static void operation_gradient(int which, point *at, const double *weights, point *d)
{
    *d = (point){.x = {0}};
    (void)operation(which, at, weights);
    switch (which) {
    case 0:
        mas_ops_reference_norm_backward(MAS_NORM_LAYERNORM, N, C, at->x, at->w, at->mean, at->rstd,
                                        weights, d->x, d->w, d->b);
        break;
    case 1:
        mas_ops_reference_norm_backward(MAS_NORM_RMSNORM, N, C, at->x, at->w, NULL, at->rstd,
                                        weights, d->x, d->w, NULL);
        break;
    case 2:
        mas_ops_reference_activation_backward(MAS_ACTIVATION_GELU, N, C, at->x, weights, d->x);
        break;
    case 3:
        mas_ops_reference_activation_backward(MAS_ACTIVATION_SWIGLU, N, C, at->x, weights, d->x);
        break;
    case 4:
        memcpy(d->x, weights, (size_t)(N * C) * sizeof *weights);
        mas_ops_reference_rope(N, 1, C, C, 100.0f, true, positions, d->x);
        break;
    default:
        mas_ops_reference_cross_entropy(N, C, V, MAS_DTYPE_F32, at->x, at->w, targets, 1, at->out,
                                        NULL, d->x, d->w, at->logits);
    }
}

static mas_status operation_gradients(const mas_check_options *options, int variant, double *ratio,
                                      mas_error *err)
{
    mas_rng rng = mas_rng_seed(options->seed, 200 + (uint64_t)variant);
    point at, d;
    double weights[N * C];
    memset(&at, 0, sizeof at);
    double *const parts[] = {at.x, at.w, at.b};
    const double *const gradients[] = {d.x, d.w, d.b};
    static const size_t counts[] = {sizeof at.x / sizeof *at.x, V * C, C};
    for (int part = 0; part < 3; part++)
        for (size_t i = 0; i < counts[part]; i++)
            parts[part][i] = mas_rng_normal(&rng);
    for (int i = 0; i < N * C; i++)
        weights[i] = mas_rng_normal(&rng);
    operation_gradient(variant, &at, weights, &d);
    for (int part = 0; part < 3; part++)
        for (size_t i = 0; i < counts[part]; i++) {
            const double x = parts[part][i], h = 1e-3;
            double loss[4];
            for (int n = 0; n < 4; n++) {
                parts[part][i] = x + (n % 2 ? -h : h) * (n / 2 + 1);
                loss[n] = operation(variant, &at, weights);
            }
            parts[part][i] = x;
            const double slope = (8 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12 * h);
            const double error = fabs(slope - gradients[part][i]) / (1 + fabs(slope)) / ALLOWED;
            *ratio = fmax(*ratio, error);
            if (!(error <= 1))
                return mas_fail(err, MAS_E_ARGUMENT,
                                "the gradient of element %zu of input %d is %.12g, finite "
                                "differences give %.12g",
                                i, part, gradients[part][i], slope);
        }
    return MAS_OK;
}

const mas_check_other mas_check_oracle_checks[] = {
    {"oracle/attention", "oracle/gradients/causal", 0, attention_gradients},
    {"oracle/attention", "oracle/gradients/groups-sinks", 1, attention_gradients},
    {"oracle/attention", "oracle/gradients/softcap-empty-rows", 2, attention_gradients},
    {"oracle/attention", "oracle/gradients/window-prefix", 3, attention_gradients},
    {"oracle/attention", "oracle/gradients/holes", 4, attention_gradients},
    {"oracle/attention", "oracle/gradients/random-pairs", 5, attention_gradients},
    {"oracle/operations", "oracle/gradients/layernorm", 0, operation_gradients},
    {"oracle/operations", "oracle/gradients/rmsnorm", 1, operation_gradients},
    {"oracle/operations", "oracle/gradients/gelu", 2, operation_gradients},
    {"oracle/operations", "oracle/gradients/swiglu", 3, operation_gradients},
    {"oracle/operations", "oracle/gradients/rope", 4, operation_gradients},
    {"oracle/operations", "oracle/gradients/cross-entropy", 5, operation_gradients},
    {NULL, NULL, 0, NULL},
};
