/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of published models. Numbers: the configurations published with the weights (Hugging Face
 * EleutherAI/gpt-neo-*, openai-community/gpt2*). GPT-Neo differs from them in one point: its query,
 * key and value projections have no bias, ours do with `bias`; that is 3 width numbers a layer, and
 * no multiplication. */
#include "harness/lm/model.h"

#include <assert.h>

/* Common to both families. */
#define GPT_LIKE                                                                                   \
    .positions = MAS_POSITIONS_LEARNED, .full_positions = true, .rope_theta = 10000.0f,            \
    .norm = MAS_NORM_LAYERNORM, .norm_epsilon = 1e-5f, .activation = MAS_ACTIVATION_GELU,          \
    .bias = true, .tied_embeddings = true, .vocab = 50257, .init_std = 0.02f
#define GPT2(preset_, layers_, width_, heads_)                                                     \
    [preset_] = {.preset = preset_,                                                                \
                 .layers = layers_,                                                                \
                 .width = width_,                                                                  \
                 .heads = heads_,                                                                  \
                 .max_length = 1024,                                                               \
                 GPT_LIKE}
#define GPT_NEO(preset_, layers_, width_, heads_)                                                  \
    [preset_] = {.preset = preset_,                                                                \
                 .layers = layers_,                                                                \
                 .width = width_,                                                                  \
                 .heads = heads_,                                                                  \
                 .max_length = 2048,                                                               \
                 .attention_scale = 1.0f,                                                          \
                 GPT_LIKE}

static const mas_model_config presets[MAS_PRESET_COUNT] = {
    GPT2(MAS_PRESET_GPT2, 12, 768, 12),
    GPT2(MAS_PRESET_GPT2_MEDIUM, 24, 1024, 16),
    GPT2(MAS_PRESET_GPT2_LARGE, 36, 1280, 20),
    GPT2(MAS_PRESET_GPT2_XL, 48, 1600, 25),
    GPT_NEO(MAS_PRESET_GPT_NEO_125M, 12, 768, 12),
    GPT_NEO(MAS_PRESET_GPT_NEO_1P3B, 24, 2048, 16),
    GPT_NEO(MAS_PRESET_GPT_NEO_2P7B, 32, 2560, 20),
};

mas_model_config mas_model_config_preset(mas_preset preset)
{
    assert((unsigned)preset < MAS_PRESET_COUNT);
    return preset == MAS_PRESET_NONE ? mas_model_config_default() : presets[preset];
}
