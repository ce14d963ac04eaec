/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep. A point whose file exists is done, whatever its status; that alone makes resuming
 * and sharding work. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool trains(const mas_point *point)
{
    (void)point;
    return true;
}

/* A plan needs its corpus only to learn the vocabulary. */
static bool lacks_vocab(const mas_point *point)
{
    return point->model.vocab == 0;
}

const mas_runner mas_runners[MAS_EXPERIMENT_KIND_COUNT] = {
    [MAS_KIND_TRAIN] = {trains, mas_run_model_point},
    [MAS_KIND_PLAN] = {lacks_vocab, mas_run_model_point},
    [MAS_KIND_KERNEL] = {NULL, mas_run_kernel_point},
};

void mas_shared_close(mas_shared *shared)
{
    mas_corpora_close(&shared->corpora);
    mas_bench_cache_free(shared->full_rates);
}

static bool is_ok(const json_t *result)
{
    return strcmp(mas_json_text_at(result, "status"), "ok") == 0;
}

/* The progress of a point is worth something until its result is safe, and after a failure. */
static mas_status drop_progress(const mas_experiment *experiment, const mas_point *point,
                                const mas_run_options *options, const json_t *result,
                                mas_error *err)
{
    if (!is_ok(result))
        return MAS_OK;
    char *path =
        mas_point_path(options->results, experiment->name, point->id, ".checkpoint.safetensors");
    if (!path)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the name of a checkpoint");
    (void)unlink(path);
    free(path);
    return MAS_OK;
}

static void report_end(const mas_run_observer *observer, const mas_point *point,
                       const json_t *result, bool was_there)
{
    if (observer && observer->point_end)
        observer->point_end(observer->user, point, result, was_there);
}

/* A full disk or a dead device is no property of the point: stop, so that the point runs again when
 * there is room, or a device. */
static mas_status check_surroundings(const mas_point *point, const json_t *result,
                                     const mas_device_kind *device, mas_error *err)
{
    const char *error = mas_json_text_at(result, "error");
    mas_error why;
    if (is_ok(result))
        return MAS_OK;
    if (strcmp(mas_json_text_at(result, "status"), mas_status_name(MAS_E_IO)) == 0)
        return mas_fail(err, MAS_E_IO, "%s: %s", point->title, error);
    if (mas_device_usable(device, &why) != MAS_OK)
        return mas_fail(err, MAS_E_DEVICE,
                        "%s: %.300s; %s cannot be used any more: %.300s; the same command runs "
                        "what is missing, in a process of its own",
                        point->title, error, device->name, why.text);
    return MAS_OK;
}

static mas_status run_missing(mas_shared *shared, const mas_experiment *experiment,
                              const mas_point *point, const char *path,
                              const mas_run_options *options, const mas_run_observer *observer,
                              json_t **result, mas_error *err)
{
    *result = mas_runners[point->kind].run(shared, experiment, point, options, observer);
    if (!*result && options->stop && *options->stop)
        return mas_fail(err, MAS_E_INTERRUPTED, "stopped; the same command goes on where it ended");
    if (!*result)
        return mas_fail(err, MAS_E_MEMORY, "no memory to record the result of \"%s\"",
                        point->title);
    const mas_status status = check_surroundings(point, *result, options->device, err);
    return status == MAS_OK ? mas_json_write(path, *result, err) : status;
}

/* Results of two texts under one name must not meet in a folder. */
static mas_status check_text(const mas_corpus *corpus, const mas_point *point,
                             const mas_result_set *there, mas_error *err)
{
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    const json_t *mine = json_object_get(point->resolved, "corpus");
    for (size_t i = 0; there && i < there->count; i++) {
        const json_t *result = there->results[i];
        const char *hash = mas_json_text_at(result, "corpus.hash");
        if (!hash[0] || strcmp(hash, info->hash) == 0 ||
            mas_experiment_difference(mas_json_value_at(result, "point.corpus"), mine, NULL, 0))
            continue;
        return mas_fail(err, MAS_E_ARGUMENT,
                        "the files that corpus names have another content than when %s/%s.json was "
                        "made (corpus.hash %s there, %s now); results of two texts are not mixed: "
                        "restore the files, or name another folder with --results",
                        there->folder, mas_json_text_at(result, "id"), hash, info->hash);
    }
    return MAS_OK;
}

/* A corpus that cannot be opened is bad input, found before anything is created. */
static mas_status open_corpora(mas_corpora *corpora, const mas_experiment *experiment,
                               const mas_run_options *options, const mas_result_set *there,
                               mas_error *err)
{
    mas_status status = MAS_OK;
    for (int64_t i = 0; status == MAS_OK && i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        const mas_runner *runner = &mas_runners[point->kind];
        if (!mas_run_in_shard(options, i) || !runner->needs_corpus || !runner->needs_corpus(point))
            continue;
        char *path = mas_point_path(options->results, experiment->name, point->id, ".json");
        const mas_corpus *corpus = NULL;
        if (!path)
            status = mas_fail(err, MAS_E_MEMORY, "no memory for the name of a result");
        else if (access(path, F_OK) != 0)
            status = mas_corpora_get(corpora, point, mas_point_longest(point), &corpus, err);
        if (status == MAS_OK && corpus)
            status = check_text(corpus, point, there, err);
        free(path);
    }
    return status;
}

