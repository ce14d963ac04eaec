/* SPDX-License-Identifier: Apache-2.0 */
/* The receptive-field probe: it agrees with every variant's mask, whatever surrounds it, and catches a plan
 * that is not the built one. */
#include "harness/cli/probe.h"
#include "harness/lm/probe.h"
#include "tests/unit/variants/specs.h"
#include "variants/reach.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(probe, .timeout = 120);

enum { LAYERS = 5, LENGTH = 67 };

static mas_model_config small_config(int32_t layers)
{
    mas_model_config config = mas_model_config_default();
    mas_error err = {0};
    config.layers = layers;
    config.width = 32;
    config.heads = 4;
    config.kv_heads = 2;
    cr_assert_eq(mas_model_config_resolve(&config, 257, LENGTH, &err), MAS_OK, "%s", err.text);
    return mas_probe_config(&config);
}

/* Probe one token of a model with this plan against another plan; what was printed. */
static char *probed(const mas_model_config *config, const mas_plan *plan, const mas_plan *expected,
                    int64_t position, bool *agrees)
{
    mas_point *point = calloc(1, sizeof *point);
    mas_device *device = NULL;
    mas_error err = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert(point && out);
    point->plan = *plan;
    cr_assert_eq(mas_device_open_cpu(1, 0, &device, &err), MAS_OK, "%s", err.text);
    const mas_status status =
        mas_cli_probe_token(point, config, expected, device, LENGTH, position, out, agrees, &err);
    cr_assert_eq(status, MAS_OK, "%s", err.text);
    mas_device_close(device);
    fclose(out);
    free(point);
    return text;
}

static void expect_agreement(const mas_model_config *config, const char *spec, const char *letters,
                             int64_t position)
{
    const mas_plan plan = plan_of_letters(spec, letters);
    bool agrees = false;
    char *text = probed(config, &plan, &plan, position, &agrees);
    cr_expect(agrees && strstr(text, "agrees with the plan"), "%s, %s, token %lld:\n%s", spec,
              letters, (long long)position, text);
    free(text);
}

Test(probe, every_variant_is_as_its_mask_says)
{
    static const char *const letters[] = {"SSSSS", "FSSSS", "SSFSS", "SSSSF", "SFSFS"};
    static const int64_t positions[] = {0, 1, 20, LENGTH - 1};
    const mas_model_config config = small_config(LAYERS);
    bool covered[64] = {false};
    for (size_t s = 0; short_specs[s]; s++) {
        for (size_t v = 0; mas_variants[v]; v++)
            covered[v] = covered[v] || spec_of(short_specs[s]).variant == mas_variants[v];
        for (size_t l = 0; l < sizeof letters / sizeof letters[0]; l++)
            for (size_t p = 0; p < sizeof positions / sizeof positions[0]; p++)
                expect_agreement(&config, short_specs[s], letters[l], positions[p]);
    }
    for (size_t v = 0; mas_variants[v]; v++)
        cr_expect(covered[v], "%s is not probed here: add it to short_specs",
                  mas_variants[v]->name);
}

Test(probe, a_layout_file_is_as_its_mask_says)
{
    char spec[256];
    const char *path = write_file("layout.txt", "1\n11\n011\n1001\n00001\n010001\n0100011\n"
                                                "00000001\n100000001\n");
    snprintf(spec, sizeof spec, "block_sparse block=8 layout=file layout_file=%s", path);
    const mas_model_config config = small_config(3);
    expect_agreement(&config, spec, "SSS", 3);
    expect_agreement(&config, spec, "SFS", 20);
    remove_file(path);
}

Test(probe, what_surrounds_attention_does_not_matter)
{
    static const char *const spec = "sliding_window window=6 sinks=1";
    mas_model_config config = small_config(LAYERS);
    config.dtype = MAS_DTYPE_BF16;
    expect_agreement(&config, spec, "SSFSS", 9);
    config = small_config(LAYERS);
    config.positions = MAS_POSITIONS_LEARNED;
    config.sink_logits = true;
    expect_agreement(&config, spec, "SSSSS", 9);
    config.positions = MAS_POSITIONS_NONE;
    config.norm = MAS_NORM_LAYERNORM;
    config.activation = MAS_ACTIVATION_GELU;
    config.bias = true;
    expect_agreement(&config, spec, "SSSSS", 9);
    config = small_config(LAYERS);
    config.full_positions = false;
    config.softcap = 5;
    expect_agreement(&config, spec, "SSFSS", 9);
}

