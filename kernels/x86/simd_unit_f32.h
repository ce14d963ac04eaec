/* SPDX-License-Identifier: Apache-2.0 */
/* A unit is one float: products of f32 numbers. Included after a simd_*.h; simd_unit_bf16.h says the
 * same for pairs of bf16 numbers. */
#ifndef MASBENCH_X86_SIMD_UNIT_F32_H
#define MASBENCH_X86_SIMD_UNIT_F32_H

#include "masbench/attention.h"

enum { UNIT_TERMS = 1 };

SIMD_INLINE vec vload_unit(const unit *p)
{
    return vload((const float *)p);
}

SIMD_INLINE void vstore_unit(unit *p, vec a)
{
    vstore((float *)p, a);
}

SIMD_INLINE vec vset1_unit(const unit *p)
{
    return vset1(*p);
}

/* acc + the products of the terms of a and b */
SIMD_INLINE vec vdot(vec a, vec b, vec acc)
{
    return vfma(a, b, acc);
}

/* Terms lo .. hi-1 of every unit, the others 0. */
SIMD_INLINE vec vkeep_terms(vec a, int64_t lo, int64_t hi)
{
    return lo <= 0 && hi >= 1 ? a : vzero();
}

SIMD_INLINE vec vnegate_unit(vec a)
{
    return vsub(vzero(), a);
}

/* The unit made of the terms t[0 .. UNIT_TERMS-1]. */
SIMD_INLINE vec vunit(const vec *t)
{
    return t[0];
}

/* Units that hold dim elements. */
SIMD_INLINE int64_t units_of(int64_t dim)
{
    return dim;
}

/* VL units from the u0-th of a row of dim elements that starts at element `at`; zero past it. */
SIMD_INLINE vec vload_row_units(mas_dtype dtype, const void *data, ptrdiff_t at, int64_t u0,
                                int64_t dim)
{
    return vload_as(dtype, (const char *)data + (at + u0) * element_bytes(dtype), dim - u0);
}

/* to[unit of rows][lane] from `rows` rows of dim elements, row_stride apart; lanes up to `pad` and the
 * missing terms of a last unit become 0. */
static void rows_to_terms(unit *to, int64_t pad, mas_dtype dtype, const void *from,
                          ptrdiff_t row_stride, int64_t rows, int64_t dim)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t d = 0; d < pad; d += VL)
            vstore_unit(to + r * pad + d, vload_row_units(dtype, from, r * row_stride, d, dim));
}

/* ---- weights by rows: an array of what a unit's terms are ---- */

enum { WEIGHT_BYTES = 4 };

SIMD_INLINE void vstore_weight(void *weights, ptrdiff_t i, vec a)
{
    vstore((float *)weights + i, a);
}

SIMD_INLINE float weight(const void *weights, ptrdiff_t i)
{
    return ((const float *)weights)[i];
}

/* The unit that starts at weight i. */
SIMD_INLINE const unit *weights_at(const void *weights, ptrdiff_t i)
{
    return (const unit *)((const float *)weights + i);
}

/* Other types are widened on the way in and rounded on the way out. */
static mas_status unit_supports(const mas_attn_problem *p, mas_error *why)
{
    (void)p;
    (void)why;
    return MAS_OK;
}

#endif
