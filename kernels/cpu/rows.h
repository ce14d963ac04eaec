/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The serial work of the CPU device on a piece of rows, one table per instruction level. rows.c
 * and gemm.c are compiled once per level; mas_cpu_rows_for picks a table when a device is
 * opened. Which rows make a piece, and on which thread it runs, is decided above.
 */
#ifndef MASBENCH_CPU_ROWS_H
#define MASBENCH_CPU_ROWS_H

#include "masbench/device.h"

/** AdamW of one step with everything that does not depend on the element worked out. */
typedef struct mas_cpu_adamw {
    float gradient_scale, beta1, one_minus_beta1, beta2, one_minus_beta2;
    float step_size;       /* learning_rate / (1 - beta1^step) */
    float inverse_correct; /* 1 / sqrt(1 - beta2^step) */
    float epsilon;
    float keep; /* 1 - learning_rate * weight_decay */
} mas_cpu_adamw;

typedef struct mas_cpu_rows {
    /* x += y */
    void (*add)(int64_t count, const float *y, float *x);
    void (*add_bias)(int64_t rows, int64_t c, const float *bias, float *x);
    /* sums[c] += column sums */
    void (*column_sums)(int64_t rows, int64_t c, const float *x, float *sums);
    void (*norm)(mas_norm kind, int64_t rows, int64_t c, float epsilon, const float *x,
                 const float *weight, const float *bias, float *out, float *mean, float *rstd);
    /* d_x, d_weight and d_bias (NULL: none) are added to */
    void (*norm_backward)(mas_norm kind, int64_t rows, int64_t c, const float *x,
                          const float *weight, const float *mean, const float *rstd,
                          const float *d_out, float *d_x, float *d_weight, float *d_bias);
    void (*activation)(mas_activation kind, int64_t rows, int64_t f, const float *in, float *out);
    void (*activation_backward)(mas_activation kind, int64_t rows, int64_t f, const float *in,
                                const float *d_out, float *d_in);
    /* frequency[j] = theta^(-2j/D) for j < dim / 2; direction 1 forward, -1 back */
    void (*rope)(int64_t rows, int64_t heads, int64_t dim, int64_t row_stride,
                 const double *frequency, float direction, const int32_t *positions, float *x);
    /* logits[rows, vocab] become grad_scale * (softmax - onehot) when gradient is set (0 for
     * rows not scored), otherwise they are only read */
    void (*softmax_loss)(int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                         const int32_t *targets, float *logits, float *losses, uint8_t *correct);
    double (*sum_squares)(int64_t count, const float *x);
    void (*adamw)(int64_t count, const mas_cpu_adamw *h, const float *gradient, float *weight,
                  float *m, float *v);
    /* one piece of a matrix product, without a library */
    void (*gemm)(const mas_matmul *piece);
    /* exp of count numbers as the operations above compute it (for tests) */
    void (*exponential)(int64_t count, const float *x, float *out);
} mas_cpu_rows;

extern const mas_cpu_rows mas_cpu_rows_scalar;
#if defined(__x86_64__)
extern const mas_cpu_rows mas_cpu_rows_avx2;
extern const mas_cpu_rows mas_cpu_rows_avx512;
#endif

/** The table of that level; the scalar one where the build has no other. */
const mas_cpu_rows *mas_cpu_rows_for(mas_isa isa);

/* gemm.c, one per level */
void mas_cpu_gemm_scalar(const mas_matmul *piece);
void mas_cpu_gemm_avx2(const mas_matmul *piece);
void mas_cpu_gemm_avx512(const mas_matmul *piece);

#endif
