/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to results when something around a point fails. */
#include "harness/cli/scratch.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/run.h"
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char text[] =
    "experiment: faults\n"
    "model: {layers: 1, width: 16, heads: 2}\n"
    "corpus: {type: recall}\n"
    "training: {tokens: 256, seq_len: 64, batch_tokens: 64, evaluations: 1, curve_tokens: 64}\n"
    "evaluation: {tokens: 128}\n"
    "sweep:\n"
    "  - seed: [1, 2]\n";

static mas_scratch scratch;
static mas_experiment *experiment;
static mas_run_options options;

static void set_up(void)
{
    mas_error err;
    cr_assert_eq(mas_scratch_make(NULL, &scratch, &err), MAS_OK, "%s", err.text);
    experiment = load_good(text, NULL, 0);
    options = (mas_run_options){.results = scratch.folder,
                                .device = &mas_device_cpu,
                                .threads = 1,
                                .shard = 1,
                                .shards = 1};
}

static void tear_down(void)
{
    mas_experiment_free(experiment);
    mas_scratch_drop(&scratch);
}

TestSuite(run, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *file_of(int64_t point, const char *end)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/faults/%s%s", scratch.folder, experiment->points[point].id,
             end);
    return path;
}

/* ---- a device that dies in the first step ---- */

static bool dead;
static mas_device_ops ops;

static double die(mas_device *d, int64_t count, const float *x)
{
    (void)d, (void)count, (void)x;
    dead = true;
    return (double)NAN;
}

static mas_status report_death(mas_device *d, mas_error *err)
{
    (void)d;
    return dead ? mas_fail(err, MAS_E_DEVICE, "an illegal memory access was encountered") : MAS_OK;
}

static mas_status open_mortal(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    mas_status status = report_death(NULL, err);
    if (status == MAS_OK)
        status = mas_device_cpu.open(threads, limit_bytes, out, err);
    if (status != MAS_OK)
        return status;
    ops = *(*out)->ops;
    ops.sum_squares = die;
    ops.synchronize = report_death;
    (*out)->ops = &ops;
    return MAS_OK;
}

Test(run, a_dead_device_writes_no_point_off)
{
    mas_error err;
    mas_run_summary summary;
    mas_device_kind kind = mas_device_cpu;
    kind.open = open_mortal;
    options.device = &kind;
    cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_E_DEVICE);
    cr_expect_not_null(strstr(err.text, "an illegal memory access was encountered; cpu cannot be "
                                        "used any more: an illegal"),
                       "%s", err.text);
    cr_expect_eq(summary.missing, 2);
    for (int64_t i = 0; i < 2; i++)
        cr_expect_neq(access(file_of(i, ".json"), F_OK), 0, "runs again");
    dead = false;
    options.device = &mas_device_cpu;
    cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_OK);
    cr_expect_eq(summary.ok, 2);
}

/* ---- a result that cannot be written ---- */

Test(run, a_finished_training_outlives_the_loss_of_its_result)
{
    mas_error err;
    mas_run_summary summary;
    json_t *result = NULL;
    char in_the_way[32];
    snprintf(in_the_way, sizeof in_the_way, ".json.tmp.%ld", (long)getpid());
    cr_assert_eq(mas_make_folders(file_of(0, in_the_way), &err), MAS_OK, "%s", err.text);
    cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_E_IO);
    cr_expect_eq(access(file_of(0, ".checkpoint.safetensors"), F_OK), 0);
    cr_assert_eq(rmdir(file_of(0, in_the_way)), 0);

    cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_OK);
    cr_expect_eq(mas_json_read(file_of(0, ".json"), &result, &err), MAS_OK);
    cr_expect(json_is_true(mas_json_value_at(result, "training.resumed")));
    json_decref(result);
    for (int64_t i = 0; i < 2; i++)
        cr_expect_neq(access(file_of(i, ".checkpoint.safetensors"), F_OK), 0);
}

/* ---- what lies in the folder already ---- */

static void put(const char *path, const char *content)
{
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out, "%s", path);
    fputs(content, out);
    fclose(out);
}

/* Run another text in the same folder. */
static mas_status run_text(const char *other, mas_run_summary *summary, mas_error *err)
{
    mas_experiment_free(experiment);
    experiment = NULL;
    experiment = load_good(other, NULL, 0);
    return mas_run_experiment(experiment, &options, NULL, summary, err);
}

Test(run, results_are_read_before_anything_runs)
{
    static const struct {
        const char *content, *message;
    } broken[] = {
        {"", "not valid JSON"},
        {"{\"schema\": 1, \"id\": \"0", "not valid JSON"},
        {"{}", "no whole number under \"schema\""},
        {"{\"schema\": 2, \"id\": \"x\", \"status\": \"ok\"}", "result schema 2"},
    };
    mas_error err;
    mas_run_summary summary;
    cr_assert_eq(mas_make_folders(file_of(1, ""), &err), MAS_OK);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put(file_of(1, ".json"), broken[i].content);
        cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_E_FORMAT);
        cr_expect_not_null(strstr(err.text, broken[i].message), "%s", err.text);
        cr_expect_not_null(strstr(err.text, "remove that file to run its point again"), "%s",
                           err.text);
        cr_expect_neq(access(file_of(0, ".json"), F_OK), 0, "nothing ran");
    }
    cr_assert_eq(unlink(file_of(1, ".json")), 0);
    char path[512];
    snprintf(path, sizeof path, "%s/faults/experiment.json", scratch.folder);
    static const char *const others[] = {"{\"schema\": 2, \"resolved\": {}, \"points\": []}", "{"};
    for (size_t i = 0; i < 2; i++) {
        put(path, others[i]);
        cr_expect_eq(mas_run_experiment(experiment, &options, NULL, &summary, &err), MAS_E_FORMAT);
        cr_expect_not_null(strstr(err.text, "name another with --results"), "%s", err.text);
    }
}

