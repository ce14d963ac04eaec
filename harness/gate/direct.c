/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/direct.h"
#include "harness/gate/processors.h"
#include "harness/gate/samples.h"
#include "harness/gate/worker.h"
#include "harness/measure/measure.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PASSES 3 /* of measuring what is not settled; the first included */

typedef struct pairs {
    double *seconds[2]; /* [count] */
    int64_t *preemptions;
    size_t count, room;
    size_t fresh; /* pairs from here on belong to the latest pass */
    bool open;    /* to be measured in this pass */
    bool was_slower;
} pairs;

typedef struct direct_run {
    const mas_direct *d;
    const mas_gate_rules *rules;
    mas_gate *gate;
    size_t first_row;  /* of this experiment's points */
    pairs *points;     /* [experiment->count] */
    int64_t done, all; /* visits of a point, for progress */
} direct_run;

static mas_status start(const mas_direct *d, int side, mas_worker **out, mas_error *err)
{
    json_t *greeting = NULL;
    char percent[16];
    snprintf(percent, sizeof percent, "%d", d->slow_down[side]);
    const char *const slowed[] = {"--slow-down", percent, NULL};
    const char **command = mas_direct_command(d, side, NULL, d->slow_down[side] ? slowed : NULL);
    mas_status status = command ? mas_worker_start(command, out, &greeting, err)
                                : mas_fail(err, MAS_E_MEMORY, "no memory to start a program");
    if (side == 0 && (status == MAS_E_IO || status == MAS_E_FORMAT))
        status = mas_fail(err, MAS_E_UNSUPPORTED,
                          "%s does not serve %s: it is too old, reads the file otherwise, or is no "
                          "masbench",
                          d->programs[side], d->file);
    if (status == MAS_OK &&
        json_integer_value(json_object_get(greeting, "points")) != (json_int_t)d->experiment->count)
        status = mas_fail(err, MAS_E_UNSUPPORTED,
                          "%s finds other points in %s: compare builds that read it alike",
                          d->programs[side], d->file);
    json_decref(greeting);
    free(command);
    return status;
}

static mas_status start_both(const mas_direct *d, int round, mas_worker *workers[2], mas_error *err)
{
    mas_processors *before = d->threads == 1 ? mas_processors_confine(round) : NULL;
    workers[0] = workers[1] = NULL;
    mas_status status = start(d, 0, &workers[0], err);
    if (status == MAS_OK)
        status = start(d, 1, &workers[1], err);
    mas_processors_release(before);
    return status;
}

static void stop_both(mas_worker *workers[2])
{
    mas_worker_stop(workers[0]);
    mas_worker_stop(workers[1]);
}

static bool stopped(const mas_direct *d)
{
    return d->stop && *d->stop;
}

/* ---- one visit of a point ---- */

static bool is_ok(const json_t *answer)
{
    return strcmp(mas_json_text_at(answer, "status"), "ok") == 0;
}

/* Are both answers fine? Otherwise the row is missing, and says whose fault it is. */
static bool both_fine(mas_gate_row *row, json_t *const said[2])
{
    static const char *const who[] = {"baseline", "candidate"};
    for (int side = 0; side < 2; side++) {
        if (is_ok(said[side]))
            continue;
        row->verdict = MAS_VERDICT_MISSING;
        snprintf(row->reason, sizeof row->reason, "the %s failed: %s: %.200s", who[side],
                 mas_json_text_at(said[side], "status"), mas_json_text_at(said[side], "error"));
        return false;
    }
    return true;
}

