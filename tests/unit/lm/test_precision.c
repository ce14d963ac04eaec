/* SPDX-License-Identifier: Apache-2.0 */
/* Models in bf16, and the recomputation of activations. */
#include "tests/unit/lm/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQUENCES 3
#define LENGTH 23
#define TOKENS (SEQUENCES * LENGTH)

static mas_model_config config_of(mas_dtype dtype, bool gpt)
{
    mas_model_config c = tiny_config();
    c.dtype = dtype;
    c.init_std = 0.2f;
    if (gpt) {
        c.positions = MAS_POSITIONS_LEARNED;
        c.norm = MAS_NORM_LAYERNORM;
        c.activation = MAS_ACTIVATION_GELU;
        c.bias = true;
        c.tied_embeddings = false;
        c.sink_logits = true;
    }
    return c;
}

/* Gradients of one batch, to be freed; *loss is the mean. */
static float *gradients_of(const mas_model_config *config, mas_model_use use, int threads,
                           double *loss)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(threads, 0);
    const mas_plan plan = mixed_plan(config->layers, window_spec(8));
    mas_model *model = make_model(device, config, &plan, TOKENS, use, 5);
    disturb(model, 0.1, 6);
    mas_model_weights_changed(model, false);
    int32_t tokens[TOKENS], targets[TOKENS];
    random_batch(tokens, targets, TOKENS, 7);
    const mas_batch batch = {SEQUENCES, LENGTH, tokens, targets};
    mas_model_zero_gradients(model);
    for (int part = 0; part < 2; part++) /* the second is added to the first */
        must(mas_model_gradient(model, &batch, 1.0f / TOKENS, loss, &err), &err);
    *loss /= TOKENS;
    const mas_model_state s = mas_model_get_state(model);
    float *out = malloc((size_t)s.count * sizeof *out);
    memcpy(out, s.gradients, (size_t)s.count * sizeof *out);
    mas_model_free(model);
    mas_device_close(device);
    return out;
}

/* Eight bits of mantissa through three layers: a few percent of a tensor's gradient. */
Test(lm_precision, bf16_gradients_are_near_those_of_f32, .timeout = 60)
{
    for (int gpt = 0; gpt < 2; gpt++) {
        const mas_model_config wide = config_of(MAS_DTYPE_F32, gpt),
                               narrow = config_of(MAS_DTYPE_BF16, gpt);
        mas_parameter *parameters = NULL;
        int32_t count = 0;
        int64_t total = 0;
        mas_error err = {MAS_OK, ""};
        must(mas_model_parameters(&wide, &parameters, &count, &total, &err), &err);
        double wide_loss = 0, narrow_loss = 0;
        float *want = gradients_of(&wide, MAS_MODEL_TRAINS, 2, &wide_loss);
        float *got = gradients_of(&narrow, MAS_MODEL_TRAINS, 2, &narrow_loss);
        cr_expect(fabs(narrow_loss - wide_loss) < 0.01 * wide_loss, "%g, %g", narrow_loss,
                  wide_loss);
        for (int32_t i = 0; i < count; i++) {
            const mas_parameter *p = &parameters[i];
            double error = 0, norm = 0;
            for (int64_t j = p->offset; j < p->offset + p->count; j++) {
                const double e = (double)got[j] - (double)want[j];
                error += e * e;
                norm += (double)want[j] * (double)want[j];
            }
            cr_expect(sqrt(error) <= 0.05 * sqrt(norm), "%s: %.3g of the gradient", p->name,
                      sqrt(error / norm));
            cr_expect(error > 0, "%s: no rounding at all", p->name);
        }
        free(want);
        free(got);
        free(parameters);
    }
}

Test(lm_precision, threads_and_recomputation_change_no_bit, .timeout = 60)
{
    static const mas_dtype types[] = {MAS_DTYPE_F32, MAS_DTYPE_BF16};
    for (int which = 0; which < 4; which++) {
        const mas_model_config config = config_of(types[which % 2], which / 2);
        double first = 0, again = 0;
        float *want = gradients_of(&config, MAS_MODEL_TRAINS, 1, &first);
        static const struct {
            mas_model_use use;
            int threads;
        } others[] = {{MAS_MODEL_TRAINS, 3}, {MAS_MODEL_RECOMPUTES, 1}, {MAS_MODEL_RECOMPUTES, 2}};
        mas_parameter *parameters = NULL;
        int32_t count = 0;
        int64_t total = 0;
        mas_error err = {MAS_OK, ""};
        must(mas_model_parameters(&config, &parameters, &count, &total, &err), &err);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            float *got = gradients_of(&config, others[i].use, others[i].threads, &again);
            cr_expect_eq(first, again);
            cr_expect_eq(memcmp(got, want, (size_t)total * sizeof *got), 0, "%d, %zu", which, i);
            free(got);
        }
        free(want);
        free(parameters);
    }
}

static size_t activation_bytes(mas_dtype dtype, mas_model_use use)
{
    mas_device *device = open_device(1, 0);
    const mas_model_config config = config_of(dtype, false);
    const mas_plan plan = full_plan(config.layers);
    mas_model *model = make_model(device, &config, &plan, 1024, use, 1);
    const size_t bytes = device->memory.bytes[MAS_MEMORY_ACTIVATIONS];
    mas_model_free(model);
    mas_device_close(device);
    return bytes;
}

