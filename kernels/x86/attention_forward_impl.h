/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, forward, fp32, over any span schedule (Dao et al., 2205.14135 and 2307.08691:
 * tiles and a running maximum). Included once per instruction set; attention_blocks.h has the
 * layout.
 *
 * One task is one tile of queries of one head. Its queries sit in lanes, in groups of up to NV_MAX
 * vectors. Whole tiles take the group at once. In a partial tile each vector of queries goes alone
 * and visits only the keys that at least one of its lanes sees, so a causal or window edge is cut
 * to VL queries whatever the tile; masked scores are replaced by 0 probability and masked values
 * stay out by a masked multiply-add. */
#ifndef MASBENCH_X86_ATTENTION_FORWARD_IMPL_H
#define MASBENCH_X86_ATTENTION_FORWARD_IMPL_H

#include "kernels/x86/attention_blocks.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Tiles of 32 to 128 queries by 32 to 256 keys ran within a few percent of these at D = 16 and 64,
 * full and with windows of 32 to 256, and none was better everywhere: README.md has the numbers. */
enum {
    FORWARD_Q_TILE = 64,
    FORWARD_K_TILE = 64,
    FORWARD_CHUNK = 64 /* keys between two corrections of the output */
};

/* Scratch of one thread, and what is constant for the tile at hand. */
typedef struct forward_tile {
    float *qt;      /* [D][lanes] queries */
    float *ot;      /* [Dv][lanes] outputs, not yet divided */
    float *st;      /* [FORWARD_CHUNK][NV_MAX * VL] scores, then probabilities */
    float *maximum; /* [lanes] running maximum of the scores, times log2 e */
    float *sum;     /* [lanes] running sum of the probabilities */
    int64_t lanes;
    const float *k, *v;
    ptrdiff_t k_row, v_row;
    int64_t d, dv;
    vec factor;  /* score -> exponent of 2 */
    vec cap;     /* softcap: s = cap_out * tanh(score * cap) */
    vec cap_out; /* softcap * log2 e */
    bool capped;
} forward_tile;

static size_t forward_scratch_floats(const mas_attn_problem *p, const mas_schedule *s)
{
    const size_t lanes = (size_t)lanes_of(s->q_tile);
    return lanes * ((size_t)p->d_qk + (size_t)p->d_v + 2) + (size_t)FORWARD_CHUNK * NV_MAX * VL;
}

static size_t forward_workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    return (size_t)threads * (size_t)round_up((int64_t)forward_scratch_floats(p, s), 16) *
           sizeof(float);
}

static void forward_tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = (int32_t)least(FORWARD_Q_TILE, p->q_len);
    *k_tile = FORWARD_K_TILE;
}

/* Softcapped scores in place, as exponents of 2. */
static void cap_scores(const forward_tile *t, float *st, ptrdiff_t ld, int64_t keys)
{
    for (int64_t j = 0; j < keys; j++)
        vstore(st + j * ld, vmul(vtanh(vmul(vload(st + j * ld), t->cap)), t->cap_out));
}

/* The running maximum moves to `seen` (exponents of 2). A row that has seen nothing keeps -inf, and
 * subtracts 0.
 * @return what to subtract from the exponents; *correction scales what was summed under the old
 * maximum. */
static inline vec raise_maximum(float *maximum, vec seen, vec *correction)
{
    const vec before = vload(maximum);
    const vec now = vmax(seen, before);
    const vec safe = vselect(vequal(now, vset1(-INFINITY)), vzero(), now);
    vstore(maximum, now);
    *correction = vexp2(vsub(before, safe));
    return safe;
}

/* Keys k0 .. k0+keys-1 for nv vectors of queries from lane `at`, no mask. */
static void visit_whole(const forward_tile *t, int64_t at, int nv, int64_t k0, int64_t keys)
{
    const ptrdiff_t ld = (ptrdiff_t)nv * VL;
    const vec factor = t->capped ? vset1(1.0f) : t->factor;
    vec side[NV_MAX];
    for (int v = 0; v < nv; v++)
        side[v] = vset1(-INFINITY);
    product_scores(nv, keys, t->d, t->k + k0 * t->k_row, t->k_row, t->qt + at, t->lanes, t->st, ld,
                   side);
    for (int v = 0; v < nv; v++) {
        float *st = t->st + (ptrdiff_t)v * VL;
        if (t->capped) {
            cap_scores(t, st, ld, keys);
            side[v] = vset1(-INFINITY);
            for (int64_t j = 0; j < keys; j++)
                side[v] = vmax(vload(st + j * ld), side[v]);
        }
        vec correction;
        const vec shift = vsub(
            vzero(), raise_maximum(t->maximum + at + v * VL, vmul(side[v], factor), &correction));
        vec total = vzero();
        for (int64_t j = 0; j < keys; j++) {
            const vec prob = vexp2(vfma(vload(st + j * ld), factor, shift));
            vstore(st + j * ld, prob);
            total = vadd(total, prob);
        }
        float *sum = t->sum + at + v * VL;
        vstore(sum, vfma(vload(sum), correction, total));
        side[v] = correction;
    }
    product_values(nv, t->dv, keys, t->v + k0 * t->v_row, t->v_row, t->st, ld, t->ot + at, t->lanes,
                   side);
}

