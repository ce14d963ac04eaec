/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check/faulty.h"

#include <math.h>
#include <omp.h>
#include <string.h>

fault fault_now = FAULT_NONE;

enum { TILE = 16, COARSE_BITS = 4 /* of the 23 of a float */ };

static float load(const mas_attn_problem *p, const mas_view *v, int64_t b, int64_t t, int64_t h,
                  int64_t c)
{
    return (float)mas_dtype_load(p->dtype, v->data, b * v->batch + t * v->row + h * v->head + c);
}

static void load_row(const mas_attn_problem *p, const mas_view *v, int64_t b, int64_t t, int64_t h,
                     int32_t count, float *row)
{
    const ptrdiff_t first = b * v->batch + t * v->row + h * v->head;
    for (int32_t c = 0; c < count; c++) {
        row[c] = (float)mas_dtype_load(p->dtype, v->data, first + c);
        if ((fault_now == FAULT_HIDES_NONFINITE || fault_now == FAULT_BACKWARD_HIDES_NONFINITE) &&
            !isfinite(row[c]))
            row[c] = 0;
    }
}

static void store(const mas_attn_problem *p, const mas_view *v, int64_t b, int64_t t, int64_t h,
                  int64_t c, float x)
{
    mas_dtype_store(p->dtype, v->data, b * v->batch + t * v->row + h * v->head + c, (double)x);
}

static int64_t kv_head(const mas_attn_problem *p, int64_t h)
{
    return fault_now == FAULT_HEADS_IN_TURN ? h % p->kv_heads : h / (p->q_heads / p->kv_heads);
}

/* Does the row of a query tile see a key of this visit? */
static bool shows(const mas_attn_problem *p, const mas_schedule *s, const mas_span *span,
                  int64_t row, int64_t tile, int64_t key)
{
    if (fault_now == FAULT_OTHER_CORNER) {
        const mas_alignment other =
            p->alignment == MAS_ALIGN_TOP_LEFT ? MAS_ALIGN_BOTTOM_RIGHT : MAS_ALIGN_TOP_LEFT;
        return p->mask->sees(p->mask, mas_position(row, p->q_len, p->kv_len, other), key);
    }
    if (span->pattern == MAS_SPAN_WHOLE)
        return true;
    mas_row_span keys = mas_schedule_pattern(s, span->pattern)[row % s->q_tile];
    if (fault_now == FAULT_WINDOW_PLUS_ONE && keys.lo > 0 && keys.lo < keys.hi)
        keys.lo--;
    return key - tile * s->k_tile >= keys.lo && key - tile * s->k_tile < keys.hi;
}

static float score(const mas_attn_problem *p, const float *q, const float *k)
{
    float dot = 0, scale = p->scale;
    for (int32_t c = 0; c < p->d_qk; c++)
        dot += q[c] * k[c];
    if (fault_now == FAULT_PADDED_SCALE)
        scale *= sqrtf((float)p->d_qk / (float)((p->d_qk + 7) / 8 * 8));
    const float x = scale * dot;
    return p->softcap > 0 && fault_now != FAULT_NO_SOFTCAP ? p->softcap * tanhf(x / p->softcap) : x;
}

/* The exponential of a weight. Its faults are near the limit: with one bit lost less, the forward
 * passes the default cases; with two, the backward does. */
static float exponential(float x)
{
    const float e = expf(x);
    if (fault_now != FAULT_COARSE_EXPONENTIAL && fault_now != FAULT_BACKWARD_COARSE_EXPONENTIAL)
        return e;
    uint32_t bits;
    memcpy(&bits, &e, sizeof bits);
    bits &= ~((1u << COARSE_BITS) - 1);
    float coarse;
    memcpy(&coarse, &bits, sizeof coarse);
    return coarse;
}

/* One row of a query tile: running maximum, sum, and weighted values. */
typedef struct row_state {
    float most, sum;
    float values[MAS_HEAD_DIM_MAX];
} row_state;

static void take_key(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                     int64_t j, const float *q, float bias, row_state *r)
{
    float k[MAS_HEAD_DIM_MAX];
    load_row(p, &args->k, b, j, kv_head(p, h), p->d_qk, k);
    const float s = score(p, q, k) + bias;
    float most = fmaxf(r->most, s);
    if (fault_now == FAULT_NO_MAXIMUM)
        most = 0;
    const float shrink = fault_now == FAULT_STALE_MAXIMUM || r->sum == 0 ? 1 : expf(r->most - most);
    const float weight = exponential(s - most);
    r->most = most;
    r->sum = r->sum * shrink + weight;
    float v[MAS_HEAD_DIM_MAX];
    load_row(p, &args->v, b, j, kv_head(p, h), p->d_v, v);
    for (int32_t c = 0; c < p->d_v; c++)
        r->values[c] = r->values[c] * shrink + weight * v[c];
    for (int32_t c = 0; c < p->d_v && fault_now == FAULT_NARROW_SUMS; c++)
        r->values[c] = mas_bf16_to_f32(mas_f32_to_bf16(r->values[c]));
}

