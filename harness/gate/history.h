/* SPDX-License-Identifier: Apache-2.0 */
/** Where did a kernel's time change over many runs? */
#ifndef MASBENCH_GATE_HISTORY_H
#define MASBENCH_GATE_HISTORY_H

#include "harness/gate/gate.h"

/** Times of one kernel in one run: seconds over the yardstick's where all runs of it have the same one, else seconds. */
typedef struct mas_history_run {
    const double *values; /* [count]; count 0: this run lacks the kernel */
    size_t count;
    double median, q1, q3;
} mas_history_run;

/** Mark the runs with which a new level begins, among those that have the kernel. The series of medians is cut into the segments that explain it best at
 *  a price for each (the optimal partitioning of Jackson et al., 2005); a cut is kept when a rank test on the samples of
 *  both its neighbours says so, and the change is at least the smallest effect and more than runs usually differ by.
 *  @param[out] change  [count] ratio of the new level to the one before; 0: no change with this run
 *  @return MAS_OK, MAS_E_ARGUMENT, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_history_changes(const mas_history_run *runs, size_t count,
                                            const mas_gate_rules *rules, double *change,
                                            mas_error *err);

/** Chart of every kernel's series over results of several commits, the order as given: out/history.svg and .png, with
 *  its data and script in out/data, and a line for every change on `text`.
 *  @return MAS_OK; MAS_E_NOT_FOUND without gnuplot (the data is written); MAS_E_ARGUMENT without a timed kernel;
 *          MAS_E_UNSUPPORTED for results of several machines, both named; MAS_E_IO, MAS_E_FORMAT, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_history_draw(mas_result_set *const *sets, size_t count,
                                         const mas_gate_rules *rules, const char *out, FILE *text,
                                         mas_error *err);

#endif
