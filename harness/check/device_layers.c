/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of a model's layers, called for the checker; device_calls.h says how. */
#include "harness/check/device_calls.h"
#include "harness/check/ops_twin.h"
#include "kernels/reference/ops_reference.h"

static void matmul_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "a", x->n * (x->v + 3));
    mas_call_in(x, 1, "b", x->v * (x->c + 3));
    mas_call_in(x, 2, "b transposed", x->c * (x->n + x->v));
    mas_call_in(x, 3, "c", x->n * (x->c + 2));
    mas_call_in(x, 4, "a transposed", x->v * (x->n + 3));
    for (int i = 0; i < 5; i++)
        if (i != 3)
            mas_call_typed(x, i);
}

/* What is not added to is of the call's type. */
static void matmul_over_shape(mas_check_call *x)
{
    matmul_shape(x);
    mas_call_typed(x, 3);
}

/* A [n,v] or its transpose, B [v,c] or its transpose, C [n,c] with gaps that must stay. */
static mas_status matmul_case(mas_check_call *x, bool trans_a, bool trans_b, bool accumulate,
                              mas_error *err)
{
    const int a = trans_a ? 4 : 0, b = trans_b ? 2 : 1;
    const int64_t lda = trans_a ? x->n + 3 : x->v + 3, ldb = trans_b ? x->v : x->c + 3,
                  ldc = x->c + 2;
    const mas_matmul m = {.m = x->n,
                          .n = x->c,
                          .k = x->v,
                          .type = x->type,
                          .c_type = x->t[3].dtype,
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

static mas_status matmul_nn(mas_check_call *x, mas_error *err)
{
    return matmul_case(x, false, false, false, err);
}
static mas_status matmul_nt(mas_check_call *x, mas_error *err)
{
    return matmul_case(x, false, true, true, err);
}
static mas_status matmul_tn(mas_check_call *x, mas_error *err)
{
    return matmul_case(x, true, false, true, err);
}
static mas_status matmul_tt(mas_check_call *x, mas_error *err)
{
    return matmul_case(x, true, true, false, err);
}

static void embed_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "token table", x->v * x->c);
    mas_call_in(x, 1, "position table", x->v * x->c);
    mas_call_out(x, 2, "out", x->n * x->c);
}

static mas_status embed(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed(x->d, x->n, x->c, x->device_ints[0], x->device_ints[1], x->f[0], x->f[1],
                     x->f[2]);
    mas_ops_reference_embed(x->n, x->c, x->ints[0], x->ints[1], x->w[0], x->w[1], x->w[2]);
    mas_ops_twin_embed(x->n, x->c, x->ints[0], x->ints[1], x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static mas_status embed_alone(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed(x->d, x->n, x->c, x->device_ints[0], NULL, x->f[0], NULL, x->f[2]);
    mas_ops_reference_embed(x->n, x->c, x->ints[0], NULL, x->w[0], NULL, x->w[2]);
    mas_ops_twin_embed(x->n, x->c, x->ints[0], NULL, x->s[0], NULL, x->s[2]);
    return MAS_OK;
}

static void embed_backward_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "d_out", x->n * x->c);
    mas_call_in(x, 1, "d_tokens", x->v * x->c);
    mas_call_in(x, 2, "d_positions", x->v * x->c);
}

static mas_status embed_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->embed_backward(x->d, x->n, x->c, x->v, x->device_ints[0], x->device_ints[1], x->f[0],
                              x->f[1], x->f[2]);
    mas_ops_reference_embed_backward(x->n, x->c, x->ints[0], x->ints[1], x->w[0], x->w[1], x->w[2]);
    mas_ops_twin_embed_backward(x->n, x->c, x->ints[0], x->ints[1], x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void norm_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
    mas_call_in(x, 1, "weight", x->c);
    mas_call_in(x, 2, "bias", x->c);
    mas_call_out(x, 3, "out", x->n * x->c);
    mas_call_out(x, 4, "mean", x->n);
    mas_call_out(x, 5, "rstd", x->n);
    mas_call_typed(x, 3);
}

static void rmsnorm_shape(mas_check_call *x)
{
    norm_shape(x);
    x->t[4].count = 0;
}

/* y and the sum besides */
static void layernorm_sum_shape(mas_check_call *x)
{
    norm_shape(x);
    mas_call_in(x, 6, "y", x->n * x->c);
    mas_call_typed(x, 6);
    mas_call_out(x, 7, "sum", x->n * x->c);
}

static void rmsnorm_sum_shape(mas_check_call *x)
{
    layernorm_sum_shape(x);
    x->t[4].count = 0;
}

