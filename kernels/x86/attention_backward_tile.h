/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward: the state of one query tile, and one visit of a key tile, whole or
 * partial. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_TILE_H
#define MASBENCH_X86_ATTENTION_BACKWARD_TILE_H

#include "kernels/x86/attention_backward_cut.h"

#include <string.h>

/* Scratch of one thread, and what is constant for the tile at hand. */
typedef struct backward_tile {
    float *q, *d_o;     /* [lanes][d_pad], [lanes][dv_pad] rows, zero past the tensor */
    float *qt, *dot;    /* the same transposed: [D][lanes], [Dv][lanes] */
    float *dqt;         /* [D][lanes] */
    float *pt, *dst;    /* [BACKWARD_CHUNK][lanes] P^T and dS^T */
    float *lse, *delta; /* [lanes] log-sum-exp; rowsum(dO * O) */
    float *seen;        /* [lanes] 1 for rows that see a key */
    float *dk, *dv;     /* [key][d_pad], [key][dv_pad] sums, the first for key `key_begin` */
    int64_t key_begin;
    bool finite; /* no NaN or Inf in q and d_o: 0 * x adds nothing */
    int64_t rows, lanes, d, d_size_v, d_pad, dv_pad;
    const float *k, *v;
    ptrdiff_t k_row, v_row;
    vec factor; /* scale. A score is rounded like the log-sum-exp was: where one key dominates they
                    are equal */
    vec cap; /* softcap: s = cap * tanh(score / cap). The quotient is a division: times 1 / cap, all
                    scores would be off by the rounding of that one number, to the same side */
    bool capped;
} backward_tile;

/* Dense zero-padded copy of rows. @return no element is NaN or Inf */
static bool copy_rows(float *to, int64_t lanes, int64_t pad, const float *from,
                      ptrdiff_t row_stride, int64_t rows, int64_t dim)
{
    vec odd = vzero(); /* x - x is 0, or NaN */
    for (int64_t r = 0; r < lanes; r++)
        for (int64_t d = 0; d < pad; d += VL) {
            const vec x = r < rows ? vload_first(from + r * row_stride + d, dim - d) : vzero();
            odd = vadd(odd, vsub(x, x));
            vstore(to + r * pad + d, x);
        }
    return vall(vequal(odd, vzero())) != 0;
}

/* rowsum(dO * O) of the vector of queries at `at`, summed in the order of dP = <dO, v>: where a row
 * sees a single key, o is v and the two cancel exactly. */
static vec row_products(const backward_tile *t, const float *o, ptrdiff_t o_row, int64_t at)
{
    const int64_t segment = dot_segment(t->d_size_v);
    vec sum = vzero(), part = vzero();
    for (int64_t d0 = 0; d0 < t->d_size_v; d0 += VL) {
        if (d0 % segment == 0) {
            sum = vadd(sum, part);
            part = vzero();
        }
        vec block[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            block[i] = at + i < t->rows ? vload_first(o + (at + i) * o_row + d0, t->d_size_v - d0)
                                        : vzero();
        vtranspose(block);
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            if (d0 + i < t->d_size_v)
                part = vfma(block[i], vload(t->dot + (d0 + i) * t->lanes + at), part);
    }
    return vadd(sum, part);
}

static void load_tile(backward_tile *t, const mas_attn_args *args, const mas_attn_problem *p,
                      int64_t b, int64_t h, int64_t first)
{
    const bool q_finite =
        copy_rows(t->q, t->lanes, t->d_pad, view_at(&args->q, b, h) + first * args->q.row,
                  args->q.row, t->rows, t->d);
    const bool o_finite =
        copy_rows(t->d_o, t->lanes, t->dv_pad, view_at(&args->d_o, b, h) + first * args->d_o.row,
                  args->d_o.row, t->rows, t->d_size_v);
    t->finite = q_finite && o_finite;
    rows_to_lanes(t->qt, t->lanes, t->q, t->d_pad, t->rows, t->d, 1.0f);
    rows_to_lanes(t->dot, t->lanes, t->d_o, t->dv_pad, t->rows, t->d_size_v, 1.0f);
    memset(t->dqt, 0, (size_t)(t->lanes * t->d) * sizeof(float));
    const float *o = view_at(&args->o, b, h) + first * args->o.row;
    const float *lse = args->lse + (b * p->q_heads + h) * p->q_len + first;
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->delta + at, row_products(t, o, args->o.row, at));
        vstore(t->lse + at, vload_first(lse + at, t->rows - at));
        vstore(t->seen + at, vzero());
    }
}

/* Keys from .. to-1 of S^T and dP^T, in pt and dst, become P^T and dS^T for the vector of queries
 * at `at`. */
