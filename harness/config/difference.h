/* SPDX-License-Identifier: Apache-2.0 */
/** Two JSON documents, value by value: what experiments and results are compared with. */
#ifndef MASBENCH_CONFIG_DIFFERENCE_H
#define MASBENCH_CONFIG_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** One pair of values.
 *  @param path           "plan.layer[2].pairs"
 *  @param before, after  NULL: not there
 *  @param equal          to the last bit; 1 and 1.0 are equal
 *  @return false to stop */
typedef bool (*mas_json_visit)(void *user, const char *path, const json_t *before,
                               const json_t *after, bool equal);

/** Visit all values that either document holds, in the order of `before`. Objects and arrays that
 * both have are entered; one that only one of them has is a single pair. */
void mas_json_compare(const json_t *before, const json_t *after, mas_json_visit visit, void *user);

/** A value as text, cut to `size`. @param digits  of reals; 17 tell any two apart */
void mas_json_value_text(const json_t *value, int digits, char *text, size_t size);

#endif
