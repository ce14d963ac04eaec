/* SPDX-License-Identifier: Apache-2.0 */
#include "masbench/dtype.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(dtype, .timeout = 30);

static uint32_t bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* Value of a half from the definition of its fields, in double. */
static double half_value(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    const double size =
        exponent ? (1024 + fraction) * pow(2, exponent - 25) : fraction * pow(2, -24);
    return h >> 15 ? -size : size;
}

Test(dtype, table)
{
    cr_assert_str_eq(mas_dtype_name(MAS_DTYPE_F32), "f32");
    cr_assert_str_eq(mas_dtype_name(MAS_DTYPE_BF16), "bf16");
    cr_assert_str_eq(mas_dtype_name(MAS_DTYPE_F16), "f16");
    cr_assert_eq(mas_dtype_bytes(MAS_DTYPE_F32), 4);
    cr_assert_eq(mas_dtype_bytes(MAS_DTYPE_BF16), 2);
    cr_assert_eq(mas_dtype_bytes(MAS_DTYPE_F16), 2);
    cr_assert_eq(mas_dtype_roundoff(MAS_DTYPE_F32), 1.0 / 16777216);
    cr_assert_eq(mas_dtype_roundoff(MAS_DTYPE_BF16), 1.0 / 256);
    cr_assert_eq(mas_dtype_roundoff(MAS_DTYPE_F16), 1.0 / 2048);
}

Test(dtype, bf16_round_trip)
{
    for (uint32_t h = 0; h < 65536; h++) {
        const float f = mas_bf16_to_f32((uint16_t)h);
        if (isnan(f)) {
            cr_assert(isnan(mas_bf16_to_f32(mas_f32_to_bf16(f))), "%04x", h);
            continue;
        }
        cr_assert_eq(bits(f), h << 16);
        cr_assert_eq(mas_f32_to_bf16(f), h, "%04x", h);
    }
}

Test(dtype, f16_round_trip)
{
    for (uint32_t h = 0; h < 65536; h++) {
        const float f = mas_f16_to_f32((uint16_t)h);
        if ((h & 0x7c00) == 0x7c00) {
            cr_assert((h & 1023) ? isnan(f) : isinf(f), "%04x", h);
            cr_assert((h & 1023) || (f < 0) == (h >> 15 == 1), "%04x", h);
        } else {
            cr_assert_eq((double)f, half_value((uint16_t)h), "%04x", h);
        }
        if (isnan(f))
            cr_assert(isnan(mas_f16_to_f32(mas_f32_to_f16(f))), "%04x", h);
        else
            cr_assert_eq(mas_f32_to_f16(f), h, "%04x", h);
    }
}

/* Halfway between two neighbours the even one wins; one bit to a side decides for that side. */
Test(dtype, bf16_ties)
{
    for (uint32_t h = 0; h < 0x7f80; h++) {
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            const uint32_t tie = (h | sign) << 16 | 0x8000, below = tie - 1, above = tie + 1;
            float f;
            memcpy(&f, &tie, sizeof f);
            cr_assert_eq(mas_f32_to_bf16(f), (h | sign) + (h & 1), "%08x", tie);
            memcpy(&f, &below, sizeof f);
            cr_assert_eq(mas_f32_to_bf16(f), h | sign, "%08x", below);
            memcpy(&f, &above, sizeof f);
            cr_assert_eq(mas_f32_to_bf16(f), (h | sign) + 1, "%08x", above);
        }
    }
}

Test(dtype, f16_ties)
{
    for (uint16_t h = 0; h < 0x7c00; h++) {
        const double here = half_value(h);
        const double next = h == 0x7bff ? 65536 : half_value((uint16_t)(h + 1));
        const float tie = (float)((here + next) / 2); /* exact */
        for (int sign = 0; sign < 2; sign++) {
            const uint16_t s = sign ? 0x8000 : 0;
            const float t = sign ? -tie : tie;
            cr_assert_eq(mas_f32_to_f16(t), (h + (h & 1)) | s, "%04x", h);
            cr_assert_eq(mas_f32_to_f16(nextafterf(t, 0)), h | s, "%04x", h);
            cr_assert_eq(mas_f32_to_f16(nextafterf(t, sign ? -INFINITY : INFINITY)), (h + 1) | s,
                         "%04x", h);
        }
    }
}

