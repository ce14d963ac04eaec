/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates. FLOPs are exact; memory is what a really built model takes; time is one really
 * timed batch, scaled. */
#include "harness/run/estimate.h"

#include "harness/measure/measure.h"
#include "harness/run/base.h"

#include <math.h>
#include <stdlib.h>

/* A trial may take this much memory and this many FLOPs; larger points get no trial. */
#define TRIAL_WEIGHT_BYTES (256 * 1024 * 1024)
#define TRIAL_FLOPS 1e11

static mas_status cost_in_tiles_of(const mas_device_kind *device, const mas_point *point,
                                   const mas_model_config *model, const mas_attn_spec *spec,
                                   mas_plan_cost *out, mas_error *err)
{
    const int64_t length = point->training.seq_len;
    int32_t q_tile = 1, k_tile = 1;
    const mas_attn_kernel *kernel =
        mas_point_kernel(device, model, spec, length, MAS_ATTN_FORWARD, NULL, 0);
    if (kernel) {
        const mas_mask mask = mas_attn_spec_mask(spec);
        const mas_attn_problem problem = mas_point_problem(model, &mask, length);
        kernel->tile(&problem, &q_tile, &k_tile);
    }
    return mas_plan_cost_at(&point->plan, length, model->heads, model->head_dim, model->head_dim,
                            q_tile, k_tile, out, err);
}

static mas_status flops_per_token(const mas_plan *plan, const mas_model_config *model,
                                  int64_t length, double *training, double *forward, mas_error *err)
{
    mas_model_cost cost;
    const mas_status status = mas_model_cost_at(model, plan, length, &cost, err);
    if (status == MAS_OK) {
        *training = cost.training_flops / (double)length;
        *forward = cost.forward_flops / (double)length;
    }
    return status;
}

/* Lengths double from start_len to seq_len in equal shares of the first grow_until of the
 * budget. */
static mas_status training_flops(const mas_train_config *t, const mas_plan *plan,
                                 const mas_model_config *model, double *out, mas_error *err)
{
    int stages = 0;
    for (int64_t length = t->start_len; length > 0 && length < t->seq_len; length *= 2)
        stages++;
    double training = 0, forward = 0;
    mas_status status = flops_per_token(plan, model, t->seq_len, &training, &forward, err);
    *out = (double)t->tokens * (stages ? 1 - t->grow_until : 1) * training;
    for (int64_t length = t->start_len; status == MAS_OK && stages > 0 && length < t->seq_len;
         length *= 2) {
        status = flops_per_token(plan, model, length, &training, &forward, err);
        *out += (double)t->tokens * t->grow_until / stages * training;
    }
    return status;
}

static mas_status base_flops(const mas_point *point, mas_point_cost *out, mas_error *err)
{
    const mas_train_config base = mas_train_config_of_base(&point->training);
    const mas_model_config model = mas_base_model(&out->model);
    mas_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the plan of the base");
    mas_status status = mas_base_plan(model.layers, plan, err);
    if (status == MAS_OK)
        status = training_flops(&base, plan, &model, &out->base_flops, err);
    free(plan);
    return status;
}

/* Whole documents are scored until there are `wanted` tokens. How long those of text are only the open corpus
 * knows. */
static double scored_tokens(const mas_point *point, int64_t wanted)
{
    int64_t document = 1;
    if (point->corpus.kind == MAS_CORPUS_TOKENS)
        document = mas_corpus_piece_tokens(mas_point_longest(point)) - 1;
    else if (point->corpus.kind == MAS_CORPUS_RECALL)
        document = mas_point_context(point);
    return ceil((double)wanted / (double)document) * (double)document;
}

static mas_status total_flops(const mas_point *point, mas_point_cost *out, mas_error *err)
{
    const mas_train_config *t = &point->training;
    const bool converts = mas_train_converts(t);
    double training, forward = 0;
    mas_status status = training_flops(t, &point->plan, &out->model, &out->training_flops, err);
    if (status == MAS_OK && converts)
        status = base_flops(point, out, err);
    if (status != MAS_OK)
        return status;
    const int32_t context = mas_point_context(point);
    const int32_t stride = point->evaluation.stride ? point->evaluation.stride : context;
    status = flops_per_token(&point->plan, &out->model, context, &training, &forward, err);
    const double scored = scored_tokens(point, point->evaluation.tokens) * (converts ? 2 : 1) +
                          scored_tokens(point, t->curve_tokens) * (t->evaluations + 1);
    out->evaluation_flops = scored * forward * context / stride;
    return status;
}

