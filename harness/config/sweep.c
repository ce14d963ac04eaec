/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/sweep.h"
#include "harness/config/number.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    mas_pool *pool;
    mas_problems *problems;
    const mas_node *root;
    mas_sweep *sweep;
} reading;

static void *take(reading *r, size_t bytes)
{
    void *memory = mas_pool_take(r->pool, bytes);
    if (!memory)
        r->problems->out_of_memory = true;
    return memory;
}

/* ---- ranges ---- */

static bool is_integer(const mas_field *field)
{
    return field->type == MAS_FIELD_INT32 || field->type == MAS_FIELD_INT64 ||
           field->type == MAS_FIELD_BYTES || field->type == MAS_FIELD_CUSTOM;
}

static bool is_number(const mas_field *field)
{
    return is_integer(field) || field->type == MAS_FIELD_FLOAT || field->type == MAS_FIELD_DOUBLE;
}

static bool range_number(reading *r, const mas_node *range, const char *path, const char *key,
                         bool integer, double *out)
{
    char child[MAS_PATH_TEXT_MAX];
    mas_path_join(child, path, key);
    const mas_node *node = mas_node_get(range, key);
    if (!node) {
        mas_problem_add(r->problems, range->place, child,
                        "missing; expected {from: A, to: B, step: C}");
        return false;
    }
    const size_t before = r->problems->count;
    int64_t whole = 0;
    const mas_field real = {.key = key, .type = MAS_FIELD_DOUBLE, .low = -DBL_MAX, .high = DBL_MAX};
    if (!integer)
        mas_field_read(r->problems, &real, node, child, out, true);
    else if (mas_node_int(r->problems, node, child, -((int64_t)1 << 53), (int64_t)1 << 53, &whole))
        *out = (double)whole;
    return r->problems->count == before;
}

static const mas_node *range_value(reading *r, mas_place place, double value, bool integer)
{
    char text[40];
    snprintf(text, sizeof text, integer ? "%.0f" : "%.12g",
             value); /* 12 digits hide the rounding of sums of steps */
    const mas_node *node = mas_node_scalar(r->pool, place, text);
    if (!node)
        r->problems->out_of_memory = true;
    return node;
}

static void read_range(reading *r, mas_axis_key *key, const mas_node *range)
{
    static const char *const names[] = {"from", "to", "step", NULL};
    const bool integer = is_integer(key->field);
    const size_t before = r->problems->count;
    double value[3] = {0};
    if (!is_number(key->field)) {
        mas_problem_add(r->problems, range->place, key->path,
                        "a range, but the key is not a number; expected a list");
        return;
    }
    for (size_t i = 0; i < range->count; i++)
        if (mas_node_index(range, range->entries[i].key) == i &&
            strcmp(range->entries[i].key, names[0]) != 0 &&
            strcmp(range->entries[i].key, names[1]) != 0 &&
            strcmp(range->entries[i].key, names[2]) != 0)
            mas_problem_unknown_key(r->problems, range->entries[i].key_place, key->path,
                                    range->entries[i].key, names);
    for (int i = 0; i < 3; i++)
        range_number(r, range, key->path, names[i], integer, &value[i]);
    if (r->problems->count != before)
        return;
    const double from = value[0], to = value[1], step = value[2];
    if (step <= 0 || to < from) {
        mas_problem_add(r->problems, range->place, key->path,
                        "a range from %g to %g by %g; expected from <= to and a step above 0", from,
                        to, step);
        return;
    }
    const double steps = (to - from) / step, whole = floor(steps + 0.5);
    if (steps >= MAS_CELLS_MAX) {
        mas_problem_add(r->problems, range->place, key->path,
                        "a range of %.0f values; expected at most %d", floor(steps) + 1,
                        MAS_CELLS_MAX);
        return;
    }
    if (fabs(steps - whole) > 1e-9 * (1 + whole)) {
        mas_problem_add(
            r->problems, range->place, key->path,
            "steps of %g from %g pass over %g; expected a last step that ends on it, as %g does",
            step, from, to, from + floor(steps) * step);
        return;
    }
    const mas_node **values = take(r, ((size_t)whole + 1) * sizeof *values);
    for (size_t i = 0; values && i <= (size_t)whole; i++) {
        values[i] = range_value(r, range->place, from + (double)i * step, integer);
        key->count = i + 1;
    }
    key->values = values;
}

/* ---- axes ---- */

/* Values of a key: a list, or a range. */
static void read_values(reading *r, mas_axis_key *key, const mas_node *node)
{
    if (node->kind == MAS_NODE_MAP && (mas_node_get(node, "from") || mas_node_get(node, "to"))) {
        read_range(r, key, node);
        return;
    }
    if (node->kind != MAS_NODE_LIST || node->count == 0) {
        mas_problem_add(r->problems, node->place, key->path,
                        "%s; expected a list of values, or {from: A, to: B, step: C}",
                        node->kind == MAS_NODE_LIST     ? "an empty list"
                        : node->kind == MAS_NODE_SCALAR ? "a single value"
                                                        : "a mapping");
        return;
    }
    const mas_node **values = take(r, node->count * sizeof *values);
    for (size_t i = 0; values && i < node->count; i++)
        values[i] = node->entries[i].value;
    key->values = values;
    key->count = values ? node->count : 0;
}

