/* SPDX-License-Identifier: Apache-2.0 */
/* Attention plans and workspace by batch shape. Lengths grow during training and evaluation has its
 * own, so the plans of several shapes are kept; layers with the same attention share one. */
#include "harness/lm/internal.h"

#include <assert.h>

static void free_shape(mas_shape_plans *shape)
{
    for (int kind = 0; kind < 2; kind++) {
        mas_attn_plan_free(shape->forward[kind]);
        mas_attn_plan_free(shape->backward[kind]);
    }
    *shape = (mas_shape_plans){0};
}

void mas_model_free_plans(mas_model *m)
{
    for (int i = 0; i < MAS_SHAPES_MAX; i++)
        free_shape(&m->shapes[i]);
}

static mas_shape_plans *find_shape(mas_model *m, int64_t sequences, int64_t length)
{
    mas_shape_plans *oldest = &m->shapes[0];
    for (int i = 0; i < MAS_SHAPES_MAX; i++) {
        mas_shape_plans *s = &m->shapes[i];
        if (s->sequences == sequences && s->length == length)
            return s;
        if (s->used < oldest->used)
            oldest = s;
    }
    free_shape(oldest);
    oldest->sequences = sequences;
    oldest->length = length;
    return oldest;
}

static mas_status make_plan(mas_model *m, const mas_shape_plans *shape, int kind, mas_attn_op op,
                            mas_attn_plan **plan, mas_error *err)
{
    const mas_model_config *c = &m->config;
    if (*plan || !m->kind_used[kind])
        return MAS_OK;
    const mas_attn_problem problem = {
        .batch = shape->sequences,
        .q_heads = c->heads,
        .kv_heads = c->kv_heads,
        .q_len = shape->length,
        .kv_len = shape->length,
        .d_qk = c->head_dim,
        .d_v = c->head_dim,
        .dtype = c->dtype,
        .alignment = MAS_ALIGN_BOTTOM_RIGHT,
        .scale = c->attention_scale > 0 ? c->attention_scale : mas_attn_default_scale(c->head_dim),
        .softcap = c->softcap,
        .sinks = c->sink_logits,
        .mask = &m->masks[kind],
    };
    return mas_attn_plan_create(m->device->attention, &problem, op, m->device->threads, plan, err);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static mas_status grow_workspace(mas_model *m, const mas_shape_plans *shape, mas_error *err)
{
    mas_device *d = m->device;
    size_t need = d->ops->cross_entropy_workspace_bytes(
        d, shape->sequences * shape->length, m->config.width, m->config.vocab, m->config.dtype);
    need = larger(need,
                  (size_t)m->config.vocab * sizeof(float)); /* one row of logits, for generation */
    for (int kind = 0; kind < 2; kind++) {
        if (shape->forward[kind])
            need = larger(need, shape->forward[kind]->workspace_bytes);
        if (shape->backward[kind])
            need = larger(need, shape->backward[kind]->workspace_bytes);
    }
    if (need <= m->workspace_bytes)
        return MAS_OK;
    d->ops->release(d, m->workspace);
    m->workspace = NULL;
    m->workspace_bytes = 0;
    const mas_status status = mas_alloc(d, need, MAS_MEMORY_WORKSPACE, &m->workspace, err);
    if (status == MAS_OK)
        m->workspace_bytes = need;
    return status;
}

mas_status mas_model_prepare(mas_model *m, int64_t sequences, int64_t length, bool backward,
                             const mas_shape_plans **out, mas_error *err)
{
    if (sequences < 1 || length < 1 || sequences > m->max_tokens / length)
        return mas_fail(
            err, MAS_E_SHAPE,
            "a batch of %lld sequences of %lld tokens; the model was built for up to %lld "
            "tokens",
            (long long)sequences, (long long)length, (long long)m->max_tokens);
    if (m->config.positions == MAS_POSITIONS_LEARNED && length > m->config.max_length)
        return mas_fail(err, MAS_E_SHAPE,
                        "a sequence of %lld tokens is longer than the %d learned positions "
                        "(model.max_length)",
                        (long long)length, m->config.max_length);
    assert(m->use != MAS_MODEL_EVALUATES || !backward);
    mas_shape_plans *shape = find_shape(m, sequences, length);
    mas_status status = MAS_OK;
    for (int kind = 0; status == MAS_OK && kind < 2; kind++) {
        status = make_plan(m, shape, kind, MAS_ATTN_FORWARD, &shape->forward[kind], err);
        if (status == MAS_OK && backward)
            status = make_plan(m, shape, kind, MAS_ATTN_BACKWARD, &shape->backward[kind], err);
    }
    if (status == MAS_OK)
        status = grow_workspace(m, shape, err);
    if (status != MAS_OK) {
        free_shape(shape);
        return status;
    }
    shape->used = ++m->clock;
    if (out)
        *out = shape;
    return MAS_OK;
}
