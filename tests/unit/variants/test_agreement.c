/* SPDX-License-Identifier: Apache-2.0 */
/* A variant whose two statements differ is found, whichever is wrong and wherever. */
#include "tests/unit/variants/specs.h"
#include "variants/agreement.h"
#include "variants/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(agreement, .timeout = 60);

Test(agreement, sound_variants)
{
    static const char *const specs[] = {
        "full",
        "full causal=0 sinks=3",
        "sliding_window window=1",
        "sliding_window window=256 sinks=4",
        "block_sparse block=64 sinks=70",
        "block_sparse block=5 sinks=7 causal=0",
        "block_sparse block=33 layout=local local=2",
        "block_sparse block=1 layout=strided stride=5 sinks=2",
        "block_sparse block=64 layout=bigbird",
        "block_sparse block=3 layout=bigbird window_blocks=2 global_blocks=0 random_blocks=64",
        "block_sparse block=4 layout=bigbird random_blocks=2 causal=0 sinks=1",
    };
    static const int64_t lengths[] = {1, 2, 63, 64, 65, 1000, 1 << 20};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            const mas_attn_spec spec = spec_of(specs[i]);
            mas_error err = {MAS_OK, ""};
            cr_expect_eq(mas_attn_spec_agrees(&spec, lengths[l], &err), MAS_OK, "%s", err.text);
        }
}

/* ---- a window with a wrong `runs` ---- */

static const mas_attn_spec *base_of(const mas_attn_spec *spec, mas_attn_spec *base)
{
    *base = *spec;
    base->variant = &mas_variant_sliding_window;
    return base;
}

static bool sees(const mas_attn_spec *spec, int64_t position, int64_t key)
{
    mas_attn_spec base;
    return mas_variant_sliding_window.sees(base_of(spec, &base), position, key);
}

static size_t good(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out)
{
    mas_attn_spec base;
    return mas_variant_sliding_window.runs(base_of(spec, &base), position, kv_len, out);
}

static size_t one_key_more(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                           mas_run *out)
{
    const size_t count = good(spec, position, kv_len, out);
    out[0].begin -= out[0].begin > 0;
    return count;
}

static size_t own_key_hidden(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                             mas_run *out)
{
    const size_t count = good(spec, position, kv_len, out);
    return --out[0].end > out[0].begin ? count : 0;
}

static size_t nothing_far_out(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                              mas_run *out)
{
    return position < kv_len / 2 ? good(spec, position, kv_len, out) : 0;
}

static size_t last_row_empty(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                             mas_run *out)
{
    return position + 1 < kv_len ? good(spec, position, kv_len, out) : 0;
}

static size_t a_hole(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out)
{
    const size_t count = good(spec, position, kv_len, out);
    if (out[0].end - out[0].begin < 4)
        return count;
    out[1] = (mas_run){out[0].end - 1, out[0].end};
    out[0].end -= 2;
    return 2;
}

static size_t two_that_touch(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                             mas_run *out)
{
    const size_t count = good(spec, position, kv_len, out);
    if (out[0].end - out[0].begin < 2)
        return count;
    out[1] = (mas_run){out[0].end - 1, out[0].end};
    out[0].end--;
    return 2;
}

static size_t past_the_end(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                           mas_run *out)
{
    const size_t count = good(spec, position, kv_len, out);
    out[0].end = position + 2;
    return count;
}

static size_t two_runs(const mas_attn_spec *spec, int64_t kv_len)
{
    (void)spec, (void)kv_len;
    return 2;
}

static const struct {
    const char *says; /* part of the message */
    size_t (*runs)(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out);
} wrong[] = {
    {"`runs` shows it and `sees` does not", one_key_more},
    {"position 0 of 1000, key 0: `sees` shows it and `runs` does not", own_key_hidden},
    {"`sees` shows it and `runs` does not", nothing_far_out},
    {"position 999 of 1000", last_row_empty},
    {"position 3 of 1000, key 2: `sees` shows it and `runs` does not", a_hole},
    {"apart from each other", two_that_touch},
    {"position 0 of 1000, key 1: `runs` shows it and `sees` does not", past_the_end},
};

Test(agreement, contradictions)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mas_variant variant = mas_variant_sliding_window;
        variant.name = "contradictory";
        variant.sees = sees;
        variant.runs = wrong[i].runs;
        variant.max_runs = two_runs;
        mas_attn_spec spec = mas_attn_spec_default(&variant);
        spec.value[0] = wrong[i].runs == one_key_more ? 400 : 300;
        mas_error err = {MAS_OK, ""};
        cr_expect_eq(mas_attn_spec_agrees(&spec, 1000, &err), MAS_E_SCHEDULE, "number %zu", i);
        cr_expect_not_null(strstr(err.text, wrong[i].says), "number %zu: %s", i, err.text);
        cr_expect_not_null(strstr(err.text, "contradictory"), "%s", err.text);
    }
}

static size_t one_run(const mas_attn_spec *spec, int64_t kv_len)
{
    (void)spec, (void)kv_len;
    return 1;
}

Test(agreement, more_runs_than_promised)
{
    mas_variant variant = mas_variant_sliding_window;
    variant.sees = sees;
    variant.runs = a_hole;
    variant.max_runs = one_run;
    mas_attn_spec spec = mas_attn_spec_default(&variant);
    spec.value[0] = 300;
    mas_error err = {MAS_OK, ""};
    cr_expect_eq(mas_attn_spec_agrees(&spec, 1000, &err), MAS_E_SCHEDULE);
    cr_expect_not_null(strstr(err.text, "max_runs"), "%s", err.text);
}
