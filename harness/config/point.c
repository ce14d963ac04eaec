/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/point.h"

#include "variants/agreement.h"
#include "variants/layout_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- rules between keys ---- */

/* Where a whole word stands in a text, or NULL. */
static const char *find_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        const unsigned char before = at > text ? (unsigned char)at[-1] : ' ',
                            after = (unsigned char)at[length];
        if (!isalnum(before) && before != '_' && !isalnum(after) && after != '_')
            return at;
    }
    return NULL;
}

/* Place of the key that the sentence names first (a setting before anything in the file), else of the section, else of
 * the file. */
static mas_place place_of(const mas_node *root, const char *section, const char *sentence)
{
    const size_t index = mas_node_index(root, section);
    if (index == root->count)
        return root->place;
    mas_place place = root->entries[index].key_place;
    const mas_node *map = root->entries[index].value;
    const char *first = NULL;
    for (size_t i = 0; map->kind == MAS_NODE_MAP && i < map->count; i++) {
        const char *at = find_word(sentence, map->entries[i].key);
        if (at && map->entries[i].key_place.line == 0)
            return map->entries[i].key_place;
        if (at && (!first || at < first)) {
            first = at;
            place = map->entries[i].key_place;
        }
    }
    return place;
}

static bool passed(mas_problems *problems, const mas_node *root, const char *section,
                   mas_status status, const mas_error *err)
{
    if (status == MAS_OK)
        return true;
    mas_problem_add(problems, place_of(root, section, err->text), section, "%s", err->text);
    return false;
}

/* A split that will be scored must not be empty, which would only show after hours of training. */
static mas_status check_splits(const mas_point *point, mas_error *err)
{
    const mas_corpus_config *c = &point->corpus;
    const struct {
        double share;
        const char *path, *name, *use;
    } splits[MAS_SPLIT_COUNT] = {
        [MAS_SPLIT_VALIDATION] = {c->validation_fraction, c->validation_path, "validation",
                                  "the curve of every training is scored on it"},
        [MAS_SPLIT_TEST] = {c->test_fraction, c->test_path, "test",
                            point->evaluation.split == MAS_SPLIT_TEST ? "evaluation.split names it"
                                                                      : NULL},
    };
    for (int i = 0; i < MAS_SPLIT_COUNT; i++)
        if (splits[i].use && splits[i].share <= 0 && !splits[i].path[0])
            return mas_fail(err, MAS_E_ARGUMENT,
                            "%s_fraction is 0, which leaves the %s split empty, but %s; expected a "
                            "share above 0%s%s",
                            splits[i].name, splits[i].name, splits[i].use,
                            c->kind == MAS_CORPUS_TOKENS ? ", or a file as corpus." : "",
                            c->kind == MAS_CORPUS_TOKENS ? splits[i].name : "");
    return MAS_OK;
}

static mas_status check_corpus(const mas_point *point, mas_error *err)
{
    const mas_corpus_config *c = &point->corpus;
    if (c->kind == MAS_CORPUS_RECALL)
        return MAS_OK; /* its rules are asked when it is opened */
    if (c->path_count < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "paths is empty; expected at least one file, folder or glob");
    if (c->validation_fraction + c->test_fraction >= 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "validation_fraction %g and test_fraction %g leave nothing to train on; "
                        "expected less than 1 "
                        "together",
                        c->validation_fraction, c->test_fraction);
    return point->kind == MAS_KIND_TRAIN ? check_splits(point, err) : MAS_OK;
}

static int32_t longest_of_model(const mas_point *point)
{
    const int32_t seq_len = point->training.seq_len, context = point->evaluation.context;
    return context > seq_len ? context : seq_len;
}

static int32_t longest_of_kernel(const mas_point *point)
{
    return point->kernel.length;
}

static mas_status resolve_model(mas_point *point, mas_error *err)
{
    const mas_corpus_config *corpus = &point->corpus;
    const int32_t vocab = mas_corpus_config_vocab(corpus), given = point->model.vocab;
    if (corpus->kind == MAS_CORPUS_TEXT && corpus->tokenizer.kind != MAS_TOKENIZER_BYTES &&
        given != 0 && given != vocab)
        return mas_fail(err, MAS_E_SHAPE,
                        "vocab is %d, but corpus.tokenizer has %d; expected the same number, or "
                        "none, which follows the tokenizer",
                        given, vocab);
    const mas_status status =
        mas_model_config_resolve(&point->model, vocab, longest_of_model(point), err);
    point->model.vocab = given;
    return status;
}

