/* SPDX-License-Identifier: Apache-2.0 */
/* What a generated source makes possible: for a reader of everything, and for a stack of the plan's sparse layers
 * alone. */
#include "harness/results/json_build.h"
#include "harness/run/runner.h"
#include "variants/reach.h"

#include <stdlib.h>
#include <string.h>

static mas_status look(const void *plan, int64_t position, bool *seen, mas_error *err)
{
    return mas_reach_tokens(plan, position, seen, err);
}

static mas_plan *sparse_alone(const mas_plan *plan)
{
    mas_plan *sparse = malloc(sizeof *sparse);
    if (!sparse)
        return NULL;
    *sparse = *plan;
    sparse->full_layers = 0;
    memset(sparse->is_full, 0, sizeof sparse->is_full);
    return sparse;
}

json_t *mas_floors_record(const mas_point *point, const mas_corpus *corpus)
{
    const int64_t length = mas_point_context(point);
    double all = 0, sparse = 0;
    int64_t reach = 0;
    if (!corpus || mas_corpus_entropy(corpus, length, NULL, &all, NULL) != MAS_OK)
        return json_null();
    mas_plan *plan = sparse_alone(&point->plan);
    if (!plan)
        return json_null();
    const mas_corpus_sight sight = {plan, look};
    const bool known = !mas_attn_spec_is_full(&plan->sparse, length) &&
                       mas_plan_reach(plan, length, &reach, NULL) == MAS_OK &&
                       mas_corpus_entropy(corpus, length, &sight, &sparse, NULL) == MAS_OK;
    free(plan);
    json_t *json = json_object();
    mas_json_set_int(json, "length", length);
    mas_json_set_number(json, "full_reach", all);
    mas_json_set(json, "sparse_reach", known ? mas_json_number(sparse) : json_null());
    mas_json_set(json, "sparse_reach_tokens",
                 known ? json_integer((json_int_t)reach) : json_null());
    return json;
}

mas_status mas_record_refresh(json_t *result, const mas_point *point, const mas_corpus *corpus,
                              mas_error *err)
{
    int64_t reach = 0;
    const mas_status status = mas_plan_reach(&point->plan, point->training.seq_len, &reach, err);
    if (status != MAS_OK)
        return status;
    mas_json_set_int(json_object_get(result, "plan"), "reach", reach);
    if (corpus)
        mas_json_set(result, "floors", mas_floors_record(point, corpus));
    return MAS_OK;
}
