/* SPDX-License-Identifier: Apache-2.0 */
/* The building blocks of the attention kernels on matrix tiles (tiles.h), beside those on vectors in
 * attention_blocks.h.
 *
 * Every product takes blocks of 32 x 32: two tiles of rows, two of columns, four of sums. Whatever is
 * multiplied is padded to that with zeros. Scores stay S^T[key][query], lanes are queries, so that the softmax
 * needs no shuffle, and a pair of neighbouring keys' weights is a unit of a right operand as it
 * stands. Hence outputs that are sums over keys are kept transposed, [element of the head][query], and what they
 * are sums of (values; keys for dQ) comes as left operands, terms along the keys: panels. */
#ifndef MASBENCH_X86_ATTENTION_TILES_H
#define MASBENCH_X86_ATTENTION_TILES_H

#include "kernels/x86/attention_rows.h"
#include "kernels/x86/tiles.h"

enum { BLOCK = 2 * TILE_ROWS }; /* rows and columns of a product, and terms of a step */

/* Around what a thread multiplies. */
static inline void products_begin(void)
{
    tiles_begin();
}

static inline void products_end(void)
{
    tiles_end();
}

/* How an operand lies, in bytes: from row to row, and from one step of 32 terms to the next. */
typedef struct tile_operand {
    const void *at;
    ptrdiff_t row, step;
} tile_operand;

/* Rows of `units` pairs of terms: a left operand. */
static inline tile_operand tile_rows(const void *at, int64_t units)
{
    return (tile_operand){at, units * (ptrdiff_t)sizeof(unit), TILE_ROW_BYTES};
}

/* Rows of `ld` units, of which the first 32 are columns: a right operand. */
static inline tile_operand tile_columns(const unit *at, int64_t ld)
{
    const ptrdiff_t row = ld * (ptrdiff_t)sizeof(unit);
    return (tile_operand){at, row, TILE_ROWS * row};
}

/* c[rows][32] = (add ? c : 0) + a b over two steps of terms, or one: the right operand stays in four tiles, rows pass
 * by, 16 at a time, and leave the first cache to all else: with 64 keys and heads of 128, whose operands together are
 * larger than it, that takes 13 cycles a vector of scores instead of 19. A store takes a product's time and nothing
 * runs beside it; loads are free. */
SIMD_INLINE void tile_rows_pass(int64_t rows, const bool two, tile_operand a, tile_operand b,
                                bool add, float *c, int64_t ldc)
{
    const ptrdiff_t c_row = ldc * (ptrdiff_t)sizeof(float);
    const char *x = a.at, *y = b.at;
    tile_load(4, y, b.row);
    tile_load(5, y + TILE_ROW_BYTES, b.row);
    if (two) {
        tile_load(6, y + b.step, b.row);
        tile_load(7, y + b.step + TILE_ROW_BYTES, b.row);
    }
    for (int64_t m = 0; m < rows; m += TILE_ROWS, x += TILE_ROWS * a.row, c += TILE_ROWS * ldc) {
        if (add) {
            tile_load(0, c, c_row);
            tile_load(1, c + TILE_ROWS, c_row);
        } else {
            tile_zero(0);
            tile_zero(1);
        }
        tile_stream(2, x, a.row);
        tile_dot(0, 2, 4);
        tile_dot(1, 2, 5);
        if (two) {
            tile_stream(3, x + a.step, a.row);
            tile_dot(0, 3, 6);
            tile_dot(1, 3, 7);
        }
        tile_store(0, c, c_row);
        tile_store(1, c + TILE_ROWS, c_row);
    }
}

/* c[rows][32] = (add ? c : 0) + a b over `steps` steps of 32 terms; rows a multiple of 16, ldc floats from row to row. */
static void tile_product(int64_t rows, int64_t steps, tile_operand a, tile_operand b, bool add,
                         float *c, int64_t ldc)
{
    for (; steps > 0; steps -= 2) {
        if (steps > 1)
            tile_rows_pass(rows, true, a, b, add, c, ldc);
        else
            tile_rows_pass(rows, false, a, b, add, c, ldc);
        a.at = (const char *)a.at + 2 * a.step;
        b.at = (const char *)b.at + 2 * b.step;
        add = true;
    }
}

