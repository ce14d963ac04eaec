/* SPDX-License-Identifier: Apache-2.0 */
/* The product of the axes, and how a cell is named. */
#include "harness/config/sweep.h"
#include "variants/text.h"

#include <string.h>

typedef struct expansion {
    mas_pool *pool;
    mas_problems *problems;
    const mas_sweep *sweep;
    bool (*visit)(void *user, const mas_node *root, const mas_cell *cell);
    void *user;
    mas_document *now, *then; /* what conditions compare */
    int32_t *choice;
    int64_t cells;
    bool stopped;
} expansion;

/* A mapping that is written as its selector alone ("bytes" for {type: bytes}) has that key, too. */
static const json_t *selector_alone(const json_t *all, const mas_axis_key *key)
{
    const mas_codec *codec = key->field->codec;
    const char *dot = strrchr(key->path, '.');
    if (!codec || !codec->selector || !dot || strcmp(dot + 1, codec->selector) != 0)
        return NULL;
    char path[MAS_PATH_TEXT_MAX];
    snprintf(path, sizeof path, "%.*s", (int)(dot - key->path), key->path);
    const json_t *whole = mas_json_at(all, path);
    return json_is_string(whole) ? whole : NULL;
}

/* What a tree sets at a key, whatever else may be wrong with it. NULL: nothing there, or no memory. */
static json_t *value_at(mas_document *document, const mas_node *root, const mas_axis_key *key)
{
    mas_problems ignored = {0};
    mas_diagnostics texts;
    mas_document_init(document);
    mas_schema_read(&ignored, &mas_schema_root, root, "", document, false);
    mas_problems_finish(&ignored, &texts);
    mas_diagnostics_free(&texts);
    json_t *all = mas_schema_json(&mas_schema_root, document);
    const json_t *found = mas_json_at(all, key->path);
    json_t *value = json_deep_copy(found ? found : selector_alone(all, key));
    json_decref(all);
    return value;
}

/* A condition holds when setting one of its values changes nothing: so 1e3, 1000 and a default of 1000 are the same. */
static bool condition_holds(expansion *e, const mas_axis_key *condition, const mas_node *root)
{
    json_t *now = value_at(e->now, root, condition);
    bool holds = false;
    for (size_t i = 0; now && !holds && i < condition->count; i++) {
        const mas_node *changed = mas_schema_set(e->pool, &mas_schema_root, root, condition->path,
                                                 condition->place, condition->values[i]);
        if (!changed) {
            e->problems->out_of_memory = true;
            break;
        }
        json_t *then = value_at(e->then, changed, condition);
        holds = then && json_equal(now, then);
        json_decref(then);
    }
    json_decref(now);
    return holds;
}

static bool applies(expansion *e, const mas_axis *axis, const mas_node *root)
{
    for (size_t i = 0; i < axis->condition_count; i++)
        if (!condition_holds(e, &axis->conditions[i], root))
            return false;
    return true;
}

static const mas_node *choose(mas_pool *pool, const mas_axis *axis, int32_t value,
                              const mas_node *root)
{
    for (size_t i = 0; root && i < axis->key_count; i++)
        root = mas_schema_set(pool, &mas_schema_root, root, axis->keys[i].path, axis->keys[i].place,
                              axis->keys[i].values[value]);
    return root;
}

const mas_node *mas_cell_apply(mas_pool *pool, const mas_node *root, const mas_cell *cell)
{
    for (size_t a = 0; root && a < cell->sweep->count; a++)
        if (cell->choice[a] >= 0)
            root = choose(pool, &cell->sweep->axes[a], cell->choice[a], root);
    return root;
}

static void leaf(expansion *e, const mas_node *root)
{
    if (++e->cells > MAS_CELLS_MAX) {
        const mas_place place = e->sweep->axes[0].place;
        mas_problem_add(e->problems, place, "sweep",
                        "more than %d combinations; expected fewer values or axes", MAS_CELLS_MAX);
        e->stopped = true;
        return;
    }
    const mas_cell cell = {e->sweep, e->choice};
    if (!e->visit(e->user, root, &cell))
        e->stopped = true;
}

/* Recursion is as deep as there are axes, which NODES_MAX of the tree bounds; an axis is a few words of stack. */
static void expand(expansion *e, size_t index, const mas_node *root)
{
    if (index == e->sweep->count) {
        leaf(e, root);
        return;
    }
    const mas_axis *axis = &e->sweep->axes[index];
    if (!applies(e, axis, root)) {
        e->choice[index] = -1;
        expand(e, index + 1, root);
        return;
    }
    for (size_t value = 0; value < axis->count && !e->stopped; value++) {
        const mas_node *chosen = choose(e->pool, axis, (int32_t)value, root);
        if (!chosen) {
            e->problems->out_of_memory = true;
            e->stopped = true;
            return;
        }
        e->choice[index] = (int32_t)value;
        expand(e, index + 1, chosen);
    }
}

