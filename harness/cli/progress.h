/* SPDX-License-Identifier: Apache-2.0 */
/** Progress of a run on stderr: a bar on a terminal, plain lines elsewhere. */
#ifndef MASBENCH_CLI_PROGRESS_H
#define MASBENCH_CLI_PROGRESS_H

#include "harness/run/run.h"

#include <stdio.h>

typedef struct mas_progress_bar {
    FILE *out;
    bool terminal, colour;
    const mas_experiment *experiment;
    struct mas_progress_point {
        double work; /* expected FLOPs; what the time left is computed from */
        bool runs;   /* now */
        double begin, fraction, loss;
        int64_t tokens;
    } * points;       /* [count of the experiment] */
    double work_left; /* of points that still have to run, those that run now included */
    double work_done; /* in this run */
    double begin, last_drawn;
} mas_progress_bar;

/** @param results, shard, shards  which points are done already and which are this run's to do */
MAS_MUST_USE mas_status mas_progress_begin(mas_progress_bar *bar, const mas_experiment *experiment,
                                           const mas_run_options *options, mas_error *err);
mas_run_observer mas_progress_observer(mas_progress_bar *bar);
/** Leave the terminal's line and free. */
void mas_progress_end(mas_progress_bar *bar);

#endif
