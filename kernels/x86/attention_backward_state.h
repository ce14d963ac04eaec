/* SPDX-License-Identifier: Apache-2.0 */
/* Flash attention, backward: the state of one query tile, whatever its products are computed with. Included by what
 * visits key tiles, which says before how operands are padded:
 *   BACKWARD_PAD    lanes and elements of a head are padded to a multiple of it
 *   BACKWARD_TERMS  so are the terms of a sum along a head */
#ifndef MASBENCH_X86_ATTENTION_BACKWARD_STATE_H
#define MASBENCH_X86_ATTENTION_BACKWARD_STATE_H

#include "kernels/x86/attention_backward_cut.h"

#include <string.h>

/* Scratch of one thread, and what is constant for the tile at hand. */
typedef struct backward_tile {
    unit *q, *d_o;  /* [lanes / UNIT_TERMS][d_pad], [..][dv_pad]: terms of the sums over
                              queries, zero past the tensor */
    unit *qt, *dot; /* [units][lanes]: the same, queries in lanes */
    float *dq;      /* [lanes][d_pad] */
    float *pt,
        *dst; /* [BACKWARD_K_TILE][lanes] scores and dP; then dst holds dS by units of keys */
    void *p_rows,
        *ds_rows; /* [BACKWARD_K_TILE][lanes] P and dS by weights, for the sums over queries */
    float *lse, *delta; /* [lanes] log-sum-exp; rowsum(dO * O) */
    float *seen;        /* [lanes] 1 for rows that see a key */
    float *dk, *dv;     /* [key][d_pad], [key][dv_pad] sums, the first for key `key_begin` */
    int64_t key_begin;
    operand_rows k, v, k_terms, q_rows, o_rows, d_o_rows;
    bool finite; /* no NaN or Inf in q and d_o: 0 * x adds nothing */
    int64_t kv_len, rows, lanes, units, v_units, d_pad, dv_pad;
    vec factor; /* scale. A score is rounded like the log-sum-exp was: where one key dominates they
                    are equal */
    vec cap; /* softcap: s = cap * tanh(score / cap). The quotient is a division: times 1 / cap, all
                    scores would be off by the rounding of that one number, to the same side */
    bool capped;
} backward_tile;

/* No element is NaN or Inf. */
static inline bool rows_finite(const operand_rows *x, int64_t rows)
{
    vec odd = vzero(); /* x - x is 0, or NaN */
    for (int64_t r = 0; r < rows; r++)
        for (int64_t d = 0; d < x->dim; d += VL) {
            const vec a = operand_elements(x, r, d);
            odd = vadd(odd, vsub(a, a));
        }
    return vall(vequal(odd, vzero())) != 0;
}

/* rowsum(dO * O) of the vector of queries at `at`, summed in the order of dP = <dO, v>: where a row
 * sees a single key, o is v and the two cancel exactly. */
static vec row_products(const backward_tile *t, int64_t at);

/* Query side of a tile whose q_rows, o_rows and d_o_rows are set. */
static void load_tile(backward_tile *t, const float *lse)
{
    const operand_rows *q = &t->q_rows, *d_o = &t->d_o_rows;
    t->finite = rows_finite(q, t->rows) && rows_finite(d_o, t->rows);
    memset(t->q, 0, (size_t)(t->lanes / UNIT_TERMS * t->d_pad) * sizeof(unit));
    memset(t->d_o, 0, (size_t)(t->lanes / UNIT_TERMS * t->dv_pad) * sizeof(unit));
    rows_to_terms(t->q, t->d_pad, q->dtype, q->at, q->row, t->rows, q->dim);
    rows_to_terms(t->d_o, t->dv_pad, d_o->dtype, d_o->at, d_o->row, t->rows, d_o->dim);
    memset(t->qt + units_of(q->dim) * t->lanes, 0,
           (size_t)((t->units - units_of(q->dim)) * t->lanes) * sizeof(unit));
    memset(t->dot + units_of(d_o->dim) * t->lanes, 0,
           (size_t)((t->v_units - units_of(d_o->dim)) * t->lanes) * sizeof(unit));
    rows_to_lanes(t->qt, t->lanes, q->dtype, q->at, q->row, t->rows, q->dim, false);
    rows_to_lanes(t->dot, t->lanes, d_o->dtype, d_o->at, d_o->row, t->rows, d_o->dim, false);
    memset(t->dq, 0, (size_t)(t->lanes * t->d_pad) * sizeof(float));
    for (int64_t at = 0; at < t->lanes; at += VL) {
        vstore(t->delta + at, row_products(t, at));
        vstore(t->lse + at, vload_first(lse + at, t->rows - at));
        vstore(t->seen + at, vzero());
    }
}

/* dV += P^T dO and dK += dS^T Q for the keys begin .. end-1 of the tile from k0 on, pair by pair, touching only visible
 * ones: for a tile with NaN or Inf in q or d_o. */
static void gather_pairs(const backward_tile *t, int64_t k0, int64_t begin, int64_t end,
                         const mas_row_span *spans)
{
    k0 -= t->key_begin;
    for (int64_t j = begin; j < end; j++)
        for (int64_t r = 0; r < t->rows; r++) {
            if (j < spans[r].lo || j >= spans[r].hi)
                continue;
            const vec prob = vset1(weight(t->p_rows, (j - begin) * t->lanes + r));
            const vec slope = vset1(weight(t->ds_rows, (j - begin) * t->lanes + r));
            float *dv = t->dv + (k0 + j) * t->dv_pad, *dk = t->dk + (k0 + j) * t->d_pad;
            for (int64_t d = 0; d < t->dv_pad; d += VL)
                vstore(dv + d, vfma(prob, operand_elements(&t->d_o_rows, r, d), vload(dv + d)));
            for (int64_t d = 0; d < t->d_pad; d += VL)
                vstore(dk + d, vfma(slope, operand_elements(&t->q_rows, r, d), vload(dk + d)));
        }
}

/* Keys that some row of the vector of queries at `at` sees. */
static vmask vector_interval(const mas_row_span *spans, int64_t q_tile, int64_t at, ivec *lo,
                             ivec *hi, int32_t *begin, int32_t *end)
{
    vload_intervals(spans + at, q_tile - at, lo, hi);
    return vinterval_hull(*lo, *hi, begin, end);
}

#endif
