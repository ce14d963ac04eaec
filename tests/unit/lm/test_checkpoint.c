/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: what goes in comes out, a resumed run equals an uninterrupted one, and a bad file
 * changes nothing. */
#include "tests/unit/lm/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    mas_device *device;
    mas_model_config config;
    mas_plan plan;
    mas_model *model;
    char path[512];
} fixture;

static fixture set_up(const char *name)
{
    fixture f = {.device = open_device(1, 0),
                 .config = tiny_config(),
                 .plan = mixed_plan(3, window_spec(8))};
    f.model = make_model(f.device, &f.config, &f.plan, 256, true, 5);
    snprintf(f.path, sizeof f.path, "%s", temporary(name));
    return f;
}

/* Where a file is written before it takes its place. */
static const char *temporary_of(const fixture *f)
{
    static char path[600];
    snprintf(path, sizeof path, "%s.tmp.%ld", f->path, (long)getpid());
    return path;
}

static void tear_down(fixture *f)
{
    cr_expect_neq(access(temporary_of(f), F_OK), 0, "no half file stays behind");
    unlink(f->path);
    mas_model_free(f->model);
    mas_device_close(f->device);
}

static float *copy_of(const float *from, int64_t count)
{
    float *copy = malloc((size_t)count * sizeof *copy);
    memcpy(copy, from, (size_t)count * sizeof *copy);
    return copy;
}

Test(lm_checkpoint, round_trip)
{
    mas_error err = {MAS_OK, ""};
    fixture f = set_up("round-trip");
    disturb(f.model, 0.5, 1);
    const mas_model_state s = mas_model_get_state(f.model);
    for (int32_t i = 0; i < s.parameter_count; i++)
        for (int64_t j = 0; j < s.parameters[i].count; j++) {
            s.moment1[s.parameters[i].offset + j] = (float)(i + 1) / (float)(j + 3);
            s.moment2[s.parameters[i].offset + j] = (float)(j + 1) / (float)(i + 7);
        }
    must(mas_model_save(f.model, f.path, true, "{\"note\":\"\\u00e9 \\\"quoted\\\"\"}", &err),
         &err);

    mas_model *other = make_model(f.device, &f.config, &f.plan, 256, true, 99);
    const mas_model_state o = mas_model_get_state(other);
    char *extra = NULL;
    must(mas_model_load(other, f.path, true, &extra, &err), &err);
    const size_t bytes = (size_t)s.count * sizeof(float);
    cr_expect_eq(memcmp(s.weights, o.weights, bytes), 0);
    cr_expect_eq(memcmp(s.moment1, o.moment1, bytes), 0);
    cr_expect_eq(memcmp(s.moment2, o.moment2, bytes), 0);
    cr_expect_str_eq(extra, "{\"note\":\"\\u00e9 \\\"quoted\\\"\"}");
    free(extra);
    mas_model_free(other);

    /* the weights alone, into a model without training; and a file without text */
    other = make_model(f.device, &f.config, &f.plan, 256, false, 99);
    must(mas_model_load(other, f.path, false, NULL, &err), &err);
    cr_expect_eq(memcmp(s.weights, mas_model_get_state(other).weights, bytes), 0);
    must(mas_model_save(other, f.path, false, NULL, &err), &err);
    extra = f.path;
    must(mas_model_load(other, f.path, false, &extra, &err), &err);
    cr_expect_null(extra);
    cr_expect_eq(mas_model_load(other, f.path, true, NULL, &err), MAS_E_ARGUMENT);
    cr_expect_eq(mas_model_load(f.model, f.path, true, NULL, &err), MAS_E_FORMAT);
    cr_expect_not_null(strstr(err.text, ": tensor moment1.embedding.weight is missing"), "%s",
                       err.text);
    mas_model_free(other);
    tear_down(&f);
}

/* ---- resuming ---- */

static bool stop_at(void *user, int64_t step, int64_t steps, int64_t tokens, double loss)
{
    const int64_t *last = user;
    cr_expect(step <= steps && tokens == step * 256 && loss > 0);
    return step < *last;
}

