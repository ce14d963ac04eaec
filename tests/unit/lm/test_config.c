/* SPDX-License-Identifier: Apache-2.0 */
/* The `model:` section, the table of tensors and the costs that follow from it. */
#include "tests/unit/lm/support.h"
#include "variants/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(lm_config, derived_fields)
{
    mas_error err = {MAS_OK, ""};
    mas_model_config c = mas_model_config_default();
    must(mas_model_config_resolve(&c, 257, 1024, &err), &err);
    cr_expect_eq(c.kv_heads, 4);
    cr_expect_eq(c.head_dim, 16);
    cr_expect_eq(c.mlp_width, 176, "8 * 64 / 3 = 170.7, rounded up to a multiple of 8");
    cr_expect_eq(c.vocab, 257);
    cr_expect_eq(c.max_length, 1024);
    mas_model_config again = c;
    must(mas_model_config_resolve(&again, 0, 0, &err), &err);
    cr_expect_eq(memcmp(&again, &c, sizeof c), 0, "a resolved config stays as it is");
    c = mas_model_config_default();
    c.activation = MAS_ACTIVATION_GELU;
    must(mas_model_config_resolve(&c, 257, 1024, &err), &err);
    cr_expect_eq(c.mlp_width, 256);
}

typedef struct fault {
    mas_model_config config;
    mas_status status;
    const char *text;
} fault;

Test(lm_config, refusals_name_field_and_numbers)
{
    const mas_model_config good = mas_model_config_default();
    fault faults[12];
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        faults[i].config = good;
    size_t n = 0;
    fault *f = &faults[n++];
    f->config.width = 65;
    f->status = MAS_E_SHAPE;
    f->text = "model.width 65 is not divisible by model.heads 4; change one or set model.head_dim";
    f = &faults[n++];
    f->config.heads = 7;
    f->config.head_dim = 8;
    f->config.kv_heads = 2;
    f->status = MAS_E_SHAPE;
    f->text = "model.heads 7 cannot be shared evenly by model.kv_heads 2; heads must be a multiple "
              "of kv_heads";
    f = &faults[n++];
    f->config.layers = 0;
    f->status = MAS_E_ARGUMENT;
    f->text = "model.layers is 0; it must be 1 to 256";
    f = &faults[n++];
    f->config.head_dim = 257;
    f->status = MAS_E_ARGUMENT;
    f->text = "model.head_dim is 257; it must be 0 to 256";
    f = &faults[n++];
    f->config.head_dim = 15;
    f->status = MAS_E_SHAPE;
    f->text = "rotary positions rotate pairs, so model.head_dim 15 must be even";
    f = &faults[n++];
    f->config.width = 2048;
    f->status = MAS_E_SHAPE;
    f->text = "model.width 2048 over model.heads 4 gives heads of size 512; the largest is 256";
    f = &faults[n++];
    f->config.positions = MAS_POSITIONS_LEARNED;
    f->config.full_positions = false;
    f->status = MAS_E_ARGUMENT;
    f->text = "model.full_positions: false needs model.positions: rope";
    f = &faults[n++];
    f->config.bias = true;
    f->status = MAS_E_ARGUMENT;
    f->text = "model.bias: true needs model.norm: layernorm and model.activation: gelu";
    f = &faults[n++];
    f->config.vocab = 100;
    f->status = MAS_E_SHAPE;
    f->text = "model.vocab is 100, but the tokens need 257";
    f = &faults[n++];
    f->config.positions = MAS_POSITIONS_LEARNED;
    f->config.max_length = 512;
    f->status = MAS_E_SHAPE;
    f->text = "model.max_length is 512, but learned positions are needed for 1024 tokens";
    f = &faults[n++];
    f->config.softcap = (float)NAN;
    f->status = MAS_E_ARGUMENT;
    f->text = "model.softcap is nan; it must be finite and not negative";
    f = &faults[n++];
    f->config.dtype = MAS_DTYPE_F16;
    f->status = MAS_E_DTYPE;
    f->text = "model.dtype is f16; it must be f32 or bf16";
    for (size_t i = 0; i < n; i++) {
        mas_error err = {MAS_OK, ""};
        const mas_model_config before = faults[i].config;
        cr_expect_eq(mas_model_config_resolve(&faults[i].config, 257, 1024, &err), faults[i].status,
                     "%s", faults[i].text);
        cr_expect_str_eq(err.text, faults[i].text);
        cr_expect_eq(memcmp(&before, &faults[i].config, sizeof before), 0,
                     "a refused config is left as it was");
    }
}

