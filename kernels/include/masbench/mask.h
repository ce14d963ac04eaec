/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Masks: which keys a query sees. A mask is defined over absolute positions, not tensor rows: row i
 * of a problem with q_len queries and kv_len keys stands at position p = i + (kv_len - q_len) when
 * aligned bottom-right, or p = i when aligned top-left (mas_position in schedule.h). p may be
 * negative or past the last key.
 *
 * A mask is stated twice, by two pieces of code that share nothing: `sees`, the definition, one
 * pair at a time, used by the reference kernels; and `runs`, the same as intervals, from which span
 * schedules are built. The kernel checker holds one against the other.
 */
#ifndef MASBENCH_MASK_H
#define MASBENCH_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Keys begin .. end-1. */
typedef struct mas_run {
    int64_t begin, end;
} mas_run;

typedef struct mas_mask mas_mask;
struct mas_mask {
    const void *self; /* the owner's parameters; must outlive the mask */
    /** Does the query at `position` see key number `key` (0 <= key)? */
    bool (*sees)(const mas_mask *mask, int64_t position, int64_t key);
    /** Visible keys of one query among keys 0 .. kv_len-1, as sorted, disjoint, non-empty,
     * non-touching runs.
     *  @param[out] runs  room for max_runs(mask, kv_len) entries
     *  @return number of runs written; 0 when the query sees nothing */
    size_t (*runs)(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs);
    /** Upper bound on what `runs` returns for any position. */
    size_t (*max_runs)(const mas_mask *mask, int64_t kv_len);
};

/** Every key up to and including the query's own position (self unused). */
extern const mas_mask mas_mask_causal;
/** Every key, whatever the position (self unused). */
extern const mas_mask mas_mask_all;

#ifdef __cplusplus
}
#endif
#endif