/* Kernels slowed down on purpose and kernels as they are do not stand in one folder. */
static mas_status check_slowed(const mas_result_set *there, double slow_down, mas_error *err)
{
    for (size_t i = 0; there && i < there->count; i++) {
        const json_t *samples = json_object_get(there->results[i], "samples");
        const double recorded = mas_json_number_at(samples, "slowed_by");
        const double slowed_by = recorded > 0 ? recorded : 0; /* NaN: none */
        if (samples && slowed_by != slow_down)
            return mas_fail(
                err, MAS_E_ARGUMENT,
                "%s/%s.json was timed with --slow-down %.0f and this run has --slow-down %.0f (0: "
                "none); name another folder with --results, or remove that one",
                there->folder, mas_json_text_at(there->results[i], "id"), 100 * slowed_by,
                100 * slow_down);
    }
    return MAS_OK;
}

mas_status mas_run_experiment(const mas_experiment *experiment, const mas_run_options *options,
                              const mas_run_observer *observer, mas_run_summary *summary,
                              mas_error *err)
{
    mas_shared shared = {.full_rates = NULL};
    *summary = (mas_run_summary){.missing = experiment->count};
    if (options->shards < 1 || options->shard < 1 || options->shard > options->shards)
        return mas_fail(err, MAS_E_ARGUMENT, "shard %d of %d; expected 1 to the number of shards",
                        options->shard, options->shards);
    mas_error why;
    mas_status status = mas_device_usable(options->device, &why);
    if (status != MAS_OK)
        return mas_fail(err, status, "%s cannot be used: %.900s", options->device->name, why.text);
    mas_result_set *there;
    status = mas_folder_check(experiment, options->results, &there, err);
    if (status == MAS_OK)
        status = check_slowed(there, options->slow_down, err);
    if (status == MAS_OK)
        status = open_corpora(&shared.corpora, experiment, options, there, err);
    mas_results_free(there);
    if (status == MAS_OK)
        status = mas_folder_prepare(experiment, options->results, err);
    summary->started = status == MAS_OK;
    for (int64_t i = 0; status == MAS_OK && i < experiment->count; i++) {
        if (!mas_run_in_shard(options, i))
            continue;
        if (options->stop && *options->stop) {
            status = mas_fail(err, MAS_E_INTERRUPTED,
                              "stopped; the same command goes on where it ended");
            break;
        }
        if (options->taken && atomic_exchange(&options->taken[i], true))
            continue;
        const mas_point *point = &experiment->points[i];
        json_t *result = NULL;
        char *path = mas_point_path(options->results, experiment->name, point->id, ".json");
        if (!path) {
            status = mas_fail(err, MAS_E_MEMORY, "no memory for the name of a result");
            break;
        }
        const bool was_there = access(path, F_OK) == 0;
        if (was_there) {
            status = mas_json_read(path, &result, err);
        } else {
            if (observer && observer->point_begin)
                observer->point_begin(observer->user, point, i, experiment->count);
            status = run_missing(&shared, experiment, point, path, options, observer, &result, err);
        }
        if (status == MAS_OK)
            status = drop_progress(experiment, point, options, result, err);
        if (status == MAS_OK) {
            summary->already_there += was_there;
            summary->ok += is_ok(result);
            summary->failed += !is_ok(result);
            summary->missing--;
            report_end(observer, point, result, was_there);
        }
        json_decref(result);
        free(path);
    }
    mas_shared_close(&shared);
    return status;
}

static mas_status make_folder(const mas_experiment *experiment, const mas_run_options *options,
                              mas_error *err)
{
    char *folder = mas_folder_path(options->results, experiment->name);
    const mas_status status = folder ? mas_make_folders(folder, err)
                                     : mas_fail(err, MAS_E_MEMORY, "no memory for a path");
    free(folder);
    return status;
}

json_t *mas_run_point(const mas_experiment *experiment, const mas_point *point,
                      const mas_run_options *options, const mas_run_observer *observer)
{
    mas_shared shared = {.full_rates = NULL};
    mas_error err;
    mas_status status = make_folder(experiment, options, &err);
    if (status != MAS_OK)
        return mas_record_head(experiment, point, mas_status_name(status), err.text);
    json_t *result = mas_runners[point->kind].run(&shared, experiment, point, options, observer);
    if (result && drop_progress(experiment, point, options, result, &err) != MAS_OK) {
        json_decref(result);
        result = NULL;
    }
    mas_shared_close(&shared);
    return result;
}
