/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass, loss and next-token logits. */
#include "harness/lm/internal.h"

mas_qkv_views mas_qkv_cut(const mas_model *m, void *qkv, int64_t length)
{
    const mas_model_config *c = &m->config;
    const ptrdiff_t row = (ptrdiff_t)mas_qkv_width(c), head = c->head_dim;
    const ptrdiff_t batch = (ptrdiff_t)length * row, bytes = (ptrdiff_t)mas_dtype_bytes(c->dtype);
    char *q = qkv, *k = q + bytes * c->heads * head, *v = k + bytes * c->kv_heads * head;
    return (mas_qkv_views){{q, batch, row, head}, {k, batch, row, head}, {v, batch, row, head}};
}

/* out = norm(x + branch), and sum the argument; sum NULL: out = norm(x). */
static void norm(mas_model *m, int64_t n, const float *x, float *sum, mas_role weight,
                 mas_role bias, int32_t layer, void *out, const mas_norm_saved *saved)
{
    mas_device *d = m->device;
    d->ops->norm(d, m->config.norm, n, m->config.width, m->config.norm_epsilon, x,
                 sum ? m->saved.branch : NULL, sum, mas_weight(m, weight, layer),
                 mas_weight(m, bias, layer), m->config.dtype, out, saved->mean, saved->rstd);
}

/* out[N,rows] = in[N,columns] W^T (+ b) */
static mas_status linear(mas_model *m, int64_t n, const void *in, int64_t columns, mas_role weight,
                         mas_role bias, int32_t layer, void *out, int64_t rows, mas_error *err)
{
    mas_device *d = m->device;
    const mas_matmul product = {.m = n,
                                .n = rows,
                                .k = columns,
                                .type = m->config.dtype,
                                .c_type = m->config.dtype,
                                .a = in,
                                .b = mas_matrix(m, weight, layer),
                                .c = out,
                                .lda = columns,
                                .ldb = columns,
                                .ldc = rows,
                                .trans_b = true,
                                .b_version = m->version};
    const mas_status status = d->ops->matmul(d, &product, err);
    const float *b = mas_weight(m, bias, layer);
    if (status == MAS_OK && b)
        d->ops->add_bias(d, n, rows, b, m->config.dtype, out);
    return status;
}

static mas_status attend(mas_model *m, int32_t layer, const mas_attn_plan *plan, int64_t length,
                         mas_error *err)
{
    const mas_model_config *c = &m->config;
    mas_device *d = m->device;
    mas_layer_saved *s = &m->saved.layer[layer];
    const mas_qkv_views views = mas_qkv_cut(m, s->qkv, length);
    const mas_attn_args args = {
        .q = views.q,
        .k = views.k,
        .v = views.v,
        .o = mas_view_dense(s->o, length, c->heads, c->head_dim),
        .lse = s->lse,
        .sinks = mas_weight(m, MAS_ROLE_SINKS, layer),
        .workspace = plan->workspace_bytes ? m->workspace : NULL,
    };
    mas_attn_counts counts = {0, 0};
    const mas_status status = d->ops->attend(d, plan, &args, &counts, err);
    mas_layer_work *w = &m->work[layer];
    w->forward_kernel = plan->kernel->name;
    w->visited_tiles += counts.visited_tiles;
    w->scheduled_tiles += plan->schedule->tiles * plan->problem.batch * plan->problem.q_heads;
    w->empty_rows = plan->schedule->empty_rows;
    w->q_tile = plan->schedule->q_tile;
    w->k_tile = plan->schedule->k_tile;
    return status;
}

void mas_layer_enter(mas_model *m, int32_t layer, int64_t n, const float *from)
{
    const mas_layer_saved *s = &m->saved.layer[layer];
    norm(m, n, from ? from : s->x_in, from ? s->x_in : NULL, MAS_ROLE_ATTENTION_NORM_WEIGHT,
         MAS_ROLE_ATTENTION_NORM_BIAS, layer, s->normed_in, &s->norm_in);
}

