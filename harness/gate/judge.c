/* SPDX-License-Identifier: Apache-2.0 */
/* From samples to verdicts. */
#include "harness/gate/gate.h"
#include "harness/measure/measure.h"
#include "harness/measure/paired.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95 /* of the intervals shown, and by which a result is unclear */

const char *mas_verdict_name(mas_verdict verdict)
{
    static const char *const names[MAS_VERDICT_COUNT] = {
        [MAS_VERDICT_SAME] = "same",
        [MAS_VERDICT_FASTER] = "faster",
        [MAS_VERDICT_SLOWER] = "slower",
        [MAS_VERDICT_CHANGED] = "changed",
        [MAS_VERDICT_UNCLEAR] = "unclear",
        [MAS_VERDICT_MISSING] = "missing",
        [MAS_VERDICT_NOT_COMPARABLE] = "not comparable",
    };
    return (unsigned)verdict < MAS_VERDICT_COUNT ? names[verdict] : "unknown";
}

mas_gate_rules mas_gate_rules_default(void)
{
    return (mas_gate_rules){.min_effect = 0.05, .level = 0.01, .loss_effect = 0.005};
}

mas_status mas_gate_create(const char *baseline, const char *candidate, mas_gate **out,
                           mas_error *err)
{
    mas_gate *gate = calloc(1, sizeof *gate);
    if (gate) {
        gate->baseline = strdup(baseline);
        gate->candidate = strdup(candidate);
    }
    if (!gate || !gate->baseline || !gate->candidate) {
        mas_gate_free(gate);
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare");
    }
    *out = gate;
    return MAS_OK;
}

void mas_gate_free(mas_gate *gate)
{
    if (!gate)
        return;
    free(gate->baseline);
    free(gate->candidate);
    free(gate->rows);
    free(gate->notes);
    free(gate);
}

