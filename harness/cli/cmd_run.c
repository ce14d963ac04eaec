/* SPDX-License-Identifier: Apache-2.0 */
/* masbench run: the sweep, its signals and its exit code. */
#include "harness/cli/cli.h"
#include "harness/cli/kinds.h"
#include "harness/cli/load.h"
#include "harness/cli/progress.h"
#include "harness/cli/signals.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX 4096 /* far past any machine; a number above it is a mistake */

static bool read_shard(const char *text, mas_run_options *options)
{
    char *end;
    const long shard = strtol(text, &end, 10);
    if (end == text || *end != '/')
        return false;
    const char *second = end + 1;
    const long shards = strtol(second, &end, 10);
    if (end == second || *end || shard < 1 || shards < shard || shards > 1000000)
        return false;
    options->shard = (int)shard;
    options->shards = (int)shards;
    return true;
}

static bool is_mine(const mas_experiment *experiment, const mas_run_options *options,
                    const char *id)
{
    for (int64_t i = 0; i < experiment->count; i++)
        if (mas_run_in_shard(options, i) && strcmp(experiment->points[i].id, id) == 0)
            return true;
    return false;
}

/* Failed points run again when their result is gone. */
static mas_status forget_failed(const mas_experiment *experiment, const mas_run_options *options,
                                mas_error *err)
{
    mas_result_set *there;
    mas_status status = mas_folder_check(experiment, options->results, &there, err);
    for (size_t r = 0; status == MAS_OK && there && r < there->count; r++) {
        const char *id = mas_json_text_at(there->results[r], "id");
        if (strcmp(mas_json_text_at(there->results[r], "status"), "ok") == 0 ||
            !is_mine(experiment, options, id))
            continue;
        char *path = mas_point_path(options->results, experiment->name, id, ".json");
        if (!path)
            status = mas_fail(err, MAS_E_MEMORY, "no memory for the name of a result");
        else if (unlink(path) != 0 && errno != ENOENT)
            status = mas_fail(err, MAS_E_IO, "cannot remove %s: %s", path, strerror(errno));
        free(path);
    }
    mas_results_free(there);
    return status;
}

static int exit_code(const mas_cli_command *command, mas_status status,
                     const mas_run_summary *summary, const mas_error *err)
{
    if (status == MAS_E_INTERRUPTED) {
        fprintf(stderr, "masbench: %s\n", err->text);
        return MAS_EXIT_INTERRUPTED;
    }
    if (status != MAS_OK) {
        mas_cli_usage_error(command, "%s", err->text);
        return summary->started ? MAS_EXIT_INCOMPLETE : MAS_EXIT_USAGE;
    }
    return summary->failed > 0 ? MAS_EXIT_FAILURES : MAS_EXIT_OK;
}

