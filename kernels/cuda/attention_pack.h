/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs whose rows do not begin at multiples of 16 bytes, copied to where they do. */
#ifndef MAS_CUDA_ATTENTION_PACK_H
#define MAS_CUDA_ATTENTION_PACK_H

#include "kernels/cuda/cuda.h"

/** Copies that live until what was queued after them is done. */
typedef struct mas_cuda_packed {
    void *memory[4];
} mas_cuda_packed;

/** Replace q, k, v and d_o of a call (those that it has) by packed copies where they need it. Queued on the
 * stream; mas_cuda_unpack is due after the last use is queued, whatever this returns. */
cudaError_t mas_cuda_pack(mas_cuda_packed *packed, const mas_attn_problem *p,
                          mas_cuda_attention *a);
void mas_cuda_unpack(mas_cuda_packed *packed);

#endif
