/* SPDX-License-Identifier: Apache-2.0 */
/* attn_backward/flash/amx: attention_backward_impl.h on matrix tiles, compiled for AMX, or for its emulation. */
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/simd_unit_bf16.h"

#include "kernels/x86/attention_backward_tiles.h"

#include "kernels/x86/attention_backward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel TILES_SYMBOL(mas_attn_backward_flash) = {
    .name = "attn_backward/flash/" TILES_NAME,
    .op = MAS_ATTN_BACKWARD,
    .isa = TILES_ISA,
    .supports = unit_supports,
    .tile = backward_tile_shape,
    .workspace_bytes = backward_workspace_bytes,
    .run = backward_run,
};
