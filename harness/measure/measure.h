/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Timing, free of what is timed. Work is a `launch`, which may return before the device is done, and a `wait`, which
 * returns when it is: the clock is read before the first launch and after the wait, never in between.
 *
 * A sample is the mean time of `repeats` launches in a row; there are as many of them as make a sample last
 * MAS_MEASURE_SAMPLE_SECONDS, found in the warm-up, so that the clock's own resolution does not matter. Warm-up runs
 * are counted and kept out of the samples; warming up goes on until the last runs agree, within limits. Sampling stops
 * when the median is known to the wished precision, at max_samples or when the budget of time is spent, but never
 * before min_samples.
 *
 * With a yardstick every sample stands between two runs of it. What slows the whole machine (another process, a lower
 * clock, a busy neighbour) slows both, so that the quotient survives.
 */
#ifndef MASBENCH_MEASURE_H
#define MASBENCH_MEASURE_H

#include "masbench/status.h"

#include <stdbool.h>
#include <stdint.h>

/** The `measure:` section of an experiment file. */
typedef struct mas_measure_config {
    int32_t
        warmup; /* fewest runs before the first sample, >= 0; without any, a sample is one run */
    int32_t min_samples;  /* 1 .. max_samples */
    int32_t max_samples;  /* at most MAS_SAMPLES_MAX */
    double seconds;       /* budget of all samples together; 0: min_samples only */
    double precision;     /* relative standard error of the median that is good enough */
    bool yardstick;       /* time it beside every sample; precision is then that of the quotient */
    int32_t cold_samples; /* single runs with empty caches, after the others */
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
    void (*yardstick)(void *user);                  /* start it; NULL: there is none */
    void (*evict)(void *user);   /* displace everything from the caches; NULL: cannot */
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
/** Order of doubles for qsort, smallest first. */
int mas_ascending(const void *a, const void *b);
/** Standard deviation of a normal distribution over its MAD. */
#define MAS_DEVIATION_OF_MAD 1.4826
/** @param count >= 1
 *  @return MAS_OK, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_statistics_of(const double *values, int64_t count, mas_statistics *out,
                                          mas_error *err);

/** Fewer samples than this cannot tell whether the first differ from the rest. */
#define MAS_STEADY_SAMPLES 6
/** Do the first samples look like the rest? The median of the first three must lie within 5 % of the rest's, or within
 *  three interquartile ranges. False below MAS_STEADY_SAMPLES: not known. */
bool mas_samples_steady(const double *values, int64_t count);

typedef struct mas_sample {
    double seconds;      /* a launch */
    double yardstick;    /* mean of the runs before and after it; NAN without one */
    int64_t preemptions; /* times that the scheduler took a processor from this process meanwhile */
} mas_sample;

typedef struct mas_measurement {
    mas_sample *samples; /* [count] in the order they were taken */
    int64_t count;
    double *cold; /* [cold_count] seconds of runs with empty caches */
    int64_t cold_count;
    int64_t repeats;     /* launches of a sample */
    int64_t warmup_runs; /* launches before the first sample */
    bool steady;         /* mas_samples_steady of the seconds */
    bool precise;        /* the wished precision was reached */
    bool
        throttled; /* the machine's rate, by the yardstick, changed by more than MAS_THROTTLED_SHARE */
    double
        stolen; /* share of the processors' time that a hypervisor gave to others meanwhile; NAN: not known */
    mas_statistics statistics; /* of seconds */
    mas_statistics quotient;   /* of seconds over the yardstick's; count 0 without one */
} mas_measurement;

/** Medians of the yardstick in thirds of a measurement differ by at most this share on a machine at one speed. */
#define MAS_THROTTLED_SHARE 0.1

/** @param[out] out  free with mas_measurement_free, also after an error
 *  @return MAS_OK, MAS_E_MEMORY, MAS_E_INTERRUPTED, or what launch or wait returned */
MAS_MUST_USE mas_status mas_measure(const mas_measure_config *config, const mas_measure_work *work,
                                    mas_measurement *out, mas_error *err);
void mas_measurement_free(mas_measurement *measurement);

/** The two halves of mas_measure, for whoever takes samples one at a time: warm up, which sets repeats and
 *  warmup_runs and needs nothing of `out`, then sample.
 *  @param[out] out  of a sample: seconds and yardstick are NAN after an error
 *  @return MAS_OK, MAS_E_INTERRUPTED, or what launch or wait returned */
MAS_MUST_USE mas_status mas_measure_warm_up(const mas_measure_config *config,
                                            const mas_measure_work *work, mas_measurement *out,
                                            mas_error *err);
MAS_MUST_USE mas_status mas_measure_sample(const mas_measure_work *work, int64_t repeats,
                                           bool yardstick, mas_sample *out, mas_error *err);

/** The monotonic clock in seconds. */
double mas_measure_now(void);

#endif
