/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/lm/safetensors.h"

#include "harness/files/replace.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

typedef struct content {
    const char *header;
    size_t header_length;
    const mas_st_tensor *tensors;
    size_t count;
    mas_st_source source;
    void *user;
} content;

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    const uint64_t length = c->header_length;
    bool fine = fwrite(&length, sizeof length, 1, out) == 1 &&
                fwrite(c->header, 1, c->header_length, out) == c->header_length;
    for (size_t i = 0; fine && i < c->count; i++) {
        const size_t bytes = (size_t)c->tensors[i].bytes;
        const void *data = NULL;
        const mas_status status = c->source(c->user, i, &data, err);
        if (status != MAS_OK)
            return status;
        fine = fwrite(data, 1, bytes, out) == bytes;
    }
    return MAS_OK;
}

mas_status mas_st_write(const char *path, mas_st_tensor *tensors, size_t count,
                        const char *metadata, mas_st_source source, void *user, mas_error *err)
{
    size_t header_length = 0;
    char *header = make_header(tensors, count, metadata, &header_length);
    if (!header)
        return mas_fail(err, MAS_E_MEMORY, "no memory to write %s", path);
    content c = {header, header_length, tensors, count, source, user};
    const mas_status status = mas_file_replace(path, write_content, &c, err);
    free(header);
    return status;
}