/* Both sides made ready; what they say of themselves goes into the row. False: the point cannot be measured. */
static mas_status open_both(direct_run *r, mas_worker *workers[2], int64_t point, bool *ready,
                            mas_error *err)
{
    mas_gate_row *row = &r->gate->rows[r->first_row + (size_t)point];
    json_t *said[2] = {NULL, NULL};
    char question[64];
    mas_status status = MAS_OK;
    snprintf(question, sizeof question, "open %lld", (long long)point);
    for (int side = 0; status == MAS_OK && side < 2; side++)
        status = mas_worker_ask(workers[side], question, &said[side], err);
    *ready = status == MAS_OK && both_fine(row, said);
    if (*ready) {
        const json_t *layer = json_array_get(json_object_get(said[1], "layer"), 0);
        snprintf(row->kernel, sizeof row->kernel, "%s", mas_json_text_at(layer, "kernel"));
        row->gated = r->rules->everything || mas_gate_is_cached(said[1]);
        mas_gate_counts(row, said[0], said[1]);
    }
    json_decref(said[0]);
    json_decref(said[1]);
    return status;
}

/* Warm both up; launches of a sample that is long enough for either. */
static mas_status warm_up_both(mas_worker *workers[2], json_int_t *repeats, mas_error *err)
{
    mas_status status = MAS_OK;
    *repeats = 1;
    for (int side = 0; status == MAS_OK && side < 2; side++) {
        json_t *said = NULL;
        status = mas_worker_order(workers[side], "warm", &said, err);
        const json_int_t own = json_integer_value(json_object_get(said, "repeats"));
        *repeats = own > *repeats ? own : *repeats;
        json_decref(said);
    }
    return status;
}

static bool make_room(pairs *p)
{
    if (p->count < p->room)
        return true;
    const size_t room = p->room ? 2 * p->room : 64;
    for (int side = 0; side < 2; side++) {
        double *grown = realloc(p->seconds[side], room * sizeof *grown);
        if (!grown)
            return false;
        p->seconds[side] = grown;
    }
    int64_t *grown = realloc(p->preemptions, room * sizeof *grown);
    if (!grown)
        return false;
    p->preemptions = grown;
    p->room = room;
    return true;
}

/* One sample of each side, `first` before the other. */
static mas_status take_pair(mas_worker *workers[2], const char *question, int first, pairs *p,
                            mas_error *err)
{
    if (!make_room(p))
        return mas_fail(err, MAS_E_MEMORY, "no memory for more samples");
    p->preemptions[p->count] = 0;
    mas_status status = MAS_OK;
    for (int turn = 0; status == MAS_OK && turn < 2; turn++) {
        const int side = turn ? !first : first;
        json_t *said = NULL;
        status = mas_worker_order(workers[side], question, &said, err);
        p->seconds[side][p->count] = mas_json_number_at(said, "seconds");
        p->preemptions[p->count] +=
            (int64_t)json_integer_value(json_object_get(said, "preemptions"));
        json_decref(said);
    }
    p->count += status == MAS_OK;
    return status;
}

static mas_status sample_both(direct_run *r, mas_worker *workers[2], int64_t point, mas_error *err)
{
    const mas_measure_config *measure = &r->d->experiment->points[point].measure;
    pairs *p = &r->points[point];
    json_int_t repeats;
    mas_status status = warm_up_both(workers, &repeats, err);
    if (status != MAS_OK)
        return status;
    char question[64];
    snprintf(question, sizeof question, "sample %lld", (long long)repeats);
    /* Both sides together take the file's budget, shared out over the rounds. */
    const double end = mas_measure_now() + 2 * measure->seconds / MAS_DIRECT_ROUNDS;
    const size_t least = p->count + 2 * (size_t)(measure->min_samples / MAS_DIRECT_ROUNDS + 1);
    for (int first = 0; status == MAS_OK; first = !first) {
        if (stopped(r->d))
            return mas_fail(err, MAS_E_INTERRUPTED, "stopped between two samples");
        status = take_pair(workers, question, first, p, err);
        if (p->count >= least && p->count % 2 == 0 && mas_measure_now() >= end)
            break;
    }
    return status;
}

