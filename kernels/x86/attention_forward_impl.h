/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, over any span schedule (Dao et al., 2205.14135 and 2307.08691: tiles
 * and a running maximum). Included once per instruction set and unit; attention_blocks.h has the
 * layout.
 *
 * One task is one tile of queries of one head. Whole tiles take groups of up to NV_MAX vectors of
 * queries at once. In a partial tile each vector of queries goes alone and scores only the keys
 * that at least one of its lanes sees, so a causal or window edge is cut to VL queries whatever the
 * tile; from there on every row adds the values of just the keys that it sees itself.
 *
 * Where tiles of keys are visited often, keys and values are first gathered, head by head: the
 * copy is linear in the length, and tiles are then read in order instead of in pieces as long as a
 * head, a row of all heads apart. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_IMPL_H
#define MASBENCH_X86_ATTENTION_FORWARD_IMPL_H

#include "kernels/x86/attention_operand.h"
#include "kernels/x86/attention_softmax.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum {
    FORWARD_Q_TILE = 64,
    FORWARD_K_TILE = 64, /* also the keys between two corrections of the output */
    FORWARD_GATHER = 64, /* mean visits of a key tile from which keys and values are gathered */
};

/* Parts of one thread's scratch, in floats from its start. */
typedef struct forward_layout {
    int64_t lanes, units, dv_pad;
    int64_t st, qt, o, maximum, sum, factor, keys, values, size;
    bool gathered;          /* keys and values of each head lie together, ready for the products */
    int64_t k_pad;          /* units of a gathered key */
    int64_t k_size, v_size; /* of one (sequence, kv head), in floats */
} forward_layout;

static forward_layout forward_cut(const mas_attn_problem *p, const mas_schedule *s)
{
    forward_layout l = {
        .lanes = lanes_of(s->q_tile), .units = units_of(p->d_qk), .dv_pad = lanes_of(p->d_v)};
    l.qt = FORWARD_K_TILE * NV_MAX * VL;
    l.o = l.qt + l.lanes * l.units;
    l.maximum = l.o + l.lanes * l.dv_pad;
    l.sum = l.maximum + l.lanes;
    l.factor = l.sum + l.lanes;
    l.keys = l.factor + l.lanes;
    l.values = l.keys + FORWARD_K_TILE * lanes_of(l.units);
    l.size = round_up(l.values + FORWARD_K_TILE * l.dv_pad, VL);
    l.gathered = s->tiles * (p->q_heads / p->kv_heads) >= (int64_t)FORWARD_GATHER * s->k_tiles;
    l.k_pad = lanes_of(l.units);
    l.k_size = l.gathered ? p->kv_len * l.k_pad : 0;
    l.v_size = l.gathered ? units_of(p->kv_len) * l.dv_pad : 0;
    return l;
}

static size_t forward_workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    const forward_layout l = forward_cut(p, s);
    const int64_t gather = p->batch * p->kv_heads * (l.k_size + l.v_size);
    return (size_t)(gather + threads * l.size) * sizeof(float);
}

static void forward_tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = (int32_t)least(FORWARD_Q_TILE, p->q_len);
    *k_tile = FORWARD_K_TILE;
}

/* What is constant for the tile at hand. */
typedef struct forward_tile {
    float *st;      /* [FORWARD_K_TILE][NV_MAX * VL] scores, then probabilities by units of keys */
    unit *qt;       /* [units][lanes] queries */
    float *o;       /* [lanes][dv_pad] outputs, not yet divided */
    float *maximum; /* [lanes] running maximum of the scores, times log2 e */
    float *sum;     /* [lanes] running sum of the probabilities */
    float *factor;  /* [lanes] what a correction or the end multiplies o with */
    operand_rows k, v;
    const unit *k_gathered, *v_gathered; /* NULL: not gathered */
    int64_t k_pad;
    int64_t lanes, units, dv_pad, rows;
    score_scale scale;
} forward_tile;

/* Keys and values of a tile or a part of one, ready for the products. */
typedef struct forward_chunk {
    const unit *k, *v;
    ptrdiff_t k_row; /* bytes */
    ptrdiff_t v_row; /* units, between two steps of the sum over keys */
    int64_t keys;
} forward_chunk;

static forward_chunk load_chunk(const forward_tile *t, int64_t k0, int64_t keys)
{
    forward_chunk c = {.keys = keys};
    /* a unit that the chunk only has a part of would show a key outside it */
    if (t->k_gathered && k0 % UNIT_TERMS == 0 && keys % UNIT_TERMS == 0) {
        c.k = t->k_gathered + k0 * t->k_pad;
        c.k_row = t->k_pad * (ptrdiff_t)sizeof(unit);
        c.v = t->v_gathered + k0 / UNIT_TERMS * t->dv_pad;
        c.v_row = t->dv_pad;
        return c;
    }
    c.k = operand_by_rows(&t->k, k0, keys, &c.k_row);
    c.v = operand_by_terms(&t->v, k0, keys, &c.v_row);
    return c;
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

static void visit_whole_tile(const forward_tile *t, int64_t k0, int64_t keys)
{
    const forward_chunk c = load_chunk(t, k0, keys);
    for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
        visit_whole(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), &c);
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

/* Keys are loaded once, from the first to the last that any query sees. */
static void visit_partial_tile(const forward_tile *t, int64_t k0, const mas_row_span *rows,
                               int64_t q_tile)
{
    int32_t first = INT32_MAX, last = 0, begin, end;
    ivec lo, hi;
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vload_intervals(rows + at, q_tile - at, &lo, &hi);
        vinterval_hull(lo, hi, &begin, &end);
        if (begin < end) {
            first = begin < first ? begin : first;
            last = end > last ? end : last;
        }
    }
    if (first >= last)
        return;
    first -= first % UNIT_TERMS;
    const forward_chunk all = load_chunk(t, k0 + first, last - first);
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vload_intervals(rows + at, q_tile - at, &lo, &hi);
        vinterval_hull(lo, hi, &begin, &end);
        if (begin >= end)
            continue;
        begin -= begin % UNIT_TERMS;
        const lane_mask mask = mask_part(lo, hi, begin, end);
        const forward_chunk c = part_of(&all, begin - first, end - first);
        /* half a unit would show a key that no lane sees */
        if (mask.core_end - mask.core_begin == c.keys && c.keys % UNIT_TERMS == 0)
            visit_whole(t, at, 1, &c);
        else
            visit_masked(t, at, &c, &mask);
    }
}

