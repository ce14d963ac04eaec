/* SPDX-License-Identifier: Apache-2.0 */
/* The tables the other way round: structs to JSON, paths to fields, mappings into mappings. */
#include "harness/config/number.h"
#include "harness/config/schema.h"

#include <string.h>

static json_t *texts_json(const mas_field *field, const unsigned char *value, const void *target)
{
    int32_t count;
    memcpy(&count, (const unsigned char *)target + field->count_offset, sizeof count);
    json_t *json = json_array();
    for (int32_t i = 0; json && i < count; i++)
        if (json_array_append_new(json,
                                  json_string((const char *)value + (size_t)i * field->size))) {
            json_decref(json);
            return NULL;
        }
    return json;
}

static json_t *int_json(const mas_field *field, const unsigned char *value)
{
    int64_t whole;
    if (field->type == MAS_FIELD_INT32)
        whole = *(const int32_t *)(const void *)value;
    else
        memcpy(&whole, value, sizeof whole);
    return json_integer(whole);
}

static json_t *word_json(const mas_field *field, const unsigned char *value)
{
    int word;
    memcpy(&word, value, sizeof word);
    return field->quiet && word == (int)field->min
               ? json_null()
               : json_string(field->words[word - (int)field->min]);
}

json_t *mas_field_json(const mas_field *field, const void *target)
{
    const unsigned char *value = (const unsigned char *)target + field->offset;
    switch (field->type) {
    case MAS_FIELD_INT32:
    case MAS_FIELD_INT64:
    case MAS_FIELD_BYTES: return int_json(field, value);
    case MAS_FIELD_FLOAT:
        return json_real(mas_number_from_float(*(const float *)(const void *)value));
    case MAS_FIELD_DOUBLE: return json_real(*(const double *)(const void *)value);
    case MAS_FIELD_BOOL: return json_boolean(*(const bool *)(const void *)value);
    case MAS_FIELD_WORD: return word_json(field, value);
    case MAS_FIELD_TEXT: return *value ? json_string((const char *)value) : json_null();
    case MAS_FIELD_TEXTS: return texts_json(field, value, target);
    case MAS_FIELD_SECTION: return mas_schema_json(field->section, value);
    case MAS_FIELD_CUSTOM: return field->codec->write(value);
    case MAS_FIELD_LATER: return json_null();
    }
    return NULL;
}

