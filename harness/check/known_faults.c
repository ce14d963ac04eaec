/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that other attention libraries have had, each as a small problem whose right answer is
 * known by hand. */
#include "harness/check/internal.h"
#include "kernels/reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static mas_attn_problem small_problem(const mas_mask *mask, mas_dtype dtype, int64_t q_len,
                                      int64_t kv_len, int32_t d_qk, int32_t d_v)
{
    return (mas_attn_problem){.batch = 1,
                              .q_heads = 1,
                              .kv_heads = 1,
                              .q_len = q_len,
                              .kv_len = kv_len,
                              .d_qk = d_qk,
                              .d_v = d_v,
                              .dtype = dtype,
                              .scale = mas_attn_default_scale(d_qk),
                              .mask = mask};
}

static void set(mas_check_rig *rig, int tensor, const double *values)
{
    mas_check_tensor *t = &rig->tensors[tensor];
    memcpy(t->values, values, (size_t)t->count * sizeof *values);
    mas_check_rig_store(rig, tensor);
}

static void set_all(mas_check_rig *rig, int tensor, double value)
{
    mas_check_tensor *t = &rig->tensors[tensor];
    for (int64_t i = 0; i < t->count; i++)
        t->values[i] = value;
    mas_check_rig_store(rig, tensor);
}

/* What two roundings of a result to its type may make of it. */
static double tolerance(mas_dtype dtype)
{
    return dtype == MAS_DTYPE_F32 ? 1e-6 : 2 * mas_dtype_roundoff(dtype);
}

/* Open a rig, unless the kernel does not take the problem, whatever the reason: MAS_E_UNSUPPORTED. */
static mas_status open_rig(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                           mas_check_rig **rig, mas_error *err)
{
    mas_error why = {MAS_OK, ""};
    return mas_attn_kernel_usable(kernel, p, &why) == MAS_OK
               ? mas_check_rig_open(p, kernel->op, MAS_CHECK_DENSE, rig, err)
               : mas_fail(err, MAS_E_UNSUPPORTED, "%s", why.text);
}

/* Values of an output against known ones. -inf and 0 must be met exactly. */
static mas_status expect(const mas_check_rig *rig, int tensor, const double *want, double relative,
                         mas_error *err)
{
    const mas_check_tensor *t = &rig->tensors[tensor];
    for (int64_t i = 0; i < t->count; i++) {
        const double got = t->values[i];
        if (got == want[i] || fabs(got - want[i]) <= relative * fabs(want[i]))
            continue;
        return mas_fail(err, MAS_E_ARGUMENT, "element %lld of %s is %.9g, should be %.9g",
                        (long long)i, t->name, got, want[i]);
    }
    return MAS_OK;
}

static mas_status expect_pairs(const mas_attn_problem *p, int64_t pairs, int64_t empty,
                               mas_error *err)
{
    int64_t rows = 0;
    const int64_t n = mas_mask_pairs(p->mask, p->q_len, p->kv_len, p->alignment, &rows);
    if (n == pairs && rows == empty)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%lld pairs and %lld rows without keys counted, should be %lld and %lld",
                    (long long)n, (long long)rows, (long long)pairs, (long long)empty);
}

/* Weights are equal where all q are 0, so outputs are means of the visible powers of two: they say
 * which keys were seen. */
static mas_status check_means(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                              const double *want, int threads, mas_error *err)
{
    mas_check_rig *rig = NULL;
    mas_status status = open_rig(kernel, p, &rig, err);
    if (status != MAS_OK)
        return status;
    set_all(rig, MAS_CHECK_Q, 0);
    set_all(rig, MAS_CHECK_K, 1);
    mas_check_tensor *v = &rig->tensors[MAS_CHECK_V];
    for (int64_t j = 0; j < p->kv_len; j++)
        v->values[j] = ldexp(1, (int)j);
    mas_check_rig_store(rig, MAS_CHECK_V);
    status = mas_check_rig_run(rig, kernel, threads, 0xff, err);
    if (status == MAS_OK)
        status = expect(rig, MAS_CHECK_O, want, tolerance(p->dtype), err);
    mas_check_rig_close(rig);
    return status;
}

