/* SPDX-License-Identifier: Apache-2.0 */
/* Single rows and keys of attention from its definition: in f64, and as naive kernels of the problem's dtype. */
#include "harness/bench/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16

/* Sums of products, in f64 or, as a naive kernel would, in f32: forward, backward, or in lanes. */
static double dot(const float *x, const float *y, int32_t n)
{
    double lane[LANES] = {0};
    int32_t c = 0;
    for (; c + LANES <= n; c += LANES)
        for (int i = 0; i < LANES; i++)
            lane[i] += (double)x[c + i] * (double)y[c + i];
    for (; c < n; c++)
        lane[0] += (double)x[c] * (double)y[c];
    for (int i = 1; i < LANES; i++)
        lane[0] += lane[i];
    return lane[0];
}

static float lanes_dot(int lanes, const float *x, const float *y, int32_t n)
{
    float lane[LANES] = {0};
    int32_t c = 0;
    for (; c + lanes <= n; c += lanes)
        for (int i = 0; i < lanes; i++)
            lane[i] += x[c + i] * y[c + i];
    for (; c < n; c++)
        lane[0] += x[c] * y[c];
    for (int i = 1; i < lanes; i++)
        lane[0] += lane[i];
    return lane[0];
}

static float naive_dot(int twin, const float *x, const float *y, int32_t n)
{
    float sum = 0;
    if (twin == 0)
        return lanes_dot(1, x, y, n);
    if (twin == 1) {
        for (int32_t c = n - 1; c >= 0; c--)
            sum += x[c] * y[c];
        return sum;
    }
    return twin < 4 ? lanes_dot(LANES, x, y, n) : lanes_dot(LANES / 2, x, y, n);
}

/* The order in which twin number `twin` meets term n of count: every second one may come later, and all backwards. */
static int64_t place(int twin, int64_t n, int64_t count)
{
    const int64_t half = (count + 1) / 2;
    const int64_t at = !(twin & 4) ? n : n < half ? 2 * n : 2 * (n - half) + 1;
    return twin & 1 ? count - 1 - at : at;
}

static float rounded(mas_dtype dtype, float x)
{
    float storage;
    mas_dtype_store(dtype, &storage, 0, (double)x);
    return (float)mas_dtype_load(dtype, &storage, 0);
}

/* ---- a head's data ---- */

static float *widen(const mas_bench_rig *rig, int tensor, int64_t b, int64_t h)
{
    const mas_bench_tensor *t = &rig->tensors[tensor];
    const int32_t dim = rig->shape.d_qk;
    float *out = malloc((size_t)(t->rows * dim) * sizeof *out);
    for (int64_t r = 0; out && r < t->rows; r++)
        for (int32_t c = 0; c < dim; c++)
            out[r * dim + c] = (float)mas_dtype_load(rig->shape.dtype, t->host,
                                                     ((b * t->rows + r) * t->heads + h) * dim + c);
    return out;
}

void mas_bench_head_close(mas_bench_head *x)
{
    free(x->q);
    free(x->k);
    free(x->v);
    free(x->o);
    free(x->d_o);
    free(x->seen);
    free(x->weight);
}

bool mas_bench_head_open(const mas_bench_rig *rig, const mas_mask *mask, bool backward, int64_t b,
                         int64_t h, mas_bench_head *x)
{
    const mas_attn_problem *p = &rig->shape;
    const int64_t kv = h / (p->q_heads / p->kv_heads);
    const size_t most = (size_t)(p->kv_len > p->q_len ? p->kv_len : p->q_len);
    *x = (mas_bench_head){.p = p,
                          .mask = mask,
                          .b = b,
                          .h = h,
                          .q = widen(rig, MAS_BENCH_Q, b, h),
                          .k = widen(rig, MAS_BENCH_K, b, kv),
                          .v = widen(rig, MAS_BENCH_V, b, kv),
                          .o = backward ? widen(rig, MAS_BENCH_O, b, h) : NULL,
                          .d_o = backward ? widen(rig, MAS_BENCH_D_O, b, h) : NULL,
                          .lse = rig->host_lse + (b * p->q_heads + h) * p->q_len,
                          .seen = malloc(most * sizeof *x->seen),
                          .weight = malloc(most * sizeof *x->weight)};
    if (x->q && x->k && x->v && (!backward || (x->o && x->d_o)) && x->seen && x->weight)
        return true;
    mas_bench_head_close(x);
    return false;
}

