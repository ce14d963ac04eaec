/* SPDX-License-Identifier: Apache-2.0 */
/** How far a result may be from the f64 one: the measure of the checker, which the timing of kernels
 * (harness/bench) uses on sampled rows. */
#ifndef MASBENCH_CHECK_JUDGE_H
#define MASBENCH_CHECK_JUDGE_H

#include "masbench/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mas_check_verdict {
    bool ok;
    double ratio; /* error / allowed, the larger of max-abs and L2 */
    double max_abs, allowed_abs, relative_l2;
    int64_t worst; /* index of the worst element */
} mas_check_verdict;

/** @param twins    naive results; the worst of them counts
 *  @param largest  term of any of the sums: a naive kernel may round that one the other way; 0: not known
 *  @param dtype  of the output */
mas_check_verdict mas_check_judge(int64_t count, const double *want, const double *const *twins,
                                  size_t twin_count, double largest, const double *got,
                                  mas_dtype dtype);

#endif
