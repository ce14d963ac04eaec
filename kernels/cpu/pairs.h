/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of bf16 terms, the earlier one in the low half, as operands of products: interleaved from two rows, and a
 * square of 16 x 16 of them transposed. AVX-512 (BW). Private to the files that multiply. */
#ifndef MASBENCH_CPU_PAIRS_H
#define MASBENCH_CPU_PAIRS_H

#include "kernels/cpu/lanes.h"

/* The lowest n bits, n at most 32. */
LANE_INLINE uint32_t bits(int64_t n)
{
    return (uint32_t)((UINT64_C(1) << n) - 1);
}

/* (first[i], second[i]) for i < count, at most 16, zeros past them; second NULL: zeros. */
LANE_INLINE __m512i pairs_across(const uint16_t *first, const uint16_t *second, int64_t count)
{
    const __mmask16 have = (__mmask16)bits(count);
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(have, first));
    const __m512i high = second ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(have, second))
                                : _mm512_setzero_si512();
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* Rows become columns. */
LANE_INLINE void transpose_pairs(__m512i r[16])
{
    __m512i t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* r[4 i + j] holds columns j, 4 + j, 8 + j, 12 + j of rows 4 i to 4 i + 3 */
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        t[j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
        t[4 + j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd);
        t[8 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
        t[12 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        r[j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0x88);
        r[4 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0x88);
        r[8 + j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0xdd);
        r[12 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0xdd);
    }
}

#endif
