/* SPDX-License-Identifier: Apache-2.0 */
/* What simd_avx2.h and simd_avx512.h share: constants, and how to make the compiler keep an array
 * of vectors in registers. */
#ifndef MASBENCH_X86_SIMD_COMMON_H
#define MASBENCH_X86_SIMD_COMMON_H

#include "masbench/dtype.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* What one lane of a product takes per step: 32 bits, one float or a pair of bf16 numbers. In memory
 * a pair may start at any element, and other types share its bytes. */
typedef float unit __attribute__((may_alias, aligned(2)));

#define SIMD_INLINE static inline __attribute__((always_inline))

/* Bytes of an element; inline, unlike mas_dtype_bytes, because a call empties the registers. */
static inline ptrdiff_t element_bytes(mas_dtype dtype)
{
    return dtype == MAS_DTYPE_F32 ? 4 : 2;
}

#define LOG2_E 1.44269504088896340736f
#define LN_2_HIGH 0.693359375f /* ln 2 in two parts, the first exact in few bits */
#define LN_2_LOW -2.12194440e-4f

/* Before a loop of constant length over an array of vectors: only when such loops are unrolled
 * completely does the array live in registers. */
#if defined(__clang__)
#define SIMD_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SIMD_UNROLL _Pragma("GCC unroll 32")
#endif

#endif