static void skip_key(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                     int64_t j, const float *q, row_state *r)
{
    if (fault_now == FAULT_MASK_BY_ADDING)
        take_key(p, args, b, h, j, q, -10000, r);
    if (fault_now == FAULT_MASK_BY_ZERO)
        for (int32_t c = 0; c < p->d_v; c++)
            r->values[c] += 0 * load(p, &args->v, b, j, kv_head(p, h), c);
}

static void visit(const mas_attn_problem *p, const mas_schedule *s, const mas_attn_args *args,
                  int64_t b, int64_t h, int64_t q_tile, const mas_span *span, int64_t tile,
                  row_state *rows)
{
    for (int64_t i = q_tile * TILE; i < (q_tile + 1) * TILE && i < p->q_len; i++) {
        float q[MAS_HEAD_DIM_MAX];
        load_row(p, &args->q, b, i, h, p->d_qk, q);
        for (int64_t j = tile * TILE; j < (tile + 1) * TILE && j < p->kv_len; j++)
            if (shows(p, s, span, i, tile, j))
                take_key(p, args, b, h, j, q, 0, &rows[i % TILE]);
            else
                skip_key(p, args, b, h, j, q, &rows[i % TILE]);
    }
}

static void start_rows(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                       int64_t q_tile, row_state *rows)
{
    for (int64_t r = 0; r < TILE; r++) {
        const int64_t i = q_tile * TILE + r;
        rows[r].most = -INFINITY;
        if (fault_now != FAULT_DIRTY_WORKSPACE)
            rows[r].sum = 0;
        for (int32_t c = 0; c < p->d_v; c++)
            rows[r].values[c] =
                fault_now == FAULT_READS_OUTPUT && i < p->q_len ? load(p, &args->o, b, i, h, c) : 0;
    }
}

static void end_row(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                    int64_t i, row_state *r)
{
    if (fault_now == FAULT_LAST_ROW_UNWRITTEN && p->q_len > 1 && i == p->q_len - 1)
        return;
    if (p->sinks && fault_now != FAULT_NO_SINKS) {
        const float most = fmaxf(r->most, args->sinks[h]);
        const float shrink = r->sum != 0 ? expf(r->most - most) : 0;
        r->sum = r->sum * shrink + expf(args->sinks[h] - most);
        for (int32_t c = 0; c < p->d_v; c++)
            r->values[c] *= shrink;
        r->most = most;
    }
    const bool divide = r->sum != 0 || fault_now == FAULT_EMPTY_ROW_NAN;
    const int64_t past = fault_now == FAULT_WRITES_PAST_END && h == p->q_heads - 1;
    for (int64_t c = 0; c < p->d_v; c++)
        store(p, &args->o, b, i, h, c, divide ? r->values[c] / r->sum : 0);
    if (past)
        store(p, &args->o, b, i, h, p->d_v, 0);
    float lse = r->sum != 0 ? r->most + logf(r->sum) : -INFINITY;
    if (fault_now == FAULT_LSE_BASE_TWO)
        lse *= 1.442695f;
    if (args->lse)
        args->lse[(b * p->q_heads + h) * p->q_len + i] = lse;
}

static int64_t forward_tile(const mas_attn_problem *p, const mas_schedule *s,
                            const mas_attn_args *args, int64_t b, int64_t h, int64_t q_tile,
                            int threads, row_state *rows)
{
    int64_t visits = 0;
    start_rows(p, args, b, h, q_tile, rows);
    const size_t first = s->q_start[q_tile], count = s->q_start[q_tile + 1] - first;
    for (size_t n = 0; n < count; n++) {
        const bool backwards = fault_now == FAULT_DEPENDS_ON_THREADS && threads > 1;
        const mas_span *span = &s->q_spans[first + (backwards ? count - 1 - n : n)];
        for (int32_t t = 0; t < span->count; t++) {
            const bool last = n == count - 1 && t == span->count - 1;
            if (last && (fault_now == FAULT_SKIPS_LAST_TILE || fault_now == FAULT_SKIPS_AND_LIES))
                continue;
            visit(p, s, args, b, h, q_tile, span, span->first + t, rows);
            visits++;
        }
    }
    for (int64_t i = q_tile * TILE; i < (q_tile + 1) * TILE && i < p->q_len; i++)
        end_row(p, args, b, h, i, &rows[i % TILE]);
    return visits;
}

