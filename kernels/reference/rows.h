/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the reference forward and backward share: the softmax of one query row in f64, and the count
 * of tile visits. Private to kernels/reference.
 */
#ifndef MASBENCH_REFERENCE_ROWS_H
#define MASBENCH_REFERENCE_ROWS_H

#include "masbench/attention.h"

/** Element offset of row t, head h of batch b. */
static inline ptrdiff_t mas_ref_offset(const mas_view *v, int64_t b, int64_t t, int64_t h)
{
    return (ptrdiff_t)b * v->batch + (ptrdiff_t)t * v->row + (ptrdiff_t)h * v->head;
}

void mas_ref_load(mas_dtype dtype, const mas_view *v, int64_t b, int64_t t, int64_t h, int32_t dim,
                  double *out);
void mas_ref_store(mas_dtype dtype, const mas_view *v, int64_t b, int64_t t, int64_t h, int32_t dim,
                   const double *in);

/** Scratch of one thread, cut from one block of memory. */
typedef struct mas_ref_scratch {
    double *q, *k; /* [D] one query, one key */
    double *v, *o; /* [Dv] one value, one output (and the gradient of one output) */
    double *s;     /* [Tk] capped scores, only those seen are set */
    uint8_t *seen; /* [q_tile][Tk] which keys the rows of the current query tile saw */
} mas_ref_scratch;

/** Bytes of one thread's scratch, a multiple of 64. q_tile is 1 without a schedule. */
size_t mas_ref_scratch_bytes(const mas_attn_problem *p, int32_t q_tile);
mas_ref_scratch mas_ref_scratch_cut(const mas_attn_problem *p, void *block);

/** Scores of query row i of head h: scratch->q and, for every key that the mask shows, scratch->s
 * and a 1 in `seen`
 *  ([Tk], otherwise 0). Keys behind the mask are not read.
 *  @return log-sum-exp of the row with its sink, -inf for an empty row */
double mas_ref_row(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                   int64_t i, const mas_ref_scratch *scratch, uint8_t *seen);

/** Tile visits of query tile t: those that hold a pair seen. Every pair found is erased from `seen`
 * ([q_tile][Tk]).
 *  @return visits, or -1 when a visit lists a pair that was not seen (or was listed before), or a
 * seen pair is left */
int64_t mas_ref_visits(const mas_schedule *s, int32_t t, uint8_t *seen);

/** The error both kernels give for -1. */
mas_status mas_ref_schedule_error(const char *name, mas_error *err);

mas_status mas_ref_supports(const mas_attn_problem *p, mas_error *why);
void mas_ref_tile(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile);

#endif
