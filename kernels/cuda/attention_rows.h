/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before every backward pass, whatever the kernel: delta, and the gradient of the sink
 * logits. */
#ifndef MAS_CUDA_ATTENTION_ROWS_H
#define MAS_CUDA_ATTENTION_ROWS_H

#include "kernels/cuda/cuda.h"

/** delta[B, Hq, Tq] = sum_c dO O of each row, in f32; then d_sinks, if the problem has sinks. */
cudaError_t mas_cuda_attention_delta(const mas_attn_plan *plan, const mas_cuda_attention *a,
                                     float *delta);
/** Bytes of delta. */
size_t mas_cuda_delta_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads);

#endif
