/* SPDX-License-Identifier: Apache-2.0 */
/* Many results in one file: what a repository keeps as its baseline. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

mas_status mas_results_load_pack(const char *path, mas_result_set **out, mas_error *err)
{
    json_t *json = NULL;
    mas_status status = mas_json_read(path, &json, err);
    if (status != MAS_OK)
        return status;
    const json_t *results = json_object_get(json, "results");
    const size_t count = json_array_size(results);
    mas_result_set *set = calloc(1, sizeof *set);
    if (!json_is_array(results))
        status =
            mas_fail(err, MAS_E_FORMAT,
                     "%s: no list under \"results\"; expected a file that masbench pack wrote, "
                     "or the folder of an experiment",
                     path);
    else if (!set || !(set->folder = strdup(path)) ||
             !(set->results = calloc(count ? count : 1, sizeof *set->results)))
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", path);
    for (size_t i = 0; status == MAS_OK && i < count; i++) {
        char where[512];
        snprintf(where, sizeof where, "%s: results[%zu]", path, i);
        set->results[i] = json_incref(json_array_get(results, i));
        set->count = i + 1;
        status = mas_result_check(set->results[i], where, err);
    }
    json_decref(json);
    if (status == MAS_OK)
        *out = set;
    else
        mas_results_free(set);
    return status;
}

mas_status mas_results_load_any(const char *path, mas_result_set **out, mas_error *err)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? mas_results_load_pack(path, out, err)
                                                           : mas_results_load(path, out, err);
}

/* Readers look for a point by its id, so it stands there once; the same record again adds nothing. */
static mas_status add(json_t *results, json_t *by_id, json_t *result, const char *folder,
                      mas_error *err)
{
    const char *id = mas_json_text_at(result, "id");
    const json_t *there = json_object_get(by_id, id);
    if (there && json_equal(there, result))
        return MAS_OK;
    if (there)
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "%s: another record of the point %s (%s) was given before; a pack holds one "
            "of each, so pack the folders into two files",
            folder, id, mas_json_text_at(result, "title"));
    if (json_array_append(results, result) != 0 || json_object_set(by_id, id, result) != 0)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", folder);
    return MAS_OK;
}

mas_status mas_results_write_pack(const char *path, mas_result_set *const *sets, size_t count,
                                  size_t *written, mas_error *err)
{
    json_t *json = json_object(), *list = json_array(), *by_id = json_object();
    mas_status status = json && list && by_id
                            ? MAS_OK
                            : mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", path);
    *written = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; status == MAS_OK && j < sets[i]->count; j++)
            status = add(list, by_id, sets[i]->results[j], sets[i]->folder, err);
    if (status == MAS_OK) {
        *written = json_array_size(list);
        mas_json_set_int(json, "schema", MAS_RESULT_SCHEMA);
        mas_json_set(json, "results", json_incref(list));
        status = mas_json_write(path, json, err);
    }
    json_decref(by_id);
    json_decref(list);
    json_decref(json);
    return status;
}
