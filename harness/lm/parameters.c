/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tensors. One row per role says name, shape, start value and decay; everything that
 * walks over the parameters (creation, checkpoints, counts, the optimiser) follows from it. */
#include "harness/lm/internal.h"

#include <stdio.h>
#include <stdlib.h>

typedef enum size_word {
    NO_SIZE,
    SIZE_WIDTH,
    SIZE_VOCAB,
    SIZE_LENGTH,
    SIZE_HEADS,
    SIZE_QKV,
    SIZE_O,
    SIZE_MLP_IN,
    SIZE_MLP
} size_word;
typedef enum condition { ALWAYS, IF_LEARNED, IF_LAYERNORM, IF_BIAS, IF_SINKS, IF_UNTIED } condition;

typedef struct role_row {
    const char *name; /* after "layers.N." for the roles of a layer */
    size_word rows, columns;
    condition when;
    mas_init init;
    bool decay;
} role_row;

static const role_row roles[MAS_ROLE_COUNT] = {
    [MAS_ROLE_EMBEDDING] = {"embedding.weight", SIZE_VOCAB, SIZE_WIDTH, ALWAYS, MAS_INIT_NORMAL,
                            true},
    [MAS_ROLE_POSITIONS] = {"positions.weight", SIZE_LENGTH, SIZE_WIDTH, IF_LEARNED,
                            MAS_INIT_NORMAL, false},
    [MAS_ROLE_ATTENTION_NORM_WEIGHT] = {"attention.norm.weight", SIZE_WIDTH, NO_SIZE, ALWAYS,
                                        MAS_INIT_ONE, false},
    [MAS_ROLE_ATTENTION_NORM_BIAS] = {"attention.norm.bias", SIZE_WIDTH, NO_SIZE, IF_LAYERNORM,
                                      MAS_INIT_ZERO, false},
    [MAS_ROLE_QKV_WEIGHT] = {"attention.qkv.weight", SIZE_QKV, SIZE_WIDTH, ALWAYS, MAS_INIT_NORMAL,
                             true},
    [MAS_ROLE_QKV_BIAS] = {"attention.qkv.bias", SIZE_QKV, NO_SIZE, IF_BIAS, MAS_INIT_ZERO, false},
    [MAS_ROLE_SINKS] = {"attention.sinks", SIZE_HEADS, NO_SIZE, IF_SINKS, MAS_INIT_ZERO, false},
    [MAS_ROLE_ATTENTION_OUT_WEIGHT] = {"attention.out.weight", SIZE_WIDTH, SIZE_O, ALWAYS,
                                       MAS_INIT_RESIDUAL, true},
    [MAS_ROLE_ATTENTION_OUT_BIAS] = {"attention.out.bias", SIZE_WIDTH, NO_SIZE, IF_BIAS,
                                     MAS_INIT_ZERO, false},
    [MAS_ROLE_MLP_NORM_WEIGHT] = {"mlp.norm.weight", SIZE_WIDTH, NO_SIZE, ALWAYS, MAS_INIT_ONE,
                                  false},
    [MAS_ROLE_MLP_NORM_BIAS] = {"mlp.norm.bias", SIZE_WIDTH, NO_SIZE, IF_LAYERNORM, MAS_INIT_ZERO,
                                false},
    [MAS_ROLE_MLP_IN_WEIGHT] = {"mlp.in.weight", SIZE_MLP_IN, SIZE_WIDTH, ALWAYS, MAS_INIT_NORMAL,
                                true},
    [MAS_ROLE_MLP_IN_BIAS] = {"mlp.in.bias", SIZE_MLP_IN, NO_SIZE, IF_BIAS, MAS_INIT_ZERO, false},
    [MAS_ROLE_MLP_OUT_WEIGHT] = {"mlp.out.weight", SIZE_WIDTH, SIZE_MLP, ALWAYS, MAS_INIT_RESIDUAL,
                                 true},
    [MAS_ROLE_MLP_OUT_BIAS] = {"mlp.out.bias", SIZE_WIDTH, NO_SIZE, IF_BIAS, MAS_INIT_ZERO, false},
    [MAS_ROLE_NORM_WEIGHT] = {"norm.weight", SIZE_WIDTH, NO_SIZE, ALWAYS, MAS_INIT_ONE, false},
    [MAS_ROLE_NORM_BIAS] = {"norm.bias", SIZE_WIDTH, NO_SIZE, IF_LAYERNORM, MAS_INIT_ZERO, false},
    [MAS_ROLE_UNEMBEDDING] = {"unembedding.weight", SIZE_VOCAB, SIZE_WIDTH, IF_UNTIED,
                              MAS_INIT_NORMAL, true},
};

