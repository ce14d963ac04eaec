/* SPDX-License-Identifier: Apache-2.0 */
/* A placement is a word, {periodic: {every, offset}}, {random: seed} or a list of layers. */
#include "harness/config/number.h"
#include "harness/config/sections.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define EXPECTED                                                                                   \
    "a placement: bottom, top, middle, interleaved, interleaved_first, interleaved_last, "         \
    "ends_and_middle, "                                                                            \
    "{periodic: {every: K, offset: O}}, {random: SEED}, or a list of layers from 0"

const char *const mas_placement_words[] = {
    [MAS_PLACEMENT_BOTTOM] = "bottom",
    [MAS_PLACEMENT_TOP] = "top",
    [MAS_PLACEMENT_MIDDLE] = "middle",
    [MAS_PLACEMENT_INTERLEAVED] = "interleaved",
    [MAS_PLACEMENT_INTERLEAVED_FIRST] = "interleaved_first",
    [MAS_PLACEMENT_INTERLEAVED_LAST] = "interleaved_last",
    [MAS_PLACEMENT_ENDS_AND_MIDDLE] = "ends_and_middle",
    [MAS_PLACEMENT_PERIODIC] = NULL,
};
static_assert(sizeof mas_placement_words / sizeof *mas_placement_words ==
                  MAS_PLACEMENT_PERIODIC + 1,
              "the words come first among the placements");

static const char *const forms[] = {"periodic", "random", NULL};
static const char *const periodic_keys[] = {"every", "offset", NULL};

static void read_word(mas_problems *problems, const mas_node *node, const char *path,
                      mas_placement *out)
{
    for (int i = 0; mas_placement_words[i]; i++)
        if (strcmp(mas_placement_words[i], node->text) == 0) {
            out->kind = (mas_placement_kind)i;
            return;
        }
    for (int i = 0; forms[i]; i++)
        if (strcmp(forms[i], node->text) == 0) {
            mas_problem_add(problems, node->place, path, "%s needs numbers; expected %s", forms[i],
                            i == 0 ? "{periodic: {every: K, offset: O}}" : "{random: SEED}");
            return;
        }
    int64_t layer;
    if (mas_number_int(node->text, &layer) == MAS_NUMBER_OK)
        mas_problem_add(problems, node->place, path,
                        "a number alone; expected a list of layers, as in [%.20s]", node->text);
    else
        mas_problem_unknown_word(problems, node->place, path, node->text, mas_placement_words);
}

static void read_list(mas_problems *problems, const mas_node *node, const char *path,
                      mas_placement *out)
{
    if (node->count > MAS_LAYERS_MAX) {
        mas_problem_add(problems, node->place, path, "%zu layers are named; expected at most %d",
                        node->count, MAS_LAYERS_MAX);
        return;
    }
    out->kind = MAS_PLACEMENT_LIST;
    for (size_t i = 0; i < node->count; i++) {
        char child[MAS_PATH_TEXT_MAX];
        int64_t layer = 0;
        snprintf(child, sizeof child, "%s[%zu]", path, i);
        if (mas_node_is_empty(node->entries[i].value)) /* reported with the tree */
            continue;
        mas_node_int(problems, node->entries[i].value, child, 0, MAS_LAYERS_MAX - 1, &layer);
        out->list[out->count++] = (int32_t)layer;
    }
}

static void read_periodic(mas_problems *problems, const mas_node *node, const char *path,
                          mas_placement *out)
{
    if (node->kind != MAS_NODE_MAP) {
        mas_problem_add(problems, node->place, path,
                        "periodic needs two numbers; expected {every: K, offset: O}");
        return;
    }
    out->kind = MAS_PLACEMENT_PERIODIC;
    int32_t *const values[] = {&out->every, &out->offset};
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key, "every") != 0 &&
            strcmp(node->entries[i].key, "offset") != 0)
            mas_problem_unknown_key(problems, node->entries[i].key_place, path,
                                    node->entries[i].key, periodic_keys);
    for (int i = 0; i < 2; i++) {
        char child[MAS_PATH_TEXT_MAX];
        int64_t value = 0;
        mas_path_join(child, path, periodic_keys[i]);
        const mas_node *number = mas_node_get(node, periodic_keys[i]);
        if (!number)
            mas_problem_add(problems, node->place, child,
                            "missing; expected {every: K, offset: O}");
        else if (mas_node_int(problems, number, child, 1 - i, MAS_LAYERS_MAX, &value))
            *values[i] = (int32_t)value;
    }
}

