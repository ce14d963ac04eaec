/* SPDX-License-Identifier: Apache-2.0 */
/* What is exact: counted work, memory, and, within rounding, losses. */
#include "harness/gate/gate.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <string.h>

/* Numbers of a result that depend on the code and the point alone. */
static const char *const counted[] = {
    "metrics.useful_flops",    "metrics.executed_flops",  "metrics.visited_tiles",
    "metrics.scheduled_tiles", "metrics.workspace_bytes",
};

static void changed(mas_gate_row *row, const char *what, double before, double after)
{
    if (row->verdict == MAS_VERDICT_CHANGED)
        return; /* the first says enough */
    row->verdict = MAS_VERDICT_CHANGED;
    snprintf(row->reason, sizeof row->reason, "%s: %.17g, was %.17g", what, after, before);
}

/* Peak bytes of every category of memory. */
static void compare_memory(mas_gate_row *row, const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, "memory"), *new = json_object_get(after, "memory");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)old, key, value)
    {
        const json_t *now = json_object_get(new, key);
        if (json_is_integer(value) && json_is_integer(now) &&
            json_integer_value(value) != json_integer_value(now)) {
            char what[128];
            snprintf(what, sizeof what, "memory.%s", key);
            changed(row, what, (double)json_integer_value(value), (double)json_integer_value(now));
        }
    }
}

void mas_gate_counts(mas_gate_row *row, const json_t *before, const json_t *after)
{
    compare_memory(row, before, after);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        const double old = mas_json_number_at(before, counted[i]),
                     new = mas_json_number_at(after, counted[i]);
        if (!isnan(old) && !isnan(new) && (old < new || old > new))
            changed(row, counted[i], old, new);
    }
}

void mas_gate_loss(mas_gate_row *row, const json_t *before, const json_t *after,
                   const mas_gate_rules *rules)
{
    row->loss_before = mas_json_number_at(before, "quality.loss");
    row->loss_after = mas_json_number_at(after, "quality.loss");
    if (fabs(row->loss_after - row->loss_before) > rules->loss_effect * row->loss_before)
        changed(row, "loss", row->loss_before, row->loss_after);
}

bool mas_gate_is_cached(const json_t *result)
{
    const double needed = mas_json_number_at(result, "metrics.working_set_bytes"),
                 cache = mas_json_number_at(result, "machine.cache_bytes");
    return isnan(needed) || isnan(cache) || needed <= cache;
}
