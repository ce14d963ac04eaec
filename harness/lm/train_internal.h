/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What training's files share: the schedules of lengths and learning rates, the progress that a
 * checkpoint keeps, and evaluation over any scorer.
 */
#ifndef MASBENCH_LM_TRAIN_INTERNAL_H
#define MASBENCH_LM_TRAIN_INTERNAL_H

#include "harness/lm/train.h"

/** Optimiser steps of a checked config. */
int64_t mas_train_steps(const mas_train_config *config);
/** Sequence length of step 0 .. steps-1. */
int32_t mas_train_length(const mas_train_config *config, int64_t step);
/** Learning rate of step 1 .. steps. */
double mas_train_rate(const mas_train_config *config, int64_t step);
/** Does the training curve get a point after step 1 .. steps? */
bool mas_train_curve_step(const mas_train_config *config, int64_t step);

/** Everything besides weights and moments that a resumed run needs. */
typedef struct mas_progress {
    int64_t step;            /* steps done */
    mas_rng rng;             /* the data position */
    double loss_since_point; /* sum of the step losses since the last point of the curve */
    int64_t steps_since_point;
    double seconds, evaluation_seconds;
    double *step_losses;    /* [steps] */
    mas_curve_point *curve; /* room for every point of the curve */
    int32_t curve_count, curve_room;
    int32_t counted_layers; /* 0 in checkpoints older than the two counts */
    int64_t visited_tiles[MAS_LAYERS_MAX], scheduled_tiles[MAS_LAYERS_MAX]; /* as mas_layer_work */
} mas_progress;

/** The identity of a run as JSON text, malloc'ed: a checkpoint is resumed only by the run that
 * wrote it. NULL without memory. */
char *mas_progress_identity(const mas_model *model, const mas_corpus *corpus,
                            const mas_train_config *train, const mas_eval_config *evaluation,
                            uint64_t seed);
/** Progress and identity as one JSON text, malloc'ed; NULL without memory. */
char *mas_progress_text(const mas_progress *progress, const char *identity);
/** The reverse. Refuses another run's text (MAS_E_FORMAT, the first setting that differs named) and
 * broken text; `out` may be changed then.
 *  @param text  may be NULL (a file without it)
 *  @param path  for messages */
MAS_MUST_USE mas_status mas_progress_parse(const char *text, const char *identity, int64_t steps,
                                           const char *path, mas_progress *out, mas_error *err);

/** Losses of a batch: a model, or a stand-in. Same contract as mas_model_evaluate. */
typedef mas_status (*mas_scorer)(void *user, const mas_batch *batch, float *losses,
                                 uint8_t *correct, mas_error *err);

/** mas_evaluate over any scorer.
 *  @param windows  windows of `context` tokens scored at a time, >= 1 */
MAS_MUST_USE mas_status mas_evaluate_with(mas_scorer scorer, void *user, const mas_corpus *corpus,
                                          const mas_eval_config *config, int32_t context,
                                          int64_t windows, mas_quality *out, mas_error *err);

#endif
