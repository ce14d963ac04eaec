/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between two runs of a kernel, without an oracle. Each is tried in every dtype that
 * the kernel takes. */
#include "harness/check/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const mas_check_mask causal = {.kind = MAS_CHECK_CAUSAL};

mas_attn_problem mas_check_property_problem(mas_dtype dtype, const mas_mask *mask)
{
    return (mas_attn_problem){.batch = 2,
                              .q_heads = 4,
                              .kv_heads = 2,
                              .q_len = 100,
                              .kv_len = 100,
                              .d_qk = 40,
                              .d_v = 24,
                              .dtype = dtype,
                              .scale = mas_attn_default_scale(40),
                              .mask = mask};
}

mas_status mas_check_property_open(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                                   const mas_check_options *o, mas_check_rig **rig, mas_error *err)
{
    mas_status status = mas_check_rig_open(p, kernel->op, MAS_CHECK_PADDED, rig, err);
    if (status == MAS_OK) {
        mas_check_fill(*rig, MAS_CHECK_NORMAL, false, o->seed, 10);
        if (kernel->op == MAS_ATTN_BACKWARD)
            status = mas_check_store_forward(*rig, err);
    }
    return status;
}

double *mas_check_copy(const mas_check_tensor *t)
{
    double *values = malloc((size_t)t->count * sizeof *values);
    if (values)
        memcpy(values, t->values, (size_t)t->count * sizeof *values);
    return values;
}

/* Multiply all of V by four: o is four times as large to the bit, lse the same. */
static mas_status scale_v(const mas_attn_kernel *kernel, mas_dtype dtype,
                          const mas_check_options *options, mas_error *err)
{
    const mas_mask mask = mas_check_mask_make(&causal);
    const mas_attn_problem p = mas_check_property_problem(dtype, &mask);
    mas_check_rig *rig = NULL;
    double *before = NULL;
    mas_status status = mas_check_property_open(kernel, &p, options, &rig, err);
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    if (status != MAS_OK)
        goto done;
    before = mas_check_copy(&rig->tensors[MAS_CHECK_O]);
    if (!before) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a property");
        goto done;
    }
    mas_check_tensor *v = &rig->tensors[MAS_CHECK_V];
    for (int64_t i = 0; i < v->count; i++)
        v->values[i] *= 4;
    mas_check_rig_store(rig, MAS_CHECK_V);
    status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    const mas_check_tensor *o = &rig->tensors[MAS_CHECK_O];
    for (int64_t i = 0; status == MAS_OK && i < o->count; i++)
        if (o->values[i] != 4 * before[i] &&
            fabs(o->values[i]) > 0x1p-10) /* f16 rounds coarser below */
            status = mas_fail(err, MAS_E_ARGUMENT,
                              "V times 4 turns element %lld of o from %.9g into %.9g", (long long)i,
                              before[i], o->values[i]);
done:
    free(before);
    mas_check_rig_close(rig);
    return status;
}

/* o(V1) + o(V2) = o(V1 + V2), with values of which the sums are exact. */
static mas_status add_v(const mas_attn_kernel *kernel, mas_dtype dtype,
                        const mas_check_options *options, mas_error *err)
{
    const mas_mask mask = mas_check_mask_make(&causal);
    const mas_attn_problem p = mas_check_property_problem(dtype, &mask);
    mas_rng rng = mas_rng_seed(options->seed, 11);
    mas_check_rig *rig = NULL;
    double *v = NULL, *sum = NULL;
    mas_status status = mas_check_property_open(kernel, &p, options, &rig, err);
    if (status != MAS_OK)
        goto done;
    mas_check_tensor *t = &rig->tensors[MAS_CHECK_V], *o = &rig->tensors[MAS_CHECK_O];
    v = calloc((size_t)t->count, sizeof *v);
    sum = calloc((size_t)o->count, sizeof *sum);
    if (!v || !sum) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a property");
        goto done;
    }
    for (int part = 0; status == MAS_OK && part < 3; part++) {
        for (int64_t i = 0; i < t->count; i++) {
            t->values[i] = part < 2 ? (double)mas_rng_below(&rng, 17) - 8 : v[i];
            v[i] += t->values[i];
        }
        mas_check_rig_store(rig, MAS_CHECK_V);
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
        for (int64_t i = 0; part < 2 && i < o->count; i++)
            sum[i] += o->values[i];
    }
    const double allowed = 16 * (dtype == MAS_DTYPE_F32 ? 16 : 2) * mas_dtype_roundoff(dtype);
    for (int64_t i = 0; status == MAS_OK && i < o->count; i++)
        if (!(fabs(o->values[i] - sum[i]) <= allowed * 8))
            status = mas_fail(err, MAS_E_ARGUMENT,
                              "element %lld: o(V1) + o(V2) is %.9g, o(V1 + V2) is %.9g",
                              (long long)i, sum[i], o->values[i]);