static int run_experiment(const mas_cli_command *command, const mas_experiment *experiment,
                          const mas_run_options *options, int jobs)
{
    mas_error err;
    mas_progress_bar bar;
    mas_run_summary summary = {0};
    mas_team *team = NULL; /* before there is a second thread, the one that waits for signals */
    if ((jobs > 1 && mas_team_begin(experiment, options, jobs, &team, &err) != MAS_OK) ||
        mas_cli_catch_signals(&err) != MAS_OK ||
        mas_progress_begin(&bar, experiment, options, &err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    const mas_run_observer observer = mas_progress_observer(&bar);
    const mas_status status =
        team ? mas_team_end(team, &observer, &summary, &err)
             : mas_run_experiment(experiment, options, &observer, &summary, &err);
    mas_progress_end(&bar);
    int code = exit_code(command, status, &summary, &err);
    if (status != MAS_OK)
        return code;
    fprintf(stderr, "%lld ok, %lld failed", (long long)summary.ok, (long long)summary.failed);
    if (summary.already_there > 0)
        fprintf(stderr, " (%lld of them were there already)", (long long)summary.already_there);
    if (summary.missing > 0)
        fprintf(stderr, "; %lld are other shards' or still missing", (long long)summary.missing);
    fputc('\n', stderr);
    char *folder = mas_folder_path(options->results, experiment->name);
    if (folder && summary.ok + summary.failed > 0) {
        const int reported = mas_cli_report(command, folder);
        code = reported == MAS_EXIT_OK ? code : reported;
    }
    free(folder);
    return code;
}

static int run_main(const mas_cli_command *command, int argc, char **argv)
{
    mas_cli_list settings = {0};
    const char *shard = NULL;
    int64_t slow_down = 0, jobs = 0;
    bool dry_run = false, list = false, retry = false;
    mas_run_options options = {
        .results = "results", .shard = 1, .shards = 1, .stop = &mas_cli_stop};
    const mas_cli_option table[] = {
        {"set", MAS_CLI_LIST, "KEY=VALUE",
         "override a key of the file, for example training.tokens=1e6", &settings, 0, 0, NULL},
        {"results", MAS_CLI_TEXT, "DIR",
         "folder that receives <experiment>/<id>.json (default: results)", &options.results, 0, 0,
         NULL},
        {"shard", MAS_CLI_TEXT, "I/N", "run every N-th point from the I-th on", &shard, 0, 0, NULL},
        {"jobs", MAS_CLI_INT, "N",
         "points to run at once, each with its share of the threads (default: one a thread where "
         "models are small, else 1)",
         &jobs, 1, JOBS_MAX, NULL},
        {"dry-run", MAS_CLI_FLAG, NULL, "print points, plans, costs and kernels; create nothing",
         &dry_run, 0, 0, NULL},
        {"list", MAS_CLI_FLAG, NULL, "the same as --dry-run", &list, 0, 0, NULL},
        {"slow-down", MAS_CLI_INT, "PERCENT",
         "slow timed kernels down by this much, to try a gate with", &slow_down, 0, 100, NULL},
        {"retry-failed", MAS_CLI_FLAG, NULL, "run points again whose result is a failure", &retry,
         0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code =
        mas_cli_parse(command, table, sizeof table / sizeof *table, argc, argv, 1, 1, &parsed);
    if (code >= 0)
        return code;
    options.threads = parsed.globals.threads;
    options.device = parsed.globals.device;
    options.slow_down = (double)slow_down / 100;
    if (shard && !read_shard(shard, &options))
        return mas_cli_usage_error(
            command, "--shard: \"%s\" is not I/N with 1 <= I <= N, for example 1/4", shard);
    mas_experiment *experiment = NULL;
    code = mas_cli_load(command, parsed.arguments[0], &settings, &experiment);
    if (code >= 0)
        return code;
    mas_error err;
    if (jobs > 1 && experiment->kind == MAS_KIND_KERNEL) {
        code = mas_cli_usage_error(
            command, "--jobs: kernels are timed alone; leave it out for kind: kernel");
    } else if (dry_run || list) {
        const mas_cli_kind *kind = &mas_cli_kinds[experiment->kind];
        kind->print_points(experiment, options.device, stdout);
        printf("kernels\n");
        kind->print_kernels(experiment, options.device, false, stdout);
        code = MAS_EXIT_OK;
    } else if (retry && forget_failed(experiment, &options, &err) != MAS_OK) {
        code = mas_cli_usage_error(command, "%s", err.text);
    } else {
        if (jobs == 0) /* only now is it known which points run */
            jobs = mas_run_jobs(experiment, &options);
        code = run_experiment(command, experiment, &options, (int)jobs);
    }
    mas_experiment_free(experiment);
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_run = {
    "run",
    "FILE",
    "train and score, or time, every point of an experiment",
    "Each finished point is one file <results>/<experiment>/<id>.json. Starting again runs what is "
    "missing, so a killed\n"
    "run goes on where it ended, and shards share a folder. Points that fail (out of memory, "
    "diverged, unsupported) are\n"
    "recorded and kept; --retry-failed runs them again. At the end a table is printed and charts "
    "are drawn into the\n"
    "folder. Ctrl-C stops after the current step, saving what a resumed run needs; twice stops at "
    "once.",
    run_main,
};
