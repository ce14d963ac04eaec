/* SPDX-License-Identifier: Apache-2.0 */
/* Layernorm and rmsnorm of rows. Compiled once per instruction level. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

#include <math.h>

static float row_sum(int64_t c, const float *x)
{
    vf s0 = vf_set(0.0f), s1 = s0;
    int64_t j = 0;
    for (; j + 2 * LANES <= c; j += 2 * LANES) {
        s0 += vf_load(x + j);
        s1 += vf_load(x + j + LANES);
    }
    for (; j < c; j += LANES)
        s0 += vf_load_n(x + j, c - j);
    return vf_sum(s0 + s1);
}

/* Sum of (x - mean)^2. */
static float row_squares(int64_t c, const float *x, float mean)
{
    const vf m = vf_set(mean);
    vf s0 = vf_set(0.0f), s1 = s0;
    int64_t j = 0;
    for (; j + 2 * LANES <= c; j += 2 * LANES) {
        const vf a = vf_load(x + j) - m, b = vf_load(x + j + LANES) - m;
        s0 = vf_fma(a, a, s0);
        s1 = vf_fma(b, b, s1);
    }
    for (; j < c; j += LANES) {
        const vf a = vf_keep_n(vf_load_n(x + j, c - j) - m, c - j, 0.0f);
        s0 = vf_fma(a, a, s0);
    }
    return vf_sum(s0 + s1);
}

LANE_INLINE void norm_step(mas_dtype type, const float *x, const float *weight, const float *bias,
                           vf mean, vf rstd, void *out, int64_t j, int64_t left)
{
    const vf b = bias ? vf_load_n(bias + j, left) : vf_set(0.0f);
    const vf h = (vf_load_n(x + j, left) - mean) * rstd;
    vt_store(type, out, j, vf_fma(h, vf_load_n(weight + j, left), b), left);
}

LANE_INLINE void norm_of(mas_dtype type, mas_norm kind, int64_t rows, int64_t c, float epsilon,
                         const float *x, const void *y, float *sum, const float *weight,
                         const float *bias, void *out, float *mean, float *rstd)
{
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * c;
        void *to = vt_at(type, out, i * c);
        if (y) {
            add_typed(type, c, row, vt_from(type, y, i * c), sum + i * c);
            row = sum + i * c;
        }
        const float mu = kind == MAS_NORM_LAYERNORM ? row_sum(c, row) / (float)c : 0.0f;
        const float scale = 1.0f / sqrtf(row_squares(c, row, mu) / (float)c + epsilon);
        const vf m = vf_set(mu), r = vf_set(scale);
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            norm_step(type, row, weight, bias, m, r, to, j, LANES);
        if (j < c)
            norm_step(type, row, weight, bias, m, r, to, j, c - j);
        if (kind == MAS_NORM_LAYERNORM)
            mean[i] = mu;
        rstd[i] = scale;
    }
}

void LEVEL_NAME(norm)(mas_norm kind, int64_t rows, int64_t c, float epsilon, const float *x,
                      const void *y, float *sum, const float *weight, const float *bias,
                      mas_dtype type, void *out, float *mean, float *rstd)
{
    BY_TYPE(type, norm_of, kind, rows, c, epsilon, x, y, sum, weight, bias, out, mean, rstd);
}

/* With h = (x - mean) * rstd and g = d_out * weight:
 * d_x += rstd * (g - average(g) - h * average(g h)), the first average only for layernorm. */
LANE_INLINE void norm_sums_step(mas_dtype type, const float *x, const float *weight, vf mean,
                                vf rstd, const void *d_out, float *d_weight, float *d_bias,
                                vf *g_sum, vf *gh_sum, int64_t j, int64_t left)
{
    const vf d = vt_load(type, d_out, j, left), h = (vf_load_n(x + j, left) - mean) * rstd;
    const vf g = d * vf_load_n(weight + j, left);
    *g_sum += g;
    *gh_sum = vf_fma(g, h, *gh_sum);
    vf_store_n(d_weight + j, vf_fma(d, h, vf_load_n(d_weight + j, left)), left);
    if (d_bias)
        vf_store_n(d_bias + j, d + vf_load_n(d_bias + j, left), left);
}

LANE_INLINE void norm_input_step(mas_dtype type, const float *x, const float *weight, vf mean,
                                 vf rstd, vf g_mean, vf gh_mean, const void *d_out, float *d_x,
                                 void *d_x_copy, int64_t j, int64_t left)
{
    const vf h = (vf_load_n(x + j, left) - mean) * rstd;
    const vf g = vt_load(type, d_out, j, left) * vf_load_n(weight + j, left);
    const vf inner = vf_fma(-h, gh_mean, g - g_mean);
    const vf d = vf_fma(rstd, inner, vf_load_n(d_x + j, left));
    vf_store_n(d_x + j, d, left);
    if (d_x_copy)
        vt_store(type, d_x_copy, j, d, left);
}

LANE_INLINE void norm_backward_of(mas_dtype type, mas_norm kind, int64_t rows, int64_t c,
                                  const float *x, const float *weight, const float *mean,
                                  const float *rstd, const void *d_out, float *d_x, void *d_x_copy,
                                  float *d_weight, float *d_bias)
{
    const bool centred = kind == MAS_NORM_LAYERNORM;
    for (int64_t i = 0; i < rows; i++, x += c, d_x += c) {
        const void *d = vt_from(type, d_out, i * c);
        void *copy = d_x_copy ? vt_at(type, d_x_copy, i * c) : NULL;
        const vf m = vf_set(centred ? mean[i] : 0.0f), r = vf_set(rstd[i]);
        vf g_sum = vf_set(0.0f), gh_sum = g_sum;
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            norm_sums_step(type, x, weight, m, r, d, d_weight, d_bias, &g_sum, &gh_sum, j, LANES);
        if (j < c)
            norm_sums_step(type, x, weight, m, r, d, d_weight, d_bias, &g_sum, &gh_sum, j, c - j);
        const vf g_mean = vf_set(centred ? vf_sum(g_sum) / (float)c : 0.0f);
        const vf gh_mean = vf_set(vf_sum(gh_sum) / (float)c);
        for (j = 0; j + LANES <= c; j += LANES)
            norm_input_step(type, x, weight, m, r, g_mean, gh_mean, d, d_x, copy, j, LANES);
        if (j < c)
            norm_input_step(type, x, weight, m, r, g_mean, gh_mean, d, d_x, copy, j, c - j);
    }
}

void LEVEL_NAME(norm_backward)(mas_norm kind, int64_t rows, int64_t c, const float *x,
                               const float *weight, const float *mean, const float *rstd,
                               mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                               float *d_weight, float *d_bias)
{
    BY_TYPE(type, norm_backward_of, kind, rows, c, x, weight, mean, rstd, d_out, d_x, d_x_copy,
            d_weight, d_bias);
}
