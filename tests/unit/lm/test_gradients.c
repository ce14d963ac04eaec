/* SPDX-License-Identifier: Apache-2.0 */
/* Every tensor's gradient against central differences of the loss along random directions. The
 * model computes in f32, so the loss is summed in double over tokens and differences of fourth
 * order allow steps far above the rounding. */
#include "tests/unit/lm/support.h"

#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCES 2
#define LENGTH 19
#define TOKENS (SEQUENCES * LENGTH)
#define DIRECTIONS 3
#define STEP 0.03     /* length of the step along a unit direction */
#define RELATIVE 2e-3 /* of the tensor's gradient norm */
#define FLOOR 1e-6    /* rounding of the differences */

typedef struct combination {
    char name[48];
    mas_positions positions;
    bool full_positions;
    mas_norm norm;
    mas_activation activation;
    bool bias, tied, sink_logits;
    int32_t kv_heads;
    float softcap, scale;
    int sparse; /* 0: window 4, 1: blocks of 5, 2: window 3 and 2 sink tokens, 3: full everywhere */
} combination;

static const combination combinations[] = {
    {"rope rmsnorm swiglu tied grouped window", MAS_POSITIONS_ROPE, true, MAS_NORM_RMSNORM,
     MAS_ACTIVATION_SWIGLU, false, true, false, 2, 0, 0, 0},
    {"learned layernorm gelu bias untied block", MAS_POSITIONS_LEARNED, true, MAS_NORM_LAYERNORM,
     MAS_ACTIVATION_GELU, true, false, false, 4, 0, 0, 1},
    {"none rmsnorm gelu tied logits softcap", MAS_POSITIONS_NONE, true, MAS_NORM_RMSNORM,
     MAS_ACTIVATION_GELU, false, true, true, 1, 3, 0, 0},
    {"rope sparse only layernorm swiglu sinks", MAS_POSITIONS_ROPE, false, MAS_NORM_LAYERNORM,
     MAS_ACTIVATION_SWIGLU, false, false, true, 2, 0, 0, 2},
    {"rope layernorm gelu bias scale softcap full", MAS_POSITIONS_ROPE, true, MAS_NORM_LAYERNORM,
     MAS_ACTIVATION_GELU, true, true, true, 4, 5, 0.7f, 3},
    {"learned rmsnorm swiglu untied window", MAS_POSITIONS_LEARNED, true, MAS_NORM_RMSNORM,
     MAS_ACTIVATION_SWIGLU, false, false, true, 2, 0, 0.3f, 0},
};

static mas_model *build(const combination *c, mas_device *device)
{
    mas_model_config config = tiny_config();
    config.positions = c->positions;
    config.full_positions = c->full_positions;
    config.norm = c->norm;
    config.activation = c->activation;
    config.bias = c->bias;
    config.tied_embeddings = c->tied;
    config.sink_logits = c->sink_logits;
    config.kv_heads = c->kv_heads;
    config.softcap = c->softcap;
    config.attention_scale = c->scale;
    config.init_std = 0.2f;
    mas_attn_spec sparse = c->sparse == 1 ? block_spec(5) : window_spec(c->sparse == 0 ? 4 : 3);
    sparse.sinks = c->sparse == 2 ? 2 : 0;
    const mas_plan plan = c->sparse == 3 ? full_plan(3) : mixed_plan(3, sparse);
    mas_model *model = make_model(device, &config, &plan, TOKENS, true, 11);
    disturb(model, 0.15, 12);
    return model;
}

static double loss_of(mas_model *model, const mas_batch *batch)
{
    mas_error err = {MAS_OK, ""};
    float losses[TOKENS];
    must(mas_model_evaluate(model, batch, losses, NULL, &err), &err);
    double sum = 0;
    for (int i = 0; i < TOKENS; i++)
        sum += (double)losses[i];
    return sum;
}

static double moved_loss(mas_model *model, const mas_batch *batch, float *weight,
                         const float *start, const double *direction, int64_t count, double step)
{
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)((double)start[i] + step * direction[i]);
    const double loss = loss_of(model, batch);
    memcpy(weight, start, (size_t)count * sizeof *weight);
    return loss;
}

/* Largest error of a tensor's directional derivatives, as a multiple of what is allowed. */
static double worst_error(mas_model *model, const mas_batch *batch, const mas_parameter *p,
                          mas_rng *rng)
{
    const mas_model_state s = mas_model_get_state(model);
    float *weight = s.weights + p->offset;
    const float *gradient = s.gradients + p->offset;
    const size_t n = (size_t)p->count;
    float *start = malloc(n * sizeof *start);
    double *direction = malloc(n * sizeof *direction);
    memcpy(start, weight, n * sizeof *start);
    double worst = 0, norm = 0;
    for (size_t i = 0; i < n; i++)
        norm += (double)gradient[i] * (double)gradient[i];
    norm = sqrt(norm);
    for (int d = 0; d < DIRECTIONS; d++) {
        double length = 0, expected = 0;
        for (size_t i = 0; i < n; i++) {
            direction[i] = mas_rng_normal(rng);
            length += direction[i] * direction[i];
        }
        for (size_t i = 0; i < n; i++) {
            direction[i] /= sqrt(length);
            expected += direction[i] * (double)gradient[i];
        }
        double f[4];
        const double steps[4] = {STEP, -STEP, 2 * STEP, -2 * STEP};
        for (int k = 0; k < 4; k++)
            f[k] = moved_loss(model, batch, weight, start, direction, p->count, steps[k]);
        const double measured = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * STEP);
        const double allowed = RELATIVE * norm / sqrt((double)n) + FLOOR * fabs(f[0]);
        worst = fmax(worst, fabs(measured - expected) / allowed);
    }
    free(direction);
    free(start);
    return worst;
}

ParameterizedTestParameters(lm_gradients, finite_differences)
{
    return cr_make_param_array(combination, (combination *)combinations,
                               sizeof combinations / sizeof *combinations);
}

ParameterizedTest(const combination *c, lm_gradients, finite_differences, .timeout = 120)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    mas_model *model = build(c, device);
    int32_t tokens[TOKENS], targets[TOKENS];
    random_batch(tokens, targets, TOKENS, 3);
    const mas_batch batch = {SEQUENCES, LENGTH, tokens, targets};
    double sum = 0;
    mas_model_zero_gradients(model);
    must(mas_model_gradient(model, &batch, 1.0f, &sum, &err), &err);
    cr_assert_eq(sum, loss_of(model, &batch), "%s: training and evaluation compute the same loss",
                 c->name);

    mas_rng rng = mas_rng_seed(4, 4);
    const mas_model_state s = mas_model_get_state(model);
    for (int32_t i = 0; i < s.parameter_count; i++) {
        const double error = worst_error(model, &batch, &s.parameters[i], &rng);
        cr_expect(error < 1, "%s: gradient of %s is off by %.2f times the allowed error", c->name,
                  s.parameters[i].name, error);
    }
    mas_model_free(model);
    mas_device_close(device);
}
