/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/sections.h"

#include <assert.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LENGTH_MAX (1 << 24)

static const char *const kinds[] = {[MAS_KIND_TRAIN] = "train",
                                    [MAS_KIND_PLAN] = "plan",
                                    [MAS_KIND_KERNEL] = "kernel",
                                    [MAS_EXPERIMENT_KIND_COUNT] = NULL};
static const char *const positions[] = {[MAS_POSITIONS_ROPE] = "rope",
                                        [MAS_POSITIONS_LEARNED] = "learned",
                                        [MAS_POSITIONS_NONE] = "none",
                                        [MAS_POSITIONS_COUNT] = NULL};
static const char *const norms[] = {
    [MAS_NORM_LAYERNORM] = "layernorm", [MAS_NORM_RMSNORM] = "rmsnorm", [MAS_NORM_COUNT] = NULL};
static const char *const activations[] = {[MAS_ACTIVATION_GELU] = "gelu",
                                          [MAS_ACTIVATION_SWIGLU] = "swiglu",
                                          [MAS_ACTIVATION_COUNT] = NULL};
static const char *const model_dtypes[] = {
    [MAS_DTYPE_F32] = "f32", [MAS_DTYPE_BF16] = "bf16", NULL};
static const char *const recomputes[] = {
    [MAS_RECOMPUTE_NONE] = "none", [MAS_RECOMPUTE_LAYER] = "layer", [MAS_RECOMPUTE_COUNT] = NULL};
static const char *const corpora[] = {[MAS_CORPUS_TEXT] = "text",
                                      [MAS_CORPUS_TOKENS] = "tokens",
                                      [MAS_CORPUS_RECALL] = "recall",
                                      [MAS_CORPUS_KIND_COUNT] = NULL};
const char *const mas_schedule_words[] = {[MAS_LR_CONSTANT] = "constant",
                                          [MAS_LR_COSINE] = "cosine",
                                          [MAS_LR_LINEAR] = "linear",
                                          [MAS_LR_SCHEDULE_COUNT] = NULL};
/* Training text is not for scoring, so the words begin after it. */
static const char *const splits[] = {"validation", "test", NULL};
static_assert(MAS_SPLIT_TEST == MAS_SPLIT_VALIDATION + 1 && MAS_SPLIT_COUNT == MAS_SPLIT_TEST + 1,
              "splits in the order of the enum");

static const char *const bench_ops[] = {[MAS_ATTN_FORWARD] = "forward",
                                        [MAS_ATTN_BACKWARD] = "backward",
                                        [MAS_ATTN_DECODE] = "decode",
                                        [MAS_ATTN_OP_COUNT] = NULL};
static const char *const dtypes[] = {[MAS_DTYPE_F32] = "f32",
                                     [MAS_DTYPE_BF16] = "bf16",
                                     [MAS_DTYPE_F16] = "f16",
                                     [MAS_DTYPE_COUNT] = NULL};

const char *mas_experiment_kind_name(mas_experiment_kind kind)
{
    return (unsigned)kind < MAS_EXPERIMENT_KIND_COUNT ? kinds[kind] : "unknown";
}

/* Rows: type, key, member of T, its limits, help. */
#define INT(T, member, low_, high_, help_)                                                         \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_INT32, .offset = offsetof(T, member), .min = low_,       \
        .max = high_, .help = help_                                                                \
    }
#define LONG(T, member, low_, high_, help_)                                                        \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_INT64, .offset = offsetof(T, member), .min = low_,       \
        .max = high_, .help = help_                                                                \
    }
#define REAL(kind_, T, member, low_, high_, help_)                                                 \
    {                                                                                              \
        .key = #member, .type = kind_, .offset = offsetof(T, member), .low = low_, .high = high_,  \
        .help = help_                                                                              \
    }
