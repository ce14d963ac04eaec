/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/settings.h"

#include "harness/config/point.h"

#include <string.h>

#define EXAMPLE "expected KEY=VALUE, as in training.seq_len=256"

typedef struct applying {
    mas_pool *pool;
    mas_problems *problems;
    mas_settings *out;
} applying;

static void *take(const applying *a, size_t bytes)
{
    void *memory = mas_pool_take(a->pool, bytes);
    if (!memory)
        a->problems->out_of_memory = true;
    return memory;
}

static bool same_key(const char *a, const char *b)
{
    const size_t length = strcspn(a, "=");
    return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

/* The key of a setting; *value: its text. NULL after a report. */
static const char *read_key(const applying *a, const mas_setting *setting, const char **value)
{
    char *key = mas_pool_text(a->pool, setting->text);
    if (!key) {
        a->problems->out_of_memory = true;
        return NULL;
    }
    char *equals = strchr(key, '=');
    if (!equals || equals == key) {
        mas_problem_add(a->problems, setting->place, NULL, "no %s; " EXAMPLE,
                        equals ? "key" : "value");
        return NULL;
    }
    *equals = '\0';
    if (!mas_schema_find(a->problems, &mas_schema_root, setting->place, key))
        return NULL;
    for (const mas_setting *other = a->out->items; other < setting; other++)
        if (same_key(other->text, setting->text)) {
            mas_problem_add(a->problems, setting->place, key, "set twice; expected once");
            return NULL;
        }
    *value = equals + 1;
    if (**value)
        return key;
    mas_problem_add(a->problems, setting->place, key, "no value; " EXAMPLE);
    return NULL;
}

static size_t count_leaves(const mas_node *node)
{
    size_t count = node->kind != MAS_NODE_MAP;
    for (size_t i = 0; node->kind == MAS_NODE_MAP && i < node->count; i++)
        count += count_leaves(node->entries[i].value);
    return count;
}

static void add_leaves(const applying *a, mas_set_leaf *leaves, size_t *count, size_t setting,
                       const char *path, const mas_node *node)
{
    if (node->kind != MAS_NODE_MAP) {
        leaves[(*count)++] = (mas_set_leaf){.path = path, .value = node, .setting = setting};
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char *child = take(a, MAS_PATH_TEXT_MAX);
        if (!child)
            return;
        mas_path_join(child, path, node->entries[i].key);
        add_leaves(a, leaves, count, setting, child, node->entries[i].value);
    }
}

static bool note_leaves(const applying *a, size_t setting, const char *key, const mas_node *value)
{
    mas_settings *out = a->out;
    mas_set_leaf *leaves = take(a, (out->leaf_count + count_leaves(value) + 1) * sizeof *leaves);
    if (!leaves)
        return false;
    if (out->leaf_count > 0)
        memcpy(leaves, out->leaves, out->leaf_count * sizeof *leaves);
    out->leaves = leaves;
    add_leaves(a, leaves, &out->leaf_count, setting, key, value);
    return !a->problems->out_of_memory;
}

static const mas_node *apply(const applying *a, const mas_node *root, const char *text)
{
    mas_settings *out = a->out;
    mas_setting *setting = &out->items[out->count];
    const size_t size = strlen(text) + sizeof "--set ";
    char *source = take(a, size);
    if (!source)
        return NULL;
    snprintf(source, size, "--set %s", text);
    *setting = (mas_setting){text, {source, 0, 0}, root};
    const char *given = NULL, *key = read_key(a, setting, &given);
    out->count++;
    const mas_node *value =
        key ? mas_tree_parse(a->pool, given, strlen(given), setting->place, a->problems) : NULL;
    if (!value)
        return root;
    if (!note_leaves(a, out->count - 1, key, value))
        return NULL;
    for (size_t i = 0; i + 1 < out->count; i++)
        out->items[i].without = mas_schema_set(a->pool, &mas_schema_root, out->items[i].without,
                                               key, setting->place, value);
    return mas_schema_set(a->pool, &mas_schema_root, root, key, setting->place, value);
}

const mas_node *mas_settings_apply(mas_pool *pool, mas_problems *problems, const mas_node *root,
                                   const char *const *texts, size_t count, mas_settings *out)
{
    const applying a = {pool, problems, out};
    *out = (mas_settings){.items = take(&a, (count + 1) * sizeof *out->items),
                          .scratch = take(&a, sizeof *out->scratch)};
    if (!out->items || !out->scratch)
        return NULL;
    for (size_t i = 0; root && i < count; i++)
        root = apply(&a, root, texts[i]);
    problems->out_of_memory |= !root;
    return root;
}

/* ---- in the cells ---- */

/* Is the leaf still there? If not, what is. */
static bool survives(mas_set_leaf *leaf, const mas_node *root)
{
    const mas_node *node = root;
    mas_place by = root->place;
    size_t head = 0;
    for (const char *rest = leaf->path; node && *rest;) {
        char key[MAS_PATH_TEXT_MAX];
        const size_t length = strcspn(rest, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, rest);
        const size_t index = node->kind == MAS_NODE_MAP ? mas_node_index(node, key) : node->count;
        const bool there = node->kind == MAS_NODE_MAP && index < node->count;
        if (there) {
            by = node->entries[index].key_place;
            head = (size_t)(rest - leaf->path) + length;
        }
        node = there ? node->entries[index].value : NULL;
        rest += length + (rest[length] == '.');
    }
    if (node != leaf->value && !leaf->replaced) {
        leaf->replaced = true;
        leaf->by = by;
        leaf->by_head = head;
    }
    return node == leaf->value;
}

/* Would the cell be another point without the setting? Saying again what is there anyhow counts, too. */
static bool matters(const mas_settings *settings, const mas_setting *setting, mas_pool *pool,
                    mas_problems *problems, const mas_cell *cell, const mas_document *document)
{
    mas_document *other = settings->scratch;
    const mas_node *root = mas_cell_apply(pool, setting->without, cell);
    if (!root) {
        problems->out_of_memory = true;
        return true;
    }
    mas_problems ignored = {0};
    mas_diagnostics texts;
    mas_document_init(other);
    mas_schema_read(&ignored, &mas_schema_root, root, "", other, true);
    const bool idle = ignored.count == 0 && mas_point_resolve(&ignored, root, other) &&
                      strcmp(other->point.id, document->point.id) == 0 &&
                      !json_equal(other->point.resolved, document->point.resolved);
    json_decref(other->point.resolved);
    mas_problems_finish(&ignored, &texts);
    mas_diagnostics_free(&texts);
    return !idle;
}

void mas_settings_watch(mas_settings *settings, mas_pool *pool, mas_problems *problems,
                        const mas_node *root, const mas_cell *cell, const mas_document *document)
{
    for (size_t i = 0; i < settings->leaf_count; i++) {
        mas_set_leaf *leaf = &settings->leaves[i];
        const mas_setting *setting = &settings->items[leaf->setting];
        if (!leaf->acts && survives(leaf, root))
            leaf->acts = matters(settings, setting, pool, problems, cell, document);
    }
}

void mas_settings_report(const mas_settings *settings, mas_problems *problems)
{
    for (size_t i = 0; i < settings->leaf_count; i++) {
        const mas_set_leaf *leaf = &settings->leaves[i];
        const mas_place place = settings->items[leaf->setting].place;
        char what[MAS_PATH_TEXT_MAX + 32];
        if (leaf->acts || !leaf->replaced)
            continue;
        if (leaf->by_head == strlen(leaf->path))
            snprintf(what, sizeof what, "sets this key");
        else
            snprintf(what, sizeof what, "sets %.*s without this key", (int)leaf->by_head,
                     leaf->path);
        if (leaf->by.line > 0)
            mas_problem_add(problems, place, leaf->path,
                            "the sweep %s on line %d; expected a change of the sweep", what,
                            leaf->by.line);
        else
            mas_problem_add(problems, place, leaf->path, "%s %s, too; expected one of them",
                            leaf->by.source, what);
    }
}
