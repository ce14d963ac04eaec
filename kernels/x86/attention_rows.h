/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tensors on their way into the products, and which keys a vector of queries sees. */
#ifndef MASBENCH_X86_ATTENTION_ROWS_H
#define MASBENCH_X86_ATTENTION_ROWS_H

#include "kernels/x86/attention_common.h"

/* ---- which keys a vector of queries sees ---- */

/* Lane i sees the keys lo[i] .. hi[i]-1; every lane sees core_begin .. core_end-1, where no test is
 * needed. */
typedef struct lane_mask {
    ivec lo, hi;
    int64_t core_begin, core_end;
} lane_mask;

/* The part of a vector's intervals that falls on the keys begin .. end-1, counted from begin. */
static inline lane_mask mask_part(ivec lo, ivec hi, int32_t begin, int32_t end)
{
    int32_t core_begin, core_end;
    vinterval_core(lo, hi, &core_begin, &core_end);
    core_begin = core_begin < begin ? begin : core_begin > end ? end : core_begin;
    core_end = core_end < core_begin ? core_begin : core_end > end ? end : core_end;
    return (lane_mask){vminus(lo, begin), vminus(hi, begin), core_begin - begin, core_end - begin};
}

/* ---- moving rows ---- */

/* to[unit][lane] = from[lane][unit] (times -1 if `negate`): `rows` rows of dim elements of `dtype`,
 * row_stride elements apart; rows past the tensor become zero lanes up to `lanes`, a last unit that
 * is not full is filled with zero. */
static inline void rows_to_lanes(unit *to, int64_t lanes, mas_dtype dtype, const void *from,
                                 ptrdiff_t row_stride, int64_t rows, int64_t dim, bool negate)
{
    const int64_t units = units_of(dim);
    for (int64_t r0 = 0; r0 < lanes; r0 += VL) {
        for (int64_t u0 = 0; u0 < units; u0 += VL) {
            vec block[VL];
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                block[i] = r0 + i < rows
                               ? vload_row_units(dtype, from, (r0 + i) * row_stride, u0, dim)
                               : vzero();
            vtranspose(block);
            SIMD_UNROLL
            for (int i = 0; i < VL; i++)
                if (u0 + i < units)
                    vstore_unit(to + (u0 + i) * lanes + r0,
                                negate ? vnegate_unit(block[i]) : block[i]);
        }
    }
}

/* to[row][unit] = from[row][unit] with padding of zeros to `pad` units (a multiple of VL). Rows
 * rows .. all-1 become zero. */
static inline void rows_to_units(unit *to, int64_t pad, mas_dtype dtype, const void *from,
                                 ptrdiff_t row_stride, int64_t rows, int64_t all, int64_t dim)
{
    for (int64_t r = 0; r < all; r++)
        for (int64_t u = 0; u < pad; u += VL)
            vstore_unit(to + r * pad + u,
                        r < rows ? vload_row_units(dtype, from, r * row_stride, u, dim) : vzero());
}

/* Rows of one head, `row` elements apart, `dim` elements each. */
typedef struct operand_rows {
    const void *at;
    ptrdiff_t row;
    mas_dtype dtype;
    int64_t dim;
    unit *room; /* scratch for one chunk */
} operand_rows;

static inline operand_rows operand_of(const mas_attn_problem *p, const mas_view *view, int64_t dim,
                                      int64_t b, int64_t head, int64_t row, unit *room)
{
    return (operand_rows){.at = view_row(view, p->dtype, b, head, row),
                          .row = view->row,
                          .dtype = p->dtype,
                          .dim = dim,
                          .room = room};
}

static inline const void *operand_row(const operand_rows *x, int64_t row)
{
    return (const char *)x->at + row * x->row * element_bytes(x->dtype);
}

/* VL elements of a row from the d-th on, widened; zero past its end. */
static inline vec operand_elements(const operand_rows *x, int64_t row, int64_t d)
{
    return vload_as(x->dtype, (const char *)operand_row(x, row) + d * element_bytes(x->dtype),
                    x->dim - d);
}

/* to[row][dim] = from[row][dim] * factor[row] * common, rounded to dtype; factor NULL: 1. */
static inline void store_rows(mas_dtype dtype, void *to, ptrdiff_t to_row, const float *from,
                              int64_t pad, int64_t rows, int64_t dim, const float *factor,
                              float common)
{
    const ptrdiff_t size = element_bytes(dtype);
    for (int64_t r = 0; r < rows; r++) {
        const vec by = vset1(factor ? factor[r] * common : common);
        for (int64_t d = 0; d < dim; d += VL)
            vstore_as(dtype, (char *)to + (r * to_row + d) * size, dim - d,
                      vmul(vload(from + r * pad + d), by));
    }
}

#endif
