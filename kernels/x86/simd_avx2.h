/* SPDX-License-Identifier: Apache-2.0 */
/* The vector vocabulary of the x86 kernels on AVX2 and FMA; see simd_avx512.h. A mask is a vector
 * whose chosen lanes are all ones. */
#ifndef MASBENCH_X86_SIMD_AVX2_H
#define MASBENCH_X86_SIMD_AVX2_H

#include "kernels/x86/simd_common.h"

#include <string.h>

#define NV_MAX_IS_4 0

enum { VL = 8, NV_MAX = 2 };

typedef __m256 vec;
typedef __m256i ivec;
typedef __m256 vmask;

SIMD_INLINE int block_rows(int nv)
{
    return nv == 2 ? 6 : 8;
}

SIMD_INLINE vec vzero(void)
{
    return _mm256_setzero_ps();
}

SIMD_INLINE vec vset1(float x)
{
    return _mm256_set1_ps(x);
}

SIMD_INLINE vec vload(const float *p)
{
    return _mm256_loadu_ps(p);
}

SIMD_INLINE void vstore(float *p, vec a)
{
    _mm256_storeu_ps(p, a);
}

SIMD_INLINE vmask vfirst(int64_t n)
{
    const int32_t count = n >= VL ? VL : n <= 0 ? 0 : (int32_t)n;
    return _mm256_castsi256_ps(
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}

SIMD_INLINE vec vload_first(const float *p, int64_t n)
{
    return n >= VL ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, _mm256_castps_si256(vfirst(n)));
}

SIMD_INLINE void vstore_first(float *p, int64_t n, vec a)
{
    if (n >= VL)
        _mm256_storeu_ps(p, a);
    else
        _mm256_maskstore_ps(p, _mm256_castps_si256(vfirst(n)), a);
}

