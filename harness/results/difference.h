/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A recorded result against the same point run again. Everything must be equal to the last bit but
 * what the table of exceptions names. Results that were made under other conditions (machine,
 * build, text) need not be equal, so a difference between those says nothing.
 */
#ifndef MASBENCH_RESULTS_DIFFERENCE_H
#define MASBENCH_RESULTS_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** A place in results, and the reason why it stands in its table. A path names a value and all
 * below it; "[]" stands for any index. */
typedef struct mas_result_rule {
    const char *path, *why;
    const char *unless_equal; /* an exception only where this other value differs; NULL: always */
} mas_result_rule;

/** What a repetition may change, and what bits depend on; both end with a NULL path. */
extern const mas_result_rule mas_result_exceptions[], mas_result_conditions[];

/** The exception that covers a path of these two results, or NULL. */
const mas_result_rule *mas_result_exception(const char *path, const json_t *recorded,
                                            const json_t *now);

typedef struct mas_result_difference {
    char path[128];
    char recorded[64], now[64]; /* JSON, cut to the room */
    const char *why;            /* of a condition; else NULL */
} mas_result_difference;

typedef enum mas_result_verdict {
    MAS_RESULT_SAME,
    MAS_RESULT_DIFFERS,
    MAS_RESULT_NOT_COMPARABLE, /* they differ, and so do the conditions */
} mas_result_verdict;

#define MAS_DIFFERENCES_SHOWN 5
#define MAS_CONDITIONS_MAX 16
typedef struct mas_result_comparison {
    mas_result_verdict verdict;
    int64_t compared, differing; /* values */
    int64_t unrecorded;          /* values that the record, made by another build, does not have */
    int shown, conditions;
    mas_result_difference first[MAS_DIFFERENCES_SHOWN];
    mas_result_difference condition[MAS_CONDITIONS_MAX];
} mas_result_comparison;

void mas_results_compare(const json_t *recorded, const json_t *now, mas_result_comparison *out);

#endif
