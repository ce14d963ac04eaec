/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward: the state of one query tile and how the workspace is cut, whatever the products are computed
 * with. Included by what visits key tiles, which says before:
 *   FORWARD_Q_TILE, FORWARD_K_TILE  queries and keys of a tile
 *   FORWARD_PAD     lanes and elements of an output are padded to a multiple of it
 *   FORWARD_TERMS   so are the terms of a sum along a head
 *   FORWARD_GROUP   query tiles that visit a key tile one after the other */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_STATE_H
#define MASBENCH_X86_ATTENTION_FORWARD_STATE_H

#include "kernels/x86/attention_softmax.h"

#include <math.h>
#include <string.h>

enum {
    FORWARD_GROUP_FLOATS =
        200 * 1024,   /* a group is smaller if its tiles do not fit so much of the cache next to
                                          the core, */
    FORWARD_TURNS = 4 /* or if a thread would get fewer groups */
};

/* Parts of one thread's scratch, after the scores, and of one of its tiles of queries, after its output; in floats. */
typedef struct forward_layout {
    int64_t lanes, units, dv_pad;
    int64_t group; /* query tiles at a time; never changes a bit */
    int64_t keys, values, tiles, size;
    int64_t qt, maximum, tile_size;
} forward_layout;

static forward_layout forward_cut(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    forward_layout l = {.lanes = round_up(s->q_tile, FORWARD_PAD),
                        .units = units_of(round_up(p->d_qk, FORWARD_TERMS)),
                        .dv_pad = round_up(p->d_v, FORWARD_PAD)};
    l.qt = l.lanes * l.dv_pad;
    l.maximum = l.qt + l.units * l.lanes;
    l.tile_size = round_up(l.maximum + 3 * l.lanes, VL);
    const int64_t share = p->batch * p->q_heads * s->q_tiles / (FORWARD_TURNS * threads);
    l.group = least(least(FORWARD_GROUP, FORWARD_GROUP_FLOATS / l.tile_size), share);
    l.group = l.group < 1 ? 1 : l.group;
    l.keys = FORWARD_K_TILE * l.lanes;
    l.values = l.keys + FORWARD_K_TILE * lanes_of(l.units);
    l.tiles = l.values + FORWARD_K_TILE * l.dv_pad;
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
    float
        *st;  /* scores, [FORWARD_K_TILE] vectors of queries, then probabilities by units of keys */
    unit *qt; /* [units][lanes] queries */
    float *o; /* [lanes][dv_pad] or, on tiles, [dv_pad][lanes] outputs, not yet divided */
    float *maximum; /* [lanes] what the exponents of 2 are reduced by */
    float *sum;     /* [lanes] running sum of the probabilities */
    float *factor;  /* [lanes] what a correction or the end multiplies o with */
    operand_rows k, v;
    int64_t kv_len, lanes, units, dv_pad, rows;
    score_scale scale;
} forward_tile;

/* The queries of tile number `tile` of head h of sequence b, nothing visited yet. */
static void begin_tile(forward_tile *t, const mas_attn_problem *p, const mas_schedule *s,
                       const mas_attn_args *args, int64_t b, int64_t h, int64_t tile)
{
    const int64_t g = h / (p->q_heads / p->kv_heads), first = tile * s->q_tile;
    const int64_t units = units_of(p->d_qk);
    t->rows = least(s->q_tile, s->q_len - first);
    t->k.at = view_row(&args->k, p->dtype, b, g, 0);
    t->v.at = view_row(&args->v, p->dtype, b, g, 0);
    rows_to_lanes(t->qt, t->lanes, p->dtype, view_row(&args->q, p->dtype, b, h, first), args->q.row,
                  t->rows, p->d_qk, p->scale < 0);
    memset(t->qt + units * t->lanes, 0, (size_t)((t->units - units) * t->lanes) * sizeof(unit));
    memset(t->o, 0, (size_t)(t->lanes * t->dv_pad) * sizeof(float));
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->maximum + at, vset1(-INFINITY));
        vstore(t->sum + at, vzero());
    }
}

#endif
