/* SPDX-License-Identifier: Apache-2.0 */
/* From a problem to its time: kernels chosen, results checked, samples between two measurements of the limits. */
#include "harness/bench/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_DOWN_SAMPLES 20 /* the fastest of them is what a slow-down is a share of */
#define LIMIT_SECONDS 0.03   /* of each measurement of a limit */

/* A kind of layer made ready to run. */
typedef struct ready {
    mas_mask mask;
    mas_attn_plan *plan;
    void *o, *lse; /* backward: what its own forward gave */
    mas_attn_args args;
} ready;

struct mas_bench {
    mas_device *device;
    mas_attn_table table;
    const mas_bench_config *config;
    const mas_plan *plan;
    mas_bench_rig *rig;
    ready layers[MAS_BENCH_LAYERS];
    void *workspace;
    mas_bench_stopped *stopped;
    void *user;
    int64_t delay; /* rounds of mas_bench_delay that each launch takes longer */
};

static mas_view view_of(const mas_bench *b, int tensor)
{
    const mas_bench_tensor *t = &b->rig->tensors[tensor];
    return mas_view_dense(t->device, t->rows, t->heads, b->rig->shape.d_qk);
}

/* ---- what a layer has to do ---- */

static void describe(const mas_bench *b, const ready *r, mas_bench_layer *out)
{
    const mas_attn_problem *p = &r->plan->problem;
    const mas_schedule *s = r->plan->schedule;
    const double heads = (double)(p->batch * p->q_heads);
    out->kernel = r->plan->kernel->name;
    out->opaque = r->plan->kernel->opaque;
    out->q_tile = s->q_tile;
    out->k_tile = s->k_tile;
    out->pairs = s->pairs;
    out->executed_pairs = s->executed_pairs;
    out->useful_flops = heads * mas_attn_flops(b->config->op, s->pairs, p->d_qk, p->d_v);
    out->executed_flops = heads * mas_attn_flops(b->config->op, s->executed_pairs, p->d_qk, p->d_v);
    if (b->config->op == MAS_ATTN_DECODE)
        out->key_bytes = (double)(p->batch * p->kv_heads) * (double)s->pairs *
                         (double)(p->d_qk + p->d_v) * (double)mas_dtype_bytes(p->dtype);
    out->scheduled_tiles = s->tiles * p->batch * p->q_heads;
    out->workspace_bytes = r->plan->workspace_bytes;
}

static mas_status make_ready(mas_bench *b, int kind, mas_bench_layer *out, mas_error *err)
{
    ready *r = &b->layers[kind];
    r->mask = mas_attn_spec_mask(kind == MAS_BENCH_FULL ? &b->plan->full : &b->plan->sparse);
    const mas_attn_problem p = mas_bench_problem(b->config, &r->mask);
    out->present = true;
    mas_status status = mas_attn_problem_check(&p, err);
    if (status != MAS_OK)
        return status;
    const mas_attn_kernel *kernel = NULL;
    status = mas_bench_choose(b->table, b->config, &p, &kernel, out->refusals, sizeof out->refusals,
                              err);
    if (status == MAS_OK)
        status = mas_attn_plan_create_for(
            kernel, &p, mas_attn_threads(&p, kernel->op, b->device->threads), &r->plan, err);
    if (status != MAS_OK)
        return status;
    describe(b, r, out);
    status = mas_alloc(b->device, b->rig->lse_bytes, MAS_MEMORY_ACTIVATIONS, &r->lse, err);
    if (status == MAS_OK)
        status = mas_alloc(b->device, b->rig->tensors[MAS_BENCH_O].bytes, MAS_MEMORY_ACTIVATIONS,
                           &r->o, err);
    if (status != MAS_OK)
        return status;
    r->args = (mas_attn_args){.q = view_of(b, MAS_BENCH_Q),
                              .k = view_of(b, MAS_BENCH_K),
                              .v = view_of(b, MAS_BENCH_V),
                              .o = mas_view_dense(r->o, p.q_len, p.q_heads, p.d_v),
                              .lse = r->lse};
    if (b->config->op == MAS_ATTN_BACKWARD) {
        r->args.d_o = view_of(b, MAS_BENCH_D_O);
        r->args.d_q = view_of(b, MAS_BENCH_D_Q);
        r->args.d_k = view_of(b, MAS_BENCH_D_K);
        r->args.d_v = view_of(b, MAS_BENCH_D_V);
    }
    return MAS_OK;
}

