/* SPDX-License-Identifier: Apache-2.0 */
/* What a point is expected to cost, and its result when the device finds out late. */
#include "harness/results/json_build.h"
#include "harness/run/estimate.h"
#include "harness/run/run.h"
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(point, .timeout = 60);

static bool fails;
static mas_device_ops ops;

static mas_status synchronize(mas_device *d, mas_error *err)
{
    (void)d;
    return fails ? mas_fail(err, MAS_E_SCHEDULE, "attention visited 3 tiles, 4 are listed")
                 : MAS_OK;
}

/* The CPU, told to fail as a GPU does: only when it is waited for. */
static mas_status open_late(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    const mas_status status = mas_device_cpu.open(threads, limit_bytes, out, err);
    if (status != MAS_OK)
        return status;
    ops = *(*out)->ops;
    ops.synchronize = synchronize;
    (*out)->ops = &ops;
    return MAS_OK;
}

static json_t *run_on(mas_status (*open)(int, size_t, mas_device **, mas_error *))
{
    static const char text[] =
        "experiment: late\n"
        "model: {layers: 1, width: 16, heads: 2}\n"
        "corpus: {type: recall}\n"
        "training: {tokens: 256, seq_len: 64, batch_tokens: 64, evaluations: 1, curve_tokens: 64}\n"
        "evaluation: {tokens: 128}\n";
    char folder[] = "/tmp/masbench-point-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    mas_experiment *experiment = load_good(text, NULL, 0);
    mas_device_kind kind = mas_device_cpu;
    kind.open = open;
    const mas_run_options options = {
        .results = folder, .device = &kind, .threads = 1, .shard = 1, .shards = 1};
    json_t *result = mas_run_point(experiment, &experiment->points[0], &options, NULL);
    cr_assert_not_null(result);
    mas_experiment_free(experiment);
    char made[sizeof folder + sizeof "/late"];
    snprintf(made, sizeof made, "%s/late", folder);
    (void)rmdir(made);
    cr_assert_eq(rmdir(folder), 0); /* nothing was left there */
    return result;
}

static double evaluation_flops(const char *corpus, const char *scored)
{
    char text[512];
    snprintf(text, sizeof text,
             "experiment: cost\n"
             "model: {layers: 1, width: 16, heads: 2}\n"
             "corpus: {%s}\n"
             "training: {tokens: 256, seq_len: 64, batch_tokens: 64, %s}\n",
             corpus, scored);
    mas_experiment *experiment = load_good(text, NULL, 0);
    mas_point_cost cost;
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_point_cost_of(&mas_device_cpu, &experiment->points[0], &cost, &err), MAS_OK,
                 "%s", err.text);
    mas_experiment_free(experiment);
    return cost.evaluation_flops;
}

/* What is scored is whole documents, and the curve has a point at the end. */
Test(point, an_estimate_knows_how_much_is_scored)
{
    static const struct {
        const char *corpus;
        int document; /* scored tokens */
    } cases[] = {{"type: recall", 64}, {"type: tokens, paths: absent.bin, vocab: 100", 65535}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double flops[4];
        for (int n = 0; n < 4; n++) {
            char scored[64];
            const int tokens[] = {1, cases[i].document, cases[i].document + 1, 1};
            snprintf(scored, sizeof scored, "evaluations: %d, curve_tokens: %d", n == 3 ? 3 : 1,
                     tokens[n]);
            flops[n] = evaluation_flops(cases[i].corpus, scored);
        }
        cr_expect_gt(flops[0], 0);
        cr_expect_eq(flops[1], flops[0]);
        cr_expect_eq(flops[2], 2 * flops[0]);
        cr_expect_eq(flops[3], 2 * flops[0], "four points, not two");
    }
}

Test(point, what_only_shows_when_the_device_is_waited_for_voids_it)
{
    fails = true;
    json_t *result = run_on(open_late);
    cr_expect_str_neq(mas_json_text_at(result, "status"), "ok");
    cr_expect_not_null(strstr(mas_json_text_at(result, "error"), "3 tiles, 4 are listed"));
    cr_expect(json_is_null(mas_json_value_at(result, "quality.perplexity")) ||
              !mas_json_value_at(result, "quality.perplexity"));
    json_decref(result);
}

Test(point, a_device_that_is_content_leaves_it)
{
    fails = false;
    json_t *result = run_on(open_late);
    cr_expect_str_eq(mas_json_text_at(result, "status"), "ok", "%s",
                     mas_json_text_at(result, "error"));
    cr_expect(mas_json_number_at(result, "quality.perplexity") > 1);
    json_decref(result);
}