/* Maxima of scores, and probabilities with their sums, of the keys from .. to-1 of one vector of
 * queries. */
SIMD_INLINE vec masked_maximum(const float *st, const int masked, int64_t from, int64_t to,
                               const lane_mask *mask, vec seen)
{
    for (int64_t j = from; j < to; j++) {
        const vec score = vload(st + j * VL);
        seen = vmax(masked ? vselect(vinside(mask->lo, mask->hi, (int32_t)j), score, seen) : score,
                    seen);
    }
    return seen;
}

SIMD_INLINE vec masked_probabilities(float *st, const int masked, int64_t from, int64_t to,
                                     const lane_mask *mask, vec factor, vec shift, vec total)
{
    for (int64_t j = from; j < to; j++) {
        vec prob = vexp2(vfma(vload(st + j * VL), factor, shift));
        if (masked)
            prob = vselect(vinside(mask->lo, mask->hi, (int32_t)j), prob, vzero());
        vstore(st + j * VL, prob);
        total = vadd(total, prob);
    }
    return total;
}

/* The same as visit_whole for one vector of queries under a mask. */
static void visit_masked(const forward_tile *t, int64_t at, int64_t k0, int64_t keys,
                         const lane_mask *mask)
{
    const vec factor = t->capped ? vset1(1.0f) : t->factor;
    const int64_t c0 = mask->core_begin, c1 = mask->core_end;
    float *st = t->st;
    vec seen = vset1(-INFINITY), correction;
    product_scores(1, keys, t->d, t->k + k0 * t->k_row, t->k_row, t->qt + at, t->lanes, st, VL,
                   &seen);
    if (t->capped)
        cap_scores(t, st, VL, keys);
    seen = masked_maximum(st, 1, 0, c0, mask, vset1(-INFINITY));
    seen = masked_maximum(st, 0, c0, c1, mask, seen);
    seen = masked_maximum(st, 1, c1, keys, mask, seen);
    const vec shift =
        vsub(vzero(), raise_maximum(t->maximum + at, vmul(seen, factor), &correction));
    vec total = masked_probabilities(st, 1, 0, c0, mask, factor, shift, vzero());
    total = masked_probabilities(st, 0, c0, c1, mask, factor, shift, total);
    total = masked_probabilities(st, 1, c1, keys, mask, factor, shift, total);
    vstore(t->sum + at, vfma(vload(t->sum + at), correction, total));
    product_values_masked(t->dv, keys, t->v + k0 * t->v_row, t->v_row, st, VL, t->ot + at, t->lanes,
                          &correction, mask);
}

static void visit_whole_tile(const forward_tile *t, int64_t k0, int64_t keys)
{
    for (int64_t j = 0; j < keys; j += FORWARD_CHUNK) {
        const int64_t count = least(FORWARD_CHUNK, keys - j);
        for (int64_t at = 0; at < t->lanes; at += (int64_t)NV_MAX * VL)
            visit_whole(t, at, (int)least(NV_MAX, (t->lanes - at) / VL), k0 + j, count);
    }
}

static void visit_partial_tile(const forward_tile *t, int64_t k0, const mas_row_span *rows,
                               int64_t q_tile)
{
    for (int64_t at = 0; at < t->lanes; at += VL) {
        ivec lo, hi;
        int32_t begin, end;
        vload_intervals(rows + at, q_tile - at, &lo, &hi);
        vinterval_hull(lo, hi, &begin, &end);
        for (int32_t j = begin; j < end; j += FORWARD_CHUNK) {
            const int32_t stop = (int32_t)least(end, j + FORWARD_CHUNK);
            const lane_mask mask = mask_part(lo, hi, j, stop);
            if (mask.core_end - mask.core_begin == stop - j)
                visit_whole(t, at, 1, k0 + j, stop - j);
            else
                visit_masked(t, at, k0 + j, stop - j, &mask);
        }
    }
}