static void read_placement(mas_problems *problems, const mas_node *node, const char *path,
                           void *value, bool complete)
{
    (void)complete;
    mas_placement *out = value;
    *out = (mas_placement){0};
    if (node->kind == MAS_NODE_LIST) {
        read_list(problems, node, path, out);
    } else if (node->kind == MAS_NODE_SCALAR) {
        if (mas_node_is_empty(node))
            mas_problem_add(problems, node->place, path, "no value; expected %s", EXPECTED);
        else
            read_word(problems, node, path, out);
    } else if (node->count != 1) {
        mas_problem_add(problems, node->place, path, "a mapping with %zu keys; expected %s",
                        node->count, EXPECTED);
    } else {
        char child[MAS_PATH_TEXT_MAX];
        const mas_entry *entry = &node->entries[0];
        mas_path_join(child, path, entry->key);
        int64_t seed = 0;
        if (strcmp(entry->key, "periodic") == 0) {
            read_periodic(problems, entry->value, child, out);
        } else if (strcmp(entry->key, "random") != 0) {
            mas_problem_unknown_key(problems, entry->key_place, path, entry->key, forms);
        } else if (mas_node_int(problems, entry->value, child, 0, INT64_MAX, &seed)) {
            out->kind = MAS_PLACEMENT_RANDOM;
            out->seed = (uint64_t)seed;
        }
    }
}

static json_t *write_placement(const void *value)
{
    const mas_placement *p = value;
    if (p->kind == MAS_PLACEMENT_PERIODIC)
        return json_pack("{s:{s:i,s:i}}", "periodic", "every", p->every, "offset", p->offset);
    if (p->kind == MAS_PLACEMENT_RANDOM)
        return json_pack("{s:I}", "random", (json_int_t)p->seed);
    if (p->kind != MAS_PLACEMENT_LIST)
        return json_string(mas_placement_words[p->kind]);
    json_t *list = json_array();
    for (int32_t i = 0; list && i < p->count; i++)
        if (json_array_append_new(list, json_integer(p->list[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

const mas_codec mas_codec_placement = {
    .expected = EXPECTED, .read = read_placement, .write = write_placement};

static void read_full_layers(mas_problems *problems, const mas_node *node, const char *path,
                             void *value, bool complete)
{
    (void)complete;
    int64_t layers = 0;
    int32_t *out = value;
    const bool word =
        node->kind == MAS_NODE_SCALAR && !node->quoted && isalpha((unsigned char)node->text[0]);
    if (word && strcmp(node->text, "all") == 0)
        *out = MAS_FULL_LAYERS_ALL;
    else if (word && !mas_node_is_empty(node))
        mas_problem_add(problems, node->place, path,
                        "\"%.80s\" is not a number; expected a whole number 0 .. %d, or all",
                        node->text, MAS_LAYERS_MAX);
    else if (mas_node_int(problems, node, path, 0, MAS_LAYERS_MAX, &layers))
        *out = (int32_t)layers;
}

static json_t *write_full_layers(const void *value)
{
    const int32_t layers = *(const int32_t *)value;
    if (layers == MAS_FULL_LAYERS_UNSET)
        return json_null();
    return layers == MAS_FULL_LAYERS_ALL ? json_string("all") : json_integer(layers);
}

const mas_codec mas_codec_full_layers = {.expected = "a whole number 0 .. 256, or all",
                                         .read = read_full_layers,
                                         .write = write_full_layers};
