/* SPDX-License-Identifier: Apache-2.0 */
/* The vector vocabulary of the x86 kernels on AVX-512 (F, BW, DQ, VL). simd_avx2.h says the same in
 * AVX2; a kernel source includes exactly one of the two. "First n" functions touch no memory past
 * the n-th element. */
#ifndef MASBENCH_X86_SIMD_AVX512_H
#define MASBENCH_X86_SIMD_AVX512_H

#include "kernels/x86/simd_common.h"

#define NV_MAX_IS_4 1 /* for the preprocessor */

enum {
    VL = 16,   /* floats of a vector */
    NV_MAX = 4 /* vectors of a register block; see block_rows */
};

typedef __m512 vec;
typedef __m512i ivec;
typedef __mmask16 vmask;

/* Rows of a register block that is nv vectors wide: enough sums in flight to hide the latency of
 * the multiply-add, few enough to stay in 32 registers. */
SIMD_INLINE int block_rows(int nv)
{
    return nv == 4 ? 6 : nv == 3 ? 8 : nv == 2 ? 12 : 8;
}

SIMD_INLINE vec vzero(void)
{
    return _mm512_setzero_ps();
}

SIMD_INLINE vec vset1(float x)
{
    return _mm512_set1_ps(x);
}

SIMD_INLINE vec vload(const float *p)
{
    return _mm512_loadu_ps(p);
}

SIMD_INLINE void vstore(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}

/* Lanes 0 .. n-1, n clipped to 0 .. VL. */
SIMD_INLINE vmask vfirst(int64_t n)
{
    return n >= VL ? (vmask)0xffff : n <= 0 ? (vmask)0 : (vmask)((1u << n) - 1u);
}

SIMD_INLINE vec vload_first(const float *p, int64_t n)
{
    return _mm512_maskz_loadu_ps(vfirst(n), p);
}

SIMD_INLINE void vstore_first(float *p, int64_t n, vec a)
{
    _mm512_mask_storeu_ps(p, vfirst(n), a);
}

SIMD_INLINE vec vadd(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

SIMD_INLINE vec vsub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

SIMD_INLINE vec vmul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

SIMD_INLINE vec vdiv(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

/* a * b + c */
SIMD_INLINE vec vfma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* Larger of the two; b where one is NaN. */
SIMD_INLINE vec vmax(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

SIMD_INLINE vec vabs(vec a)
{
    return _mm512_abs_ps(a);
}

/* a with the sign bit of b */
SIMD_INLINE vec vcopysign(vec a, vec b)
{
    const vec sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b));
}

SIMD_INLINE vmask vless(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

SIMD_INLINE vmask vequal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

/* m ? a : b */
SIMD_INLINE vec vselect(vmask m, vec a, vec b)
{
    return _mm512_mask_blend_ps(m, b, a);
}

SIMD_INLINE int vall(vmask m)
{
    return m == 0xffff;
}

SIMD_INLINE float vsum(vec a)
{
    return _mm512_reduce_add_ps(a);
}

SIMD_INLINE float vlargest(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* ---- elements of another type: widened exactly, rounded to nearest even ---- */

/* Lanes 0 .. n-1 from the element at `p`, zero past them. */
SIMD_INLINE vec vload_as(mas_dtype dtype, const void *p, int64_t n)
{
    if (dtype == MAS_DTYPE_F32)
        return vload_first((const float *)p, n);
    const __m256i narrow = _mm256_maskz_loadu_epi16(vfirst(n), p);
    if (dtype == MAS_DTYPE_BF16)
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
    return _mm512_cvtph_ps(narrow);
}

/* Lanes 0 .. n-1 as elements from `p` on. */
SIMD_INLINE void vstore_as(mas_dtype dtype, void *p, int64_t n, vec a)
{
    if (dtype == MAS_DTYPE_F32) {
        vstore_first((float *)p, n, a);
        return;
    }
    __m256i narrow;
    if (dtype == MAS_DTYPE_BF16) {
        const __m512i bits = _mm512_castps_si512(a), one = _mm512_set1_epi32(1);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), one);
        const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        const __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
        const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
        narrow =
            _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_blend_epi32(nan, up, quiet), 16));
    } else {
        narrow = _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    _mm256_mask_storeu_epi16(p, vfirst(n), narrow);
}

/* ---- row intervals: VL pairs (lo, hi) of uint16_t, (0, 0) past the n-th ---- */

SIMD_INLINE void vload_intervals(const void *pairs, int64_t n, ivec *lo, ivec *hi)
{
    const ivec both = _mm512_maskz_loadu_epi32(vfirst(n), pairs);
    *lo = _mm512_and_si512(both, _mm512_set1_epi32(0xffff));
    *hi = _mm512_srli_epi32(both, 16);
}

