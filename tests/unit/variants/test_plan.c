/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/variants/specs.h"
#include "variants/plan.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

TestSuite(plan, .timeout = 30);

static mas_attention_config config_of(mas_placement_kind kind, int32_t full_layers)
{
    return (mas_attention_config){.sparse = spec_of("block_sparse block=64"),
                                  .full_layers = full_layers,
                                  .placement = {.kind = kind}};
}

static mas_plan plan_of(const mas_attention_config *config, int32_t layers)
{
    mas_plan plan;
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_plan_build(config, layers, &plan, &err), MAS_OK, "%s", err.text);
    return plan;
}

/* "0 6 12 18": the layers that are full. */
static void expect_layers(const mas_placement *placement, int32_t l, int32_t n, const char *want)
{
    bool full[MAS_LAYERS_MAX];
    char text[1024] = "";
    size_t used = 0;
    mas_error err = {MAS_OK, ""};
    memset(full, 1, sizeof full);
    cr_assert_eq(mas_placement_layers(placement, l, n, full, &err), MAS_OK, "%s", err.text);
    for (int i = 0; i < n; i++)
        if (full[i])
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", used ? " " : "", i);
    cr_assert_str_eq(text, want, "%s, %d of %d: %s, not %s", mas_placement_name(placement->kind), l,
                     n, text, want);
}