static mas_train_config short_training(void)
{
    mas_train_config t = mas_train_config_default();
    t.batch_tokens = 256;
    t.tokens = 9 * 256;
    t.seq_len = 64;
    t.start_len = 16;
    t.accumulate = 2;
    t.evaluations = 2;
    t.curve_tokens = 100;
    t.checkpoint_seconds = 0;
    return t;
}

Test(lm_checkpoint, a_resumed_run_equals_an_uninterrupted_one, .timeout = 120)
{
    mas_error err = {MAS_OK, ""};
    const mas_train_config t = short_training();
    const mas_eval_config evaluation = mas_eval_config_default();
    const mas_corpus corpus = stub_corpus();
    fixture f = set_up("resume");
    mas_train_report whole;
    must(mas_train(f.model, &corpus, &t, &evaluation, 3, f.path, NULL, &whole, &err), &err);
    cr_expect_neq(access(f.path, F_OK), 0, "none was asked for");
    const mas_model_state s = mas_model_get_state(f.model);
    const size_t bytes = (size_t)s.count * sizeof(float);

    /* stopped after steps 1, 3, 5 and 9, each time by a new model with another start */
    mas_model *model = make_model(f.device, &f.config, &f.plan, 256, true, 5);
    mas_train_report report;
    static const int64_t stops[] = {1, 3, 5, 9};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        int64_t last = stops[i];
        const mas_train_monitor monitor = {.step = stop_at, .user = &last};
        cr_expect_eq(mas_train(model, &corpus, &t, &evaluation, 3, f.path, &monitor, &report, &err),
                     MAS_E_INTERRUPTED);
        cr_expect_eq(report.steps, last);
        cr_expect_eq(report.resumed, i > 0);
        cr_expect_eq(access(f.path, F_OK), 0);
        mas_train_report_free(&report);
        mas_model_free(model);
        model = make_model(f.device, &f.config, &f.plan, 256, true, 1000 + i);
    }
    must(mas_train(model, &corpus, &t, &evaluation, 3, f.path, NULL, &report, &err), &err);
    const mas_model_state o = mas_model_get_state(model);
    cr_expect(report.resumed);
    cr_expect_eq(memcmp(s.weights, o.weights, bytes), 0);
    cr_expect_eq(memcmp(s.moment1, o.moment1, bytes), 0);
    cr_expect_eq(memcmp(s.moment2, o.moment2, bytes), 0);
    cr_assert_eq(report.steps, whole.steps);
    cr_expect_eq(
        memcmp(report.step_losses, whole.step_losses, (size_t)whole.steps * sizeof(double)), 0);
    cr_assert_eq(report.curve_count, whole.curve_count);
    for (int i = 0; i < whole.curve_count; i++) {
        const mas_curve_point *a = &report.curve[i], *b = &whole.curve[i];
        cr_expect(a->step == b->step && a->tokens == b->tokens && a->length == b->length);
        cr_expect(a->train_loss == b->train_loss && a->validation_loss == b->validation_loss);
        cr_expect(a->gradient_norm == b->gradient_norm && a->learning_rate == b->learning_rate);
    }
    for (int32_t i = 0; i < f.config.layers; i++) {
        const mas_layer_work *a = &mas_model_layer_work(model)[i],
                             *b = &mas_model_layer_work(f.model)[i];
        cr_expect(a->visited_tiles > 0 && a->visited_tiles == b->visited_tiles);
        cr_expect_eq(a->scheduled_tiles, b->scheduled_tiles);
    }
    mas_train_report_free(&report);
    mas_train_report_free(&whole);
    mas_model_free(model);
    tear_down(&f);
}

