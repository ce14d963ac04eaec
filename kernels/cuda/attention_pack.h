/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs whose rows do not begin at multiples of 16 bytes, copied to where they do: tensor-core kernels copy 16 bytes at a
 * time. A call with such inputs takes as much longer as its inputs take to be read and written once. */
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

/** What a tensor-core kernel's `run` is: launch<TYPE>(&call) with such inputs, then mas_cuda_finish. */
template <class LAUNCH>
static mas_status mas_cuda_run_packed(const mas_attn_plan *plan, const mas_attn_args *args,
                                      mas_attn_counts *counts, mas_error *err, LAUNCH launch)
{
    mas_cuda_attention a = mas_cuda_attention_of(plan, args);
    mas_cuda_packed packed;
    cudaError_t code = mas_cuda_pack(&packed, &plan->problem, &a);
    if (code == cudaSuccess)
        code = plan->problem.dtype == MAS_DTYPE_BF16
                   ? launch.template operator()<MAS_DTYPE_BF16>(&a)
                   : launch.template operator()<MAS_DTYPE_F16>(&a);
    mas_cuda_unpack(&packed);
    return mas_cuda_finish(plan, code, counts, err);
}

#endif
