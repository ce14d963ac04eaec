/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The base of a conversion: trained once, kept in the experiment's results folder under the hash of
 * all that decides its numbers, and shared by every point (and every process: shards, parallel
 * runs) that names it. Whoever needs a missing base first trains it, the others wait.
 */
#ifndef MASBENCH_RUN_BASE_H
#define MASBENCH_RUN_BASE_H

#include "harness/run/runner.h"

/** What decides a base, as far as the file knows: model, corpus section, optimiser, training.from.
 * What only the corpus and the device know is added to its hash later. NULL: no memory. */
json_t *mas_base_identity(const mas_point *point);
/** Do both points continue the same base? */
bool mas_base_is_shared(const mas_point *a, const mas_point *b);

/** The base's model (full_positions set, vocabulary as in the point) and plan (full everywhere). */
mas_model_config mas_base_model(const mas_model_config *model);
MAS_MUST_USE mas_status mas_base_plan(int32_t layers, mas_plan *out, mas_error *err);

/** Find the base's file, or train it.
 *  @param[out] out  what results record; out->path is malloc'ed
 *  @return MAS_E_INTERRUPTED after a stop request (the base's progress is saved), and the errors of
 * corpora, models and training */
MAS_MUST_USE mas_status mas_base_get(mas_corpora *corpora, const mas_experiment *experiment,
                                     const mas_point *point, const mas_run_options *options,
                                     const mas_run_observer *observer, mas_base *out,
                                     mas_error *err);

#endif