#define ABOVE(kind_, T, member, low_, high_, help_)                                                \
    {                                                                                              \
        .key = #member, .type = kind_, .offset = offsetof(T, member), .low = low_, .high = high_,  \
        .above = true, .help = help_                                                               \
    }
#define BOOL(T, member, help_)                                                                     \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_BOOL, .offset = offsetof(T, member), .help = help_       \
    }
#define WORD(T, member, words_, help_)                                                             \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_WORD, .offset = offsetof(T, member), .words = words_,    \
        .help = help_                                                                              \
    }

static const char *const presets[] = {[MAS_PRESET_NONE] = "none",
                                      [MAS_PRESET_GPT2] = "gpt2",
                                      [MAS_PRESET_GPT2_MEDIUM] = "gpt2_medium",
                                      [MAS_PRESET_GPT2_LARGE] = "gpt2_large",
                                      [MAS_PRESET_GPT2_XL] = "gpt2_xl",
                                      [MAS_PRESET_GPT_NEO_125M] = "gpt_neo_125m",
                                      [MAS_PRESET_GPT_NEO_1P3B] = "gpt_neo_1p3b",
                                      [MAS_PRESET_GPT_NEO_2P7B] = "gpt_neo_2p7b",
                                      [MAS_PRESET_COUNT] = NULL};

static void begin_model(void *target)
{
    mas_model_config *model = target;
    *model = mas_model_config_preset(model->preset);
}

static const mas_field model_fields[] = {
    {.key = "preset",
     .type = MAS_FIELD_WORD,
     .offset = offsetof(mas_model_config, preset),
     .words = presets,
     .quiet = true,
     .help = "shape of a published model, which the other keys then change; its layer rule is said "
             "in attention"},
    INT(mas_model_config, layers, 1, MAS_LAYERS_MAX, "decoder layers"),
    INT(mas_model_config, width, 1, 65536, "width of the residual stream"),
    INT(mas_model_config, heads, 1, 4096, "query heads"),
    INT(mas_model_config, kv_heads, 0, 4096,
        "key/value heads, a divisor of heads; 0: as many as heads"),
    INT(mas_model_config, head_dim, 0, MAS_HEAD_DIM_MAX, "size of a head; 0: width / heads"),
    INT(mas_model_config, mlp_width, 0, 1 << 20,
        "hidden size of the MLP; 0: 4 width (gelu), 8/3 width (swiglu)"),
    INT(mas_model_config, vocab, 0, 1 << 24, "vocabulary; 0: the corpus's"),
    INT(mas_model_config, max_length, 0, LENGTH_MAX,
        "rows of the learned position table; 0: the longest length used"),
    WORD(mas_model_config, positions, positions, "rotary, a learned table, or none"),
    BOOL(mas_model_config, full_positions, "false: no positions on full layers (rope only)"),
    ABOVE(MAS_FIELD_FLOAT, mas_model_config, rope_theta, 0, 1e12, "base of the rotary wavelengths"),
    WORD(mas_model_config, norm, norms, "normalisation before each block"),
    ABOVE(MAS_FIELD_FLOAT, mas_model_config, norm_epsilon, 0, 1, "added to the variance"),
    WORD(mas_model_config, activation, activations, "of the MLP"),
    BOOL(mas_model_config, bias, "biases in linear layers (layernorm with gelu only)"),
    BOOL(mas_model_config, tied_embeddings, "unembedding shares the embedding's weights"),
    BOOL(mas_model_config, sink_logits,
         "one learned logit per head and layer in the softmax denominator"),
    REAL(MAS_FIELD_FLOAT, mas_model_config, softcap, 0, 1e6, "cap on attention logits; 0: none"),
    REAL(MAS_FIELD_FLOAT, mas_model_config, attention_scale, 0, 1e6,
         "factor on scores; 0: 1 / sqrt(head_dim)"),
    WORD(mas_model_config, dtype, model_dtypes,
         "matrix inputs and activations; weights, gradients and sums are f32 always"),
    REAL(MAS_FIELD_FLOAT, mas_model_config, init_std, 0, 10,
         "standard deviation of initial weights"),
};
static const mas_section model_section = {.name = "model",
                                          .help =
                                              "The decoder. Fields at 0 follow from the others.",
                                          .fields = model_fields,
                                          .count = COUNT(model_fields),
                                          .selector = &model_fields[0],
                                          .begin = begin_model};