/* transformers 39408, zml 763, sglang 26147: a window of W showed W + 1 keys. */
static mas_status window_shows_w_keys(const mas_attn_kernel *kernel, mas_dtype dtype,
                                      const mas_check_options *options, mas_error *err)
{
    static const double want[] = {1, 1.5, 7.0 / 3, 14.0 / 3, 28.0 / 3, 56.0 / 3};
    const mas_check_mask window = {.kind = MAS_CHECK_WINDOW, .a = 3};
    const mas_mask mask = mas_check_mask_make(&window);
    const mas_attn_problem p = small_problem(&mask, dtype, 6, 6, 1, 1);
    const mas_status status = check_means(kernel, &p, want, options->threads, err);
    return status == MAS_OK ? expect_pairs(&p, 15, 0, err) : status;
}

/* cutlass 2336, flash-attention 1778 and 282: the causal mask hung from the wrong corner. */
static mas_status corner(const mas_attn_kernel *kernel, mas_dtype dtype,
                         const mas_check_options *options, mas_error *err)
{
    static const struct {
        int64_t q_len, kv_len;
        mas_alignment alignment;
        double want[5];
        int64_t pairs, empty;
    } cases[] = {
        {2, 5, MAS_ALIGN_BOTTOM_RIGHT, {3.75, 6.2}, 9, 0},
        {2, 5, MAS_ALIGN_TOP_LEFT, {1, 1.5}, 3, 0},
        {5, 2, MAS_ALIGN_BOTTOM_RIGHT, {0, 0, 0, 1, 1.5}, 3, 3},
        {5, 2, MAS_ALIGN_TOP_LEFT, {1, 1.5, 1.5, 1.5, 1.5}, 9, 0},
    };
    mas_status status = MAS_OK;
    for (size_t i = 0; status == MAS_OK && i < sizeof cases / sizeof *cases; i++) {
        mas_attn_problem p =
            small_problem(&mas_mask_causal, dtype, cases[i].q_len, cases[i].kv_len, 1, 1);
        p.alignment = cases[i].alignment;
        status = check_means(kernel, &p, cases[i].want, options->threads, err);
        if (status == MAS_OK)
            status = expect_pairs(&p, cases[i].pairs, cases[i].empty, err);
    }
    return status;
}

/* burn 4697, pytorch 41508, vllm 39148: rows without keys became NaN. Sixteen positions in blocks
 * of four; block row 2 has no visible block. */
static const mas_check_mask rowless = {.kind = MAS_CHECK_ROWLESS, .a = 4, .b = 2};

static mas_status split_and_merge(const mas_check_rig *whole, const mas_attn_kernel *kernel,
                                  int threads, mas_error *err)
{
    enum { PARTS = 4 };
    mas_check_rig *rigs[PARTS] = {NULL};
    mas_attn_part parts[PARTS];
    mas_check_mask limited[PARTS];
    mas_mask masks[PARTS];
    const mas_attn_problem *p = &whole->problem;
    const mas_check_tensor *o = &whole->tensors[MAS_CHECK_O], *lse = &whole->tensors[MAS_CHECK_LSE];
    void *merged = calloc((size_t)o->count, mas_dtype_bytes(p->dtype));
    float *merged_lse = calloc((size_t)lse->count, sizeof *merged_lse);
    mas_status status =
        merged && merged_lse ? MAS_OK : mas_fail(err, MAS_E_MEMORY, "no memory to merge parts");
    for (int n = 0; status == MAS_OK && n < PARTS; n++) {
        limited[n] = rowless;
        limited[n].key_begin = p->kv_len / PARTS * n;
        limited[n].key_end = p->kv_len / PARTS * (n + 1);
        masks[n] = mas_check_mask_make(&limited[n]);
        mas_attn_problem part = *p;
        part.mask = &masks[n];
        status = mas_check_rig_open(&part, kernel->op, MAS_CHECK_DENSE, &rigs[n], err);
        if (status != MAS_OK)
            break;
        for (int kind = MAS_CHECK_Q; kind <= MAS_CHECK_V; kind++)
            set(rigs[n], kind, whole->tensors[kind].values);
        status = mas_check_rig_run(rigs[n], kernel, threads, 0xff, err);
        parts[n] = (mas_attn_part){rigs[n]->args.o, rigs[n]->args.lse};
    }
    if (status == MAS_OK) {
        mas_attn_merge(p, parts, PARTS, NULL, mas_view_dense(merged, p->q_len, p->q_heads, p->d_v),
                       merged_lse);
        for (int64_t i = 0; status == MAS_OK && i < o->count; i++) {
            const double value = mas_dtype_load(p->dtype, merged, (ptrdiff_t)i);
            if (!(fabs(value - o->values[i]) <= tolerance(p->dtype) * (1 + fabs(o->values[i]))))
                status =
                    mas_fail(err, MAS_E_ARGUMENT,
                             "four merged parts give %.9g for element %lld of o, one pass %.9g",
                             value, (long long)i, o->values[i]);
        }
        for (int64_t i = 0; status == MAS_OK && i < lse->count; i++)
            if ((double)merged_lse[i] != lse->values[i] &&
                !(fabs((double)merged_lse[i] - lse->values[i]) <= 1e-5))
                status = mas_fail(err, MAS_E_ARGUMENT,
                                  "four merged parts give the lse %.9g, one pass %.9g",
                                  (double)merged_lse[i], lse->values[i]);
    }
    for (int n = 0; n < PARTS; n++)
        mas_check_rig_close(rigs[n]);
    free(merged);
    free(merged_lse);
    return status;
}

