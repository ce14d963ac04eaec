/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a training went, operation by operation. */
#include "harness/results/json_build.h"
#include "harness/run/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int slowest_first(const void *a, const void *b)
{
    const double x = ((const mas_profile_entry *)a)->seconds;
    const double y = ((const mas_profile_entry *)b)->seconds;
    return (x < y) - (x > y);
}

json_t *mas_operations_record(const mas_profile *profile)
{
    int32_t count = 0;
    const mas_profile_entry *entries = mas_profile_entries(profile, &count);
    mas_profile_entry *sorted = malloc((size_t)count * sizeof *sorted);
    if (!sorted)
        return NULL;
    memcpy(sorted, entries, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, slowest_first);
    double sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += sorted[i].seconds;
    json_t *list = json_array();
    for (int32_t i = 0; i < count && sorted[i].calls > 0; i++) {
        json_t *json = json_object();
        mas_json_set_text(json, "name", sorted[i].name);
        mas_json_set_int(json, "calls", sorted[i].calls);
        mas_json_set_number(json, "seconds", sorted[i].seconds);
        mas_json_set_number(json, "share", sum > 0 ? sorted[i].seconds / sum : (double)NAN);
        mas_json_set_number(json, "flops_per_second",
                            sorted[i].flops > 0 && sorted[i].seconds > 0
                                ? sorted[i].flops / sorted[i].seconds
                                : (double)NAN);
        (void)json_array_append_new(list, json);
    }
    free(sorted);
    return list;
}
