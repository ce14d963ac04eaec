/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How often does the gate err on this machine? Measured: this program against itself, once as it is and once with
 * kernels slowed down by known amounts. Each repetition asks both ways of comparing: side by side, and recorded
 * against recorded (two runs, one after the other, through the yardstick).
 */
#ifndef MASBENCH_GATE_CALIBRATE_H
#define MASBENCH_GATE_CALIBRATE_H

#include "harness/gate/direct.h"

#define MAS_CALIBRATE_LEVELS 5 /* slow-downs of 0, 3, 5, 10 and 20 percent */

typedef enum mas_calibrate_mode {
    MAS_CALIBRATE_DIRECT,
    MAS_CALIBRATE_RECORDED,
    MAS_CALIBRATE_MODES
} mas_calibrate_mode;

/** Verdicts at one slow-down. */
typedef struct mas_calibration {
    int percent;
    int64_t kernels[MAS_VERDICT_COUNT]; /* of single kernels */
    int64_t gates, gates_failed;        /* whole comparisons, and those that would fail a change */
} mas_calibration;

typedef struct mas_calibrate_result {
    mas_calibration level[MAS_CALIBRATE_MODES][MAS_CALIBRATE_LEVELS];
    json_t *machine; /* where */
} mas_calibrate_result;

/** @param direct  of kind kernel; both programs are this one, slow_down is ignored
 *  @param repetitions  of every level; four times as many without a slow-down
 *  @param[out] out  release out->machine
 *  @return as mas_gate_direct; MAS_E_DEVICE when a point cannot be measured */
MAS_MUST_USE mas_status mas_gate_calibrate(const mas_direct *direct, const mas_gate_rules *rules,
                                           int64_t repetitions, mas_calibrate_result *out,
                                           mas_error *err);
/** The table for people, and all of it as JSON. */
void mas_calibrate_print(const mas_calibrate_result *result, FILE *out);
json_t *mas_calibrate_json(const mas_calibrate_result *result, const mas_gate_rules *rules);

#endif
