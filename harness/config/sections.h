/* SPDX-License-Identifier: Apache-2.0 */
/** What an experiment file may say: the tables of masbench's sections. */
#ifndef MASBENCH_CONFIG_SECTIONS_H
#define MASBENCH_CONFIG_SECTIONS_H

#include "harness/config/schema.h"

/** full_layers: all; replaced by the number of layers when a point is resolved. */
#define MAS_FULL_LAYERS_ALL (-2)

/** What the top level of a file is read into. Too large for a stack. */
typedef struct mas_document {
    char name[MAS_NAME_MAX];
    char question[1024];
    mas_point point;
} mas_document;

/** Every default. */
void mas_document_init(mas_document *document);

/** Table of the top level; its sections hang below. The target is a mas_document. */
extern const mas_section mas_schema_root;

extern const mas_codec mas_codec_placement;   /* mas_placement */
extern const mas_codec mas_codec_full_layers; /* int32_t */
extern const mas_codec mas_codec_tokenizer;   /* mas_tokenizer_config */
extern const mas_codec mas_codec_base;        /* mas_base_config */
extern const mas_codec mas_codec_variant;     /* mas_attn_spec */

/** Keys of training.from, for the reference. */
extern const mas_section mas_schema_base;
/** Words of mas_lr_schedule, NULL-terminated. */
extern const char *const mas_schedule_words[];

/** Words that are placements by themselves, NULL-terminated; the index is the mas_placement_kind. */
extern const char *const mas_placement_words[];

/** The value of an attention spec as JSON. */
json_t *mas_attn_spec_json(const mas_attn_spec *spec);

#endif
