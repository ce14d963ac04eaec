/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check/selftest.h"

#include "harness/check/check.h"
#include "tests/check/faulty.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_WINDOW_PLUS_ONE] = "window_plus_one",
    [FAULT_OTHER_CORNER] = "other_corner",
    [FAULT_HEADS_IN_TURN] = "heads_in_turn",
    [FAULT_SKIPS_LAST_TILE] = "skips_last_tile",
    [FAULT_SKIPS_AND_LIES] = "skips_and_lies",
    [FAULT_STALE_MAXIMUM] = "stale_maximum",
    [FAULT_NO_MAXIMUM] = "no_maximum",
    [FAULT_WRITES_PAST_END] = "writes_past_end",
    [FAULT_READS_OUTPUT] = "reads_output",
    [FAULT_DEPENDS_ON_THREADS] = "depends_on_threads",
    [FAULT_DIRTY_WORKSPACE] = "dirty_workspace",
    [FAULT_WORKSPACE_OVERRUN] = "workspace_overrun",
    [FAULT_EMPTY_ROW_NAN] = "empty_row_nan",
    [FAULT_NO_SOFTCAP] = "no_softcap",
    [FAULT_NO_SINKS] = "no_sinks",
    [FAULT_DENSE_STRIDES] = "dense_strides",
    [FAULT_MASK_BY_ADDING] = "mask_by_adding",
    [FAULT_MASK_BY_ZERO] = "mask_by_zero",
    [FAULT_WRITES_INPUT] = "writes_input",
    [FAULT_PADDED_SCALE] = "padded_scale",
    [FAULT_LSE_BASE_TWO] = "lse_base_two",
    [FAULT_NARROW_SUMS] = "narrow_sums",
    [FAULT_LAST_ROW_UNWRITTEN] = "last_row_unwritten",
    [FAULT_COARSE_EXPONENTIAL] = "coarse_exponential",
    [FAULT_HIDES_NONFINITE] = "hides_nonfinite",
    [FAULT_DK_OF_ONE_HEAD] = "dk_of_one_head",
    [FAULT_NO_DELTA] = "no_delta",
    [FAULT_NO_CAP_SLOPE] = "no_cap_slope",
    [FAULT_DQ_UNSCALED] = "dq_unscaled",
    [FAULT_D_SINKS_ONE_BATCH] = "d_sinks_one_batch",
    [FAULT_ADDS_TO_OUTPUT] = "adds_to_output",
    [FAULT_BACKWARD_EMPTY_ROW_NAN] = "backward_empty_row_nan",
    [FAULT_BACKWARD_SKIPS_AND_LIES] = "backward_skips_and_lies",
    [FAULT_BACKWARD_DEPENDS_ON_THREADS] = "backward_depends_on_threads",
    [FAULT_DV_WRONG_HEAD] = "dv_wrong_head",
    [FAULT_BACKWARD_COARSE_EXPONENTIAL] = "backward_coarse_exponential",
    [FAULT_BACKWARD_HIDES_NONFINITE] = "backward_hides_nonfinite",
};

/* ---- faulty devices: the CPU's operations with one replaced ---- */

static const mas_device_ops *sound_ops; /* of the device opened last */
static mas_device_ops faulty_ops;
static size_t fault_device;

static void adamw_uncorrected(mas_device *d, int64_t count, const mas_adamw *hyper,
                              const float *gradient, float *weight, float *m, float *v,
                              uint16_t *copy)
{
    mas_adamw late = *hyper;
    late.step = 1000000;
    sound_ops->adamw(d, count, &late, gradient, weight, m, v, copy);
}

static void bias_backward_overwrites(mas_device *d, int64_t n, int64_t c, mas_dtype type,
                                     const void *d_out, float *d_bias)
{
    d->ops->zero(d, d_bias, (size_t)c * sizeof *d_bias);
    sound_ops->bias_backward(d, n, c, type, d_out, d_bias);
}

static void rope_never_inverse(mas_device *d, int64_t n, int64_t heads, int64_t dim,
                               int64_t row_stride, float theta, bool inverse,
                               const int32_t *positions, mas_dtype type, void *x)
{
    (void)inverse;
    sound_ops->rope(d, n, heads, dim, row_stride, theta, false, positions, type, x);
}

