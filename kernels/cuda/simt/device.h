/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of simt.h to nvcc: thin wrappers in inline PTX. */
#ifndef SIMT_DEVICE_H
#define SIMT_DEVICE_H

#include <cuda_bf16.h>
#include <cuda_runtime.h>

constexpr bool simt_emulated = false;
static inline void simt_configure(void)
{
}

#define SIMT_DYN_SMEM(type, name)                                                                  \
    extern __shared__ __align__(1024) unsigned char simt_smem_[];                                  \
    type *name = reinterpret_cast<type *>(simt_smem_)

template <class... P>
static cudaError_t simt_start(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t s, P... a)
{
    void *arguments[sizeof...(P) + 1] = {&a...}; /* one more, since there may be none */
    return cudaLaunchKernel((const void *)k, g, b, arguments, smem, s);
}

__device__ __forceinline__ uint32_t simt_smem_addr(const void *p)
{
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* 16-byte async copy; bytes 0 or 16, 0 fills with zeros */
__device__ __forceinline__ void cp_async_16(void *dst, const void *src, int bytes)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(simt_smem_addr(dst)),
                 "l"(src), "r"(bytes)
                 : "memory");
}
__device__ __forceinline__ void cp_async_commit()
{
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}
template <int N> __device__ __forceinline__ void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
}

__device__ __forceinline__ void ldmatrix_x4(uint32_t r[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(simt_smem_addr(row))
                 : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t r[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(simt_smem_addr(row))
                 : "memory");
}
__device__ __forceinline__ void mma_bf16_16816(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                 "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ float simt_exp2(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
__device__ __forceinline__ float simt_reciprocal(float x)
{
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
/* To -most .. most; NaN stays. */
__device__ __forceinline__ float simt_clamp(float x, float most)
{
    asm("min.NaN.f32 %0, %0, %1;" : "+f"(x) : "f"(most));
    asm("max.NaN.f32 %0, %0, %1;" : "+f"(x) : "f"(-most));
    return x;
}
__host__ __device__ __forceinline__ float bf2f(bf16 x)
{
    union {
        uint32_t u;
        float f;
    } v;
    v.u = (uint32_t)x << 16;
    return v.f;
}
__device__ __forceinline__ bf16 f2bf(float x)
{
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
__device__ __forceinline__ uint32_t pack_bf16x2(float lo, float hi)
{
    uint32_t r; /* cvt packs its first source into the upper half */
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
/* The same in all lanes of a warp; tells the compiler so, which then computes with it once a warp. */
__device__ __forceinline__ int simt_uniform(int x)
{
    return __shfl_sync(0xffffffffu, x, 0);
}
__device__ __forceinline__ int simt_popcount(uint32_t x)
{
    return __popc(x);
}

#endif
