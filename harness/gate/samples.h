/* SPDX-License-Identifier: Apache-2.0 */
/** Times out of results. Private to harness/gate. */
#ifndef MASBENCH_GATE_SAMPLES_H
#define MASBENCH_GATE_SAMPLES_H

#include "harness/gate/gate.h"

typedef struct mas_gate_samples {
    double *seconds;   /* [count] */
    double *yardstick; /* [count], or NULL: there was none */
    size_t count;      /* the quiet ones, or all where too few of them are */
    size_t all;
    bool disturbed;             /* too few were quiet */
    double median;              /* seconds */
    const char *yardstick_name; /* "" without one */
} mas_gate_samples;

/** Are times of these two results those of one kind of machine?
 *  @param[out] difference  "gpu: H100 -> A100", if not */
bool mas_gate_same_hardware(const json_t *a, const json_t *b, char *difference, size_t size);

/** Seconds that the yardstick takes on this set's machine when nothing disturbs it: the 10th percentile of all its
 *  times; 0 without a yardstick. Results of one machine and number of threads. */
double mas_gate_quiet_yardstick(const mas_result_set *set);

/** Quiet samples: no processor was taken away meanwhile, and the yardstick beside it took no more than
 *  MAS_GATE_QUIET_SHARE above `quiet_yardstick`.
 *  @param quiet_yardstick  0: not known
 *  @param[out] out  free with mas_gate_samples_free, also after an error; count 0 where the result has no times
 *  @return MAS_OK, MAS_E_FORMAT naming the point, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_gate_samples_read(const json_t *result, double quiet_yardstick,
                                              mas_gate_samples *out, mas_error *err);
void mas_gate_samples_free(mas_gate_samples *samples);

#define MAS_GATE_QUIET_SHARE 0.06
/** Fewer quiet samples than this are too few. */
#define MAS_GATE_QUIET_LEAST 8

/** Make keep[] all true when fewer than MAS_GATE_QUIET_LEAST are. Returns how many are. */
size_t mas_gate_keep_enough(bool *keep, size_t count);

#endif
