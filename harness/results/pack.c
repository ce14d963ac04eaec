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

mas_status mas_results_write_pack(const char *path, mas_result_set *const *sets, size_t count,
                                  mas_error *err)
{
    json_t *json = json_object(), *results = json_array();
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < sets[i]->count; j++)
            (void)json_array_append(results, sets[i]->results[j]);
    mas_json_set_int(json, "schema", MAS_RESULT_SCHEMA);
    mas_json_set(json, "results", results);
    const mas_status status =
        json ? mas_json_write(path, json, err)
             : mas_fail(err, MAS_E_MEMORY, "no memory to write the results to %s", path);
    json_decref(json);
    return status;
}
