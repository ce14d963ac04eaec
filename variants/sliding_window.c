/* SPDX-License-Identifier: Apache-2.0 */
/* A window of W shows W keys, the query's own included. Other conventions: FlashAttention's (left,
 * right) is (W - 1, 0); figures that count w keys on each side mean W = w + 1 under the causal
 * mask. */
#include "variants/table.h"

#include <inttypes.h>
#include <stdio.h>

enum { WINDOW };

static const mas_option options[] = {
    [WINDOW] = {.name = "window",
                .type = MAS_OPTION_INT,
                .default_value = 1,
                .min = 1,
                .max = (int64_t)1 << 40,
                .required = true,
                .help = "visible keys, the query's own included"},
};

static bool sees(const mas_attn_spec *spec, int64_t position, int64_t key)
{
    const int64_t back = position - key;
    return back >= 0 && back < spec->value[WINDOW];
}

static size_t runs(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out)
{
    int64_t begin = position - spec->value[WINDOW] + 1, end = position + 1;
    begin = begin > 0 ? begin : 0;
    end = end < kv_len ? end : kv_len;
    if (begin >= end)
        return 0;
    out[0] = (mas_run){begin, end};
    return 1;
}

static size_t max_runs(const mas_attn_spec *spec, int64_t kv_len)
{
    (void)spec, (void)kv_len;
    return 1;
}

static void label(const mas_attn_spec *spec, char *text, size_t size)
{
    snprintf(text, size, "window %" PRId64, spec->value[WINDOW]);
}

const mas_variant mas_variant_sliding_window = {
    .name = "sliding_window",
    .summary = "the last `window` keys, the query's own included",
    .source = "Beltagy et al., Longformer, arXiv 2004.05150; Jiang et al., Mistral 7B, "
              "arXiv 2310.06825",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .sees = sees,
    .runs = runs,
    .max_runs = max_runs,
    .label = label,
};
