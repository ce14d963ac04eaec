/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen-bit element types as attention kernels use them: one template parameter, MAS_DTYPE_BF16 or
 * MAS_DTYPE_F16, chooses conversions and the tensor-core instruction. Storage is uint16_t. */
#ifndef MAS_CUDA_ELEMENT_H
#define MAS_CUDA_ELEMENT_H

#include "kernels/cuda/cuda.h"

#ifdef __CUDACC__
#include <cuda_fp16.h>

static __device__ __forceinline__ uint32_t pack_f16x2(float lo, float hi)
{
    uint32_t r; /* cvt packs its first source into the upper half */
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}

static __device__ __forceinline__ float f16_to_float(uint16_t x)
{
    return __half2float(__ushort_as_half(x));
}

static __device__ __forceinline__ uint16_t float_to_f16(float x)
{
    return __half_as_ushort(__float2half_rn(x));
}

static __device__ __forceinline__ void mma_f16_16816(float c[4], const uint32_t a[4],
                                                     const uint32_t b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
                 "{%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
static inline float f16_to_float(uint16_t x)
{
    return mas_f16_to_f32(x);
}

static inline uint16_t float_to_f16(float x)
{
    return mas_f32_to_f16(x);
}

static inline uint32_t pack_f16x2(float lo, float hi)
{
    return (uint32_t)float_to_f16(lo) | (uint32_t)float_to_f16(hi) << 16;
}

static inline void mma_f16_16816(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    simt_mma("mma.m16n8k16.f16", c, a, b, f16_to_float);
}
#endif

/* What a type needs beside storage. */
template <mas_dtype TYPE> struct element;

template <> struct element<MAS_DTYPE_BF16> {
    static constexpr uint32_t exponent = 0x7f80; /* all ones: Inf or NaN */
    static __device__ __forceinline__ float widen(uint16_t x)
    {
        return bf2f(x);
    }
    static __device__ __forceinline__ uint16_t round(float x)
    {
        return f2bf(x);
    }
    static __device__ __forceinline__ uint32_t pack(float lo, float hi)
    {
        return pack_bf16x2(lo, hi);
    }
    static __device__ __forceinline__ void mma(float c[4], const uint32_t a[4], const uint32_t b[2])
    {
        mma_bf16_16816(c, a, b);
    }
};

template <> struct element<MAS_DTYPE_F16> {
    static constexpr uint32_t exponent = 0x7c00;
    static __device__ __forceinline__ float widen(uint16_t x)
    {
        return f16_to_float(x);
    }
    static __device__ __forceinline__ uint16_t round(float x)
    {
        return float_to_f16(x);
    }
    static __device__ __forceinline__ uint32_t pack(float lo, float hi)
    {
        return pack_f16x2(lo, hi);
    }
    static __device__ __forceinline__ void mma(float c[4], const uint32_t a[4], const uint32_t b[2])
    {
        mma_f16_16816(c, a, b);
    }
};

#endif
