/* SPDX-License-Identifier: Apache-2.0 */
/** How many keys a decoder has to keep under a mask. */
#ifndef MASBENCH_VARIANTS_KV_CACHE_H
#define MASBENCH_VARIANTS_KV_CACHE_H

#include "variants/variant.h"

/** The largest number of keys that have to be kept at any position of a sequence: those at or before
 *  it that its own query or a later one of the sequence sees. A window of W keys and s sinks: W + s; the
 *  own block of b keys: b; full attention: the length.
 *  @param spec    checked; its `runs` are asked once for every position
 *  @param length  >= 1, of the sequence
 *  @return MAS_OK, MAS_E_MEMORY. Cost: O(length + runs of all positions) time, 16 bytes a position */
MAS_MUST_USE mas_status mas_attn_spec_kv_cache_tokens(const mas_attn_spec *spec, int64_t length,
                                                      int64_t *tokens, mas_error *err);

#endif