static mas_status resolve_attention(mas_point *point, int32_t layers, int32_t longest,
                                    mas_error *err)
{
    mas_attention_config *attention = &point->attention;
    if (attention->full_layers == MAS_FULL_LAYERS_ALL)
        attention->full_layers = layers;
    mas_status status = mas_attn_spec_check(&attention->sparse, err);
    if (status == MAS_OK)
        status = mas_attn_spec_check_length(&attention->sparse, longest, err);
    if (status == MAS_OK)
        status = mas_attn_spec_agrees(&attention->sparse, longest, err);
    if (status == MAS_OK)
        status = mas_plan_build(attention, layers, &point->plan, err);
    return status;
}

/* Full attention everywhere is the default, so full_layers without sparse would say nothing. */
static mas_status check_sparse_given(const mas_point *point, const mas_node *root, mas_error *err)
{
    const mas_plan *plan = &point->plan;
    const bool placed = point->attention.full_layers != MAS_FULL_LAYERS_UNSET ||
                        point->attention.placement.kind == MAS_PLACEMENT_PERIODIC ||
                        point->attention.placement.kind == MAS_PLACEMENT_LIST;
    if (!placed || plan->full_layers == plan->layers ||
        mas_node_get(mas_node_get(root, "attention"), "sparse"))
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%d of %d layers are full, and nothing says what the others get; expected "
                    "sparse, as in {variant: "
                    "sliding_window, window: 256}",
                    plan->full_layers, plan->layers);
}

static bool attention_rules(mas_problems *problems, const mas_node *root, mas_point *point,
                            int32_t layers, int32_t longest)
{
    mas_error err = {0};
    return passed(problems, root, "attention", resolve_attention(point, layers, longest, &err),
                  &err) &&
           passed(problems, root, "attention", check_sparse_given(point, root, &err), &err);
}

static bool rules_of_model(mas_problems *problems, const mas_node *root, mas_point *point)
{
    mas_error err = {0};
    bool fine = passed(problems, root, "corpus", check_corpus(point, &err), &err);
    /* Costs alone need lengths, but no steps. */
    if (point->kind == MAS_KIND_TRAIN)
        fine &= passed(problems, root, "training", mas_train_config_check(&point->training, &err),
                       &err);
    fine &= passed(problems, root, "evaluation",
                   mas_eval_config_check(&point->evaluation, point->training.seq_len, &err), &err);
    if (point->evaluation.context == 0)
        point->evaluation.context = point->training.seq_len;
    if (point->evaluation.stride == 0)
        point->evaluation.stride = point->evaluation.context;
    fine &= passed(problems, root, "model", resolve_model(point, &err), &err);
    if (fine)
        fine = passed(
            problems, root, "training",
            mas_base_config_check(&point->training, &point->model, longest_of_model(point), &err),
            &err);
    return attention_rules(problems, root, point, point->model.layers, longest_of_model(point)) &&
           fine;
}

static bool rules_of_kernel(mas_problems *problems, const mas_node *root, mas_point *point)
{
    mas_error err = {0};
    bool fine =
        passed(problems, root, "kernel", mas_bench_config_resolve(&point->kernel, &err), &err);
    fine &=
        passed(problems, root, "measure", mas_measure_config_check(&point->measure, &err), &err);
    return attention_rules(problems, root, point, point->kernel.layers, point->kernel.length) &&
           fine;
}

/* ---- identity ---- */

/* A layout is its content, wherever the file lies. */
static bool replace_layout_path(json_t *json, const mas_attn_spec *spec)
{
    char hash[32] = "";
    for (size_t i = 0; i < spec->variant->option_count; i++) {
        if (spec->variant->options[i].type != MAS_OPTION_PATH || spec->path[0] == '\0')
            continue;
        FILE *file = fopen(spec->path, "rb");
        XXH3_state_t *state = XXH3_createState();
        bool fine = file && state && XXH3_64bits_reset(state) == XXH_OK;
        unsigned char buffer[4096];
        for (size_t count; fine && (count = fread(buffer, 1, sizeof buffer, file)) > 0;)
            fine = XXH3_64bits_update(state, buffer, count) == XXH_OK;
        fine = fine && !ferror(file);
        if (fine)
            snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH3_64bits_digest(state));
        XXH3_freeState(state);
        if (file)
            fclose(file);
        if (!fine || json_object_set_new(json, spec->variant->options[i].name, json_string(hash)))
            return false;
    }
    return true;
}

