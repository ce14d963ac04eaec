/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shared by the files that are compiled once per instruction level, with -DMAS_CPU_LEVEL=scalar,
 * avx2, avx512, avx512bf16 or amx. Their functions carry the level in their names; rows.h has the
 * meanings. Private to those files.
 */
#ifndef MASBENCH_CPU_ROWS_LEVEL_H
#define MASBENCH_CPU_ROWS_LEVEL_H

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/level_name.h"
#include "kernels/cpu/rows.h"

void LEVEL_NAME(norm)(mas_norm kind, int64_t rows, int64_t c, float epsilon, const float *x,
                      const void *y, float *sum, const float *weight, const float *bias,
                      mas_dtype type, void *out, float *mean, float *rstd);
void LEVEL_NAME(norm_backward)(mas_norm kind, int64_t rows, int64_t c, const float *x,
                               const float *weight, const float *mean, const float *rstd,
                               mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                               float *d_weight, float *d_bias);
void LEVEL_NAME(activation)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type,
                            const void *in, void *out);
void LEVEL_NAME(activation_backward)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type,
                                     const void *in, const void *d_out, void *d_in);
void LEVEL_NAME(rope)(int64_t rows, int64_t heads, int64_t dim, int64_t row_stride,
                      const double *frequency, float direction, const int32_t *positions,
                      mas_dtype type, void *x);
void LEVEL_NAME(softmax_loss)(int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                              const int32_t *targets, mas_dtype type, float *logits, float *losses,
                              uint8_t *correct);

/* A register tile of a matrix product: MR x NR accumulators must fit the registers beside two of B and one of A. */
#if LANES == 16
#define MR 12
#elif LANES == 8
#define MR 6
#else
#define MR 4
#endif
#define NR (2 * LANES)

static inline int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Two functions from one body whose `type` is a constant in each. */
#define BY_TYPE(type, call_of, ...)                                                                \
    do {                                                                                           \
        if ((type) == MAS_DTYPE_F32)                                                               \
            call_of(MAS_DTYPE_F32, __VA_ARGS__);                                                   \
        else                                                                                       \
            call_of(MAS_DTYPE_BF16, __VA_ARGS__);                                                  \
    } while (0)

/* sum = x + y over one row; x and sum may be the same. */
LANE_INLINE void add_typed(mas_dtype type, int64_t c, const float *x, const void *y, float *sum)
{
    int64_t j = 0;
    for (; j + LANES <= c; j += LANES)
        vf_store(sum + j, vf_load(x + j) + vt_load(type, y, j, LANES));
    if (j < c)
        vf_store_n(sum + j, vf_load_n(x + j, c - j) + vt_load(type, y, j, c - j), c - j);
}

#endif
