/* SPDX-License-Identifier: Apache-2.0 */
/* A point with a model: corpus, model, training, evaluation. Whatever fails ends the point and becomes its
 * status. */
#include "harness/measure/measure.h"
#include "harness/run/base.h"
#include "harness/run/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Steps of which one is watched by the profile. */
static int64_t steps_a_watch(const mas_device *device)
{
    return device->asynchronous ? 16 : 1;
}

bool mas_watch_step(void *user, int64_t step, int64_t steps, int64_t tokens, double loss)
{
    const mas_watch *w = user;
    if (w->watched_every > 0)
        mas_profile_watch(w->device->profile, step % w->watched_every == 0);
    if (w->observer && w->observer->progress)
        w->observer->progress(w->observer->user, w->point,
                              steps > 0 ? (double)step / (double)steps : 0, tokens, loss);
    return !(w->options->stop && *w->options->stop);
}

void mas_watch_warn(void *user, const char *text)
{
    const mas_watch *w = user;
    if (w->observer && w->observer->warn)
        w->observer->warn(w->observer->user, w->point, text);
}

void mas_time_stamp(char *text, size_t size)
{
    const time_t t = time(NULL);
    struct tm utc;
    if (!gmtime_r(&t, &utc) || strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
}

static mas_status plan_memory(const mas_point *point, mas_outcome *out)
{
    mas_memory_use *use = &out->memory;
    const mas_status status =
        mas_model_memory(&out->model, mas_point_batch_tokens(point),
                         mas_train_use(&point->training), use->peak_bytes, &out->error);
    for (int i = 0; status == MAS_OK && i < MAS_MEMORY_COUNT; i++)
        use->total_peak_bytes += use->peak_bytes[i];
    return status;
}

/* A plan: its costs need no device and no corpus. Only a vocabulary left to the corpus makes it
 * open one. */
static mas_status plan_only(mas_corpora *corpora, const mas_point *point, mas_outcome *out)
{
    int32_t vocab = out->model.vocab;
    if (vocab == 0) {
        const mas_status status =
            mas_corpora_get(corpora, point, mas_point_longest(point), &out->corpus, &out->error);
        if (status != MAS_OK)
            return status;
        vocab = mas_corpus_describe(out->corpus)->vocab;
    }
    const mas_status status =
        mas_model_config_resolve(&out->model, vocab, mas_point_longest(point), &out->error);
    out->resolved = status == MAS_OK;
    return status == MAS_OK ? plan_memory(point, out) : status;
}

#define PEAK_SECONDS 0.1 /* of measuring the peak */

/* Train, and see where the time goes; evaluations on the way count too. */
static mas_status train(const mas_point *point, const char *checkpoint,
                        const mas_train_monitor *watch, mas_device *device, mas_outcome *out)
{
    mas_profile *profile = NULL;
    mas_status status = mas_profile_begin(device, &profile, &out->error);
    if (status != MAS_OK)
        return status;
    status = mas_train(out->model_built, out->corpus, &point->training, &point->evaluation,
                       point->seed, checkpoint, watch, &out->training, &out->error);
    out->operations = mas_operations_record(profile);
    mas_profile_end(profile);
    if (status == MAS_OK && device->ops->limit)
        out->peak_flops =
            device->ops->limit(device, mas_device_limit(device, out->model.dtype), PEAK_SECONDS);
    return status;
}

/* The switch: the base's weights under the point's plan, scored before the first step. Moments start
 * at zero. A resumed run comes by here, too: its checkpoint replaces the weights afterwards. */
static mas_status start_from_base(const mas_point *point, mas_outcome *out)
{
    mas_status status = mas_model_load(out->model_built, out->base.path, false, NULL, &out->error);
    if (status == MAS_OK)
        status = mas_evaluate(out->model_built, out->corpus, &point->evaluation,
                              mas_point_context(point), &out->at_switch, &out->error);
    out->has_switch = status == MAS_OK;
    return status;
}

static mas_status train_and_score(const mas_experiment *experiment, const mas_point *point,
                                  mas_device *device, const mas_run_options *options,
                                  const mas_run_observer *observer, mas_outcome *out)
{
    mas_status status = mas_model_create(
        device, &out->model, &point->plan, mas_point_batch_tokens(point),
        mas_train_use(&point->training), point->seed, &out->model_built, &out->error);
    if (status != MAS_OK)
        return status;
    char *progress =
        mas_point_path(options->results, experiment->name, point->id, ".checkpoint.safetensors");
    char *trained = mas_point_path(options->results, experiment->name, point->id, ".safetensors");
    mas_watch user = {options, observer, point, device, steps_a_watch(device)};
    const mas_train_monitor watch = {.step = mas_watch_step, .warn = mas_watch_warn, .user = &user};
    if (!progress || !trained) {
        status = mas_fail(&out->error, MAS_E_MEMORY, "no memory for the checkpoint's name");
        goto done;
    }
    if (mas_train_converts(&point->training))
        status = start_from_base(point, out);
    if (status == MAS_OK)
        status = train(point, progress, &watch, device, out);
    if (status == MAS_OK)
        status = mas_evaluate(out->model_built, out->corpus, &point->evaluation,
                              mas_point_context(point), &out->quality, &out->error);
    /* What only shows when the device is waited for, such as tiles not visited, voids the point. */
    if (status == MAS_OK)
        status = device->ops->synchronize(device, &out->error);
    out->has_quality = status == MAS_OK;
    if (status == MAS_OK && point->training.checkpoint)
        status = mas_model_save(out->model_built, trained, false, NULL, &out->error);
done:
    free(progress);
    free(trained);
    return status;
}

json_t *mas_run_model_point(mas_shared *shared, const mas_experiment *experiment,
                            const mas_point *point, const mas_run_options *options,
                            const mas_run_observer *observer)
{
    mas_corpora *corpora = &shared->corpora;
    json_t *result = NULL;
    mas_device *device = NULL;
    mas_outcome *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    const double begin = mas_measure_now();
    mas_time_stamp(out->started, sizeof out->started);
    out->model = point->model;
    out->kind = options->device;
    out->at_once = options->at_once;
    if (point->kind == MAS_KIND_PLAN) {
        out->status = plan_only(corpora, point, out);
    } else {
        if (mas_train_converts(&point->training))
            out->status = mas_base_get(corpora, experiment, point, options, observer, &out->base,
                                       &out->error);
        if (out->status == MAS_OK)
            out->status = mas_corpora_get(corpora, point, mas_point_longest(point), &out->corpus,
                                          &out->error);
        if (out->status == MAS_OK)
            out->status =
                mas_model_config_resolve(&out->model, mas_corpus_describe(out->corpus)->vocab,
                                         mas_point_longest(point), &out->error);
        out->resolved = out->status == MAS_OK;
        if (out->status == MAS_OK)
            out->status = options->device->open(options->threads, point->memory_limit_bytes,
                                                &device, &out->error);
        out->device = device;
        if (out->status == MAS_OK)
            out->status = train_and_score(experiment, point, device, options, observer, out);
        if (device)
            out->memory = device->memory;
    }
    out->seconds = mas_measure_now() - begin;
    if (out->status != MAS_E_INTERRUPTED)
        result = mas_record(experiment, point, out);
    mas_train_report_free(&out->training);
    json_decref(out->operations);
    free(out->base.path);
    mas_model_free(out->model_built);
    mas_device_close(device);
    free(out);
    return result;
}
