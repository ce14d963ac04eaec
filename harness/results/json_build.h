/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Small setters for JSON objects. A number that JSON cannot hold (NaN, infinity) becomes null; half a character at the
 * end of a text is left out.
 * Without memory a key is left out: whoever needs to know checks the finished object.
 */
#ifndef MASBENCH_RESULTS_JSON_BUILD_H
#define MASBENCH_RESULTS_JSON_BUILD_H

#include "variants/text.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void mas_json_set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static inline json_t *mas_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static inline void mas_json_set_number(json_t *object, const char *key, double value)
{
    mas_json_set(object, key, mas_json_number(value));
}

static inline void mas_json_set_int(json_t *object, const char *key, int64_t value)
{
    mas_json_set(object, key, json_integer(value));
}

static inline void mas_json_set_text(json_t *object, const char *key, const char *value)
{
    mas_json_set(object, key,
                 value ? json_stringn(value, mas_text_whole(value, strlen(value))) : json_null());
}

static inline void mas_json_set_bool(json_t *object, const char *key, bool value)
{
    mas_json_set(object, key, json_boolean(value));
}

/** Value at a path of keys "cost.attention.relative", or NULL. Keys hold no dots. */
const json_t *mas_json_value_at(const json_t *json, const char *path);
/** Number there, or NAN; text there, or "". */
double mas_json_number_at(const json_t *json, const char *path);
const char *mas_json_text_at(const json_t *json, const char *path);

#endif
