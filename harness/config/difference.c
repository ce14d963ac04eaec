/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/difference.h"

#include "harness/config/tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct walk {
    char path[MAS_PATH_TEXT_MAX];
    mas_json_visit visit;
    void *user;
} walk;

static bool compare(walk *w, const json_t *before, const json_t *after);

static bool compare_child(walk *w, const char *key, size_t index, const json_t *before,
                          const json_t *after)
{
    const size_t length = strlen(w->path);
    if (key)
        snprintf(w->path + length, sizeof w->path - length, "%s%s", length ? "." : "", key);
    else
        snprintf(w->path + length, sizeof w->path - length, "[%zu]", index);
    const bool go_on = compare(w, before, after);
    w->path[length] = '\0';
    return go_on;
}

/* Keys in the order of `before`, then what only `after` has. */
static bool compare_objects(walk *w, const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)before, key, value)
    {
        if (!compare_child(w, key, 0, value, json_object_get(after, key)))
            return false;
    }
    json_object_foreach((json_t *)after, key, value)
    {
        if (!json_object_get(before, key) && !compare_child(w, key, 0, NULL, value))
            return false;
    }
    return true;
}

static bool compare_arrays(walk *w, const json_t *before, const json_t *after)
{
    const size_t a = json_array_size(before), b = json_array_size(after);
    for (size_t i = 0; i < a || i < b; i++)
        if (!compare_child(w, NULL, i, json_array_get(before, i), json_array_get(after, i)))
            return false;
    return true;
}

static bool compare(walk *w, const json_t *before, const json_t *after)
{
    if (json_is_object(before) && json_is_object(after))
        return compare_objects(w, before, after);
    if (json_is_array(before) && json_is_array(after))
        return compare_arrays(w, before, after);
    if (json_is_number(before) && json_is_number(after)) /* 1 and 1.0 are the same value */
        return w->visit(w->user, w->path, before, after,
                        json_number_value(before) == json_number_value(after));
    return w->visit(w->user, w->path, before, after, json_equal(before, after));
}

void mas_json_compare(const json_t *before, const json_t *after, mas_json_visit visit, void *user)
{
    walk w = {.visit = visit, .user = user};
    compare(&w, before, after);
}

void mas_json_value_text(const json_t *value, int digits, char *text, size_t size)
{
    char *dumped = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
                                                 JSON_REAL_PRECISION((size_t)digits))
                         : NULL;
    snprintf(text, size, "%s", !value ? "(not there)" : dumped ? dumped : "?");
    free(dumped);
}

/* ---- two experiments ---- */

#define SETTING_DIGITS 15 /* a decimal that a person wrote comes back as written */

typedef struct first_difference {
    char *text;
    size_t size;
    bool found;
} first_difference;

/* The question is prose and changes no result. */
static bool stop_at_first(void *user, const char *path, const json_t *before, const json_t *after,
                          bool equal)
{
    first_difference *first = user;
    if (equal || strcmp(path, "question") == 0)
        return true;
    char a[160], b[160];
    mas_json_value_text(before, SETTING_DIGITS, a, sizeof a);
    mas_json_value_text(after, SETTING_DIGITS, b, sizeof b);
    if (first->size > 0)
        snprintf(first->text, first->size, "%s: %s -> %s", path, a, b);
    first->found = true;
    return false;
}

bool mas_experiment_difference(const json_t *before, const json_t *after, char *text, size_t size)
{
    first_difference first = {.text = text, .size = size};
    if (size > 0)
        text[0] = '\0';
    mas_json_compare(before, after, stop_at_first, &first);
    return first.found;
}
