/* SPDX-License-Identifier: Apache-2.0 */
/* What compute capability 9.0 adds (and no later card has): transaction barriers, bulk copies of boxes of a
 * tensor, products of a warpgroup whose operands lie in shared memory. As in simt.h, with two faces.
 *
 *   barriers      mbar_init, mbar_fence_init, mbar_arrive, mbar_arrive_tx, mbar_wait
 *   bulk copy     simt_tensor_map_make, tma_load
 *   order         fence_async: writes by ordinary stores before reads by products
 *   products      wg_descriptor, wg_descriptor_at, wgmma_shared, wgmma_registers, wg_fence, wg_commit, wg_wait<N>
 *   registers     registers_release<N>, registers_acquire<N>
 *
 * Tiles in shared memory are [columns / 64][rows][64] of 16-bit elements, their 16-byte chunks swizzled by
 * the row modulo 8 (128-byte swizzle), each 64-column part at a multiple of 1,024 bytes.
 *
 * Sources: PTX ISA 8.x, "Asynchronous Warpgroup Level Matrix Instructions", "Tensors", "mbarrier"; CUDA
 * driver API, "Tensor Map Object Management". */
#ifndef SIMT_HOPPER_H
#define SIMT_HOPPER_H

#include "kernels/cuda/element.h"

/* Of a tile's part whose chunks are 128-byte swizzled. Strides in bytes: `across` between parts of 64 columns
 * when the columns are the result's (else unused), `rows` between groups of eight rows. */
static __device__ __forceinline__ uint64_t wg_descriptor(uint32_t address, uint32_t across,
                                                         uint32_t rows)
{
    return (uint64_t)((address & 0x3ffff) >> 4) | (uint64_t)(across >> 4) << 16 |
           (uint64_t)(rows >> 4) << 32 | (uint64_t)1 << 62;
}

/* The same, that many bytes further on. */
static __device__ __forceinline__ uint64_t wg_descriptor_at(uint64_t descriptor, int bytes)
{
    return descriptor + (uint64_t)(bytes >> 4);
}

/* A [batch][head][row][column] tensor of 16-bit elements, strides in bytes; columns are adjacent. */
typedef struct simt_tensor {
    const void *data;
    uint64_t columns, rows, heads, batches;
    uint64_t row_stride, head_stride, batch_stride;
} simt_tensor;

#ifdef __CUDACC__
#include <cuda.h>

typedef CUtensorMap simt_tensor_map;

/* Boxes of `box_rows` rows and 64 columns; what lies past the tensor reads as 0. */
static inline cudaError_t simt_tensor_map_make(simt_tensor_map *map, const simt_tensor *t,
                                               uint32_t box_rows)
{
    static decltype(&cuTensorMapEncodeTiled) encode;
    if (!encode) { /* asked for at run time, so that the program does not need the driver to start */
        void *symbol = NULL;
        cudaDriverEntryPointQueryResult found;
        const cudaError_t code = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &symbol,
                                                                  12000, cudaEnableDefault, &found);
        if (code != cudaSuccess)
            return code;
        if (!symbol)
            return cudaErrorNotSupported;
        encode = (decltype(encode))symbol;
    }
    const cuuint64_t size[4] = {t->columns, t->rows, t->heads, t->batches},
                     stride[3] = {t->row_stride, t->head_stride, t->batch_stride};
    const cuuint32_t box[4] = {64, box_rows, 1, 1}, step[4] = {1, 1, 1, 1};
    return encode(map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 4, const_cast<void *>(t->data), size, stride,
                  box, step, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                  CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS
               ? cudaSuccess
               : cudaErrorInvalidValue;
}

__device__ __forceinline__ void mbar_init(uint64_t *b, int count)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(simt_smem_addr(b)), "r"(count)
                 : "memory");
}
__device__ __forceinline__ void mbar_fence_init()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void mbar_arrive(uint64_t *b)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(simt_smem_addr(b)) : "memory");
}
/* Arrive, and expect that many bytes of bulk copies. */
__device__ __forceinline__ void mbar_arrive_tx(uint64_t *b, int bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(simt_smem_addr(b)),
                 "r"(bytes)
                 : "memory");
}
/* Until the phase of that parity is over; a fresh barrier is in phase 0, and phase 1 counts as over. */
__device__ __forceinline__ void mbar_wait(uint64_t *b, int parity)
{
    asm volatile("{\n.reg .pred p;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
                 "@p bra OVER;\nbra AGAIN;\nOVER:\n}" ::"r"(simt_smem_addr(b)),
                 "r"(parity)
                 : "memory");
}
__device__ __forceinline__ void tma_load(void *to, const simt_tensor_map *map, int column, int row,
                                         int head, int batch, uint64_t *b)
{
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
        "[%1, {%3, %4, %5, %6}], [%2];" ::"r"(simt_smem_addr(to)),
        "l"(map), "r"(simt_smem_addr(b)), "r"(column), "r"(row), "r"(head), "r"(batch)
        : "memory");
}
__device__ __forceinline__ void fence_async()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void wg_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wg_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int N> __device__ __forceinline__ void wg_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}
template <int N> __device__ __forceinline__ void registers_release()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
}
template <int N> __device__ __forceinline__ void registers_acquire()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
}

