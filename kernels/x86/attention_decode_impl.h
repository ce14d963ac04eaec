/* SPDX-License-Identifier: Apache-2.0 */
/* Attention for few queries on a long key/value cache, over any span schedule, in any type: elements
 * are widened as they are read. Included once per instruction set.
 *
 * With few queries the lanes of the flash kernel would stay empty and the time goes into reading
 * keys and values, so here lanes run along the head, each key and value is read once for all query
 * heads of the group while it is in cache, and the keys are cut into pieces that threads share
 * ("split-k": Dao et al., Flash-Decoding, 2023). The cut depends on the shapes alone and pieces are
 * merged in order: any number of threads gives the same bits.
 *
 * A piece takes its key tiles one by one and all heads of a tile before the next: the heads of a
 * token lie side by side, so memory is read in order, while the next tile is asked for. (On Zen 4
 * reading 256 bytes here and there runs at a third of the rate of reading in order.) */
#ifndef MASBENCH_X86_ATTENTION_DECODE_IMPL_H
#define MASBENCH_X86_ATTENTION_DECODE_IMPL_H

#include "kernels/x86/attention_common.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum {
    DECODE_Q_TILE = 16,
    DECODE_K_TILE = 64,
    DECODE_PIECES = 64,      /* pieces of work aimed at */
    DECODE_PIECE_KEYS = 512, /* least keys of a piece */
    DECODE_CHUNK = 64        /* keys whose scores exist at a time */
};

/* A row's state in one piece is [maximum, sum, padding .. VL] [Dv, padded]; sizes in floats. */
typedef struct decode_layout {
    int64_t d_pad, dv_pad, state, pieces, scratch;
} decode_layout;

static decode_layout decode_cut(const mas_attn_problem *p, const mas_schedule *s)
{
    decode_layout l = {.d_pad = lanes_of(p->d_qk), .dv_pad = lanes_of(p->d_v)};
    l.state = VL + l.dv_pad;
    const int64_t tasks = p->batch * s->q_tiles;
    l.pieces = least((DECODE_PIECES + tasks - 1) / tasks,
                     (p->kv_len + DECODE_PIECE_KEYS - 1) / DECODE_PIECE_KEYS);
    l.pieces = least(l.pieces, s->k_tiles);
    l.scratch = round_up(s->q_tile * p->q_heads * l.d_pad + DECODE_CHUNK, 16);
    return l;
}

static size_t decode_workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    const decode_layout l = decode_cut(p, s);
    const int64_t states = p->batch * p->q_heads * p->q_len * l.pieces;
    return (size_t)round_up(states * l.state + threads * l.scratch, 16) * sizeof(float);
}

static void decode_tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = (int32_t)least(DECODE_Q_TILE, p->q_len);
    *k_tile = DECODE_K_TILE;
}

/* What is constant for one task. */
typedef struct decode_task {
    const char *k, *v;      /* first row of the head at hand */
    ptrdiff_t k_row, v_row; /* bytes */
    int64_t d, dv, d_pad, dv_pad;
    float *scores; /* [DECODE_CHUNK] */
    vec factor, cap, cap_out;
    bool capped;
} decode_task;

/* Sums over the lanes of each of VL vectors, as one vector. */
SIMD_INLINE vec sum_each(vec part[VL])
{
    vtranspose(part);
    SIMD_UNROLL
    for (int step = VL / 2; step > 0; step /= 2)
        SIMD_UNROLL
    for (int i = 0; i < step; i++)
        part[i] = vadd(part[i], part[i + step]);
    return part[0];
}

/* Exponents of 2 of the scores of keys k0 .. k0+keys-1, VL at a time; returns their maximum. */
SIMD_INLINE vec decode_scores(const mas_dtype dtype, const decode_task *t, const float *q,
                              int64_t k0, int64_t keys)
{
    const ptrdiff_t size = element_bytes(dtype);
    vec largest = vset1(-INFINITY);
    for (int64_t j = 0; j < keys; j += VL) {
        const char *row[VL];
        vec part[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++) { /* past the last key, the last key again */
            row[i] = t->k + (k0 + least(j + i, keys - 1)) * t->k_row;
            part[i] = vzero();
        }
        int64_t d = 0;
        for (; d + VL <= t->d; d += VL) {
            const vec x = vload(q + d);
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                part[i] = vfma(vload_as(dtype, row[i] + d * size, VL), x, part[i]);
        }
        if (d < t->d) {
            const vec x = vload(q + d);
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                part[i] = vfma(vload_as(dtype, row[i] + d * size, t->d - d), x, part[i]);
        }
        vec score = sum_each(part);
        score = t->capped ? vmul(vtanh(vmul(score, t->cap)), t->cap_out) : vmul(score, t->factor);
        vstore(t->scores + j, score);
        largest = vmax(score, largest);
    }
    return largest;
}

