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

/* Is each of the points listed there one of these, under the same title? */
static bool adds_points(const json_t *there, const json_t *mine)
{
    json_t *titles = json_object();
    const json_t *before = json_object_get(there, "points"), *point;
    bool all = titles && json_is_array(before);
    size_t i;
    json_array_foreach(json_object_get(mine, "points"), i, point)
        mas_json_set_text(titles, mas_json_text_at(point, "id"), mas_json_text_at(point, "title"));
    json_array_foreach(before, i, point)
    {
        const char *title =
            json_string_value(json_object_get(titles, mas_json_text_at(point, "id")));
        all = all && title && strcmp(title, mas_json_text_at(point, "title")) == 0;
    }
    json_decref(titles);
    return all;
}

/* @param[out] grows  the folder is of this experiment with fewer points */
static mas_status refuse_other(const mas_experiment *experiment, const json_t *there,
                               const json_t *mine, const char *path, const char *folder,
                               bool *grows, mas_error *err)
{
    const json_t *before = json_object_get(there, "resolved");
    if (!json_is_object(before))
        return mas_fail(
            err, MAS_E_FORMAT,
            "%s: no \"resolved\" experiment in it; remove the folder %s or name another "
            "with --results",
            path, folder);
    char change[512];
    if (!mas_experiment_difference(before, experiment->resolved, change, sizeof change))
        return MAS_OK;
    *grows = adds_points(there, mine);
    if (*grows)
        return MAS_OK;
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
    *writes = false;
    mas_status status = mas_json_read(path, &there, err);
    if (status == MAS_E_NOT_FOUND) {
        *writes = true;
        return MAS_OK;
    }
    if (status == MAS_OK)
        status = refuse_other(experiment, there, mine, path, folder, writes, err);
    if (status == MAS_OK && access(folder, W_OK) != 0)
        status = mas_fail(err, MAS_E_IO, "cannot write to the results folder %s: %s", folder,
                          strerror(errno));
    json_decref(there);
    return status;
}

static mas_status check_or_make(const mas_experiment *experiment, const char *results, bool make,
                                mas_error *err)
{
    mas_status status = MAS_OK;
    json_t *mine = describe(experiment);
    char *folder = mas_folder_path(results, experiment->name);
    char *path = mas_point_path(results, experiment->name, "experiment", ".json");
    bool writes = false;
    if (!mine || !folder || !path)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the results folder");
    else
        status = check_folder(experiment, mine, folder, path, &writes, err);
    if (status == MAS_OK && make && writes)
        status = mas_make_folders(folder, err);
    if (status == MAS_OK && make && writes)
        status = mas_json_write(path, mine, err);
    if (status == MAS_OK && make)
        mas_file_remove_leftovers(folder);
    json_decref(mine);
    free(folder);
    free(path);
    return status;
}

mas_status mas_folder_check(const mas_experiment *experiment, const char *results, mas_error *err)
{
    return check_or_make(experiment, results, false, err);
}

mas_status mas_folder_prepare(const mas_experiment *experiment, const char *results, mas_error *err)
{
    return check_or_make(experiment, results, true, err);
}
