/* SPDX-License-Identifier: Apache-2.0 */
/* A plain matrix product for builds without oneDNN, after Goto and van de Geijn ("Anatomy of
 * High-Performance Matrix Multiplication", 2008) with everything small enough for the stack:
 * blocks of KC x NC of B and KC x MR of A are copied into the order in which the inner kernel
 * reads them, padded with zeros, so that one kernel serves every shape, stride and
 * transposition.
 *
 * Compiled once per instruction level. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

#define KC 256
#define NC 128

/* Copy count floats; `full` is the usual count, a constant that makes the copy a few
 * instructions. */
LANE_INLINE void copy_row(float *to, const float *from, int64_t count, int64_t full)
{
    if (count == full)
        memcpy(to, from, (size_t)full * sizeof *to);
    else
        memcpy(to, from, (size_t)count * sizeof *to);
}

/* b[panel][p][NR] from kc rows and nc columns of op(B). */
static void pack_b(const mas_matmul *g, int64_t k0, int64_t kc, int64_t n0, int64_t nc, float *b)
{
    const float *from_b = g->b;
    for (int64_t j0 = 0; j0 < nc; j0 += NR, b += kc * NR) {
        const int64_t width = smaller(NR, nc - j0);
        if (width < NR)
            memset(b, 0, (size_t)(kc * NR) * sizeof *b);
        if (g->trans_b) {
            for (int64_t j = 0; j < width; j++) {
                const float *from = from_b + (n0 + j0 + j) * g->ldb + k0;
                for (int64_t p = 0; p < kc; p++)
                    b[p * NR + j] = from[p];
            }
        } else {
            for (int64_t p = 0; p < kc; p++)
                copy_row(b + p * NR, from_b + (k0 + p) * g->ldb + n0 + j0, width, NR);
        }
    }
}

/* a[p][MR] from `rows` rows and kc columns of op(A). */
static void pack_a(const mas_matmul *g, int64_t m0, int64_t rows, int64_t k0, int64_t kc, float *a)
{
    const float *from_a = g->a;
    if (rows < MR)
        memset(a, 0, (size_t)(kc * MR) * sizeof *a);
    if (g->trans_a) {
        for (int64_t p = 0; p < kc; p++)
            copy_row(a + p * MR, from_a + (k0 + p) * g->lda + m0, rows, MR);
    } else {
        for (int64_t i = 0; i < rows; i++) {
            const float *from = from_a + (m0 + i) * g->lda + k0;
            for (int64_t p = 0; p < kc; p++)
                a[p * MR + i] = from[p];
        }
    }
}

/* One MR x NR tile: c[rows, columns] = (add ? c : 0) + a b. */
static void kernel(int64_t kc, const float *a, const float *b, bool add, float *c, int64_t ldc,
                   int64_t rows, int64_t columns)
{
    vf sum[MR][2];
#pragma GCC unroll 12
    for (int i = 0; i < MR; i++)
        sum[i][0] = sum[i][1] = vf_set(0.0f);
    for (int64_t p = 0; p < kc; p++) {
        const vf b0 = vf_load(b + p * NR), b1 = vf_load(b + p * NR + LANES);
#pragma GCC unroll 12
        for (int i = 0; i < MR; i++) {
            const vf ai = vf_set(a[p * MR + i]);
            sum[i][0] = vf_fma(ai, b0, sum[i][0]);
            sum[i][1] = vf_fma(ai, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < MR; i++) {
        if (i >= rows)
            break;
        for (int h = 0; h < 2; h++) {
            float *to = c + i * ldc + h * LANES;
            const int64_t left = columns - h * LANES;
            if (left <= 0)
                break;
            const vf before = add ? vf_load_n(to, left) : vf_set(0.0f);
            vf_store_n(to, before + sum[i][h], left);
        }
    }
}

void LEVEL_NAME(gemm)(const mas_matmul *g)
{
    _Alignas(64) float a[KC * MR];
    _Alignas(64) float b[KC * NC];
    for (int64_t n0 = 0; n0 < g->n; n0 += NC) {
        const int64_t nc = smaller(NC, g->n - n0);
        for (int64_t k0 = 0; k0 < g->k; k0 += KC) {
            const int64_t kc = smaller(KC, g->k - k0);
            pack_b(g, k0, kc, n0, nc, b);
            for (int64_t m0 = 0; m0 < g->m; m0 += MR) {
                const int64_t rows = smaller(MR, g->m - m0);
                pack_a(g, m0, rows, k0, kc, a);
                for (int64_t j0 = 0; j0 < nc; j0 += NR)
                    kernel(kc, a, b + j0 * kc, g->accumulate || k0 > 0,
                           (float *)g->c + m0 * g->ldc + n0 + j0, g->ldc, rows,
                           smaller(NR, nc - j0));
            }
        }
    }
}
