/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, over any span schedule, on matrix tiles. The algorithm is that of
 * attention_forward_impl.h, bf16 only; attention_tiles.h has the layout.
 *
 * 32 queries of one head visit tiles of 64 keys. Products are so fast that the
 * softmax takes most of the time, and the two cannot share it: while tiles multiply, vectors of 512 bits have one of
 * their two ports (measured: 16 of them run beside a product, 32 take the time of a product more). So all
 * that a visit needs, scores, outputs, queries, keys and values, is small enough for the first cache, and the
 * running maximum only moves when scores pass it by 2^FAR: until then probabilities may be larger than 1, which
 * no sum minds, and the output need not be corrected.
 *
 * Probabilities behind the mask are 0; where a value that some query does not see is NaN or Inf, whose product with 0
 * is not 0, each row adds just the values that it sees.
 *
 * Tiles of queries go in groups. A tile of keys is made ready once for all of a group, keys copied and values
 * transposed in panels of 32, and is then visited by one after the other. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_TILES_H
#define MASBENCH_X86_ATTENTION_FORWARD_TILES_H

#include "kernels/x86/attention_cursor.h"
#include "kernels/x86/attention_softmax.h"
#include "kernels/x86/attention_tiles.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum {
    FORWARD_Q_TILE = BLOCK,
    FORWARD_K_TILE =
        2 * BLOCK, /* half as many: a fifth slower; twice: no longer in the first cache */
    FORWARD_GROUP_MAX =
        32, /* query tiles that visit a key tile one after the other, if they fit so */
    FORWARD_GROUP_FLOATS = 200 * 1024, /* much of the cache next to the core and */
    FORWARD_TURNS = 4,                 /* every thread gets so many groups */
    FAR = 8
};

/* Parts of one thread's scratch, after the scores, and of one of its tiles of queries, after its output; in floats. */
typedef struct forward_layout {
    int64_t d_pad, dv_pad; /* multiples of 32 */
    int64_t group;         /* query tiles at a time; never changes a bit */
    int64_t keys, values, tiles, size;
    int64_t qt, maximum, tile_size;
} forward_layout;

static forward_layout forward_cut(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    forward_layout l = {.d_pad = round_up(p->d_qk, BLOCK), .dv_pad = round_up(p->d_v, BLOCK)};
    l.qt = l.dv_pad * BLOCK;
    l.maximum = l.qt + l.d_pad / UNIT_TERMS * BLOCK;
    l.tile_size = l.maximum + 3 * BLOCK;
    const int64_t share = p->batch * p->q_heads * s->q_tiles / (FORWARD_TURNS * threads);
    l.group = least(least(FORWARD_GROUP_MAX, FORWARD_GROUP_FLOATS / l.tile_size), share);
    l.group = l.group < 1 ? 1 : l.group;
    l.keys = FORWARD_K_TILE * BLOCK;
    l.values = l.keys + FORWARD_K_TILE * l.d_pad / UNIT_TERMS;
    l.tiles = l.values + FORWARD_K_TILE * l.dv_pad / UNIT_TERMS;
    l.size = l.tiles + l.group * l.tile_size;
    return l;
}

static size_t forward_workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    return (size_t)(threads * forward_cut(p, s, threads).size) * sizeof(float);
}

static void forward_tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = (int32_t)least(FORWARD_Q_TILE, p->q_len);
    *k_tile = FORWARD_K_TILE;
}

/* What is constant for the queries at hand. */
typedef struct forward_tile {
    float *st;      /* [FORWARD_K_TILE][32] scores, then probabilities by pairs of keys */
    unit *qt;       /* [d_pad / 2][32] queries */
    float *o;       /* [dv_pad][32] outputs, not yet divided */
    float *maximum; /* [32] what the exponents of 2 are reduced by */
    float *sum;     /* [32] running sum of the probabilities */
    float *factor;  /* [32] what the end multiplies o with */
    operand_rows k, v;
    int64_t kv_len, d_pad, dv_pad, rows;
    score_scale scale;
} forward_tile;

