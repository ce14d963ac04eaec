/* SPDX-License-Identifier: Apache-2.0 */
/* attn_forward/flash/avx512bf16: attention_forward_impl.h on units of bf16, compiled for AVX512BF16. */
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/simd_unit_bf16.h"

#include "kernels/x86/attention_forward_tile.h"

#include "kernels/x86/attention_forward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel mas_attn_forward_flash_avx512bf16 = {
    .name = "attn_forward/flash/avx512bf16",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_AVX512BF16,
    .supports = unit_supports,
    .tile = forward_tile_shape,
    .workspace_bytes = forward_workspace_bytes,
    .run = forward_run,
};
