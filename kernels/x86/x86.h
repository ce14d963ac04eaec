/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The attention kernels for x86-64, one per operation and instruction set. They take f32 problems
 * of any shape and execute any span schedule. Whether the processor can run them is asked before
 * (mas_attn_kernel_usable).
 */
#ifndef MASBENCH_X86_H
#define MASBENCH_X86_H

#include "masbench/attention.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const mas_attn_kernel mas_attn_forward_flash_avx512;  /* "attn_forward/flash/avx512" */
extern const mas_attn_kernel mas_attn_forward_flash_avx2;    /* "attn_forward/flash/avx2" */
extern const mas_attn_kernel mas_attn_backward_flash_avx512; /* "attn_backward/flash/avx512" */
extern const mas_attn_kernel mas_attn_backward_flash_avx2;   /* "attn_backward/flash/avx2" */
extern const mas_attn_kernel mas_attn_decode_split_avx512;   /* "attn_decode/split_k/avx512" */
extern const mas_attn_kernel mas_attn_decode_split_avx2;     /* "attn_decode/split_k/avx2" */

#ifdef __cplusplus
}
#endif
#endif
