/* SPDX-License-Identifier: Apache-2.0 */
/** What a point's settings come to, by themselves: lengths, the attention problem of a layer, the kernel that
 * serves it. */
#ifndef MASBENCH_RUN_QUANTITIES_H
#define MASBENCH_RUN_QUANTITIES_H

#include "harness/config/point.h"
#include "harness/lm/model.h"

/** Window length of the point's evaluation, and the longest sequence the point uses. */
int32_t mas_point_context(const mas_point *point);
int32_t mas_point_longest(const mas_point *point);
/** Tokens that the model must hold at a time. */
int64_t mas_point_batch_tokens(const mas_point *point);
/** The attention problem that layers of this spec solve at `length` (batch 1). The mask must
 * outlive it. */
mas_attn_problem mas_point_problem(const mas_model_config *model, const mas_mask *mask,
                                   int64_t length);

/** Vocabulary that the point's model will have, known without opening the corpus; 0: only the
 * corpus knows. */
int32_t mas_point_vocab(const mas_point *point);

/** Kernels of an operation for a spec: the one chosen (NULL: none) and why better ones were
 * refused. */
const mas_attn_kernel *mas_point_kernel(const mas_device_kind *device,
                                        const mas_model_config *model, const mas_attn_spec *spec,
                                        int64_t length, mas_attn_op op, char *refusals,
                                        size_t refusals_size);

#endif
