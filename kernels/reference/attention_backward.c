/* SPDX-License-Identifier: Apache-2.0 */
/* Attention backward by its definition. With p_j = exp(s_j - lse), d = <d_o, o>, dp_j = <d_o, v_j>:
 *     d_s_j = p_j (dp_j - d), then through the cap: times 1 - (s_j / cap)^2
 *     d_q += scale d_s_j k_j,  d_k_j += scale d_s_j q,  d_v_j += p_j d_o,  d_sink += -exp(sink -
 * lse) d Key/value heads are shared out among threads; the query heads of a group are taken in
 * order by one thread, so sums have one order whatever the number of threads. */
#include "kernels/reference/reference.h"

#include "kernels/reference/rows.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* Where results go: rounded into args, or as they are into dense f64 arrays. */
typedef struct target {
    const mas_attn_args *args;
    double *d_q, *d_k, *d_v;
} target;

/* Scratch beyond that of the forward: gradients of one key/value head and of one query row. */
typedef struct gradients {
    mas_ref_scratch rows;
    double *d_o;          /* [Dv] */
    double *d_q;          /* [D] */
    double *d_k;          /* [Tk][D] */
    double *d_v;          /* [Tk][Dv] */
    double *weights, *dp; /* [Tk] of the row; dp: <d_o, v> */
} gradients;

static size_t thread_bytes(const mas_attn_problem *p, int32_t q_tile)
{
    const size_t heads = (size_t)(p->kv_len + 1) * ((size_t)p->d_qk + (size_t)p->d_v),
                 row = 2 * (size_t)p->kv_len;
    return ((heads + row) * sizeof(double) + 63) / 64 * 64 + mas_ref_scratch_bytes(p, q_tile);
}

static gradients cut(const mas_attn_problem *p, char *block)
{
    gradients g;
    g.d_o = (double *)block;
    g.d_q = g.d_o + p->d_v;
    g.d_k = g.d_q + p->d_qk;
    g.d_v = g.d_k + (size_t)p->kv_len * (size_t)p->d_qk;
    g.weights = g.d_v + (size_t)p->kv_len * (size_t)p->d_v;
    g.dp = g.weights + p->kv_len;
    g.rows = mas_ref_scratch_cut(p, block + thread_bytes(p, 1) - mas_ref_scratch_bytes(p, 1));
    return g;
}

static void zero(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = 0;
}

static double dot(const double *x, const double *y, int32_t n)
{
    double sum = 0;
    for (int32_t c = 0; c < n; c++)
        sum += x[c] * y[c];
    return sum;
}

/* Gradients of one query row: g->d_q set, g->d_k and g->d_v added to.
 * Returns the row's share of the sink's gradient. */
static double backward_row(const mas_attn_problem *p, const mas_attn_args *args, int64_t b,
                           int64_t h, int64_t i, const gradients *g, uint8_t *seen)
{
    const int64_t kv = h / (p->q_heads / p->kv_heads);
    const mas_ref_scratch *r = &g->rows;
    const double lse = mas_ref_row(p, args, b, h, i, r, seen);
    const double scale = (double)p->scale, cap = (double)p->softcap;
    mas_ref_load(p->dtype, &args->d_o, b, i, h, p->d_v, g->d_o);
    zero(g->d_q, p->d_qk);
    double d = 0; /* <d_o, o> = sum_j p_j dp_j */
    for (int64_t j = 0; j < p->kv_len; j++) {
        if (!seen[j])
            continue;
        mas_ref_load(p->dtype, &args->v, b, j, kv, p->d_v, r->v);
        g->weights[j] = exp(r->s[j] - lse);
        g->dp[j] = dot(g->d_o, r->v, p->d_v);
        d += g->weights[j] * g->dp[j];
    }
    for (int64_t j = 0; j < p->kv_len; j++) {
        if (!seen[j])
            continue;
        mas_ref_load(p->dtype, &args->k, b, j, kv, p->d_qk, r->k);
        const double weight = g->weights[j];
        double d_s = weight * (g->dp[j] - d);
        if (cap > 0)
            d_s *= 1 - (r->s[j] / cap) * (r->s[j] / cap);
        for (int32_t c = 0; c < p->d_qk; c++) {
            g->d_q[c] += scale * d_s * r->k[c];
            g->d_k[j * p->d_qk + c] += scale * d_s * r->q[c];
        }
        for (int32_t c = 0; c < p->d_v; c++)
            g->d_v[j * p->d_v + c] += weight * g->d_o[c];
    }
    return p->sinks && d != 0 ? -exp((double)args->sinks[h] - lse) * d : 0;
}

static void store_row(mas_dtype dtype, double *dense, const mas_view *view, int64_t heads,
                      int64_t len, int64_t b, int64_t t, int64_t h, int32_t dim, const double *from)
{
    if (!dense) {
        mas_ref_store(dtype, view, b, t, h, dim, from);
        return;
    }
    for (int32_t c = 0; c < dim; c++)
        dense[((b * len + t) * heads + h) * dim + c] = from[c];
}

