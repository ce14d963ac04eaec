/* SPDX-License-Identifier: Apache-2.0 */
/* The results folder of an experiment. experiment.json is its identity: a start with another
 * resolved experiment is refused, so that results of two questions never mix. Several processes
 * may work in one folder: everything is written by rename, and the file they might write at the
 * same time is the same for all of them. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/runner.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
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

static mas_status refuse_other(const mas_experiment *experiment, const json_t *there,
                               const char *path, const char *folder, mas_error *err)
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
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%s holds results of another version of this experiment; what changed: %s. "
                    "Results of two versions "
                    "are not mixed: name another folder with --results, give the experiment "
                    "another name, or remove "
                    "%s",
                    folder, change, folder);
}

/* Temporary files end in ".tmp.<process>"; those of a process that still lives may be in use. */
static void remove_leftovers(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        const char *mark = strstr(item->d_name, ".tmp.");
        char *end;
        const long process = mark ? strtol(mark + 5, &end, 10) : 0;
        if (process <= 0 || *end || kill((pid_t)process, 0) == 0 || errno != ESRCH)
            continue;
        char *path = mas_folder_path(folder, item->d_name);
        if (path)
            (void)unlink(path);
        free(path);
    }
    closedir(dir);
}

/* MAS_E_NOT_FOUND: there is no experiment.json yet. */
static mas_status check_folder(const mas_experiment *experiment, const char *folder,
                               const char *path, mas_error *err)
{
    json_t *there = NULL;
    mas_status status = mas_json_read(path, &there, err);
    if (status == MAS_OK)
        status = refuse_other(experiment, there, path, folder, err);
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
    json_t *mine = NULL;
    char *folder = mas_folder_path(results, experiment->name);
    char *path = mas_point_path(results, experiment->name, "experiment", ".json");
    if (!folder || !path) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the results folder");
        goto done;
    }
    status = check_folder(experiment, folder, path, err);
    if (status == MAS_E_NOT_FOUND) {
        status = make ? mas_make_folders(folder, err) : MAS_OK;
        if (!make || status != MAS_OK)
            goto done;
        mine = describe(experiment);
        status = mine ? mas_json_write(path, mine, err)
                      : mas_fail(err, MAS_E_MEMORY, "no memory for %s", path);
    }
    if (status == MAS_OK && make)
        remove_leftovers(folder);
done:
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
