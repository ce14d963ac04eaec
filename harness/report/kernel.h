/* SPDX-License-Identifier: Apache-2.0 */
/** The part of a report that is about timed kernels. Private to harness/report. */
#ifndef MASBENCH_REPORT_KERNEL_H
#define MASBENCH_REPORT_KERNEL_H

#include "harness/report/report.h"

void mas_report_kernel_table(const mas_report *report, mas_table_format format, FILE *out);

/** Rows of length, GFLOP/s, milliseconds, speed-up measured and predicted; one block a panel (operation and dtype)
 *  and variant. All points that share heads and head size with the first one. */
void mas_report_write_kernels(const mas_report *report, FILE *out);
void mas_report_write_kernel_settings(const mas_report *report, FILE *out);

#endif
