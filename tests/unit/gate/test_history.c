/* SPDX-License-Identifier: Apache-2.0 */
/* Change points of drawn series. */
#include "harness/gate/history.h"
#include "harness/results/results.h"
#include "masbench/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    cr_expect_gt(d.change[7], 1.2, "the first run that has the kernel at its new level");
}

/* ---- results made up ---- */

enum { SETS = 3 };

/* yardstick: NULL: none */
static mas_result_set *timed(const char *folder, double seconds, const char *yardstick,
                             const char *gpu)
{
    json_t *times = json_array(), *beside = json_array();
    for (int i = 0; i < SAMPLES; i++) {
        json_array_append_new(times, json_real(seconds * (1 + 1e-3 * i)));
        json_array_append_new(beside, json_real(1e-6 * (1 + 1e-4 * i)));
    }
    mas_result_set *set = calloc(1, sizeof *set);
    set->folder = strdup(folder);
    set->results = calloc(1, sizeof *set->results);
    set->results[set->count++] =
        json_pack("{s:s, s:s, s:s, s:{s:o, s:o, s:s*}, s:{s:s, s:s}}", "id", "0123456789abcdef",
                  "title", "full", "status", "ok", "samples", "seconds", times, "yardstick_seconds",
                  beside, "yardstick", yardstick, "machine", "git_commit", folder, "gpu", gpu);
    return set;
}

/* What is printed, and the status; frees the sets. */
static mas_status story(mas_result_set **sets, char *text, size_t size, mas_error *err)
{
    char folder[] = "/tmp/masbench-history.XXXXXX", command[64];
    cr_assert_not_null(mkdtemp(folder));
    memset(text, 0, size);
    FILE *out = fmemopen(text, size, "w");
    const mas_gate_rules rules = mas_gate_rules_default();
    mas_status status = mas_history_draw(sets, SETS, &rules, folder, out, err);
    if (status == MAS_E_NOT_FOUND) /* no gnuplot */
        status = MAS_OK;
    fclose(out);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
    for (int i = 0; i < SETS; i++)
        mas_results_free(sets[i]);
    return status;
}

/* Over the yardstick the second run would be a million times slower than the others in seconds. */
Test(history, a_series_has_one_unit)
{
    static const char *const yardsticks[][SETS] = {{NULL, "mixed-1", NULL},
                                                   {"mixed-1", "mixed-2", "mixed-1"},
                                                   {"mixed-1", "mixed-1", "mixed-1"}};
    for (size_t i = 0; i < sizeof yardsticks / sizeof *yardsticks; i++) {
        mas_result_set *sets[SETS];
        char text[1024];
        mas_error err;
        for (int k = 0; k < SETS; k++)
            sets[k] = timed("aaaaaaa", 1e-3, yardsticks[i][k], "H100");
        cr_assert_eq(story(sets, text, sizeof text, &err), MAS_OK, "%s", err.text);
        cr_expect_not_null(strstr(text, ": 0 changes"), "%s", text);
    }
}

Test(history, other_hardware_is_refused_and_named)
{
    mas_result_set *sets[SETS] = {timed("first", 1e-3, NULL, "H100"),
                                  timed("second", 1e-3, NULL, "H100"),
                                  timed("third", 2e-3, NULL, "A100")};
    char text[1024];
    mas_error err;
    cr_assert_eq(story(sets, text, sizeof text, &err), MAS_E_UNSUPPORTED);
    cr_expect_not_null(strstr(err.text, "third was measured on other hardware than first (gpu: "
                                        "H100 -> A100)"),
                       "%s", err.text);
}