#define SIMT_ROW(d, i) "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define SIMT_ROWS4(d, i) SIMT_ROW(d, i), SIMT_ROW(d, i + 1), SIMT_ROW(d, i + 2), SIMT_ROW(d, i + 3)
#define SIMT_ROWS8(d, i) SIMT_ROWS4(d, i), SIMT_ROWS4(d, i + 4)
#define SIMT_LIST32                                                                                \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"   \
    "%25,%26,%27,%28,%29,%30,%31"
#define SIMT_LIST64                                                                                \
    SIMT_LIST32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51" \
                ",%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define SIMT_WGMMA(size, type, list, a, b, keep, flags)                                            \
    "{\n.reg .pred p;\nsetp.ne.b32 p, %" keep ", 0;\n"                                             \
    "wgmma.mma_async.sync.aligned.m64n" size "k16.f32." type "." type " {" list "}, " a ", " b     \
    ", p, 1, 1, " flags ";\n}"

/* d[64][N] = A B^T (+ d with `keep`) over 16 columns: A [64][16], B [N][16], both in shared memory. */
template <mas_dtype TYPE, int N>
__device__ __forceinline__ void wgmma_shared(float (*d)[4], uint64_t a, uint64_t b, bool keep)
{
#define SIMT_ISSUE(size, type, list, ra, rb, rk, outputs)                                          \
    asm volatile(SIMT_WGMMA(size, type, list, ra, rb, rk, "0, 0")                                  \
                 : outputs                                                                         \
                 : "l"(a), "l"(b), "r"((int)keep))
#define SIMT_64 SIMT_ROWS8(d, 0)
#define SIMT_128 SIMT_ROWS8(d, 0), SIMT_ROWS8(d, 8)
    static_assert(N == 64 || N == 128, "columns of a product");
    if constexpr (N == 64 && TYPE == MAS_DTYPE_BF16)
        SIMT_ISSUE("64", "bf16", SIMT_LIST32, "%32", "%33", "34", SIMT_64);
    else if constexpr (N == 64)
        SIMT_ISSUE("64", "f16", SIMT_LIST32, "%32", "%33", "34", SIMT_64);
    else if constexpr (TYPE == MAS_DTYPE_BF16)
        SIMT_ISSUE("128", "bf16", SIMT_LIST64, "%64", "%65", "66", SIMT_128);
    else
        SIMT_ISSUE("128", "f16", SIMT_LIST64, "%64", "%65", "66", SIMT_128);
#undef SIMT_ISSUE
}

/* d[64][N] += A B over 16 rows of B: A [64][16] in registers, as four warps hold the left operand of an
 * mma.m16n8k16; B [16][N] in shared memory, its columns the result's. */
template <mas_dtype TYPE, int N>
__device__ __forceinline__ void wgmma_registers(float (*d)[4], const uint32_t a[4], uint64_t b)
{
#define SIMT_ISSUE(size, type, list, ra, rb, rk, outputs)                                          \
    asm volatile(SIMT_WGMMA(size, type, list, ra, rb, rk, "1")                                     \
                 : outputs                                                                         \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(1))
    static_assert(N == 64 || N == 128, "columns of a product");
    if constexpr (N == 64 && TYPE == MAS_DTYPE_BF16)
        SIMT_ISSUE("64", "bf16", SIMT_LIST32, "{%32,%33,%34,%35}", "%36", "37", SIMT_64);
    else if constexpr (N == 64)
        SIMT_ISSUE("64", "f16", SIMT_LIST32, "{%32,%33,%34,%35}", "%36", "37", SIMT_64);
    else if constexpr (TYPE == MAS_DTYPE_BF16)
        SIMT_ISSUE("128", "bf16", SIMT_LIST64, "{%64,%65,%66,%67}", "%68", "69", SIMT_128);
    else
        SIMT_ISSUE("128", "f16", SIMT_LIST64, "{%64,%65,%66,%67}", "%68", "69", SIMT_128);
#undef SIMT_64
#undef SIMT_128
#undef SIMT_ISSUE
}

#else
#include "kernels/cuda/simt/hopper_machine.h"
#endif

#endif