/* out[nv vectors] = out * correction + sum of p[j] * v[j]; 4 / nv keys in flight hide the latency.
 * The last vector is cut to `tail` elements. */
SIMD_INLINE void weigh_block(const mas_dtype dtype, const int nv, const bool whole, int64_t keys,
                             const float *p, const char *v, ptrdiff_t v_row, int64_t tail,
                             float *out, vec correction)
{
    enum { SUMS = 4 };
    const ptrdiff_t size = VL * element_bytes(dtype);
    const int streams = SUMS / nv;
    vec sum[SUMS];
    SIMD_UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = vzero();
    int64_t j = 0;
    for (; j + streams <= keys; j += streams) {
        SIMD_UNROLL
        for (int n = 0; n < streams; n++) {
            const vec x = vset1(p[j + n]);
            const char *row = v + (j + n) * v_row;
            SIMD_UNROLL
            for (int i = 0; i < nv; i++)
                sum[n * nv + i] =
                    vfma(x, vload_as(dtype, row + i * size, whole || i + 1 < nv ? VL : tail),
                         sum[n * nv + i]);
        }
    }
    for (; j < keys; j++) {
        const vec x = vset1(p[j]);
        SIMD_UNROLL
        for (int i = 0; i < nv; i++)
            sum[i] =
                vfma(x, vload_as(dtype, v + j * v_row + i * size, whole || i + 1 < nv ? VL : tail),
                     sum[i]);
    }
    SIMD_UNROLL
    for (int i = 0; i < nv; i++) {
        SIMD_UNROLL
        for (int n = 1; n < streams; n++)
            sum[i] = vadd(sum[i], sum[n * nv + i]);
        vstore(out + i * VL, vfma(vload(out + i * VL), correction, sum[i]));
    }
}

SIMD_INLINE void weigh_values(const mas_dtype dtype, const decode_task *t, int64_t k0, int64_t keys,
                              float *out, vec correction)
{
    for (int64_t d = 0; d < t->dv;) {
        const char *v = t->v + k0 * t->v_row + d * element_bytes(dtype);
        const int64_t left = (t->dv - d + VL - 1) / VL;
        const int nv = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        const int64_t tail = t->dv - d - (nv - 1) * VL;
        if (nv == 4 && tail >= VL)
            weigh_block(dtype, 4, true, keys, t->scores, v, t->v_row, VL, out + d, correction);
        else if (nv == 4)
            weigh_block(dtype, 4, false, keys, t->scores, v, t->v_row, tail, out + d, correction);
        else if (nv == 2)
            weigh_block(dtype, 2, false, keys, t->scores, v, t->v_row, tail, out + d, correction);
        else
            weigh_block(dtype, 1, false, keys, t->scores, v, t->v_row, tail, out + d, correction);
        d += (int64_t)nv * VL;
    }
}

/* One row, keys k0 .. k0+keys-1, all visible. */
SIMD_INLINE void decode_row_of(const mas_dtype dtype, const decode_task *t, const float *q,
                               float *state, int64_t k0, int64_t keys)
{
    for (int64_t c = 0; c < keys; c += DECODE_CHUNK) {
        const int64_t count = least(DECODE_CHUNK, keys - c);
        const float before = state[0];
        const float chunk = vlargest(decode_scores(dtype, t, q, k0 + c, count));
        const float now = chunk > before ? chunk : before;
        const float safe = now == -INFINITY ? 0.0f : now;
        vec total = vzero();
        for (int64_t j = 0; j < count; j += VL) {
            const vec prob = vexp2(vsub(vload(t->scores + j), vset1(safe)));
            const vec kept = vselect(vfirst(count - j), prob, vzero());
            vstore(t->scores + j, kept);
            total = vadd(total, kept);
        }
        const vec correction = vexp2(vset1(before - safe));
        state[0] = now;
        state[1] =
            vsum(vfma(vset1(state[1] / VL), correction, total)); /* a VL-th in each lane: exact */
        weigh_values(dtype, t, k0 + c, count, state + VL, correction);
    }
}