/* ---- panels: rows of a tensor as terms of left operands ---- */

/* 32 rows of a tensor, transposed: [element][row], `pad` elements (a multiple of 32), each a row of a tile.
 * Rows past the tensor are zero.
 * @return no element is NaN or Inf */
static bool panel_of_rows(uint16_t *to, int64_t pad, const uint16_t *from, ptrdiff_t row_stride,
                          int64_t rows, int64_t dim)
{
    const __m512i exponent = _mm512_set1_epi16(0x7f80);
    __mmask32 odd = 0; /* somewhere all bits of an exponent were set */
    for (int64_t d = 0; d < pad; d += BLOCK, to += BLOCK * TILE_TERMS) {
        vec low[VL], high[VL];
        SIMD_UNROLL
        for (int i = 0; i < VL; i++) {
            vec pair[2];
            SIMD_UNROLL
            for (int j = 0; j < 2; j++) {
                const int64_t row = 2 * i + j;
                pair[j] = row < rows
                              ? vload_row_units(MAS_DTYPE_BF16, from, row * row_stride, d / 2, dim)
                              : vzero();
                const __m512i bits = _mm512_and_si512(_mm512_castps_si512(pair[j]), exponent);
                odd |= _mm512_cmpeq_epi16_mask(bits, exponent);
            }
            vinterleave(pair[0], pair[1], &low[i], &high[i]);
        }
        vtranspose(low);
        vtranspose(high);
        SIMD_UNROLL
        for (int i = 0; i < VL; i++) {
            vstore((float *)(void *)(to + i * TILE_TERMS), low[i]);
            vstore((float *)(void *)(to + (VL + i) * TILE_TERMS), high[i]);
        }
    }
    return odd == 0;
}

/* Panels that follow each other: a left operand whose terms are rows of the tensor. */
static inline tile_operand tile_panels(const uint16_t *panels, int64_t pad)
{
    return (tile_operand){panels, TILE_ROW_BYTES, pad * TILE_ROW_BYTES};
}

/* c[d][lane] += the sum over keys of weight times element d of the key, pair by pair, for 16 lanes, lane i
 * over its keys lo[i] .. hi[i]-1 alone. Slow; for panels that hold NaN or Inf, which a weight of 0 would not hide.
 *  @param weights  pairs of keys' weights, `pair_ld` units from one to the next */
static inline void add_pairs(const float *weights, int64_t pair_ld, const uint16_t *panels,
                             int64_t pad, int64_t dim, const int32_t *lo, const int32_t *hi,
                             float *c, int64_t ldc)
{
    for (int64_t lane = 0; lane < VL; lane++)
        for (int64_t j = lo[lane]; j < hi[lane]; j++) {
            const void *pair = weights + j / 2 * pair_ld + lane;
            const float weight = mas_bf16_to_f32(((const uint16_t *)pair)[j % 2]);
            const uint16_t *key = panels + j / BLOCK * pad * BLOCK + j % BLOCK;
            for (int64_t d = 0; d < dim; d++)
                c[d * ldc + lane] += weight * mas_bf16_to_f32(key[d * BLOCK]);
        }
}

/* to[row][dim] of bf16 = from[dim][row] * factor[row] * common; factor NULL: 1. `rows` and `dim` need not fill the
 * blocks. */
static void store_transposed(uint16_t *to, ptrdiff_t to_row, const float *from, int64_t ld,
                             int64_t rows, int64_t dim, const float *factor, float common)
{
    for (int64_t r = 0; r < rows; r += VL) {
        const vec by = factor ? vmul(vload(factor + r), vset1(common)) : vset1(common);
        for (int64_t d = 0; d < dim; d += VL) {
            vec block[VL];
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                block[i] = vmul(vload(from + (d + i) * ld + r), by);
            vtranspose(block);
            for (int i = 0; i < VL && r + i < rows; i++)
                vstore_as(MAS_DTYPE_BF16, to + (r + i) * to_row + d, dim - d, block[i]);
        }
    }
}

#endif
