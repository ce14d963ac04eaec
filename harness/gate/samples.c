/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/samples.h"
#include "harness/measure/measure.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>

size_t mas_gate_undisturbed(const int64_t *preemptions, size_t count, bool *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        keep[i] = preemptions[i] == 0;
        kept += keep[i];
    }
    if (kept >= MAS_GATE_SAMPLES_LEAST && 2 * kept >= count)
        return kept;
    for (size_t i = 0; i < count; i++)
        keep[i] = true;
    return count;
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

static void keep_undisturbed(const json_t *result, mas_gate_samples *s, bool *keep,
                             int64_t *preemptions)
{
    const json_t *all = mas_json_value_at(result, "samples.preemptions");
    for (size_t i = 0; i < s->count; i++)
        preemptions[i] = (int64_t)json_integer_value(json_array_get(all, i));
    const size_t kept = mas_gate_undisturbed(preemptions, s->count, keep);
    size_t to = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!keep[i])
            continue;
        s->seconds[to] = s->seconds[i];
        if (s->yardstick)
            s->yardstick[to] = s->yardstick[i];
        to++;
    }
    s->left_out = s->count - kept;
    s->count = kept;
}

mas_status mas_gate_samples_read(const json_t *result, mas_gate_samples *out, mas_error *err)
{
    const size_t count = json_array_size(mas_json_value_at(result, "samples.seconds"));
    *out = (mas_gate_samples){.count = count,
                              .yardstick_name = mas_json_text_at(result, "samples.yardstick")};
    if (count == 0)
        return MAS_OK;
    out->seconds = malloc(count * sizeof(double));
    out->yardstick = out->yardstick_name[0] ? malloc(count * sizeof(double)) : NULL;
    bool *keep = malloc(count * sizeof *keep);
    int64_t *preemptions = malloc(count * sizeof *preemptions);
    mas_status status = MAS_OK;
    if (!out->seconds || (out->yardstick_name[0] && !out->yardstick) || !keep || !preemptions)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for %zu samples", count);
    if (status == MAS_OK)
        status = read_times(result, "seconds", count, out->seconds, err);
    if (status == MAS_OK && out->yardstick)
        status = read_times(result, "yardstick_seconds", count, out->yardstick, err);
    if (status == MAS_OK) {
        keep_undisturbed(result, out, keep, preemptions);
        mas_statistics s;
        status = mas_statistics_of(out->seconds, (int64_t)out->count, &s, err);
        out->median = s.median;
    }
    free(keep);
    free(preemptions);
    return status;
}

void mas_gate_samples_free(mas_gate_samples *samples)
{
    free(samples->seconds);
    free(samples->yardstick);
    *samples = (mas_gate_samples){.count = 0};
}
