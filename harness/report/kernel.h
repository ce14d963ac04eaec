/* SPDX-License-Identifier: Apache-2.0 */
/** The part of a report that is about timed kernels. Private to harness/report. */
#ifndef MASBENCH_REPORT_KERNEL_H
#define MASBENCH_REPORT_KERNEL_H

#include "harness/report/report.h"

void mas_report_kernel_table(const mas_report *report, mas_table_format format, FILE *out);

/** Rows of length, GFLOP/s, milliseconds a sequence and layer, speed-up measured and predicted; one block a panel
 *  (operation, dtype and shape of heads) and line. */
void mas_report_write_kernels(const mas_report *report, FILE *out);
void mas_report_write_kernel_settings(const mas_report *report, FILE *out);

#define MAS_KERNEL_AXES_MAX 8

/** What tells lines apart beside the label of the plan: places in the result, in the order they were found. */
typedef struct mas_kernel_axes {
    size_t count;
    char path[MAS_KERNEL_AXES_MAX][96];
} mas_kernel_axes;

/** Add what differs between two results of one panel and length, unless it is the plan's label. */
void mas_kernel_axes_add(mas_kernel_axes *axes, const json_t *a, const json_t *b);
/** "window 64", "window 64, flash/avx512, batch 4". */
void mas_kernel_line_name(const mas_kernel_axes *axes, const json_t *result, char *text,
                          size_t size);

#endif
