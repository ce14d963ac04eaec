/* SPDX-License-Identifier: Apache-2.0 */
/* The `sparse:` mapping: a variant's name, its options as its descriptor lists them, sinks and causal. */
#include "harness/config/sections.h"
#include "variants/suggest.h"

#include <assert.h>
#include <string.h>

#define SINKS_MAX ((int64_t)1 << 40)
#define KEYS_MAX (MAS_VARIANT_OPTIONS_MAX + 3)
#define VARIANTS_MAX 64

static size_t variant_names(const char **names)
{
    size_t count = 0;
    for (; mas_variants[count] && count < VARIANTS_MAX - 1; count++)
        names[count] = mas_variants[count]->name;
    names[count] = NULL;
    return count;
}

/* NULL-terminated; options in the descriptor's order. */
static void variant_keys(const mas_variant *variant, const char **keys)
{
    size_t count = 0;
    keys[count++] = "variant";
    for (size_t i = 0; i < variant->option_count; i++)
        keys[count++] = variant->options[i].name;
    keys[count++] = "sinks";
    keys[count++] = "causal";
    keys[count] = NULL;
}

/* The first variant that has this option, or NULL. */
static const mas_variant *owner_of(const char *key)
{
    for (size_t i = 0; mas_variants[i]; i++)
        if (mas_variant_option(mas_variants[i], key) >= 0)
            return mas_variants[i];
    return NULL;
}

static void list_keys(const char **keys, size_t room)
{
    static const char *const common[] = {"variant", "sinks", "causal"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof common / sizeof *common && count + 1 < room; i++)
        keys[count++] = common[i];
    for (size_t v = 0; mas_variants[v]; v++)
        for (size_t i = 0; i < mas_variants[v]->option_count && count + 1 < room; i++)
            if (owner_of(mas_variants[v]->options[i].name) == mas_variants[v])
                keys[count++] = mas_variants[v]->options[i].name;
    keys[count] = NULL;
}

static bool keeps(const char *key)
{
    return strcmp(key, "sinks") == 0 || strcmp(key, "causal") == 0;
}

static const mas_variant *read_name(mas_problems *problems, const mas_node *node, const char *path)
{
    char child[MAS_PATH_TEXT_MAX];
    const char *names[VARIANTS_MAX];
    const size_t count = variant_names(names);
    mas_path_join(child, path, "variant");
    int index = -1;
    const mas_field field = {.key = "variant", .type = MAS_FIELD_WORD, .words = names};
    mas_field_read(problems, &field, node, child, &index, true);
    return index >= 0 && (size_t)index < count ? mas_variants[index] : NULL;
}

/* The row of an option, so that it is read like any key. The target is a mas_attn_spec. */
static mas_field option_field(const mas_option *option, size_t index)
{
    const size_t value = offsetof(mas_attn_spec, value) + index * sizeof(int64_t);
    mas_field field = {
        .key = option->name, .help = option->help, .required = option->required, .offset = value};
    switch (option->type) {
    case MAS_OPTION_INT:
        field.type = MAS_FIELD_INT64;
        field.min = option->min;
        field.max = option->max;
        break;
    case MAS_OPTION_WORD:
        field.type = MAS_FIELD_WORD;
        field.words = option->words;
        break;
    case MAS_OPTION_PATH:
        field.type = MAS_FIELD_TEXT;
        field.offset = offsetof(mas_attn_spec, path);
        field.size = MAS_PATH_MAX;
        break;
    }
    return field;
}

static const mas_field sinks_field = {.key = "sinks",
                                      .type = MAS_FIELD_INT64,
                                      .offset = offsetof(mas_attn_spec, sinks),
                                      .min = 0,
                                      .max = SINKS_MAX};
static const mas_field causal_field = {
    .key = "causal", .type = MAS_FIELD_BOOL, .offset = offsetof(mas_attn_spec, causal)};