Test(plan, golden_layers)
{
    static const struct {
        mas_placement_kind kind;
        int32_t l, n;
        const char *want;
    } cases[] = {
        {MAS_PLACEMENT_BOTTOM, 4, 24, "0 1 2 3"},
        {MAS_PLACEMENT_TOP, 4, 24, "20 21 22 23"},
        {MAS_PLACEMENT_MIDDLE, 4, 24, "10 11 12 13"},
        {MAS_PLACEMENT_INTERLEAVED, 4, 24, "3 9 15 21"},
        {MAS_PLACEMENT_INTERLEAVED_FIRST, 4, 24, "0 6 12 18"},
        {MAS_PLACEMENT_INTERLEAVED_LAST, 4, 24, "5 11 17 23"},
        {MAS_PLACEMENT_ENDS_AND_MIDDLE, 3, 24, "0 12 23"},
        {MAS_PLACEMENT_MIDDLE, 3, 8, "2 3 4"},
        {MAS_PLACEMENT_MIDDLE, 2, 7, "2 3"},
        {MAS_PLACEMENT_INTERLEAVED, 3, 8, "1 4 6"},
        {MAS_PLACEMENT_INTERLEAVED_FIRST, 3, 8, "0 2 5"},
        {MAS_PLACEMENT_INTERLEAVED_LAST, 3, 8, "2 5 7"},
        {MAS_PLACEMENT_INTERLEAVED, 5, 12, "1 3 6 8 10"},
        {MAS_PLACEMENT_INTERLEAVED, 1, 6, "3"},
        {MAS_PLACEMENT_INTERLEAVED_FIRST, 1, 6, "0"},
        {MAS_PLACEMENT_INTERLEAVED_LAST, 1, 6, "5"},
        {MAS_PLACEMENT_ENDS_AND_MIDDLE, 3, 3, "0 1 2"},
        {MAS_PLACEMENT_ENDS_AND_MIDDLE, 3, 7, "0 3 6"},
        {MAS_PLACEMENT_BOTTOM, 1, 1, "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_placement placement = {.kind = cases[i].kind};
        expect_layers(&placement, cases[i].l, cases[i].n, cases[i].want);
    }
}

Test(plan, golden_periodic_and_list)
{
    const mas_placement gemma = {.kind = MAS_PLACEMENT_PERIODIC, .every = 6, .offset = 5};
    expect_layers(&gemma, MAS_FULL_LAYERS_UNSET, 26, "5 11 17 23");
    expect_layers(&gemma, 4, 24, "5 11 17 23");
    expect_layers(&gemma, MAS_FULL_LAYERS_UNSET, 5, "");
    const mas_placement even = {.kind = MAS_PLACEMENT_PERIODIC, .every = 2};
    expect_layers(&even, MAS_FULL_LAYERS_UNSET, 7, "0 2 4 6");
    const mas_placement each = {.kind = MAS_PLACEMENT_PERIODIC, .every = 1};
    expect_layers(&each, MAS_FULL_LAYERS_UNSET, 3, "0 1 2");
    const mas_placement list = {.kind = MAS_PLACEMENT_LIST, .count = 3, .list = {0, 5, 11}};
    expect_layers(&list, MAS_FULL_LAYERS_UNSET, 12, "0 5 11");
    expect_layers(&list, 3, 12, "0 5 11");
    const mas_placement none = {.kind = MAS_PLACEMENT_LIST};
    expect_layers(&none, MAS_FULL_LAYERS_UNSET, 4, "");
}

/* The formulas of the design, in floating point this time. */
static int by_formula(mas_placement_kind kind, int i, int l, int n)
{
    switch (kind) {
    case MAS_PLACEMENT_BOTTOM: return i;
    case MAS_PLACEMENT_TOP: return n - l + i;
    case MAS_PLACEMENT_MIDDLE: return (int)floor((n - l) / 2.0) + i;
    case MAS_PLACEMENT_INTERLEAVED: return (int)floor((i + 0.5) * n / l);
    case MAS_PLACEMENT_INTERLEAVED_FIRST: return (int)floor((double)(i * n) / l);
    default: return (int)ceil((double)((i + 1) * n) / l) - 1; /* interleaved_last */
    }
}

Test(plan, formulas)
{
    for (int kind = MAS_PLACEMENT_BOTTOM; kind <= MAS_PLACEMENT_INTERLEAVED_LAST; kind++)
        for (int n = 1; n <= MAS_LAYERS_MAX; n += n < 50 ? 1 : 23)
            for (int l = 0; l <= n; l++) {
                bool want[MAS_LAYERS_MAX] = {false}, got[MAS_LAYERS_MAX];
                const mas_placement placement = {.kind = (mas_placement_kind)kind};
                for (int i = 0; i < l; i++) {
                    const int layer = by_formula((mas_placement_kind)kind, i, l, n);
                    cr_assert(layer >= 0 && layer < n && !want[layer]);
                    want[layer] = true;
                }
                cr_assert_eq(mas_placement_layers(&placement, l, n, got, NULL), MAS_OK);
                cr_assert_eq(memcmp(want, got, (size_t)n * sizeof *want), 0, "%s, %d of %d",
                             mas_placement_name((mas_placement_kind)kind), l, n);
            }
}

static int count_full(const bool *full, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += full[i];
    return count;
}

Test(plan, random_layers)
{
    bool a[MAS_LAYERS_MAX], b[MAS_LAYERS_MAX];
    int hits[12] = {0};
    for (uint64_t seed = 0; seed < 1200; seed++) {
        const mas_placement placement = {.kind = MAS_PLACEMENT_RANDOM, .seed = seed};
        for (int l = 0; l <= 12; l += 3) {
            cr_assert_eq(mas_placement_layers(&placement, l, 12, a, NULL), MAS_OK);
            cr_assert_eq(mas_placement_layers(&placement, l, 12, b, NULL), MAS_OK);
            cr_assert_eq(count_full(a, 12), l);
            cr_assert_eq(memcmp(a, b, 12 * sizeof *a), 0);
            for (int i = 0; l == 3 && i < 12; i++)
                hits[i] += a[i];
        }
    }
    for (int i = 0; i < 12; i++) /* 300 each, standard deviation 15 */
        cr_assert(abs(hits[i] - 300) < 75, "layer %d was drawn %d times", i, hits[i]);
    /* part of recorded results: it must never change */
    const mas_placement placement = {.kind = MAS_PLACEMENT_RANDOM, .seed = 7};
    expect_layers(&placement, 4, 24, "2 9 17 21");
}

Test(plan, none_and_all_for_every_word)
{
    for (int kind = 0; kind < MAS_PLACEMENT_COUNT; kind++) {
        if (kind == MAS_PLACEMENT_PERIODIC || kind == MAS_PLACEMENT_LIST)
            continue;
        const mas_placement placement = {.kind = (mas_placement_kind)kind, .seed = 1};
        for (int n = 1; n < 9; n++) {
            bool full[9];
            cr_assert_eq(mas_placement_layers(&placement, 0, n, full, NULL), MAS_OK);
            cr_assert_eq(count_full(full, n), 0);
            cr_assert_eq(mas_placement_layers(&placement, MAS_FULL_LAYERS_UNSET, n, full, NULL),
                         MAS_OK);
            cr_assert_eq(count_full(full, n), 0);
            cr_assert_eq(mas_placement_layers(&placement, n, n, full, NULL), MAS_OK);
            cr_assert_eq(count_full(full, n), n);
        }
    }
}

static void refused(mas_placement placement, int32_t l, int32_t n, const char *says)
{
    bool full[MAS_LAYERS_MAX];
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_placement_layers(&placement, l, n, full, &err), MAS_E_ARGUMENT, "%s", says);
    cr_assert_not_null(strstr(err.text, says), "\"%s\" lacks \"%s\"", err.text, says);
}