/* ---- checking ---- */

static mas_status run_once(const mas_bench *b, const mas_attn_plan *plan, const mas_attn_args *args,
                           void *workspace, mas_attn_counts *counts, mas_error *err)
{
    mas_attn_args a = *args;
    a.workspace = plan->workspace_bytes ? workspace : NULL;
    return b->device->ops->attend(b->device, plan, &a, counts, err);
}

static mas_status check_forward(const mas_bench *b, ready *r, const mas_attn_plan *plan,
                                void *workspace, mas_attn_counts *counts, mas_bench_check *check,
                                mas_error *err)
{
    mas_device *d = b->device;
    mas_bench_tensor *o = &b->rig->tensors[MAS_BENCH_O];
    memset(o->host, 0xff, o->bytes); /* NaN: what is not written is found */
    memset(b->rig->host_lse, 0xff, b->rig->lse_bytes);
    d->ops->upload(d, r->o, o->host, o->bytes);
    d->ops->upload(d, r->lse, b->rig->host_lse, b->rig->lse_bytes);
    mas_attn_args args = r->args;
    args.d_o = args.d_q = args.d_k = args.d_v = (mas_view){0};
    const mas_status status = run_once(b, plan, &args, workspace, counts, err);
    if (status != MAS_OK)
        return status;
    d->ops->download(d, o->host, r->o, o->bytes);
    d->ops->download(d, b->rig->host_lse, r->lse, b->rig->lse_bytes);
    return mas_bench_check_forward(b->rig, &r->mask, plan->schedule->q_tile, check, err);
}

/* The forward kernel's o and lse, checked, are what backward gets. */
static mas_status forward_for(const mas_bench *b, ready *r, mas_bench_check *check, mas_error *err)
{
    mas_attn_plan *plan = NULL;
    void *workspace = NULL;
    mas_status status = mas_attn_plan_create(b->device->attention, &r->plan->problem,
                                             MAS_ATTN_FORWARD, b->device->threads, &plan, err);
    if (status == MAS_OK && plan->workspace_bytes)
        status = mas_alloc(b->device, plan->workspace_bytes, MAS_MEMORY_WORKSPACE, &workspace, err);
    if (status == MAS_OK)
        status = check_forward(b, r, plan, workspace, NULL, check, err);
    b->device->ops->release(b->device, workspace);
    mas_attn_plan_free(plan);
    return status;
}

static mas_status check_layer(const mas_bench *b, ready *r, mas_bench_layer *out,
                              mas_bench_check *check, mas_error *err)
{
    mas_attn_counts counts = {0};
    mas_status status;
    if (b->config->op != MAS_ATTN_BACKWARD) {
        status = check_forward(b, r, r->plan, b->workspace, &counts, check, err);
    } else {
        status = forward_for(b, r, check, err);
        for (int i = MAS_BENCH_D_Q; status == MAS_OK && i <= MAS_BENCH_D_V; i++)
            mas_bench_rig_spoil(b->rig, i);
        if (status == MAS_OK)
            status = run_once(b, r->plan, &r->args, b->workspace, &counts, err);
        for (int i = MAS_BENCH_D_Q; status == MAS_OK && i <= MAS_BENCH_D_V; i++)
            mas_bench_rig_fetch(b->rig, i);
        if (status == MAS_OK)
            status =
                mas_bench_check_backward(b->rig, &r->mask, r->plan->schedule->k_tile, check, err);
    }
    out->visited_tiles = counts.visited_tiles;
    return status;
}

/* ---- timing ---- */