/* A tile of keys, ready for the products. */
typedef struct forward_chunk {
    tile_operand k;
    const uint16_t *panels;              /* of the values */
    bool finite[FORWARD_K_TILE / BLOCK]; /* all values of a panel are */
} forward_chunk;

/* The tile of keys from k0 on; keys past the last one are zero. */
static forward_chunk load_keys(const forward_tile *t, int64_t k0)
{
    uint16_t *panels = (uint16_t *)(void *)t->v.room;
    forward_chunk c = {.k = tile_rows(t->k.room, t->d_pad * (ptrdiff_t)sizeof(uint16_t), 0),
                       .panels = panels};
    rows_to_units(t->k.room, t->d_pad / UNIT_TERMS, MAS_DTYPE_BF16, operand_row(&t->k, k0),
                  t->k.row, least(FORWARD_K_TILE, t->kv_len - k0), FORWARD_K_TILE, t->k.dim);
    for (int64_t j = 0; j < FORWARD_K_TILE; j += BLOCK)
        c.finite[j / BLOCK] =
            panel_of_rows(panels + j * t->dv_pad, t->dv_pad, operand_row(&t->v, k0 + j), t->v.row,
                          least(BLOCK, t->kv_len - k0 - j), t->v.dim);
    return c;
}

/* Rows from .. from+rows-1 of keys and values are soon to be loaded. */
static void ask_for_keys(const forward_tile *t, int64_t from, int64_t rows)
{
    const int64_t line = 64 / (int64_t)sizeof(uint16_t);
    for (int64_t r = from; r < least(from + rows, t->kv_len); r++) {
        for (int64_t d = 0; d < t->k.dim; d += line)
            __builtin_prefetch((const uint16_t *)operand_row(&t->k, r) + d, 0, 2);
        for (int64_t d = 0; d < t->v.dim; d += line)
            __builtin_prefetch((const uint16_t *)operand_row(&t->v, r) + d, 0, 2);
    }
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
    const tile_operand k = {(const char *)c->k.at + first * BLOCK * c->k.row, c->k.row, c->k.step};
    float *st = t->st + first * BLOCK * BLOCK;
    tile_product((last - first) * BLOCK, t->d_pad / BLOCK, k, tile_columns(t->qt, BLOCK), false, st,
                 BLOCK);
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

/* The queries of tile number `tile` of head h of sequence b, nothing visited yet. */
static void begin_tile(forward_tile *t, const mas_attn_problem *p, const mas_schedule *s,
                       const mas_attn_args *args, int64_t b, int64_t h, int64_t tile)
{
    const int64_t g = h / (p->q_heads / p->kv_heads), first = tile * s->q_tile;
    const int64_t units = units_of(p->d_qk);
    t->rows = least(s->q_tile, s->q_len - first);
    t->k.at = view_row(&args->k, p->dtype, b, g, 0);
    t->v.at = view_row(&args->v, p->dtype, b, g, 0);
    rows_to_lanes(t->qt, BLOCK, p->dtype, view_row(&args->q, p->dtype, b, h, first), args->q.row,
                  t->rows, p->d_qk, p->scale < 0);
    memset(t->qt + units * BLOCK, 0,
           (size_t)((t->d_pad / UNIT_TERMS - units) * BLOCK) * sizeof(unit));
    memset(t->o, 0, (size_t)(BLOCK * t->dv_pad) * sizeof(float));
    for (int64_t at = 0; at < BLOCK; at += VL) {
        vstore(t->maximum + at, vset1(-INFINITY));
        vstore(t->sum + at, vzero());
    }
}

static void visit_next(const forward_tile *t, visit_cursor *c, const mas_schedule *s,
                       const forward_chunk *keys)
{
    const mas_span span = s->q_spans[c->span];
    vector_view view[2];
    const bool whole = span.pattern == MAS_SPAN_WHOLE;
    for (int v = 0; !whole && v < 2; v++)
        view[v] = view_of(mas_schedule_pattern(s, span.pattern) + v * VL, s->q_tile - v * VL);
    visit_tile(t, keys, whole ? NULL : view);
    cursor_advance(c, s);
}

/* `count` tiles of queries of one head, from `first` on; returns the tiles visited. */
static int64_t run_group(forward_tile *group, int64_t count, const mas_attn_problem *p,
                         const mas_schedule *s, const mas_attn_args *args, int64_t head,
                         int64_t first)
{
    const int64_t b = head / p->q_heads, h = head % p->q_heads;
    visit_cursor cursor[FORWARD_GROUP_MAX];
    int64_t visited = 0;
    for (int64_t i = 0; i < count; i++) {
        begin_tile(&group[i], p, s, args, b, h, first + i);
        cursor[i] = cursor_of(s, first + i);
    }
    for (int64_t next; (next = next_of_all(cursor, count, s)) != INT64_MAX;) {
        const forward_chunk keys = load_keys(group, next * s->k_tile);
        const int64_t share = FORWARD_K_TILE / count; /* of the tile that most often follows */
        for (int64_t i = 0; i < count; i++)
            if (next_key_tile(&cursor[i], s) == next) {
                ask_for_keys(group, (next + 1) * FORWARD_K_TILE + i * share, share);
                visit_next(&group[i], &cursor[i], s, &keys);
                visited++;
            }
    }
    for (int64_t i = 0; i < count; i++) {
        const forward_tile *t = &group[i];
        const int64_t row = (first + i) * s->q_tile;
        finish_softmax(t->rows, t->maximum, t->sum, t->factor,
                       args->lse ? args->lse + head * p->q_len + row : NULL,
                       p->sinks ? args->sinks + h : NULL);
        store_transposed(view_row(&args->o, p->dtype, b, h, row), args->o.row, t->o, BLOCK, t->rows,
                         p->d_v, t->factor, 1.0f);
    }
    return visited;
}

/* Tile number i of a group, in one thread's scratch. */
static forward_tile place_tile(const mas_attn_problem *p, const mas_attn_args *args,
                               const forward_layout *l, float *room, int64_t i)
{
    float *own = room + l->tiles + i * l->tile_size;
    return (forward_tile){
        .st = room,
        .o = own,
        .qt = own + l->qt,
        .maximum = own + l->maximum,
        .sum = own + l->maximum + BLOCK,
        .factor = own + l->maximum + 2 * BLOCK,
        .k = {.row = args->k.row, .dtype = p->dtype, .dim = p->d_qk, .room = room + l->keys},
        .v = {.row = args->v.row, .dtype = p->dtype, .dim = p->d_v, .room = room + l->values},
        .kv_len = p->kv_len,
        .d_pad = l->d_pad,
        .dv_pad = l->dv_pad,
        .scale = score_scale_of(p)};
}

static mas_status forward_run(const mas_attn_plan *plan, const mas_attn_args *args,
                              mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    (void)err;
    const forward_layout l = forward_cut(p, s, threads);
    const int64_t heads = p->batch * p->q_heads, groups = (s->q_tiles + l.group - 1) / l.group;
    int64_t visited = 0;
#pragma omp parallel num_threads(threads) reduction(+ : visited)
    {
        tiles_begin();
        float *room = (float *)args->workspace + omp_get_thread_num() * l.size;
#pragma omp for schedule(dynamic)
        for (int64_t number = 0; number < heads * groups; number++) {
            /* late tiles first: under a causal mask they are the long ones */
            const int64_t head = number / groups, first = (groups - 1 - number % groups) * l.group;
            forward_tile tiles[FORWARD_GROUP_MAX];
            for (int64_t i = 0; i < l.group; i++)
                tiles[i] = place_tile(p, args, &l, room, i);
            visited +=
                run_group(tiles, least(l.group, s->q_tiles - first), p, s, args, head, first);
        }
        tiles_end();
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
