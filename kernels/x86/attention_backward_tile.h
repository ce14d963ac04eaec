/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward: the state of one query tile, and one visit of a key tile, whole or
 * partial. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_TILE_H
#define MASBENCH_X86_ATTENTION_BACKWARD_TILE_H

#include "kernels/x86/attention_backward_cut.h"

#include <string.h>

/* Scratch of one thread, and what is constant for the tile at hand. */
typedef struct backward_tile {
    unit *q, *d_o;  /* [lanes / UNIT_TERMS][d_pad], [..][dv_pad]: terms of the sums over
                              queries, zero past the tensor */
    unit *qt, *dot; /* [units][lanes]: the same, queries in lanes */
    float *dq;      /* [lanes][d_pad] */
    float *pt,
        *dst; /* [BACKWARD_K_TILE][lanes] scores and dP; then dst holds dS by units of keys */
    void *p_rows,
        *ds_rows; /* [BACKWARD_K_TILE][lanes] P and dS by weights, for the sums over queries */
    float *lse, *delta; /* [lanes] log-sum-exp; rowsum(dO * O) */
    float *seen;        /* [lanes] 1 for rows that see a key */
    float *dk, *dv;     /* [key][d_pad], [key][dv_pad] sums, the first for key `key_begin` */
    int64_t key_begin;
    operand_rows k, v, k_terms, q_rows, o_rows, d_o_rows;
    bool finite; /* no NaN or Inf in q and d_o: 0 * x adds nothing */
    int64_t rows, lanes, units, v_units, d_pad, dv_pad;
    vec factor; /* scale. A score is rounded like the log-sum-exp was: where one key dominates they
                    are equal */
    vec cap; /* softcap: s = cap * tanh(score / cap). The quotient is a division: times 1 / cap, all
                    scores would be off by the rounding of that one number, to the same side */
    bool capped;
} backward_tile;

/* No element is NaN or Inf. */
static bool rows_finite(const operand_rows *x, int64_t rows)
{
    vec odd = vzero(); /* x - x is 0, or NaN */
    for (int64_t r = 0; r < rows; r++)
        for (int64_t d = 0; d < x->dim; d += VL) {
            const vec a = operand_elements(x, r, d);
            odd = vadd(odd, vsub(a, a));
        }
    return vall(vequal(odd, vzero())) != 0;
}

/* rowsum(dO * O) of the vector of queries at `at`, summed in the order of dP = <dO, v>: where a row
 * sees a single key, o is v and the two cancel exactly. */
static vec row_products(const backward_tile *t, int64_t at)
{
    const int64_t segment = dot_segment(t->v_units);
    const operand_rows *o = &t->o_rows;
    vec sum = vzero(), part = vzero();
    for (int64_t u0 = 0; u0 < t->v_units; u0 += VL) {
        if (u0 % segment == 0) {
            sum = vadd(sum, part);
            part = vzero();
        }
        vec block[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            block[i] = at + i < t->rows
                           ? vload_row_units(o->dtype, o->at, (at + i) * o->row, u0, o->dim)
                           : vzero();
        vtranspose(block);
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            if (u0 + i < t->v_units)
                part = vdot(block[i], vload_unit(t->dot + (u0 + i) * t->lanes + at), part);
    }
    return vadd(sum, part);
}

/* Query side of a tile whose q_rows, o_rows and d_o_rows are set. */
static void load_tile(backward_tile *t, const float *lse)
{
    const operand_rows *q = &t->q_rows, *d_o = &t->d_o_rows;
    t->finite = rows_finite(q, t->rows) && rows_finite(d_o, t->rows);
    memset(t->q, 0, (size_t)(t->lanes / UNIT_TERMS * t->d_pad) * sizeof(unit));
    memset(t->d_o, 0, (size_t)(t->lanes / UNIT_TERMS * t->dv_pad) * sizeof(unit));
    rows_to_terms(t->q, t->d_pad, q->dtype, q->at, q->row, t->rows, q->dim);
    rows_to_terms(t->d_o, t->dv_pad, d_o->dtype, d_o->at, d_o->row, t->rows, d_o->dim);
    rows_to_lanes(t->qt, t->lanes, q->dtype, q->at, q->row, t->rows, q->dim, false);
    rows_to_lanes(t->dot, t->lanes, d_o->dtype, d_o->at, d_o->row, t->rows, d_o->dim, false);
    memset(t->dq, 0, (size_t)(t->lanes * t->d_pad) * sizeof(float));
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->delta + at, row_products(t, at));
        vstore(t->lse + at, vload_first(lse + at, t->rows - at));
        vstore(t->seen + at, vzero());
    }
}

