/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One vector register of floats at the instruction level that a file is compiled for: 16 lanes
 * with AVX-512, 8 with AVX, 4 otherwise. Written with the compilers' vector extension, which gcc
 * and clang turn into single instructions. An ISA header serves the masks of row ends and what the
 * extension has no operator for: lane by lane compilers find those instructions, too, but the
 * address sanitizer asks about every lane, and training took three times as long under it.
 *
 * Code over these types is the same at every level; only the lane count and the use of fused
 * multiply-add differ, so results may differ between levels but never between thread counts.
 *
 * Static inline only. Private to kernels/cpu; included by the files that are compiled once per
 * level.
 */
#ifndef MASBENCH_CPU_LANES_H
#define MASBENCH_CPU_LANES_H

#include "masbench/dtype.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#define VF_OP(name, ...) _mm512_##name##_ps(__VA_ARGS__)
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES 8
#define VF_OP(name, ...) _mm256_##name##_ps(__VA_ARGS__)
#else
#define LANES 4
#endif

#define LANE_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));

LANE_INLINE vf vf_set(float s)
{
    return s - (vf){0}; /* a scalar operand is broadcast; subtracting 0 changes no number */
}

LANE_INLINE vf vf_load(const float *p)
{
    vf r;
    memcpy(&r, p, sizeof r);
    return r;
}

LANE_INLINE void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* Rows are walked with one step function, first with left = LANES, a constant that removes the
 * tests below, then once with what is left of the row:
 *
 *     for (; j + LANES <= n; j += LANES)
 *         step(..., LANES);
 *     if (j < n)
 *         step(..., n - j);
 */

#if LANES == 16
/* A copy of variable size is a call; a mask is not. */
LANE_INLINE __mmask16 lanes_left(int64_t left)
{
    return (__mmask16)((1u << left) - 1);
}
#endif

/** The first `left` lanes from memory, the rest 0; all lanes when left >= LANES. */
LANE_INLINE vf vf_load_n(const float *p, int64_t left)
{
    if (left >= LANES)
        return vf_load(p);
#if LANES == 16
    return (vf)_mm512_maskz_loadu_ps(lanes_left(left), p);
#else
    vf r = {0};
    memcpy(&r, p, (size_t)left * sizeof *p);
    return r;
#endif
}

LANE_INLINE void vf_store_n(float *p, vf v, int64_t left)
{
    if (left >= LANES)
        vf_store(p, v);
    else
#if LANES == 16
        _mm512_mask_storeu_ps(p, lanes_left(left), (__m512)v);
#else
        memcpy(p, &v, (size_t)left * sizeof *p);
#endif
}

typedef uint16_t vh __attribute__((vector_size(LANES * 2)));

