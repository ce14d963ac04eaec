/* SPDX-License-Identifier: Apache-2.0 */
/** Sums as tensor cores make them: a few products at a time, exactly, and then the running f32 sum
 * cut off towards zero instead of rounded (measured by Fasi, Higham, Mikaitis and Pranesh,
 * "Numerical behavior of NVIDIA tensor cores", 2021). A naive kernel on such hardware has that
 * error too, so where a device says that its narrow products truncate, it belongs into the measure
 * of what is allowed. */
#ifndef MASBENCH_CHECK_TRUNCATED_H
#define MASBENCH_CHECK_TRUNCATED_H

#include <math.h>

#define MAS_TRUNCATED_TERMS 8 /* products that are added before the sum is cut off */

static inline float mas_toward_zero(double x)
{
    const float f = (float)x;
    return fabs((double)f) > fabs(x) ? nextafterf(f, 0) : f;
}

#endif
