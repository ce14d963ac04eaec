/* SPDX-License-Identifier: Apache-2.0 */
/* The backward pass: the forward's steps in reverse, each adding to its parameters' gradients. d_x
 * carries the gradient of the residual stream downwards. */
#include "harness/lm/internal.h"

/* y = in W^T + b:  dW += d_out^T in,  db += column sums of d_out,  d_in = d_out W (overwritten) */
static mas_status linear_backward(mas_model *m, int64_t n, const void *d_out, int64_t rows,
                                  const void *in, int64_t columns, mas_role weight, mas_role bias,
                                  int32_t layer, void *d_in, mas_error *err)
{
    mas_device *d = m->device;
    const mas_dtype type = m->config.dtype;
    const mas_matmul for_weight = {.m = rows,
                                   .n = columns,
                                   .k = n,
                                   .type = type,
                                   .c_type = MAS_DTYPE_F32,
                                   .a = d_out,
                                   .b = in,
                                   .c = mas_gradient(m, weight, layer),
                                   .lda = rows,
                                   .ldb = columns,
                                   .ldc = columns,
                                   .trans_a = true,
                                   .accumulate = true};
    const mas_matmul for_input = {.m = n,
                                  .n = columns,
                                  .k = rows,
                                  .type = type,
                                  .c_type = type,
                                  .a = d_out,
                                  .b = mas_matrix(m, weight, layer),
                                  .c = d_in,
                                  .lda = rows,
                                  .ldb = columns,
                                  .ldc = columns,
                                  .b_version = m->version};
    mas_status status = d->ops->matmul(d, &for_weight, err);
    if (status == MAS_OK)
        status = d->ops->matmul(d, &for_input, err);
    float *d_bias = mas_gradient(m, bias, layer);
    if (status == MAS_OK && d_bias)
        d->ops->bias_backward(d, n, rows, type, d_out, d_bias);
    return status;
}

/* d_x += through the norm of d_norm; d_branch follows. */
static void norm_backward(mas_model *m, int64_t n, const float *x, mas_role weight, mas_role bias,
                          int32_t layer, const mas_norm_saved *saved)
{
    mas_device *d = m->device;
    mas_activations *a = &m->saved;
    d->ops->norm_backward(d, m->config.norm, n, m->config.width, x, mas_weight(m, weight, layer),
                          saved->mean, saved->rstd, m->config.dtype, a->d_norm, a->d_x,
                          m->config.dtype == MAS_DTYPE_F32 ? NULL : a->d_branch,
                          mas_gradient(m, weight, layer), mas_gradient(m, bias, layer));
}

/* From d_inner, the gradient of the heads' outputs, to d_wide, that of the fused projection. */
static mas_status attend_backward(mas_model *m, int32_t layer, const mas_attn_plan *plan,
                                  int64_t length, mas_error *err)
{
    const mas_model_config *c = &m->config;
    mas_device *d = m->device;
    const mas_layer_saved *s = &m->saved.layer[layer];
    const mas_qkv_views views = mas_qkv_cut(m, s->qkv, length),
                        d_views = mas_qkv_cut(m, m->saved.d_wide, length);
    const mas_attn_args args = {
        .q = views.q,
        .k = views.k,
        .v = views.v,
        .o = mas_view_dense(s->o, length, c->heads, c->head_dim),
        .lse = s->lse,
        .sinks = mas_weight(m, MAS_ROLE_SINKS, layer),
        .d_o = mas_view_dense(m->saved.d_inner, length, c->heads, c->head_dim),
        .d_q = d_views.q,
        .d_k = d_views.k,
        .d_v = d_views.v,
        .d_sinks = c->sink_logits ? m->saved.d_sinks : NULL,
        .workspace = plan->workspace_bytes ? m->workspace : NULL,
    };
    const mas_status status = d->ops->attend(d, plan, &args, NULL, err);
    if (status != MAS_OK)
        return status;
    m->work[layer].backward_kernel = plan->kernel->name;
    if (c->sink_logits)
        d->ops->add(d, c->heads, m->saved.d_sinks, mas_gradient(m, MAS_ROLE_SINKS, layer));
    if (mas_layer_rotates(m, layer))
        d->ops->rope(d, plan->problem.batch * length, c->heads + c->kv_heads, c->head_dim,
                     mas_qkv_width(c), c->rope_theta, true, m->saved.positions, c->dtype,
                     m->saved.d_wide);
    return MAS_OK;
}

