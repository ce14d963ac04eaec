/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on what through a stack: by hand, and the work on runs against the definition of the masks. */
#include "tests/unit/variants/specs.h"
#include "variants/reach.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(reach, .timeout = 60);

Test(reach, of_the_stack_by_hand)
{
    static const struct {
        const char *spec, *letters;
        int64_t length, reach;
    } cases[] = {
        {"sliding_window window=64", "SSSSSS", 1000, 6 * 63 + 1},
        {"sliding_window window=64", "SSSSSS", 300, 300},
        {"sliding_window window=64 sinks=4", "SSSSSS", 1000, 6 * 63 + 1},
        {"sliding_window window=1", "SSSSSS", 1000, 1},
        {"sliding_window window=1", "SSSSSF", 1000, 1000},
        {"sliding_window window=1 sinks=3", "SFSSSS", 1000, 1000},
        {"full", "S", 1, 1},
        /* a stack of own blocks never leaves its block */
        {"block_sparse block=16", "SSSSSS", 128, 16},
        {"block_sparse block=32", "SSSS", 128, 32},
        {"block_sparse block=32 sinks=4", "SSSS", 128, 32},
        {"block_sparse block=32", "SSSS", 20, 20},
        {"block_sparse block=32", "SFSS", 128, 128},
        /* one block further back a layer */
        {"block_sparse block=16 layout=local local=2", "SSSS", 128, 80},
        {"block_sparse block=16 layout=local local=2", "SSSS", 64, 64},
        {"block_sparse block=16 layout=local local=1", "SSSS", 128, 16},
        /* from row 7 through rows 5, 3 and 1; a second layer finds nothing new */
        {"block_sparse block=16 layout=strided stride=2", "S", 128, 7 * 16},
        {"block_sparse block=16 layout=strided stride=2", "SSSS", 128, 7 * 16},
        {"block_sparse block=16 layout=strided stride=9", "SSSS", 128, 16},
        {"block_sparse block=16 layout=bigbird window_blocks=1 global_blocks=1 random_blocks=0",
         "S", 128, 128},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_plan plan = plan_of_letters(cases[i].spec, cases[i].letters);
        int64_t reach = 0;
        mas_error err;
        cr_assert_eq(mas_plan_reach(&plan, cases[i].length, &reach, &err), MAS_OK);
        cr_expect_eq(reach, cases[i].reach, "%s, %s, length %lld: %lld, not %lld", cases[i].spec,
                     cases[i].letters, (long long)cases[i].length, (long long)reach,
                     (long long)cases[i].reach);
    }
}

enum { LENGTH = 67 };

/* depends[token * LENGTH + position], from the definition. */
static void by_definition(const mas_plan *plan, bool *depends)
{
    mas_error err;
    memset(depends, 0, LENGTH * LENGTH * sizeof *depends);
    for (int64_t token = 0; token < LENGTH; token++) {
        depends[token * LENGTH + token] = true;
        for (int32_t i = 0; i < plan->layers; i++)
            cr_assert_eq(
                mas_reach_layer(mas_plan_layer(plan, i), LENGTH, depends + token * LENGTH, &err),
                MAS_OK);
    }
}

static void expect_definition(const char *spec, const char *letters)
{
    const mas_plan plan = plan_of_letters(spec, letters);
    bool *depends = malloc(LENGTH * LENGTH * sizeof *depends), seen[LENGTH];
    int64_t last[LENGTH], wrong = 0, wrong_last = 0;
    mas_error err;
    cr_assert_not_null(depends);
    by_definition(&plan, depends);
    for (int64_t position = 0; position < LENGTH; position++) {
        cr_assert_eq(mas_reach_tokens(&plan, position, seen, &err), MAS_OK);
        for (int64_t token = 0; token <= position; token++)
            wrong += seen[token] != depends[token * LENGTH + position];
    }
    cr_assert_eq(mas_reach_last(&plan, LENGTH, last, &err), MAS_OK);
    for (int64_t token = 0; token < LENGTH; token++) {
        int64_t want = LENGTH - 1;
        while (!depends[token * LENGTH + want])
            want--;
        wrong_last += last[token] != want;
    }
    cr_expect(wrong == 0 && wrong_last == 0, "%s, %s: %lld of the tokens, %lld of the last ones",
              spec, letters, (long long)wrong, (long long)wrong_last);
    free(depends);
}

Test(reach, runs_agree_with_the_definition)
{
    static const char *const letters[] = {"S", "SS", "SSSSS", "FSSSS", "SSFSS", "SSSSF"};
    bool covered[64] = {false};
    for (size_t s = 0; short_specs[s]; s++) {
        for (size_t v = 0; mas_variants[v]; v++)
            covered[v] = covered[v] || spec_of(short_specs[s]).variant == mas_variants[v];
        for (size_t l = 0; l < sizeof letters / sizeof *letters; l++)
            expect_definition(short_specs[s], letters[l]);
    }
    for (size_t v = 0; mas_variants[v]; v++)
        cr_expect(covered[v], "%s is not tried here: add it to short_specs", mas_variants[v]->name);
}

Test(reach, runs_agree_with_the_definition_of_a_layout_file)
{
    char spec[256];
    const char *path = write_file("layout.txt", "1\n11\n011\n1001\n00001\n010001\n0100011\n"
                                                "00000001\n100000001\n");
    snprintf(spec, sizeof spec, "block_sparse block=8 layout=file layout_file=%s", path);
    expect_definition(spec, "SSS");
    expect_definition(spec, "SFS");
    remove_file(path);
}

/* A million tokens and 48 layers: about a second each. */
Test(reach, long_sequences_take_little_time, .timeout = 300)
{
    enum { LONG = 1 << 20 };
    static const char deep[] = "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS";
    static const struct {
        const char *spec;
        int64_t reach;
    } cases[] = {
        {"sliding_window window=1024", 48 * 1023 + 1},
        {"block_sparse block=1024", 1024},
        {"block_sparse block=1024 layout=local local=3", 97 * 1024},
        {"block_sparse block=1024 layout=strided stride=4", LONG - 3 * 1024},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_plan plan = plan_of_letters(cases[i].spec, deep);
        int64_t reach = 0;
        mas_error err;
        cr_assert_eq(mas_plan_reach(&plan, LONG, &reach, &err), MAS_OK);
        cr_expect_eq(reach, cases[i].reach, "%s: %lld", cases[i].spec, (long long)reach);
    }
}
