/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of harness/lm share among themselves: the parameter slots, the buffers of a model
 * and the plan cache. Nothing outside this folder (and its unit tests) includes it.
 */
#ifndef MASBENCH_LM_INTERNAL_H
#define MASBENCH_LM_INTERNAL_H

#include "harness/lm/model.h"

/** What a tensor is for. The order is that of the flat buffer: roles before MAS_ROLE_LAYER_FIRST
 * once, then the roles of every layer, then the rest once. */
typedef enum mas_role {
    MAS_ROLE_EMBEDDING,
    MAS_ROLE_POSITIONS,
    MAS_ROLE_ATTENTION_NORM_WEIGHT,
    MAS_ROLE_ATTENTION_NORM_BIAS,
    MAS_ROLE_QKV_WEIGHT,
    MAS_ROLE_QKV_BIAS,
    MAS_ROLE_SINKS,
    MAS_ROLE_ATTENTION_OUT_WEIGHT,
    MAS_ROLE_ATTENTION_OUT_BIAS,
    MAS_ROLE_MLP_NORM_WEIGHT,
    MAS_ROLE_MLP_NORM_BIAS,
    MAS_ROLE_MLP_IN_WEIGHT,
    MAS_ROLE_MLP_IN_BIAS,
    MAS_ROLE_MLP_OUT_WEIGHT,
    MAS_ROLE_MLP_OUT_BIAS,
    MAS_ROLE_NORM_WEIGHT,
    MAS_ROLE_NORM_BIAS,
    MAS_ROLE_UNEMBEDDING,
    MAS_ROLE_COUNT
} mas_role;

#define MAS_ROLE_LAYER_FIRST MAS_ROLE_ATTENTION_NORM_WEIGHT
#define MAS_ROLE_LAYER_END MAS_ROLE_NORM_WEIGHT
#define MAS_ROLES_PER_LAYER (MAS_ROLE_LAYER_END - MAS_ROLE_LAYER_FIRST)

typedef enum mas_init { MAS_INIT_ZERO, MAS_INIT_ONE, MAS_INIT_NORMAL, MAS_INIT_RESIDUAL } mas_init;

/** A slot is a (role, layer) pair, numbered in the order of the flat buffer; some are empty under a
 * config. */
int32_t mas_slot_count(const mas_model_config *config);
int32_t mas_slot(const mas_model_config *config, mas_role role, int32_t layer);

/** The tensor of a slot, offset left 0.
 *  @param[out] init  how it starts
 *  @return false when this config has no such tensor */
bool mas_slot_parameter(const mas_model_config *config, int32_t slot, mas_parameter *out,
                        mas_init *init);

/** Widths of the fused rows: query, key and value heads side by side; the input of the activation.
 */
static inline int64_t mas_qkv_width(const mas_model_config *c)
{
    return ((int64_t)c->heads + 2 * (int64_t)c->kv_heads) * c->head_dim;
}

static inline int64_t mas_mlp_in_width(const mas_model_config *c)
{
    return (c->activation == MAS_ACTIVATION_SWIGLU ? 2 : 1) * (int64_t)c->mlp_width;
}

/* The tensor that makes the logits. */
static inline mas_role mas_unembedding_role(const mas_model_config *c)
{
    return c->tied_embeddings ? MAS_ROLE_EMBEDDING : MAS_ROLE_UNEMBEDDING;
}

/** Saved for one norm: per row. */
typedef struct mas_norm_saved {
    float *mean, *rstd; /* [N]; mean is NULL for rmsnorm */
} mas_norm_saved;

/** What the backward pass of one layer reads; T is the model's element type. Layers that keep less
 * (mas_model_use) share one set, all of it or all but x_in. */
typedef struct mas_layer_saved {
    float *x_in;      /* [N,C] residual stream entering the layer */
    void *normed_in;  /* [N,C] T */
    void *qkv;        /* [N,(Hq+2Hkv)D] T, rotated */
    void *o;          /* [N,Hq*D] T */
    float *lse;       /* [B,Hq,T] */
    float *x_mid;     /* [N,C] between attention and mlp */
    void *normed_mid; /* [N,C] T */
    void *mlp_in;     /* [N,F] or [N,2F] T */
    void *mlp_act;    /* [N,F] T */
    mas_norm_saved norm_in, norm_mid;
} mas_layer_saved;

typedef struct mas_activations {
    mas_layer_saved *layer; /* [layers], host array */
    void *branch;           /* [N,C] T: what attention or mlp adds to the stream at the next norm */
    float *x_out;           /* [N,C] residual stream after the last layer */
    void *normed_out;       /* [N,C] T */
    mas_norm_saved norm_out;
    int32_t *ids, *positions, *targets; /* [N] */
    float *losses;                      /* [N] */
    uint8_t *correct;                   /* [N] */
    /* gradients on their way down, with training only */
    float *d_x;     /* [N,C] of the residual stream */
    void *d_branch; /* [N,C] T: d_x rounded; d_x itself in f32 */
    void *d_norm;   /* [N,C] T of a norm's output */
    void *d_wide;   /* [N, max(qkv, mlp_in)] T */
    void *d_inner;  /* [N, max(Hq*D, F)] T */
    float *d_sinks; /* [Hq] */
} mas_activations;

