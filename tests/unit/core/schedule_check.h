/* SPDX-License-Identifier: Apache-2.0 */
/** Hold a schedule against the definition of its mask, pair by pair. */
#ifndef MASBENCH_TESTS_SCHEDULE_CHECK_H
#define MASBENCH_TESTS_SCHEDULE_CHECK_H

#include "masbench/schedule.h"

/** Build the schedule and assert everything that schedule.h promises about it; `what` names the
 *  mask in messages. Time and memory are quadratic. */
void check_schedule(const char *what, const mas_mask *mask, int64_t q_len, int64_t kv_len,
                    mas_alignment alignment, int32_t q_tile, int32_t k_tile);

#endif
