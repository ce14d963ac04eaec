/* SPDX-License-Identifier: Apache-2.0 */
/* The attention kernels of the CUDA back end, best first. */
#include "kernels/cuda/cuda.h"

#include <stdio.h>

extern "C" const mas_attn_kernel *const mas_attn_cuda_table[] = {
    &mas_cuda_forward_sm80,
    &mas_cuda_forward_simple,
    &mas_cuda_backward_sm80,
    &mas_cuda_backward_simple,
    &mas_cuda_decode_simple,
    NULL,
};

static mas_status open_none(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    (void)threads, (void)limit_bytes, (void)out;
    return mas_fail(err, MAS_E_UNSUPPORTED,
                    "the operations of the CUDA device are not written yet");
}

static mas_status describe(char *text, size_t size)
{
    mas_error err;
    const mas_status status = mas_cuda_start(&err);
    snprintf(text, size, "%s", status == MAS_OK ? "a GPU" : err.text);
    return status;
}

extern "C" const mas_device_kind mas_device_cuda = {
    .name = "cuda", .attention = mas_attn_cuda_table, .open = open_none, .describe = describe};
