/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward, on vectors: one visit of a key tile, whole or partial. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_TILE_H
#define MASBENCH_X86_ATTENTION_BACKWARD_TILE_H

#include "kernels/x86/attention_blocks.h"

enum { BACKWARD_PAD = VL, BACKWARD_TERMS = 1 };

#include "kernels/x86/attention_backward_state.h"

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

/* The tile of keys from k0 on, copied, even where it could be read in place: rows of a head lie a row of all heads
 * apart, often a power of two, and fall on few sets of the first cache. */
static backward_chunk load_keys(const backward_tile *t, int64_t k0)
{
    const int64_t keys = least(BACKWARD_K_TILE, t->kv_len - k0);
    const int64_t k_pad = lanes_of(t->units), v_pad = lanes_of(t->v_units);
    const operand_rows *k = &t->k, *v = &t->v;
    rows_to_units(k->room, k_pad, k->dtype, operand_row(k, k0), k->row, keys, keys, k->dim);
    rows_to_units(v->room, v_pad, v->dtype, operand_row(v, k0), v->row, keys, keys, v->dim);
    rows_to_terms(t->k_terms.room, t->d_pad, k->dtype, operand_row(k, k0), k->row, keys, k->dim);
    return (backward_chunk){.k = k->room,
                            .v = v->room,
                            .k_terms = t->k_terms.room,
                            .k_row = k_pad * (ptrdiff_t)sizeof(unit),
                            .v_row = v_pad * (ptrdiff_t)sizeof(unit),
                            .k_step = t->d_pad,
                            .keys = keys};
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

static void backward_whole_tile(const backward_tile *t, int64_t k0, const backward_chunk *c)
{
    for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
        visit_queries(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), c, 0, NULL);
    gather_keys(t, k0, c->keys, 0, 0, t->rows);
    for (int64_t r = 0; r < t->rows; r++)
        t->seen[r] = 1.0f;
}

/* Keys begin .. end-1 of a partial tile; begin starts a unit. */
static void backward_partial_keys(const backward_tile *t, int64_t k0, const backward_chunk *all,
                                  int32_t begin, int32_t end, const mas_row_span *spans,
                                  int64_t q_tile)
{
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
        const backward_chunk c = backward_part(all, first, last);
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

static void backward_partial_tile(const backward_tile *t, int64_t k0, const backward_chunk *c,
                                  const mas_row_span *spans, int64_t q_tile)
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
        backward_partial_keys(t, k0, c, begin, end, spans, q_tile);
}

/* dQ to where it belongs. */
static void store_queries(const backward_tile *t, mas_dtype dtype, void *to, ptrdiff_t to_row,
                          float scale)
{
    store_rows(dtype, to, to_row, t->dq, t->d_pad, t->rows, t->q_rows.dim, NULL, scale);
}

#endif