static mas_status empty_rows_forward(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                                     mas_check_rig *rig, int threads, mas_error *err)
{
    mas_status status = mas_check_rig_run(rig, kernel, threads, 0xff, err);
    for (int64_t i = 0; status == MAS_OK && i < p->q_len; i++) {
        const bool empty = i >= 8 && i < 12;
        const double lse = rig->tensors[MAS_CHECK_LSE].values[i];
        if (empty ? lse != -HUGE_VAL : !isfinite(lse))
            status = mas_fail(err, MAS_E_ARGUMENT, "lse of row %lld is %g", (long long)i, lse);
        for (int32_t c = 0; status == MAS_OK && c < p->d_v; c++) {
            const double o = rig->tensors[MAS_CHECK_O].values[i * p->d_v + c];
            if (empty ? o != 0 : !isfinite(o))
                status = mas_fail(err, MAS_E_ARGUMENT, "element %d of row %lld is %g", (int)c,
                                  (long long)i, o);
        }
    }
    return status == MAS_OK ? split_and_merge(rig, kernel, threads, err) : status;
}

/* d_k and d_v must be those of the problem without the four queries. */
static mas_status empty_rows_backward(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                                      mas_check_rig *rig, int threads, mas_error *err)
{
    mas_check_mask shifted = rowless;
    shifted.skip_from = 8;
    shifted.skip_rows = 4;
    const mas_mask mask = mas_check_mask_make(&shifted);
    mas_attn_problem without = *p;
    without.q_len = 12;
    without.alignment = MAS_ALIGN_TOP_LEFT;
    without.mask = &mask;
    mas_check_rig *other = NULL;
    mas_status status = mas_check_store_forward(rig, err);
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, threads, 0xff, err);
    for (int64_t i = 8 * p->d_qk; status == MAS_OK && i < 12 * p->d_qk; i++)
        if (rig->tensors[MAS_CHECK_D_Q].values[i] != 0)
            status = mas_fail(err, MAS_E_ARGUMENT, "d_q of a row without keys is %g, should be 0",
                              rig->tensors[MAS_CHECK_D_Q].values[i]);
    if (status == MAS_OK)
        status = mas_check_rig_open(&without, kernel->op, MAS_CHECK_DENSE, &other, err);
    if (status != MAS_OK)
        goto done;
    for (int64_t i = 0; i < other->tensors[MAS_CHECK_Q].count; i++)
        other->tensors[MAS_CHECK_Q].values[i] =
            rig->tensors[MAS_CHECK_Q].values[i < 8 * p->d_qk ? i : i + 4 * p->d_qk];
    mas_check_rig_store(other, MAS_CHECK_Q);
    set(other, MAS_CHECK_K, rig->tensors[MAS_CHECK_K].values);
    set(other, MAS_CHECK_V, rig->tensors[MAS_CHECK_V].values);
    set_all(other, MAS_CHECK_D_O, 1);
    status = mas_check_store_forward(other, err);
    if (status == MAS_OK)
        status = mas_check_rig_run(other, kernel, threads, 0xff, err);
    for (int kind = MAS_CHECK_D_K; status == MAS_OK && kind <= MAS_CHECK_D_V; kind++)
        for (int64_t i = 0; status == MAS_OK && i < rig->tensors[kind].count; i++) {
            const double with = rig->tensors[kind].values[i], want = other->tensors[kind].values[i];
            if (!(fabs(with - want) <= tolerance(p->dtype) * (1 + fabs(want))))
                status = mas_fail(err, MAS_E_ARGUMENT,
                                  "%s is %.9g with rows without keys and %.9g when they are left "
                                  "out",
                                  rig->tensors[kind].name, with, want);
        }