static const mas_field attention_fields[] = {
    {.key = "sparse",
     .type = MAS_FIELD_CUSTOM,
     .offset = offsetof(mas_attention_config, sparse),
     .codec = &mas_codec_variant,
     .help = "what the layers that are not full get"},
    {.key = "full_layers",
     .type = MAS_FIELD_CUSTOM,
     .offset = offsetof(mas_attention_config, full_layers),
     .codec = &mas_codec_full_layers,
     .help = "number of full layers; left out with periodic and list placements, which fix it"},
    {.key = "placement",
     .type = MAS_FIELD_CUSTOM,
     .offset = offsetof(mas_attention_config, placement),
     .codec = &mas_codec_placement,
     .help = "which layers are full"},
};
static const mas_section attention_section = {
    "attention",
    "Which layers get full attention, and what the others get.",
    attention_fields,
    COUNT(attention_fields),
    NULL,
    NULL,
    NULL};

enum {
    TEXT = 1 << MAS_CORPUS_TEXT,
    TOKENS = 1 << MAS_CORPUS_TOKENS,
    RECALL = 1 << MAS_CORPUS_RECALL
};

#define PATHS(key_, member, count_, only_, required_, help_)                                       \
    {                                                                                              \
        .key = key_, .type = MAS_FIELD_TEXTS, .offset = offsetof(mas_corpus_config, member),       \
        .count_offset = offsetof(mas_corpus_config, count_), .max = MAS_CORPUS_PATHS_MAX,          \
        .size = MAS_CORPUS_PATH_MAX, .only = only_, .required = required_, .help = help_           \
    }
#define FILE_PATH(key_, member, help_)                                                             \
    {                                                                                              \
        .key = key_, .type = MAS_FIELD_TEXT, .offset = offsetof(mas_corpus_config, member),        \
        .size = MAS_CORPUS_PATH_MAX, .only = TOKENS, .help = help_                                 \
    }
#define SHARE(member, only_, help_)                                                                \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_DOUBLE, .offset = offsetof(mas_corpus_config, member),   \
        .low = 0, .high = 1, .only = only_, .help = help_                                          \
    }
#define RECALL_INT(member, low_, high_, help_)                                                     \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_INT32, .offset = offsetof(mas_corpus_config, member),    \
        .min = low_, .max = high_, .only = RECALL, .help = help_                                   \
    }

