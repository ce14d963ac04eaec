/* SPDX-License-Identifier: Apache-2.0 */
/* What simd_avx2.h and simd_avx512.h share: constants, and how to make the compiler keep an array
 * of vectors in registers. */
#ifndef MASBENCH_X86_SIMD_COMMON_H
#define MASBENCH_X86_SIMD_COMMON_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define SIMD_INLINE static inline __attribute__((always_inline))

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
