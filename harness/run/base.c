/* SPDX-License-Identifier: Apache-2.0 */
/* A base is written by rename, so a file that is there is whole. A lock (released by the system when
 * its process dies) keeps a second process from training the same base beside the first. */
#include "harness/run/base.h"

#include "harness/lm/safetensors.h"
#include "harness/results/json_build.h"
#include "harness/run/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SCORED_TOKENS 65536     /* of the validation split, for the base's own loss */
#define DATA_STREAM 0x62617365u /* "base": other samples than a point with the same seed draws */
#define LOCK_RETRY_NANOSECONDS 200000000

/* ---- identity ---- */

static uint64_t seed_of(const mas_point *point)
{
    return point->training.from.seed ? point->training.from.seed : point->seed;
}

json_t *mas_base_identity(const mas_point *point)
{
    static const char *const optimiser[] = {"accumulate", "beta1", "beta2",
                                            "epsilon",    "clip",  "weight_decay"};
    const json_t *training = json_object_get(point->resolved, "training");
    json_t *json = json_object(), *settings = json_object();
    json_t *model = json_deep_copy(json_object_get(point->resolved, "model"));
    json_t *corpus = json_deep_copy(json_object_get(point->resolved, "corpus"));
    json_t *from = json_deep_copy(json_object_get(training, "from"));
    /* The base has rotary positions on every layer; a learned table is as long as the base. */
    json_object_del(model, "full_positions");
    if (point->model.positions != MAS_POSITIONS_LEARNED)
        json_object_del(model, "max_length");
    for (size_t i = 0; i < sizeof optimiser / sizeof *optimiser; i++)
        (void)json_object_set(settings, optimiser[i], json_object_get(training, optimiser[i]));
    json_object_del(model, "preset"); /* its values are there */
    (void)json_object_set_new(from, "seed", json_integer((json_int_t)seed_of(point)));
    if (!model || !corpus || !from || json_object_set(json, "model", model) ||
        json_object_set(json, "corpus", corpus) || json_object_set(json, "from", from) ||
        json_object_set(json, "optimiser", settings)) {
        json_decref(json);
        json = NULL;
    }
    json_decref(model);
    json_decref(corpus);
    json_decref(from);
    json_decref(settings);
    return json;
}

bool mas_base_is_shared(const mas_point *a, const mas_point *b)
{
    if (!mas_train_converts(&a->training) || !mas_train_converts(&b->training))
        return false;
    json_t *x = mas_base_identity(a), *y = mas_base_identity(b);
    const bool equal = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return equal;
}

/* Content of the corpus and kind of device count, too: results of two devices differ in bits. */
static mas_status set_hash(const mas_point *point, const mas_corpus *corpus,
                           const mas_device_kind *device, char hash[MAS_ID_CHARS + 1],
                           mas_error *err)
{
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    json_t *json = mas_base_identity(point);
    char *text = NULL;
    if (json && !json_object_set_new(json, "corpus_hash", json_string(info->hash)) &&
        !json_object_set_new(json, "tokenizer_hash", json_string(info->tokenizer_hash)) &&
        !json_object_set_new(json, "device", json_string(device->name)))
        text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (text)
        snprintf(hash, MAS_ID_CHARS + 1, "%016llx",
                 (unsigned long long)XXH3_64bits(text, strlen(text)));
    json_decref(json);
    const bool fine = text != NULL;
    free(text);
    return fine ? MAS_OK : mas_fail(err, MAS_E_MEMORY, "no memory for the base's name");
}

mas_model_config mas_base_model(const mas_model_config *model)
{
    mas_model_config base = *model;
    base.full_positions = true;
    return base;
}

mas_status mas_base_plan(int32_t layers, mas_plan *out, mas_error *err)
{
    const mas_attention_config full = {.sparse = mas_attn_spec_full(),
                                       .full_layers = layers,
                                       .placement = {.kind = MAS_PLACEMENT_BOTTOM}};
    return mas_plan_build(&full, layers, out, err);
}

/* ---- the file ---- */

/* What the file says of itself; false: not there, or damaged. */
static bool read_facts(mas_base *base)
{
    mas_st_file file;
    if (mas_st_open(base->path, &file, NULL) != MAS_OK)
        return false;
    json_t *facts = file.metadata ? json_loads(file.metadata, 0, NULL) : NULL;
    mas_st_close(&file);
    const bool fine = strcmp(mas_json_text_at(facts, "base"), base->hash) == 0 &&
                      json_is_number(json_object_get(facts, "loss"));
    base->tokens = json_integer_value(json_object_get(facts, "tokens"));
    base->loss = mas_json_number_at(facts, "loss");
    base->seconds = mas_json_number_at(facts, "seconds");
    json_decref(facts);
    return fine;
}

