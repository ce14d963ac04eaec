/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A device: memory and the operations a decoder needs, as one table. The model is written once over
 * this table and never asks which device it runs on. All tensors are dense, row-major, in device
 * memory. Token ids are int32. N is the number of rows (tokens of the batch), C the width, V the
 * vocabulary.
 *
 * Two element types meet. What is summed over many steps or layers (weights, their gradients and
 * moments, the residual stream and its gradient, statistics, losses) is always f32: `float *`
 * below. What only passes from one operation to the next, matrix inputs and outputs, is of the
 * type the caller names, MAS_DTYPE_F32 or MAS_DTYPE_BF16: `void *` with a `type` beside it. Such
 * values are widened exactly on load (instructions that multiply bf16 take a subnormal, below
 * 1.2e-38, as 0), every sum is f32 or wider, and one rounding (to nearest even) happens on store.
 *
 * Results are bit-equal for any number of threads: work is cut into pieces that depend on the
 * shapes alone and sums have a fixed order. Operations named *_backward overwrite input gradients
 * and ADD to parameter gradients (so that gradient accumulation is free); everything else
 * overwrites. In-place use (output == first input) is allowed where the comment says so.
 */
#ifndef MASBENCH_DEVICE_H
#define MASBENCH_DEVICE_H

#include "masbench/attention.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Memory is counted by what it is for. */
typedef enum mas_memory {
    MAS_MEMORY_WEIGHTS,
    MAS_MEMORY_GRADIENTS,
    MAS_MEMORY_OPTIMISER,
    MAS_MEMORY_ACTIVATIONS,
    MAS_MEMORY_WORKSPACE,
    MAS_MEMORY_KV_CACHE,
    MAS_MEMORY_COUNT
} mas_memory;

/** "weights", "gradients", "optimiser", "activations", "workspace", "kv_cache". */
const char *mas_memory_name(mas_memory category);

typedef struct mas_memory_use {
    size_t bytes[MAS_MEMORY_COUNT];      /* allocated now */
    size_t peak_bytes[MAS_MEMORY_COUNT]; /* most so far, each category on its own */
    size_t total_bytes, total_peak_bytes;
    size_t limit_bytes; /* 0: none; an allocation past it fails with MAS_E_MEMORY */
} mas_memory_use;

typedef enum mas_norm { MAS_NORM_LAYERNORM, MAS_NORM_RMSNORM, MAS_NORM_COUNT } mas_norm;
typedef enum mas_activation {
    MAS_ACTIVATION_GELU,
    MAS_ACTIVATION_SWIGLU,
    MAS_ACTIVATION_COUNT
} mas_activation;

/** C[m,n] = op(A)[m,k] op(B)[k,n] (+ C when accumulate). op(A) = A stored [m,k] with leading
 * dimension lda, or, with trans_a, A stored [k,m]. Likewise B: [k,n], or [n,k] with trans_b (a
 * weight W[out,in] as torch keeps it). */
typedef struct mas_matmul {
    int64_t m, n, k;
    mas_dtype type;   /* of A and B: f32 or bf16 */
    mas_dtype c_type; /* of C: f32 or `type` */
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    bool trans_a, trans_b, accumulate; /* accumulate: C is f32 */
    /** 0, or a promise: while calls pass the same number with the same b, B's content has not
     * changed, so that a device may keep its own packed copy of it. */
    uint64_t b_version;
} mas_matmul;

/** Hyper-parameters of one AdamW step (Loshchilov and Hutter, 1711.05101), `step` counts from 1. */
typedef struct mas_adamw {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
    float gradient_scale; /* gradients are multiplied by it first: clipping and averaging in one */
    int64_t step;
} mas_adamw;

/** What the hardware can do at most, measured: the denominators of "fraction of peak". */
typedef enum mas_limit {
    MAS_LIMIT_F32,  /* FLOP/s of f32 multiply-adds */
    MAS_LIMIT_BF16, /* FLOP/s of bf16 dot products; that of f32 where there are none */
    MAS_LIMIT_READ, /* bytes/s of reading memory far larger than the caches */
    MAS_LIMIT_COPY, /* bytes/s of copying it, bytes read plus bytes written */
    MAS_LIMIT_COUNT
} mas_limit;

/** "f32_flops", "bf16_flops", "read_bytes", "copy_bytes". */
const char *mas_limit_name(mas_limit limit);

typedef struct mas_device mas_device;

