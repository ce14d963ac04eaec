/* SPDX-License-Identifier: Apache-2.0 */
/* The device's operations against the f64 oracle: guards around tensors, poisoned outputs, inputs
 * compared afterwards, and the same bits for 1, 2 and 7
 * threads, in f32 and in bf16. device_layers.c and
 * device_training.c have the calls. */
#include "harness/check/device_calls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t guard_bytes(const mas_check_call_tensor *t)
{
    return MAS_CALL_GUARD * mas_dtype_bytes(t->dtype);
}

static size_t padded_bytes(const mas_check_call_tensor *t)
{
    return 2 * guard_bytes(t) + (size_t)t->count * mas_dtype_bytes(t->dtype);
}

static void close_call(mas_check_call *x)
{
    for (int i = 0; i < MAS_CALL_TENSORS; i++) {
        mas_check_call_tensor *t = &x->t[i];
        if (t->device)
            x->d->ops->release(x->d, t->device - guard_bytes(t));
        free(t->start);
        free(t->found);
        free(t->first);
        free(t->want);
        free(t->twin);
    }
    for (int i = 0; i < MAS_CALL_INTS; i++)
        x->d->ops->release(x->d, x->device_ints[i]);
}

static mas_status open_call(mas_check_call *x, const mas_check_operation *o, uint64_t seed,
                            mas_error *err)
{
    mas_rng rng = mas_rng_seed(seed, 300);
    o->shape(x);
    for (int i = 0; i < MAS_CALL_TENSORS; i++) {
        mas_check_call_tensor *t = &x->t[i];
        void *device = NULL;
        t->dtype = t->typed ? x->type : MAS_DTYPE_F32;
        t->start = malloc(padded_bytes(t));
        t->found = malloc(padded_bytes(t));
        t->first = malloc(padded_bytes(t));
        t->want = calloc((size_t)t->count + 1, sizeof *t->want);
        t->twin = calloc((size_t)t->count + 1, sizeof *t->twin);
        if (!t->start || !t->found || !t->first || !t->want || !t->twin)
            return mas_fail(err, MAS_E_MEMORY, "no memory for a tensor of %lld elements",
                            (long long)t->count);
        memset(t->start, 0xff, padded_bytes(t));
        for (int64_t n = 0; n < t->count && !t->output; n++) {
            const double value = mas_rng_normal(&rng);
            mas_dtype_store(t->dtype, t->start, MAS_CALL_GUARD + n,
                            t->positive ? fabs(value) + 0.1 : value);
        }
        const mas_status status =
            mas_alloc(x->d, padded_bytes(t), MAS_MEMORY_ACTIVATIONS, &device, err);
        if (status != MAS_OK)
            return status;
        t->device = (char *)device + guard_bytes(t);
        x->f[i] = t->device;
        x->w[i] = t->want;
        x->s[i] = t->twin;
    }
    for (int i = 0; i < MAS_CALL_INTS; i++) {
        void *device = NULL;
        for (int64_t n = 0; n < x->n; n++)
            x->ints[i][n] = (int32_t)mas_rng_below(&rng, (uint64_t)x->v);
        if (o->unscored)
            for (int64_t n = 1; n < x->n; n += 3)
                x->ints[i][n] = -1;
        const mas_status status =
            mas_alloc(x->d, sizeof x->ints[i], MAS_MEMORY_ACTIVATIONS, &device, err);
        if (status != MAS_OK)
            return status;
        x->device_ints[i] = device;
        x->d->ops->upload(x->d, device, x->ints[i], sizeof x->ints[i]);
    }
    return MAS_OK;
}

/* Back to the initial values, on all three sides. */
static void reset(mas_check_call *x)
{
    for (int i = 0; i < MAS_CALL_TENSORS; i++) {
        mas_check_call_tensor *t = &x->t[i];
        x->d->ops->upload(x->d, t->device - guard_bytes(t), t->start, padded_bytes(t));
        for (int64_t n = 0; n < t->count; n++) {
            t->want[n] = mas_dtype_load(t->dtype, t->start, MAS_CALL_GUARD + n);
            t->twin[n] = (float)t->want[n];
        }
    }
}

