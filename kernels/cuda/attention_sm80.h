/* SPDX-License-Identifier: Apache-2.0 */
/* What the tensor-core kernels for compute capability 8.0 and later share: tiles in shared memory,
 * products of fragments, and the removal of values that are not finite.
 *
 * A block has WARPS warps. Fragments are those of mma.m16n8k16: of a 16 x 8 result, a lane holds
 * rows lane / 4 and lane / 4 + 8, columns lane % 4 * 2 and the next: element e of four lies in row
 * lane / 4 + 8 * (e / 2), column lane % 4 * 2 + e % 2. Results of one product are the left operand
 * of the next without leaving the registers. */
#ifndef MAS_CUDA_ATTENTION_SM80_H
#define MAS_CUDA_ATTENTION_SM80_H

#include "kernels/cuda/attention_pack.h"
#include "kernels/cuda/attention_softmax.h"

enum { WARPS = 4, THREADS = 32 * WARPS };

/* Element 0 of 16-byte chunk `chunk` of a row of a [rows][D] tile. Chunks are swizzled by the row,
 * so that the eight rows an ldmatrix reads lie in different banks. */
template <int D>
static __device__ __forceinline__ uint16_t *tile_at(uint16_t *tile, int row, int chunk)
{
    return tile + row * D + ((chunk ^ (row & 7)) << 3);
}

/* Start the copy of ROWS rows from `first` on. Rows past the tensor, columns past its size, and rows
 * whose bit in `seen` (unless NULL) is clear, are not read and become zero. Rows begin at multiples of
 * 16 bytes (attention_pack.h). */
template <int D, int ROWS>
static __device__ __forceinline__ void tile_load(uint16_t *tile, const head_rows *from, int first,
                                                 const uint64_t *seen)
{
    constexpr int CHUNKS = D / 8, STEP = THREADS / CHUNKS;
    const int chunk = (int)threadIdx.x % CHUNKS, left = from->size - chunk * 8,
              width = left < 0   ? 0
                      : left > 8 ? 8
                                 : left;
    int row = (int)threadIdx.x / CHUNKS;
    const uint16_t *source = from->data + (ptrdiff_t)(first + row) * from->stride + chunk * 8;
#pragma unroll
    for (int i = 0; i < ROWS / STEP; i++, row += STEP, source += STEP * from->stride) {
        const bool there =
            first + row < from->rows && (!seen || (seen[row / 64] >> (row % 64) & 1));
        const int count = there ? width : 0;
        cp_async_16(tile_at<D>(tile, row, chunk), count ? source : from->data, count * 2);
    }
}

/* A row that holds a value that is not finite gets zeros in its place and `stamp` in bad[row], and
 * bad[ROWS] too: 0 * Inf would otherwise reach rows that do not see it. Between two barriers. */
template <mas_dtype TYPE, int D, int ROWS>
static __device__ __forceinline__ void tile_sanitise(uint16_t *tile, int *bad, int stamp)
{
    constexpr int CHUNKS = D / 8;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / THREADS; i++) {
        const int c = (int)threadIdx.x + i * THREADS, row = c / CHUNKS;
        uint32_t *pairs = (uint32_t *)tile_at<D>(tile, row, c % CHUNKS);
        if (zero_nonfinite<TYPE>(pairs)) /* several threads may write the same */
            bad[row] = bad[ROWS] = stamp;
    }
}

/* Where a lane reads fragments from a tile: address of its 16 bytes of chunks `chunk` and `chunk` + 1,
 * chunk even. Rows begin at a multiple of 16. */
struct fragments {
    uint16_t *row;
    int swizzle;

    __device__ __forceinline__ uint16_t *at(int chunk) const
    {
        return row + ((swizzle ^ chunk) << 3);
    }
};

/* of the left operand: rows first .. first + 15 */
template <int D> static __device__ __forceinline__ fragments left_of(uint16_t *tile, int first)
{
    const int lane = (int)threadIdx.x & 31;
    fragments f;
    f.row = tile + (first + lane % 16) * D;
    f.swizzle = lane / 16 ^ (lane & 7);
    return f;
}

/* of the right operand whose rows are the result's columns: the first 16 rows */
template <int D> static __device__ __forceinline__ fragments right_of(uint16_t *tile)
{
    const int lane = (int)threadIdx.x & 31;
    fragments f;
    f.row = tile + ((lane & 7) + (lane >> 4) * 8) * D;
    f.swizzle = (lane >> 3 & 1) ^ (lane & 7);
    return f;
}

/* of the right operand whose columns are the result's, read transposed: the first 16 rows */
template <int D> static __device__ __forceinline__ fragments columns_of(uint16_t *tile)
{
    return left_of<D>(tile, 0);
}

/* acc[t] += A B^T: A 16 rows of [.][D] from row_a + 16 t on, B all N rows of [N][D]. */
template <mas_dtype TYPE, int D, int N, int MT = 1>
static __device__ __forceinline__ void product_rows(float (*acc)[N / 8][4], uint16_t *a, int row_a,
                                                    uint16_t *b)
{
    const fragments fa = left_of<D>(a, row_a), fb = right_of<D>(b);
#pragma unroll
    for (int kk = 0; kk < D / 16; kk++) {
        uint32_t left[MT][4];
#pragma unroll
        for (int t = 0; t < MT; t++)
            ldmatrix_x4(left[t], fa.at(kk * 2) + t * 16 * D);
#pragma unroll
        for (int nn = 0; nn < N / 16; nn++) {
            uint32_t right[4];
            ldmatrix_x4(right, fb.at(kk * 2) + nn * 16 * D);
#pragma unroll
            for (int t = 0; t < MT; t++) {
                element<TYPE>::mma(acc[t][2 * nn], left[t], right);
                element<TYPE>::mma(acc[t][2 * nn + 1], left[t], right + 2);
            }
        }
    }
}

/* acc[t] += P[t] B: P[t] a 16 x K result, rounded to the type; B the first N columns of all K rows of [K][D]. */
template <mas_dtype TYPE, int D, int K, int N = D, int MT = 1>
static __device__ __forceinline__ void product_columns(float (*acc)[N / 8][4],
                                                       const float (*p)[K / 8][4], uint16_t *b)
{
    const fragments fb = columns_of<D>(b);
#pragma unroll
    for (int kk = 0; kk < K / 16; kk++) {
        uint32_t left[MT][4];
#pragma unroll
        for (int t = 0; t < MT; t++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                left[t][i] = element<TYPE>::pack(p[t][2 * kk + i / 2][i % 2 * 2],
                                                 p[t][2 * kk + i / 2][i % 2 * 2 + 1]);
#pragma unroll
        for (int nn = 0; nn < N / 16; nn++) {
            uint32_t right[4];
            ldmatrix_x4_trans(right, fb.at(nn * 2) + kk * 16 * D);
#pragma unroll
            for (int t = 0; t < MT; t++) {
                element<TYPE>::mma(acc[t][2 * nn], left[t], right);
                element<TYPE>::mma(acc[t][2 * nn + 1], left[t], right + 2);
            }
        }
    }
}

/* Both head sizes are padded to the same size. */
static inline int32_t padded_size(const mas_attn_problem *p)
{
    const int32_t size = p->d_qk > p->d_v ? p->d_qk : p->d_v;
    return size <= 64 ? 64 : size <= 128 ? 128 : 256;
}

#endif
