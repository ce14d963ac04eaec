/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as files. The writer puts arrays of plain values on one line (jansson's own indentation
 * would give each sample of a training curve a line), everything else one key a line, so that
 * version control shows small differences. */
#include "harness/files/replace.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_plain(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static bool print_plain(FILE *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (!text)
        return false;
    fputs(text, out);
    free(text);
    return true;
}

static bool print_value(FILE *out, const json_t *value, int depth);

static bool print_array(FILE *out, const json_t *array, int depth)
{
    size_t i;
    const json_t *item;
    bool plain = true;
    json_array_foreach(array, i, item) plain = plain && is_plain(item);
    fputc('[', out);
    json_array_foreach(array, i, item)
    {
        if (plain)
            fputs(i ? ", " : "", out);
        else
            fprintf(out, "%s\n%*s", i ? "," : "", 2 * (depth + 1), "");
        if (!print_value(out, item, depth + 1))
            return false;
    }
    if (!plain)
        fprintf(out, "\n%*s", 2 * depth, "");
    fputc(']', out);
    return true;
}

static bool print_value(FILE *out, const json_t *value, int depth)
{
    if (is_plain(value))
        return print_plain(out, value);
    if (json_is_array(value))
        return print_array(out, value, depth);
    fputc('{', out);
    bool first = true;
    for (void *i = json_object_iter((json_t *)value); i;
         i = json_object_iter_next((json_t *)value, i)) {
        json_t *key = json_string(json_object_iter_key(i));
        fprintf(out, "%s\n%*s", first ? "" : ",", 2 * (depth + 1), "");
        const bool ok = key && print_plain(out, key) && fputs(": ", out) >= 0 &&
                        print_value(out, json_object_iter_value(i), depth + 1);
        json_decref(key);
        if (!ok)
            return false;
        first = false;
    }
    if (!first)
        fprintf(out, "\n%*s", 2 * depth, "");
    fputc('}', out);
    return true;
}

static mas_status write_json(void *user, FILE *out, mas_error *err)
{
    if (print_value(out, user, 0) && fputc('\n', out) != EOF)
        return MAS_OK;
    return mas_fail(err, MAS_E_MEMORY, "no memory to write a result");
}

mas_status mas_json_write(const char *path, const json_t *json, mas_error *err)
{
    return mas_file_replace(path, write_json, (void *)json, err);
}

mas_status mas_json_read(const char *path, json_t **out, mas_error *err)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return mas_fail(err, errno == ENOENT ? MAS_E_NOT_FOUND : MAS_E_IO, "cannot open %s: %s",
                        path, strerror(errno));
    json_error_t where;
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
    const bool io_error = ferror(file) != 0;
    fclose(file);
    if (!json) {
        if (io_error)
            return mas_fail(err, MAS_E_IO, "cannot read %s", path);
        return mas_fail(err, MAS_E_FORMAT, "%s:%d:%d: not valid JSON: %s", path,
                        where.line < 0 ? 1 : where.line, where.column < 0 ? 1 : where.column,
                        where.text);
    }
    *out = json;
    return MAS_OK;
}

char *mas_file_path(const char *folder, const char *name, const char *end)
{
    const size_t room = strlen(folder) + strlen(name) + strlen(end) + 2;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s/%s%s", folder, name, end);
    return path;
}

mas_status mas_make_folders(const char *path, mas_error *err)
{
    char *part = strdup(path);
    if (!part)
        return mas_fail(err, MAS_E_MEMORY, "no memory to make %s", path);
    mas_status status = MAS_OK;
    for (char *end = part; status == MAS_OK && end;) {
        end = strchr(end + 1, '/');
        if (end)
            *end = '\0';
        struct stat info;
        if (mkdir(part, 0777) != 0 &&
            (errno != EEXIST || stat(part, &info) != 0 || !S_ISDIR(info.st_mode)))
            status =
                mas_fail(err, MAS_E_IO, "cannot make the folder %s: %s", part,
                         errno == EEXIST ? "a file of that name is in the way" : strerror(errno));
        if (end)
            *end = '/';
    }
    free(part);
    return status;
}

const json_t *mas_json_value_at(const json_t *json, const char *path)
{
    while (json && *path) {
        const size_t length = strcspn(path, ".");
        char key[64];
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        json = json_object_get(json, key);
        path += length + (path[length] == '.');
    }
    return json;
}

double mas_json_number_at(const json_t *json, const char *path)
{
    const json_t *value = mas_json_value_at(json, path);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *mas_json_text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(mas_json_value_at(json, path));
    return text ? text : "";
}