static const mas_field corpus_fields[] = {
    {.key = "type",
     .type = MAS_FIELD_WORD,
     .offset = offsetof(mas_corpus_config, kind),
     .words = corpora,
     .help =
         "text: real documents; tokens: .bin files of ids; recall: generated, with known entropy"},
    PATHS("paths", paths, path_count, TEXT | TOKENS, TOKENS,
          "text: files, folders or globs with **; tokens: training files"),
    PATHS("exclude", exclude, exclude_count, TEXT, 0, "globs of whole paths to leave out"),
    {.key = "tokenizer",
     .type = MAS_FIELD_CUSTOM,
     .offset = offsetof(mas_corpus_config, tokenizer),
     .only = TEXT,
     .codec = &mas_codec_tokenizer,
     .help =
         "bytes as they are, or a vocabulary of byte pairs learned from the training documents"},
    {.key = "min_bytes",
     .type = MAS_FIELD_INT32,
     .offset = offsetof(mas_corpus_config, min_bytes),
     .min = 0,
     .max = INT32_MAX,
     .only = TEXT,
     .help = "shorter documents are left out; 0: only empty ones"},
    SHARE(validation_fraction, TEXT | TOKENS,
          "share of documents (tokens: of the file's end) for validation"),
    SHARE(test_fraction, TEXT | TOKENS, "share for the final test"),
    FILE_PATH("validation", validation_path,
              "validation file; unset: the end of the training file"),
    FILE_PATH("test", test_path, "test file; unset: the end of the training file"),
    {.key = "vocab",
     .type = MAS_FIELD_INT32,
     .offset = offsetof(mas_corpus_config, vocab),
     .min = 2,
     .max = 1 << 24,
     .only = TOKENS | RECALL,
     .required = TOKENS,
     .help = "vocabulary; ids are below it"},
    RECALL_INT(passage_tokens, 1, LENGTH_MAX, "length of a quoted passage"),
    RECALL_INT(passages, 1, LENGTH_MAX, "passages stated in a document"),
    SHARE(quote_rate, RECALL, "share of a document's tokens that are quotations"),
    RECALL_INT(markov_states, 1, 1 << 20, "states of the local text between passages"),
    {.key = "seed",
     .type = MAS_FIELD_INT64,
     .offset = offsetof(mas_corpus_config, seed),
     .min = 0,
     .max = INT64_MAX,
     .only = RECALL,
     .help = "seed of the source itself"},
};
static const mas_section corpus_section = {
    "corpus",
    "Where tokens come from. Paths are relative to the working folder.",
    corpus_fields,
    COUNT(corpus_fields),
    &corpus_fields[0],
    "text",
    NULL};

static const mas_field training_fields[] = {
    LONG(mas_train_config, tokens, 1, 1000000000000, "budget in tokens"),
    INT(mas_train_config, seq_len, 1, LENGTH_MAX, "sequence length (the final one, when it grows)"),
    INT(mas_train_config, start_len, 0, LENGTH_MAX,
        "length to begin with, doubling up to seq_len; 0: seq_len"),
    REAL(MAS_FIELD_DOUBLE, mas_train_config, grow_until, 0, 1,
         "share of the budget during which it grows"),
    INT(mas_train_config, batch_tokens, 1, 1 << 30,
        "tokens of an optimiser step, a multiple of every length used"),
    INT(mas_train_config, accumulate, 1, 65536,
        "parts in which a step is computed, to save memory"),
    WORD(mas_train_config, recompute, recomputes,
         "layer: keep only the layers' inputs and compute the rest again, to save memory"),
    ABOVE(MAS_FIELD_FLOAT, mas_train_config, learning_rate, 0, 1000, "peak learning rate of AdamW"),
    WORD(mas_train_config, schedule, mas_schedule_words, "learning rate after the warm-up"),
    REAL(MAS_FIELD_DOUBLE, mas_train_config, warmup, 0, 1,
         "share of the steps with a rising learning rate"),
    REAL(MAS_FIELD_FLOAT, mas_train_config, min_learning_rate, 0, 1,
         "at the end of cosine and linear, as a fraction of learning_rate"),
    REAL(MAS_FIELD_FLOAT, mas_train_config, beta1, 0, 1, "decay of the first moment"),
    REAL(MAS_FIELD_FLOAT, mas_train_config, beta2, 0, 1, "decay of the second moment"),
    ABOVE(MAS_FIELD_FLOAT, mas_train_config, epsilon, 0, 1,
          "added to the root of the second moment"),
    REAL(MAS_FIELD_FLOAT, mas_train_config, weight_decay, 0, 100, "on matrices only"),
    REAL(MAS_FIELD_FLOAT, mas_train_config, clip, 0, 1e6, "largest gradient norm; 0: no clipping"),
    INT(mas_train_config, evaluations, 0, 100000,
        "points of the validation curve, besides the last"),
    LONG(mas_train_config, curve_tokens, 1, 1000000000000,
         "fewest scored tokens of each of them, in whole documents"),
    BOOL(mas_train_config, checkpoint, "keep the trained model beside the result"),
    INT(mas_train_config, checkpoint_seconds, 0, 1000000000, "save progress this often; 0: never"),
    {.key = "from",
     .type = MAS_FIELD_CUSTOM,
     .offset = offsetof(mas_train_config, from),
     .codec = &mas_codec_base,
     .help = "conversion: the base to continue, trained once with full attention and shared by all "
             "points that name it; left out: start from drawn weights"},
};
static const mas_section training_section = {"training",
                                             "AdamW on sequences drawn from the corpus.",
                                             training_fields,
                                             COUNT(training_fields),
                                             NULL,
                                             NULL,
                                             NULL};