Test(plan, refusals)
{
    const mas_placement_kind list = MAS_PLACEMENT_LIST, periodic = MAS_PLACEMENT_PERIODIC;
    refused((mas_placement){.kind = MAS_PLACEMENT_TOP}, 7, 6,
            "7 full layers cannot be placed among 6 layers");
    refused((mas_placement){.kind = MAS_PLACEMENT_TOP}, -2, 6, "-2 full layers");
    refused((mas_placement){.kind = MAS_PLACEMENT_TOP}, 0, 0, "not 0");
    refused((mas_placement){.kind = MAS_PLACEMENT_TOP}, 0, 257, "1 to 256 layers, not 257");
    refused((mas_placement){.kind = MAS_PLACEMENT_COUNT}, 0, 6, "unknown");
    refused((mas_placement){.kind = MAS_PLACEMENT_ENDS_AND_MIDDLE}, 2, 6,
            "3 full layers, not 2 among 6");
    refused((mas_placement){.kind = MAS_PLACEMENT_ENDS_AND_MIDDLE}, 1, 2, "not 1 among 2");
    refused((mas_placement){.kind = MAS_PLACEMENT_ENDS_AND_MIDDLE}, 3, 2, "3 full layers");
    refused((mas_placement){.kind = list, .count = 2, .list = {3, 12}}, -1, 12,
            "no layer 12; 12 layers are counted 0 to 11");
    refused((mas_placement){.kind = list, .count = 1, .list = {-1}}, -1, 12, "no layer -1");
    refused((mas_placement){.kind = list, .count = 3, .list = {1, 4, 4}}, -1, 12,
            "layer 4 is named twice");
    refused((mas_placement){.kind = list, .count = 3, .list = {1, 5, 3}}, -1, 12,
            "layer 3 comes after layer 5");
    refused((mas_placement){.kind = list, .count = 257}, -1, 12, "257 layers are named");
    refused((mas_placement){.kind = list, .count = 2, .list = {1, 5}}, 3, 12,
            "full_layers is 3, but the list placement makes 2 layers full");
    refused((mas_placement){.kind = periodic, .every = 6, .offset = 5}, 3, 12,
            "full_layers is 3, but the periodic placement makes 2 layers full");
    refused((mas_placement){.kind = periodic, .every = 0}, -1, 12, "every is 0");
    refused((mas_placement){.kind = periodic, .every = 4, .offset = 4}, -1, 12,
            "offset is 4; it must be 0 to 3");
    refused((mas_placement){.kind = periodic, .every = 4, .offset = -1}, -1, 12, "offset is -1");

    mas_attention_config config = config_of(MAS_PLACEMENT_TOP, 9);
    mas_plan plan = {.layers = 77};
    mas_error err;
    cr_assert_eq(mas_plan_build(&config, 6, &plan, &err), MAS_E_ARGUMENT);
    config.full_layers = 1;
    config.sparse.causal = false;
    cr_assert_eq(mas_plan_build(&config, 6, &plan, &err), MAS_E_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "causal"), "%s", err.text);
    config.sparse.variant = NULL;
    cr_assert_eq(mas_plan_build(&config, 6, &plan, &err), MAS_E_ARGUMENT);
    cr_assert_eq(plan.layers, 77);
}

Test(plan, words)
{
    static const char *const names[] = {"bottom",
                                        "top",
                                        "middle",
                                        "interleaved",
                                        "interleaved_first",
                                        "interleaved_last",
                                        "ends_and_middle",
                                        "periodic",
                                        "list",
                                        "random"};
    for (int i = 0; i < MAS_PLACEMENT_COUNT; i++) {
        cr_assert_str_eq(mas_placement_name((mas_placement_kind)i), names[i]);
        cr_assert(mas_placement_help((mas_placement_kind)i)[0] != '\0');
    }
    cr_assert_str_eq(mas_placement_name(MAS_PLACEMENT_COUNT), "unknown");
}

static void expect_label(const mas_attention_config *config, int32_t n, const char *label,
                         const char *letters)
{
    const mas_plan plan = plan_of(config, n);
    char text[128];
    mas_plan_label(&plan, &config->placement, text, sizeof text);
    cr_assert_str_eq(text, label);
    mas_plan_letters(&plan, text, sizeof text);
    cr_assert_str_eq(text, letters);
}

