/* SPDX-License-Identifier: Apache-2.0 */
/* A key is kept from its own position to that of the last query that sees it. Queries are taken from the last
 * one to the first, so the first that shows a key is the one; keys already found are passed over in one step. */
#include "variants/kv_cache.h"

#include "variants/open_keys.h"

#include <stdlib.h>

/* change[t]: by how much the number of keys kept at position t differs from the one before. */
static void keep(int64_t *change, int64_t *link, mas_run run, int64_t position)
{
    const int64_t end =
        run.end <= position ? run.end : position + 1; /* a later key is not there yet */
    for (int64_t key = mas_open_from(link, run.begin); key < end; key = mas_open_from(link, key)) {
        change[key]++;
        change[position + 1]--;
        link[key] = key + 1;
    }
}

mas_status mas_attn_spec_kv_cache_tokens(const mas_attn_spec *spec, int64_t length, int64_t *tokens,
                                         mas_error *err)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    mas_run *runs = malloc((mask.max_runs(&mask, length) + 1) * sizeof *runs);
    int64_t *link = malloc((size_t)(length + 1) * sizeof *link);
    int64_t *change = calloc((size_t)(length + 1), sizeof *change);
    mas_status status = MAS_OK;
    if (!runs || !link || !change) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to count the keys kept among %lld",
                          (long long)length);
        goto done;
    }
    for (int64_t key = 0; key <= length; key++)
        link[key] = key;
    for (int64_t position = length - 1; position >= 0; position--) {
        const size_t count = mask.runs(&mask, position, length, runs);
        for (size_t i = 0; i < count; i++)
            keep(change, link, runs[i], position);
    }
    *tokens = 0;
    for (int64_t position = 0, kept = 0; position < length; position++) {
        kept += change[position];
        *tokens = kept > *tokens ? kept : *tokens;
    }
done:
    free(runs);
    free(link);
    free(change);
    return status;
}
