/* SPDX-License-Identifier: Apache-2.0 */
/** Single rows and keys of attention from its definition, to hold a kernel's results against. Private to harness/bench. */
#ifndef MASBENCH_BENCH_ROWS_H
#define MASBENCH_BENCH_ROWS_H

#include "harness/bench/internal.h"

/** Naive kernels 0 .. MAS_BENCH_TWINS-1 sum in different orders; what takes a twin gives f64 sums below 0. */
#define MAS_BENCH_TWINS 8

/** One query head and its keys, widened; every dtype fits f32. */
typedef struct mas_bench_head {
    const mas_attn_problem *p;
    const mas_mask *mask;
    int64_t b, h;       /* query head */
    float *q, *o, *d_o; /* [Tq][D] */
    float *k, *v;       /* [Tk][D] */
    const float *lse;   /* [Tq] */
    int64_t *seen;      /* what the row sees, or who sees the key */
    double *weight;     /* of each of them */
} mas_bench_head;

/** @return false without memory; otherwise close it */
bool mas_bench_head_open(const mas_bench_rig *rig, const mas_mask *mask, bool backward, int64_t b,
                         int64_t h, mas_bench_head *x);
void mas_bench_head_close(mas_bench_head *x);

/** Keys that a row sees, into x->seen; their number. */
int64_t mas_bench_keys_of(const mas_bench_head *x, int64_t row);
/** o [Dv] and lse of a row over the `count` keys in x->seen. */
void mas_bench_forward_row(const mas_bench_head *x, int64_t row, int64_t count, double *o,
                           double *lse);
void mas_bench_naive_forward_row(const mas_bench_head *x, int twin, int64_t row, int64_t count,
                                 double *o, double *lse);
/** dQ of a row over the `count` keys in x->seen. */
void mas_bench_backward_row(const mas_bench_head *x, int twin, int64_t row, int64_t count,
                            double *d_q);
/** dK and dV of a key, summed over the query heads of its group. */
void mas_bench_backward_key(mas_bench_head *group, int64_t heads, int twin, int64_t key,
                            double *d_k, double *d_v);

#endif
