/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of experiment files share. */
#ifndef MASBENCH_TESTS_CONFIG_SUPPORT_H
#define MASBENCH_TESTS_CONFIG_SUPPORT_H

#include "harness/config/experiment.h"

/** Load a text as a file; the test fails unless it is accepted. Free with mas_experiment_free. */
mas_experiment *load_good(const char *text, const char *const *settings, size_t setting_count);
/** Load a text that must be refused; all messages, a line each, "FILE" for the file's name. Free with free. */
char *load_bad(const char *text, const char *const *settings, size_t setting_count);
/** Id of the only point of a text. */
void only_id(const char *text, char id[MAS_ID_CHARS + 1]);

/** Switch the process to a locale with a decimal comma, building one where none is installed. False: not possible. */
bool use_comma_locale(void);

/** A path below the source tree: MAS_SOURCE_ROOT, or the working folder. */
void source_path(const char *relative, char *path, size_t size);

/** A file that names every key, so that its identity does not hang on defaults. */
extern const char every_key[];

#endif
