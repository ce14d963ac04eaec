/* SPDX-License-Identifier: Apache-2.0 */
/* The softmax of the forward kernels over scores S^T[key][query], lanes are queries: a running
 * maximum and a running sum per query, exponents to base 2. */
#ifndef MASBENCH_X86_ATTENTION_SOFTMAX_H
#define MASBENCH_X86_ATTENTION_SOFTMAX_H

#include "kernels/x86/attention_rows.h"

#include <math.h>

/* How a dot product <q, k> becomes an exponent of 2. */
typedef struct score_scale {
    vec scale;   /* score -> exponent of 2 */
    vec cap;     /* softcap: s = cap_out * tanh(score * cap) */
    vec cap_out; /* softcap * log2 e */
    bool capped;
} score_scale;

/* The sign of the problem's scale is left to the queries. */
static score_scale score_scale_of(const mas_attn_problem *p)
{
    const bool capped = p->softcap > 0;
    return (score_scale){.scale = vset1(fabsf(p->scale) * LOG2_E),
                         .cap = vset1(capped ? fabsf(p->scale) / p->softcap : 0.0f),
                         .cap_out = vset1(p->softcap * LOG2_E),
                         .capped = capped};
}

/* What is left to multiply scores with, after cap_scores where they are capped. */
static inline vec exponent_of(const score_scale *s)
{
    return s->capped ? vset1(1.0f) : s->scale;
}

/* Softcapped scores in place, as exponents of 2. */
static void cap_scores(const score_scale *s, float *st, ptrdiff_t ld, int64_t keys)
{
    for (int64_t j = 0; j < keys; j++)
        vstore(st + j * ld, vmul(vtanh(vmul(vload(st + j * ld), s->cap)), s->cap_out));
}

/* The running maximum moves to `seen` (exponents of 2). A row that has seen nothing keeps -inf, and
 * subtracts 0.
 * @return what to subtract from the exponents; *correction scales what was summed under the old
 * maximum. */
static inline vec raise_maximum(float *maximum, vec seen, vec *correction)
{
    const vec before = vload(maximum);
    const vec now = vmax(seen, before);
    const vec safe = vselect(vequal(now, vset1(-INFINITY)), vzero(), now);
    vstore(maximum, now);
    *correction = vexp2(vsub(before, safe));
    return safe;
}

/* Scores of one vector of queries become probabilities, unit by unit in
 * place: the unit starts where its first score was. `mask` NULL: all are seen. @return their sum */
SIMD_INLINE vec to_probabilities(float *st, ptrdiff_t ld, int64_t keys, vec scale, vec shift,
                                 const lane_mask *mask)
{
    vec total = vzero();
    for (int64_t j = 0; j < keys; j += UNIT_TERMS) {
        vec prob[UNIT_TERMS];
        SIMD_UNROLL
        for (int i = 0; i < UNIT_TERMS; i++) {
            prob[i] = vzero();
            if (j + i < keys) {
                prob[i] = vexp2(vfma(vload(st + (j + i) * ld), scale, shift));
                if (mask)
                    prob[i] =
                        vselect(vinside(mask->lo, mask->hi, (int32_t)(j + i)), prob[i], vzero());
            }
            total = vadd(total, prob[i]);
        }
        vstore_unit(st + j * ld, vunit(prob));
    }
    return total;
}

/* Adds the sink and writes the log-sum-exp (NULL: not wanted) of `rows` queries; factor[] is what their
 * sums are to be multiplied with. */
static void finish_softmax(int64_t rows, float *maxima, const float *sums, float *factor,
                           float *lse, const float *sink)
{
    for (int64_t at = 0; at < rows; at += VL) {
        vec maximum = vload(maxima + at), sum = vload(sums + at), correction = vset1(1.0f);
        const vmask empty = vequal(maximum, vset1(-INFINITY));
        if (sink) {
            const vec exponent = vset1(*sink * LOG2_E);
            const vec safe = raise_maximum(maxima + at, exponent, &correction);
            maximum = safe;
            sum = vfma(sum, correction, vexp2(vsub(exponent, safe)));
        }
        const vec lse_seen =
            vfma(maximum, vset1(LN_2_HIGH), vfma(maximum, vset1(LN_2_LOW), vlog(sum)));
        const vec nothing = vset1(sink ? *sink : -INFINITY);
        if (lse)
            vstore_first(lse + at, rows - at, vselect(empty, nothing, lse_seen));
        vstore(factor + at, vselect(empty, vzero(), vdiv(correction, sum)));
    }
}

#endif