SIMD_INLINE vec vadd(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

SIMD_INLINE vec vsub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

SIMD_INLINE vec vmul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

SIMD_INLINE vec vdiv(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

SIMD_INLINE vec vfma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

SIMD_INLINE vec vmax(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

SIMD_INLINE vec vabs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

SIMD_INLINE vec vcopysign(vec a, vec b)
{
    const vec sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}

SIMD_INLINE vmask vless(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

SIMD_INLINE vmask vequal(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}

SIMD_INLINE vec vselect(vmask m, vec a, vec b)
{
    return _mm256_blendv_ps(b, a, m);
}

SIMD_INLINE int vall(vmask m)
{
    return _mm256_movemask_ps(m) == 0xff;
}

SIMD_INLINE float vsum(vec a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

SIMD_INLINE float vlargest(vec a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

/* ---- elements of another type: widened exactly, rounded to nearest even ---- */

SIMD_INLINE vec vload_as(mas_dtype dtype, const void *p, int64_t n)
{
    if (dtype == MAS_DTYPE_F32)
        return vload_first((const float *)p, n);
    __m128i narrow = _mm_setzero_si128();
    if (n >= VL)
        narrow = _mm_loadu_si128(p);
    else if (n > 0)
        memcpy(&narrow, p, (size_t)n * sizeof(uint16_t));
    if (dtype == MAS_DTYPE_BF16)
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
    return _mm256_cvtph_ps(narrow);
}

SIMD_INLINE void vstore_as(mas_dtype dtype, void *p, int64_t n, vec a)
{
    if (dtype == MAS_DTYPE_F32) {
        vstore_first((float *)p, n, a);
        return;
    }
    __m128i narrow;
    if (dtype == MAS_DTYPE_BF16) {
        const ivec bits = _mm256_castps_si256(a), one = _mm256_set1_epi32(1);
        const ivec odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), one);
        const ivec up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        const vec nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
        const ivec quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
        const ivec high =
            _mm256_srli_epi32(_mm256_castps_si256(_mm256_blendv_ps(
                                  _mm256_castsi256_ps(up), _mm256_castsi256_ps(quiet), nan)),
                              16);
        narrow = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    } else {
        narrow = _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    if (n >= VL)
        _mm_storeu_si128(p, narrow);
    else if (n > 0)
        memcpy(p, &narrow, (size_t)n * sizeof(uint16_t));
}

/* ---- row intervals ---- */

SIMD_INLINE void vload_intervals(const void *pairs, int64_t n, ivec *lo, ivec *hi)
{
    const ivec both = _mm256_maskload_epi32(pairs, _mm256_castps_si256(vfirst(n)));
    *lo = _mm256_and_si256(both, _mm256_set1_epi32(0xffff));
    *hi = _mm256_srli_epi32(both, 16);
}

/* Each lane clamped to 0 .. most. */
SIMD_INLINE ivec vclamp_int(ivec a, int32_t most)
{
    return _mm256_max_epi32(_mm256_min_epi32(a, _mm256_set1_epi32(most)), _mm256_setzero_si256());
}

SIMD_INLINE void vstore_int(int32_t *p, ivec a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, a);
}

SIMD_INLINE ivec vminus(ivec a, int32_t j)
{
    return _mm256_sub_epi32(a, _mm256_set1_epi32(j));
}

SIMD_INLINE vmask vinside(ivec lo, ivec hi, int32_t j)
{
    const ivec key = _mm256_set1_epi32(j);
    return _mm256_castsi256_ps(
        _mm256_andnot_si256(_mm256_cmpgt_epi32(lo, key), _mm256_cmpgt_epi32(hi, key)));
}

SIMD_INLINE int32_t vlargest_int(ivec a)
{
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

SIMD_INLINE int32_t vsmallest_int(ivec a)
{
    __m128i x = _mm_min_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_min_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_min_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

SIMD_INLINE vmask vinterval_hull(ivec lo, ivec hi, int32_t *begin, int32_t *end)
{
    const ivec some = _mm256_cmpgt_epi32(hi, lo);
    *end = vlargest_int(_mm256_and_si256(some, hi));
    *begin =
        *end > 0 ? vsmallest_int(_mm256_blendv_epi8(_mm256_set1_epi32(INT32_MAX), lo, some)) : 0;
    return _mm256_castsi256_ps(some);
}

SIMD_INLINE void vinterval_core(ivec lo, ivec hi, int32_t *begin, int32_t *end)
{
    *begin = vlargest_int(lo);
    *end = vsmallest_int(hi);
}

/* ---- functions ---- */

/* e^r on [-ln(2)/2, ln(2)/2] */
SIMD_INLINE vec exp_polynomial(vec r)
{
    vec y = vset1(1.9875691500e-4f);
    y = vfma(y, r, vset1(1.3981999507e-3f));
    y = vfma(y, r, vset1(8.3334519073e-3f));
    y = vfma(y, r, vset1(4.1665795894e-2f));
    y = vfma(y, r, vset1(1.6666665459e-1f));
    y = vfma(y, r, vset1(5.0000001201e-1f));
    y = vfma(y, r, vset1(1.0f));
    return vfma(y, r, vset1(1.0f));
}

/* 2^x; 0 below 2^-126 (denormals flushed), NaN stays NaN, exact range to 2^127. */
SIMD_INLINE vec vexp2(vec x)
{
    const vec least = _mm256_set1_ps(-126.0f);
    const vec shift = _mm256_set1_ps(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    const vec clipped = _mm256_min_ps(_mm256_set1_ps(127.0f), _mm256_max_ps(least, x));
    const vec biased = _mm256_add_ps(clipped, shift);
    const vec r = _mm256_sub_ps(clipped, _mm256_sub_ps(biased, shift));
    vec y = _mm256_set1_ps(1.535336188319500e-4f);
    y = vfma(y, r, _mm256_set1_ps(1.339887440266574e-3f));
    y = vfma(y, r, _mm256_set1_ps(9.618437357674640e-3f));
    y = vfma(y, r, _mm256_set1_ps(5.550332471162809e-2f));
    y = vfma(y, r, _mm256_set1_ps(2.402264791363012e-1f));
    y = vfma(y, r, _mm256_set1_ps(6.931472028550421e-1f));
    y = vfma(y, r, _mm256_set1_ps(1.0f));
    const ivec n = _mm256_add_epi32(_mm256_castps_si256(biased), _mm256_set1_epi32(127));
    const vec power = _mm256_castsi256_ps(_mm256_slli_epi32(n, 23));
    return _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ), _mm256_mul_ps(y, power));
}

/* e^x; 0 below -87.3 (denormals flushed), NaN stays NaN. */
SIMD_INLINE vec vexp(vec x)
{
    const vec least = _mm256_set1_ps(-87.3f);
    const vec shift = _mm256_set1_ps(12582912.0f);
    const vec clipped = _mm256_min_ps(_mm256_set1_ps(88.0f), _mm256_max_ps(least, x));
    const vec biased = vfma(clipped, _mm256_set1_ps(LOG2_E), shift);
    const vec whole = _mm256_sub_ps(biased, shift);
    const vec r =
        vfma(whole, _mm256_set1_ps(-LN_2_LOW), vfma(whole, _mm256_set1_ps(-LN_2_HIGH), clipped));
    const ivec n = _mm256_add_epi32(_mm256_castps_si256(biased), _mm256_set1_epi32(127));
    const vec power = _mm256_castsi256_ps(_mm256_slli_epi32(n, 23));
    return _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ),
                            _mm256_mul_ps(exp_polynomial(r), power));
}

SIMD_INLINE void vsplit(vec x, vec *m, vec *e)
{
    const ivec bits = _mm256_castps_si256(x);
    const ivec exponent = _mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(126));
    const vec half = _mm256_castsi256_ps(_mm256_or_si256(
        _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), _mm256_set1_epi32(0x3f000000)));
    const vmask low = vless(half, _mm256_set1_ps(0.70710678f));
    *m = vselect(low, _mm256_add_ps(half, half), half);
    *e = _mm256_sub_ps(_mm256_cvtepi32_ps(exponent), _mm256_and_ps(low, _mm256_set1_ps(1.0f)));
}

SIMD_INLINE void vtranspose(vec r[VL])
{
    vec t[VL];
    SIMD_UNROLL
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    SIMD_UNROLL
    for (int i = 0; i < 2; i++) {
        r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
    }
    SIMD_UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x20);
        t[4 + i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x31);
    }
    SIMD_UNROLL
    for (int i = 0; i < 8; i++)
        r[i] = t[i];
}

#endif
