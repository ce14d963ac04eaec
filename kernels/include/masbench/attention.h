/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one attention interface. A problem says what to compute, a schedule says which tiles to
 * visit, a kernel is one const descriptor that can do it, and a plan ties the three together for
 * repeated use:
 *
 *     mas_attn_problem p = { .batch = 1, .q_heads = 8, ... , .mask = &mask };
 *     mas_attn_plan *plan;
 *     mas_attn_plan_create(table, &p, MAS_ATTN_FORWARD, threads, &plan, &err);
 *     mas_attn_args a = { .q = ..., .k = ..., .v = ..., .o = ..., .lse = ..., .workspace = ... };
 *     mas_attn_plan_run(plan, &a, &err);
 *
 * Dimensions, everywhere in this project:
 *     B  batch          Tq queries   D  size of q and k heads
 *     Hq query heads    Tk keys      Dv size of v heads
 *     Hkv key/value heads; query head h uses kv head h / (Hq / Hkv)
 *
 * What is computed, for query row i of head h, over the keys j that the mask shows to it:
 *     s_j   = cap(scale * <q_i, k_j>)    cap(x) = softcap * tanh(x / softcap); x if softcap is 0
 *     lse_i = log(sum_j exp(s_j) [+ exp(sink_h)])    the sink logit joins the denominator only
 *     o_i   = sum_j exp(s_j - lse_i) v_j
 * A row without keys gives o = 0 and lse = -inf (with sinks: lse = sink_h), and no gradient from
 * or to it.
 *
 * Numerics, for every kernel: sums in fp32 or wider, a running maximum, and a masked key never
 * enters arithmetic, so NaN or Inf behind the mask changes nothing, while a row that sees a NaN is
 * not finite. Results are bit-equal for any number of threads.
 */
#ifndef MASBENCH_ATTENTION_H
#define MASBENCH_ATTENTION_H

#include "masbench/cpu.h"
#include "masbench/dtype.h"
#include "masbench/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mas_attn_problem {
    int64_t batch;    /* B  >= 1 */
    int64_t q_heads;  /* Hq >= 1 */
    int64_t kv_heads; /* Hkv >= 1, divides Hq */
    int64_t q_len;    /* Tq >= 1 */
    int64_t kv_len;   /* Tk >= 1 */
    int32_t d_qk;     /* D  1 .. MAS_HEAD_DIM_MAX */
    int32_t d_v;      /* Dv 1 .. MAS_HEAD_DIM_MAX */
    mas_dtype dtype;  /* of q, k, v, o and their gradients; lse and sinks are always f32 */
    mas_alignment alignment;
    float scale;          /* finite; usually mas_attn_default_scale(D) */
    float softcap;        /* 0: none; otherwise > 0 */
    bool sinks;           /* args.sinks holds one learned logit per query head */
    const mas_mask *mask; /* must outlive whatever is built from the problem */
} mas_attn_problem;

#define MAS_HEAD_DIM_MAX 256

/** 1 / sqrt(D), D the true head size. */
float mas_attn_default_scale(int32_t d_qk);

/** Refuse an impossible problem, naming the numbers: sizes < 1, head sizes out of range, Hq not
 * divisible by Hkv, scale or softcap not finite, size products past PTRDIFF_MAX. Every plan starts
 * with it.
 *  @return MAS_OK, MAS_E_SHAPE, MAS_E_ARGUMENT */
MAS_MUST_USE mas_status mas_attn_problem_check(const mas_attn_problem *p, mas_error *err);

/** A [B, T, H, D] tensor somewhere in memory. Strides count elements; consecutive elements of a
 * head are adjacent. Rows need no alignment beyond the element's own. */
typedef struct mas_view {
    void *data;
    ptrdiff_t batch, row, head; /* in elements; larger than dense in a slice of a fused buffer */
} mas_view;

/** Dense [B, T, H, D] view. */
mas_view mas_view_dense(void *data, int64_t rows, int64_t heads, int64_t dim);

typedef enum mas_attn_op {
    MAS_ATTN_FORWARD,
    MAS_ATTN_BACKWARD,
    MAS_ATTN_DECODE, /* the forward for few queries on a long key/value cache: parallel over keys */
    MAS_ATTN_OP_COUNT
} mas_attn_op;

/** "attn_forward", "attn_backward", "attn_decode". */
const char *mas_attn_op_name(mas_attn_op op);

/** Buffers of one call. No output may overlap an input or another output. Outputs are fully
 * overwritten (rows past the tensor are never touched) and their prior content, even NaN, is never
 * read. */
typedef struct mas_attn_args {
    mas_view q;         /* [B,Tq,Hq,D] in */
    mas_view k;         /* [B,Tk,Hkv,D] in */
    mas_view v;         /* [B,Tk,Hkv,Dv] in */
    mas_view o;         /* [B,Tq,Hq,Dv] out of forward and decode; in to backward */
    float *lse;         /* [B,Hq,Tq] dense, natural log; out (NULL allowed); in to backward */
    const float *sinks; /* [Hq] in, iff problem.sinks */
    mas_view d_o;       /* [B,Tq,Hq,Dv] in, backward only, as all below */
    mas_view d_q;       /* [B,Tq,Hq,D] out */
    mas_view d_k;       /* [B,Tk,Hkv,D] out: summed over the query heads of the group */
    mas_view d_v;       /* [B,Tk,Hkv,Dv] out */
    float *d_sinks;     /* [Hq] out, iff problem.sinks: summed over batch and rows */
    void *workspace;    /* plan->workspace_bytes, 64-byte aligned, content undefined before and
                           after; NULL iff 0 */
} mas_attn_args;

