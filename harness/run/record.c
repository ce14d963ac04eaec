/* SPDX-License-Identifier: Apache-2.0 */
/* A result as JSON. Every field is described in results/README.md; change both together. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"
#include "variants/cost.h"
#include "variants/reach.h"

#include <stdlib.h>
#include <string.h>

static const char *placement_name(const mas_point *point)
{
    const mas_plan *plan = &point->plan;
    if (plan->full_layers == 0 || plan->full_layers == plan->layers)
        return NULL; /* nothing to place */
    return mas_placement_name(point->attention.placement.kind);
}

/* What a chart gives one symbol: uniform plans by their variant, mixed ones by sparse variant and rule
 * of placement. Lists of layers are one rule, and so are random ones. */
static void family_name(const mas_point *point, char *text, size_t size)
{
    const mas_plan *plan = &point->plan;
    char label[96];
    mas_attn_spec_label(plan->full_layers == plan->layers ? &plan->full : &plan->sparse, label,
                        sizeof label);
    const mas_placement *placement = &point->attention.placement;
    char rule[48];
    if (placement->kind == MAS_PLACEMENT_PERIODIC)
        mas_placement_label(placement, rule, sizeof rule);
    else
        snprintf(rule, sizeof rule, "%s", mas_placement_name(placement->kind));
    if (placement_name(point))
        snprintf(text, size, "MASFormer + %s, %s", label, rule);
    else
        snprintf(text, size, "%s", label);
}

/* Tiles of the kernels that run (or, in a plan, would run) at this length. */
typedef struct layer_kernels {
    const char *forward, *backward;
    int32_t q_tile, k_tile;
} layer_kernels;

static layer_kernels kernels_of(const mas_outcome *out, const mas_attn_spec *spec, int64_t length)
{
    layer_kernels k = {NULL, NULL, 1, 1};
    const mas_attn_kernel *forward =
        mas_point_kernel(out->kind, &out->model, spec, length, MAS_ATTN_FORWARD, NULL, 0);
    const mas_attn_kernel *backward =
        mas_point_kernel(out->kind, &out->model, spec, length, MAS_ATTN_BACKWARD, NULL, 0);
    k.forward = forward ? forward->name : NULL;
    k.backward = backward ? backward->name : NULL;
    if (forward) {
        const mas_mask mask = mas_attn_spec_mask(spec);
        const mas_attn_problem problem = mas_point_problem(&out->model, &mask, length);
        forward->tile(&problem, &k.q_tile, &k.k_tile);
    }
    return k;
}

static json_t *layer_record(const mas_point *point, const mas_outcome *out, int32_t layer,
                            const layer_kernels *kernels, const mas_layer_cost *cost)
{
    json_t *json = json_object();
    const mas_attn_spec *spec = mas_plan_layer(&point->plan, layer);
    char label[96];
    mas_attn_spec_label(spec, label, sizeof label);
    mas_json_set_int(json, "layer", layer);
    mas_json_set_text(json, "variant", spec->variant->name);
    mas_json_set_text(json, "label", label);
    mas_json_set_bool(json, "full", point->plan.is_full[layer]);
    mas_json_set_text(json, "forward_kernel", kernels->forward);
    mas_json_set_text(json, "backward_kernel", kernels->backward);
    mas_json_set(json, "tile", json_pack("[i,i]", (int)kernels->q_tile, (int)kernels->k_tile));
    mas_json_set_int(json, "pairs", cost->pairs);
    mas_json_set_int(json, "executed_pairs", cost->executed_pairs);
    mas_json_set_int(json, "empty_rows", cost->empty_rows);
    mas_json_set_number(json, "forward_flops", cost->forward_flops);
    mas_json_set_number(json, "backward_flops", cost->backward_flops);
    mas_json_set_number(json, "executed_forward_flops", cost->executed_forward_flops);
    mas_json_set_number(json, "executed_backward_flops", cost->executed_backward_flops);
    mas_json_set_int(json, "kv_cache_tokens", cost->kv_cache_tokens);
    if (out->model_built) {
        const mas_layer_work *work = mas_model_layer_work(out->model_built) + layer;
        mas_json_set_text(json, "forward_kernel",
                          work->forward_kernel ? work->forward_kernel : kernels->forward);
        mas_json_set_text(json, "backward_kernel",
                          work->backward_kernel ? work->backward_kernel : kernels->backward);
        mas_json_set_int(json, "visited_tiles", work->visited_tiles);
        mas_json_set_int(json, "scheduled_tiles", work->scheduled_tiles);
    }
    return json;
}