Test(lm_config, tensors_of_a_gpt_style_model)
{
    mas_error err = {MAS_OK, ""};
    mas_model_config c = mas_model_config_default();
    c.layers = 2;
    c.width = 20;
    c.heads = 4;
    c.kv_heads = 2;
    c.head_dim = 6;
    c.positions = MAS_POSITIONS_LEARNED;
    c.norm = MAS_NORM_LAYERNORM;
    c.activation = MAS_ACTIVATION_GELU;
    c.bias = true;
    c.sink_logits = true;
    c.tied_embeddings = false;
    must(mas_model_config_resolve(&c, 50, 30, &err), &err);
    static const struct {
        const char *name;
        int64_t rows, columns;
        bool decay;
    } expected[] = {
        {"embedding.weight", 50, 20, true},
        {"positions.weight", 30, 20, false},
        {"layers.0.attention.norm.weight", 20, 1, false},
        {"layers.0.attention.norm.bias", 20, 1, false},
        {"layers.0.attention.qkv.weight", 48, 20, true},
        {"layers.0.attention.qkv.bias", 48, 1, false},
        {"layers.0.attention.sinks", 4, 1, false},
        {"layers.0.attention.out.weight", 20, 24, true},
        {"layers.0.attention.out.bias", 20, 1, false},
        {"layers.0.mlp.norm.weight", 20, 1, false},
        {"layers.0.mlp.norm.bias", 20, 1, false},
        {"layers.0.mlp.in.weight", 80, 20, true},
        {"layers.0.mlp.in.bias", 80, 1, false},
        {"layers.0.mlp.out.weight", 20, 80, true},
        {"layers.0.mlp.out.bias", 20, 1, false},
        {"layers.1.attention.norm.weight", 20, 1, false},
    };
    mas_parameter *table = NULL;
    int32_t count = 0;
    int64_t total = 0, numbers = 0, end = 0;
    must(mas_model_parameters(&c, &table, &count, &total, &err), &err);
    cr_assert_eq(count, 2 + 2 * 13 + 3);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_expect_str_eq(table[i].name, expected[i].name);
        cr_expect_eq(table[i].shape[0], expected[i].rows, "%s", expected[i].name);
        cr_expect_eq(table[i].shape[1], expected[i].columns, "%s", expected[i].name);
        cr_expect_eq(table[i].decay, expected[i].decay, "%s", expected[i].name);
        cr_expect_eq(table[i].dims, expected[i].columns > 1 ? 2 : 1, "%s", expected[i].name);
    }
    cr_expect_str_eq(table[count - 3].name, "norm.weight");
    cr_expect_str_eq(table[count - 2].name, "norm.bias");
    cr_expect_str_eq(table[count - 1].name, "unembedding.weight");
    for (int32_t i = 0; i < count; i++) {
        cr_expect_eq(table[i].offset % 16, 0);
        cr_expect(table[i].offset >= end && table[i].offset < end + 16);
        end = table[i].offset + table[i].count;
        numbers += table[i].count;
    }
    cr_expect(total >= end && total < end + 16 && total % 16 == 0);
    cr_expect_eq(mas_model_parameter_count(&c), numbers);
    cr_expect_eq(mas_model_parameter_count_no_embedding(&c), numbers - 50 * 20 * 2 - 30 * 20);
    free(table);
}

/* GPT-2 small as its paper's model has it: 124,439,808 numbers with 1,024 positions and 50,257
 * tokens. */
Test(lm_config, gpt2_has_as_many_parameters_as_gpt2)
{
    mas_error err = {MAS_OK, ""};
    mas_model_config c = mas_model_config_default();
    c.layers = 12;
    c.width = 768;
    c.heads = 12;
    c.positions = MAS_POSITIONS_LEARNED;
    c.norm = MAS_NORM_LAYERNORM;
    c.activation = MAS_ACTIVATION_GELU;
    c.bias = true;
    must(mas_model_config_resolve(&c, 50257, 1024, &err), &err);
    cr_expect_eq(mas_model_parameter_count(&c), 124439808);
}

Test(lm_config, costs)
{
    mas_error err = {MAS_OK, ""};
    const mas_model_config c = tiny_config(); /* 3 layers, width 24, 4 heads of 6, mlp 40, swiglu */
    const int64_t length = 32, window = 4;
    const mas_plan plan = mixed_plan(3, window_spec(window));
    mas_model_cost cost;
    must(mas_model_cost_at(&c, &plan, length, &cost, &err), &err);
    const double linear =
        2.0 * 32 * (3 * (24.0 * 72 + 24 * 24 + 24 * 80 + 40 * 24) + 24 * STUB_VOCAB);
    const double full_pairs = 32 * 33 / 2, window_pairs = 4 * 32 - 6;
    const double per_pair = 4 * 2.0 * (6 + 6);
    cr_expect_float_eq(cost.linear_forward_flops, linear, 0.5);
    cr_expect_float_eq(cost.attention_forward_flops, per_pair * (full_pairs + 2 * window_pairs),
                       0.5);
    cr_expect_float_eq(cost.forward_flops, cost.linear_forward_flops + cost.attention_forward_flops,
                       0.5);
    cr_expect_float_eq(cost.training_flops, 3 * cost.forward_flops, 0.5);
    cr_expect_float_eq(cost.full_forward_flops, linear + per_pair * 3 * full_pairs, 0.5);
    cr_expect_eq(cost.kv_cache_bytes, (length + 2 * window) * 2 * 24 * 4);
    cr_expect_eq(cost.full_kv_cache_bytes, 3 * length * 2 * 24 * 4);
    cr_expect_eq(cost.weight_bytes, 4 * mas_model_parameter_count(&c));
    const mas_plan wrong = full_plan(4);
    cr_expect_eq(mas_model_cost_at(&c, &wrong, length, &cost, &err), MAS_E_SHAPE);
    cr_expect_str_eq(err.text, "the layer plan has 4 layers, the model 3");
}
