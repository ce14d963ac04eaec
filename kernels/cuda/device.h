/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA device and the operations of its table, one file a group. Private to kernels/cuda. All
 * queue work on the stream and return; failures of launches are noted in the context and reported
 * by the next call that returns a status (see mas_cuda_noted). */
#ifndef MAS_CUDA_DEVICE_H
#define MAS_CUDA_DEVICE_H

#include "kernels/cuda/cuda.h"

#include <unordered_map>

struct mas_cuda_matmuls; /* the library's handle and its choices so far: matmul_*.cu */

typedef struct mas_cuda_block {
    size_t bytes;
    mas_memory category;
} mas_cuda_block;

typedef struct mas_cuda_device {
    mas_device base; /* first, so that a mas_device is one */
    char hardware[320], driver[64], library[64];
    std::unordered_map<void *, mas_cuda_block> *blocks; /* what is allocated */
    struct mas_cuda_matmuls *matmuls;
    void *scratch; /* of operations that need some between two kernels; grows */
    size_t scratch_bytes;
} mas_cuda_device;

static inline mas_cuda_device *mas_cuda(mas_device *d)
{
    return (mas_cuda_device *)d;
}

/** Scratch of at least that size, content undefined, until the next call. NULL: no memory (noted). */
void *mas_cuda_scratch(mas_device *d, size_t bytes);

/* memory.cu */
mas_status mas_cuda_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                          mas_error *err);
void mas_cuda_release(mas_device *d, void *pointer);
void mas_cuda_upload(mas_device *d, void *to_device, const void *from_host, size_t bytes);
void mas_cuda_download(mas_device *d, void *to_host, const void *from_device, size_t bytes);
void mas_cuda_zero(mas_device *d, void *pointer, size_t bytes);

/* matmul_cublaslt.cu; for the emulator matmul_plain.cu */
/** Load the library. MAS_E_UNSUPPORTED with the reason when it is not there. */
mas_status mas_cuda_matmuls_open(mas_cuda_device *d, mas_error *err);
void mas_cuda_matmuls_close(mas_cuda_device *d);
mas_status mas_cuda_matmul(mas_device *d, const mas_matmul *m, mas_error *err);

/* elementwise.cu */
void mas_cuda_convert(mas_device *d, int64_t count, const float *from, mas_dtype type, void *to);
void mas_cuda_activation(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                         const void *in, void *out);
void mas_cuda_activation_backward(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                  mas_dtype type, const void *in, const void *d_out, void *d_in);
void mas_cuda_add_bias(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                       void *x);
void mas_cuda_add(mas_device *d, int64_t count, const float *y, float *x);
void mas_cuda_rope(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                   float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x);

/* norm.cu */
void mas_cuda_norm(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon,
                   const float *x, const void *y, float *sum, const float *weight,
                   const float *bias, mas_dtype type, void *out, float *mean, float *rstd);
void mas_cuda_norm_backward(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                            const float *weight, const float *mean, const float *rstd,
                            mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                            float *d_weight, float *d_bias);
void mas_cuda_bias_backward(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                            float *d_bias);

/* embed.cu */
void mas_cuda_embed(mas_device *d, int64_t n, int64_t c, const int32_t *ids,
                    const int32_t *positions, const float *token_table, const float *position_table,
                    float *out);
void mas_cuda_embed_backward(mas_device *d, int64_t n, int64_t c, int64_t vocab, const int32_t *ids,
                             const int32_t *positions, const float *d_out, float *d_token_table,
                             float *d_position_table);

/* cross_entropy.cu */
mas_status mas_cuda_cross_entropy(mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                  mas_dtype type, const void *x, const void *weight,
                                  uint64_t weight_version, const int32_t *targets, float grad_scale,
                                  float *losses, uint8_t *correct, void *d_x, float *d_weight,
                                  void *workspace, mas_error *err);
size_t mas_cuda_cross_entropy_workspace(const mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                        mas_dtype type);

/* optimiser.cu */
double mas_cuda_sum_squares(mas_device *d, int64_t count, const float *x);
void mas_cuda_adamw(mas_device *d, int64_t count, const mas_adamw *hyper, const float *gradient,
                    float *weight, float *m, float *v, uint16_t *copy);

/* limits.cu */
double mas_cuda_limit(mas_device *d, mas_limit limit, double seconds);
void mas_cuda_yardstick(mas_device *d);

#endif
