/* SPDX-License-Identifier: Apache-2.0 */
/* The naive twin: the formulas of masbench/attention.h as one would first write them, in float, one
 * term after the other, results rounded to the problem's dtype. A kernel may keep its weights (the
 * exponentials and dS) in float or, where its matrix product takes that dtype, round them to it before
 * they meet v, k, q and d_o; half of the twins do the one, half the other.
 * How far it is from the f64 oracle says how much error a kernel may have.
 *
 * What is compared is the largest error, and that is an extreme value: between two orders of the
 * same sum it easily differs by a factor of two, most of all where few results are left after much
 * cancellation. So the twin runs in MAS_CHECK_TWINS orders and its largest error counts: terms
 * forward, backward, and shuffled by a fixed seed.
 *
 * The twins are most of the time of a check. So all dot products of a row advance together, term by
 * term, each in its own sum: the same bits as one after the other, several times as fast. */
#include "harness/check/internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct twin {
    const mas_attn_problem *p;
    mas_dtype weights; /* what the weights are rounded to */
    const mas_check_tensor *t;
    int32_t *dots_qk, *dots_v, *keys, *queries; /* the order of the terms of each kind of sum */
    float *s;                                   /* [Tk] capped scores, then probabilities */
    float *d_weights;                           /* [Tk] <d_o, v> */
    bool *seen;                                 /* [Tk] */
    float *k_columns, *v_columns;               /* [B][Hkv][D][Tk] */
    float *sums;                                /* d_k and d_v of all heads */
    double *largest;                            /* of mas_check_expected; NULL: not wanted */
} twin;

