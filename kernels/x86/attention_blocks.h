/* SPDX-License-Identifier: Apache-2.0 */
/* The building blocks of the flash kernels, in the vector vocabulary of the simd_*.h included
 * before. Everything is static: each kernel source gets its own copy, compiled for its own
 * instruction set.
 *
 * Scores are kept transposed, S^T[key][query], lanes are queries: maxima, sums, masks and
 * corrections of a softmax row are plain vertical operations with no shuffle, K is broadcast,
 * and only the query side is transposed, once per tile. Everything that is summed up
 * (O, dQ, dK, dV) is kept by rows, lanes are along the head: weights (P or dS) are broadcast from
 * S^T, the other side is read by rows, no output needs a transpose, and a masked edge costs just
 * the pairs that a row sees.
 *
 * All products are then C[m][lanes] = A[m][k] B[k][lanes], A broadcast. One step k takes one *unit*
 * of 32 bits of A and of each lane of B: one float, or a pair of bf16 numbers with a dot product of
 * two terms (UNIT_TERMS). The code is the same; only what is packed beforehand differs. */
#ifndef MASBENCH_X86_ATTENTION_BLOCKS_H
#define MASBENCH_X86_ATTENTION_BLOCKS_H

#include "kernels/x86/attention_rows.h"

/* Runs `call` with N, a constant, equal to nv (1 .. NV_MAX). */
#define WIDTH_IS(n, call)                                                                          \
    {                                                                                              \
        enum { N = n };                                                                            \
        call;                                                                                      \
        break;                                                                                     \
    }
#if NV_MAX_IS_4
#define WITH_WIDTH(nv, call)                                                                       \
    switch (nv) {                                                                                  \
    case 1: WIDTH_IS(1, call)                                                                      \
    case 2: WIDTH_IS(2, call)                                                                      \
    case 3: WIDTH_IS(3, call)                                                                      \
    default: WIDTH_IS(4, call)                                                                     \
    }
#else
#define WITH_WIDTH(nv, call)                                                                       \
    switch (nv) {                                                                                  \
    case 1: WIDTH_IS(1, call)                                                                      \
    default: WIDTH_IS(2, call)                                                                     \
    }
#endif

/* Around what a thread multiplies: nothing to do, where attention_tiles.h has tiles to switch on and off. */
static inline void products_begin(void)
{
}

static inline void products_end(void)
{
}

/* Units of a dot product along the head that are summed before they join the total. The error of
 * one chain of D terms grows with D, that of chains of L terms with sqrt(D L / 2). Each chain costs
 * about 3 % of the rate at L = 16, 1 to 2 % at L = 32. */
SIMD_INLINE int64_t dot_segment(int64_t units)
{
    return units > 32 ? 32 : 16;
}

/* A's element (m, k): rs bytes from row to row, cs units from step to step. */
typedef struct broadcast_side {
    const unit *at;
    ptrdiff_t rs, cs;
} broadcast_side;

SIMD_INLINE const unit *row_of(const broadcast_side *a, int64_t m)
{
    return (const unit *)(const void *)((const char *)a->at + m * a->rs);
}

/* Steps k0 .. k1-1 of mr x nv sums. */
SIMD_INLINE void product_steps(const int mr, const int nv, int64_t k0, int64_t k1, broadcast_side a,
                               const unit *b, ptrdiff_t ldb, vec *sum)
{
    a.at += k0 * a.cs;
    b += k0 * ldb;
    for (int64_t k = k0; k < k1; k++) {
        vec row[NV_MAX];
        SIMD_UNROLL
        for (int v = 0; v < nv; v++)
            row[v] = vload_unit(b + v * VL);
        SIMD_UNROLL
        for (int i = 0; i < mr; i++) {
            const vec x = vset1_unit(row_of(&a, i));
            SIMD_UNROLL
            for (int v = 0; v < nv; v++)
                sum[i * nv + v] = vdot(x, row[v], sum[i * nv + v]);
        }
        a.at += a.cs;
        b += ldb;
    }
}

/* ---- scores: S^T[key][lanes] = K Q^T ---- */