typedef struct mas_device_ops {
    /* ---- memory: 64-byte aligned, zeroed ---- */
    mas_status (*alloc)(mas_device *d, size_t bytes, mas_memory category, void **out,
                        mas_error *err);
    void (*release)(mas_device *d, void *pointer); /* NULL allowed */
    void (*upload)(mas_device *d, void *to_device, const void *from_host, size_t bytes);
    void (*download)(mas_device *d, void *to_host, const void *from_device, size_t bytes);
    void (*zero)(mas_device *d, void *pointer, size_t bytes);

    /** Return when all that was started is done: clocks are read after it. Reports what went wrong
     * in work that was started earlier and not yet reported (MAS_E_DEVICE, or MAS_E_SCHEDULE when
     * attention visited other tiles than its schedules list); such an error stays, every later call
     * that returns a status repeats it. */
    mas_status (*synchronize)(mas_device *d, mas_error *err);

    /* ---- matrices and attention ---- */
    mas_status (*matmul)(mas_device *d, const mas_matmul *m, mas_error *err);
    /** Run a plan made from d->attention; see mas_attn_plan_run.
     *  @param[out] counts  NULL: a device that works asynchronously need not wait */
    mas_status (*attend)(mas_device *d, const mas_attn_plan *plan, const mas_attn_args *args,
                         mas_attn_counts *counts, mas_error *err);

    /** to[i] = from[i] rounded to `type`, over count elements. */
    void (*convert)(mas_device *d, int64_t count, const float *from, mas_dtype type, void *to);

    /** out[i] = token_table[ids[i]] (+ position_table[positions[i]] unless NULL). */
    void (*embed)(mas_device *d, int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                  const float *token_table, const float *position_table, float *out);
    void (*embed_backward)(mas_device *d, int64_t n, int64_t c, int64_t vocab, const int32_t *ids,
                           const int32_t *positions, const float *d_out, float *d_token_table,
                           float *d_position_table);

    /** sum = x + y (skipped when y and sum are NULL: the sum is x), then the norm over C of the sum:
     * out[N,C] of `type`. weight[C]; bias[C] and mean[N] layernorm only, else NULL; rstd[N].
     * y[N,C] is of `type`; x and sum are f32 and may be the same. */
    void (*norm)(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon, const float *x,
                 const void *y, float *sum, const float *weight, const float *bias, mas_dtype type,
                 void *out, float *mean, float *rstd);
    /** d_x += the gradient through the norm (d_x holds the residual path's gradient); d_weight,
     * d_bias added to. x is the norm's f32 input (the sum); d_out[N,C] is of `type`.
     *  @param d_x_copy  NULL, or [N,C] of `type`: receives the new d_x, rounded */
    void (*norm_backward)(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                          const float *weight, const float *mean, const float *rstd, mas_dtype type,
                          const void *d_out, float *d_x, void *d_x_copy, float *d_weight,
                          float *d_bias);

    /** gelu (tanh form): in[N,F] -> out[N,F]; swiglu: in[N,2F] = (gate, up) ->
     *  silu(gate) * up, out[N,F]. All of `type`. */
    void (*activation)(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                       const void *in, void *out);
    void (*activation_backward)(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                mas_dtype type, const void *in, const void *d_out, void *d_in);

    /** x[N,C] += bias[C];  d_bias[C] += column sums of d_out;  x += y over count elements. */
    void (*add_bias)(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                     void *x);
    void (*bias_backward)(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                          float *d_bias);
    void (*add)(mas_device *d, int64_t count, const float *y, float *x);

    /** Rotary positions (Su et al., 2104.09864, half-split pairs (j, j + D/2)), in place on [N,H,D]
     * with row stride `row_stride` elements: angle = positions[i] * theta^(-2j/D). inverse: rotate
     * back (the gradient). D even, at most MAS_HEAD_DIM_MAX. */
    void (*rope)(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                 float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x);

    /** Unembedding and cross-entropy in one, so that the logits of a large vocabulary never exist
     * whole. logits = x W^T in f32, x[N,C] and W[V,C] of `type`; losses[i] = -log
     * softmax(logits_i)[targets[i]], natural log; a target of -1 is not scored and gives loss 0 and
     * no gradient. When d_x is not NULL: d_x[N,C] of `type` = grad_scale * dlogits W (overwritten),
     * d_weight[V,C] f32 += grad_scale * dlogits^T x, where dlogits = softmax - onehot of scored
     * rows, rounded to `type`.
     *  @param weight_version  as b_version of mas_matmul
     *  @param workspace  cross_entropy_workspace_bytes(...), 64-byte aligned
     *  @param[out] correct  may be NULL: [N] 1 where the target has the (first) largest logit */
    mas_status (*cross_entropy)(mas_device *d, int64_t n, int64_t c, int64_t vocab, mas_dtype type,
                                const void *x, const void *weight, uint64_t weight_version,
                                const int32_t *targets, float grad_scale, float *losses,
                                uint8_t *correct, void *d_x, float *d_weight, void *workspace,
                                mas_error *err);
    size_t (*cross_entropy_workspace_bytes)(const mas_device *d, int64_t n, int64_t c,
                                            int64_t vocab, mas_dtype type);

    /* ---- optimiser ---- */
    /** Sum of squares of count elements, fixed order, f64. */
    double (*sum_squares)(mas_device *d, int64_t count, const float *x);
    /** One AdamW step over count elements; m and v are the moments, updated in place.
     *  @param copy  NULL, or count bf16 numbers: receives the new weights, rounded */
    void (*adamw)(mas_device *d, int64_t count, const mas_adamw *hyper, const float *gradient,
                  float *weight, float *m, float *v, uint16_t *copy);

    /** Measure a limit with all threads of the device, in about `seconds` (and what the first call
     * takes to get its memory): the best of short runs, three at least. 0 where it cannot be measured. */
    double (*limit)(mas_device *d, mas_limit limit, double seconds);
    /** Start the yardstick: always the same amount of work on all threads of the device, a fraction
     * of a millisecond. Time over the yardstick's time survives what slows a whole machine down. */
    void (*yardstick)(mas_device *d);

    void (*close)(mas_device *d);
} mas_device_ops;

