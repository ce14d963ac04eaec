/* SPDX-License-Identifier: Apache-2.0 */
/* Wrappers in front of a device's operations. Work that a device gets through one operation on the
 * way to another (cross-entropy's products) is charged to the outer one: operations call their own
 * functions, not the table. */
#include "masbench/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef enum entry {
    MATMUL_FORWARD,
    MATMUL_INPUT,
    MATMUL_WEIGHT,
    ATTENTION_FORWARD,
    ATTENTION_BACKWARD,
    ATTENTION_DECODE,
    CROSS_ENTROPY,
    NORM,
    NORM_BACKWARD,
    ACTIVATION,
    ACTIVATION_BACKWARD,
    ROPE,
    ADD_BIAS,
    BIAS_BACKWARD,
    ADD,
    EMBED,
    EMBED_BACKWARD,
    CONVERT,
    SUM_SQUARES,
    ADAMW,
    ALLOC,
    RELEASE,
    UPLOAD,
    DOWNLOAD,
    ZERO,
    ENTRIES
} entry;

static const char *const names[] = {
    [MATMUL_FORWARD] = "matmul_forward",
    [MATMUL_INPUT] = "matmul_input_gradient",
    [MATMUL_WEIGHT] = "matmul_weight_gradient",
    [ATTENTION_FORWARD] = "attention_forward",
    [ATTENTION_BACKWARD] = "attention_backward",
    [ATTENTION_DECODE] = "attention_decode",
    [CROSS_ENTROPY] = "cross_entropy",
    [NORM] = "norm",
    [NORM_BACKWARD] = "norm_backward",
    [ACTIVATION] = "activation",
    [ACTIVATION_BACKWARD] = "activation_backward",
    [ROPE] = "rope",
    [ADD_BIAS] = "add_bias",
    [BIAS_BACKWARD] = "bias_backward",
    [ADD] = "add",
    [EMBED] = "embed",
    [EMBED_BACKWARD] = "embed_backward",
    [CONVERT] = "convert",
    [SUM_SQUARES] = "sum_squares",
    [ADAMW] = "adamw",
    [ALLOC] = "alloc",
    [RELEASE] = "release",
    [UPLOAD] = "upload",
    [DOWNLOAD] = "download",
    [ZERO] = "zero",
};
static_assert(sizeof names / sizeof *names == ENTRIES, "one name per entry");

struct mas_profile {
    mas_device *device;
    const mas_device_ops *own; /* the device's */
    mas_device_ops ops;        /* the wrappers */
    mas_profile_entry entries[ENTRIES];
};

static double start(mas_device *d)
{
    struct timespec t;
    (void)d->profile->own->synchronize(d, NULL); /* an error stays and is reported elsewhere */
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void count(mas_device *d, entry e, double begin, double flops)
{
    mas_profile_entry *x = &d->profile->entries[e];
    x->seconds += start(d) - begin;
    x->calls++;
    x->flops += flops;
}

/* A call between two looks at the clock. */
#define COUNTED(d, e, flops, call)                                                                 \
    do {                                                                                           \
        const double begin_ = start(d);                                                            \
        (d)->profile->own->call;                                                                   \
        count(d, e, begin_, flops);                                                                \
    } while (0)

#define COUNTED_STATUS(d, e, flops, call)                                                          \
    do {                                                                                           \
        const double begin_ = start(d);                                                            \
        const mas_status status_ = (d)->profile->own->call;                                        \
        count(d, e, begin_, flops);                                                                \
        return status_;                                                                            \
    } while (0)

static mas_status on_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                           mas_error *err)
{
    COUNTED_STATUS(d, ALLOC, 0, alloc(d, bytes, category, out, err));
}

static void on_release(mas_device *d, void *pointer)
{
    COUNTED(d, RELEASE, 0, release(d, pointer));
}

static void on_upload(mas_device *d, void *to_device, const void *from_host, size_t bytes)
{
    COUNTED(d, UPLOAD, 0, upload(d, to_device, from_host, bytes));
}

static void on_download(mas_device *d, void *to_host, const void *from_device, size_t bytes)
{
    COUNTED(d, DOWNLOAD, 0, download(d, to_host, from_device, bytes));
}

static void on_zero(mas_device *d, void *pointer, size_t bytes)
{
    COUNTED(d, ZERO, 0, zero(d, pointer, bytes));
}

/* y = x W^T, dx = dy W and dW = dy^T x are told apart by what they transpose. */
static mas_status on_matmul(mas_device *d, const mas_matmul *m, mas_error *err)
{
    const entry e = m->trans_a ? MATMUL_WEIGHT : m->trans_b ? MATMUL_FORWARD : MATMUL_INPUT;
    COUNTED_STATUS(d, e, 2 * (double)m->m * (double)m->n * (double)m->k, matmul(d, m, err));
}

static mas_status on_attend(mas_device *d, const mas_attn_plan *plan, const mas_attn_args *args,
                            mas_attn_counts *counts, mas_error *err)
{
    static const entry by_op[] = {[MAS_ATTN_FORWARD] = ATTENTION_FORWARD,
                                  [MAS_ATTN_BACKWARD] = ATTENTION_BACKWARD,
                                  [MAS_ATTN_DECODE] = ATTENTION_DECODE};
    const mas_attn_problem *p = &plan->problem;
    const double flops = (double)(p->batch * p->q_heads) *
                         mas_attn_flops(plan->kernel->op, plan->schedule->pairs, p->d_qk, p->d_v);
    COUNTED_STATUS(d, by_op[plan->kernel->op], flops, attend(d, plan, args, counts, err));
}

static void on_convert(mas_device *d, int64_t n, const float *from, mas_dtype type, void *to)
{
    COUNTED(d, CONVERT, 0, convert(d, n, from, type, to));
}

