/* SPDX-License-Identifier: Apache-2.0 */
/* Training: the same bits for any number of threads, the recorded losses, parts that add up, and
 * schedules. */
#include "tests/unit/lm/support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mas_train_config short_training(void)
{
    mas_train_config t = mas_train_config_default();
    t.batch_tokens = 256;
    t.tokens = 10 * 256;
    t.seq_len = 64;
    t.start_len = 16;
    t.evaluations = 1;
    t.curve_tokens = 100;
    t.checkpoint_seconds = 0;
    t.warmup = 0.2;
    return t;
}

static void train(mas_model *model, const mas_train_config *t, uint64_t seed,
                  mas_train_report *report)
{
    mas_error err = {MAS_OK, ""};
    const mas_corpus corpus = stub_corpus();
    const mas_eval_config evaluation = mas_eval_config_default();
    must(mas_train(model, &corpus, t, &evaluation, seed, NULL, NULL, report, &err), &err);
}

/* ---- golden losses ---- */

typedef struct golden_run {
    const char *name;
    mas_model_config config;
    mas_plan plan;
} golden_run;

static golden_run golden(int index)
{
    golden_run g = {"window_rope_rmsnorm_swiglu", tiny_config(), mixed_plan(3, window_spec(8))};
    if (index == 1) {
        g.name = "block_learned_layernorm_gelu_bias";
        g.plan = mixed_plan(3, block_spec(8));
        g.config.positions = MAS_POSITIONS_LEARNED;
        g.config.norm = MAS_NORM_LAYERNORM;
        g.config.activation = MAS_ACTIVATION_GELU;
        g.config.bias = true;
        g.config.tied_embeddings = false;
    } else if (index == 2) {
        g.name = "full_grouped_sinks_softcap";
        g.plan = full_plan(3);
        g.config.kv_heads = 2;
        g.config.sink_logits = true;
        g.config.softcap = 10;
    }
    g.config.init_std = 0.1f;
    return g;
}
#define GOLDEN_RUNS 3
#define GOLDEN_FILE "tests/golden/lm_training_losses.txt"
#define GOLDEN_TOLERANCE 1e-5

/* Lines "name loss1 .. loss10"; '#' starts a comment. The file is looked up from
 * MAS_SOURCE_ROOT. */
static bool read_golden(const char *name, double *losses, int count)
{
    char path[512], line[1024];
    const char *root = getenv("MAS_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", GOLDEN_FILE);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s: %s; set MAS_SOURCE_ROOT", path, strerror(errno));
    bool found = false;
    while (!found && fgets(line, sizeof line, f)) {
        const size_t length = strcspn(line, " \n");
        if (strncmp(line, name, length) != 0 || strlen(name) != length)
            continue;
        char *at = line + length;
        for (int i = 0; i < count; i++)
            losses[i] = strtod(at, &at);
        found = true;
    }
    fclose(f);
    return found;
}

/* What the model computes today, step by step. The tolerance lets instruction sets and libraries
 * round as they do; a changed formula moves a loss by more. */
Test(lm_train, golden_losses, .timeout = 120)
{
    for (int run = 0; run < GOLDEN_RUNS; run++) {
        const golden_run g = golden(run);
        const mas_train_config t = short_training();
        mas_device *device = open_device(1, 0);
        mas_model *model = make_model(device, &g.config, &g.plan, 256, true, 17);
        mas_train_report report;
        double expected[10] = {0};
        train(model, &t, 17, &report);
        cr_assert_eq(report.steps, 10);
        const bool found = read_golden(g.name, expected, 10);
        char measured[512];
        int used = snprintf(measured, sizeof measured, "%s", g.name);
        for (int i = 0; i < 10; i++)
            used += snprintf(measured + used, sizeof measured - (size_t)used, " %.7f",
                             report.step_losses[i]);
        cr_expect(found, "no line in %s; measured\n%s", GOLDEN_FILE, measured);
        for (int i = 0; found && i < 10; i++)
            cr_expect_float_eq(report.step_losses[i], expected[i], GOLDEN_TOLERANCE * expected[i],
                               "%s, step %d: %.7f instead of %.7f; measured\n%s", g.name, i + 1,
                               report.step_losses[i], expected[i], measured);
        cr_expect_lt(report.step_losses[9], report.step_losses[0] - 0.1, "%s learns", g.name);
        mas_train_report_free(&report);
        mas_model_free(model);
        mas_device_close(device);
    }
}

/* ---- determinism ---- */

