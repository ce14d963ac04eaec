/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward, fp32, over any span schedule: one pass, five matrix products per tile.
 * Probabilities are made again from the scores and the forward's log-sum-exp. Included once per
 * instruction set; attention_blocks.h has the layout.
 *
 * Tiles of queries are outermost: dQ of the tile stays local, dK and dV gather in a buffer per unit
 * of work. A unit is one slice of the query tiles of one (sequence, kv head), all query heads of
 * the group in order. Slices exist only where there are too few heads to keep a machine busy; they
 * are cut by the schedule, never by the number of threads, and their buffers are added up in order,
 * so that results do not depend on threads. A slice's buffer spans the keys that the slice sees:
 * memory stays linear in the length. */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_IMPL_H
#define MASBENCH_X86_ATTENTION_BACKWARD_IMPL_H

#include "kernels/x86/attention_blocks.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Tiles of 32 to 128 queries by 32 to 256 keys ran within a few percent of these at D = 16 and 64,
 * full and with windows of 32 to 256, and none was better everywhere: README.md has the numbers. */
enum {
    BACKWARD_Q_TILE = 64,
    BACKWARD_K_TILE = 64,
    BACKWARD_CHUNK = 64, /* keys whose P and dS exist at a time */
    BACKWARD_KEY_BLOCK =
        16, /* keys of a partial tile that share one range of queries in the dK, dV products */
    BACKWARD_UNITS = 32, /* units of work below which heads are sliced */
    BACKWARD_SLICES_MAX = 32,
    BACKWARD_SLICE_TILES = 8 /* least query tiles in a slice */
};