static const mas_field evaluation_fields[] = {
    INT(mas_eval_config, context, 0, LENGTH_MAX, "window length; 0: training.seq_len"),
    INT(mas_eval_config, stride, 0, LENGTH_MAX, "new tokens of each window; 0: context"),
    LONG(mas_eval_config, tokens, 0, INT64_MAX,
         "fewest scored tokens, in whole documents; 0: the whole split"),
    INT(mas_eval_config, batch, 0, 65536, "windows at a time; 0: as many as a training step"),
    {.key = "split",
     .type = MAS_FIELD_WORD,
     .offset = offsetof(mas_eval_config, split),
     .words = splits,
     .min = MAS_SPLIT_VALIDATION,
     .help = "what is scored"},
};
static const mas_section evaluation_section = {"evaluation",
                                               "Each token is scored once.",
                                               evaluation_fields,
                                               COUNT(evaluation_fields),
                                               NULL,
                                               NULL,
                                               NULL};

static const mas_field kernel_fields[] = {
    WORD(mas_bench_config, op, bench_ops, "what is timed; decode: one query on the whole cache"),
    WORD(mas_bench_config, dtype, dtypes, "of q, k, v, o and their gradients"),
    INT(mas_bench_config, batch, 1, 65536, "sequences"),
    INT(mas_bench_config, q_heads, 1, 4096, "query heads"),
    INT(mas_bench_config, kv_heads, 0, 4096,
        "key/value heads, a divisor of q_heads; 0: as many as q_heads"),
    INT(mas_bench_config, head_dim, 1, MAS_HEAD_DIM_MAX, "size of a head"),
    INT(mas_bench_config, length, 1, LENGTH_MAX, "keys, and queries unless op is decode"),
    INT(mas_bench_config, layers, 1, MAS_LAYERS_MAX,
        "layers of the plan, run one after the other as one sample"),
    {.key = "name",
     .type = MAS_FIELD_TEXT,
     .offset = offsetof(mas_bench_config, name),
     .size = MAS_BENCH_NAME_MAX,
     .help = "choose only among kernels whose names match, as in \"*/flash/*\"; left out: all"},
};
static const mas_section kernel_section = {
    "kernel",      "The attention problem that is timed; attention says its mask.",
    kernel_fields, COUNT(kernel_fields),
    NULL,          NULL,
    NULL};

static const mas_field measure_fields[] = {
    INT(mas_measure_config, warmup, 0, 100000,
        "runs before the first sample; 0: short work is not repeated inside a sample"),
    INT(mas_measure_config, min_samples, 1, MAS_SAMPLES_MAX, "fewest samples"),
    INT(mas_measure_config, max_samples, 1, MAS_SAMPLES_MAX, "most samples"),
    REAL(MAS_FIELD_DOUBLE, mas_measure_config, seconds, 0, 86400,
         "stop sampling after this long, once min_samples are there"),
    ABOVE(MAS_FIELD_DOUBLE, mas_measure_config, precision, 0, 1,
          "stop sampling when the median's relative standard error is below it"),
    BOOL(mas_measure_config, yardstick,
         "time a fixed amount of arithmetic beside every sample: what compare divides by"),
    INT(mas_measure_config, cold_samples, 0, MAS_SAMPLES_MAX,
        "single runs with empty caches, after the others"),
};
static const mas_section measure_section = {
    "measure", "How it is timed.", measure_fields, COUNT(measure_fields), NULL, NULL, NULL};

