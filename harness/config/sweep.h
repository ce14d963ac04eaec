/* SPDX-License-Identifier: Apache-2.0 */
/** Axes of a sweep: from `sweep:` to one merged tree per cell of their product. */
#ifndef MASBENCH_CONFIG_SWEEP_H
#define MASBENCH_CONFIG_SWEEP_H

#include "harness/config/sections.h"

/** More cells than anybody waits for, and few enough to hold. */
#define MAS_CELLS_MAX 10000

/** One key of an axis with its values; zipped axes have several. */
typedef struct mas_axis_key {
    const char *path;
    const mas_field *field;
    mas_place place;
    size_t count;
    const mas_node **values;
} mas_axis_key;

typedef struct mas_axis {
    mas_place place;
    size_t key_count, count; /* every key has `count` values */
    mas_axis_key *keys;
    size_t condition_count; /* all must hold: the key has one of the values */
    mas_axis_key *conditions;
} mas_axis;

typedef struct mas_sweep {
    size_t count;
    mas_axis *axes;
} mas_sweep;

/** Which value each axis has in a cell. */
typedef struct mas_cell {
    const mas_sweep *sweep;
    const int32_t *choice; /* [sweep->count], -1 where the axis' condition does not hold */
} mas_cell;

/** Read and check the axes of a file (none: an empty sweep). Values are checked as far as they do not depend on other
 *  keys; the rest is checked cell by cell. */
void mas_sweep_read(mas_pool *pool, mas_problems *problems, const mas_node *root, mas_sweep *out);

/** Call `visit` for every cell, first axis slowest, until it returns false.
 *  @param visit  gets the file's tree with the cell's values merged in
 *  @return false when there are more than MAS_CELLS_MAX cells (reported), or no memory */
bool mas_sweep_expand(mas_pool *pool, mas_problems *problems, const mas_node *root,
                      const mas_sweep *sweep,
                      bool (*visit)(void *user, const mas_node *root, const mas_cell *cell),
                      void *user);

/** Merge a cell's values into another tree than the one it was made from. NULL: no memory. */
const mas_node *mas_cell_apply(mas_pool *pool, const mas_node *root, const mas_cell *cell);

/** The axes as JSON, ranges written out. NULL: no memory. */
json_t *mas_sweep_json(const mas_sweep *sweep);

/** " (with training.seq_len 256, seed 2)"; "" without axes. */
void mas_cell_context(const mas_cell *cell, char *text, size_t size);

/** Swept keys whose value varies, as ", seq_len 256, seed 2", appended to text.
 *  @param attention  false: keys outside `attention`; true: keys of `attention` */
void mas_cell_title(const mas_cell *cell, bool attention, char *text, size_t size);

#endif
