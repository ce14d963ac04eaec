/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The decoder-only language model: pre-norm transformer blocks whose attention comes from a layer
 * plan. Written once over the operation table of a device. Parameters are one flat f32 buffer, cut
 * by a table of named tensors; their gradients and optimiser moments have the same layout, and so has
 * the rounded copy that a bf16 model multiplies by.
 *
 *   x = embed(ids) [+ learned positions]
 *   for each layer:  x += attention(norm(x)) Wo;   x += mlp(norm(x))
 *   loss = cross_entropy(norm(x) W_unembed^T, targets)
 */
#ifndef MASBENCH_LM_MODEL_H
#define MASBENCH_LM_MODEL_H

#include "masbench/device.h"
#include "variants/plan.h"

typedef enum mas_positions {
    MAS_POSITIONS_ROPE,
    MAS_POSITIONS_LEARNED,
    MAS_POSITIONS_NONE,
    MAS_POSITIONS_COUNT
} mas_positions;

/** Published models whose shape a file can start from. */
typedef enum mas_preset {
    MAS_PRESET_NONE,
    MAS_PRESET_GPT2,
    MAS_PRESET_GPT2_MEDIUM,
    MAS_PRESET_GPT2_LARGE,
    MAS_PRESET_GPT2_XL,
    MAS_PRESET_GPT_NEO_125M,
    MAS_PRESET_GPT_NEO_1P3B,
    MAS_PRESET_GPT_NEO_2P7B,
    MAS_PRESET_COUNT
} mas_preset;

/** The `model:` section of an experiment file. Linear layers have no bias except with layernorm +
 * gelu (GPT style, when `bias` is true). */
typedef struct mas_model_config {
    mas_preset preset; /* where the other fields began; computes nothing by itself */
    int32_t layers;    /* 1 .. MAS_LAYERS_MAX */
    int32_t width;     /* C, residual stream */
    int32_t heads;     /* query heads */
    int32_t kv_heads;  /* 0: same as heads; must divide heads */
    int32_t head_dim;  /* 0: width / heads, which must divide */
    int32_t mlp_width; /* hidden size F; 0: 4 C for gelu, round_up(8 C / 3, 8) for swiglu */
    int32_t vocab;     /* 0: the corpus's */
    int32_t
        max_length; /* 0: longest of training and evaluation; rows of the learned position table */
    mas_positions positions;
    bool full_positions; /* false: no positions on full layers (RNoPE, SWAN); rope only */
    float rope_theta;
    mas_norm norm;
    float norm_epsilon;
    mas_activation activation;
    bool bias;
    bool tied_embeddings;
    bool sink_logits;      /* one learned logit per head and layer in the softmax denominator */
    float softcap;         /* attention logits; 0: none */
    float attention_scale; /* 0: 1 / sqrt(head_dim) */
    mas_dtype
        dtype; /* of what passes between operations: f32 or bf16. Weights, gradients, moments and
                        the residual stream are f32 always */
    float init_std; /* weights ~ N(0, init_std); residual projections divided by sqrt(2 layers) */
} mas_model_config;

/** rope, rmsnorm, swiglu, tied, 6 layers of width 64 with 4 heads, theta 10000, epsilon 1e-5, init
 * 0.02. */
mas_model_config mas_model_config_default(void);

/** The shape of a published model (presets.c); MAS_PRESET_NONE: the defaults. */
mas_model_config mas_model_config_preset(mas_preset preset);

/** Fill the 0 = derived fields and refuse impossible ones, naming field and numbers.
 *  @param vocab, max_length  values for fields left 0 */
MAS_MUST_USE mas_status mas_model_config_resolve(mas_model_config *config, int32_t vocab,
                                                 int32_t max_length, mas_error *err);

/** One named tensor inside the flat buffers. Names follow "layers.3.attention.q.weight",
 * "embedding.weight". */
typedef struct mas_parameter {
    char name[64];
    int32_t dims;     /* 1 or 2 */
    int64_t shape[2]; /* [out, in] for weights */
    int64_t offset;   /* elements from the start of the flat buffer, a multiple of 16 */
    int64_t count;
    bool decay; /* weight decay applies (matrices, not gains, biases, positions or sinks) */
} mas_parameter;

/** The table for a resolved config.
 *  @param[out] out    malloc'ed array of *count rows
 *  @param[out] total  elements of the flat buffer, padding included */
MAS_MUST_USE mas_status mas_model_parameters(const mas_model_config *config, mas_parameter **out,
                                             int32_t *count, int64_t *total, mas_error *err);
/** Number of trainable numbers, padding excluded; and those of the non-embedding part. */
int64_t mas_model_parameter_count(const mas_model_config *config);
int64_t mas_model_parameter_count_no_embedding(const mas_model_config *config);

/** Matmul FLOPs and memory of whole models, exact, without building them (plan and explain use it).
 */
typedef struct mas_model_cost {
    double linear_forward_flops; /* one sequence: 2 per multiply-add of every linear layer and the
                                    unembedding */
    double attention_forward_flops;
    double forward_flops;      /* sum of the two */
    double training_flops;     /* 3 x forward: backward counted twice, recomputed scores left out */
    double full_forward_flops; /* the same model with full attention everywhere */
    int64_t kv_cache_bytes;    /* one sequence, in model.dtype, per the plan's spans */
    int64_t full_kv_cache_bytes;
    int64_t weight_bytes; /* the bf16 copy included */
} mas_model_cost;
MAS_MUST_USE mas_status mas_model_cost_at(const mas_model_config *config, const mas_plan *plan,
                                          int64_t length, mas_model_cost *out, mas_error *err);

