/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The kernel checker: every attention kernel and device operation of this machine against the f64
 * oracle.
 *
 * A kernel passes a case when, with outputs and scratch filled with NaN and guards around every
 * buffer,
 *   - it visits exactly the tiles of its schedule;
 *   - max-abs and relative L2 error against the oracle are each at most twice those of a naive
 * kernel of the same dtype (float arithmetic, one term after the other) plus one rounding of the output;
 *   - it wrote all of its outputs, nothing else, and left its inputs alone;
 *   - 1, 2 and 7 threads, and another fill of outputs and scratch, give the same bits.
 * The case list holds masks of its own and those of every attention variant, at options taken from its
 * descriptor; a variant passes one when its two statements of the mask agree. Beside it there are
 * properties that need no oracle, finite differences for the oracle itself, the cases of known faults
 * of other libraries, and random problems. Every failure comes with the command that runs it again.
 */
#ifndef MASBENCH_CHECK_H
#define MASBENCH_CHECK_H

#include "masbench/device.h"
#include "variants/variant.h"

#include <stdio.h>

#define MAS_CHECK_RANDOM_CASES 300

typedef struct mas_check_options {
    const char *kernel;   /* glob over kernel and operation names; NULL: all */
    const char *which;    /* glob over case names; NULL: all */
    uint64_t seed;        /* of every input and of the random problems */
    int64_t count;        /* random problems, >= 0; MAS_CHECK_RANDOM_CASES is a good number */
    int threads;          /* of the run whose results are judged, >= 1 */
    mas_attn_table table; /* attention kernels; NULL: mas_attn_cpu_table */
    const mas_variant *const *variants; /* whose masks the kernels run on; NULL: mas_variants */
    /** Opens the device whose operations are checked, once per thread count; NULL: they are left
     * out. */
    mas_status (*open_device)(int threads, size_t limit_bytes, mas_device **out, mas_error *err);
    int64_t stop_after; /* stop after so many failures; 0: never */
    bool verbose;       /* name every case before it runs: the last one is where a kernel hangs */
    /** How this check was started, for the command that replays a failure: the program's words
     * ("masbench check"; NULL: that), the values of --device and --cpu (NULL: not given). */
    const char *command, *device, *cpu;
} mas_check_options;

typedef struct mas_check_report {
    int64_t subjects; /* kernels, operations and oracle checks that the globs named */
    int64_t passed;   /* (subject, case) pairs */
    int64_t failed;
    int64_t refused; /* cases that a kernel's `supports` turned down */
    int64_t idle;    /* subjects that ran no case: not for this processor, or every case refused */
    double worst_ratio; /* largest error / allowed error of a passed case */
} mas_check_report;

/** Everything on: the CPU's kernels and device, seed 1. */
mas_check_options mas_check_defaults(void);

/** Run. Lines about failures, then one line a subject, go to `out`; a progress line, or the cases' names
 * where `verbose` wants them, to `progress`; either may be NULL.
 *  @return MAS_OK when the check could run, whatever it found (see the report); MAS_E_NOT_FOUND
 * when the globs name nothing; MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_check_run(const mas_check_options *options, FILE *out, FILE *progress,
                                      mas_check_report *report, mas_error *err);

/** Names of the subjects and cases that the globs choose, one a line. */
MAS_MUST_USE mas_status mas_check_list(const mas_check_options *options, FILE *out, mas_error *err);

/** Exit status of a finished check: 0 fine, 1 something failed or nothing ran, 77 nothing could run
 * here. */
int mas_check_exit_code(const mas_check_report *report);

#endif
