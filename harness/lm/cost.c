/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of whole models: the linear layers by multiplication, attention from the plan's exact
 * pairs. */
#include "variants/cost.h"
#include "harness/lm/internal.h"

#include <stdlib.h>

/* Multiply-adds per token of all linear layers and the unembedding. */
static double linear_macs(const mas_model_config *c)
{
    const double width = c->width, o = (double)c->heads * c->head_dim;
    const double layer = width * (double)mas_qkv_width(c) + o * width +
                         width * (double)mas_mlp_in_width(c) + (double)c->mlp_width * width;
    return c->layers * layer + width * c->vocab;
}

mas_status mas_model_cost_at(const mas_model_config *config, const mas_plan *plan, int64_t length,
                             mas_model_cost *out, mas_error *err)
{
    if (plan->layers != config->layers)
        return mas_fail(err, MAS_E_SHAPE, "the layer plan has %d layers, the model %d",
                        plan->layers, config->layers);
    mas_plan_cost *attention = malloc(sizeof *attention);
    if (!attention)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the costs of %d layers", plan->layers);
    /* the tile shape enters executed figures only, which are not used here */
    const mas_status status = mas_plan_cost_at(plan, length, config->heads, config->head_dim,
                                               config->head_dim, 64, 64, attention, err);
    if (status == MAS_OK) {
        const int64_t key_value_bytes = 2 * (int64_t)config->kv_heads * config->head_dim *
                                        (int64_t)mas_dtype_bytes(config->dtype);
        const int64_t weight_bytes =
            (int64_t)sizeof(float) +
            (config->dtype == MAS_DTYPE_BF16 ? (int64_t)sizeof(uint16_t) : 0);
        mas_model_cost cost = {
            .linear_forward_flops = 2 * (double)length * linear_macs(config),
            .attention_forward_flops = attention->forward_flops,
            .full_kv_cache_bytes = config->layers * length * key_value_bytes,
            .weight_bytes = mas_model_parameter_count(config) * weight_bytes,
        };
        for (int32_t i = 0; i < plan->layers; i++)
            cost.kv_cache_bytes += attention->layer[i].kv_cache_tokens * key_value_bytes;
        cost.forward_flops = cost.linear_forward_flops + cost.attention_forward_flops;
        cost.training_flops = 3 * cost.forward_flops;
        cost.full_forward_flops = cost.linear_forward_flops + attention->full_forward_flops;
        *out = cost;
    }
    free(attention);
    return status;
}
