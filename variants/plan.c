/* SPDX-License-Identifier: Apache-2.0 */
/* Placements are written as the formulas of their one-line help, in whole numbers. */
#include "variants/plan.h"

#include "masbench/rng.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *help;
} placements[] = {
    [MAS_PLACEMENT_BOTTOM] = {"bottom", "the first l layers"},
    [MAS_PLACEMENT_TOP] = {"top", "the last l layers"},
    [MAS_PLACEMENT_MIDDLE] = {"middle", "l layers in a row from floor((n - l) / 2)"},
    [MAS_PLACEMENT_INTERLEAVED] = {"interleaved", "floor((i + 0.5) n / l) for i = 0 .. l-1"},
    [MAS_PLACEMENT_INTERLEAVED_FIRST] = {"interleaved_first", "floor(i n / l) for i = 0 .. l-1"},
    [MAS_PLACEMENT_INTERLEAVED_LAST] = {"interleaved_last",
                                        "ceil((i + 1) n / l) - 1 for i = 0 .. l-1"},
    [MAS_PLACEMENT_ENDS_AND_MIDDLE] = {"ends_and_middle",
                                       "l = 3: layers 0, floor(n / 2) and n - 1"},
    [MAS_PLACEMENT_PERIODIC] = {"periodic", "layers offset, offset + every, ...; l follows from n"},
    [MAS_PLACEMENT_LIST] = {"list", "the layers named, counted from 0"},
    [MAS_PLACEMENT_RANDOM] = {"random", "l different layers drawn by seed"},
};
static_assert(sizeof placements / sizeof *placements == MAS_PLACEMENT_COUNT,
              "one row per placement");

const char *mas_placement_name(mas_placement_kind kind)
{
    return (unsigned)kind < MAS_PLACEMENT_COUNT ? placements[kind].name : "unknown";
}

const char *mas_placement_help(mas_placement_kind kind)
{
    return (unsigned)kind < MAS_PLACEMENT_COUNT ? placements[kind].help : "";
}

static mas_status check_given(const char *what, int32_t given, int32_t found, mas_error *err)
{
    if (given == MAS_FULL_LAYERS_UNSET || given == found)
        return MAS_OK;
    return mas_fail(
        err, MAS_E_ARGUMENT,
        "full_layers is %d, but the %s placement makes %d layer%s full; leave full_layers out",
        given, what, found, found == 1 ? "" : "s");
}

static mas_status place_periodic(const mas_placement *p, int32_t given, int32_t n, bool *is_full,
                                 mas_error *err)
{
    if (p->every < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "periodic placement: every is %d; it must be at least 1", p->every);
    if (p->offset < 0 || p->offset >= p->every)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "periodic placement: offset is %d; it must be 0 to %d (every - 1)",
                        p->offset, p->every - 1);
    int32_t count = 0;
    for (int64_t i = p->offset; i < n; i += p->every) {
        is_full[i] = true;
        count++;
    }
    return check_given("periodic", given, count, err);
}

static mas_status place_list(const mas_placement *p, int32_t given, int32_t n, bool *is_full,
                             mas_error *err)
{
    if (p->count < 0 || p->count > MAS_LAYERS_MAX)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "placement list: %d layers are named; at most %d can be", p->count,
                        MAS_LAYERS_MAX);
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t layer = p->list[i];
        if (layer < 0 || layer >= n)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "placement list: there is no layer %d; %d layers are counted 0 to %d",
                            layer, n, n - 1);
        if (i > 0 && layer == p->list[i - 1])
            return mas_fail(err, MAS_E_ARGUMENT, "placement list: layer %d is named twice", layer);
        if (i > 0 && layer < p->list[i - 1])
            return mas_fail(
                err, MAS_E_ARGUMENT,
                "placement list: layer %d comes after layer %d; name layers in ascending order",
                layer, p->list[i - 1]);
        is_full[layer] = true;
    }
    return check_given("list", given, p->count, err);
}

/* A partial shuffle: after i steps the first i entries are a uniform draw without replacement. */
static void place_random(uint64_t seed, int32_t l, int32_t n, bool *is_full)
{
    int32_t order[MAS_LAYERS_MAX];
    mas_rng rng = mas_rng_seed(seed, 0);
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    for (int32_t i = 0; i < l; i++) {
        const int32_t j = i + (int32_t)mas_rng_below(&rng, (uint64_t)(n - i));
        const int32_t layer = order[j];
        order[j] = order[i];
        is_full[layer] = true;
    }
}

static int32_t word_layer(mas_placement_kind kind, int32_t i, int32_t l, int32_t n)
{
    switch (kind) {
    case MAS_PLACEMENT_TOP: return n - l + i;
    case MAS_PLACEMENT_MIDDLE: return (n - l) / 2 + i;
    case MAS_PLACEMENT_INTERLEAVED: return (2 * i + 1) * n / (2 * l);
    case MAS_PLACEMENT_INTERLEAVED_FIRST: return i * n / l;
    case MAS_PLACEMENT_INTERLEAVED_LAST: return ((i + 1) * n + l - 1) / l - 1;
    case MAS_PLACEMENT_ENDS_AND_MIDDLE: return i == 0 ? 0 : i == 1 ? n / 2 : n - 1;
    default: return i; /* bottom */
    }
}

