/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static mas_experiment *load(const char *text)
{
    return load_good(text, NULL, 0);
}

static void expect_letters(const mas_point *point, const char *letters)
{
    char text[MAS_LAYERS_MAX + 1];
    mas_plan_letters(&point->plan, text, sizeof text);
    cr_expect_str_eq(text, letters);
}

Test(experiment, a_name_is_enough)
{
    mas_experiment *e = load("experiment: least-1_2\n");
    cr_expect_str_eq(e->name, "least-1_2");
    cr_expect_str_eq(e->question, "");
    cr_expect_eq(e->kind, MAS_KIND_TRAIN);
    cr_expect_eq(e->cells, 1);
    cr_assert_eq(e->count, 1);
    const mas_point *p = &e->points[0];
    cr_expect_eq(p->model.layers, mas_model_config_default().layers);
    cr_expect_eq(p->training.tokens, mas_train_config_default().tokens);
    cr_expect_eq(p->memory_limit_bytes, 0u);
    cr_expect_str_eq(p->title, "full");
    expect_letters(p, "FFFFFF");
    mas_experiment_free(e);
}

Test(experiment, every_key_arrives)
{
    mas_experiment *e = load(every_key);
    const mas_point *p = &e->points[0];
    cr_expect_eq(p->model.kv_heads, 2);
    cr_expect_eq(p->model.vocab, 300);
    cr_expect_eq(p->model.rope_theta, 10000.0f);
    cr_expect_eq(p->model.activation, MAS_ACTIVATION_SWIGLU);
    cr_expect_eq(p->corpus.path_count, 1);
    cr_expect_str_eq(p->corpus.paths[0], "docs");
    cr_expect_str_eq(p->corpus.exclude[0], "*.png");
    cr_expect_eq(p->training.tokens, 2000000);
    cr_expect_eq(p->training.learning_rate, 1e-3f);
    cr_expect_eq(p->training.schedule, MAS_LR_COSINE);
    cr_expect_eq(p->evaluation.stride, 128);
    cr_expect_eq(p->evaluation.split, MAS_SPLIT_VALIDATION);
    cr_expect_eq(p->memory_limit_bytes, (size_t)2 << 30);
    cr_expect_eq(p->seed, 1u);
    cr_expect_str_eq(p->title, "2 full of 6 (bottom) + window 32");
    expect_letters(p, "FFSSSS");
    mas_experiment_free(e);
}

Test(experiment, a_record_of_an_experiment_is_one)
{
    mas_experiment *first =
        load("experiment: a\nquestion: Why?\nkind: plan\nattention: {sparse: {variant: "
             "sliding_window, window: 8}}\n"
             "sweep:\n  - attention.full_layers: {from: 0, to: 4, step: 2}\n"
             "  - attention.placement: [top, {random: 3}]\n"
             "    when: {attention.full_layers: [2]}\n");
    json_t *record =
        json_pack("{s:i,s:O,s:[]}", "schema", 1, "resolved", first->resolved, "points");
    char *text = json_dumps(record, 0);
    mas_experiment *again = load(text);
    cr_expect(json_equal(first->resolved, again->resolved));
    cr_expect_str_eq(again->question, "Why?");
    cr_assert_eq(again->count, first->count);
    for (int64_t i = 0; i < first->count; i++) {
        cr_expect_str_eq(again->points[i].id, first->points[i].id);
        cr_expect_str_eq(again->points[i].title, first->points[i].title);
    }
    char *refused = load_bad("experiment: a\nresolved: {experiment: b}\n", NULL, 0);
    cr_expect_not_null(strstr(refused, "resolved"), "%s", refused);
    free(refused);
    free(text);
    json_decref(record);
    mas_experiment_free(first);
    mas_experiment_free(again);
}

Test(experiment, derived_fields_are_filled_and_the_vocabulary_is_left_to_the_corpus)
{
    mas_experiment *e = load("experiment: a\ntraining: {seq_len: 256}\n");
    const mas_point *p = &e->points[0];
    cr_expect_eq(p->model.kv_heads, 4);
    cr_expect_eq(p->model.head_dim, 16);
    cr_expect_eq(p->model.vocab, 0);
    cr_expect_eq(p->evaluation.context, 256);
    cr_expect_eq(p->evaluation.stride, 256);
    cr_expect_eq(
        json_integer_value(json_object_get(json_object_get(p->resolved, "model"), "head_dim")), 16);
    cr_expect_eq(json_integer_value(
                     json_object_get(json_object_get(p->resolved, "attention"), "full_layers")),
                 0);
    cr_expect_null(json_object_get(p->resolved, "experiment"));
    mas_experiment_free(e);
}