/* The cut of a problem into units and of the workspace into parts; sizes in floats. */
typedef struct backward_layout {
    int64_t lanes, d_pad, dv_pad;
    int32_t slices;
    int64_t
        first_tile[BACKWARD_SLICES_MAX + 1]; /* query tiles first_tile[i] .. first_tile[i+1]-1 */
    int64_t key_begin[BACKWARD_SLICES_MAX], key_end[BACKWARD_SLICES_MAX]; /* keys they see */
    int64_t gather[BACKWARD_SLICES_MAX +
                   1]; /* offset of the slice's dK, dV among those of one (sequence, kv head) */
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
                const int64_t stop =
                    least(((int64_t)span.first + span.count) * s->k_tile, p->kv_len);
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
    backward_layout l = {
        .lanes = lanes_of(s->q_tile), .d_pad = lanes_of(p->d_qk), .dv_pad = lanes_of(p->d_v)};
    cut_slices(&l, p, s);
    l.scratch = l.lanes * (2 * l.d_pad + p->d_qk + 2 * l.dv_pad + 3 + 2 * BACKWARD_CHUNK);
    if (l.slices ==
        1) /* gathered in the thread's own buffer, written as soon as the unit is done */
        l.scratch += p->kv_len * (l.d_pad + l.dv_pad);
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

/* Scratch of one thread, and what is constant for the tile at hand. */
typedef struct backward_tile {
    float *q, *d_o;     /* [lanes][d_pad], [lanes][dv_pad] rows, zero past the tensor */
    float *qt, *dot;    /* the same transposed: [D][lanes], [Dv][lanes] */
    float *dqt;         /* [D][lanes] */
    float *pt, *dst;    /* [BACKWARD_CHUNK][lanes] P^T and dS^T */
    float *lse, *delta; /* [lanes] log-sum-exp; rowsum(dO * O) */
    float *seen;        /* [lanes] 1 for rows that see a key */
    float *dk, *dv;     /* [key][d_pad], [key][dv_pad] sums, the first for key `key_begin` */
    int64_t key_begin;
    bool finite; /* no NaN or Inf in q and d_o: 0 * x adds nothing */
    int64_t rows, lanes, d, d_size_v, d_pad, dv_pad;
    const float *k, *v;
    ptrdiff_t k_row, v_row;
    vec factor;  /* scale. A score is rounded like the log-sum-exp was: where one key dominates they
                    are equal */
    vec cap;     /* softcap: s = cap_out * tanh(score * cap) */
    vec cap_out; /* softcap */
    bool capped;
} backward_tile;

/* Dense zero-padded copy of rows. @return no element is NaN or Inf */
static bool copy_rows(float *to, int64_t lanes, int64_t pad, const float *from,
                      ptrdiff_t row_stride, int64_t rows, int64_t dim)
{
    vec odd = vzero(); /* x - x is 0, or NaN */
    for (int64_t r = 0; r < lanes; r++)
        for (int64_t d = 0; d < pad; d += VL) {
            const vec x = r < rows ? vload_first(from + r * row_stride + d, dim - d) : vzero();
            odd = vadd(odd, vsub(x, x));
            vstore(to + r * pad + d, x);
        }
    return vall(vequal(odd, vzero())) != 0;
}

/* rowsum(dO * O) of the vector of queries at `at`, summed in the order of dP = <dO, v>: where a row
 * sees a single key, o is v and the two cancel exactly. */
static vec row_products(const backward_tile *t, const float *o, ptrdiff_t o_row, int64_t at)
{
    vec sum = vzero();
    for (int64_t d0 = 0; d0 < t->d_size_v; d0 += VL) {
        vec block[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            block[i] = at + i < t->rows ? vload_first(o + (at + i) * o_row + d0, t->d_size_v - d0)
                                        : vzero();
        vtranspose(block);
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            if (d0 + i < t->d_size_v)
                sum = vfma(block[i], vload(t->dot + (d0 + i) * t->lanes + at), sum);
    }
    return sum;
}

static void load_tile(backward_tile *t, const mas_attn_args *args, const mas_attn_problem *p,
                      int64_t b, int64_t h, int64_t first)
{
    const bool q_finite =
        copy_rows(t->q, t->lanes, t->d_pad, view_at(&args->q, b, h) + first * args->q.row,
                  args->q.row, t->rows, t->d);
    const bool o_finite =
        copy_rows(t->d_o, t->lanes, t->dv_pad, view_at(&args->d_o, b, h) + first * args->d_o.row,
                  args->d_o.row, t->rows, t->d_size_v);
    t->finite = q_finite && o_finite;
    rows_to_lanes(t->qt, t->lanes, t->q, t->d_pad, t->rows, t->d, 1.0f);
    rows_to_lanes(t->dot, t->lanes, t->d_o, t->dv_pad, t->rows, t->d_size_v, 1.0f);
    memset(t->dqt, 0, (size_t)(t->lanes * t->d) * sizeof(float));
    const float *o = view_at(&args->o, b, h) + first * args->o.row;
    const float *lse = args->lse + (b * p->q_heads + h) * p->q_len + first;
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->delta + at, row_products(t, o, args->o.row, at));
        vstore(t->lse + at, vload_first(lse + at, t->rows - at));
        vstore(t->seen + at, vzero());
    }
}

/* Keys from .. to-1 of S^T and dP^T, in pt and dst, become P^T and dS^T for the vector of queries
 * at `at`. */
SIMD_INLINE void probabilities(const backward_tile *t, const int masked, int64_t at, int64_t from,
                               int64_t to, const lane_mask *mask)
{
    const vec lse = vload(t->lse + at), delta = vload(t->delta + at), one = vset1(1.0f);
    for (int64_t j = from; j < to; j++) {
        float *pt = t->pt + j * t->lanes + at, *dst = t->dst + j * t->lanes + at;
        const vec score = vload(pt);
        vec prob, slope = vsub(vload(dst), delta);
        if (t->capped) {
            const vec bent = vtanh(vmul(score, t->cap));
            prob = vexp(vsub(vmul(bent, t->cap_out), lse));
            slope = vmul(slope, vsub(one, vmul(bent, bent)));
        } else {
            prob = vexp(vsub(vmul(score, t->factor), lse));
        }
        slope = vmul(slope, prob);
        if (masked) {
            const vmask seen = vinside(mask->lo, mask->hi, (int32_t)j);
            prob = vselect(seen, prob, vzero());
            slope = vselect(seen, slope, vzero());
        }
        vstore(pt, prob);
        vstore(dst, slope);
    }
}

