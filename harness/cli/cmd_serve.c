/* SPDX-License-Identifier: Apache-2.0 */
/* masbench serve: one question a line, one answer in JSON a line, so that another process can take samples of this
 * build and of another in turns.
 *
 *   open I       make point I (from 0) of kind kernel ready and hold its outputs against f64
 *   warm         warm up; the answer holds the launches of a sample
 *   sample N     one sample of N launches
 *   count        one launch through mas_bench_counted_launch, for a profiler
 *   run I        point I, whatever its kind, as `masbench run` would: the answer is its result
 *
 * Every answer has a status; one that is not "ok" has an error. */
#include "harness/cli/cli.h"
#include "harness/cli/load.h"
#include "harness/cli/scratch.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

typedef struct server {
    const mas_experiment *experiment;
    mas_cli_globals globals;
    const char *results; /* folder for what training leaves on its way */
    double slow_down;    /* of kernels, a share; 0: none */
    mas_device *device;  /* of the open point */
    mas_bench *bench;    /* NULL: no point is open */
    const mas_point *point;
} server;

static json_t *answer_of(mas_status status, const mas_error *err)
{
    json_t *json = json_object();
    mas_json_set_text(json, "status", mas_status_name(status));
    if (status != MAS_OK)
        mas_json_set_text(json, "error", err->text);
    return json;
}

static json_t *refuse(const char *why)
{
    mas_error err;
    const mas_status status = mas_fail(&err, MAS_E_ARGUMENT, "%s", why);
    return answer_of(status, &err);
}

static void close_point(server *s)
{
    mas_bench_close(s->bench);
    mas_device_close(s->device);
    s->bench = NULL;
    s->device = NULL;
}

/* As a result holds them: kernel, counts, machine. */
static void describe(const server *s, const mas_bench_result *r, json_t *out)
{
    json_t *metrics = json_object(), *layers = json_array();
    for (int kind = 0; kind < MAS_BENCH_LAYERS; kind++)
        if (r->layer[kind].present)
            (void)json_array_append_new(layers,
                                        json_pack("{s:s}", "kernel", r->layer[kind].kernel));
    mas_kernel_counts_record(metrics, r);
    mas_json_set_text(out, "title", s->point->title);
    mas_json_set(out, "layer", layers);
    mas_json_set(out, "metrics", metrics);
    mas_json_set(out, "machine", mas_machine_record(s->device));
}

static json_t *open_point(server *s, const char *words)
{
    char *end;
    const long long index = strtoll(words, &end, 10);
    close_point(s);
    if (end == words || index < 0 || index >= s->experiment->count)
        return refuse("open: no such point");
    s->point = &s->experiment->points[index];
    if (s->point->kind != MAS_KIND_KERNEL)
        return refuse("open: not a point of kind kernel");
    mas_error err = {0};
    mas_bench_result *r = calloc(1, sizeof *r);
    mas_status status = r ? MAS_OK : mas_fail(&err, MAS_E_MEMORY, "no memory for a point");
    if (status == MAS_OK)
        status = s->globals.device->open(s->globals.threads, s->point->memory_limit_bytes,
                                         &s->device, &err);
    if (status == MAS_OK)
        status = mas_bench_open(s->device, NULL, &s->point->kernel, &s->point->plan, s->point->seed,
                                NULL, NULL, r, &s->bench, &err);
    if (status == MAS_OK && s->slow_down > 0)
        status = mas_bench_slow_down(s->bench, s->slow_down, &err);
    json_t *json = answer_of(status, &err);
    if (status == MAS_OK)
        describe(s, r, json);
    else if (r && r->wrong)
        mas_json_set_text(json, "status", "wrong");
    free(r);
    return json;
}

static json_t *warm_up(server *s)
{
    mas_error err;
    mas_measurement m = {.samples = NULL};
    const mas_measure_work work = mas_bench_work(s->bench);
    const mas_status status = mas_measure_warm_up(&s->point->measure, &work, &m, &err);
    json_t *json = answer_of(status, &err);
    mas_json_set_int(json, "repeats", m.repeats);
    return json;
}

