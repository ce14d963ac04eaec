/* SPDX-License-Identifier: Apache-2.0 */
/* attn_forward/flash/amx: attention_forward_impl.h on matrix tiles, compiled for AMX, or for its emulation. */
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/simd_unit_bf16.h"

#include "kernels/x86/attention_forward_tiles.h"

#include "kernels/x86/attention_forward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel TILES_SYMBOL(mas_attn_forward_flash) = {
    .name = "attn_forward/flash/" TILES_NAME,
    .op = MAS_ATTN_FORWARD,
    .isa = TILES_ISA,
    .supports = unit_supports,
    .tile = forward_tile_shape,
    .workspace_bytes = forward_workspace_bytes,
    .run = forward_run,
};