/* What comes after training may be cut short, and then goes on from there. */
Test(lm_checkpoint, the_last_step_is_kept, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_train_config t = short_training();
    t.checkpoint_seconds = 1000;
    const mas_eval_config evaluation = mas_eval_config_default();
    const mas_corpus corpus = stub_corpus();
    fixture f = set_up("last-step");
    mas_train_report whole, again;
    must(mas_train(f.model, &corpus, &t, &evaluation, 3, f.path, NULL, &whole, &err), &err);
    mas_model *model = make_model(f.device, &f.config, &f.plan, 256, true, 1000);
    must(mas_train(model, &corpus, &t, &evaluation, 3, f.path, NULL, &again, &err), &err);
    cr_expect(again.resumed);
    cr_expect_eq(again.steps, whole.steps);
    cr_expect_eq(again.curve_count, whole.curve_count);
    cr_expect_eq(memcmp(again.step_losses, whole.step_losses, (size_t)whole.steps * sizeof(double)),
                 0);
    cr_expect_eq(memcmp(f.model->weights, model->weights, (size_t)model->total * sizeof(float)), 0);
    mas_train_report_free(&again);
    mas_train_report_free(&whole);
    mas_model_free(model);
    tear_down(&f);
}

/* Keeps the warning of a start over. */
static void keep_warning(void *user, const char *text)
{
    snprintf(user, MAS_ERROR_TEXT_MAX, "%s", text);
}

/* Training with a checkpoint that is of no use must give what it gives without one. */
static void expect_start_over(fixture *f, const mas_train_config *t, uint64_t seed,
                              const char *text)
{
    mas_error err = {MAS_OK, ""};
    char warning[MAS_ERROR_TEXT_MAX] = "", expected[1024];
    const mas_train_monitor monitor = {.warn = keep_warning, .user = warning};
    const mas_corpus corpus = stub_corpus();
    mas_model *model = make_model(f->device, &f->config, &f->plan, 256, true, 5),
              *other = make_model(f->device, &f->config, &f->plan, 256, true, 5);
    mas_train_report report, plain;
    must(mas_train(model, &corpus, t, NULL, seed, f->path, &monitor, &report, &err), &err);
    must(mas_train(other, &corpus, t, NULL, seed, NULL, NULL, &plain, &err), &err);
    snprintf(expected, sizeof expected, "%s%s; training starts over", f->path, text);
    cr_expect_str_eq(warning, expected);
    cr_expect(!report.resumed);
    cr_expect_eq(memcmp(model->weights, other->weights, (size_t)model->total * sizeof(float)), 0);
    cr_expect_eq(
        memcmp(report.step_losses, plain.step_losses, (size_t)plain.steps * sizeof(double)), 0);
    mas_train_report_free(&report);
    mas_train_report_free(&plain);
    mas_model_free(model);
    mas_model_free(other);
}

Test(lm_checkpoint, one_that_is_of_no_use_is_warned_of, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    const mas_train_config t = short_training();
    const mas_corpus corpus = stub_corpus();
    fixture f = set_up("own-run");
    int64_t last = 2;
    const mas_train_monitor monitor = {.step = stop_at, .user = &last};
    mas_train_report report;
    cr_expect_eq(mas_train(f.model, &corpus, &t, NULL, 3, f.path, &monitor, &report, &err),
                 MAS_E_INTERRUPTED);
    cr_expect_str_eq(err.text,
                     "training was stopped after step 2 of 9; the next run goes on from there");
    mas_train_report_free(&report);
    mas_train_config other = t;
    other.weight_decay = 0.25f;
    expect_start_over(&f, &other, 3,
                      " belongs to another run: training.weight_decay is 0.10000000149011612 there "
                      "and 0.25 here");
    expect_start_over(&f, &t, 4, " belongs to another run: seed is \"3\" there and \"4\" here");
    must(mas_model_save(f.model, f.path, true, NULL, &err), &err);
    expect_start_over(&f, &t, 3, " holds no training progress (metadata key \"masbench\")");
    cr_assert_eq(truncate(f.path, 5), 0);
    expect_start_over(&f, &t, 3,
                      " is not a safetensors file: it has 5 bytes, and 8 are needed for the "
                      "header's length alone");
    tear_down(&f);
}

/* ---- faults ---- */

static void write_file(const char *path, const void *header, size_t header_length, const void *data,
                       size_t bytes)
{
    FILE *out = fopen(path, "wb");
    const uint64_t length = header_length;
    cr_assert(out && fwrite(&length, 8, 1, out) == 1);
    cr_assert_eq(fwrite(header, 1, header_length, out), header_length);
    cr_assert_eq(fwrite(data, 1, bytes, out), bytes);
    fclose(out);
}

