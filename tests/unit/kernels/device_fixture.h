/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shared by the tests of the CPU device: a device at a given instruction level, random tensors,
 * and comparison with an f64 oracle. Every Criterion test is a process of its own, so lowering
 * the level in one does not reach another.
 */
#ifndef MASBENCH_TEST_DEVICE_FIXTURE_H
#define MASBENCH_TEST_DEVICE_FIXTURE_H

#include "kernels/cpu/cpu_device.h"
#include "masbench/rng.h"

/** Highest level of this processor. Loops over levels go from MAS_ISA_SCALAR to it. */
mas_isa test_top_isa(void);

/** A device without limit at that level. */
mas_device *test_open(mas_isa isa, int threads);

/** count floats of the device, zero. Released by test_close. */
float *test_zeros(mas_device *d, int64_t count);
/** count normal random numbers times scale. */
float *test_normal(mas_device *d, int64_t count, uint64_t seed, double scale);
/** count integers below bound. */
int32_t *test_ids(mas_device *d, int64_t count, uint64_t seed, int32_t bound);
/** Host copy in f64; free it. */
double *test_wide(const float *x, int64_t count);

/** Fail unless |got - want| <= tolerance * (1 + |want|) everywhere, naming the worst element. */
void test_close_to(const char *what, int64_t count, const float *got, const double *want,
                   double tolerance);

/** Central difference of f at x[i], step 1e-5; x is left as it was. */
double test_slope(double (*f)(const double *x, const void *context), const void *context, double *x,
                  int64_t i);

/** Release everything that test_zeros, test_normal and test_ids made, and close. */
void test_close(mas_device *d);

#endif
