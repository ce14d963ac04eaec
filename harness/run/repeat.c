/* SPDX-License-Identifier: Apache-2.0 */
/* A resolved point is an experiment file but for its name, and JSON is YAML. Several points become
 * one axis whose values are whole sections. */
#include "harness/run/repeat.h"

#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "masbench/rng.h"

#include <stdlib.h>
#include <string.h>

#define DRAW_STREAM 0x64726177u /* "draw" */

/* The one axis: for every section of the first point, its values in all points. NULL: no memory, or
 * sections differ. */
static json_t *axis_of(const json_t *const *records, size_t count)
{
    json_t *axis = json_object(), *value;
    const char *section;
    json_object_foreach(json_object_get(records[0], "point"), section, value)
    {
        if (strcmp(section, "kind") == 0)
            continue;
        json_t *values = json_array();
        for (size_t i = 0; i < count; i++)
            if (json_array_append(
                    values, json_object_get(json_object_get(records[i], "point"), section)) != 0) {
                json_decref(values);
                json_decref(axis);
                return NULL;
            }
        mas_json_set(axis, section, values);
    }
    return axis;
}

mas_status mas_repeat_write(const json_t *const *records, size_t count, const char *folder,
                            char **path, mas_error *err)
{
    *path = NULL;
    for (size_t i = 0; i < count; i++)
        if (!json_is_object(json_object_get(records[i], "point")))
            return mas_fail(err, MAS_E_FORMAT, "the record holds no resolved point");
    json_t *axis = axis_of(records, count), *file = json_object();
    mas_status status = MAS_OK;
    if (!axis || !file) {
        status = mas_fail(err, MAS_E_FORMAT, "the records do not have the same sections");
        goto done;
    }
    mas_json_set_text(file, "experiment", mas_json_text_at(records[0], "experiment"));
    mas_json_set_text(file, "kind", mas_json_text_at(records[0], "point.kind"));
    mas_json_set(file, "sweep", json_pack("[O]", axis));
    *path = mas_file_path(folder, "experiment.yaml", "");
    if (!*path)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a path in %s", folder);
    if (status == MAS_OK)
        status = mas_make_folders(folder, err);
    if (status == MAS_OK)
        status = mas_json_write(*path, file, err);
done:
    json_decref(axis);
    json_decref(file);
    return status;
}

static mas_status check_ids(const json_t *const *records, size_t count,
                            const mas_experiment *experiment, mas_error *err)
{
    if (experiment->count != (int64_t)count)
        return mas_fail(err, MAS_E_FORMAT, "two records hold the same point");
    for (size_t i = 0; i < count; i++) {
        const char *id = mas_json_text_at(records[i], "id");
        if (strcmp(id, experiment->points[i].id) != 0)
            return mas_fail(err, MAS_E_FORMAT,
                            "its point has the id %s here; the record says %s, so one of them was "
                            "changed, or this program tells points apart otherwise",
                            experiment->points[i].id, id);
    }
    return MAS_OK;
}

mas_status mas_repeat_load(const json_t *const *records, size_t count, const char *folder,
                           mas_experiment **experiment, mas_error *err)
{
    char *path = NULL;
    mas_diagnostics problems = {0, NULL};
    *experiment = NULL;
    mas_status status = mas_repeat_write(records, count, folder, &path, err);
    if (status == MAS_OK) {
        status = mas_experiment_load(path, NULL, 0, experiment, &problems);
        if (status != MAS_OK)
            status = mas_fail(err, status, "its point is refused: %s",
                              problems.count ? problems.texts[0] : mas_status_name(status));
    }
    if (status == MAS_OK)
        status = check_ids(records, count, *experiment, err);
    if (status != MAS_OK) {
        mas_experiment_free(*experiment);
        *experiment = NULL;
    }
    mas_diagnostics_free(&problems);
    free(path);
    return status;
}

/* Floyd's sampling, so that nothing of the size of `bound` is needed. */
void mas_repeat_draw(uint64_t seed, size_t bound, size_t *out, size_t count)
{
    mas_rng rng = mas_rng_seed(seed, DRAW_STREAM);
    size_t drawn = 0;
    for (size_t j = bound - count; j < bound; j++) {
        size_t pick = (size_t)mas_rng_below(&rng, j + 1);
        for (size_t i = 0; i < drawn; i++)
            if (out[i] == pick) {
                pick = j;
                break;
            }
        out[drawn++] = pick;
    }
}
