/* SPDX-License-Identifier: Apache-2.0 */
/* The text that a training checkpoint carries beside its tensors: how far the run came and which
 * run it is. Doubles are written with 17 digits and come back bit for bit; NaN becomes null. */
#include "harness/lm/internal.h"
#include "harness/lm/train_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static double number_value(const json_t *json)
{
    return json_is_number(json) ? json_number_value(json) : (double)NAN;
}

static void set_numbers(json_t *object, const char *section, const char *const *names,
                        const double *values, size_t count)
{
    char key[64];
    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%s.%s", section, names[i]);
        (void)json_object_set_new(object, key, number(values[i]));
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

char *mas_progress_identity(const mas_model *model, const mas_corpus *corpus,
                            const mas_train_config *train, const mas_eval_config *evaluation,
                            uint64_t seed)
{
    const mas_model_config *c = &model->config;
    const mas_train_config *t = train;
    json_t *object = json_object();
    if (!object)
        return NULL;
    static const char *const model_names[] = {
        "layers",          "width",       "heads",        "kv_heads",        "head_dim",
        "mlp_width",       "vocab",       "max_length",   "positions",       "full_positions",
        "rope_theta",      "norm",        "norm_epsilon", "activation",      "bias",
        "tied_embeddings", "sink_logits", "softcap",      "attention_scale", "dtype"};
    const double model_values[] = {c->layers,
                                   c->width,
                                   c->heads,
                                   c->kv_heads,
                                   c->head_dim,
                                   c->mlp_width,
                                   c->vocab,
                                   c->max_length,
                                   c->positions,
                                   c->full_positions,
                                   (double)c->rope_theta,
                                   c->norm,
                                   (double)c->norm_epsilon,
                                   c->activation,
                                   c->bias,
                                   c->tied_embeddings,
                                   c->sink_logits,
                                   (double)c->softcap,
                                   (double)c->attention_scale,
                                   c->dtype};
    static_assert(COUNT(model_names) == COUNT(model_values), "a name for each value");
    set_numbers(object, "model", model_names, model_values, COUNT(model_names));
    static const char *const train_names[] = {
        "tokens",      "seq_len",       "start_len", "grow_until",   "batch_tokens",
        "accumulate",  "learning_rate", "schedule",  "warmup",       "min_learning_rate",
        "beta1",       "beta2",         "epsilon",   "weight_decay", "clip",
        "evaluations", "curve_tokens"};
    const double train_values[] = {(double)t->tokens,
                                   t->seq_len,
                                   t->start_len,
                                   t->grow_until,
                                   t->batch_tokens,
                                   t->accumulate,
                                   (double)t->learning_rate,
                                   t->schedule,
                                   t->warmup,
                                   (double)t->min_learning_rate,
                                   (double)t->beta1,
                                   (double)t->beta2,
                                   (double)t->epsilon,
                                   (double)t->weight_decay,
                                   (double)t->clip,
                                   t->evaluations,
                                   (double)t->curve_tokens};
    static_assert(COUNT(train_names) == COUNT(train_values), "a name for each value");
    set_numbers(object, "training", train_names, train_values, COUNT(train_names));
    if (mas_train_converts(
            t)) { /* without a base the text stays what it was before there were any */
        const mas_base_config *b = &t->from;
        static const char *const base_names[] = {"tokens",     "seq_len",      "start_len",
                                                 "grow_until", "batch_tokens", "learning_rate",
                                                 "schedule",   "warmup",       "min_learning_rate"};
        const double base_values[] = {
            (double)b->tokens, b->seq_len,      b->start_len,
            b->grow_until,     b->batch_tokens, (double)b->learning_rate,
            b->schedule,       b->warmup,       (double)b->min_learning_rate};
        static_assert(COUNT(base_names) == COUNT(base_values), "a name for each value");
        set_numbers(object, "training.from", base_names, base_values, COUNT(base_names));
        char seed_text[24];
        snprintf(seed_text, sizeof seed_text, "%" PRIu64, b->seed);
        (void)json_object_set_new(object, "training.from.seed", json_string(seed_text));
    }
    static const char *const eval_names[] = {"context", "stride"};
    const double eval_values[] = {evaluation ? evaluation->context : 0,
                                  evaluation ? evaluation->stride : 0};
    set_numbers(object, "evaluation", eval_names, eval_values, COUNT(eval_names));

    char text[256];
    mas_plan_letters(&model->plan, text, sizeof text);
    (void)json_object_set_new(object, "attention.layers", json_string(text));
    mas_attn_spec_label(&model->plan.sparse, text, sizeof text);
    (void)json_object_set_new(object, "attention.sparse", json_string(text));
    (void)json_object_set_new(object, "corpus.hash",
                              json_string(mas_corpus_describe(corpus)->hash));
    if (mas_corpus_describe(corpus)->tokenizer_hash[0])
        (void)json_object_set_new(object, "corpus.tokenizer",
                                  json_string(mas_corpus_describe(corpus)->tokenizer_hash));
    snprintf(text, sizeof text, "%" PRIu64, seed);
    (void)json_object_set_new(object, "seed", json_string(text));
    char *out = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return out;
}

/* One array per field keeps the text short. */
static json_t *curve_to_json(const mas_progress *p)
{
    json_t *curve = json_array();
    for (int32_t i = 0; curve && i < p->curve_count; i++) {
        const mas_curve_point *c = &p->curve[i];
        (void)json_array_append_new(
            curve,
            json_pack("[I, I, i, o, o, o, o, o]", (json_int_t)c->step, (json_int_t)c->tokens,
                      c->length, number(c->train_loss), number(c->validation_loss),
                      number(c->gradient_norm), number(c->learning_rate), number(c->seconds)));
    }
    return curve;
}

static json_t *tiles_to_json(const mas_progress *p)
{
    json_t *tiles = json_array();
    for (int32_t i = 0; tiles && i < p->counted_layers; i++)
        (void)json_array_append_new(tiles, json_pack("[I, I]", (json_int_t)p->visited_tiles[i],
                                                     (json_int_t)p->scheduled_tiles[i]));
    return tiles;
}

char *mas_progress_text(const mas_progress *progress, const char *identity)
{
    char state[4][24];
    for (int i = 0; i < 4; i++)
        snprintf(state[i], sizeof state[i], "%016" PRIx64, progress->rng.s[i]);
    json_t *losses = json_array();
    for (int64_t i = 0; losses && i < progress->step; i++)
        (void)json_array_append_new(losses, number(progress->step_losses[i]));
    json_t *object = json_pack(
        "{s:o, s:I, s:[ssss], s:f, s:I, s:f, s:f, s:o, s:o, s:o}", "run",
        json_loads(identity, 0, NULL), "step", (json_int_t)progress->step, "rng", state[0],
        state[1], state[2], state[3], "loss_since_point", progress->loss_since_point,
        "steps_since_point", (json_int_t)progress->steps_since_point, "seconds", progress->seconds,
        "evaluation_seconds", progress->evaluation_seconds, "curve", curve_to_json(progress),
        "step_losses", losses, "tiles", tiles_to_json(progress));
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

/* The first setting in which two runs differ. */
static mas_status compare_runs(const json_t *theirs, const json_t *ours, const char *path,
                               mas_error *err)
{
    for (void *i = json_object_iter((json_t *)ours); i;
         i = json_object_iter_next((json_t *)ours, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *have = json_object_get(theirs, key), *want = json_object_iter_value(i);
        if (have && json_equal((json_t *)have, (json_t *)want))
            continue;
        char *a = have ? json_dumps(have, JSON_ENCODE_ANY) : NULL,
             *b = json_dumps(want, JSON_ENCODE_ANY);
        mas_fail(err, MAS_E_FORMAT, "%s belongs to another run: %s is %s there and %s here", path,
                 key, a ? a : "absent", b ? b : "another value");
        free(a);
        free(b);
        return MAS_E_FORMAT;
    }
    return MAS_OK;
}

static bool parse_curve(const json_t *curve, mas_progress *p)
{
    if (!json_is_array(curve) || json_array_size(curve) > (size_t)p->curve_room)
        return false;
    size_t i;
    const json_t *row;
    json_array_foreach(curve, i, row)
    {
        if (json_array_size(row) != 8)
            return false;
        p->curve[i] = (mas_curve_point){
            .step = json_integer_value(json_array_get(row, 0)),
            .tokens = json_integer_value(json_array_get(row, 1)),
            .length = (int32_t)json_integer_value(json_array_get(row, 2)),
            .train_loss = number_value(json_array_get(row, 3)),
            .validation_loss = number_value(json_array_get(row, 4)),
            .gradient_norm = number_value(json_array_get(row, 5)),
            .learning_rate = number_value(json_array_get(row, 6)),
            .seconds = number_value(json_array_get(row, 7)),
        };
    }
    p->curve_count = (int32_t)json_array_size(curve);
    return true;
}

static bool parse_tiles(const json_t *tiles, mas_progress *p)
{
    size_t i;
    const json_t *layer;
    if (json_array_size(tiles) > MAS_LAYERS_MAX)
        return false;
    json_array_foreach(tiles, i, layer)
    {
        p->visited_tiles[i] = json_integer_value(json_array_get(layer, 0));
        p->scheduled_tiles[i] = json_integer_value(json_array_get(layer, 1));
    }
    p->counted_layers = (int32_t)json_array_size(tiles);
    return true;
}

static bool parse_rng(const json_t *state, mas_rng *rng)
{
    uint64_t all = 0;
    for (size_t i = 0; i < 4; i++) {
        const char *word = json_string_value(json_array_get(state, i));
        if (!word || strlen(word) != 16 || word[strspn(word, "0123456789abcdef")] != '\0')
            return false;
        rng->s[i] = strtoull(word, NULL, 16);
        all |= rng->s[i];
    }
    return all != 0; /* the one state that the generator never leaves */
}

static bool parse_progress(const json_t *root, int64_t steps, mas_progress *p)
{
    const json_t *losses = json_object_get(root, "step_losses");
    p->step = json_integer_value(json_object_get(root, "step"));
    if (p->step < 1 || p->step > steps || !json_is_array(losses) ||
        json_array_size(losses) != (size_t)p->step)
        return false;
    for (int64_t i = 0; i < p->step; i++)
        p->step_losses[i] = number_value(json_array_get(losses, (size_t)i));
    p->loss_since_point = number_value(json_object_get(root, "loss_since_point"));
    p->steps_since_point = json_integer_value(json_object_get(root, "steps_since_point"));
    p->seconds = number_value(json_object_get(root, "seconds"));
    p->evaluation_seconds = number_value(json_object_get(root, "evaluation_seconds"));
    return parse_rng(json_object_get(root, "rng"), &p->rng) &&
           parse_curve(json_object_get(root, "curve"), p) &&
           parse_tiles(json_object_get(root, "tiles"), p);
}

mas_status mas_progress_parse(const char *text, const char *identity, int64_t steps,
                              const char *path, mas_progress *out, mas_error *err)
{
    json_t *root = text ? json_loads(text, 0, NULL) : NULL, *ours = json_loads(identity, 0, NULL);
    const json_t *theirs = json_object_get(root, "run");
    mas_status status;
    if (!json_is_object(theirs))
        status = mas_fail(err, MAS_E_FORMAT,
                          "%s holds no training progress (metadata key \"masbench\")", path);
    else
        status = compare_runs(theirs, ours, path, err);
    if (status == MAS_OK && !parse_progress(root, steps, out))
        status = mas_fail(err, MAS_E_FORMAT,
                          "%s holds broken training progress (metadata key \"masbench\")", path);
    json_decref(ours);
    json_decref(root);
    return status;
}