done:
    mas_check_rig_close(other);
    return status;
}

static mas_status empty_rows(const mas_attn_kernel *kernel, mas_dtype dtype,
                             const mas_check_options *options, mas_error *err)
{
    const mas_mask mask = mas_check_mask_make(&rowless);
    const mas_attn_problem p = small_problem(&mask, dtype, 16, 16, 8, 8);
    mas_check_rig *rig = NULL;
    mas_status status = open_rig(kernel, &p, &rig, err);
    if (status != MAS_OK)
        return status;
    mas_check_fill(rig, MAS_CHECK_NORMAL, false, options->seed, 3);
    if (kernel->op == MAS_ATTN_BACKWARD) {
        set_all(rig, MAS_CHECK_D_O, 1);
        status = empty_rows_backward(kernel, &p, rig, options->threads, err);
    } else {
        status = empty_rows_forward(kernel, &p, rig, options->threads, err);
    }
    if (status == MAS_OK)
        status = expect_pairs(&p, 136 - 42, 4, err); /* 1 + .. + 16 without 9 + 10 + 11 + 12 */
    mas_check_rig_close(rig);
    return status;
}

/* executorch 18407, vllm 56578, transformers 17437: scores too large for the type became NaN or
 * Inf. One query of all 40, d = 64: raw dot products of +-102400, scores of +-12800. */
static mas_status large_scores_once(const mas_attn_kernel *kernel, mas_dtype dtype, float softcap,
                                    bool both_negative, int threads, mas_error *err)
{
    mas_attn_problem p = small_problem(&mas_mask_all, dtype, 1, 2, 64, 1);
    p.softcap = softcap;
    mas_check_rig *rig = NULL;
    mas_status status = open_rig(kernel, &p, &rig, err);
    if (status != MAS_OK)
        return status;
    set_all(rig, MAS_CHECK_Q, 40);
    for (int64_t i = 0; i < 128; i++)
        rig->tensors[MAS_CHECK_K].values[i] = i < 64 && !both_negative ? 40 : -40;
    mas_check_rig_store(rig, MAS_CHECK_K);
    set(rig, MAS_CHECK_V, (const double[]){3, 7});
    if (kernel->op == MAS_ATTN_BACKWARD) {
        set_all(rig, MAS_CHECK_D_O, 1);
        status = mas_check_store_forward(rig, err);
    }
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, threads, 0xff, err);
    const double top = softcap > 0 ? (double)softcap : 12800;
    const double lse = both_negative ? -top + log(2) : top;
    if (status == MAS_OK && kernel->op != MAS_ATTN_BACKWARD) {
        status = expect(rig, MAS_CHECK_O, (const double[]){both_negative ? 5 : 3}, 0, err);
        if (status == MAS_OK)
            status = expect(rig, MAS_CHECK_LSE, &lse, 0x1p-23, err);
    }
    for (int kind = 0; status == MAS_OK && kind < MAS_CHECK_TENSORS; kind++)
        for (int64_t i = 0; rig->tensors[kind].present && i < rig->tensors[kind].count; i++)
            if (!isfinite(rig->tensors[kind].values[i]))
                status = mas_fail(err, MAS_E_ARGUMENT, "%s holds %g", rig->tensors[kind].name,
                                  rig->tensors[kind].values[i]);
    mas_check_rig_close(rig);
    return status;
}

static mas_status large_scores(const mas_attn_kernel *kernel, mas_dtype dtype,
                               const mas_check_options *options, mas_error *err)
{
    mas_status status = MAS_OK;
    for (int n = 0; status == MAS_OK && n < 4; n++)
        status =
            large_scores_once(kernel, dtype, n & 1 ? 50 : 0, (n & 2) != 0, options->threads, err);
    return status;
}

