/* SPDX-License-Identifier: Apache-2.0 */
/* The training loop. Samples are drawn one after another from one generator, whatever the plan, the
 * number of threads and the accumulation, so that compared variants see the same batches in the
 * same order. */
#include "harness/lm/internal.h"
#include "harness/lm/safetensors.h"
#include "harness/lm/train_internal.h"
#include "harness/measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DATA_STREAM 0x64617461u /* "data" */

typedef struct trainer {
    mas_model *model;
    const mas_corpus *corpus;
    const mas_train_config *config;
    mas_eval_config curve_evaluation;
    bool evaluates;
    int32_t context;  /* of the curve's evaluations */
    const char *path; /* of the checkpoint, or NULL */
    char *identity;
    int64_t steps;
    int32_t *sample;           /* [seq_len + 1] */
    int32_t *tokens, *targets; /* [tokens in memory at a time] */
    mas_progress progress;
    double gradient_norm;
} trainer;

static void draw_batch(trainer *t, int64_t sequences, int32_t length)
{
    for (int64_t s = 0; s < sequences; s++) {
        mas_corpus_sample(t->corpus, MAS_SPLIT_TRAIN, &t->progress.rng, length, t->sample, NULL);
        memcpy(t->tokens + s * length, t->sample, (size_t)length * sizeof *t->tokens);
        memcpy(t->targets + s * length, t->sample + 1, (size_t)length * sizeof *t->targets);
    }
}

/* Gradients of one step, summed over its parts; mean loss of the step. */
static mas_status accumulate(trainer *t, int64_t step, double *loss, mas_error *err)
{
    const mas_train_config *c = t->config;
    const int32_t length = mas_train_length(c, step - 1);
    const mas_batch batch = {.sequences = c->batch_tokens / c->accumulate / length,
                             .length = length,
                             .tokens = t->tokens,
                             .targets = t->targets};
    double total = 0;
    mas_model_zero_gradients(t->model);
    for (int32_t i = 0; i < c->accumulate; i++) {
        double sum = 0;
        draw_batch(t, batch.sequences, length);
        const mas_status status =
            mas_model_gradient(t->model, &batch, 1.0f / (float)c->batch_tokens, &sum, err);
        if (status != MAS_OK)
            return status;
        total += sum;
    }
    *loss = total / c->batch_tokens;
    return MAS_OK;
}

/* One AdamW step; neighbours in the table with the same decay go in one call. */
static void update(trainer *t, int64_t step, double learning_rate)
{
    const mas_train_config *c = t->config;
    mas_device *d = t->model->device;
    const mas_model_state s = mas_model_get_state(t->model);
    const double norm = t->gradient_norm;
    mas_adamw hyper = {
        .learning_rate = (float)learning_rate,
        .beta1 = c->beta1,
        .beta2 = c->beta2,
        .epsilon = c->epsilon,
        .gradient_scale =
            c->clip > 0 && norm > (double)c->clip ? (float)((double)c->clip / norm) : 1.0f,
        .step = step,
    };
    for (int32_t i = 0; i < s.parameter_count;) {
        int32_t end = i + 1;
        while (end < s.parameter_count && s.parameters[end].decay == s.parameters[i].decay)
            end++;
        const int64_t from = s.parameters[i].offset;
        const int64_t to = end < s.parameter_count ? s.parameters[end].offset : s.count;
        hyper.weight_decay = s.parameters[i].decay ? c->weight_decay : 0.0f;
        d->ops->adamw(d, to - from, &hyper, s.gradients + from, s.weights + from, s.moment1 + from,
                      s.moment2 + from, s.copy ? s.copy + from : NULL);
        i = end;
    }
    mas_model_weights_changed(t->model, true);
}

static mas_status add_curve_point(trainer *t, int64_t step, double learning_rate, mas_error *err)
{
    mas_progress *p = &t->progress;
    mas_curve_point point = {
        .step = step,
        .tokens = step * t->config->batch_tokens,
        .length = mas_train_length(t->config, step - 1),
        .train_loss = p->loss_since_point / (double)p->steps_since_point,
        .validation_loss = (double)NAN,
        .gradient_norm = t->gradient_norm,
        .learning_rate = learning_rate,
        .seconds = p->seconds,
    };
    if (t->evaluates) {
        mas_quality quality;
        const double begin = mas_measure_now();
        const mas_status status =
            mas_evaluate(t->model, t->corpus, &t->curve_evaluation, t->context, &quality, err);
        if (status != MAS_OK)
            return status;
        p->evaluation_seconds += mas_measure_now() - begin;
        point.validation_loss = mas_quality_loss(&quality);
    }
    p->curve[p->curve_count++] = point;
    p->loss_since_point = 0;
    p->steps_since_point = 0;
    return MAS_OK;
}

