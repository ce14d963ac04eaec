/* SPDX-License-Identifier: Apache-2.0 */
/* Creation and release of a model. Everything a training step needs is allocated here, but for the
 * workspace and the attention plans, which depend on the batch shape (plans.c). */
#include "harness/lm/internal.h"

#include "masbench/rng.h"

#include <math.h>
#include <stdlib.h>

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Next piece of the arena; every piece starts on a cache line. */
static void *cut(char *base, size_t *used, int64_t count, size_t size)
{
    char *piece = base ? base + *used : NULL;
    *used += ((size_t)count * size + 63) / 64 * 64;
    return piece;
}

static float *cut_floats(char *base, size_t *used, int64_t count)
{
    return cut(base, used, count, sizeof(float));
}

/* Elements of the model's type. */
static void *cut_typed(const mas_model *m, char *base, size_t *used, int64_t count)
{
    return cut(base, used, count, mas_dtype_bytes(m->config.dtype));
}

static mas_norm_saved cut_norm(const mas_model *m, char *base, size_t *used)
{
    mas_norm_saved n = {.rstd = cut_floats(base, used, m->max_tokens)};
    if (m->config.norm == MAS_NORM_LAYERNORM)
        n.mean = cut_floats(base, used, m->max_tokens);
    return n;
}

size_t mas_activations_cut(mas_model *m, char *base)
{
    const mas_model_config *c = &m->config;
    mas_activations *a = &m->saved;
    const int64_t n = m->max_tokens, width = c->width, o = (int64_t)c->heads * c->head_dim;
    const int64_t qkv = mas_qkv_width(c), mlp_in = mas_mlp_in_width(c);
    size_t used = 0;
    for (int32_t i = 0; i < c->layers; i++) {
        mas_layer_saved *s = &a->layer[i];
        if (i > 0 && m->use != MAS_MODEL_TRAINS) {
            *s = a->layer[0];
            if (m->use == MAS_MODEL_RECOMPUTES)
                s->x_in = cut_floats(base, &used, n * width);
            continue;
        }
        s->x_in = cut_floats(base, &used, n * width);
        s->normed_in = cut_typed(m, base, &used, n * width);
        s->qkv = cut_typed(m, base, &used, n * qkv);
        s->o = cut_typed(m, base, &used, n * o);
        s->lse = cut_floats(base, &used, n * c->heads);
        s->x_mid = cut_floats(base, &used, n * width);
        s->normed_mid = cut_typed(m, base, &used, n * width);
        s->mlp_in = cut_typed(m, base, &used, n * mlp_in);
        s->mlp_act = cut_typed(m, base, &used, n * c->mlp_width);
        s->norm_in = cut_norm(m, base, &used);
        s->norm_mid = cut_norm(m, base, &used);
    }
    a->branch = cut_typed(m, base, &used, n * width);
    /* without training the layers take turns on one residual buffer */
    a->x_out =
        m->use != MAS_MODEL_EVALUATES ? cut_floats(base, &used, n * width) : a->layer[0].x_in;
    a->normed_out = cut_typed(m, base, &used, n * width);
    a->norm_out = cut_norm(m, base, &used);
    a->ids = cut(base, &used, n, sizeof(int32_t));
    a->positions = cut(base, &used, n, sizeof(int32_t));
    a->targets = cut(base, &used, n, sizeof(int32_t));
    a->losses = cut_floats(base, &used, n);
    a->correct = cut(base, &used, n, sizeof(uint8_t));
    if (m->use != MAS_MODEL_EVALUATES) {
        a->d_x = cut_floats(base, &used, n * width);
        a->d_branch =
            c->dtype == MAS_DTYPE_F32 ? (void *)a->d_x : cut_typed(m, base, &used, n * width);
        a->d_norm = cut_typed(m, base, &used, n * width);
        a->d_wide = cut_typed(m, base, &used, n * max64(qkv, mlp_in));
        a->d_inner = cut_typed(m, base, &used, n * max64(o, c->mlp_width));
        a->d_sinks = cut_floats(base, &used, c->heads);
    }
    return used;
}

/* FNV-1a: the stream of a tensor's start values depends on its name alone, so that models which
 * share a tensor share its start, whatever their plans and other options. */
static uint64_t hash_name(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    return h;
}