static mas_status matmul_overwrites(mas_device *d, const mas_matmul *m, mas_error *err)
{
    mas_matmul other = *m;
    other.accumulate = false;
    return sound_ops->matmul(d, &other, err);
}

static void add_one_more(mas_device *d, int64_t count, const float *y, float *x)
{
    static const float one = 1;
    sound_ops->add(d, count, y, x);
    sound_ops->upload(d, x + count, &one, sizeof one);
}

static void norm_wide_epsilon(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon,
                              const float *x, const void *y, float *sum, const float *weight,
                              const float *bias, mas_dtype type, void *out, float *mean,
                              float *rstd)
{
    sound_ops->norm(d, kind, n, c, epsilon * 10, x, y, sum, weight, bias, type, out, mean, rstd);
}

static void convert_truncates(mas_device *d, int64_t count, const float *from, mas_dtype type,
                              void *to)
{
    sound_ops->convert(d, count, from, type, to);
    for (int64_t i = 0; type == MAS_DTYPE_BF16 && i < count; i++) {
        uint32_t bits;
        memcpy(&bits, from + i, sizeof bits);
        ((uint16_t *)to)[i] = (uint16_t)(bits >> 16);
    }
}

static void norm_backward_keeps_no_copy(mas_device *d, mas_norm kind, int64_t n, int64_t c,
                                        const float *x, const float *weight, const float *mean,
                                        const float *rstd, mas_dtype type, const void *d_out,
                                        float *d_x, void *d_x_copy, float *d_weight, float *d_bias)
{
    (void)d_x_copy;
    sound_ops->norm_backward(d, kind, n, c, x, weight, mean, rstd, type, d_out, d_x, NULL, d_weight,
                             d_bias);
}

static void put_convert(mas_device_ops *ops)
{
    ops->convert = convert_truncates;
}
static void put_norm_backward(mas_device_ops *ops)
{
    ops->norm_backward = norm_backward_keeps_no_copy;
}
static void put_adamw(mas_device_ops *ops)
{
    ops->adamw = adamw_uncorrected;
}
static void put_bias(mas_device_ops *ops)
{
    ops->bias_backward = bias_backward_overwrites;
}
static void put_rope(mas_device_ops *ops)
{
    ops->rope = rope_never_inverse;
}
static void put_matmul(mas_device_ops *ops)
{
    ops->matmul = matmul_overwrites;
}
static void put_add(mas_device_ops *ops)
{
    ops->add = add_one_more;
}
static void put_norm(mas_device_ops *ops)
{
    ops->norm = norm_wide_epsilon;
}

static const struct {
    const char *name, *subject;
    void (*put)(mas_device_ops *ops);
} device_faults[] = {
    {"device_adamw_uncorrected", "device/adamw", put_adamw},
    {"device_bias_backward_overwrites", "device/bias_backward", put_bias},
    {"device_rope_never_inverse", "device/rope", put_rope},
    {"device_matmul_overwrites", "device/matmul", put_matmul},
    {"device_add_one_more", "device/add", put_add},
    {"device_norm_wide_epsilon", "device/norm", put_norm},
    {"device_convert_truncates", "device/convert", put_convert},
    {"device_norm_backward_keeps_no_copy", "device/norm_backward", put_norm_backward},
};

static mas_status open_faulty(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    const mas_status status = mas_device_open_cpu(threads, limit_bytes, out, err);
    if (status != MAS_OK)
        return status;
    sound_ops = (*out)->ops;
    faulty_ops = *sound_ops;
    device_faults[fault_device].put(&faulty_ops);
    (*out)->ops = &faulty_ops;
    return MAS_OK;
}

/* ---- one fault ---- */

