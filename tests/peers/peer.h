/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What peer-time can time: a subject is one problem with its buffers, built once and run many times.
 * The program holds one subject at a time; time_against_torch.py asks for it and for everything
 * else in JSON, one object a line (peer_time.c has the list).
 */
#ifndef MASBENCH_TESTS_PEER_H
#define MASBENCH_TESTS_PEER_H

#include "masbench/device.h"

#include <jansson.h>
#include <stdio.h>

typedef struct peer_subject peer_subject;
struct peer_subject {
    /** Run one named part of the problem once, for example "forward".
     *  @param[out] value  what the part computed, where that is one number (the loss of a step) */
    mas_status (*run)(peer_subject *subject, const char *part, double *value, mas_error *err);
    /** Write every input and every output as f32, in the order of the table. */
    mas_status (*dump)(peer_subject *subject, FILE *file, json_t *table, mas_error *err);
    void (*close)(peer_subject *subject);
};

/** Causal attention on drawn inputs, parts "forward" and "backward".
 *  @param request       dtype, length, heads, kv_heads, head_dim, variant, options
 *  @param[out] answer   the kernels' names are added */
MAS_MUST_USE mas_status peer_attention_open(mas_device *device, json_t *request, json_t *answer,
                                            peer_subject **out, mas_error *err);

/** Training of a decoder with full attention on drawn tokens, part "step": gradients, their norm,
 * clipping, AdamW.
 *  @param request       dtype, length, layers, width, heads, vocab, and the optimiser's numbers
 *  @param[out] answer   the resolved config is added */
MAS_MUST_USE mas_status peer_decoder_open(mas_device *device, json_t *request, json_t *answer,
                                          peer_subject **out, mas_error *err);

/** "f32", "bf16" or "f16". */
MAS_MUST_USE mas_status peer_dtype(const char *name, mas_dtype *out, mas_error *err);

/** Append one tensor to a dump: its values to the file, its name and shape to the table. */
MAS_MUST_USE mas_status peer_dump_tensor(FILE *file, json_t *table, const char *name, int dims,
                                         const int64_t *shape, mas_dtype dtype, const void *data,
                                         mas_error *err);

#endif
