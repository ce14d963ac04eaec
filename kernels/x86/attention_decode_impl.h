/* SPDX-License-Identifier: Apache-2.0 */
/* Attention for few queries on a long key/value cache in any dtype, over any span schedule. Included once
 * per instruction set.
 *
 * With few queries the lanes of the flash kernel would stay empty and the time goes into reading
 * keys and values, so here lanes run along the head, and up to four query rows that see the same
 * keys (the heads of a group; in a whole tile its rows too) take each key and value from one load.
 * The keys are cut into pieces that threads share ("split-k": Dao et al., Flash-Decoding, 2023). The
 * cut depends on the shapes alone and pieces are merged in order: any number of threads gives the
 * same bits.
 *
 * A vector of scores holds R rows times VL / R keys, rows outermost: what the transposition of the
 * VL partial sums gives. Softmax works on that order as it is.
 *
 * Measured with AVX-512 and gcc 12 on 2 cores of a shared machine (expect noise), one query, dense
 * [B, T, 8, D] cache, D 64 and 128, 2 threads; fractions of the read bandwidth of memory measured
 * in between, ranges over two runs (f16 one):
 *   32768 keys                    f32 0.66 to 0.75, bf16 0.75 to 0.82, f16 0.82 to 0.86
 *   the same, 4 query heads per key head, D 128    f32 0.53 to 0.57, bf16 0.49 to 0.51, f16 0.51
 *   4096 keys, D 64 (f32 0.78 to 0.79, bf16 0.73 to 0.88, f16 0.78) fit the last-level cache
 * One thread: f32 0.44 to 0.76, bf16 0.56 to 0.74 at 32768 keys.
 * - 16 rows side by side with prefetches into the first-level cache gave 0.50 to 0.60 at 32768
 *   keys; 4 rows and prefetches into the second level are what is here. The likely reason is that
 *   rows a power of two apart share few sets of the first level; the two changes were not timed
 *   apart. 64 rows ahead was about the same as 32. */
#ifndef MASBENCH_X86_ATTENTION_DECODE_IMPL_H
#define MASBENCH_X86_ATTENTION_DECODE_IMPL_H

#include "kernels/x86/attention_common.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum {
    DECODE_Q_TILE = 16,
    DECODE_K_TILE = 128,
    DECODE_PIECES = 64,              /* pieces of work aimed at */
    DECODE_PIECE_KEYS = 512,         /* least keys of a piece */
    DECODE_ROWS = 4,                 /* keys read side by side, at most */
    DECODE_BLOCK = 4,                /* query rows that share a load of a key */
    DECODE_SUMS = VL == 16 ? 16 : 8, /* vectors of sums in registers */
    DECODE_AHEAD = 32,               /* rows between a load and its prefetch */
    DECODE_CHUNK = 128,              /* keys whose scores exist at a time */
    DECODE_SCORES = DECODE_BLOCK * DECODE_CHUNK
};

/* A row's state in one piece is [maximum, sum, padding .. VL] [Dv, padded]; sizes in floats. */
typedef struct decode_layout {
    int64_t d_pad, dv_pad, state, pieces, scratch;
} decode_layout;