static void probabilities_whole(const backward_tile *t, int64_t at, int64_t from, int64_t to)
{
    probabilities(t, 0, at, from, to, NULL);
}

static void probabilities_masked(const backward_tile *t, int64_t at, int64_t from, int64_t to,
                                 const lane_mask *mask)
{
    probabilities(t, 1, at, from, to, mask);
}

/* Scores, probabilities, and dQ^T += K^T dS^T, for nv vectors of queries from lane `at` and the
 * keys from k0; their place in pt and dst starts at row `row`. With a mask, nv is 1. */
static void visit_queries(const backward_tile *tile, int64_t at, int nv, int64_t k0, int64_t keys,
                          int64_t row, const lane_mask *mask)
{
    backward_tile t = *tile;
    t.pt += row * t.lanes;
    t.dst += row * t.lanes;
    const float *k = t.k + k0 * t.k_row, *v = t.v + k0 * t.v_row;
    vec side[NV_MAX] = {vzero()};
    product_scores(nv, keys, t.d, k, t.k_row, t.qt + at, t.lanes, t.pt + at, t.lanes, side);
    product_scores(nv, keys, t.d_size_v, v, t.v_row, t.dot + at, t.lanes, t.dst + at, t.lanes,
                   side);
    for (int i = 0; i < NV_MAX; i++)
        side[i] = vset1(1.0f);
    if (mask) {
        probabilities_masked(&t, at, 0, mask->core_begin, mask);
        probabilities_whole(&t, at, mask->core_begin, mask->core_end);
        probabilities_masked(&t, at, mask->core_end, keys, mask);
        product_values_masked(t.d, keys, k, t.k_row, t.dst + at, t.lanes, t.dqt + at, t.lanes, side,
                              mask);
        return;
    }
    for (int i = 0; i < nv; i++)
        probabilities_whole(&t, at + i * VL, 0, keys);
    product_values(nv, t.d, keys, k, t.k_row, t.dst + at, t.lanes, t.dqt + at, t.lanes, side);
}

/* sums[key][pad] += weights[key][query] rows[query][pad] over queries q0 .. q1-1. */
static void gather_rows(const backward_tile *t, float *sums, int64_t pad, const float *weights,
                        const float *rows, int64_t keys, int64_t q0, int64_t q1)
{
    vec ones[NV_MAX];
    for (int v = 0; v < NV_MAX; v++)
        ones[v] = vset1(1.0f);
    for (int64_t d = 0; d < pad; d += (int64_t)NV_MAX * VL)
        product_gather((int)least(NV_MAX, (pad - d) / VL), keys, q1 - q0, weights + q0, t->lanes,
                       rows + q0 * pad + d, pad, sums + d, pad, ones);
}

/* dV += P^T dO and dK += dS^T Q for keys k0 .. k0+keys-1, held from row `row` of pt and dst. */
static void gather_keys(const backward_tile *t, int64_t k0, int64_t keys, int64_t row, int64_t q0,
                        int64_t q1)
{
    k0 -= t->key_begin;
    gather_rows(t, t->dv + k0 * t->dv_pad, t->dv_pad, t->pt + row * t->lanes, t->d_o, keys, q0, q1);
    gather_rows(t, t->dk + k0 * t->d_pad, t->d_pad, t->dst + row * t->lanes, t->q, keys, q0, q1);
}

/* The same pair by pair, touching only visible ones: for a tile with NaN or Inf in q or d_o. */
static void gather_pairs(const backward_tile *t, int64_t k0, int64_t begin, int64_t end,
                         const mas_row_span *spans)
{
    k0 -= t->key_begin;
    for (int64_t j = begin; j < end; j++)
        for (int64_t r = 0; r < t->rows; r++) {
            if (j < spans[r].lo || j >= spans[r].hi)
                continue;
            const vec prob = vset1(t->pt[(j - begin) * t->lanes + r]);
            const vec slope = vset1(t->dst[(j - begin) * t->lanes + r]);
            float *dv = t->dv + (k0 + j) * t->dv_pad, *dk = t->dk + (k0 + j) * t->d_pad;
            for (int64_t d = 0; d < t->dv_pad; d += VL)
                vstore(dv + d, vfma(prob, vload(t->d_o + r * t->dv_pad + d), vload(dv + d)));
            for (int64_t d = 0; d < t->d_pad; d += VL)
                vstore(dk + d, vfma(slope, vload(t->q + r * t->d_pad + d), vload(dk + d)));
        }
}

