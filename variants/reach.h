/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What depends on what through a stack of layers. Every layer lets a position keep what it holds (the residual
 * stream) and take from the keys that its query sees; composed over the layers of a plan that says which tokens
 * a position depends on. Exact for any mask: a stack of own blocks never leaves its block, and a stack of windows
 * reaches layers * (window - 1) + 1 tokens.
 *
 * Stated twice, by code that shares nothing: mas_reach_layer asks the definition of the mask (`sees`) pair by
 * pair, and what a built model does is held against it (harness/lm/probe.h); the others work on `runs`.
 */
#ifndef MASBENCH_VARIANTS_REACH_H
#define MASBENCH_VARIANTS_REACH_H

#include "variants/plan.h"

/** One layer: a position is reached when it was before (the residual stream) or when its query sees a key
 *  that was. Begin with the changed token alone.
 *  @param         length   of the sequence, queries and keys
 *  @param[in,out] reached  [length]
 *  @return MAS_OK, MAS_E_MEMORY. Cost: at most length^2 questions to the mask. */
MAS_MUST_USE mas_status mas_reach_layer(const mas_attn_spec *spec, int64_t length, bool *reached,
                                        mas_error *err);

/** Which tokens the output at one position depends on, sinks included. Later ones never count: layers are causal.
 *  @param[out] seen  [position + 1]; seen[position] is always true
 *  @return MAS_OK, MAS_E_MEMORY. Cost: layers * (position + the runs of what is seen). */
MAS_MUST_USE mas_status mas_reach_tokens(const mas_plan *plan, int64_t position, bool *seen,
                                         mas_error *err);

/** The last position that depends on each token, sinks included.
 *  @param[out] last  [length]; last[t] >= t
 *  @return MAS_OK, MAS_E_MEMORY. Cost: layers * (length + the runs of all queries), nearly. */
MAS_MUST_USE mas_status mas_reach_last(const mas_plan *plan, int64_t length, int64_t *last,
                                       mas_error *err);

/** How far back influence comes from at most, self included: the largest last[t] - t + 1 over tokens t. Sinks, which
 *  are seen from everywhere, are left out; `length` where any layer is full.
 *  @param[out] reach  tokens, 1 .. length
 *  @return MAS_OK, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_plan_reach(const mas_plan *plan, int64_t length, int64_t *reach,
                                       mas_error *err);

#endif
