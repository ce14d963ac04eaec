/* SPDX-License-Identifier: Apache-2.0 */
/* The clock's discipline, on a device of our own with a clock of its own: launches return at once, the work ends later. */
#include "harness/measure/measure.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct fake {
    double time, done;       /* the clock; when all that was launched is done */
    double work, first_work; /* seconds a launch takes; the first `slow` ones */
    int64_t slow, launches;
    double jitter; /* every second launch takes this share more */
    int64_t fail_at;
    int64_t slow_from; /* 0: never; the machine's speed halves with this launch */
    bool cold;         /* the next launch takes 2 ms more */
} fake;

static mas_status launch(void *user, mas_error *err)
{
    fake *f = user;
    if (f->fail_at && f->launches + 1 == f->fail_at)
        return mas_fail(err, MAS_E_DEVICE, "the device is gone");
    double work =
        f->launches < f->slow ? f->first_work : f->work * (1 + (f->launches % 2 ? f->jitter : 0));
    work *= f->slow_from && f->launches >= f->slow_from ? 2 : 1;
    work += f->cold ? 2e-3 : 0;
    f->cold = false;
    f->launches++;
    f->done = fmax(f->done, f->time) + work;
    f->time += 1e-7;
    return MAS_OK;
}

static mas_status wait_done(void *user, mas_error *err)
{
    (void)err;
    fake *f = user;
    f->time = fmax(f->time, f->done);
    return MAS_OK;
}

static double fake_now(void *user)
{
    return ((fake *)user)->time;
}

static mas_measure_work work_of(fake *f)
{
    return (mas_measure_work){.user = f, .launch = launch, .wait = wait_done, .now = fake_now};
}

static const fake five_ms = {.work = 5e-3, .first_work = 50e-3, .slow = 3};

Test(measure, slow_first_launches_are_left_to_the_warm_up)
{
    fake f = five_ms;
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 5, .min_samples = 20, .max_samples = 20, .seconds = 10, .precision = 0.01};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.warmup_runs, 6, "three slow ones, three that agree");
    cr_expect_eq(m.count, 20);
    cr_expect_eq(m.repeats, 1);
    cr_expect_float_eq(m.statistics.median, 5e-3, 0.05 * 5e-3);
    for (int64_t i = 0; i < m.count; i++) {
        cr_expect_geq(m.samples[i].seconds, 5e-3 * (1 - 1e-9));
        cr_expect_lt(m.samples[i].seconds, 40e-3);
    }
    cr_expect(m.steady);
    mas_measurement_free(&m);
}

Test(measure, without_a_warm_up_the_result_is_not_steady)
{
    fake f = five_ms;
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 0, .min_samples = 20, .max_samples = 20, .seconds = 10, .precision = 0.01};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.warmup_runs, 0);
    cr_expect_not(m.steady);
    for (int64_t i = 0; i < m.count; i++)
        cr_expect_float_eq(m.samples[i].seconds, i < 3 ? 50e-3 : 5e-3, 1e-6);
    cr_expect_float_eq(m.statistics.median, 5e-3, 1e-6);
    mas_measurement_free(&m);
}

Test(measure, short_work_is_repeated_inside_a_sample)
{
    fake f = {.work = 1e-5};
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 1, .min_samples = 5, .max_samples = 50, .seconds = 1, .precision = 0.01};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_geq((double)m.repeats * m.statistics.median, MAS_MEASURE_SAMPLE_SECONDS);
    cr_expect_leq(m.repeats, 200);
    cr_expect_eq(m.warmup_runs, 1 + 2 * m.repeats,
                 "the run asked for, the first long round, one more to agree");
    cr_expect_float_eq(m.statistics.median, 1e-5, 1e-8);
    cr_expect_eq(f.launches, m.warmup_runs + m.count * m.repeats);
    mas_measurement_free(&m);
}