mas_status mas_layer_forward(mas_model *m, int32_t layer, const mas_shape_plans *plans,
                             mas_error *err)
{
    const mas_model_config *c = &m->config;
    mas_device *d = m->device;
    const mas_layer_saved *s = &m->saved.layer[layer];
    const int64_t n = plans->sequences * plans->length, width = c->width, qkv = mas_qkv_width(c);
    const int64_t o = (int64_t)c->heads * c->head_dim;

    mas_status status = linear(m, n, s->normed_in, width, MAS_ROLE_QKV_WEIGHT, MAS_ROLE_QKV_BIAS,
                               layer, s->qkv, qkv, err);
    if (status != MAS_OK)
        return status;
    if (mas_layer_rotates(m, layer)) /* query and key heads stand side by side */
        d->ops->rope(d, n, c->heads + c->kv_heads, c->head_dim, qkv, c->rope_theta, false,
                     m->saved.positions, c->dtype, s->qkv);
    status = attend(m, layer, plans->forward[mas_layer_kind(m, layer)], plans->length, err);
    if (status == MAS_OK)
        status = linear(m, n, s->o, o, MAS_ROLE_ATTENTION_OUT_WEIGHT, MAS_ROLE_ATTENTION_OUT_BIAS,
                        layer, m->saved.branch, width, err);
    if (status != MAS_OK)
        return status;

    norm(m, n, s->x_in, s->x_mid, MAS_ROLE_MLP_NORM_WEIGHT, MAS_ROLE_MLP_NORM_BIAS, layer,
         s->normed_mid, &s->norm_mid);
    status = linear(m, n, s->normed_mid, width, MAS_ROLE_MLP_IN_WEIGHT, MAS_ROLE_MLP_IN_BIAS, layer,
                    s->mlp_in, mas_mlp_in_width(c), err);
    if (status == MAS_OK)
        d->ops->activation(d, c->activation, n, c->mlp_width, c->dtype, s->mlp_in, s->mlp_act);
    return status;
}

static void upload_positions(mas_model *m, int64_t n, int64_t length)
{
    if (m->positions_length == length && m->positions_count >= n)
        return;
    for (int64_t i = 0; i < n; i++)
        m->host_ids[i] = (int32_t)(i % length);
    m->device->ops->upload(m->device, m->saved.positions, m->host_ids, (size_t)n * sizeof(int32_t));
    m->positions_length = length;
    m->positions_count = n;
}

static mas_status check_ids(const mas_batch *batch, int32_t vocab, mas_error *err)
{
    for (int64_t i = 0; i < batch->sequences * batch->length; i++) {
        if (batch->tokens[i] < 0 || batch->tokens[i] >= vocab)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "token %d at place %lld of the batch is outside the vocabulary of %d",
                            batch->tokens[i], (long long)i, vocab);
        if (batch->targets && (batch->targets[i] < -1 || batch->targets[i] >= vocab))
            return mas_fail(err, MAS_E_ARGUMENT,
                            "target %d at place %lld of the batch is outside the vocabulary of %d",
                            batch->targets[i], (long long)i, vocab);
    }
    return MAS_OK;
}

mas_status mas_model_forward(mas_model *m, const mas_batch *batch, const mas_shape_plans *plans,
                             mas_error *err)
{
    mas_device *d = m->device;
    mas_activations *a = &m->saved;
    const mas_model_config *c = &m->config;
    const int64_t n = batch->sequences * batch->length;
    mas_status status = check_ids(batch, c->vocab, err);
    if (status != MAS_OK)
        return status;
    d->ops->upload(d, a->ids, batch->tokens, (size_t)n * sizeof(int32_t));
    if (batch->targets)
        d->ops->upload(d, a->targets, batch->targets, (size_t)n * sizeof(int32_t));
    upload_positions(m, n, batch->length);
    d->ops->embed(d, n, c->width, a->ids, a->positions, mas_weight(m, MAS_ROLE_EMBEDDING, 0),
                  mas_weight(m, MAS_ROLE_POSITIONS, 0), a->layer[0].x_in);
    for (int32_t i = 0; status == MAS_OK && i < c->layers; i++) {
        mas_layer_enter(m, i, n, i > 0 ? a->layer[i - 1].x_mid : NULL);
        status = mas_layer_forward(m, i, plans, err);
        if (status == MAS_OK)
            status = linear(m, n, a->layer[i].mlp_act, c->mlp_width, MAS_ROLE_MLP_OUT_WEIGHT,
                            MAS_ROLE_MLP_OUT_BIAS, i, a->branch, c->width, err);
    }
    if (status == MAS_OK)
        norm(m, n, a->layer[c->layers - 1].x_mid, a->x_out, MAS_ROLE_NORM_WEIGHT,
             MAS_ROLE_NORM_BIAS, 0, a->normed_out, &a->norm_out);
    return status;
}

