/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MOST 128
#define HEAD_STEP 8                /* 16 bytes */
#define BOUNDARY ((uintptr_t)16)   /* bytes, of every row */
#define SCRATCH_STEP ((size_t)256) /* bytes between the parts of a workspace */
/* Up to here the backward pass reads past keys that are no multiple of its tile. */
#define VERSION_WHOLE_TILES ((size_t)91500)
#define KEY_TILE 128

struct mas_cudnn_plan {
    mas_cudnn_shape shape;
    mas_cudnn_graph *graph;
    mas_cudnn_parts parts;
    size_t own_bytes; /* of cuDNN's own workspace, first in ours */
    mas_cudnn_plan *next;
};

size_t mas_cudnn_version(void)
{
    const mas_cudnn_library *lib;
    return mas_cudnn_load(&lib, NULL) == MAS_OK ? lib->version : 0;
}

/* ---- shapes ---- */

mas_status mas_cudnn_supports(const mas_attn_problem *p, mas_attn_op op, mas_error *why)
{
    const mas_cudnn_library *lib;
    mas_cudnn_band band;
    mas_status status = MAS_OK;
    if (p->dtype == MAS_DTYPE_F32)
        return mas_fail(why, MAS_E_DTYPE, "takes bf16 and f16, not f32");
    if (p->d_qk > HEAD_MOST || p->d_v > HEAD_MOST || p->d_qk % HEAD_STEP || p->d_v % HEAD_STEP)
        return mas_fail(why, MAS_E_SHAPE, "head sizes %d and %d; multiples of %d up to %d", p->d_qk,
                        p->d_v, HEAD_STEP, HEAD_MOST);
    if (p->sinks || p->softcap > 0)
        return mas_fail(why, MAS_E_UNSUPPORTED, "has no %s here", p->sinks ? "sinks" : "softcap");
    if (!(p->scale > 0))
        return mas_fail(why, MAS_E_UNSUPPORTED, "needs a scale above 0, not %g", (double)p->scale);
    status = mas_cudnn_load(&lib, why);
    if (status == MAS_OK && op == MAS_ATTN_BACKWARD && lib->version <= VERSION_WHOLE_TILES &&
        p->kv_len % KEY_TILE != 0)
        status = mas_fail(why, MAS_E_UNSUPPORTED,
                          "before cuDNN 9.16 the backward pass needs a multiple of %d keys, not "
                          "%lld",
                          KEY_TILE, (long long)p->kv_len);
    return status == MAS_OK ? mas_cudnn_band_of(p, &band, why) : status;
}

static bool on_boundary(const mas_view *v)
{
    return (uintptr_t)v->data % BOUNDARY == 0 && v->batch % HEAD_STEP == 0 &&
           v->row % HEAD_STEP == 0 && v->head % HEAD_STEP == 0;
}

mas_status mas_cudnn_shape_of(const mas_attn_problem *p, const mas_cudnn_band *band, mas_attn_op op,
                              const mas_attn_args *args, mas_cudnn_shape *out, mas_error *why)
{
    const bool backward = op == MAS_ATTN_BACKWARD;
    *out = (mas_cudnn_shape){.backward = backward,
                             .bf16 = p->dtype == MAS_DTYPE_BF16,
                             .stats = backward || !args || args->lse,
                             .batch = p->batch,
                             .q_heads = p->q_heads,
                             .kv_heads = p->kv_heads,
                             .length = p->q_len,
                             .d_qk = p->d_qk,
                             .d_v = p->d_v,
                             .causal = band->causal,
                             .window = band->window,
                             .scale = (double)p->scale};
    const int64_t n = p->q_len;
    mas_view views[MAS_CUDNN_VIEWS] = {
        [MAS_CUDNN_Q] = mas_view_dense(NULL, n, p->q_heads, p->d_qk),
        [MAS_CUDNN_K] = mas_view_dense(NULL, n, p->kv_heads, p->d_qk),
        [MAS_CUDNN_V] = mas_view_dense(NULL, n, p->kv_heads, p->d_v),
        [MAS_CUDNN_O] = mas_view_dense(NULL, n, p->q_heads, p->d_v),
    };
    views[MAS_CUDNN_D_O] = views[MAS_CUDNN_O];
    views[MAS_CUDNN_D_Q] = views[MAS_CUDNN_Q];
    views[MAS_CUDNN_D_K] = views[MAS_CUDNN_K];
    views[MAS_CUDNN_D_V] = views[MAS_CUDNN_V];
    if (args) {
        const mas_view given[MAS_CUDNN_VIEWS] = {args->q,   args->k,   args->v,   args->o,
                                                 args->d_o, args->d_q, args->d_k, args->d_v};
        memcpy(views, given, sizeof views);
    }
    const int used = backward ? MAS_CUDNN_VIEWS : MAS_CUDNN_O + 1;
    for (int i = 0; i < used; i++) {
        if (!on_boundary(&views[i]))
            return mas_fail(why, MAS_E_UNSUPPORTED,
                            "needs every row of every head on a boundary of %d bytes",
                            (int)BOUNDARY);
        out->stride[i].batch = views[i].batch;
        out->stride[i].row = views[i].row;
        out->stride[i].head = views[i].head;
    }
    return MAS_OK;
}

/* ---- plans ---- */

/* A graph, finished. */
static mas_status build(const mas_cudnn_library *lib, const mas_cudnn_shape *shape,
                        cudnnHandle_t handle, mas_cudnn_graph **graph, mas_cudnn_parts *parts,
                        mas_error *err)
{
    const mas_status status = mas_cudnn_graph_open(lib, graph, err);
    if (status != MAS_OK)
        return status;
    if (shape->backward)
        mas_cudnn_backward_graph(*graph, shape, parts);
    else
        mas_cudnn_forward_graph(*graph, shape, parts);
    return mas_cudnn_graph_finish(*graph, handle, err);
}

