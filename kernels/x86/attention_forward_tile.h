/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, on vectors: one visit of a key tile. attention_blocks.h has the layout.
 *
 * Whole tiles take groups of up to NV_MAX vectors of queries at once. In a partial tile each vector of queries goes
 * alone and scores only the keys that at least one of its lanes sees, so a causal or window edge is cut to VL
 * queries whatever the tile; from there on every row adds the values of just the keys that it sees itself. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_TILE_H
#define MASBENCH_X86_ATTENTION_FORWARD_TILE_H

#include "kernels/x86/attention_blocks.h"

enum {
    FORWARD_Q_TILE = 64,
    FORWARD_K_TILE = 64, /* also the keys between two corrections of the output */
    FORWARD_PAD = VL,
    FORWARD_TERMS = 1,
    FORWARD_GROUP = 8
};

#include "kernels/x86/attention_forward_state.h"

/* Keys and values of a tile or a part of one, ready for the products. */
typedef struct forward_chunk {
    const unit *k, *v;
    ptrdiff_t k_row; /* bytes */
    ptrdiff_t v_row; /* units, between two steps of the sum over keys */
    int64_t keys;
} forward_chunk;

/* The tile of keys from k0 on, copied, even where it could be read in place: rows of a head lie a row of all heads
 * apart, often a power of two, and fall on few sets of the first cache. */
static forward_chunk load_keys(const forward_tile *t, int64_t k0)
{
    const int64_t keys = least(FORWARD_K_TILE, t->kv_len - k0), pad = lanes_of(t->units);
    rows_to_units(t->k.room, pad, t->k.dtype, operand_row(&t->k, k0), t->k.row, keys, keys,
                  t->k.dim);
    rows_to_terms(t->v.room, t->dv_pad, t->v.dtype, operand_row(&t->v, k0), t->v.row, keys,
                  t->v.dim);
    return (forward_chunk){.k = t->k.room,
                           .v = t->v.room,
                           .k_row = pad * (ptrdiff_t)sizeof(unit),
                           .v_row = t->dv_pad,
                           .keys = keys};
}

/* A chunk of keys for nv vectors of queries from lane `at`, no mask. */
static void visit_whole(const forward_tile *t, int64_t at, int nv, const forward_chunk *c)
{
    const ptrdiff_t ld = (ptrdiff_t)nv * VL;
    const vec scale = exponent_of(&t->scale);
    vec side[NV_MAX];
    for (int v = 0; v < nv; v++)
        side[v] = vset1(-INFINITY);
    product_scores(nv, c->keys, t->units, c->k, c->k_row, t->qt + at, t->lanes, t->st, ld, side);
    for (int v = 0; v < nv; v++) {
        float *st = t->st + (ptrdiff_t)v * VL;
        if (t->scale.capped) {
            cap_scores(&t->scale, st, ld, c->keys);
            side[v] = vset1(-INFINITY);
            for (int64_t j = 0; j < c->keys; j++)
                side[v] = vmax(vload(st + j * ld), side[v]);
        }
        vec correction;
        float *sum = t->sum + at + v * VL;
        const vec shift = vsub(
            vzero(), raise_maximum(t->maximum + at + v * VL, vmul(side[v], scale), &correction));
        const vec total = to_probabilities(st, ld, c->keys, scale, shift, NULL);
        vstore(sum, vfma(vload(sum), correction, total));
        vstore(t->factor + v * VL, correction);
    }
    const broadcast_side p = {t->st, sizeof(unit), UNIT_TERMS * ld};
    product_sum(least((int64_t)nv * VL, t->rows - at), t->dv_pad, units_of(c->keys), p, c->v,
                c->v_row, t->o + at * t->dv_pad, t->dv_pad, t->factor);
}

/* The same for one vector of queries under a mask: of the chunk from k0 on, lane i sees the keys
 * lo[i] .. hi[i]-1. */
static void visit_masked(const forward_tile *t, int64_t at, const forward_chunk *c,
                         const lane_mask *mask)
{
    const vec scale = exponent_of(&t->scale);
    float *st = t->st;
    vec seen = vset1(-INFINITY), correction;
    product_scores(1, c->keys, t->units, c->k, c->k_row, t->qt + at, t->lanes, st, VL, &seen);
    if (t->scale.capped)
        cap_scores(&t->scale, st, VL, c->keys);
    seen = vset1(-INFINITY);
    for (int64_t j = 0; j < c->keys; j++)
        seen =
            vmax(vselect(vinside(mask->lo, mask->hi, (int32_t)j), vload(st + j * VL), seen), seen);
    const vec shift = vsub(vzero(), raise_maximum(t->maximum + at, vmul(seen, scale), &correction));
    const vec total = to_probabilities(st, VL, c->keys, scale, shift, mask);
    vstore(t->sum + at, vfma(vload(t->sum + at), correction, total));
    vstore(t->factor, correction);
    int32_t lo[VL], hi[VL];
    vstore_int(lo, vclamp_int(mask->lo, (int32_t)c->keys));
    vstore_int(hi, vclamp_int(mask->hi, (int32_t)c->keys));
    const broadcast_side p = {st, sizeof(unit), UNIT_TERMS * VL};
    product_sum_masked(least(VL, t->rows - at), t->dv_pad, p, c->v, c->v_row, t->o + at * t->dv_pad,
                       t->dv_pad, t->factor, lo, hi);
}

static void forward_whole_tile(const forward_tile *t, const forward_chunk *c)
{
    for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
        visit_whole(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), c);
}

/* Keys begin .. end-1 of a chunk; begin starts a unit. */
static forward_chunk part_of(const forward_chunk *c, int64_t begin, int64_t end)
{
    forward_chunk part = *c;
    part.k = row_of(&(broadcast_side){c->k, c->k_row, 1}, begin);
    part.v = c->v + begin / UNIT_TERMS * c->v_row;
    part.keys = end - begin;
    return part;
}

static void forward_partial_tile(const forward_tile *t, const forward_chunk *all,
                                 const mas_row_span *rows, int64_t q_tile)
{
    for (int64_t at = 0; at < t->lanes; at += VL) {
        int32_t begin, end;
        ivec lo, hi;
        vload_intervals(rows + at, q_tile - at, &lo, &hi);
        vinterval_hull(lo, hi, &begin, &end);
        if (begin >= end)
            continue;
        begin -= begin % UNIT_TERMS;
        const lane_mask mask = mask_part(lo, hi, begin, end);
        const forward_chunk c = part_of(all, begin, end);
        /* half a unit would show a key that no lane sees */
        if (mask.core_end - mask.core_begin == c.keys && c.keys % UNIT_TERMS == 0)
            visit_whole(t, at, 1, &c);
        else
            visit_masked(t, at, &c, &mask);
    }
}

/* The outputs, divided, to where they belong. */
static void store_outputs(const forward_tile *t, mas_dtype dtype, void *to, ptrdiff_t to_row)
{
    store_rows(dtype, to, to_row, t->o, t->dv_pad, t->rows, t->v.dim, t->factor, 1.0f);
}

#endif