/* The file's kind alone, which decides what keys there are; NULL: left out, or wrong and already reported. */
static const mas_node *kind_alone(reading *r)
{
    const mas_node *kind = mas_node_get(r->root, "kind");
    bool known = false;
    for (int i = 0; kind && kind->kind == MAS_NODE_SCALAR && i < MAS_EXPERIMENT_KIND_COUNT; i++)
        known |= strcmp(kind->text, mas_experiment_kind_name((mas_experiment_kind)i)) == 0;
    return known ? mas_node_wrap(r->pool, "kind", kind->place, kind) : NULL;
}

/* The least of a file in which the key means something: the kind, and what its section's selector must say. */
static const mas_node *ground(reading *r, const mas_axis_key *key)
{
    const mas_node *kind = kind_alone(r);
    size_t head;
    const mas_section *section = mas_schema_section_of(&mas_schema_root, key->path, &head);
    const mas_field *selector = section->selector;
    if (section == &mas_schema_root || !selector || key->field->only == 0)
        return kind;
    int word = 0;
    while (!(key->field->only >> word & 1))
        word++;
    char path[MAS_PATH_TEXT_MAX];
    snprintf(path, sizeof path, "%.*s%s", (int)head, key->path, selector->key);
    const mas_node *value = mas_node_scalar(r->pool, key->place, selector->words[word]);
    r->problems->out_of_memory |= !value;
    return value ? mas_schema_set(r->pool, &mas_schema_root, kind, path, key->place, value) : NULL;
}

/* Values are checked once, here, as far as they mean something by themselves; a whole section with a selector only does
 * in a cell. */
static void check_values(reading *r, const mas_axis_key *key)
{
    if (key->field->type == MAS_FIELD_SECTION && key->field->section->selector)
        return;
    mas_document *scratch = take(r, sizeof *scratch);
    if (!scratch)
        return;
    mas_document_init(scratch);
    for (size_t i = 0; i < key->count; i++) {
        const size_t before = r->problems->count;
        if (mas_node_is_empty(key->values[i])) /* reported with the tree */
            continue;
        const mas_node *tree = mas_schema_set(r->pool, &mas_schema_root, ground(r, key), key->path,
                                              key->place, key->values[i]);
        if (!tree) {
            r->problems->out_of_memory = true;
            return;
        }
        mas_schema_read(r->problems, &mas_schema_root, tree, "", scratch, false);
        const bool one_list = key->field->codec == &mas_codec_placement &&
                              key->values[i]->kind == MAS_NODE_SCALAR &&
                              key->values[i]->text[0] >= '0' && key->values[i]->text[0] <= '9';
        if (r->problems->count > before && one_list)
            mas_problem_add(r->problems, key->place, key->path,
                            "a list of layers in a sweep is one of its values; expected two "
                            "brackets, as in [[0, 3]]");
    }
}

static bool find_key(reading *r, const mas_entry *entry, mas_axis_key *key)
{
    *key = (mas_axis_key){.path = entry->key, .place = entry->key_place};
    key->field = mas_schema_find(r->problems, &mas_schema_root, entry->key_place, entry->key);
    if (key->field && key->field->fixed) {
        mas_problem_add(r->problems, entry->key_place, entry->key,
                        "cannot be swept; expected a key of a point");
        return false;
    }
    return key->field != NULL;
}

static void read_conditions(reading *r, mas_axis *axis, const mas_node *when)
{
    if (when->kind != MAS_NODE_MAP || when->count == 0) {
        mas_problem_add(r->problems, when->place, "sweep.when",
                        "no condition; expected {KEY: VALUE or list of values}");
        return;
    }
    axis->conditions = take(r, when->count * sizeof *axis->conditions);
    for (size_t i = 0; axis->conditions && i < when->count; i++) {
        mas_axis_key key;
        const mas_node *value = when->entries[i].value;
        if (!find_key(r, &when->entries[i], &key))
            continue;
        if (key.field->type == MAS_FIELD_SECTION) {
            mas_problem_add(r->problems, key.place, key.path,
                            "a section in a condition; expected one of its keys");
            continue;
        }
        if (value->kind == MAS_NODE_LIST) {
            read_values(r, &key, value);
        } else {
            key.values = take(r, sizeof *key.values);
            if (!key.values)
                return;
            key.values[0] = value;
            key.count = 1;
        }
        check_values(r, &key);
        axis->conditions[axis->condition_count++] = key;
    }
}

