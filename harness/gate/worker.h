/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Another masbench process that answers one question a line (`masbench serve`): how two builds are compared without
 * linking either. A question is a line of words, an answer one line of JSON. The questions are listed in
 * harness/cli/cmd_serve.c.
 */
#ifndef MASBENCH_GATE_WORKER_H
#define MASBENCH_GATE_WORKER_H

#include "masbench/status.h"

#include <jansson.h>

typedef struct mas_worker mas_worker;

/** Start it and read its greeting.
 *  @param command  the program and its arguments, NULL-terminated; the program is looked for in PATH
 *  @param[out] greeting  its first line, to be released; NULL: not wanted
 *  @return MAS_OK; MAS_E_IO when it cannot be started or does not answer */
MAS_MUST_USE mas_status mas_worker_start(const char *const *command, mas_worker **out,
                                         json_t **greeting, mas_error *err);
/** Ends its input, which ends it, and waits. NULL allowed. */
void mas_worker_stop(mas_worker *worker);
/** @param[out] answer  to be released
 *  @return MAS_OK; MAS_E_IO when it is gone; MAS_E_FORMAT when the answer is no JSON object */
MAS_MUST_USE mas_status mas_worker_ask(mas_worker *worker, const char *question, json_t **answer,
                                       mas_error *err);
/** The same; an answer whose status is not "ok" is an error, too.
 *  @return as mas_worker_ask, or MAS_E_DEVICE with what the answer says */
MAS_MUST_USE mas_status mas_worker_order(mas_worker *worker, const char *question, json_t **answer,
                                         mas_error *err);

#endif
