/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in the file is trusted: the header's length is held against the file's, every tensor
 * against its own shape, and all of them together must fill the data exactly. */
#include "harness/lm/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES_MAX ((uint64_t)100 << 20) /* the format's own limit */

static mas_status read_header(FILE *stream, const char *path, int64_t *file_bytes,
                              int64_t *data_start, json_t **root, mas_error *err)
{
    if (fseek(stream, 0, SEEK_END) != 0 || (*file_bytes = ftell(stream)) < 0)
        return mas_fail(err, MAS_E_IO, "cannot read %s: %s", path, strerror(errno));
    rewind(stream);
    uint64_t length = 0;
    if (*file_bytes < 8 || fread(&length, sizeof length, 1, stream) != 1)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s is not a safetensors file: it has %" PRId64
                        " bytes, and 8 are needed for "
                        "the header's length alone",
                        path, *file_bytes);
    if (length < 2 || length > HEADER_BYTES_MAX || length > (uint64_t)*file_bytes - 8)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s is not a safetensors file or is truncated: its header should have "
                        "%" PRIu64 " bytes, but %" PRId64 " follow",
                        path, length, *file_bytes - 8);
    char *text = malloc((size_t)length);
    if (!text)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the header of %s", path);
    json_error_t json_error = {.text = ""};
    if (fread(text, 1, (size_t)length, stream) != (size_t)length) {
        free(text);
        return mas_fail(err, MAS_E_IO, "cannot read the header of %s", path);
    }
    *root = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &json_error);
    free(text);
    if (!json_is_object(*root)) {
        json_decref(*root);
        *root = NULL;
        return mas_fail(err, MAS_E_FORMAT,
                        "%s is not a safetensors file: its header is not a JSON object (%s)", path,
                        json_error.text[0] ? json_error.text : "another kind of value");
    }
    *data_start = 8 + (int64_t)length;
    return MAS_OK;
}

static mas_status parse_tensor(const char *path, const char *name, const json_t *entry,
                               int64_t data_bytes, mas_st_tensor *t, mas_error *err)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"),
                 *place = json_object_get(entry, "data_offsets");
    if (strlen(name) >= sizeof t->name)
        return mas_fail(err, MAS_E_FORMAT, "%s: unknown tensor %.80s...", path, name);
    strcpy(t->name, name);
    if (!dtype || !json_is_array(shape) || !json_is_array(place) || json_array_size(place) != 2 ||
        !json_is_integer(json_array_get(place, 0)) || !json_is_integer(json_array_get(place, 1)))
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: tensor %s lacks a dtype, a shape or two data_offsets", path, name);
    if (strcmp(dtype, "F32") != 0)
        return mas_fail(err, MAS_E_FORMAT, "%s: tensor %s has dtype %s; only F32 is read", path,
                        name, dtype);
    t->dims = (int32_t)json_array_size(shape);
    if (t->dims != 1 && t->dims != 2)
        return mas_fail(err, MAS_E_FORMAT, "%s: tensor %s has %d dimensions; 1 or 2 were expected",
                        path, name, t->dims);
    t->shape[1] = 1;
    for (int32_t i = 0; i < t->dims; i++) {
        t->shape[i] =
            json_integer_value(json_array_get(shape, (size_t)i)); /* 0 when it is no integer */
        if (t->shape[i] < 1 || t->shape[i] > INT32_MAX)
            return mas_fail(err, MAS_E_FORMAT, "%s: tensor %s has an impossible shape", path, name);
    }
    const int64_t begin = json_integer_value(json_array_get(place, 0));
    const int64_t end = json_integer_value(json_array_get(place, 1));
    if (begin < 0 || end < begin)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: tensor %s has impossible data_offsets %" PRId64 " to %" PRId64, path,
                        name, begin, end);
    if (end > data_bytes)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s is truncated: tensor %s ends at byte %" PRId64
                        " of the data, which has "
                        "%" PRId64,
                        path, name, end, data_bytes);
    t->offset = begin;
    t->bytes = end - begin;
    if (t->bytes % 4 != 0 || t->bytes / 4 / t->shape[0] != t->shape[1] ||
        t->bytes / 4 % t->shape[0] != 0)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: tensor %s has %" PRId64 " bytes, which do not fit its shape", path,
                        name, t->bytes);
    return MAS_OK;
}

static int by_offset(const void *a, const void *b)
{
    const mas_st_tensor *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static mas_status check_layout(const char *path, mas_st_file *file, int64_t data_bytes,
                               mas_error *err)
{
    qsort(file->tensors, file->count, sizeof *file->tensors, by_offset);
    int64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (file->tensors[i].offset != at)
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: tensor %s starts at byte %" PRId64
                            " of the data where the one before "
                            "ends at %" PRId64,
                            path, file->tensors[i].name, file->tensors[i].offset, at);
        at += file->tensors[i].bytes;
    }
    if (at != data_bytes)
        return mas_fail(err, MAS_E_FORMAT, "%s has %" PRId64 " bytes after its last tensor", path,
                        data_bytes - at);
    return MAS_OK;
}

static mas_status parse_entries(const char *path, const json_t *root, int64_t data_bytes,
                                mas_st_file *file, mas_error *err)
{
    file->tensors = calloc(json_object_size(root) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the header of %s", path);
    for (void *i = json_object_iter((json_t *)root); i;
         i = json_object_iter_next((json_t *)root, i)) {
        const char *name = json_object_iter_key(i);
        const json_t *entry = json_object_iter_value(i);
        if (strcmp(name, "__metadata__") == 0) {
            const char *text = json_string_value(json_object_get(entry, "masbench"));
            if (text && !(file->metadata = strdup(text)))
                return mas_fail(err, MAS_E_MEMORY, "no memory for the metadata of %s", path);
            continue;
        }
        const mas_status status =
            parse_tensor(path, name, entry, data_bytes, &file->tensors[file->count], err);
        if (status != MAS_OK)
            return status;
        file->count++;
    }
    return check_layout(path, file, data_bytes, err);
}

mas_status mas_st_open(const char *path, mas_st_file *out, mas_error *err)
{
    *out = (mas_st_file){.stream = fopen(path, "rb")};
    if (!out->stream)
        return mas_fail(err, errno == ENOENT ? MAS_E_NOT_FOUND : MAS_E_IO, "cannot open %s: %s",
                        path, strerror(errno));
    json_t *root = NULL;
    int64_t file_bytes = 0;
    mas_status status = read_header(out->stream, path, &file_bytes, &out->data_start, &root, err);
    if (status == MAS_OK)
        status = parse_entries(path, root, file_bytes - out->data_start, out, err);
    json_decref(root);
    if (status != MAS_OK)
        mas_st_close(out);
    return status;
}

mas_status mas_st_read(mas_st_file *file, const char *path, const mas_st_tensor *tensor, void *out,
                       mas_error *err)
{
    if (fseek(file->stream, (long)(file->data_start + tensor->offset), SEEK_SET) != 0 ||
        fread(out, 1, (size_t)tensor->bytes, file->stream) != (size_t)tensor->bytes)
        return mas_fail(err, MAS_E_IO, "cannot read tensor %s of %s", tensor->name, path);
    return MAS_OK;
}

void mas_st_close(mas_st_file *file)
{
    if (file->stream)
        fclose(file->stream);
    free(file->tensors);
    free(file->metadata);
    *file = (mas_st_file){0};
}
