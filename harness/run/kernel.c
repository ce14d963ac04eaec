/* SPDX-License-Identifier: Apache-2.0 */
/* A point of kind kernel: check, time, record. Every field is described in results/README.md; change both together. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <stdlib.h>

static bool stopped(void *user)
{
    const mas_run_options *options = user;
    return options->stop && *options->stop;
}

static json_t *figures_record(const mas_statistics *s)
{
    json_t *json = json_object();
    mas_json_set_number(json, "median", s->median);
    mas_json_set_number(json, "mad", s->mad);
    mas_json_set_number(json, "q1", s->q1);
    mas_json_set_number(json, "q3", s->q3);
    mas_json_set_number(json, "min", s->min);
    mas_json_set_number(json, "max", s->max);
    mas_json_set_number(json, "mean", s->mean);
    mas_json_set_number(json, "relative_error", s->error);
    return json;
}

/* Quotients of what was not measured are null. */
static double share(double value, double of)
{
    return of > 0 ? value / of : (double)NAN;
}

/* What a library does inside is not known. */
static void set_tiles(json_t *json, const char *key, int64_t count, bool opaque)
{
    mas_json_set(json, key, opaque ? json_null() : json_integer(count));
}

void mas_kernel_counts_record(json_t *json, const mas_bench_result *r)
{
    mas_json_set_number(json, "useful_flops", r->useful_flops);
    mas_json_set_number(json, "executed_flops", r->opaque ? (double)NAN : r->executed_flops);
    set_tiles(json, "visited_tiles", r->visited_tiles, r->opaque);
    set_tiles(json, "scheduled_tiles", r->scheduled_tiles, r->opaque);
    mas_json_set_int(json, "workspace_bytes", (int64_t)r->workspace_bytes);
    mas_json_set_int(json, "working_set_bytes", (int64_t)r->working_set_bytes);
}

static double full_flops(const mas_point *point)
{
    const mas_attn_spec spec = mas_attn_spec_full();
    const mas_mask mask = mas_attn_spec_mask(&spec);
    const mas_attn_problem p = mas_bench_problem(&point->kernel, &mask);
    const int64_t pairs = mas_mask_pairs(&mask, p.q_len, p.kv_len, p.alignment, NULL);
    return (double)(p.batch * p.q_heads) * mas_attn_flops(point->kernel.op, pairs, p.d_qk, p.d_v);
}

/* full_rate: 0 where full attention could not be timed. */
static json_t *metrics_record(const mas_point *point, const mas_bench_result *r,
                              const mas_device *device, double full_rate)
{
    json_t *json = json_object();
    const double median = r->measurement.statistics.median;
    const double rate = r->useful_flops / median;
    const double limit = r->limits[mas_device_limit(device, point->kernel.dtype)];
    const double full = full_flops(point) * point->plan.layers;
    mas_json_set_number(json, "useful_gflops", rate / 1e9);
    mas_json_set_number(json, "executed_gflops",
                        r->opaque ? (double)NAN : r->executed_flops / median / 1e9);
    mas_json_set_number(json, "fraction_of_peak", share(rate, limit));
    mas_json_set_number(json, "full_useful_gflops", full_rate > 0 ? full_rate / 1e9 : (double)NAN);
    mas_json_set_number(json, "rate_vs_full", share(rate, full_rate));
    mas_json_set_number(json, "speedup_vs_full", share(full / median, full_rate));
    mas_json_set_number(json, "predicted_speedup", share(full, r->useful_flops));
    if (point->kernel.op == MAS_ATTN_DECODE) {
        mas_json_set_number(json, "bytes_per_second", r->key_bytes / median);
        mas_json_set_number(json, "fraction_of_bandwidth",
                            share(r->key_bytes / median, r->limits[MAS_LIMIT_READ]));
    }
    mas_kernel_counts_record(json, r);
    const mas_measurement *m = &r->measurement;
    mas_statistics cold;
    mas_json_set(json, "seconds", figures_record(&m->statistics));
    mas_json_set(json, "per_yardstick",
                 m->quotient.count > 0 ? figures_record(&m->quotient) : json_null());
    mas_json_set(json, "cold_seconds",
                 m->cold_count > 0 &&
                         mas_statistics_of(m->cold, m->cold_count, &cold, NULL) == MAS_OK
                     ? figures_record(&cold)
                     : json_null());
    return json;
}

