/* SPDX-License-Identifier: Apache-2.0 */
/* The building blocks of the flash kernels, in the vector vocabulary of the simd_*.h included
 * before. Everything is static: each kernel source gets its own copy, compiled for its own
 * instruction set.
 *
 * Lanes are queries. Scores are kept transposed, S^T[key][query], so that
 *   - K and V are read in place, one scalar at a time, broadcast; only the query side is
 * transposed, once per tile;
 *   - maxima, sums, masks and corrections of a softmax row are plain vertical operations, with no
 * shuffle anywhere;
 *   - a head size or a number of keys that is no multiple of anything needs no padding.
 * All five matrix products of attention are then the same product, C[m][lanes] = A[m][k]
 * B[k][lanes], A broadcast. */
#ifndef MASBENCH_X86_ATTENTION_BLOCKS_H
#define MASBENCH_X86_ATTENTION_BLOCKS_H

#include "kernels/x86/attention_common.h"

/* ---- matrix products ---- */

enum product_kind {
    PRODUCT_MAX, /* C = A B, side[v] = max(side[v], column maxima of C) */
    PRODUCT_ADD  /* C = C * side[v] + A B */
};

/* Terms of a dot product along the head that are summed before they join the total. The error of
 * one chain of D terms grows with D, that of chains of L terms with sqrt(D L / 2). Each chain costs
 * about 3 % of the rate at L = 16, 1 to 2 % at L = 32. */
SIMD_INLINE int64_t dot_segment(int64_t depth)
{
    return depth > 32 ? 32 : 16;
}

/* Who takes part in step k of a product: lane i of the one vector (nv = 1) if lo[i] <= k < hi[i];
 * every lane in the steps core_begin .. core_end-1, where the test is left out. */
typedef struct lane_mask {
    ivec lo, hi;
    int64_t core_begin, core_end;
} lane_mask;

/* Steps k0 .. k1-1 of a block's sums. */
SIMD_INLINE void product_steps(const int mr, const int nv, const int masked, int64_t k0, int64_t k1,
                               const float *a, ptrdiff_t rs, ptrdiff_t cs, const float *b,
                               ptrdiff_t ldb, vec *sum, const lane_mask *mask)
{
    a += k0 * cs;
    b += k0 * ldb;
    for (int64_t k = k0; k < k1; k++) {
        vec row[NV_MAX];
        SIMD_UNROLL
        for (int v = 0; v < nv; v++)
            row[v] = vload(b + v * VL);
        if (masked) {
            const vmask seen = vinside(mask->lo, mask->hi, (int32_t)k);
            SIMD_UNROLL
            for (int i = 0; i < mr; i++)
                sum[i] = vfma_where(seen, vset1(a[i * rs]), row[0], sum[i]);
        } else {
            SIMD_UNROLL
            for (int i = 0; i < mr; i++) {
                const vec x = vset1(a[i * rs]);
                SIMD_UNROLL
                for (int v = 0; v < nv; v++)
                    sum[i * nv + v] = vfma(x, row[v], sum[i * nv + v]);
            }
        }
        a += cs;
        b += ldb;
    }
}

/* mr rows of C, nv vectors wide, sums in registers. A's element (m, k) is a[m * rs + k * cs]. */
SIMD_INLINE void add_block(const int mr, const int nv, const int masked, int64_t depth,
                           const float *a, ptrdiff_t rs, ptrdiff_t cs, const float *b,
                           ptrdiff_t ldb, float *c, ptrdiff_t ldc, const vec *side,
                           const lane_mask *mask)
{
    vec sum[24];
    SIMD_UNROLL
    for (int i = 0; i < mr * nv; i++)
        sum[i] = vzero();
    if (masked) {
        product_steps(mr, nv, 1, 0, mask->core_begin, a, rs, cs, b, ldb, sum, mask);
        product_steps(mr, nv, 0, mask->core_begin, mask->core_end, a, rs, cs, b, ldb, sum, mask);
        product_steps(mr, nv, 1, mask->core_end, depth, a, rs, cs, b, ldb, sum, mask);
    } else {
        product_steps(mr, nv, 0, 0, depth, a, rs, cs, b, ldb, sum, mask);
    }
    SIMD_UNROLL
    for (int i = 0; i < mr; i++) {
        SIMD_UNROLL
        for (int v = 0; v < nv; v++) {
            float *to = c + i * ldc + v * VL;
            vstore(to, vfma(vload(to), side[v], sum[i * nv + v]));
        }
    }
}

