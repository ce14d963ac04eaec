/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The runner: takes the points of an experiment one after the other, skips those that have a
 * result, records failures and goes on.
 */
#ifndef MASBENCH_RUN_H
#define MASBENCH_RUN_H

#include "harness/config/experiment.h"

#include <signal.h>
#include <stdatomic.h>

typedef struct mas_run_options {
    const char *results;           /* folder that receives <experiment>/<id>.json */
    const mas_device_kind *device; /* that computes */
    int threads;                   /* >= 1 */
    int shard, shards;             /* run points with index % shards == shard - 1; 1, 1: all */
    /* [points], of processes that share the points out: who sets a flag runs the point; NULL: one process runs all */
    atomic_bool *taken;
    int at_once;      /* processes that run points at once, this one among them; 0: alone */
    double slow_down; /* share by which kernels are slowed down, to try a gate */
    const volatile sig_atomic_t *stop; /* set by a signal handler: stop after the current step */
} mas_run_options;

static inline bool mas_run_in_shard(const mas_run_options *options, int64_t index)
{
    return index % options->shards == options->shard - 1;
}

/** Progress of a run, for whoever draws it. Several points may be running. */
typedef struct mas_run_observer {
    void (*point_begin)(void *user, const mas_point *point, int64_t index, int64_t count);
    void (*progress)(void *user, const mas_point *point, double fraction, int64_t tokens,
                     double loss);
    void (*point_end)(void *user, const mas_point *point, const json_t *result, bool was_there);
    /** While a point runs: a sentence for people; the point goes on. */
    void (*warn)(void *user, const mas_point *point, const char *text);
    void *user;
} mas_run_observer;

typedef struct mas_run_summary {
    int64_t ok, failed, already_there, missing; /* missing: not in this shard, or stopped before */
    bool started; /* the input was found good: what ends the run later is no fault of it */
} mas_run_summary;

/** Run what is missing. Refuses (MAS_E_ARGUMENT) a results folder that belongs to another version
 * of the experiment, naming the key that changed and the remedy, or to kernels timed with another slow_down.
 *  @return MAS_OK also when points failed (see summary); MAS_E_INTERRUPTED after a stop request,
 * everything saved; MAS_E_IO or MAS_E_DEVICE where a point failed because the disk cannot be written or
 * the device cannot be used any more: it has no result then, so that it runs again */
MAS_MUST_USE mas_status mas_run_experiment(const mas_experiment *experiment,
                                           const mas_run_options *options,
                                           const mas_run_observer *observer,
                                           mas_run_summary *summary, mas_error *err);

/** How many points to run at once: as many as there are threads (and points to run) where the steps of training on a CPU
 * are too small to share, else 1.
 *  @param options  results NULL: no point has run yet */
int mas_run_jobs(const mas_experiment *experiment, const mas_run_options *options);

/** The same by `jobs` processes at once, each with its share of the threads and one point at a time; for models too small
 * to keep several threads busy. Points are handed out in order. Begins the processes: call it while this process has one
 * thread only (another one may hold a lock at that moment, which the copy would wait for without end) and has not used a
 * device. They leave SIGINT and SIGTERM to this process, and end with it.
 *  @param options  as below; must outlive the team
 *  @param jobs     >= 1
 *  @return MAS_OK, MAS_E_MEMORY */
typedef struct mas_team mas_team;
MAS_MUST_USE mas_status mas_team_begin(const mas_experiment *experiment,
                                       const mas_run_options *options, int jobs, mas_team **out,
                                       mas_error *err);
/** Until all are done: tells the observer, in this process, and frees the team.
 *  @return as mas_run_experiment; also MAS_E_IO when a process was killed: the others went on, its point is missing */
MAS_MUST_USE mas_status mas_team_end(mas_team *team, const mas_run_observer *observer,
                                     mas_run_summary *summary, mas_error *err);

/** Run one point, whatever its kind, and make its result, status included. The experiment's folder in
 * options->results is made for what training keeps on its way. Never fails as a
 * function: what went wrong is in the result. NULL only without memory or after a stop request. */
json_t *mas_run_point(const mas_experiment *experiment, const mas_point *point,
                      const mas_run_options *options, const mas_run_observer *observer);

#endif