static json_t *layers_record(const mas_point *point, const mas_bench_result *r)
{
    json_t *layers = json_array();
    for (int kind = 0; kind < MAS_BENCH_LAYERS; kind++) {
        const mas_bench_layer *l = &r->layer[kind];
        if (!l->present)
            continue;
        const bool full = kind == MAS_BENCH_FULL;
        char label[96];
        mas_attn_spec_label(full ? &point->plan.full : &point->plan.sparse, label, sizeof label);
        json_t *json = json_object();
        mas_json_set_text(json, "label", label);
        mas_json_set_int(json, "layers",
                         full ? point->plan.full_layers
                              : point->plan.layers - point->plan.full_layers);
        mas_json_set_text(json, "kernel", l->kernel);
        mas_json_set_text(json, "refusals", l->refusals);
        mas_json_set(json, "tile",
                     l->opaque ? json_null() : json_pack("[i,i]", (int)l->q_tile, (int)l->k_tile));
        mas_json_set_int(json, "pairs", l->pairs);
        set_tiles(json, "executed_pairs", l->executed_pairs, l->opaque);
        set_tiles(json, "visited_tiles", l->visited_tiles, l->opaque);
        set_tiles(json, "scheduled_tiles", l->scheduled_tiles, l->opaque);
        mas_json_set_int(json, "workspace_bytes", (int64_t)l->workspace_bytes);
        (void)json_array_append_new(layers, json);
    }
    return layers;
}

static json_t *samples_record(const mas_measurement *m, const char *yardstick_name,
                              double slow_down)
{
    json_t *json = json_object(), *seconds = json_array(), *yardstick = json_array(),
           *preemptions = json_array(), *cold = json_array();
    for (int64_t i = 0; i < m->count; i++) {
        (void)json_array_append_new(seconds, mas_json_number(m->samples[i].seconds));
        (void)json_array_append_new(yardstick, mas_json_number(m->samples[i].yardstick));
        (void)json_array_append_new(preemptions, json_integer(m->samples[i].preemptions));
    }
    for (int64_t i = 0; i < m->cold_count; i++)
        (void)json_array_append_new(cold, mas_json_number(m->cold[i]));
    mas_json_set_int(json, "warmup_runs", m->warmup_runs);
    mas_json_set_int(json, "repeats", m->repeats);
    mas_json_set(json, "steady",
                 m->count < MAS_STEADY_SAMPLES ? json_null() : json_boolean(m->steady));
    mas_json_set_bool(json, "precise", m->precise);
    mas_json_set_bool(json, "throttled", m->throttled);
    mas_json_set_number(json, "stolen_share", m->stolen);
    mas_json_set(json, "seconds", seconds);
    const bool beside = m->quotient.count > 0;
    mas_json_set_text(json, "yardstick", beside ? yardstick_name : NULL);
    mas_json_set(json, "yardstick_seconds", beside ? yardstick : json_null());
    if (!beside)
        json_decref(yardstick);
    mas_json_set(json, "preemptions", preemptions);
    mas_json_set(json, "cold_seconds", cold);
    mas_json_set(json, "slowed_by", slow_down > 0 ? json_real(slow_down) : json_null());
    return json;
}

static json_t *limits_record(const mas_bench_result *r)
{
    json_t *json = json_object();
    for (int i = 0; i < MAS_LIMIT_COUNT; i++)
        mas_json_set(json, mas_limit_name((mas_limit)i),
                     r->limits[i] > 0 ? json_real(r->limits[i]) : json_null());
    return json;
}

