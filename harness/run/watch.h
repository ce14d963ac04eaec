/* SPDX-License-Identifier: Apache-2.0 */
/** What the runner does after each step of training: progress, the profile, the wish to stop. */
#ifndef MASBENCH_RUN_WATCH_H
#define MASBENCH_RUN_WATCH_H

#include "harness/run/run.h"

typedef struct mas_watch {
    const mas_run_options *options;
    const mas_run_observer *observer;
    const mas_point *point;
    const mas_device *device;
    int64_t watched_every; /* steps of which one is watched by the profile; 0: there is none */
} mas_watch;

/** A step of mas_train_monitor; `user` is a mas_watch. False after a stop request. */
bool mas_watch_step(void *user, int64_t step, int64_t steps, int64_t tokens, double loss);
/** Its warnings, to the observer. */
void mas_watch_warn(void *user, const char *text);

#endif
