/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tiny models with their losses and gradients, for check_model_against_torch.py:
 *     dump_model FOLDER
 * makes NAME.safetensors (weights), NAME.gradients.safetensors and NAME.json (config, tokens,
 * targets, losses). */
#include "harness/lm/internal.h"
#include "masbench/rng.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCES 3
#define LENGTH 29
#define TOKENS (SEQUENCES * LENGTH)
#define VOCAB 41
#define WINDOW 6
#define FULL_LAYER 1 /* of layers 0, 1, 2; the others see the window */

static const struct {
    const char *name;
    mas_positions positions;
    bool full_positions, bias, tied, sinks;
    mas_norm norm;
    mas_activation activation;
    int32_t kv_heads;
    float softcap;
} cases[] = {
    {"rope_rmsnorm_swiglu", MAS_POSITIONS_ROPE, true, false, true, false, MAS_NORM_RMSNORM,
     MAS_ACTIVATION_SWIGLU, 2, 0},
    {"gpt", MAS_POSITIONS_LEARNED, true, true, true, false, MAS_NORM_LAYERNORM, MAS_ACTIVATION_GELU,
     4, 0},
    {"sinks_softcap", MAS_POSITIONS_ROPE, false, false, false, true, MAS_NORM_RMSNORM,
     MAS_ACTIVATION_GELU, 1, 4},
    {"no_positions", MAS_POSITIONS_NONE, true, false, false, false, MAS_NORM_LAYERNORM,
     MAS_ACTIVATION_SWIGLU, 4, 0},
};

static json_t *integers(const int32_t *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

static mas_status dump(size_t index, const char *folder, mas_device *device, mas_error *err)
{
    mas_model_config c = mas_model_config_default();
    c.layers = 3;
    c.width = 24;
    c.positions = cases[index].positions;
    c.full_positions = cases[index].full_positions;
    c.bias = cases[index].bias;
    c.tied_embeddings = cases[index].tied;
    c.sink_logits = cases[index].sinks;
    c.norm = cases[index].norm;
    c.activation = cases[index].activation;
    c.kv_heads = cases[index].kv_heads;
    c.softcap = cases[index].softcap;
    c.init_std = 0.2f;
    const mas_variant *window = NULL;
    mas_status status = mas_model_config_resolve(&c, VOCAB, LENGTH, err);
    if (status == MAS_OK)
        status = mas_variant_find("sliding_window", &window, err);
    if (status != MAS_OK)
        return status;
    mas_plan plan = {.layers = 3, .full_layers = 1, .is_full = {[FULL_LAYER] = true}};
    plan.full = mas_attn_spec_full();
    plan.sparse = mas_attn_spec_default(window);
    plan.sparse.value[mas_variant_option(window, "window")] = WINDOW;
    mas_model *m = NULL;
    status = mas_model_create(device, &c, &plan, TOKENS, true, 7 + index, &m, err);
    if (status != MAS_OK)
        return status;

    mas_rng rng = mas_rng_seed(index, 0);
    const mas_model_state s = mas_model_get_state(m);
    for (int32_t i = 0; i < s.parameter_count; i++)
        for (int64_t j = 0; j < s.parameters[i].count; j++)
            s.weights[s.parameters[i].offset + j] += (float)(0.2 * mas_rng_normal(&rng));
    int32_t tokens[TOKENS], targets[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
        tokens[i] = (int32_t)mas_rng_below(&rng, VOCAB);
        targets[i] = i % 7 == 3 ? -1 : (int32_t)mas_rng_below(&rng, VOCAB);
    }
    const mas_batch batch = {SEQUENCES, LENGTH, tokens, targets};
    float losses[TOKENS];
    double sum = 0;
    char path[1024];
    status = mas_model_evaluate(m, &batch, losses, NULL, err);
    if (status == MAS_OK)
        status = mas_model_gradient(m, &batch, 0.25f, &sum, err);
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, cases[index].name);
    if (status == MAS_OK)
        status = mas_model_save(m, path, false, NULL, err);
    memcpy(s.weights, s.gradients, (size_t)s.count * sizeof *s.weights);
    snprintf(path, sizeof path, "%s/%s.gradients.safetensors", folder, cases[index].name);
    if (status == MAS_OK)
        status = mas_model_save(m, path, false, NULL, err);
    json_t *array = json_array();
    for (int i = 0; i < TOKENS; i++)
        json_array_append_new(array, json_real((double)losses[i]));
    json_t *root = json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:f,s:f,s:f,s:f,s:[i],s:o,s:o,s:o}", "layers",
        c.layers, "heads", c.heads, "kv_heads", c.kv_heads, "head_dim", c.head_dim, "window",
        WINDOW, "rope", c.positions == MAS_POSITIONS_ROPE, "full_positions", c.full_positions,
        "layernorm", c.norm == MAS_NORM_LAYERNORM, "swiglu", c.activation == MAS_ACTIVATION_SWIGLU,
        "theta", (double)c.rope_theta, "epsilon", (double)c.norm_epsilon, "softcap",
        (double)c.softcap, "grad_scale", 0.25, "full_layers", FULL_LAYER, "tokens",
        integers(tokens, TOKENS), "targets", integers(targets, TOKENS), "losses", array);
    snprintf(path, sizeof path, "%s/%s.json", folder, cases[index].name);
    if (status == MAS_OK && json_dump_file(root, path, 0) != 0)
        status = mas_fail(err, MAS_E_IO, "cannot write %s", path);
    json_decref(root);
    mas_model_free(m);
    return status;
}

int main(int argc, char **argv)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: dump_model FOLDER\n");
        return 2;
    }
    mas_status status = mas_device_open_cpu(1, 0, &device, &err);
    for (size_t i = 0; status == MAS_OK && i < sizeof cases / sizeof *cases; i++)
        status = dump(i, argv[1], device, &err);
    if (status != MAS_OK)
        fprintf(stderr, "dump_model: %s\n", err.text);
    mas_device_close(device);
    return status == MAS_OK ? 0 : 1;
}
