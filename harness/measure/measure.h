/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Timing, free of what is timed. Work is a `launch`, which may return before the device is done, and a `wait`, which
 * returns when it is: the clock is read before the first launch and after the wait, never in between.
 *
 * A sample is the mean time of `repeats` launches in a row; there are as many of them as make a sample last
 * MAS_MEASURE_SAMPLE_SECONDS, found in the warm-up, so that the clock's own resolution does not matter. Warm-up runs
 * are counted and kept out of the samples. Sampling stops when the median is known to the wished precision, at
 * max_samples or when the budget of time is spent, but never before min_samples.
 */
#ifndef MASBENCH_MEASURE_H
#define MASBENCH_MEASURE_H

#include "masbench/status.h"

#include <stdbool.h>
#include <stdint.h>

/** The `measure:` section of an experiment file. */
typedef struct mas_measure_config {
    int32_t warmup;      /* runs before the first sample, >= 0; without any, a sample is one run */
    int32_t min_samples; /* 1 .. max_samples */
    int32_t max_samples; /* at most MAS_SAMPLES_MAX */
    double seconds;      /* budget of all samples together; 0: min_samples only */
    double precision;    /* relative standard error of the median that is good enough */
} mas_measure_config;

#define MAS_SAMPLES_MAX 10000
#define MAS_MEASURE_SAMPLE_SECONDS 1e-3

mas_measure_config mas_measure_config_default(void);
/** Ranges, and min_samples against max_samples. */
MAS_MUST_USE mas_status mas_measure_config_check(const mas_measure_config *config, mas_error *err);

typedef struct mas_measure_work {
    void *user;
    mas_status (*launch)(void *user, mas_error *err);
    mas_status (*wait)(void *user, mas_error *err); /* NULL: launch returns when the work is done */
    double (*now)(void *user);   /* seconds that never go back; NULL: the monotonic clock */
    bool (*stopped)(void *user); /* asked between samples; NULL: never */
} mas_measure_work;

/** Robust figures of a set of samples. */
typedef struct mas_statistics {
    int64_t count;
    double median, q1, q3; /* quantiles interpolate between neighbours */
    double mad;            /* median distance from the median, not scaled */
    double mean, min, max;
    double error; /* standard error of the median over the median, from the MAD (or half the
                     interquartile range, if larger) as of a normal distribution */
} mas_statistics;
/** @param count >= 1
 *  @return MAS_OK, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_statistics_of(const double *values, int64_t count, mas_statistics *out,
                                          mas_error *err);

/** Do the first samples look like the rest? Decided from the first three, or fewer where there are fewer than six:
 *  their median must lie within 5 % of the rest's, or within three interquartile ranges. True below two samples. */
bool mas_samples_steady(const double *values, int64_t count);

typedef struct mas_measurement {
    double *seconds; /* [count] per launch, in the order they were taken */
    int64_t count;
    int64_t repeats;     /* launches of a sample */
    int64_t warmup_runs; /* launches before the first sample */
    bool steady;
    bool precise; /* the wished precision was reached */
    mas_statistics statistics;
} mas_measurement;

/** @param[out] out  free with mas_measurement_free, also after an error
 *  @return MAS_OK, MAS_E_MEMORY, MAS_E_INTERRUPTED, or what launch or wait returned */
MAS_MUST_USE mas_status mas_measure(const mas_measure_config *config, const mas_measure_work *work,
                                    mas_measurement *out, mas_error *err);
void mas_measurement_free(mas_measurement *measurement);

/** The monotonic clock in seconds. */
double mas_measure_now(void);

#endif
