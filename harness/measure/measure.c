/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Calibration aims a little above the shortest sample, so that noise does not ask for another round. */
#define CALIBRATION_MARGIN 1.2
#define REPEATS_MAX (1 << 24)

/* Warm enough: the last runs agree this well. Where they never do (a busy machine), warming up ends with this share of
 * the samples' budget spent. */
#define WARM_RUNS 3
#define WARM_SHARE 0.05
#define WARM_BUDGET 0.2

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
    if (c->cold_samples < 0 || c->cold_samples > MAS_SAMPLES_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "cold_samples %d; expected 0 to %d", c->cold_samples,
                        MAS_SAMPLES_MAX);
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

/* How often the scheduler took a processor from one of this process's threads. */
static int64_t preemptions(void)
{
    struct rusage use;
    return getrusage(RUSAGE_SELF, &use) == 0 ? (int64_t)use.ru_nivcsw : 0;
}

/* Ticks that a hypervisor gave to others, and all ticks, since the machine started; false where the system does not
 * say. */
static bool processor_ticks(double *stolen, double *all)
{
    double tick[8]; /* user nice system idle iowait irq softirq steal */
    FILE *file = fopen("/proc/stat", "r");
    const int found = file ? fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &tick[0], &tick[1],
                                    &tick[2], &tick[3], &tick[4], &tick[5], &tick[6], &tick[7])
                           : 0;
    if (file)
        fclose(file);
    *stolen = *all = 0;
    for (int i = 0; i < found; i++)
        *all += tick[i];
    *stolen = found == 8 ? tick[7] : 0;
    return found == 8;
}

/* Seconds from the start to the end of what `runs` launches do. */
static mas_status time_launches(const mas_measure_work *work, int64_t runs, double *seconds,
                                mas_error *err)
{
    mas_status status = MAS_OK;
    const double begin = now(work);
    for (int64_t i = 0; status == MAS_OK && i < runs; i++)
        status = work->launch(work->user, err);
    if (status == MAS_OK && work->wait)
        status = work->wait(work->user, err);
    *seconds = now(work) - begin;
    return status;
}

static mas_status time_yardstick(const mas_measure_work *work, double *seconds, mas_error *err)
{
    const double begin = now(work);
    work->yardstick(work->user);
    const mas_status status = work->wait ? work->wait(work->user, err) : MAS_OK;
    *seconds = now(work) - begin;
    return status;
}

mas_status mas_measure_sample(const mas_measure_work *work, int64_t repeats, bool yardstick,
                              mas_sample *out, mas_error *err)
{
    *out = (mas_sample){.seconds = (double)NAN, .yardstick = (double)NAN};
    if (work->stopped && work->stopped(work->user))
        return mas_fail(err, MAS_E_INTERRUPTED, "stopped between two samples");
    const bool beside = yardstick && work->yardstick;
    const int64_t before = preemptions();
    double first = 0, seconds = 0, second = 0;
    mas_status status = beside ? time_yardstick(work, &first, err) : MAS_OK;
    if (status == MAS_OK)
        status = time_launches(work, repeats, &seconds, err);
    if (status == MAS_OK && beside)
        status = time_yardstick(work, &second, err);
    if (status == MAS_OK)
        *out = (mas_sample){.seconds = seconds / (double)repeats,
                            .yardstick = beside ? (first + second) / 2 : (double)NAN,
                            .preemptions = preemptions() - before};
    return status;
}

/* ---- warming up ---- */

typedef struct warmth {
    double last[WARM_RUNS]; /* seconds of a launch */
    int64_t count;
    double fastest;
} warmth;

static void add_run(warmth *w, double seconds)
{
    w->last[w->count++ % WARM_RUNS] = seconds;
    w->fastest = fmin(w->fastest, seconds);
}

static bool warm(const warmth *w)
{
    double low = HUGE_VAL, high = 0;
    for (int i = 0; i < WARM_RUNS; i++) {
        low = fmin(low, w->last[i]);
        high = fmax(high, w->last[i]);
    }
    return w->count >= WARM_RUNS && high - low <= WARM_SHARE * low;
}

static mas_status warm_run(const mas_measure_work *work, warmth *w, mas_measurement *out,
                           mas_error *err)
{
    mas_sample sample;
    const mas_status status = mas_measure_sample(work, out->repeats, false, &sample, err);
    if (status == MAS_OK) {
        add_run(w, sample.seconds);
        out->warmup_runs += out->repeats;
    }
    return status;
}

/* The runs asked for, then rounds that grow until one is long enough to be a sample, then more until the last ones
 * agree. The fastest run decides on the length: the first ones may be slow for reasons of their own. */
