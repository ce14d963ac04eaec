/* SPDX-License-Identifier: Apache-2.0 */
/* One sequence and a decoder with full attention in every layer, trained on it again and again. */
#include "peer.h"

#include "harness/lm/model.h"
#include "masbench/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct decoder {
    peer_subject subject;
    mas_model *model;
    mas_adamw hyper; /* step counts the steps done */
    double clip;
    int64_t length;
    int32_t *tokens, *targets; /* [length] */
    float *losses;             /* [length] */
} decoder;

static mas_status gradient(decoder *m, double *loss, mas_error *err)
{
    const mas_batch batch = {1, m->length, m->tokens, m->targets};
    mas_model_zero_gradients(m->model);
    const mas_status status =
        mas_model_gradient(m->model, &batch, 1.0f / (float)m->length, loss, err);
    *loss /= (double)m->length;
    return status;
}

/* One optimiser step as training makes it: neighbours in the table with the same decay go in one
 * call. */
static void update(decoder *m)
{
    mas_device *d = mas_model_get_device(m->model);
    const mas_model_state s = mas_model_get_state(m->model);
    const double norm = sqrt(d->ops->sum_squares(d, s.count, s.gradients));
    mas_adamw hyper = m->hyper;
    hyper.step = ++m->hyper.step;
    hyper.gradient_scale = norm > m->clip ? (float)(m->clip / norm) : 1.0f;
    for (int32_t i = 0, end = 0; i < s.parameter_count; i = end) {
        while (end < s.parameter_count && s.parameters[end].decay == s.parameters[i].decay)
            end++;
        const int64_t from = s.parameters[i].offset;
        const int64_t to = end < s.parameter_count ? s.parameters[end].offset : s.count;
        hyper.weight_decay = s.parameters[i].decay ? m->hyper.weight_decay : 0.0f;
        d->ops->adamw(d, to - from, &hyper, s.gradients + from, s.weights + from, s.moment1 + from,
                      s.moment2 + from, s.copy ? s.copy + from : NULL);
    }
    mas_model_weights_changed(m->model, true);
}

static mas_status run_decoder(peer_subject *subject, const char *part, double *value,
                              mas_error *err)
{
    decoder *m = (decoder *)subject;
    if (strcmp(part, "step") != 0)
        return mas_fail(err, MAS_E_ARGUMENT, "a decoder has the part step, not %s", part);
    const mas_status status = gradient(m, value, err);
    if (status == MAS_OK)
        update(m);
    return status;
}

static mas_status dump_tokens(const decoder *m, FILE *file, json_t *table, const char *name,
                              const int32_t *ids, mas_error *err)
{
    float *values = malloc((size_t)m->length * sizeof *values);
    if (!values)
        return mas_fail(err, MAS_E_MEMORY, "no memory to write %s", name);
    for (int64_t i = 0; i < m->length; i++)
        values[i] = (float)ids[i]; /* exact: the vocabulary has fewer than 2^24 words */
    const mas_status status =
        peer_dump_tensor(file, table, name, 1, &m->length, MAS_DTYPE_F32, values, err);
    free(values);
    return status;
}

static mas_status dump_parameters(decoder *m, FILE *file, json_t *table, const char *prefix,
                                  const float *values, mas_error *err)
{
    const mas_model_state s = mas_model_get_state(m->model);
    mas_status status = MAS_OK;
    for (int32_t i = 0; status == MAS_OK && i < s.parameter_count; i++) {
        const mas_parameter *p = &s.parameters[i];
        char name[96];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        status = peer_dump_tensor(file, table, name, p->dims, p->shape, MAS_DTYPE_F32,
                                  values + p->offset, err);
    }
    return status;
}

static mas_status dump_decoder(peer_subject *subject, FILE *file, json_t *table, mas_error *err)
{
    decoder *m = (decoder *)subject;
    const mas_batch batch = {1, m->length, m->tokens, m->targets};
    const mas_model_state s = mas_model_get_state(m->model);
    double loss;
    mas_status status = mas_model_evaluate(m->model, &batch, m->losses, NULL, err);
    if (status == MAS_OK)
        status = gradient(m, &loss, err);
    if (status == MAS_OK)
        status = dump_tokens(m, file, table, "tokens", m->tokens, err);
    if (status == MAS_OK)
        status = dump_tokens(m, file, table, "targets", m->targets, err);
    if (status == MAS_OK)
        status =
            peer_dump_tensor(file, table, "losses", 1, &m->length, MAS_DTYPE_F32, m->losses, err);
    if (status == MAS_OK)
        status = dump_parameters(m, file, table, "weight:", s.weights, err);
    if (status == MAS_OK)
        status = dump_parameters(m, file, table, "gradient:", s.gradients, err);
    return status;
}

