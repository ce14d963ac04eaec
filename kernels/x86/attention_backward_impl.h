/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward, over any span schedule: one pass, five matrix products per tile.
 * Probabilities are made again from the scores and the forward's log-sum-exp. Included once per
 * instruction set and unit, after what visits a tile: attention_backward_tile.h (on vectors) or
 * attention_backward_tiles.h (on matrix tiles).
 *
 * Groups of query tiles are outermost: their dQ stay local, dK and dV gather in a buffer per unit of
 * work. A key tile's K, V, dK and dV come from a far cache once a group; sums are added in the same order as
 * tile by tile. A unit is one slice of the query tiles of one (sequence, kv head), all query heads of
 * the group in order. Slices exist only where there are too few heads to keep a machine busy; they
 * are cut by the schedule, never by the number of threads, and their buffers are added up in order,
 * so that results do not depend on threads. A slice's buffer spans the keys that the slice sees:
 * memory stays linear in the length. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_IMPL_H
#define MASBENCH_X86_ATTENTION_BACKWARD_IMPL_H

#include "kernels/x86/attention_cursor.h"

#include <omp.h>
#include <string.h>

/* -sum of exp(sink - lse) * delta over the rows that see a key. */
static float sink_gradient(const backward_tile *t, float sink)
{
    vec sum = vzero();
    for (int64_t at = 0; at < t->lanes; at += VL) {
        const vec share = vexp(vsub(vset1(sink), vload(t->lse + at)));
        const vec part = vmul(share, vload(t->delta + at));
        sum = vsub(sum, vselect(vless(vzero(), vload(t->seen + at)), part, vzero()));
    }
    return vsum(sum);
}

/* The sums of a tile of keys start from 0, unless they have started: just before the first products, so that they
 * are near then. */
static void begin_keys(const backward_tile *t, unsigned char *touched, int64_t k0)
{
    const int64_t at = k0 - t->key_begin;
    if (touched[at / BACKWARD_K_TILE])
        return;
    touched[at / BACKWARD_K_TILE] = 1;
    memset(t->dk + at * t->d_pad, 0, (size_t)(BACKWARD_K_TILE * t->d_pad) * sizeof(float));
    memset(t->dv + at * t->dv_pad, 0, (size_t)(BACKWARD_K_TILE * t->dv_pad) * sizeof(float));
}

static void visit_next(backward_tile *t, visit_cursor *c, const mas_schedule *s,
                       const backward_chunk *keys)
{
    const mas_span span = s->q_spans[c->span];
    const int64_t k0 = (span.first + c->n) * s->k_tile;
    if (span.pattern == MAS_SPAN_WHOLE)
        backward_whole_tile(t, k0, keys);
    else
        backward_partial_tile(t, k0, keys, mas_schedule_pattern(s, span.pattern), s->q_tile);
    cursor_advance(c, s);
}

/* `count` query tiles of one head, from `tile` on; returns the tiles visited. Each key tile is visited
 * by all of them before the next one. */
static int64_t backward_query_tiles(backward_tile *group, int64_t count, const mas_attn_problem *p,
                                    const mas_schedule *s, const mas_attn_args *args, int64_t b,
                                    int64_t h, int64_t tile, unsigned char *touched, float *sinks)
{
    visit_cursor cursor[BACKWARD_GROUP_MAX];
    int64_t visited = 0;
    for (int64_t i = 0; i < count; i++) {
        backward_tile *t = &group[i];
        const int64_t first = (tile + i) * s->q_tile;
        t->rows = least(s->q_tile, s->q_len - first);
        t->q_rows = operand_of(p, &args->q, p->d_qk, b, h, first, NULL);
        t->o_rows = operand_of(p, &args->o, p->d_v, b, h, first, NULL);
        t->d_o_rows = operand_of(p, &args->d_o, p->d_v, b, h, first, NULL);
        load_tile(t, args->lse + (b * p->q_heads + h) * p->q_len + first);
        cursor[i] = cursor_of(s, tile + i);
    }
    for (int64_t next; (next = next_of_all(cursor, count, s)) != INT64_MAX;) {
        const backward_chunk keys = load_keys(group, next * s->k_tile);
        begin_keys(group, touched, next * s->k_tile);
        for (int64_t i = 0; i < count; i++)
            if (next_key_tile(&cursor[i], s) == next) {
                visit_next(&group[i], &cursor[i], s, &keys);
                visited++;
            }
    }
    for (int64_t i = 0; i < count; i++) {
        const backward_tile *t = &group[i];
        const int64_t first = (tile + i) * s->q_tile;
        store_queries(t, p->dtype, view_row(&args->d_q, p->dtype, b, h, first), args->d_q.row,
                      p->scale);
        if (p->sinks)
            sinks[(b * p->q_heads + h) * s->q_tiles + tile + i] = sink_gradient(t, args->sinks[h]);
    }
    return visited;
}

/* Keys begin .. end-1 of the outputs, from the slices' sums in order. */
static void write_keys(const backward_layout *l, const float *gather, const mas_view *view,
                       mas_dtype dtype, int64_t b, int64_t g, int64_t dim, bool values,
                       float factor, int64_t begin, int64_t end)
{
    const int64_t pad = values ? l->dv_pad : l->d_pad;
    for (int64_t j = begin; j < end; j++)
        for (int64_t d = 0; d < dim; d += VL) {
            vec sum = vzero();
            for (int32_t i = 0; i < l->slices; i++) {
                const int64_t keys = l->key_end[i] - l->key_begin[i];
                if (j >= l->key_begin[i] && j < l->key_end[i])
                    sum = vadd(sum, vload(gather + l->gather[i] + (values ? keys * l->d_pad : 0) +
                                          (j - l->key_begin[i]) * pad + d));
            }
            vstore_as(dtype, (char *)view_row(view, dtype, b, g, j) + d * element_bytes(dtype),
                      dim - d, vmul(sum, vset1(factor)));
        }
}