/* mr keys; side collects the maxima of each lane. */
SIMD_INLINE void score_block(const int mr, const int nv, int64_t units, broadcast_side a,
                             const unit *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc, vec *side)
{
    const int64_t segment = dot_segment(units);
    for (int64_t k = 0; k < units; k += segment) {
        const int64_t end = least(k + segment, units);
        vec sum[24];
        SIMD_UNROLL
        for (int i = 0; i < mr * nv; i++)
            sum[i] = vzero();
        product_steps(mr, nv, k, end, a, b, ldb, sum);
        SIMD_UNROLL
        for (int i = 0; i < mr; i++) {
            SIMD_UNROLL
            for (int v = 0; v < nv; v++) {
                float *to = c + i * ldc + v * VL;
                if (k > 0)
                    sum[i * nv + v] = vadd(vload(to), sum[i * nv + v]);
                vstore(to, sum[i * nv + v]);
                if (end == units)
                    side[v] = vmax(sum[i * nv + v], side[v]);
            }
        }
    }
}

SIMD_INLINE void score_rows(const int nv, int64_t keys, int64_t units, broadcast_side a,
                            const unit *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc, vec *side)
{
    const int mr = block_rows(nv);
    int64_t m = 0;
    for (; m + mr <= keys; m += mr, a.at = row_of(&a, mr), c += mr * ldc)
        score_block(mr, nv, units, a, b, ldb, c, ldc, side);
    for (; m + 4 <= keys; m += 4, a.at = row_of(&a, 4), c += 4 * ldc)
        score_block(4, nv, units, a, b, ldb, c, ldc, side);
    for (; m < keys; m++, a.at = row_of(&a, 1), c += ldc)
        score_block(1, nv, units, a, b, ldb, c, ldc, side);
}

/* S^T[keys][nv vectors]: k has keys rows of `units` units, k_row bytes apart; qt[units][ldq]. */
static void product_scores(int nv, int64_t keys, int64_t units, const unit *k, ptrdiff_t k_row,
                           const unit *qt, ptrdiff_t ldq, float *st, ptrdiff_t lds, vec *side)
{
    const broadcast_side a = {k, k_row, 1};
    WITH_WIDTH(nv, score_rows(N, keys, units, a, qt, ldq, st, lds, side))
}

/* ---- sums by rows: C[m][n] = C[m][n] * scale[m] + A[m][k] B[k][n] ---- */

/* One row of sums joins C. */
SIMD_INLINE void add_row(const int nv, const vec *sum, vec factor, float *c)
{
    SIMD_UNROLL
    for (int v = 0; v < nv; v++)
        vstore(c + v * VL, vfma(vload(c + v * VL), factor, sum[v]));
}

SIMD_INLINE void sum_block(const int mr, const int nv, int64_t steps, broadcast_side a,
                           const unit *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc,
                           const float *scale)
{
    vec sum[24];
    SIMD_UNROLL
    for (int i = 0; i < mr * nv; i++)
        sum[i] = vzero();
    product_steps(mr, nv, 0, steps, a, b, ldb, sum);
    SIMD_UNROLL
    for (int i = 0; i < mr; i++) {
        add_row(nv, sum + i * nv, scale ? vset1(scale[i]) : vset1(1.0f), c + i * ldc);
    }
}

SIMD_INLINE void sum_rows(const int nv, int64_t rows, int64_t steps, broadcast_side a,
                          const unit *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc, const float *scale)
{
    const int mr = block_rows(nv);
    int64_t m = 0;
    for (; m + mr <= rows; m += mr, a.at = row_of(&a, mr))
        sum_block(mr, nv, steps, a, b, ldb, c + m * ldc, ldc, scale ? scale + m : NULL);
    for (; m + 4 <= rows; m += 4, a.at = row_of(&a, 4))
        sum_block(4, nv, steps, a, b, ldb, c + m * ldc, ldc, scale ? scale + m : NULL);
    for (; m < rows; m++, a.at = row_of(&a, 1))
        sum_block(1, nv, steps, a, b, ldb, c + m * ldc, ldc, scale ? scale + m : NULL);
}

/* rows x n_pad floats of C, n_pad a multiple of VL; `steps` units of the sum. scale: [rows], or
 * NULL for 1. */
static void product_sum(int64_t rows, int64_t n_pad, int64_t steps, broadcast_side a, const unit *b,
                        ptrdiff_t ldb, float *c, ptrdiff_t ldc, const float *scale)
{
    for (int64_t n = 0; n < n_pad; n += (int64_t)NV_MAX * VL) {
        const int nv = (int)least(NV_MAX, (n_pad - n) / VL);
        WITH_WIDTH(nv, sum_rows(N, rows, steps, a, b + n, ldb, c + n, ldc, scale))
    }
}

/* One row of C over the terms lo .. hi-1 of the sum. A term of a unit that lies outside is cleared
 * on both sides, whatever it holds, be it NaN. */