static void on_embed(mas_device *d, int64_t n, int64_t c, const int32_t *ids,
                     const int32_t *positions, const float *token_table,
                     const float *position_table, float *out)
{
    COUNTED(d, EMBED, 0, embed(d, n, c, ids, positions, token_table, position_table, out));
}

static void on_embed_backward(mas_device *d, int64_t n, int64_t c, int64_t vocab,
                              const int32_t *ids, const int32_t *positions, const float *d_out,
                              float *d_token_table, float *d_position_table)
{
    COUNTED(d, EMBED_BACKWARD, 0,
            embed_backward(d, n, c, vocab, ids, positions, d_out, d_token_table, d_position_table));
}

static void on_norm(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon,
                    const float *x, const void *y, float *sum, const float *weight,
                    const float *bias, mas_dtype type, void *out, float *mean, float *rstd)
{
    COUNTED(d, NORM, 0,
            norm(d, kind, n, c, epsilon, x, y, sum, weight, bias, type, out, mean, rstd));
}

static void on_norm_backward(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                             const float *weight, const float *mean, const float *rstd,
                             mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                             float *d_weight, float *d_bias)
{
    COUNTED(d, NORM_BACKWARD, 0,
            norm_backward(d, kind, n, c, x, weight, mean, rstd, type, d_out, d_x, d_x_copy,
                          d_weight, d_bias));
}

static void on_activation(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                          const void *in, void *out)
{
    COUNTED(d, ACTIVATION, 0, activation(d, kind, n, f, type, in, out));
}

static void on_activation_backward(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                   mas_dtype type, const void *in, const void *d_out, void *d_in)
{
    COUNTED(d, ACTIVATION_BACKWARD, 0, activation_backward(d, kind, n, f, type, in, d_out, d_in));
}

static void on_add_bias(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                        void *x)
{
    COUNTED(d, ADD_BIAS, 0, add_bias(d, n, c, bias, type, x));
}

static void on_bias_backward(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                             float *d_bias)
{
    COUNTED(d, BIAS_BACKWARD, 0, bias_backward(d, n, c, type, d_out, d_bias));
}

static void on_add(mas_device *d, int64_t n, const float *y, float *x)
{
    COUNTED(d, ADD, 0, add(d, n, y, x));
}

static void on_rope(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                    float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x)
{
    COUNTED(d, ROPE, 0, rope(d, n, heads, dim, row_stride, theta, inverse, positions, type, x));
}

/* One product for the logits, two more for the gradients. */
static mas_status on_cross_entropy(mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                   mas_dtype type, const void *x, const void *weight,
                                   uint64_t weight_version, const int32_t *targets,
                                   float grad_scale, float *losses, uint8_t *correct, void *d_x,
                                   float *d_weight, void *workspace, mas_error *err)
{
    const double flops = (d_x ? 3 : 1) * 2 * (double)n * (double)c * (double)vocab;
    COUNTED_STATUS(d, CROSS_ENTROPY, flops,
                   cross_entropy(d, n, c, vocab, type, x, weight, weight_version, targets,
                                 grad_scale, losses, correct, d_x, d_weight, workspace, err));
}

static double on_sum_squares(mas_device *d, int64_t n, const float *x)
{
    const double begin = start(d), sum = d->profile->own->sum_squares(d, n, x);
    count(d, SUM_SQUARES, begin, 0);
    return sum;
}

static void on_adamw(mas_device *d, int64_t n, const mas_adamw *hyper, const float *gradient,
                     float *weight, float *m, float *v, uint16_t *copy)
{
    COUNTED(d, ADAMW, 0, adamw(d, n, hyper, gradient, weight, m, v, copy));
}

mas_status mas_profile_begin(mas_device *device, mas_profile **out, mas_error *err)
{
    if (device->profile)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "the device %s has a profile already; end it before another begins",
                        device->name);
    mas_profile *p = calloc(1, sizeof *p);
    if (!p)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a profile");
    p->device = device;
    p->own = device->ops;
    p->ops = *device->ops; /* what only asks or measures stays as it is */
    p->ops.alloc = on_alloc;
    p->ops.release = on_release;
    p->ops.upload = on_upload;
    p->ops.download = on_download;
    p->ops.zero = on_zero;
    p->ops.matmul = on_matmul;
    p->ops.attend = on_attend;
    p->ops.convert = on_convert;
    p->ops.embed = on_embed;
    p->ops.embed_backward = on_embed_backward;
    p->ops.norm = on_norm;
    p->ops.norm_backward = on_norm_backward;
    p->ops.activation = on_activation;
    p->ops.activation_backward = on_activation_backward;
    p->ops.add_bias = on_add_bias;
    p->ops.bias_backward = on_bias_backward;
    p->ops.add = on_add;
    p->ops.rope = on_rope;
    p->ops.cross_entropy = on_cross_entropy;
    p->ops.sum_squares = on_sum_squares;
    p->ops.adamw = on_adamw;
    mas_profile_reset(p);
    device->profile = p;
    device->ops = &p->ops;
    *out = p;
    return MAS_OK;
}

void mas_profile_reset(mas_profile *profile)
{
    memset(profile->entries, 0, sizeof profile->entries);
    for (int e = 0; e < ENTRIES; e++)
        profile->entries[e].name = names[e];
}

const mas_profile_entry *mas_profile_entries(const mas_profile *profile, int32_t *count_out)
{
    *count_out = ENTRIES;
    return profile->entries;
}

void mas_profile_watch(mas_profile *profile, bool on)
{
    profile->device->ops = on ? &profile->ops : profile->own;
}

void mas_profile_end(mas_profile *profile)
{
    if (!profile)
        return;
    profile->device->ops = profile->own;
    profile->device->profile = NULL;
    free(profile);
}
