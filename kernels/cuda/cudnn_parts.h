/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs of attention, as cuDNN wants them: it recognises the pattern of operations and runs
 * one fused kernel for it. So the order and the types of what passes between operations are not
 * free; they follow what NVIDIA's own front end (github.com/NVIDIA/cudnn-frontend,
 * scaled_dot_product_flash_attention.h) hands to the library. */
#ifndef MAS_CUDA_CUDNN_PARTS_H
#define MAS_CUDA_CUDNN_PARTS_H

#include "kernels/cuda/cudnn_attention.h"
#include "kernels/cuda/cudnn_builder.h"

#define MAS_CUDNN_ABSENT (-1)

/** The tensors of a graph that lie in memory, or MAS_CUDNN_ABSENT. */
typedef struct mas_cudnn_parts {
    mas_cudnn_tensor view[MAS_CUDNN_VIEWS];
    mas_cudnn_tensor lse;      /* f32 [B, Hq, T, 1] */
    mas_cudnn_tensor delta;    /* backward, scratch: row sums of dO O, f32 [B, Hq, T, 1] */
    mas_cudnn_tensor d_q_sums; /* backward, scratch: dQ in f32 [B, Hq, T, D] */
} mas_cudnn_parts;

void mas_cudnn_forward_graph(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_parts *out);
void mas_cudnn_backward_graph(mas_cudnn_graph *g, const mas_cudnn_shape *s, mas_cudnn_parts *out);

/* ---- what both share: cudnn_scores.c ---- */

/** Type of q, k, v, o. */
cudnnDataType_t mas_cudnn_type(const mas_cudnn_shape *s);
/** One of the eight tensors in memory, [B, H, T, D]; transposed: [B, H, D, T]. */
mas_cudnn_tensor mas_cudnn_view(mas_cudnn_graph *g, const mas_cudnn_shape *s, int view,
                                bool transposed);
/** f32 [B, Hq, T, 1] in memory. */
mas_cudnn_tensor mas_cudnn_rows(mas_cudnn_graph *g, const mas_cudnn_shape *s);
/** f32 [B, Hq, T, 1] that passes between operations. */
mas_cudnn_tensor mas_cudnn_virtual_rows(mas_cudnn_graph *g, const mas_cudnn_shape *s);
/** [B, Hq, T, T] that passes between operations; transposed: its columns adjacent. */
mas_cudnn_tensor mas_cudnn_scores(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                                  cudnnDataType_t type, bool transposed);
/** scores where the band shows a key, minus infinity elsewhere. */
mas_cudnn_tensor mas_cudnn_masked(mas_cudnn_graph *g, const mas_cudnn_shape *s,
                                  mas_cudnn_tensor scores);

#endif
