/* SPDX-License-Identifier: Apache-2.0 */
/** Times out of a result. Private to harness/gate. */
#ifndef MASBENCH_GATE_SAMPLES_H
#define MASBENCH_GATE_SAMPLES_H

#include "harness/gate/gate.h"

typedef struct mas_gate_samples {
    double *seconds;   /* [count] */
    double *yardstick; /* [count], or NULL: there was none */
    size_t count; /* without those during which a processor was taken away, where enough remain */
    size_t left_out;
    double median;              /* seconds */
    const char *yardstick_name; /* "" without one */
} mas_gate_samples;

/** @param[out] out  free with mas_gate_samples_free, also after an error; count 0 where the result has no times
 *  @return MAS_OK, MAS_E_FORMAT naming the point, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_gate_samples_read(const json_t *result, mas_gate_samples *out,
                                              mas_error *err);
void mas_gate_samples_free(mas_gate_samples *samples);

/** Leave out of `count` samples those that were preempted, if at least half of them and MAS_GATE_SAMPLES_LEAST remain:
 *  keep[i]. Returns how many are kept. */
#define MAS_GATE_SAMPLES_LEAST 8
size_t mas_gate_undisturbed(const int64_t *preemptions, size_t count, bool *keep);

#endif
