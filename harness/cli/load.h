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

/** The points as an aligned table, plan letters and costs included. */
void mas_cli_print_points(const mas_experiment *experiment, FILE *out);
/** One line per distinct attention problem: the kernels that serve it; with `refusals`, also why
 * better ones do not. */
void mas_cli_print_kernels(const mas_experiment *experiment, bool refusals, FILE *out);

/** Table to stdout, files and charts into the folder.
 *  @return exit code */
int mas_cli_report(const mas_cli_command *command, const char *folder);

#endif
