/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Seeded random numbers: xoshiro256** (Blackman and Vigna, public domain reference) seeded through
 * splitmix64. The same seed gives the same numbers on every machine. The state is a plain value:
 * copy it to fork, store it to resume.
 */
#ifndef MASBENCH_RNG_H
#define MASBENCH_RNG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mas_rng {
    uint64_t s[4];
} mas_rng;

/** One step of splitmix64: a good 64-bit mixer, also usable as a stateless hash of a counter. */
uint64_t mas_mix64(uint64_t x);

/** Independent streams come from one seed by different stream numbers. */
mas_rng mas_rng_seed(uint64_t seed, uint64_t stream);
uint64_t mas_rng_u64(mas_rng *rng);
/** Uniform in [0, bound), unbiased; bound >= 1. */
uint64_t mas_rng_below(mas_rng *rng, uint64_t bound);
/** Uniform in [0, 1), 53 bits. */
double mas_rng_uniform(mas_rng *rng);
/** Normal with mean 0, variance 1 (polar method, no state kept between calls). */
double mas_rng_normal(mas_rng *rng);

#ifdef __cplusplus
}
#endif
#endif