static mas_status layer_backward(mas_model *m, int32_t layer, const mas_shape_plans *plans,
                                 mas_error *err)
{
    const mas_model_config *c = &m->config;
    mas_device *d = m->device;
    mas_activations *a = &m->saved;
    const mas_layer_saved *s = &a->layer[layer];
    const int64_t n = plans->sequences * plans->length, width = c->width,
                  o = (int64_t)c->heads * c->head_dim;

    mas_status status =
        linear_backward(m, n, a->d_branch, width, s->mlp_act, c->mlp_width, MAS_ROLE_MLP_OUT_WEIGHT,
                        MAS_ROLE_MLP_OUT_BIAS, layer, a->d_inner, err);
    if (status != MAS_OK)
        return status;
    d->ops->activation_backward(d, c->activation, n, c->mlp_width, c->dtype, s->mlp_in, a->d_inner,
                                a->d_wide);
    status = linear_backward(m, n, a->d_wide, mas_mlp_in_width(c), s->normed_mid, width,
                             MAS_ROLE_MLP_IN_WEIGHT, MAS_ROLE_MLP_IN_BIAS, layer, a->d_norm, err);
    if (status != MAS_OK)
        return status;
    norm_backward(m, n, s->x_mid, MAS_ROLE_MLP_NORM_WEIGHT, MAS_ROLE_MLP_NORM_BIAS, layer,
                  &s->norm_mid);

    status = linear_backward(m, n, a->d_branch, width, s->o, o, MAS_ROLE_ATTENTION_OUT_WEIGHT,
                             MAS_ROLE_ATTENTION_OUT_BIAS, layer, a->d_inner, err);
    if (status == MAS_OK)
        status = attend_backward(m, layer, plans->backward[mas_layer_kind(m, layer)], plans->length,
                                 err);
    if (status == MAS_OK)
        status = linear_backward(m, n, a->d_wide, mas_qkv_width(c), s->normed_in, width,
                                 MAS_ROLE_QKV_WEIGHT, MAS_ROLE_QKV_BIAS, layer, a->d_norm, err);
    if (status == MAS_OK)
        norm_backward(m, n, s->x_in, MAS_ROLE_ATTENTION_NORM_WEIGHT, MAS_ROLE_ATTENTION_NORM_BIAS,
                      layer, &s->norm_in);
    return status;
}

mas_status mas_model_backward(mas_model *m, const mas_shape_plans *plans, mas_error *err)
{
    const mas_model_config *c = &m->config;
    mas_device *d = m->device;
    mas_activations *a = &m->saved;
    const int64_t n = plans->sequences * plans->length;
    d->ops->zero(d, a->d_x, (size_t)(n * c->width) * sizeof(float));
    norm_backward(m, n, a->x_out, MAS_ROLE_NORM_WEIGHT, MAS_ROLE_NORM_BIAS, 0, &a->norm_out);
    mas_status status = MAS_OK;
    for (int32_t i = c->layers - 1; status == MAS_OK && i >= 0; i--) {
        /* the last layer's activations are still there */
        if (m->use == MAS_MODEL_RECOMPUTES && i < c->layers - 1) {
            mas_layer_enter(m, i, n, NULL);
            status = mas_layer_forward(m, i, plans, err);
        }
        if (status == MAS_OK)
            status = layer_backward(m, i, plans, err);
    }
    if (status == MAS_OK)
        d->ops->embed_backward(d, n, c->width, c->vocab, a->ids, a->positions, a->d_x,
                               mas_gradient(m, MAS_ROLE_EMBEDDING, 0),
                               mas_gradient(m, MAS_ROLE_POSITIONS, 0));
    return status;
}

mas_status mas_model_gradient(mas_model *model, const mas_batch *batch, float grad_scale,
                              double *loss_sum, mas_error *err)
{
    if (model->use == MAS_MODEL_EVALUATES)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "gradients were asked of a model that was created without training");
    const mas_shape_plans *plans = NULL;
    mas_status status =
        mas_model_prepare(model, batch->sequences, batch->length, true, &plans, err);
    if (status == MAS_OK)
        status = mas_model_forward(model, batch, plans, err);
    if (status != MAS_OK)
        return status;
    mas_device *d = model->device;
    mas_activations *a = &model->saved;
    const int64_t n = batch->sequences * batch->length;
    const mas_role unembedding = mas_unembedding_role(&model->config);
    status = d->ops->cross_entropy(
        d, n, model->config.width, model->config.vocab, model->config.dtype, a->normed_out,
        mas_matrix(model, unembedding, 0), model->version, a->targets, grad_scale, a->losses, NULL,
        a->d_norm, mas_gradient(model, unembedding, 0), model->workspace, err);
    if (status == MAS_OK)
        status = mas_model_backward(model, plans, err);
    if (status != MAS_OK)
        return status;
    d->ops->download(d, model->host_losses, a->losses, (size_t)n * sizeof(float));
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)model->host_losses[i];
    *loss_sum = sum;
    return MAS_OK;
}
