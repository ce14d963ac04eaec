/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward, on matrix tiles, bf16 only: one visit of a key tile; attention_tiles.h has the
 * layout. 64 queries visit 64 keys.
 *
 * Scores and dP are made for 32 queries at a time, lanes are queries. P and dS are rounded to bf16 and kept twice: by
 * rows of keys, whose terms are queries, as left operands of dV and dK; dS also by pairs of keys, as right operand of
 * dQ, which is summed transposed.
 *
 * What is hidden weighs 0. Where what it is multiplied with is NaN or Inf, visible pairs are summed one
 * by one. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_TILES_H
#define MASBENCH_X86_ATTENTION_BACKWARD_TILES_H

#include "kernels/x86/attention_tiles.h"

enum { BACKWARD_PAD = BLOCK, BACKWARD_TERMS = BLOCK };

#include "kernels/x86/attention_backward_state.h"

static vec row_products(const backward_tile *t, int64_t at)
{
    const operand_rows *o = &t->o_rows;
    float products[TILE_ROWS][BLOCK];
    int64_t left = t->rows - at;
    left = left < 0 ? 0 : left;
    rows_to_units(t->v.room, t->v_units, o->dtype, operand_row(o, at), o->row, left, TILE_ROWS,
                  o->dim);
    tile_product(TILE_ROWS, t->v_units / TILE_ROWS, tile_rows(t->v.room, t->v_units),
                 tile_columns(t->dot + at / BLOCK * BLOCK, t->lanes), false, products[0], BLOCK);
    float own[VL];
    for (int64_t i = 0; i < VL; i++)
        own[i] = products[i][at % BLOCK + i];
    return vload(own);
}

/* A tile of keys as left operands: keys and values by rows, and keys transposed. */
typedef struct backward_chunk {
    tile_operand k, v, k_terms;
    const uint16_t *panels; /* of k_terms */
    bool finite;            /* all keys are */
} backward_chunk;

/* BACKWARD_K_TILE rows from r0 on, copied; those past the last one are zero. */
static tile_operand load_rows(const operand_rows *x, int64_t r0, int64_t all, int64_t units)
{
    rows_to_units(x->room, units, x->dtype, operand_row(x, r0), x->row,
                  least(BACKWARD_K_TILE, all - r0), BACKWARD_K_TILE, x->dim);
    return tile_rows(x->room, units);
}

static backward_chunk load_keys(const backward_tile *t, int64_t k0)
{
    backward_chunk c = {.panels = (uint16_t *)(void *)t->k_terms.room, .finite = true};
    c.k = load_rows(&t->k, k0, t->kv_len, t->units);
    c.v = load_rows(&t->v, k0, t->kv_len, t->v_units);
    c.k_terms = tile_panels(c.panels, t->d_pad);
    for (int64_t j = 0; j < BACKWARD_K_TILE; j += BLOCK) {
        uint16_t *panel = (uint16_t *)(void *)t->k_terms.room + j * t->d_pad;
        c.finite = panel_of_rows(panel, t->d_pad, operand_row(&t->k, k0 + j), t->k.row,
                                 least(BLOCK, t->kv_len - k0 - j), t->k.dim) &&
                   c.finite;
    }
    return c;
}

/* The keys of the tile that each lane of a vector of queries sees: lo .. hi-1. */
typedef struct lane_keys {
    ivec lo, hi;
} lane_keys;

/* P and dS of a vector of queries and one key; keys[0] NULL: all see it. */
SIMD_INLINE void slope(const backward_tile *t, vec lse, vec delta, const lane_keys *keys, int64_t j,
                       const float *score_at, const float *product_at, vec *prob, vec *slope)
{
    const vec score = vmul(vload(score_at), t->factor);
    *slope = vsub(vload(product_at), delta);
    if (t->capped) {
        const vec bent = vtanh(vdiv(score, t->cap));
        *prob = vexp(vsub(vmul(bent, t->cap), lse));
        *slope = vmul(*slope, vsub(vset1(1.0f), vmul(bent, bent)));
    } else {
        *prob = vexp(vsub(score, lse));
    }
    *slope = vmul(*slope, *prob);
    if (keys) {
        const vmask seen = vinside(keys->lo, keys->hi, (int32_t)j);
        *prob = vselect(seen, *prob, vzero());
        *slope = vselect(seen, *slope, vzero());
    }
}

/* Scores and dP of the 32 queries from lane `at` on become P and dS. */
SIMD_INLINE void slopes(const backward_tile *t, int64_t at, const lane_keys *keys)
{
    vec lse[2], delta[2];
    for (int v = 0; v < 2; v++) {
        lse[v] = vload(t->lse + at + v * VL);
        delta[v] = vload(t->delta + at + v * VL);
    }
    for (int64_t j = 0; j < BACKWARD_K_TILE; j += 2) {
        vec rows[2];
        SIMD_UNROLL
        for (int i = 0; i < 2; i++) {
            vec prob[2], some[2];
            SIMD_UNROLL
            for (int v = 0; v < 2; v++) {
                const int64_t place = (j + i) * BLOCK + v * VL;
                slope(t, lse[v], delta[v], keys ? &keys[v] : NULL, j + i, t->pt + place,
                      t->dst + place, &prob[v], &some[v]);
            }
            const int64_t row = (j + i) * t->lanes + at;
            rows[i] = vnarrow(some[0], some[1]);
            vstore_unit(weights_out(t->p_rows, row), vnarrow(prob[0], prob[1]));
            vstore_unit(weights_out(t->ds_rows, row), rows[i]);
        }
        vec pairs[2];
        vinterleave(rows[0], rows[1], &pairs[0], &pairs[1]);
        vstore_unit(t->dst + j / 2 * BLOCK, pairs[0]);
        vstore_unit(t->dst + j / 2 * BLOCK + VL, pairs[1]);
    }
}

