/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_parts.h"

#include <math.h>

cudnnDataType_t mas_cudnn_type(const mas_cudnn_shape *s)
{
    return s->bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_HALF;
}

mas_cudnn_tensor mas_cudnn_view(mas_cudnn_graph *g, const mas_cudnn_shape *s, int view,
                                bool transposed)
{
    const bool keys = view == MAS_CUDNN_K || view == MAS_CUDNN_V || view == MAS_CUDNN_D_K ||
                      view == MAS_CUDNN_D_V;
    const bool values = view == MAS_CUDNN_V || view == MAS_CUDNN_O || view == MAS_CUDNN_D_O ||
                        view == MAS_CUDNN_D_V;
    const int64_t heads = keys ? s->kv_heads : s->q_heads, dim = values ? s->d_v : s->d_qk;
    const int64_t batch_step = s->stride[view].batch, head_step = s->stride[view].head,
                  row_step = s->stride[view].row;
    const int64_t size[] = {s->batch, heads, s->length, dim},
                  stride[] = {batch_step, head_step, row_step, 1};
    const int64_t turned_size[] = {s->batch, heads, dim, s->length},
                  turned_stride[] = {batch_step, head_step, 1, row_step};
    return mas_cudnn_buffer(g, mas_cudnn_type(s), transposed ? turned_size : size,
                            transposed ? turned_stride : stride);
}

mas_cudnn_tensor mas_cudnn_rows(mas_cudnn_graph *g, const mas_cudnn_shape *s)
{
    const int64_t size[] = {s->batch, s->q_heads, s->length, 1};
    return mas_cudnn_dense(g, CUDNN_DATA_FLOAT, size);
}

mas_cudnn_tensor mas_cudnn_virtual_rows(mas_cudnn_graph *g, const mas_cudnn_shape *s)
{
    const int64_t size[] = {s->batch, s->q_heads, s->length, 1},
                  stride[] = {s->q_heads * s->length, s->length, 1, 1};
    return mas_cudnn_virtual(g, CUDNN_DATA_FLOAT, size, stride);
}

mas_cudnn_tensor mas_cudnn_scores(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                                  cudnnDataType_t type, bool transposed)
{
    const int64_t n = s->length;
    const int64_t size[] = {s->batch, s->q_heads, n, n},
                  stride[] = {s->q_heads * n * n, n * n, transposed ? 1 : n, transposed ? n : 1};
    return mas_cudnn_virtual(g, type, size, stride);
}

static mas_cudnn_tensor index_along(mas_cudnn_graph *g, const mas_cudnn_shape *s, int64_t axis,
                                    mas_cudnn_tensor scores)
{
    const mas_cudnn_tensor index = mas_cudnn_scores(g, s, CUDNN_DATA_INT32, false);
    mas_cudnn_index(g, axis, scores, index);
    return index;
}

static mas_cudnn_tensor where(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                              cudnnPointwiseMode_t comparison, mas_cudnn_tensor a,
                              mas_cudnn_tensor b, mas_cudnn_tensor scores)
{
    const mas_cudnn_tensor truth = mas_cudnn_scores(g, s, CUDNN_DATA_BOOLEAN, false);
    mas_cudnn_compare(g, comparison, a, b, truth);
    const mas_cudnn_tensor least = mas_cudnn_number(g, -INFINITY),
                           out = mas_cudnn_scores(g, s, CUDNN_DATA_FLOAT, false);
    mas_cudnn_select(g, truth, scores, least, out);
    return out;
}

mas_cudnn_tensor mas_cudnn_masked(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                                  mas_cudnn_tensor scores)
{
    enum { ROWS = 2, COLUMNS = 3 };
    if (s->causal) {
        const mas_cudnn_tensor row = index_along(g, s, ROWS, scores),
                               column = index_along(g, s, COLUMNS, scores);
        scores = where(g, s, CUDNN_POINTWISE_CMP_GE, row, column, scores);
    }
    if (s->window > 0) {
        const mas_cudnn_tensor row = index_along(g, s, ROWS, scores),
                               column = index_along(g, s, COLUMNS, scores),
                               window = mas_cudnn_number(g, (float)s->window),
                               shifted = mas_cudnn_scores(g, s, CUDNN_DATA_FLOAT, false);
        mas_cudnn_binary(g, CUDNN_POINTWISE_ADD, column, window, shifted);
        scores = where(g, s, CUDNN_POINTWISE_CMP_GT, shifted, row, scores);
    }
    return scores;
}
