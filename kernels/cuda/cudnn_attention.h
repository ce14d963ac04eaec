/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by cuDNN: which masks it has, its graphs, and plans of them. */
#ifndef MAS_CUDA_CUDNN_ATTENTION_H
#define MAS_CUDA_CUDNN_ATTENTION_H

#include "masbench/attention.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library, 91900: 9.19.0; 0 when it cannot be used here. */
size_t mas_cudnn_version(void);

/** The masks that cuDNN has on every GPU. Query i sees key j where j <= i (causal) and, with a
 * window W > 0, i - W < j. */
typedef struct mas_cudnn_band {
    bool causal;
    int64_t window; /* 0: none; only with causal */
} mas_cudnn_band;

/** Which of them a problem's mask is: a guess from what its first and last query see, and then
 * every query compared with it.
 *  @return MAS_OK; MAS_E_UNSUPPORTED when it is none of them, or the lengths differ; MAS_E_MEMORY */
mas_status mas_cudnn_band_of(const mas_attn_problem *p, mas_cudnn_band *out, mas_error *why);

/** Whether cuDNN's kernels take the problem, as far as that is known without asking the GPU. */
mas_status mas_cudnn_supports(const mas_attn_problem *p, mas_attn_op op, mas_error *why);

/** The eight tensors of attention. */
enum {
    MAS_CUDNN_Q,
    MAS_CUDNN_K,
    MAS_CUDNN_V,
    MAS_CUDNN_O,
    MAS_CUDNN_D_O,
    MAS_CUDNN_D_Q,
    MAS_CUDNN_D_K,
    MAS_CUDNN_D_V,
    MAS_CUDNN_VIEWS
};

/** A problem as a graph knows it; compared by its bytes, so it has no gaps. */
typedef struct mas_cudnn_shape {
    int64_t backward, bf16, stats; /* truths; stats: forward writes lse */
    int64_t batch, q_heads, kv_heads, length, d_qk, d_v;
    int64_t causal, window;
    double scale;
    struct {
        int64_t batch, row, head;
    } stride[MAS_CUDNN_VIEWS];
} mas_cudnn_shape;

/** The shape of a problem in the layout of the arguments; args NULL: dense. Part of every run, so it does not
 * look at the mask.
 *  @param band  what the mask is: mas_cudnn_band_of
 *  @return MAS_OK; MAS_E_UNSUPPORTED for rows off 16-byte boundaries */
mas_status mas_cudnn_shape_of(const mas_attn_problem *p, const mas_cudnn_band *band, mas_attn_op op,
                              const mas_attn_args *args, mas_cudnn_shape *out, mas_error *why);

/** Build the graph of a shape and let cuDNN check it, as far as that goes without a GPU: what the
 * tests call.
 *  @param properties  NULL, or of a GPU for which cuDNN must have a kernel, as in cudnn_builder.h
 *  @return MAS_OK; MAS_E_UNSUPPORTED without the library or a kernel; MAS_E_DEVICE */
mas_status mas_cudnn_try(const mas_cudnn_shape *shape, const char *properties, mas_error *err);

/** A plan for the GPU of this process, made once for a shape and kept until the process ends. */
typedef struct mas_cudnn_plan mas_cudnn_plan;
mas_status mas_cudnn_plan_of(const mas_cudnn_shape *shape, mas_cudnn_plan **out, mas_error *err);
size_t mas_cudnn_plan_workspace(const mas_cudnn_plan *plan);
/** Queue a run on a CUDA stream (a cudaStream_t). */
mas_status mas_cudnn_plan_run(mas_cudnn_plan *plan, const mas_attn_args *args, void *stream,
                              mas_error *err);

#ifdef __cplusplus
}
#endif
#endif