static decode_layout decode_cut(const mas_attn_problem *p, const mas_schedule *s)
{
    decode_layout l = {.d_pad = lanes_of(p->d_qk), .dv_pad = lanes_of(p->d_v)};
    l.state = VL + l.dv_pad;
    const int64_t tasks = p->batch * p->kv_heads * s->q_tiles;
    l.pieces = least((DECODE_PIECES + tasks - 1) / tasks,
                     (p->kv_len + DECODE_PIECE_KEYS - 1) / DECODE_PIECE_KEYS);
    l.pieces = least(l.pieces, s->k_tiles);
    l.scratch = round_up(s->q_tile * (p->q_heads / p->kv_heads) * l.d_pad + DECODE_SCORES, 16);
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

/* Everything below is compiled once per dtype, with `dtype` a constant. */
SIMD_INLINE const char *element_at(const mas_dtype dtype, const char *base, ptrdiff_t i)
{
    return base + i * element_bytes(dtype);
}

/* Ask for what is `bytes` ahead of p, into the second-level cache: see the numbers above. An address
 * past the end is harmless. */
SIMD_INLINE void fetch_ahead(const char *p, ptrdiff_t bytes)
{
    _mm_prefetch((const char *)((uintptr_t)p + (uintptr_t)bytes), _MM_HINT_T1);
}

/* Up to DECODE_BLOCK rows that see the same keys. */
typedef struct decode_rows {
    const float *q[DECODE_BLOCK];
    float *state[DECODE_BLOCK];
} decode_rows;

/* What is constant for one task. */
typedef struct decode_task {
    const char *k, *v;
    ptrdiff_t k_row, v_row;
    int64_t d, dv, d_pad, dv_pad;
    float *scores; /* [DECODE_CHUNK / (VL / R)][R][VL / R] of the R rows at hand */
    vec factor, cap, cap_out;
    bool capped;
    void (*rows)(const struct decode_task *t, int count, const decode_rows *rows, int64_t k0,
                 int64_t keys); /* of the problem's dtype; count 1, 2 or 4 */
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

/* Scores of VL / R keys from row[i] on, R rows each: sums over the lanes are what is left to do. */
SIMD_INLINE void score_keys(const mas_dtype dtype, const int R, const decode_task *t,
                            const float *const *q, const char *const *row, vec part[VL])
{
    const int side = VL / R;                                            /* keys */
    const int width = least(DECODE_SUMS / R, least(side, DECODE_ROWS)); /* keys side by side */
    const ptrdiff_t k_ahead = DECODE_AHEAD * t->k_row * element_bytes(dtype);
    SIMD_UNROLL
    for (int i = 0; i < VL; i++)
        part[i] = vzero();
    SIMD_UNROLL
    for (int first = 0; first < side; first += width) {
        int64_t d = 0;
        for (; d + VL <= t->d; d += VL) {
            vec x[DECODE_BLOCK];
            SIMD_UNROLL
            for (int r = 0; r < R; r++)
                x[r] = vload(q[r] + d);
            SIMD_UNROLL
            for (int i = first; i < first + width; i++) {
                const char *at = element_at(dtype, row[i], d);
                fetch_ahead(at, k_ahead);
                const vec key = vload_as(dtype, at, VL);
                SIMD_UNROLL
                for (int r = 0; r < R; r++)
                    part[r * side + i] = vfma(key, x[r], part[r * side + i]);
            }
        }
        if (d < t->d) {
            SIMD_UNROLL
            for (int i = first; i < first + width; i++) {
                const vec key = vload_as(dtype, element_at(dtype, row[i], d), t->d - d);
                SIMD_UNROLL
                for (int r = 0; r < R; r++)
                    part[r * side + i] = vfma(key, vload(q[r] + d), part[r * side + i]);
            }
        }
    }
}

/* Exponents of 2 of the scores of keys k0 .. k0+keys-1, VL / R at a time; returns the maximum of
 * each lane. */
SIMD_INLINE vec decode_scores(const mas_dtype dtype, const int R, const decode_task *t,
                              const float *const *q, int64_t k0, int64_t keys)
{
    const int side = VL / R;
    vec largest = vset1(-INFINITY);
    for (int64_t j = 0; j < keys; j += side) {
        const char *row[VL];
        vec part[VL];
        SIMD_UNROLL
        for (int i = 0; i < side; i++) /* past the last key, the last key again */
            row[i] = element_at(dtype, t->k, (k0 + least(j + i, keys - 1)) * t->k_row);
        score_keys(dtype, R, t, q, row, part);
        vec score = sum_each(part);
        score = t->capped ? vmul(vtanh(vmul(score, t->cap)), t->cap_out) : vmul(score, t->factor);
        vstore(t->scores + j * R, score);
        largest = vmax(score, largest);
    }
    return largest;
}

/* Values of nv vectors join the sums of R rows: out[r] = out[r] * correction[r] + sum of p[r][j] *
 * v[j]. Several keys in flight hide the latency where R * nv is small. The last vector is cut to
 * `tail` elements. */
SIMD_INLINE void weigh_block(const mas_dtype dtype, const int R, const int nv, int64_t keys,
                             const float *p, const char *v, ptrdiff_t v_row, int64_t tail,
                             float *const *out, const float *correction)
{
    enum { FLIGHT = 4 };
    const int side = VL / R, streams = R * nv >= FLIGHT ? 1 : FLIGHT / (R * nv);
    const ptrdiff_t v_ahead = DECODE_AHEAD * v_row * element_bytes(dtype);
    vec sum[16];
    SIMD_UNROLL
    for (int i = 0; i < streams * R * nv; i++)
        sum[i] = vzero();
    int64_t j = 0;
    for (; j + streams <= keys; j += streams)
        SIMD_UNROLL
    for (int n = 0; n < streams; n++) {
        const float *x = p + (j + n) / side * VL + (j + n) % side;
        const char *row = element_at(dtype, v, (j + n) * v_row);
        vec value[4];
        SIMD_UNROLL
        for (int i = 0; i < nv; i++) {
            const char *at = element_at(dtype, row, i * VL);
            fetch_ahead(at, v_ahead);
            value[i] = vload_as(dtype, at, i + 1 < nv ? VL : tail);
        }
        SIMD_UNROLL
        for (int r = 0; r < R; r++) {
            const vec weight = vset1(x[r * side]);
            SIMD_UNROLL
            for (int i = 0; i < nv; i++)
                sum[(n * R + r) * nv + i] = vfma(weight, value[i], sum[(n * R + r) * nv + i]);
        }
    }
    for (; j < keys; j++)
        SIMD_UNROLL
    for (int r = 0; r < R; r++) {
        const vec weight = vset1(p[j / side * VL + r * side + j % side]);
        SIMD_UNROLL
        for (int i = 0; i < nv; i++)
            sum[r * nv + i] = vfma(
                weight,
                vload_as(dtype, element_at(dtype, v, j * v_row + i * VL), i + 1 < nv ? VL : tail),
                sum[r * nv + i]);
    }
    SIMD_UNROLL
    for (int r = 0; r < R; r++)
        SIMD_UNROLL
    for (int i = 0; i < nv; i++) {
        SIMD_UNROLL
        for (int n = 1; n < streams; n++)
            sum[r * nv + i] = vadd(sum[r * nv + i], sum[(n * R + r) * nv + i]);
        vstore(out[r] + i * VL,
               vfma(vload(out[r] + i * VL), vset1(correction[r]), sum[r * nv + i]));
    }
}

SIMD_INLINE void weigh_values(const mas_dtype dtype, const int R, const decode_task *t, int64_t k0,
                              int64_t keys, float *const *state, const float *correction)
{
    const char *v = element_at(dtype, t->v, k0 * t->v_row);
    for (int64_t d = 0; d < t->dv;) {
        const int64_t left = (t->dv - d + VL - 1) / VL;
        const int most = DECODE_SUMS / R < 4 ? DECODE_SUMS / R : 4;
        const int nv = left >= 4 && most >= 4 ? 4 : left >= 2 ? 2 : 1;
        const int64_t tail = t->dv - d - (nv - 1) * VL;
        const char *at = element_at(dtype, v, d);
        float *out[DECODE_BLOCK];
        for (int r = 0; r < R; r++)
            out[r] = state[r] + VL + d;
        if (nv == 4 && most >= 4)
            weigh_block(dtype, R, 4, keys, t->scores, at, t->v_row, tail, out, correction);
        else if (nv == 2)
            weigh_block(dtype, R, 2, keys, t->scores, at, t->v_row, tail, out, correction);
        else
            weigh_block(dtype, R, 1, keys, t->scores, at, t->v_row, tail, out, correction);
        d += (int64_t)nv * VL;
    }
}

/* R rows, keys k0 .. k0+keys-1, all visible. */
SIMD_INLINE void decode_block(const mas_dtype dtype, const int R, const decode_task *t,
                              const decode_rows *rows, int64_t k0, int64_t keys)
{
    const int side = VL / R;
    for (int64_t c = 0; c < keys; c += DECODE_CHUNK) {
        const int64_t count = least(DECODE_CHUNK, keys - c);
        float lanes[VL], correction[DECODE_BLOCK];
        mas_row_span left[VL]; /* a lane's key, counted from the vector's first, is one of these */
        vstore(lanes, decode_scores(dtype, R, t, rows->q, k0 + c, count));
        for (int r = 0; r < R; r++) {
            const float before = rows->state[r][0];
            float now = before;
            for (int i = 0; i < side; i++)
                now = lanes[r * side + i] > now ? lanes[r * side + i] : now;
            const float safe = now == -INFINITY ? 0.0f : now;
            rows->state[r][0] = now;
            correction[r] = before - safe;
            for (int i = 0; i < side; i++) {
                lanes[r * side + i] = safe;
                left[r * side + i] =
                    (mas_row_span){0, (uint16_t)(count % side > i || count % side == 0)};
            }
        }
        const vec safe = vload(lanes);
        ivec lo, hi;
        vload_intervals(left, VL, &lo, &hi);
        vec total = vzero();
        for (int64_t j = 0; j < count; j += side) {
            vec prob = vexp2(vsub(vload(t->scores + j * R), safe));
            if (j + side > count)
                prob = vselect(vinside(lo, hi, 0), prob, vzero());
            vstore(t->scores + j * R, prob);
            total = vadd(total, prob);
        }
        vstore(lanes, total);
        for (int r = 0; r < R; r++) {
            float first[VL];
            vstore(first, vexp2(vset1(correction[r])));
            correction[r] = first[0];
            float sum = 0;
            for (int i = 0; i < side; i++)
                sum += lanes[r * side + i];
            rows->state[r][1] = rows->state[r][1] * correction[r] + sum;
        }
        weigh_values(dtype, R, t, k0 + c, count, rows->state, correction);
    }
}

SIMD_INLINE void decode_rows_of(const mas_dtype dtype, const decode_task *t, int count,
                                const decode_rows *rows, int64_t k0, int64_t keys)
{
    if (count == 4)
        decode_block(dtype, 4, t, rows, k0, keys);
    else if (count == 2)
        decode_block(dtype, 2, t, rows, k0, keys);
    else
        decode_block(dtype, 1, t, rows, k0, keys);
}

static void decode_rows_f32(const decode_task *t, int count, const decode_rows *rows, int64_t k0,
                            int64_t keys)
{
    decode_rows_of(MAS_DTYPE_F32, t, count, rows, k0, keys);
}

static void decode_rows_bf16(const decode_task *t, int count, const decode_rows *rows, int64_t k0,
                             int64_t keys)
{
    decode_rows_of(MAS_DTYPE_BF16, t, count, rows, k0, keys);
}

static void decode_rows_f16(const decode_task *t, int count, const decode_rows *rows, int64_t k0,
                            int64_t keys)
{
    decode_rows_of(MAS_DTYPE_F16, t, count, rows, k0, keys);
}

/* What the rows of one query tile have in common. */
typedef struct decode_place {
    int64_t group, rows; /* query heads; rows of the tile */
    const float *q;      /* [group][rows][d_pad] */
    float *states;       /* of the piece at hand */
    ptrdiff_t head_stride, row_stride;
} decode_place;

/* Rows begin .. end-1 of all heads of the group, which all see the keys k0 .. k0+keys-1. */
static void decode_visit(const decode_task *t, const decode_place *at, int64_t begin, int64_t end,
                         int64_t k0, int64_t keys)
{
    const int64_t rows = end - begin, all = at->group * rows;
    for (int64_t i = 0; i < all;) {
        const int64_t left = all - i;
        const int count = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        decode_rows block = {0};
        for (int n = 0; n < count; n++) {
            const int64_t h = (i + n) / rows, r = begin + (i + n) % rows;
            block.q[n] = at->q + (h * at->rows + r) * t->d_pad;
            block.state[n] = at->states + h * at->head_stride + r * at->row_stride;
        }
        t->rows(t, count, &block, k0, keys);
        i += count;
    }
}

/* Tiles of one piece for all heads of the group; returns the visits. */
static int64_t decode_piece(const decode_task *t, const mas_schedule *s, int64_t tile,
                            int64_t first_tile, int64_t end_tile, const decode_place *at)
{
    int64_t visited = 0;
    for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++) {
        const mas_span span = s->q_spans[i];
        const int64_t from = span.first > first_tile ? span.first : first_tile;
        const int64_t to = least((int64_t)span.first + span.count, end_tile);
        for (int64_t k_tile = from; k_tile < to; k_tile++) {
            const int64_t k0 = k_tile * s->k_tile;
            if (span.pattern == MAS_SPAN_WHOLE) {
                decode_visit(t, at, 0, at->rows, k0, s->k_tile);
            } else {
                const mas_row_span *spans = mas_schedule_pattern(s, span.pattern);
                for (int64_t r = 0; r < at->rows; r++)
                    if (spans[r].lo < spans[r].hi)
                        decode_visit(t, at, r, r + 1, k0 + spans[r].lo, spans[r].hi - spans[r].lo);
            }
            visited += at->group;
        }
    }
    return visited;
}

/* Every valid problem. */
static mas_status decode_supports(const mas_attn_problem *p, mas_error *why)
{
    (void)p;
    (void)why;
    return MAS_OK;
}

/* One row of the output from its states in the pieces. */
static void merge_pieces(const decode_layout *l, const float *states, const float *sink,
                         mas_dtype dtype, int64_t dv, char *o, float *lse)
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

static mas_status decode_run(const mas_attn_plan *plan, const mas_attn_args *args,
                             mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    (void)err;
    const decode_layout l = decode_cut(p, s);
    const int64_t group = p->q_heads / p->kv_heads, rows_all = p->batch * p->q_heads * p->q_len;
    float *states = args->workspace; /* [B][Hq][Tq][pieces][state] */
    float *scratches = states + rows_all * l.pieces * l.state;
    const bool capped = p->softcap > 0;
    int64_t visited = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : visited)
    for (int64_t task = 0; task < p->batch * p->kv_heads * s->q_tiles * l.pieces; task++) {
        const int64_t piece = task % l.pieces, tile = task / l.pieces % s->q_tiles;
        const int64_t pair = task / l.pieces / s->q_tiles, b = pair / p->kv_heads,
                      g = pair % p->kv_heads;
        const int64_t first = tile * s->q_tile, rows = least(s->q_tile, s->q_len - first);
        float *q = scratches + omp_get_thread_num() * l.scratch + DECODE_SCORES;
        const decode_task t = {
            .k = view_row(&args->k, p->dtype, b, g, 0),
            .v = view_row(&args->v, p->dtype, b, g, 0),
            .k_row = args->k.row,
            .v_row = args->v.row,
            .d = p->d_qk,
            .dv = p->d_v,
            .d_pad = l.d_pad,
            .dv_pad = l.dv_pad,
            .scores = q - DECODE_SCORES,
            .factor = vset1(p->scale * LOG2_E),
            .cap = vset1(capped ? p->scale / p->softcap : 0.0f),
            .cap_out = vset1(p->softcap * LOG2_E),
            .capped = capped,
            .rows = p->dtype == MAS_DTYPE_BF16  ? decode_rows_bf16
                    : p->dtype == MAS_DTYPE_F16 ? decode_rows_f16
                                                : decode_rows_f32,
        };
        float *mine =
            states +
            (((b * p->q_heads + g * group) * p->q_len + first) * l.pieces + piece) * l.state;
        const ptrdiff_t row_stride = l.pieces * l.state, head_stride = p->q_len * row_stride;
        for (int64_t h = 0; h < group; h++) {
            const char *from = view_row(&args->q, p->dtype, b, g * group + h, first);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t d = 0; d < l.d_pad; d += VL)
                    vstore(q + (h * rows + r) * l.d_pad + d,
                           vload_as(p->dtype, element_at(p->dtype, from, r * args->q.row + d),
                                    p->d_qk - d));
                float *state = mine + h * head_stride + r * row_stride;
                memset(state, 0, (size_t)l.state * sizeof(float));
                state[0] = -INFINITY;
            }
        }
        const decode_place at = {group, rows, q, mine, head_stride, row_stride};
        visited += decode_piece(&t, s, tile, s->k_tiles * piece / l.pieces,
                                s->k_tiles * (piece + 1) / l.pieces, &at);
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t row = 0; row < rows_all; row++) {
        const int64_t i = row % p->q_len, head = row / p->q_len, b = head / p->q_heads,
                      h = head % p->q_heads;
        merge_pieces(&l, states + row * l.pieces * l.state, p->sinks ? args->sinks + h : NULL,
                     p->dtype, p->d_v, view_row(&args->o, p->dtype, b, h, i),
                     args->lse ? args->lse + row : NULL);
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