Test(lm_train, bit_equal_for_any_number_of_threads, .timeout = 240)
{
    static const int threads[] = {1, 2, 7};
    mas_model_config config =
        mas_model_config_default(); /* width 64: large enough for several pieces of work */
    mas_error err = {MAS_OK, ""};
    config.layers = 2;
    config.sink_logits = true;
    must(mas_model_config_resolve(&config, STUB_VOCAB, 256, &err), &err);
    mas_train_config t = short_training();
    t.batch_tokens = 2048;
    t.tokens = 3 * 2048;
    t.seq_len = 256;
    t.start_len = 128;
    const mas_plan plan = mixed_plan(2, window_spec(16));
    float *weights = NULL;
    mas_train_report reports[3];
    for (int i = 0; i < 3; i++) {
        mas_device *device = open_device(threads[i], 0);
        mas_model *model = make_model(device, &config, &plan, 2048, true, 5);
        train(model, &t, 6, &reports[i]);
        const mas_model_state s = mas_model_get_state(model);
        const size_t bytes = (size_t)s.count * sizeof(float);
        if (i == 0) {
            weights = malloc(bytes);
            memcpy(weights, s.weights, bytes);
        }
        cr_expect_eq(memcmp(weights, s.weights, bytes), 0, "weights differ with %d threads",
                     threads[i]);
        cr_expect_eq(memcmp(reports[0].step_losses, reports[i].step_losses, 3 * sizeof(double)), 0);
        cr_expect_eq(reports[0].curve[1].validation_loss, reports[i].curve[1].validation_loss);
        mas_model_free(model);
        mas_device_close(device);
    }
    for (int i = 0; i < 3; i++)
        mas_train_report_free(&reports[i]);
    free(weights);
}

Test(lm_train, variants_see_the_same_batches, .timeout = 60)
{
    /* without any attention output the plan makes no difference, so equal losses mean equal batches
     */
    mas_model_config config = tiny_config();
    const mas_plan plans[2] = {full_plan(3), mixed_plan(3, window_spec(2))};
    const mas_train_config t = short_training();
    mas_train_report reports[2];
    for (int i = 0; i < 2; i++) {
        mas_device *device = open_device(1, 0);
        mas_model *model = make_model(device, &config, &plans[i], 256, true, 5);
        for (int layer = 0; layer < 3; layer++)
            device->ops->zero(device, mas_weight(model, MAS_ROLE_ATTENTION_OUT_WEIGHT, layer),
                              24 * 24 * sizeof(float));
        train(model, &t, 6, &reports[i]);
        mas_model_free(model);
        mas_device_close(device);
    }
    cr_expect_eq(reports[0].step_losses[0], reports[1].step_losses[0]);
    mas_train_report_free(&reports[0]);
    mas_train_report_free(&reports[1]);
}

Test(lm_train, accumulated_parts_equal_one_big_batch, .timeout = 60)
{
    const mas_model_config config = tiny_config();
    const mas_plan plan = mixed_plan(3, window_spec(8));
    mas_train_config t = short_training();
    mas_train_report reports[2];
    for (int i = 0; i < 2; i++) {
        mas_device *device = open_device(1, 0);
        t.accumulate = i == 0 ? 1 : 4;
        mas_model *model = make_model(device, &config, &plan, 256 / t.accumulate, true, 5);
        train(model, &t, 6, &reports[i]);
        mas_model_free(model);
        mas_device_close(device);
    }
    for (int i = 0; i < 10; i++)
        cr_expect_float_eq(reports[0].step_losses[i], reports[1].step_losses[i], 2e-5,
                           "step %d: %.9g and %.9g", i + 1, reports[0].step_losses[i],
                           reports[1].step_losses[i]);
    mas_train_report_free(&reports[0]);
    mas_train_report_free(&reports[1]);
}

Test(lm_train, gradients_add_and_scale, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_model *model = make_model(device, &config, &plan, 64, true, 5);
    disturb(model, 0.1, 6);
    int32_t tokens[64], targets[64];
    random_batch(tokens, targets, 64, 7);
    const mas_batch batch = {2, 32, tokens, targets};
    const mas_model_state s = mas_model_get_state(model);
    float *once = malloc((size_t)s.count * sizeof *once);
    double loss;
    must(mas_model_gradient(model, &batch, 1.0f, &loss, &err), &err);
    memcpy(once, s.gradients, (size_t)s.count * sizeof *once);
    must(mas_model_gradient(model, &batch, 0.5f, &loss, &err), &err);
    double worst = 0, norm = 0;
    for (int64_t i = 0; i < s.count; i++) {
        worst = fmax(worst, fabs((double)s.gradients[i] - 1.5 * (double)once[i]));
        norm += (double)once[i] * (double)once[i];
    }
    cr_expect(worst < 1e-5 * sqrt(norm), "worst %g of %g", worst, sqrt(norm));
    mas_model_zero_gradients(model);
    cr_expect_eq(device->ops->sum_squares(device, s.count, s.gradients), 0.0);
    free(once);
    mas_model_free(model);
    mas_device_close(device);
}