/* ---- forward ---- */

int64_t mas_bench_keys_of(const mas_bench_head *x, int64_t row)
{
    const int64_t position = mas_position(row, x->p->q_len, x->p->kv_len, x->p->alignment);
    int64_t count = 0;
    for (int64_t j = 0; j < x->p->kv_len; j++)
        if (x->mask->sees(x->mask, position, j))
            x->seen[count++] = j;
    return count;
}

void mas_bench_forward_row(const mas_bench_head *x, int64_t row, int64_t count, double *o,
                           double *lse)
{
    const int32_t dim = x->p->d_qk;
    double most = -HUGE_VAL, sum = 0;
    for (int64_t n = 0; n < count; n++) {
        x->weight[n] = (double)x->p->scale * dot(x->q + row * dim, x->k + x->seen[n] * dim, dim);
        most = fmax(most, x->weight[n]);
    }
    memset(o, 0, (size_t)dim * sizeof *o);
    for (int64_t n = 0; n < count; n++) {
        const double w = exp(x->weight[n] - most);
        const float *v = x->v + x->seen[n] * dim;
        sum += w;
        for (int32_t c = 0; c < dim; c++)
            o[c] += w * (double)v[c];
    }
    for (int32_t c = 0; c < dim && sum > 0; c++)
        o[c] /= sum;
    *lse = sum > 0 ? most + log(sum) : -HUGE_VAL;
}

void mas_bench_naive_forward_row(const mas_bench_head *x, int twin, int64_t row, int64_t count,
                                 double *o, double *lse)
{
    const int32_t dim = x->p->d_qk;
    float most = -INFINITY, sum = 0, value[MAS_HEAD_DIM_MAX] = {0};
    for (int64_t n = 0; n < count; n++) {
        const float s =
            x->p->scale * naive_dot(twin, x->q + row * dim, x->k + x->seen[n] * dim, dim);
        x->weight[n] = (double)s;
        most = fmaxf(most, s);
    }
    for (int64_t n = 0; n < count; n++) {
        const int64_t at = place(twin, n, count);
        const float w = expf((float)x->weight[at] - most), r = rounded(x->p->dtype, w);
        const float *v = x->v + x->seen[at] * dim;
        sum += w;
        for (int32_t c = 0; c < dim; c++)
            value[c] += r * v[c];
    }
    for (int32_t c = 0; c < dim; c++)
        o[c] = (double)rounded(x->p->dtype, sum > 0 ? value[c] / sum : 0);
    *lse = sum > 0 ? (double)(most + logf(sum)) : -HUGE_VAL;
}

/* ---- backward ---- */

/* P and dS of one pair. */
static void pair(const mas_bench_head *x, int64_t row, int64_t key, double delta, double *p,
                 double *ds)
{
    const int32_t dim = x->p->d_qk;
    const double s = (double)x->p->scale * dot(x->q + row * dim, x->k + key * dim, dim);
    *p = exp(s - (double)x->lse[row]);
    *ds = *p * (dot(x->d_o + row * dim, x->v + key * dim, dim) - delta);
}

static void naive_pair(const mas_bench_head *x, int twin, int64_t row, int64_t key, float delta,
                       float *p, float *ds)
{
    const int32_t dim = x->p->d_qk;
    const float s = x->p->scale * naive_dot(twin, x->q + row * dim, x->k + key * dim, dim);
    const float e = expf(s - x->lse[row]);
    *ds = rounded(x->p->dtype,
                  e * (naive_dot(twin, x->d_o + row * dim, x->v + key * dim, dim) - delta));
    *p = rounded(x->p->dtype, e);
}

