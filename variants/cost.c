/* SPDX-License-Identifier: Apache-2.0 */
/* Every count comes from the code that builds the schedules which the kernels execute, so a cost and a run cannot
 * disagree. */
#include "variants/cost.h"

#include "variants/kv_cache.h"
#include "variants/layout_file.h"

static mas_status check_shape(int64_t length, int32_t heads, int32_t d_qk, int32_t d_v,
                              mas_error *err)
{
    if (length < 1 || heads < 1 || d_qk < 1 || d_v < 1)
        return mas_fail(
            err, MAS_E_SHAPE,
            "costs need a length, heads and head sizes of at least 1, not %lld, %d, %d and %d",
            (long long)length, heads, d_qk, d_v);
    return MAS_OK;
}

mas_status mas_mask_cost_at(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                            mas_alignment alignment, int32_t heads, int32_t d_qk, int32_t d_v,
                            int32_t q_tile, int32_t k_tile, mas_layer_cost *out, mas_error *err)
{
    mas_schedule s;
    mas_status status = check_shape(q_len < kv_len ? q_len : kv_len, heads, d_qk, d_v, err);
    if (status == MAS_OK)
        status = mas_schedule_count(mask, q_len, kv_len, alignment, q_tile, k_tile, &s, err);
    if (status != MAS_OK)
        return status;
    *out = (mas_layer_cost){
        .pairs = s.pairs,
        .empty_rows = s.empty_rows,
        .executed_pairs = s.executed_pairs,
        .tiles = s.tiles,
        .forward_flops = heads * mas_attn_flops(MAS_ATTN_FORWARD, s.pairs, d_qk, d_v),
        .backward_flops = heads * mas_attn_flops(MAS_ATTN_BACKWARD, s.pairs, d_qk, d_v),
        .executed_forward_flops =
            heads * mas_attn_flops(MAS_ATTN_FORWARD, s.executed_pairs, d_qk, d_v),
        .executed_backward_flops =
            heads * mas_attn_flops(MAS_ATTN_BACKWARD, s.executed_pairs, d_qk, d_v),
        .kv_cache_tokens = kv_len,
    };
    return MAS_OK;
}

static mas_status spec_cost(const mas_attn_spec *spec, int64_t length, int32_t heads, int32_t d_qk,
                            int32_t d_v, int32_t q_tile, int32_t k_tile, mas_layer_cost *out,
                            mas_error *err)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    mas_status status = mas_attn_spec_check_length(spec, length, err);
    if (status == MAS_OK)
        status = mas_mask_cost_at(&mask, length, length, MAS_ALIGN_BOTTOM_RIGHT, heads, d_qk, d_v,
                                  q_tile, k_tile, out, err);
    if (status == MAS_OK)
        status = mas_attn_spec_kv_cache_tokens(spec, length, &out->kv_cache_tokens, err);
    return status;
}

mas_status mas_plan_cost_at(const mas_plan *plan, int64_t length, int32_t heads, int32_t d_qk,
                            int32_t d_v, int32_t q_tile, int32_t k_tile, mas_plan_cost *out,
                            mas_error *err)
{
    mas_layer_cost full = {0}, sparse = {0};
    mas_status status = check_shape(length, heads, d_qk, d_v, err);
    if (status == MAS_OK && plan->full_layers > 0)
        status = spec_cost(&plan->full, length, heads, d_qk, d_v, q_tile, k_tile, &full, err);
    if (status == MAS_OK && plan->full_layers < plan->layers)
        status = spec_cost(&plan->sparse, length, heads, d_qk, d_v, q_tile, k_tile, &sparse, err);
    if (status != MAS_OK)
        return status;

    const int64_t causal_pairs = length % 2 ? (length + 1) / 2 * length : length / 2 * (length + 1);
    *out = (mas_plan_cost){.layers = plan->layers};
    for (int32_t i = 0; i < plan->layers; i++) {
        const mas_layer_cost *layer = plan->is_full[i] ? &full : &sparse;
        out->layer[i] = *layer;
        out->forward_flops += layer->forward_flops;
        out->backward_flops += layer->backward_flops;
        out->executed_forward_flops += layer->executed_forward_flops;
        out->executed_backward_flops += layer->executed_backward_flops;
        out->full_forward_flops +=
            heads * mas_attn_flops(MAS_ATTN_FORWARD, causal_pairs, d_qk, d_v);
    }
    out->relative_cost = out->forward_flops / out->full_forward_flops;
    return MAS_OK;
}