Test(measure, stops_at_the_precision_the_budget_or_the_most_samples)
{
    mas_measurement m;
    fake f = {.work = 5e-3};
    mas_measure_work work = work_of(&f);
    mas_measure_config config = {
        .warmup = 1, .min_samples = 4, .max_samples = 100, .seconds = 10, .precision = 0.01};
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.count, 4, "equal samples need no more than the least: %lld", (long long)m.count);
    cr_expect(m.precise);
    mas_measurement_free(&m);

    f = (fake){.work = 5e-3, .jitter = 0.5};
    config.precision = 1e-3;
    config.seconds = 0.1;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_not(m.precise);
    cr_expect(m.count > 4 && m.count < 30, "%lld", (long long)m.count);
    mas_measurement_free(&m);

    config.seconds = 100;
    f = (fake){.work = 5e-3, .jitter = 0.5};
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.count, 100);
    mas_measurement_free(&m);

    config.precision = 0.1; /* MAD 1.25 ms of 6.25: 37 % / sqrt(n) */
    f = (fake){.work = 5e-3, .jitter = 0.5};
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect(m.precise && m.count > 4 && m.count < 30, "%lld", (long long)m.count);
    mas_measurement_free(&m);
}

Test(measure, a_failing_launch_ends_it)
{
    fake f = {.work = 5e-3, .fail_at = 6};
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 1, .min_samples = 4, .max_samples = 100, .seconds = 10, .precision = 0.01};
    mas_measurement m;
    mas_error err;
    cr_expect_eq(mas_measure(&config, &work, &m, &err), MAS_E_DEVICE);
    cr_expect_eq(m.count, 2);
    mas_measurement_free(&m);
}

Test(measure, warms_up_until_runs_agree)
{
    fake f = five_ms; /* three slow launches, one asked for */
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 1, .min_samples = 20, .max_samples = 20, .seconds = 10, .precision = 0.01};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_geq(m.warmup_runs, 3);
    cr_expect_leq(m.warmup_runs, 6);
    for (int64_t i = 0; i < m.count; i++)
        cr_expect_lt(m.samples[i].seconds, 40e-3);
    cr_expect(m.steady);
    mas_measurement_free(&m);
}

static bool stopped(void *user)
{
    (void)user;
    return true;
}