done:
    free(v);
    free(sum);
    mas_check_rig_close(rig);
    return status;
}

/* Reverse the keys with their values: without a mask nothing changes beyond rounding, and d_k and
 * d_v are reversed. */
static mas_status permute_keys(const mas_attn_kernel *kernel, mas_dtype dtype,
                               const mas_check_options *options, mas_error *err)
{
    mas_attn_problem p = mas_check_property_problem(dtype, &mas_mask_all);
    p.kv_len = 77;
    mas_check_rig *rig = NULL;
    mas_check_expected e = {.want = {NULL}};
    double ratio = 0;
    mas_status status = mas_check_property_open(kernel, &p, options, &rig, err);
    if (status == MAS_OK)
        status = mas_check_expect(rig, &e, err);
    if (status != MAS_OK)
        goto done;
    for (int kind = MAS_CHECK_K; kind <= MAS_CHECK_V; kind++) {
        mas_check_tensor *t = &rig->tensors[kind];
        const int64_t width = t->heads * t->dim;
        for (int64_t b = 0; b < t->batch; b++)
            for (int64_t j = 0; j < t->rows / 2; j++)
                for (int64_t c = 0; c < width; c++) {
                    double *x = &t->values[(b * t->rows + j) * width + c];
                    double *y = &t->values[(b * t->rows + t->rows - 1 - j) * width + c];
                    const double swap = *x;
                    *x = *y;
                    *y = swap;
                }
        mas_check_rig_store(rig, kind);
    }
    status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    for (int kind = MAS_CHECK_D_K; status == MAS_OK && kind <= MAS_CHECK_D_V; kind++) {
        mas_check_tensor *t = &rig->tensors[kind];
        const int64_t width = t->heads * t->dim;
        for (int64_t b = 0; t->present && b < t->batch; b++)
            for (int64_t j = 0; j < t->rows / 2; j++)
                for (int64_t c = 0; c < width; c++) {
                    double *x = &t->values[(b * t->rows + j) * width + c];
                    double *y = &t->values[(b * t->rows + t->rows - 1 - j) * width + c];
                    const double swap = *x;
                    *x = *y;
                    *y = swap;
                }
    }
    if (status == MAS_OK)
        status = mas_check_rig_judge(rig, &e, &ratio, err);
done:
    mas_check_expected_free(&e);
    mas_check_rig_close(rig);
    return status;
}