Test(plan, labels)
{
    mas_attention_config c = config_of(MAS_PLACEMENT_BOTTOM, 2);
    expect_label(&c, 6, "2 full of 6 (bottom) + block 64 own", "FFSSSS");
    c = config_of(MAS_PLACEMENT_TOP, 0);
    expect_label(&c, 6, "block 64 own", "SSSSSS");
    c = config_of(MAS_PLACEMENT_TOP, 3);
    expect_label(&c, 3, "full", "FFF");
    c = config_of(MAS_PLACEMENT_INTERLEAVED_LAST, 2);
    c.sparse = spec_of("sliding_window window=64 sinks=4");
    expect_label(&c, 4, "2 full of 4 (interleaved_last) + window 64 + 4 sinks", "SFSF");
    c = config_of(MAS_PLACEMENT_PERIODIC, MAS_FULL_LAYERS_UNSET);
    c.placement.every = 3;
    c.placement.offset = 2;
    expect_label(&c, 6, "2 full of 6 (every 3 from 2) + block 64 own", "SSFSSF");
    c = config_of(MAS_PLACEMENT_LIST, MAS_FULL_LAYERS_UNSET);
    c.placement.count = 2;
    c.placement.list[1] = 3;
    expect_label(&c, 5, "2 full of 5 (layers 0, 3) + block 64 own", "FSSFS");
    c = config_of(MAS_PLACEMENT_RANDOM, 1);
    c.placement.seed = 7;
    const mas_plan plan = plan_of(&c, 5);
    char text[128];
    mas_plan_label(&plan, &c.placement, text, sizeof text);
    cr_assert_str_eq(text, "1 full of 5 (random, seed 7) + block 64 own");
    mas_plan_label(&plan, NULL, text, sizeof text);
    cr_assert_str_eq(text, "1 full of 5 + block 64 own");
}

Test(plan, labels_are_cut_to_size)
{
    mas_attention_config c = config_of(MAS_PLACEMENT_LIST, MAS_FULL_LAYERS_UNSET);
    c.placement.count = 200; /* longer than any label */
    for (int i = 0; i < 200; i++)
        c.placement.list[i] = i;
    const mas_plan plan = plan_of(&c, 201);
    char text[512];
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, '#', sizeof text);
        mas_plan_label(&plan, &c.placement, text, size);
        cr_assert(size == 0 || memchr(text, '\0', size));
        mas_plan_letters(&plan, text, size);
        cr_assert(size == 0 || strlen(text) == (size - 1 < 201 ? size - 1 : 201));
        for (size_t i = size; i < sizeof text; i++)
            cr_assert_eq(text[i], '#');
    }
}

Test(plan, canonical)
{
    mas_attention_config c = config_of(MAS_PLACEMENT_TOP, 2), all = config_of(MAS_PLACEMENT_TOP, 6);
    const mas_attn_spec full = mas_attn_spec_full();
    mas_plan plan = plan_of(&c, 6);
    mas_plan_canonical(&plan, 65); /* a block of 64 is sparse here */
    cr_assert_eq(plan.full_layers, 2);
    cr_assert(mas_attn_spec_equal(&plan.sparse, &c.sparse));
    mas_plan_canonical(&plan, 64); /* and full here */
    cr_assert_eq(plan.full_layers, 6);
    cr_assert_eq(count_full(plan.is_full, 6), 6);
    cr_assert(mas_attn_spec_equal(&plan.sparse, &full));

    plan = plan_of(&all, 6); /* l = n: what the others would get does not matter */
    mas_plan_canonical(&plan, 1000);
    cr_assert(mas_attn_spec_equal(&plan.sparse, &full));
    cr_assert(mas_attn_spec_equal(&plan.full, &full));

    c.sparse = spec_of("sliding_window window=32 sinks=32");
    c.full_layers = 0;
    plan = plan_of(&c, 6);
    mas_plan_canonical(&plan, 64);
    cr_assert_eq(plan.full_layers, 6);
}

/* With 0 full layers, or with all, every placement is the same plan. */
Test(plan, canonical_forgets_placement)
{
    for (int32_t l = 0; l <= 6; l += 6) {
        const mas_attention_config first = config_of(MAS_PLACEMENT_BOTTOM, l);
        mas_plan want = plan_of(&first, 6);
        mas_plan_canonical(&want, 1000);
        for (int kind = 0; kind < MAS_PLACEMENT_COUNT; kind++) {
            if (kind == MAS_PLACEMENT_PERIODIC || kind == MAS_PLACEMENT_LIST)
                continue;
            const mas_attention_config c = config_of((mas_placement_kind)kind, l);
            mas_plan plan = plan_of(&c, 6);
            mas_plan_canonical(&plan, 1000);
            cr_assert_eq(memcmp(plan.is_full, want.is_full, 6 * sizeof(bool)), 0);
            cr_assert(mas_attn_spec_equal(&plan.sparse, &want.sparse));
        }
    }
}

Test(plan, layer_spec)
{
    const mas_attention_config c = config_of(MAS_PLACEMENT_BOTTOM, 1);
    const mas_plan plan = plan_of(&c, 2);
    cr_assert_eq(mas_plan_layer(&plan, 0), &plan.full);
    cr_assert_eq(mas_plan_layer(&plan, 1), &plan.sparse);
}
