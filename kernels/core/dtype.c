/* SPDX-License-Identifier: Apache-2.0 */
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

/* double -> float -> half rounds twice; the float is first forced to round-to-odd, which makes the
 * pair exact. */
static float round_to_odd(double x)
{
    float f = (float)x;
    if (isfinite(x) && (double)f != x) {
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        if (fabs((double)f) > fabs(x))
            bits--; /* the next number towards 0 */
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
