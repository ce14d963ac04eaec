/* SPDX-License-Identifier: Apache-2.0 */
/* All results of a folder. Order: the experiment's own list of points, then by name, so that a
 * folder without experiment.json still has one fixed order. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct entry {
    size_t rank;
    char id[MAS_ID_CHARS + 1];
} entry;

static int by_rank(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* Result files are 16 hex digits and ".json"; anything else in the folder is somebody else's. */
static bool is_result_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == MAS_ID_CHARS &&
           strcmp(name + MAS_ID_CHARS, ".json") == 0;
}

static size_t rank_of(const json_t *experiment, const char *id)
{
    size_t i;
    const json_t *point;
    json_array_foreach(json_object_get(experiment, "points"), i,
                       point) if (strcmp(mas_json_text_at(point, "id"), id) == 0) return i;
    return SIZE_MAX;
}

mas_status mas_result_check(const json_t *result, const char *path, mas_error *err)
{
    const json_t *schema = json_object_get(result, "schema");
    if (!json_is_integer(schema))
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: not a masbench result: no whole number under \"schema\"", path);
    if (json_integer_value(schema) != MAS_RESULT_SCHEMA)
        return mas_fail(err, MAS_E_FORMAT, "%s: result schema %lld; this program reads schema %d",
                        path, (long long)json_integer_value(schema), MAS_RESULT_SCHEMA);
    if (!mas_json_text_at(result, "status")[0] || !mas_json_text_at(result, "id")[0])
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: not a masbench result: \"id\" or \"status\" is missing", path);
    return MAS_OK;
}

static mas_status list_entries(const char *folder, const json_t *experiment, entry **out,
                               size_t *count, mas_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return mas_fail(err, errno == ENOENT ? MAS_E_NOT_FOUND : MAS_E_IO,
                        "cannot open the results folder %s: %s", folder, strerror(errno));
    mas_status status = MAS_OK;
    size_t room = 0;
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        if (!is_result_name(item->d_name))
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            entry *grown = realloc(*out, room * sizeof *grown);
            if (!grown) {
                status = mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", folder);
                break;
            }
            *out = grown;
        }
        entry *e = &(*out)[(*count)++];
        memcpy(e->id, item->d_name, MAS_ID_CHARS);
        e->id[MAS_ID_CHARS] = '\0';
        e->rank = rank_of(experiment, e->id);
    }
    closedir(dir);
    return status;
}

mas_status mas_results_load(const char *folder, mas_result_set **out, mas_error *err)
{
    struct stat info;
    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
        return mas_fail(
            err, MAS_E_FORMAT,
            "%s is a file; expected the folder of an experiment. Packed results are for "
            "compare and plot --history; unpacked they lie where run wrote them",
            folder);
    mas_status status = MAS_OK;
    entry *entries = NULL;
    size_t count = 0;
    char *path = mas_file_path(folder, "experiment", ".json");
    mas_result_set *set = calloc(1, sizeof *set);
    if (!set || !path || !(set->folder = strdup(folder))) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", folder);
        goto done;
    }
    status = mas_json_read(path, &set->experiment, err);
    if (status == MAS_E_NOT_FOUND)
        status = MAS_OK;
    if (status == MAS_OK)
        status = list_entries(folder, set->experiment, &entries, &count, err);
    if (status != MAS_OK)
        goto done;
    if (count > 0)
        qsort(entries, count, sizeof *entries, by_rank);
    set->results = calloc(count ? count : 1, sizeof *set->results);
    for (size_t i = 0; i < count; i++) {
        free(path);
        path = mas_file_path(folder, entries[i].id, ".json");
        if (!path || !set->results) {
            status = mas_fail(err, MAS_E_MEMORY, "no memory for the results of %s", folder);
            goto done;
        }
        status = mas_json_read(path, &set->results[i], err);
        if (status != MAS_OK)
            goto done;
        set->count = i + 1;
        status = mas_result_check(set->results[i], path, err);
        if (status != MAS_OK)
            goto done;
    }
done:
    free(path);
    free(entries);
    if (status == MAS_OK)
        *out = set;
    else
        mas_results_free(set);
    return status;
}

void mas_results_free(mas_result_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        json_decref(set->results[i]);
    free(set->results);
    json_decref(set->experiment);
    free(set->folder);
    free(set);
}
