/* SPDX-License-Identifier: Apache-2.0 */
/* How far back a text's own evidence lies: an induction head's view of a document. One pass with an
 * open hash table of the (context + 1)-grams seen so far, each with its last place. */
#include "harness/corpus/internal.h"

#include <stdlib.h>
#include <string.h>

mas_status mas_evidence_find(const int32_t *tokens, int64_t count, int32_t context,
                             int32_t *evidence, mas_error *err)
{
    int bits = 4; /* at least twice as many slots as grams */
    while (((int64_t)1 << bits) < 2 * count)
        bits++;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    int64_t *last = calloc((size_t)mask + 1, sizeof *last); /* place + 1; 0: empty */
    if (!last)
        return mas_fail(err, MAS_E_MEMORY, "no memory to look for evidence in %lld tokens",
                        (long long)count);
    const size_t gram = (size_t)context + 1;
    for (int64_t i = 0; i < count; i++) {
        evidence[i] = 0;
        if (i < context)
            continue;
        const int32_t *const here = tokens + i - context;
        uint64_t hash = 0;
        for (size_t j = 0; j < gram; j++)
            hash = (hash ^ (uint64_t)(uint32_t)here[j]) * 0x9e3779b97f4a7c15u + 1;
        uint64_t slot = mas_mix64(hash) & mask;
        while (last[slot] && memcmp(tokens + last[slot] - 1 - context, here, gram * sizeof *here))
            slot = (slot + 1) & mask;
        if (last[slot])
            evidence[i] =
                i + 1 - last[slot] <= INT32_MAX ? (int32_t)(i + 1 - last[slot]) : INT32_MAX;
        last[slot] = i + 1;
    }
    free(last);
    return MAS_OK;
}
