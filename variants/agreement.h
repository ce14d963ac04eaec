/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whether a variant's two statements of its mask, `sees` and `runs`, say the same. Schedules and costs
 * come from the one, the reference kernels and the checks from the other, so a variant in which they
 * differ would be trained, timed and recorded as something that it is not.
 */
#ifndef MASBENCH_VARIANTS_AGREEMENT_H
#define MASBENCH_VARIANTS_AGREEMENT_H

#include "variants/variant.h"

/** Hold `runs` against `sees` for a sequence of so many tokens: at the first positions, the last one
 *  and a few drawn ones, on every key among the first, and on the ends and one more key of a few runs
 *  and of the gaps between them. The same positions and keys every time.
 *  @param spec    checked, and good for the length (mas_attn_spec_check_length)
 *  @param length  >= 1. Cost: about a hundred calls of `runs` and some thousand of `sees`, at any length
 *  @return MAS_OK, MAS_E_SCHEDULE (the sentence names variant, position and key), MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_attn_spec_agrees(const mas_attn_spec *spec, int64_t length,
                                             mas_error *err);

#endif
