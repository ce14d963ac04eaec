/* SPDX-License-Identifier: Apache-2.0 */
/* The profile of a training step. */
#include "masbench/profile.h"
#include "tests/unit/lm/support.h"

#include <string.h>
#include <time.h>

#define SEQUENCES 8
#define LENGTH 256
#define TOKENS (SEQUENCES * LENGTH)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const mas_profile_entry *entry(const mas_profile *profile, const char *name)
{
    int32_t count = 0;
    const mas_profile_entry *e = mas_profile_entries(profile, &count);
    for (int32_t i = 0; i < count; i++)
        if (strcmp(e[i].name, name) == 0)
            return &e[i];
    cr_assert_fail("no entry %s", name);
    return NULL;
}

static mas_model *model_of(mas_device *device)
{
    mas_model_config config = tiny_config();
    config.width = 64;
    config.mlp_width = 168;
    config.head_dim = 16;
    const mas_plan plan = full_plan(config.layers);
    return make_model(device, &config, &plan, TOKENS, MAS_MODEL_TRAINS, 5);
}

Test(lm_profile, adds_up_to_the_step, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    mas_model *model = model_of(device);
    static int32_t tokens[TOKENS], targets[TOKENS];
    random_batch(tokens, targets, TOKENS, 7);
    const mas_batch batch = {SEQUENCES, LENGTH, tokens, targets};
    const mas_device_ops *own = device->ops;
    mas_profile *profile = NULL, *second = NULL;
    must(mas_profile_begin(device, &profile, &err), &err);
    cr_expect_eq(mas_profile_begin(device, &second, &err), MAS_E_ARGUMENT);
    double loss = 0;
    must(mas_model_gradient(model, &batch, 1.0f, &loss, &err), &err); /* plans and workspace */
    mas_profile_reset(profile);
    const double begin = now();
    must(mas_model_gradient(model, &batch, 1.0f, &loss, &err), &err);
    const double seconds = now() - begin;

    int32_t count = 0;
    const mas_profile_entry *e = mas_profile_entries(profile, &count);
    double sum = 0;
    for (int32_t i = 0; i < count; i++) {
        cr_expect(e[i].seconds >= 0 && (e[i].calls > 0) == (e[i].seconds > 0), "%s", e[i].name);
        sum += e[i].seconds;
    }
    cr_expect(sum <= seconds && sum >= 0.9 * seconds, "%g of %g seconds", sum, seconds);

    static const struct {
        const char *name;
        int64_t calls;
    } calls[] = {{"matmul_forward", 3 * 4},
                 {"matmul_input_gradient", 3 * 4},
                 {"matmul_weight_gradient", 3 * 4},
                 {"attention_forward", 3},
                 {"attention_backward", 3},
                 {"attention_decode", 0},
                 {"cross_entropy", 1},
                 {"norm", 7},
                 {"norm_backward", 7},
                 {"rope", 6},
                 {"activation", 3},
                 {"activation_backward", 3},
                 {"embed", 1},
                 {"embed_backward", 1},
                 {"add_bias", 0},
                 {"adamw", 0}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        cr_expect_eq(entry(profile, calls[i].name)->calls, calls[i].calls, "%s: %lld calls",
                     calls[i].name, (long long)entry(profile, calls[i].name)->calls);

    mas_model_cost cost;
    must(mas_model_cost_at(mas_model_get_config(model), mas_model_get_plan(model), LENGTH, &cost,
                           &err),
         &err);
    const double forward = entry(profile, "matmul_forward")->flops,
                 attention = entry(profile, "attention_forward")->flops,
                 unembedding = entry(profile, "cross_entropy")->flops;
    cr_expect_float_eq(forward + unembedding / 3, SEQUENCES * cost.linear_forward_flops, 1);
    cr_expect_float_eq(attention, SEQUENCES * cost.attention_forward_flops, 1);
    cr_expect_float_eq(entry(profile, "matmul_input_gradient")->flops, forward, 1);
    cr_expect_float_eq(entry(profile, "matmul_weight_gradient")->flops, forward, 1);
    cr_expect_float_eq(entry(profile, "attention_backward")->flops, 2.5 * attention, 1);

    mas_profile_end(profile);
    mas_profile_end(NULL);
    cr_expect_eq(device->ops, own);
    cr_expect_null(device->profile);
    must(mas_profile_begin(device, &second, &err), &err);
    cr_expect_eq(entry(second, "matmul_forward")->calls, 0);
    mas_profile_end(second);
    mas_model_free(model);
    mas_device_close(device);
}
