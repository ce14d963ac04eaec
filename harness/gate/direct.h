/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Two builds side by side: samples of both in turns, A B B A, so that whatever the machine does it does to both. Every
 * round starts both programs anew, since where memory happens to lie makes a process faster or slower for its whole
 * life; with one thread both run on the same processor, every round on another (processors.h). Kernels found slower or
 * unclear are measured again before that counts.
 */
#ifndef MASBENCH_GATE_DIRECT_H
#define MASBENCH_GATE_DIRECT_H

#include "harness/gate/gate.h"

#include <signal.h>

/** What the comparison is about. */
typedef struct mas_direct {
    const char *programs[2]; /* baseline, candidate */
    const char *file;        /* the experiment, read by all three programs */
    const mas_experiment *experiment;
    const char *const
        *arguments; /* that both programs get besides, NULL-terminated: --set, --threads, --cpu */
    int threads;    /* of either program */
    int slow_down
        [2]; /* percent by which the kernels of a side are slowed down, to try the gate; 0: not */
    bool confirm;      /* measure again what is slower or unclear */
    bool instructions; /* count them under callgrind */
    void (*progress)(void *user, int64_t done, int64_t all, const char *what); /* NULL: none */
    void *user;
    const volatile sig_atomic_t *stop; /* NULL: never */
} mas_direct;

/** Rounds of one measurement: enough for layouts of memory to differ, each long enough to warm up. */
#define MAS_DIRECT_ROUNDS 5

/** Add a row for every point of the experiment, decided.
 *  @return MAS_OK also when a point failed (its row is MISSING) or the other build does not know the file (the whole is
 *          NOT_COMPARABLE); MAS_E_IO when a program cannot be started or dies; MAS_E_INTERRUPTED; MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_gate_direct(mas_gate *gate, const mas_direct *direct,
                                        const mas_gate_rules *rules, mas_error *err);

/** Instructions of one launch of a point on one thread, counted by callgrind, which runs the widest instruction set it
 *  knows (AVX2).
 *  @return MAS_OK; MAS_E_NOT_FOUND without valgrind; MAS_E_IO, MAS_E_FORMAT when it did not count */
MAS_MUST_USE mas_status mas_gate_instructions(const mas_direct *direct, int side, int64_t point,
                                              double *instructions, mas_error *err);

/** Command of a program that serves this experiment: `before` (may be NULL) goes in front, `after` to the end.
 *  malloc'ed, its words are borrowed; NULL without memory. */
const char **mas_direct_command(const mas_direct *direct, int side, const char *const *before,
                                const char *const *after);

#endif
