/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Exact costs of a layer plan's attention: pairs, useful and executed FLOPs, key/value cache bytes.
 * Definitions are those of masbench/attention.h: useful counts visible pairs only, executed counts
 * the pairs of every visited tile.
 */
#ifndef MASBENCH_VARIANTS_COST_H
#define MASBENCH_VARIANTS_COST_H

#include "variants/plan.h"

/** Attention of one layer for one sequence, all query heads. */
typedef struct mas_layer_cost {
    int64_t pairs;                        /* visible pairs of one head */
    int64_t empty_rows;                   /* queries of one head that see nothing */
    int64_t executed_pairs;               /* of one head, in tiles of q_tile x k_tile */
    int64_t tiles;                        /* tile visits of one head, forward */
    double forward_flops, backward_flops; /* useful */
    double executed_forward_flops, executed_backward_flops; /* on executed_pairs */
    int64_t kv_cache_tokens; /* most keys that decoding must keep at any position (kv_cache.h) */
} mas_layer_cost;

typedef struct mas_plan_cost {
    int32_t layers;
    mas_layer_cost layer[MAS_LAYERS_MAX];
    double forward_flops, backward_flops, executed_forward_flops,
        executed_backward_flops; /* sums over layers */
    double full_forward_flops;   /* the same model with full attention everywhere */
    double relative_cost; /* useful forward FLOPs over full_forward_flops: the "attention cost" of
                             every table */
} mas_plan_cost;

/** Costs of a plan at one length (q_len = kv_len = length).
 *  @param q_tile, k_tile  tile shape that executed figures assume: the selected kernel's */
MAS_MUST_USE mas_status mas_plan_cost_at(const mas_plan *plan, int64_t length, int32_t heads,
                                         int32_t d_qk, int32_t d_v, int32_t q_tile, int32_t k_tile,
                                         mas_plan_cost *out, mas_error *err);

/** The same for a single mask and any geometry: one head's pairs, tiles and FLOPs (heads = 1). */
MAS_MUST_USE mas_status mas_mask_cost_at(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                                         mas_alignment alignment, int32_t heads, int32_t d_qk,
                                         int32_t d_v, int32_t q_tile, int32_t k_tile,
                                         mas_layer_cost *out, mas_error *err);

#endif