mas_gate_row *mas_gate_add(mas_gate *gate, const char *title)
{
    mas_gate_row *grown = realloc(gate->rows, (gate->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    gate->rows = grown;
    mas_gate_row *row = &grown[gate->count++];
    const double unknown = (double)NAN;
    *row = (mas_gate_row){.gated = true,
                          .p = unknown,
                          .before = unknown,
                          .after = unknown,
                          .instructions_before = unknown,
                          .instructions_after = unknown,
                          .loss_before = unknown,
                          .loss_after = unknown};
    snprintf(row->title, sizeof row->title, "%s", title);
    return row;
}

void mas_gate_note(mas_gate *gate, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    strcat(text, "\n");
    if (gate->notes && strstr(gate->notes, text))
        return; /* said before */
    const size_t there = gate->notes ? strlen(gate->notes) : 0;
    char *grown = realloc(gate->notes, there + strlen(text) + 1);
    if (!grown)
        return; /* a note less */
    gate->notes = grown;
    strcpy(grown + there, text);
}

mas_status mas_gate_time(mas_gate_row *row, const double *before, size_t before_count,
                         const double *after, size_t after_count, bool pairs, mas_error *err)
{
    mas_status status =
        pairs ? mas_rank_pairs(before, after, before_count, CONFIDENCE, &row->time, err)
              : mas_rank_independent(before, before_count, after, after_count, CONFIDENCE,
                                     &row->time, err);
    if (status != MAS_OK)
        return status;
    row->timed = true;
    row->before_count = before_count;
    row->after_count = after_count;
    return MAS_OK;
}

static mas_verdict judge(const mas_gate_row *row, const mas_gate_rules *rules)
{
    const double most = 1 + rules->min_effect, least = 1 / most;
    const mas_shift *t = &row->time;
    if (row->p < rules->level && t->ratio >= most)
        return MAS_VERDICT_SLOWER;
    if (row->p < rules->level && t->ratio <= least)
        return MAS_VERDICT_FASTER;
    const bool may_be_equal = t->low <= 1 && 1 <= t->high;
    const bool may_be_more = t->high >= most, may_be_less = t->low <= least;
    const bool outside = t->ratio >= most || t->ratio <= least; /* but not surely */
    return outside || (may_be_equal && (may_be_more || may_be_less)) ? MAS_VERDICT_UNCLEAR
                                                                     : MAS_VERDICT_SAME;
}

/* Why a verdict of time is what it is, where the numbers alone do not say. */
static void explain(mas_gate_row *row, const mas_gate_rules *rules)
{
    const double instructions = row->instructions_after / row->instructions_before;
    if (row->verdict == MAS_VERDICT_UNCLEAR && row->disturbed)
        snprintf(row->reason, sizeof row->reason,
                 "other work on the machine slowed nearly all samples: measure again");
    else if (row->verdict == MAS_VERDICT_UNCLEAR && !isfinite(row->time.high))
        snprintf(row->reason, sizeof row->reason,
                 "too few samples for an interval (%zu and %zu): take more", row->before_count,
                 row->after_count);
    else if (row->verdict == MAS_VERDICT_UNCLEAR)
        snprintf(row->reason, sizeof row->reason,
                 "too few or too noisy samples: anything from %+.1f to %+.1f %% is possible",
                 100 * (row->time.low - 1), 100 * (row->time.high - 1));
    else if (row->verdict == MAS_VERDICT_SLOWER && fabs(instructions - 1) < 0.001)
        snprintf(row->reason, sizeof row->reason,
                 "as many instructions as before: look at memory, layout and alignment");
    else if (row->verdict == MAS_VERDICT_SAME && instructions >= 1 + rules->min_effect)
        snprintf(row->reason, sizeof row->reason, "but %.1f %% more instructions",
                 100 * (instructions - 1));
}

static mas_status correct(mas_gate *gate, mas_error *err)
{
    double *p = malloc((gate->count ? gate->count : 1) * sizeof *p);
    if (!p)
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare");
    for (size_t i = 0; i < gate->count; i++) {
        const mas_shift *t = &gate->rows[i].time;
        p[i] = !gate->rows[i].timed ? (double)NAN : t->ratio > 1 ? t->p_larger : t->p_smaller;
    }
    const mas_status status = mas_holm(p, gate->count, err);
    for (size_t i = 0; status == MAS_OK && i < gate->count; i++)
        gate->rows[i].p = p[i];
    free(p);
    return status;
}

static mas_verdict worst(const mas_gate *gate)
{
    /* slowest to mildest; faster kernels alone make the whole faster */
    static const mas_verdict order[] = {MAS_VERDICT_SLOWER, MAS_VERDICT_CHANGED,
                                        MAS_VERDICT_MISSING, MAS_VERDICT_UNCLEAR,
                                        MAS_VERDICT_FASTER};
    for (size_t o = 0; o < sizeof order / sizeof *order; o++)
        for (size_t i = 0; i < gate->count; i++)
            if (gate->rows[i].verdict == order[o] && gate->rows[i].gated)
                return order[o];
    return gate->count > 0 ? MAS_VERDICT_SAME : MAS_VERDICT_MISSING;
}

mas_status mas_gate_decide(mas_gate *gate, const mas_gate_rules *rules, mas_error *err)
{
    const mas_status status = correct(gate, err);
    if (status != MAS_OK)
        return status;
    for (size_t i = 0; i < gate->count; i++) {
        mas_gate_row *row = &gate->rows[i];
        if (!row->timed || row->verdict == MAS_VERDICT_MISSING ||
            row->verdict == MAS_VERDICT_CHANGED)
            continue;
        row->reason[0] = '\0'; /* of an earlier pass */
        row->verdict = judge(row, rules);
        if (row->disturbed && row->verdict != MAS_VERDICT_SAME)
            row->verdict = MAS_VERDICT_UNCLEAR;
        explain(row, rules);
    }
    if (gate->overall != MAS_VERDICT_NOT_COMPARABLE) /* that stays, whatever else is found */
        gate->overall = worst(gate);
    return MAS_OK;
}