static mas_status visit(direct_run *r, mas_worker *workers[2], int64_t point, mas_error *err)
{
    bool ready;
    if (r->d->progress)
        r->d->progress(r->d->user, r->done++, r->all, r->d->experiment->points[point].title);
    mas_status status = open_both(r, workers, point, &ready, err);
    if (status == MAS_OK && ready)
        status = sample_both(r, workers, point, err);
    if (status == MAS_OK && !ready)
        r->points[point].open = false;
    return status;
}

/* ---- passes ---- */

static mas_status measure_open(direct_run *r, mas_error *err)
{
    const int64_t count = r->d->experiment->count;
    int64_t open = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!r->points[i].open)
            continue;
        open++;
        r->points[i].fresh = r->points[i].count;
    }
    r->all += open * MAS_DIRECT_ROUNDS;
    mas_status status = MAS_OK;
    for (int round = 0; status == MAS_OK && round < MAS_DIRECT_ROUNDS; round++) {
        mas_worker *workers[2];
        status = start_both(r->d, round, workers, err);
        for (int64_t i = 0; status == MAS_OK && i < count; i++)
            if (r->points[i].open)
                status = visit(r, workers, i, err);
        stop_both(workers);
    }
    return status;
}

static double median_of(const double *values, size_t count)
{
    mas_statistics s;
    return mas_statistics_of(values, (int64_t)count, &s, NULL) == MAS_OK ? s.median : (double)NAN;
}

/* Set the row's times from the pairs from `begin` on, those without a preemption where enough remain. */
static mas_status set_times(mas_gate_row *row, const pairs *p, size_t begin, mas_error *err)
{
    const size_t all = p->count - begin;
    bool *keep = malloc(all * sizeof *keep);
    double *before = malloc(all * sizeof *before), *after = malloc(all * sizeof *after);
    mas_status status = MAS_OK;
    if (!keep || !before || !after) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to compare");
    } else {
        for (size_t i = 0; i < all; i++)
            keep[i] = p->preemptions[begin + i] == 0;
        (void)mas_gate_keep_enough(keep, all);
        size_t count = 0;
        for (size_t i = 0; i < all; i++) {
            if (!keep[i])
                continue;
            before[count] = p->seconds[0][begin + i];
            after[count++] = p->seconds[1][begin + i];
        }
        row->before = median_of(before, count);
        row->after = median_of(after, count);
        status = mas_gate_time(row, before, count, after, count, true, err);
    }
    free(keep);
    free(before);
    free(after);
    return status;
}

static mas_status decide(direct_run *r, mas_error *err)
{
    mas_status status = MAS_OK;
    for (int64_t i = 0; status == MAS_OK && i < r->d->experiment->count; i++) {
        const pairs *p = &r->points[i];
        if (p->count > 0) /* what was slower must be so again, by itself */
            status = set_times(&r->gate->rows[r->first_row + (size_t)i], p,
                               p->was_slower ? p->fresh : 0, err);
    }
    return status == MAS_OK ? mas_gate_decide(r->gate, r->rules, err) : status;
}

/* Which points need another pass; false: none. */
static bool reopen(direct_run *r)
{
    bool any = false;
    for (int64_t i = 0; i < r->d->experiment->count; i++) {
        pairs *p = &r->points[i];
        const mas_gate_row *row = &r->gate->rows[r->first_row + (size_t)i];
        const bool slower = row->verdict == MAS_VERDICT_SLOWER && !p->was_slower,
                   unclear = row->verdict == MAS_VERDICT_UNCLEAR;
        p->open = p->count > 0 && row->gated && (slower || unclear);
        p->was_slower = p->was_slower || slower;
        any = any || p->open;
    }
    return any;
}

static mas_status measure_kernels(direct_run *r, mas_error *err)
{
    for (int64_t i = 0; i < r->d->experiment->count; i++)
        r->points[i].open = true;
    mas_status status = measure_open(r, err);
    if (status == MAS_OK)
        status = decide(r, err);
    for (int pass = 1; status == MAS_OK && r->d->confirm && pass < PASSES && reopen(r); pass++) {
        status = measure_open(r, err);
        if (status == MAS_OK)
            status = decide(r, err);
    }
    return status;
}