static mas_status judge_tensor(const mas_check_call_tensor *t, double *ratio, mas_error *err)
{
    double *both = malloc(2 * (size_t)(t->count + 1) * sizeof *both);
    if (!both)
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare %lld elements",
                        (long long)t->count);
    double *got = both, *twin = both + t->count;
    for (int64_t n = 0; n < t->count; n++) {
        got[n] = mas_dtype_load(t->dtype, t->found, MAS_CALL_GUARD + n);
        twin[n] = (double)t->twin[n];
    }
    const double *naive = twin;
    const mas_check_verdict v = mas_check_judge(t->count, t->want, &naive, 1, 0, got, t->dtype);
    const double bad = t->count > 0 ? got[v.worst] : 0;
    free(both);
    *ratio = fmax(*ratio, v.ok ? v.ratio : 0);
    if (v.ok)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%s is wrong: max-abs error %.3g where %.3g is allowed, relative L2 "
                    "%.3g; worst at element %lld: %.9g, should be %.9g",
                    t->name, v.max_abs, v.allowed_abs, v.relative_l2, (long long)v.worst, bad,
                    t->want[v.worst]);
}

static mas_status inspect(mas_check_call *x, bool first, double *ratio, mas_error *err)
{
    for (int i = 0; i < MAS_CALL_TENSORS; i++) {
        mas_check_call_tensor *t = &x->t[i];
        x->d->ops->download(x->d, t->found, t->device - guard_bytes(t), padded_bytes(t));
        const size_t guard = guard_bytes(t), after = padded_bytes(t) - guard;
        if (memcmp(t->found, t->start, guard) != 0 ||
            memcmp((char *)t->found + after, (char *)t->start + after, guard) != 0)
            return mas_fail(err, MAS_E_ARGUMENT, "it wrote outside %s",
                            t->name ? t->name : "a tensor that it was not given");
        if (!first && memcmp(t->found, t->first, padded_bytes(t)) != 0)
            return mas_fail(err, MAS_E_ARGUMENT, "%d threads give other bits than 1 in %s",
                            x->d->threads, t->name);
        const mas_status status = first ? judge_tensor(t, ratio, err) : MAS_OK;
        if (status != MAS_OK)
            return status;
        memcpy(t->first, t->found, padded_bytes(t));
    }
    return MAS_OK;
}

static mas_status run_shape(const mas_check_options *options, const mas_check_operation *o,
                            const int64_t shape[3], mas_dtype type, double *ratio, mas_error *err)
{
    static const int counts[] = {1, 2, 7};
    mas_check_call *x = calloc(1, sizeof *x);
    if (!x)
        return mas_fail(err, MAS_E_MEMORY, "no memory to check an operation");
    mas_check_call_tensor kept[MAS_CALL_TENSORS] = {{.count = 0}};
    mas_status status = MAS_OK;
    for (size_t n = 0; status == MAS_OK && n < sizeof counts / sizeof *counts; n++) {
        *x = (mas_check_call){.n = shape[0], .c = shape[1], .v = shape[2], .type = type};
        status = options->open_device(counts[n], 0, &x->d, err);
        if (status != MAS_OK)
            break;
        status = open_call(x, o, options->seed, err);
        for (int i = 0; status == MAS_OK && n > 0 && i < MAS_CALL_TENSORS; i++)
            memcpy(x->t[i].first, kept[i].first, padded_bytes(&x->t[i]));
        if (status == MAS_OK) {
            reset(x);
            status = o->run(x, err);
        }
        if (status == MAS_OK)
            status = inspect(x, n == 0, ratio, err);
        for (int i = 0; status == MAS_OK && n == 0 && i < MAS_CALL_TENSORS; i++) {
            kept[i].first = x->t[i].first;
            x->t[i].first = NULL;
        }
        close_call(x);
        mas_device_close(x->d);
    }
    for (int i = 0; i < MAS_CALL_TENSORS; i++)
        free(kept[i].first);
    free(x);
    return status;
}