static mas_status forward_run(const mas_attn_plan *plan, const mas_attn_args *args,
                              mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    mas_attn_args a = *args;
    int64_t visits = 0;
    (void)err;
    if (fault_now == FAULT_DENSE_STRIDES) {
        a.k.head = p->d_qk;
        a.k.row = (ptrdiff_t)p->kv_heads * p->d_qk;
    }
    if (fault_now == FAULT_WRITES_INPUT)
        store(p, &a.q, 0, 0, 0, 0, load(p, &a.q, 0, 0, 0, 0) * p->scale);
    if (fault_now == FAULT_WORKSPACE_OVERRUN)
        ((unsigned char *)a.workspace)[(size_t)threads * TILE * sizeof(row_state)] = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : visits)
    for (int64_t n = 0; n < p->batch * p->q_heads; n++) {
        row_state *rows = (row_state *)a.workspace + (size_t)omp_get_thread_num() * TILE;
        for (int64_t t = 0; t < s->q_tiles; t++)
            visits += forward_tile(p, s, &a, n / p->q_heads, n % p->q_heads, t, threads, rows);
    }
    counts->visited_tiles =
        fault_now == FAULT_SKIPS_AND_LIES ? s->tiles * p->batch * p->q_heads : visits;
    return MAS_OK;
}

static size_t forward_workspace(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)p, (void)s;
    return (size_t)threads * TILE * sizeof(row_state);
}

/* ---- backward: one key/value head at a time, sums of its keys in the workspace ---- */

typedef struct sums {
    float *d_k, *d_v;
    float d_q[MAS_HEAD_DIM_MAX];
} sums;

typedef struct query_row {
    float q[MAS_HEAD_DIM_MAX], d_o[MAS_HEAD_DIM_MAX], lse, delta;
} query_row;

static void backward_pair(const mas_attn_problem *p, const mas_attn_args *args, int64_t b,
                          int64_t h, int64_t j, const query_row *r, sums *x)
{
    const int64_t g = kv_head(p, h);
    const int64_t other = fault_now == FAULT_DV_WRONG_HEAD ? (g + 1) % p->kv_heads : g;
    float v[MAS_HEAD_DIM_MAX], k[MAS_HEAD_DIM_MAX];
    load_row(p, &args->v, b, j, other, p->d_v, v);
    load_row(p, &args->k, b, j, g, p->d_qk, k);
    const float s = score(p, r->q, k), weight = exponential(s - r->lse);
    float d_weight = 0;
    for (int32_t c = 0; c < p->d_v; c++)
        d_weight += r->d_o[c] * v[c];
    for (int32_t c = 0; c < p->d_v; c++)
        x->d_v[j * p->d_v + c] += weight * r->d_o[c];
    float d_s = weight * (d_weight - (fault_now == FAULT_NO_DELTA ? 0 : r->delta));
    if (p->softcap > 0 && fault_now != FAULT_NO_CAP_SLOPE)
        d_s *= 1 - s / p->softcap * (s / p->softcap);
    const float step = (fault_now == FAULT_DQ_UNSCALED ? 1 : p->scale) * d_s;
    for (int32_t c = 0; c < p->d_qk; c++)
        x->d_q[c] += step * k[c];
    for (int32_t c = 0; c < p->d_qk; c++)
        x->d_k[j * p->d_qk + c] += p->scale * d_s * r->q[c];
}

static int64_t backward_row(const mas_attn_problem *p, const mas_schedule *s,
                            const mas_attn_args *args, int64_t b, int64_t h, int64_t i, sums *x,
                            float *d_sink)
{
    query_row r = {.lse = args->lse[(b * p->q_heads + h) * p->q_len + i], .delta = 0};
    int64_t visits = 0;
    memset(x->d_q, 0, sizeof x->d_q);
    load_row(p, &args->q, b, i, h, p->d_qk, r.q);
    load_row(p, &args->d_o, b, i, h, p->d_v, r.d_o);
    for (int32_t c = 0; c < p->d_v; c++)
        r.delta += r.d_o[c] * load(p, &args->o, b, i, h, c);
    const size_t end = s->q_start[i / TILE + 1];
    for (size_t n = s->q_start[i / TILE]; n < end; n++)
        for (int32_t t = 0; t < s->q_spans[n].count; t++) {
            const int64_t tile = s->q_spans[n].first + t;
            if (fault_now == FAULT_BACKWARD_SKIPS_AND_LIES && n == end - 1 &&
                t == s->q_spans[n].count - 1)
                continue;
            visits++;
            for (int64_t j = tile * TILE; j < (tile + 1) * TILE && j < p->kv_len; j++)
                if (shows(p, s, &s->q_spans[n], i, tile, j))
                    backward_pair(p, args, b, h, j, &r, x);
        }
    if (fault_now == FAULT_BACKWARD_EMPTY_ROW_NAN)
        for (int32_t c = 0; c < p->d_qk; c++)
            x->d_q[c] += 0 * r.lse;
    if (p->sinks && r.delta != 0)
        *d_sink -= expf(args->sinks[h] - r.lse) * r.delta;
    for (int32_t c = 0; c < p->d_qk; c++)
        store(p, &args->d_q, b, i, h, c,
              x->d_q[c] +
                  (fault_now == FAULT_ADDS_TO_OUTPUT ? load(p, &args->d_q, b, i, h, c) : 0));
    return i % TILE == TILE - 1 || i == p->q_len - 1 ? visits : 0;
}

