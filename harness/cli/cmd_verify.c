/* SPDX-License-Identifier: Apache-2.0 */
/* masbench verify: recorded points once more, value by value, and the kill-and-resume drill. */
#include "harness/cli/cli.h"
#include "harness/cli/progress.h"
#include "harness/cli/scratch.h"
#include "harness/cli/signals.h"
#include "harness/cli/verify_print.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/repeat.h"
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

#define POINTS_DEFAULT 3
#define POINTS_MAX 10000

typedef struct verifying {
    const mas_cli_command *command;
    const mas_cli_globals *globals;
    mas_scratch scratch;
    mas_result_set *sets[MAS_CLI_ARGUMENTS_MAX];
    int set_count;
    mas_drawn *drawn;
    size_t count;
    int64_t same, differing, not_comparable, not_run;
} verifying;

/* ---- drawing ---- */

static bool is_ok(const json_t *result)
{
    return strcmp(mas_json_text_at(result, "status"), "ok") == 0;
}

static int load_sets(verifying *v, const mas_cli_parsed *parsed)
{
    mas_error err;
    for (int i = 0; i < parsed->argument_count; i++) {
        mas_result_set *set = NULL;
        if (mas_results_load(parsed->arguments[i], &set, &err) != MAS_OK)
            return mas_cli_usage_error(v->command, "%s", err.text);
        v->sets[v->set_count++] = set;
        if (set->count == 0) {
            mas_cli_usage_error(v->command,
                                "%s holds no results; name the folder of an experiment, for "
                                "example results/quickstart",
                                parsed->arguments[i]);
            return MAS_EXIT_INCOMPLETE;
        }
    }
    return -1;
}