Test(experiment, numbers_in_every_spelling)
{
    static const char *const spellings[] = {"1e-3", "1E-3", ".001", "0.001", "1.0e-3"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        char text[128];
        snprintf(text, sizeof text, "experiment: a\ntraining: {learning_rate: %s}\n", spellings[i]);
        mas_experiment *e = load(text);
        cr_expect_eq(e->points[0].training.learning_rate, 1e-3f, "%s", spellings[i]);
        mas_experiment_free(e);
    }
}

Test(experiment, numbers_do_not_depend_on_the_locale, .timeout = 60)
{
    if (!use_comma_locale())
        cr_skip_test("no locale with a decimal comma; install the package locales");
    mas_experiment *e = load("experiment: a\ntraining: {learning_rate: .001, warmup: 0.25}\n");
    cr_expect_eq(e->points[0].training.learning_rate, 1e-3f);
    cr_expect_eq(e->points[0].training.warmup, 0.25);
    const json_t *training = json_object_get(e->points[0].resolved, "training");
    cr_expect_eq(json_real_value(json_object_get(training, "learning_rate")), 0.001);
    mas_experiment_free(e);
}

Test(experiment, forms_of_placement)
{
    static const struct {
        const char *keys, *letters;
    } cases[] = {
        {"full_layers: 2, placement: bottom", "FFSSSS"},
        {"full_layers: 2, placement: top", "SSSSFF"},
        {"full_layers: 2, placement: middle", "SSFFSS"},
        {"full_layers: 2, placement: interleaved", "SFSSFS"},
        {"full_layers: 2, placement: interleaved_first", "FSSFSS"},
        {"full_layers: 2, placement: interleaved_last", "SSFSSF"},
        {"full_layers: 3, placement: ends_and_middle", "FSSFSF"},
        {"placement: {periodic: {every: 3, offset: 1}}", "SFSSFS"},
        {"placement: [0, 3, 5]", "FSSFSF"},
        {"full_layers: 3, placement: [0, 3, 5]", "FSSFSF"},
        {"placement: []", "SSSSSS"},
        {"full_layers: all", "FFFFFF"},
        {"full_layers: 0, placement: top", "SSSSSS"},
        {"full_layers: 2, placement: 'top'", "SSSSFF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "experiment: a\nattention: {sparse: {variant: sliding_window, window: 8}, %s}\n",
                 cases[i].keys);
        mas_experiment *e = load(text);
        expect_letters(&e->points[0], cases[i].letters);
        mas_experiment_free(e);
    }
}

Test(experiment, random_placement_keeps_its_seed)
{
    mas_experiment *e =
        load("experiment: a\nattention:\n  sparse: {variant: sliding_window, window: 8}\n"
             "  full_layers: 3\n  placement: {random: 12345678901234}\n");
    cr_expect_eq(e->points[0].attention.placement.seed, 12345678901234u);
    cr_expect_eq(e->points[0].plan.full_layers, 3);
    mas_experiment_free(e);
}

Test(experiment, options_of_a_variant)
{
    mas_experiment *e = load(
        "experiment: a\nattention:\n  sparse:\n    layout: bigbird\n    seed: 9\n    block: 32\n"
        "    variant: block_sparse\n    sinks: 4\n");
    const mas_attn_spec *spec = &e->points[0].attention.sparse;
    cr_expect_str_eq(spec->variant->name, "block_sparse");
    cr_expect_eq(spec->value[mas_variant_option(spec->variant, "block")], 32);
    cr_expect_eq(spec->value[mas_variant_option(spec->variant, "seed")], 9);
    cr_expect_eq(spec->sinks, 4);
    const json_t *sparse =
        json_object_get(json_object_get(e->points[0].resolved, "attention"), "sparse");
    cr_expect_str_eq(json_string_value(json_object_get(sparse, "layout")), "bigbird");
    mas_experiment_free(e);
}