static mas_status launch(void *user, mas_error *err)
{
    const mas_bench *b = user;
    mas_status status = MAS_OK;
    for (int32_t i = 0; status == MAS_OK && i < b->plan->layers; i++) {
        const ready *r = &b->layers[b->plan->is_full[i] ? MAS_BENCH_FULL : MAS_BENCH_SPARSE];
        mas_attn_args args = r->args;
        args.workspace = r->plan->workspace_bytes ? b->workspace : NULL;
        status = b->device->ops->attend(b->device, r->plan, &args, NULL, err);
    }
    mas_bench_delay(b->delay);
    return status;
}

static mas_status wait_done(void *user, mas_error *err)
{
    const mas_bench *b = user;
    return b->device->ops->synchronize(b->device, err);
}

static bool asked_to_stop(void *user)
{
    const mas_bench *b = user;
    return b->stopped && b->stopped(b->user);
}

/* The denominators of this point, the larger of what is measured before and after its samples. */
static void measure_limits(const mas_bench *b, double limits[MAS_LIMIT_COUNT])
{
    bool wanted[MAS_LIMIT_COUNT] = {[MAS_LIMIT_READ] = b->config->op == MAS_ATTN_DECODE};
    wanted[mas_device_limit(b->device, b->config->dtype)] = true;
    for (int i = 0; b->device->ops->limit && i < MAS_LIMIT_COUNT; i++) {
        const double value =
            wanted[i] ? b->device->ops->limit(b->device, (mas_limit)i, LIMIT_SECONDS) : 0;
        limits[i] = value > limits[i] ? value : limits[i];
    }
}

static void add_up(const mas_plan *plan, mas_bench_result *out)
{
    for (int32_t i = 0; i < plan->layers; i++) {
        const mas_bench_layer *l =
            &out->layer[plan->is_full[i] ? MAS_BENCH_FULL : MAS_BENCH_SPARSE];
        out->useful_flops += l->useful_flops;
        out->executed_flops += l->executed_flops;
        out->key_bytes += l->key_bytes;
        out->visited_tiles += l->visited_tiles;
        out->scheduled_tiles += l->scheduled_tiles;
        out->opaque = out->opaque || l->opaque;
        if (l->workspace_bytes > out->workspace_bytes)
            out->workspace_bytes = l->workspace_bytes;
    }
}

static size_t working_set(const mas_bench *b)
{
    size_t bytes = b->rig->lse_bytes;
    for (int i = 0; i < MAS_BENCH_TENSORS; i++)
        bytes += b->rig->tensors[i].bytes;
    return bytes;
}

static mas_status make_all_ready(mas_bench *b, mas_bench_result *out, mas_error *err)
{
    const bool has[MAS_BENCH_LAYERS] = {
        b->plan->full_layers<b->plan->layers, b->plan->full_layers> 0};
    size_t bytes = 0;
    mas_bench_check check = {0};
    mas_status status = MAS_OK;
    for (int kind = 0; status == MAS_OK && kind < MAS_BENCH_LAYERS; kind++) {
        if (!has[kind])
            continue;
        status = make_ready(b, kind, &out->layer[kind], err);
        if (status == MAS_OK && b->layers[kind].plan->workspace_bytes > bytes)
            bytes = b->layers[kind].plan->workspace_bytes;
    }
    if (status == MAS_OK && bytes)
        status = mas_alloc(b->device, bytes, MAS_MEMORY_WORKSPACE, &b->workspace, err);
    for (int kind = 0; status == MAS_OK && kind < MAS_BENCH_LAYERS; kind++)
        if (has[kind]) {
            status = check_layer(b, &b->layers[kind], &out->layer[kind], &check, err);
            out->wrong = check.wrong || status == MAS_E_SCHEDULE;
        }
    out->rows_checked = check.rows;
    out->worst_ratio = check.worst_ratio;
    add_up(b->plan, out);
    out->working_set_bytes = working_set(b) + out->workspace_bytes;
    return status;
}

