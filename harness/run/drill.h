/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The kill-and-resume drill: a point is run by this program in a process of its own, killed without
 * warning in the middle, started again, and must end as if nothing had happened.
 */
#ifndef MASBENCH_RUN_DRILL_H
#define MASBENCH_RUN_DRILL_H

#include "harness/results/difference.h"
#include "harness/run/run.h"

typedef struct mas_drill {
    const char *folder;         /* to work in; made where missing */
    const char *const *command; /* what runs FILE: "masbench", "run", options; NULL-terminated */
    const json_t *point;        /* record of kind train that is run, killed and resumed */
    const json_t *whole;        /* its result by a run that was not interrupted */
    const json_t *bystander;    /* a finished result of another point with the same sections, which
                                   lies in the results folder from the beginning; NULL: none */
    uint64_t seed;              /* of the moment */
    const volatile sig_atomic_t *stop; /* gives up, killing the process */
} mas_drill;

#define MAS_DRILL_LIST_CHARS 512
typedef struct mas_drill_report {
    double killed_after, of_seconds; /* since the process started; what the whole run took */
    bool had_checkpoint, resumed;    /* a checkpoint was there after the kill; and was used */
    bool untouched; /* the bystander, and then the result itself by one more start */
    bool readable;  /* every result that was there after the kill is whole */
    char left_over[MAS_DRILL_LIST_CHARS]; /* half-written files and checkpoints that stayed, "" */
    mas_result_comparison with_whole;     /* resumed against uninterrupted */
    bool passed;
} mas_drill_report;

/** @return MAS_OK also when the drill was not passed; MAS_E_UNSUPPORTED: the point is over before it can be
 *  killed; MAS_E_INTERRUPTED; MAS_E_IO and MAS_E_FORMAT where processes or files fail */
MAS_MUST_USE mas_status mas_drill_run(const mas_drill *drill, mas_drill_report *report,
                                      mas_error *err);

#endif
