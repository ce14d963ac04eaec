/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The attention kernels for x86-64, one per operation and instruction set, for problems of any shape
 * under any span schedule. The avx2 and avx512 ones take every type, the avx512bf16 ones bf16. Whether
 * the processor can run them is asked before (mas_attn_kernel_usable).
 */
#ifndef MASBENCH_X86_H
#define MASBENCH_X86_H

#include "masbench/attention.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const mas_attn_kernel mas_attn_forward_flash_amx;
extern const mas_attn_kernel mas_attn_forward_flash_avx512bf16; /* "attn_forward/flash/..." */
extern const mas_attn_kernel mas_attn_forward_flash_avx512;
extern const mas_attn_kernel mas_attn_forward_flash_avx2;
extern const mas_attn_kernel mas_attn_backward_flash_amx;
extern const mas_attn_kernel mas_attn_backward_flash_avx512bf16; /* "attn_backward/flash/..." */
extern const mas_attn_kernel mas_attn_backward_flash_avx512;
extern const mas_attn_kernel mas_attn_backward_flash_avx2;
extern const mas_attn_kernel mas_attn_decode_split_avx512; /* "attn_decode/split_k/..." */
extern const mas_attn_kernel mas_attn_decode_split_avx2;

#ifdef __cplusplus
}
#endif
#endif
