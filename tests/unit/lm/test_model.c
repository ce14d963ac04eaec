/* SPDX-License-Identifier: Apache-2.0 */
/* What a model may see, what it counts, what it allocates, and what it refuses. */
#include "tests/unit/lm/support.h"
#include "variants/reach.h"

#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 48

typedef struct probe {
    char name[32];
    mas_positions positions;
    int sparse; /* 0: full everywhere, 1: windows of 5 only, 2: full and windows, 3: blocks of 8
                   only */
} probe;

static mas_plan probe_plan(const probe *p)
{
    if (p->sparse == 0)
        return full_plan(3);
    mas_plan plan = mixed_plan(3, p->sparse == 3 ? block_spec(8) : window_spec(5));
    if (p->sparse != 2) {
        memset(plan.is_full, 0, sizeof plan.is_full);
        plan.full_layers = 0;
    }
    return plan;
}

static void losses_of(mas_model *model, const int32_t *tokens, const int32_t *targets,
                      float *losses)
{
    mas_error err = {MAS_OK, ""};
    const mas_batch batch = {1, LENGTH, tokens, targets};
    must(mas_model_evaluate(model, &batch, losses, NULL, &err), &err);
}

static const probe probes[] = {
    {"full", MAS_POSITIONS_ROPE, 0},
    {"windows", MAS_POSITIONS_NONE, 1},
    {"full and windows", MAS_POSITIONS_LEARNED, 2},
    {"blocks", MAS_POSITIONS_ROPE, 3},
};

ParameterizedTestParameters(lm_model, sees_no_future_and_no_further_than_its_plan)
{
    return cr_make_param_array(probe, (probe *)probes, sizeof probes / sizeof *probes);
}

/* Targets stay as they are while one token changes, so a loss changes only through what the model
 * sees. */
ParameterizedTest(const probe *p, lm_model, sees_no_future_and_no_further_than_its_plan,
                  .timeout = 60)
{
    mas_device *device = open_device(1, 0);
    mas_model_config config = tiny_config();
    config.positions = p->positions;
    const mas_plan plan = probe_plan(p);
    mas_model *model = make_model(device, &config, &plan, LENGTH, false, 1);
    disturb(model, 0.2, 2);
    int32_t tokens[LENGTH], targets[LENGTH];
    float before[LENGTH], after[LENGTH];
    random_batch(tokens, targets, LENGTH, 3);
    for (int i = 0; i < LENGTH; i++)
        targets[i] = (i * 5) % STUB_VOCAB;
    losses_of(model, tokens, targets, before);
    mas_error err = {MAS_OK, ""};
    int64_t reach = 0;
    must(mas_plan_reach(&plan, LENGTH, &reach, &err), &err);
    for (int t = 0; t < LENGTH; t += 7) {
        const int32_t kept = tokens[t];
        tokens[t] = (kept + 1) % STUB_VOCAB;
        losses_of(model, tokens, targets, after);
        tokens[t] = kept;
        cr_expect_neq(before[t], after[t], "%s: token %d changes its own prediction", p->name, t);
        for (int i = 0; i < LENGTH; i++)
            if (i < t || i - t >= reach)
                cr_expect_eq(before[i], after[i],
                             "%s: token %d changed the prediction at %d (reach %d)", p->name, t, i,
                             (int)reach);
        if (p->sparse == 0 && t + 1 < LENGTH)
            cr_expect_neq(before[LENGTH - 1], after[LENGTH - 1],
                          "full attention sees token %d from the end", t);
    }
    mas_model_free(model);
    mas_device_close(device);
}

