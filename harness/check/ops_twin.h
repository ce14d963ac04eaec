/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The device's operations in f32 and plain order: the naive twin whose distance from the f64 oracle
 * (kernels/reference/ops_reference.h, same arguments) says how much error a device may have.
 */
#ifndef MASBENCH_OPS_TWIN_H
#define MASBENCH_OPS_TWIN_H

#include "masbench/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void mas_ops_twin_matmul(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, bool trans_a,
                         const float *b, int64_t ldb, bool trans_b, bool accumulate, float *c,
                         int64_t ldc);

void mas_ops_twin_embed(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                        const float *token_table, const float *position_table, float *out);
void mas_ops_twin_embed_backward(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                                 const float *d_out, float *d_token_table, float *d_position_table);

void mas_ops_twin_norm(mas_norm kind, int64_t n, int64_t c, float epsilon, const float *x,
                       const float *weight, const float *bias, float *out, float *mean,
                       float *rstd);
void mas_ops_twin_norm_backward(mas_norm kind, int64_t n, int64_t c, const float *x,
                                const float *weight, const float *mean, const float *rstd,
                                const float *d_out, float *d_x, float *d_weight, float *d_bias);

void mas_ops_twin_activation(mas_activation kind, int64_t n, int64_t f, const float *in,
                             float *out);
void mas_ops_twin_activation_backward(mas_activation kind, int64_t n, int64_t f, const float *in,
                                      const float *d_out, float *d_in);

void mas_ops_twin_add_bias(int64_t n, int64_t c, const float *bias, float *x);
void mas_ops_twin_bias_backward(int64_t n, int64_t c, const float *d_out, float *d_bias);

void mas_ops_twin_rope(int64_t n, int64_t heads, int64_t dim, int64_t row_stride, float theta,
                       bool inverse, const int32_t *positions, float *x);

void mas_ops_twin_cross_entropy(int64_t n, int64_t c, int64_t vocab, mas_dtype type, const float *x,
                                const float *weight, const int32_t *targets, float grad_scale,
                                float *losses, uint8_t *correct, float *d_x, float *d_weight,
                                float *logits);

void mas_ops_twin_adamw(int64_t count, const mas_adamw *hyper, const float *gradient, float *weight,
                        float *m, float *v);

#ifdef __cplusplus
}
#endif
#endif