static const mas_field limits_fields[] = {
    {.key = "memory",
     .type = MAS_FIELD_BYTES,
     .offset = 0,
     .min = 0,
     .max = INT64_MAX,
     .help =
         "most memory a point may take; one that needs more fails with out_of_memory; 0: no limit"},
};
static const mas_section limits_section = {
    "limits", "What a point may use.", limits_fields, COUNT(limits_fields), NULL, NULL, NULL};

enum {
    MODELS = 1 << MAS_KIND_TRAIN | 1 << MAS_KIND_PLAN, /* kinds that have a model */
    KERNEL = 1 << MAS_KIND_KERNEL,
    EVERY_KIND = (1 << MAS_EXPERIMENT_KIND_COUNT) - 1
};

#define SECTION(key_, member, section_, only_)                                                     \
    {                                                                                              \
        .key = key_, .type = MAS_FIELD_SECTION, .offset = offsetof(mas_document, point.member),    \
        .section = &section_, .only = only_                                                        \
    }

enum { KIND_FIELD = 2 }; /* index of `kind` below */
static const mas_field root_fields[] = {
    {.key = "experiment",
     .type = MAS_FIELD_TEXT,
     .offset = offsetof(mas_document, name),
     .size = MAS_NAME_MAX,
     .characters = "abcdefghijklmnopqrstuvwxyz0123456789_-",
     .required = EVERY_KIND,
     .fixed = true,
     .help = "name of the results folder"},
    {.key = "question",
     .type = MAS_FIELD_TEXT,
     .offset = offsetof(mas_document, question),
     .size = sizeof((mas_document *)0)->question,
     .fixed = true,
     .help = "what the experiment asks, for people"},
    {.key = "kind",
     .type = MAS_FIELD_WORD,
     .offset = offsetof(mas_document, point.kind),
     .words = kinds,
     .fixed = true,
     .help = "train: train and score each point; plan: costs only; kernel: time attention"},
    SECTION("model", model, model_section, MODELS),
    SECTION("attention", attention, attention_section, 0),
    SECTION("corpus", corpus, corpus_section, MODELS),
    SECTION("training", training, training_section, MODELS),
    SECTION("evaluation", evaluation, evaluation_section, MODELS),
    SECTION("kernel", kernel, kernel_section, KERNEL),
    SECTION("measure", measure, measure_section, KERNEL),
    SECTION("limits", memory_limit_bytes, limits_section, 0),
    {.key = "seed",
     .type = MAS_FIELD_INT64,
     .offset = offsetof(mas_document, point.seed),
     .min = 0,
     .max = INT64_MAX,
     .help = "of weights and data order, or of the inputs of a kernel"},
    {.key = "sweep", .type = MAS_FIELD_LATER, .fixed = true, .help = "axes; see below"},
};
const mas_section mas_schema_root = {"experiment",
                                     "The top level of a file.",
                                     root_fields,
                                     COUNT(root_fields),
                                     &root_fields[KIND_FIELD],
                                     NULL,
                                     NULL};

void mas_document_init(mas_document *document)
{
    *document = (mas_document){0};
    mas_point *point = &document->point;
    point->kind = MAS_KIND_TRAIN;
    point->seed = 1;
    point->model = mas_model_config_default();
    point->attention.sparse = mas_attn_spec_full();
    point->attention.full_layers = MAS_FULL_LAYERS_UNSET;
    point->attention.placement.kind = MAS_PLACEMENT_BOTTOM;
    point->corpus = mas_corpus_config_default();
    point->training = mas_train_config_default();
    point->evaluation = mas_eval_config_default();
    point->kernel = mas_bench_config_default();
    point->measure = mas_measure_config_default();
}
