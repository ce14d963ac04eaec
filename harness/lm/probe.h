/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The receptive-field probe: which positions of a built model's output move when one token changes.
 *
 * A change spread over thousands of keys and several layers is soon smaller than the rounding of an f32,
 * so an ordinary token cannot show how far influence goes. A poisoned one can: its embedding is NaN, and
 * everything computed from it is NaN, however small its share; what a mask hides must stay as it was, to
 * the last bit. The probe does both, and a position moved if either changed its loss.
 */
#ifndef MASBENCH_LM_PROBE_H
#define MASBENCH_LM_PROBE_H

#include "harness/lm/model.h"

/** A small model with the attention of a large one: masks, head size, type, query heads a group,
 *  positions, sinks and softcap stay, so the same kernels run; one group of heads, a narrow MLP, a small
 *  vocabulary, untied embeddings.
 *  @param config  resolved */
mas_model_config mas_probe_config(const mas_model_config *config);

/** Build the first `layers` layers and change the token at `position`.
 *  @param config        of mas_probe_config
 *  @param plan          of the whole model
 *  @param[out] moved    [length] did this position's loss change, by either token?
 *  @param[out] visible  positions that the ordinary token changed
 *  @return MAS_OK, MAS_E_ARGUMENT (a position outside the sequence), and the errors of the model */
MAS_MUST_USE mas_status mas_probe_measure(mas_device *device, const mas_model_config *config,
                                          const mas_plan *plan, int32_t layers, int64_t length,
                                          int64_t position, bool *moved, int64_t *visible,
                                          mas_error *err);

/** FLOPs of attention that one measurement takes at most. */
double mas_probe_flops(const mas_model_config *config, int32_t layers, int64_t length);

#endif
