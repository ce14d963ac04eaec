/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kernels written for matrix tiles, with the tiles emulated in plain C: the checks of processors that have none.
 */
#ifndef MASBENCH_CHECK_EMULATED_H
#define MASBENCH_CHECK_EMULATED_H

#include "harness/check/check.h"

/** Let the checks run on them: attention kernels and the products of the CPU device.
 *  @return MAS_E_UNSUPPORTED where even the emulation cannot run: it needs AVX512-BF16 */
mas_status emulate_tiles(mas_check_options *options, mas_error *err);

#endif
