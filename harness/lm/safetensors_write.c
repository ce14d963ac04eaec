/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/lm/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors data is little endian; this writer copies memory"
#endif

/* The header as JSON text, padded with spaces so that the data starts on 8 bytes; NULL without
 * memory. */
static char *make_header(mas_st_tensor *tensors, size_t count, const char *metadata, size_t *length)
{
    json_t *root = json_object();
    int bad = root == NULL;
    if (metadata)
        bad |= json_object_set_new(root, "__metadata__", json_pack("{s:s}", "masbench", metadata));
    int64_t offset = 0;
    for (size_t i = 0; i < count && !bad; i++) {
        mas_st_tensor *t = &tensors[i];
        t->offset = offset;
        offset += t->bytes;
        json_t *shape = t->dims == 1
                            ? json_pack("[I]", (json_int_t)t->shape[0])
                            : json_pack("[I, I]", (json_int_t)t->shape[0], (json_int_t)t->shape[1]);
        bad |= json_object_set_new(root, t->name,
                                   json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                                             "data_offsets", (json_int_t)t->offset,
                                             (json_int_t)offset));
    }
    char *text = bad ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        return NULL;
    const size_t used = strlen(text);
    *length = (used + 7) / 8 * 8;
    char *padded = realloc(text, *length + 1);
    if (!padded) {
        free(text);
        return NULL;
    }
    memset(padded + used, ' ', *length - used);
    return padded;
}

/* A rename is only durable once its folder is. A file system that cannot sync folders is no reason
 * to fail. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    const int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    if (folder >= 0) {
        (void)fsync(folder);
        close(folder);
    }
    free(copy);
}

static char *partial_of(const char *path)
{
    static const char end[] = ".partial";
    const size_t room = strlen(path) + sizeof end;
    char *partial = malloc(room);
    if (partial)
        snprintf(partial, room, "%s%s", path, end);
    return partial;
}

mas_status mas_st_write(const char *path, mas_st_tensor *tensors, size_t count,
                        const char *metadata, mas_st_source source, void *user, mas_error *err)
{
    mas_status status = MAS_OK;
    FILE *stream = NULL;
    size_t header_length = 0;
    char *header = make_header(tensors, count, metadata, &header_length);
    char *partial = partial_of(path);
    if (!header || !partial) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to write %s", path);
        goto done;
    }
    const uint64_t length = header_length;
    stream = fopen(partial, "wb");
    bool ok = stream != NULL;
    ok = ok && fwrite(&length, sizeof length, 1, stream) == 1;
    ok = ok && fwrite(header, 1, header_length, stream) == header_length;
    for (size_t i = 0; ok && status == MAS_OK && i < count; i++) {
        const size_t bytes = (size_t)tensors[i].bytes;
        const void *data = NULL;
        status = source(user, i, &data, err);
        ok = status != MAS_OK || fwrite(data, 1, bytes, stream) == bytes;
    }
    if (status != MAS_OK) {
        (void)fclose(stream);
        (void)unlink(partial);
        goto done;
    }
    ok = ok && fflush(stream) == 0 && fsync(fileno(stream)) == 0;
    int reason = errno;
    if (stream && fclose(stream) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && rename(partial, path) != 0) {
        ok = false;
        reason = errno;
    }
    if (!ok) {
        if (stream)
            (void)unlink(partial);
        status = mas_fail(err, MAS_E_IO, "cannot write %s: %s", path, strerror(reason));
        goto done;
    }
    sync_folder(path);
done:
    free(partial);
    free(header);
    return status;
}
