/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/bench/bench.h"

#include <fnmatch.h>
#include <stdlib.h>

/* Of the table, those whose names match; NULL: no memory. */
static const mas_attn_kernel **named(mas_attn_table table, const char *glob)
{
    size_t count = 0, kept = 0;
    while (table[count])
        count++;
    const mas_attn_kernel **some = calloc(count + 1, sizeof *some);
    for (size_t i = 0; some && i < count; i++)
        if (glob[0] == '\0' || fnmatch(glob, table[i]->name, 0) == 0)
            some[kept++] = table[i];
    return some;
}

mas_status mas_bench_choose(mas_attn_table table, const mas_bench_config *config,
                            const mas_attn_problem *p, const mas_attn_kernel **out, char *refusals,
                            size_t refusals_size, mas_error *err)
{
    const mas_attn_kernel **some = named(table, config->name);
    if (!some)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a list of kernels");
    *out = mas_attn_select(some, p, config->op, refusals, refusals_size);
    free(some);
    if (*out)
        return MAS_OK;
    if (refusals[0] == '\0')
        return mas_fail(err, MAS_E_UNSUPPORTED, "no %s kernel is called '%s' on this device",
                        mas_bench_op_name(config->op), config->name);
    return mas_fail(err, MAS_E_UNSUPPORTED, "no kernel serves the problem: %s", refusals);
}