Test(lm_model, window_of_the_length_is_full_bit_for_bit, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(2, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plans[2] = {full_plan(3), mixed_plan(3, window_spec(LENGTH))};
    int32_t tokens[2 * LENGTH], targets[2 * LENGTH];
    random_batch(tokens, targets, 2 * LENGTH, 3);
    const mas_batch batch = {2, LENGTH, tokens, targets};
    mas_model *models[2];
    double loss[2];
    for (int i = 0; i < 2; i++) {
        models[i] = make_model(device, &config, &plans[i], 2 * LENGTH, true, 7);
        must(mas_model_gradient(models[i], &batch, 1.0f, &loss[i], &err), &err);
    }
    cr_assert_eq(loss[0], loss[1]);
    const mas_model_state a = mas_model_get_state(models[0]), b = mas_model_get_state(models[1]);
    cr_assert_eq(memcmp(a.gradients, b.gradients, (size_t)a.count * sizeof(float)), 0);
    mas_model_free(models[0]);
    mas_model_free(models[1]);
    mas_device_close(device);
}

Test(lm_model, same_seed_same_start_whatever_the_plan_and_options)
{
    mas_device *device = open_device(1, 0);
    mas_model_config config = tiny_config();
    const mas_plan full = full_plan(3), mixed = mixed_plan(3, window_spec(4));
    mas_model *a = make_model(device, &config, &full, 8, false, 7);
    config.sink_logits = true;
    config.positions = MAS_POSITIONS_NONE;
    mas_model *b = make_model(device, &config, &mixed, 8, false, 7);
    mas_model *c = make_model(device, &config, &mixed, 8, false, 8);
    const mas_model_state sa = mas_model_get_state(a), sb = mas_model_get_state(b),
                          sc = mas_model_get_state(c);
    int shared = 0;
    for (int32_t i = 0; i < sa.parameter_count; i++)
        for (int32_t j = 0; j < sb.parameter_count; j++) {
            const mas_parameter *p = &sa.parameters[i], *q = &sb.parameters[j];
            if (strcmp(p->name, q->name) != 0)
                continue;
            shared++;
            const size_t bytes = (size_t)p->count * sizeof(float);
            cr_expect_eq(memcmp(sa.weights + p->offset, sb.weights + q->offset, bytes), 0, "%s",
                         p->name);
            if (p->dims == 2)
                cr_expect_neq(memcmp(sb.weights + q->offset, sc.weights + q->offset, bytes), 0,
                              "%s", p->name);
        }
    cr_assert_eq(shared, sa.parameter_count);
    mas_model_free(a);
    mas_model_free(b);
    mas_model_free(c);
    mas_device_close(device);
}

Test(lm_model, initial_weights_have_the_documented_spread)
{
    mas_device *device = open_device(1, 0);
    mas_model_config config = tiny_config();
    config.width = 96;
    config.head_dim = 24;
    config.mlp_width = 256;
    const mas_plan plan = full_plan(3);
    mas_model *m = make_model(device, &config, &plan, 8, false, 7);
    const mas_model_state s = mas_model_get_state(m);
    for (int32_t i = 0; i < s.parameter_count; i++) {
        const mas_parameter *p = &s.parameters[i];
        double squares = 0;
        for (int64_t j = 0; j < p->count; j++)
            squares += (double)s.weights[p->offset + j] * (double)s.weights[p->offset + j];
        const double spread = sqrt(squares / (double)p->count);
        double expected = p->dims == 2 ? 0.02 : 1.0;
        if (strstr(p->name, "out.weight"))
            expected = 0.02 / sqrt(6.0);
        cr_expect_float_eq(spread, expected, 0.05 * expected, "%s: %g instead of %g", p->name,
                           spread, expected);
    }
    mas_model_free(m);
    mas_device_close(device);
}

Test(lm_model, counts_what_attention_did)
{
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = mixed_plan(3, window_spec(4));
    mas_model *model = make_model(device, &config, &plan, LENGTH, true, 1);
    int32_t tokens[LENGTH], targets[LENGTH];
    float losses[LENGTH];
    random_batch(tokens, targets, LENGTH, 3);
    losses_of(model, tokens, targets, losses);
    losses_of(model, tokens, targets, losses);
    const mas_layer_work *work = mas_model_layer_work(model);
    for (int i = 0; i < 3; i++) {
        cr_expect_not_null(work[i].forward_kernel);
        cr_expect_null(work[i].backward_kernel, "no backward ran");
        cr_expect(work[i].visited_tiles > 0 && work[i].visited_tiles == work[i].scheduled_tiles);
        cr_expect_eq(work[i].empty_rows, 0);
        cr_expect(work[i].q_tile > 0 && work[i].k_tile > 0);
    }
    mas_error err = {MAS_OK, ""};
    double loss;
    const mas_batch batch = {1, LENGTH, tokens, targets};
    must(mas_model_gradient(model, &batch, 1.0f, &loss, &err), &err);
    cr_expect_not_null(work[1].backward_kernel);
    mas_model_free(model);
    mas_device_close(device);
}

Test(lm_model, next_logits_agree_with_the_loss, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    mas_model_config config = tiny_config();
    for (int learned = 0; learned < 2; learned++) {
        config.positions = learned ? MAS_POSITIONS_LEARNED : MAS_POSITIONS_ROPE;
        const mas_plan plan = mixed_plan(3, window_spec(4));
        mas_model *model = make_model(device, &config, &plan, 64, false, 1);
        disturb(model, 0.2, 2);
        int32_t tokens[LENGTH], targets[LENGTH];
        float losses[LENGTH], logits[STUB_VOCAB];
        random_batch(tokens, targets, LENGTH, 3);
        losses_of(model, tokens, targets, losses);
        for (int length = 1; length <= LENGTH; length += 9) {
            must(mas_model_next_logits(model, tokens, length, logits, &err), &err);
            const int32_t target = targets[length - 1];
            double sum = 0;
            for (int i = 0; i < STUB_VOCAB; i++)
                sum += exp((double)logits[i] - (double)logits[0]);
            if (target >= 0)
                cr_expect_float_eq(log(sum) + (double)logits[0] - (double)logits[target],
                                   (double)losses[length - 1], 1e-4, "length %d", length);
        }
        losses_of(model, tokens, targets, losses); /* positions are right again afterwards */
        mas_model_free(model);
    }
    mas_device_close(device);
}

static size_t bytes_in(const mas_device *d, mas_memory category)
{
    return d->memory.bytes[category];
}

Test(lm_model, memory_is_counted_by_category_and_returned)
{
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_model *model = make_model(device, &config, &plan, LENGTH, false, 1);
    const size_t flat = (size_t)mas_model_get_state(model).count * sizeof(float);
    const size_t small = bytes_in(device, MAS_MEMORY_ACTIVATIONS);
    cr_expect(bytes_in(device, MAS_MEMORY_WEIGHTS) >= flat &&
              bytes_in(device, MAS_MEMORY_WEIGHTS) < flat + 4096);
    cr_expect_eq(bytes_in(device, MAS_MEMORY_GRADIENTS) + bytes_in(device, MAS_MEMORY_OPTIMISER),
                 0);
    mas_model_free(model);
    cr_expect_eq(device->memory.total_bytes, 0);

    model = make_model(device, &config, &plan, LENGTH, true, 1);
    cr_expect(bytes_in(device, MAS_MEMORY_GRADIENTS) >= flat);
    cr_expect(bytes_in(device, MAS_MEMORY_OPTIMISER) >= 2 * flat);
    cr_expect(bytes_in(device, MAS_MEMORY_ACTIVATIONS) > 2 * small,
              "training keeps every layer's activations");
    int32_t tokens[LENGTH], targets[LENGTH];
    float losses[LENGTH];
    random_batch(tokens, targets, LENGTH, 3);
    losses_of(model, tokens, targets, losses);
    const size_t used = device->memory.total_bytes;
    cr_expect(bytes_in(device, MAS_MEMORY_WORKSPACE) > 0);
    losses_of(model, tokens, targets, losses);
    cr_expect_eq(device->memory.total_bytes, used, "a second batch allocates nothing");
    mas_model_free(model);
    cr_expect_eq(device->memory.total_bytes, 0);
    mas_device_close(device);
}

/* Whatever allocation hits the cap, creation or the first batch fails cleanly. */
Test(lm_model, a_memory_cap_is_an_error_not_a_crash, .timeout = 60)
{
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    size_t needed = 0;
    int32_t tokens[LENGTH], targets[LENGTH];
    random_batch(tokens, targets, LENGTH, 3);
    const mas_batch batch = {1, LENGTH, tokens, targets};
    for (int percent = 100; percent > 0; percent -= 9) {
        mas_error err = {MAS_OK, ""};
        mas_device *device = open_device(1, needed * (size_t)percent / 100);
        mas_model *model = NULL;
        double loss;
        mas_status status = mas_model_create(device, &config, &plan, LENGTH, true, 1, &model, &err);
        if (status == MAS_OK)
            status = mas_model_gradient(model, &batch, 1.0f, &loss, &err);
        if (percent == 100) {
            cr_assert_eq(status, MAS_OK, "%s", err.text);
            needed = device->memory.total_peak_bytes;
        } else {
            cr_expect_eq(status, MAS_E_MEMORY, "%d %%: %s", percent, mas_status_name(status));
            cr_expect(strlen(err.text) > 0);
        }
        mas_model_free(model);
        cr_expect_eq(device->memory.total_bytes, 0);
        mas_device_close(device);
    }
}

Test(lm_model, refuses_what_it_cannot_do)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    mas_model_config config = tiny_config();
    mas_plan plan = full_plan(2);
    mas_model *model = NULL;
    cr_expect_eq(mas_model_create(device, &config, &plan, LENGTH, true, 1, &model, &err),
                 MAS_E_SHAPE);
    cr_expect_str_eq(err.text, "the layer plan has 2 layers, the model 3");
    plan = full_plan(3);
    plan.full.causal = false;
    cr_expect_eq(mas_model_create(device, &config, &plan, LENGTH, true, 1, &model, &err),
                 MAS_E_ARGUMENT);
    cr_expect_str_eq(
        err.text,
        "layer 0 has attention that is not causal; a language model would see the tokens that it "
        "has to predict");
    plan = full_plan(3);
    cr_expect_eq(mas_model_create(device, &config, &plan, 0, true, 1, &model, &err),
                 MAS_E_ARGUMENT);
    cr_assert_null(model);

    config.positions = MAS_POSITIONS_LEARNED;
    config.max_length = 16;
    model = make_model(device, &config, &plan, LENGTH, false, 1);
    int32_t tokens[LENGTH + 1], targets[LENGTH + 1];
    float losses[LENGTH + 1];
    double loss;
    random_batch(tokens, targets, LENGTH + 1, 3);
    mas_batch batch = {1, LENGTH + 1, tokens, targets};
    cr_expect_eq(mas_model_evaluate(model, &batch, losses, NULL, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text, "a batch of 1 sequences of 49 tokens; the model was built for up to 48 tokens");
    batch.length = 17;
    cr_expect_eq(mas_model_evaluate(model, &batch, losses, NULL, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text,
        "a sequence of 17 tokens is longer than the 16 learned positions (model.max_length)");
    batch.length = 16;
    tokens[3] = STUB_VOCAB;
    cr_expect_eq(mas_model_evaluate(model, &batch, losses, NULL, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text, "token 37 at place 3 of the batch is outside the vocabulary of 37");
    tokens[3] = 0;
    targets[5] = -2;
    cr_expect_eq(mas_model_evaluate(model, &batch, losses, NULL, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text, "target -2 at place 5 of the batch is outside the vocabulary of 37");
    targets[5] = -1;
    cr_expect_eq(mas_model_gradient(model, &batch, 1.0f, &loss, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text, "gradients were asked of a model that was created without training");
    mas_model_free(model);
    mas_device_close(device);
}
