/* SPDX-License-Identifier: Apache-2.0 */
/* The device's operations against the f64 oracle. Every operation is one function that makes the
 * same call three times: on the device, on the oracle and on the naive twin. Around it stand
 * guards, poisoned outputs, inputs compared afterwards, and the same bits for 1, 2 and 7 threads.
 */
#include "harness/check/internal.h"
#include "harness/check/ops_twin.h"
#include "kernels/reference/ops_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TENSORS = 8,
    INTS = 2,
    GUARD = 16
}; /* GUARD elements on both sides keep 64-byte alignment */

typedef struct tensor {
    int64_t count;
    bool output; /* overwritten: starts as NaN; otherwise the initial value matters (inputs, and
                    what is added to) */
    bool positive;
    float *start;  /* host: guards and initial values */
    float *found;  /* host: what the device left, with guards */
    float *first;  /* host: what the device with one thread left */
    float *device; /* past the guard */
    double *want;
    float *twin;
} tensor;

typedef struct call {
    int64_t n, c, v; /* rows, width, vocabulary (or the third size of a matrix product) */
    mas_device *d;
    tensor t[TENSORS];
    int32_t ints[INTS][256];
    int32_t *device_ints[INTS];
    float *f[TENSORS]; /* shorthands for the three sides of a call */
    double *w[TENSORS];
    float *s[TENSORS];
} call;

typedef struct operation {
    void (*shape)(call *x); /* counts and kinds of the tensors */
    mas_status (*run)(call *x, mas_error *err);
} operation;

static void in(call *x, int i, int64_t count)
{
    x->t[i].count = count;
}

static void out(call *x, int i, int64_t count)
{
    x->t[i].count = count;
    x->t[i].output = true;
}

/* ---- the operations ---- */

static void matmul_shape(call *x)
{
    in(x, 0, x->n * (x->v + 3));
    in(x, 1, x->v * (x->c + 3));
    in(x, 2, x->c * (x->n + x->v));
    in(x, 3, x->n * (x->c + 2));
    in(x, 4, x->v * (x->n + 3));
}

/* A [n,v] or its transpose, B [v,c] or its transpose, C [n,c] with gaps that must stay. */
static mas_status matmul_case(call *x, bool trans_a, bool trans_b, bool accumulate, mas_error *err)
{
    const int a = trans_a ? 4 : 0, b = trans_b ? 2 : 1;
    const int64_t lda = trans_a ? x->n + 3 : x->v + 3, ldb = trans_b ? x->v : x->c + 3,
                  ldc = x->c + 2;
    const mas_matmul m = {.m = x->n,
                          .n = x->c,
                          .k = x->v,
                          .a = x->f[a],
                          .b = x->f[b],
                          .c = x->f[3],
                          .lda = lda,
                          .ldb = ldb,
                          .ldc = ldc,
                          .trans_a = trans_a,
                          .trans_b = trans_b,
                          .accumulate = accumulate};
    mas_ops_reference_matmul(x->n, x->c, x->v, x->w[a], lda, trans_a, x->w[b], ldb, trans_b,
                             accumulate, x->w[3], ldc);
    mas_ops_twin_matmul(x->n, x->c, x->v, x->s[a], lda, trans_a, x->s[b], ldb, trans_b, accumulate,
                        x->s[3], ldc);
    return x->d->ops->matmul(x->d, &m, err);
}

static mas_status matmul_nn(call *x, mas_error *err)
{
    return matmul_case(x, false, false, false, err);
}
static mas_status matmul_nt(call *x, mas_error *err)
{
    return matmul_case(x, false, true, true, err);
}
static mas_status matmul_tn(call *x, mas_error *err)
{
    return matmul_case(x, true, false, true, err);
}
static mas_status matmul_tt(call *x, mas_error *err)
{
    return matmul_case(x, true, true, false, err);
}

static void embed_shape(call *x)
{
    in(x, 0, x->v * x->c);
    in(x, 1, x->v * x->c);
    out(x, 2, x->n * x->c);
}