#define SHORT "training: {tokens: 64, seq_len: 32, batch_tokens: 32, evaluations: 0}\n"

/* The title of a point changes when its sweep grows; its id does not. */
Test(run, a_sweep_of_one_grows)
{
    static const char one[] = "experiment: grows\nmodel: {layers: 1, width: 16, heads: 2}\n"
                              "corpus: {type: recall}\n" SHORT "evaluation: {tokens: 64}\n"
                              "sweep:\n  - seed: [1%s]\n";
    char content[512];
    mas_error err;
    mas_run_summary summary;
    snprintf(content, sizeof content, one, "");
    cr_expect_eq(run_text(content, &summary, &err), MAS_OK, "%s", err.text);
    snprintf(content, sizeof content, one, ", 2");
    cr_expect_eq(run_text(content, &summary, &err), MAS_OK, "%s", err.text);
    cr_expect(summary.ok == 2 && summary.already_there == 1);
    snprintf(content, sizeof content, one, "");
    cr_expect_eq(run_text(content, &summary, &err), MAS_E_ARGUMENT, "fewer than are listed");
}

Test(run, a_layout_of_another_content_is_another_experiment)
{
    char path[512], content[1024];
    mas_error err;
    mas_run_summary summary;
    snprintf(path, sizeof path, "%s/layout.txt", scratch.folder);
    snprintf(
        content, sizeof content,
        "experiment: layout\nkind: plan\nmodel: {layers: 1, width: 16, heads: 2}\n"
        "corpus: {type: recall}\ntraining: {seq_len: 16}\n"
        "attention: {sparse: {variant: block_sparse, block: 8, layout: file, layout_file: %s}}\n",
        path);
    put(path, "1\n11\n");
    cr_expect_eq(run_text(content, &summary, &err), MAS_OK, "%s", err.text);
    put(path, "1\n01\n");
    cr_expect_eq(run_text(content, &summary, &err), MAS_E_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "no key, but a file that one names"), "%s", err.text);
}

/* A document is a file. */
static void put_texts(const char *word)
{
    mas_error err;
    char path[512];
    snprintf(path, sizeof path, "%s/texts", scratch.folder);
    cr_assert_eq(mas_make_folders(path, &err), MAS_OK);
    for (int i = 0; i < 24; i++) {
        snprintf(path, sizeof path, "%s/texts/%d.txt", scratch.folder, i);
        FILE *out = fopen(path, "w");
        cr_assert_not_null(out);
        for (int line = 0; line < 40; line++)
            fprintf(out, "%s %d %d\n", word, i, line);
        fclose(out);
    }
}

Test(run, two_texts_do_not_meet_in_a_folder)
{
    char content[1024];
    mas_error err;
    mas_run_summary summary;
    snprintf(content, sizeof content,
             "experiment: text\nmodel: {layers: 1, width: 16, heads: 2}\n"
             "corpus: {type: text, paths: [%s/texts], validation_fraction: 0.3, test_fraction: "
             "0.3}\n" SHORT "evaluation: {tokens: 64}\nsweep:\n  - seed: [1, 2]\n",
             scratch.folder);
    put_texts("one");
    options.shards = 2;
    cr_expect_eq(run_text(content, &summary, &err), MAS_OK, "%s", err.text);
    cr_expect_eq(summary.ok, 1);
    put_texts("two");
    options.shard = 2;
    cr_expect_eq(run_text(content, &summary, &err), MAS_E_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "results of two texts are not mixed"), "%s", err.text);
    put_texts("one");
    cr_expect_eq(run_text(content, &summary, &err), MAS_OK, "%s", err.text);
}

/* ---- a damaged checkpoint ---- */

static void keep_warning(void *user, const mas_point *point, const char *warning)
{
    (void)point;
    snprintf(user, MAS_ERROR_TEXT_MAX, "%s", warning);
}

Test(run, a_damaged_checkpoint_costs_time_not_the_point)
{
    mas_error err;
    mas_run_summary summary;
    char warning[MAS_ERROR_TEXT_MAX] = "";
    const mas_run_observer observer = {.warn = keep_warning, .user = warning};
    cr_assert_eq(mas_make_folders(file_of(1, ""), &err), MAS_OK);
    put(file_of(0, ".checkpoint.safetensors"), "half");
    cr_expect_eq(mas_run_experiment(experiment, &options, &observer, &summary, &err), MAS_OK);
    cr_expect_eq(summary.ok, 2);
    cr_expect_not_null(strstr(warning, "training starts over"), "%s", warning);
    cr_expect_neq(access(file_of(0, ".checkpoint.safetensors"), F_OK), 0);
}