/* Each lane clamped to 0 .. most. */
SIMD_INLINE ivec vclamp_int(ivec a, int32_t most)
{
    return _mm512_max_epi32(_mm512_min_epi32(a, _mm512_set1_epi32(most)), _mm512_setzero_si512());
}

SIMD_INLINE void vstore_int(int32_t *p, ivec a)
{
    _mm512_storeu_si512(p, a);
}

SIMD_INLINE ivec vminus(ivec a, int32_t j)
{
    return _mm512_sub_epi32(a, _mm512_set1_epi32(j));
}

/* Lanes with lo <= j < hi. */
SIMD_INLINE vmask vinside(ivec lo, ivec hi, int32_t j)
{
    const ivec key = _mm512_set1_epi32(j);
    return _mm512_mask_cmpgt_epi32_mask(_mm512_cmple_epi32_mask(lo, key), hi, key);
}

/* Lanes with lo < hi, and the least interval that holds all of theirs (begin == end when there is
 * none). */
SIMD_INLINE vmask vinterval_hull(ivec lo, ivec hi, int32_t *begin, int32_t *end)
{
    const vmask some = _mm512_cmpgt_epi32_mask(hi, lo);
    *begin = some ? _mm512_mask_reduce_min_epi32(some, lo) : 0;
    *end = some ? _mm512_mask_reduce_max_epi32(some, hi) : 0;
    return some;
}

/* The interval that every lane sees; begin >= end when there is none. */
SIMD_INLINE void vinterval_core(ivec lo, ivec hi, int32_t *begin, int32_t *end)
{
    *begin = _mm512_reduce_max_epi32(lo);
    *end = _mm512_reduce_min_epi32(hi);
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

/* 2^x for any x: 0 at -inf, NaN stays NaN. Cephes' minimax polynomial on [-1/2, 1/2], relative
 * error below 2e-7. vreduceps gives 0 for an infinite x, so that no clamp is needed; vscalefps
 * underflows gradually. */
SIMD_INLINE vec vexp2(vec x)
{
    const vec r = _mm512_reduce_ps(x, 0x08);
    const vec n = _mm512_sub_ps(x, r);
    vec y = _mm512_set1_ps(1.535336188319500e-4f);
    y = vfma(y, r, _mm512_set1_ps(1.339887440266574e-3f));
    y = vfma(y, r, _mm512_set1_ps(9.618437357674640e-3f));
    y = vfma(y, r, _mm512_set1_ps(5.550332471162809e-2f));
    y = vfma(y, r, _mm512_set1_ps(2.402264791363012e-1f));
    y = vfma(y, r, _mm512_set1_ps(6.931472028550421e-1f));
    y = vfma(y, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(y, n);
}

/* e^x; 0 below -104, NaN stays NaN. Cody and Waite's reduction (ln 2 in two parts) keeps the error
 * of a small result relative to it, below 2e-7, which a change to base 2 before the reduction would
 * not. Cephes' polynomial. */
SIMD_INLINE vec vexp(vec x)
{
    const vec bounded = _mm512_max_ps(_mm512_set1_ps(-110.0f), x);
    const vec n = _mm512_roundscale_ps(_mm512_mul_ps(bounded, _mm512_set1_ps(LOG2_E)), 0x08);
    const vec r = vfma(n, _mm512_set1_ps(-LN_2_LOW), vfma(n, _mm512_set1_ps(-LN_2_HIGH), bounded));
    return _mm512_scalef_ps(exp_polynomial(r), n);
}

/* Split a positive x into m * 2^e, m in [sqrt(1/2), sqrt(2)). */
SIMD_INLINE void vsplit(vec x, vec *m, vec *e)
{
    const vec half = _mm512_getmant_ps(x, _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_src);
    const vec exponent = _mm512_add_ps(_mm512_getexp_ps(x), _mm512_set1_ps(1.0f));
    const vmask low = vless(half, _mm512_set1_ps(0.70710678f));
    *m = vselect(low, _mm512_add_ps(half, half), half);
    *e = vselect(low, _mm512_sub_ps(exponent, _mm512_set1_ps(1.0f)), exponent);
}

/* Transpose a VL x VL block held in r. */
SIMD_INLINE void vtranspose(vec r[VL])
{
    vec t[VL];
    SIMD_UNROLL
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    SIMD_UNROLL
    for (int i = 0; i < 4; i++) {
        const __m512d a = _mm512_castps_pd(t[4 * i]), b = _mm512_castps_pd(t[4 * i + 1]);
        const __m512d c = _mm512_castps_pd(t[4 * i + 2]), d = _mm512_castps_pd(t[4 * i + 3]);
        r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    SIMD_UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
    }
    SIMD_UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
        r[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
        r[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
        r[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
    }
}

#endif
