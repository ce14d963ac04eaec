/* SPDX-License-Identifier: Apache-2.0 */
/** What several commands do alike. */
#ifndef MASBENCH_CLI_LOAD_H
#define MASBENCH_CLI_LOAD_H

#include "harness/cli/cli.h"
#include "harness/config/experiment.h"

/** Load an experiment file and print everything that is wrong with it.
 *  @return -1 to go on; otherwise the exit code */
int mas_cli_load(const mas_cli_command *command, const char *path, const mas_cli_list *settings,
                 mas_experiment **out);

/** Say that a folder or file holds no results.
 *  @return MAS_EXIT_INCOMPLETE */
int mas_cli_no_results(const mas_cli_command *command, const char *path);

#define MAS_CLI_REFUSALS_MAX 4096
/** What was said of each operation last. Begins all 0. */
typedef struct mas_cli_refusals {
    char last[MAS_ATTN_OP_COUNT][MAS_CLI_REFUSALS_MAX];
} mas_cli_refusals;

/** The lines of `why`, unless they are those printed last for the operation.
 *  @param said  NULL: print nothing, unless `always` */
void mas_cli_print_refusals(mas_cli_refusals *said, mas_attn_op op, const char *why, bool always,
                            FILE *out);

/** Table to stdout, files and charts into the folder. Charts that cannot be drawn are a warning.
 *  @return exit code */
int mas_cli_report(const mas_cli_command *command, const char *folder);

#endif
