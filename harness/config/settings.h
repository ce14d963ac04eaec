/* SPDX-License-Identifier: Apache-2.0 */
/** `--set KEY=VALUE`: into the file's tree, and whether the sweep lets it through to any point. */
#ifndef MASBENCH_CONFIG_SETTINGS_H
#define MASBENCH_CONFIG_SETTINGS_H

#include "harness/config/sweep.h"

/** One value that a setting gives: {a: 1, b: 2} has two. */
typedef struct mas_set_leaf {
    const char *path;
    const mas_node *value;
    size_t setting; /* it belongs to */
    bool acts;      /* in some cell */
    bool replaced;  /* in some cell: */
    mas_place by;   /* where the first one is that stands there instead */
    size_t by_head; /* bytes of path that it names; fewer than all: it leaves this key out */
} mas_set_leaf;

typedef struct mas_setting {
    const char *text;
    mas_place place;         /* "--set KEY=VALUE" */
    const mas_node *without; /* the file's tree with all other settings */
} mas_setting;

typedef struct mas_settings {
    size_t count, leaf_count;
    mas_setting *items;
    mas_set_leaf *leaves;
    mas_document *scratch;
} mas_settings;

/** Merge settings into a file's tree, in order. What is wrong with one is reported, and it is left out.
 *  @param texts  "path.to.key=value"; must outlive `out`
 *  @return the tree, or NULL without memory (reported) */
const mas_node *mas_settings_apply(mas_pool *pool, mas_problems *problems, const mas_node *root,
                                   const char *const *texts, size_t count, mas_settings *out);

/** Note what became of the settings in a cell.
 *  @param root      the cell's tree
 *  @param document  its point, resolved */
void mas_settings_watch(mas_settings *settings, mas_pool *pool, mas_problems *problems,
                        const mas_node *root, const mas_cell *cell, const mas_document *document);

/** Once every cell was watched, report settings that an axis or a later setting replaces in some cell and that act in
 *  no other: they would be ignored without a word. */
void mas_settings_report(const mas_settings *settings, mas_problems *problems);

#endif