/** bf16 widened exactly. */
LANE_INLINE vf vf_widen(vh h)
{
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

/** Rounded to nearest even; NaN stays NaN. */
LANE_INLINE vh vf_narrow(vf v)
{
    const vu u = (vu)v, up = u >> 16, nan = (vu)(v != v);
    const vu rounded = (u + 0x7fff + (up & 1)) >> 16;
    return __builtin_convertvector((nan & (up | 0x40)) | (~nan & rounded), vh);
}

/* Rows of either element type. `type` must be a constant where these are inlined: every operation
 * is one body, made once per type. */

/** Elements i to i + left - 1 of x, the other lanes 0. */
LANE_INLINE vf vt_load(mas_dtype type, const void *x, int64_t i, int64_t left)
{
    if (type == MAS_DTYPE_F32)
        return vf_load_n((const float *)x + i, left);
    const uint16_t *from = (const uint16_t *)x + i;
    vh h = {0};
    if (left >= LANES)
        memcpy(&h, from, sizeof h);
    else
#if LANES == 16
        h = (vh)_mm256_maskz_loadu_epi16(lanes_left(left), from);
#else
        memcpy(&h, from, (size_t)left * sizeof *from);
#endif
    return vf_widen(h);
}

LANE_INLINE void vt_store(mas_dtype type, void *x, int64_t i, vf v, int64_t left)
{
    if (type == MAS_DTYPE_F32) {
        vf_store_n((float *)x + i, v, left);
        return;
    }
    uint16_t *to = (uint16_t *)x + i;
    const vh h = vf_narrow(v);
    if (left >= LANES)
        memcpy(to, &h, sizeof h);
    else
#if LANES == 16
        _mm256_mask_storeu_epi16(to, lanes_left(left), (__m256i)h);
#else
        memcpy(to, &h, (size_t)left * sizeof *to);
#endif
}

/** Element i and what follows. */
LANE_INLINE void *vt_at(mas_dtype type, void *x, int64_t i)
{
    return (char *)x + i * (type == MAS_DTYPE_F32 ? 4 : 2);
}

LANE_INLINE const void *vt_from(mas_dtype type, const void *x, int64_t i)
{
    return (const char *)x + i * (type == MAS_DTYPE_F32 ? 4 : 2);
}

/** v with the lanes from `left` on replaced by `fill`. */
LANE_INLINE vf vf_keep_n(vf v, int64_t left, float fill)
{
    if (left >= LANES)
        return v;
#if LANES == 16
    return (vf)_mm512_mask_blend_ps(lanes_left(left), _mm512_set1_ps(fill), (__m512)v);
#else
    for (int l = 0; l < LANES; l++)
        v[l] = l < left ? v[l] : fill;
    return v;
#endif
}

/** a * b + c, fused where the level has the instruction. */
LANE_INLINE vf vf_fma(vf a, vf b, vf c)
{
#ifdef VF_OP
    return VF_OP(fmadd, a, b, c);
#else
    return a * b + c;
#endif
}

LANE_INLINE vf vf_sqrt(vf a)
{
#ifdef VF_OP
    return VF_OP(sqrt, a);
#else
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = __builtin_sqrtf(a[l]);
    return r;
#endif
}

/** The larger; b where either is NaN. */
LANE_INLINE vf vf_max(vf a, vf b)
{
#ifdef VF_OP
    return VF_OP(max, a, b);
#else
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = a[l] > b[l] ? a[l] : b[l];
    return r;
#endif
}

/** The smaller; b where either is NaN. */
LANE_INLINE vf vf_min(vf a, vf b)
{
#ifdef VF_OP
    return VF_OP(min, a, b);
#else
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = a[l] < b[l] ? a[l] : b[l];
    return r;
#endif
}

typedef float vf4 __attribute__((vector_size(16)));

#if LANES >= 8
typedef float vf8 __attribute__((vector_size(32)));

/* Halves are taken by shuffles: through memory, gcc stores the register and waits for the store. */
LANE_INLINE vf4 vf4_of_8(vf8 v, bool high)
{
    return high ? __builtin_shufflevector(v, v, 4, 5, 6, 7)
                : __builtin_shufflevector(v, v, 0, 1, 2, 3);
}
#endif

/** Sum of the lanes in a fixed order. */
LANE_INLINE float vf_sum(vf v)
{
#if LANES == 16
    const vf8 w = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    const vf4 s = vf4_of_8(w, false) + vf4_of_8(w, true);
#elif LANES == 8
    const vf4 s = vf4_of_8(v, false) + vf4_of_8(v, true);
#else
    const vf4 s = v;
#endif
    return (s[0] + s[2]) + (s[1] + s[3]);
}

LANE_INLINE vf4 vf4_max(vf4 a, vf4 b)
{
    for (int l = 0; l < 4; l++)
        a[l] = a[l] > b[l] ? a[l] : b[l];
    return a;
}

/** The largest lane. */
LANE_INLINE float vf_largest(vf v)
{
#if LANES == 16
    const vf8 low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    const vf8 high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    const vf4 m = vf4_max(vf4_max(vf4_of_8(low, false), vf4_of_8(low, true)),
                          vf4_max(vf4_of_8(high, false), vf4_of_8(high, true)));
#elif LANES == 8
    const vf4 m = vf4_max(vf4_of_8(v, false), vf4_of_8(v, true));
#else
    const vf4 m = v;
#endif
    const float a = m[0] > m[2] ? m[0] : m[2], b = m[1] > m[3] ? m[1] : m[3];
    return a > b ? a : b;
}

/** exp(x) within 2 ulp for |x| <= 87.3; outside it is exp(+-87.3), so that neither it nor its
 *  inverse overflows or becomes subnormal; NaN stays NaN. x = n ln 2 + r with |r| <= ln(2)/2,
 *  exp(r) by the polynomial of Cephes expf (Moshier), times 2^n made of its exponent field: a sum
 *  with p's own would lose a NaN. */
LANE_INLINE vf vf_exp(vf x)
{
    const vf low = vf_set(-87.33654f), high = vf_set(87.33654f);
    x = vf_min(high, vf_max(low, x));
    const vf magic =
        vf_set(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
    const vf shifted = vf_fma(x, vf_set(1.44269504f), magic);
    const vf n = shifted - magic;
    vf r = vf_fma(n, vf_set(-0.693359375f), x);
    r = vf_fma(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set(5.0000001201e-1f));
    p = vf_fma(p, r * r, r) + vf_set(1.0f);
    return p * (vf)(((vu)shifted << 23) + 0x3f800000u);
}

#endif
