/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of a type that is known at run time, one and four at a time. */
#ifndef MAS_CUDA_TYPED_H
#define MAS_CUDA_TYPED_H

#include "kernels/cuda/element.h"

/* Of bf16 or f16. */
static __device__ __forceinline__ float half_widen(mas_dtype type, uint16_t x)
{
    return type == MAS_DTYPE_BF16 ? element<MAS_DTYPE_BF16>::widen(x)
                                  : element<MAS_DTYPE_F16>::widen(x);
}

static __device__ __forceinline__ float typed_load(mas_dtype type, const void *data, ptrdiff_t i)
{
    return type == MAS_DTYPE_F32 ? ((const float *)data)[i]
                                 : half_widen(type, ((const uint16_t *)data)[i]);
}

static __device__ __forceinline__ void typed_store(mas_dtype type, void *data, ptrdiff_t i, float x)
{
    if (type == MAS_DTYPE_F32)
        ((float *)data)[i] = x;
    else
        ((uint16_t *)data)[i] = type == MAS_DTYPE_BF16 ? element<MAS_DTYPE_BF16>::round(x)
                                                       : element<MAS_DTYPE_F16>::round(x);
}

/* Row and column of element i of rows of c, by one division; in 32 bits where they do, since one in 64 is a call. */
struct place {
    int64_t row, column;
};

static __device__ __forceinline__ place place_of(int64_t i, int64_t c)
{
    place p;
    if ((i | c) >> 32)
        p.row = i / c;
    else
        p.row = (uint32_t)i / (uint32_t)c;
    p.column = i - p.row * c;
    return p;
}

/* The next element's. */
static __device__ __forceinline__ void place_advance(place *p, int64_t c)
{
    if (++p->column == c) {
        p->row++;
        p->column = 0;
    }
}

/* Four neighbours, of which `left` exist; those past it read as 0 and are not written. One access of 8
 * or 16 bytes where the address allows it. */
struct four {
    float x[4];
};
struct __align__(16) quad
{
    uint32_t x[4];
};
struct __align__(8) pair
{
    uint32_t x[2];
};

static __device__ __forceinline__ four load4(mas_dtype type, const void *data, ptrdiff_t i,
                                             ptrdiff_t left)
{
    four r;
    const char *at = (const char *)data + i * (type == MAS_DTYPE_F32 ? 4 : 2);
    if (left >= 4 && type == MAS_DTYPE_F32 && ((uintptr_t)at & 15) == 0) {
        union {
            quad q;
            float f[4];
        } u;
        u.q = *(const quad *)at;
        for (int e = 0; e < 4; e++)
            r.x[e] = u.f[e];
    } else if (left >= 4 && type != MAS_DTYPE_F32 && ((uintptr_t)at & 7) == 0) {
        const pair p = *(const pair *)at;
        for (int e = 0; e < 4; e++)
            r.x[e] = half_widen(type, (uint16_t)(p.x[e / 2] >> 16 * (e % 2)));
    } else {
        for (int e = 0; e < 4; e++)
            r.x[e] = e < left ? typed_load(type, data, i + e) : 0.0f;
    }
    return r;
}

static __device__ __forceinline__ void store4(mas_dtype type, void *data, ptrdiff_t i,
                                              ptrdiff_t left, four v)
{
    char *at = (char *)data + i * (type == MAS_DTYPE_F32 ? 4 : 2);
    if (left >= 4 && type == MAS_DTYPE_F32 && ((uintptr_t)at & 15) == 0) {
        union {
            quad q;
            float f[4];
        } u;
        for (int e = 0; e < 4; e++)
            u.f[e] = v.x[e];
        *(quad *)at = u.q;
    } else if (left >= 4 && type != MAS_DTYPE_F32 && ((uintptr_t)at & 7) == 0) {
        pair p;
        for (int e = 0; e < 2; e++)
            p.x[e] = type == MAS_DTYPE_BF16
                         ? element<MAS_DTYPE_BF16>::pack(v.x[2 * e], v.x[2 * e + 1])
                         : element<MAS_DTYPE_F16>::pack(v.x[2 * e], v.x[2 * e + 1]);
        *(pair *)at = p;
    } else {
        for (int e = 0; e < 4; e++)
            if (e < left)
                typed_store(type, data, i + e, v.x[e]);
    }
}

static __device__ __forceinline__ float warp_sum(float x)
{
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

static __device__ __forceinline__ float warp_max(float x)
{
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}

/** Blocks of `per_block` that cover count. */
static inline unsigned mas_cuda_blocks(int64_t count, int64_t per_block)
{
    return (unsigned)((count + per_block - 1) / per_block);
}

#endif