/* Loading must fail with exactly `text` after the path, and leave every weight alone. */
static void expect_refused(fixture *f, mas_status status, const char *text)
{
    mas_error err = {MAS_OK, ""};
    char expected[1024];
    float *before = copy_of(f->model->weights, f->model->total);
    snprintf(expected, sizeof expected, "%s%s", f->path, text);
    cr_expect_eq(mas_model_load(f->model, f->path, false, NULL, &err), status, "%s", text);
    cr_expect_str_eq(err.text, expected);
    cr_expect_eq(memcmp(before, f->model->weights, (size_t)f->model->total * sizeof *before), 0,
                 "weights untouched");
    free(before);
}

Test(lm_checkpoint, broken_files)
{
    static const float zeros[64] = {0};
    fixture f = set_up("broken");
    FILE *out = fopen(f.path, "wb");
    fclose(out);
    expect_refused(
        &f, MAS_E_FORMAT,
        " is not a safetensors file: it has 0 bytes, and 8 are needed for the header's length "
        "alone");
    out = fopen(f.path, "wb");
    fputs("PK\3\4 this is another kind of file", out);
    fclose(out);
    mas_error err = {MAS_OK, ""};
    cr_expect_eq(mas_model_load(f.model, f.path, false, NULL, &err), MAS_E_FORMAT);
    cr_expect_not_null(
        strstr(err.text, "is not a safetensors file or is truncated: its header should have "),
        "%s", err.text);
    write_file(f.path, "[1, 2]", 6, zeros, 0);
    expect_refused(
        &f, MAS_E_FORMAT,
        " is not a safetensors file: its header is not a JSON object (another kind of value)");
    static const struct {
        const char *header;
        size_t bytes;
        const char *text;
    } faults[] = {
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[0,96]}}", 95,
         " is truncated: tensor norm.weight ends at byte 96 of the data, which has 95"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[0,96]}}", 100,
         " has 4 bytes after its last tensor"},
        {"{\"norm.weight\":{\"dtype\":\"F16\",\"shape\":[24],\"data_offsets\":[0,48]}}", 48,
         ": tensor norm.weight has dtype F16; only F32 is read"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[0,92]}}", 92,
         ": tensor norm.weight has 92 bytes, which do not fit its shape"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[2,3,4],\"data_offsets\":[0,96]}}", 96,
         ": tensor norm.weight has 3 dimensions; 1 or 2 were expected"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[-24],\"data_offsets\":[0,96]}}", 96,
         ": tensor norm.weight has an impossible shape"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[96,0]}}", 96,
         ": tensor norm.weight has impossible data_offsets 96 to 0"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[4,100]}}", 100,
         ": tensor norm.weight starts at byte 4 of the data where the one before ends at 0"},
        {"{\"norm.weight\":{\"shape\":[24],\"data_offsets\":[0,96]}}", 96,
         ": tensor norm.weight lacks a dtype, a shape or two data_offsets"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[23],\"data_offsets\":[0,92]}}", 92,
         ": tensor norm.weight has shape [23]; this model needs [24]"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24,1],\"data_offsets\":[0,96]}}", 96,
         ": tensor norm.weight has shape [24, 1]; this model needs [24]"},
        {"{\"norm.gain\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[0,96]}}", 96,
         ": unknown tensor norm.gain; this model has none of that name"},
        {"{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[24],\"data_offsets\":[0,96]}}", 96,
         ": tensor embedding.weight is missing"},
        {"{}", 0, ": tensor embedding.weight is missing"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        write_file(f.path, faults[i].header, strlen(faults[i].header), zeros, faults[i].bytes);
        expect_refused(&f, MAS_E_FORMAT, faults[i].text);
    }
    const char *twice = "{\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        "\"norm.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
    write_file(f.path, twice, strlen(twice), zeros, 8);
    cr_expect_eq(mas_model_load(f.model, f.path, false, NULL, &err), MAS_E_FORMAT);
    cr_expect_not_null(strstr(err.text, "its header is not a JSON object (duplicate object key"),
                       "%s", err.text);
    tear_down(&f);
}

