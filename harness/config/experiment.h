/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Experiment files: one question each, read strictly. A file has sections that describe one point
 * (model, attention, corpus, training, evaluation, limits, seed) and a `sweep` of axes; reading it
 * gives the list of distinct points.
 *
 *     experiment: quickstart            # name of the results folder: [a-z0-9_-]+
 *     question: What do a few full layers buy?
 *     kind: train                       # train: train and score each point; plan: costs only
 *                                       # kernel: time attention (sections kernel, measure)
 *     model: {layers: 6, width: 64}
 *     attention:
 *       sparse: {variant: sliding_window, window: 32, sinks: 0}
 *       full_layers: 2
 *       placement: bottom     # or {periodic: {every: 6, offset: 5}}, {random: SEED}, [0, 3, 5]
 *     corpus: {type: text, paths: [...]}
 *     training: {tokens: 2e6, seq_len: 1024}
 *     evaluation: {tokens: 65536}
 *     limits: {memory: 2GiB}
 *     seed: 1
 *     sweep:                # axes, the first one slowest; equal points of the product run once
 *       - training.seq_len: [256, 1024]                      # a list
 *       - attention.full_layers: {from: 0, to: 4, step: 2}   # a range, both ends included
 *       - model.width: [64, 128]                             # zipped: equally long
 *         training.learning_rate: [3e-3, 2e-3]
 *       - attention.placement: [bottom, middle]              # only where `when` holds
 *         when: {attention.full_layers: [2, 4]}
 *       - attention:                                         # whole sections
 *           - {full_layers: 6}
 *           - {full_layers: 0, sparse: {variant: block_sparse, block: 32}}
 *
 * Axis values of a section are merged over the file's own section, key by key; naming a `variant`
 * drops the options of another one. `when` looks at values set so far.
 */
#ifndef MASBENCH_EXPERIMENT_H
#define MASBENCH_EXPERIMENT_H

#include "harness/bench/bench.h"
#include "harness/corpus/corpus.h"
#include "harness/lm/model.h"
#include "harness/lm/train.h"

#include <jansson.h>
#include <stdio.h>

typedef enum mas_experiment_kind {
    MAS_KIND_TRAIN,
    MAS_KIND_PLAN,
    MAS_KIND_KERNEL,
    MAS_EXPERIMENT_KIND_COUNT
} mas_experiment_kind;

const char *mas_experiment_kind_name(mas_experiment_kind kind);

#define MAS_NAME_MAX 64
#define MAS_TITLE_MAX 160
#define MAS_ID_CHARS 16

/** One point of a sweep, resolved: every default filled in, every rule checked, except what only
 * the corpus knows (model.vocab and model.max_length may still be 0). */
typedef struct mas_point {
    mas_experiment_kind kind;
    uint64_t seed;
    mas_model_config model;
    mas_attention_config attention;
    mas_corpus_config corpus;
    mas_train_config training;
    mas_eval_config evaluation;
    mas_bench_config kernel;    /* MAS_KIND_KERNEL, in place of the four above but attention */
    mas_measure_config measure; /* likewise */
    size_t memory_limit_bytes;  /* 0: none */
    mas_plan plan;              /* canonical at the longest length the point uses */
    char id[MAS_ID_CHARS +
            1]; /* hex hash of the canonical point: equal computations have equal ids */
    char title[MAS_TITLE_MAX]; /* short label: the plan, plus every swept key that the plan does not
                                  show */
    json_t *resolved;          /* the point as JSON, sections and names as in the file */
} mas_point;

typedef struct mas_experiment {
    char name[MAS_NAME_MAX];
    char *question;
    mas_experiment_kind kind;
    int64_t cells; /* of the sweep's product, conditions applied */
    int64_t count; /* distinct points */
    mas_point *points;
    json_t *resolved; /* the whole file with defaults, --set applied, and the axes: stored beside
                         the results */
} mas_experiment;

/** All that is wrong with a file, in the order of lines. Each text is a full message
 *  "file:line:column: path.to.key: what is wrong; expected ...; did you mean "..."?" */
typedef struct mas_diagnostics {
    size_t count;
    char **texts;
} mas_diagnostics;
void mas_diagnostics_free(mas_diagnostics *diagnostics);

/** Read, check and expand an experiment file. Creates nothing.
 *  @param path           an experiment file, or an experiment.json beside results: the same points again
 *  @param settings       "path.to.key=value" overrides (values as in YAML), applied before the
 * sweep; may be NULL
 *  @param[out] out       free with mas_experiment_free; NULL on error
 *  @param[out] problems  everything found; empty on success
 *  @return MAS_OK, MAS_E_IO, MAS_E_FORMAT, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_experiment_load(const char *path, const char *const *settings,
                                            size_t setting_count, mas_experiment **out,
                                            mas_diagnostics *problems);
void mas_experiment_free(mas_experiment *experiment);

/** First difference between two resolved experiments as "path.to.key: 3 -> 4"; false when they are
 * equal. */
bool mas_experiment_difference(const json_t *before, const json_t *after, char *text, size_t size);

/** The reference of all keys (type, default, range, help) as Markdown, from the same tables that
 * read files. */
void mas_experiment_write_schema(FILE *out);

#endif
