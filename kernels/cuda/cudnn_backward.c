/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_parts.h"

/* delta = row sums of dO O. The front end multiplies by what dropout left, here 1, and cuDNN looks
 * for that product. */
static mas_cudnn_tensor delta_of(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_tensor d_o,
                                 mas_cudnn_tensor o)
{
    const int64_t size[] = {s->batch, s->q_heads, s->length, s->d_v},
                  stride[] = {s->q_heads * s->length * s->d_v, s->length * s->d_v, s->d_v, 1};
    const mas_cudnn_tensor products = mas_cudnn_virtual(g, CUDNN_DATA_FLOAT, size, stride),
                           sums = mas_cudnn_virtual_rows(g, s), one = mas_cudnn_number(g, 1.0f),
                           delta = mas_cudnn_rows(g, s);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, d_o, o, products);
    mas_cudnn_reduce(g, CUDNN_REDUCE_TENSOR_ADD, products, sums);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, sums, one, delta);
    return delta;
}

/* out = x^T b, where the query heads of a group are added up. */
static void keys_gradient(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_tensor x,
                          mas_cudnn_tensor b, int64_t dim, mas_cudnn_tensor out)
{
    const cudnnDataType_t type = mas_cudnn_type(s);
    const mas_cudnn_tensor turned = mas_cudnn_scores(g, s, type, true);
    mas_cudnn_transpose(g, x, turned);
    if (s->q_heads == s->kv_heads) {
        mas_cudnn_matmul(g, turned, b, out);
        return;
    }
    const int64_t size[] = {s->batch, s->q_heads, s->length, dim},
                  stride[] = {s->q_heads * s->length * dim, s->length * dim, dim, 1};
    const mas_cudnn_tensor each = mas_cudnn_virtual(g, type, size, stride);
    mas_cudnn_matmul(g, turned, b, each);
    mas_cudnn_reduce(g, CUDNN_REDUCE_TENSOR_ADD, each, out);
}

/* dQ = dS K, summed in f32 in memory, since every tile of keys adds to it. */
static mas_cudnn_tensor queries_gradient(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                                         mas_cudnn_tensor d_s, mas_cudnn_tensor k_turned,
                                         mas_cudnn_tensor d_q)
{
    const int64_t q_size[] = {s->batch, s->q_heads, s->length, s->d_qk},
                  k_size[] = {s->batch, s->kv_heads, s->length, s->d_qk},
                  k_stride[] = {s->stride[MAS_CUDNN_K].batch, s->stride[MAS_CUDNN_K].head,
                                s->stride[MAS_CUDNN_K].row, 1};
    const mas_cudnn_tensor k = mas_cudnn_virtual(g, CUDNN_DATA_FLOAT, k_size, k_stride),
                           sums = mas_cudnn_dense(g, CUDNN_DATA_FLOAT, q_size);
    mas_cudnn_transpose(g, k_turned, k);
    mas_cudnn_matmul(g, d_s, k, sums);
    mas_cudnn_unary(g, CUDNN_POINTWISE_IDENTITY, sums, d_q);
    return sums;
}

void mas_cudnn_backward_graph(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_parts *out)
{
    const cudnnDataType_t f32 = CUDNN_DATA_FLOAT;
    for (int i = 0; i < MAS_CUDNN_VIEWS; i++)
        out->view[i] = mas_cudnn_view(g, s, i, i == MAS_CUDNN_K || i == MAS_CUDNN_V);
    out->lse = mas_cudnn_rows(g, s);
    const mas_cudnn_tensor *x = out->view, scale = mas_cudnn_number(g, (float)s->scale);
    out->delta = delta_of(g, s, x[MAS_CUDNN_D_O], x[MAS_CUDNN_O]);

    const mas_cudnn_tensor products = mas_cudnn_scores(g, s, f32, false),
                           scaled = mas_cudnn_scores(g, s, f32, false),
                           below = mas_cudnn_scores(g, s, f32, false);
    mas_cudnn_matmul(g, x[MAS_CUDNN_Q], x[MAS_CUDNN_K], products);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, products, scale, scaled);
    mas_cudnn_binary(g, CUDNN_POINTWISE_SUB, scaled, out->lse, below);
    const mas_cudnn_tensor masked = mas_cudnn_masked(g, s, below),
                           p = mas_cudnn_scores(g, s, f32, false);
    mas_cudnn_unary(g, CUDNN_POINTWISE_EXP, masked, p);
    keys_gradient(g, s, p, x[MAS_CUDNN_D_O], s->d_v, x[MAS_CUDNN_D_V]);

    const mas_cudnn_tensor d_p = mas_cudnn_scores(g, s, f32, false),
                           less = mas_cudnn_scores(g, s, f32, false),
                           weighted = mas_cudnn_scores(g, s, f32, false),
                           d_s = mas_cudnn_scores(g, s, f32, false);
    mas_cudnn_matmul(g, x[MAS_CUDNN_D_O], x[MAS_CUDNN_V], d_p);
    mas_cudnn_binary(g, CUDNN_POINTWISE_SUB, d_p, out->delta, less);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, less, p, weighted);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, weighted, scale, d_s);
    keys_gradient(g, s, d_s, x[MAS_CUDNN_Q], s->d_qk, x[MAS_CUDNN_D_K]);
    out->d_q_sums = queries_gradient(g, s, d_s, x[MAS_CUDNN_K], x[MAS_CUDNN_D_Q]);
}