static json_t *spec_identity(const mas_attn_spec *spec)
{
    json_t *json = mas_attn_spec_json(spec);
    if (json && !replace_layout_path(json, spec)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *plan_identity(const mas_plan *plan)
{
    char letters[MAS_LAYERS_MAX + 1];
    mas_plan_letters(plan, letters, sizeof letters);
    json_t *json = json_object();
    if (!json || json_object_set_new(json, "layers", json_string(letters)) ||
        json_object_set_new(json, "sparse", spec_identity(&plan->sparse)) ||
        json_object_set_new(json, "full", spec_identity(&plan->full))) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *point_json(const mas_document *document)
{
    json_t *json = mas_schema_json(&mas_schema_root, document);
    json_object_del(json, "experiment");
    json_object_del(json, "question");
    return json;
}

/* Leave out what has no effect, so that the same computation spelt in two ways is one point. */
static void drop_idle_of_model(const mas_point *point, json_t *json)
{
    json_t *training = json_object_get(json, "training"), *model = json_object_get(json, "model");
    const mas_train_config *t = &point->training;
    json_object_del(training, "checkpoint");
    json_object_del(training, "checkpoint_seconds");
    json_object_del(model, "preset"); /* its values are there */
    /* Keys younger than published results are left out at their defaults: ids stay. */
    if (t->recompute == MAS_RECOMPUTE_NONE)
        json_object_del(training, "recompute");
    if (point->model.dtype == MAS_DTYPE_F32)
        json_object_del(model, "dtype");
    if (point->corpus.tokenizer.kind == MAS_TOKENIZER_BYTES)
        json_object_del(json_object_get(json, "corpus"), "tokenizer");
    if (point->corpus.min_bytes == 0)
        json_object_del(json_object_get(json, "corpus"), "min_bytes");
    if (t->start_len == 0 || t->start_len == t->seq_len) {
        json_object_del(training, "start_len");
        json_object_del(training, "grow_until");
    }
    if (t->schedule == MAS_LR_CONSTANT)
        json_object_del(training, "min_learning_rate");
    if (t->evaluations == 0)
        json_object_del(training, "curve_tokens");
    if (point->model.positions != MAS_POSITIONS_ROPE)
        json_object_del(model, "rope_theta");
    if (point->model.positions != MAS_POSITIONS_LEARNED)
        json_object_del(model, "max_length");
}

static void drop_idle_of_plan(const mas_point *point, json_t *json)
{
    drop_idle_of_model(point, json);
    json_object_del(json, "seed");
}

/* What the kinds of experiments do differently here. */
typedef struct kind_rules {
    bool (*check)(mas_problems *problems, const mas_node *root, mas_point *point);
    int32_t (*longest)(const mas_point *point);
    void (*drop_idle)(const mas_point *point, json_t *json); /* NULL: every key counts */
} kind_rules;

static const kind_rules kinds[MAS_EXPERIMENT_KIND_COUNT] = {
    [MAS_KIND_TRAIN] = {rules_of_model, longest_of_model, drop_idle_of_model},
    [MAS_KIND_PLAN] = {rules_of_model, longest_of_model, drop_idle_of_plan},
    [MAS_KIND_KERNEL] = {rules_of_kernel, longest_of_kernel, NULL},
};

json_t *mas_point_identity(const mas_document *document)
{
    json_t *json = point_json(document);
    if (!json)
        return NULL;
    const kind_rules *kind = &kinds[document->point.kind];
    if (kind->drop_idle)
        kind->drop_idle(&document->point, json);
    json_object_del(json, "attention");
    if (json_object_set_new(json, "plan", plan_identity(&document->point.plan))) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool set_id(mas_document *document)
{
    json_t *identity = mas_point_identity(document);
    char *text = identity
                     ? json_dumps(identity, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17))
                     : NULL;
    if (text)
        snprintf(document->point.id, sizeof document->point.id, "%016llx",
                 (unsigned long long)XXH3_64bits(text, strlen(text)));
    free(text);
    json_decref(identity);
    return text != NULL;
}

bool mas_point_resolve(mas_problems *problems, const mas_node *root, mas_document *document)
{
    mas_point *point = &document->point;
    const kind_rules *kind = &kinds[point->kind];
    if (!kind->check(problems, root, point))
        return false;
    const int32_t full_layers =
        point->plan.full_layers; /* as placed, before equal plans are made one */
    mas_plan_canonical(&point->plan, kind->longest(point));
    mas_plan_label(&point->plan, &point->attention.placement, point->title, sizeof point->title);
    point->resolved = point_json(document);
    json_t *attention = json_object_get(point->resolved, "attention");
    if (!point->resolved ||
        json_object_set_new(attention, "full_layers", json_integer(full_layers)) ||
        !set_id(document)) {
        json_decref(point->resolved);
        point->resolved = NULL;
        problems->out_of_memory = true;
        return false;
    }
    return true;
}