Test(dtype, special_values)
{
    cr_assert_eq(mas_f32_to_bf16(INFINITY), 0x7f80);
    cr_assert_eq(mas_f32_to_bf16(-INFINITY), 0xff80);
    cr_assert_eq(mas_f32_to_bf16(3.4028235e38f), 0x7f80); /* FLT_MAX rounds up */
    cr_assert_eq(mas_f32_to_bf16(-0.0f), 0x8000);
    cr_assert_eq(mas_f32_to_f16(65519.996f), 0x7bff);
    cr_assert_eq(mas_f32_to_f16(65520.0f), 0x7c00);
    cr_assert_eq(mas_f32_to_f16(-1e30f), 0xfc00);
    cr_assert_eq(mas_f32_to_f16(-0.0f), 0x8000);
    cr_assert_eq(mas_f32_to_f16(1e-30f), 0);
    const uint32_t nans[] = {0x7f800001, 0x7fc00000, 0xff800001, 0xffffffff, 0x7f80ffff};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        float f;
        memcpy(&f, &nans[i], sizeof f);
        cr_assert(isnan(mas_bf16_to_f32(mas_f32_to_bf16(f))), "%08x", nans[i]);
        cr_assert(isnan(mas_f16_to_f32(mas_f32_to_f16(f))), "%08x", nans[i]);
    }
}

/* A double goes to a 16-bit type in one rounding: a hair above a tie must not become the tie. */
Test(dtype, store_rounds_once)
{
    uint16_t h;
    mas_dtype_store(MAS_DTYPE_BF16, &h, 0, 1.0 + 0x1p-8 + 0x1p-50);
    cr_assert_eq(h, 0x3f81);
    mas_dtype_store(MAS_DTYPE_BF16, &h, 0, 1.0 + 0x1p-8);
    cr_assert_eq(h, 0x3f80);
    mas_dtype_store(MAS_DTYPE_BF16, &h, 0, -(1.0 + 3 * 0x1p-8 - 0x1p-50));
    cr_assert_eq(h, 0xbf81);
    mas_dtype_store(MAS_DTYPE_F16, &h, 0, 1.0 + 0x1p-11 + 0x1p-50);
    cr_assert_eq(h, 0x3c01);
    mas_dtype_store(MAS_DTYPE_F16, &h, 0, 1.0 + 0x1p-11);
    cr_assert_eq(h, 0x3c00);
    mas_dtype_store(MAS_DTYPE_F16, &h, 0, 1e300);
    cr_assert_eq(h, 0x7c00);
    mas_dtype_store(MAS_DTYPE_F16, &h, 0, -1e-300);
    cr_assert_eq(h, 0x8000);
    mas_dtype_store(MAS_DTYPE_BF16, &h, 0, (double)NAN);
    cr_assert(isnan(mas_bf16_to_f32(h)));
}

Test(dtype, load_and_store_by_index)
{
    const double values[] = {0, 1, -2.5, 0.15625, 1024};
    for (int t = 0; t < MAS_DTYPE_COUNT; t++) {
        float room[8]; /* enough for any type */
        for (ptrdiff_t i = 0; i < 5; i++)
            mas_dtype_store((mas_dtype)t, room, i, values[i]);
        for (ptrdiff_t i = 0; i < 5; i++)
            cr_assert_eq(mas_dtype_load((mas_dtype)t, room, i), values[i], "%s, element %d",
                         mas_dtype_name((mas_dtype)t), (int)i);
    }
}
