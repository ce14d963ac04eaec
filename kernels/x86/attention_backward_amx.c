/* SPDX-License-Identifier: Apache-2.0 */
/* attn_backward/flash/amx: attention_backward_impl.h on matrix tiles, compiled for AMX. */
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/simd_unit_bf16.h"

#include "kernels/x86/attention_backward_tiles.h"

#include "kernels/x86/attention_backward_impl.h"
#include "kernels/x86/x86.h"

const mas_attn_kernel mas_attn_backward_flash_amx = {
    .name = "attn_backward/flash/amx",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_AMX,
    .supports = unit_supports,
    .tile = backward_tile_shape,
    .workspace_bytes = backward_workspace_bytes,
    .run = backward_run,
};