static void close_decoder(peer_subject *subject)
{
    decoder *m = (decoder *)subject;
    mas_model_free(m->model);
    free(m->losses);
    free(m->targets);
    free(m->tokens);
    free(m);
}

static mas_status draw_tokens(decoder *m, int32_t vocab, mas_error *err)
{
    m->tokens = malloc((size_t)m->length * sizeof *m->tokens);
    m->targets = malloc((size_t)m->length * sizeof *m->targets);
    m->losses = malloc((size_t)m->length * sizeof *m->losses);
    if (!m->tokens || !m->targets || !m->losses)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %lld tokens", (long long)m->length);
    mas_rng rng = mas_rng_seed(1, 0);
    for (int64_t i = 0; i < m->length; i++)
        m->tokens[i] = (int32_t)mas_rng_below(&rng, (uint64_t)vocab);
    for (int64_t i = 0; i < m->length; i++)
        m->targets[i] = m->tokens[(i + 1) % m->length];
    return MAS_OK;
}

static void describe(json_t *answer, const mas_model *model)
{
    const mas_model_config *c = mas_model_get_config(model);
    json_object_set_new(
        answer, "config",
        json_pack("{s:i,s:i,s:i,s:i,s:b,s:b,s:b,s:b,s:f,s:f,s:f}", "layers", c->layers, "heads",
                  c->heads, "kv_heads", c->kv_heads, "head_dim", c->head_dim, "rope",
                  c->positions == MAS_POSITIONS_ROPE, "full_positions", c->full_positions,
                  "layernorm", c->norm == MAS_NORM_LAYERNORM, "swiglu",
                  c->activation == MAS_ACTIVATION_SWIGLU, "theta", (double)c->rope_theta, "epsilon",
                  (double)c->norm_epsilon, "softcap", (double)c->softcap));
    json_object_set_new(answer, "parameters", json_integer(mas_model_parameter_count(c)));
}

mas_status peer_decoder_open(mas_device *device, json_t *request, json_t *answer,
                             peer_subject **out, mas_error *err)
{
    const char *dtype_name;
    json_int_t length;
    int layers, width, heads, vocab;
    double rate, beta1, beta2, epsilon, decay, clip;
    json_error_t where;
    if (json_unpack_ex(request, &where, 0, "{s:s,s:I,s:i,s:i,s:i,s:i,s:F,s:F,s:F,s:F,s:F,s:F}",
                       "dtype", &dtype_name, "length", &length, "layers", &layers, "width", &width,
                       "heads", &heads, "vocab", &vocab, "learning_rate", &rate, "beta1", &beta1,
                       "beta2", &beta2, "epsilon", &epsilon, "weight_decay", &decay, "clip",
                       &clip) != 0)
        return mas_fail(err, MAS_E_ARGUMENT, "decoder: %s", where.text);
    mas_dtype dtype;
    mas_status status = peer_dtype(dtype_name, &dtype, err);
    if (status != MAS_OK)
        return status;
    decoder *m = calloc(1, sizeof *m);
    if (!m)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a decoder");
    m->subject = (peer_subject){run_decoder, dump_decoder, close_decoder};
    m->length = length;
    m->clip = clip;
    m->hyper = (mas_adamw){.learning_rate = (float)rate,
                           .beta1 = (float)beta1,
                           .beta2 = (float)beta2,
                           .epsilon = (float)epsilon,
                           .weight_decay = (float)decay};
    mas_model_config c = mas_model_config_default();
    c.layers = layers;
    c.width = width;
    c.heads = heads;
    c.dtype = dtype;
    mas_plan plan = {.layers = layers, .full_layers = layers};
    plan.full = plan.sparse = mas_attn_spec_full();
    status = mas_model_config_resolve(&c, vocab, (int32_t)length, err);
    for (int32_t i = 0; status == MAS_OK && i < layers; i++)
        plan.is_full[i] = true;
    if (status == MAS_OK)
        status = draw_tokens(m, vocab, err);
    if (status == MAS_OK)
        status = mas_model_create(device, &c, &plan, length, MAS_MODEL_TRAINS, 1, &m->model, err);
    if (status != MAS_OK) {
        close_decoder(&m->subject);
        return status;
    }
    describe(answer, m->model);
    *out = &m->subject;
    return MAS_OK;
}