/* Run the checker on it; true when the verdict is the right one. */
static bool verdict_is(bool caught, const char *name, const mas_check_options *options, FILE *out)
{
    mas_check_report report;
    mas_error err = {MAS_OK, ""};
    if (mas_check_run(options, caught ? NULL : out, NULL, &report, &err) != MAS_OK) {
        fprintf(out, "FAIL %s: %s\n", name, err.text);
        return false;
    }
    const bool right = report.passed + report.failed > 0 && (report.failed > 0) == caught;
    fprintf(out, "%s %s: %s after %lld cases\n", right ? "ok  " : "FAIL", name,
            report.failed > 0 ? "caught" : "passed", (long long)(report.passed + report.failed));
    return right;
}

static bool try_kernel(fault f, FILE *out)
{
    const mas_attn_kernel *const forward[] = {&faulty_forward, NULL};
    const mas_attn_kernel *const backward[] = {&faulty_backward, NULL};
    const mas_attn_kernel *const both[] = {&faulty_forward, &faulty_backward, NULL};
    mas_check_options options = mas_check_defaults();
    options.table = f == FAULT_NONE ? both : f < FAULT_FIRST_BACKWARD ? forward : backward;
    options.kernel = "attn_*";
    options.open_device = NULL;
    options.count = 20;
    options.stop_after = f == FAULT_NONE ? 0 : 1;
    fault_now = f;
    const bool right = verdict_is(f != FAULT_NONE, fault_names[f], &options, out);
    fault_now = FAULT_NONE;
    return right;
}

static bool try_device(size_t i, FILE *out)
{
    static const mas_attn_kernel *const none[] = {NULL};
    mas_check_options options = mas_check_defaults();
    options.table = none;
    options.kernel = device_faults[i].subject;
    options.open_device = open_faulty;
    options.count = 0;
    options.stop_after = 1;
    fault_device = i;
    return verdict_is(true, device_faults[i].name, &options, out);
}

/* A kernel may refuse any problem for any reason: that is no failure, in no kind of case. */
static mas_status supports_multiples_of_eight(const mas_attn_problem *p, mas_error *why)
{
    return p->d_qk % 8 == 0 && p->d_v % 8 == 0
               ? MAS_OK
               : mas_fail(why, MAS_E_SHAPE, "head sizes %d and %d; multiples of 8", (int)p->d_qk,
                          (int)p->d_v);
}

static bool try_refusals(FILE *out)
{
    mas_attn_kernel choosy[] = {faulty_forward, faulty_backward};
    choosy[0].supports = choosy[1].supports = supports_multiples_of_eight;
    const mas_attn_kernel *const table[] = {&choosy[0], &choosy[1], NULL};
    mas_check_options options = mas_check_defaults();
    options.table = table;
    options.kernel = "attn_*";
    options.open_device = NULL;
    options.count = 20;
    return verdict_is(false, "refuses_sizes", &options, out);
}

/* A schedule that does not list what its mask shows: the reference must refuse it. */
static size_t runs_one_short(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    const size_t count = mas_mask_causal.runs(mask, position, kv_len, runs);
    if (count == 1 && runs[0].end > 1)
        runs[0].end--;
    return count;
}

static bool try_schedule(FILE *out)
{
    mas_mask mask = mas_mask_causal;
    mask.runs = runs_one_short;
    const mas_attn_problem p = {.batch = 1,
                                .q_heads = 1,
                                .kv_heads = 1,
                                .q_len = 40,
                                .kv_len = 40,
                                .d_qk = 1,
                                .d_v = 1,
                                .scale = 1,
                                .mask = &mask};
    static float q[40], k[40], v[40], o[40];
    const mas_attn_args views = {.q = mas_view_dense(q, 40, 1, 1),
                                 .k = mas_view_dense(k, 40, 1, 1),
                                 .v = mas_view_dense(v, 40, 1, 1),
                                 .o = mas_view_dense(o, 40, 1, 1)};
    const mas_attn_kernel *reference =
        mas_attn_find(mas_attn_cpu_table, "attn_forward/naive/reference");
    mas_attn_plan *plan = NULL;
    mas_error err = {MAS_OK, ""};
    mas_attn_args args = views;
    mas_status status =
        reference ? mas_attn_plan_create_for(reference, &p, 1, &plan, &err) : MAS_E_NOT_FOUND;
    if (status == MAS_OK) {
        args.workspace = aligned_alloc(64, (plan->workspace_bytes + 63) / 64 * 64);
        status = args.workspace ? mas_attn_plan_run(plan, &args, NULL, &err) : MAS_E_MEMORY;
    }
    free(args.workspace);
    mas_attn_plan_free(plan);
    fprintf(out, "%s schedule_without_a_key: %s\n", status == MAS_E_SCHEDULE ? "ok  " : "FAIL",
            status == MAS_E_SCHEDULE ? "caught" : "not caught");
    return status == MAS_E_SCHEDULE;
}

