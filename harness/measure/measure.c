/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Calibration aims a little above the shortest sample, so that noise does not ask for another round. */
#define CALIBRATION_MARGIN 1.2
#define REPEATS_MAX (1 << 24)

mas_measure_config mas_measure_config_default(void)
{
    return (mas_measure_config){
        .warmup = 2, .min_samples = 5, .max_samples = 200, .seconds = 0.5, .precision = 0.01};
}

mas_status mas_measure_config_check(const mas_measure_config *c, mas_error *err)
{
    if (c->warmup < 0 || c->min_samples < 1 || c->max_samples > MAS_SAMPLES_MAX)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "warmup %d, min_samples %d, max_samples %d; expected at least 0, at least "
                        "1 and at most %d",
                        c->warmup, c->min_samples, c->max_samples, MAS_SAMPLES_MAX);
    if (c->min_samples > c->max_samples)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "min_samples %d is more than max_samples %d; expected at most as many",
                        c->min_samples, c->max_samples);
    if (!(c->seconds >= 0) || !(c->precision > 0))
        return mas_fail(err, MAS_E_ARGUMENT,
                        "seconds %g, precision %g; expected at least 0 and above 0", c->seconds,
                        c->precision);
    return MAS_OK;
}

double mas_measure_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(const mas_measure_work *work)
{
    return work->now ? work->now(work->user) : mas_measure_now();
}

/* One sample: seconds a launch. */
static mas_status sample(const mas_measure_work *work, int64_t repeats, double *seconds,
                         mas_error *err)
{
    if (work->stopped && work->stopped(work->user))
        return mas_fail(err, MAS_E_INTERRUPTED, "stopped between two samples");
    mas_status status = MAS_OK;
    const double begin = now(work);
    for (int64_t i = 0; status == MAS_OK && i < repeats; i++)
        status = work->launch(work->user, err);
    if (status == MAS_OK && work->wait)
        status = work->wait(work->user, err);
    *seconds = (now(work) - begin) / (double)repeats;
    return status;
}

/* Warm-up runs, then rounds that grow until one is long enough to be a sample. The fastest run counts: the first ones
 * may be slow for reasons of their own. */
static mas_status warm_up(const mas_measure_config *config, const mas_measure_work *work,
                          mas_measurement *out, mas_error *err)
{
    double seconds, fastest = HUGE_VAL;
    mas_status status = MAS_OK;
    out->repeats = 1;
    for (int32_t i = 0; status == MAS_OK && i < config->warmup; i++, out->warmup_runs++) {
        status = sample(work, 1, &seconds, err);
        fastest = fmin(fastest, seconds);
    }
    while (status == MAS_OK && config->warmup > 0 && out->repeats < REPEATS_MAX &&
           fastest * (double)out->repeats < MAS_MEASURE_SAMPLE_SECONDS) {
        const double wanted = ceil(CALIBRATION_MARGIN * MAS_MEASURE_SAMPLE_SECONDS / fastest);
        out->repeats = wanted < REPEATS_MAX ? (int64_t)wanted : REPEATS_MAX;
        status = sample(work, out->repeats, &seconds, err);
        out->warmup_runs += out->repeats;
        fastest = fmin(fastest, seconds);
    }
    return status;
}

mas_status mas_measure(const mas_measure_config *config, const mas_measure_work *work,
                       mas_measurement *out, mas_error *err)
{
    *out = (mas_measurement){.seconds = malloc((size_t)config->max_samples * sizeof(double))};
    if (!out->seconds)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %d samples", config->max_samples);
    mas_status status = warm_up(config, work, out, err);
    const double begin = now(work);
    while (status == MAS_OK && out->count < config->max_samples) {
        if (out->count >= config->min_samples &&
            (out->precise || now(work) - begin >= config->seconds))
            break;
        status = sample(work, out->repeats, &out->seconds[out->count], err);
        if (status != MAS_OK)
            break;
        out->count++;
        status = mas_statistics_of(out->seconds, out->count, &out->statistics, err);
        out->precise = out->count > 1 && out->statistics.error < config->precision;
    }
    out->steady = mas_samples_steady(out->seconds, out->count);
    return status;
}

void mas_measurement_free(mas_measurement *measurement)
{
    free(measurement->seconds);
    *measurement = (mas_measurement){.seconds = NULL};
}