mas_status mas_cudnn_try(const mas_cudnn_shape *shape, const char *properties, mas_error *err)
{
    const mas_cudnn_library *lib;
    mas_cudnn_graph *graph = NULL;
    mas_cudnn_parts parts;
    mas_status status = mas_cudnn_load(&lib, err);
    if (status == MAS_OK)
        status = build(lib, shape, NULL, &graph, &parts, err);
    if (status == MAS_OK && properties)
        status = mas_cudnn_graph_served(graph, properties, err);
    mas_cudnn_graph_free(graph);
    return status;
}

/* cuDNN's state for the GPU of this process; kept. */
static mas_status handle_of(const mas_cudnn_library *lib, cudnnHandle_t *out, mas_error *err)
{
    static cudnnHandle_t handle;
    *out = handle;
    if (handle)
        return MAS_OK;
    const mas_status status = mas_cudnn_check(lib, lib->cudnnCreate(&handle), "opening cuDNN", err);
    *out = handle;
    return status;
}

static mas_status make(const mas_cudnn_shape *shape, mas_cudnn_plan *plan, mas_error *err)
{
    const mas_cudnn_library *lib;
    cudnnHandle_t handle;
    plan->shape = *shape;
    mas_status status = mas_cudnn_load(&lib, err);
    if (status == MAS_OK)
        status = handle_of(lib, &handle, err);
    if (status == MAS_OK)
        status = build(lib, shape, handle, &plan->graph, &plan->parts, err);
    if (status == MAS_OK)
        status = mas_cudnn_graph_plan(plan->graph, &plan->own_bytes, err);
    return status;
}

mas_status mas_cudnn_plan_of(const mas_cudnn_shape *shape, mas_cudnn_plan **out, mas_error *err)
{
    static mas_cudnn_plan *plans;
    for (mas_cudnn_plan *p = plans; p; p = p->next)
        if (memcmp(&p->shape, shape, sizeof *shape) == 0) {
            *out = p;
            return MAS_OK;
        }
    mas_cudnn_plan *p = calloc(1, sizeof *p);
    if (!p)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a plan of cuDNN's");
    const mas_status status = make(shape, p, err);
    if (status != MAS_OK) {
        mas_cudnn_graph_free(p->graph);
        free(p);
        return status;
    }
    p->next = plans;
    plans = p;
    *out = p;
    return MAS_OK;
}

/* ---- runs ---- */

/* Ours follows cuDNN's own: delta, then dQ in f32. */
static size_t delta_at(const mas_cudnn_plan *plan)
{
    return (plan->own_bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP;
}

static size_t d_q_at(const mas_cudnn_plan *plan)
{
    const mas_cudnn_shape *s = &plan->shape;
    const size_t bytes = (size_t)(s->batch * s->q_heads * s->length) * sizeof(float);
    return delta_at(plan) + (bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP;
}

/* A workspace is on a boundary of 64 bytes; its parts are on one of SCRATCH_STEP. */
size_t mas_cudnn_plan_workspace(const mas_cudnn_plan *plan)
{
    const mas_cudnn_shape *s = &plan->shape;
    if (!s->backward)
        return plan->own_bytes ? plan->own_bytes + SCRATCH_STEP : 0;
    return d_q_at(plan) + SCRATCH_STEP +
           (size_t)(s->batch * s->q_heads * s->length * s->d_qk) * sizeof(float);
}

mas_status mas_cudnn_plan_run(mas_cudnn_plan *plan, const mas_attn_args *args, void *stream,
                              mas_error *err)
{
    const mas_cudnn_library *lib;
    cudnnHandle_t handle;
    mas_status status = mas_cudnn_load(&lib, err);
    if (status == MAS_OK)
        status = handle_of(lib, &handle, err);
    if (status == MAS_OK)
        status = mas_cudnn_check(lib, lib->cudnnSetStream(handle, (cudaStream_t)stream),
                                 "choosing a stream", err);
    if (status != MAS_OK)
        return status;
    char *own =
        (char *)(((uintptr_t)args->workspace + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP);
    const mas_cudnn_parts *x = &plan->parts;
    const struct {
        mas_cudnn_tensor tensor;
        void *data;
    } all[] = {
        {x->view[MAS_CUDNN_Q], args->q.data},
        {x->view[MAS_CUDNN_K], args->k.data},
        {x->view[MAS_CUDNN_V], args->v.data},
        {x->view[MAS_CUDNN_O], args->o.data},
        {x->view[MAS_CUDNN_D_O], args->d_o.data},
        {x->view[MAS_CUDNN_D_Q], args->d_q.data},
        {x->view[MAS_CUDNN_D_K], args->d_k.data},
        {x->view[MAS_CUDNN_D_V], args->d_v.data},
        {x->lse, args->lse},
        {x->delta, own + delta_at(plan)},
        {x->d_q_sums, own + d_q_at(plan)},
    };
    enum { ALL = sizeof all / sizeof *all };
    mas_cudnn_tensor buffers[ALL];
    void *pointers[ALL];
    int count = 0;
    for (int i = 0; i < ALL; i++)
        if (all[i].tensor != MAS_CUDNN_ABSENT) {
            buffers[count] = all[i].tensor;
            pointers[count++] = all[i].data;
        }
    return mas_cudnn_graph_run(plan->graph, buffers, pointers, count, own, err);
}
