/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, on matrix tiles, bf16 only: one visit of a key tile.
 * attention_tiles.h has the layout.
 *
 * 32 queries of one head visit tiles of 64 keys. Products are so fast that the
 * softmax takes most of the time, and the two cannot share it: while tiles multiply, vectors of 512 bits have one of
 * their two ports (measured: 16 of them run beside a product, 32 take the time of a product more). So all
 * that a visit needs, scores, outputs, queries, keys and values, is small enough for the first cache, and the
 * running maximum only moves when scores pass it by 2^FAR: until then probabilities may be larger than 1, which
 * no sum minds, and the output need not be corrected.
 *
 * Probabilities behind the mask are 0; where a value that some query does not see is NaN or Inf, whose product with 0
 * is not 0, each row adds just the values that it sees. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_TILES_H
#define MASBENCH_X86_ATTENTION_FORWARD_TILES_H

#include "kernels/x86/attention_tiles.h"

enum {
    FORWARD_Q_TILE = BLOCK,
    FORWARD_K_TILE =
        2 * BLOCK, /* half as many: a fifth slower; twice: no longer in the first cache */
    FORWARD_PAD = BLOCK,
    FORWARD_TERMS = BLOCK,
    FORWARD_GROUP = 32,
    FAR = 8
};

#include "kernels/x86/attention_forward_state.h"

/* A tile of keys, ready for the products. */
typedef struct forward_chunk {
    const unit *k;                       /* [FORWARD_K_TILE][units] */
    const uint16_t *panels;              /* of the values */
    bool finite[FORWARD_K_TILE / BLOCK]; /* all values of a panel are */
} forward_chunk;

/* The tile of keys from k0 on; keys past the last one are zero. */
static forward_chunk load_keys(const forward_tile *t, int64_t k0)
{
    uint16_t *panels = (uint16_t *)(void *)t->v.room;
    forward_chunk c = {.k = t->k.room, .panels = panels};
    rows_to_units(t->k.room, t->units, MAS_DTYPE_BF16, operand_row(&t->k, k0), t->k.row,
                  least(FORWARD_K_TILE, t->kv_len - k0), FORWARD_K_TILE, t->k.dim);
    for (int64_t j = 0; j < FORWARD_K_TILE; j += BLOCK)
        c.finite[j / BLOCK] =
            panel_of_rows(panels + j * t->dv_pad, t->dv_pad, operand_row(&t->v, k0 + j), t->v.row,
                          least(BLOCK, t->kv_len - k0 - j), t->v.dim);
    return c;
}

/* What is subtracted from the exponents moves to `seen` in the lanes where that is far above.
 * @return some lane has moved: *correction scales what it had summed */
static inline bool raise_far_maximum(float *maximum, vec seen, vec *shift, vec *correction)
{
    const vec before = vload(maximum);
    const vmask moved = vless(vadd(before, vset1(FAR)), seen);
    const vec now = vselect(moved, seen, before);
    const vec safe = vselect(vequal(now, vset1(-INFINITY)), vzero(), now);
    *shift = vsub(vzero(), safe);
    if (!moved)
        return false;
    vstore(maximum, now);
    *correction = vexp2(vsub(before, safe));
    return true;
}

/* What a vector of queries sees of a tile: lane i the keys lo[i] .. hi[i]-1, counted from `begin`, none
 * outside begin .. end-1, and all lanes those of the core, also counted from there. All three are whole pairs. */
typedef struct vector_view {
    int64_t begin, end, core_begin, core_end;
    ivec lo, hi;
} vector_view;

static const vector_view sees_all = {.end = FORWARD_K_TILE, .core_end = FORWARD_K_TILE};

static vector_view view_of(const mas_row_span *rows, int64_t count)
{
    ivec lo, hi;
    int32_t begin, end;
    vload_intervals(rows, count, &lo, &hi);
    vinterval_hull(lo, hi, &begin, &end);
    begin -= begin % UNIT_TERMS;
    end = (int32_t)round_up(end, UNIT_TERMS);
    const lane_mask mask = mask_part(lo, hi, begin, end);
    vector_view v = {.begin = begin, .end = end, .lo = mask.lo, .hi = mask.hi};
    v.core_begin = round_up(mask.core_begin, UNIT_TERMS);
    v.core_end = mask.core_end / UNIT_TERMS * UNIT_TERMS;
    if (v.core_begin >= v.core_end)
        v.core_begin = v.core_end = end - begin;
    return v;
}

/* `count` more scores from key j on join the maxima, each its own: one maximum would wait for the one before. */
SIMD_INLINE void larger_scores(const float *st, int64_t j, const int count,
                               const vector_view *masked, vec *seen)
{
    SIMD_UNROLL
    for (int i = 0; i < count; i++) {
        vec score = vload(st + (j + i) * BLOCK);
        if (masked)
            score =
                vselect(vinside(masked->lo, masked->hi, (int32_t)(j + i)), score, vset1(-INFINITY));
        seen[i] = vmax(score, seen[i]);
    }
}

/* The largest of the scores st[from .. to-1] that each lane sees. */
SIMD_INLINE vec largest_of(const float *st, int64_t from, int64_t to, const vector_view *masked)
{
    vec seen[4];
    SIMD_UNROLL
    for (int i = 0; i < 4; i++)
        seen[i] = vset1(-INFINITY);
    int64_t j = from;
    for (; j + 4 <= to; j += 4)
        larger_scores(st, j, 4, masked, seen);
    if (j < to)
        larger_scores(st, j, 2, masked, seen);
    return vmax(vmax(seen[0], seen[1]), vmax(seen[2], seen[3]));
}