static json_t *take_sample(server *s, const char *words)
{
    mas_error err;
    char *end;
    const long long repeats = strtoll(words, &end, 10);
    if (end == words || repeats < 1)
        return refuse("sample: the number of launches must be at least 1");
    mas_sample sample = {0};
    const mas_measure_work work = mas_bench_work(s->bench);
    const mas_status status = mas_measure_sample(&work, repeats, false, &sample, &err);
    json_t *json = answer_of(status, &err);
    mas_json_set_number(json, "seconds", sample.seconds);
    mas_json_set_int(json, "preemptions", sample.preemptions);
    return json;
}

static json_t *count_launch(server *s)
{
    mas_error err;
    const mas_status status = mas_bench_counted_launch(s->bench, &err);
    return answer_of(status, &err);
}

static json_t *run_point(server *s, const char *words)
{
    char *end;
    const long long index = strtoll(words, &end, 10);
    if (end == words || index < 0 || index >= s->experiment->count)
        return refuse("run: no such point");
    close_point(s);
    const mas_run_options options = {.results = s->results,
                                     .device = s->globals.device,
                                     .threads = s->globals.threads,
                                     .slow_down = s->slow_down,
                                     .shard = 1,
                                     .shards = 1};
    json_t *result = mas_run_point(s->experiment, &s->experiment->points[index], &options, NULL);
    return result ? result : refuse("run: no memory");
}

static json_t *answer(server *s, const char *line)
{
    if (strncmp(line, "open ", 5) == 0)
        return open_point(s, line + 5);
    if (strncmp(line, "run ", 4) == 0)
        return run_point(s, line + 4);
    if (!s->bench)
        return refuse("no point is open");
    if (strcmp(line, "warm") == 0)
        return warm_up(s);
    if (strncmp(line, "sample ", 7) == 0)
        return take_sample(s, line + 7);
    if (strcmp(line, "count") == 0)
        return count_launch(s);
    return refuse("no such question");
}

static void print_line(json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    (void)fflush(stdout);
    json_decref(json);
}

static void serve(server *s)
{
    char *line = NULL;
    size_t room = 0;
    json_t *greeting = json_object();
    mas_json_set_int(greeting, "protocol", 1);
    mas_json_set_int(greeting, "points", s->experiment->count);
    print_line(greeting);
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        print_line(answer(s, line));
    }
    free(line);
    close_point(s);
}

static int serve_main(const mas_cli_command *command, int argc, char **argv)
{
    mas_cli_list settings = {0};
    int64_t slow_down = 0;
    const mas_cli_option table[] = {
        {"set", MAS_CLI_LIST, "KEY=VALUE", "override a key of the file", &settings, 0, 0, NULL},
        {"slow-down", MAS_CLI_INT, "PERCENT", "slow kernels down by this much, to try a gate with",
         &slow_down, 0, 100, NULL},
    };
    mas_cli_parsed parsed;
    int code =
        mas_cli_parse(command, table, sizeof table / sizeof *table, argc, argv, 1, 1, &parsed);
    if (code >= 0)
        return code;
    mas_experiment *experiment = NULL;
    code = mas_cli_load(command, parsed.arguments[0], &settings, &experiment);
    if (code >= 0)
        return code;
    mas_error err;
    mas_scratch scratch = {.folder = NULL};
    mas_status status = mas_scratch_make(NULL, &scratch, &err);
    char *folder = status == MAS_OK ? mas_folder_path(scratch.folder, experiment->name) : NULL;
    if (status == MAS_OK)
        status = folder ? mas_make_folders(folder, &err)
                        : mas_fail(&err, MAS_E_MEMORY, "no memory for a path");
    if (status == MAS_OK) {
        server s = {.experiment = experiment,
                    .globals = parsed.globals,
                    .results = scratch.folder,
                    .slow_down = (double)slow_down / 100};
        serve(&s);
    }
    free(folder);
    mas_scratch_drop(&scratch);
    mas_experiment_free(experiment);
    return status == MAS_OK ? mas_cli_finish(command, MAS_EXIT_OK)
                            : mas_cli_usage_error(command, "%s", err.text);
}

const mas_cli_command mas_cmd_serve = {
    "serve",
    "FILE",
    "answer questions about an experiment's points, for compare --against",
    "Reads one question a line and prints one line of JSON for each: open I, warm, sample N, "
    "count, run I.\n"
    "Ends with its input. A person has no need of it.",
    serve_main,
};
