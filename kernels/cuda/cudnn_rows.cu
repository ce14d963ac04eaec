/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN's attention as rows of the table: peers to time ours against, never preferred to it. Their
 * backward pass adds to dQ in the order in which its blocks come (the deterministic one of cuDNN
 * wants memory for every score), and what lies behind a mask is multiplied by 0, so NaN there shows.
 * Both break rules of attention.h; `opaque` says so. */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/cudnn_attention.h"

#include <stdlib.h>

static mas_status supports_forward(const mas_attn_problem *p, mas_error *why)
{
    return mas_cudnn_supports(p, MAS_ATTN_FORWARD, why);
}

static mas_status supports_backward(const mas_attn_problem *p, mas_error *why)
{
    return mas_cudnn_supports(p, MAS_ATTN_BACKWARD, why);
}

/* What cuDNN does inside is its own; the schedule only says what the mask asks for. */
static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = *k_tile = 128;
}

static mas_status plan_for(const mas_attn_problem *p, const mas_cudnn_band *band, mas_attn_op op,
                           const mas_attn_args *args, mas_cudnn_plan **out, mas_error *err)
{
    mas_cudnn_shape shape;
    mas_status status = mas_cuda_start(err);
    if (status == MAS_OK)
        status = mas_cudnn_shape_of(p, band, op, args, &shape, err);
    if (status == MAS_OK)
        status = mas_cudnn_plan_of(&shape, out, err);
    return status;
}

/* Without a plan 0; `prepare` says why there is none. */
static size_t workspace_for(const mas_attn_problem *p, mas_attn_op op)
{
    mas_cudnn_band band;
    mas_cudnn_plan *plan;
    return mas_cudnn_band_of(p, &band, NULL) == MAS_OK &&
                   plan_for(p, &band, op, NULL, &plan, NULL) == MAS_OK
               ? mas_cudnn_plan_workspace(plan)
               : 0;
}

static size_t workspace_forward(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)s, (void)threads;
    return workspace_for(p, MAS_ATTN_FORWARD);
}

static size_t workspace_backward(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)s, (void)threads;
    return workspace_for(p, MAS_ATTN_BACKWARD);
}

/* plan->prepared is the mask's band: to find it takes a look at every query. Plans are kept where they are made. */
static mas_status prepare(const mas_attn_plan *plan, void **out, mas_error *err)
{
    mas_cudnn_plan *made;
    mas_cudnn_band *band = (mas_cudnn_band *)malloc(sizeof *band);
    if (!band)
        return mas_fail(err, MAS_E_MEMORY, "no memory to prepare attention");
    mas_status status = mas_cudnn_band_of(&plan->problem, band, err);
    if (status == MAS_OK)
        status = plan_for(&plan->problem, band, plan->kernel->op, NULL, &made, err);
    if (status == MAS_OK)
        *out = band;
    else
        free(band);
    return status;
}

static void discard(void *prepared)
{
    free(prepared);
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    mas_cudnn_plan *made;
    mas_status status = plan_for(&plan->problem, (const mas_cudnn_band *)plan->prepared,
                                 plan->kernel->op, args, &made, err);
    if (status == MAS_OK && mas_cudnn_plan_workspace(made) > plan->workspace_bytes)
        status =
            mas_fail(err, MAS_E_UNSUPPORTED,
                     "%s needs a workspace of %zu bytes for this layout, and %zu for a dense "
                     "one",
                     plan->kernel->name, mas_cudnn_plan_workspace(made), plan->workspace_bytes);
    if (status == MAS_OK)
        status = mas_cudnn_plan_run(made, args, mas_cuda_stream(), err);
    return status == MAS_OK ? mas_cuda_expect(0, 0, counts, err) : status;
}

extern "C" const mas_attn_kernel mas_cuda_forward_cudnn = {
    .name = "attn_forward/cudnn/sm80",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports_forward,
    .tile = tile_shape,
    .workspace_bytes = workspace_forward,
    .run = run,
    .prepare = prepare,
    .discard = discard,
    .two_passes = false,
    .opaque = true,
};

extern "C" const mas_attn_kernel mas_cuda_backward_cudnn = {
    .name = "attn_backward/cudnn/sm80",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports_backward,
    .tile = tile_shape,
    .workspace_bytes = workspace_backward,
    .run = run,
    .prepare = prepare,
    .discard = discard,
    .two_passes = false,
    .opaque = true,
};