/* Costs at the training length. Executed figures need the tiles of each layer's own kernel, and
 * a plan's sparse and full layers may run different ones, so the two kinds are computed apart. */
static void add_plan(json_t *result, const mas_point *point, const mas_outcome *out)
{
    const int64_t length = point->training.seq_len;
    const mas_plan *plan = &point->plan;
    const mas_model_config *model = &out->model;
    const layer_kernels kinds[2] = {kernels_of(out, &plan->sparse, length),
                                    kernels_of(out, &plan->full, length)};
    mas_plan_cost *costs = calloc(2, sizeof *costs);
    mas_model_cost whole;
    mas_error err;
    json_t *layers = json_array(), *json = json_object(), *attention = json_object(),
           *cost = json_object();
    char text[MAS_LAYERS_MAX + 1];
    if (!costs)
        goto done;
    for (int kind = 0; kind < 2; kind++)
        if (mas_plan_cost_at(plan, length, model->heads, model->head_dim, model->head_dim,
                             kinds[kind].q_tile, kinds[kind].k_tile, &costs[kind], &err) != MAS_OK)
            goto done;
    double executed_forward = 0, executed_backward = 0;
    int64_t empty_rows = 0;
    for (int32_t i = 0; i < plan->layers; i++) {
        const int kind = plan->is_full[i] ? 1 : 0;
        const mas_layer_cost *layer = &costs[kind].layer[i];
        executed_forward += layer->executed_forward_flops;
        executed_backward += layer->executed_backward_flops;
        empty_rows =
            layer->empty_rows > empty_rows ? layer->empty_rows : empty_rows; /* of one head */
        (void)json_array_append_new(layers, layer_record(point, out, i, &kinds[kind], layer));
    }
    mas_plan_letters(plan, text, sizeof text);
    mas_json_set_text(json, "letters", text);
    char label[MAS_TITLE_MAX];
    mas_plan_label(plan, &point->attention.placement, label, sizeof label);
    mas_json_set_text(json, "label", label);
    family_name(point, label, sizeof label);
    mas_json_set_text(json, "family", label);
    mas_json_set_text(json, "placement", placement_name(point));
    mas_json_set_int(json, "layers", plan->layers);
    mas_json_set_int(json, "full_layers", plan->full_layers);
    mas_json_set_text(json, "alignment", mas_alignment_name(MAS_ALIGN_BOTTOM_RIGHT));
    mas_json_set_int(json, "length", length);
    int64_t reach = 0;
    if (mas_plan_reach(plan, length, &reach, &err) != MAS_OK)
        goto done;
    mas_json_set_int(json, "reach", reach);
    mas_json_set_int(json, "empty_rows", empty_rows);
    mas_json_set(json, "layer", json_incref(layers));
    mas_json_set(result, "plan", json_incref(json));

    mas_json_set_number(attention, "forward_flops", costs[0].forward_flops);
    mas_json_set_number(attention, "backward_flops", costs[0].backward_flops);
    mas_json_set_number(attention, "executed_forward_flops", executed_forward);
    mas_json_set_number(attention, "executed_backward_flops", executed_backward);
    mas_json_set_number(attention, "full_forward_flops", costs[0].full_forward_flops);
    mas_json_set_number(attention, "relative", costs[0].relative_cost);
    mas_json_set(cost, "attention", json_incref(attention));
    if (out->resolved && mas_model_cost_at(model, plan, length, &whole, &err) == MAS_OK) {
        json_t *m = json_object();
        mas_json_set_number(m, "linear_forward_flops", whole.linear_forward_flops);
        mas_json_set_number(m, "attention_forward_flops", whole.attention_forward_flops);
        mas_json_set_number(m, "forward_flops", whole.forward_flops);
        mas_json_set_number(m, "training_flops", whole.training_flops);
        mas_json_set_number(m, "full_forward_flops", whole.full_forward_flops);
        mas_json_set_number(m, "relative", whole.forward_flops / whole.full_forward_flops);
        mas_json_set(cost, "model", m);
        mas_json_set_int(cost, "kv_cache_bytes", whole.kv_cache_bytes);
        mas_json_set_int(cost, "full_kv_cache_bytes", whole.full_kv_cache_bytes);
        mas_json_set_int(cost, "weight_bytes", whole.weight_bytes);
        mas_json_set_int(cost, "parameters", mas_model_parameter_count(model));
        mas_json_set_int(cost, "parameters_no_embedding",
                         mas_model_parameter_count_no_embedding(model));
    }
    mas_json_set(result, "cost", json_incref(cost));
done:
    free(costs);
    json_decref(layers);
    json_decref(json);
    json_decref(attention);
    json_decref(cost);
}