static mas_status norm_kind(mas_check_call *x, mas_norm kind)
{
    void **f = x->f;
    float **s = x->s;
    double **w = x->w;
    const bool centred = kind == MAS_NORM_LAYERNORM, sum = x->t[7].count > 0;
    const int in = sum ? 7 : 0; /* what the norm is taken of */
    for (int64_t i = 0; i < x->t[7].count; i++) {
        w[7][i] = w[0][i] + w[6][i];
        s[7][i] = s[0][i] + s[6][i];
    }
    x->d->ops->norm(x->d, kind, x->n, x->c, 1e-5f, f[0], sum ? f[6] : NULL, sum ? f[7] : NULL, f[1],
                    centred ? f[2] : NULL, x->type, f[3], centred ? f[4] : NULL, f[5]);
    mas_ops_reference_norm(kind, x->n, x->c, 1e-5f, w[in], w[1], w[2], w[3], w[4], w[5]);
    mas_ops_twin_norm(kind, x->n, x->c, 1e-5f, s[in], s[1], s[2], s[3], s[4], s[5]);
    return MAS_OK;
}

static mas_status layernorm(mas_check_call *x, mas_error *err)
{
    (void)err;
    return norm_kind(x, MAS_NORM_LAYERNORM);
}

static mas_status rmsnorm(mas_check_call *x, mas_error *err)
{
    (void)err;
    return norm_kind(x, MAS_NORM_RMSNORM);
}

static void norm_backward_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
    mas_call_in(x, 1, "weight", x->c);
    mas_call_in(x, 2, "mean", x->n);
    /* any positive number will do, the formula takes it as given */
    mas_call_in(x, 3, "rstd", x->n);
    x->t[3].positive = true;
    mas_call_in(x, 4, "d_out", x->n * x->c);
    mas_call_in(x, 5, "d_x", x->n * x->c); /* added to */
    mas_call_in(x, 6, "d_weight", x->c);
    mas_call_in(x, 7, "d_bias", x->c);
    mas_call_out(x, 8, "copy of d_x", x->n * x->c);
    mas_call_typed(x, 4);
    mas_call_typed(x, 8);
}

static mas_status norm_backward_kind(mas_check_call *x, mas_norm kind)
{
    void **f = x->f;
    float **s = x->s;
    double **w = x->w;
    const bool centred = kind == MAS_NORM_LAYERNORM;
    x->d->ops->norm_backward(x->d, kind, x->n, x->c, f[0], f[1], centred ? f[2] : NULL, f[3],
                             x->type, f[4], f[5], f[8], f[6], centred ? f[7] : NULL);
    mas_ops_reference_norm_backward(kind, x->n, x->c, w[0], w[1], w[2], w[3], w[4], w[5], w[6],
                                    w[7]);
    mas_ops_twin_norm_backward(kind, x->n, x->c, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    for (int64_t i = 0; i < x->n * x->c; i++) {
        w[8][i] = w[5][i];
        s[8][i] = s[5][i];
    }
    return MAS_OK;
}

static mas_status layernorm_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    return norm_backward_kind(x, MAS_NORM_LAYERNORM);
}

static mas_status rmsnorm_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    return norm_backward_kind(x, MAS_NORM_RMSNORM);
}

static void gelu_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
    mas_call_out(x, 1, "out", x->n * x->c);
    mas_call_typed(x, 0);
    mas_call_typed(x, 1);
}

static mas_status gelu(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation(x->d, MAS_ACTIVATION_GELU, x->n, x->c, x->type, x->f[0], x->f[1]);
    mas_ops_reference_activation(MAS_ACTIVATION_GELU, x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_activation(MAS_ACTIVATION_GELU, x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void swiglu_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * 2 * x->c);
    mas_call_out(x, 1, "out", x->n * x->c);
    mas_call_typed(x, 0);
    mas_call_typed(x, 1);
}

static mas_status swiglu(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation(x->d, MAS_ACTIVATION_SWIGLU, x->n, x->c, x->type, x->f[0], x->f[1]);
    mas_ops_reference_activation(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_activation(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void gelu_backward_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
    mas_call_in(x, 1, "d_out", x->n * x->c);
    mas_call_out(x, 2, "d_x", x->n * x->c);
    mas_call_typed(x, 0);
    mas_call_typed(x, 1);
    mas_call_typed(x, 2);
}

static mas_status gelu_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation_backward(x->d, MAS_ACTIVATION_GELU, x->n, x->c, x->type, x->f[0], x->f[1],
                                   x->f[2]);
    mas_ops_reference_activation_backward(MAS_ACTIVATION_GELU, x->n, x->c, x->w[0], x->w[1],
                                          x->w[2]);
    mas_ops_twin_activation_backward(MAS_ACTIVATION_GELU, x->n, x->c, x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void swiglu_backward_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * 2 * x->c);
    mas_call_in(x, 1, "d_out", x->n * x->c);
    mas_call_out(x, 2, "d_x", x->n * 2 * x->c);
    mas_call_typed(x, 0);
    mas_call_typed(x, 1);
    mas_call_typed(x, 2);
}

static mas_status swiglu_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->activation_backward(x->d, MAS_ACTIVATION_SWIGLU, x->n, x->c, x->type, x->f[0],
                                   x->f[1], x->f[2]);
    mas_ops_reference_activation_backward(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->w[0], x->w[1],
                                          x->w[2]);
    mas_ops_twin_activation_backward(MAS_ACTIVATION_SWIGLU, x->n, x->c, x->s[0], x->s[1], x->s[2]);
    return MAS_OK;
}

static void add_bias_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "bias", x->c);
    mas_call_in(x, 1, "x", x->n * x->c);
    mas_call_typed(x, 1);
}