/* A window as long as the sequence, or much longer, is full attention, to the bit. */
static mas_status window_is_full(const mas_attn_kernel *kernel, mas_dtype dtype,
                                 const mas_check_options *options, mas_error *err)
{
    static const int64_t windows[] = {100, 101, INT64_MAX};
    mas_attn_problem p = mas_check_property_problem(dtype, &mas_mask_causal);
    mas_check_rig *full = NULL, *rig = NULL;
    mas_status status = mas_check_property_open(kernel, &p, options, &full, err);
    if (status == MAS_OK)
        status = mas_check_rig_run(full, kernel, options->threads, 0xff, err);
    for (size_t n = 0; status == MAS_OK && n < sizeof windows / sizeof *windows; n++) {
        const mas_check_mask window = {.kind = MAS_CHECK_WINDOW, .a = windows[n]};
        const mas_mask mask = mas_check_mask_make(&window);
        p.mask = &mask;
        status = mas_check_property_open(kernel, &p, options, &rig, err);
        if (status == MAS_OK)
            status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
        for (int kind = 0; status == MAS_OK && kind < MAS_CHECK_TENSORS; kind++) {
            const mas_check_tensor *t = &rig->tensors[kind];
            if (t->present && memcmp(t->values, full->tensors[kind].values,
                                     (size_t)t->count * sizeof(double)) != 0)
                status = mas_fail(err, MAS_E_ARGUMENT,
                                  "%s with a window of %lld is not that of full attention", t->name,
                                  (long long)windows[n]);
        }
        mas_check_rig_close(rig);
        rig = NULL;
    }
    mas_check_rig_close(full);
    return status;
}

/* Add a constant to all scores (one more element, 1 in q, c in k): o stays, lse grows by scale * c.
 */
static mas_status shift_scores(const mas_attn_kernel *kernel, mas_dtype dtype,
                               const mas_check_options *options, mas_error *err)
{
    const mas_mask mask = mas_check_mask_make(&causal);
    mas_attn_problem p = mas_check_property_problem(dtype, &mask);
    p.scale = 0.125f;
    mas_check_rig *rig = NULL;
    double *o = NULL, *lse = NULL;
    mas_status status = mas_check_property_open(kernel, &p, options, &rig, err);
    if (status != MAS_OK)
        return status;
    for (int shifted = 0; status == MAS_OK && shifted < 2; shifted++) {
        for (int kind = MAS_CHECK_Q; kind <= MAS_CHECK_K; kind++) {
            mas_check_tensor *t = &rig->tensors[kind];
            for (int64_t i = t->dim - 1; i < t->count; i += t->dim)
                t->values[i] = kind == MAS_CHECK_Q ? 1 : 32 * shifted;
            mas_check_rig_store(rig, kind);
        }
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
        if (status == MAS_OK && !shifted) {
            o = mas_check_copy(&rig->tensors[MAS_CHECK_O]);
            lse = mas_check_copy(&rig->tensors[MAS_CHECK_LSE]);
            if (!o || !lse)
                status = mas_fail(err, MAS_E_MEMORY, "no memory for a property");
        }
    }
    const double allowed = (dtype == MAS_DTYPE_F32 ? 256 : 16) * mas_dtype_roundoff(dtype);
    for (int64_t i = 0; status == MAS_OK && i < rig->tensors[MAS_CHECK_O].count; i++)
        if (!(fabs(rig->tensors[MAS_CHECK_O].values[i] - o[i]) <= allowed))
            status = mas_fail(err, MAS_E_ARGUMENT,
                              "scores larger by 4 turn element %lld of o from %.9g into %.9g",
                              (long long)i, o[i], rig->tensors[MAS_CHECK_O].values[i]);
    for (int64_t i = 0; status == MAS_OK && i < rig->tensors[MAS_CHECK_LSE].count; i++)
        if (!(fabs(rig->tensors[MAS_CHECK_LSE].values[i] - lse[i] - 4) <= 1e-5))
            status =
                mas_fail(err, MAS_E_ARGUMENT, "scores larger by 4 turn an lse from %.9g into %.9g",
                         lse[i], rig->tensors[MAS_CHECK_LSE].values[i]);
    free(o);
    free(lse);
    mas_check_rig_close(rig);
    return status;
}

const mas_check_special mas_check_properties[] = {
    {"property/values-times-four", true, false, true, scale_v},
    {"property/values-add", true, false, true, add_v},
    {"property/keys-permuted", true, true, true, permute_keys},
    {"property/long-window-is-full", true, true, true, window_is_full},
    {"property/scores-shifted", true, false, true, shift_scores},
    {NULL, false, false, false, NULL},
};
