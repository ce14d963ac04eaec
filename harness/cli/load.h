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

/** Table to stdout, files and charts into the folder.
 *  @return exit code */
int mas_cli_report(const mas_cli_command *command, const char *folder);

#endif