/* A tile that shares all but its query side, which lies at `room`. */
static backward_tile backward_place_queries(const backward_tile *shared, const backward_layout *l,
                                            float *room)
{
    backward_tile t = *shared;
    t.q = room;
    t.d_o = room + l->d_o;
    t.qt = room + l->qt;
    t.dot = room + l->dot;
    t.dq = room + l->dq;
    t.lse = room + l->rows;
    t.delta = t.lse + l->lanes;
    t.seen = t.delta + l->lanes;
    return t;
}

static mas_status backward_run(const mas_attn_plan *plan, const mas_attn_args *args,
                               mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const int threads = plan->threads;
    (void)err;
    const backward_layout l = backward_cut(p, s);
    const int64_t group = p->q_heads / p->kv_heads, kv = p->batch * p->kv_heads;
    const int64_t kv_gather = l.gather[l.slices];
    float *gathers = args->workspace;
    float *scratches = gathers + (l.slices > 1 ? kv * kv_gather : 0);
    float *sinks = scratches + threads * l.scratch;
    const bool capped = p->softcap > 0;
    int64_t visited = 0;
#pragma omp parallel num_threads(threads) reduction(+ : visited)
    {
        products_begin();
#pragma omp for schedule(dynamic)
        for (int64_t unit_number = 0; unit_number < kv * l.slices; unit_number++) {
            const int64_t pair = unit_number / l.slices, slice = unit_number % l.slices;
            const int64_t b = pair / p->kv_heads, g = pair % p->kv_heads;
            const int64_t keys = l.key_end[slice] - l.key_begin[slice];
            float *room = scratches + omp_get_thread_num() * l.scratch;
            backward_tile t = {
                .pt = room,
                .dst = room + l.dst,
                .p_rows = room + l.p_rows,
                .ds_rows = room + l.ds_rows,
                .k = operand_of(p, &args->k, p->d_qk, b, g, 0, room + l.k_room),
                .v = operand_of(p, &args->v, p->d_v, b, g, 0, room + l.v_room),
                .k_terms = operand_of(p, &args->k, p->d_qk, b, g, 0, room + l.kt_room),
                .kv_len = p->kv_len,
                .lanes = l.lanes,
                .units = l.units,
                .v_units = l.v_units,
                .d_pad = l.d_pad,
                .dv_pad = l.dv_pad,
                .factor = vset1(p->scale),
                .cap = vset1(p->softcap),
                .capped = capped,
            };
            float *gather =
                l.slices > 1 ? gathers + pair * kv_gather + l.gather[slice] : room + l.own_gather;
            unsigned char *touched = (unsigned char *)(room + l.touched);
            memset(touched, 0, (size_t)(keys / BACKWARD_K_TILE));
            t.dk = gather;
            t.dv = gather + keys * l.d_pad;
            t.key_begin = l.key_begin[slice];
            backward_tile tiles[BACKWARD_GROUP_MAX];
            for (int64_t i = 0; i < l.group; i++)
                tiles[i] = backward_place_queries(&t, &l, room + l.queries + i * l.query_size);
            const int64_t end = l.first_tile[slice + 1];
            for (int64_t h = g * group; h < (g + 1) * group; h++)
                for (int64_t tile = l.first_tile[slice]; tile < end; tile += l.group)
                    visited += backward_query_tiles(tiles, least(l.group, end - tile), p, s, args,
                                                    b, h, tile, touched, sinks);
            for (int64_t key = l.key_begin[slice]; key < l.key_end[slice]; key += BACKWARD_K_TILE)
                begin_keys(&t, touched, key);
            if (l.slices == 1) {
                write_keys(&l, gather, &args->d_k, p->dtype, b, g, p->d_qk, false, p->scale, 0,
                           p->kv_len);
                write_keys(&l, gather, &args->d_v, p->dtype, b, g, p->d_v, true, 1.0f, 0,
                           p->kv_len);
            }
        }
        products_end();
    }
    if (l.slices > 1) {
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t task = 0; task < kv * s->k_tiles; task++) {
            const int64_t pair = task / s->k_tiles, b = pair / p->kv_heads, g = pair % p->kv_heads;
            const int64_t begin = task % s->k_tiles * s->k_tile,
                          end = least(begin + s->k_tile, p->kv_len);
            const float *gather = gathers + pair * kv_gather;
            write_keys(&l, gather, &args->d_k, p->dtype, b, g, p->d_qk, false, p->scale, begin,
                       end);
            write_keys(&l, gather, &args->d_v, p->dtype, b, g, p->d_v, true, 1.0f, begin, end);
        }
    }
    if (p->sinks)
        for (int64_t h = 0; h < p->q_heads; h++) {
            double sum = 0;
            for (int64_t b = 0; b < p->batch; b++)
                for (int64_t tile = 0; tile < s->q_tiles; tile++)
                    sum += (double)sinks[(b * p->q_heads + h) * s->q_tiles + tile];
            args->d_sinks[h] = (float)sum;
        }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