static mas_status run_shapes(const mas_check_options *options, const mas_check_operation *o,
                             double *ratio, mas_error *err)
{
    static const int64_t shapes[][3] = {{1, 1, 1},       {1, 7, 2},     {3, 5, 11},
                                        {17, 64, 33},    {31, 33, 64},  {64, 96, 257},
                                        {129, 130, 100}, {200, 48, 256}};
    static const mas_dtype types[] = {MAS_DTYPE_F32, MAS_DTYPE_BF16};
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        const int64_t *shape = shapes[i / 2];
        const mas_dtype type = types[i % 2];
        mas_error here = {MAS_OK, ""};
        const mas_status status = run_shape(options, o, shape, type, ratio, &here);
        if (status != MAS_OK)
            return mas_fail(
                err, status,
                "%s, n = %lld rows, c = %lld wide, v = %lld (vocabulary, or inner size): %s",
                mas_dtype_name(type), (long long)shape[0], (long long)shape[1], (long long)shape[2],
                here.text);
    }
    return MAS_OK;
}

static mas_status run_layer(const mas_check_options *options, int number, double *ratio,
                            mas_error *err)
{
    return run_shapes(options, &mas_check_layer_calls[number], ratio, err);
}

static mas_status run_training(const mas_check_options *options, int number, double *ratio,
                               mas_error *err)
{
    return run_shapes(options, &mas_check_training_calls[number], ratio, err);
}

/* Numbers are places in the two tables. */
const mas_check_other mas_check_device_ops[] = {
    {"device/matmul", "device/matmul/plain", 0, run_layer},
    {"device/matmul", "device/matmul/trans_b-accumulate", 1, run_layer},
    {"device/matmul", "device/matmul/trans_a-accumulate", 2, run_layer},
    {"device/matmul", "device/matmul/both", 3, run_layer},
    {"device/embed", "device/embed/positions", 4, run_layer},
    {"device/embed", "device/embed/alone", 5, run_layer},
    {"device/embed_backward", "device/embed_backward", 6, run_layer},
    {"device/norm", "device/norm/layernorm", 7, run_layer},
    {"device/norm", "device/norm/rmsnorm", 8, run_layer},
    {"device/norm", "device/norm/layernorm-sum", 20, run_layer},
    {"device/norm", "device/norm/rmsnorm-sum", 21, run_layer},
    {"device/norm_backward", "device/norm_backward/layernorm", 9, run_layer},
    {"device/norm_backward", "device/norm_backward/rmsnorm", 10, run_layer},
    {"device/activation", "device/activation/gelu", 11, run_layer},
    {"device/activation", "device/activation/swiglu", 12, run_layer},
    {"device/activation_backward", "device/activation_backward/gelu", 13, run_layer},
    {"device/activation_backward", "device/activation_backward/swiglu", 14, run_layer},
    {"device/add_bias", "device/add_bias", 15, run_layer},
    {"device/bias_backward", "device/bias_backward", 16, run_layer},
    {"device/add", "device/add", 17, run_layer},
    {"device/rope", "device/rope/forward", 18, run_layer},
    {"device/rope", "device/rope/inverse", 19, run_layer},
    {"device/convert", "device/convert", 22, run_layer},
    {"device/cross_entropy", "device/cross_entropy/gradients", 0, run_training},
    {"device/cross_entropy", "device/cross_entropy/losses", 1, run_training},
    {"device/adamw", "device/adamw/first-step", 2, run_training},
    {"device/adamw", "device/adamw/later-step", 3, run_training},
    {"device/sum_squares", "device/sum_squares", 4, run_training},
    {NULL, NULL, 0, NULL},
};
