/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels for compute capability 9.0 share. A block is 1 + CONSUMERS warpgroups: the first brings
 * tiles into shared memory, each of the others multiplies 64 rows. Of the first, thread 0 starts bulk copies
 * and warps 1 to 3, the helpers, take values that are not finite out of partial tiles. Tiles are as hopper.h
 * has them. Bulk copies want rows that begin at multiples of 16 bytes: attention_pack.h. */
#ifndef MAS_CUDA_ATTENTION_SM90_H
#define MAS_CUDA_ATTENTION_SM90_H

#include "kernels/cuda/attention_pack.h"
#include "kernels/cuda/attention_softmax.h"
#include "kernels/cuda/simt/hopper.h"

enum { GROUP = 128, HELPERS = 3 }; /* threads of a warpgroup; warps */

/* Registers a thread: a block starts with the same number for all, and the first warpgroup, which needs few,
 * hands the rest of its own to the others. They wait for ever if it hands over too few. */
template <int CONSUMERS> struct registers {
    static constexpr int start = 65536 / (GROUP * (1 + CONSUMERS)) / 8 * 8,
                         few = CONSUMERS == 2 ? 24 : 32, many = CONSUMERS == 2 ? 240 : 160;
    static_assert(start - few >= CONSUMERS * (many - start), "more registers than there are");
};

/* Buffer of a visit in a ring of STAGES, and the parity of its barriers' phase then. */
template <int STAGES> static __device__ __forceinline__ int stage_of(int visit)
{
    return visit % STAGES;
}
template <int STAGES> static __device__ __forceinline__ int parity_of(int visit)
{
    return visit / STAGES & 1;
}

/* All of a warp are done with what the barrier guards. */
static __device__ __forceinline__ void warp_arrive(uint64_t *barrier)
{
    __syncwarp();
    if (threadIdx.x % 32 == 0)
        mbar_arrive(barrier);
}

/* 16-byte chunk `chunk` of a row of a [D / 64][ROWS][64] tile. */
template <int ROWS>
static __device__ __forceinline__ uint16_t *chunk_at(uint16_t *tile, int row, int chunk)
{
    return tile + chunk / 8 * ROWS * 64 + row * 64 + ((chunk % 8 ^ row % 8) << 3);
}

/* Bulk copy of ROWS rows from `first` on; `full` hears of it. By one thread. */
template <int D, int ROWS>
static __device__ __forceinline__ void fetch(unsigned char *tile, const simt_tensor_map *map,
                                             int first, int head, int batch, uint64_t *full)
{
    mbar_arrive_tx(full, ROWS * D * 2);
#pragma unroll
    for (int part = 0; part < D / 64; part++)
        tma_load(tile + part * ROWS * 128, map, part * 64, first, head, batch, full);
}

/* Values that are not finite become 0, and mark their row, and bad[ROWS], with `stamp`: 0 * Inf would otherwise reach rows
 * that do not see it. */
template <mas_dtype TYPE, int D, int ROWS>
static __device__ __forceinline__ void sanitise(unsigned char *tile, int *bad, int stamp,
                                                int helper)
{
#pragma unroll 1
    for (int c = helper; c < ROWS * D / 8; c += 32 * HELPERS) {
        const int row = c / (D / 8);
        uint32_t *pairs = (uint32_t *)chunk_at<ROWS>((uint16_t *)tile, row, c % (D / 8));
        if (zero_nonfinite<TYPE>(pairs)) /* several threads may write the same */
            bad[row] = bad[ROWS] = stamp;
    }
    fence_async();
}

/* The map of one of a problem's tensors, in boxes of `box_rows` rows. */
static inline cudaError_t tensor_map(simt_tensor_map *map, const mas_view *v,
                                     const mas_attn_problem *p, int64_t heads, int64_t rows,
                                     int32_t columns, uint32_t box_rows)
{
    const simt_tensor t = {v->data,
                           (uint64_t)columns,
                           (uint64_t)rows,
                           (uint64_t)heads,
                           (uint64_t)p->batch,
                           (uint64_t)v->row * 2,
                           (uint64_t)v->head * 2,
                           (uint64_t)v->batch * 2};
    return simt_tensor_map_make(map, &t, box_rows);
}

static inline mas_status mas_cuda_sm90_supports(const mas_attn_problem *p, mas_error *why)
{
    if (mas_cuda_capability() != 90)
        return mas_fail(why, MAS_E_UNSUPPORTED, "needs a GPU of compute capability 9.0");
    return mas_cuda_tensor_core_supports(p, 128, why);
}

#endif