static void read_option(mas_problems *problems, const mas_entry *entry, const char *path,
                        mas_attn_spec *spec)
{
    char child[MAS_PATH_TEXT_MAX];
    const char *keys[KEYS_MAX];
    mas_path_join(child, path, entry->key);
    if (strcmp(entry->key, "sinks") == 0) {
        mas_field_read(problems, &sinks_field, entry->value, child, spec, true);
        return;
    }
    if (strcmp(entry->key, "causal") == 0) {
        mas_field_read(problems, &causal_field, entry->value, child, spec, true);
        return;
    }
    const int index = mas_variant_option(spec->variant, entry->key);
    if (index < 0) {
        const mas_variant *owner = owner_of(entry->key);
        if (owner) {
            mas_problem_add(problems, entry->key_place, child,
                            "has no meaning with variant: %s; expected only with variant: %s",
                            spec->variant->name, owner->name);
            return;
        }
        variant_keys(spec->variant, keys);
        mas_problem_unknown_key(problems, entry->key_place, path, entry->key, keys);
        return;
    }
    const mas_option *option = &spec->variant->options[index];
    mas_field field = option_field(option, (size_t)index);
    if (option->type == MAS_OPTION_WORD) { /* an int64_t, where the engine fills an int */
        int word = (int)spec->value[index];
        field.offset = 0;
        mas_field_read(problems, &field, entry->value, child, &word, true);
        spec->value[index] = word;
    } else {
        mas_field_read(problems, &field, entry->value, child, spec, true);
    }
}

/* Options without a variant, which a sweep may name later: each means what it does in the variant that has it. */
static void read_unowned(mas_problems *problems, const mas_node *node, const char *path)
{
    for (size_t i = 0; i < node->count; i++) {
        const mas_entry *entry = &node->entries[i];
        const mas_variant *owner = owner_of(entry->key);
        mas_attn_spec scratch = mas_attn_spec_default(owner ? owner : mas_variants[0]);
        if (owner || keeps(entry->key)) /* others are told against the variant's own list */
            read_option(problems, entry, path, &scratch);
    }
}

static void read_variant(mas_problems *problems, const mas_node *node, const char *path,
                         void *value, bool complete)
{
    mas_attn_spec *spec = value;
    const mas_node *name = mas_node_get(node, "variant");
    if (node->kind != MAS_NODE_MAP) {
        mas_problem_add(problems, node->place, path,
                        "no mapping; expected a variant and its options, as in {variant: "
                        "sliding_window, window: 256}");
        return;
    }
    if (!name) {
        if (complete) {
            char child[MAS_PATH_TEXT_MAX], list[300];
            const char *names[VARIANTS_MAX];
            mas_words_join(names, variant_names(names), list, sizeof list);
            mas_path_join(child, path, "variant");
            mas_problem_add(problems, node->place, child, "missing; expected one of: %s", list);
        }
        read_unowned(problems, node, path);
        return;
    }
    const mas_variant *variant = read_name(problems, name, path);
    if (!variant)
        return;
    *spec = mas_attn_spec_default(variant);
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key, "variant") != 0)
            read_option(problems, &node->entries[i], path, spec);
    for (size_t i = 0; complete && i < variant->option_count; i++) {
        const mas_option *option = &variant->options[i];
        if (!option->required || mas_node_get(node, option->name))
            continue;
        char child[MAS_PATH_TEXT_MAX], expected[200];
        const mas_field field = option_field(option, i);
        mas_field_expected(&field, expected, sizeof expected);
        mas_path_join(child, path, option->name);
        mas_problem_add(problems, node->place, child, "missing; expected %s (%s)", expected,
                        option->help);
    }
}

json_t *mas_attn_spec_json(const mas_attn_spec *spec)
{
    json_t *json = json_object();
    int failed = !json || json_object_set_new(json, "variant", json_string(spec->variant->name));
    for (size_t i = 0; !failed && i < spec->variant->option_count; i++) {
        const mas_option *option = &spec->variant->options[i];
        json_t *value = NULL;
        switch (option->type) {
        case MAS_OPTION_INT: value = json_integer(spec->value[i]); break;
        case MAS_OPTION_WORD: value = json_string(option->words[spec->value[i]]); break;
        case MAS_OPTION_PATH:
            if (spec->path[0] == '\0')
                continue;
            value = json_string(spec->path);
            break;
        }
        failed = json_object_set_new(json, option->name, value);
    }
    failed = failed || json_object_set_new(json, "sinks", json_integer(spec->sinks)) ||
             json_object_set_new(json, "causal", json_boolean(spec->causal));
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *write_variant(const void *value)
{
    return mas_attn_spec_json(value);
}

const mas_codec mas_codec_variant = {
    .expected = "a variant and its options, as in {variant: sliding_window, window: 256}",
    .read = read_variant,
    .write = write_variant,
    .list_keys = list_keys,
    .selector = "variant",
    .keeps = keeps,
};
