/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lm/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

mas_corpus stub_corpus(void)
{
    return (mas_corpus){
        .info = {.kind = MAS_CORPUS_TEXT,
                 .vocab = STUB_VOCAB,
                 .separator = 0,
                 .documents = {6, 6, 6},
                 .hash = "0123456789abcdef0123456789abcdef",
                 .tokenizer = "bytes"},
        .lengths = {17, 64, 1, 90, 33, 5},
        .seed = 5,
        .byte_share = 4,
    };
}

const char *mas_corpus_kind_name(mas_corpus_kind kind)
{
    static const char *const names[MAS_CORPUS_KIND_COUNT] = {"text", "tokens", "recall"};
    return names[kind];
}

const mas_corpus_info *mas_corpus_describe(const mas_corpus *corpus)
{
    return &corpus->info;
}

/* Steps of 1 to 3 through the vocabulary, now and then a token from ten places back: learnable in a
 * few steps. */
static void fill(mas_rng *rng, int64_t count, int32_t *tokens)
{
    const int32_t stride = 1 + (int32_t)mas_rng_below(rng, 3);
    int32_t value = 1 + (int32_t)mas_rng_below(rng, STUB_VOCAB - 1);
    for (int64_t i = 0; i < count; i++) {
        if (i >= 10 && mas_rng_below(rng, 4) == 0)
            value = tokens[i - 10];
        tokens[i] = value;
        value = 1 + (value - 1 + stride) % (STUB_VOCAB - 1);
    }
}

void mas_corpus_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                       int32_t *tokens, int32_t *evidence)
{
    (void)corpus, (void)split, (void)evidence;
    fill(rng, length + 1, tokens);
}

mas_status mas_corpus_document(const mas_corpus *corpus, mas_split split, int64_t index,
                               int64_t length, mas_sequence *out, mas_error *err)
{
    (void)length;
    if (index >= corpus->info.documents[split])
        return mas_fail(err, MAS_E_NOT_FOUND, "no document %lld", (long long)index);
    mas_rng rng = mas_rng_seed(corpus->seed, (uint64_t)index);
    out->length = corpus->lengths[index];
    out->tokens = malloc((size_t)out->length * sizeof *out->tokens);
    out->evidence = corpus->evidence ? malloc((size_t)out->length * sizeof *out->evidence) : NULL;
    out->tokens[0] = corpus->info.separator;
    fill(&rng, out->length - 1, out->tokens + 1);
    for (int64_t i = 1; corpus->stated && i < out->length; i++)
        out->tokens[i] = (int32_t)(20 * index + 1);
    for (int64_t i = 0; out->evidence && i < out->length; i++)
        out->evidence[i] = (int32_t)(i % 5);
    return MAS_OK;
}

void mas_sequence_free(mas_sequence *sequence)
{
    free(sequence->tokens);
    free(sequence->evidence);
    *sequence = (mas_sequence){0};
}

int64_t mas_corpus_text_bytes(const mas_corpus *corpus, const int32_t *tokens, int64_t count)
{
    (void)tokens;
    return corpus->byte_share * count;
}

void must(mas_status status, const mas_error *err)
{
    cr_assert_eq(status, MAS_OK, "%s: %s", mas_status_name(status), err->text);
}

mas_device *open_device(int threads, size_t limit_bytes)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = NULL;
    must(mas_device_open_cpu(threads, limit_bytes, &device, &err), &err);
    return device;
}

mas_model_config tiny_config(void)
{
    mas_error err = {MAS_OK, ""};
    mas_model_config c = mas_model_config_default();
    c.layers = 3;
    c.width = 24;
    c.heads = 4;
    c.mlp_width = 40;
    must(mas_model_config_resolve(&c, STUB_VOCAB, 64, &err), &err);
    return c;
}

static mas_attn_spec spec_with(const char *name, const char *option, int64_t value)
{
    mas_error err = {MAS_OK, ""};
    const mas_variant *variant = NULL;
    must(mas_variant_find(name, &variant, &err), &err);
    mas_attn_spec spec = mas_attn_spec_default(variant);
    spec.value[mas_variant_option(variant, option)] = value;
    must(mas_attn_spec_check(&spec, &err), &err);
    return spec;
}

mas_attn_spec window_spec(int64_t window)
{
    return spec_with("sliding_window", "window", window);
}

mas_attn_spec block_spec(int64_t block)
{
    return spec_with("block_sparse", "block", block);
}

mas_plan mixed_plan(int32_t layers, mas_attn_spec sparse)
{
    mas_plan plan = {.layers = layers, .sparse = sparse, .full = mas_attn_spec_full()};
    for (int32_t i = 0; i < layers; i++) {
        plan.is_full[i] = i % 2 == 1;
        plan.full_layers += plan.is_full[i];
    }
    return plan;
}

mas_plan full_plan(int32_t layers)
{
    mas_plan plan = {.layers = layers,
                     .full_layers = layers,
                     .sparse = mas_attn_spec_full(),
                     .full = mas_attn_spec_full()};
    for (int32_t i = 0; i < layers; i++)
        plan.is_full[i] = true;
    return plan;
}

mas_model *make_model(mas_device *device, const mas_model_config *config, const mas_plan *plan,
                      int64_t max_tokens, mas_model_use use, uint64_t seed)
{
    mas_error err = {MAS_OK, ""};
    mas_model *model = NULL;
    must(mas_model_create(device, config, plan, max_tokens, use, seed, &model, &err), &err);
    return model;
}

void disturb(mas_model *model, double std, uint64_t seed)
{
    const mas_model_state s = mas_model_get_state(model);
    mas_rng rng = mas_rng_seed(seed, 1);
    for (int32_t i = 0; i < s.parameter_count; i++)
        for (int64_t j = 0; j < s.parameters[i].count; j++)
            s.weights[s.parameters[i].offset + j] += (float)(std * mas_rng_normal(&rng));
}

void random_batch(int32_t *tokens, int32_t *targets, int64_t count, uint64_t seed)
{
    mas_rng rng = mas_rng_seed(seed, 2);
    for (int64_t i = 0; i < count; i++) {
        tokens[i] = (int32_t)mas_rng_below(&rng, STUB_VOCAB);
        targets[i] = i % 5 == 4 ? -1 : (int32_t)mas_rng_below(&rng, STUB_VOCAB);
    }
}

const char *temporary(const char *name)
{
    static char path[512];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/masbench-lm-%ld-%s", folder ? folder : "/tmp", (long)getpid(),
             name);
    return path;
}