/* A device that failed leaves numbers that are none, too. */
static mas_status not_finite(const trainer *t, int64_t step, double loss, mas_error *err)
{
    mas_device *d = t->model->device;
    const mas_status status = d->ops->synchronize(d, err);
    if (status != MAS_OK)
        return status;
    return mas_fail(err, MAS_E_DIVERGED,
                    "training diverged at step %lld of %lld: loss %g, gradient norm %g; a smaller "
                    "training.learning_rate or a longer training.warmup may help",
                    (long long)step, (long long)t->steps, loss, t->gradient_norm);
}

static mas_status do_step(trainer *t, int64_t step, mas_error *err)
{
    mas_progress *p = &t->progress;
    const double begin = mas_measure_now(), learning_rate = mas_train_rate(t->config, step);
    double loss = 0;
    mas_status status = accumulate(t, step, &loss, err);
    if (status != MAS_OK)
        return status;
    mas_device *d = t->model->device;
    t->gradient_norm = sqrt(d->ops->sum_squares(d, t->model->total, t->model->gradients));
    if (!isfinite(loss) || !isfinite(t->gradient_norm))
        return not_finite(t, step, loss, err);
    update(t, step, learning_rate);
    p->step = step;
    p->step_losses[step - 1] = loss;
    p->loss_since_point += loss;
    p->steps_since_point++;
    p->seconds += mas_measure_now() - begin;
    if (mas_train_curve_step(t->config, step))
        status = add_curve_point(t, step, learning_rate, err);
    return status;
}

static void keep_tiles(trainer *t)
{
    mas_progress *p = &t->progress;
    p->counted_layers = t->model->config.layers;
    for (int32_t i = 0; i < p->counted_layers; i++) {
        p->visited_tiles[i] = t->model->work[i].visited_tiles;
        p->scheduled_tiles[i] = t->model->work[i].scheduled_tiles;
    }
}

/* Tiles count over the whole run, whatever this process visited before it read the checkpoint. */
static void restore_tiles(trainer *t)
{
    const mas_progress *p = &t->progress;
    for (int32_t i = 0; i < p->counted_layers && i < t->model->config.layers; i++) {
        t->model->work[i].visited_tiles = p->visited_tiles[i];
        t->model->work[i].scheduled_tiles = p->scheduled_tiles[i];
    }
}

static mas_status save(trainer *t, mas_error *err)
{
    if (!t->path || t->progress.step == 0)
        return MAS_OK;
    keep_tiles(t);
    char *text = mas_progress_text(&t->progress, t->identity);
    if (!text)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the checkpoint %s", t->path);
    const mas_status status = mas_model_save(t->model, t->path, true, text, err);
    free(text);
    return status;
}

static mas_status take_progress(trainer *t, const char *text, mas_error *err)
{
    const mas_status status =
        mas_progress_parse(text, t->identity, t->steps, t->path, &t->progress, err);
    int32_t points = 0;
    for (int64_t step = 1; status == MAS_OK && step <= t->progress.step; step++)
        points += mas_train_curve_step(t->config, step);
    if (status == MAS_OK && points != t->progress.curve_count)
        return mas_fail(
            err, MAS_E_FORMAT,
            "%s holds %d points of the training curve where %d are due after %lld steps", t->path,
            t->progress.curve_count, points, (long long)t->progress.step);
    return status;
}

/* The progress is read and held against this run before the first weight is replaced; what counts
 * is that of the weights, as another process that runs the same point may save in between. */
static mas_status read_checkpoint(trainer *t, mas_error *err)
{
    mas_st_file file;
    char *text = NULL;
    mas_status status = mas_st_open(t->path, &file, err);
    if (status != MAS_OK)
        return status;
    status = take_progress(t, file.metadata, err);
    mas_st_close(&file);
    if (status == MAS_OK)
        status = mas_model_load(t->model, t->path, true, &text, err);
    if (status == MAS_OK && take_progress(t, text, err) != MAS_OK)
        status =
            mas_fail(err, MAS_E_IO, "%s was replaced by another run's while it was read", t->path);
    free(text);
    if (status == MAS_OK)
        restore_tiles(t);
    return status;
}

/* Training can always start over; a checkpoint that is of no use must not become its result. */
static mas_status resume(trainer *t, const mas_train_monitor *monitor, bool *resumed,
                         mas_error *err)
{
    const mas_progress fresh = t->progress;
    mas_error why;
    *resumed = false;
    if (!t->path)
        return MAS_OK;
    const mas_status status = read_checkpoint(t, &why);
    *resumed = status == MAS_OK;
    if (*resumed)
        return MAS_OK;
    t->progress = fresh;
    if (status == MAS_E_NOT_FOUND)
        return MAS_OK;
    if (status != MAS_E_FORMAT)
        return mas_fail(err, status, "%s", why.text);
    if (monitor && monitor->warn) {
        mas_fail(&why, status, "%.900s; training starts over", why.text);
        monitor->warn(monitor->user, why.text);
    }
    return MAS_OK;
}

/* Plans and workspace of every length, so that the loop allocates nothing and a memory cap shows at
 * once. */
