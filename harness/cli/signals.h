/* SPDX-License-Identifier: Apache-2.0 */
/** SIGINT and SIGTERM as a request to stop after the current step. */
#ifndef MASBENCH_CLI_SIGNALS_H
#define MASBENCH_CLI_SIGNALS_H

#include "masbench/status.h"

#include <signal.h>

/** Set by the first signal; a second one ends the program at once. */
extern volatile sig_atomic_t mas_cli_stop;

/** Watch for the signals. Call it before any other thread starts, so that all inherit the mask. */
MAS_MUST_USE mas_status mas_cli_catch_signals(mas_error *err);

#endif