static json_t *memory_record(const mas_memory_use *use)
{
    json_t *json = json_object();
    mas_json_set(json, "limit_bytes",
                 use->limit_bytes ? json_integer((json_int_t)use->limit_bytes) : json_null());
    for (int i = 0; i < MAS_MEMORY_COUNT; i++) {
        char key[48];
        snprintf(key, sizeof key, "%s_bytes", mas_memory_name((mas_memory)i));
        mas_json_set_int(json, key, (int64_t)use->peak_bytes[i]);
    }
    mas_json_set_int(json, "total_bytes", (int64_t)use->total_peak_bytes);
    return json;
}

/* Sums of losses over equal parts of what was scored, so that reports can pair points. */
static json_t *segments_record(const mas_quality *q)
{
    json_t *nats = json_array();
    for (int32_t i = 0; i < q->segments; i++)
        (void)json_array_append_new(nats, mas_json_number(q->segment_nats[i]));
    return json_pack("{s:I,s:o}", "tokens_each", (json_int_t)q->segment_tokens, "nats", nats);
}

static json_t *quality_record(const mas_quality *q, int32_t context)
{
    json_t *json = json_object(), *positions = json_array(), *tokens = json_array(),
           *losses = json_array();
    mas_json_set_int(json, "tokens", q->tokens);
    mas_json_set_int(json, "text_bytes", q->text_bytes);
    mas_json_set_number(json, "nats", q->nats);
    mas_json_set_number(json, "loss", mas_quality_loss(q));
    mas_json_set_number(json, "perplexity", mas_quality_perplexity(q));
    mas_json_set(json, "bits_per_byte",
                 q->text_bytes > 0 ? mas_json_number(mas_quality_bits_per_byte(q)) : json_null());
    mas_json_set_int(json, "correct", q->correct);
    mas_json_set_int(json, "context", context);
    for (int32_t i = 0; i < q->position_bins; i++) {
        (void)json_array_append_new(positions,
                                    json_integer((json_int_t)i * context / q->position_bins));
        (void)json_array_append_new(tokens, json_integer((json_int_t)q->position_tokens[i]));
        (void)json_array_append_new(
            losses, mas_json_number(q->position_nats[i] / (double)q->position_tokens[i]));
    }
    mas_json_set(json, "by_position",
                 json_pack("{s:o,s:o,s:o}", "first", positions, "tokens", tokens, "loss", losses));
    mas_json_set(json, "segments", segments_record(q));
    if (!q->has_evidence) {
        mas_json_set(json, "by_distance", json_null());
        return json;
    }
    json_t *first = json_array(), *correct = json_array();
    tokens = json_array();
    losses = json_array();
    for (int32_t i = 0; i < MAS_DISTANCE_BINS; i++) {
        if (q->distance_tokens[i] == 0)
            continue;
        (void)json_array_append_new(first, json_integer(i == 0 ? 0 : (json_int_t)1 << (i - 1)));
        (void)json_array_append_new(tokens, json_integer((json_int_t)q->distance_tokens[i]));
        (void)json_array_append_new(correct, json_integer((json_int_t)q->distance_correct[i]));
        (void)json_array_append_new(
            losses, mas_json_number(q->distance_nats[i] / (double)q->distance_tokens[i]));
    }
    mas_json_set(json, "by_distance",
                 json_pack("{s:o,s:o,s:o,s:o}", "first", first, "tokens", tokens, "correct",
                           correct, "loss", losses));
    return json;
}

