/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected of a kernel, and whether it delivered. */
#include "harness/check/internal.h"
#include "kernels/reference/reference.h"

#include <math.h>
#include <stdlib.h>

#define FEW 16 /* outputs, of which each may be rounded like that; of many, some cancel */

typedef struct distance {
    double max_abs, l2;
    int64_t worst;
    bool finite; /* false: NaN, or an infinity on one side only, at `worst` */
} distance;

static distance measure(int64_t count, const double *want, const double *got)
{
    distance d = {0, 0, 0, true};
    for (int64_t i = 0; i < count; i++) {
        const double error = fabs(got[i] - want[i]);
        if (!(error <= d.max_abs)) { /* seldom */
            if (want[i] == got[i])   /* equal infinities */
                continue;
            if (!isfinite(error))
                return (distance){HUGE_VAL, HUGE_VAL, i, false};
            d.max_abs = error;
            d.worst = i;
        }
        d.l2 += error * error;
    }
    d.l2 = sqrt(d.l2);
    return d;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

mas_check_verdict mas_check_judge(int64_t count, const double *want, const double *const *twins,
                                  size_t twin_count, double largest, const double *got,
                                  mas_dtype dtype)
{
    /* Terms below the smallest normal f32, 2^-126, may count as 0: exponentials flush them where a
     * gradual underflow costs time, bf16 dot products always do. Sums have at most 2^10 of them here.
     * f16: a rounding below its normal numbers is of this size. */
    static const double smallest[MAS_DTYPE_COUNT] = {0x1p-116, 0x1p-116, 0x1p-24};
    double most = 0, norm = 0;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(want[i])) {
            most = larger(most, fabs(want[i]));
            norm += want[i] * want[i];
        }
    norm = sqrt(norm);
    /* one rounding to the output's type and the one of the float arithmetic before it */
    const double u = mas_dtype_roundoff(dtype) + mas_dtype_roundoff(MAS_DTYPE_F32);
    /* Eight orders of few terms may all be lucky; rounding the largest term once is luck no kernel can count
     * on, all the less where the others cancel it. */
    const double one = mas_dtype_roundoff(dtype) * largest;
    double naive_abs = one, naive_l2 = one * sqrt(count < FEW ? (double)count : FEW);
    for (size_t n = 0; n < twin_count; n++) {
        const distance naive = measure(count, want, twins[n]);
        if (!naive.finite) /* an overflow of the naive kernel excuses nobody */
            continue;
        naive_abs = larger(naive_abs, naive.max_abs);
        naive_l2 = larger(naive_l2, naive.l2);
    }
    const double allowed_abs = 2 * naive_abs + u * most + smallest[dtype];
    const double allowed_l2 = 2 * naive_l2 + u * norm + smallest[dtype] * sqrt((double)count);
    const distance d = measure(count, want, got);
    double ratio = 0;
    if (d.max_abs > 0)
        ratio = d.finite ? larger(d.max_abs / allowed_abs, d.l2 / allowed_l2) : HUGE_VAL;
    return (mas_check_verdict){.ok = ratio <= 1,
                               .ratio = ratio,
                               .max_abs = d.max_abs,
                               .allowed_abs = allowed_abs,
                               .relative_l2 = norm > 0 ? d.l2 / norm : d.l2,
                               .worst = d.worst};
}

mas_status mas_check_rig_judge(const mas_check_rig *rig, const mas_check_expected *e, double *ratio,
                               mas_error *err)
{
    *ratio = 0;
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++) {
        const mas_check_tensor *t = &rig->tensors[kind];
        if (!t->present || !t->output)
            continue;
        const double *twins[MAS_CHECK_TWINS];
        for (int n = 0; n < MAS_CHECK_TWINS; n++)
            twins[n] = e->twins[n][kind];
        const mas_check_verdict v = mas_check_judge(t->count, e->want[kind], twins, MAS_CHECK_TWINS,
                                                    e->largest[kind], t->values, t->dtype);
        if (v.ok) {
            *ratio = larger(*ratio, v.ratio);
            continue;
        }
        const bool lse = kind == MAS_CHECK_LSE;
        const int64_t c = v.worst % t->dim, h = v.worst / t->dim % t->heads,
                      r = v.worst / t->dim / t->heads;
        const int64_t q_len = rig->problem.q_len;
        return mas_fail(err, MAS_E_ARGUMENT,
                        "%s is wrong: max-abs error %.3g where %.3g is allowed, relative L2 %.3g, "
                        "%.3g times what "
                        "is allowed; worst at batch %lld, row %lld, head %lld, element %lld: %.9g, "
                        "should be %.9g",
                        t->name, v.max_abs, v.allowed_abs, v.relative_l2, v.ratio,
                        (long long)(r / t->rows), (long long)(lse ? r % q_len : r % t->rows),
                        (long long)(lse ? r % t->rows / q_len : h), (long long)c,
                        t->values[v.worst], e->want[kind][v.worst]);
    }
    return MAS_OK;
}

mas_status mas_check_store_forward(mas_check_rig *rig, mas_error *err)
{
    const mas_status status =
        mas_attn_oracle_forward(&rig->problem, 2, &rig->args, rig->tensors[MAS_CHECK_O].values,
                                rig->tensors[MAS_CHECK_LSE].values, err);
    if (status == MAS_OK) {
        mas_check_rig_store(rig, MAS_CHECK_O);
        mas_check_rig_store(rig, MAS_CHECK_LSE);
    }
    return status;
}

mas_status mas_check_expect(mas_check_rig *rig, mas_check_expected *e, mas_error *err)
{
    *e = (mas_check_expected){.want = {NULL}};
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++) {
        const mas_check_tensor *t = &rig->tensors[kind];
        if (!t->present || !t->output)
            continue;
        double *values = malloc((1 + MAS_CHECK_TWINS) * (size_t)t->count * sizeof *values);
        if (!values)
            return mas_fail(err, MAS_E_MEMORY, "no memory for %lld expected values",
                            (long long)t->count);
        e->want[kind] = values;
        for (int n = 0; n < MAS_CHECK_TWINS; n++)
            e->twins[n][kind] = values + (n + 1) * t->count;
    }
    mas_status status;
    if (rig->op == MAS_ATTN_BACKWARD) {
        status = mas_check_store_forward(rig, err);
        if (status == MAS_OK)
            status = mas_attn_oracle_backward(&rig->problem, 2, &rig->args, e->want[MAS_CHECK_D_Q],
                                              e->want[MAS_CHECK_D_K], e->want[MAS_CHECK_D_V],
                                              e->want[MAS_CHECK_D_SINKS], err);
    } else {
        status = mas_attn_oracle_forward(&rig->problem, 2, &rig->args, e->want[MAS_CHECK_O],
                                         e->want[MAS_CHECK_LSE], err);
    }
    for (int n = 0; status == MAS_OK && n < MAS_CHECK_TWINS; n++)
        status = mas_check_twin(rig, n, e->twins[n], n == 0 ? e->largest : NULL, err);
    return status;
}

void mas_check_expected_free(mas_check_expected *e)
{
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++) {
        free(e->want[kind]);
        e->want[kind] = NULL;
    }
}
