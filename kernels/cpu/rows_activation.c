/* SPDX-License-Identifier: Apache-2.0 */
/* Activations of rows. Compiled once per instruction level. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

/* 1 / (1 + exp(-x)). */
LANE_INLINE vf sigmoid(vf x)
{
    return vf_set(1.0f) / (vf_set(1.0f) + vf_exp(-x));
}

/* The same; *rest is 1 - sigmoid(x) without the cancellation of that subtraction. */
LANE_INLINE vf sigmoid_rest(vf x, vf *rest)
{
    const vf e = vf_exp(-x), s = vf_set(1.0f) / (vf_set(1.0f) + e);
    *rest = e * s;
    return s;
}

/* gelu(x) = x/2 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3); since (1 + tanh u)/2 =
 * sigmoid(2u), one exponential serves and small results keep their relative accuracy. */
#define GELU_LINEAR 1.5957691216057308f /* 2 sqrt(2/pi) */
#define GELU_CUBIC 0.07135481627613502f /* 0.044715 times that */

LANE_INLINE void gelu_step(mas_dtype type, const void *in, void *out, int64_t i, int64_t left)
{
    const vf x = vt_load(type, in, i, left);
    const vf argument = x * vf_fma(vf_set(GELU_CUBIC), x * x, vf_set(GELU_LINEAR));
    vt_store(type, out, i, x * sigmoid(argument), left);
}

LANE_INLINE void gelu(mas_dtype type, int64_t count, const void *in, void *out)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        gelu_step(type, in, out, i, LANES);
    if (i < count)
        gelu_step(type, in, out, i, count - i);
}

LANE_INLINE void gelu_backward_step(mas_dtype type, const void *in, const void *d_out, void *d_in,
                                    int64_t i, int64_t left)
{
    /* Past +-30 the derivative is 0 or 1 in f32; the clamp keeps its factors finite. */
    const vf x = vf_min(vf_set(30.0f), vf_max(vf_set(-30.0f), vt_load(type, in, i, left)));
    const vf x2 = x * x;
    vf rest;
    const vf s = sigmoid_rest(x * vf_fma(vf_set(GELU_CUBIC), x2, vf_set(GELU_LINEAR)), &rest);
    const vf slope = vf_fma(vf_set(3.0f * GELU_CUBIC), x2, vf_set(GELU_LINEAR));
    const vf d = vf_fma(x * s * rest, slope, s);
    vt_store(type, d_in, i, vt_load(type, d_out, i, left) * d, left);
}

LANE_INLINE void gelu_backward(mas_dtype type, int64_t count, const void *in, const void *d_out,
                               void *d_in)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        gelu_backward_step(type, in, d_out, d_in, i, LANES);
    if (i < count)
        gelu_backward_step(type, in, d_out, d_in, i, count - i);
}

LANE_INLINE void swiglu_step(mas_dtype type, const void *in, int64_t f, void *out, int64_t j,
                             int64_t left)
{
    const vf gate = vt_load(type, in, j, left), up = vt_load(type, in, f + j, left);
    vt_store(type, out, j, gate * sigmoid(gate) * up, left);
}

LANE_INLINE void swiglu(mas_dtype type, int64_t rows, int64_t f, const void *in, void *out)
{
    for (int64_t i = 0; i < rows; i++) {
        const void *from = vt_from(type, in, 2 * i * f);
        void *to = vt_at(type, out, i * f);
        int64_t j = 0;
        for (; j + LANES <= f; j += LANES)
            swiglu_step(type, from, f, to, j, LANES);
        if (j < f)
            swiglu_step(type, from, f, to, j, f - j);
    }
}

LANE_INLINE void swiglu_backward_step(mas_dtype type, const void *in, int64_t f, const void *d_out,
                                      void *d_in, int64_t j, int64_t left)
{
    const vf gate = vt_load(type, in, j, left), up = vt_load(type, in, f + j, left);
    const vf d = vt_load(type, d_out, j, left);
    vf rest;
    const vf s = sigmoid_rest(gate, &rest), silu = gate * s;
    const vf slope = vf_fma(silu, rest, s); /* of silu */
    vt_store(type, d_in, j, d * up * slope, left);
    vt_store(type, d_in, f + j, d * silu, left);
}

LANE_INLINE void swiglu_backward(mas_dtype type, int64_t rows, int64_t f, const void *in,
                                 const void *d_out, void *d_in)
{
    for (int64_t i = 0; i < rows; i++) {
        const void *from = vt_from(type, in, 2 * i * f), *d = vt_from(type, d_out, i * f);
        void *to = vt_at(type, d_in, 2 * i * f);
        int64_t j = 0;
        for (; j + LANES <= f; j += LANES)
            swiglu_backward_step(type, from, f, d, to, j, LANES);
        if (j < f)
            swiglu_backward_step(type, from, f, d, to, j, f - j);
    }
}

void LEVEL_NAME(activation)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type,
                            const void *in, void *out)
{
    if (kind == MAS_ACTIVATION_GELU)
        BY_TYPE(type, gelu, rows * f, in, out);
    else
        BY_TYPE(type, swiglu, rows, f, in, out);
}

void LEVEL_NAME(activation_backward)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type,
                                     const void *in, const void *d_out, void *d_in)
{
    if (kind == MAS_ACTIVATION_GELU)
        BY_TYPE(type, gelu_backward, rows * f, in, d_out, d_in);
    else
        BY_TYPE(type, swiglu_backward, rows, f, in, d_out, d_in);
}
