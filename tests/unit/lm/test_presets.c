/* SPDX-License-Identifier: Apache-2.0 */
/* Published shapes, against the published numbers of parameters; memory planned against memory taken. */
#include "tests/unit/lm/support.h"

/* Parameters of the published weights. GPT-Neo has no bias on queries, keys and values: 3 width
 * numbers a layer fewer than here. */
Test(lm_presets, parameters)
{
    static const struct {
        mas_preset preset;
        int64_t published;
        bool qkv_bias;
    } known[] = {
        {MAS_PRESET_GPT2, 124439808, true},           {MAS_PRESET_GPT2_MEDIUM, 354823168, true},
        {MAS_PRESET_GPT2_LARGE, 774030080, true},     {MAS_PRESET_GPT2_XL, 1557611200, true},
        {MAS_PRESET_GPT_NEO_125M, 125198592, false},  {MAS_PRESET_GPT_NEO_1P3B, 1315575808, false},
        {MAS_PRESET_GPT_NEO_2P7B, 2651307520, false},
    };
    cr_assert_eq(sizeof known / sizeof *known, MAS_PRESET_COUNT - 1, "every preset");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        mas_error err = {MAS_OK, ""};
        mas_model_config c = mas_model_config_preset(known[i].preset);
        cr_expect_eq(c.preset, known[i].preset);
        must(mas_model_config_resolve(&c, 0, 0, &err), &err);
        const int64_t extra = known[i].qkv_bias ? 0 : (int64_t)3 * c.width * c.layers;
        cr_expect_eq(mas_model_parameter_count(&c), known[i].published + extra, "%d layers of %d",
                     c.layers, c.width);
        cr_expect_eq(c.attention_scale, known[i].qkv_bias ? 0.0f : 1.0f);
    }
}

Test(lm_presets, none_is_the_default)
{
    const mas_model_config a = mas_model_config_preset(MAS_PRESET_NONE),
                           b = mas_model_config_default();
    /* every field: the bytes between them are anything */
    cr_expect_eq(a.preset, b.preset);
    cr_expect_eq(a.layers, b.layers);
    cr_expect_eq(a.width, b.width);
    cr_expect_eq(a.heads, b.heads);
    cr_expect_eq(a.kv_heads, b.kv_heads);
    cr_expect_eq(a.head_dim, b.head_dim);
    cr_expect_eq(a.mlp_width, b.mlp_width);
    cr_expect_eq(a.vocab, b.vocab);
    cr_expect_eq(a.max_length, b.max_length);
    cr_expect_eq(a.positions, b.positions);
    cr_expect_eq(a.full_positions, b.full_positions);
    cr_expect_eq(a.rope_theta, b.rope_theta);
    cr_expect_eq(a.norm, b.norm);
    cr_expect_eq(a.norm_epsilon, b.norm_epsilon);
    cr_expect_eq(a.activation, b.activation);
    cr_expect_eq(a.bias, b.bias);
    cr_expect_eq(a.tied_embeddings, b.tied_embeddings);
    cr_expect_eq(a.sink_logits, b.sink_logits);
    cr_expect_eq(a.softcap, b.softcap);
    cr_expect_eq(a.attention_scale, b.attention_scale);
    cr_expect_eq(a.dtype, b.dtype);
    cr_expect_eq(a.init_std, b.init_std);
}

static void same_memory(const mas_model_config *config, mas_model_use use)
{
    mas_error err = {MAS_OK, ""};
    size_t bytes[MAS_MEMORY_COUNT];
    const mas_plan plan = full_plan(config->layers);
    must(mas_model_memory(config, 160, use, bytes, &err), &err);
    mas_device *device = open_device(1, 0);
    mas_model *model = make_model(device, config, &plan, 160, use, 1);
    for (int i = 0; i < MAS_MEMORY_COUNT; i++)
        cr_expect_eq(bytes[i], device->memory.bytes[i], "%s: %zu planned, %zu taken",
                     mas_memory_name((mas_memory)i), bytes[i], device->memory.bytes[i]);
    mas_model_free(model);
    mas_device_close(device);
}

/* A plan says what creating the model takes. */
Test(lm_presets, memory_is_that_of_the_built_model)
{
    for (mas_model_use use = MAS_MODEL_EVALUATES; use <= MAS_MODEL_RECOMPUTES; use++) {
        mas_model_config c = tiny_config();
        same_memory(&c, use);
        c.dtype = MAS_DTYPE_BF16;
        c.sink_logits = true;
        same_memory(&c, use);
        c.norm = MAS_NORM_LAYERNORM;
        c.activation = MAS_ACTIVATION_GELU;
        c.mlp_width = 100;
        c.positions = MAS_POSITIONS_LEARNED;
        same_memory(&c, use);
    }
}