/* Divide, add the sink, write rows and log-sum-exp. */
static void finish_tile(const forward_tile *t, float *o, ptrdiff_t o_row, float *lse, int64_t rows,
                        const float *sink)
{
    for (int64_t at = 0; at < rows; at += VL) {
        vec maximum = vload(t->maximum + at), sum = vload(t->sum + at), correction = vset1(1.0f);
        const vmask empty = vequal(maximum, vset1(-INFINITY));
        if (sink) {
            const vec exponent = vset1(*sink * LOG2_E);
            const vec safe = raise_maximum(t->maximum + at, exponent, &correction);
            maximum = safe;
            sum = vfma(sum, correction, vexp2(vsub(exponent, safe)));
        }
        const vec lse_seen =
            vfma(maximum, vset1(LN_2_HIGH), vfma(maximum, vset1(LN_2_LOW), vlog(sum)));
        const vec nothing = vset1(sink ? *sink : -INFINITY);
        if (lse)
            vstore_first(lse + at, rows - at, vselect(empty, nothing, lse_seen));
        const vec factor = vselect(empty, vzero(), vdiv(correction, sum));
        lanes_to_rows(o, o_row, t->ot, t->lanes, at, rows, t->dv, factor);
    }
}

static mas_status forward_run(const mas_attn_problem *p, const mas_schedule *s, int threads,
                              const mas_attn_args *args, mas_attn_counts *counts, mas_error *err)
{
    (void)err;
    const int64_t heads = p->batch * p->q_heads, tasks = heads * s->q_tiles;
    const size_t scratch = (size_t)round_up((int64_t)forward_scratch_floats(p, s), 16);
    const bool capped = p->softcap > 0;
    int64_t visited = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : visited)
    for (int64_t task = 0; task < tasks; task++) {
        /* late tiles first: under a causal mask they are the long ones */
        const int64_t head = task / s->q_tiles, tile = s->q_tiles - 1 - task % s->q_tiles;
        const int64_t b = head / p->q_heads, h = head % p->q_heads,
                      g = h / (p->q_heads / p->kv_heads);
        const int64_t first = tile * s->q_tile, rows = least(s->q_tile, s->q_len - first);
        const int64_t lanes = lanes_of(s->q_tile);
        float *room = (float *)args->workspace + (size_t)omp_get_thread_num() * scratch;
        const forward_tile t = {
            .st = room,
            .qt = room + FORWARD_CHUNK * NV_MAX * VL,
            .ot = room + FORWARD_CHUNK * NV_MAX * VL + lanes * p->d_qk,
            .maximum = room + FORWARD_CHUNK * NV_MAX * VL + lanes * (p->d_qk + p->d_v),
            .sum = room + FORWARD_CHUNK * NV_MAX * VL + lanes * (p->d_qk + p->d_v + 1),
            .lanes = lanes,
            .k = view_at(&args->k, b, g),
            .v = view_at(&args->v, b, g),
            .k_row = args->k.row,
            .v_row = args->v.row,
            .d = p->d_qk,
            .dv = p->d_v,
            .factor = vset1(fabsf(p->scale) * LOG2_E),
            .cap = vset1(capped ? fabsf(p->scale) / p->softcap : 0.0f),
            .cap_out = vset1(p->softcap * LOG2_E),
            .capped = capped,
        };
        rows_to_lanes(t.qt, lanes, view_at(&args->q, b, h) + first * args->q.row, args->q.row, rows,
                      p->d_qk, p->scale < 0 ? -1.0f : 1.0f);
        memset(t.ot, 0, (size_t)(lanes * p->d_v) * sizeof(float));
        for (int64_t at = 0; at < lanes; at += VL) {
            vstore(t.maximum + at, vset1(-INFINITY));
            vstore(t.sum + at, vzero());
        }
        for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++) {
            const mas_span span = s->q_spans[i];
            for (int64_t n = 0; n < span.count; n++) {
                const int64_t k0 = (span.first + n) * s->k_tile;
                if (span.pattern == MAS_SPAN_WHOLE)
                    visit_whole_tile(&t, k0, s->k_tile);
                else
                    visit_partial_tile(&t, k0, mas_schedule_pattern(s, span.pattern), s->q_tile);
                visited++;
            }
        }
        finish_tile(&t, view_at(&args->o, b, h) + first * args->o.row, args->o.row,
                    args->lse ? args->lse + head * p->q_len + first : NULL, rows,
                    p->sinks ? args->sinks + h : NULL);
    }
    counts->visited_tiles = visited;
    counts->visited_tiles_q = 0;
    return MAS_OK;
}

#endif
