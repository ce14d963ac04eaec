/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and the inner kernel of bf16 products, after Goto and van de Geijn ("Anatomy of
 * High-Performance Matrix Multiplication", 2008), but with the whole sum of an element in one
 * register: neither the rounding of the output nor the number of rows or columns enters the sum.
 *
 * With AVX512-BF16 terms are packed in pairs and multiplied by vdpbf16ps, which adds both products
 * to an f32 sum. Elsewhere packing widens to f32, and the kernel is the usual multiply-add.
 *
 * Compiled once per instruction level. */
#include "kernels/cpu/gemm_store.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

#if defined(__AVX512BF16__)

#include "kernels/cpu/pairs.h"

#define GROUP 2
typedef uint32_t packed; /* a group: the earlier term in the low half */

LANE_INLINE vf multiply_add(packed a, vf b, vf c)
{
    const __m512bh pairs = (__m512bh)_mm512_set1_epi32((int)a);
    return (vf)_mm512_dpbf16_ps((__m512)c, pairs, (__m512bh)b);
}

/* One group of `count` adjacent vectors, at most LANES, into the first `lanes` of to. */
LANE_INLINE void pack_across(const uint16_t *first, const uint16_t *second, int64_t count,
                             int64_t lanes, packed *to)
{
    _mm512_mask_storeu_epi32(to, (__mmask16)bits(lanes), pairs_across(first, second, count));
}

/* `count` vectors, at most LANES, that lie `stride` apart, their terms adjacent: one column of
 * panel[p][width], `lanes` wide. */
LANE_INLINE void pack_along(const uint16_t *from, int64_t stride, int64_t count, int64_t terms,
                            int64_t lanes, int64_t width, packed *panel)
{
    for (int64_t k = 0; k < terms; k += GROUP * LANES) {
        const int64_t left = terms - k < GROUP * LANES ? terms - k : GROUP * LANES;
        const int64_t groups = (left + GROUP - 1) / GROUP;
        __m512i r[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            r[i] = i < count ? _mm512_maskz_loadu_epi16(bits(left), from + i * stride + k)
                             : _mm512_setzero_si512();
        transpose_pairs(r);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (i < groups)
                _mm512_mask_storeu_epi32(panel + (k / GROUP + i) * width, (__mmask16)bits(lanes),
                                         r[i]);
    }
}

#else

#define GROUP 1
typedef float packed;

LANE_INLINE vf multiply_add(packed a, vf b, vf c)
{
    return vf_fma(vf_set(a), b, c);
}

LANE_INLINE void pack_across(const uint16_t *first, const uint16_t *second, int64_t count,
                             int64_t lanes, packed *to)
{
    (void)second;
    for (int64_t i = 0; i < lanes; i++)
        to[i] = i < count ? mas_bf16_to_f32(first[i]) : 0.0f;
}

LANE_INLINE void pack_along(const uint16_t *from, int64_t stride, int64_t count, int64_t terms,
                            int64_t lanes, int64_t width, packed *panel)
{
    for (int64_t i = 0; i < lanes; i++)
        for (int64_t k = 0; k < terms; k++)
            panel[k * width + i] = i < count ? mas_bf16_to_f32(from[i * stride + k]) : 0.0f;
}

#endif

static int64_t groups_of(int64_t terms)
{
    return (terms + GROUP - 1) / GROUP;
}

/* `count` vectors into panels of that width, one after another, `size` apart; what a panel has
 * beyond them is zero.
 *  @param along  the terms of a vector are adjacent and vectors `stride` apart, or the reverse */
LANE_INLINE void pack(const uint16_t *from, int64_t stride, bool along, int64_t count,
                      int64_t terms, int64_t width, int64_t size, packed *panels)
{
    const int64_t filled = (count + width - 1) / width * width;
    if (along) {
        for (int64_t i = 0; i < filled; i += width)
            for (int64_t j = 0; j < width; j += LANES)
                pack_along(from + (i + j) * stride, stride, smaller(LANES, count - i - j), terms,
                           smaller(LANES, width - j), width, panels + i / width * size + j);
        return;
    }
    for (int64_t p = 0; p < groups_of(terms); p++) { /* a row of memory at a time */
        const uint16_t *first = from + GROUP * p * stride;
        const uint16_t *second = GROUP * p + 1 < terms ? first + stride : NULL;
        for (int64_t i = 0; i < filled; i += width)
            for (int64_t j = 0; j < width; j += LANES) {
                const int64_t have = count - i - j > 0 ? smaller(LANES, count - i - j) : 0;
                pack_across(first + i + j, second ? second + i + j : NULL, have,
                            smaller(LANES, width - j), panels + i / width * size + p * width + j);
            }
    }
}

static void pack_a(const mas_matmul *g, void *panels)
{
    const int64_t size = groups_of(g->k) * MR;
    if (g->trans_a)
        pack(g->a, g->lda, false, g->m, g->k, MR, size, panels);
    else
        pack(g->a, g->lda, true, g->m, g->k, MR, size, panels);
}

static void pack_b(const mas_matmul *g, int64_t n0, int64_t columns, void *panels)
{
    const int64_t size = groups_of(g->k) * NR;
    const uint16_t *b = g->b;
    if (g->trans_b)
        pack(b + n0 * g->ldb, g->ldb, true, columns, g->k, NR, size, panels);
    else
        pack(b + n0, g->ldb, false, columns, g->k, NR, size, panels);
}

static void tile(int64_t terms, const void *a, const void *b, bool add, mas_dtype c_type, void *c,
                 int64_t ldc, int64_t rows, int64_t columns)
{
    const packed *x = a, *y = b;
    const int64_t groups = groups_of(terms);
    vf sum[MR][2];
#pragma GCC unroll 12
    for (int i = 0; i < MR; i++)
        sum[i][0] = sum[i][1] = vf_set(0.0f);
    for (int64_t p = 0; p < groups; p++, x += MR, y += NR) {
        vf b0, b1;
        memcpy(&b0, y, sizeof b0);
        memcpy(&b1, y + LANES, sizeof b1);
#pragma GCC unroll 12
        for (int i = 0; i < MR; i++) {
            sum[i][0] = multiply_add(x[i], b0, sum[i][0]);
            sum[i][1] = multiply_add(x[i], b1, sum[i][1]);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < MR; i++) {
        if (i >= rows)
            break;
        if (c_type == MAS_DTYPE_F32)
            store_row(MAS_DTYPE_F32, add, sum[i], vt_at(MAS_DTYPE_F32, c, i * ldc), columns);
        else
            store_row(MAS_DTYPE_BF16, add, sum[i], vt_at(MAS_DTYPE_BF16, c, i * ldc), columns);
    }
}

static void strip(int64_t terms, const void *a, const void *b, bool add, mas_dtype c_type, void *c,
                  int64_t ldc, int64_t rows, int64_t columns)
{
    const packed *x = a;
    for (int64_t m = 0; m < rows; m += MR, x += groups_of(terms) * MR)
        tile(terms, x, b, add, c_type, vt_at(c_type, c, m * ldc), ldc, smaller(MR, rows - m),
             columns);
}

static void no_state(void)
{
}

const mas_cpu_tiles LEVEL_NAME(tiles) = {
    .rows = MR,
    .columns = NR,
    .group = GROUP,
    .element_bytes = sizeof(packed) / GROUP,
    .block_bytes = 192 * 1024,
    .begin = no_state,
    .end = no_state,
    .pack_a = pack_a,
    .pack_b = pack_b,
    .strip = strip,
};
