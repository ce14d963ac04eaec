/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: equal for equal computations, however they are spelt; different for all others; the same tomorrow. */
#include "harness/run/quantities.h"
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <string.h>

/* Results are found by id: a change here orphans every stored result, so change it knowingly. */
#define GOLDEN_ID "47baf9a4c14f91da"

Test(identity, golden)
{
    char id[MAS_ID_CHARS + 1];
    only_id(every_key, id);
    cr_expect_str_eq(id, GOLDEN_ID);
}

Test(identity, golden_with_a_decimal_comma, .timeout = 60)
{
    if (!use_comma_locale())
        cr_skip_test("no locale with a decimal comma; install the package locales");
    char id[MAS_ID_CHARS + 1];
    only_id(every_key, id);
    cr_expect_str_eq(id, GOLDEN_ID);
}

static void same(const char *a, const char *b)
{
    char id_a[MAS_ID_CHARS + 1], id_b[MAS_ID_CHARS + 1];
    only_id(a, id_a);
    only_id(b, id_b);
    cr_expect_str_eq(id_a, id_b, "these should be one point:\n%s---\n%s", a, b);
}

static void different(const char *a, const char *b)
{
    char id_a[MAS_ID_CHARS + 1], id_b[MAS_ID_CHARS + 1];
    only_id(a, id_a);
    only_id(b, id_b);
    cr_expect_str_neq(id_a, id_b, "these should be two points:\n%s---\n%s", a, b);
}

Test(identity, spelling_does_not_matter)
{
    const char *plain = "experiment: a\nmodel: {layers: 4, width: 32}\ntraining: {learning_rate: "
                        "1e-3, tokens: 2e6}\n";
    same(plain, "# a comment\ntraining:\n  tokens: 2000000 # two million\n  learning_rate: 0.001\n"
                "model:\n  width: 32\n  layers: 4\nexperiment: another-name\nquestion: why?\n");
    same(plain, "{experiment: a, model: {width: 3.2e1, layers: 4}, training: {learning_rate: .001, "
                "tokens: 2.0e6}}\n");
    same(plain, "experiment: a\nmodel: {layers: 4, width: 32, heads: 4, kv_heads: 4, head_dim: 8}\n"
                "training: {learning_rate: 1e-3, tokens: 2e6, start_len: 512}\nevaluation: "
                "{context: 512, stride: 512}\n");
}

#define SPARSE(window, rest)                                                                       \
    "experiment: a\ntraining: {seq_len: 256}\nattention: {sparse: {variant: sliding_window, "      \
    "window: " window "}, " rest "}\n"

Test(identity, equal_plans_are_one_point)
{
    same(SPARSE("256", "full_layers: 0"), SPARSE("1000", "full_layers: 0"));
    same(SPARSE("256", "full_layers: 2"), "experiment: a\ntraining: {seq_len: 256}\n");
    same(SPARSE("16", "full_layers: all"), "experiment: a\ntraining: {seq_len: 256}\n");
    same(SPARSE("16", "full_layers: 6, placement: top"), SPARSE("32", "full_layers: 6"));
    same(SPARSE("16", "full_layers: 0, placement: top"),
         SPARSE("16", "full_layers: 0, placement: bottom"));
    same(SPARSE("16", "full_layers: 0, placement: {random: 5}"), SPARSE("16", "placement: []"));
    same(SPARSE("16", "full_layers: 2, placement: bottom"), SPARSE("16", "placement: [0, 1]"));
    same(SPARSE("16", "placement: {periodic: {every: 3, offset: 1}}"),
         SPARSE("16", "placement: [1, 4]"));
    different(SPARSE("16", "full_layers: 2"), SPARSE("16", "full_layers: 2, placement: top"));
    different(SPARSE("16", "full_layers: 2"), SPARSE("16", "full_layers: 3"));
    different(SPARSE("16", "full_layers: 2"), SPARSE("17", "full_layers: 2"));
    different(SPARSE("255", "full_layers: 0"), SPARSE("256", "full_layers: 0"));
}