static void draw(const mas_model_config *c, const mas_parameter *p, mas_init init, uint64_t seed,
                 float *out)
{
    double std = (double)c->init_std;
    if (init == MAS_INIT_RESIDUAL)
        std /= sqrt(2.0 * c->layers);
    mas_rng rng = mas_rng_seed(seed, hash_name(p->name));
    for (int64_t i = 0; i < p->count; i++)
        out[i] = init == MAS_INIT_ZERO  ? 0.0f
                 : init == MAS_INIT_ONE ? 1.0f
                                        : (float)(std * mas_rng_normal(&rng));
}

static mas_status init_weights(mas_model *m, uint64_t seed, mas_error *err)
{
    float *host = calloc((size_t)m->total, sizeof *host);
    if (!host)
        return mas_fail(err, MAS_E_MEMORY, "no memory to draw %lld start weights",
                        (long long)m->total);
    const mas_parameter *p = m->parameters;
    for (int32_t slot = 0; slot < mas_slot_count(&m->config); slot++) {
        mas_parameter unplaced;
        mas_init init;
        if (!mas_slot_parameter(&m->config, slot, &unplaced, &init)) {
            m->offset[slot] = -1;
            continue;
        }
        m->offset[slot] = p->offset;
        draw(&m->config, p, init, seed, host + p->offset);
        p++;
    }
    m->device->ops->upload(m->device, m->weights, host, (size_t)m->total * sizeof *host);
    free(host);
    mas_model_weights_changed(m, false);
    return MAS_OK;
}

static mas_status check_plan(const mas_model_config *c, const mas_plan *plan, mas_error *err)
{
    if (plan->layers != c->layers)
        return mas_fail(err, MAS_E_SHAPE, "the layer plan has %d layers, the model %d",
                        plan->layers, c->layers);
    for (int32_t i = 0; i < plan->layers; i++)
        if (!mas_plan_layer(plan, i)->causal)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "layer %d has attention that is not causal; a language model would see "
                            "the tokens that it has to predict",
                            i);
    return MAS_OK;
}

static mas_status allocate_flat(mas_model *m, mas_memory category, float **out, mas_error *err)
{
    void *block = NULL;
    const mas_status status =
        mas_alloc(m->device, (size_t)m->total * sizeof(float), category, &block, err);
    *out = block;
    return status;
}

static mas_status allocate(mas_model *m, mas_error *err)
{
    mas_status status = allocate_flat(m, MAS_MEMORY_WEIGHTS, &m->weights, err);
    if (status == MAS_OK && m->use != MAS_MODEL_EVALUATES)
        status = allocate_flat(m, MAS_MEMORY_GRADIENTS, &m->gradients, err);
    if (status == MAS_OK && m->use != MAS_MODEL_EVALUATES)
        status = allocate_flat(m, MAS_MEMORY_OPTIMISER, &m->moment1, err);
    if (status == MAS_OK && m->use != MAS_MODEL_EVALUATES)
        status = allocate_flat(m, MAS_MEMORY_OPTIMISER, &m->moment2, err);
    if (status == MAS_OK && m->config.dtype == MAS_DTYPE_BF16) {
        void *copy = NULL;
        status = mas_alloc(m->device, (size_t)m->total * sizeof(uint16_t), MAS_MEMORY_WEIGHTS,
                           &copy, err);
        m->copy = copy;
    }
    if (status == MAS_OK)
        status = mas_alloc(m->device, mas_activations_cut(m, NULL), MAS_MEMORY_ACTIVATIONS,
                           &m->arena, err);
    if (status == MAS_OK)
        mas_activations_cut(m, m->arena);
    return status;
}

/* The arena's size comes from the same walk that cuts it. */
mas_status mas_model_memory(const mas_model_config *config, int64_t max_tokens, mas_model_use use,
                            size_t bytes[MAS_MEMORY_COUNT], mas_error *err)
{
    mas_parameter *parameters = NULL;
    int32_t count = 0;
    int64_t total = 0;
    mas_model *m = calloc(1, sizeof *m);
    mas_layer_saved *layers = calloc((size_t)config->layers, sizeof *layers);
    mas_status status = MAS_OK;
    if (!m || !layers)
        status =
            mas_fail(err, MAS_E_MEMORY, "no memory to plan a model of %d layers", config->layers);
    if (status == MAS_OK)
        status = mas_model_parameters(config, &parameters, &count, &total, err);
    if (status == MAS_OK) {
        const size_t flat = (size_t)total * sizeof(float);
        const bool copies = config->dtype == MAS_DTYPE_BF16, trains = use != MAS_MODEL_EVALUATES;
        *m = (mas_model){.config = *config, .use = use, .max_tokens = max_tokens};
        m->saved.layer = layers;
        for (int i = 0; i < MAS_MEMORY_COUNT; i++)
            bytes[i] = 0;
        bytes[MAS_MEMORY_WEIGHTS] = flat + (copies ? (size_t)total * sizeof(uint16_t) : 0);
        bytes[MAS_MEMORY_GRADIENTS] = trains ? flat : 0;
        bytes[MAS_MEMORY_OPTIMISER] = trains ? 2 * flat : 0;
        bytes[MAS_MEMORY_ACTIVATIONS] = mas_activations_cut(m, NULL);
    }
    free(parameters);
    free(layers);
    free(m);
    return status;
}