/* ---- one optimiser step by hand ---- */

Test(lm_train, first_step_clips_and_decays_only_matrices, .timeout = 60)
{
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_train_config t = short_training();
    t.tokens = t.batch_tokens;
    t.warmup = 0;
    t.schedule = MAS_LR_CONSTANT;
    t.weight_decay = 0.5f;
    t.epsilon = 1e-3f; /* large, so that the gradient's scale shows in the step */
    t.clip = 0.25f;
    mas_device *device = open_device(1, 0);
    mas_model *model = make_model(device, &config, &plan, 256, true, 5);
    const mas_model_state s = mas_model_get_state(model);
    const size_t bytes = (size_t)s.count * sizeof(float);
    float *start = malloc(bytes);
    memcpy(start, s.weights, bytes);
    mas_train_report report;
    train(model, &t, 6, &report);
    cr_assert(report.curve[0].gradient_norm > 0.25, "the clip is at work: %g",
              report.curve[0].gradient_norm);
    const double scale = 0.25 / report.curve[0].gradient_norm, rate = (double)t.learning_rate;
    for (int32_t i = 0; i < s.parameter_count; i++)
        for (int64_t j = s.parameters[i].offset; j < s.parameters[i].offset + s.parameters[i].count;
             j++) {
            const double g = (double)s.gradients[j] * scale;
            const double decay = s.parameters[i].decay ? rate * 0.5 * (double)start[j] : 0;
            const double expected = (double)start[j] - decay - rate * g / (fabs(g) + 1e-3);
            cr_assert_float_eq((double)s.weights[j], expected, 1e-6, "%s: %g instead of %g",
                               s.parameters[i].name, (double)s.weights[j], expected);
        }
    mas_train_report_free(&report);
    free(start);
    mas_model_free(model);
    mas_device_close(device);
}

/* ---- schedules ---- */

Test(lm_train, lengths_double_in_equal_shares)
{
    mas_train_config t = short_training(); /* 16, 32 in the first half, then 64 */
    t.tokens = 100 * t.batch_tokens;
    cr_assert_eq(mas_train_steps(&t), 100);
    for (int64_t step = 0; step < 100; step++)
        cr_expect_eq(mas_train_length(&t, step),
                     step < 25   ? 16
                     : step < 50 ? 32
                                 : 64,
                     "step %d", (int)step);
    t.tokens += 1;
    cr_expect_eq(mas_train_steps(&t), 101, "a begun step is a step");
    t.start_len = 0;
    cr_expect_eq(mas_train_length(&t, 0), 64);
}

Test(lm_train, learning_rates)
{
    mas_train_config t = short_training();
    t.tokens = 100 * t.batch_tokens;
    t.learning_rate = 1.0f;
    t.warmup = 0.1;
    t.min_learning_rate = 0.25f;
    t.schedule = MAS_LR_COSINE;
    cr_expect_float_eq(mas_train_rate(&t, 1), 0.1, 1e-12);
    cr_expect_float_eq(mas_train_rate(&t, 10), 1.0, 1e-12);
    cr_expect_float_eq(mas_train_rate(&t, 55), 0.625, 1e-12, "half way down");
    cr_expect_float_eq(mas_train_rate(&t, 100), 0.25, 1e-12);
    t.schedule = MAS_LR_LINEAR;
    cr_expect_float_eq(mas_train_rate(&t, 28), 1 - 0.75 * 0.2, 1e-12);
    cr_expect_float_eq(mas_train_rate(&t, 100), 0.25, 1e-12);
    t.schedule = MAS_LR_CONSTANT;
    cr_expect_float_eq(mas_train_rate(&t, 100), 1.0, 1e-12);
    t.warmup = 0;
    cr_expect_float_eq(mas_train_rate(&t, 1), 1.0, 1e-12);
    t.warmup = 0.07; /* times 100 it is a bit more than 7 */
    cr_expect_float_eq(mas_train_rate(&t, 7), 1.0, 1e-12);
    t.warmup = 0.071;
    cr_expect_float_eq(mas_train_rate(&t, 7), 7.0 / 8.0, 1e-12);
    t.warmup = 1;
    cr_expect_float_eq(mas_train_rate(&t, 99), 0.99, 1e-12);
}