/* Scores and dP of `keys` keys, from row `row` of the chunk, become P and dS for the vector of
 * queries at `at`; where the mask hides a pair both are 0. Keys outside core_begin .. core_end-1 are
 * tested. */
SIMD_INLINE void probabilities(const backward_tile *t, const int masked, int64_t at, int64_t row,
                               int64_t from, int64_t to, int64_t keys, const lane_mask *mask)
{
    const vec lse = vload(t->lse + at), delta = vload(t->delta + at), one = vset1(1.0f);
    for (int64_t j = from; j < to; j += UNIT_TERMS) {
        vec slopes[UNIT_TERMS];
        SIMD_UNROLL
        for (int i = 0; i < UNIT_TERMS; i++) {
            slopes[i] = vzero();
            if (UNIT_TERMS > 1 && j + i >= keys)
                continue;
            const int64_t place = (row + j + i) * t->lanes + at;
            const vec score = vload(t->pt + place);
            vec prob, slope = vsub(vload(t->dst + place), delta);
            if (t->capped) {
                const vec bent = vtanh(vdiv(vmul(score, t->factor), t->cap));
                prob = vexp(vsub(vmul(bent, t->cap), lse));
                slope = vmul(slope, vsub(one, vmul(bent, bent)));
            } else {
                prob = vexp(vsub(vmul(score, t->factor), lse));
            }
            slope = vmul(slope, prob);
            if (masked) {
                const vmask seen = vinside(mask->lo, mask->hi, (int32_t)(j + i));
                prob = vselect(seen, prob, vzero());
                slope = vselect(seen, slope, vzero());
            }
            vstore_weight(t->p_rows, place, prob);
            vstore_weight(t->ds_rows, place, slope);
            slopes[i] = slope;
        }
        if (UNIT_TERMS > 1)
            vstore_unit(t->dst + (row + j / UNIT_TERMS) * t->lanes + at, vunit(slopes));
    }
}

static void probabilities_whole(const backward_tile *t, int64_t at, int64_t row, int64_t from,
                                int64_t to, int64_t keys)
{
    probabilities(t, 0, at, row, from, to, keys, NULL);
}

static void probabilities_masked(const backward_tile *t, int64_t at, int64_t row, int64_t from,
                                 int64_t to, int64_t keys, const lane_mask *mask)
{
    probabilities(t, 1, at, row, from, to, keys, mask);
}

/* Keys and values of a chunk, ready for the products. */
typedef struct backward_chunk {
    const unit *k, *v, *k_terms;
    ptrdiff_t k_row, v_row; /* bytes */
    ptrdiff_t k_step;       /* units, between two steps of the sum over keys */
    int64_t keys;
} backward_chunk;

static backward_chunk load_keys(const backward_tile *t, int64_t k0, int64_t keys)
{
    backward_chunk c = {.keys = keys};
    c.k = operand_by_rows(&t->k, k0, keys, &c.k_row);
    c.v = operand_by_rows(&t->v, k0, keys, &c.v_row);
    c.k_terms = operand_by_terms(&t->k_terms, k0, keys, &c.k_step);
    return c;
}

/* Keys begin .. end-1 of a chunk; begin starts a unit. */
static backward_chunk backward_part(const backward_chunk *c, int64_t begin, int64_t end)
{
    backward_chunk part = *c;
    part.k = row_of(&(broadcast_side){c->k, c->k_row, 1}, begin);
    part.v = row_of(&(broadcast_side){c->v, c->v_row, 1}, begin);
    part.k_terms = c->k_terms + begin / UNIT_TERMS * c->k_step;
    part.keys = end - begin;
    return part;
}

/* Scores, probabilities, and dQ += dS K, for nv vectors of queries from lane `at`; their place in pt
 * and dst starts at row `row`. With a mask, nv is 1. */