SIMD_INLINE void probabilities(const backward_tile *t, const int masked, int64_t at, int64_t from,
                               int64_t to, const lane_mask *mask)
{
    const vec lse = vload(t->lse + at), delta = vload(t->delta + at), one = vset1(1.0f);
    for (int64_t j = from; j < to; j++) {
        float *pt = t->pt + j * t->lanes + at, *dst = t->dst + j * t->lanes + at;
        const vec score = vload(pt);
        vec prob, slope = vsub(vload(dst), delta);
        if (t->capped) {
            const vec bent = vtanh(vdiv(vmul(score, t->factor), t->cap));
            prob = vexp(vsub(vmul(bent, t->cap), lse));
            slope = vmul(slope, vsub(one, vmul(bent, bent)));
        } else {
            prob = vexp(vsub(vmul(score, t->factor), lse));
        }
        slope = vmul(slope, prob);
        if (masked) {
            const vmask seen = vinside(mask->lo, mask->hi, (int32_t)j);
            prob = vselect(seen, prob, vzero());
            slope = vselect(seen, slope, vzero());
        }
        vstore(pt, prob);
        vstore(dst, slope);
    }
}

static void probabilities_whole(const backward_tile *t, int64_t at, int64_t from, int64_t to)
{
    probabilities(t, 0, at, from, to, NULL);
}

static void probabilities_masked(const backward_tile *t, int64_t at, int64_t from, int64_t to,
                                 const lane_mask *mask)
{
    probabilities(t, 1, at, from, to, mask);
}

/* Scores, probabilities, and dQ^T += K^T dS^T, for nv vectors of queries from lane `at` and the
 * keys from k0; their place in pt and dst starts at row `row`. With a mask, nv is 1. */
static void visit_queries(const backward_tile *tile, int64_t at, int nv, int64_t k0, int64_t keys,
                          int64_t row, const lane_mask *mask)
{
    backward_tile t = *tile;
    t.pt += row * t.lanes;
    t.dst += row * t.lanes;
    const float *k = t.k + k0 * t.k_row, *v = t.v + k0 * t.v_row;
    vec side[NV_MAX] = {vzero()};
    product_scores(nv, keys, t.d, k, t.k_row, t.qt + at, t.lanes, t.pt + at, t.lanes, side);
    product_scores(nv, keys, t.d_size_v, v, t.v_row, t.dot + at, t.lanes, t.dst + at, t.lanes,
                   side);
    for (int i = 0; i < NV_MAX; i++)
        side[i] = vset1(1.0f);
    if (mask) {
        probabilities_masked(&t, at, 0, mask->core_begin, mask);
        probabilities_whole(&t, at, mask->core_begin, mask->core_end);
        probabilities_masked(&t, at, mask->core_end, keys, mask);
        product_values_masked(t.d, keys, k, t.k_row, t.dst + at, t.lanes, t.dqt + at, t.lanes, side,
                              mask);
        return;
    }
    for (int i = 0; i < nv; i++)
        probabilities_whole(&t, at + i * VL, 0, keys);
    for (int64_t j = 0; j < keys; j += BACKWARD_CHAIN)
        product_values(nv, t.d, least(BACKWARD_CHAIN, keys - j), k + j * t.k_row, t.k_row,
                       t.dst + j * t.lanes + at, t.lanes, t.dqt + at, t.lanes, side);
}

/* sums[key][pad] += weights[key][query] rows[query][pad] over queries q0 .. q1-1. */
static void gather_rows(const backward_tile *t, float *sums, int64_t pad, const float *weights,
                        const float *rows, int64_t keys, int64_t q0, int64_t q1)
{
    vec ones[NV_MAX];
    for (int v = 0; v < NV_MAX; v++)
        ones[v] = vset1(1.0f);
    for (int64_t d = 0; d < pad; d += (int64_t)NV_MAX * VL)
        product_gather((int)least(NV_MAX, (pad - d) / VL), keys, q1 - q0, weights + q0, t->lanes,
                       rows + q0 * pad + d, pad, sums + d, pad, ones);
}

/* dV += P^T dO and dK += dS^T Q for keys k0 .. k0+keys-1, held from row `row` of pt and dst. */
static void gather_keys(const backward_tile *t, int64_t k0, int64_t keys, int64_t row, int64_t q0,
                        int64_t q1)
{
    k0 -= t->key_begin;
    gather_rows(t, t->dv + k0 * t->dv_pad, t->dv_pad, t->pt + row * t->lanes, t->d_o, keys, q0, q1);
    gather_rows(t, t->dk + k0 * t->d_pad, t->d_pad, t->dst + row * t->lanes, t->q, keys, q0, q1);
}

