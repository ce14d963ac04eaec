/* SPDX-License-Identifier: Apache-2.0 */
/* attn_decode/split_k/avx512: attention_decode_impl.h compiled for AVX512. */
#include "kernels/x86/simd_avx512.h"

#include "kernels/x86/attention_decode_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel mas_attn_decode_split_avx512 = {
    .name = "attn_decode/split_k/avx512",
    .op = MAS_ATTN_DECODE,
    .isa = MAS_ISA_AVX512,
    .supports = decode_supports,
    .tile = decode_tile_shape,
    .workspace_bytes = decode_workspace_bytes,
    .run = decode_run,
};