static void decode_row(mas_dtype dtype, const decode_task *t, const float *q, float *state,
                       int64_t k0, int64_t keys)
{
    if (dtype == MAS_DTYPE_F32)
        decode_row_of(MAS_DTYPE_F32, t, q, state, k0, keys);
    else if (dtype == MAS_DTYPE_BF16)
        decode_row_of(MAS_DTYPE_BF16, t, q, state, k0, keys);
    else
        decode_row_of(MAS_DTYPE_F16, t, q, state, k0, keys);
}

/* One piece of the keys for one tile of queries of one sequence. */
typedef struct decode_piece {
    int64_t b, tile, rows, first_tile, end_tile;
    const float *q; /* [Hq][rows][d_pad] */
    float *states;  /* of the first head and row; strides in floats */
    ptrdiff_t head_stride, row_stride;
} decode_piece;

/* Ask for part `part` of `parts` of the keys and values of a tile, all heads. */
static void prefetch_part(const mas_attn_problem *p, const mas_schedule *s,
                          const mas_attn_args *args, int64_t b, int64_t k_tile, int64_t part,
                          int64_t parts)
{
    const int64_t k0 = k_tile * s->k_tile, keys = least(s->k_tile, p->kv_len - k0);
    const int64_t from = k0 + keys * part / parts, count = k0 + keys * (part + 1) / parts - from;
    for (int64_t g = 0; g < p->kv_heads; g++) {
        prefetch_rows(view_row(&args->k, p->dtype, b, g, from), p->dtype, args->k.row, count,
                      p->d_qk);
        prefetch_rows(view_row(&args->v, p->dtype, b, g, from), p->dtype, args->v.row, count,
                      p->d_v);
    }
}

/* One key tile for all heads. spans NULL: every row sees all of it. */
static int64_t decode_tile(decode_task *t, const mas_attn_problem *p, const mas_schedule *s,
                           const mas_attn_args *args, const decode_piece *piece, int64_t k_tile,
                           const mas_row_span *spans)
{
    const int64_t group = p->q_heads / p->kv_heads;
    for (int64_t h = 0; h < p->q_heads; h++) {
        if (h % group == 0) {
            t->k = view_row(&args->k, p->dtype, piece->b, h / group, 0);
            t->v = view_row(&args->v, p->dtype, piece->b, h / group, 0);
            if (k_tile + 1 < piece->end_tile)
                prefetch_part(p, s, args, piece->b, k_tile + 1, h / group, p->kv_heads);
        }
        for (int64_t r = 0; r < piece->rows; r++) {
            const int64_t lo = spans ? spans[r].lo : 0, hi = spans ? spans[r].hi : s->k_tile;
            if (lo < hi)
                decode_row(p->dtype, t, piece->q + (h * piece->rows + r) * t->d_pad,
                           piece->states + h * piece->head_stride + r * piece->row_stride,
                           k_tile * s->k_tile + lo, hi - lo);
        }
    }
    return p->q_heads;
}

/* @return tiles visited */
static int64_t run_piece(decode_task *t, const mas_attn_problem *p, const mas_schedule *s,
                         const mas_attn_args *args, const decode_piece *piece)
{
    int64_t visited = 0;
    for (size_t i = s->q_start[piece->tile]; i < s->q_start[piece->tile + 1]; i++) {
        const mas_span span = s->q_spans[i];
        const int64_t from = span.first > piece->first_tile ? span.first : piece->first_tile;
        const int64_t to = least((int64_t)span.first + span.count, piece->end_tile);
        const mas_row_span *spans =
            span.pattern == MAS_SPAN_WHOLE ? NULL : mas_schedule_pattern(s, span.pattern);
        for (int64_t k_tile = from; k_tile < to; k_tile++)
            visited += decode_tile(t, p, s, args, piece, k_tile, spans);
    }
    return visited;
}

