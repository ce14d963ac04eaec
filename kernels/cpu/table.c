/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's attention kernels in order of preference: the widest instruction set first, the reference last. */
#include "masbench/attention.h"

#include "kernels/reference/reference.h"

#if defined(__x86_64__)
#include "kernels/x86/x86.h"
#endif

const mas_attn_kernel *const mas_attn_cpu_table[] = {
#if defined(__x86_64__)
    &mas_attn_forward_flash_amx,     &mas_attn_forward_flash_avx512bf16,
    &mas_attn_forward_flash_avx512,  &mas_attn_forward_flash_avx2,
    &mas_attn_backward_flash_amx,    &mas_attn_backward_flash_avx512bf16,
    &mas_attn_backward_flash_avx512, &mas_attn_backward_flash_avx2,
    &mas_attn_decode_split_avx512,   &mas_attn_decode_split_avx2,
#endif
    &mas_attn_forward_reference,     &mas_attn_backward_reference,
    &mas_attn_decode_reference,      NULL,
};