/* The same for scores, in segments. */
SIMD_INLINE void score_block(const int mr, const int nv, int64_t depth, const float *a,
                             ptrdiff_t rs, ptrdiff_t cs, const float *b, ptrdiff_t ldb, float *c,
                             ptrdiff_t ldc, vec *side)
{
    const int64_t segment = dot_segment(depth);
    for (int64_t k = 0; k < depth; k += segment) {
        const int64_t end = least(k + segment, depth);
        vec sum[24];
        SIMD_UNROLL
        for (int i = 0; i < mr * nv; i++)
            sum[i] = vzero();
        product_steps(mr, nv, 0, k, end, a, rs, cs, b, ldb, sum, NULL);
        SIMD_UNROLL
        for (int i = 0; i < mr; i++) {
            SIMD_UNROLL
            for (int v = 0; v < nv; v++) {
                float *to = c + i * ldc + v * VL;
                if (k > 0)
                    sum[i * nv + v] = vadd(vload(to), sum[i * nv + v]);
                vstore(to, sum[i * nv + v]);
                if (end == depth)
                    side[v] = vmax(sum[i * nv + v], side[v]);
            }
        }
    }
}

SIMD_INLINE void product_block(const int mr, const int nv, const int masked, const int kind,
                               int64_t depth, const float *a, ptrdiff_t rs, ptrdiff_t cs,
                               const float *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc, vec *side,
                               const lane_mask *mask)
{
    if (kind == PRODUCT_MAX)
        score_block(mr, nv, depth, a, rs, cs, b, ldb, c, ldc, side);
    else
        add_block(mr, nv, masked, depth, a, rs, cs, b, ldb, c, ldc, side, mask);
}

/* Any number of rows: blocks of block_rows(nv), the rest in blocks of 4, 2 and 1. */
SIMD_INLINE void product_rows(const int nv, const int masked, const int kind, int64_t rows,
                              int64_t depth, const float *a, ptrdiff_t rs, ptrdiff_t cs,
                              const float *b, ptrdiff_t ldb, float *c, ptrdiff_t ldc, vec *side,
                              const lane_mask *mask)
{
    const int mr = block_rows(nv);
    int64_t m = 0;
    for (; m + mr <= rows; m += mr)
        product_block(mr, nv, masked, kind, depth, a + m * rs, rs, cs, b, ldb, c + m * ldc, ldc,
                      side, mask);
    for (; m + 4 <= rows; m += 4)
        product_block(4, nv, masked, kind, depth, a + m * rs, rs, cs, b, ldb, c + m * ldc, ldc,
                      side, mask);
    if (m + 2 <= rows) {
        product_block(2, nv, masked, kind, depth, a + m * rs, rs, cs, b, ldb, c + m * ldc, ldc,
                      side, mask);
        m += 2;
    }
    if (m < rows)
        product_block(1, nv, masked, kind, depth, a + m * rs, rs, cs, b, ldb, c + m * ldc, ldc,
                      side, mask);
}

/* S^T[key][lanes] = K Q^T: A is a matrix by rows of d contiguous floats; side collects the column
 * maxima. */
static void product_scores(int nv, int64_t keys, int64_t d, const float *k, ptrdiff_t k_row,
                           const float *qt, ptrdiff_t ldq, float *st, ptrdiff_t lds, vec *side)
{
    if (nv == 1)
        product_rows(1, 0, PRODUCT_MAX, keys, d, k, k_row, 1, qt, ldq, st, lds, side, NULL);
    else if (nv == 2)
        product_rows(2, 0, PRODUCT_MAX, keys, d, k, k_row, 1, qt, ldq, st, lds, side, NULL);
#ifdef SIMD_WIDE_BLOCKS
    else if (nv == 3)
        product_rows(3, 0, PRODUCT_MAX, keys, d, k, k_row, 1, qt, ldq, st, lds, side, NULL);
    else
        product_rows(4, 0, PRODUCT_MAX, keys, d, k, k_row, 1, qt, ldq, st, lds, side, NULL);
#endif
}

