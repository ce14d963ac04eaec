/* SPDX-License-Identifier: Apache-2.0 */
/** The checker checked: kernels with one deliberate fault each must be caught, sound ones must
 * pass. */
#ifndef MASBENCH_SELFTEST_H
#define MASBENCH_SELFTEST_H

#include <stdio.h>

/** @param glob  over fault names; one line a fault goes to `out`
 *  @return exit status: 0 all caught, 1 not */
int selftest(const char *glob, FILE *out);

#endif
