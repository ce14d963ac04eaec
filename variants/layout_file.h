/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Layout files: which key blocks each block row of a block-sparse mask shows, written by hand or by
 * a script.
 *
 *     # rows of blocks, first row on top; 1 = visible
 *     1
 *     11
 *     101      # comments and blank lines are skipped, spaces between the digits too
 *     0011
 *
 * The n-th line with digits is block row n, counted from 0; its c-th digit is key block c. Row r
 * has at least r + 1 digits. Digits past them speak of later blocks: the causal mask hides those,
 * `causal: false` shows them. A block without a digit is hidden. Sequences longer than the file's
 * rows are refused.
 */
#ifndef MASBENCH_VARIANTS_LAYOUT_FILE_H
#define MASBENCH_VARIANTS_LAYOUT_FILE_H

#include "variants/variant.h"

/** Read a layout file. The result is shared and lives until the process ends: loading a file with
 *  the same path and content again returns the same one. Not to be called by several threads at
 *  once.
 *  @return MAS_OK, MAS_E_NOT_FOUND, MAS_E_IO, MAS_E_FORMAT ("file:line:column: ..."),
 *          MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_block_layout_load(const char *path, const mas_block_layout **out,
                                              mas_error *err);

/** Block rows of the file. */
int64_t mas_block_layout_rows(const mas_block_layout *layout);
/** Same rows, whatever the files are called? NULL equals NULL only. */
bool mas_block_layout_equal(const mas_block_layout *a, const mas_block_layout *b);

/** Does block row `row` show key block `column`? False outside the file. */
bool mas_block_layout_sees(const mas_block_layout *layout, int64_t row, int64_t column);
/** The same as runs of blocks among blocks 0 .. blocks-1, sorted, disjoint, non-touching. */
size_t mas_block_layout_runs(const mas_block_layout *layout, int64_t row, int64_t blocks,
                             mas_run *runs);
/** Most runs of any row. */
size_t mas_block_layout_max_runs(const mas_block_layout *layout);

/** Can the spec serve positions 0 .. length-1? Only a layout file can run out: the message names
 *  the line after which rows are missing. Ask before a run, since a mask itself cannot refuse
 *  (queries past the file see nothing). mas_plan_cost_at asks by itself. */
MAS_MUST_USE mas_status mas_attn_spec_check_length(const mas_attn_spec *spec, int64_t length,
                                                   mas_error *err);

#endif