mas_status mas_bench_open(mas_device *device, mas_attn_table table, const mas_bench_config *config,
                          const mas_plan *plan, uint64_t seed, mas_bench_stopped *stopped,
                          void *user, mas_bench_result *result, mas_bench **out, mas_error *err)
{
    *out = NULL;
    *result = (mas_bench_result){.wrong = false};
    mas_bench *b = malloc(sizeof *b);
    if (!b)
        return mas_fail(err, MAS_E_MEMORY, "no memory to time a kernel");
    *b = (mas_bench){.device = device,
                     .table = table ? table : device->attention,
                     .config = config,
                     .plan = plan,
                     .stopped = stopped,
                     .user = user};
    mas_status status = mas_bench_rig_open(device, config, seed, &b->rig, err);
    if (status == MAS_OK)
        status = make_all_ready(b, result, err);
    if (status == MAS_OK)
        *out = b;
    else
        mas_bench_close(b);
    return status;
}

void mas_bench_close(mas_bench *b)
{
    if (!b)
        return;
    for (int kind = 0; kind < MAS_BENCH_LAYERS; kind++) {
        b->device->ops->release(b->device, b->layers[kind].o);
        b->device->ops->release(b->device, b->layers[kind].lse);
        mas_attn_plan_free(b->layers[kind].plan);
    }
    b->device->ops->release(b->device, b->workspace);
    mas_bench_rig_close(b->rig);
    free(b);
}

static void start_yardstick(void *user)
{
    const mas_bench *b = user;
    b->device->ops->yardstick(b->device);
}

/* Reading memory far larger than the caches leaves nothing else in them. */
static void evict(void *user)
{
    const mas_bench *b = user;
    (void)b->device->ops->limit(b->device, MAS_LIMIT_READ, 0);
}

mas_measure_work mas_bench_work(mas_bench *b)
{
    return (mas_measure_work){.user = b,
                              .launch = launch,
                              .wait = wait_done,
                              .yardstick = start_yardstick,
                              .evict = evict,
                              .stopped = asked_to_stop};
}

mas_status mas_bench_slow_down(mas_bench *b, double share, mas_error *err)
{
    if (b->device->asynchronous)
        return mas_fail(err, MAS_E_UNSUPPORTED,
                        "a device that works asynchronously cannot be "
                        "slowed down from outside");
    b->delay = 0;
    const mas_measure_config config = {.warmup = 2, .seconds = 0.1};
    const mas_measure_work work = mas_bench_work(b);
    mas_measurement warm;
    mas_status status = mas_measure_warm_up(&config, &work, &warm, err);
    double fastest = HUGE_VAL;
    for (int i = 0; status == MAS_OK && i < SLOW_DOWN_SAMPLES; i++) {
        mas_sample sample;
        status = mas_measure_sample(&work, warm.repeats, false, &sample, err);
        fastest = fmin(fastest, sample.seconds);
    }
    if (status == MAS_OK)
        b->delay = mas_bench_delay_rounds(share * fastest);
    return status;
}

mas_status mas_bench_counted_launch(mas_bench *b, mas_error *err)
{
    return launch(b, err);
}

mas_status mas_bench_run(mas_device *device, mas_attn_table table, const mas_bench_config *config,
                         const mas_plan *plan, const mas_measure_config *measure, double slow_down,
                         uint64_t seed, mas_bench_stopped *stopped, void *user,
                         mas_bench_result *out, mas_error *err)
{
    mas_bench *b = NULL;
    mas_status status =
        mas_bench_open(device, table, config, plan, seed, stopped, user, out, &b, err);
    if (status != MAS_OK)
        return status;
    const mas_measure_work work = mas_bench_work(b);
    measure_limits(b, out->limits);
    if (slow_down > 0)
        status = mas_bench_slow_down(b, slow_down, err);
    if (status == MAS_OK)
        status = mas_measure(measure, &work, &out->measurement, err);
    if (status == MAS_OK)
        measure_limits(b, out->limits);
    mas_bench_close(b);
    return status;
}

void mas_bench_result_free(mas_bench_result *result)
{
    mas_measurement_free(&result->measurement);
}
