/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/lm/probe.h"

#include "masbench/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB = 64, ORDINARY = VOCAB - 2, POISONED = VOCAB - 1 }; /* the last two: for the change */
enum { MLP_WIDTH = 32 };
enum { RUNS = 3 }; /* unchanged, ordinary, poisoned */
#define SEED 1

mas_model_config mas_probe_config(const mas_model_config *config)
{
    mas_model_config c = *config;
    c.heads = config->heads / config->kv_heads;
    c.kv_heads = 1;
    c.width = c.heads * c.head_dim;
    c.mlp_width = MLP_WIDTH;
    c.vocab = VOCAB;
    c.tied_embeddings = false; /* else the poisoned row is in every logit */
    return c;
}

double mas_probe_flops(const mas_model_config *config, int32_t layers, int64_t length)
{
    return RUNS * 4.0 * config->heads * config->head_dim * layers * (double)length * (double)length;
}

static const mas_parameter *embedding_of(const mas_model_state *state)
{
    for (int32_t i = 0; i < state->parameter_count; i++)
        if (strcmp(state->parameters[i].name, "embedding.weight") == 0)
            return &state->parameters[i];
    return NULL;
}

static mas_status poison(mas_model *model, mas_error *err)
{
    const mas_model_state state = mas_model_get_state(model);
    const mas_parameter *embedding = embedding_of(&state);
    const int64_t width = mas_model_get_config(model)->width;
    float *row = malloc((size_t)width * sizeof *row);
    if (!embedding || !row) {
        free(row);
        return mas_fail(err, MAS_E_MEMORY, "no memory for a row of an embedding");
    }
    for (int64_t i = 0; i < width; i++)
        row[i] = NAN;
    mas_device *device = mas_model_get_device(model);
    device->ops->upload(device, state.weights + embedding->offset + POISONED * width, row,
                        (size_t)width * sizeof *row);
    mas_model_weights_changed(model, false);
    free(row);
    return MAS_OK;
}

/* Losses of the sequence unchanged, with the ordinary and with the poisoned token. */
static mas_status run(mas_model *model, int64_t length, int64_t position, int32_t *tokens,
                      const int32_t *targets, float *losses[RUNS], mas_error *err)
{
    const int32_t unchanged = tokens[position];
    const int32_t change[RUNS] = {unchanged, ORDINARY, POISONED};
    const mas_batch batch = {1, length, tokens, targets};
    mas_status status = poison(model, err);
    for (int i = 0; status == MAS_OK && i < RUNS; i++) {
        tokens[position] = change[i];
        status = mas_model_evaluate(model, &batch, losses[i], NULL, err);
    }
    return status;
}

mas_status mas_probe_measure(mas_device *device, const mas_model_config *config,
                             const mas_plan *plan, int32_t layers, int64_t length, int64_t position,
                             bool *moved, int64_t *visible, mas_error *err)
{
    if (layers < 1 || layers > plan->layers || position < 0 || position >= length)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "token %lld of %lld behind %d of %d layers cannot be changed",
                        (long long)position, (long long)length, layers, plan->layers);
    mas_model_config c = *config;
    c.layers = layers;
    mas_plan *first = malloc(sizeof *first);
    int32_t *ids = malloc(2 * (size_t)length * sizeof *ids);
    float *losses = malloc(RUNS * (size_t)length * sizeof *losses);
    mas_model *model = NULL;
    mas_status status = MAS_OK;
    if (!first || !ids || !losses) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to probe %lld tokens", (long long)length);
        goto done;
    }
    *first = *plan;
    first->layers = layers;
    first->full_layers = 0;
    for (int32_t i = 0; i < layers; i++)
        first->full_layers += first->is_full[i];
    mas_rng rng = mas_rng_seed(SEED, 0);
    for (int64_t i = 0; i < 2 * length; i++)
        ids[i] = (int32_t)mas_rng_below(&rng, ORDINARY);
    status = mas_model_create(device, &c, first, length, MAS_MODEL_EVALUATES, SEED, &model, err);
    float *of[RUNS] = {losses, losses + length, losses + 2 * length};
    if (status == MAS_OK)
        status = run(model, length, position, ids, ids + length, of, err);
    *visible = 0;
    for (int64_t i = 0; status == MAS_OK && i < length; i++) {
        const bool ordinary = memcmp(&of[0][i], &of[1][i], sizeof *losses) != 0;
        *visible += ordinary;
        moved[i] = ordinary || memcmp(&of[0][i], &of[2][i], sizeof *losses) != 0;
    }
done:
    mas_model_free(model);
    free(losses);
    free(ids);
    free(first);
    return status;
}