static mas_status prepare(trainer *t, mas_error *err)
{
    const mas_train_config *c = t->config;
    const int64_t part = c->batch_tokens / c->accumulate;
    mas_status status = MAS_OK;
    if (t->evaluates) {
        const int32_t batch = t->curve_evaluation.batch;
        const int64_t windows = batch ? batch : t->model->max_tokens / t->context;
        status = mas_model_prepare(t->model, windows, t->context, false, NULL, err);
    }
    int64_t length = c->start_len ? c->start_len : c->seq_len;
    for (; status == MAS_OK && length <= c->seq_len; length *= 2)
        status = mas_model_prepare(t->model, part / length, length, true, NULL, err);
    return status;
}

static mas_status set_up(trainer *t, const mas_eval_config *evaluation, uint64_t seed,
                         mas_error *err)
{
    const mas_train_config *c = t->config;
    if (t->model->use == MAS_MODEL_EVALUATES)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "training was asked of a model that was created without it");
    mas_status status = mas_train_config_check(c, err);
    if (status == MAS_OK && evaluation)
        status = mas_eval_config_check(evaluation, c->seq_len, err);
    if (status != MAS_OK)
        return status;
    t->steps = mas_train_steps(c);
    t->evaluates = evaluation != NULL;
    if (evaluation)
        t->curve_evaluation = (mas_eval_config){.stride = evaluation->stride,
                                                .tokens = c->curve_tokens,
                                                .batch = evaluation->batch,
                                                .split = MAS_SPLIT_VALIDATION};
    t->context = evaluation && evaluation->context ? evaluation->context : c->seq_len;
    t->progress.rng = mas_rng_seed(seed, DATA_STREAM);
    t->progress.curve_room = c->evaluations + 1;
    const size_t part = (size_t)(c->batch_tokens / c->accumulate);
    t->identity = mas_progress_identity(t->model, t->corpus, c, evaluation, seed);
    t->sample = malloc(((size_t)c->seq_len + 1) * sizeof *t->sample);
    t->tokens = malloc(part * sizeof *t->tokens);
    t->targets = malloc(part * sizeof *t->targets);
    t->progress.step_losses = calloc((size_t)t->steps, sizeof *t->progress.step_losses);
    t->progress.curve = calloc((size_t)t->progress.curve_room, sizeof *t->progress.curve);
    if (!t->identity || !t->sample || !t->tokens || !t->targets || !t->progress.step_losses ||
        !t->progress.curve)
        return mas_fail(err, MAS_E_MEMORY, "no memory to train for %lld steps",
                        (long long)t->steps);
    return prepare(t, err);
}

static mas_status loop(trainer *t, const mas_train_monitor *monitor, mas_error *err)
{
    const mas_train_config *c = t->config;
    double saved_at = mas_measure_now();
    for (int64_t step = t->progress.step + 1; step <= t->steps; step++) {
        mas_status status = do_step(t, step, err);
        if (status != MAS_OK)
            return status;
        if (monitor && monitor->step &&
            !monitor->step(monitor->user, step, t->steps, step * c->batch_tokens,
                           t->progress.step_losses[step - 1])) {
            status = save(t, err);
            return status != MAS_OK ? status
                                    : mas_fail(err, MAS_E_INTERRUPTED,
                                               "training was stopped after step %lld of %lld%s",
                                               (long long)step, (long long)t->steps,
                                               t->path ? "; the next run goes on from there" : "");
        }
        /* After the last step, too: what comes then, such as the evaluation, may be cut short. */
        if (c->checkpoint_seconds > 0 &&
            (step == t->steps || mas_measure_now() - saved_at >= c->checkpoint_seconds)) {
            status = save(t, err);
            if (status != MAS_OK)
                return status;
            saved_at = mas_measure_now();
        }
    }
    return MAS_OK;
}

mas_status mas_train(mas_model *model, const mas_corpus *corpus, const mas_train_config *train,
                     const mas_eval_config *evaluation, uint64_t seed, const char *checkpoint_path,
                     const mas_train_monitor *monitor, mas_train_report *report, mas_error *err)
{
    trainer t = {.model = model, .corpus = corpus, .config = train, .path = checkpoint_path};
    bool resumed = false;
    *report = (mas_train_report){0};
    mas_status status = set_up(&t, evaluation, seed, err);
    if (status == MAS_OK)
        status = resume(&t, monitor, &resumed, err);
    if (status == MAS_OK)
        status = loop(&t, monitor, err);
    if (status == MAS_OK || status == MAS_E_INTERRUPTED) {
        *report = (mas_train_report){
            .curve = t.progress.curve,
            .curve_count = t.progress.curve_count,
            .steps = t.progress.step,
            .tokens = t.progress.step * train->batch_tokens,
            .seconds = t.progress.seconds,
            .evaluation_seconds = t.progress.evaluation_seconds,
            .step_losses = t.progress.step_losses,
            .resumed = resumed,
        };
    } else {
        free(t.progress.curve);
        free(t.progress.step_losses);
    }
    free(t.targets);
    free(t.tokens);
    free(t.sample);
    free(t.identity);
    return status;
}

void mas_train_report_free(mas_train_report *report)
{
    free(report->curve);
    free(report->step_losses);
    *report = (mas_train_report){0};
}