mas_status mas_placement_layers(const mas_placement *placement, int32_t full_layers, int32_t layers,
                                bool *is_full, mas_error *err)
{
    const mas_placement_kind kind = placement->kind;
    if (layers < 1 || layers > MAS_LAYERS_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "a model has 1 to %d layers, not %d", MAS_LAYERS_MAX,
                        layers);
    if ((unsigned)kind >= MAS_PLACEMENT_COUNT)
        return mas_fail(err, MAS_E_ARGUMENT, "placement number %d is unknown", (int)kind);
    if (full_layers != MAS_FULL_LAYERS_UNSET && (full_layers < 0 || full_layers > layers))
        return mas_fail(err, MAS_E_ARGUMENT, "%d full layers cannot be placed among %d layers",
                        full_layers, layers);
    memset(is_full, 0, (size_t)layers * sizeof *is_full);
    if (kind == MAS_PLACEMENT_PERIODIC)
        return place_periodic(placement, full_layers, layers, is_full, err);
    if (kind == MAS_PLACEMENT_LIST)
        return place_list(placement, full_layers, layers, is_full, err);

    const int32_t l = full_layers == MAS_FULL_LAYERS_UNSET ? 0 : full_layers;
    if (kind == MAS_PLACEMENT_RANDOM) {
        place_random(placement->seed, l, layers, is_full);
        return MAS_OK;
    }
    if (kind == MAS_PLACEMENT_ENDS_AND_MIDDLE && l != 0 && l != 3 && l != layers)
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "placement ends_and_middle is for 3 full layers, not %d among %d; use interleaved", l,
            layers);
    const bool all = l == layers;
    for (int32_t i = 0; i < l; i++)
        is_full[all ? i : word_layer(kind, i, l, layers)] = true;
    return MAS_OK;
}

mas_status mas_plan_build(const mas_attention_config *config, int32_t layers, mas_plan *out,
                          mas_error *err)
{
    if (!config->sparse.variant)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "the layers that are not full need an attention variant");
    if (!config->sparse.causal)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "a decoder's layers are causal; causal: false is for kernel problems");
    mas_plan plan = {.layers = layers, .sparse = config->sparse, .full = mas_attn_spec_full()};
    const mas_status status =
        mas_placement_layers(&config->placement, config->full_layers, layers, plan.is_full, err);
    if (status != MAS_OK)
        return status;
    for (int32_t i = 0; i < layers; i++)
        plan.full_layers += plan.is_full[i];
    *out = plan;
    return MAS_OK;
}

void mas_plan_canonical(mas_plan *plan, int64_t length)
{
    if (plan->full_layers < plan->layers) {
        if (!mas_attn_spec_is_full(&plan->sparse, length))
            return;
        for (int32_t i = 0; i < plan->layers; i++)
            plan->is_full[i] = true;
        plan->full_layers = plan->layers;
    }
    plan->full = mas_attn_spec_full();
    plan->sparse = plan->full;
}

void mas_placement_label(const mas_placement *p, char *text, size_t size)
{
    size_t used = 0;
    switch (p->kind) {
    case MAS_PLACEMENT_PERIODIC:
        snprintf(text, size, "every %d from %d", p->every, p->offset);
        break;
    case MAS_PLACEMENT_RANDOM:
        snprintf(text, size, "random, seed %llu", (unsigned long long)p->seed);
        break;
    case MAS_PLACEMENT_LIST:
        for (int32_t i = 0; i < p->count && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%d", i ? ", " : "layers ",
                                     p->list[i]);
        break;
    default: snprintf(text, size, "%s", mas_placement_name(p->kind)); break;
    }
}

void mas_plan_label(const mas_plan *plan, const mas_placement *placement, char *text, size_t size)
{
    if (size == 0)
        return;
    const bool uniform = plan->full_layers == 0 || plan->full_layers == plan->layers;
    if (uniform) {
        mas_attn_spec_label(mas_plan_layer(plan, 0), text, size);
        return;
    }
    char where[128] = "";
    if (placement)
        mas_placement_label(placement, where, sizeof where);
    const int n = snprintf(text, size, "%d full of %d%s%s%s + ", plan->full_layers, plan->layers,
                           placement ? " (" : "", where, placement ? ")" : "");
    if (n > 0 && (size_t)n < size)
        mas_attn_spec_label(&plan->sparse, text + n, size - (size_t)n);
}

void mas_plan_letters(const mas_plan *plan, char *text, size_t size)
{
    if (size == 0)
        return;
    size_t n = 0;
    for (; n < (size_t)plan->layers && n + 1 < size; n++)
        text[n] = plan->is_full[n] ? 'F' : 'S';
    text[n] = '\0';
}