static json_t *conversion_record(const mas_point *point, const mas_outcome *out)
{
    const mas_base *base = &out->base;
    if (!base->path)
        return json_null();
    json_t *json = json_object();
    mas_json_set_text(json, "base", base->hash);
    mas_json_set_int(json, "base_tokens", base->tokens);
    mas_json_set_int(json, "base_length", point->training.from.seq_len);
    mas_json_set_number(json, "base_loss", base->loss);
    mas_json_set_number(json, "base_seconds", base->seconds);
    mas_json_set_bool(json, "base_trained_here", base->trained);
    mas_json_set(json, "at_switch",
                 out->has_switch ? quality_record(&out->at_switch, mas_point_context(point))
                                 : json_null());
    return json;
}

static void add_training(json_t *result, const mas_train_report *report)
{
    json_t *curve = json_array(), *steps = json_array(), *training = json_object();
    for (int32_t i = 0; i < report->curve_count; i++) {
        const mas_curve_point *c = &report->curve[i];
        json_t *json = json_object();
        mas_json_set_int(json, "step", c->step);
        mas_json_set_int(json, "tokens", c->tokens);
        mas_json_set_int(json, "length", c->length);
        mas_json_set_number(json, "train_loss", c->train_loss);
        mas_json_set_number(json, "validation_loss", c->validation_loss);
        mas_json_set_number(json, "gradient_norm", c->gradient_norm);
        mas_json_set_number(json, "learning_rate", c->learning_rate);
        mas_json_set_number(json, "seconds", c->seconds);
        (void)json_array_append_new(curve, json);
    }
    for (int64_t i = 0; report->step_losses && i < report->steps; i++)
        (void)json_array_append_new(steps, mas_json_number(report->step_losses[i]));
    mas_json_set(result, "curve", curve);
    mas_json_set_int(training, "steps", report->steps);
    mas_json_set_int(training, "tokens", report->tokens);
    mas_json_set_bool(training, "resumed", report->resumed);
    mas_json_set(training, "step_losses", steps);
    mas_json_set(result, "training", training);
}

