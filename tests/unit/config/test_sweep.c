/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW "attention: {sparse: {variant: sliding_window, window: 32}, full_layers: 2}\n"

static mas_experiment *load(const char *text)
{
    return load_good(text, NULL, 0);
}

static void expect_titles(const mas_experiment *e, const char *const *titles, int64_t count)
{
    cr_assert_eq(e->count, count, "%lld points", (long long)e->count);
    for (int64_t i = 0; i < count; i++)
        cr_expect_str_eq(e->points[i].title, titles[i]);
}

Test(sweep, the_grid_of_54_cells_has_42_points)
{
    mas_experiment *e = load("experiment: grid\nmodel: {layers: 8}\n" WINDOW "sweep:\n"
                             "  - training.seq_len: [128, 256, 512]\n"
                             "  - attention.full_layers: [0, 2, 4]\n"
                             "  - attention.placement: [bottom, middle, top]\n"
                             "  - seed: [1, 2]\n");
    cr_expect_eq(e->cells, 54);
    cr_expect_eq(e->count, 42);
    int longest = 0;
    for (int64_t i = 0; i < e->count; i++) {
        longest += e->points[i].training.seq_len == 512;
        for (int64_t j = 0; j < i; j++) {
            cr_expect_str_neq(e->points[i].id, e->points[j].id);
            cr_expect_str_neq(e->points[i].title, e->points[j].title);
        }
    }
    cr_expect_eq(longest, 14);
    mas_experiment_free(e);
}

Test(sweep, the_first_axis_is_the_slowest)
{
    static const char *const titles[] = {"2 full of 6 (bottom) + window 32, seq_len 128, seed 1",
                                         "2 full of 6 (bottom) + window 32, seq_len 128, seed 2",
                                         "2 full of 6 (bottom) + window 32, seq_len 256, seed 1",
                                         "2 full of 6 (bottom) + window 32, seq_len 256, seed 2"};
    mas_experiment *e = load("experiment: a\n" WINDOW
                             "sweep:\n  - training.seq_len: [128, 256]\n  - seed: [1, 2]\n");
    expect_titles(e, titles, 4);
    mas_experiment_free(e);
}

Test(sweep, ranges_include_both_ends)
{
    mas_experiment *e =
        load("experiment: a\nsweep:\n  - training.warmup: {from: 0, to: 0.3, step: 0.1}\n");
    cr_assert_eq(e->count, 4);
    static const double values[] = {0, 0.1, 0.2, 0.3};
    for (int i = 0; i < 4; i++)
        cr_expect_eq(e->points[i].training.warmup, values[i], "%.17g",
                     e->points[i].training.warmup);
    mas_experiment_free(e);
    e = load("experiment: a\nsweep:\n  - seed: {from: 3, to: 3, step: 1}\n");
    cr_expect_eq(e->count, 1);
    cr_expect_eq(e->points[0].seed, 3u);
    cr_expect_str_eq(e->points[0].title, "full", "an axis of one value needs no name");
    mas_experiment_free(e);
}

Test(sweep, zipped_axes_go_together)
{
    static const char *const titles[] = {"full, width 64, learning_rate 3e-3",
                                         "full, width 128, learning_rate 2e-3"};
    mas_experiment *e = load("experiment: a\nsweep:\n  - {model.width: [64, 128], "
                             "training.learning_rate: [3e-3, 2e-3]}\n");
    cr_expect_eq(e->cells, 2);
    expect_titles(e, titles, 2);
    mas_experiment_free(e);
}

Test(sweep, conditions_limit_an_axis)
{
    static const char *const titles[] = {"window 32", "2 full of 6 (bottom) + window 32",
                                         "2 full of 6 (middle) + window 32",
                                         "4 full of 6 (bottom) + window 32"};
    mas_experiment *e = load("experiment: a\n" WINDOW "sweep:\n"
                             "  - attention.full_layers: [0, 2, 4]\n"
                             "  - attention.placement: [bottom, middle]\n"
                             "    when: {attention.full_layers: 2}\n");
    cr_expect_eq(e->cells, 4);
    expect_titles(e, titles, 4);
    mas_experiment_free(e);
}

Test(sweep, conditions_see_defaults_and_any_spelling)
{
    mas_experiment *e = load(
        "experiment: a\nsweep:\n"
        "  - training.tokens: [1e5, 200000]\n"
        "  - seed: [1, 2]\n    when: {training.tokens: 100000}\n"
        "  - training.warmup: [0.1, 0.2]\n    when: {model.norm: rmsnorm, training.tokens: 2e5}\n"
        "  - training.clip: [1, 2]\n    when: {model.norm: layernorm}\n");
    cr_expect_eq(e->cells, 4);
    cr_expect_eq(e->count, 4);
    mas_experiment_free(e);
}

Test(sweep, conditions_on_a_variant)
{
    static const char *const titles[] = {"window 16", "window 32", "block 8 own"};
    mas_experiment *e = load("experiment: a\nattention: {full_layers: 0, sparse: {variant: "
                             "sliding_window, window: 16}}\n"
                             "sweep:\n"
                             "  - attention: [{}, {sparse: {variant: block_sparse, block: 8}}]\n"
                             "  - attention.sparse.window: [16, 32]\n"
                             "    when: {attention.sparse.variant: sliding_window}\n");
    expect_titles(e, titles, 3);
    mas_experiment_free(e);
}

