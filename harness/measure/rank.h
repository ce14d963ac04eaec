/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How much larger is one set of times than another? By ranks, so that spikes and skewed tails, which every timing
 * has, do not count by their size. Times are compared as logarithms: the answer is a ratio.
 *
 * Two independent sets: the rank-sum test of Mann and Whitney (1947). Pairs: the signed-rank test of Wilcoxon (1945).
 * Both with the estimate and interval of Hodges and Lehmann (1963) that belong to the test. Exact null distributions
 * up to MAS_RANK_EXACT values without ties, above that a normal approximation, corrected for ties and continuity.
 *
 * The tests take the values as independent. Samples of one process are not quite: whoever judges by them should ask
 * for a smallest effect besides a small p.
 */
#ifndef MASBENCH_RANK_H
#define MASBENCH_RANK_H

#include "masbench/status.h"

#include <stddef.h>

#define MAS_RANK_EXACT 25

typedef struct mas_shift {
    double ratio;     /* of the second to the first; 1: equal */
    double low, high; /* interval of it; 0 and HUGE_VAL where there are too few values for one */
    double p_larger;  /* one-sided: the second is not larger than the first; 0 .. 1 */
    double p_smaller; /* one-sided: it is not smaller */
} mas_shift;

/** @param first, second  above 0; large sets are thinned to 400 quantiles for the estimate, not for p
 *  @param confidence  of the interval, for example 0.95
 *  @return MAS_OK, MAS_E_ARGUMENT (an empty set, or a value that is not above 0), MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_rank_independent(const double *first, size_t first_count,
                                             const double *second, size_t second_count,
                                             double confidence, mas_shift *out, mas_error *err);
/** The same for pairs: second[i] was taken beside first[i]. */
MAS_MUST_USE mas_status mas_rank_pairs(const double *first, const double *second, size_t count,
                                       double confidence, mas_shift *out, mas_error *err);

#endif
