/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which positions of a sequence depend on one token, layer by layer, from the definition of the masks
 * alone (`sees`, pair by pair): no schedule, no kernel, no formula. What a built model does is held
 * against it (harness/lm/probe.h).
 */
#ifndef MASBENCH_VARIANTS_REACH_H
#define MASBENCH_VARIANTS_REACH_H

#include "variants/variant.h"

/** One layer: a position is reached when it was before (the residual stream) or when its query sees a key
 *  that was. Begin with the changed token alone.
 *  @param         length   of the sequence, queries and keys
 *  @param[in,out] reached  [length]
 *  @return MAS_OK, MAS_E_MEMORY. Cost: at most length^2 questions to the mask. */
MAS_MUST_USE mas_status mas_reach_layer(const mas_attn_spec *spec, int64_t length, bool *reached,
                                        mas_error *err);

#endif