struct mas_device {
    const char *name;           /* of its kind */
    const char *matmul_library; /* of f32 products: "oneDNN 2.6.3", "plain" */
    const mas_device_ops *ops;
    const char *hardware;  /* what computes: name, capability, memory */
    const char *driver;    /* of an accelerator, with its libraries; NULL: the CPU */
    const char *yardstick; /* what ops->yardstick does; a new name whenever that changes, so that
                              different yardsticks are never compared */
    bool asynchronous;     /* operations return before they are done */
    mas_limit f16_limit;   /* what bounds attention in f16: that of f32 where it is widened to it */
    mas_attn_table attention;
    int threads;
    mas_memory_use memory;
    struct mas_profile *profile; /* NULL, or where mas_profile_begin's wrappers count */
};

/** A kind of device that this build knows: how to open one, and what its attention is. */
typedef struct mas_device_kind {
    const char *name;         /* "cpu", "cuda" */
    mas_attn_table attention; /* every kernel of the build, whatever this machine can run */
    /** Open the machine's device of this kind.
     *  @param threads      of the host that it may use, >= 1
     *  @param limit_bytes  memory cap for all categories together; 0: none
     *  @param[out] out     close with mas_device_close
     *  @return MAS_OK; MAS_E_UNSUPPORTED with the reason: not in this build, no such device here, a
     *          library is missing */
    mas_status (*open)(int threads, size_t limit_bytes, mas_device **out, mas_error *err);
} mas_device_kind;

extern const mas_device_kind mas_device_cpu, mas_device_cuda;
/** All of them, NULL-terminated, the CPU first. */
extern const mas_device_kind *const mas_device_kinds[];
/** The kind of that name; NULL: there is none. */
const mas_device_kind *mas_device_find(const char *name);
/** Can one be opened here? Opens and closes one; the reason when not. */
MAS_MUST_USE mas_status mas_device_usable(const mas_device_kind *kind, mas_error *err);

/** mas_device_cpu.open. */
MAS_MUST_USE mas_status mas_device_open_cpu(int threads, size_t limit_bytes, mas_device **out,
                                            mas_error *err);
/** NULL allowed. Everything allocated from the device must have been released. */
void mas_device_close(mas_device *device);

/** What bounds attention on tensors of a type: the denominator of its fraction of peak. */
static inline mas_limit mas_device_limit(const mas_device *d, mas_dtype type)
{
    return type == MAS_DTYPE_BF16  ? MAS_LIMIT_BF16
           : type == MAS_DTYPE_F16 ? d->f16_limit
                                   : MAS_LIMIT_F32;
}

/** Device memory, zeroed and counted under a category. */
static inline mas_status mas_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                                   mas_error *err)
{
    return d->ops->alloc(d, bytes, category, out, err);
}

#ifdef __cplusplus
}
#endif
#endif