static mas_status embed(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed(x->d, x->n, x->c, x->device_ints[0], x->device_ints[1], x->f[0], x->f[1],
                     x->f[2]);
    mas_ops_reference_embed(x->n, x->c, x->ints[0], x->ints[1], x->w[0], x->w[1], x->w[2]);
    mas_ops_twin_embed(x->n, x->c, x->ints[0], x->ints[1], x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static mas_status embed_alone(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed(x->d, x->n, x->c, x->device_ints[0], NULL, x->f[0], NULL, x->f[2]);
    mas_ops_reference_embed(x->n, x->c, x->ints[0], NULL, x->w[0], NULL, x->w[2]);
    mas_ops_twin_embed(x->n, x->c, x->ints[0], NULL, x->s[0], NULL, x->s[2]);
    return MAS_OK;
}

static void embed_backward_shape(call *x)
{
    in(x, 0, x->n * x->c);
    in(x, 1, x->v * x->c);
    in(x, 2, x->v * x->c);
}

static mas_status embed_backward(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed_backward(x->d, x->n, x->c, x->v, x->device_ints[0], x->device_ints[1], x->f[0],
                              x->f[1], x->f[2]);
    mas_ops_reference_embed_backward(x->n, x->c, x->ints[0], x->ints[1], x->w[0], x->w[1], x->w[2]);
    mas_ops_twin_embed_backward(x->n, x->c, x->ints[0], x->ints[1], x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void norm_shape(call *x)
{
    in(x, 0, x->n * x->c);
    in(x, 1, x->c);
    in(x, 2, x->c);
    out(x, 3, x->n * x->c);
    out(x, 4, x->n);
    out(x, 5, x->n);
}

static void rmsnorm_shape(call *x)
{
    norm_shape(x);
    x->t[4].count = 0;
}

static mas_status norm_kind(call *x, mas_norm kind)
{
    float **f = x->f, **s = x->s;
    double **w = x->w;
    const bool centred = kind == MAS_NORM_LAYERNORM;
    x->d->ops->norm(x->d, kind, x->n, x->c, 1e-5f, f[0], f[1], centred ? f[2] : NULL, f[3],
                    centred ? f[4] : NULL, f[5]);
    mas_ops_reference_norm(kind, x->n, x->c, 1e-5f, w[0], w[1], w[2], w[3], w[4], w[5]);
    mas_ops_twin_norm(kind, x->n, x->c, 1e-5f, s[0], s[1], s[2], s[3], s[4], s[5]);
    return MAS_OK;
}

static mas_status layernorm(call *x, mas_error *err)
{
    (void)err;
    return norm_kind(x, MAS_NORM_LAYERNORM);
}

static mas_status rmsnorm(call *x, mas_error *err)
{
    (void)err;
    return norm_kind(x, MAS_NORM_RMSNORM);
}

static void norm_backward_shape(call *x)
{
    in(x, 0, x->n * x->c); /* x */
    in(x, 1, x->c);        /* weight */
    in(x, 2, x->n);        /* mean */
    in(x, 3, x->n);        /* rstd: any positive number will do, the formula takes it as given */
    x->t[3].positive = true;
    in(x, 4, x->n * x->c); /* d_out */
    in(x, 5, x->n * x->c); /* d_x, added to */
    in(x, 6, x->c);
    in(x, 7, x->c);
}

static mas_status norm_backward_kind(call *x, mas_norm kind)
{
    float **f = x->f, **s = x->s;
    double **w = x->w;
    const bool centred = kind == MAS_NORM_LAYERNORM;
    x->d->ops->norm_backward(x->d, kind, x->n, x->c, f[0], f[1], centred ? f[2] : NULL, f[3], f[4],
                             f[5], f[6], centred ? f[7] : NULL);
    mas_ops_reference_norm_backward(kind, x->n, x->c, w[0], w[1], w[2], w[3], w[4], w[5], w[6],
                                    w[7]);
    mas_ops_twin_norm_backward(kind, x->n, x->c, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    return MAS_OK;
}

static mas_status layernorm_backward(call *x, mas_error *err)
{
    (void)err;
    return norm_backward_kind(x, MAS_NORM_LAYERNORM);
}

static mas_status rmsnorm_backward(call *x, mas_error *err)
{
    (void)err;
    return norm_backward_kind(x, MAS_NORM_RMSNORM);
}

static void gelu_shape(call *x)
{
    in(x, 0, x->n * x->c);
    out(x, 1, x->n * x->c);
}

static mas_status gelu(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation(x->d, MAS_ACTIVATION_GELU, x->n, x->c, x->f[0], x->f[1]);
    mas_ops_reference_activation(MAS_ACTIVATION_GELU, x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_activation(MAS_ACTIVATION_GELU, x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void swiglu_shape(call *x)
{
    in(x, 0, x->n * 2 * x->c);
    out(x, 1, x->n * x->c);
}

static mas_status swiglu(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation(x->d, MAS_ACTIVATION_SWIGLU, x->n, x->c, x->f[0], x->f[1]);
    mas_ops_reference_activation(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_activation(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void gelu_backward_shape(call *x)
{
    in(x, 0, x->n * x->c);
    in(x, 1, x->n * x->c);
    out(x, 2, x->n * x->c);
}

static mas_status gelu_backward(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation_backward(x->d, MAS_ACTIVATION_GELU, x->n, x->c, x->f[0], x->f[1],
                                   x->f[2]);
    mas_ops_reference_activation_backward(MAS_ACTIVATION_GELU, x->n, x->c, x->w[0], x->w[1],
                                          x->w[2]);
    mas_ops_twin_activation_backward(MAS_ACTIVATION_GELU, x->n, x->c, x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void swiglu_backward_shape(call *x)
{
    in(x, 0, x->n * 2 * x->c);
    in(x, 1, x->n * x->c);
    out(x, 2, x->n * 2 * x->c);
}

static mas_status swiglu_backward(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation_backward(x->d, MAS_ACTIVATION_SWIGLU, x->n, x->c, x->f[0], x->f[1],
                                   x->f[2]);
    mas_ops_reference_activation_backward(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->w[0], x->w[1],
                                          x->w[2]);
    mas_ops_twin_activation_backward(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void add_bias_shape(call *x)
{
    in(x, 0, x->c);
    in(x, 1, x->n * x->c);
}

static mas_status add_bias(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->add_bias(x->d, x->n, x->c, x->f[0], x->f[1]);
    mas_ops_reference_add_bias(x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_add_bias(x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void bias_backward_shape(call *x)
{
    in(x, 0, x->n * x->c);
    in(x, 1, x->c);
}

static mas_status bias_backward(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->bias_backward(x->d, x->n, x->c, x->f[0], x->f[1]);
    mas_ops_reference_bias_backward(x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_bias_backward(x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void add_shape(call *x)
{
    in(x, 0, x->n * x->c);
    in(x, 1, x->n * x->c);
}

static mas_status add(call *x, mas_error *err)
{
    (void)err;
    x->d->ops->add(x->d, x->n * x->c, x->f[0], x->f[1]);
    mas_ops_reference_add_bias(1, x->n * x->c, x->w[0], x->w[1]);
    mas_ops_twin_add_bias(1, x->n * x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

/* Two heads of an even size, as large as heads get, in rows with a gap. */
static int64_t rope_dim(const call *x)
{
    return 2 * (x->c < MAS_HEAD_DIM_MAX / 2 ? x->c : MAS_HEAD_DIM_MAX / 2);
}

static void rope_shape(call *x)
{
    in(x, 0, x->n * (2 * rope_dim(x) + 5));
}

static mas_status rope_way(call *x, bool inverse)
{
    const int64_t dim = rope_dim(x), stride = 2 * dim + 5;
    x->d->ops->rope(x->d, x->n, 2, dim, stride, 10000.0f, inverse, x->device_ints[1], x->f[0]);
    mas_ops_reference_rope(x->n, 2, dim, stride, 10000.0f, inverse, x->ints[1], x->w[0]);
    mas_ops_twin_rope(x->n, 2, dim, stride, 10000.0f, inverse, x->ints[1], x->s[0]);
    return MAS_OK;
}

static mas_status rope(call *x, mas_error *err)
{
    (void)err;
    return rope_way(x, false);
}

static mas_status rope_inverse(call *x, mas_error *err)
{
    (void)err;
    return rope_way(x, true);
}

static void cross_entropy_shape(call *x)
{
    in(x, 0, x->n * x->c); /* x */
    in(x, 1, x->v * x->c); /* weight */
    out(x, 2, x->n);       /* losses */
    out(x, 3, x->n * x->c);
    in(x, 4, x->v * x->c); /* d_weight, added to */
}

static mas_status cross_entropy_run(call *x, bool gradients, mas_error *err)
{
    enum { ROWS = 256 };
    uint8_t found[ROWS], want[ROWS], unused[ROWS];
    void *workspace = NULL, *correct = NULL;
    double *logits = malloc((size_t)x->v * sizeof *logits);
    float *narrow = malloc((size_t)x->v * sizeof *narrow);
    const size_t bytes = x->d->ops->cross_entropy_workspace_bytes(x->d, x->n, x->c, x->v);
    mas_status status = logits && narrow ? MAS_OK
                                         : mas_fail(err, MAS_E_MEMORY, "no memory for %lld logits",
                                                    (long long)x->v);
    if (status == MAS_OK)
        status = mas_alloc(x->d, bytes + 1, MAS_MEMORY_WORKSPACE, &workspace, err);
    if (status == MAS_OK)
        status = mas_alloc(x->d, ROWS, MAS_MEMORY_WORKSPACE, &correct, err);
    if (status != MAS_OK)
        goto done;
    mas_ops_reference_cross_entropy(x->n, x->c, x->v, x->w[0], x->w[1], x->ints[0], 0.3f, x->w[2],
                                    want, gradients ? x->w[3] : NULL, x->w[4], logits);
    mas_ops_twin_cross_entropy(x->n, x->c, x->v, x->s[0], x->s[1], x->ints[0], 0.3f, x->s[2],
                               unused, gradients ? x->s[3] : NULL, x->s[4], narrow);
    status = x->d->ops->cross_entropy(x->d, x->n, x->c, x->v, x->f[0], x->f[1], x->device_ints[0],
                                      0.3f, x->f[2], correct, gradients ? x->f[3] : NULL,
                                      gradients ? x->f[4] : NULL, workspace, err);
    x->d->ops->download(x->d, found, correct, (size_t)x->n);
    if (status == MAS_OK && memcmp(found, want, (size_t)x->n) != 0)
        status =
            mas_fail(err, MAS_E_ARGUMENT, "the rows called correct are not those of the oracle");
done:
    x->d->ops->release(x->d, workspace);
    x->d->ops->release(x->d, correct);
    free(logits);
    free(narrow);
    return status;
}

static mas_status cross_entropy(call *x, mas_error *err)
{
    return cross_entropy_run(x, true, err);
}

static void cross_entropy_only_shape(call *x)
{
    cross_entropy_shape(x);
    x->t[3].count = 0;
}

static mas_status cross_entropy_only(call *x, mas_error *err)
{
    return cross_entropy_run(x, false, err);
}

static void adamw_shape(call *x)
{
    for (int i = 0; i < 4; i++)
        in(x, i, x->n * x->c);
    x->t[3].positive = true;
}

static mas_status adamw_step(call *x, int64_t step)
{
    const mas_adamw hyper = {.learning_rate = 1e-2f,
                             .beta1 = 0.9f,
                             .beta2 = 0.95f,
                             .epsilon = 1e-8f,
                             .weight_decay = 0.1f,
                             .gradient_scale = 0.5f,
                             .step = step};
    x->d->ops->adamw(x->d, x->n * x->c, &hyper, x->f[0], x->f[1], x->f[2], x->f[3]);
    mas_ops_reference_adamw(x->n * x->c, &hyper, x->w[0], x->w[1], x->w[2], x->w[3]);
    mas_ops_twin_adamw(x->n * x->c, &hyper, x->s[0], x->s[1], x->s[2], x->s[3]);
    return MAS_OK;
}

static mas_status adamw_first(call *x, mas_error *err)
{
    (void)err;
    return adamw_step(x, 1);
}

static mas_status adamw_later(call *x, mas_error *err)
{
    (void)err;
    return adamw_step(x, 137);
}

static void sum_squares_shape(call *x)
{
    in(x, 0, x->n * x->c);
}

static mas_status sum_squares(call *x, mas_error *err)
{
    double want = 0;
    for (int64_t i = 0; i < x->n * x->c; i++)
        want += x->w[0][i] * x->w[0][i];
    const double got = x->d->ops->sum_squares(x->d, x->n * x->c, x->f[0]);
    if (fabs(got - want) <= 1e-12 * want)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT, "the sum of squares is %.17g, should be %.17g", got, want);
}

static const operation operations[] = {
    {matmul_shape, matmul_nn},
    {matmul_shape, matmul_nt},
    {matmul_shape, matmul_tn},
    {matmul_shape, matmul_tt},
    {embed_shape, embed},
    {embed_shape, embed_alone},
    {embed_backward_shape, embed_backward},
    {norm_shape, layernorm},
    {rmsnorm_shape, rmsnorm},
    {norm_backward_shape, layernorm_backward},
    {norm_backward_shape, rmsnorm_backward},
    {gelu_shape, gelu},
    {swiglu_shape, swiglu},
    {gelu_backward_shape, gelu_backward},
    {swiglu_backward_shape, swiglu_backward},
    {add_bias_shape, add_bias},
    {bias_backward_shape, bias_backward},
    {add_shape, add},
    {rope_shape, rope},
    {rope_shape, rope_inverse},
    {cross_entropy_shape, cross_entropy},
    {cross_entropy_only_shape, cross_entropy_only},
    {adamw_shape, adamw_first},
    {adamw_shape, adamw_later},
    {sum_squares_shape, sum_squares},
};

/* ---- running one ---- */

static size_t padded_bytes(const tensor *t)
{
    return (size_t)(t->count + 2 * GUARD) * sizeof(float);
}

static void close_call(call *x)
{
    for (int i = 0; i < TENSORS; i++) {
        tensor *t = &x->t[i];
        if (t->device)
            x->d->ops->release(x->d, t->device - GUARD);
        free(t->start);
        free(t->found);
        free(t->first);
        free(t->want);
        free(t->twin);
    }
    for (int i = 0; i < INTS; i++)
        x->d->ops->release(x->d, x->device_ints[i]);
}

static mas_status open_call(call *x, const operation *o, uint64_t seed, mas_error *err)
{
    mas_rng rng = mas_rng_seed(seed, 300);
    o->shape(x);
    for (int i = 0; i < TENSORS; i++) {
        tensor *t = &x->t[i];
        void *device = NULL;
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
            t->start[GUARD + n] = (float)(t->positive ? fabs(value) + 0.1 : value);
        }
        const mas_status status =
            mas_alloc(x->d, padded_bytes(t), MAS_MEMORY_ACTIVATIONS, &device, err);
        if (status != MAS_OK)
            return status;
        t->device = (float *)device + GUARD;
        x->f[i] = t->device;
        x->w[i] = t->want;
        x->s[i] = t->twin;
    }
    for (int i = 0; i < INTS; i++) {
        void *device = NULL;
        for (int64_t n = 0; n < x->n; n++)
            x->ints[i][n] = (int32_t)mas_rng_below(&rng, (uint64_t)x->v);
        if (o->run == cross_entropy || o->run == cross_entropy_only)
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
static void reset(call *x)
{
    for (int i = 0; i < TENSORS; i++) {
        tensor *t = &x->t[i];
        x->d->ops->upload(x->d, t->device - GUARD, t->start, padded_bytes(t));
        for (int64_t n = 0; n < t->count; n++) {
            t->want[n] = (double)t->start[GUARD + n];
            t->twin[n] = t->start[GUARD + n];
        }
    }
}

static mas_status judge_tensor(const tensor *t, int index, double *ratio, mas_error *err)
{
    double *both = malloc(2 * (size_t)(t->count + 1) * sizeof *both);
    if (!both)
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare %lld elements",
                        (long long)t->count);
    double *got = both, *twin = both + t->count;
    for (int64_t n = 0; n < t->count; n++) {
        got[n] = (double)t->found[GUARD + n];
        twin[n] = (double)t->twin[n];
    }
    const double *naive = twin;
    const mas_check_verdict v = mas_check_judge(t->count, t->want, &naive, 1, got, MAS_DTYPE_F32);
    const double bad = t->count > 0 ? got[v.worst] : 0;
    free(both);
    *ratio = fmax(*ratio, v.ok ? v.ratio : 0);
    if (v.ok)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "tensor %d is wrong: max-abs error %.3g where %.3g is allowed, relative L2 "
                    "%.3g; worst at element %lld: %.9g, should be %.9g",
                    index, v.max_abs, v.allowed_abs, v.relative_l2, (long long)v.worst, bad,
                    t->want[v.worst]);
}

static mas_status inspect(call *x, bool first, double *ratio, mas_error *err)
{
    for (int i = 0; i < TENSORS; i++) {
        tensor *t = &x->t[i];
        x->d->ops->download(x->d, t->found, t->device - GUARD, padded_bytes(t));
        const size_t guard = GUARD * sizeof(float);
        const size_t after = (size_t)(GUARD + t->count);
        if (memcmp(t->found, t->start, guard) != 0 ||
            memcmp(t->found + after, t->start + after, guard) != 0)
            return mas_fail(err, MAS_E_ARGUMENT, "it wrote outside tensor %d", i);
        if (!first && memcmp(t->found, t->first, padded_bytes(t)) != 0)
            return mas_fail(err, MAS_E_ARGUMENT, "%d threads give other bits than 1 in tensor %d",
                            x->d->threads, i);
        const mas_status status = first ? judge_tensor(t, i, ratio, err) : MAS_OK;
        if (status != MAS_OK)
            return status;
        memcpy(t->first, t->found, padded_bytes(t));
    }
    return MAS_OK;
}

static mas_status run_shape(const mas_check_options *options, const operation *o,
                            const int64_t shape[3], double *ratio, mas_error *err)
{
    static const int counts[] = {1, 2, 7};
    call *x = calloc(1, sizeof *x);
    if (!x)
        return mas_fail(err, MAS_E_MEMORY, "no memory to check an operation");
    tensor kept[TENSORS] = {{.count = 0}};
    mas_status status = MAS_OK;
    for (size_t n = 0; status == MAS_OK && n < sizeof counts / sizeof *counts; n++) {
        *x = (call){.n = shape[0], .c = shape[1], .v = shape[2]};
        status = options->open_device(counts[n], 0, &x->d, err);
        if (status != MAS_OK)
            break;
        status = open_call(x, o, options->seed, err);
        for (int i = 0; status == MAS_OK && n > 0 && i < TENSORS; i++)
            memcpy(x->t[i].first, kept[i].first, padded_bytes(&x->t[i]));
        if (status == MAS_OK) {
            reset(x);
            status = o->run(x, err);
        }
        if (status == MAS_OK)
            status = inspect(x, n == 0, ratio, err);
        for (int i = 0; status == MAS_OK && n == 0 && i < TENSORS; i++) {
            kept[i].first = x->t[i].first;
            x->t[i].first = NULL;
        }
        close_call(x);
        mas_device_close(x->d);
    }
    for (int i = 0; i < TENSORS; i++)
        free(kept[i].first);
    free(x);
    return status;
}

static mas_status run_operation(const mas_check_options *options, int variant, double *ratio,
                                mas_error *err)
{
    static const int64_t shapes[][3] = {{1, 1, 1},       {1, 7, 2},     {3, 5, 11},
                                        {17, 64, 33},    {31, 33, 64},  {64, 96, 257},
                                        {129, 130, 100}, {200, 48, 256}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        mas_error here = {MAS_OK, ""};
        const mas_status status = run_shape(options, &operations[variant], shapes[i], ratio, &here);
        if (status != MAS_OK)
            return mas_fail(err, status, "%lld rows, width %lld, %lld: %s", (long long)shapes[i][0],
                            (long long)shapes[i][1], (long long)shapes[i][2], here.text);
    }
    return MAS_OK;
}

const mas_check_other mas_check_device_ops[] = {
    {"device/matmul", "device/matmul/plain", 0, run_operation},
    {"device/matmul", "device/matmul/trans_b-accumulate", 1, run_operation},
    {"device/matmul", "device/matmul/trans_a-accumulate", 2, run_operation},
    {"device/matmul", "device/matmul/both", 3, run_operation},
    {"device/embed", "device/embed/positions", 4, run_operation},
    {"device/embed", "device/embed/alone", 5, run_operation},
    {"device/embed_backward", "device/embed_backward", 6, run_operation},
    {"device/norm", "device/norm/layernorm", 7, run_operation},
    {"device/norm", "device/norm/rmsnorm", 8, run_operation},
    {"device/norm_backward", "device/norm_backward/layernorm", 9, run_operation},
    {"device/norm_backward", "device/norm_backward/rmsnorm", 10, run_operation},
    {"device/activation", "device/activation/gelu", 11, run_operation},
    {"device/activation", "device/activation/swiglu", 12, run_operation},
    {"device/activation_backward", "device/activation_backward/gelu", 13, run_operation},
    {"device/activation_backward", "device/activation_backward/swiglu", 14, run_operation},
    {"device/add_bias", "device/add_bias", 15, run_operation},
    {"device/bias_backward", "device/bias_backward", 16, run_operation},
    {"device/add", "device/add", 17, run_operation},
    {"device/rope", "device/rope/forward", 18, run_operation},
    {"device/rope", "device/rope/inverse", 19, run_operation},
    {"device/cross_entropy", "device/cross_entropy/gradients", 20, run_operation},
    {"device/cross_entropy", "device/cross_entropy/losses", 21, run_operation},
    {"device/adamw", "device/adamw/first-step", 22, run_operation},
    {"device/adamw", "device/adamw/later-step", 23, run_operation},
    {"device/sum_squares", "device/sum_squares", 24, run_operation},
    {NULL, NULL, 0, NULL},
};
