/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/table.h"

#include <stdio.h>

static bool sees(const mas_attn_spec *spec, int64_t position, int64_t key)
{
    return !spec->causal || key <= position;
}

static size_t runs(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out)
{
    const int64_t end = spec->causal && position + 1 < kv_len ? position + 1 : kv_len;
    if (end <= 0)
        return 0;
    out[0] = (mas_run){0, end};
    return 1;
}

static size_t max_runs(const mas_attn_spec *spec, int64_t kv_len)
{
    (void)spec, (void)kv_len;
    return 1;
}

static void label(const mas_attn_spec *spec, char *text, size_t size)
{
    (void)spec;
    snprintf(text, size, "full");
}

const mas_variant mas_variant_full = {
    .name = "full",
    .summary = "every key up to the query's own position",
    .source = "Vaswani et al., Attention Is All You Need, arXiv 1706.03762",
    .allows_non_causal = true,
    .sees = sees,
    .runs = runs,
    .max_runs = max_runs,
    .label = label,
};
