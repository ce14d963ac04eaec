/* SPDX-License-Identifier: Apache-2.0 */
/** A folder of files for one test, removed by scratch_remove(). */
#ifndef MASBENCH_TESTS_CORPUS_SCRATCH_H
#define MASBENCH_TESTS_CORPUS_SCRATCH_H

#include "harness/corpus/internal.h"

/** Make the folder; its path stands in scratch_folder until scratch_remove(). */
void scratch_make(void);
void scratch_remove(void);
extern char scratch_folder[64];

/** Path of a name below the folder; the result is valid until the eighth call after this one. */
const char *scratch_path(const char *name);

/** Write a file below the folder, making the folders on the way. */
void scratch_write(const char *name, const void *bytes, size_t count);
void scratch_text(const char *name, const char *text);

/** A configuration of `kind` with one path below the folder. */
mas_corpus_config scratch_config(mas_corpus_kind kind, const char *path);

/** Opening must fail with this status and a message that holds `part`. */
void refused(const mas_corpus_config *config, int64_t length, mas_status status, const char *part);

/** Opening must succeed. */
mas_corpus *opened(const mas_corpus_config *config, int64_t length);

#endif
