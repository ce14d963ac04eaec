/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction set, two faces: to nvcc (__CUDACC__) thin wrappers of inline PTX, to any C++ compiler an
 * emulator for tests, which needs no CUDA header or library.
 *
 * Kernels must keep to this subset:
 *   launch        simt_launch(kernel, grid, block, smem_bytes, stream, args...)
 *   shared memory SIMT_DYN_SMEM(type, name)
 *   barriers      __syncthreads, __syncwarp
 *   warp ops      __shfl_xor_sync, __ballot_sync, simt_uniform
 *   async copy    cp_async_16, cp_async_commit, cp_async_wait<N>
 *   tensor core   ldmatrix_x4, ldmatrix_x4_trans, mma_bf16_16816
 *   bf16          bf16 (storage), f2bf, bf2f, pack_bf16x2
 *   atomics       atomicAdd
 * On the host there is no cudaGetLastError: it keeps the failures of earlier calls, also those that were dealt with,
 * and a launch would seem to have failed. Every call returns its own.
 * and, for compute capability 9.0 alone, to that of hopper.h.
 */
#ifndef SIMT_H
#define SIMT_H

#include <stddef.h>
#include <stdint.h>

typedef uint16_t bf16; /* storage only; arithmetic is in float */

#ifdef __CUDACC__
#include "kernels/cuda/simt/device.h"
#else
#include "kernels/cuda/simt/instructions.h"
#include "kernels/cuda/simt/runtime.h"
#endif

enum { SIMT_SMEM_UNASKED = 48 << 10 }; /* bytes of shared memory; for more CUDA wants to be asked */

/** Queue a kernel; what this launch failed by, or cudaSuccess. */
template <class... P, class... A>
static inline cudaError_t simt_launch(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t s,
                                      A... a)
{
    if (smem > SIMT_SMEM_UNASKED) {
        const cudaError_t code = cudaFuncSetAttribute(
            (const void *)k, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)smem);
        if (code != cudaSuccess)
            return code;
    }
    return simt_start<P...>(k, g, b, smem, s, static_cast<P>(a)...);
}

#endif
