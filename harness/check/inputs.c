/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs that kernels find easy, and inputs that they do not. */
#include "harness/check/internal.h"

#include <math.h>

static double draw(mas_rng *rng, mas_check_inputs kind)
{
    return kind == MAS_CHECK_UNIFORM ? 2 * mas_rng_uniform(rng) - 1 : mas_rng_normal(rng);
}

/* Small whole numbers times a power of two: a dot product of them is exact in float, so what is
 * tested is the scale of the scores and not the luck of one order of summation. */
static void fill_huge(mas_check_rig *rig, mas_rng *rng)
{
    const mas_attn_problem *p = &rig->problem;
    const double deviation =
        24 * sqrt((double)p->d_qk) * fabs((double)p->scale); /* of a product of two draws */
    const int power = deviation > 0 ? (int)lround(log2(1e4 / deviation)) : 0;
    mas_check_tensor *q = &rig->tensors[MAS_CHECK_Q], *k = &rig->tensors[MAS_CHECK_K];
    for (int64_t i = 0; i < q->count; i++)
        q->values[i] = ldexp((double)mas_rng_below(rng, 17) - 8, power / 2);
    for (int64_t i = 0; i < k->count; i++)
        k->values[i] = ldexp((double)mas_rng_below(rng, 17) - 8, power - power / 2);
}

static void fill_equal(mas_check_rig *rig, mas_rng *rng)
{
    for (int kind = MAS_CHECK_Q; kind <= MAS_CHECK_K; kind++) {
        mas_check_tensor *t = &rig->tensors[kind];
        for (int64_t i = 0; i < t->count; i++)
            t->values[i] = i < t->dim ? mas_rng_normal(rng) : t->values[i % t->dim];
    }
}

static void scale_values(mas_check_tensor *t, double factor)
{
    for (int64_t i = 0; i < t->count; i++)
        t->values[i] *= factor;
}

/* One key far along the mean of all queries. */
static void fill_dominating(mas_check_rig *rig, mas_rng *rng)
{
    mas_check_tensor *q = &rig->tensors[MAS_CHECK_Q], *k = &rig->tensors[MAS_CHECK_K];
    const double length = 8 / sqrt((double)q->dim);
    for (int64_t i = 0; i < q->count; i++)
        q->values[i] += 2;
    for (int64_t b = 0; b < k->batch; b++) {
        const int64_t row = (int64_t)mas_rng_below(rng, (uint64_t)k->rows);
        for (int64_t i = 0; i < k->heads * k->dim; i++)
            k->values[(b * k->rows + row) * k->heads * k->dim + i] = length * 4;
    }
}

/* Keys that no query sees get NaN and Inf: whoever reads them will show it. */
static void plant_poison(mas_check_rig *rig)
{
    const mas_attn_problem *p = &rig->problem;
    for (int64_t j = 0; j < p->kv_len; j++) {
        bool seen = false;
        for (int64_t i = 0; i < p->q_len && !seen; i++)
            seen = p->mask->sees(p->mask, mas_position(i, p->q_len, p->kv_len, p->alignment), j);
        for (int kind = MAS_CHECK_K; kind <= MAS_CHECK_V && !seen; kind++) {
            mas_check_tensor *t = &rig->tensors[kind];
            const int64_t width = t->heads * t->dim;
            for (int64_t b = 0; b < t->batch; b++)
                for (int64_t c = 0; c < width; c++)
                    t->values[(b * t->rows + j) * width + c] = (j + c) % 2 ? (double)NAN : HUGE_VAL;
        }
    }
}

void mas_check_fill(mas_check_rig *rig, mas_check_inputs kind, bool plant, uint64_t seed,
                    uint64_t stream)
{
    static const double tiny[MAS_DTYPE_COUNT] = {1e-40, 1e-39,
                                                 0x1p-20}; /* below the smallest normal number */
    mas_rng rng = mas_rng_seed(seed, stream);
    static const int inputs[] = {MAS_CHECK_Q, MAS_CHECK_K, MAS_CHECK_V, MAS_CHECK_D_O,
                                 MAS_CHECK_SINKS};
    for (size_t n = 0; n < sizeof inputs / sizeof *inputs; n++) {
        mas_check_tensor *t = &rig->tensors[inputs[n]];
        for (int64_t i = 0; t->present && i < t->count; i++)
            t->values[i] = draw(&rng, kind);
    }
    if (kind == MAS_CHECK_HUGE)
        fill_huge(rig, &rng);
    else if (kind == MAS_CHECK_EQUAL)
        fill_equal(rig, &rng);
    else if (kind == MAS_CHECK_DOMINATING)
        fill_dominating(rig, &rng);
    else if (kind == MAS_CHECK_DENORMAL)
        for (int t = MAS_CHECK_Q; t <= MAS_CHECK_V; t++)
            scale_values(&rig->tensors[t], tiny[rig->problem.dtype]);
    if (plant)
        plant_poison(rig);
    for (size_t n = 0; n < sizeof inputs / sizeof *inputs; n++)
        if (rig->tensors[inputs[n]].present)
            mas_check_rig_store(rig, inputs[n]);
}