/* axlearn 842, onnx 7274, FreeToken 177: query heads took key/value heads in turn instead of in
 * groups. */
static mas_status grouped_heads(const mas_attn_kernel *kernel, mas_dtype dtype, int64_t q_heads,
                                int threads, mas_error *err)
{
    mas_attn_problem p = small_problem(&mas_mask_causal, dtype, 1, 1, 4, 1);
    p.q_heads = q_heads;
    p.kv_heads = 2;
    mas_check_rig *rig = NULL;
    mas_status status = open_rig(kernel, &p, &rig, err);
    if (status != MAS_OK)
        return status;
    set_all(rig, MAS_CHECK_Q, 1);
    set_all(rig, MAS_CHECK_K, 1);
    set(rig, MAS_CHECK_V, (const double[]){10, 20});
    const bool backward = kernel->op == MAS_ATTN_BACKWARD;
    const double dv_error = dtype == MAS_DTYPE_F32 ? 0 : mas_dtype_roundoff(dtype);
    double want[48], sums[2] = {0, 0};
    for (int64_t h = 0; h < q_heads; h++) {
        want[h] = h < q_heads / 2 ? 10 : 20;
        sums[h >= q_heads / 2] += (double)(h + 1);
        if (backward)
            rig->tensors[MAS_CHECK_D_O].values[h] = (double)(h + 1);
    }
    if (backward) {
        mas_check_rig_store(rig, MAS_CHECK_D_O);
        status = mas_check_store_forward(rig, err);
    }
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, threads, 0xff, err);
    if (status == MAS_OK)
        status = backward ? expect(rig, MAS_CHECK_D_V, sums, dv_error, err)
                          : expect(rig, MAS_CHECK_O, want, 0, err);
    mas_check_rig_close(rig);
    return status;
}

static mas_status groups(const mas_attn_kernel *kernel, mas_dtype dtype,
                         const mas_check_options *options, mas_error *err)
{
    mas_status status = grouped_heads(kernel, dtype, 6, options->threads, err);
    if (status == MAS_OK)
        status = grouped_heads(kernel, dtype, 48, options->threads, err);
    if (status != MAS_OK)
        return status;
    mas_attn_problem p = small_problem(&mas_mask_causal, dtype, 1, 1, 4, 1);
    p.q_heads = 7;
    p.kv_heads = 2;
    mas_attn_plan *plan = NULL;
    mas_error refusal = {MAS_OK, ""};
    status = mas_attn_plan_create_for(kernel, &p, 1, &plan, &refusal);
    mas_attn_plan_free(plan);
    if (status != MAS_E_SHAPE || !strchr(refusal.text, '7') || !strchr(refusal.text, '2'))
        return mas_fail(err, MAS_E_ARGUMENT,
                        "7 query heads on 2 key/value heads must be refused with both numbers "
                        "named, not answered by '%s'",
                        refusal.text);
    return MAS_OK;
}

/* flash-attention 2244 and 414, b2 378: results differed from run to run. A vector kernel runs
 * thirty times at full size; a scalar one, or any in a build with sanitizers, would take minutes and gets a quarter of
 * the length. */
static mas_status repeated(const mas_attn_kernel *kernel, mas_dtype dtype, const mas_mask *mask,
                           const mas_check_options *options, mas_error *err)
{
    static const int counts[] = {1, 2, 7};
    const bool fast = kernel->isa > MAS_ISA_SCALAR && !MAS_INSTRUMENTED;
    const int64_t length = fast ? 1024 : 256;
    mas_attn_problem p = small_problem(mask, dtype, length, length, 64, 64);
    p.q_heads = p.kv_heads = 4;
    mas_check_rig *rig = NULL;
    unsigned char *kept = NULL;
    mas_status status = open_rig(kernel, &p, &rig, err);
    if (status != MAS_OK)
        return status;
    mas_check_fill(rig, MAS_CHECK_NORMAL, false, options->seed, 6);
    if (kernel->op == MAS_ATTN_BACKWARD)
        status = mas_check_store_forward(rig, err);
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    if (status == MAS_OK)
        status = mas_check_rig_keep(rig, &kept, err);
    for (int n = 0; status == MAS_OK && n < (fast ? 30 : 3); n++) {
        status = mas_check_rig_run(rig, kernel, counts[n % 3], 0xff, err);
        if (status == MAS_OK && !mas_check_rig_same(rig, kept))
            status = mas_fail(err, MAS_E_ARGUMENT,
                              "run %d, with %d threads, gives other bits than the first, with %d",
                              n + 2, counts[n % 3], options->threads);
    }
    free(kept);
    mas_check_rig_close(rig);
    return status;
}