/* ---- a variant with two statements that differ ---- */

static const mas_variant *sound_variant(void)
{
    const mas_variant *found = NULL;
    return mas_variant_find("sliding_window", &found, NULL) == MAS_OK ? found : NULL;
}

static size_t runs_without_first(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                                 mas_run *runs)
{
    const size_t count = sound_variant()->runs(spec, position, kv_len, runs);
    return ++runs[0].begin < runs[0].end ? count : 0;
}

/* Neither the variant nor a kernel that runs on its mask may pass. */
static bool try_variant(FILE *out)
{
    static const char *const subjects[] = {"variant/*", "attn_forward/naive/reference",
                                           "attn_backward/naive/reference"};
    if (!sound_variant())
        return false;
    mas_variant variant = *sound_variant();
    variant.runs = runs_without_first;
    const mas_variant *const table[] = {&variant, NULL};
    bool right = true;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        mas_check_options options = mas_check_defaults();
        options.variants = table;
        options.kernel = subjects[i];
        options.which = "variant/*";
        right &= verdict_is(true, "variant_without_a_key", &options, out);
    }
    return right;
}

/* A failure is printed with the command that replays it, with all that the check was told. */
static bool try_again_line(FILE *out)
{
    static const char want[] =
        "MASBENCH_SIMT='reverse' a program --device tiles --cpu scalar --kernel "
        "'variant/sliding_window' --case 'variant/window ";
    char text[4096] = "";
    FILE *printed = tmpfile();
    if (!sound_variant() || !printed)
        return false;
    mas_variant variant = *sound_variant();
    variant.runs = runs_without_first;
    const mas_variant *const table[] = {&variant, NULL};
    mas_check_options options = mas_check_defaults();
    options.variants = table;
    options.kernel = "variant/*";
    options.command = "a program";
    options.device = "tiles";
    options.cpu = "scalar";
    options.stop_after = 1;
    setenv("MASBENCH_SIMT", "reverse", 1);
    mas_check_report report;
    const mas_status status = mas_check_run(&options, printed, NULL, &report, NULL);
    unsetenv("MASBENCH_SIMT");
    rewind(printed);
    text[fread(text, 1, sizeof text - 1, printed)] = '\0';
    fclose(printed);
    const bool right = status == MAS_OK && strstr(text, want);
    fprintf(out, "%s again_line: %s", right ? "ok  " : "FAIL", right ? "complete\n" : text);
    return right;
}

int selftest(const char *glob, FILE *out)
{
    int ran = 0, wrong = 0;
    for (int f = 0; f < FAULT_COUNT; f++)
        if (fnmatch(glob, fault_names[f], 0) == 0) {
            ran++;
            wrong += !try_kernel((fault)f, out);
        }
    for (size_t i = 0; i < sizeof device_faults / sizeof *device_faults; i++)
        if (fnmatch(glob, device_faults[i].name, 0) == 0) {
            ran++;
            wrong += !try_device(i, out);
        }
    if (fnmatch(glob, "schedule_without_a_key", 0) == 0) {
        ran++;
        wrong += !try_schedule(out);
    }
    if (fnmatch(glob, "again_line", 0) == 0) {
        ran++;
        wrong += !try_again_line(out);
    }
    if (fnmatch(glob, "variant_without_a_key", 0) == 0) {
        ran++;
        wrong += !try_variant(out);
    }
    if (fnmatch(glob, "refuses_sizes", 0) == 0) {
        ran++;
        wrong += !try_refusals(out);
    }
    if (ran == 0)
        fprintf(out, "no fault is called '%s'\n", glob);
    return ran == 0 || wrong > 0;
}
