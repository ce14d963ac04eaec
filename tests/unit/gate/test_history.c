/* SPDX-License-Identifier: Apache-2.0 */
/* Change points of drawn series. */
#include "harness/gate/history.h"
#include "masbench/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

TestSuite(history, .timeout = 60);

enum { RUNS = 12, SAMPLES = 30 };

typedef struct drawn {
    mas_history_run runs[RUNS];
    double values[RUNS][SAMPLES];
    double change[RUNS];
} drawn;

/* level: of each run; noise: of a run as a whole. */
static void draw(drawn *d, const double *level, double noise, uint64_t seed)
{
    mas_rng rng = mas_rng_seed(seed, 3);
    for (int r = 0; r < RUNS; r++) {
        const double whole = exp(noise * mas_rng_normal(&rng));
        for (int i = 0; i < SAMPLES; i++)
            d->values[r][i] = level[r] * whole * exp(0.02 * fabs(mas_rng_normal(&rng)));
        d->runs[r] = (mas_history_run){d->values[r], SAMPLES, level[r] * whole * 1.0135, 0, 0};
    }
    const mas_gate_rules rules = mas_gate_rules_default();
    mas_error err;
    cr_assert_eq(mas_history_changes(d->runs, RUNS, &rules, d->change, &err), MAS_OK, "%s",
                 err.text);
}

static int changes(const drawn *d)
{
    int count = 0;
    for (int r = 0; r < RUNS; r++)
        count += d->change[r] > 0;
    return count;
}

static const double flat[RUNS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

Test(history, a_flat_series_has_no_change)
{
    drawn d;
    int with = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        draw(&d, flat, 0.01, seed);
        with += changes(&d) > 0;
    }
    cr_expect_leq(with, 2, "%d of 200", with);
}

Test(history, up_and_down_again_are_two_changes)
{
    const double bump[RUNS] = {1, 1, 1, 1, 1.12, 1.12, 1.12, 1.12, 1, 1, 1, 1};
    drawn d;
    int right = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        draw(&d, bump, 0.01, seed);
        right += changes(&d) == 2 && d.change[4] > 1.06 && d.change[8] > 0 && d.change[8] < 0.95;
    }
    cr_expect_geq(right, 95, "%d of 100", right);
}

Test(history, the_last_run_alone_can_be_a_change)
{
    double late[RUNS];
    for (int r = 0; r < RUNS; r++)
        late[r] = r == RUNS - 1 ? 1.2 : 1;
    drawn d;
    draw(&d, late, 0.005, 9);
    cr_expect_eq(changes(&d), 1);
    cr_expect_float_eq(d.change[RUNS - 1], 1.2, 0.03);
}

Test(history, noise_between_runs_raises_the_bar)
{
    drawn d;
    int with = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        draw(&d, flat, 0.06, seed);
        with += changes(&d) > 0;
    }
    cr_expect_leq(with, 10, "%d of 100", with);
}

Test(history, runs_without_the_kernel_are_passed_over)
{
    const double step[RUNS] = {1, 1, 1, 1, 1, 1, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3};
    drawn d;
    draw(&d, step, 0.005, 4);
    d.runs[0].count = d.runs[6].count = 0;
    const mas_gate_rules rules = mas_gate_rules_default();
    mas_error err;
    cr_assert_eq(mas_history_changes(d.runs, RUNS, &rules, d.change, &err), MAS_OK);
    cr_expect_eq(changes(&d), 1);
    cr_expect(d.change[6] > 1.2 || d.change[7] > 1.2);
}
