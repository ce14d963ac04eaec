/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Files that are there whole or not at all, whoever is killed and whatever is full: written beside their place as
 * "path.tmp.<process>", synced and renamed. Several processes may write the same file; the last one wins.
 */
#ifndef MASBENCH_FILES_REPLACE_H
#define MASBENCH_FILES_REPLACE_H

#include "masbench/status.h"

#include <stdio.h>

/** Writes the content. May be called twice.
 *  @return MAS_OK, or why there is nothing to write; failed writes need no answer, `out` remembers them */
typedef mas_status mas_file_writer(void *user, FILE *out, mas_error *err);

/** Write a file. A link stays one, to the new content; what is no regular file (a pipe, a terminal) is written to.
 *  @return MAS_OK; MAS_E_IO (path and the system's reason), MAS_E_MEMORY, or the writer's error: a file that was there
 *  stays as it was */
MAS_MUST_USE mas_status mas_file_replace(const char *path, mas_file_writer *writer, void *user,
                                         mas_error *err);

/** Remove what killed processes left in a folder. A process on another machine that shares the folder is not known
 * here, and is mistaken for one: its mas_file_replace then writes once more. */
void mas_file_remove_leftovers(const char *folder);

#endif