static mas_status determinism(const mas_attn_kernel *kernel, mas_dtype dtype,
                              const mas_check_options *options, mas_error *err)
{
    const mas_check_mask window = {.kind = MAS_CHECK_WINDOW, .a = 256};
    const mas_mask mask = mas_check_mask_make(&window);
    const mas_status status = repeated(kernel, dtype, &mas_mask_causal, options, err);
    return status == MAS_OK ? repeated(kernel, dtype, &mask, options, err) : status;
}

/* xformers 1033 and 1402, cudnn-frontend 347, maxtext 1972: FLOPs of masks counted as the whole
 * square, or half of it. Pairs by hand; the kernel must visit the tiles that hold them, no others
 * (the rig compares). */
static mas_status exact_flops(const mas_attn_kernel *kernel, mas_dtype dtype,
                              const mas_check_options *options, mas_error *err)
{
    static const struct {
        mas_check_mask mask;
        int64_t q_len, kv_len;
        mas_alignment alignment;
        int64_t pairs;
    } cases[] = {
        {{.kind = MAS_CHECK_ALL}, 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 64},
        {{.kind = MAS_CHECK_CAUSAL}, 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 36},
        {{.kind = MAS_CHECK_WINDOW, .a = 3}, 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 21},
        {{.kind = MAS_CHECK_CAUSAL}, 4, 10, MAS_ALIGN_BOTTOM_RIGHT, 34},
        {{.kind = MAS_CHECK_CAUSAL}, 4, 10, MAS_ALIGN_TOP_LEFT, 10},
        {{.kind = MAS_CHECK_LOCAL, .a = 4, .b = 1}, 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 20},
    };
    mas_status status = MAS_OK;
    for (size_t i = 0; status == MAS_OK && i < sizeof cases / sizeof *cases; i++) {
        const mas_mask mask = mas_check_mask_make(&cases[i].mask);
        mas_attn_problem p = small_problem(&mask, dtype, cases[i].q_len, cases[i].kv_len, 16, 16);
        p.alignment = cases[i].alignment;
        mas_check_rig *rig = NULL;
        status = open_rig(kernel, &p, &rig, err);
        if (status != MAS_OK)
            break;
        mas_check_fill(rig, MAS_CHECK_NORMAL, false, options->seed, 7);
        if (kernel->op == MAS_ATTN_BACKWARD)
            status = mas_check_store_forward(rig, err);
        if (status == MAS_OK)
            status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
        mas_check_rig_close(rig);
        if (status == MAS_OK)
            status = expect_pairs(&p, cases[i].pairs, 0, err);
        const double forward = mas_attn_flops(MAS_ATTN_FORWARD, cases[i].pairs, 16, 16);
        const double backward = mas_attn_flops(MAS_ATTN_BACKWARD, cases[i].pairs, 16, 16);
        if (status == MAS_OK && (forward != 64.0 * (double)cases[i].pairs ||
                                 backward != 160.0 * (double)cases[i].pairs))
            status = mas_fail(err, MAS_E_ARGUMENT, "%lld pairs are %g and %g FLOPs",
                              (long long)cases[i].pairs, forward, backward);
    }
    return status;
}

const mas_check_special mas_check_known_faults[] = {
    {"known/window-shows-w-keys", true, false, true, window_shows_w_keys},
    {"known/corner", true, false, true, corner},
    {"known/empty-rows", true, true, true, empty_rows},
    {"known/large-scores", true, true, true, large_scores},
    {"known/head-groups", true, true, true, groups},
    {"known/determinism", true, true, true, determinism},
    {"known/exact-flops", true, true, true, exact_flops},
    {NULL, false, false, false, NULL},
};