bool mas_sweep_expand(mas_pool *pool, mas_problems *problems, const mas_node *root,
                      const mas_sweep *sweep,
                      bool (*visit)(void *user, const mas_node *root, const mas_cell *cell),
                      void *user)
{
    expansion e = {
        .pool = pool, .problems = problems, .sweep = sweep, .visit = visit, .user = user};
    e.now = mas_pool_take(pool, sizeof *e.now);
    e.then = mas_pool_take(pool, sizeof *e.then);
    e.choice = mas_pool_take(pool, (sweep->count + 1) * sizeof *e.choice);
    if (!e.now || !e.then || !e.choice) {
        problems->out_of_memory = true;
        return false;
    }
    expand(&e, 0, root);
    return !e.stopped;
}

/* ---- JSON ---- */

static json_t *key_json(const mas_axis_key *key)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < key->count; i++)
        if (json_array_append_new(list, mas_node_json(key->values[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *mas_sweep_json(const mas_sweep *sweep)
{
    json_t *all = json_array();
    for (size_t a = 0; all && a < sweep->count; a++) {
        const mas_axis *axis = &sweep->axes[a];
        json_t *object = json_object();
        int failed = !object;
        for (size_t i = 0; !failed && i < axis->key_count; i++)
            failed = json_object_set_new(object, axis->keys[i].path, key_json(&axis->keys[i]));
        if (!failed && axis->condition_count > 0) {
            json_t *when = json_object();
            failed = json_object_set_new(object, "when", when);
            for (size_t i = 0; !failed && i < axis->condition_count; i++)
                failed = json_object_set_new(when, axis->conditions[i].path,
                                             key_json(&axis->conditions[i]));
        }
        if (failed)
            json_decref(object);
        if (failed || json_array_append_new(all, object)) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* ---- names ---- */

void mas_cell_context(const mas_cell *cell, char *text, size_t size)
{
    text[0] = '\0';
    const char *lead = " (with ";
    for (size_t a = 0; a < cell->sweep->count; a++) {
        const mas_axis *axis = &cell->sweep->axes[a];
        for (size_t i = 0; cell->choice[a] >= 0 && i < axis->key_count; i++) {
            char value[128];
            mas_node_text(axis->keys[i].values[cell->choice[a]], value, sizeof value);
            mas_text_append(text, size, "%s%s %s", lead, axis->keys[i].path, value);
            lead = ", ";
        }
    }
    if (*text)
        mas_text_append(text, size, ")");
}

static bool varies(const mas_axis_key *key, const char *rest)
{
    char first[128], other[128];
    const mas_node *a = mas_node_at(key->values[0], rest);
    if (a)
        mas_node_text(a, first, sizeof first);
    for (size_t i = 1; i < key->count; i++) {
        const mas_node *b = mas_node_at(key->values[i], rest);
        if (!a != !b)
            return true;
        if (!b)
            continue;
        mas_node_text(b, other, sizeof other);
        if (strcmp(first, other) != 0)
            return true;
    }
    return false;
}

/* "seed" of "corpus.seed": the last part, unless the point's own seed would be confused with it. */
static const char *short_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (!dot || strcmp(dot, ".seed") == 0 || strcmp(dot, ".tokens") == 0 ||
        strcmp(dot, ".type") == 0)
        return path;
    return dot + 1;
}

static void title_leaves(const mas_axis_key *key, const mas_node *node, const char *rest,
                         char *text, size_t size)
{
    char path[MAS_PATH_TEXT_MAX], child[MAS_PATH_TEXT_MAX], value[96];
    if (node->kind == MAS_NODE_MAP) {
        for (size_t i = 0; i < node->count; i++) {
            mas_path_join(child, rest, node->entries[i].key);
            title_leaves(key, node->entries[i].value, child, text, size);
        }
        return;
    }
    if (!varies(key, rest))
        return;
    snprintf(path, sizeof path, "%s%s%s", key->path, *rest ? "." : "", rest);
    mas_node_text(node, value, sizeof value);
    mas_text_append(text, size, ", %s %s", short_name(path), value);
}

void mas_cell_title(const mas_cell *cell, bool attention, char *text, size_t size)
{
    for (size_t a = 0; a < cell->sweep->count; a++) {
        const mas_axis *axis = &cell->sweep->axes[a];
        for (size_t i = 0; cell->choice[a] >= 0 && i < axis->key_count; i++) {
            const mas_axis_key *key = &axis->keys[i];
            const bool in_attention = strncmp(key->path, "attention", 9) == 0;
            if (in_attention == attention)
                title_leaves(key, key->values[cell->choice[a]], "", text, size);
        }
    }
}