Test(lm_precision, both_save_memory)
{
    const size_t kept = activation_bytes(MAS_DTYPE_F32, MAS_MODEL_TRAINS),
                 again = activation_bytes(MAS_DTYPE_F32, MAS_MODEL_RECOMPUTES),
                 narrow = activation_bytes(MAS_DTYPE_BF16, MAS_MODEL_TRAINS);
    /* a layer's qkv, head outputs, norms, mlp and streams, in floats per token, but for its input */
    const size_t layer = 3 * 24 + 24 + 2 * 24 + 24 + 3 * 40 + 4 + 2;
    cr_expect_eq(kept - again, 2 * layer * 1024 * sizeof(float));
    cr_expect_lt(narrow, kept * 3 / 4);
}

static mas_train_config training(void)
{
    mas_train_config t = mas_train_config_default();
    t.batch_tokens = 512;
    t.tokens = 60 * 512;
    t.seq_len = 32;
    t.evaluations = 1;
    t.curve_tokens = 100;
    t.checkpoint_seconds = 0;
    t.learning_rate = 1e-2f;
    return t;
}

static double final_loss(mas_dtype dtype)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(2, 0);
    mas_model_config config = config_of(dtype, false);
    config.init_std = 0.05f;
    const mas_plan plan = mixed_plan(config.layers, window_spec(8));
    const mas_train_config t = training();
    const mas_eval_config evaluation = mas_eval_config_default();
    const mas_corpus corpus = stub_corpus();
    mas_model *model = make_model(device, &config, &plan, t.batch_tokens, mas_train_use(&t), 5);
    mas_train_report report;
    must(mas_train(model, &corpus, &t, &evaluation, 3, NULL, NULL, &report, &err), &err);
    double loss = 0;
    for (int64_t i = report.steps - 10; i < report.steps; i++)
        loss += report.step_losses[i] / 10;
    cr_expect_lt(loss, 0.6 * report.step_losses[0], "it learns: %g to %g", report.step_losses[0],
                 loss);
    const mas_model_state s = mas_model_get_state(model);
    for (int64_t i = 0; s.copy && i < s.count; i++)
        cr_assert_eq(s.copy[i], mas_f32_to_bf16(s.weights[i]), "the copy of weight %lld is old",
                     (long long)i);
    mas_train_report_free(&report);
    mas_model_free(model);
    mas_device_close(device);
    return loss;
}

Test(lm_precision, bf16_trains_as_well_as_f32, .timeout = 120)
{
    const double wide = final_loss(MAS_DTYPE_F32), narrow = final_loss(MAS_DTYPE_BF16);
    cr_expect(fabs(narrow - wide) < 0.02 * wide, "%g in bf16, %g in f32", narrow, wide);
}

static bool stop_at(void *user, int64_t step, int64_t steps, int64_t tokens, double loss)
{
    const int64_t *last = user;
    (void)steps, (void)tokens, (void)loss;
    return step < *last;
}

/* Stopped half-way and resumed by a model with another start, with other recomputation. */
Test(lm_precision, a_resumed_bf16_run_equals_an_uninterrupted_one, .timeout = 120)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(2, 0);
    const mas_model_config config = config_of(MAS_DTYPE_BF16, true);
    const mas_plan plan = mixed_plan(config.layers, window_spec(8));
    mas_train_config t = training();
    t.tokens = 6 * 512;
    const mas_corpus corpus = stub_corpus();
    const char *path = temporary("precision");
    mas_model *whole = make_model(device, &config, &plan, t.batch_tokens, MAS_MODEL_TRAINS, 5);
    mas_train_report report;
    must(mas_train(whole, &corpus, &t, NULL, 3, NULL, NULL, &report, &err), &err);
    mas_train_report_free(&report);

    mas_model *model = make_model(device, &config, &plan, t.batch_tokens, MAS_MODEL_TRAINS, 5);
    int64_t last = 3;
    const mas_train_monitor monitor = {.step = stop_at, .user = &last};
    cr_assert_eq(mas_train(model, &corpus, &t, NULL, 3, path, &monitor, &report, &err),
                 MAS_E_INTERRUPTED);
    mas_train_report_free(&report);
    mas_model_free(model);
    model = make_model(device, &config, &plan, t.batch_tokens, MAS_MODEL_RECOMPUTES, 99);
    must(mas_train(model, &corpus, &t, NULL, 3, path, NULL, &report, &err), &err);
    cr_expect(report.resumed);
    const mas_model_state a = mas_model_get_state(whole), b = mas_model_get_state(model);
    cr_expect_eq(memcmp(a.weights, b.weights, (size_t)a.count * sizeof(float)), 0);
    cr_expect_eq(memcmp(a.copy, b.copy, (size_t)a.count * sizeof *a.copy), 0);
    mas_train_report_free(&report);
    mas_model_free(model);
    mas_model_free(whole);
    mas_device_close(device);
}