/* One key/value head with its group of query heads; tile visits, or -1 when the schedule lists
 * other pairs. */
static int64_t backward_head(const mas_attn_problem *p, const mas_schedule *s,
                             const mas_attn_args *args, const target *to, int64_t b, int64_t kv,
                             const gradients *g, double *d_sinks)
{
    const int64_t group = p->q_heads / p->kv_heads;
    int64_t visits = 0;
    bool listed = true;
    zero(g->d_k, p->kv_len * p->d_qk);
    zero(g->d_v, p->kv_len * p->d_v);
    for (int64_t h = kv * group; h < (kv + 1) * group; h++) {
        double d_sink = 0;
        for (int64_t i = 0; i < p->q_len; i++) {
            const int64_t r = s ? i % s->q_tile : 0;
            d_sink += backward_row(p, args, b, h, i, g, g->rows.seen + r * p->kv_len);
            store_row(p->dtype, to->d_q, &to->args->d_q, p->q_heads, p->q_len, b, i, h, p->d_qk,
                      g->d_q);
            if (s && (r == s->q_tile - 1 || i == p->q_len - 1)) {
                const int64_t n = mas_ref_visits(s, (int32_t)(i / s->q_tile), g->rows.seen);
                listed = listed && n >= 0;
                visits += n;
            }
        }
        d_sinks[b * p->q_heads + h] = d_sink;
    }
    for (int64_t j = 0; j < p->kv_len; j++) {
        store_row(p->dtype, to->d_k, &to->args->d_k, p->kv_heads, p->kv_len, b, j, kv, p->d_qk,
                  g->d_k + j * p->d_qk);
        store_row(p->dtype, to->d_v, &to->args->d_v, p->kv_heads, p->kv_len, b, j, kv, p->d_v,
                  g->d_v + j * p->d_v);
    }
    return listed ? visits : -1;
}

/* The workspace starts with the sink gradients of every (batch, head), then one block a thread. */
static size_t sinks_bytes(const mas_attn_problem *p)
{
    return ((size_t)(p->batch * p->q_heads) * sizeof(double) + 63) / 64 * 64;
}

static int64_t backward(const mas_attn_problem *p, const mas_schedule *s, int threads,
                        const mas_attn_args *args, const target *to, char *workspace)
{
    const size_t bytes = thread_bytes(p, s ? s->q_tile : 1);
    double *d_sinks = (double *)workspace;
    int64_t visits = 0;
    bool listed = true;
#pragma omp parallel for num_threads(threads) reduction(+ : visits) reduction(&& : listed)
    for (int64_t n = 0; n < p->batch * p->kv_heads; n++) {
        const gradients g =
            cut(p, workspace + sinks_bytes(p) + (size_t)omp_get_thread_num() * bytes);
        const int64_t v =
            backward_head(p, s, args, to, n / p->kv_heads, n % p->kv_heads, &g, d_sinks);
        listed = listed && v >= 0;
        visits += v;
    }
    for (int64_t h = 0; h < p->q_heads; h++)
        for (int64_t b = 1; b < p->batch; b++)
            d_sinks[h] += d_sinks[b * p->q_heads + h];
    return listed ? visits : -1;
}

static size_t workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    return sinks_bytes(p) + (size_t)threads * thread_bytes(p, s->q_tile);
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    const int64_t visits = backward(p, s, threads, args, &(target){.args = args}, args->workspace);
    if (visits < 0)
        return mas_ref_schedule_error(mas_attn_backward_reference.name, err);
    for (int64_t h = 0; p->sinks && h < p->q_heads; h++)
        args->d_sinks[h] = (float)((const double *)args->workspace)[h];
    *counts = (mas_attn_counts){.visited_tiles = visits};
    return MAS_OK;
}

const mas_attn_kernel mas_attn_backward_reference = {
    .name = "attn_backward/naive/reference",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = mas_ref_supports,
    .tile = mas_ref_tile,
    .workspace_bytes = workspace_bytes,
    .run = run,
};

mas_status mas_attn_oracle_backward(const mas_attn_problem *p, int threads,
                                    const mas_attn_args *args, double *d_q, double *d_k,
                                    double *d_v, double *d_sinks, mas_error *err)
{
    const mas_status status = mas_attn_problem_check(p, err);
    if (status != MAS_OK)
        return status;
    threads = threads < 1 ? 1 : threads;
    char *block = malloc(sinks_bytes(p) + (size_t)threads * thread_bytes(p, 1));
    if (!block)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the reference attention of %lld keys",
                        (long long)p->kv_len);
    const target to = {.args = args, .d_q = d_q, .d_k = d_k, .d_v = d_v};
    backward(p, NULL, threads, args, &to, block);
    for (int64_t h = 0; p->sinks && h < p->q_heads; h++)
        d_sinks[h] = ((const double *)block)[h];
    free(block);
    return MAS_OK;
}