/* Two functions, so that the one for whole tiles has no tests in its loop. */
static void slopes_whole(const backward_tile *t, int64_t at)
{
    slopes(t, at, NULL);
}

static void slopes_masked(const backward_tile *t, int64_t at, const lane_keys keys[2])
{
    slopes(t, at, keys);
}

/* P and dS, and dQ += dS K, for all queries; keys: of each vector, NULL: all see all. */
static void visit_queries(const backward_tile *t, const backward_chunk *c, const lane_keys *keys)
{
    for (int64_t at = 0; at < t->lanes; at += BLOCK) {
        tile_product(BACKWARD_K_TILE, t->units / TILE_ROWS, c->k,
                     tile_columns(t->qt + at, t->lanes), false, t->pt, BLOCK);
        tile_product(BACKWARD_K_TILE, t->v_units / TILE_ROWS, c->v,
                     tile_columns(t->dot + at, t->lanes), false, t->dst, BLOCK);
        if (keys)
            slopes_masked(t, at, keys + at / VL);
        else
            slopes_whole(t, at);
        float *dq = t->dq + at;
        if (!keys || c->finite) {
            tile_product(t->d_pad, BACKWARD_K_TILE / BLOCK, c->k_terms, tile_columns(t->dst, BLOCK),
                         true, dq, t->lanes);
            continue;
        }
        for (int64_t v = 0; v < 2; v++) {
            int32_t lo[VL], hi[VL];
            vstore_int(lo, keys[at / VL + v].lo);
            vstore_int(hi, keys[at / VL + v].hi);
            add_pairs(t->dst + v * VL, BLOCK, c->panels, t->d_pad, t->k.dim, lo, hi, dq + v * VL,
                      t->lanes);
        }
    }
}

/* dV += P^T dO and dK += dS^T Q for the keys from k0 on. */
static void gather_keys(const backward_tile *t, int64_t k0)
{
    k0 -= t->key_begin;
    const int64_t row = t->lanes / UNIT_TERMS;
    const tile_operand p = tile_rows(t->p_rows, row), ds = tile_rows(t->ds_rows, row);
    for (int64_t d = 0; d < t->dv_pad; d += BLOCK)
        tile_product(BACKWARD_K_TILE, t->lanes / BLOCK, p, tile_columns(t->d_o + d, t->dv_pad),
                     true, t->dv + k0 * t->dv_pad + d, t->dv_pad);
    for (int64_t d = 0; d < t->d_pad; d += BLOCK)
        tile_product(BACKWARD_K_TILE, t->lanes / BLOCK, ds, tile_columns(t->q + d, t->d_pad), true,
                     t->dk + k0 * t->d_pad + d, t->d_pad);
}

/* Spans of the rows, none past the last one. */
static void backward_partial_tile(const backward_tile *t, int64_t k0, const backward_chunk *c,
                                  const mas_row_span *spans, int64_t q_tile)
{
    lane_keys keys[BACKWARD_Q_TILE / VL];
    for (int64_t at = 0; at < t->lanes; at += VL) {
        lane_keys *own = &keys[at / VL];
        int32_t begin, end;
        const vmask some =
            vector_interval(spans, least(q_tile, t->rows), at, &own->lo, &own->hi, &begin, &end);
        vstore(t->seen + at, vselect(some, vset1(1.0f), vload(t->seen + at)));
    }
    visit_queries(t, c, keys);
    if (t->finite)
        gather_keys(t, k0);
    else
        gather_pairs(t, k0, 0, least(BACKWARD_K_TILE, t->kv_len - k0), spans);
}

static void backward_whole_tile(const backward_tile *t, int64_t k0, const backward_chunk *c)
{
    if (t->rows < t->lanes) {
        mas_row_span all[BACKWARD_Q_TILE];
        for (int64_t r = 0; r < t->rows; r++)
            all[r] = (mas_row_span){.lo = 0, .hi = BACKWARD_K_TILE};
        backward_partial_tile(t, k0, c, all, t->rows);
        return;
    }
    visit_queries(t, c, NULL);
    gather_keys(t, k0);
    for (int64_t r = 0; r < t->rows; r++)
        t->seen[r] = 1.0f;
}

static void store_queries(const backward_tile *t, mas_dtype dtype, void *to, ptrdiff_t to_row,
                          float scale)
{
    (void)dtype;
    store_transposed(to, to_row, t->dq, t->lanes, t->rows, t->q_rows.dim, NULL, scale);
}

#endif
