/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and the inner kernel of bf16 products by matrix tiles (AMX): 2 x 2 tiles of sums, two of A, two
 * of B, so that a step of four products loads four tiles. A load of a tile takes half the time of a
 * product of two, and the loads run beside the products.
 *
 * Measured on a Xeon with AMX, one and two cores, 4096 rows and widths of 512 to 2736: 1.2 to 1.8 and 2.4 to 3.2 TFLOP/s
 * of a peak of 3.7 and 7.4, 0.8 to 1.06 times the rate of oneDNN's (of PyTorch 2.15); weight gradients 1.2 times. Its
 * cores read 15 GB/s past the caches together. What brought most: leaving the first cache to B (tile_stream;
 * time x 0.85), asking for C's lines while terms are summed (x 0.9), reading memory in its own order when
 * packing.
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

enum { CHUNK = 512, GROUP = 4 }; /* half and twice of either were no better */
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

static int64_t panel_bytes(int64_t terms)
{
    return (terms + TILE_TERMS - 1) / TILE_TERMS * 2 * TILE_BYTES;
}

/* `count` vectors, panel after panel; memory is read in its order. */
LANE_INLINE void pack(const uint16_t *from, int64_t stride, bool along, int64_t count,
                      int64_t terms, bool by_terms, char *panels)
{
    const int64_t filled = (count + WIDTH - 1) / WIDTH * WIDTH, size = panel_bytes(terms);
    for (int64_t n = 0; n < filled / TILE_ROWS * (size / (2 * TILE_BYTES)); n++) {
        const int64_t steps = size / (2 * TILE_BYTES), tiles = filled / TILE_ROWS;
        const int64_t i = (along ? n / steps : n % tiles) * TILE_ROWS;
        const int64_t k = (along ? n % steps : n / tiles) * TILE_TERMS;
        pack_tile(from + (along ? i * stride + k : k * stride + i), stride, along,
                  count > i ? less(TILE_ROWS, count - i) : 0, less(TILE_TERMS, terms - k), by_terms,
                  panels + i / WIDTH * size +
                      (k / TILE_TERMS * 2 + i / TILE_ROWS % 2) * TILE_BYTES);
    }
}

static void pack_a(const mas_matmul *g, void *panels)
{
    if (g->trans_a)
        pack(g->a, g->lda, false, g->m, g->k, true, panels);
    else
        pack(g->a, g->lda, true, g->m, g->k, true, panels);
}

static void pack_b(const mas_matmul *g, int64_t n0, int64_t columns, void *panels)
{
    const uint16_t *b = g->b;
    if (g->trans_b)
        pack(b + n0 * g->ldb, g->ldb, true, columns, g->k, false, panels);
    else
        pack(b + n0, g->ldb, false, columns, g->k, false, panels);
}

/* Sums of a panel of A by one of B: sums = (first ? 0 : sums) + a b.
 *  @param c  rows of C that are asked for meanwhile, `rows` of them */
LANE_INLINE void multiply(int64_t terms, const char *x, const char *y, bool first,
                          float (*sums)[WIDTH], const char *c, int64_t c_bytes, int64_t rows)
{
    if (first) {
        tile_zero(0);
        tile_zero(1);
        tile_zero(2);
        tile_zero(3);
    } else {
        tile_load(0, &sums[0][0], sizeof *sums);
        tile_load(1, &sums[0][TILE_ROWS], sizeof *sums);
        tile_load(2, &sums[TILE_ROWS][0], sizeof *sums);
        tile_load(3, &sums[TILE_ROWS][TILE_ROWS], sizeof *sums);
    }
    int64_t ahead = 0;
    for (int64_t k = 0; k < terms; k += TILE_TERMS, x += 2 * TILE_BYTES, y += 2 * TILE_BYTES) {
        for (int i = 0; i < 2 && ahead < rows; i++, ahead++)
            __builtin_prefetch(c + ahead * c_bytes, 1);
        tile_stream(4, x, TILE_ROW_BYTES);
        tile_load(6, y, TILE_ROW_BYTES);
        tile_dot(0, 4, 6);
        tile_load(7, y + TILE_BYTES, TILE_ROW_BYTES);
        tile_dot(1, 4, 7);
        tile_stream(5, x + TILE_BYTES, TILE_ROW_BYTES);
        tile_dot(2, 5, 6);
        tile_dot(3, 5, 7);
    }
    tile_store(0, &sums[0][0], sizeof *sums);
    tile_store(1, &sums[0][TILE_ROWS], sizeof *sums);
    tile_store(2, &sums[TILE_ROWS][0], sizeof *sums);
    tile_store(3, &sums[TILE_ROWS][TILE_ROWS], sizeof *sums);
}

/* Up to GROUP panels of A go by CHUNK terms of B, which stay in the first cache; sums wait in the second. */
static void strip(int64_t terms, const void *a, const void *b, bool add, mas_dtype c_type, void *c,
                  int64_t ldc, int64_t rows, int64_t columns)
{
    _Alignas(64) float sums[GROUP][WIDTH][WIDTH];
    const int64_t size = panel_bytes(terms), c_bytes = ldc * (c_type == MAS_DTYPE_F32 ? 4 : 2);
    for (int64_t m0 = 0; m0 < rows; m0 += GROUP * WIDTH) {
        const int64_t some = less(GROUP * WIDTH, rows - m0);
        for (int64_t k = 0; k < terms; k += CHUNK)
            for (int64_t m = 0; m < some; m += WIDTH) {
                const int64_t at = k / TILE_TERMS * 2 * TILE_BYTES;
                const bool last = k + CHUNK >= terms;
                multiply(less(CHUNK, terms - k), (const char *)a + (m0 + m) / WIDTH * size + at,
                         (const char *)b + at, k == 0, sums[m / WIDTH],
                         (const char *)c + (m0 + m) * c_bytes, c_bytes,
                         last ? less(WIDTH, some - m) : 0);
            }
        for (int64_t i = 0; i < some; i++) {
            const float *from = sums[i / WIDTH][i % WIDTH];
            const vf sum[2] = {vf_load(from), vf_load(from + LANES)};
            if (c_type == MAS_DTYPE_F32)
                store_row(MAS_DTYPE_F32, add, sum, (float *)c + (m0 + i) * ldc, columns);
            else
                store_row(MAS_DTYPE_BF16, add, sum, (uint16_t *)c + (m0 + i) * ldc, columns);
        }
    }
}

const mas_cpu_tiles LEVEL_NAME(tiles) = {
    .rows = WIDTH,
    .columns = WIDTH,
    .group = TILE_TERMS,
    .element_bytes = sizeof(uint16_t),
    .block_bytes = 1024 * 1024, /* processors with tiles have 2 MiB */
    .begin = tiles_begin,
    .end = tiles_end,
    .pack_a = pack_a,
    .pack_b = pack_b,
    .strip = strip,
};