Test(lm_checkpoint, every_truncation_is_refused, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    fixture f = set_up("truncated");
    must(mas_model_save(f.model, f.path, false, "{}", &err), &err);
    FILE *in = fopen(f.path, "rb");
    fseek(in, 0, SEEK_END);
    const long bytes = ftell(in);
    fclose(in);
    for (long keep = bytes - 1; keep >= 0; keep -= 1 + keep / 40) {
        cr_assert_eq(truncate(f.path, keep), 0);
        cr_expect_eq(mas_model_load(f.model, f.path, false, NULL, &err), MAS_E_FORMAT,
                     "%ld of %ld bytes", keep, bytes);
    }
    tear_down(&f);
}

Test(lm_checkpoint, missing_and_unwritable)
{
    mas_error err = {MAS_OK, ""};
    fixture f = set_up("missing");
    char expected[1024];
    snprintf(expected, sizeof expected, "cannot open %s: No such file or directory", f.path);
    cr_expect_eq(mas_model_load(f.model, f.path, false, NULL, &err), MAS_E_NOT_FOUND);
    cr_expect_str_eq(err.text, expected);
    tear_down(&f);
    f = set_up("no-folder/file");
    cr_expect_eq(mas_model_save(f.model, f.path, false, NULL, &err), MAS_E_IO);
    snprintf(expected, sizeof expected, "cannot write %s: No such file or directory", f.path);
    cr_expect_str_eq(err.text, expected);
    tear_down(&f);
}

static mas_device_ops failing_ops;

/* The copies of a device that has failed hold anything at all; that shows when it is waited for. */
static void failed_download(mas_device *d, void *to_host, const void *from_device, size_t bytes)
{
    (void)d, (void)from_device;
    memset(to_host, 0xff, bytes);
}

static mas_status failed_synchronize(mas_device *d, mas_error *err)
{
    (void)d;
    return mas_fail(err, MAS_E_DEVICE, "an illegal memory access was encountered");
}

static void fail_device(mas_device *device)
{
    failing_ops = *device->ops;
    failing_ops.download = failed_download;
    failing_ops.synchronize = failed_synchronize;
    device->ops = &failing_ops;
}

Test(lm_checkpoint, a_device_that_fails_during_a_save_keeps_the_old_file)
{
    mas_error err = {MAS_OK, ""};
    fixture f = set_up("failed-device");
    must(mas_model_save(f.model, f.path, true, "{}", &err), &err);
    float *before = copy_of(f.model->weights, f.model->total);
    disturb(f.model, 0.1, 1);
    const mas_device_ops *ops = f.device->ops;
    fail_device(f.device);
    cr_expect_eq(mas_model_save(f.model, f.path, true, "{}", &err), MAS_E_DEVICE);
    cr_expect_str_eq(err.text, "an illegal memory access was encountered");
    f.device->ops = ops;
    must(mas_model_load(f.model, f.path, true, NULL, &err), &err);
    cr_expect_eq(memcmp(before, f.model->weights, (size_t)f.model->total * sizeof *before), 0);
    free(before);
    tear_down(&f);
}

/* A failed save leaves the file that was there: a folder stands where the new one would be written. */
Test(lm_checkpoint, a_failed_save_keeps_the_old_file)
{
    mas_error err = {MAS_OK, ""};
    fixture f = set_up("kept");
    must(mas_model_save(f.model, f.path, false, NULL, &err), &err);
    cr_assert_eq(mkdir(temporary_of(&f), 0700), 0);
    disturb(f.model, 0.1, 1);
    cr_expect_eq(mas_model_save(f.model, f.path, false, NULL, &err), MAS_E_IO);
    cr_assert_eq(rmdir(temporary_of(&f)), 0);
    mas_model *fresh = make_model(f.device, &f.config, &f.plan, 256, false, 5);
    float *start = copy_of(fresh->weights, fresh->total);
    must(mas_model_load(fresh, f.path, false, NULL, &err), &err);
    cr_expect_eq(memcmp(start, fresh->weights, (size_t)fresh->total * sizeof *start), 0);
    free(start);
    mas_model_free(fresh);
    tear_down(&f);
}
