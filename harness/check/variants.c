/* SPDX-License-Identifier: Apache-2.0 */
/* The options at which the masks of the variants are checked, so that a new row of the table is checked
 * without a word about it here. */
#include "harness/check/internal.h"

#include <math.h>
#include <stdlib.h>

/* Numbers drawn are at most so far above an option's minimum: blocks and windows of which a tile holds several. */
#define SMALL 24
#define SINKS 3

static bool append(mas_check_specs *list, const mas_attn_spec *spec)
{
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 16;
        mas_attn_spec *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return false;
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = *spec;
    return true;
}

/* Small numbers for the options; one that the variant refuses, such as a stride beside a layout without
 * one, stays what it was. */
static void draw_numbers(mas_attn_spec *spec, bool required_only, mas_rng *rng)
{
    for (size_t i = 0; i < spec->variant->option_count; i++) {
        const mas_option *option = &spec->variant->options[i];
        if (option->type != MAS_OPTION_INT || (required_only && !option->required))
            continue;
        mas_attn_spec attempt = *spec;
        attempt.value[i] = option->min + (int64_t)exp2(mas_rng_uniform(rng) * log2(SMALL + 1)) - 1;
        if (mas_attn_spec_check(&attempt, NULL) == MAS_OK)
            *spec = attempt;
    }
}

/* The next choice of words, as an odometer counts; false when all have been. */
static bool next_words(mas_attn_spec *spec)
{
    for (size_t i = 0; i < spec->variant->option_count; i++) {
        const mas_option *option = &spec->variant->options[i];
        if (option->type != MAS_OPTION_WORD)
            continue;
        if (option->words[++spec->value[i]])
            return true;
        spec->value[i] = 0;
    }
    return false;
}

static bool append_choice(mas_check_specs *list, const mas_attn_spec *words, mas_rng *rng)
{
    mas_attn_spec usual = *words;
    if (mas_attn_spec_check(&usual, NULL) != MAS_OK)
        return true; /* it wants a file */
    mas_attn_spec drawn = usual;
    draw_numbers(&usual, true, rng);
    draw_numbers(&drawn, false, rng);
    drawn.sinks = SINKS;
    bool ok = append(list, &usual) && append(list, &drawn);
    if (usual.variant->allows_non_causal) {
        draw_numbers(&drawn, false, rng);
        drawn.sinks = 0;
        drawn.causal = false;
        ok = ok && append(list, &drawn);
    }
    return ok;
}

mas_status mas_check_specs_make(const mas_variant *const *variants, uint64_t seed,
                                mas_check_specs *out, mas_error *err)
{
    bool ok = true;
    *out = (mas_check_specs){.items = NULL};
    for (size_t v = 0; ok && variants[v]; v++) {
        mas_rng rng = mas_rng_seed(seed, v);
        mas_attn_spec spec = mas_attn_spec_default(variants[v]);
        for (size_t i = 0; i < variants[v]->option_count; i++)
            if (variants[v]->options[i].type == MAS_OPTION_WORD)
                spec.value[i] = 0;
        do
            ok = append_choice(out, &spec, &rng);
        while (ok && next_words(&spec));
    }
    if (ok)
        return MAS_OK;
    free(out->items);
    *out = (mas_check_specs){.items = NULL};
    return mas_fail(err, MAS_E_MEMORY, "no memory for the options of the variants");
}