mas_status mas_measure_warm_up(const mas_measure_config *config, const mas_measure_work *work,
                               mas_measurement *out, mas_error *err)
{
    warmth w = {.fastest = HUGE_VAL};
    mas_status status = MAS_OK;
    const double end = now(work) + WARM_BUDGET * config->seconds;
    out->repeats = 1;
    out->warmup_runs = 0;
    for (int32_t i = 0; status == MAS_OK && i < config->warmup; i++)
        status = warm_run(work, &w, out, err);
    while (status == MAS_OK && config->warmup > 0 && out->repeats < REPEATS_MAX &&
           w.fastest * (double)out->repeats < MAS_MEASURE_SAMPLE_SECONDS) {
        const double wanted = ceil(CALIBRATION_MARGIN * MAS_MEASURE_SAMPLE_SECONDS / w.fastest);
        out->repeats = wanted < REPEATS_MAX ? (int64_t)wanted : REPEATS_MAX;
        status = warm_run(work, &w, out, err);
    }
    while (status == MAS_OK && config->warmup > 0 && !warm(&w) && now(work) < end)
        status = warm_run(work, &w, out, err);
    return status;
}

/* ---- samples ---- */

/* Figures of all samples so far; scratch holds max_samples numbers. */
static mas_status summarise(mas_measurement *m, double *scratch, mas_error *err)
{
    for (int64_t i = 0; i < m->count; i++)
        scratch[i] = m->samples[i].seconds;
    mas_status status = mas_statistics_of(scratch, m->count, &m->statistics, err);
    if (status != MAS_OK || isnan(m->samples[0].yardstick))
        return status;
    for (int64_t i = 0; i < m->count; i++)
        scratch[i] = m->samples[i].seconds / m->samples[i].yardstick;
    return mas_statistics_of(scratch, m->count, &m->quotient, err);
}

/* Did the yardstick's median change between thirds of the measurement? */
static bool throttled(const mas_measurement *m, double *scratch)
{
    double low = HUGE_VAL, high = 0;
    for (int third = 0; m->quotient.count >= 9 && third < 3; third++) {
        const int64_t begin = third * m->count / 3, end = (third + 1) * m->count / 3;
        mas_statistics s;
        for (int64_t i = begin; i < end; i++)
            scratch[i - begin] = m->samples[i].yardstick;
        if (mas_statistics_of(scratch, end - begin, &s, NULL) != MAS_OK)
            return false;
        low = fmin(low, s.median);
        high = fmax(high, s.median);
    }
    return high > (1 + MAS_THROTTLED_SHARE) * low;
}

static mas_status take_cold(const mas_measure_config *config, const mas_measure_work *work,
                            mas_measurement *out, mas_error *err)
{
    mas_status status = MAS_OK;
    for (int32_t i = 0; work->evict && status == MAS_OK && i < config->cold_samples; i++) {
        mas_sample sample;
        work->evict(work->user);
        status = mas_measure_sample(work, 1, false, &sample, err);
        if (status == MAS_OK)
            out->cold[out->cold_count++] = sample.seconds;
    }
    return status;
}

mas_status mas_measure(const mas_measure_config *config, const mas_measure_work *work,
                       mas_measurement *out, mas_error *err)
{
    const size_t most = (size_t)config->max_samples;
    *out = (mas_measurement){.samples = malloc(most * sizeof *out->samples),
                             .cold = malloc(((size_t)config->cold_samples + 1) * sizeof(double)),
                             .stolen = (double)NAN};
    double *scratch = malloc(most * sizeof *scratch);
    mas_status status = MAS_OK;
    if (!out->samples || !out->cold || !scratch)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for %d samples", config->max_samples);
    else
        status = mas_measure_warm_up(config, work, out, err);
    double stolen_before, all_before, stolen, all;
    const bool told = processor_ticks(&stolen_before, &all_before);
    const double begin = now(work);
    while (status == MAS_OK && out->count < config->max_samples) {
        if (out->count >= config->min_samples &&
            (out->precise || now(work) - begin >= config->seconds))
            break;
        status = mas_measure_sample(work, out->repeats, config->yardstick,
                                    &out->samples[out->count], err);
        if (status != MAS_OK)
            break;
        out->count++;
        status = summarise(out, scratch, err);
        const mas_statistics *s = out->quotient.count ? &out->quotient : &out->statistics;
        out->precise = out->count > 1 && s->error < config->precision;
    }
    if (told && processor_ticks(&stolen, &all) && all > all_before)
        out->stolen = (stolen - stolen_before) / (all - all_before);
    if (status == MAS_OK) {
        out->throttled = throttled(out, scratch);
        for (int64_t i = 0; i < out->count; i++)
            scratch[i] = out->samples[i].seconds;
        out->steady = mas_samples_steady(scratch, out->count);
        status = take_cold(config, work, out, err);
    }
    free(scratch);
    return status;
}

void mas_measurement_free(mas_measurement *measurement)
{
    free(measurement->samples);
    free(measurement->cold);
    *measurement = (mas_measurement){.samples = NULL};
}
