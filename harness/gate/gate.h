/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The gate: did a kernel get slower? Two sets of measurements, a verdict for each kernel and problem, one for all.
 *
 * A kernel is slower when a rank test on the raw samples says so (p below `level`, corrected for the number of kernels
 * by Holm) and the ratio of times is at least 1 + min_effect. What is compared is each sample over the yardstick beside
 * it, or, taken in turns, each sample beside the other build's. What is counted, not timed (tiles visited, workspace,
 * memory), and the loss of a trained point must be what it was.
 */
#ifndef MASBENCH_GATE_H
#define MASBENCH_GATE_H

#include "harness/measure/rank.h"
#include "harness/results/results.h"

typedef enum mas_verdict {
    MAS_VERDICT_SAME,           /* no difference, or one below min_effect */
    MAS_VERDICT_FASTER,         /* by min_effect or more */
    MAS_VERDICT_SLOWER,         /* likewise */
    MAS_VERDICT_CHANGED,        /* counted work, memory or a loss differs */
    MAS_VERDICT_UNCLEAR,        /* the samples allow both no difference and one of min_effect */
    MAS_VERDICT_MISSING,        /* the candidate has no such result, or a failed one */
    MAS_VERDICT_NOT_COMPARABLE, /* other hardware or settings; of the whole gate only */
    MAS_VERDICT_COUNT
} mas_verdict;

/** "same", "faster", ... "not comparable". */
const char *mas_verdict_name(mas_verdict verdict);

typedef struct mas_gate_rules {
    double min_effect; /* smallest change of time that counts, a share: 0.05 */
    double level;      /* of the corrected p: 0.01 */
    double
        loss_effect; /* smallest change of a loss that counts, a share; kernels may round otherwise */
    bool any_machine; /* compare what other hardware has measured */
    bool everything;  /* gate problems that outgrow the caches too, instead of reporting them */
} mas_gate_rules;
mas_gate_rules mas_gate_rules_default(void);

/** One kernel and problem, or one trained point. */
typedef struct mas_gate_row {
    char title[MAS_TITLE_MAX];
    char kernel[MAS_BENCH_NAME_MAX]; /* the candidate's; "": none */
    mas_verdict verdict;
    char reason[384]; /* one line, may be empty */
    bool gated;       /* counts for the whole; false: too large for the caches, reported only */
    bool timed;       /* the fields of time are set */
    bool by_yardstick;
    bool
        disturbed; /* other work on the machine slowed nearly all samples of a side: no verdict but "same" counts */
    mas_shift time; /* candidate over baseline */
    double p;       /* of the direction that the ratio points to, corrected; NAN: not tested */
    double before, after;             /* median seconds */
    size_t before_count, after_count; /* samples compared */
    double instructions_before,
        instructions_after;         /* of a launch, on one thread; NAN: not counted */
    double loss_before, loss_after; /* NAN: not trained */
} mas_gate_row;

typedef struct mas_gate {
    char *baseline, *candidate; /* what was compared, for people */
    size_t count;
    mas_gate_row *rows;
    mas_verdict overall;
    char reason[512]; /* of the whole: why nothing can be compared; may be empty */
    char *notes;      /* lines of warnings; NULL: none */
} mas_gate;

/** @param[out] out  free with mas_gate_free */
MAS_MUST_USE mas_status mas_gate_create(const char *baseline, const char *candidate, mas_gate **out,
                                        mas_error *err);
void mas_gate_free(mas_gate *gate); /* NULL allowed */
/** A row with nothing known; NULL without memory. Moves the rows that were there. */
mas_gate_row *mas_gate_add(mas_gate *gate, const char *title);
/** One more line for people. */
void mas_gate_note(mas_gate *gate, const char *format, ...) MAS_PRINTF(2, 3);

/** Fill the row's fields of time from samples: of two runs, or in pairs taken side by side (then as many of each).
 *  @return as mas_rank_independent */
MAS_MUST_USE mas_status mas_gate_time(mas_gate_row *row, const double *before, size_t before_count,
                                      const double *after, size_t after_count, bool pairs,
                                      mas_error *err);
/** Correct the p, give every timed row that is not yet MISSING or CHANGED its verdict, then the whole: NOT_COMPARABLE if
 *  it was that already, else the worst of slower or changed, missing, unclear, faster or same; missing when there is no
 *  row. */
MAS_MUST_USE mas_status mas_gate_decide(mas_gate *gate, const mas_gate_rules *rules,
                                        mas_error *err);

/** What is counted: every number that must not change between results of one point. Sets the verdict CHANGED with the
 *  reason. Both results are "ok". */
void mas_gate_counts(mas_gate_row *row, const json_t *before, const json_t *after);
/** The loss of trained points, likewise. */
void mas_gate_loss(mas_gate_row *row, const json_t *before, const json_t *after,
                   const mas_gate_rules *rules);
/** Does this result's problem fit the caches of its machine? Unknown: yes. */
bool mas_gate_is_cached(const json_t *result);

/** Compare recorded results point by point. Other hardware or settings make the whole NOT_COMPARABLE.
 *  @return MAS_OK, MAS_E_FORMAT (samples that are no numbers, with the point's id), MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_gate_results(mas_gate *gate, const mas_result_set *baseline,
                                         const mas_result_set *candidate,
                                         const mas_gate_rules *rules, mas_error *err);

typedef enum mas_gate_format {
    MAS_GATE_TERMINAL,
    MAS_GATE_MARKDOWN, /* a table for a pull request */
    MAS_GATE_JSON,
    MAS_GATE_JUNIT /* slower and changed: failure; missing: error; unclear: skipped */
} mas_gate_format;
void mas_gate_print(const mas_gate *gate, const mas_gate_rules *rules, mas_gate_format format,
                    bool colour, FILE *out);

#endif
