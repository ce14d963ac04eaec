/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The safetensors file format: 8 bytes with the header's length (little endian), a JSON header that
 * names type, shape and place of every tensor, then the data without gaps. Only f32 tensors and one
 * metadata text are needed here. https://huggingface.co/docs/safetensors
 */
#ifndef MASBENCH_LM_SAFETENSORS_H
#define MASBENCH_LM_SAFETENSORS_H

#include "masbench/status.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct mas_st_tensor {
    char name[96];
    int32_t dims; /* 1 or 2 */
    int64_t shape[2];
    int64_t offset; /* bytes from the start of the data: given by the writer's order, or read */
    int64_t bytes;
} mas_st_tensor;

/** Gives the writer one tensor. The writer may begin anew.
 *  @param[out] bytes  a buffer of tensors[index].bytes, valid until the next call
 *  @return MAS_OK, or why there are none: the file is then given up */
typedef mas_status (*mas_st_source)(void *user, size_t index, const void **bytes, mas_error *err);

/** Write a whole file by mas_file_replace: it is there complete or not at all.
 *  @param tensors   their offsets are filled in, in order
 *  @param metadata  text for the key "masbench" of the metadata, or NULL
 *  @return MAS_OK, MAS_E_IO (path and the system's reason), MAS_E_MEMORY, and the source's errors;
 * on error a file of that name stays as it was */
MAS_MUST_USE mas_status mas_st_write(const char *path, mas_st_tensor *tensors, size_t count,
                                     const char *metadata, mas_st_source source, void *user,
                                     mas_error *err);

/** An opened file whose header is consistent: tensors lie side by side and end with the file. */
typedef struct mas_st_file {
    FILE *stream;
    int64_t data_start;     /* bytes before the data */
    mas_st_tensor *tensors; /* sorted by offset */
    size_t count;
    char *metadata; /* or NULL */
} mas_st_file;

/** @return MAS_OK, MAS_E_NOT_FOUND, MAS_E_IO, MAS_E_FORMAT (file, what is wrong), MAS_E_MEMORY; on
 * error nothing is left open */
MAS_MUST_USE mas_status mas_st_open(const char *path, mas_st_file *out, mas_error *err);
/** Read a tensor's bytes. */
MAS_MUST_USE mas_status mas_st_read(mas_st_file *file, const char *path,
                                    const mas_st_tensor *tensor, void *out, mas_error *err);
void mas_st_close(mas_st_file *file);

#endif
