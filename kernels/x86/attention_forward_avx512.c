/* SPDX-License-Identifier: Apache-2.0 */
/* attn_forward/flash/avx512: attention_forward_impl.h on units of f32, compiled for AVX512. */
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/simd_unit_f32.h"

#include "kernels/x86/attention_forward_tile.h"

#include "kernels/x86/attention_forward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel mas_attn_forward_flash_avx512 = {
    .name = "attn_forward/flash/avx512",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_AVX512,
    .supports = unit_supports,
    .tile = forward_tile_shape,
    .workspace_bytes = forward_workspace_bytes,
    .run = forward_run,
};