static json_t *time_record(const mas_point *point, const mas_outcome *out)
{
    json_t *json = json_object();
    const mas_train_report *report = &out->training;
    mas_json_set_text(json, "started", out->started);
    mas_json_set_number(json, "seconds", out->seconds);
    mas_json_set_int(json, "points_at_once", out->at_once > 1 ? out->at_once : 1);
    mas_json_set_number(json, "training_seconds", report->seconds);
    mas_json_set_number(json, "evaluation_seconds", report->evaluation_seconds);
    mas_model_cost cost;
    if (report->seconds > 0 && report->tokens > 0) {
        mas_json_set_number(json, "tokens_per_second", (double)report->tokens / report->seconds);
        /* Only a run that kept one length did a known number of FLOPs per token. */
        if ((point->training.start_len == 0 ||
             point->training.start_len == point->training.seq_len) &&
            mas_model_cost_at(&out->model, &point->plan, point->training.seq_len, &cost, NULL) ==
                MAS_OK) {
            const double rate = cost.training_flops / point->training.seq_len *
                                (double)report->tokens / report->seconds;
            mas_json_set_number(json, "model_flops_per_second", rate);
            if (out->peak_flops > 0)
                mas_json_set_number(json, "model_flop_utilisation", rate / out->peak_flops);
        }
    }
    if (out->peak_flops > 0)
        mas_json_set_number(json, "peak_flops_per_second", out->peak_flops);
    if (out->operations)
        mas_json_set(json, "operations", json_incref(out->operations));
    return json;
}

static json_t *corpus_record(const mas_corpus *corpus)
{
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    static const char *const splits[MAS_SPLIT_COUNT] = {"train", "validation", "test"};
    json_t *json = json_object(), *documents = json_object(), *tokens = json_object();
    for (int i = 0; i < MAS_SPLIT_COUNT; i++) {
        mas_json_set_int(documents, splits[i], info->documents[i]);
        mas_json_set_int(tokens, splits[i], info->tokens[i]);
    }
    mas_json_set_text(json, "type", mas_corpus_kind_name(info->kind));
    mas_json_set_text(json, "hash", info->hash);
    mas_json_set_text(json, "tokenizer", info->tokenizer);
    mas_json_set(json, "tokenizer_hash",
                 info->tokenizer_hash[0] ? json_string(info->tokenizer_hash) : json_null());
    mas_json_set_int(json, "vocab", info->vocab);
    mas_json_set_number(json, "bytes_per_token", info->bytes_per_token);
    mas_json_set(json, "documents", documents);
    mas_json_set(json, "tokens", tokens);
    return json;
}

json_t *mas_record_head(const mas_experiment *experiment, const mas_point *point,
                        const char *status, const char *error)
{
    json_t *result = json_object();
    if (!result)
        return NULL;
    mas_json_set_int(result, "schema", MAS_RESULT_SCHEMA);
    mas_json_set_text(result, "id", point->id);
    mas_json_set_text(result, "title", point->title);
    mas_json_set_text(result, "experiment", experiment->name);
    mas_json_set_text(result, "kind", mas_experiment_kind_name(point->kind));
    mas_json_set_text(result, "status", status);
    mas_json_set_text(result, "error", error);
    mas_json_set_int(result, "seed", (int64_t)point->seed);
    mas_json_set(result, "point", json_incref(point->resolved));
    return result;
}

json_t *mas_record(const mas_experiment *experiment, const mas_point *point, const mas_outcome *out)
{
    json_t *result = mas_record_head(experiment, point, mas_status_name(out->status),
                                     out->status == MAS_OK ? NULL : out->error.text);
    if (!result)
        return NULL;
    if (out->status != MAS_E_ARGUMENT && out->status != MAS_E_SHAPE)
        add_plan(result, point, out);
    if (point->kind != MAS_KIND_PLAN || out->resolved)
        mas_json_set(result, "memory", memory_record(&out->memory));
    if (point->kind != MAS_KIND_PLAN) {
        mas_json_set(result, "quality",
                     out->has_quality ? quality_record(&out->quality, mas_point_context(point))
                                      : json_null());
        if (mas_train_converts(&point->training))
            mas_json_set(result, "conversion", conversion_record(point, out));
        mas_json_set(result, "floors", mas_floors_record(point, out->corpus));
        add_training(result, &out->training);
        mas_json_set(result, "time", time_record(point, out));
    }
    mas_json_set(result, "corpus", out->corpus ? corpus_record(out->corpus) : json_null());
    mas_json_set(result, "machine", mas_machine_record(out->device));
    return result;
}
