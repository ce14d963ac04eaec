/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The device's operations in f64, by their formulas in masbench/device.h: what any device's results
 * are compared with. Arguments are those of the device table with every tensor in f64; parameter
 * gradients are added to there as here. One thread, plain order.
 */
#ifndef MASBENCH_OPS_REFERENCE_H
#define MASBENCH_OPS_REFERENCE_H

#include "masbench/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Transposed operands and leading dimensions as in mas_matmul. */
void mas_ops_reference_matmul(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                              bool trans_a, const double *b, int64_t ldb, bool trans_b,
                              bool accumulate, double *c, int64_t ldc);

/** @param position_table  NULL: no positions, and `positions` is not read. Likewise
 * d_position_table. */
void mas_ops_reference_embed(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                             const double *token_table, const double *position_table, double *out);
void mas_ops_reference_embed_backward(int64_t n, int64_t c, const int32_t *ids,
                                      const int32_t *positions, const double *d_out,
                                      double *d_token_table, double *d_position_table);

/** @param bias, mean  not touched for rmsnorm. Likewise d_bias. */
void mas_ops_reference_norm(mas_norm kind, int64_t n, int64_t c, float epsilon, const double *x,
                            const double *weight, const double *bias, double *out, double *mean,
                            double *rstd);
void mas_ops_reference_norm_backward(mas_norm kind, int64_t n, int64_t c, const double *x,
                                     const double *weight, const double *mean, const double *rstd,
                                     const double *d_out, double *d_x, double *d_weight,
                                     double *d_bias);

void mas_ops_reference_activation(mas_activation kind, int64_t n, int64_t f, const double *in,
                                  double *out);
void mas_ops_reference_activation_backward(mas_activation kind, int64_t n, int64_t f,
                                           const double *in, const double *d_out, double *d_in);

void mas_ops_reference_add_bias(int64_t n, int64_t c, const double *bias, double *x);
void mas_ops_reference_bias_backward(int64_t n, int64_t c, const double *d_out, double *d_bias);

void mas_ops_reference_rope(int64_t n, int64_t heads, int64_t dim, int64_t row_stride, float theta,
                            bool inverse, const int32_t *positions, double *x);

/** @param type           dlogits are rounded to it, unless it is f32
 *  @param d_x, d_weight  NULL: no gradients
 *  @param logits         [V] scratch */
void mas_ops_reference_cross_entropy(int64_t n, int64_t c, int64_t vocab, mas_dtype type,
                                     const double *x, const double *weight, const int32_t *targets,
                                     float grad_scale, double *losses, uint8_t *correct,
                                     double *d_x, double *d_weight, double *logits);

void mas_ops_reference_adamw(int64_t count, const mas_adamw *hyper, const double *gradient,
                             double *weight, double *m, double *v);

#ifdef __cplusplus
}
#endif
#endif