static double delta_of(const mas_bench_head *x, int64_t row)
{
    return dot(x->d_o + row * x->p->d_v, x->o + row * x->p->d_v, x->p->d_v);
}

static float naive_delta_of(const mas_bench_head *x, int twin, int64_t row)
{
    return naive_dot(twin, x->d_o + row * x->p->d_v, x->o + row * x->p->d_v, x->p->d_v);
}

/* dQ of a row, exact (twin < 0) or naive. */
void mas_bench_backward_row(const mas_bench_head *x, int twin, int64_t row, int64_t count,
                            double *d_q)
{
    const int32_t dim = x->p->d_qk;
    double exact[MAS_HEAD_DIM_MAX] = {0};
    float naive[MAS_HEAD_DIM_MAX] = {0};
    const double delta = delta_of(x, row);
    const float naive_delta = naive_delta_of(x, twin, row);
    for (int64_t n = 0; n < count; n++) {
        const int64_t key = x->seen[place(twin < 0 ? 0 : twin, n, count)];
        const float *k = x->k + key * dim;
        double p, ds;
        float np, nds;
        if (twin < 0) {
            pair(x, row, key, delta, &p, &ds);
            for (int32_t c = 0; c < dim; c++)
                exact[c] += ds * (double)k[c];
        } else {
            naive_pair(x, twin, row, key, naive_delta, &np, &nds);
            for (int32_t c = 0; c < dim; c++)
                naive[c] += nds * k[c];
        }
    }
    for (int32_t c = 0; c < dim; c++)
        d_q[c] = twin < 0 ? exact[c] * (double)x->p->scale
                          : (double)rounded(x->p->dtype, naive[c] * x->p->scale);
}

/* dK and dV of a key, summed over the heads of a group, exact (twin < 0) or naive. */
void mas_bench_backward_key(mas_bench_head *group, int64_t heads, int twin, int64_t key,
                            double *d_k, double *d_v)
{
    const mas_attn_problem *p = group->p;
    const int32_t dim = p->d_qk;
    double exact_k[MAS_HEAD_DIM_MAX] = {0}, exact_v[MAS_HEAD_DIM_MAX] = {0};
    float naive_k[MAS_HEAD_DIM_MAX] = {0}, naive_v[MAS_HEAD_DIM_MAX] = {0};
    for (int64_t g = 0; g < heads; g++) {
        const mas_bench_head *x = &group[g];
        for (int64_t n = 0; n < p->q_len; n++) {
            const int64_t row = place(twin < 0 ? 0 : twin, n, p->q_len);
            if (!x->mask->sees(x->mask, mas_position(row, p->q_len, p->kv_len, p->alignment), key))
                continue;
            const float *q = x->q + row * dim, *d_o = x->d_o + row * dim;
            double w, ds;
            float nw, nds;
            if (twin < 0) {
                pair(x, row, key, delta_of(x, row), &w, &ds);
                for (int32_t c = 0; c < dim; c++) {
                    exact_k[c] += ds * (double)q[c];
                    exact_v[c] += w * (double)d_o[c];
                }
            } else {
                naive_pair(x, twin, row, key, naive_delta_of(x, twin, row), &nw, &nds);
                for (int32_t c = 0; c < dim; c++) {
                    naive_k[c] += nds * q[c];
                    naive_v[c] += nw * d_o[c];
                }
            }
        }
    }
    for (int32_t c = 0; c < dim; c++) {
        d_k[c] = twin < 0 ? exact_k[c] * (double)p->scale
                          : (double)rounded(p->dtype, naive_k[c] * p->scale);
        d_v[c] = twin < 0 ? exact_v[c] : (double)rounded(p->dtype, naive_v[c]);
    }
}
