/* SPDX-License-Identifier: Apache-2.0 */
/* A slow-down that is work, not a wait for the clock: what disturbs a kernel disturbs it as well. */
#include "harness/bench/internal.h"

#include <math.h>

#define TRIED_ROUNDS 100000
#define TRIES 20

static volatile uint64_t result; /* so that the loop has an effect */

void mas_bench_delay(int64_t rounds)
{
    if (rounds <= 0)
        return;
    uint64_t x = result;
    for (int64_t i = 0; i < rounds; i++)
        x = x * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
    result = x;
}

int64_t mas_bench_delay_rounds(double seconds)
{
    double fastest = HUGE_VAL;
    for (int i = 0; i < TRIES; i++) {
        const double begin = mas_measure_now();
        mas_bench_delay(TRIED_ROUNDS);
        fastest = fmin(fastest, mas_measure_now() - begin);
    }
    return (int64_t)(seconds / fastest * TRIED_ROUNDS + 0.5);
}