/* The same pair by pair, touching only visible ones: for a tile with NaN or Inf in q or d_o. */
static void gather_pairs(const backward_tile *t, int64_t k0, int64_t begin, int64_t end,
                         const mas_row_span *spans)
{
    k0 -= t->key_begin;
    for (int64_t j = begin; j < end; j++)
        for (int64_t r = 0; r < t->rows; r++) {
            if (j < spans[r].lo || j >= spans[r].hi)
                continue;
            const vec prob = vset1(t->pt[(j - begin) * t->lanes + r]);
            const vec slope = vset1(t->dst[(j - begin) * t->lanes + r]);
            float *dv = t->dv + (k0 + j) * t->dv_pad, *dk = t->dk + (k0 + j) * t->d_pad;
            for (int64_t d = 0; d < t->dv_pad; d += VL)
                vstore(dv + d, vfma(prob, vload(t->d_o + r * t->dv_pad + d), vload(dv + d)));
            for (int64_t d = 0; d < t->d_pad; d += VL)
                vstore(dk + d, vfma(slope, vload(t->q + r * t->d_pad + d), vload(dk + d)));
        }
}

static void backward_whole_tile(const backward_tile *t, int64_t k0, int64_t keys)
{
    for (int64_t j = 0; j < keys; j += BACKWARD_CHUNK) {
        const int64_t count = least(BACKWARD_CHUNK, keys - j);
        for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
            visit_queries(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), k0 + j, count, 0, NULL);
        gather_keys(t, k0 + j, count, 0, 0, t->rows);
    }
    for (int64_t r = 0; r < t->rows; r++)
        t->seen[r] = 1.0f;
}

/* Keys that some row of the vector of queries at `at` sees. */
static vmask vector_interval(const mas_row_span *spans, int64_t q_tile, int64_t at, ivec *lo,
                             ivec *hi, int32_t *begin, int32_t *end)
{
    vload_intervals(spans + at, q_tile - at, lo, hi);
    return vinterval_hull(*lo, *hi, begin, end);
}

/* Keys begin .. end-1 (at most a chunk) of a partial tile. */
static void backward_partial_chunk(const backward_tile *t, int64_t k0, int32_t begin, int32_t end,
                                   const mas_row_span *spans, int64_t q_tile)
{
    for (int64_t at = 0; at < t->lanes; at += VL) {
        ivec lo, hi;
        int32_t first, last;
        vector_interval(spans, q_tile, at, &lo, &hi, &first, &last);
        first = first < begin ? begin : first;
        last = last > end ? end : last;
        last = last < first ? first : last;
        for (int32_t j = begin; j < end; j++) /* what no row of this vector sees */
            if (j < first || j >= last) {
                vstore(t->pt + (j - begin) * t->lanes + at, vzero());
                vstore(t->dst + (j - begin) * t->lanes + at, vzero());
            }
        if (first == last)
            continue;
        const lane_mask mask = mask_part(lo, hi, first, last);
        visit_queries(t, at, 1, k0 + first, last - first, first - begin, &mask);
    }
    if (!t->finite) {
        gather_pairs(t, k0, begin, end, spans);
        return;
    }
    for (int32_t j = begin; j < end; j += BACKWARD_KEY_BLOCK) {
        const int32_t stop = (int32_t)least(end, j + BACKWARD_KEY_BLOCK);
        int64_t q0 = t->rows, q1 = 0;
        for (int64_t at = 0; at < t->lanes; at += VL) {
            ivec lo, hi;
            int32_t first, last;
            vector_interval(spans, q_tile, at, &lo, &hi, &first, &last);
            if (first < stop && last > j) {
                q0 = least(q0, at);
                q1 = least(at + VL, t->rows);
            }
        }
        if (q0 < q1)
            gather_keys(t, k0 + j, stop - j, j - begin, q0, q1);
    }
}

static void backward_partial_tile(const backward_tile *t, int64_t k0, const mas_row_span *spans,
                                  int64_t q_tile)
{
    int32_t begin = MAS_TILE_MAX, end = 0;
    for (int64_t at = 0; at < t->lanes; at += VL) {
        ivec lo, hi;
        int32_t first, last;
        const vmask some = vector_interval(spans, q_tile, at, &lo, &hi, &first, &last);
        if (first == last)
            continue;
        vstore(t->seen + at, vselect(some, vset1(1.0f), vload(t->seen + at)));
        begin = first < begin ? first : begin;
        end = last > end ? last : end;
    }
    for (int32_t j = begin; j < end; j += BACKWARD_CHUNK)
        backward_partial_chunk(t, k0, j, (int32_t)least(end, j + BACKWARD_CHUNK), spans, q_tile);
}

#endif