static void backward_whole_tile(const backward_tile *t, int64_t k0, int64_t keys)
{
    for (int64_t j = 0; j < keys; j += BACKWARD_CHUNK) {
        const int64_t count = least(BACKWARD_CHUNK, keys - j);
        for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
            visit_queries(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), k0 + j, count, 0, NULL);
        gather_keys(t, k0 + j, count, 0, 0, t->rows);
    }
    for (int64_t r = 0; r < t->rows; r++)
        t->seen[r] = 1.0f;
}

/* Keys that some row of the vector of queries at `at` sees. */
static vmask vector_interval(const mas_row_span *spans, int64_t q_tile, int64_t at, ivec *lo,
                             ivec *hi, int32_t *begin, int32_t *end)
{
    vload_intervals(spans + at, q_tile - at, lo, hi);
    return vinterval_hull(*lo, *hi, begin, end);
}

/* Keys begin .. end-1 (at most a chunk) of a partial tile. */
static void backward_partial_chunk(const backward_tile *t, int64_t k0, int32_t begin, int32_t end,
                                   const mas_row_span *spans, int64_t q_tile)
{
    for (int64_t at = 0; at < t->lanes; at += VL) {
        ivec lo, hi;
        int32_t first, last;
        vector_interval(spans, q_tile, at, &lo, &hi, &first, &last);
        first = first < begin ? begin : first;
        last = last > end ? end : last;
        last = last < first ? first : last;
        for (int32_t j = begin; j < end; j++) /* what no row of this vector sees */
            if (j < first || j >= last) {
                vstore(t->pt + (j - begin) * t->lanes + at, vzero());
                vstore(t->dst + (j - begin) * t->lanes + at, vzero());
            }
        if (first == last)
            continue;
        const lane_mask mask = mask_part(lo, hi, first, last);
        visit_queries(t, at, 1, k0 + first, last - first, first - begin, &mask);
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

static void backward_partial_tile(const backward_tile *t, int64_t k0, const mas_row_span *spans,
                                  int64_t q_tile)
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
    for (int32_t j = begin; j < end; j += BACKWARD_CHUNK)
        backward_partial_chunk(t, k0, j, (int32_t)least(end, j + BACKWARD_CHUNK), spans, q_tile);
}

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

/* One query tile of one head; returns the tiles visited. */
static int64_t backward_query_tile(backward_tile *t, const mas_attn_problem *p,
                                   const mas_schedule *s, const mas_attn_args *args, int64_t b,
                                   int64_t h, int64_t tile, float *sinks)
{
    const int64_t first = tile * s->q_tile;
    int64_t visited = 0;
    t->rows = least(s->q_tile, s->q_len - first);
    load_tile(t, args, p, b, h, first);
    for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++) {
        const mas_span span = s->q_spans[i];
        for (int64_t n = 0; n < span.count; n++) {
            const int64_t k0 = (span.first + n) * s->k_tile;
            if (span.pattern == MAS_SPAN_WHOLE)
                backward_whole_tile(t, k0, s->k_tile);
            else
                backward_partial_tile(t, k0, mas_schedule_pattern(s, span.pattern), s->q_tile);
            visited++;
        }
    }
    float *d_q = view_at(&args->d_q, b, h) + first * args->d_q.row;
    for (int64_t at = 0; at < t->rows; at += VL)
        lanes_to_rows(d_q, args->d_q.row, t->dqt, t->lanes, at, t->rows, t->d, vset1(p->scale));
    if (p->sinks)
        sinks[(b * p->q_heads + h) * s->q_tiles + tile] = sink_gradient(t, args->sinks[h]);
    return visited;
}

