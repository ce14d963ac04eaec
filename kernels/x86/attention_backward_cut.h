/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward: how a problem is cut into units of work and the workspace into parts.
 * By shape and schedule alone, never by the number of threads. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_CUT_H
#define MASBENCH_X86_ATTENTION_BACKWARD_CUT_H

#include "kernels/x86/attention_rows.h"

/* Tiles of 32 to 128 queries by 32 to 256 keys ran within a few percent of these at D = 16 and 64,
 * full and with windows of 32 to 256, and none was better everywhere: README.md has the numbers. */
enum {
    BACKWARD_Q_TILE = 64,
    BACKWARD_K_TILE = 64,               /* also the keys whose P and dS exist at a time */
    BACKWARD_GROUP_MAX = 8,             /* query tiles that visit a key tile one after the other, */
    BACKWARD_GROUP_FLOATS = 168 * 1024, /* if they fit so much of the cache next to the core */
    BACKWARD_CHAIN = 32, /* terms of dQ that are summed before they join the total: dS sums to 0
                            over a row, so that what is left of them may be small */
    BACKWARD_KEY_BLOCK =
        16, /* keys of a partial tile that share one range of queries in the dK, dV products */
    BACKWARD_UNITS = 32, /* units of work below which heads are sliced */
    BACKWARD_SLICES_MAX = 32,
    BACKWARD_SLICE_TILES = 8 /* least query tiles in a slice */
};

/* The cut of a problem into units and of the workspace into parts; sizes in floats. */
typedef struct backward_layout {
    int64_t lanes, d_pad, dv_pad, units, v_units;
    int64_t group; /* query tiles at a time; never changes a bit */
    int64_t d_o, qt, dot, dq, rows,
        query_size; /* parts of the query side of one tile; q is first */
    /* parts of one thread's scratch; pt is first */
    int64_t dst, p_rows, ds_rows, k_room, kt_room, v_room, queries, own_gather;
    int32_t slices;
    int64_t
        first_tile[BACKWARD_SLICES_MAX + 1]; /* query tiles first_tile[i] .. first_tile[i+1]-1 */
    int64_t key_begin[BACKWARD_SLICES_MAX], key_end[BACKWARD_SLICES_MAX]; /* whole tiles of the
        keys that they see */
    int64_t gather[BACKWARD_SLICES_MAX +
                   1]; /* offset of the slice's dK, dV among those of one (sequence, kv head) */
    int64_t touched;   /* in one thread's scratch: a byte for each tile of keys that a slice sees */
    int64_t scratch;   /* one thread's */
    int64_t sinks;     /* partial sums of d_sinks, one per (sequence, query head, query tile) */
} backward_layout;

static int64_t tile_visits(const mas_schedule *s, int64_t tile)
{
    int64_t visits = 0;
    for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++)
        visits += s->q_spans[i].count;
    return visits;
}

/* Slices of about equal numbers of tile visits. */
static void cut_slices(backward_layout *l, const mas_attn_problem *p, const mas_schedule *s)
{
    const int64_t heads = p->batch * p->kv_heads;
    int64_t slices = least((BACKWARD_UNITS + heads - 1) / heads, s->q_tiles / BACKWARD_SLICE_TILES);
    slices = slices < 1 ? 1 : least(slices, BACKWARD_SLICES_MAX);
    l->slices = (int32_t)slices;
    int64_t tile = 0, visits = 0;
    for (int64_t i = 0; i < slices; i++) {
        l->first_tile[i] = tile;
        int64_t begin = p->kv_len, end = 0;
        while (tile < s->q_tiles && (i + 1 == slices || visits < s->tiles * (i + 1) / slices)) {
            for (size_t n = s->q_start[tile]; n < s->q_start[tile + 1]; n++) {
                const mas_span span = s->q_spans[n];
                begin = least(begin, (int64_t)span.first * s->k_tile);
                const int64_t stop = ((int64_t)span.first + span.count) * s->k_tile;
                end = end < stop ? stop : end;
            }
            visits += tile_visits(s, tile);
            tile++;
        }
        l->key_begin[i] = least(begin, end);
        l->key_end[i] = end;
        l->gather[i + 1] = l->gather[i] + (end - l->key_begin[i]) * (l->d_pad + l->dv_pad);
    }
    l->first_tile[slices] = s->q_tiles;
}

static backward_layout backward_cut(const mas_attn_problem *p, const mas_schedule *s)
{
    backward_layout l = {.lanes = round_up(s->q_tile, BACKWARD_PAD),
                         .d_pad = round_up(p->d_qk, BACKWARD_PAD),
                         .dv_pad = round_up(p->d_v, BACKWARD_PAD)};
    cut_slices(&l, p, s);
    l.units = units_of(round_up(p->d_qk, BACKWARD_TERMS));
    l.v_units = units_of(round_up(p->d_v, BACKWARD_TERMS));
    const int64_t weights = l.lanes * BACKWARD_K_TILE, key_room = BACKWARD_K_TILE * l.d_pad;
    l.d_o = l.lanes * l.d_pad;
    l.qt = l.d_o + l.lanes * l.dv_pad;
    l.dot = l.qt + l.lanes * l.units;
    l.dq = l.dot + l.lanes * l.v_units;
    l.rows = l.dq + l.lanes * l.d_pad;
    l.query_size = round_up(l.rows + 3 * l.lanes, VL);
    l.group = least(BACKWARD_GROUP_MAX, BACKWARD_GROUP_FLOATS / l.query_size);
    l.group = l.group < 1 ? 1 : l.group;
    l.dst = weights;
    l.p_rows = UNIT_TERMS > 1 ? l.dst + weights : 0;
    l.ds_rows = UNIT_TERMS > 1 ? l.p_rows + weights / UNIT_TERMS : l.dst;
    l.k_room = l.ds_rows + (UNIT_TERMS > 1 ? weights / UNIT_TERMS : weights);
    l.kt_room = l.k_room + key_room;
    l.v_room = l.kt_room + key_room;
    l.queries = l.v_room + BACKWARD_K_TILE * l.dv_pad;
    l.own_gather = l.queries + l.group * l.query_size;
    l.touched = l.own_gather;
    l.own_gather += round_up(s->k_tiles, 64) / (int64_t)sizeof(float);
    l.scratch = l.own_gather;
    if (l.slices ==
        1) /* gathered in the thread's own buffer, written as soon as the unit is done */
        l.scratch += round_up(p->kv_len, BACKWARD_K_TILE) * (l.d_pad + l.dv_pad);
    l.scratch = round_up(l.scratch, 16);
    l.sinks = p->sinks ? round_up(p->batch * p->q_heads * s->q_tiles, 16) : 0;
    return l;
}

static size_t backward_workspace_bytes(const mas_attn_problem *p, const mas_schedule *s,
                                       int threads)
{
    const backward_layout l = backward_cut(p, s);
    const int64_t gather = l.slices > 1 ? p->batch * p->kv_heads * l.gather[l.slices] : 0;
    return (size_t)(gather + threads * l.scratch + l.sinks) * sizeof(float);
}

static void backward_tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = (int32_t)least(BACKWARD_Q_TILE, p->q_len);
    *k_tile = BACKWARD_K_TILE;
}

#endif