/* A window that covers training but not a longer evaluation is not full attention. */
Test(identity, the_longest_length_counts)
{
    different("experiment: a\ntraining: {seq_len: 128}\nevaluation: {context: 256}\n"
              "attention: {sparse: {variant: sliding_window, window: 128}}\n",
              "experiment: a\ntraining: {seq_len: 128}\nevaluation: {context: 256}\n");
}

Test(identity, what_changes_no_result_is_left_out)
{
    const char *plain = "experiment: a\n";
    same(plain, "experiment: a\ntraining: {checkpoint: true, checkpoint_seconds: 5}\n");
    same("experiment: a\ntraining: {schedule: constant}\n",
         "experiment: a\ntraining: {schedule: constant, min_learning_rate: 0.5}\n");
    same("experiment: a\ntraining: {evaluations: 0}\n",
         "experiment: a\ntraining: {evaluations: 0, curve_tokens: 5}\n");
    same("experiment: a\nmodel: {positions: none}\n",
         "experiment: a\nmodel: {positions: none, rope_theta: 5}\n");
    same("experiment: a\nkind: plan\n", "experiment: a\nkind: plan\nseed: 2\n");
}

Test(identity, what_changes_a_result_is_in)
{
    static const char *const changes[] = {
        "seed: 2",
        "kind: plan",
        "limits: {memory: 1GiB}",
        "model: {layers: 7}",
        "model: {softcap: 30}",
        "model: {dtype: bf16}",
        "model: {rope_theta: 10001}",
        "corpus: {paths: [elsewhere]}",
        "corpus: {exclude: ['*.png']}",
        "corpus: {type: recall}",
        "corpus: {type: recall, seed: 12}",
        "training: {tokens: 1e6}",
        "training: {learning_rate: 0.00100001}",
        "training: {beta2: 0.999}",
        "training: {recompute: layer}",
        "training: {start_len: 64}",
        "training: {from: {tokens: 1e6, seq_len: 128}}",
        "training: {from: {tokens: 2e6, seq_len: 128}}",
        "training: {from: {tokens: 1e6, seq_len: 256}}",
        "training: {from: {tokens: 1e6, seq_len: 128, seed: 2}}",
        "training: {evaluations: 3}",
        "evaluation: {split: test}",
        "evaluation: {stride: 64}",
        "evaluation: {tokens: 64}",
    };
    enum { COUNT = sizeof changes / sizeof *changes };
    char ids[COUNT + 1][MAS_ID_CHARS + 1], text[200];
    only_id("experiment: a\n", ids[COUNT]);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "experiment: a\n%s\n", changes[i]);
        only_id(text, ids[i]);
        cr_expect_str_neq(ids[i], ids[COUNT], "%s", changes[i]);
        for (int j = 0; j < i; j++)
            cr_expect_str_neq(ids[i], ids[j], "%s and %s", changes[i], changes[j]);
    }
}

/* A preset is where keys begin, in whatever order they stand; the values are the point. */
Test(identity, presets)
{
    const char *preset = "experiment: a\nkind: plan\nmodel: {layers: 6, preset: gpt2}\n";
    same(preset,
         "experiment: a\nkind: plan\nmodel: {layers: 6, width: 768, heads: 12, vocab: 50257, "
         "max_length: 1024, positions: learned, norm: layernorm, activation: gelu, bias: true}\n");
    same("experiment: a\n", "experiment: a\nmodel: {preset: none}\n");
    different(preset, "experiment: a\nkind: plan\nmodel: {preset: gpt2}\n");
    mas_experiment *loaded = load_good(preset, NULL, 0);
    cr_expect_eq(loaded->points[0].model.layers, 6, "a key beside it counts, also before it");
    cr_expect_eq(loaded->points[0].model.width, 768);
    mas_experiment_free(loaded);
}