/* O^T[dv][lanes] = O^T * side + V^T P^T: A's columns are contiguous (V by rows). */
static void product_values(int nv, int64_t dv, int64_t keys, const float *v, ptrdiff_t v_row,
                           const float *pt, ptrdiff_t ldp, float *ot, ptrdiff_t ldo, vec *side)
{
    if (nv == 1)
        product_rows(1, 0, PRODUCT_ADD, dv, keys, v, 1, v_row, pt, ldp, ot, ldo, side, NULL);
    else if (nv == 2)
        product_rows(2, 0, PRODUCT_ADD, dv, keys, v, 1, v_row, pt, ldp, ot, ldo, side, NULL);
#ifdef SIMD_WIDE_BLOCKS
    else if (nv == 3)
        product_rows(3, 0, PRODUCT_ADD, dv, keys, v, 1, v_row, pt, ldp, ot, ldo, side, NULL);
    else
        product_rows(4, 0, PRODUCT_ADD, dv, keys, v, 1, v_row, pt, ldp, ot, ldo, side, NULL);
#endif
}

/* The same for one vector of queries under a mask of keys: what the values of a masked key hold, be
 * it NaN, stays out of the lane. pt is 0 where masked. */
static void product_values_masked(int64_t dv, int64_t keys, const float *v, ptrdiff_t v_row,
                                  const float *pt, ptrdiff_t ldp, float *ot, ptrdiff_t ldo,
                                  vec *side, const lane_mask *mask)
{
    product_rows(1, 1, PRODUCT_ADD, dv, keys, v, 1, v_row, pt, ldp, ot, ldo, side, mask);
}

/* The part of a vector's intervals that falls on the keys begin .. end-1, counted from begin. */
static inline lane_mask mask_part(ivec lo, ivec hi, int32_t begin, int32_t end)
{
    int32_t core_begin, core_end;
    vinterval_core(lo, hi, &core_begin, &core_end);
    core_begin = core_begin < begin ? begin : core_begin > end ? end : core_begin;
    core_end = core_end < core_begin ? core_begin : core_end > end ? end : core_end;
    return (lane_mask){vminus(lo, begin), vminus(hi, begin), core_begin - begin, core_end - begin};
}

/* G[key][lanes] = G * side + W[key][query] X[query][lanes], lanes along the head: dV = P^T dO and
 * dK = dS^T Q. */
static inline void product_gather(int nv, int64_t keys, int64_t queries, const float *w,
                                  ptrdiff_t w_row, const float *x, ptrdiff_t ldx, float *g,
                                  ptrdiff_t ldg, vec *side)
{
    if (nv == 1)
        product_rows(1, 0, PRODUCT_ADD, keys, queries, w, w_row, 1, x, ldx, g, ldg, side, NULL);
    else if (nv == 2)
        product_rows(2, 0, PRODUCT_ADD, keys, queries, w, w_row, 1, x, ldx, g, ldg, side, NULL);
#ifdef SIMD_WIDE_BLOCKS
    else if (nv == 3)
        product_rows(3, 0, PRODUCT_ADD, keys, queries, w, w_row, 1, x, ldx, g, ldg, side, NULL);
    else
        product_rows(4, 0, PRODUCT_ADD, keys, queries, w, w_row, 1, x, ldx, g, ldg, side, NULL);
#endif
}

/* ---- moving rows in and out of lanes ---- */

/* to[d][lane] = from[lane][d] * factor: rows past `rows` become zero lanes up to `lanes`. */
static void rows_to_lanes(float *to, int64_t lanes, const float *from, ptrdiff_t row_stride,
                          int64_t rows, int64_t dim, float factor)
{
    for (int64_t r0 = 0; r0 < lanes; r0 += VL) {
        for (int64_t d0 = 0; d0 < dim; d0 += VL) {
            vec block[VL];
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                block[i] = r0 + i < rows ? vload_first(from + (r0 + i) * row_stride + d0, dim - d0)
                                         : vzero();
            vtranspose(block);
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                if (d0 + i < dim)
                    vstore(to + (d0 + i) * lanes + r0, vmul(block[i], vset1(factor)));
        }
    }
}

/* to[lane][d] = from[d][lane] * factor[lane] for the lanes r0 .. r0+VL-1 that are below `rows`. */
static void lanes_to_rows(float *to, ptrdiff_t row_stride, const float *from, int64_t lanes,
                          int64_t r0, int64_t rows, int64_t dim, vec factor)
{
    for (int64_t d0 = 0; d0 < dim; d0 += VL) {
        vec block[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            block[i] = d0 + i < dim ? vmul(vload(from + (d0 + i) * lanes + r0), factor) : vzero();
        vtranspose(block);
        SIMD_UNROLL
        for (int i = 0; i < VL; i++)
            if (r0 + i < rows)
                vstore_first(to + (r0 + i) * row_stride + d0, dim - d0, block[i]);
    }
}

#endif
