/* SPDX-License-Identifier: Apache-2.0 */
/** Collects everything that is wrong with a file, so that one run reports all of it, sorted by place. */
#ifndef MASBENCH_CONFIG_DIAGNOSTICS_H
#define MASBENCH_CONFIG_DIAGNOSTICS_H

#include "harness/config/experiment.h"

/** Where something was written. */
typedef struct mas_place {
    const char *source; /* file name, or "--set key=value"; must outlive the problems */
    int32_t line,
        column; /* from 1; line 0: the source has no lines (a setting, or the file as a whole) */
} mas_place;

typedef struct mas_problem {
    mas_place place;
    size_t order;      /* of discovery: breaks ties */
    size_t key_length; /* leading part of the text that makes two problems the same one */
    char *text;
} mas_problem;

typedef struct mas_problems {
    mas_problem *items;
    size_t count, capacity;
    const char *context; /* appended to new problems, not part of their identity; may be NULL */
    bool out_of_memory;
} mas_problems;

/** Add a problem unless the same one is there already.
 *  @param path  "training.tokens"; NULL or "" when the problem has none */
void mas_problem_add(mas_problems *problems, mas_place place, const char *path, const char *format,
                     ...) MAS_PRINTF(4, 5);

/** Sort by line (settings last) and hand the texts over; `problems` is empty afterwards. */
void mas_problems_finish(mas_problems *problems, mas_diagnostics *out);

#endif
