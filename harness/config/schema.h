/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Schema tables: what keys a mapping may have. One table per section, one row per key; reading, checking, merging,
 * writing as JSON and the reference all follow from it. This engine knows nothing of what the keys mean.
 */
#ifndef MASBENCH_CONFIG_SCHEMA_H
#define MASBENCH_CONFIG_SCHEMA_H

#include "harness/config/tree.h"

#include <float.h>

typedef enum mas_field_type {
    MAS_FIELD_INT32,
    MAS_FIELD_INT64, /* also for uint64_t fields with min >= 0 */
    MAS_FIELD_BYTES, /* size_t, "2GiB" */
    MAS_FIELD_FLOAT,
    MAS_FIELD_DOUBLE,
    MAS_FIELD_BOOL,
    MAS_FIELD_WORD,    /* an enum: index into `words`, plus min */
    MAS_FIELD_TEXT,    /* char[size] */
    MAS_FIELD_TEXTS,   /* char[max][size] and an int32_t count; one text or a list */
    MAS_FIELD_SECTION, /* a mapping with its own table */
    MAS_FIELD_CUSTOM,  /* read and written by `codec` */
    MAS_FIELD_LATER    /* known, but read elsewhere */
} mas_field_type;

typedef struct mas_section mas_section;

/** A value of a shape that no type above has. */
typedef struct mas_codec {
    const char *expected; /* "a placement: bottom, ..." */
    void (*read)(mas_problems *problems, const mas_node *node, const char *path, void *value,
                 bool complete);
    json_t *(*write)(const void *value); /* JSON null: leave the key out */
    /** For mappings whose keys can be set one by one: all that may stand there, NULL-terminated,
     *  at most `room` with the NULL. NULL: the value is only set whole. */
    void (*list_keys)(const char **keys, size_t room);
    /** Naming another value of this key drops all keys that keeps() does not keep. */
    const char *selector;
    bool (*keeps)(const char *key);
} mas_codec;

typedef struct mas_field {
    const char *key;
    mas_field_type type;
    size_t offset;
    const char *help;
    unsigned required; /* bits of the selector's values that demand it; 1 without a selector */
    unsigned only;     /* bits of the selector's values it belongs to; 0: all */
    bool fixed;        /* cannot be swept */
    bool above;        /* reals: low itself is not allowed */
    bool quiet;        /* words: the first one is what leaving the key out means, and not written */
    int64_t min, max;  /* integers; TEXTS: max entries; WORD: min is the first word's enum value */
    double low, high;  /* reals */
    const char *const *words; /* WORD; NULL-terminated */
    size_t size;              /* TEXT, TEXTS: bytes of a text with its end */
    size_t count_offset;      /* TEXTS */
    const char *characters;   /* TEXT: the only ones allowed; NULL: any */
    const mas_section *section;
    const mas_codec *codec;
} mas_field;

struct mas_section {
    const char *name, *help;
    const mas_field *fields;
    size_t count;
    const mas_field *selector;   /* a WORD that decides which `only` fields apply; NULL: none */
    const char *unselected;      /* its word where a file does not name it; NULL: naming another one
                                  drops no keys, so that those of the old one are reported */
    void (*begin)(void *target); /* called once the selector is read, before any other key: sets
                                    what follows from it. NULL: nothing does */
};

/** Read a mapping into a struct that already holds the defaults.
 *  @param complete  complain about missing required keys */
void mas_schema_read(mas_problems *problems, const mas_section *section, const mas_node *node,
                     const char *path, void *target, bool complete);
/** Read one value. */
void mas_field_read(mas_problems *problems, const mas_field *field, const mas_node *node,
                    const char *path, void *target, bool complete);

/** The struct as JSON, in the order of the table; fields that do not apply are left out. NULL: no memory. */
json_t *mas_schema_json(const mas_section *section, const void *target);
json_t *mas_field_json(const mas_field *field, const void *target);

/** The field at "training.tokens" below `section`. For keys inside a codec's mapping, the codec's field.
 *  Reports an unknown path. NULL: reported. */
const mas_field *mas_schema_find(mas_problems *problems, const mas_section *section,
                                 mas_place place, const char *path);
/** The section whose table has the (outermost) key that a known path names: corpus of corpus.tokenizer.vocab.
 *  @param[out] head  bytes of the path before that key, the dot included */
const mas_section *mas_schema_section_of(const mas_section *section, const char *path,
                                         size_t *head);
/** Value at a dotted path of written JSON, or NULL. */
const json_t *mas_json_at(const json_t *json, const char *path);

/** Merge `over` into `base` (NULL: nothing there): sections key by key, everything else replaced. NULL: no memory. */
const mas_node *mas_schema_merge(mas_pool *pool, const mas_section *section, const mas_node *base,
                                 const mas_node *over);
/** The same with `value` at a dotted path. */
const mas_node *mas_schema_set(mas_pool *pool, const mas_section *section, const mas_node *base,
                               const char *path, mas_place place, const mas_node *value);

#define MAS_KEYS_MAX 64
/** Keys of a section, NULL-terminated. */
void mas_section_keys(const mas_section *section, const char *keys[MAS_KEYS_MAX]);
/** "a whole number 1 .. 256". */
void mas_field_expected(const mas_field *field, char *text, size_t size);

/** Report a key that is not in the list, with the list and the nearest. */
void mas_problem_unknown_key(mas_problems *problems, mas_place place, const char *path,
                             const char *key, const char *const *known);
/** Report a word that is not in the list, with the list and the nearest. */
void mas_problem_unknown_word(mas_problems *problems, mas_place place, const char *path,
                              const char *word, const char *const *known);
/** Numbers of a node, reported when they are not one. */
bool mas_node_int(mas_problems *problems, const mas_node *node, const char *path, int64_t min,
                  int64_t max, int64_t *out);
/** Write "path.key" (or "key"). */
void mas_path_join(char out[MAS_PATH_TEXT_MAX], const char *path, const char *key);

#endif