static int by_number(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* All points that went well, in order. */
static size_t list_fine(const verifying *v, mas_drawn *out)
{
    size_t count = 0;
    for (int s = 0; s < v->set_count; s++)
        for (size_t i = 0; i < v->sets[s]->count; i++) {
            const json_t *record = v->sets[s]->results[i];
            if (!is_ok(record))
                continue;
            if (out)
                out[count] = (mas_drawn){.record = record, .folder = v->sets[s]->folder};
            count++;
        }
    return count;
}

static int draw(verifying *v, int64_t points, uint64_t seed)
{
    const size_t fine = list_fine(v, NULL);
    if (fine == 0) {
        mas_cli_usage_error(v->command, "no result has the status ok; there is nothing to repeat");
        return MAS_EXIT_INCOMPLETE;
    }
    v->count = (uint64_t)points < fine ? (size_t)points : fine;
    size_t *picks = malloc(v->count * sizeof *picks);
    v->drawn = calloc(fine, sizeof *v->drawn);
    if (!picks || !v->drawn) {
        free(picks);
        v->count = 0;
        return mas_cli_usage_error(v->command, "no memory for %zu points", fine);
    }
    list_fine(v, v->drawn);
    mas_repeat_draw(seed, fine, picks, v->count);
    qsort(picks, v->count, sizeof *picks, by_number);
    for (size_t i = 0; i < v->count; i++) /* picks[i] >= i: nothing is overwritten too early */
        v->drawn[i] = v->drawn[picks[i]];
    free(picks);
    printf("%zu of %zu point%s, drawn with seed %llu\n", v->count, fine, mas_cli_s((int64_t)fine),
           (unsigned long long)seed);
    mas_verify_print_drawn(v->drawn, v->count, stdout);
    return -1;
}

/* ---- one point ---- */

static mas_status run_again(const verifying *v, mas_experiment *experiment, const char *folder,
                            json_t **result, mas_error *err)
{
    const mas_run_options options = {.results = folder,
                                     .device = v->globals->device,
                                     .threads = v->globals->threads,
                                     .shard = 1,
                                     .shards = 1,
                                     .stop = &mas_cli_stop};
    mas_progress_bar bar;
    mas_run_summary summary;
    mas_status status = mas_progress_begin(&bar, experiment, &options, err);
    if (status != MAS_OK)
        return status;
    const mas_run_observer observer = mas_progress_observer(&bar);
    status = mas_run_experiment(experiment, &options, &observer, &summary, err);
    mas_progress_end(&bar);
    if (status != MAS_OK)
        return status;
    char *path = mas_point_path(folder, experiment->name, experiment->points[0].id, ".json");
    status = path ? mas_json_read(path, result, err)
                  : mas_fail(err, MAS_E_MEMORY, "no memory for the name of a result");
    free(path);
    return status;
}

static bool files_differ(FILE *a, FILE *b)
{
    unsigned char x[4096], y[4096];
    for (;;) {
        const size_t n = fread(x, 1, sizeof x, a), m = fread(y, 1, sizeof y, b);
        if (n != m || memcmp(x, y, n) != 0)
            return true;
        if (n == 0)
            return false;
    }
}

/* Only where both runs kept the model (training.checkpoint). */
static bool weights_differ(const char *recorded_in, const char *folder, const json_t *record)
{
    const char *id = mas_json_text_at(record, "id");
    char *before = mas_point_path(recorded_in, ".", id, ".safetensors");
    char *after =
        mas_point_path(folder, mas_json_text_at(record, "experiment"), id, ".safetensors");
    FILE *a = before ? fopen(before, "rb") : NULL, *b = after ? fopen(after, "rb") : NULL;
    const bool differ = a && b && files_differ(a, b);
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    free(before);
    free(after);
    return differ;
}

/* Of plans, that run on no device, the record names none. */
static bool is_of_other_device(const verifying *v, const json_t *record, mas_error *err)
{
    const char *there = mas_json_text_at(record, "machine.device"),
               *here = v->globals->device->name;
    if (!there[0] || strcmp(there, here) == 0)
        return false;
    (void)mas_fail(err, MAS_E_DEVICE, "recorded on the device %s, and this is %s; --device %s",
                   there, here, there);
    return true;
}

static void count_verdict(verifying *v, mas_result_verdict verdict)
{
    v->same += verdict == MAS_RESULT_SAME;
    v->differing += verdict == MAS_RESULT_DIFFERS;
    v->not_comparable += verdict == MAS_RESULT_NOT_COMPARABLE;
}

static void verify_point(verifying *v, size_t index)
{
    mas_drawn *d = &v->drawn[index];
    mas_experiment *experiment = NULL;
    mas_error err;
    char name[32];
    if (is_of_other_device(v, d->record, &err)) {
        mas_verify_print_reason("not comparable", d->record, err.text, stdout);
        v->not_comparable++;
        return;
    }
    /* not named by the record's id, which may hold anything */
    snprintf(name, sizeof name, "%zu", index + 1);
    char *folder = mas_folder_path(v->scratch.folder, name);
    mas_status status = folder ? MAS_OK : mas_fail(&err, MAS_E_MEMORY, "no memory for a path");
    if (status == MAS_OK)
        status = mas_repeat_load(&d->record, 1, folder, &experiment, &err);
    if (status == MAS_OK)
        status = run_again(v, experiment, folder, &d->repeated, &err);
    if (status == MAS_OK) {
        mas_results_compare(d->record, d->repeated, &d->comparison);
        d->verdict = d->comparison.verdict;
        d->weights_differ = weights_differ(d->folder, folder, d->record);
        if (d->weights_differ && d->verdict == MAS_RESULT_SAME)
            d->verdict =
                d->comparison.conditions > 0 ? MAS_RESULT_NOT_COMPARABLE : MAS_RESULT_DIFFERS;
        mas_verify_print_point(d, stdout);
        count_verdict(v, d->verdict);
    } else {
        mas_verify_print_reason("not run", d->record, err.text, stdout);
        v->not_run++;
    }
    mas_experiment_free(experiment);
    free(folder);
}

/* ---- the drill ---- */

static bool can_drill(const mas_drawn *d)
{
    return d->repeated && is_ok(d->repeated) &&
           strcmp(mas_json_text_at(d->record, "kind"), "train") == 0;
}

/* One of the drawn points that train, and beside it the next one of the same folder. */
static const mas_drawn *choose(const verifying *v, uint64_t seed, const json_t **bystander)
{
    size_t able = 0, pick = 0;
    for (size_t i = 0; i < v->count; i++)
        able += can_drill(&v->drawn[i]);
    if (able == 0)
        return NULL;
    mas_repeat_draw(seed, able, &pick, 1);
    const mas_drawn *chosen = NULL;
    for (size_t i = 0; i < v->count && !chosen; i++)
        if (can_drill(&v->drawn[i]) && pick-- == 0)
            chosen = &v->drawn[i];
    *bystander = NULL;
    for (size_t i = 0; i < v->count && !*bystander; i++)
        if (&v->drawn[i] != chosen && can_drill(&v->drawn[i]) &&
            v->drawn[i].folder == chosen->folder)
            *bystander = v->drawn[i].repeated;
    return chosen;
}

static int drill(const verifying *v, uint64_t seed)
{
    mas_error err;
    mas_drill_report report;
    const json_t *bystander;
    const mas_drawn *d = choose(v, seed, &bystander);
    if (!d) {
        printf(
            "drill not done: no point that trains was drawn and repeated; --points draws more\n");
        return MAS_EXIT_INCOMPLETE;
    }
    char threads[16];
    snprintf(threads, sizeof threads, "%d", v->globals->threads);
    const char *const command[] = {"masbench",  "run",
                                   "--threads", threads,
                                   "--device",  v->globals->device->name,
                                   "--cpu",     mas_isa_name(mas_cpu_isa()),
                                   NULL};
    char *folder = mas_folder_path(v->scratch.folder, "drill");
    const mas_drill setting = {.folder = folder,
                               .command = command,
                               .point = d->record,
                               .whole = d->repeated,
                               .bystander = bystander,
                               .seed = seed,
                               .stop = &mas_cli_stop};
    const mas_status status = folder ? mas_drill_run(&setting, &report, &err)
                                     : mas_fail(&err, MAS_E_MEMORY, "no memory for a path");
    free(folder);
    if (status != MAS_OK) {
        mas_verify_print_reason("drill not done", d->record, err.text, stdout);
        return MAS_EXIT_INCOMPLETE;
    }
    mas_verify_print_drill(d->record, &report, stdout);
    return report.passed ? MAS_EXIT_OK : MAS_EXIT_FAILURES;
}

/* ---- the command ---- */

static int verify(verifying *v, bool with_drill, uint64_t seed)
{
    for (size_t i = 0; i < v->count && !mas_cli_stop; i++)
        verify_point(v, i);
    const int drilled = with_drill && !mas_cli_stop ? drill(v, seed) : MAS_EXIT_OK;
    if (mas_cli_stop)
        return MAS_EXIT_INTERRUPTED;
    printf("\n%lld same, %lld differ, %lld not comparable, %lld not run\n", (long long)v->same,
           (long long)v->differing, (long long)v->not_comparable, (long long)v->not_run);
    if (v->scratch.keep)
        fprintf(stderr, "repeated results: %s\n", v->scratch.folder);
    if (v->differing > 0 || drilled == MAS_EXIT_FAILURES)
        return MAS_EXIT_FAILURES;
    if (v->not_run > 0 || drilled == MAS_EXIT_INCOMPLETE)
        return MAS_EXIT_INCOMPLETE;
    return v->not_comparable > 0 ? MAS_EXIT_NOT_COMPARABLE : MAS_EXIT_OK;
}

static int verify_main(const mas_cli_command *command, int argc, char **argv)
{
    int64_t points = POINTS_DEFAULT, seed = 1;
    const char *results = NULL;
    bool with_drill = false;
    const mas_cli_option options[] = {
        {"points", MAS_CLI_INT, "N", "how many to draw (default: 3)", &points, 1, POINTS_MAX, NULL},
        {"seed", MAS_CLI_INT, "S", "of the draw (default: 1)", &seed, 0, INT64_MAX, NULL},
        {"results", MAS_CLI_TEXT, "DIR",
         "keep the repeated results there; empty or not there yet (default: they are removed)",
         &results, 0, 0, NULL},
        {"drill", MAS_CLI_FLAG, NULL, "also kill one of the points in the middle and let it go on",
         &with_drill, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code = mas_cli_parse(command, options, sizeof options / sizeof *options, argc, argv, 1,
                             MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    verifying *v = calloc(1, sizeof *v);
    if (!v)
        return mas_cli_usage_error(command, "no memory");
    v->command = command;
    v->globals = &parsed.globals;
    mas_error err;
    code = load_sets(v, &parsed);
    if (code < 0 && (mas_scratch_make(results, &v->scratch, &err) != MAS_OK ||
                     mas_cli_catch_signals(&err) != MAS_OK))
        code = mas_cli_usage_error(command, "%s", err.text);
    if (code < 0)
        code = draw(v, points, (uint64_t)seed);
    if (code < 0)
        code = verify(v, with_drill, (uint64_t)seed);
    for (size_t i = 0; v->drawn && i < v->count; i++)
        json_decref(v->drawn[i].repeated);
    free(v->drawn);
    mas_scratch_drop(&v->scratch);
    for (int i = 0; i < v->set_count; i++)
        mas_results_free(v->sets[i]);
    free(v);
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_verify = {
    "verify",
    "RESULTS...",
    "run recorded points again and compare every value",
    "Draws some of the points that went well, runs each as it was recorded, and compares all that "
    "is counted or computed\n"
    "to the last bit; times and what names the machine may differ. A point whose numbers differ "
    "under other conditions\n"
    "(instruction set, device, build, text) is not comparable rather than different. Relative "
    "paths of a corpus are\n"
    "looked for from here. --drill also runs one point in a process of its own, kills it in the "
    "middle, starts it again,\n"
    "and holds the result against the uninterrupted one.\n"
    "Exit codes: 0 all the same; 1 something differs; 2 bad usage or input; 3 something was not "
    "run; 4 not comparable.",
    verify_main,
};