/** What a kernel did, filled by run. The counts are made in the tile loop itself, never taken from
 * the schedule. */
typedef struct mas_attn_counts {
    int64_t visited_tiles;   /* (query tile, key tile) visits summed over B * Hq; of a backward
                                kernel: in the pass that makes dK and dV */
    int64_t visited_tiles_q; /* with two_passes: in the pass that makes dQ; otherwise 0 */
} mas_attn_counts;

typedef struct mas_attn_kernel mas_attn_kernel;
typedef struct mas_attn_plan mas_attn_plan;
struct mas_attn_kernel {
    const char *name; /* "operation/algorithm/isa", for example "attn_forward/flash/avx512" */
    mas_attn_op op;
    mas_isa isa; /* lowest level it needs */
    /** MAS_OK, or why not: MAS_E_DTYPE, MAS_E_SHAPE, MAS_E_UNSUPPORTED with a sentence. The problem
     * is already valid and the ISA already available. */
    mas_status (*supports)(const mas_attn_problem *p, mas_error *why);
    /** Tile shape this kernel wants for the problem (its schedule is built with it). */
    void (*tile)(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile);
    /** Scratch bytes for a run with that many threads; NULL: none. */
    size_t (*workspace_bytes)(const mas_attn_problem *p, const mas_schedule *s, int threads);
    /** Execute. Never allocates. Reentrant. On error the outputs are unspecified.
     *  @param counts  NULL on a device that works asynchronously: return once the work is queued;
     *                 its counts are compared when the device is next waited for */
    mas_status (*run)(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err);
    /** What a plan needs once rather than in every run, such as a copy of the schedule in device
     * memory; kept as plan->prepared. NULL: nothing. */
    mas_status (*prepare)(const mas_attn_plan *plan, void **out, mas_error *err);
    void (*discard)(void *prepared); /* of `prepare` */
    bool two_passes; /* backward: dQ is made in a pass of its own, over all tiles once more */
    /** A library's kernel, here only to be timed against ours, so last in its table. The tiles it
     * visits cannot be counted and are not compared: its counts are 0. It may break two rules that
     * every other kernel keeps: NaN or Inf behind the mask may show in its results, and two runs may
     * differ in their last bits. Its run may refuse a layout with MAS_E_UNSUPPORTED. */
    bool opaque;
};

/** A back end's kernels, NULL-terminated, in order of preference; those of libraries (opaque) last. */
typedef const mas_attn_kernel *const *mas_attn_table;

/** All CPU kernels of this build, whatever the processor. */
extern const mas_attn_kernel *const mas_attn_cpu_table[];

/** Would this kernel serve the problem here and now? Checks ISA level, then supports(). */
MAS_MUST_USE mas_status mas_attn_kernel_usable(const mas_attn_kernel *kernel,
                                               const mas_attn_problem *p, mas_error *why);

/** First usable kernel of the table for the operation.
 *  @param[out] refusals  may be NULL; one line "name: reason" per better kernel refused, joined by
 *                         '\n', cut to size
 *  @return NULL when none serves (refusals says why) */
const mas_attn_kernel *mas_attn_select(mas_attn_table table, const mas_attn_problem *p,
                                       mas_attn_op op, char *refusals, size_t refusals_size);

/** A kernel by its exact name, or NULL. */
const mas_attn_kernel *mas_attn_find(mas_attn_table table, const char *name);

/** A checked problem, the kernel chosen for it and its schedule. */
struct mas_attn_plan {
    mas_attn_problem problem;
    const mas_attn_kernel *kernel;
    mas_schedule *schedule;
    int threads;
    size_t workspace_bytes;
    void *prepared; /* the kernel's own, or NULL */
};

/** So many of the threads as have enough to do that waking them pays; at least 1, whatever `threads`
 * is. */
int mas_attn_threads(const mas_attn_problem *p, mas_attn_op op, int threads);

/** Check, select, schedule. Small problems take fewer threads than there are.
 *  @param[out] out  owned by the caller, free with mas_attn_plan_free; untouched on error */
MAS_MUST_USE mas_status mas_attn_plan_create(mas_attn_table table, const mas_attn_problem *p,
                                             mas_attn_op op, int threads, mas_attn_plan **out,
                                             mas_error *err);
/** The same for a given kernel and exactly that many threads (the checker). */
MAS_MUST_USE mas_status mas_attn_plan_create_for(const mas_attn_kernel *kernel,
                                                 const mas_attn_problem *p, int threads,
                                                 mas_attn_plan **out, mas_error *err);
/** Run and compare the visited tiles with the schedule: a difference is MAS_E_SCHEDULE and voids
 * the result.
 *  @param[out] counts  may be NULL */
MAS_MUST_USE mas_status mas_attn_plan_run(const mas_attn_plan *plan, const mas_attn_args *args,
                                          mas_attn_counts *counts, mas_error *err);
void mas_attn_plan_free(mas_attn_plan *plan);

/** Useful matmul FLOPs of one query head: forward and decode 2 * pairs * (D + Dv), backward
 * 2 * pairs * (3 D + 2 Dv). The same formula on executed pairs gives executed FLOPs. */
double mas_attn_flops(mas_attn_op op, int64_t pairs, int32_t d_qk, int32_t d_v);

#ifdef __cplusplus
}
#endif
#endif
