/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded results against recorded results. */
#include "harness/gate/samples.h"
#include "harness/results/json_build.h"

#include <string.h>

/* Machines that differ in one of these give other times. */
static const char *const hardware[] = {"cpu", "isa", "cores", "threads", "device", "gpu"};
/* And these are worth a word. */
static const char *const software[] = {"compiler", "flags", "matmul_library", "gpu_driver",
                                       "governor"};

static bool equal_text(const json_t *a, const json_t *b, const char *key, char *text, size_t size)
{
    const json_t *x = json_object_get(json_object_get(a, "machine"), key),
                 *y = json_object_get(json_object_get(b, "machine"), key);
    if ((!x || json_is_null(x)) && (!y || json_is_null(y)))
        return true;
    if (json_equal(x, y))
        return true;
    if (json_is_integer(x) && json_is_integer(y))
        snprintf(text, size, "%s: %lld -> %lld", key, (long long)json_integer_value(x),
                 (long long)json_integer_value(y));
    else
        snprintf(text, size, "%s: %s -> %s", key, json_is_string(x) ? json_string_value(x) : "none",
                 json_is_string(y) ? json_string_value(y) : "none");
    return false;
}

bool mas_gate_same_hardware(const json_t *a, const json_t *b, char *difference, size_t size)
{
    for (size_t i = 0; i < sizeof hardware / sizeof *hardware; i++)
        if (!equal_text(a, b, hardware[i], difference, size))
            return false;
    return true;
}

static void not_comparable(mas_gate *gate, const char *what, const char *difference,
                           const char *remedy)
{
    if (gate->overall == MAS_VERDICT_NOT_COMPARABLE)
        return; /* the first reason is enough */
    gate->overall = MAS_VERDICT_NOT_COMPARABLE;
    snprintf(gate->reason, sizeof gate->reason, "%s (%s); %s", what, difference, remedy);
}

static void compare_machines(mas_gate *gate, const json_t *before, const json_t *after,
                             const mas_gate_rules *rules)
{
    char text[256];
    for (size_t i = 0; i < sizeof hardware / sizeof *hardware; i++) {
        if (equal_text(before, after, hardware[i], text, sizeof text))
            continue;
        if (rules->any_machine)
            mas_gate_note(gate, "other hardware, compared as asked: %s", text);
        else
            not_comparable(gate, "other hardware", text,
                           "record a baseline on this machine, or compare all the same with "
                           "--any-machine");
    }
    for (size_t i = 0; i < sizeof software / sizeof *software; i++)
        if (!equal_text(before, after, software[i], text, sizeof text))
            mas_gate_note(gate, "not the same %s", text);
}

static const json_t *find(const mas_result_set *set, const char *key, const char *value)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(mas_json_text_at(set->results[i], key), value) == 0)
            return set->results[i];
    return NULL;
}

static void note_conditions(mas_gate *gate, const char *side, const json_t *result)
{
    const char *title = mas_json_text_at(result, "title");
    if (json_is_false(mas_json_value_at(result, "samples.steady")))
        mas_gate_note(gate, "%s: %s: not steady, the first samples differ from the rest", side,
                      title);
    if (json_is_true(mas_json_value_at(result, "samples.throttled")))
        mas_gate_note(gate, "%s: %s: the machine's own speed changed meanwhile", side, title);
    const double slowed = mas_json_number_at(result, "samples.slowed_by");
    if (slowed > 0)
        mas_gate_note(gate, "%s: %s: slowed down by %.0f %% with --slow-down", side, title,
                      100 * slowed);
    const double stolen = mas_json_number_at(result, "samples.stolen_share");
    if (stolen > 0.02) /* more than noise of one clock tick in a short run */
        mas_gate_note(gate, "%s: %s: the hypervisor took %.0f %% of the processors' time", side,
                      title, 100 * stolen);
}

/* One quotient, or time, a sample. */
static void divide(mas_gate_samples *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->seconds[i] /= s->yardstick[i];
}

