/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults and rules of the `model:` section. The limits keep every product of sizes far inside
 * int64_t. */
#include "harness/lm/model.h"

#include <math.h>

mas_model_config mas_model_config_default(void)
{
    return (mas_model_config){
        .layers = 6,
        .width = 64,
        .heads = 4,
        .positions = MAS_POSITIONS_ROPE,
        .full_positions = true,
        .rope_theta = 10000.0f,
        .norm = MAS_NORM_RMSNORM,
        .norm_epsilon = 1e-5f,
        .activation = MAS_ACTIVATION_SWIGLU,
        .tied_embeddings = true,
        .init_std = 0.02f,
    };
}

static mas_status check_sizes(const mas_model_config *c, mas_error *err)
{
    const struct {
        const char *name;
        int32_t value, min, max;
    } sizes[] = {
        {"layers", c->layers, 1, MAS_LAYERS_MAX},
        {"width", c->width, 1, 65536},
        {"heads", c->heads, 1, 4096},
        {"kv_heads", c->kv_heads, 0, 4096},
        {"head_dim", c->head_dim, 0, MAS_HEAD_DIM_MAX},
        {"mlp_width", c->mlp_width, 0, 1 << 20},
        {"vocab", c->vocab, 0, 1 << 24},
        {"max_length", c->max_length, 0, 1 << 24},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < sizes[i].min || sizes[i].value > sizes[i].max)
            return mas_fail(err, MAS_E_ARGUMENT, "model.%s is %d; it must be %d to %d",
                            sizes[i].name, sizes[i].value, sizes[i].min, sizes[i].max);
    return MAS_OK;
}

static mas_status check_numbers(const mas_model_config *c, mas_error *err)
{
    const struct {
        const char *name;
        float value;
        bool zero_allowed;
    } numbers[] = {
        {"rope_theta", c->rope_theta, false}, {"norm_epsilon", c->norm_epsilon, false},
        {"softcap", c->softcap, true},        {"attention_scale", c->attention_scale, true},
        {"init_std", c->init_std, true},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!isfinite(numbers[i].value) || numbers[i].value < 0 ||
            (numbers[i].value == 0 && !numbers[i].zero_allowed))
            return mas_fail(err, MAS_E_ARGUMENT, "model.%s is %g; it must be finite and %s",
                            numbers[i].name, (double)numbers[i].value,
                            numbers[i].zero_allowed ? "not negative" : "above 0");
    if ((unsigned)c->positions >= MAS_POSITIONS_COUNT || (unsigned)c->norm >= MAS_NORM_COUNT ||
        (unsigned)c->activation >= MAS_ACTIVATION_COUNT)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "model.positions, model.norm or model.activation is not a known word");
    if (c->dtype != MAS_DTYPE_F32 && c->dtype != MAS_DTYPE_BF16)
        return mas_fail(err, MAS_E_DTYPE, "model.dtype is %s; it must be f32 or bf16",
                        (unsigned)c->dtype < MAS_DTYPE_COUNT ? mas_dtype_name(c->dtype)
                                                             : "unknown");
    return MAS_OK;
}

/* Rules between options of a config whose derived fields are filled. */
static mas_status check_rules(const mas_model_config *c, mas_error *err)
{
    if (c->heads % c->kv_heads != 0)
        return mas_fail(
            err, MAS_E_SHAPE,
            "model.heads %d cannot be shared evenly by model.kv_heads %d; heads must be "
            "a multiple of kv_heads",
            c->heads, c->kv_heads);
    if (c->positions == MAS_POSITIONS_ROPE && c->head_dim % 2 != 0)
        return mas_fail(err, MAS_E_SHAPE,
                        "rotary positions rotate pairs, so model.head_dim %d must be even",
                        c->head_dim);
    if (!c->full_positions && c->positions != MAS_POSITIONS_ROPE)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "model.full_positions: false needs model.positions: rope");
    if (c->bias && (c->norm != MAS_NORM_LAYERNORM || c->activation != MAS_ACTIVATION_GELU))
        return mas_fail(err, MAS_E_ARGUMENT,
                        "model.bias: true needs model.norm: layernorm and model.activation: gelu");
    return MAS_OK;
}

mas_status mas_model_config_resolve(mas_model_config *config, int32_t vocab, int32_t max_length,
                                    mas_error *err)
{
    mas_model_config c = *config;
    mas_status status = check_sizes(&c, err);
    if (status == MAS_OK)
        status = check_numbers(&c, err);
    if (status != MAS_OK)
        return status;
    if (c.vocab == 0)
        c.vocab = vocab;
    if (c.vocab < 1 || c.vocab < vocab)
        return mas_fail(err, MAS_E_SHAPE, "model.vocab is %d, but the tokens need %d", c.vocab,
                        vocab < 1 ? 1 : vocab);
    if (c.max_length == 0)
        c.max_length = max_length;
    if (c.positions == MAS_POSITIONS_LEARNED && (c.max_length < 1 || c.max_length < max_length))
        return mas_fail(err, MAS_E_SHAPE,
                        "model.max_length is %d, but learned positions are needed for %d tokens",
                        c.max_length, max_length < 1 ? 1 : max_length);
    if (c.kv_heads == 0)
        c.kv_heads = c.heads;
    if (c.head_dim == 0) {
        if (c.width % c.heads != 0)
            return mas_fail(err, MAS_E_SHAPE,
                            "model.width %d is not divisible by model.heads %d; change one or set "
                            "model.head_dim",
                            c.width, c.heads);
        c.head_dim = c.width / c.heads;
        if (c.head_dim > MAS_HEAD_DIM_MAX)
            return mas_fail(
                err, MAS_E_SHAPE,
                "model.width %d over model.heads %d gives heads of size %d; the largest "
                "is %d",
                c.width, c.heads, c.head_dim, MAS_HEAD_DIM_MAX);
    }
    if (c.mlp_width == 0) /* for swiglu 8 C / 3 rounded up to a multiple of 8 */
        c.mlp_width = c.activation == MAS_ACTIVATION_GELU ? 4 * c.width : (c.width + 2) / 3 * 8;
    status = check_rules(&c, err);
    if (status == MAS_OK)
        *config = c;
    return status;
}
