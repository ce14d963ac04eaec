/* SPDX-License-Identifier: Apache-2.0 */
/* attn_forward/flash/avx2: attention_forward_impl.h on units of f32, compiled for AVX2. */
#include "kernels/x86/simd_avx2.h"
#include "kernels/x86/simd_unit_f32.h"

#include "kernels/x86/attention_forward_tile.h"

#include "kernels/x86/attention_forward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel mas_attn_forward_flash_avx2 = {
    .name = "attn_forward/flash/avx2",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_AVX2,
    .supports = unit_supports,
    .tile = forward_tile_shape,
    .workspace_bytes = forward_workspace_bytes,
    .run = forward_run,
};