Test(experiment, corpora)
{
    mas_experiment *e = load("experiment: a\ncorpus: {type: tokens, paths: train.bin, validation: "
                             "val.bin, vocab: 50257}\n");
    cr_expect_eq(e->points[0].corpus.kind, MAS_CORPUS_TOKENS);
    cr_expect_eq(e->points[0].corpus.path_count, 1);
    cr_expect_str_eq(e->points[0].corpus.validation_path, "val.bin");
    cr_expect_eq(e->points[0].corpus.vocab, 50257);
    const json_t *corpus = json_object_get(e->points[0].resolved, "corpus");
    cr_expect_null(json_object_get(corpus, "passages"), "keys of other types are left out");
    cr_expect_null(json_object_get(corpus, "test"), "what is unset is left out");
    mas_experiment_free(e);
    e = load("experiment: a\ncorpus: {passage_tokens: 8, type: recall, seed: 3}\n");
    cr_expect_eq(e->points[0].corpus.kind, MAS_CORPUS_RECALL);
    cr_expect_eq(e->points[0].corpus.passage_tokens, 8);
    cr_expect_eq(e->points[0].corpus.seed, 3u);
    mas_experiment_free(e);
}

Test(experiment, costs_alone_need_no_training_steps)
{
    mas_experiment *e = load("experiment: a\nkind: plan\ntraining: {seq_len: 65536}\n");
    cr_expect_eq(e->kind, MAS_KIND_PLAN);
    cr_expect_eq(e->points[0].evaluation.context, 65536);
    mas_experiment_free(e);
}

Test(experiment, yaml_in_its_harmless_forms)
{
    mas_experiment *e = load("\xef\xbb\xbf%YAML 1.1\n---\r\n"
                             "# CRLF, a byte order mark, quotes, an alias, block and flow style\r\n"
                             "\"experiment\": a\r\n"
                             "question: >\r\n  Two\r\n  lines?\r\n"
                             "model:\r\n  heads: &four 4\r\n  kv_heads: *four\r\n"
                             "...\r\n");
    cr_expect_str_eq(e->question, "Two lines?\n");
    cr_expect_eq(e->points[0].model.kv_heads, 4);
    mas_experiment_free(e);
}

Test(experiment, settings_equal_editing_the_file)
{
    static const char *const settings[] = {"training.tokens=3e5",
                                           "attention.placement=[1, 2]",
                                           "seed=7",
                                           "attention.sparse={variant: block_sparse, block: 16}",
                                           "experiment=other",
                                           "corpus.type=recall"};
    mas_experiment *set =
        load_good("experiment: a\nattention: {sparse: {variant: sliding_window, window: 8}}\n"
                  "corpus: {paths: [x]}\n",
                  settings, sizeof settings / sizeof *settings);
    mas_experiment *edited =
        load("experiment: other\nseed: 7\ntraining: {tokens: 300000}\ncorpus: {type: recall}\n"
             "attention: {placement: [1, 2], sparse: {variant: block_sparse, block: 16}}\n");
    char difference[200];
    cr_expect(
        !mas_experiment_difference(set->resolved, edited->resolved, difference, sizeof difference),
        "%s", difference);
    cr_expect_str_eq(set->points[0].id, edited->points[0].id);
    cr_expect_str_eq(set->name, "other");
    mas_experiment_free(set);
    mas_experiment_free(edited);
}

Test(experiment, settings_can_replace_the_sweep)
{
    static const char *const settings[] = {"sweep=[]"};
    mas_experiment *e = load_good("experiment: a\nsweep:\n  - seed: [1, 2, 3]\n", settings, 1);
    cr_expect_eq(e->count, 1);
    mas_experiment_free(e);
}

Test(experiment, settings_may_repeat_what_is_there_or_act_in_some_points)
{
    static const char *const settings[] = {"seed=1", "training.checkpoint=true",
                                           "attention.sparse.window=16",
                                           "attention.placement=middle"};
    mas_experiment *e =
        load_good("experiment: a\nattention: {sparse: {variant: sliding_window, window: 16}}\n"
                  "sweep:\n"
                  "  - attention.full_layers: [0, 2, 4]\n"
                  "  - attention.placement: [bottom, top]\n    when: {attention.full_layers: 2}\n"
                  "  - attention.sparse: [{}, {window: 8}]\n",
                  settings, sizeof settings / sizeof *settings);
    cr_expect_eq(e->count, 8);
    mas_experiment_free(e);
    e = load_good("experiment: a\nattention: {full_layers: 0, sparse: {variant: sliding_window, "
                  "window: 16}}\n",
                  settings, sizeof settings / sizeof *settings);
    cr_expect_eq(e->count, 1, "a placement of no layers is idle, but nothing replaces it");
    mas_experiment_free(e);
}