static mas_status count_instructions(direct_run *r, mas_error *err)
{
    mas_status status = MAS_OK;
    for (int64_t i = 0; status == MAS_OK && i < r->d->experiment->count; i++) {
        mas_gate_row *row = &r->gate->rows[r->first_row + (size_t)i];
        if (r->points[i].count == 0)
            continue;
        if (r->d->progress)
            r->d->progress(r->d->user, r->done, r->all, "counting instructions");
        status = mas_gate_instructions(r->d, 0, i, &row->instructions_before, err);
        if (status == MAS_OK)
            status = mas_gate_instructions(r->d, 1, i, &row->instructions_after, err);
    }
    return status == MAS_OK ? mas_gate_decide(r->gate, r->rules, err) : status;
}

/* ---- points that train ---- */

static mas_status train_both(direct_run *r, mas_error *err)
{
    mas_worker *workers[2];
    r->all += r->d->experiment->count;
    mas_status status = start_both(r->d, 0, workers, err);
    for (int64_t i = 0; status == MAS_OK && i < r->d->experiment->count; i++) {
        mas_gate_row *row = &r->gate->rows[r->first_row + (size_t)i];
        json_t *result[2] = {NULL, NULL};
        char question[64];
        snprintf(question, sizeof question, "run %lld", (long long)i);
        if (r->d->progress)
            r->d->progress(r->d->user, r->done++, r->all, row->title);
        for (int side = 0; status == MAS_OK && side < 2; side++)
            status = stopped(r->d) ? mas_fail(err, MAS_E_INTERRUPTED, "stopped between two points")
                                   : mas_worker_ask(workers[side], question, &result[side], err);
        if (status == MAS_OK && both_fine(row, result)) {
            mas_gate_counts(row, result[0], result[1]);
            mas_gate_loss(row, result[0], result[1], r->rules);
        }
        json_decref(result[0]);
        json_decref(result[1]);
    }
    stop_both(workers);
    return status == MAS_OK ? mas_gate_decide(r->gate, r->rules, err) : status;
}

mas_status mas_gate_direct(mas_gate *gate, const mas_direct *direct, const mas_gate_rules *rules,
                           mas_error *err)
{
    const mas_experiment *e = direct->experiment;
    direct_run r = {.d = direct,
                    .rules = rules,
                    .gate = gate,
                    .first_row = gate->count,
                    .points = calloc((size_t)e->count, sizeof *r.points)};
    mas_status status =
        r.points ? MAS_OK : mas_fail(err, MAS_E_MEMORY, "no memory to compare two builds");
    for (int64_t i = 0; status == MAS_OK && i < e->count; i++)
        if (!mas_gate_add(gate, e->points[i].title))
            status = mas_fail(err, MAS_E_MEMORY, "no memory to compare two builds");
    if (status == MAS_OK)
        status = e->kind == MAS_KIND_KERNEL ? measure_kernels(&r, err) : train_both(&r, err);
    if (status == MAS_OK && e->kind == MAS_KIND_KERNEL && direct->instructions)
        status = count_instructions(&r, err);
    for (int64_t i = 0; r.points && i < e->count; i++) {
        free(r.points[i].seconds[0]);
        free(r.points[i].seconds[1]);
        free(r.points[i].preemptions);
    }
    free(r.points);
    if (status == MAS_E_UNSUPPORTED) { /* the builds do not mean the same by this file */
        gate->overall = MAS_VERDICT_NOT_COMPARABLE;
        snprintf(gate->reason, sizeof gate->reason, "%.500s", err->text);
        for (size_t i = r.first_row; i < gate->count; i++)
            gate->rows[i].verdict = MAS_VERDICT_MISSING;
        return MAS_OK;
    }
    return status;
}
