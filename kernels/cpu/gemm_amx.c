/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and the inner kernel of bf16 products by matrix tiles (AMX): 2 x 2 tiles of sums, two of A, two
 * of B, so that a step of four products loads four tiles. A load of a tile takes half the time of a
 * product of two, and the loads run beside the products.
 *
 * Terms are packed in steps of TILE_TERMS; a step of a panel is two tiles of 1 KiB. Those of A hold 16 rows
 * of terms, those of B 16 rows of pairs of terms, a pair for each column. Either comes from memory
 * where a vector's terms are adjacent or where its neighbours are, by the same two moves: pairs
 * interleaved, a square of pairs transposed. */
#include "kernels/cpu/gemm_store.h"
#include "kernels/cpu/level_name.h"
#include "kernels/cpu/pairs.h"
#include "kernels/cpu/rows.h"
#include "kernels/x86/tiles.h"

enum { WIDTH = 2 * TILE_ROWS, TILE_BYTES = TILE_ROWS * TILE_ROW_BYTES };

static int64_t less(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One tile: `count` vectors (at most 16) of `terms` terms (at most 32), zeros past them.
 *  @param along     the terms of a vector are adjacent and vectors `stride` apart, or the reverse
 *  @param by_terms  a row of the tile is a vector, or a pair of terms of all vectors */
LANE_INLINE void pack_tile(const uint16_t *from, int64_t stride, bool along, int64_t count,
                           int64_t terms, bool by_terms, char *tile)
{
    __m512i r[TILE_ROWS];
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++) {
        if (along)
            r[i] = i < count ? _mm512_maskz_loadu_epi16(bits(terms), from + i * stride)
                             : _mm512_setzero_si512();
        else
            r[i] = 2 * i < terms
                       ? pairs_across(from + 2 * i * stride,
                                      2 * i + 1 < terms ? from + (2 * i + 1) * stride : NULL, count)
                       : _mm512_setzero_si512();
    }
    if (along != by_terms)
        transpose_pairs(r);
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++)
        _mm512_storeu_si512(tile + i * TILE_ROW_BYTES, r[i]);
}

/* `count` vectors (at most WIDTH) of one panel. */
LANE_INLINE void pack_panel(const uint16_t *from, int64_t stride, bool along, int64_t count,
                            int64_t terms, bool by_terms, char *panel)
{
    for (int64_t k = 0; k < terms; k += TILE_TERMS)
        for (int64_t i = 0; i < WIDTH; i += TILE_ROWS, panel += TILE_BYTES) {
            const int64_t have = count > i ? less(TILE_ROWS, count - i) : 0;
            pack_tile(from + (along ? i * stride + k : k * stride + i), stride, along, have,
                      less(TILE_TERMS, terms - k), by_terms, panel);
        }
}

static int64_t panel_bytes(int64_t terms)
{
    return (terms + TILE_TERMS - 1) / TILE_TERMS * 2 * TILE_BYTES;
}

static void pack_a(const mas_matmul *g, void *panels)
{
    char *to = panels;
    const uint16_t *a = g->a;
    for (int64_t m = 0; m < g->m; m += WIDTH, to += panel_bytes(g->k)) {
        if (g->trans_a)
            pack_panel(a + m, g->lda, false, less(WIDTH, g->m - m), g->k, true, to);
        else
            pack_panel(a + m * g->lda, g->lda, true, less(WIDTH, g->m - m), g->k, true, to);
    }
}

static void pack_b(const mas_matmul *g, int64_t n0, void *panel)
{
    const uint16_t *b = g->b;
    const int64_t columns = less(WIDTH, g->n - n0);
    if (g->trans_b)
        pack_panel(b + n0 * g->ldb, g->ldb, true, columns, g->k, false, panel);
    else
        pack_panel(b + n0, g->ldb, false, columns, g->k, false, panel);
}

static void tile(int64_t terms, const void *a, const void *b, bool add, mas_dtype c_type, void *c,
                 int64_t ldc, int64_t rows, int64_t columns)
{
    const char *x = a, *y = b;
    const int64_t row_bytes = ldc * (c_type == MAS_DTYPE_F32 ? 4 : 2);
    int64_t ahead = 0; /* rows of C that were asked for */
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    for (int64_t k = 0; k < terms; k += TILE_TERMS, x += 2 * TILE_BYTES, y += 2 * TILE_BYTES) {
        for (int i = 0; i < 2 && ahead < rows; i++, ahead++)
            __builtin_prefetch((char *)c + ahead * row_bytes, 1);
        tile_load(4, x, TILE_ROW_BYTES);
        tile_load(6, y, TILE_ROW_BYTES);
        tile_dot(0, 4, 6);
        tile_load(7, y + TILE_BYTES, TILE_ROW_BYTES);
        tile_dot(1, 4, 7);
        tile_load(5, x + TILE_BYTES, TILE_ROW_BYTES);
        tile_dot(2, 5, 6);
        tile_dot(3, 5, 7);
    }
    _Alignas(64) float sums[WIDTH][WIDTH];
    tile_store(0, &sums[0][0], sizeof *sums);
    tile_store(1, &sums[0][TILE_ROWS], sizeof *sums);
    tile_store(2, &sums[TILE_ROWS][0], sizeof *sums);
    tile_store(3, &sums[TILE_ROWS][TILE_ROWS], sizeof *sums);
    for (int64_t i = 0; i < rows; i++) {
        const vf sum[2] = {vf_load(sums[i]), vf_load(sums[i] + LANES)};
        if (c_type == MAS_DTYPE_F32)
            store_row(MAS_DTYPE_F32, add, sum, (float *)c + i * ldc, columns);
        else
            store_row(MAS_DTYPE_BF16, add, sum, (uint16_t *)c + i * ldc, columns);
    }
}

const mas_cpu_tiles LEVEL_NAME(tiles) = {
    .rows = WIDTH,
    .columns = WIDTH,
    .group = TILE_TERMS,
    .element_bytes = sizeof(uint16_t),
    .begin = tiles_begin,
    .end = tiles_end,
    .pack_a = pack_a,
    .pack_b = pack_b,
    .tile = tile,
};