mas_status mas_model_create(mas_device *device, const mas_model_config *config,
                            const mas_plan *plan, int64_t max_tokens, mas_model_use use,
                            uint64_t seed, mas_model **out, mas_error *err)
{
    if (max_tokens < 1 || max_tokens > (int64_t)1 << 30)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "a model for batches of %lld tokens; 1 to 2^30 are possible",
                        (long long)max_tokens);
    mas_model_config c = *config;
    mas_status status = mas_model_config_resolve(&c, 0, 0, err);
    if (status == MAS_OK)
        status = check_plan(&c, plan, err);
    if (status != MAS_OK)
        return status;
    mas_model *m = calloc(1, sizeof *m);
    if (!m)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a model");
    *m = (mas_model){
        .device = device, .config = c, .plan = *plan, .use = use, .max_tokens = max_tokens};
    m->masks[0] = mas_attn_spec_mask(&m->plan.sparse);
    m->masks[1] = mas_attn_spec_mask(&m->plan.full);
    for (int32_t i = 0; i < c.layers; i++)
        m->kind_used[mas_layer_kind(m, i)] = true;
    m->saved.layer = calloc((size_t)c.layers, sizeof *m->saved.layer);
    m->host_ids = malloc((size_t)max_tokens * sizeof *m->host_ids);
    m->host_losses = malloc((size_t)max_tokens * sizeof *m->host_losses);
    m->offset = malloc((size_t)mas_slot_count(&c) * sizeof *m->offset);
    if (!m->saved.layer || !m->host_ids || !m->host_losses || !m->offset) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the tables of a model of %d layers",
                          c.layers);
        goto done;
    }
    status = mas_model_parameters(&c, &m->parameters, &m->parameter_count, &m->total, err);
    if (status == MAS_OK)
        status = allocate(m, err);
    if (status == MAS_OK)
        status = init_weights(m, seed, err);
    if (status != MAS_OK)
        goto done;
    *out = m;
    m = NULL;
done:
    mas_model_free(m);
    return status;
}

void mas_model_free(mas_model *model)
{
    if (!model)
        return;
    mas_model_free_plans(model);
    mas_device *d = model->device;
    d->ops->release(d, model->workspace);
    d->ops->release(d, model->arena);
    d->ops->release(d, model->moment2);
    d->ops->release(d, model->moment1);
    d->ops->release(d, model->gradients);
    d->ops->release(d, model->copy);
    d->ops->release(d, model->weights);
    free(model->parameters);
    free(model->offset);
    free(model->host_losses);
    free(model->host_ids);
    free(model->saved.layer);
    free(model);
}

const mas_model_config *mas_model_get_config(const mas_model *model)
{
    return &model->config;
}

const mas_plan *mas_model_get_plan(const mas_model *model)
{
    return &model->plan;
}

mas_device *mas_model_get_device(const mas_model *model)
{
    return model->device;
}

mas_model_state mas_model_get_state(mas_model *model)
{
    return (mas_model_state){.count = model->total,
                             .weights = model->weights,
                             .gradients = model->gradients,
                             .moment1 = model->moment1,
                             .moment2 = model->moment2,
                             .copy = model->copy,
                             .parameters = model->parameters,
                             .parameter_count = model->parameter_count};
}

void mas_model_weights_changed(mas_model *model, bool copied)
{
    mas_device *d = model->device;
    if (model->copy && !copied)
        d->ops->convert(d, model->total, model->weights, MAS_DTYPE_BF16, model->copy);
    model->version++;
}

void mas_model_zero_gradients(mas_model *model)
{
    model->device->ops->zero(model->device, model->gradients, (size_t)model->total * sizeof(float));
}

const mas_layer_work *mas_model_layer_work(const mas_model *model)
{
    return model->work;
}