static mas_status compare_times(mas_gate *gate, mas_gate_row *row, const json_t *before,
                                const json_t *after, const double quiet[2], mas_error *err)
{
    mas_gate_samples a = {0}, b = {0};
    mas_status status = mas_gate_samples_read(before, quiet[0], &a, err);
    if (status == MAS_OK)
        status = mas_gate_samples_read(after, quiet[1], &b, err);
    if (status == MAS_OK && a.count > 0 && b.count > 0) {
        row->before = a.median;
        row->after = b.median;
        row->by_yardstick = a.yardstick && b.yardstick;
        row->disturbed = a.disturbed || b.disturbed;
        if (strcmp(a.yardstick_name, b.yardstick_name) != 0 && row->by_yardstick)
            not_comparable(gate, "other yardsticks", row->title, "record a new baseline");
        if (row->by_yardstick) {
            divide(&a);
            divide(&b);
        }
        status = mas_gate_time(row, a.seconds, a.count, b.seconds, b.count, false, err);
    }
    mas_gate_samples_free(&a);
    mas_gate_samples_free(&b);
    return status;
}

/* Other settings under the same title are told from a point that is not there. */
static void compare_settings(mas_gate *gate, const json_t *before, const mas_result_set *candidate)
{
    const json_t *other = find(candidate, "title", mas_json_text_at(before, "title"));
    char text[256];
    if (other && mas_experiment_difference(json_object_get(before, "point"),
                                           json_object_get(other, "point"), text, sizeof text))
        not_comparable(gate, "other settings", text, "record a baseline with these settings");
}

static bool is_ok(const json_t *result)
{
    return strcmp(mas_json_text_at(result, "status"), "ok") == 0;
}

static mas_status compare_point(mas_gate *gate, const json_t *before,
                                const mas_result_set *candidate, const double quiet[2],
                                const mas_gate_rules *rules, mas_error *err)
{
    if (!is_ok(before)) {
        mas_gate_note(gate, "baseline: %s failed (%s): not compared",
                      mas_json_text_at(before, "title"), mas_json_text_at(before, "status"));
        return MAS_OK;
    }
    mas_gate_row *row = mas_gate_add(gate, mas_json_text_at(before, "title"));
    if (!row)
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare");
    const json_t *after = find(candidate, "id", mas_json_text_at(before, "id"));
    if (!after || !is_ok(after)) {
        row->verdict = MAS_VERDICT_MISSING;
        if (after)
            snprintf(row->reason, sizeof row->reason, "%s: %.300s",
                     mas_json_text_at(after, "status"), mas_json_text_at(after, "error"));
        else
            snprintf(row->reason, sizeof row->reason, "the candidate has no such result");
        if (!after)
            compare_settings(gate, before, candidate);
        return MAS_OK;
    }
    const json_t *layer = json_array_get(json_object_get(after, "layer"), 0);
    snprintf(row->kernel, sizeof row->kernel, "%s", mas_json_text_at(layer, "kernel"));
    row->gated = rules->everything || mas_gate_is_cached(after);
    compare_machines(gate, before, after, rules);
    note_conditions(gate, "baseline", before);
    note_conditions(gate, "candidate", after);
    mas_gate_counts(row, before, after);
    mas_gate_loss(row, before, after, rules);
    return compare_times(gate, row, before, after, quiet, err);
}

mas_status mas_gate_results(mas_gate *gate, const mas_result_set *baseline,
                            const mas_result_set *candidate, const mas_gate_rules *rules,
                            mas_error *err)
{
    const double quiet[2] = {mas_gate_quiet_yardstick(baseline),
                             mas_gate_quiet_yardstick(candidate)};
    mas_status status = MAS_OK;
    for (size_t i = 0; status == MAS_OK && i < baseline->count; i++)
        status = compare_point(gate, baseline->results[i], candidate, quiet, rules, err);
    for (size_t i = 0; status == MAS_OK && i < candidate->count; i++)
        if (!find(baseline, "id", mas_json_text_at(candidate->results[i], "id")))
            mas_gate_note(gate, "new, not in the baseline: %s",
                          mas_json_text_at(candidate->results[i], "title"));
    return status == MAS_OK ? mas_gate_decide(gate, rules, err) : status;
}
