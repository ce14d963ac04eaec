/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/samples.h"
#include "harness/measure/measure.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>

size_t mas_gate_keep_enough(bool *keep, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += keep[i];
    if (kept >= MAS_GATE_QUIET_LEAST)
        return kept;
    for (size_t i = 0; i < count; i++)
        keep[i] = true;
    return count;
}

double mas_gate_quiet_yardstick(const mas_result_set *set)
{
    size_t room = 0, count = 0;
    for (size_t r = 0; r < set->count; r++)
        room += json_array_size(mas_json_value_at(set->results[r], "samples.yardstick_seconds"));
    double *all = malloc((room ? room : 1) * sizeof *all);
    for (size_t r = 0; all && r < set->count; r++) {
        size_t i;
        const json_t *value,
            *times = mas_json_value_at(set->results[r], "samples.yardstick_seconds");
        json_array_foreach(times, i, value) all[count++] = json_number_value(value);
    }
    if (all && count > 0)
        qsort(all, count, sizeof *all, mas_ascending);
    const double quiet = all && count > 0 ? all[count / 10] : 0;
    free(all);
    return quiet;
}

static mas_status no_number(const json_t *result, const char *key, size_t at, mas_error *err)
{
    return mas_fail(err, MAS_E_FORMAT, "result %s (%s): samples.%s[%zu] is not a time above 0",
                    mas_json_text_at(result, "id"), mas_json_text_at(result, "title"), key, at);
}

/* Times under samples.<key>; false when there are not `count` of them, all above 0. */
static mas_status read_times(const json_t *result, const char *key, size_t count, double *out,
                             mas_error *err)
{
    const json_t *all = json_object_get(json_object_get(result, "samples"), key);
    for (size_t i = 0; i < count; i++) {
        out[i] = json_number_value(json_array_get(all, i));
        if (!(out[i] > 0) || !isfinite(out[i]))
            return no_number(result, key, i, err);
    }
    return MAS_OK;
}

static void keep_quiet(const json_t *result, double quiet_yardstick, mas_gate_samples *s,
                       bool *keep)
{
    const json_t *preemptions = mas_json_value_at(result, "samples.preemptions");
    const double most = (1 + MAS_GATE_QUIET_SHARE) * quiet_yardstick;
    size_t quiet = 0, to = 0;
    for (size_t i = 0; i < s->all; i++) {
        keep[i] = json_integer_value(json_array_get(preemptions, i)) == 0 &&
                  (!s->yardstick || !(quiet_yardstick > 0) || s->yardstick[i] <= most);
        quiet += keep[i];
    }
    s->disturbed = quiet < MAS_GATE_QUIET_LEAST && quiet < s->all;
    s->count = mas_gate_keep_enough(keep, s->all);
    for (size_t i = 0; i < s->all; i++) {
        if (!keep[i])
            continue;
        s->seconds[to] = s->seconds[i];
        if (s->yardstick)
            s->yardstick[to] = s->yardstick[i];
        to++;
    }
}

mas_status mas_gate_samples_read(const json_t *result, double quiet_yardstick,
                                 mas_gate_samples *out, mas_error *err)
{
    const size_t count = json_array_size(mas_json_value_at(result, "samples.seconds"));
    *out = (mas_gate_samples){.count = count,
                              .all = count,
                              .yardstick_name = mas_json_text_at(result, "samples.yardstick")};
    if (count == 0)
        return MAS_OK;
    out->seconds = malloc(count * sizeof(double));
    out->yardstick = out->yardstick_name[0] ? malloc(count * sizeof(double)) : NULL;
    bool *keep = malloc(count * sizeof *keep);
    mas_status status = MAS_OK;
    if (!out->seconds || (out->yardstick_name[0] && !out->yardstick) || !keep)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for %zu samples", count);
    if (status == MAS_OK)
        status = read_times(result, "seconds", count, out->seconds, err);
    if (status == MAS_OK && out->yardstick)
        status = read_times(result, "yardstick_seconds", count, out->yardstick, err);
    if (status == MAS_OK) {
        keep_quiet(result, quiet_yardstick, out, keep);
        mas_statistics s;
        status = mas_statistics_of(out->seconds, (int64_t)out->count, &s, err);
        out->median = s.median;
    }
    free(keep);
    return status;
}

void mas_gate_samples_free(mas_gate_samples *samples)
{
    free(samples->seconds);
    free(samples->yardstick);
    *samples = (mas_gate_samples){.count = 0};
}