static int64_t size_of(const mas_model_config *c, size_word word)
{
    switch (word) {
    case SIZE_WIDTH: return c->width;
    case SIZE_VOCAB: return c->vocab;
    case SIZE_LENGTH: return c->max_length;
    case SIZE_HEADS: return c->heads;
    case SIZE_QKV: return mas_qkv_width(c);
    case SIZE_O: return (int64_t)c->heads * c->head_dim;
    case SIZE_MLP_IN: return mas_mlp_in_width(c);
    case SIZE_MLP: return c->mlp_width;
    case NO_SIZE: break;
    }
    return 1;
}

static bool holds(const mas_model_config *c, condition when)
{
    switch (when) {
    case IF_LEARNED: return c->positions == MAS_POSITIONS_LEARNED;
    case IF_LAYERNORM: return c->norm == MAS_NORM_LAYERNORM;
    case IF_BIAS: return c->bias;
    case IF_SINKS: return c->sink_logits;
    case IF_UNTIED: return !c->tied_embeddings;
    case ALWAYS: break;
    }
    return true;
}

int32_t mas_slot_count(const mas_model_config *config)
{
    return MAS_ROLE_COUNT + (config->layers - 1) * MAS_ROLES_PER_LAYER;
}

int32_t mas_slot(const mas_model_config *config, mas_role role, int32_t layer)
{
    if (role < MAS_ROLE_LAYER_FIRST)
        return (int32_t)role;
    if (role < MAS_ROLE_LAYER_END)
        return (int32_t)role + layer * MAS_ROLES_PER_LAYER;
    return (int32_t)role + (config->layers - 1) * MAS_ROLES_PER_LAYER;
}

bool mas_slot_parameter(const mas_model_config *config, int32_t slot, mas_parameter *out,
                        mas_init *init)
{
    const int32_t layers_end = MAS_ROLE_LAYER_FIRST + config->layers * MAS_ROLES_PER_LAYER;
    int32_t role = slot, layer = -1;
    if (slot >= layers_end) {
        role = slot - (config->layers - 1) * MAS_ROLES_PER_LAYER;
    } else if (slot >= MAS_ROLE_LAYER_FIRST) {
        layer = (slot - MAS_ROLE_LAYER_FIRST) / MAS_ROLES_PER_LAYER;
        role = slot - layer * MAS_ROLES_PER_LAYER;
    }
    const role_row *row = &roles[role];
    if (!holds(config, row->when))
        return false;
    *out = (mas_parameter){.dims = row->columns == NO_SIZE ? 1 : 2,
                           .shape = {size_of(config, row->rows), size_of(config, row->columns)},
                           .decay = row->decay};
    out->count = out->shape[0] * out->shape[1];
    if (layer < 0)
        snprintf(out->name, sizeof out->name, "%s", row->name);
    else
        snprintf(out->name, sizeof out->name, "layers.%d.%s", layer, row->name);
    *init = row->init;
    return true;
}

mas_status mas_model_parameters(const mas_model_config *config, mas_parameter **out, int32_t *count,
                                int64_t *total, mas_error *err)
{
    const int32_t slots = mas_slot_count(config);
    mas_parameter *table = malloc((size_t)slots * sizeof *table);
    if (!table)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the table of %d tensors", slots);
    int32_t used = 0;
    int64_t offset = 0;
    for (int32_t slot = 0; slot < slots; slot++) {
        mas_init init;
        if (!mas_slot_parameter(config, slot, &table[used], &init))
            continue;
        table[used].offset = offset;
        offset += (table[used].count + 15) / 16 * 16;
        used++;
    }
    *out = table;
    *count = used;
    *total = offset;
    return MAS_OK;
}

static int64_t count_roles(const mas_model_config *config, bool embeddings)
{
    int64_t count = 0;
    for (int32_t slot = 0; slot < mas_slot_count(config); slot++) {
        mas_parameter p;
        mas_init init;
        const bool embedding = slot == mas_slot(config, MAS_ROLE_EMBEDDING, 0) ||
                               slot == mas_slot(config, MAS_ROLE_POSITIONS, 0) ||
                               slot == mas_slot(config, MAS_ROLE_UNEMBEDDING, 0);
        if ((embeddings || !embedding) && mas_slot_parameter(config, slot, &p, &init))
            count += p.count;
    }
    return count;
}

int64_t mas_model_parameter_count(const mas_model_config *config)
{
    return count_roles(config, true);
}

int64_t mas_model_parameter_count_no_embedding(const mas_model_config *config)
{
    return count_roles(config, false);
}
