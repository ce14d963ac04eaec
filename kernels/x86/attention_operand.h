/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values as the products want them: read in place where a tensor's own memory will do,
 * else a copy in scratch. */
#ifndef MASBENCH_X86_ATTENTION_OPERAND_H
#define MASBENCH_X86_ATTENTION_OPERAND_H

#include "kernels/x86/attention_blocks.h"

/* Rows r0 .. r0+rows-1 to be broadcast along the head: [row][unit], *row_bytes apart. */
static const unit *operand_by_rows(const operand_rows *x, int64_t r0, int64_t rows,
                                   ptrdiff_t *row_bytes)
{
    if (x->dtype == UNIT_DTYPE && x->dim % UNIT_TERMS == 0) {
        *row_bytes = x->row * element_bytes(x->dtype);
        return operand_row(x, r0);
    }
    const int64_t pad = lanes_of(units_of(x->dim));
    rows_to_units(x->room, pad, x->dtype, operand_row(x, r0), x->row, rows, rows, x->dim);
    *row_bytes = pad * (ptrdiff_t)sizeof(unit);
    return x->room;
}

/* The same rows as the terms of a sum over rows, lanes along the head: [unit of rows][lane], `*step`
 * units apart. Lanes past the head are 0, or (in place) never there: whole vectors only. */
static const unit *operand_by_terms(const operand_rows *x, int64_t r0, int64_t rows,
                                    ptrdiff_t *step)
{
    if (x->dtype == UNIT_DTYPE && UNIT_TERMS == 1 && x->dim % VL == 0) {
        *step = x->row;
        return operand_row(x, r0);
    }
    *step = lanes_of(x->dim);
    rows_to_terms(x->room, *step, x->dtype, operand_row(x, r0), x->row, rows, x->dim);
    return x->room;
}

/* to[row][dim] = from[row][dim] * factor[row] * common, rounded to dtype; factor NULL: 1. */
static void store_rows(mas_dtype dtype, void *to, ptrdiff_t to_row, const float *from, int64_t pad,
                       int64_t rows, int64_t dim, const float *factor, float common)
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
