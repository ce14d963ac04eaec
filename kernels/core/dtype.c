/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions are done by hand on the bits so that they are the same on every compiler and ISA
 * level. */
#include "masbench/dtype.h"

#include <assert.h>
#include <math.h>

static const struct {
    const char *name;
    size_t bytes;
    double roundoff;
} types[] = {
    [MAS_DTYPE_F32] = {"f32", 4, 0x1p-24},
    [MAS_DTYPE_BF16] = {"bf16", 2, 0x1p-8},
    [MAS_DTYPE_F16] = {"f16", 2, 0x1p-11},
};
static_assert(sizeof types / sizeof *types == MAS_DTYPE_COUNT, "one row per dtype");

const char *mas_dtype_name(mas_dtype dtype)
{
    return types[dtype].name;
}

size_t mas_dtype_bytes(mas_dtype dtype)
{
    return types[dtype].bytes;
}

double mas_dtype_roundoff(mas_dtype dtype)
{
    return types[dtype].roundoff;
}

float mas_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    uint32_t bits;
    float f;
    if (magnitude >= 0x7c00) { /* infinity; every NaN becomes the same one */
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

uint16_t mas_f32_to_f16(float f)
{
    const uint16_t sign = signbit(f) ? 0x8000 : 0;
    if (isnan(f))
        return (uint16_t)(sign | 0x7e00);
    const float a = fabsf(f);
    if (a >= 65520.0f) /* rounds past the largest finite value, 65504 */
        return (uint16_t)(sign | 0x7c00);
    if (a < 0x1p-14f) /* subnormal: units of 2^-24; rounding up to 1024 gives the smallest normal by
                         itself */
        return (uint16_t)(sign | (uint16_t)lrintf(ldexpf(a, 24)));
    int exponent;
    const float fraction = frexpf(a, &exponent); /* [0.5, 1) */
    const long mantissa =
        lrintf(ldexpf(fraction, 11)); /* 1024 .. 2048; a carry moves into the exponent */
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + (mantissa - 1024)));
}

double mas_dtype_load(mas_dtype dtype, const void *data, ptrdiff_t i)
{
    switch (dtype) {
    case MAS_DTYPE_BF16: return (double)mas_bf16_to_f32(((const uint16_t *)data)[i]);
    case MAS_DTYPE_F16: return (double)mas_f16_to_f32(((const uint16_t *)data)[i]);
    default: return (double)((const float *)data)[i];
    }
}

/* double -> float -> half rounds twice; the float is first forced to round-to-odd, which makes the
 * pair exact. */
static float round_to_odd(double x)
{
    float f = (float)x;
    if (isfinite(x) && (double)f != x) {
        uint32_t bits;
        if (fabs((double)f) > fabs(x))
            f = nextafterf(f, 0.0f);
        memcpy(&bits, &f, sizeof bits);
        bits |= 1u;
        memcpy(&f, &bits, sizeof f);
    }
    return f;
}

void mas_dtype_store(mas_dtype dtype, void *data, ptrdiff_t i, double x)
{
    switch (dtype) {
    case MAS_DTYPE_BF16: ((uint16_t *)data)[i] = mas_f32_to_bf16(round_to_odd(x)); break;
    case MAS_DTYPE_F16: ((uint16_t *)data)[i] = mas_f32_to_f16(round_to_odd(x)); break;
    default: ((float *)data)[i] = (float)x; break;
    }
}
