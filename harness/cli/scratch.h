/* SPDX-License-Identifier: Apache-2.0 */
/** A folder for what a command makes on the way. */
#ifndef MASBENCH_CLI_SCRATCH_H
#define MASBENCH_CLI_SCRATCH_H

#include "masbench/status.h"

#include <stdbool.h>

typedef struct mas_scratch {
    char *folder;
    bool keep; /* the user named it */
} mas_scratch;

/** @param named  a folder to keep, empty or not there yet; NULL: a new one below $TMPDIR or /tmp
 *  @return MAS_OK; MAS_E_ARGUMENT: it holds something; MAS_E_IO, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_scratch_make(const char *named, mas_scratch *scratch, mas_error *err);
/** Free, and remove the folder with all in it unless the user named it. */
void mas_scratch_drop(mas_scratch *scratch);

#endif
