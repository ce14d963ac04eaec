/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_parts.h"

void mas_cudnn_forward_graph(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_parts *out)
{
    const cudnnDataType_t f32 = CUDNN_DATA_FLOAT;
    for (int i = 0; i < MAS_CUDNN_VIEWS; i++)
        out->view[i] = MAS_CUDNN_ABSENT;
    out->delta = out->d_q_sums = MAS_CUDNN_ABSENT;
    const mas_cudnn_tensor q = mas_cudnn_view(g, s, MAS_CUDNN_Q, false),
                           k = mas_cudnn_view(g, s, MAS_CUDNN_K, true),
                           v = mas_cudnn_view(g, s, MAS_CUDNN_V, false),
                           o = mas_cudnn_view(g, s, MAS_CUDNN_O, false),
                           scale = mas_cudnn_number(g, (float)s->scale);

    const mas_cudnn_tensor products = mas_cudnn_scores(g, s, f32, false),
                           scaled = mas_cudnn_scores(g, s, f32, false);
    mas_cudnn_matmul(g, q, k, products);
    mas_cudnn_binary(g, CUDNN_POINTWISE_MUL, products, scale, scaled);
    const mas_cudnn_tensor masked = mas_cudnn_masked(g, s, scaled);

    const mas_cudnn_tensor most = mas_cudnn_virtual_rows(g, s),
                           below = mas_cudnn_scores(g, s, f32, false),
                           weight = mas_cudnn_scores(g, s, f32, false),
                           sum = mas_cudnn_virtual_rows(g, s);
    mas_cudnn_reduce(g, CUDNN_REDUCE_TENSOR_MAX, masked, most);
    mas_cudnn_binary(g, CUDNN_POINTWISE_SUB, masked, most, below);
    mas_cudnn_unary(g, CUDNN_POINTWISE_EXP, below, weight);
    mas_cudnn_reduce(g, CUDNN_REDUCE_TENSOR_ADD, weight, sum);
    /* Also where nobody wants it: there is no kernel for the pattern without. */
    const mas_cudnn_tensor logarithm = mas_cudnn_virtual_rows(g, s),
                           lse = s->stats ? mas_cudnn_rows(g, s) : mas_cudnn_virtual_rows(g, s);
    mas_cudnn_unary(g, CUDNN_POINTWISE_LOG, sum, logarithm);
    mas_cudnn_binary(g, CUDNN_POINTWISE_ADD, most, logarithm, lse);
    out->lse = s->stats ? lse : MAS_CUDNN_ABSENT;

    const mas_cudnn_tensor p = mas_cudnn_scores(g, s, mas_cudnn_type(s), false);
    mas_cudnn_binary(g, CUDNN_POINTWISE_DIV, weight, sum, p);
    mas_cudnn_matmul(g, p, v, o);

    out->view[MAS_CUDNN_Q] = q;
    out->view[MAS_CUDNN_K] = k;
    out->view[MAS_CUDNN_V] = v;
    out->view[MAS_CUDNN_O] = o;
}