static void visit_queries(const backward_tile *t, int64_t at, int nv, const backward_chunk *c,
                          int64_t row, const lane_mask *mask)
{
    float *pt = t->pt + row * t->lanes + at, *dst = t->dst + row * t->lanes + at;
    const int64_t rows = least((int64_t)nv * VL, t->rows - at), keys = c->keys;
    vec side[NV_MAX] = {vzero()}; /* maxima, not needed here */
    product_scores(nv, keys, t->units, c->k, c->k_row, t->qt + at, t->lanes, pt, t->lanes, side);
    product_scores(nv, keys, t->v_units, c->v, c->v_row, t->dot + at, t->lanes, dst, t->lanes,
                   side);
    float *dq = t->dq + at * t->d_pad;
    broadcast_side ds = {dst, sizeof(unit), t->lanes};
    if (mask) {
        const int64_t begin = round_up(mask->core_begin, UNIT_TERMS),
                      end = mask->core_end / UNIT_TERMS * UNIT_TERMS;
        if (begin < end) {
            probabilities_masked(t, at, row, 0, begin, keys, mask);
            probabilities_whole(t, at, row, begin, end, keys);
            probabilities_masked(t, at, row, end, keys, keys, mask);
        } else {
            probabilities_masked(t, at, row, 0, keys, keys, mask);
        }
        int32_t lo[VL], hi[VL];
        vstore_int(lo, vclamp_int(mask->lo, (int32_t)keys));
        vstore_int(hi, vclamp_int(mask->hi, (int32_t)keys));
        product_sum_masked(rows, t->d_pad, ds, c->k_terms, c->k_step, dq, t->d_pad, NULL, lo, hi);
        return;
    }
    for (int i = 0; i < nv; i++)
        probabilities_whole(t, at + i * VL, row, 0, keys, keys);
    for (int64_t j = 0; j < keys; j += BACKWARD_CHAIN) {
        ds.at = dst + j / UNIT_TERMS * t->lanes;
        product_sum(rows, t->d_pad, units_of(least(BACKWARD_CHAIN, keys - j)), ds,
                    c->k_terms + j / UNIT_TERMS * c->k_step, c->k_step, dq, t->d_pad, NULL);
    }
}

/* dV += P^T dO and dK += dS^T Q for keys k0 .. k0+keys-1, held from row `row` of p_rows and ds_rows,
 * over the queries q0 .. q1-1, q0 a multiple of VL. */
static void gather_keys(const backward_tile *t, int64_t k0, int64_t keys, int64_t row, int64_t q0,
                        int64_t q1)
{
    k0 -= t->key_begin;
    const int64_t steps = units_of(q1 - q0), first = q0 / UNIT_TERMS;
    const broadcast_side p = {weights_at(t->p_rows, row * t->lanes + q0), t->lanes * WEIGHT_BYTES,
                              1};
    const broadcast_side ds = {weights_at(t->ds_rows, row * t->lanes + q0), t->lanes * WEIGHT_BYTES,
                               1};
    product_sum(keys, t->dv_pad, steps, p, t->d_o + first * t->dv_pad, t->dv_pad,
                t->dv + k0 * t->dv_pad, t->dv_pad, NULL);
    product_sum(keys, t->d_pad, steps, ds, t->q + first * t->d_pad, t->d_pad, t->dk + k0 * t->d_pad,
                t->d_pad, NULL);
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
            const vec prob = vset1(weight(t->p_rows, (j - begin) * t->lanes + r));
            const vec slope = vset1(weight(t->ds_rows, (j - begin) * t->lanes + r));
            float *dv = t->dv + (k0 + j) * t->dv_pad, *dk = t->dk + (k0 + j) * t->d_pad;
            for (int64_t d = 0; d < t->dv_pad; d += VL)
                vstore(dv + d, vfma(prob, operand_elements(&t->d_o_rows, r, d), vload(dv + d)));
            for (int64_t d = 0; d < t->d_pad; d += VL)
                vstore(dk + d, vfma(slope, operand_elements(&t->q_rows, r, d), vload(dk + d)));
        }
}

static void backward_whole_tile(const backward_tile *t, int64_t k0, int64_t keys)
{
    const backward_chunk c = load_keys(t, k0, keys);
    for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
        visit_queries(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), &c, 0, NULL);
    gather_keys(t, k0, keys, 0, 0, t->rows);
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

/* Keys begin .. end-1 of a partial tile, loaded once; begin starts a unit. */
static void backward_partial_keys(const backward_tile *t, int64_t k0, int32_t begin, int32_t end,
                                  const mas_row_span *spans, int64_t q_tile)
{
    const backward_chunk all = load_keys(t, k0 + begin, end - begin);
    for (int64_t at = 0; at < t->lanes; at += VL) {
        ivec lo, hi;
        int32_t first, last;
        vector_interval(spans, q_tile, at, &lo, &hi, &first, &last);
        first -= first < last ? first % UNIT_TERMS : 0;
        for (int32_t j = begin; j < end; j++) /* what no row of this vector sees */
            if (j < first || j >= last) {
                vstore_weight(t->p_rows, (j - begin) * t->lanes + at, vzero());
                vstore_weight(t->ds_rows, (j - begin) * t->lanes + at, vzero());
            }
        if (first >= last)
            continue;
        const lane_mask mask = mask_part(lo, hi, first, last);
        const backward_chunk c = backward_part(&all, first - begin, last - begin);
        visit_queries(t, at, 1, &c, first - begin, &mask);
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
    begin -= begin < end ? begin % UNIT_TERMS : 0;
    if (begin < end)
        backward_partial_keys(t, k0, begin, end, spans, q_tile);
}

#endif