Test(experiment, messages_are_sorted_by_line_and_settings_come_last)
{
    static const char *const settings[] = {"training.tokenz=3"};
    char *text = load_bad("experiment: a\nseed: x\nmodel:\n  layers: y\nkind: z\n", settings, 1);
    cr_expect_not_null(strstr(text, "FILE:2:7: seed:"));
    const char *two = strstr(text, "FILE:2:7"), *four = strstr(text, "FILE:4:11"),
               *five = strstr(text, "FILE:5:7");
    const char *set = strstr(text, "--set training.tokenz=3: training.tokenz: unknown key");
    cr_expect(two && two < four && four < five && five < set, "%s", text);
    cr_expect_not_null(strstr(text, "did you mean \"tokens\"?"));
    free(text);
}

Test(experiment, a_second_fault_does_not_hide_the_first)
{
    char *text =
        load_bad("experiment: a\nmodel: {width: 65, kv_heads: 0}\ntraining: {seq_len: 3000}\n"
                 "attention: {sparse: {variant: sliding_window, window: 8}, full_layers: 9}\n",
                 NULL, 0);
    cr_expect_not_null(strstr(text, "FILE:2:9: model: "), "%s", text);
    cr_expect_not_null(strstr(text, "FILE:3:12: training: "), "%s", text);
    cr_expect_not_null(strstr(text, "FILE:4:1: attention: "), "%s", text);
    free(text);
}

Test(experiment, difference_names_the_first_key)
{
    mas_experiment *a = load("experiment: a\nquestion: one\nsweep:\n  - seed: [1, 2]\n");
    mas_experiment *b = load("experiment: a\nquestion: two\nsweep:\n  - seed: [1, 3]\n");
    mas_experiment *c = load("experiment: a\ntraining: {learning_rate: 0.003}\nsweep:\n  - seed: "
                             "{from: 1, to: 2, step: 1}\n");
    char text[200];
    cr_expect(!mas_experiment_difference(a->resolved, a->resolved, text, sizeof text));
    cr_expect(mas_experiment_difference(a->resolved, b->resolved, text, sizeof text));
    cr_expect_str_eq(text, "sweep[0].seed[1]: 2 -> 3");
    cr_expect(mas_experiment_difference(a->resolved, c->resolved, text, sizeof text));
    cr_expect_str_eq(text, "training.learning_rate: 0.002 -> 0.003");
    json_t *less = json_deep_copy(a->resolved);
    json_object_del(less, "kind");
    cr_expect(mas_experiment_difference(less, a->resolved, text, sizeof text));
    cr_expect_str_eq(text, "kind: (not there) -> \"train\"");
    cr_expect(mas_experiment_difference(a->resolved, less, text, 10));
    cr_expect_str_eq(text, "kind: \"tr");
    json_decref(less);
    mas_experiment_free(a);
    mas_experiment_free(b);
    mas_experiment_free(c);
}

Test(experiment, the_reference_lists_keys_options_and_placements)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    mas_experiment_write_schema(out);
    fclose(out);
    static const char *const expected[] = {"## model",
                                           "| `layers` | a whole number 1 .. 256 | `6` |",
                                           "| `window` | whole number 1 .. ",
                                           "| required |",
                                           "`ends_and_middle`",
                                           "## sweep",
                                           "| `experiment` | 1 to 63 characters",
                                           "`{random: SEED}`",
                                           "## limits"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_expect_not_null(strstr(text, expected[i]), "no \"%s\"", expected[i]);
    free(text);
}

Test(experiment, kinds_have_names)
{
    cr_expect_str_eq(mas_experiment_kind_name(MAS_KIND_TRAIN), "train");
    cr_expect_str_eq(mas_experiment_kind_name(MAS_KIND_PLAN), "plan");
    cr_expect_str_eq(mas_experiment_kind_name(MAS_EXPERIMENT_KIND_COUNT), "unknown");
    mas_experiment_free(NULL);
}