/* Scores from .. to-1 become probabilities; returns their sum. */
SIMD_INLINE vec soften_part(float *st, int64_t from, int64_t to, vec scale, vec shift,
                            const vector_view *masked)
{
    lane_mask mask;
    if (masked) {
        mask.lo = vminus(masked->lo, (int32_t)from);
        mask.hi = vminus(masked->hi, (int32_t)from);
    }
    return to_probabilities(st + from * BLOCK, BLOCK, to - from, scale, shift,
                            masked ? &mask : NULL);
}

/* Scores of the vector of queries at lane `at` become probabilities, 0 where it sees nothing of the keys
 * first .. last-1. */
static void soften(const forward_tile *t, int64_t at, const vector_view *view, int64_t first,
                   int64_t last)
{
    float *st = t->st + at;
    for (int64_t j = first; j < least(view->begin, last); j++)
        vstore(st + j * BLOCK, vzero());
    for (int64_t j = first < view->end ? view->end : first; j < last; j++)
        vstore(st + j * BLOCK, vzero());
    const int64_t keys = view->end - view->begin;
    if (keys <= 0)
        return;
    st += view->begin * BLOCK;
    const vec scale = exponent_of(&t->scale);
    if (t->scale.capped)
        cap_scores(&t->scale, st, BLOCK, keys);
    const vec seen = vmax(vmax(largest_of(st, 0, view->core_begin, view),
                               largest_of(st, view->core_begin, view->core_end, NULL)),
                          largest_of(st, view->core_end, keys, view));
    vec shift, correction;
    if (raise_far_maximum(t->maximum + at, vmul(seen, scale), &shift, &correction)) {
        vstore(t->sum + at, vmul(vload(t->sum + at), correction));
        for (int64_t d = 0; d < t->dv_pad; d++)
            vstore(t->o + d * BLOCK + at, vmul(vload(t->o + d * BLOCK + at), correction));
    }
    const vec total =
        vadd(vadd(soften_part(st, 0, view->core_begin, scale, shift, view),
                  soften_part(st, view->core_begin, view->core_end, scale, shift, NULL)),
             soften_part(st, view->core_end, keys, scale, shift, view));
    vstore(t->sum + at, vadd(vload(t->sum + at), total));
}

/* The sum of values for a vector of queries, of visible ones only. */
static void add_visible_values(const forward_tile *t, const forward_chunk *c, int64_t at,
                               const vector_view *view)
{
    int32_t lo[VL], hi[VL];
    const int32_t begin = (int32_t)view->begin, keys = (int32_t)(view->end - view->begin);
    vstore_int(lo, vminus(vclamp_int(view->lo, keys), -begin));
    vstore_int(hi, vminus(vclamp_int(view->hi, keys), -begin));
    add_pairs(t->st + at, UNIT_TERMS * BLOCK, c->panels, t->dv_pad, t->v.dim, lo, hi, t->o + at,
              BLOCK);
}

/* One tile of keys, of which the queries see the blocks of 32 keys first .. last-1; view NULL: all of it. */
static void visit_tile(const forward_tile *t, const forward_chunk *c, const vector_view view[2])
{
    int64_t first = 0, last = FORWARD_K_TILE / BLOCK;
    bool finite = true;
    if (view) {
        first = least(view[0].begin < view[0].end ? view[0].begin : view[1].begin,
                      view[1].begin < view[1].end ? view[1].begin : view[0].begin) /
                BLOCK;
        last = (view[0].end > view[1].end ? view[0].end : view[1].end) + BLOCK - 1;
        last /= BLOCK;
        for (int64_t i = first; i < last; i++)
            finite = finite && c->finite[i];
    }
    const tile_operand k = tile_rows(c->k + first * BLOCK * t->units, t->units);
    float *st = t->st + first * BLOCK * BLOCK;
    tile_product((last - first) * BLOCK, t->units / TILE_ROWS, k, tile_columns(t->qt, BLOCK), false,
                 st, BLOCK);
    for (int v = 0; v < 2; v++)
        soften(t, v * VL, view ? &view[v] : &sees_all, first * BLOCK, last * BLOCK);
    if (finite)
        tile_product(t->dv_pad, last - first,
                     tile_panels(c->panels + first * BLOCK * t->dv_pad, t->dv_pad),
                     tile_columns(st, UNIT_TERMS * BLOCK), true, t->o, BLOCK);
    else
        for (int v = 0; v < 2; v++)
            add_visible_values(t, c, v * VL, &view[v]);
}

static void forward_whole_tile(const forward_tile *t, const forward_chunk *c)
{
    visit_tile(t, c, NULL);
}

static void forward_partial_tile(const forward_tile *t, const forward_chunk *c,
                                 const mas_row_span *rows, int64_t q_tile)
{
    vector_view view[2];
    for (int v = 0; v < 2; v++)
        view[v] = view_of(rows + v * VL, q_tile - v * VL);
    visit_tile(t, c, view);
}

/* The outputs, divided, to where they belong. */
static void store_outputs(const forward_tile *t, mas_dtype dtype, void *to, ptrdiff_t to_row)
{
    (void)dtype;
    store_transposed(to, to_row, t->o, BLOCK, t->rows, t->v.dim, t->factor, 1.0f);
}

#endif
