/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One vector register of floats at the instruction level that a file is compiled for: 16 lanes
 * with AVX-512, 8 with AVX, 4 otherwise. Written with the compilers' vector extension, which gcc
 * and clang turn into single instructions without any ISA header. Code over these types is the
 * same at every level; only the lane count and the use of fused multiply-add differ, so results
 * may differ between levels but never between thread counts.
 *
 * Static inline only. Private to kernels/cpu; included by the files that are compiled once per
 * level.
 */
#ifndef MASBENCH_CPU_LANES_H
#define MASBENCH_CPU_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
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

/** The first `left` lanes from memory, the rest 0; all lanes when left >= LANES. */
LANE_INLINE vf vf_load_n(const float *p, int64_t left)
{
    if (left >= LANES)
        return vf_load(p);
    vf r = {0};
    memcpy(&r, p, (size_t)left * sizeof *p);
    return r;
}

LANE_INLINE void vf_store_n(float *p, vf v, int64_t left)
{
    if (left >= LANES)
        vf_store(p, v);
    else
        memcpy(p, &v, (size_t)left * sizeof *p);
}

/** v with the lanes from `left` on replaced by `fill`. */
LANE_INLINE vf vf_keep_n(vf v, int64_t left, float fill)
{
    if (left >= LANES)
        return v;
    for (int l = 0; l < LANES; l++)
        v[l] = l < left ? v[l] : fill;
    return v;
}

/** a * b + c, fused where the level has the instruction. */
LANE_INLINE vf vf_fma(vf a, vf b, vf c)
{
#if defined(__FMA__)
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = __builtin_fmaf(a[l], b[l], c[l]);
    return r;
#else
    return a * b + c;
#endif
}

LANE_INLINE vf vf_sqrt(vf a)
{
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = __builtin_sqrtf(a[l]);
    return r;
}

/** The larger; b where either is NaN. */
LANE_INLINE vf vf_max(vf a, vf b)
{
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = a[l] > b[l] ? a[l] : b[l];
    return r;
}

/** The smaller; b where either is NaN. */
LANE_INLINE vf vf_min(vf a, vf b)
{
    vf r;
    for (int l = 0; l < LANES; l++)
        r[l] = a[l] < b[l] ? a[l] : b[l];
    return r;
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
 *  exp(r) by the polynomial of Cephes expf (Moshier), 2^n added to the exponent field. */
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
    return (vf)((vu)p + ((vu)shifted << 23));
}

#endif
