/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which differences between the groups of a report are real. Compared are: each group with full attention, and those
 * whose attention costs the same, within a tenth, with each other; always groups that agree in whatever else the
 * experiment varies. Losses are paired by seed and, where both results have them, by segment of the
 * evaluation (harness/measure/paired.h); p-values are corrected by Holm over all comparisons of the report.
 */
#ifndef MASBENCH_REPORT_COMPARE_H
#define MASBENCH_REPORT_COMPARE_H

#include "harness/measure/paired.h"
#include "harness/report/report.h"

#define MAS_REAL_LEVEL 0.05

typedef struct mas_comparison {
    size_t first, second; /* groups; the difference is first minus second, nats a token */
    bool with_full;       /* the second is full attention */
    bool by_segment;      /* false: some result lacks segments, or other tokens were scored */
    mas_paired paired;
    double p_corrected; /* NAN with one seed */
    bool real;          /* p_corrected < MAS_REAL_LEVEL */
    int seeds_needed; /* at MAS_REAL_LEVEL over the number of comparisons; 0: not to be had by seeds */
} mas_comparison;

typedef struct mas_comparisons {
    size_t count;
    mas_comparison *item; /* malloc'ed */
} mas_comparisons;

/** Comparisons without a seed in common are left out. */
MAS_MUST_USE mas_status mas_report_compare(const mas_report *report, mas_comparisons *out,
                                           mas_error *err);
void mas_comparisons_free(mas_comparisons *comparisons);

/** Mean and standard deviation over seeds of a group's loss in nats; the deviation is NAN with one seed. */
void mas_report_group_loss(const mas_report *report, size_t group, double *mean, double *deviation);

/** One sentence: real, or not and what would settle it. */
void mas_comparison_verdict(const mas_comparison *comparison, char *text, size_t size);

/** What the intervals rest on, one paragraph. */
void mas_comparisons_note(const mas_comparisons *comparisons, char *text, size_t size);

#endif
