/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, over any span schedule (Dao et al., 2205.14135 and 2307.08691: tiles
 * and a running maximum). Included once per instruction set and unit, after what visits a tile:
 * attention_forward_tile.h (on vectors) or attention_forward_tiles.h (on matrix tiles).
 *
 * A task is a group of query tiles of one head. A tile of keys is made ready once for all of them and is then
 * visited by one after the other: keys and values come from a far cache, and are copied or transposed, once a
 * group. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_IMPL_H
#define MASBENCH_X86_ATTENTION_FORWARD_IMPL_H

#include "kernels/x86/attention_cursor.h"

#include <omp.h>

/* Rows from .. from+rows-1 of keys and values are soon to be loaded. */
static void ask_for_keys(const forward_tile *t, int64_t from, int64_t rows)
{
    const int64_t size = element_bytes(t->k.dtype), line = 64;
    for (int64_t r = from; r < least(from + rows, t->kv_len); r++) {
        for (int64_t at = 0; at < t->k.dim * size; at += line)
            __builtin_prefetch((const char *)operand_row(&t->k, r) + at, 0, 2);
        for (int64_t at = 0; at < t->v.dim * size; at += line)
            __builtin_prefetch((const char *)operand_row(&t->v, r) + at, 0, 2);
    }
}

static void visit_next(const forward_tile *t, visit_cursor *c, const mas_schedule *s,
                       const forward_chunk *keys)
{
    const mas_span span = s->q_spans[c->span];
    if (span.pattern == MAS_SPAN_WHOLE)
        forward_whole_tile(t, keys);
    else
        forward_partial_tile(t, keys, mas_schedule_pattern(s, span.pattern), s->q_tile);
    cursor_advance(c, s);
}

/* `count` tiles of queries of one head, from `first` on; returns the tiles visited. */
static int64_t run_group(forward_tile *group, int64_t count, const mas_attn_problem *p,
                         const mas_schedule *s, const mas_attn_args *args, int64_t head,
                         int64_t first)
{
    const int64_t b = head / p->q_heads, h = head % p->q_heads;
    visit_cursor cursor[FORWARD_GROUP];
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
        store_outputs(t, p->dtype, view_row(&args->o, p->dtype, b, h, row), args->o.row);
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
        .sum = own + l->maximum + l->lanes,
        .factor = own + l->maximum + 2 * l->lanes,
        .k = {.row = args->k.row, .dtype = p->dtype, .dim = p->d_qk, .room = room + l->keys},
        .v = {.row = args->v.row, .dtype = p->dtype, .dim = p->d_v, .room = room + l->values},
        .kv_len = p->kv_len,
        .lanes = l->lanes,
        .units = l->units,
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
        products_begin();
        float *room = (float *)args->workspace + omp_get_thread_num() * l.size;
#pragma omp for schedule(dynamic)
        for (int64_t number = 0; number < heads * groups; number++) {
            /* late tiles first: under a causal mask they are the long ones */
            const int64_t head = number / groups, first = (groups - 1 - number % groups) * l.group;
            forward_tile tiles[FORWARD_GROUP];
            for (int64_t i = 0; i < l.group; i++)
                tiles[i] = place_tile(p, args, &l, room, i);
            visited +=
                run_group(tiles, least(l.group, s->q_tiles - first), p, s, args, head, first);
        }
        products_end();
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