/* One row of the output from its states in the pieces. */
static void merge_pieces(const decode_layout *l, const float *states, const float *sink, int64_t dv,
                         mas_dtype dtype, char *o, float *lse)
{
    float largest = sink ? *sink * LOG2_E : -INFINITY;
    bool empty = true;
    for (int64_t i = 0; i < l->pieces; i++) {
        const float *state = states + i * l->state;
        empty = empty && state[0] == -INFINITY && state[1] == 0.0f;
        largest = state[0] > largest ? state[0] : largest;
    }
    const vec safe = vset1(largest == -INFINITY ? 0.0f : largest);
    vec sum = vzero();
    if (sink)
        sum = vexp2(vsub(vset1(*sink * LOG2_E), safe));
    for (int64_t i = 0; i < l->pieces; i++) {
        const float *state = states + i * l->state;
        sum = vfma(vset1(state[1]), vexp2(vsub(vset1(state[0]), safe)), sum);
    }
    const vec factor = empty ? vzero() : vdiv(vset1(1.0f), sum);
    for (int64_t d = 0; d < dv; d += VL) {
        vec out = vzero();
        for (int64_t i = 0; i < l->pieces; i++) {
            const float *state = states + i * l->state;
            out = vfma(vload(state + VL + d), vexp2(vsub(vset1(state[0]), safe)), out);
        }
        vstore_as(dtype, o + d * element_bytes(dtype), dv - d, vmul(out, factor));
    }
    if (!lse)
        return;
    const vec total = vfma(safe, vset1(LN_2_HIGH), vfma(safe, vset1(LN_2_LOW), vlog(sum)));
    vstore_first(lse, 1, empty ? vset1(sink ? *sink : -INFINITY) : total);
}

static mas_status decode_run(const mas_attn_problem *p, const mas_schedule *s, int threads,
                             const mas_attn_args *args, mas_attn_counts *counts, mas_error *err)
{
    (void)err;
    const decode_layout l = decode_cut(p, s);
    const int64_t rows_all = p->batch * p->q_heads * p->q_len;
    float *states = args->workspace; /* [B][Hq][Tq][pieces][state] */
    float *scratches = states + rows_all * l.pieces * l.state;
    const bool capped = p->softcap > 0;
    int64_t visited = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : visited)
    for (int64_t task = 0; task < p->batch * s->q_tiles * l.pieces; task++) {
        const int64_t number = task % l.pieces, tile = task / l.pieces % s->q_tiles;
        const int64_t b = task / l.pieces / s->q_tiles, first = tile * s->q_tile;
        float *q = scratches + omp_get_thread_num() * l.scratch + DECODE_CHUNK;
        decode_task t = {
            .k_row = args->k.row * element_bytes(p->dtype),
            .v_row = args->v.row * element_bytes(p->dtype),
            .d = p->d_qk,
            .dv = p->d_v,
            .d_pad = l.d_pad,
            .dv_pad = l.dv_pad,
            .scores = q - DECODE_CHUNK,
            .factor = vset1(p->scale * LOG2_E),
            .cap = vset1(capped ? p->scale / p->softcap : 0.0f),
            .cap_out = vset1(p->softcap * LOG2_E),
            .capped = capped,
        };
        const decode_piece piece = {
            .b = b,
            .tile = tile,
            .rows = least(s->q_tile, s->q_len - first),
            .first_tile = s->k_tiles * number / l.pieces,
            .end_tile = s->k_tiles * (number + 1) / l.pieces,
            .q = q,
            .states = states + ((b * p->q_heads * p->q_len + first) * l.pieces + number) * l.state,
            .head_stride = p->q_len * l.pieces * l.state,
            .row_stride = l.pieces * l.state,
        };
        for (int64_t h = 0; h < p->q_heads; h++)
            for (int64_t r = 0; r < piece.rows; r++) {
                const char *from = view_row(&args->q, p->dtype, b, h, first + r);
                for (int64_t d = 0; d < l.d_pad; d += VL)
                    vstore(q + (h * piece.rows + r) * l.d_pad + d,
                           vload_as(p->dtype, from + d * element_bytes(p->dtype), p->d_qk - d));
                float *state = piece.states + h * piece.head_stride + r * piece.row_stride;
                memset(state, 0, (size_t)l.state * sizeof(float));
                state[0] = -INFINITY;
            }
        visited += run_piece(&t, p, s, args, &piece);
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t row = 0; row < rows_all; row++) {
        const int64_t i = row % p->q_len, head = row / p->q_len, b = head / p->q_heads,
                      h = head % p->q_heads;
        merge_pieces(&l, states + row * l.pieces * l.state, p->sinks ? args->sinks + h : NULL,
                     p->d_v, p->dtype, view_row(&args->o, p->dtype, b, h, i),
                     args->lse ? args->lse + row : NULL);
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

static mas_status decode_supports(const mas_attn_problem *p, mas_error *why)
{
    (void)p;
    (void)why;
    return MAS_OK;
}

#endif