Test(sweep, conditions_on_a_key_that_only_some_cells_have)
{
    mas_experiment *e =
        load("experiment: a\nsweep:\n"
             "  - corpus: [{}, {tokenizer: {type: bpe, vocab: 300}}]\n"
             "  - seed: [1, 2]\n    when: {corpus.tokenizer.type: bytes}\n"
             "  - training.clip: [1, 2, 3]\n    when: {corpus.tokenizer.vocab: 300}\n");
    cr_expect_eq(e->cells, 5);
    mas_experiment_free(e);
}

Test(sweep, sections_are_merged_key_by_key)
{
    static const char *const titles[] = {"full", "block 32 own",
                                         "2 full of 6 (top) + window 32 + 4 sinks"};
    mas_experiment *e =
        load("experiment: a\n" WINDOW "sweep:\n"
             "  - attention:\n"
             "      - {full_layers: 6}\n"
             "      - {full_layers: 0, sparse: {variant: block_sparse, block: 32}}\n"
             "      - {placement: top, sparse: {sinks: 4}}\n");
    expect_titles(e, titles, 3);
    cr_expect_eq(e->points[2].attention.sparse.sinks, 4);
    mas_experiment_free(e);
}

Test(sweep, another_variant_drops_the_options_but_not_the_sinks)
{
    static const char *const titles[] = {"window 32 + 2 sinks", "block 16 own + 2 sinks"};
    mas_experiment *e =
        load("experiment: a\nattention: {full_layers: 0, sparse: {variant: sliding_window, window: "
             "32, sinks: 2}}\nsweep:\n"
             "  - attention.sparse: [{window: 32}, {variant: block_sparse, block: 16}]\n");
    expect_titles(e, titles, 2);
    mas_experiment_free(e);
}

Test(sweep, another_corpus_drops_the_keys_of_the_old_one)
{
    mas_experiment *e =
        load("experiment: a\ncorpus: {paths: [docs]}\nsweep:\n  - corpus.type: [text, recall]\n");
    cr_assert_eq(e->count, 2);
    cr_expect_eq(e->points[1].corpus.kind, MAS_CORPUS_RECALL);
    cr_expect_str_eq(e->points[1].title, "full, corpus.type recall");
    mas_experiment_free(e);
}

Test(sweep, lists_of_layers_are_values)
{
    static const char *const titles[] = {"2 full of 6 (bottom) + window 32",
                                         "2 full of 6 (layers 0, 3) + window 32"};
    mas_experiment *e = load("experiment: a\n" WINDOW
                             "sweep:\n  - attention.placement: [bottom, [0, 3], [0, 1]]\n");
    cr_expect_eq(e->cells, 3, "the list [0, 1] is bottom");
    expect_titles(e, titles, 2);
    mas_experiment_free(e);
}

Test(sweep, titles_differ_where_labels_do_not)
{
    mas_experiment *e = load(
        "experiment: a\nattention: {full_layers: 0, sparse: {variant: block_sparse, block: 8, "
        "layout: "
        "bigbird, window_blocks: 1, global_blocks: 0, random_blocks: 2}}\n"
        "training: {seq_len: 512}\nsweep:\n  - attention.sparse.seed: [1, 2]\n  - seed: [1, 2]\n");
    cr_assert_eq(e->count, 4);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            cr_expect_str_neq(e->points[i].title, e->points[j].title);
    mas_experiment_free(e);
}

Test(sweep, the_resolved_file_lists_the_axes)
{
    mas_experiment *e = load(
        "experiment: a\n" WINDOW "sweep:\n  - attention.full_layers: {from: 0, to: 4, step: 2}\n"
        "  - attention.placement: [top, [0, 1]]\n    when: {attention.full_layers: 2}\n");
    char *text = json_dumps(json_object_get(e->resolved, "sweep"), JSON_COMPACT);
    cr_expect_str_eq(
        text, "[{\"attention.full_layers\":[0,2,4]},{\"attention.placement\":[\"top\",[0,1]],"
              "\"when\":{\"attention.full_layers\":[2]}}]");
    free(text);
    mas_experiment_free(e);
}

Test(sweep, an_impossible_combination_names_its_values)
{
    char *text = load_bad(
        "experiment: a\n" WINDOW "sweep:\n"
        "  - model.layers: [4, 8]\n  - attention.full_layers: [2, 6]\n  - seed: [1, 2, 3]\n",
        NULL, 0);
    cr_expect_str_eq(
        text,
        "FILE:5:5: attention: 6 full layers cannot be placed among 4 layers (with model.layers 4, "
        "attention.full_layers 6, seed 1)\n");
    free(text);
}

Test(sweep, ten_thousand_cells_are_accepted, .timeout = 60)
{
    mas_experiment *e = load("experiment: a\nsweep:\n  - seed: {from: 1, to: 100, step: 1}\n"
                             "  - training.checkpoint_seconds: {from: 1, to: 100, step: 1}\n");
    cr_expect_eq(e->cells, 10000);
    cr_expect_eq(e->count, 100, "how often progress is saved changes no result");
    mas_experiment_free(e);
}
