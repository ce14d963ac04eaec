/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/calibrate.h"
#include "harness/gate/worker.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int percents[MAS_CALIBRATE_LEVELS] = {0, 3, 5, 10, 20};
static const char *const mode_names[MAS_CALIBRATE_MODES] = {"side by side", "recorded"};

/* A false alarm is rare: without a slow-down there is more to count. */
#define MORE_WITHOUT 4

static void count(mas_calibration *c, const mas_gate *gate)
{
    for (size_t i = 0; i < gate->count; i++)
        c->kernels[gate->rows[i].verdict]++;
    c->gates++;
    c->gates_failed += gate->overall == MAS_VERDICT_SLOWER;
}

static mas_status side_by_side(const mas_direct *direct, const mas_gate_rules *rules, int percent,
                               mas_calibration *c, mas_error *err)
{
    mas_direct slowed = *direct;
    slowed.slow_down[0] = 0;
    slowed.slow_down[1] = percent;
    slowed.programs[0] = slowed.programs[1];
    mas_gate *gate = NULL;
    mas_status status = mas_gate_create("as it is", "slowed down", &gate, err);
    if (status == MAS_OK)
        status = mas_gate_direct(gate, &slowed, rules, err);
    if (status == MAS_OK)
        count(c, gate);
    mas_gate_free(gate);
    return status;
}

/* Every point, run as masbench run would in a process of its own. */
static mas_status record(const mas_direct *direct, int percent, mas_result_set *set, mas_error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%d", percent);
    const char *const slowed[] = {"--slow-down", text, NULL};
    const char **command = mas_direct_command(direct, 1, NULL, slowed);
    mas_worker *worker = NULL;
    mas_status status = command ? mas_worker_start(command, &worker, NULL, err)
                                : mas_fail(err, MAS_E_MEMORY, "no memory to start a program");
    set->count = 0;
    set->results = calloc((size_t)direct->experiment->count, sizeof *set->results);
    if (status == MAS_OK && !set->results)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for results");
    for (int64_t i = 0; status == MAS_OK && i < direct->experiment->count; i++) {
        char question[64];
        snprintf(question, sizeof question, "run %lld", (long long)i);
        if (direct->stop && *direct->stop)
            status = mas_fail(err, MAS_E_INTERRUPTED, "stopped between two points");
        else
            status = mas_worker_ask(worker, question, &set->results[i], err);
        set->count += status == MAS_OK;
    }
    mas_worker_stop(worker);
    free(command);
    return status;
}

static void forget(mas_result_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        json_decref(set->results[i]);
    free(set->results);
    *set = (mas_result_set){.count = 0};
}

static mas_status compare_recorded(const mas_result_set *before, const mas_result_set *after,
                                   const mas_gate_rules *rules, mas_gate **gate, mas_error *err)
{
    mas_status status = mas_gate_create("as it is", "slowed down", gate, err);
    if (status == MAS_OK)
        status = mas_gate_results(*gate, before, after, rules, err);
    return status;
}

/* As a user would confirm: what is slower is recorded once more and must be slower again. */
static mas_status recorded(const mas_direct *direct, const mas_gate_rules *rules, int percent,
                           mas_calibration *c, json_t **machine, mas_error *err)
{
    mas_result_set before = {0}, after = {0};
    mas_gate *gate = NULL;
    mas_status status = record(direct, 0, &before, err);
    if (status == MAS_OK)
        status = record(direct, percent, &after, err);
    if (status == MAS_OK)
        status = compare_recorded(&before, &after, rules, &gate, err);
    if (status == MAS_OK && gate->overall == MAS_VERDICT_SLOWER && direct->confirm) {
        forget(&after);
        mas_gate_free(gate);
        gate = NULL;
        status = record(direct, percent, &after, err);
        if (status == MAS_OK)
            status = compare_recorded(&before, &after, rules, &gate, err);
    }
    if (status == MAS_OK)
        count(c, gate);
    if (status == MAS_OK && !*machine && before.count > 0)
        *machine = json_incref(json_object_get(before.results[0], "machine"));
    mas_gate_free(gate);
    forget(&before);
    forget(&after);
    return status;
}

