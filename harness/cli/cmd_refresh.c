/* SPDX-License-Identifier: Apache-2.0 */
/* masbench refresh: what follows from a recorded plan alone, computed again by this build. */
#include "harness/cli/cli.h"
#include "harness/cli/scratch.h"
#include "harness/config/difference.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/repeat.h"
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

static const char *const fields[] = {"plan.reach", "floors.full_reach", "floors.sparse_reach",
                                     "floors.sparse_reach_tokens"};

typedef struct refreshing {
    mas_scratch scratch;
    mas_corpora corpora;
    bool dry_run;
    int64_t points, changed;
} refreshing;

static void print_changes(const json_t *before, const json_t *after, const char *path)
{
    enum { DIGITS = 6 };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *a = mas_json_value_at(before, fields[i]),
                     *b = mas_json_value_at(after, fields[i]);
        char was[64], is[64];
        if (a == b || json_equal(a, b))
            continue;
        mas_json_value_text(a, DIGITS, was, sizeof was);
        mas_json_value_text(b, DIGITS, is, sizeof is);
        printf("%s  %s: %s -> %s\n", path, fields[i], was, is);
    }
}

static mas_status refresh_record(refreshing *r, json_t *record, const char *path, mas_error *err)
{
    mas_experiment *experiment = NULL;
    const mas_corpus *corpus = NULL;
    json_t *after = json_deep_copy(record);
    const json_t *const kept = record;
    mas_status status = after ? MAS_OK : mas_fail(err, MAS_E_MEMORY, "no memory for %s", path);
    if (status == MAS_OK)
        status = mas_repeat_load(&kept, 1, r->scratch.folder, &experiment, err);
    if (status != MAS_OK)
        goto done;
    const mas_point *point = &experiment->points[0];
    if (json_is_object(json_object_get(record, "floors")))
        status = mas_corpora_get(&r->corpora, point, mas_point_longest(point), &corpus, err);
    if (status == MAS_OK)
        status = mas_record_refresh(after, point, corpus, err);
    if (status != MAS_OK)
        goto done;
    r->points++;
    if (!json_equal(record, after)) {
        r->changed++;
        print_changes(record, after, path);
        if (!r->dry_run)
            status = mas_json_write(path, after, err);
    }
done:
    mas_experiment_free(experiment);
    json_decref(after);
    return status;
}

static mas_status refresh_folder(refreshing *r, const mas_result_set *set, mas_error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        json_t *record = set->results[i];
        if (!mas_json_value_at(record, "plan.reach"))
            continue; /* of kind kernel, or refused before there was a plan */
        char *path = mas_file_path(set->folder, mas_json_text_at(record, "id"), ".json");
        mas_error why = {MAS_OK, ""};
        mas_status status = path ? refresh_record(r, record, path, &why)
                                 : mas_fail(&why, MAS_E_MEMORY, "no memory for a path");
        if (status != MAS_OK)
            status = mas_fail(err, status, "%s: %s", path ? path : set->folder, why.text);
        free(path);
        if (status != MAS_OK)
            return status;
    }
    return MAS_OK;
}

static int refresh_main(const mas_cli_command *command, int argc, char **argv)
{
    refreshing r = {.dry_run = false};
    const mas_cli_option options[] = {
        {"dry-run", MAS_CLI_FLAG, NULL, "say what would change, and write nothing", &r.dry_run, 0,
         0, NULL},
    };
    mas_cli_parsed parsed;
    int code = mas_cli_parse(command, options, sizeof options / sizeof *options, argc, argv, 1,
                             MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    mas_error err;
    mas_status status = mas_scratch_make(NULL, &r.scratch, &err);
    for (int i = 0; status == MAS_OK && i < parsed.argument_count; i++) {
        mas_result_set *set = NULL;
        status = mas_results_load(parsed.arguments[i], &set, &err);
        if (status == MAS_OK)
            status = refresh_folder(&r, set, &err);
        mas_results_free(set);
    }
    mas_corpora_close(&r.corpora);
    mas_scratch_drop(&r.scratch);
    code = status == MAS_OK ? MAS_EXIT_OK : mas_cli_usage_error(command, "%s", err.text);
    printf("%lld points, %lld %s\n", (long long)r.points, (long long)r.changed,
           r.dry_run ? "would change" : "changed");
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_refresh = {
    "refresh",
    "RESULTS...",
    "compute again what follows from recorded plans alone",
    "RESULTS are folders of experiments. Of each result the reach of its plan and the entropy "
    "floors are computed by\n"
    "this build, and the file is written again where they differ: after a correction of either, "
    "nothing needs to be\n"
    "run again for it. What was measured, and the machine that the result names, stay as they are. "
    "Tables and charts\n"
    "follow with masbench plot.",
    refresh_main,
};
