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
/** Element i of an array of that type, widened exactly. */
double mas_dtype_load(mas_dtype dtype, const void *data, ptrdiff_t i);
/** Store x, rounded to nearest even, as element i. */
void mas_dtype_store(mas_dtype dtype, void *data, ptrdiff_t i, double x);

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

float mas_f16_to_f32(uint16_t h);
uint16_t mas_f32_to_f16(float f);

#ifdef __cplusplus
}
#endif
#endif