/* One tile of queries of one head; returns the tiles visited. */
static int64_t run_task(forward_tile *t, const mas_attn_problem *p, const mas_schedule *s,
                        const mas_attn_args *args, int64_t head, int64_t tile)
{
    const int64_t b = head / p->q_heads, h = head % p->q_heads, g = h / (p->q_heads / p->kv_heads);
    const int64_t first = tile * s->q_tile;
    int64_t visited = 0;
    t->rows = least(s->q_tile, s->q_len - first);
    t->k.at = view_row(&args->k, p->dtype, b, g, 0);
    t->v.at = view_row(&args->v, p->dtype, b, g, 0);
    rows_to_lanes(t->qt, t->lanes, p->dtype, view_row(&args->q, p->dtype, b, h, first), args->q.row,
                  t->rows, p->d_qk, p->scale < 0);
    memset(t->o, 0, (size_t)(t->lanes * t->dv_pad) * sizeof(float));
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->maximum + at, vset1(-INFINITY));
        vstore(t->sum + at, vzero());
    }
    for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++) {
        const mas_span span = s->q_spans[i];
        for (int64_t n = 0; n < span.count; n++) {
            const int64_t k0 = (span.first + n) * s->k_tile;
            if (span.pattern == MAS_SPAN_WHOLE)
                visit_whole_tile(t, k0, s->k_tile);
            else
                visit_partial_tile(t, k0, mas_schedule_pattern(s, span.pattern), s->q_tile);
            visited++;
        }
    }
    finish_softmax(t->rows, t->maximum, t->sum, t->factor,
                   args->lse ? args->lse + head * p->q_len + first : NULL,
                   p->sinks ? args->sinks + h : NULL);
    store_rows(p->dtype, view_row(&args->o, p->dtype, b, h, first), args->o.row, t->o, t->dv_pad,
               t->rows, p->d_v, t->factor, 1.0f);
    return visited;
}

/* Copies keys and values of every head to where each head's rows follow each other. */
static void gather_heads(const forward_layout *l, const mas_attn_problem *p, const mas_schedule *s,
                         const mas_attn_args *args, int threads, float *to)
{
    const int64_t per_head = l->k_size + l->v_size;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t task = 0; task < p->batch * p->kv_heads * s->k_tiles; task++) {
        const int64_t pair = task / s->k_tiles, b = pair / p->kv_heads, g = pair % p->kv_heads;
        const int64_t k0 = task % s->k_tiles * s->k_tile, keys = least(s->k_tile, p->kv_len - k0);
        float *k = to + pair * per_head, *v = k + l->k_size;
        rows_to_units(k + k0 * l->k_pad, l->k_pad, p->dtype, view_row(&args->k, p->dtype, b, g, k0),
                      args->k.row, keys, keys, p->d_qk);
        rows_to_terms(v + k0 / UNIT_TERMS * l->dv_pad, l->dv_pad, p->dtype,
                      view_row(&args->v, p->dtype, b, g, k0), args->v.row, keys, p->d_v);
    }
}

static mas_status forward_run(const mas_attn_plan *plan, const mas_attn_args *args,
                              mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    (void)err;
    const int64_t tasks = p->batch * p->q_heads * s->q_tiles;
    const forward_layout l = forward_cut(p, s);
    int64_t visited = 0;
    float *gathered = (float *)args->workspace + threads * l.size;
    if (l.gathered)
        gather_heads(&l, p, s, args, threads, gathered);
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : visited)
    for (int64_t number = 0; number < tasks; number++) {
        float *room = (float *)args->workspace + omp_get_thread_num() * l.size;
        const int64_t head = number / s->q_tiles, group = p->q_heads / p->kv_heads;
        const float *mine = gathered + head / group * (l.k_size + l.v_size);
        forward_tile t = {
            .st = room,
            .qt = room + l.qt,
            .o = room + l.o,
            .maximum = room + l.maximum,
            .sum = room + l.sum,
            .factor = room + l.factor,
            .k = {.row = args->k.row, .dtype = p->dtype, .dim = p->d_qk, .room = room + l.keys},
            .v = {.row = args->v.row, .dtype = p->dtype, .dim = p->d_v, .room = room + l.values},
            .k_gathered = l.gathered ? mine : NULL,
            .v_gathered = l.gathered ? mine + l.k_size : NULL,
            .k_pad = l.k_pad,
            .lanes = l.lanes,
            .units = l.units,
            .dv_pad = l.dv_pad,
            .scale = score_scale_of(p),
        };
        /* late tiles first: under a causal mask they are the long ones */
        visited += run_task(&t, p, s, args, head, s->q_tiles - 1 - number % s->q_tiles);
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
