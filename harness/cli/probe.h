/* SPDX-License-Identifier: Apache-2.0 */
/** explain --probe: does a built model look as far back as its plan says? */
#ifndef MASBENCH_CLI_PROBE_H
#define MASBENCH_CLI_PROBE_H

#include "harness/config/experiment.h"

/** Sequences are shortened by halves until a probe of one point takes no more FLOPs than this. */
#define MAS_PROBE_FLOPS 1e11

/** Probe one token of one point after each of its layers (of a deep model: after some of them) and draw
 *  what moved.
 *  @param expected    plan to hold it against: the point's own
 *  @param[out] agrees  the whole output is as `expected` says; if not, the first difference was printed
 *  @return MAS_OK, and what building a model gives */
MAS_MUST_USE mas_status mas_cli_probe_token(const mas_point *point, const mas_model_config *model,
                                            const mas_plan *expected, mas_device *device,
                                            int64_t length, int64_t position, FILE *out,
                                            bool *agrees, mas_error *err);

/** All distinct models of an experiment.
 *  @param positions  tokens to change, `count` of them; 0: one early token, and the first one if it is a sink
 *  @return the exit code */
int mas_cli_probe(const mas_experiment *experiment, const mas_device_kind *device, int threads,
                  const int64_t *positions, size_t count, FILE *out);

#endif
