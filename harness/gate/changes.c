/* SPDX-License-Identifier: Apache-2.0 */
/* Change points of a series of runs. */
#include "harness/gate/history.h"
#include "harness/measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_SPREADS 3 /* a change is more than this many usual deviations of a run */
#define LEAST_STEPS 5

/* Sum of squares of the log medians of [begin, end) around their mean. */
static double spread(const mas_history_run *runs, size_t begin, size_t end)
{
    double sum = 0, squares = 0;
    for (size_t i = begin; i < end; i++) {
        const double x = log(runs[i].median);
        sum += x;
        squares += x * x;
    }
    return squares - sum * sum / (double)(end - begin);
}

static double *pool(const mas_history_run *runs, size_t begin, size_t end, size_t *count)
{
    *count = 0;
    for (size_t i = begin; i < end; i++)
        *count += runs[i].count;
    double *all = malloc((*count ? *count : 1) * sizeof *all);
    size_t at = 0;
    for (size_t i = begin; all && i < end; i++) {
        memcpy(all + at, runs[i].values, runs[i].count * sizeof *all);
        at += runs[i].count;
    }
    return all;
}

static mas_status compare_sides(const mas_history_run *runs, size_t begin, size_t cut, size_t end,
                                mas_shift *out, mas_error *err)
{
    size_t left_count, right_count;
    double *left = pool(runs, begin, cut, &left_count), *right = pool(runs, cut, end, &right_count);
    const mas_status status =
        left && right ? mas_rank_independent(left, left_count, right, right_count, 0.95, out, err)
                      : mas_fail(err, MAS_E_MEMORY, "no memory for a history");
    free(left);
    free(right);
    return status;
}

/* How far the log medians of neighbouring runs usually lie apart, as the deviation of a run; 0 with too few runs to
 * tell that from a change. */
static double usual_spread(const mas_history_run *runs, size_t count, double *scratch)
{
    const size_t steps = count - 1;
    for (size_t i = 0; i < steps; i++)
        scratch[i] = fabs(log(runs[i + 1].median / runs[i].median));
    mas_statistics s;
    if (steps < LEAST_STEPS || mas_statistics_of(scratch, (int64_t)steps, &s, NULL) != MAS_OK)
        return 0;
    return MAS_DEVIATION_OF_MAD * s.median / sqrt(2.0);
}

/* The cheapest way to cut [0, count) into segments: spread inside them, and a price for each. begins[i]: a segment
 * begins with run i. `cost` and `last` have room for count + 1. */
static void segment(const mas_history_run *runs, size_t count, double price, double *cost,
                    size_t *last, bool *begins)
{
    cost[0] = 0;
    for (size_t end = 1; end <= count; end++) {
        cost[end] = HUGE_VAL;
        for (size_t begin = 0; begin < end; begin++) {
            const double all = cost[begin] + spread(runs, begin, end) + price;
            if (all < cost[end]) {
                cost[end] = all;
                last[end] = begin;
            }
        }
    }
    for (size_t end = count; end > 0; end = last[end])
        begins[last[end]] = true;
}

/* Judge every cut against its neighbours' samples, undo the weakest that does not hold, until all hold. */
static mas_status keep_sure_cuts(const mas_history_run *runs, size_t count, double level,
                                 double least, bool *begins, double *change, mas_error *err)
{
    for (;;) {
        size_t before = 0, weakest = 0;
        double weakest_effect = HUGE_VAL;
        for (size_t at = 1; at < count; at++) {
            change[at] = 0;
            if (!begins[at])
                continue;
            size_t end = at + 1;
            while (end < count && !begins[end])
                end++;
            mas_shift s;
            const mas_status status = compare_sides(runs, before, at, end, &s, err);
            if (status != MAS_OK)
                return status;
            const double p = s.ratio > 1 ? s.p_larger : s.p_smaller, effect = fabs(log(s.ratio));
            change[at] = s.ratio;
            if ((p >= level || effect < least) && effect < weakest_effect) {
                weakest_effect = effect;
                weakest = at;
            }
            before = at;
        }
        if (weakest == 0)
            return MAS_OK;
        begins[weakest] = false;
    }
}

/* Of runs that all have the kernel. */
static mas_status find_changes(const mas_history_run *runs, size_t count,
                               const mas_gate_rules *rules, double *change, mas_error *err)
{
    mas_status status = MAS_OK;
    double *cost = malloc((count + 1) * sizeof *cost);
    size_t *last = calloc(count + 1, sizeof *last);
    bool *begins = calloc(count + 1, sizeof *begins);
    if (!cost || !last || !begins) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a history");
    } else if (count > 1) {
        const double usual = usual_spread(runs, count, cost);
        const double least = fmax(log(1 + rules->min_effect), USUAL_SPREADS * usual);
        /* Half of what the last run alone saves by a segment of its own, if it differs by `least`. */
        segment(runs, count, least * least / 2, cost, last, begins);
        /* as many places to cut as there are runs */
        status = keep_sure_cuts(runs, count, rules->level / (double)(count - 1), least, begins,
                                change, err);
    }
    free(cost);
    free(last);
    free(begins);
    return status;
}

mas_status mas_history_changes(const mas_history_run *runs, size_t count,
                               const mas_gate_rules *rules, double *change, mas_error *err)
{
    mas_status status = MAS_OK;
    size_t there =
        0; /* runs that have the kernel: a cut beside one that has not would have two places */
    mas_history_run *with = malloc((count + 1) * sizeof *with);
    double *found = calloc(count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++)
        change[i] = 0;
    for (size_t i = 0; with && i < count; i++)
        if (runs[i].count > 0)
            with[there++] = runs[i];
    if (!with || !found)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a history");
    else
        status = find_changes(with, there, rules, found, err);
    for (size_t i = 0, at = 0; status == MAS_OK && i < count; i++)
        if (runs[i].count > 0)
            change[i] = found[at++];
    free(with);
    free(found);
    return status;
}