/* Keys begin .. end-1 of the outputs, from the slices' sums in order. */
static void write_keys(const backward_layout *l, const float *gather, const mas_view *view,
                       int64_t b, int64_t g, int64_t dim, bool values, float factor, int64_t begin,
                       int64_t end)
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
            vstore_first(view_at(view, b, g) + j * view->row + d, dim - d,
                         vmul(sum, vset1(factor)));
        }
}

static mas_status backward_run(const mas_attn_problem *p, const mas_schedule *s, int threads,
                               const mas_attn_args *args, mas_attn_counts *counts, mas_error *err)
{
    (void)err;
    const backward_layout l = backward_cut(p, s);
    const int64_t group = p->q_heads / p->kv_heads, kv = p->batch * p->kv_heads;
    const int64_t kv_gather = l.gather[l.slices];
    float *gathers = args->workspace;
    float *scratches = gathers + (l.slices > 1 ? kv * kv_gather : 0);
    float *sinks = scratches + threads * l.scratch;
    const bool capped = p->softcap > 0;
    int64_t visited = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : visited)
    for (int64_t unit = 0; unit < kv * l.slices; unit++) {
        const int64_t b = unit / l.slices / p->kv_heads, g = unit / l.slices % p->kv_heads,
                      slice = unit % l.slices;
        const int64_t keys = l.key_end[slice] - l.key_begin[slice];
        float *room = scratches + omp_get_thread_num() * l.scratch;
        backward_tile t = {
            .lanes = l.lanes,
            .d = p->d_qk,
            .d_size_v = p->d_v,
            .d_pad = l.d_pad,
            .dv_pad = l.dv_pad,
            .k = view_at(&args->k, b, g),
            .v = view_at(&args->v, b, g),
            .k_row = args->k.row,
            .v_row = args->v.row,
            .factor = vset1(p->scale),
            .cap = vset1(capped ? p->scale / p->softcap : 0.0f),
            .cap_out = vset1(p->softcap),
            .capped = capped,
        };
        t.q = room;
        t.d_o = t.q + l.lanes * l.d_pad;
        t.qt = t.d_o + l.lanes * l.dv_pad;
        t.dot = t.qt + l.lanes * l.d_pad;
        t.dqt = t.dot + l.lanes * l.dv_pad;
        t.pt = t.dqt + l.lanes * p->d_qk;
        t.dst = t.pt + l.lanes * BACKWARD_CHUNK;
        t.lse = t.dst + l.lanes * BACKWARD_CHUNK;
        t.delta = t.lse + l.lanes;
        t.seen = t.delta + l.lanes;
        float *gather = l.slices > 1 ? gathers + (unit / l.slices) * kv_gather + l.gather[slice]
                                     : t.seen + l.lanes;
        memset(gather, 0, (size_t)(keys * (l.d_pad + l.dv_pad)) * sizeof(float));
        t.dk = gather;
        t.dv = gather + keys * l.d_pad;
        t.key_begin = l.key_begin[slice];
        for (int64_t h = g * group; h < (g + 1) * group; h++)
            for (int64_t tile = l.first_tile[slice]; tile < l.first_tile[slice + 1]; tile++)
                visited += backward_query_tile(&t, p, s, args, b, h, tile, sinks);
        if (l.slices == 1) {
            write_keys(&l, gather, &args->d_k, b, g, p->d_qk, false, p->scale, 0, p->kv_len);
            write_keys(&l, gather, &args->d_v, b, g, p->d_v, true, 1.0f, 0, p->kv_len);
        }
    }
    if (l.slices > 1) {
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t task = 0; task < kv * s->k_tiles; task++) {
            const int64_t pair = task / s->k_tiles, b = pair / p->kv_heads, g = pair % p->kv_heads;
            const int64_t begin = task % s->k_tiles * s->k_tile,
                          end = least(begin + s->k_tile, p->kv_len);
            const float *gather = gathers + pair * kv_gather;
            write_keys(&l, gather, &args->d_k, b, g, p->d_qk, false, p->scale, begin, end);
            write_keys(&l, gather, &args->d_v, b, g, p->d_v, true, 1.0f, begin, end);
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