/** Attention plans for one batch shape; kind 0 is the plan's sparse spec, kind 1 its full one. */
typedef struct mas_shape_plans {
    int64_t sequences, length;
    uint64_t used; /* when last, for eviction */
    mas_attn_plan *forward[2], *backward[2];
} mas_shape_plans;

#define MAS_SHAPES_MAX                                                                             \
    16 /* batch shapes whose plans are kept; the one used longest ago makes room */

struct mas_model {
    mas_device *device;
    mas_model_config config;
    mas_plan plan;
    mas_mask masks[2];
    bool kind_used[2];
    mas_model_use use;
    int64_t max_tokens;

    mas_parameter *parameters;
    int32_t parameter_count;
    int64_t total;   /* elements of each flat buffer */
    int64_t *offset; /* [slots], -1: empty */
    float *weights, *gradients, *moment1, *moment2;
    uint16_t *copy;   /* the weights in bf16, or NULL */
    uint64_t version; /* of the weights, from 1 */

    void *arena; /* everything in `saved` that is in device memory */
    mas_activations saved;
    int32_t *host_ids;                         /* [max_tokens] scratch for uploads */
    float *host_losses;                        /* [max_tokens] scratch for downloads */
    int64_t positions_length, positions_count; /* what the device's positions hold now */

    void *workspace;
    size_t workspace_bytes;
    mas_shape_plans shapes[MAS_SHAPES_MAX];
    uint64_t clock;
    mas_layer_work work[MAS_LAYERS_MAX];
};

/** 0: sparse, 1: full. */
static inline int mas_layer_kind(const mas_model *m, int32_t layer)
{
    return m->plan.is_full[layer] ? 1 : 0;
}

/** Weight or gradient of a role; NULL when the config has none. */
static inline float *mas_weight(const mas_model *m, mas_role role, int32_t layer)
{
    const int64_t offset = m->offset[mas_slot(&m->config, role, layer)];
    return offset < 0 ? NULL : m->weights + offset;
}

/** The same in the model's element type: what products take. */
static inline const void *mas_matrix(const mas_model *m, mas_role role, int32_t layer)
{
    const int64_t offset = m->offset[mas_slot(&m->config, role, layer)];
    return m->copy ? (const void *)(m->copy + offset) : (const void *)(m->weights + offset);
}

static inline float *mas_gradient(const mas_model *m, mas_role role, int32_t layer)
{
    const int64_t offset = m->offset[mas_slot(&m->config, role, layer)];
    return offset < 0 ? NULL : m->gradients + offset;
}

/** Do the rows of this layer's queries and keys get rotated? */
static inline bool mas_layer_rotates(const mas_model *m, int32_t layer)
{
    return m->config.positions == MAS_POSITIONS_ROPE &&
           (m->config.full_positions || !m->plan.is_full[layer]);
}

/** Buffers of one device allocation, cut for max_tokens rows.
 *  @param base  NULL: only measure
 *  @return bytes needed */
size_t mas_activations_cut(mas_model *m, char *base);

/** Plans for a batch shape, made on first use together with the workspace they need: prepare every
 * shape before a loop and nothing is allocated inside it. Refuses shapes the model was not built
 * for.
 *  @param[out] out  valid until the next call; may be NULL */
MAS_MUST_USE mas_status mas_model_prepare(mas_model *m, int64_t sequences, int64_t length,
                                          bool backward, const mas_shape_plans **out,
                                          mas_error *err);
void mas_model_free_plans(mas_model *m);

/** Views of the query, key and value heads in a fused [N,(Hq+2Hkv)D] buffer. */
typedef struct mas_qkv_views {
    mas_view q, k, v;
} mas_qkv_views;
mas_qkv_views mas_qkv_cut(const mas_model *m, void *qkv, int64_t length);

/** Upload a batch and run all layers up to the final norm (saved.normed_out).
 *  @param batch  targets may be NULL */
MAS_MUST_USE mas_status mas_model_forward(mas_model *m, const mas_batch *batch,
                                          const mas_shape_plans *plans, mas_error *err);
/** The norm at the entry of a layer, over the whole stream.
 *  @param from  the stream, to which saved.branch is still to be added; NULL: x_in has it all */
void mas_layer_enter(mas_model *m, int32_t layer, int64_t n, const float *from);
/** From a layer's normed_in up to its mlp_act. */
MAS_MUST_USE mas_status mas_layer_forward(mas_model *m, int32_t layer, const mas_shape_plans *plans,
                                          mas_error *err);
/** From saved.d_norm (gradient of saved.normed_out) to every parameter. */
MAS_MUST_USE mas_status mas_model_backward(mas_model *m, const mas_shape_plans *plans,
                                           mas_error *err);

#endif