/* [V,C]; the embedding itself when tied */
mas_status mas_model_evaluate(mas_model *model, const mas_batch *batch, float *losses,
                              uint8_t *correct, mas_error *err)
{
    const mas_shape_plans *plans = NULL;
    mas_status status =
        mas_model_prepare(model, batch->sequences, batch->length, false, &plans, err);
    if (status == MAS_OK)
        status = mas_model_forward(model, batch, plans, err);
    if (status != MAS_OK)
        return status;
    mas_device *d = model->device;
    mas_activations *a = &model->saved;
    const int64_t n = batch->sequences * batch->length;
    status = d->ops->cross_entropy(
        d, n, model->config.width, model->config.vocab, model->config.dtype, a->normed_out,
        mas_matrix(model, mas_unembedding_role(&model->config), 0), model->version, a->targets,
        0.0f, a->losses, correct ? a->correct : NULL, NULL, NULL, model->workspace, err);
    if (status != MAS_OK)
        return status;
    d->ops->download(d, losses, a->losses, (size_t)n * sizeof *losses);
    if (correct)
        d->ops->download(d, correct, a->correct, (size_t)n);
    return MAS_OK;
}

/* Past the sequence's end the tokens are repeated zeros: attention is causal, so they change
 * nothing, and a few padded lengths serve the plans of all. */
#define LENGTH_STEP 64

static int64_t padded_length(const mas_model *m, int64_t length)
{
    int64_t padded = (length + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
    if (m->config.positions == MAS_POSITIONS_LEARNED && padded > m->config.max_length)
        padded = m->config.max_length;
    if (padded > m->max_tokens)
        padded = m->max_tokens;
    return padded > length ? padded : length;
}

mas_status mas_model_next_logits(mas_model *model, const int32_t *tokens, int64_t length,
                                 float *logits, mas_error *err)
{
    const mas_shape_plans *plans = NULL;
    const int64_t padded = padded_length(model, length);
    mas_status status = mas_model_prepare(model, 1, padded, false, &plans, err);
    if (status != MAS_OK)
        return status;
    upload_positions(model, padded,
                     padded); /* before host_ids holds the tokens: it fills the same scratch */
    for (int64_t i = 0; i < padded; i++)
        model->host_ids[i] = i < length ? tokens[i] : 0;
    const mas_batch batch = {.sequences = 1, .length = padded, .tokens = model->host_ids};
    status = mas_model_forward(model, &batch, plans, err);
    if (status != MAS_OK)
        return status;
    mas_device *d = model->device;
    const int64_t width = model->config.width, vocab = model->config.vocab;
    const int64_t row = width * (int64_t)mas_dtype_bytes(model->config.dtype);
    const mas_matmul product = {.m = 1,
                                .n = vocab,
                                .k = width,
                                .type = model->config.dtype,
                                .c_type = MAS_DTYPE_F32,
                                .a = (const char *)model->saved.normed_out + (length - 1) * row,
                                .b = mas_matrix(model, mas_unembedding_role(&model->config), 0),
                                .c = model->workspace,
                                .lda = width,
                                .ldb = width,
                                .ldc = vocab,
                                .trans_b = true,
                                .b_version = model->version};
    status = d->ops->matmul(d, &product, err);
    if (status == MAS_OK)
        d->ops->download(d, logits, model->workspace, (size_t)vocab * sizeof *logits);
    return status;
}
