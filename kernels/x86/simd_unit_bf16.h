/* SPDX-License-Identifier: Apache-2.0 */
/* A unit is a pair of bf16 numbers, the even term in the low half: vdpbf16ps sums their two products
 * in f32. Denormal inputs count as 0. Included after simd_avx512.h, in sources compiled for
 * AVX512-BF16; takes bf16 tensors only. */
#ifndef MASBENCH_X86_SIMD_UNIT_BF16_H
#define MASBENCH_X86_SIMD_UNIT_BF16_H

#include "masbench/attention.h"

enum { UNIT_TERMS = 2 };

SIMD_INLINE vec vload_unit(const unit *p)
{
    return _mm512_loadu_ps(p);
}

SIMD_INLINE void vstore_unit(unit *p, vec a)
{
    _mm512_storeu_ps(p, a);
}

SIMD_INLINE vec vset1_unit(const unit *p)
{
    return _mm512_set1_ps(*p);
}

SIMD_INLINE vec vdot(vec a, vec b, vec acc)
{
    return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

SIMD_INLINE vec vkeep_terms(vec a, int64_t lo, int64_t hi)
{
    const uint32_t keep =
        (lo <= 0 && hi >= 1 ? 0xffffu : 0u) | (lo <= 1 && hi >= 2 ? 0xffff0000u : 0u);
    return _mm512_and_ps(a, _mm512_castsi512_ps(_mm512_set1_epi32((int32_t)keep)));
}

SIMD_INLINE vec vnegate_unit(vec a)
{
    return _mm512_xor_ps(a, _mm512_castsi512_ps(_mm512_set1_epi32((int32_t)0x80008000u)));
}

SIMD_INLINE int64_t units_of(int64_t dim)
{
    return (dim + 1) / 2;
}

SIMD_INLINE vec vload_row_units(mas_dtype dtype, const void *data, ptrdiff_t at, int64_t u0,
                                int64_t dim)
{
    (void)dtype;
    const int64_t left = dim - 2 * u0;
    const __mmask32 some = left >= 32 ? ~(__mmask32)0 : left <= 0 ? 0 : ((__mmask32)1 << left) - 1;
    return _mm512_castsi512_ps(
        _mm512_maskz_loadu_epi16(some, (const uint16_t *)data + at + 2 * u0));
}

/* Pairs (even[i], odd[i]) rounded to bf16. */
SIMD_INLINE vec vpair(vec even, vec odd)
{
    const __m512i index = _mm512_setr_epi32(
        0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007, 0x180008,
        0x190009, 0x1a000a, 0x1b000b, 0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f);
    return _mm512_castsi512_ps(
        _mm512_permutexvar_epi16(index, (__m512i)_mm512_cvtne2ps_pbh(odd, even)));
}

SIMD_INLINE vec vunit(const vec *t)
{
    return vpair(t[0], t[1]);
}

/* ---- weights by rows: bf16 numbers ---- */

enum { WEIGHT_BYTES = 2 };

SIMD_INLINE void vstore_weight(void *weights, ptrdiff_t i, vec a)
{
    _mm256_storeu_si256((__m256i *)(void *)((uint16_t *)weights + i),
                        (__m256i)_mm512_cvtneps_pbh(a));
}

SIMD_INLINE float weight(const void *weights, ptrdiff_t i)
{
    return mas_bf16_to_f32(((const uint16_t *)weights)[i]);
}

SIMD_INLINE unit *weights_out(void *weights, ptrdiff_t i)
{
    return (unit *)(void *)((uint16_t *)weights + i);
}

/* 32 numbers rounded to bf16, those of `low` first. */
SIMD_INLINE vec vnarrow(vec low, vec high)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(high, low));
}

SIMD_INLINE const unit *weights_at(const void *weights, ptrdiff_t i)
{
    return (const unit *)(const void *)((const uint16_t *)weights + i);
}

/* to[pair of rows][dim]: the rows 2i and 2i+1 of `from`, element by element. even and odd hold 32
 * elements of the two rows; the 32 pairs go to *low (elements 0-15) and *high. */
SIMD_INLINE void vinterleave(vec even, vec odd, vec *low, vec *high)
{
    const __m512i first = _mm512_setr_epi32(
        0x200000, 0x210001, 0x220002, 0x230003, 0x240004, 0x250005, 0x260006, 0x270007, 0x280008,
        0x290009, 0x2a000a, 0x2b000b, 0x2c000c, 0x2d000d, 0x2e000e, 0x2f000f);
    const __m512i rest = _mm512_add_epi16(first, _mm512_set1_epi16(16));
    const __m512i a = _mm512_castps_si512(even), b = _mm512_castps_si512(odd);
    *low = _mm512_castsi512_ps(_mm512_permutex2var_epi16(a, first, b));
    *high = _mm512_castsi512_ps(_mm512_permutex2var_epi16(a, rest, b));
}

/* Pairs of rows, element by element: to[r / 2][d] = (from[r][d], from[r + 1][d]). */
static inline void rows_to_terms(unit *to, int64_t pad, mas_dtype dtype, const void *from,
                                 ptrdiff_t row_stride, int64_t rows, int64_t dim)
{
    for (int64_t r = 0; r < rows; r += 2)
        for (int64_t d = 0; d < pad; d += 2 * VL) {
            const vec even = vload_row_units(dtype, from, r * row_stride, d / 2, dim);
            const vec odd = r + 1 < rows
                                ? vload_row_units(dtype, from, (r + 1) * row_stride, d / 2, dim)
                                : vzero();
            vec low, high;
            vinterleave(even, odd, &low, &high);
            unit *row = to + r / 2 * pad + d;
            vstore_unit(row, low);
            if (d + VL < pad)
                vstore_unit(row + VL, high);
        }
}

static mas_status unit_supports(const mas_attn_problem *p, mas_error *why)
{
    if (p->dtype != MAS_DTYPE_BF16)
        return mas_fail(why, MAS_E_DTYPE, "takes bf16 only, the problem is in %s",
                        mas_dtype_name(p->dtype));
    return MAS_OK;
}

#endif
