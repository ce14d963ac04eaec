/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SAMPLES 3
#define STEADY_SHARE 0.05
#define STEADY_RANGES 3

/* For a normal distribution: standard error of the median over that of the mean. */
#define MEDIAN_OF_MEAN 1.2533

int mas_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values; between two of them, in proportion. */
static double quantile(const double *sorted, int64_t count, double share)
{
    const double place = share * (double)(count - 1);
    const int64_t below = (int64_t)place;
    const int64_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

mas_status mas_statistics_of(const double *values, int64_t count, mas_statistics *out,
                             mas_error *err)
{
    double *sorted = malloc((size_t)count * sizeof *sorted);
    if (!sorted)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %lld samples", (long long)count);
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, mas_ascending);
    mas_statistics s = {.count = count,
                        .median = quantile(sorted, count, 0.5),
                        .q1 = quantile(sorted, count, 0.25),
                        .q3 = quantile(sorted, count, 0.75),
                        .min = sorted[0],
                        .max = sorted[count - 1]};
    for (int64_t i = 0; i < count; i++)
        s.mean += sorted[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        sorted[i] = fabs(sorted[i] - s.median);
    qsort(sorted, (size_t)count, sizeof *sorted, mas_ascending);
    s.mad = quantile(sorted, count, 0.5);
    /* A few equal samples make the MAD 0 though others lie far off; half the interquartile range, which is the MAD of
     * a symmetric distribution, does not fall for it so easily. */
    const double spread = fmax(s.mad, (s.q3 - s.q1) / 2);
    s.error = s.median > 0
                  ? MEDIAN_OF_MEAN * MAS_DEVIATION_OF_MAD * spread / sqrt((double)count) / s.median
                  : 0;
    free(sorted);
    *out = s;
    return MAS_OK;
}

bool mas_samples_steady(const double *values, int64_t count)
{
    mas_statistics begin, rest;
    if (count < MAS_STEADY_SAMPLES ||
        mas_statistics_of(values, FIRST_SAMPLES, &begin, NULL) != MAS_OK ||
        mas_statistics_of(values + FIRST_SAMPLES, count - FIRST_SAMPLES, &rest, NULL) != MAS_OK)
        return false;
    const double distance = fabs(begin.median - rest.median);
    return distance <= STEADY_SHARE * rest.median ||
           distance <= STEADY_RANGES * (rest.q3 - rest.q1);
}