static mas_status add_bias(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->add_bias(x->d, x->n, x->c, x->f[0], x->type, x->f[1]);
    mas_ops_reference_add_bias(x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_add_bias(x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void bias_backward_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "d_out", x->n * x->c);
    mas_call_in(x, 1, "d_bias", x->c);
    mas_call_typed(x, 0);
}

static mas_status bias_backward(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->bias_backward(x->d, x->n, x->c, x->type, x->f[0], x->f[1]);
    mas_ops_reference_bias_backward(x->n, x->c, x->w[0], x->w[1]);
    mas_ops_twin_bias_backward(x->n, x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

static void add_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "y", x->n * x->c);
    mas_call_in(x, 1, "x", x->n * x->c);
}

static mas_status add(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->add(x->d, x->n * x->c, x->f[0], x->f[1]);
    mas_ops_reference_add_bias(1, x->n * x->c, x->w[0], x->w[1]);
    mas_ops_twin_add_bias(1, x->n * x->c, x->s[0], x->s[1]);
    return MAS_OK;
}

/* Two heads of an even size, as large as heads get, in rows with a gap. */
static int64_t rope_dim(const mas_check_call *x)
{
    return 2 * (x->c < MAS_HEAD_DIM_MAX / 2 ? x->c : MAS_HEAD_DIM_MAX / 2);
}

static void rope_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * (2 * rope_dim(x) + 5));
    mas_call_typed(x, 0);
}

static mas_status rope_way(mas_check_call *x, bool inverse)
{
    const int64_t dim = rope_dim(x), stride = 2 * dim + 5;
    x->d->ops->rope(x->d, x->n, 2, dim, stride, 10000.0f, inverse, x->device_ints[1], x->type,
                    x->f[0]);
    mas_ops_reference_rope(x->n, 2, dim, stride, 10000.0f, inverse, x->ints[1], x->w[0]);
    mas_ops_twin_rope(x->n, 2, dim, stride, 10000.0f, inverse, x->ints[1], x->s[0]);
    return MAS_OK;
}

static mas_status rope(mas_check_call *x, mas_error *err)
{
    (void)err;
    return rope_way(x, false);
}

static mas_status rope_inverse(mas_check_call *x, mas_error *err)
{
    (void)err;
    return rope_way(x, true);
}

static void convert_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "from", x->n * x->c);
    mas_call_out(x, 1, "to", x->n * x->c);
    mas_call_typed(x, 1);
}

static mas_status convert(mas_check_call *x, mas_error *err)
{
    (void)err;
    x->d->ops->convert(x->d, x->n * x->c, x->f[0], x->type, x->f[1]);
    for (int64_t i = 0; i < x->n * x->c; i++) {
        x->w[1][i] = x->w[0][i];
        x->s[1][i] = x->s[0][i];
    }
    return MAS_OK;
}

const mas_check_operation mas_check_layer_calls[] = {
    {matmul_over_shape, matmul_nn, false},
    {matmul_shape, matmul_nt, false},
    {matmul_shape, matmul_tn, false},
    {matmul_over_shape, matmul_tt, false},
    {embed_shape, embed, false},
    {embed_shape, embed_alone, false},
    {embed_backward_shape, embed_backward, false},
    {norm_shape, layernorm, false},
    {rmsnorm_shape, rmsnorm, false},
    {norm_backward_shape, layernorm_backward, false},
    {norm_backward_shape, rmsnorm_backward, false},
    {gelu_shape, gelu, false},
    {swiglu_shape, swiglu, false},
    {gelu_backward_shape, gelu_backward, false},
    {swiglu_backward_shape, swiglu_backward, false},
    {add_bias_shape, add_bias, false},
    {bias_backward_shape, bias_backward, false},
    {add_shape, add, false},
    {rope_shape, rope, false},
    {rope_shape, rope_inverse, false},
    {layernorm_sum_shape, layernorm, false},
    {rmsnorm_sum_shape, rmsnorm, false},
    {convert_shape, convert, false},
};
