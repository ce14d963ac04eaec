/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where the time goes, by operation. A profile puts timing wrappers in front of a device's
 * operation table: whatever runs on the device is counted, nothing in the model knows of it. Every
 * wrapper waits for the device before and after, so that asynchronous work is charged to the
 * operation that caused it.
 */
#ifndef MASBENCH_PROFILE_H
#define MASBENCH_PROFILE_H

#include "masbench/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mas_profile_entry {
    const char *name; /* "matmul_forward", "matmul_input_gradient", "matmul_weight_gradient",
                         "attention_forward", "attention_backward", "norm", "norm_backward", ... */
    int64_t calls;
    double seconds;
    double flops; /* useful, of matmuls and attention; 0 elsewhere */
} mas_profile_entry;

typedef struct mas_profile mas_profile;

/** From now on count what runs on the device. One profile at a time (MAS_E_ARGUMENT).
 *  @param[out] out  end with mas_profile_end */
MAS_MUST_USE mas_status mas_profile_begin(mas_device *device, mas_profile **out, mas_error *err);
/** Forget what was counted so far (after a warm-up). */
void mas_profile_reset(mas_profile *profile);
/** Operations in a fixed order, those never called included.
 *  @param[out] count  number of entries */
const mas_profile_entry *mas_profile_entries(const mas_profile *profile, int32_t *count);
/** Count what runs from now on, or let it run unwatched (the waiting before and after every operation
 * costs an asynchronous device most of its speed). On at first. */
void mas_profile_watch(mas_profile *profile, bool on);
/** Put the device's own table back; NULL allowed. */
void mas_profile_end(mas_profile *profile);

#ifdef __cplusplus
}
#endif
#endif
