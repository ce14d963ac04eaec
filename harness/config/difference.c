/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct comparison {
    char path[MAS_PATH_TEXT_MAX];
    char *text;
    size_t size;
} comparison;

static void value_text(const json_t *value, char *text, size_t size)
{
    char *dumped =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
    snprintf(text, size, "%s", !value ? "(not there)" : dumped ? dumped : "?");
    free(dumped);
}

static bool report(comparison *c, const json_t *before, const json_t *after)
{
    char a[160], b[160];
    value_text(before, a, sizeof a);
    value_text(after, b, sizeof b);
    if (c->size > 0)
        snprintf(c->text, c->size, "%s: %s -> %s", c->path, a, b);
    return true;
}

static bool differ(comparison *c, const json_t *before, const json_t *after);

static bool child_differs(comparison *c, const char *key, size_t index, const json_t *before,
                          const json_t *after)
{
    const size_t length = strlen(c->path);
    if (key)
        snprintf(c->path + length, sizeof c->path - length, "%s%s", length ? "." : "", key);
    else
        snprintf(c->path + length, sizeof c->path - length, "[%zu]", index);
    if (differ(c, before, after))
        return true;
    c->path[length] = '\0';
    return false;
}

/* Keys in the order of `before`, then what only `after` has. The question is prose and changes no result. */
static bool objects_differ(comparison *c, const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;
    const bool top = c->path[0] == '\0';
    json_object_foreach((json_t *)before, key, value)
    {
        if (!(top && strcmp(key, "question") == 0) &&
            child_differs(c, key, 0, value, json_object_get(after, key)))
            return true;
    }
    json_object_foreach((json_t *)after, key, value)
    {
        if (!(top && strcmp(key, "question") == 0) && !json_object_get(before, key) &&
            child_differs(c, key, 0, NULL, value))
            return true;
    }
    return false;
}

static bool arrays_differ(comparison *c, const json_t *before, const json_t *after)
{
    const size_t a = json_array_size(before), b = json_array_size(after);
    for (size_t i = 0; i < a || i < b; i++)
        if (child_differs(c, NULL, i, json_array_get(before, i), json_array_get(after, i)))
            return true;
    return false;
}

static bool differ(comparison *c, const json_t *before, const json_t *after)
{
    if (json_is_object(before) && json_is_object(after))
        return objects_differ(c, before, after);
    if (json_is_array(before) && json_is_array(after))
        return arrays_differ(c, before, after);
    if (json_is_number(before) && json_is_number(after)) /* 1 and 1.0 are the same setting */
        return json_number_value(before) != json_number_value(after) && report(c, before, after);
    return !json_equal(before, after) && report(c, before, after);
}

bool mas_experiment_difference(const json_t *before, const json_t *after, char *text, size_t size)
{
    comparison c = {.text = text, .size = size};
    if (size > 0)
        text[0] = '\0';
    return differ(&c, before, after);
}