mas_status mas_gate_calibrate(const mas_direct *direct, const mas_gate_rules *rules,
                              int64_t repetitions, mas_calibrate_result *out, mas_error *err)
{
    *out = (mas_calibrate_result){.machine = NULL};
    mas_direct quiet = *direct;
    quiet.progress = NULL;
    const int64_t all = repetitions * (MAS_CALIBRATE_LEVELS - 1 + MORE_WITHOUT);
    int64_t done = 0;
    mas_status status = MAS_OK;
    for (int level = 0; level < MAS_CALIBRATE_LEVELS; level++)
        for (int mode = 0; mode < MAS_CALIBRATE_MODES; mode++)
            out->level[mode][level].percent = percents[level];
    /* Level by level within a repetition, so that an hour of the machine falls on all alike. */
    for (int64_t r = 0; status == MAS_OK && r < repetitions; r++)
        for (int level = 0; status == MAS_OK && level < MAS_CALIBRATE_LEVELS; level++)
            for (int again = 0; status == MAS_OK && again < (level ? 1 : MORE_WITHOUT); again++) {
                char what[64];
                snprintf(what, sizeof what, "slowed down by %d %%", percents[level]);
                if (direct->progress)
                    direct->progress(direct->user, done++, all, what);
                status = side_by_side(&quiet, rules, percents[level],
                                      &out->level[MAS_CALIBRATE_DIRECT][level], err);
                if (status == MAS_OK)
                    status =
                        recorded(&quiet, rules, percents[level],
                                 &out->level[MAS_CALIBRATE_RECORDED][level], &out->machine, err);
            }
    return status;
}

/* 95 % interval of a share of successes (Wilson 1927), in percent. */
static void wilson(int64_t successes, int64_t trials, double *low, double *high)
{
    const double z = 1.959964, n = (double)trials, p = n > 0 ? (double)successes / n : 0;
    const double middle = (p + z * z / (2 * n)) / (1 + z * z / n),
                 reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    *low = n > 0 ? 100 * fmax(0, middle - reach) : 0;
    *high = n > 0 ? 100 * fmin(1, middle + reach) : 100;
}

static int64_t sum(const mas_calibration *c)
{
    int64_t all = 0;
    for (int v = 0; v < MAS_VERDICT_COUNT; v++)
        all += c->kernels[v];
    return all;
}

void mas_calibrate_print(const mas_calibrate_result *result, FILE *out)
{
    fprintf(out, "%-12s  %9s  %8s  %7s  %7s  %7s  %7s  %17s  %11s\n", "compared", "slow-down",
            "kernels", "slower", "same", "faster", "unclear", "slower, 95 %", "gates failed");
    for (int mode = 0; mode < MAS_CALIBRATE_MODES; mode++)
        for (int level = 0; level < MAS_CALIBRATE_LEVELS; level++) {
            const mas_calibration *c = &result->level[mode][level];
            const int64_t all = sum(c), slower = c->kernels[MAS_VERDICT_SLOWER];
            double low, high;
            wilson(slower, all, &low, &high);
            fprintf(out,
                    "%-12s  %7d %%  %8lld  %7lld  %7lld  %7lld  %7lld  %5.1f .. %5.1f %%  %5lld of "
                    "%lld\n",
                    mode_names[mode], c->percent, (long long)all, (long long)slower,
                    (long long)c->kernels[MAS_VERDICT_SAME],
                    (long long)c->kernels[MAS_VERDICT_FASTER],
                    (long long)c->kernels[MAS_VERDICT_UNCLEAR], low, high,
                    (long long)c->gates_failed, (long long)c->gates);
        }
}

json_t *mas_calibrate_json(const mas_calibrate_result *result, const mas_gate_rules *rules)
{
    json_t *json = json_object(), *levels = json_array();
    for (int mode = 0; mode < MAS_CALIBRATE_MODES; mode++)
        for (int level = 0; level < MAS_CALIBRATE_LEVELS; level++) {
            const mas_calibration *c = &result->level[mode][level];
            json_t *one = json_object(), *kernels = json_object();
            for (int v = 0; v < MAS_VERDICT_NOT_COMPARABLE; v++)
                mas_json_set_int(kernels, mas_verdict_name((mas_verdict)v), c->kernels[v]);
            mas_json_set_text(one, "compared", mode_names[mode]);
            mas_json_set_int(one, "slowed_down_percent", c->percent);
            mas_json_set(one, "kernels", kernels);
            mas_json_set_int(one, "gates", c->gates);
            mas_json_set_int(one, "gates_failed", c->gates_failed);
            (void)json_array_append_new(levels, one);
        }
    mas_json_set_int(json, "schema", 1);
    mas_json_set_number(json, "min_effect", rules->min_effect);
    mas_json_set_number(json, "level", rules->level);
    mas_json_set(json, "verdicts", levels);
    mas_json_set(json, "machine", result->machine ? json_incref(result->machine) : json_null());
    return json;
}