/* Terms 0 .. n-1 in the order of twin `number`; `reverse` where it is one of the plain ones. */
static void set_order(int32_t *order, int64_t n, int number, bool reverse)
{
    mas_rng rng = mas_rng_seed((uint64_t)number, (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)(reverse ? n - 1 - i : i);
    for (int64_t i = n - 1; number >= 4 && i > 0; i--) {
        const int64_t other = (int64_t)mas_rng_below(&rng, (uint64_t)i + 1);
        const int32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static const double *row(const twin *w, int kind, int64_t b, int64_t t, int64_t h)
{
    const mas_check_tensor *x = &w->t[kind];
    return x->values + ((b * x->rows + t) * x->heads + h) * x->dim;
}

/* <x, y_j> for the keys of a range; y_j are the rows of tensor `kind` and head g. */
static void dots(const twin *w, int kind, int64_t b, int64_t g, const double *x, mas_run keys,
                 float *restrict sums)
{
    const bool is_k = kind == MAS_CHECK_K;
    const int32_t n = w->t[kind].dim, *order = is_k ? w->dots_qk : w->dots_v;
    const int64_t kv_len = w->p->kv_len;
    const float *columns =
        (is_k ? w->k_columns : w->v_columns) + (b * w->p->kv_heads + g) * n * kv_len;
    for (int64_t j = keys.begin; j < keys.end; j++)
        sums[j] = 0;
    for (int32_t c = 0; c < n; c++) {
        const float factor = (float)x[order[c]];
        const float *column = columns + order[c] * kv_len;
        for (int64_t j = keys.begin; j < keys.end; j++)
            sums[j] += factor * column[j];
    }
}

static void set_columns(const twin *w, int kind, float *columns)
{
    const mas_check_tensor *t = &w->t[kind];
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t g = 0; g < t->heads; g++)
            for (int64_t j = 0; j < t->rows; j++) {
                const double *from = row(w, kind, b, j, g);
                for (int32_t c = 0; c < t->dim; c++)
                    columns[((b * t->heads + g) * t->dim + c) * t->rows + j] = (float)from[c];
            }
}

static float dot_backwards(const int32_t *order, const double *x, const double *y, int32_t n)
{
    float sum = 0;
    for (int32_t c = n - 1; c >= 0; c--)
        sum += (float)x[order[c]] * (float)y[order[c]];
    return sum;
}

/* Capped scores of a row; from its first key seen to behind its last. */
static mas_run scores(const twin *w, int64_t b, int64_t h, int64_t i)
{
    const mas_attn_problem *p = w->p;
    const int64_t position = mas_position(i, p->q_len, p->kv_len, p->alignment);
    mas_run keys = {p->kv_len, 0};
    for (int64_t j = 0; j < p->kv_len; j++) {
        w->seen[j] = p->mask->sees(p->mask, position, j);
        if (!w->seen[j])
            continue;
        keys.begin = j < keys.begin ? j : keys.begin;
        keys.end = j + 1;
    }
    dots(w, MAS_CHECK_K, b, h / (p->q_heads / p->kv_heads), row(w, MAS_CHECK_Q, b, i, h), keys,
         w->s);
    for (int64_t j = keys.begin; j < keys.end; j++) {
        w->s[j] *= p->scale;
        if (p->softcap > 0 && w->seen[j])
            w->s[j] = p->softcap * tanhf(w->s[j] / p->softcap);
    }
    return keys;
}

/* A term of a sum of that output, before others cancel it. */
static void met(const twin *w, int tensor, double term)
{
    if (w->largest && fabs(term) > w->largest[tensor])
        w->largest[tensor] = fabs(term);
}

/* <|x|, |y|>: what a dot product rounds. */
static double size_of_dot(const twin *w, const double *x, const double *y, int32_t n)
{
    double sum = 0;
    for (int32_t c = 0; w->largest && c < n; c++)
        sum += fabs(x[c] * y[c]);
    return sum;
}

/* By how much more than its own rounding a weight is off: an exponential's relative error is the
 * absolute one of the score, whose parts are rounded in f32, as products and in the sum. In
 * roundings of the problem's type. */
static double spread(const twin *w, int64_t b, int64_t h, int64_t i, int64_t j)
{
    const mas_attn_problem *p = w->p;
    const double score =
        fabs((double)p->scale) *
        size_of_dot(w, row(w, MAS_CHECK_Q, b, i, h),
                    row(w, MAS_CHECK_K, b, j, h / (p->q_heads / p->kv_heads)), p->d_qk);
    met(w, MAS_CHECK_LSE, score);
    return 1 + 2 * score * mas_dtype_roundoff(MAS_DTYPE_F32) / mas_dtype_roundoff(p->dtype);
}

static double rounded(mas_dtype dtype, float x)
{
    float storage;
    mas_dtype_store(dtype, &storage, 0, (double)x);
    return mas_dtype_load(dtype, &storage, 0);
}

static void forward_row(const twin *w, int64_t b, int64_t h, int64_t i, double *o, double *lse)
{
    const mas_attn_problem *p = w->p;
    const float sink = p->sinks ? (float)w->t[MAS_CHECK_SINKS].values[h] : -INFINITY;
    float most = sink, sum = 0;
    (void)scores(w, b, h, i);
    for (int64_t j = 0; j < p->kv_len; j++)
        if (w->seen[j])
            most = fmaxf(most, w->s[j]);
    for (int64_t n = 0; n < p->kv_len; n++) {
        const int64_t j = w->keys[n];
        if (!w->seen[j])
            continue;
        w->s[j] = expf(w->s[j] - most);
        sum += w->s[j];
        w->s[j] = (float)rounded(w->weights, w->s[j]);
    }
    for (int64_t j = 0; w->largest && j < p->kv_len; j++)
        if (w->seen[j]) {
            const double *v = row(w, MAS_CHECK_V, b, j, h / (p->q_heads / p->kv_heads));
            const double size = (double)w->s[j] / (double)sum * spread(w, b, h, i, j);
            for (int32_t c = 0; c < p->d_v; c++)
                met(w, MAS_CHECK_O, size * v[c]);
        }
    if (most > -INFINITY)
        sum += expf(sink - most);
    float values[MAS_HEAD_DIM_MAX];
    for (int32_t c = 0; c < p->d_v; c++)
        values[c] = 0;
    for (int64_t n = 0; n < p->kv_len; n++) {
        const int64_t j = w->keys[n];
        if (!w->seen[j])
            continue;
        const double *v = row(w, MAS_CHECK_V, b, j, h / (p->q_heads / p->kv_heads));
        const float weight = w->s[j];
        for (int32_t c = 0; c < p->d_v; c++)
            values[c] += weight * (float)v[c];
    }
    for (int32_t c = 0; c < p->d_v; c++)
        o[c] = rounded(p->dtype, sum > 0 ? values[c] / sum : 0);
    *lse = sum > 0 ? (double)(most + logf(sum)) : -HUGE_VAL;
}

static void forward(const twin *w, double *const out[MAS_CHECK_TENSORS])
{
    const mas_attn_problem *p = w->p;
    for (int64_t b = 0; b < p->batch; b++)
        for (int64_t h = 0; h < p->q_heads; h++)
            for (int64_t i = 0; i < p->q_len; i++)
                forward_row(w, b, h, i,
                            out[MAS_CHECK_O] + ((b * p->q_len + i) * p->q_heads + h) * p->d_v,
                            out[MAS_CHECK_LSE] + (b * p->q_heads + h) * p->q_len + i);
}

/* The terms that a pair adds to the gradients, by the size of what was cancelled in them. */
static void met_in_backward(const twin *w, int64_t b, int64_t h, int64_t i, int64_t j,
                            double weight)
{
    const mas_attn_problem *p = w->p;
    const int64_t g = h / (p->q_heads / p->kv_heads);
    const double *d_o = row(w, MAS_CHECK_D_O, b, i, h), *q = row(w, MAS_CHECK_Q, b, i, h),
                 *k = row(w, MAS_CHECK_K, b, j, g);
    /* of the weight, and of d_s before its two parts cancel */
    const double weight_size = weight * spread(w, b, h, i, j),
                 d_s_size = weight_size * fabs((double)p->scale) *
                            (size_of_dot(w, d_o, row(w, MAS_CHECK_V, b, j, g), p->d_v) +
                             size_of_dot(w, d_o, row(w, MAS_CHECK_O, b, i, h), p->d_v));
    for (int32_t c = 0; c < p->d_qk; c++) {
        met(w, MAS_CHECK_D_Q, d_s_size * k[c]);
        met(w, MAS_CHECK_D_K, d_s_size * q[c]);
    }
    for (int32_t c = 0; c < p->d_v; c++)
        met(w, MAS_CHECK_D_V, weight_size * d_o[c]);
}

static void backward_row(const twin *w, int64_t b, int64_t h, int64_t i, float *d_q, float *d_k,
                         float *d_v, float *d_sink)
{
    const mas_attn_problem *p = w->p;
    const int64_t g = h / (p->q_heads / p->kv_heads);
    const double *d_o = row(w, MAS_CHECK_D_O, b, i, h), *q = row(w, MAS_CHECK_Q, b, i, h);
    const float lse = (float)w->t[MAS_CHECK_LSE].values[(b * p->q_heads + h) * p->q_len + i];
    /* Summed the other way than <d_o, v> below: with few keys the two nearly cancel, and in the
     * same order their errors would cancel with them, which no kernel can promise. */
    const float d = dot_backwards(w->dots_v, d_o, row(w, MAS_CHECK_O, b, i, h), p->d_v);
    dots(w, MAS_CHECK_V, b, g, d_o, scores(w, b, h, i), w->d_weights);
    for (int64_t n = 0; n < p->kv_len; n++) {
        const int64_t j = w->keys[n];
        if (!w->seen[j])
            continue;
        const double *k = row(w, MAS_CHECK_K, b, j, g);
        const float weight = expf(w->s[j] - lse);
        float d_s = weight * (w->d_weights[j] - d);
        if (p->softcap > 0) {
            const float t = w->s[j] / p->softcap;
            d_s *= 1 - t * t;
        }
        if (w->largest)
            met_in_backward(w, b, h, i, j, (double)weight);
        const float slope = (float)rounded(w->weights, d_s),
                    share = (float)rounded(w->weights, weight);
        float *d_k_row = d_k + ((b * p->kv_len + j) * p->kv_heads + g) * p->d_qk;
        float *d_v_row = d_v + ((b * p->kv_len + j) * p->kv_heads + g) * p->d_v;
        const float step = p->scale * slope;
        for (int32_t c = 0; c < p->d_qk; c++)
            d_q[c] += step * (float)k[c];
        for (int32_t c = 0; c < p->d_qk; c++)
            d_k_row[c] += step * (float)q[c];
        for (int32_t c = 0; c < p->d_v; c++)
            d_v_row[c] += share * (float)d_o[c];
    }
    if (p->sinks && d != 0)
        *d_sink -= expf((float)w->t[MAS_CHECK_SINKS].values[h] - lse) * d;
}

static void backward(const twin *w, double *const out[MAS_CHECK_TENSORS])
{
    const mas_attn_problem *p = w->p;
    const int64_t k_count = w->t[MAS_CHECK_D_K].count, v_count = w->t[MAS_CHECK_D_V].count;
    float *d_k = w->sums, *d_v = w->sums + k_count;
    float d_q[MAS_HEAD_DIM_MAX];
    for (int64_t h = 0; h < p->q_heads; h++) {
        float d_sink = 0;
        for (int64_t b = 0; b < p->batch; b++)
            for (int64_t n = 0; n < p->q_len; n++) {
                const int64_t i = w->queries[n];
                for (int32_t c = 0; c < p->d_qk; c++)
                    d_q[c] = 0;
                backward_row(w, b, h, i, d_q, d_k, d_v, &d_sink);
                for (int32_t c = 0; c < p->d_qk; c++)
                    out[MAS_CHECK_D_Q][((b * p->q_len + i) * p->q_heads + h) * p->d_qk + c] =
                        rounded(p->dtype, d_q[c]);
            }
        if (p->sinks)
            out[MAS_CHECK_D_SINKS][h] = (double)d_sink;
    }
    for (int64_t i = 0; i < k_count; i++)
        out[MAS_CHECK_D_K][i] = rounded(p->dtype, d_k[i]);
    for (int64_t i = 0; i < v_count; i++)
        out[MAS_CHECK_D_V][i] = rounded(p->dtype, d_v[i]);
}

mas_status mas_check_twin(const mas_check_rig *rig, int number,
                          double *const out[MAS_CHECK_TENSORS], double largest[MAS_CHECK_TENSORS],
                          mas_error *err)
{
    const mas_attn_problem *p = &rig->problem;
    const mas_check_tensor *t = rig->tensors;
    const size_t keys = (size_t)p->kv_len, queries = (size_t)p->q_len;
    const size_t sums = (size_t)(t[MAS_CHECK_K].count + t[MAS_CHECK_V].count);
    int32_t dots_qk[MAS_HEAD_DIM_MAX], dots_v[MAS_HEAD_DIM_MAX];
    /* of each pair of orders of dots and sums, one rounds */
    const bool rounds = (number ^ number >> 1 ^ number >> 2) & 1;
    const twin w = {.p = p,
                    .weights = rounds ? p->dtype : MAS_DTYPE_F32,
                    .t = t,
                    .largest = largest,
                    .dots_qk = dots_qk,
                    .dots_v = dots_v,
                    .keys = calloc(keys, sizeof(int32_t)),
                    .queries = calloc(queries, sizeof(int32_t)),
                    .s = calloc(keys, sizeof(float)),
                    .d_weights = calloc(keys, sizeof(float)),
                    .k_columns = calloc((size_t)t[MAS_CHECK_K].count, sizeof(float)),
                    .v_columns = calloc((size_t)t[MAS_CHECK_V].count, sizeof(float)),
                    .seen = calloc(keys, sizeof(bool)),
                    .sums = calloc(sums, sizeof(float))};
    const bool ready =
        w.keys && w.queries && w.s && w.d_weights && w.k_columns && w.v_columns && w.seen && w.sums;
    if (ready) {
        set_order(w.dots_qk, p->d_qk, number, number & 1);
        set_order(w.dots_v, p->d_v, number, number & 1);
        set_order(w.keys, p->kv_len, number, number & 2);
        set_order(w.queries, p->q_len, number, number & 2);
        set_columns(&w, MAS_CHECK_K, w.k_columns);
        if (rig->op == MAS_ATTN_BACKWARD)
            set_columns(&w, MAS_CHECK_V, w.v_columns);
        if (rig->op == MAS_ATTN_BACKWARD)
            backward(&w, out);
        else
            forward(&w, out);
    }
    free(w.keys);
    free(w.queries);
    free(w.s);
    free(w.d_weights);
    free(w.k_columns);
    free(w.v_columns);
    free(w.seen);
    free(w.sums);
    return ready ? MAS_OK
                 : mas_fail(err, MAS_E_MEMORY, "no memory for a naive attention of %zu keys", keys);
}
