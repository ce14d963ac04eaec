/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Attention kernels end to end: the problem that an experiment file names, inputs, a check against f64 sums, and
 * the timing. Nothing is timed that was not found right first.
 */
#ifndef MASBENCH_BENCH_H
#define MASBENCH_BENCH_H

#include "harness/measure/measure.h"
#include "masbench/device.h"
#include "variants/plan.h"

#define MAS_BENCH_NAME_MAX 64

/** The `kernel:` section of an experiment file. */
typedef struct mas_bench_config {
    mas_attn_op op;
    mas_dtype dtype;
    int32_t batch, q_heads;
    int32_t kv_heads; /* 0: q_heads */
    int32_t head_dim;
    int32_t length;                /* keys; as many queries, for decode one */
    int32_t layers;                /* of the plan: they run one after the other */
    char name[MAS_BENCH_NAME_MAX]; /* glob of the kernels to choose from; empty: all */
} mas_bench_config;

mas_bench_config mas_bench_config_default(void);
/** Fill kv_heads, check that it divides q_heads. */
MAS_MUST_USE mas_status mas_bench_config_resolve(mas_bench_config *config, mas_error *err);

/** "forward", "backward", "decode". */
const char *mas_bench_op_name(mas_attn_op op);

/** The problem of one layer; the mask must outlive it. */
mas_attn_problem mas_bench_problem(const mas_bench_config *config, const mas_mask *mask);

/** The kernel that a layer gets: the first of the table that is called so and serves the problem.
 *  @param[out] refusals  as mas_attn_select
 *  @return MAS_OK; MAS_E_UNSUPPORTED when there is none; MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_bench_choose(mas_attn_table table, const mas_bench_config *config,
                                         const mas_attn_problem *p, const mas_attn_kernel **out,
                                         char *refusals, size_t refusals_size, mas_error *err);

/** One kind of layer (sparse or full): its kernel and what it has to do. Counts are of one layer, all heads and
 *  sequences. */
typedef struct mas_bench_layer {
    bool present;
    const char *kernel;  /* that is timed */
    char refusals[2048]; /* a line for each better one that was refused */
    int32_t q_tile, k_tile;
    int64_t pairs, executed_pairs; /* of one head */
    double useful_flops, executed_flops;
    double key_bytes; /* K and V of the keys that a decoding query sees; 0 for other operations */
    int64_t visited_tiles, scheduled_tiles;
    bool
        opaque; /* the kernel's tiles are its own: visited, scheduled and executed say nothing of it */
    size_t workspace_bytes;
} mas_bench_layer;

enum { MAS_BENCH_SPARSE, MAS_BENCH_FULL, MAS_BENCH_LAYERS };

typedef struct mas_bench_result {
    mas_bench_layer layer[MAS_BENCH_LAYERS];
    bool wrong; /* a kernel gave wrong results; nothing was timed */
    double useful_flops, executed_flops, key_bytes; /* of a run of the whole plan */
    int64_t visited_tiles, scheduled_tiles;
    bool opaque; /* of one of the layers */
    size_t workspace_bytes;
    size_t working_set_bytes; /* tensors and workspace that one layer touches */
    int64_t rows_checked;
    double worst_ratio;             /* largest error over allowed error */
    double limits[MAS_LIMIT_COUNT]; /* measured around the samples; 0: not measured */
    mas_measurement measurement;
} mas_bench_result;

/** Full attention of the shapes met so far, so that each is timed once in a run. */
typedef struct mas_bench_cache mas_bench_cache;
MAS_MUST_USE mas_status mas_bench_cache_create(mas_bench_cache **out, mas_error *err);
void mas_bench_cache_free(mas_bench_cache *cache); /* NULL allowed */

typedef bool mas_bench_stopped(void *user);

/** A plan made ready: memory, inputs, kernels chosen, outputs found right. */
typedef struct mas_bench mas_bench;

/** Make ready and check.
 *  @param config, plan  must outlive the bench
 *  @param table    kernels to choose from, for tests; NULL: the device's
 *  @param[out] result  everything but times; also after an error
 *  @param[out] out     close with mas_bench_close; NULL after an error
 *  @return as mas_bench_run */
MAS_MUST_USE mas_status mas_bench_open(mas_device *device, mas_attn_table table,
                                       const mas_bench_config *config, const mas_plan *plan,
                                       uint64_t seed, mas_bench_stopped *stopped, void *user,
                                       mas_bench_result *result, mas_bench **out, mas_error *err);
void mas_bench_close(mas_bench *bench); /* NULL allowed */
/** The plan as work to measure, with the device's yardstick. */
mas_measure_work mas_bench_work(mas_bench *bench);
/** From now on every launch of the CPU device does arithmetic of its own that takes `share` of what a launch takes
 *  now: a slow-down of known size, to try a gate with. Costs a few launches.
 *  @return MAS_OK; MAS_E_UNSUPPORTED on a device that works asynchronously; what a launch returned */
MAS_MUST_USE mas_status mas_bench_slow_down(mas_bench *bench, double share, mas_error *err);
/** One launch, through a function of its own name, so that a profiler can be told to count only what happens in it. */
MAS_MUST_USE mas_status mas_bench_counted_launch(mas_bench *bench, mas_error *err);

/** Check and time the plan.
 *  @param table    kernels to choose from, for tests; NULL: the device's
 *  @param slow_down  0, or as mas_bench_slow_down
 *  @param[out] out free with mas_bench_result_free, also after an error
 *  @return MAS_OK; MAS_E_UNSUPPORTED without a kernel; MAS_E_MEMORY, MAS_E_INTERRUPTED; MAS_E_DEVICE with
 *          out->wrong set and the place in err when a result is wrong */
MAS_MUST_USE mas_status mas_bench_run(mas_device *device, mas_attn_table table,
                                      const mas_bench_config *config, const mas_plan *plan,
                                      const mas_measure_config *measure, double slow_down,
                                      uint64_t seed, mas_bench_stopped *stopped, void *user,
                                      mas_bench_result *out, mas_error *err);
void mas_bench_result_free(mas_bench_result *result);

/** Useful FLOP/s of full attention with one layer of the same op, dtype, heads, head size and length; timed where the
 *  cache does not know it. */
MAS_MUST_USE mas_status mas_bench_full_rate(mas_bench_cache *cache, mas_device *device,
                                            const mas_bench_config *config,
                                            const mas_measure_config *measure, uint64_t seed,
                                            mas_bench_stopped *stopped, void *user, double *rate,
                                            mas_error *err);
/** Tell the cache what a point that is itself full attention has measured; replaces what it knew of that shape. */
MAS_MUST_USE mas_status mas_bench_cache_add(mas_bench_cache *cache, const mas_bench_config *config,
                                            double rate, mas_error *err);

#endif