/* One plan built, another one claimed. */
Test(probe, a_wrong_plan_is_caught)
{
    static const struct {
        const char *spec, *letters, *claimed, *claimed_letters;
        const char *part; /* of what is printed */
    } cases[] = {
        {"sliding_window window=8", "SSSSS", "sliding_window window=9", "SSSSS",
         "after layer 0 at position 18: by the plan the token reaches it, and it did not move"},
        {"sliding_window window=9", "SSSSS", "sliding_window window=8", "SSSSS",
         "after layer 0 at position 18: it moved, and by the plan nothing of the token reaches it"},
        {"sliding_window window=8", "SSSSF", "sliding_window window=8", "FSSSS",
         "after layer 0 at position 18"},
        {"sliding_window window=8", "SSSSF", "sliding_window window=8", "SSSSS",
         "after layer 4 at position 46: it moved"},
        {"block_sparse block=8", "SSSSS", "block_sparse block=7", "SSSSS",
         "after layer 0 at position 14: it moved"},
        {"block_sparse block=8", "SSSSS", "full", "FFFFF", "after layer 0 at position 16"},
    };
    const mas_model_config config = small_config(LAYERS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mas_plan built = plan_of_letters(cases[i].spec, cases[i].letters);
        const mas_plan claimed = plan_of_letters(cases[i].claimed, cases[i].claimed_letters);
        bool agrees = true;
        char *text = probed(&config, &built, &claimed, 10, &agrees);
        cr_expect(!agrees && strstr(text, cases[i].part), "case %zu:\n%s", i, text);
        cr_expect_null(strstr(text, "agrees with the plan"), "case %zu:\n%s", i, text);
        free(text);
    }
}

Test(probe, a_missing_sink_is_caught)
{
    const mas_model_config config = small_config(LAYERS);
    const mas_plan built = plan_of_letters("sliding_window window=4", "SSSSS"),
                   claimed = plan_of_letters("sliding_window window=4 sinks=2", "SSSSS");
    bool agrees = true;
    char *text = probed(&config, &built, &claimed, 1, &agrees);
    cr_expect(!agrees && strstr(text, "after layer 0 at position 5: by the plan"), "%s", text);
    free(text);
}

/* In the drawing, too, by hand: window 4, five layers, token 10 reaches 10 .. 25. */
Test(probe, the_drawing_shows_what_moved)
{
    const mas_model_config config = small_config(LAYERS);
    const mas_plan plan = plan_of_letters("sliding_window window=4", "SSSSS");
    bool agrees = false;
    char *text = probed(&config, &plan, &plan, 10, &agrees);
    cr_expect(strstr(text, "after layer   0  ..........####."), "%s", text);
    cr_expect(strstr(text, "agrees with the plan: 16 positions, up to 25;"), "%s", text);
    free(text);
}

static void expect_reached(const char *spec, const char *before, const char *after)
{
    bool reached[64];
    const mas_attn_spec s = spec_of(spec);
    const int64_t length = (int64_t)strlen(before);
    mas_error err = {0};
    for (int64_t i = 0; i < length; i++)
        reached[i] = before[i] == '#';
    cr_assert_eq(mas_reach_layer(&s, length, reached, &err), MAS_OK);
    for (int64_t i = 0; i < length; i++)
        cr_expect_eq(reached[i], after[i] == '#', "%s, position %lld", spec, (long long)i);
}

Test(probe, reach_of_one_layer_by_hand)
{
    expect_reached("full", "...#....", "...#####");
    expect_reached("sliding_window window=3", "..#.......", "..###.....");
    expect_reached("sliding_window window=3", "..###.....", "..#####...");
    expect_reached("sliding_window window=2", "#...#.....", "##..##....");
    expect_reached("sliding_window window=2 sinks=1", "#.........", "##########");
    expect_reached("sliding_window window=2 sinks=1", ".#........", ".##.......");
    expect_reached("block_sparse block=4", ".....#......", ".....###....");
    expect_reached("block_sparse block=2 layout=local local=2", ".#........", ".###......");
    expect_reached("block_sparse block=2 layout=strided stride=2", ".#........", ".#..##..##");
}

Test(probe, tokens_outside_are_refused)
{
    const mas_model_config config = small_config(2);
    const mas_plan plan = plan_of_letters("full", "FF");
    bool moved[LENGTH];
    int64_t visible = 0;
    mas_error err = {0};
    cr_expect_eq(mas_probe_measure(NULL, &config, &plan, 2, LENGTH, LENGTH, moved, &visible, &err),
                 MAS_E_ARGUMENT);
    cr_expect_eq(mas_probe_measure(NULL, &config, &plan, 2, LENGTH, -1, moved, &visible, &err),
                 MAS_E_ARGUMENT);
    cr_expect_eq(mas_probe_measure(NULL, &config, &plan, 3, LENGTH, 0, moved, &visible, &err),
                 MAS_E_ARGUMENT);
}
