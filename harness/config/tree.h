/* SPDX-License-Identifier: Apache-2.0 */
/**
 * YAML as a tree of nodes that know where they were written. Nothing is interpreted here: scalars stay texts. What
 * the tree refuses is what YAML allows but an experiment file must not contain: duplicate keys, empty items, tags,
 * merge keys, several documents, aliases that contain themselves.
 */
#ifndef MASBENCH_CONFIG_TREE_H
#define MASBENCH_CONFIG_TREE_H

#include "harness/config/diagnostics.h"

#define MAS_PATH_TEXT_MAX 256

/** Nodes live in pools and are freed with them. */
typedef struct mas_pool mas_pool;
mas_pool *mas_pool_create(void);
void mas_pool_free(mas_pool *pool); /* NULL allowed */
/** Zeroed memory, or NULL. */
void *mas_pool_take(mas_pool *pool, size_t bytes);
char *mas_pool_text(mas_pool *pool, const char *text);

typedef enum mas_node_kind { MAS_NODE_SCALAR, MAS_NODE_LIST, MAS_NODE_MAP } mas_node_kind;

typedef struct mas_node mas_node;
typedef struct mas_entry {
    const char *key; /* NULL in lists */
    mas_place key_place;
    const mas_node *value;
} mas_entry;

struct mas_node {
    mas_node_kind kind;
    mas_place place;
    const char *text; /* scalars; "" for a missing value */
    bool quoted;      /* or a block scalar: text for certain */
    size_t count;
    mas_entry *entries; /* lists and maps, in the order of the file */
};

/** Value of a key in a map, or NULL. */
const mas_node *mas_node_get(const mas_node *map, const char *key);
/** Value at a dotted path below a map ("" is the node itself), or NULL. */
const mas_node *mas_node_at(const mas_node *node, const char *path);
/** Index of a key, or the count. */
size_t mas_node_index(const mas_node *map, const char *key);
/** A scalar without a value: nothing, ~ or null. */
bool mas_node_is_empty(const mas_node *node);
/** The node on one line, YAML flow style, cut to size: "[bottom, top]". */
void mas_node_text(const mas_node *node, char *text, size_t size);
/** Numbers, true and false, texts, arrays and objects, by the look of the scalars. NULL: no memory. */
json_t *mas_node_json(const mas_node *node);

/** New nodes. NULL: no memory. */
mas_node *mas_node_scalar(mas_pool *pool, mas_place place, const char *text);
/** {key: value} */
mas_node *mas_node_wrap(mas_pool *pool, const char *key, mas_place key_place,
                        const mas_node *value);
/** A map with room for `extra` more entries. */
mas_node *mas_node_copy_map(mas_pool *pool, const mas_node *map, size_t extra);

/** Read one document.
 *  @param where  place of every node when line is 0 (a setting); otherwise only the source is used
 *  @return the root, or NULL when there is no usable tree (problems say why, or out_of_memory is set) */
const mas_node *mas_tree_parse(mas_pool *pool, const char *text, size_t length, mas_place where,
                               mas_problems *problems);

#endif
