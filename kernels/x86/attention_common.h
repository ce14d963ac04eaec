/* SPDX-License-Identifier: Apache-2.0 */
/* What the forward, backward and decode kernels share besides the matrix products, in the vector
 * vocabulary of the simd_*.h included before. Everything is static: each kernel source gets its own
 * copy, compiled for its own instruction set. */
#ifndef MASBENCH_X86_ATTENTION_COMMON_H
#define MASBENCH_X86_ATTENTION_COMMON_H

#include "masbench/attention.h"

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t round_up(int64_t a, int64_t to)
{
    return (a + to - 1) / to * to;
}

/* Lanes that hold n rows. */
static inline int64_t lanes_of(int64_t n)
{
    return round_up(n, VL);
}

/* ---- functions ---- */

/* Natural logarithm of x > 0 (Cephes logf, relative error below 1e-7); NaN stays NaN. */
SIMD_INLINE vec vlog(vec x)
{
    vec m, e;
    vsplit(x, &m, &e);
    m = vsub(m, vset1(1.0f));
    const vec z = vmul(m, m);
    vec y = vset1(7.0376836292e-2f);
    y = vfma(y, m, vset1(-1.1514610310e-1f));
    y = vfma(y, m, vset1(1.1676998740e-1f));
    y = vfma(y, m, vset1(-1.2420140846e-1f));
    y = vfma(y, m, vset1(1.4249322787e-1f));
    y = vfma(y, m, vset1(-1.6668057665e-1f));
    y = vfma(y, m, vset1(2.0000714765e-1f));
    y = vfma(y, m, vset1(-2.4999993993e-1f));
    y = vfma(y, m, vset1(3.3333331174e-1f));
    y = vmul(vmul(y, m), z);
    y = vfma(e, vset1(LN_2_LOW), y);
    y = vfma(z, vset1(-0.5f), y);
    y = vadd(m, y);
    y = vfma(e, vset1(LN_2_HIGH), y);
    return vfma(x, vzero(), y);
}

/* tanh (Cephes tanhf): a polynomial near 0, where 1 - 2/(e^2x + 1) cancels. */
SIMD_INLINE vec vtanh(vec x)
{
    const vec size = vabs(x), z = vmul(x, x);
    vec near = vset1(-5.70498872745e-3f);
    near = vfma(near, z, vset1(2.06390887954e-2f));
    near = vfma(near, z, vset1(-5.37397155531e-2f));
    near = vfma(near, z, vset1(1.33314422036e-1f));
    near = vfma(near, z, vset1(-3.33332819422e-1f));
    near = vfma(vmul(near, z), x, x);
    /* past 20 the result is 1 and e^2x needs no larger argument; NaN passes as the second operand
     */
    const vec bounded = vselect(vless(vset1(20.0f), size), vset1(20.0f), size);
    const vec power = vexp2(vmul(bounded, vset1(2.0f * LOG2_E)));
    const vec far = vcopysign(vsub(vset1(1.0f), vdiv(vset1(2.0f), vadd(power, vset1(1.0f)))), x);
    return vselect(vless(size, vset1(0.625f)), near, far);
}

/* ---- work ---- */

/* Element `row` of head `head` of sequence `b`, of a tensor of that type. */
static inline void *view_row(const mas_view *view, mas_dtype dtype, int64_t b, int64_t head,
                             int64_t row)
{
    return (char *)view->data +
           (b * view->batch + head * view->head + row * view->row) * element_bytes(dtype);
}

#endif
