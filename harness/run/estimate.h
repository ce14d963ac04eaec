/* SPDX-License-Identifier: Apache-2.0 */
/** What a point will cost, before it runs. */
#ifndef MASBENCH_RUN_ESTIMATE_H
#define MASBENCH_RUN_ESTIMATE_H

#include "harness/run/runner.h"
#include "variants/cost.h"

/** Costs by formula, exact; executed FLOPs in the tiles of the device's kernels. */
typedef struct mas_point_cost {
    mas_model_config model; /* resolved */
    mas_model_cost whole;   /* one sequence of training.seq_len */
    mas_plan_cost sparse_tiles,
        full_tiles; /* the plan's costs in the tiles of the sparse and of the full layers' kernel */
    int64_t parameters, parameters_no_embedding;
    double training_flops;   /* of the whole point, growing lengths counted */
    double base_flops;       /* of the base that it continues, which other points may share */
    double evaluation_flops; /* as far as the number of tokens is known beforehand */
} mas_point_cost;
MAS_MUST_USE mas_status mas_point_cost_of(const mas_device_kind *device, const mas_point *point,
                                          mas_point_cost *out, mas_error *err);

/** Cost of layer i in the tiles of its own kernel. */
static inline const mas_layer_cost *mas_point_layer_cost(const mas_point_cost *cost,
                                                         const mas_plan *plan, int32_t i)
{
    return plan->is_full[i] ? &cost->full_tiles.layer[i] : &cost->sparse_tiles.layer[i];
}

/** What building the model and timing one training batch on this machine tells. */
typedef struct mas_point_trial {
    bool built;            /* false: too large to try (see the limits in estimate.c) */
    mas_memory_use memory; /* of the built model */
    double seconds;        /* expected for the whole point; 0: not measured */
    double base_seconds;   /* and for its base */
} mas_point_trial;
/** @return MAS_OK, MAS_E_MEMORY (the point's own cap is too small), and the model's errors */
MAS_MUST_USE mas_status mas_point_try(const mas_device_kind *device, const mas_point *point,
                                      const mas_point_cost *cost, int threads, mas_point_trial *out,
                                      mas_error *err);

#endif