static json_t *plan_record(const mas_point *point)
{
    json_t *json = json_object();
    char text[MAS_TITLE_MAX + MAS_LAYERS_MAX];
    mas_plan_letters(&point->plan, text, sizeof text);
    mas_json_set_text(json, "letters", text);
    mas_plan_label(&point->plan, &point->attention.placement, text, sizeof text);
    mas_json_set_text(json, "label", text);
    mas_json_set_int(json, "layers", point->plan.layers);
    mas_json_set_int(json, "full_layers", point->plan.full_layers);
    return json;
}

static json_t *record(const mas_experiment *experiment, const mas_point *point,
                      const mas_bench_result *r, double full_rate, double slow_down,
                      const mas_device *device, mas_status status, const mas_error *err,
                      const mas_error *full_err, const char *started, double seconds)
{
    json_t *result =
        mas_record_head(experiment, point, r->wrong ? "wrong" : mas_status_name(status),
                        status == MAS_OK ? NULL : err->text);
    if (!result)
        return NULL;
    json_t *check = json_object(), *time = json_object();
    mas_json_set(result, "plan", plan_record(point));
    mas_json_set(result, "layer", layers_record(point, r));
    mas_json_set_int(check, "rows", r->rows_checked);
    mas_json_set_number(check, "worst_ratio", r->worst_ratio);
    mas_json_set(result, "check", check);
    if (status == MAS_OK) {
        mas_json_set(result, "metrics", metrics_record(point, r, device, full_rate));
        mas_json_set(result, "samples",
                     samples_record(&r->measurement, device->yardstick, slow_down));
        mas_json_set(result, "limits", limits_record(r));
        if (full_rate <= 0)
            mas_json_set_text(result, "full_error", full_err->text);
    }
    mas_json_set_text(time, "started", started);
    mas_json_set_number(time, "seconds", seconds);
    mas_json_set(result, "time", time);
    mas_json_set(result, "machine", mas_machine_record(device));
    return result;
}

json_t *mas_run_kernel_point(mas_shared *shared, const mas_experiment *experiment,
                             const mas_point *point, const mas_run_options *options,
                             const mas_run_observer *observer)
{
    (void)observer; /* a point takes seconds */
    const double begin = mas_measure_now();
    char started[32];
    mas_time_stamp(started, sizeof started);
    mas_error err = {0};
    mas_device *device = NULL;
    double full_rate = 0;
    mas_bench_result *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    mas_status status =
        options->device->open(options->threads, point->memory_limit_bytes, &device, &err);
    if (status == MAS_OK && !shared->full_rates)
        status = mas_bench_cache_create(&shared->full_rates, &err);
    void *user = (void *)options;
    if (status == MAS_OK)
        status = mas_bench_run(device, NULL, &point->kernel, &point->plan, &point->measure,
                               options->slow_down, point->seed, stopped, user, r, &err);
    if (status == MAS_OK && point->plan.layers == 1 && point->plan.full_layers == 1)
        status = mas_bench_cache_add(shared->full_rates, &point->kernel,
                                     r->useful_flops / r->measurement.statistics.median, &err);
    /* What full attention fails at is no fault of this point, which keeps its own time. */
    mas_error full_err = {0};
    if (status == MAS_OK &&
        mas_bench_full_rate(shared->full_rates, device, &point->kernel, &point->measure,
                            point->seed, stopped, user, &full_rate, &full_err) == MAS_E_INTERRUPTED)
        status = MAS_E_INTERRUPTED;
    json_t *result = NULL;
    if (status != MAS_E_INTERRUPTED)
        result = record(experiment, point, r, full_rate, options->slow_down, device, status, &err,
                        &full_err, started, mas_measure_now() - begin);
    mas_bench_result_free(r);
    free(r);
    mas_device_close(device);
    return result;
}
