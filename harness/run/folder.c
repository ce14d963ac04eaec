/* SPDX-License-Identifier: Apache-2.0 */
/* The results folder of an experiment. experiment.json is its identity: a start with another
 * resolved experiment is refused, so that results of two questions never mix, unless it only adds
 * points, such as further seeds, to those that are listed there. Several processes
 * may work in one folder: everything is written by rename, and the file they might write at the
 * same time is the same for all of them. */
#include "harness/files/replace.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *mas_folder_path(const char *results, const char *experiment)
{
    return mas_file_path(results, experiment, "");
}

char *mas_point_path(const char *results, const char *experiment, const char *id, const char *end)
{
    const size_t room = strlen(results) + strlen(experiment) + strlen(id) + strlen(end) + 3;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s/%s/%s%s", results, experiment, id, end);
    return path;
}

static json_t *describe(const mas_experiment *experiment)
{
    json_t *json = json_object(), *points = json_array();
    if (!json || !points) {
        json_decref(json);
        json_decref(points);
        return NULL;
    }
    mas_json_set_int(json, "schema", MAS_RESULT_SCHEMA);
    mas_json_set_text(json, "experiment", experiment->name);
    mas_json_set_text(json, "question", experiment->question);
    mas_json_set_text(json, "kind", mas_experiment_kind_name(experiment->kind));
    mas_json_set(json, "resolved", json_incref(experiment->resolved));
    for (int64_t i = 0; i < experiment->count; i++) {
        json_t *point = json_object();
        mas_json_set_text(point, "id", experiment->points[i].id);
        mas_json_set_text(point, "title", experiment->points[i].title);
        (void)json_array_append_new(points, point);
    }
    mas_json_set(json, "points", points);
    return json;
}

/* Is each of the points listed there one of these? */
static bool has_all(const json_t *mine, const json_t *there)
{
    json_t *ids = json_object();
    const json_t *before = json_object_get(there, "points"), *point;
    bool all = ids && json_is_array(before);
    size_t i;
    json_array_foreach(json_object_get(mine, "points"), i, point)
        mas_json_set(ids, mas_json_text_at(point, "id"), json_true());
    json_array_foreach(before, i, point) all =
        all && json_object_get(ids, mas_json_text_at(point, "id"));
    json_decref(ids);
    return all;
}

/* Points are compared by their ids, which hold the content of files that keys only name.
 * @param[out] grows  the folder is of this experiment with other points besides */
static mas_status refuse_other(const mas_experiment *experiment, const json_t *there,
                               const json_t *mine, const char *path, const char *folder,
                               bool *grows, mas_error *err)
{
    const json_t *before = json_object_get(there, "resolved");
    const json_int_t schema = json_integer_value(json_object_get(there, "schema"));
    if (!json_is_object(before) || schema != MAS_RESULT_SCHEMA)
        return mas_fail(
            err, MAS_E_FORMAT,
            "%s: no \"resolved\" experiment of schema %d in it; remove the folder %s or "
            "name another with --results",
            path, MAS_RESULT_SCHEMA, folder);
    char change[512];
    *grows = mas_experiment_difference(before, experiment->resolved, change, sizeof change);
    if (has_all(mine, there))
        return MAS_OK;
    if (!*grows)
        snprintf(change, sizeof change,
                 "no key, but a file that one names (layout_file), or this program's numbering");
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%s holds results of another version of this experiment; what changed: %s. "
                    "Results of two versions "
                    "are not mixed (points may be added, as seeds are): name another folder with "
                    "--results, give the experiment another name, or remove %s",
                    folder, change, folder);
}

/* @param[out] writes  there is no experiment.json of this experiment with all its points */
static mas_status check_folder(const mas_experiment *experiment, const json_t *mine,
                               const char *folder, const char *path, bool *writes, mas_error *err)
{
    json_t *there = NULL;
    mas_error why;
    *writes = false;
    mas_status status = mas_json_read(path, &there, &why);
    if (status == MAS_E_NOT_FOUND) {
        *writes = true;
        return MAS_OK;
    }
    if (status != MAS_OK)
        return mas_fail(err, status,
                        "%.900s; remove the folder of that file or name another with --results",
                        why.text);
    if (status == MAS_OK)
        status = refuse_other(experiment, there, mine, path, folder, writes, err);
    if (status == MAS_OK && access(folder, W_OK) != 0)
        status = mas_fail(err, MAS_E_IO, "cannot write to the results folder %s: %s", folder,
                          strerror(errno));
    json_decref(there);
    return status;
}

typedef struct names {
    char *folder, *file; /* the experiment's folder, and experiment.json there */
    json_t *mine;        /* what that file shall hold */
} names;

static mas_status name_all(const mas_experiment *experiment, const char *results, names *out,
                           mas_error *err)
{
    *out = (names){.folder = mas_folder_path(results, experiment->name),
                   .file = mas_point_path(results, experiment->name, "experiment", ".json"),
                   .mine = describe(experiment)};
    return out->folder && out->file && out->mine
               ? MAS_OK
               : mas_fail(err, MAS_E_MEMORY, "no memory for the results folder");
}

static void free_names(names *n)
{
    json_decref(n->mine);
    free(n->file);
    free(n->folder);
}

/* What a report at the end would stumble over is better said before hours of work. */
static mas_status read_results(const char *folder, mas_result_set **out, mas_error *err)
{
    mas_error why;
    const mas_status status = mas_results_load(folder, out, &why);
    if (status == MAS_OK || status == MAS_E_NOT_FOUND)
        return MAS_OK;
    return mas_fail(err, status, "%.900s%s", why.text,
                    status == MAS_E_FORMAT ? "; remove that file to run its point again" : "");
}

mas_status mas_folder_check(const mas_experiment *experiment, const char *results,
                            mas_result_set **there, mas_error *err)
{
    names n;
    bool writes;
    *there = NULL;
    mas_status status = name_all(experiment, results, &n, err);
    if (status == MAS_OK)
        status = check_folder(experiment, n.mine, n.folder, n.file, &writes, err);
    if (status == MAS_OK)
        status = read_results(n.folder, there, err);
    free_names(&n);
    return status;
}

mas_status mas_folder_prepare(const mas_experiment *experiment, const char *results, mas_error *err)
{
    names n;
    bool writes = false;
    mas_status status = name_all(experiment, results, &n, err);
    if (status == MAS_OK)
        status = check_folder(experiment, n.mine, n.folder, n.file, &writes, err);
    if (status == MAS_OK && writes)
        status = mas_make_folders(n.folder, err);
    if (status == MAS_OK && writes)
        status = mas_json_write(n.file, n.mine, err);
    if (status == MAS_OK)
        mas_file_remove_leftovers(n.folder);
    free_names(&n);
    return status;
}
