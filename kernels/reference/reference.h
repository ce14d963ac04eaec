/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The oracle: attention in plain C with f64 sums, written to be read and never optimised. It takes
 * every dtype, any strides, grouped heads, softcap, sinks and both alignments.
 *
 * What a query sees is asked pair by pair from mask->sees; the schedule plays no part in the
 * result. It is only held against it: every computed pair must lie in exactly one tile visit of the
 * schedule, and a visit counts when a pair of it was computed. A schedule that lists other pairs
 * makes `run` fail with MAS_E_SCHEDULE.
 */
#ifndef MASBENCH_REFERENCE_H
#define MASBENCH_REFERENCE_H

#include "masbench/attention.h"

#ifdef __cplusplus
extern "C" {
#endif

/** "attn_forward/naive/reference", "attn_backward/naive/reference", "attn_decode/naive/reference".
 * The backward reads neither o nor lse: it computes both again in f64, so its gradients carry no
 * rounding but the last. */
extern const mas_attn_kernel mas_attn_forward_reference;
extern const mas_attn_kernel mas_attn_backward_reference;
extern const mas_attn_kernel mas_attn_decode_reference;

/** The same results before they are rounded to the problem's dtype.
 *  @param[in]  args  q, k, v and, iff problem.sinks, sinks
 *  @param[out] o     dense [B,Tq,Hq,Dv]
 *  @param[out] lse   dense [B,Hq,Tq]
 *  @return MAS_OK, MAS_E_MEMORY, or what mas_attn_problem_check says */
MAS_MUST_USE mas_status mas_attn_oracle_forward(const mas_attn_problem *p, int threads,
                                                const mas_attn_args *args, double *o, double *lse,
                                                mas_error *err);

/** @param[in]  args     q, k, v, d_o and, iff problem.sinks, sinks
 *  @param[out] d_q      dense [B,Tq,Hq,D]
 *  @param[out] d_k, d_v dense [B,Tk,Hkv,D], [B,Tk,Hkv,Dv]
 *  @param[out] d_sinks  [Hq]; not touched without problem.sinks */
MAS_MUST_USE mas_status mas_attn_oracle_backward(const mas_attn_problem *p, int threads,
                                                 const mas_attn_args *args, double *d_q,
                                                 double *d_k, double *d_v, double *d_sinks,
                                                 mas_error *err);

/** One part of an attention whose keys were divided: the forward's results over its share of the
 * keys, without sinks. */
typedef struct mas_attn_part {
    mas_view o; /* [B,Tq,Hq,Dv] of problem.dtype */
    const float
        *lse; /* [B,Hq,Tq]; -inf where the row saw none of these keys (its o is then not read) */
} mas_attn_part;

/** Merge parts over disjoint key sets into what one pass over all keys gives:
 *  lse = log(sum_n exp(lse_n) [+ exp(sink)]), o = sum_n exp(lse_n - lse) o_n. Fixed order, f64
 * sums.
 *  @param[in]  parts, count  count >= 1
 *  @param[in]  sinks         [Hq], read iff problem.sinks
 *  @param[out] o             [B,Tq,Hq,Dv] of problem.dtype; overlaps no part
 *  @param[out] lse           [B,Hq,Tq], may be NULL */
void mas_attn_merge(const mas_attn_problem *p, const mas_attn_part *parts, size_t count,
                    const float *sinks, mas_view o, float *lse);

#ifdef __cplusplus
}
#endif
#endif
