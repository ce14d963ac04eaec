/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/agreement.h"

#include "masbench/rng.h"

#include <stdlib.h>

#define FIRST 64   /* positions, and keys, that are all asked about */
#define DRAWN 16   /* positions beyond them */
#define GAPS_MAX 8 /* gaps of a position, each with the run after it */
#define OVERRUN 64 /* room behind the runs, so that too many of them can be reported */

typedef struct row {
    const mas_attn_spec *spec;
    const mas_mask *mask;
    int64_t position, length;
    mas_run *runs;
    size_t count;
    mas_rng rng;
} row;

static mas_status refuse(const row *r, mas_error *err, const char *what, int64_t key)
{
    char label[128];
    mas_attn_spec_label(r->spec, label, sizeof label);
    return mas_fail(
        err, MAS_E_SCHEDULE,
        "variant %s (\"%s\"), position %lld of %lld, key %lld: %s; correct the one that "
        "is wrong in the variant's file",
        r->spec->variant->name, label, (long long)r->position, (long long)r->length, (long long)key,
        what);
}

/* Runs of at least one key, sorted, disjoint, not touching, inside the sequence, no more than promised. */
static mas_status check_form(const row *r, size_t room, mas_error *err)
{
    int64_t end = -1;
    if (r->count > room)
        return refuse(r, err, "`runs` gives more runs than `max_runs` promises", 0);
    for (size_t i = 0; i < r->count; i++) {
        if (r->runs[i].begin <= end || r->runs[i].end <= r->runs[i].begin ||
            r->runs[i].end > r->length)
            return refuse(r, err,
                          "`runs` must be sorted, not empty, apart from each other and within the "
                          "sequence, and one that begins here is not",
                          r->runs[i].begin);
        end = r->runs[i].end;
    }
    return MAS_OK;
}

static mas_status ask(const row *r, int64_t key, bool visible, mas_error *err)
{
    if (r->mask->sees(r->mask, r->position, key) == visible)
        return MAS_OK;
    return refuse(r, err,
                  visible ? "`runs` shows it and `sees` does not"
                          : "`sees` shows it and `runs` does not",
                  key);
}

/* Keys begin .. end-1, of which `runs` says the same. */
static mas_status check_stretch(row *r, int64_t begin, int64_t end, bool visible, mas_error *err)
{
    mas_status status = MAS_OK;
    for (int64_t key = begin; status == MAS_OK && key < end && key < FIRST; key++)
        status = ask(r, key, visible, err);
    if (status != MAS_OK || end <= FIRST || begin >= end)
        return status;
    const int64_t keys[] = {begin, end - 1,
                            begin + (int64_t)mas_rng_below(&r->rng, (uint64_t)(end - begin))};
    for (size_t i = 0; status == MAS_OK && i < sizeof keys / sizeof *keys; i++)
        status = ask(r, keys[i], visible, err);
    return status;
}

/* The gap before a run, and the run; `index` = count: the gap after the last. */
static mas_status check_gap_and_run(row *r, size_t index, mas_error *err)
{
    const int64_t gap = index > 0 ? r->runs[index - 1].end : 0;
    if (index == r->count)
        return check_stretch(r, gap, r->length, false, err);
    const mas_run run = r->runs[index];
    const mas_status status = check_stretch(r, gap, run.begin, false, err);
    return status != MAS_OK ? status : check_stretch(r, run.begin, run.end, true, err);
}

static mas_status check_position(row *r, int64_t position, size_t room, mas_error *err)
{
    r->position = position;
    r->count = r->mask->runs(r->mask, position, r->length, r->runs);
    mas_status status = check_form(r, room, err);
    const size_t gaps = status == MAS_OK ? r->count + 1 : 0;
    const bool all = position < FIRST || gaps <= GAPS_MAX;
    for (size_t n = 0; status == MAS_OK && n < (all ? gaps : GAPS_MAX); n++) {
        const size_t drawn = (size_t)mas_rng_below(&r->rng, (uint64_t)gaps);
        status = check_gap_and_run(r, all ? n : n == 0 ? r->count : drawn, err);
    }
    return status;
}

mas_status mas_attn_spec_agrees(const mas_attn_spec *spec, int64_t length, mas_error *err)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    const size_t room = mask.max_runs(&mask, length);
    row r = {
        .spec = spec, .mask = &mask, .length = length, .rng = mas_rng_seed(0, (uint64_t)length)};
    r.runs = malloc((room + OVERRUN) * sizeof *r.runs);
    if (!r.runs)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu runs of a mask", room);
    mas_status status = MAS_OK;
    for (int64_t p = 0; status == MAS_OK && p < length && p < FIRST; p++)
        status = check_position(&r, p, room, err);
    for (int n = 0; status == MAS_OK && length > FIRST && n < DRAWN; n++)
        status = check_position(
            &r, FIRST + (int64_t)mas_rng_below(&r.rng, (uint64_t)(length - FIRST)), room, err);
    if (status == MAS_OK)
        status = check_position(&r, length - 1, room, err);
    free(r.runs);
    return status;
}