Test(measure, halves_of_it_set_all_that_they_promise)
{
    fake f = five_ms;
    mas_measure_work work = work_of(&f);
    const mas_measure_config config = {.warmup = 1, .seconds = 10};
    mas_measurement m;
    memset(&m, 0x11, sizeof m);
    cr_assert_eq(mas_measure_warm_up(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.warmup_runs, f.launches);
    cr_expect_eq(m.repeats, 1);

    work.stopped = stopped;
    mas_sample sample = {.seconds = 1};
    memset(&m, 0x11, sizeof m);
    cr_expect_eq(mas_measure_warm_up(&config, &work, &m, NULL), MAS_E_INTERRUPTED);
    cr_expect_eq(m.warmup_runs, 0);
    cr_expect_eq(mas_measure_sample(&work, 1, true, &sample, NULL), MAS_E_INTERRUPTED);
    cr_expect(isnan(sample.seconds) && isnan(sample.yardstick));
}

Test(measure, warming_up_ends_where_runs_never_agree)
{
    fake f = {.work = 5e-3, .jitter = 0.5};
    const mas_measure_work work = work_of(&f);
    const mas_measure_config config = {
        .warmup = 1, .min_samples = 5, .max_samples = 5, .seconds = 1, .precision = 0.01};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_leq(m.warmup_runs, 40, "a fifth of a second: %lld", (long long)m.warmup_runs);
    cr_expect_eq(m.count, 5);
    mas_measurement_free(&m);
}

/* A machine at half its speed: everything takes twice as long from a launch on. */
static void fake_yardstick(void *user)
{
    fake *f = user;
    f->done = fmax(f->done, f->time) + 1e-3 * (f->launches < f->slow_from ? 1 : 2);
}

Test(measure, the_yardstick_survives_a_slower_machine)
{
    fake f = {.work = 5e-3, .slow_from = 20};
    mas_measure_work work = work_of(&f);
    work.yardstick = fake_yardstick;
    const mas_measure_config config = {.warmup = 3,
                                       .min_samples = 40,
                                       .max_samples = 40,
                                       .seconds = 10,
                                       .precision = 0.01,
                                       .yardstick = true};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect(m.throttled);
    cr_expect_eq(m.quotient.count, 40);
    cr_expect_float_eq(m.quotient.median, 5, 1e-3);
    cr_expect_float_eq(m.quotient.mad, 0, 1e-3);
    cr_expect_gt(m.statistics.max, 1.9 * m.statistics.min);
    mas_measurement_free(&m);

    f = (fake){.work = 5e-3, .slow_from = 1 << 20};
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_not(m.throttled);
    mas_measurement_free(&m);
}

static void fake_evict(void *user)
{
    ((fake *)user)->cold = true;
}

Test(measure, cold_runs_are_apart)
{
    fake f = {.work = 5e-3};
    mas_measure_work work = work_of(&f);
    work.evict = fake_evict;
    const mas_measure_config config = {.warmup = 3,
                                       .min_samples = 8,
                                       .max_samples = 8,
                                       .seconds = 10,
                                       .precision = 0.01,
                                       .cold_samples = 4};
    mas_measurement m;
    cr_assert_eq(mas_measure(&config, &work, &m, NULL), MAS_OK);
    cr_expect_eq(m.count, 8);
    cr_expect_float_eq(m.statistics.max, 5e-3, 1e-5);
    cr_assert_eq(m.cold_count, 4);
    for (int64_t i = 0; i < m.cold_count; i++)
        cr_expect_float_eq(m.cold[i], 7e-3, 1e-5);
    mas_measurement_free(&m);
}

Test(measure, rules)
{
    mas_error err;
    mas_measure_config c = mas_measure_config_default();
    cr_expect_eq(mas_measure_config_check(&c, &err), MAS_OK);
    c.min_samples = c.max_samples + 1;
    cr_expect_eq(mas_measure_config_check(&c, &err), MAS_E_ARGUMENT);
}

Test(statistics, of_known_values)
{
    const double values[] = {9, 1, 4, 2, 100};
    mas_statistics s;
    cr_assert_eq(mas_statistics_of(values, 5, &s, NULL), MAS_OK);
    cr_expect_float_eq(s.median, 4, 1e-12);
    cr_expect_float_eq(s.q1, 2, 1e-12);
    cr_expect_float_eq(s.q3, 9, 1e-12);
    cr_expect_float_eq(s.mad, 3, 1e-12); /* distances 5 3 0 2 96 */
    cr_expect_float_eq(s.mean, 23.2, 1e-12);
    cr_expect_float_eq(s.min, 1, 0);
    cr_expect_float_eq(s.max, 100, 0);
    const double even[] = {1, 2, 4, 8};
    cr_assert_eq(mas_statistics_of(even, 4, &s, NULL), MAS_OK);
    cr_expect_float_eq(s.median, 3, 1e-12);
    cr_expect_float_eq(s.q1, 1.75, 1e-12);
    cr_expect_float_eq(s.q3, 5, 1e-12);
}

Test(statistics, steady)
{
    const double noise[] = {5.1, 4.9, 5.2, 5.0, 5.1, 4.8, 5.0, 5.3};
    const double late[] = {5, 5, 5, 5, 5, 5, 50, 50}; /* spikes later on are the machine's */
    const double slow[] = {7, 7, 7, 5, 5.1, 5, 5, 5};
    const double fast[] = {3, 3, 3, 5, 5.1, 5, 5, 5};
    cr_expect(mas_samples_steady(noise, 8));
    const double few[] = {55, 55, 55, 5, 5}; /* the spread of two says nothing */
    cr_expect_not(mas_samples_steady(few, 5));
    cr_expect_not(mas_samples_steady(noise, MAS_STEADY_SAMPLES - 1));
    cr_expect(mas_samples_steady(noise, MAS_STEADY_SAMPLES));
    cr_expect(mas_samples_steady(late, 8));
    cr_expect_not(mas_samples_steady(slow, 8));
    cr_expect_not(mas_samples_steady(fast, 8));
}
