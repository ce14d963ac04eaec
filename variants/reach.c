/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/reach.h"

#include "variants/open_keys.h"

#include <stdlib.h>
#include <string.h>

static mas_status no_memory(int64_t length, mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY, "no memory for the reach of %lld tokens", (long long)length);
}

/* ---- from the definition ---- */

mas_status mas_reach_layer(const mas_attn_spec *spec, int64_t length, bool *reached, mas_error *err)
{
    int64_t *keys = malloc((size_t)(length > 0 ? length : 1) * sizeof *keys);
    if (!keys)
        return no_memory(length, err);
    int64_t count = 0; /* of the keys reached before this layer */
    for (int64_t key = 0; key < length; key++)
        if (reached[key])
            keys[count++] = key;
    const mas_mask mask = mas_attn_spec_mask(spec);
    for (int64_t position = 0; position < length; position++)
        for (int64_t i = 0; i < count && !reached[position]; i++)
            reached[position] = mask.sees(&mask, position, keys[i]);
    free(keys);
    return MAS_OK;
}

/* ---- from runs ---- */

/* Room for the runs of any query of any layer. */
static mas_run *allocate_runs(const mas_plan *plan, int64_t length)
{
    size_t most = 1;
    for (int32_t i = 0; i < plan->layers; i++) {
        const mas_mask mask = mas_attn_spec_mask(mas_plan_layer(plan, i));
        const size_t runs = mask.max_runs(&mask, length);
        most = runs > most ? runs : most;
    }
    return malloc(most * sizeof(mas_run));
}

/* Does layer i, counted down from the top, repeat the one above it? */
static bool repeats_above(const mas_plan *plan, int32_t i)
{
    return i + 1 < plan->layers && plan->is_full[i] == plan->is_full[i + 1];
}

/* Add to the set what its members' queries see. `edges` [length + 1] is all 0 before and after: +1 where a run
 * begins, -1 where one ends.
 *  @return did the set grow? */
static bool widen(const mas_attn_spec *spec, int64_t length, bool *seen, int64_t *edges,
                  mas_run *runs)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    for (int64_t query = 0; query < length; query++) {
        const size_t count = seen[query] ? mask.runs(&mask, query, length, runs) : 0;
        for (size_t r = 0; r < count; r++) {
            edges[runs[r].begin]++;
            edges[runs[r].end]--;
        }
    }
    bool grew = false;
    int64_t over = 0; /* runs that hold this key */
    for (int64_t key = 0; key < length; key++) {
        over += edges[key];
        edges[key] = 0;
        grew = grew || (over > 0 && !seen[key]);
        seen[key] = seen[key] || over > 0;
    }
    edges[length] = 0;
    return grew;
}

mas_status mas_reach_tokens(const mas_plan *plan, int64_t position, bool *seen, mas_error *err)
{
    const int64_t length = position + 1;
    mas_run *runs = allocate_runs(plan, length);
    int64_t *edges = calloc((size_t)length + 1, sizeof *edges);
    mas_status status = MAS_OK;
    if (!runs || !edges) {
        status = no_memory(length, err);
        goto done;
    }
    memset(seen, 0, (size_t)length * sizeof *seen);
    seen[position] = true;
    bool grew = true;
    for (int32_t i = plan->layers - 1; i >= 0; i--)
        if (grew || !repeats_above(plan, i))
            grew = widen(mas_plan_layer(plan, i), length, seen, edges, runs);
done:
    free(edges);
    free(runs);
    return status;
}

typedef struct reaching {
    int64_t length;
    int64_t *last;  /* [length] of what enters the layers done so far */
    int64_t *below; /* [length] the same with one more layer below */
    int64_t *order; /* [length] queries, those that reach furthest first */
    int64_t *first; /* [length + 1] where queries that reach equally far begin in it */
    int64_t *next;  /* [length + 1] of mas_open_from: keys not settled yet */
    mas_run *runs;
} reaching;

static void sort_by_reach(reaching *r)
{
    memset(r->first, 0, ((size_t)r->length + 1) * sizeof *r->first);
    for (int64_t q = 0; q < r->length; q++)
        r->first[r->length - 1 - r->last[q] + 1]++;
    for (int64_t i = 0; i < r->length; i++)
        r->first[i + 1] += r->first[i];
    for (int64_t q = 0; q < r->length; q++)
        r->order[r->first[r->length - 1 - r->last[q]]++] = q;
}

static void settle(reaching *r, int64_t begin, int64_t end, int64_t last)
{
    for (int64_t k = mas_open_from(r->next, begin); k < end; k = mas_open_from(r->next, k)) {
        r->below[k] = last;
        r->next[k] = k + 1;
    }
}

/* A key reaches as far as the furthest-reaching query that sees it; so queries come in that order, and each
 * settles the keys that none before it saw.
 *  @return does any token reach further than without this layer? */
static bool pass_layer(reaching *r, const mas_attn_spec *spec)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    sort_by_reach(r);
    for (int64_t k = 0; k <= r->length; k++)
        r->next[k] = k;
    for (int64_t i = 0; i < r->length; i++) {
        const int64_t query = r->order[i];
        if (mas_open_from(r->next, 0) > query)
            continue; /* all that a causal query can see */
        settle(r, query, query + 1, r->last[query]);
        const size_t count = mask.runs(&mask, query, r->length, r->runs);
        for (size_t j = 0; j < count; j++)
            settle(r, r->runs[j].begin, r->runs[j].end, r->last[query]);
    }
    const size_t bytes = (size_t)r->length * sizeof *r->last;
    const bool further = memcmp(r->last, r->below, bytes) != 0;
    memcpy(r->last, r->below, bytes);
    return further;
}

mas_status mas_reach_last(const mas_plan *plan, int64_t length, int64_t *last, mas_error *err)
{
    const size_t count = (size_t)length + 1;
    reaching r = {.length = length, .last = last, .runs = allocate_runs(plan, length)};
    int64_t *scratch = calloc(4 * count, sizeof *scratch);
    if (r.runs && scratch) {
        r.below = scratch;
        r.order = scratch + count;
        r.first = scratch + 2 * count;
        r.next = scratch + 3 * count;
        for (int64_t t = 0; t < length; t++)
            last[t] = t;
        bool further = true;
        for (int32_t i = plan->layers - 1; i >= 0; i--)
            if (further || !repeats_above(plan, i))
                further = pass_layer(&r, mas_plan_layer(plan, i));
    }
    const mas_status status = r.runs && scratch ? MAS_OK : no_memory(length, err);
    free(scratch);
    free(r.runs);
    return status;
}

mas_status mas_plan_reach(const mas_plan *plan, int64_t length, int64_t *reach, mas_error *err)
{
    int64_t *last = malloc((size_t)(length > 0 ? length : 1) * sizeof *last);
    if (!last)
        return no_memory(length, err);
    mas_plan without_sinks = *plan;
    without_sinks.sparse.sinks = without_sinks.full.sinks = 0;
    const mas_status status = mas_reach_last(&without_sinks, length, last, err);
    *reach = 1;
    for (int64_t t = 0; status == MAS_OK && t < length; t++)
        if (last[t] - t + 1 > *reach)
            *reach = last[t] - t + 1;
    free(last);
    return status;
}
