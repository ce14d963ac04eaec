/* SPDX-License-Identifier: Apache-2.0 */
/* The attention kernels of the CUDA back end, best first; peers to time them against, last. */
#include "kernels/cuda/cuda.h"

extern "C" const mas_attn_kernel *const mas_attn_cuda_table[] = {
    &mas_cuda_forward_sm90,
    &mas_cuda_forward_sm80,
    &mas_cuda_forward_simple,
    &mas_cuda_backward_sm90,
    &mas_cuda_backward_sm80,
    &mas_cuda_backward_simple,
    &mas_cuda_decode_sm80,
    &mas_cuda_decode_simple,
#if MAS_HAVE_CUDNN
    &mas_cuda_forward_cudnn,
    &mas_cuda_backward_cudnn,
#endif
    NULL,
};