/* A layout file is its content. */
Test(identity, layout_files)
{
    char ids[3][MAS_ID_CHARS + 1];
    for (int i = 0; i < 3; i++) {
        char path[64], text[300];
        snprintf(path, sizeof path, "/tmp/masbench_layout_%d.txt", i);
        FILE *file = fopen(path, "w");
        cr_assert_not_null(file);
        for (int row = 0; row < 16; row++) {
            for (int column = 0; column <= row; column++)
                fputc(column == row || (i == 2 && column == 0) ? '1' : '0', file);
            fputc('\n', file);
        }
        fclose(file);
        snprintf(text, sizeof text,
                 "experiment: a\ntraining: {seq_len: 128}\nattention:\n  full_layers: 0\n  sparse: "
                 "{variant: "
                 "block_sparse, block: 8, layout: file, layout_file: %s}\n",
                 path);
        only_id(text, ids[i]);
        remove(path);
    }
    cr_expect_str_eq(ids[0], ids[1], "the same layout under another name");
    cr_expect_str_neq(ids[0], ids[2], "another layout");
}

#define KERNEL(text) "experiment: a\nkind: kernel\n" text

Test(identity, kernels)
{
    same(KERNEL(""), KERNEL("kernel: {kv_heads: 8, length: 1024}\n"));
    same(
        KERNEL(
            "kernel: {length: 256}\nattention: {sparse: {variant: sliding_window, window: 256}}\n"),
        KERNEL("kernel: {length: 256}\n"));
    different(KERNEL(""), KERNEL("kernel: {length: 256}\n"));
    different(KERNEL(""), KERNEL("kernel: {op: decode}\n"));
    different(KERNEL(""), KERNEL("kernel: {dtype: bf16}\n"));
    different(KERNEL(""), KERNEL("measure: {warmup: 9}\n"));
    different(KERNEL(""), KERNEL("seed: 3\n"));
    different(KERNEL(""), "experiment: a\nkind: plan\n");
    different(KERNEL("kernel: {layers: 4}\nattention: {full_layers: 1, sparse: {variant: "
                     "sliding_window, window: 16}}\n"),
              KERNEL("kernel: {layers: 4}\nattention: {full_layers: 2, sparse: {variant: "
                     "sliding_window, window: 16}}\n"));
}

#define TEXT(tokenizer) "experiment: a\ncorpus: {type: text, paths: [README.md]" tokenizer "}\n"

Test(identity, bytes_are_the_default_tokenizer)
{
    same(TEXT(""), TEXT(", tokenizer: bytes"));
    same(TEXT(""), TEXT(", tokenizer: {type: bytes}"));
    different(TEXT(""), TEXT(", tokenizer: {type: bpe, vocab: 1024}"));
    different(TEXT(", tokenizer: {type: bpe, vocab: 512}"),
              TEXT(", tokenizer: {type: bpe, vocab: 1024}"));
}

static void expect_vocab(const char *text, int32_t vocab)
{
    mas_experiment *experiment = load_good(text, NULL, 0);
    cr_expect_eq(mas_point_vocab(&experiment->points[0]), vocab, "%d, expected %d:\n%s",
                 mas_point_vocab(&experiment->points[0]), vocab, text);
    mas_experiment_free(experiment);
}

/* Costs were once reckoned with the default vocabulary of another kind of corpus. */
Test(identity, costs_know_the_vocabulary)
{
    expect_vocab(TEXT(""), 257);
    expect_vocab(TEXT(", tokenizer: {type: bpe, vocab: 1024}"), 1024);
    expect_vocab(TEXT("") "model: {vocab: 50257}\n", 50257);
    expect_vocab("experiment: a\ncorpus: {type: recall, vocab: 200}\n", 200);
    expect_vocab("experiment: a\ncorpus: {type: tokens, paths: [a.bin], vocab: 300}\n", 300);
}

Test(identity, a_vocabulary_can_be_swept)
{
    mas_experiment *experiment =
        load_good(TEXT(", tokenizer: {type: bpe, vocab: 512}") "sweep: [{corpus.tokenizer.vocab: "
                                                               "[512, 2048]}, {seed: [1, 2]}]\n",
                  NULL, 0);
    cr_assert_eq(experiment->count, 4);
    cr_expect_eq(experiment->points[3].corpus.tokenizer.vocab, 2048);
    cr_expect_eq(experiment->points[3].corpus.tokenizer.kind, MAS_TOKENIZER_BPE);
    mas_experiment_free(experiment);
}