mas_status mas_point_cost_of(const mas_device_kind *device, const mas_point *point,
                             mas_point_cost *out, mas_error *err)
{
    *out = (mas_point_cost){.model = point->model};
    const int32_t vocab = mas_point_vocab(point);
    if (vocab == 0)
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "the vocabulary is known only to the corpus; set model.vocab to plan without it");
    mas_status status = mas_model_config_resolve(&out->model, vocab, mas_point_longest(point), err);
    if (status == MAS_OK)
        status =
            mas_model_cost_at(&out->model, &point->plan, point->training.seq_len, &out->whole, err);
    if (status == MAS_OK)
        status = cost_in_tiles_of(device, point, &out->model, &point->plan.sparse,
                                  &out->sparse_tiles, err);
    if (status == MAS_OK)
        status =
            cost_in_tiles_of(device, point, &out->model, &point->plan.full, &out->full_tiles, err);
    if (status == MAS_OK && point->kind != MAS_KIND_PLAN)
        status = total_flops(point, out, err);
    if (status == MAS_OK) {
        out->parameters = mas_model_parameter_count(&out->model);
        out->parameters_no_embedding = mas_model_parameter_count_no_embedding(&out->model);
    }
    return status;
}

/* One batch to warm up, one to time. The ids do not matter for the time. */
static mas_status time_batch(const mas_point *point, const mas_point_cost *cost, mas_model *model,
                             mas_point_trial *out, mas_error *err)
{
    const int64_t length = point->training.seq_len;
    const int32_t parts = point->training.accumulate > 0 ? point->training.accumulate : 1;
    const int64_t sequences = point->training.batch_tokens / parts / length;
    int32_t *ids = malloc((size_t)(sequences * length) * sizeof *ids);
    if (!ids || sequences < 1) {
        free(ids);
        return mas_fail(err, MAS_E_MEMORY, "no memory for a trial batch");
    }
    for (int64_t i = 0; i < sequences * length; i++)
        ids[i] = (int32_t)(mas_mix64((uint64_t)i) % (uint64_t)cost->model.vocab);
    const mas_batch batch = {
        .sequences = sequences, .length = length, .tokens = ids, .targets = ids};
    double loss, begin = 0;
    mas_status status = MAS_OK;
    for (int i = 0; status == MAS_OK && i < 2; i++) {
        begin = mas_measure_now();
        status = mas_model_gradient(model, &batch, 1.0f, &loss, err);
    }
    const double rate =
        cost->whole.training_flops * (double)sequences / (mas_measure_now() - begin);
    out->seconds = (cost->training_flops + cost->evaluation_flops) / rate;
    out->base_seconds = cost->base_flops / rate;
    free(ids);
    return status;
}

mas_status mas_point_try(const mas_device_kind *device, const mas_point *point,
                         const mas_point_cost *cost, int threads, mas_point_trial *out,
                         mas_error *err)
{
    *out = (mas_point_trial){.built = false};
    const double batch_flops = cost->whole.training_flops / point->training.seq_len *
                               (double)mas_point_batch_tokens(point);
    if (cost->whole.weight_bytes > TRIAL_WEIGHT_BYTES || batch_flops > TRIAL_FLOPS)
        return MAS_OK;
    mas_device *opened = NULL;
    mas_model *model = NULL;
    mas_status status = device->open(threads, point->memory_limit_bytes, &opened, err);
    if (status == MAS_OK)
        status = mas_model_create(opened, &cost->model, &point->plan, mas_point_batch_tokens(point),
                                  mas_train_use(&point->training), point->seed, &model, err);
    if (status == MAS_OK)
        status = time_batch(point, cost, model, out, err);
    out->built = status == MAS_OK;
    if (opened)
        out->memory = opened->memory;
    mas_model_free(model);
    mas_device_close(opened);
    return status;
}