json_t *mas_schema_json(const mas_section *section, const void *target)
{
    int selected = 0;
    if (section->selector)
        memcpy(&selected, (const unsigned char *)target + section->selector->offset,
               sizeof selected);
    json_t *json = json_object();
    for (size_t i = 0; json && i < section->count; i++) {
        const mas_field *field = &section->fields[i];
        if (field->only != 0 && !(field->only >> selected & 1))
            continue;
        json_t *value = mas_field_json(field, target);
        if (json_is_null(value))
            continue;
        if (json_object_set_new(json, field->key, value)) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

const json_t *mas_json_at(const json_t *json, const char *path)
{
    while (json && *path) {
        char key[MAS_PATH_TEXT_MAX];
        const size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        json = json_object_get(json, key);
        path += length + (path[length] == '.');
    }
    return json;
}

static const mas_field *field_named(const mas_section *section, const char *key, size_t length)
{
    for (size_t i = 0; i < section->count; i++)
        if (strlen(section->fields[i].key) == length &&
            memcmp(section->fields[i].key, key, length) == 0)
            return &section->fields[i];
    return NULL;
}

static bool is_listed(const char *const *keys, const char *key)
{
    while (*keys && strcmp(*keys, key) != 0)
        keys++;
    return *keys != NULL;
}

static void report_unknown_part(mas_problems *problems, mas_place place, const char *path,
                                const char *part, const char *const *keys)
{
    char prefix[MAS_PATH_TEXT_MAX], key[MAS_PATH_TEXT_MAX];
    snprintf(prefix, sizeof prefix, "%.*s", (int)(part > path ? part - path - 1 : 0), path);
    snprintf(key, sizeof key, "%.*s", (int)strcspn(part, "."), part);
    mas_problem_unknown_key(problems, place, prefix, key, keys);
}

const mas_field *mas_schema_find(mas_problems *problems, const mas_section *section,
                                 mas_place place, const char *path)
{
    const char *keys[MAS_KEYS_MAX], *rest = path;
    if (strlen(path) >= MAS_PATH_TEXT_MAX) {
        mas_problem_add(problems, place, NULL, "a key of %zu bytes; expected KEY as in the file",
                        strlen(path));
        return NULL;
    }
    for (;;) {
        const size_t length = strcspn(rest, ".");
        const mas_field *field = field_named(section, rest, length);
        if (!field) {
            mas_section_keys(section, keys);
            report_unknown_part(problems, place, path, rest, keys);
            return NULL;
        }
        if (rest[length] == '\0')
            return field;
        rest += length + 1;
        if (field->type == MAS_FIELD_SECTION) {
            section = field->section;
        } else if (field->type == MAS_FIELD_CUSTOM && field->codec->list_keys) {
            field->codec->list_keys(keys, MAS_KEYS_MAX);
            if (is_listed(keys, rest))
                return field;
            report_unknown_part(problems, place, path, rest, keys);
            return NULL;
        } else {
            mas_problem_add(problems, place, path,
                            "%.*s has no keys of its own; expected it as a whole",
                            (int)(rest - path - 1), path);
            return NULL;
        }
    }
}

const mas_section *mas_schema_section_of(const mas_section *section, const char *path, size_t *head)
{
    const char *rest = path;
    for (;;) {
        *head = (size_t)(rest - path);
        const size_t length = strcspn(rest, ".");
        const mas_field *field = field_named(section, rest, length);
        if (!field || field->type != MAS_FIELD_SECTION || rest[length] == '\0')
            return section;
        section = field->section;
        rest += length + 1;
    }
}

/* ---- merging ---- */

typedef struct kept_rule {
    const char *selector;   /* NULL: keep everything */
    const char *unselected; /* what a mapping without the selector means; NULL: nothing yet */
    const mas_section *section;
    const mas_codec *codec;
} kept_rule;

static bool keeps(const kept_rule *rule, const char *key)
{
    if (rule->codec)
        return rule->codec->keeps(key);
    const mas_field *field = field_named(rule->section, key, strlen(key));
    return !field || field->only == 0;
}

/* Does `over` name another value of the selector than `base` does? */
static bool switches(const kept_rule *rule, const mas_node *base, const mas_node *over)
{
    if (!rule->selector)
        return false;
    const mas_node *from = mas_node_get(base, rule->selector),
                   *to = mas_node_get(over, rule->selector);
    const char *before = from && from->kind == MAS_NODE_SCALAR ? from->text : rule->unselected;
    return before && to && to->kind == MAS_NODE_SCALAR && strcmp(before, to->text) != 0;
}

static const mas_node *merge_maps(mas_pool *pool, const kept_rule *rule, const mas_section *section,
                                  const mas_node *base, const mas_node *over)
{
    mas_node *merged = mas_node_copy_map(pool, base, over->count);
    if (!merged)
        return NULL;
    if (switches(rule, base, over)) {
        size_t count = 0;
        for (size_t i = 0; i < merged->count; i++)
            if (keeps(rule, merged->entries[i].key))
                merged->entries[count++] = merged->entries[i];
        merged->count = count;
    }
    for (size_t i = 0; i < over->count; i++) {
        const mas_entry *entry = &over->entries[i];
        const size_t index = mas_node_index(merged, entry->key);
        const mas_field *field =
            section ? field_named(section, entry->key, strlen(entry->key)) : NULL;
        const mas_node *value = entry->value;
        const mas_node *old = index < merged->count ? merged->entries[index].value : NULL;
        if (old && old->kind == MAS_NODE_MAP && value->kind == MAS_NODE_MAP && field) {
            if (field->type == MAS_FIELD_SECTION) {
                value = mas_schema_merge(pool, field->section, old, value);
            } else if (field->type == MAS_FIELD_CUSTOM && field->codec->list_keys) {
                const kept_rule inner = {.selector = field->codec->selector, .codec = field->codec};
                value = merge_maps(pool, &inner, NULL, old, value);
            }
        }
        if (!value)
            return NULL;
        merged->entries[index] = (mas_entry){entry->key, entry->key_place, value};
        if (index == merged->count)
            merged->count++;
    }
    return merged;
}

const mas_node *mas_schema_merge(mas_pool *pool, const mas_section *section, const mas_node *base,
                                 const mas_node *over)
{
    if (!base || base->kind != MAS_NODE_MAP || over->kind != MAS_NODE_MAP)
        return over;
    const kept_rule rule = {.selector = section->unselected ? section->selector->key : NULL,
                            .unselected = section->unselected,
                            .section = section};
    return merge_maps(pool, &rule, section, base, over);
}

const mas_node *mas_schema_set(mas_pool *pool, const mas_section *section, const mas_node *base,
                               const char *path, mas_place place, const mas_node *value)
{
    const char *end = path + strlen(path);
    while (value &&
           end > path) { /* innermost key first: value -> {key: value} -> {section: {key: value}} */
        const char *begin = end;
        while (begin > path && begin[-1] != '.')
            begin--;
        char *key = mas_pool_take(pool, (size_t)(end - begin) + 1);
        if (!key)
            return NULL;
        memcpy(key, begin, (size_t)(end - begin));
        value = mas_node_wrap(pool, key, place, value);
        end = begin > path ? begin - 1 : path;
    }
    return value ? mas_schema_merge(pool, section, base, value) : NULL;
}