static mas_status write_base(mas_model *model, mas_base *base, mas_error *err)
{
    json_t *facts =
        json_pack("{s:s, s:I, s:f, s:f}", "base", base->hash, "tokens", (json_int_t)base->tokens,
                  "loss", base->loss, "seconds", base->seconds);
    char *text = facts ? json_dumps(facts, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(facts);
    if (!text)
        return mas_fail(err, MAS_E_MEMORY, "no memory to write the base %s", base->path);
    const mas_status status = mas_model_save(model, base->path, false, text, err);
    free(text);
    return status;
}

/* ---- training ---- */

typedef struct base_training {
    const mas_corpus *corpus;
    const mas_point *point;
    const mas_run_options *options;
    const mas_run_observer *observer;
    const char *progress; /* path of the checkpoint */
    mas_model_config config;
    mas_plan plan;
} base_training;

static mas_status train_on(mas_device *device, const base_training *t, mas_base *base,
                           mas_error *err)
{
    const mas_train_config config = mas_train_config_of_base(&t->point->training);
    const int64_t batch = config.batch_tokens / config.accumulate;
    const mas_eval_config scoring = {.tokens = SCORED_TOKENS, .split = MAS_SPLIT_VALIDATION};
    const uint64_t seed = seed_of(t->point);
    mas_model *model = NULL;
    mas_train_report report = {0};
    mas_quality quality;
    mas_watch user = {t->options, t->observer, t->point, device, 0};
    const mas_train_monitor watch = {.step = mas_watch_step, .warn = mas_watch_warn, .user = &user};
    mas_status status = mas_model_create(device, &t->config, &t->plan, batch,
                                         mas_train_use(&config), seed, &model, err);
    if (status == MAS_OK)
        status = mas_train(model, t->corpus, &config, NULL, mas_mix64(seed ^ DATA_STREAM),
                           t->progress, &watch, &report, err);
    if (status == MAS_OK)
        status = mas_evaluate(model, t->corpus, &scoring, config.seq_len, &quality, err);
    if (status == MAS_OK) {
        base->tokens = report.tokens;
        base->seconds = report.seconds;
        base->loss = mas_quality_loss(&quality);
        base->trained = true;
        status = write_base(model, base, err);
    }
    mas_train_report_free(&report);
    mas_model_free(model);
    return status;
}

static mas_status train_base(base_training *t, mas_base *base, mas_error *err)
{
    mas_device *device = NULL;
    t->config = mas_base_model(&t->point->model);
    mas_status status = mas_model_config_resolve(&t->config, mas_corpus_describe(t->corpus)->vocab,
                                                 t->point->training.from.seq_len, err);
    if (status == MAS_OK)
        status = mas_base_plan(t->config.layers, &t->plan, err);
    if (status == MAS_OK)
        status = t->options->device->open(t->options->threads, t->point->memory_limit_bytes,
                                          &device, err);
    if (status == MAS_OK)
        status = train_on(device, t, base, err);
    mas_device_close(device);
    return status;
}

/* ---- one at a time ---- */

static mas_status take_lock(const char *path, const mas_run_options *options, int *descriptor,
                            mas_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const struct timespec pause = {0, LOCK_RETRY_NANOSECONDS};
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int failed = *descriptor < 0 ? errno : 0;
    while (!failed && fcntl(*descriptor, F_SETLK, &lock) != 0) {
        if (errno != EACCES && errno != EAGAIN && errno != EINTR)
            failed = errno;
        else if (options->stop && *options->stop)
            return mas_fail(err, MAS_E_INTERRUPTED,
                            "stopped while another process trains the base");
        else
            nanosleep(&pause, NULL);
    }
    if (failed)
        return mas_fail(err, MAS_E_IO, "cannot lock %s: %s", path, strerror(failed));
    return MAS_OK;
}

mas_status mas_base_get(mas_corpora *corpora, const mas_experiment *experiment,
                        const mas_point *point, const mas_run_options *options,
                        const mas_run_observer *observer, mas_base *out, mas_error *err)
{
    base_training *t = calloc(1, sizeof *t);
    char *lock = NULL, *progress = NULL;
    int descriptor = -1;
    *out = (mas_base){.path = NULL};
    if (!t)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the base");
    mas_status status =
        mas_corpora_get(corpora, point, point->training.from.seq_len, &t->corpus, err);
    if (status == MAS_OK)
        status = set_hash(point, t->corpus, options->device, out->hash, err);
    if (status != MAS_OK)
        goto done;
    out->path = mas_point_path(options->results, experiment->name, out->hash, ".base.safetensors");
    lock = mas_point_path(options->results, experiment->name, out->hash, ".base.lock");
    progress = mas_point_path(options->results, experiment->name, out->hash,
                              ".base.checkpoint.safetensors");
    if (!out->path || !lock || !progress) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the base's name");
        goto done;
    }
    if (read_facts(out))
        goto done;
    status = take_lock(lock, options, &descriptor, err);
    if (status != MAS_OK || read_facts(out)) /* another process made it meanwhile */
        goto done;
    if (access(out->path, F_OK) == 0)
        mas_watch_warn(&(mas_watch){.observer = observer, .point = point},
                       "the base that it continues is damaged, and made anew");
    t->point = point;
    t->options = options;
    t->observer = observer;
    t->progress = progress;
    mas_error inner;
    status = train_base(t, out, &inner);
    if (status != MAS_OK)
        (void)mas_fail(err, status, "base %s: %s", out->hash, inner.text);
done:
    if (status == MAS_OK)
        (void)unlink(progress); /* only now that the base is there */
    if (descriptor >= 0)
        close(descriptor);
    free(lock);
    free(progress);
    free(t);
    return status;
}
