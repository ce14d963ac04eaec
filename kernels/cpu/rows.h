/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The serial work of the CPU device on a piece of rows, one table per instruction level. The files that
 * fill them are compiled once per level; mas_cpu_rows_for picks a table when a device is
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

/** A bf16 product by register tiles. Operands are packed into panels, columns of B and rows of A
 * that one tile needs, terms in groups; the last panel and group are padded with zeros. Packed
 * elements are bf16 where there are dot products of them, else f32. */
typedef struct mas_cpu_tiles {
    int64_t rows, columns; /* of a tile: width of a panel of A and of B */
    int64_t group;         /* terms that are packed side by side */
    size_t element_bytes;
    int64_t
        block_bytes; /* of A packed at a time: so much stays in the second-level cache beside a panel of B */
    /* around what a thread multiplies: the tile registers of the processor, where it has them */
    void (*begin)(void);
    void (*end)(void);
    /* all of op(A), panel after panel */
    void (*pack_a)(const mas_matmul *g, void *panels);
    /* `columns` of op(B), from column n0 on, panel after panel */
    void (*pack_b)(const mas_matmul *g, int64_t n0, int64_t columns, void *panels);
    /* c[rows, columns] = (add ? c : 0) + a b, all panels of A by one of B, each element one chain of sums over
     * all terms */
    void (*strip)(int64_t terms, const void *a, const void *b, bool add, mas_dtype c_type, void *c,
                  int64_t ldc, int64_t rows, int64_t columns);
} mas_cpu_tiles;

typedef struct mas_cpu_rows {
    void (*convert)(int64_t count, const float *from, mas_dtype type, void *to);
    /* x += y */
    void (*add)(int64_t count, const float *y, float *x);
    void (*add_bias)(int64_t rows, int64_t c, const float *bias, mas_dtype type, void *x);
    /* sums[c] += column sums */
    void (*column_sums)(int64_t rows, int64_t c, mas_dtype type, const void *x, float *sums);
    void (*norm)(mas_norm kind, int64_t rows, int64_t c, float epsilon, const float *x,
                 const void *y, float *sum, const float *weight, const float *bias, mas_dtype type,
                 void *out, float *mean, float *rstd);
    /* d_x, d_weight and d_bias (NULL: none) are added to */
    void (*norm_backward)(mas_norm kind, int64_t rows, int64_t c, const float *x,
                          const float *weight, const float *mean, const float *rstd, mas_dtype type,
                          const void *d_out, float *d_x, void *d_x_copy, float *d_weight,
                          float *d_bias);
    void (*activation)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type, const void *in,
                       void *out);
    void (*activation_backward)(mas_activation kind, int64_t rows, int64_t f, mas_dtype type,
                                const void *in, const void *d_out, void *d_in);
    /* frequency[j] = theta^(-2j/D) for j < dim / 2; direction 1 forward, -1 back */
    void (*rope)(int64_t rows, int64_t heads, int64_t dim, int64_t row_stride,
                 const double *frequency, float direction, const int32_t *positions, mas_dtype type,
                 void *x);
    /* With gradient set, every row of logits[rows, vocab] is replaced by grad_scale * (softmax -
     * onehot) of `type` (0 for rows not scored), which starts where the row of logits did: the
     * distance of rows stays vocab floats. Otherwise the logits are only read. */
    void (*softmax_loss)(int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                         const int32_t *targets, mas_dtype type, float *logits, float *losses,
                         uint8_t *correct);
    double (*sum_squares)(int64_t count, const float *x);
    /* copy: NULL or the new weights in bf16 */
    void (*adamw)(int64_t count, const mas_cpu_adamw *h, const float *gradient, float *weight,
                  float *m, float *v, uint16_t *copy);
    /* one piece of a matrix product, without a library */
    void (*gemm)(const mas_matmul *piece);
    const mas_cpu_tiles *tiles;
    /* exp of count numbers as the operations above compute it (for tests) */
    void (*exponential)(int64_t count, const float *x, float *out);
} mas_cpu_rows;

extern const mas_cpu_rows mas_cpu_rows_scalar;
#if defined(__x86_64__)
extern const mas_cpu_rows mas_cpu_rows_avx2;
extern const mas_cpu_rows mas_cpu_rows_avx512;
extern const mas_cpu_rows mas_cpu_rows_avx512bf16;
extern const mas_cpu_rows mas_cpu_rows_amx;
#endif

/** The table of that level; the scalar one where the build has no other. */
const mas_cpu_rows *mas_cpu_rows_for(mas_isa isa);

/* gemm.c, one per level */
void mas_cpu_gemm_scalar(const mas_matmul *piece);
void mas_cpu_gemm_avx2(const mas_matmul *piece);
void mas_cpu_gemm_avx512(const mas_matmul *piece);
void mas_cpu_gemm_avx512bf16(const mas_matmul *piece);
void mas_cpu_gemm_amx(const mas_matmul *piece);

/* gemm_bf16.c, one per level, and gemm_amx.c */
extern const mas_cpu_tiles mas_cpu_tiles_scalar;
extern const mas_cpu_tiles mas_cpu_tiles_avx2;
extern const mas_cpu_tiles mas_cpu_tiles_avx512;
extern const mas_cpu_tiles mas_cpu_tiles_avx512bf16;
extern const mas_cpu_tiles mas_cpu_tiles_amx;
extern const mas_cpu_tiles mas_cpu_tiles_amx_emulated; /* only where tests link it */

#endif
