/* SPDX-License-Identifier: Apache-2.0 */
/** A plain tile-by-tile attention in float, forward and backward, into which one fault can be put.
 */
#ifndef MASBENCH_FAULTY_H
#define MASBENCH_FAULTY_H

#include "masbench/attention.h"

typedef enum fault {
    FAULT_NONE,
    /* forward */
    FAULT_WINDOW_PLUS_ONE,
    FAULT_OTHER_CORNER,
    FAULT_HEADS_IN_TURN,
    FAULT_SKIPS_LAST_TILE,
    FAULT_SKIPS_AND_LIES,
    FAULT_STALE_MAXIMUM,
    FAULT_NO_MAXIMUM,
    FAULT_WRITES_PAST_END,
    FAULT_READS_OUTPUT,
    FAULT_DEPENDS_ON_THREADS,
    FAULT_DIRTY_WORKSPACE,
    FAULT_WORKSPACE_OVERRUN,
    FAULT_EMPTY_ROW_NAN,
    FAULT_NO_SOFTCAP,
    FAULT_NO_SINKS,
    FAULT_DENSE_STRIDES,
    FAULT_MASK_BY_ADDING,
    FAULT_MASK_BY_ZERO,
    FAULT_WRITES_INPUT,
    FAULT_PADDED_SCALE,
    FAULT_LSE_BASE_TWO,
    FAULT_NARROW_SUMS,
    FAULT_LAST_ROW_UNWRITTEN,
    FAULT_COARSE_EXPONENTIAL,
    FAULT_HIDES_NONFINITE,
    /* backward */
    FAULT_DK_OF_ONE_HEAD,
    FAULT_NO_DELTA,
    FAULT_NO_CAP_SLOPE,
    FAULT_DQ_UNSCALED,
    FAULT_D_SINKS_ONE_BATCH,
    FAULT_ADDS_TO_OUTPUT,
    FAULT_BACKWARD_EMPTY_ROW_NAN,
    FAULT_BACKWARD_SKIPS_AND_LIES,
    FAULT_BACKWARD_DEPENDS_ON_THREADS,
    FAULT_DV_WRONG_HEAD,
    FAULT_BACKWARD_COARSE_EXPONENTIAL,
    FAULT_BACKWARD_HIDES_NONFINITE,
    FAULT_COUNT
} fault;

#define FAULT_FIRST_BACKWARD FAULT_DK_OF_ONE_HEAD

/** The fault that the kernels below have; FAULT_NONE: none. Set between runs only. */
extern fault fault_now;

/** Sound when fault_now is FAULT_NONE. The names say nothing of the fault. */
extern const mas_attn_kernel faulty_forward, faulty_backward;

#endif
