/* SPDX-License-Identifier: Apache-2.0 */
/* The attention kernels of the CUDA back end, best first. */
#include "kernels/cuda/cuda.h"

extern "C" const mas_attn_kernel *const mas_attn_cuda_table[] = {
    &mas_cuda_forward_sm80,    &mas_cuda_forward_simple, &mas_cuda_backward_sm80,
    &mas_cuda_backward_simple, &mas_cuda_decode_simple,  NULL,
};
