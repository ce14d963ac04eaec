/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Element types and their conversions. bf16 and fp16 are storage formats (uint16_t); arithmetic is
 * in float or double.
 */
#ifndef MASBENCH_DTYPE_H
#define MASBENCH_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mas_dtype { MAS_DTYPE_F32, MAS_DTYPE_BF16, MAS_DTYPE_F16, MAS_DTYPE_COUNT } mas_dtype;

/** "f32", "bf16", "f16". */
const char *mas_dtype_name(mas_dtype dtype);
/** Bytes of one element. */
size_t mas_dtype_bytes(mas_dtype dtype);
/** Unit roundoff of the type: 2^-24, 2^-8, 2^-11. Half the distance from 1 to the next number. */
double mas_dtype_roundoff(mas_dtype dtype);
/** Store x, rounded to nearest even, as element i. */
void mas_dtype_store(mas_dtype dtype, void *data, ptrdiff_t i, double x);

/* Conversions are done by hand on the bits so that they are the same on every compiler and ISA level, and here so
 * that loops over them need no call an element. */

static inline float mas_bf16_to_f32(uint16_t h)
{
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/** Round to nearest even; NaN stays NaN. */
static inline uint16_t mas_f32_to_bf16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((u >> 16) | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

/** Every NaN becomes the same one. */
static inline float mas_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    uint32_t bits;
    float f;
    if (magnitude >= 0x7c00) {
        bits = magnitude == 0x7c00 ? 0x7f800000 : 0x7fc00000;
    } else if (magnitude >= 0x0400) { /* the exponent's bias goes from 15 to 127 */
        bits = (magnitude << 13) + ((127u - 15u) << 23);
    } else { /* subnormal: units of 2^-24 */
        f = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &f, sizeof bits);
    }
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/** Round to nearest even; every NaN becomes the same one. */
static inline uint16_t mas_f32_to_f16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    const uint32_t sign = u >> 16 & 0x8000u, magnitude = u & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) /* 65520: rounds past the largest finite value, 65504 */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude <
        0x38800000u) { /* 2^-14: subnormal, units of 2^-24, which is what a sum with 1/2 keeps */
        const float half = 0.5f, sum = (f < 0 ? -f : f) + half;
        uint32_t units, none;
        memcpy(&units, &sum, sizeof units);
        memcpy(&none, &half, sizeof none);
        return (uint16_t)(sign | (units - none));
    }
    /* the exponent's bias goes from 127 to 15, 13 bits go; a carry moves into the exponent */
    return (uint16_t)(sign |
                      (magnitude - ((127u - 15u) << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13);
}

/** Element i of an array of that type, widened exactly. */
static inline double mas_dtype_load(mas_dtype dtype, const void *data, ptrdiff_t i)
{
    switch (dtype) {
    case MAS_DTYPE_BF16: return (double)mas_bf16_to_f32(((const uint16_t *)data)[i]);
    case MAS_DTYPE_F16: return (double)mas_f16_to_f32(((const uint16_t *)data)[i]);
    default: return (double)((const float *)data)[i];
    }
}

#ifdef __cplusplus
}
#endif
#endif