SIMD_INLINE void sum_row_edges(const int nv, int64_t lo, int64_t hi, const broadcast_side *a,
                               const unit *b, ptrdiff_t ldb, vec *sum)
{
    if (lo >= hi)
        return;
    int64_t first = lo / UNIT_TERMS, end = hi / UNIT_TERMS;
    if (lo % UNIT_TERMS || (hi % UNIT_TERMS && first == end)) { /* part of the first unit */
        SIMD_UNROLL
        for (int v = 0; v < nv; v++)
            sum[v] = vdot(vkeep_terms(vset1_unit(a->at + first * a->cs), lo - first * UNIT_TERMS,
                                      hi - first * UNIT_TERMS),
                          vkeep_terms(vload_unit(b + first * ldb + v * VL), lo - first * UNIT_TERMS,
                                      hi - first * UNIT_TERMS),
                          sum[v]);
        first++;
    }
    product_steps(1, nv, first, end, *a, b, ldb, sum);
    if (hi % UNIT_TERMS && first <= end) { /* the first term of the last unit */
        SIMD_UNROLL
        for (int v = 0; v < nv; v++)
            sum[v] = vdot(vkeep_terms(vset1_unit(a->at + end * a->cs), 0, 1),
                          vkeep_terms(vload_unit(b + end * ldb + v * VL), 0, 1), sum[v]);
    }
}

/* Rows of a block that see different terms: what all see together, the rest row by row. */
SIMD_INLINE void sum_block_masked(const int mr, const int nv, broadcast_side a, const unit *b,
                                  ptrdiff_t ldb, float *c, ptrdiff_t ldc, const float *scale,
                                  const int32_t *lo, const int32_t *hi)
{
    int64_t core_begin = 0, core_end = INT32_MAX;
    for (int i = 0; i < mr; i++) {
        core_begin = lo[i] > core_begin ? lo[i] : core_begin;
        core_end = hi[i] < core_end ? hi[i] : core_end;
    }
    core_begin = round_up(core_begin, UNIT_TERMS);
    core_end = core_end / UNIT_TERMS * UNIT_TERMS;
    vec sum[24];
    SIMD_UNROLL
    for (int i = 0; i < mr * nv; i++)
        sum[i] = vzero();
    const bool core = core_begin < core_end;
    if (core)
        product_steps(mr, nv, core_begin / UNIT_TERMS, core_end / UNIT_TERMS, a, b, ldb, sum);
    SIMD_UNROLL
    for (int i = 0; i < mr; i++) {
        const broadcast_side row = {row_of(&a, i), a.rs, a.cs};
        if (core) {
            sum_row_edges(nv, lo[i], core_begin, &row, b, ldb, sum + i * nv);
            sum_row_edges(nv, core_end, hi[i], &row, b, ldb, sum + i * nv);
        } else {
            sum_row_edges(nv, lo[i], hi[i], &row, b, ldb, sum + i * nv);
        }
        add_row(nv, sum + i * nv, scale ? vset1(scale[i]) : vset1(1.0f), c + i * ldc);
    }
}

SIMD_INLINE void sum_rows_masked(const int nv, int64_t rows, broadcast_side a, const unit *b,
                                 ptrdiff_t ldb, float *c, ptrdiff_t ldc, const float *scale,
                                 const int32_t *lo, const int32_t *hi)
{
    const int mr = block_rows(nv);
    int64_t m = 0;
    for (; m + mr <= rows; m += mr, a.at = row_of(&a, mr))
        sum_block_masked(mr, nv, a, b, ldb, c + m * ldc, ldc, scale ? scale + m : NULL, lo + m,
                         hi + m);
    for (; m < rows; m++, a.at = row_of(&a, 1))
        sum_block_masked(1, nv, a, b, ldb, c + m * ldc, ldc, scale ? scale + m : NULL, lo + m,
                         hi + m);
}

/* product_sum in which row m sees only the terms lo[m] .. hi[m]-1: the others of A and B are not
 * touched by arithmetic. Rows with lo >= hi are only scaled. */
static void product_sum_masked(int64_t rows, int64_t n_pad, broadcast_side a, const unit *b,
                               ptrdiff_t ldb, float *c, ptrdiff_t ldc, const float *scale,
                               const int32_t *lo, const int32_t *hi)
{
    for (int64_t n = 0; n < n_pad; n += (int64_t)NV_MAX * VL) {
        const int nv = (int)least(NV_MAX, (n_pad - n) / VL);
        WITH_WIDTH(nv, sum_rows_masked(N, rows, a, b + n, ldb, c + n, ldc, scale, lo, hi))
    }
}

#endif