Test(lm_train, curve_points_are_evenly_spaced_and_end_at_the_end)
{
    mas_train_config t = short_training();
    t.tokens = 10 * t.batch_tokens;
    t.evaluations = 3; /* at floor(10 i / 4) */
    for (int64_t step = 1; step <= 10; step++)
        cr_expect_eq(mas_train_curve_step(&t, step),
                     step == 2 || step == 5 || step == 7 || step == 10, "%d", (int)step);
    t.evaluations = 100;
    for (int64_t step = 1; step <= 10; step++)
        cr_expect(mas_train_curve_step(&t, step));
    t.evaluations = 0;
    for (int64_t step = 1; step <= 10; step++)
        cr_expect_eq(mas_train_curve_step(&t, step), step == 10);
}

Test(lm_train, curve_and_report, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_model *model = make_model(device, &config, &plan, 256, true, 5);
    mas_train_config t = short_training();
    t.evaluations = 4;
    mas_train_report r;
    train(model, &t, 6, &r);
    cr_assert_eq(r.curve_count, 5);
    cr_expect_eq(r.tokens, 2560);
    cr_expect_not(r.resumed);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(r.curve[i].step, 2 * (i + 1));
        cr_expect_eq(r.curve[i].tokens, 512 * (i + 1));
        cr_expect_float_eq(r.curve[i].train_loss,
                           (r.step_losses[2 * i] + r.step_losses[2 * i + 1]) / 2, 1e-12);
        cr_expect(r.curve[i].validation_loss > 0 && r.curve[i].gradient_norm > 0);
    }
    cr_expect_eq(r.curve[0].length, 16);
    cr_expect_eq(r.curve[4].length, 64);
    /* the last point scores the final weights */
    const mas_corpus corpus = stub_corpus();
    const mas_eval_config evaluation = {.tokens = t.curve_tokens, .split = MAS_SPLIT_VALIDATION};
    mas_quality q;
    must(mas_evaluate(model, &corpus, &evaluation, 64, &q, &err), &err);
    cr_expect_eq(r.curve[4].validation_loss, mas_quality_loss(&q));
    mas_train_report_free(&r);
    mas_model_free(model);
    mas_device_close(device);
}

Test(lm_train, allocates_nothing_after_its_first_steps, .timeout = 60)
{
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = mixed_plan(3, window_spec(8));
    mas_model *model = make_model(device, &config, &plan, 256, true, 5);
    mas_train_config t = short_training();
    mas_train_report r;
    train(model, &t, 6, &r);
    const size_t peak = device->memory.total_peak_bytes;
    mas_train_report_free(&r);
    train(model, &t, 6, &r);
    cr_expect_eq(device->memory.total_peak_bytes, peak);
    mas_train_report_free(&r);
    mas_model_free(model);
    mas_device_close(device);
}

/* ---- faults ---- */

Test(lm_train, divergence_names_the_step, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(3);
    const mas_corpus corpus = stub_corpus();
    mas_model *model = make_model(device, &config, &plan, 256, true, 5);
    mas_train_config t = short_training();
    t.learning_rate = 1e3f;
    t.clip = 0;
    t.warmup = 0;
    mas_train_report r;
    mas_weight(model, MAS_ROLE_NORM_WEIGHT, 0)[3] = (float)NAN;
    cr_expect_eq(mas_train(model, &corpus, &t, NULL, 6, NULL, NULL, &r, &err), MAS_E_DIVERGED);
    cr_expect_not_null(strstr(err.text, "training diverged at step 1 of 10: loss "), "%s",
                       err.text);
    cr_expect_null(r.curve);
    mas_model_free(model);
    mas_device_close(device);
}

Test(lm_train, refusals_name_the_field)
{
    mas_error err = {MAS_OK, ""};
    mas_train_config t = short_training();
    t.seq_len = 48;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text,
                     "training.start_len 16 does not reach training.seq_len 48 by doubling");
    t = short_training();
    t.grow_until = 1;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "training.grow_until is 1; "), "%s", err.text);
    t = short_training();
    t.accumulate = 3;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text,
        "training.batch_tokens 256 cannot be divided into training.accumulate 3 equal parts");
    t.accumulate = 8;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text,
        "training.batch_tokens 256 over training.accumulate 8 gives 32 tokens at a time, which is "
        "not a multiple of training.seq_len 64");
    t = short_training();
    t.learning_rate = (float)NAN;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text, "training.learning_rate is nan; it must be 0 to 1000");
    t = short_training();
    t.beta2 = 1;
    cr_expect_eq(mas_train_config_check(&t, &err), MAS_E_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "training.beta2 1 must"), "%s", err.text);
    t = mas_train_config_default();
    must(mas_train_config_check(&t, &err), &err);
}