static int64_t backward_head(const mas_attn_problem *p, const mas_schedule *s, int threads,
                             const mas_attn_args *args, int64_t b, int64_t g, float *workspace,
                             float *d_sinks)
{
    const int64_t group = p->q_heads / p->kv_heads;
    sums x = {.d_k = workspace, .d_v = workspace + p->kv_len * p->d_qk};
    int64_t visits = 0;
    memset(workspace, 0, (size_t)(p->kv_len * (p->d_qk + p->d_v)) * sizeof *workspace);
    for (int64_t n = 0; n < group; n++) {
        const bool backwards = fault_now == FAULT_BACKWARD_DEPENDS_ON_THREADS && threads > 1;
        const int64_t h = g * group + (backwards ? group - 1 - n : n);
        d_sinks[b * p->q_heads + h] = 0;
        if (fault_now == FAULT_DK_OF_ONE_HEAD)
            memset(x.d_k, 0, (size_t)(p->kv_len * p->d_qk) * sizeof *x.d_k);
        for (int64_t i = 0; i < p->q_len; i++)
            visits += backward_row(p, s, args, b, h, i, &x, &d_sinks[b * p->q_heads + h]);
    }
    for (int64_t j = 0; j < p->kv_len; j++) {
        for (int32_t c = 0; c < p->d_qk; c++)
            store(p, &args->d_k, b, j, g, c, x.d_k[j * p->d_qk + c]);
        for (int32_t c = 0; c < p->d_v; c++)
            store(p, &args->d_v, b, j, g, c, x.d_v[j * p->d_v + c]);
    }
    return visits;
}

static size_t head_floats(const mas_attn_problem *p)
{
    return (size_t)(p->kv_len * (p->d_qk + p->d_v));
}

static mas_status backward_run(const mas_attn_plan *plan, const mas_attn_args *args,
                               mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    float *d_sinks = args->workspace, *heads = d_sinks + p->batch * p->q_heads;
    int64_t visits = 0;
    (void)err;
#pragma omp parallel for num_threads(threads) reduction(+ : visits)
    for (int64_t n = 0; n < p->batch * p->kv_heads; n++)
        visits += backward_head(p, s, threads, args, n / p->kv_heads, n % p->kv_heads,
                                heads + (size_t)omp_get_thread_num() * head_floats(p), d_sinks);
    for (int64_t h = 0; p->sinks && h < p->q_heads; h++) {
        args->d_sinks[h] = 0;
        for (int64_t b = 0; b < (fault_now == FAULT_D_SINKS_ONE_BATCH ? 1 : p->batch); b++)
            args->d_sinks[h] += d_sinks[b * p->q_heads + h];
    }
    counts->visited_tiles =
        fault_now == FAULT_BACKWARD_SKIPS_AND_LIES ? s->tiles * p->batch * p->q_heads : visits;
    return MAS_OK;
}

static size_t backward_workspace(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)s;
    return ((size_t)(p->batch * p->q_heads) + (size_t)threads * head_floats(p)) * sizeof(float);
}

static mas_status supports(const mas_attn_problem *p, mas_error *why)
{
    (void)p, (void)why;
    return MAS_OK;
}

static void tile(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = *k_tile = TILE;
}

const mas_attn_kernel faulty_forward = {
    .name = "attn_forward/faulty/plain",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile,
    .workspace_bytes = forward_workspace,
    .run = forward_run,
};

const mas_attn_kernel faulty_backward = {
    .name = "attn_backward/faulty/plain",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile,
    .workspace_bytes = backward_workspace,
    .run = backward_run,
};