typedef struct mas_model mas_model;

/** What a model keeps besides its weights. */
typedef enum mas_model_use {
    MAS_MODEL_EVALUATES, /* one layer's activations */
    MAS_MODEL_TRAINS,    /* gradients, moments and the activations of every layer */
    MAS_MODEL_RECOMPUTES /* gradients, moments and the input of every layer; the backward pass computes
                            a layer's activations again. The same bits as MAS_MODEL_TRAINS */
} mas_model_use;

/** Build on a device for batches of up to max_tokens tokens; weights drawn from `seed`.
 *  @param device  must outlive the model
 *  @param use     what to allocate
 *  @return MAS_E_MEMORY when the device's cap is reached, and the errors of config and plan */
MAS_MUST_USE mas_status mas_model_create(mas_device *device, const mas_model_config *config,
                                         const mas_plan *plan, int64_t max_tokens,
                                         mas_model_use use, uint64_t seed, mas_model **out,
                                         mas_error *err);
void mas_model_free(mas_model *model); /* NULL allowed */

/** Bytes that mas_model_create would allocate, by category (workspace and key/value cache come
 * later: 0), without allocating them. A resolved config. */
MAS_MUST_USE mas_status mas_model_memory(const mas_model_config *config, int64_t max_tokens,
                                         mas_model_use use, size_t bytes[MAS_MEMORY_COUNT],
                                         mas_error *err);

const mas_model_config *mas_model_get_config(const mas_model *model);
const mas_plan *mas_model_get_plan(const mas_model *model);
mas_device *mas_model_get_device(const mas_model *model);

/** Flat buffers in device memory, `count` elements. Gradients and moments are NULL without
 * training, copy (the weights in bf16) without model.dtype bf16. Whoever writes weights says so with
 * mas_model_weights_changed. */
typedef struct mas_model_state {
    int64_t count;
    float *weights, *gradients, *moment1, *moment2;
    uint16_t *copy;
    const mas_parameter *parameters;
    int32_t parameter_count;
} mas_model_state;
mas_model_state mas_model_get_state(mas_model *model);
/** The weights were written.
 *  @param copied  the copy was written with them; otherwise it is made here */
void mas_model_weights_changed(mas_model *model, bool copied);

/** One batch. All sequences have the same length; unscored positions have target -1. */
typedef struct mas_batch {
    int64_t sequences, length;
    const int32_t *tokens;  /* [sequences, length] host */
    const int32_t *targets; /* [sequences, length] host, -1: not scored */
} mas_batch;

/** Forward and loss.
 *  @param[out] losses   [sequences * length] host, nats, 0 where not scored
 *  @param[out] correct  [sequences * length] host or NULL: 1 where the target is the most likely
 * token */
MAS_MUST_USE mas_status mas_model_evaluate(mas_model *model, const mas_batch *batch, float *losses,
                                           uint8_t *correct, mas_error *err);

/** Forward and backward of mean loss * scale over `scored` tokens: gradients are ADDED (zero them
 * first).
 *  @param grad_scale  usually 1 / scored tokens of the whole (accumulated) step
 *  @param[out] loss_sum  sum of the batch's losses, nats */
MAS_MUST_USE mas_status mas_model_gradient(mas_model *model, const mas_batch *batch,
                                           float grad_scale, double *loss_sum, mas_error *err);
void mas_model_zero_gradients(mas_model *model);

/** Next-token logits after `length` tokens of one sequence, for generation.
 *  @param[out] logits  [vocab] host */
MAS_MUST_USE mas_status mas_model_next_logits(mas_model *model, const int32_t *tokens,
                                              int64_t length, float *logits, mas_error *err);

/** What attention really did since creation: per layer. */
typedef struct mas_layer_work {
    const char *forward_kernel, *backward_kernel; /* names; backward NULL without train */
    int64_t visited_tiles, scheduled_tiles;       /* forward, summed over batches and heads */
    int64_t empty_rows;                           /* of one head and sequence, last length used */
    int32_t q_tile, k_tile;
} mas_layer_work;
const mas_layer_work *mas_model_layer_work(const mas_model *model);

/** Save or load weights (and, when `train`, moments and the caller's extra text) as a safetensors
 * file, atomically.
 *  @param extra  JSON text stored under the metadata key "masbench" (config, step, random state);
 * may be NULL on save; on load receives malloc'ed text or NULL; may be NULL
 *  @return saving: MAS_OK, MAS_E_IO, MAS_E_MEMORY, or what the device failed at, the file of before
 * untouched; loading refuses other shapes, missing or unknown tensors, truncated files: MAS_E_FORMAT
 * with file and tensor. */
MAS_MUST_USE mas_status mas_model_save(mas_model *model, const char *path, bool with_moments,
                                       const char *extra, mas_error *err);
MAS_MUST_USE mas_status mas_model_load(mas_model *model, const char *path, bool with_moments,
                                       char **extra, mas_error *err);

#endif