static void read_axis(reading *r, mas_axis *axis, const mas_node *node)
{
    if (node->kind != MAS_NODE_MAP) {
        mas_problem_add(r->problems, node->place, "sweep",
                        "an axis without a key; expected KEY: [VALUES]");
        return;
    }
    axis->place = node->place;
    axis->keys = take(r, (node->count + 1) * sizeof *axis->keys);
    for (size_t i = 0; axis->keys && i < node->count; i++) {
        const mas_entry *entry = &node->entries[i];
        mas_axis_key key;
        if (strcmp(entry->key, "when") == 0) {
            read_conditions(r, axis, entry->value);
            continue;
        }
        if (!find_key(r, entry, &key))
            continue;
        read_values(r, &key, entry->value);
        if (key.count == 0)
            continue;
        check_values(r, &key);
        if (axis->key_count > 0 && key.count != axis->count)
            mas_problem_add(r->problems, key.place, key.path,
                            "%zu values beside %zu of %s; expected equally long lists, since one "
                            "axis sets them together",
                            key.count, axis->count, axis->keys[0].path);
        else
            axis->count = key.count;
        axis->keys[axis->key_count++] = key;
    }
    if (axis->key_count == 0 && (node->count == 0 || mas_node_get(node, "when")))
        mas_problem_add(r->problems, node->place, "sweep",
                        "an axis without a key; expected KEY: [VALUES]");
}

/* ---- axes that undo each other ---- */

/* How many values of the axis key (mappings) set what stands at `rest` below it. */
static size_t count_setting(const mas_axis_key *key, const char *rest)
{
    size_t count = 0;
    for (size_t i = 0; i < key->count; i++)
        count += mas_node_at(key->values[i], rest) != NULL;
    return count;
}

/* What of `inner` lies below `outer`: "seq_len" of training.seq_len and training, or NULL. */
static const char *path_below(const char *outer, const char *inner)
{
    const size_t length = strlen(outer);
    return strncmp(outer, inner, length) == 0 && inner[length] == '.' ? inner + length + 1 : NULL;
}

static bool overlap(const mas_axis_key *a, const mas_axis_key *b)
{
    const char *below_a = path_below(a->path, b->path), *below_b = path_below(b->path, a->path);
    return strcmp(a->path, b->path) == 0 || (below_a && count_setting(a, below_a) > 0) ||
           (below_b && count_setting(b, below_b) > 0);
}

static void check_overlaps(reading *r)
{
    const mas_sweep *sweep = r->sweep;
    for (size_t later = 1; later < sweep->count; later++)
        for (size_t earlier = 0; earlier < later; earlier++) {
            const mas_axis *a = &sweep->axes[earlier], *b = &sweep->axes[later];
            if (a->condition_count > 0 || b->condition_count > 0)
                continue;
            for (size_t i = 0; i < a->key_count; i++)
                for (size_t j = 0; j < b->key_count; j++)
                    if (overlap(&a->keys[i], &b->keys[j]))
                        mas_problem_add(r->problems, b->keys[j].place, b->keys[j].path,
                                        "already swept on line %d; expected each key in one axis",
                                        a->keys[i].place.line);
        }
}

static bool sweeps(const mas_axis *axis, const mas_axis_key *key)
{
    for (size_t i = 0; i < axis->key_count; i++)
        if (overlap(&axis->keys[i], key))
            return true;
    return false;
}

/* A condition looks at what stands before it; a key that only a later axis sets would be compared too early. */
static void check_order(reading *r)
{
    const mas_sweep *sweep = r->sweep;
    for (size_t a = 0; a < sweep->count; a++)
        for (size_t c = 0; c < sweep->axes[a].condition_count; c++) {
            const mas_axis_key *key = &sweep->axes[a].conditions[c];
            bool known = false;
            for (size_t i = 0; i < sweep->count && !known; i++) {
                known = sweeps(&sweep->axes[i], key) && i < a;
                if (!known && i >= a && sweeps(&sweep->axes[i], key)) {
                    mas_problem_add(r->problems, key->place, key->path,
                                    "the condition comes before the axis on line %d that sets it; "
                                    "expected it after",
                                    sweep->axes[i].place.line);
                    break;
                }
            }
        }
}

void mas_sweep_read(mas_pool *pool, mas_problems *problems, const mas_node *root, mas_sweep *out)
{
    *out = (mas_sweep){0};
    reading r = {pool, problems, root, out};
    const mas_node *list = mas_node_get(root, "sweep");
    if (!list)
        return;
    if (list->kind != MAS_NODE_LIST) {
        mas_problem_add(problems, list->place, "sweep",
                        "%s; expected a list of axes, each beginning with \"- \"",
                        list->kind == MAS_NODE_MAP ? "a mapping stands here"
                        : mas_node_is_empty(list)  ? "no value"
                                                   : "a single value stands here");
        return;
    }
    out->axes = take(&r, (list->count + 1) * sizeof *out->axes);
    for (size_t i = 0; out->axes && i < list->count; i++)
        if (!mas_node_is_empty(list->entries[i].value)) /* reported with the tree */
            read_axis(&r, &out->axes[out->count++], list->entries[i].value);
    check_overlaps(&r);
    check_order(&r);
}
