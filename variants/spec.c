/* SPDX-License-Identifier: Apache-2.0 */
/* What every variant has in common: defaults, checks, the mask with sinks, and questions answered
 * from the mask. */
#include "variants/layout_file.h"
#include "variants/suggest.h"
#include "variants/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SINKS_MAX ((int64_t)1 << 40)

mas_attn_spec mas_attn_spec_default(const mas_variant *variant)
{
    mas_attn_spec spec = {.variant = variant, .causal = true};
    for (size_t i = 0; i < variant->option_count; i++) {
        const mas_option *option = &variant->options[i];
        const bool minimum = option->required && option->type == MAS_OPTION_INT;
        spec.value[i] = minimum ? option->min : option->default_value;
    }
    return spec;
}

mas_attn_spec mas_attn_spec_full(void)
{
    return mas_attn_spec_default(&mas_variant_full);
}

static mas_status check_option(const mas_attn_spec *spec, size_t index, mas_error *err)
{
    const char *variant = spec->variant->name;
    const mas_option *option = &spec->variant->options[index];
    const int64_t value = spec->value[index];
    size_t words = 0;
    switch (option->type) {
    case MAS_OPTION_INT:
        if (value < option->min || value > option->max)
            return mas_fail(err, MAS_E_ARGUMENT, "%s: %s is %lld; it must be %lld to %lld (%s)",
                            variant, option->name, (long long)value, (long long)option->min,
                            (long long)option->max, option->help);
        return MAS_OK;
    case MAS_OPTION_WORD:
        while (option->words[words])
            words++;
        if (value < 0 || (uint64_t)value >= words) {
            char known[256];
            mas_words_join(option->words, words, known, sizeof known);
            return mas_fail(err, MAS_E_ARGUMENT, "%s: %s is word number %lld; known: %s", variant,
                            option->name, (long long)value, known);
        }
        return MAS_OK;
    case MAS_OPTION_PATH:
        if (!memchr(spec->path, '\0', sizeof spec->path))
            return mas_fail(err, MAS_E_ARGUMENT, "%s: %s must be shorter than %zu bytes", variant,
                            option->name, sizeof spec->path);
        if (option->required && spec->path[0] == '\0')
            return mas_fail(err, MAS_E_ARGUMENT, "%s: %s: PATH is missing", variant, option->name);
        return MAS_OK;
    }
    return mas_fail(err, MAS_E_ARGUMENT, "%s: %s has an unknown type", variant, option->name);
}

mas_status mas_attn_spec_check(mas_attn_spec *spec, mas_error *err)
{
    const mas_variant *variant = spec->variant;
    if (!variant)
        return mas_fail(err, MAS_E_ARGUMENT, "an attention variant must be named");
    bool takes_path = false;
    for (size_t i = 0; i < variant->option_count; i++) {
        const mas_status status = check_option(spec, i, err);
        if (status != MAS_OK)
            return status;
        takes_path |= variant->options[i].type == MAS_OPTION_PATH;
    }
    if (!takes_path && spec->path[0] != '\0')
        return mas_fail(err, MAS_E_ARGUMENT, "%s takes no file", variant->name);
    if (spec->sinks < 0 || spec->sinks > SINKS_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "%s: sinks is %lld; it must be 0 to %lld",
                        variant->name, (long long)spec->sinks, (long long)SINKS_MAX);
    if (!spec->causal && !variant->allows_non_causal)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "%s is causal by definition; causal: false is for full and block_sparse",
                        variant->name);
    return variant->check ? variant->check(spec, err) : MAS_OK;
}

/* ---- the mask: the variant's own, and the sinks ---- */

static bool mask_sees(const mas_mask *mask, int64_t position, int64_t key)
{
    const mas_attn_spec *spec = mask->self;
    if (key < spec->sinks && (!spec->causal || key <= position))
        return true;
    return spec->variant->sees(spec, position, key);
}

/* The sinks' run comes first and swallows what it touches. The variant's runs are written one place
 * up, so that merging can go on in place. */
static size_t mask_runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    const mas_attn_spec *spec = mask->self;
    int64_t sinks = spec->sinks < kv_len ? spec->sinks : kv_len;
    if (spec->causal && position + 1 < sinks)
        sinks = position + 1;
    if (sinks <= 0)
        return spec->variant->runs(spec, position, kv_len, runs);
    const size_t count = 1 + spec->variant->runs(spec, position, kv_len, runs + 1);
    size_t merged = 1;
    runs[0] = (mas_run){0, sinks};
    while (merged < count && runs[merged].begin <= runs[0].end) {
        if (runs[merged].end > runs[0].end)
            runs[0].end = runs[merged].end;
        merged++;
    }
    memmove(runs + 1, runs + merged, (count - merged) * sizeof *runs);
    return 1 + count - merged;
}

static size_t mask_max_runs(const mas_mask *mask, int64_t kv_len)
{
    const mas_attn_spec *spec = mask->self;
    return spec->variant->max_runs(spec, kv_len) + (spec->sinks > 0);
}

mas_mask mas_attn_spec_mask(const mas_attn_spec *spec)
{
    return (mas_mask){spec, mask_sees, mask_runs, mask_max_runs};
}

/* ---- questions ---- */

bool mas_attn_spec_is_full(const mas_attn_spec *spec, int64_t length)
{
    if (spec->variant == &mas_variant_full && spec->causal)
        return true;
    const mas_mask mask = mas_attn_spec_mask(spec);
    mas_run *runs = malloc((mask_max_runs(&mask, length) + 1) * sizeof *runs);
    bool full = runs != NULL;
    for (int64_t p = length - 1; full && p >= 0; p--) /* the last rows differ first */
        full = mask_runs(&mask, p, length, runs) == 1 && runs[0].begin == 0 && runs[0].end == p + 1;
    free(runs);
    return full;
}

bool mas_attn_spec_equal(const mas_attn_spec *a, const mas_attn_spec *b)
{
    if (a->variant != b->variant || a->sinks != b->sinks || a->causal != b->causal)
        return false;
    for (size_t i = 0; i < a->variant->option_count; i++)
        if (a->variant->options[i].type != MAS_OPTION_PATH && a->value[i] != b->value[i])
            return false;
    return mas_block_layout_equal(a->layout, b->layout);
}

void mas_attn_spec_label(const mas_attn_spec *spec, char *text, size_t size)
{
    if (size == 0)
        return;
    spec->variant->label(spec, text, size);
    size_t used = strlen(text);
    if (spec->sinks > 0) {
        snprintf(text + used, size - used, " + %lld sink%s", (long long)spec->sinks,
                 spec->sinks == 1 ? "" : "s");
        used = strlen(text);
    }
    if (!spec->causal)
        snprintf(text + used, size - used, " not causal");
}

int64_t mas_attn_spec_reach(const mas_attn_spec *spec, int64_t length)
{
    int64_t reach = 1;
    if (spec->variant == &mas_variant_full)
        return length > 1 ? length : 1;
    mas_run *runs = malloc((spec->variant->max_runs(spec, length) + 1) * sizeof *runs);
    if (!runs)
        return length;
    for (int64_t p = 0; p < length; p++) {
        const size_t count = spec->variant->runs(spec, p, length, runs);
        if (count > 0 && p - runs[0].begin + 1 > reach)
            reach = p - runs[0].begin + 1;
    }
    free(runs);
    return reach;
}
