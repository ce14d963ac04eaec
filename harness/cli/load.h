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

/** Table to stdout, files and charts into the folder. Charts that cannot be drawn are a warning.
 *  @return exit code */
int mas_cli_report(const mas_cli_command *command, const char *folder);

#endif
