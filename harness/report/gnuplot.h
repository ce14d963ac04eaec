/* SPDX-License-Identifier: Apache-2.0 */
/** Numbers and texts as gnuplot reads them. Private to harness/report. */
#ifndef MASBENCH_REPORT_GNUPLOT_H
#define MASBENCH_REPORT_GNUPLOT_H

#include <stddef.h>
#include <stdio.h>

/** Nine digits, or NaN for what is not finite. */
void mas_gnuplot_number(FILE *out, double value);

/** A string expression of one or several lines of at most `width` characters (SIZE_MAX: one line),
 * broken at spaces; nothing in the text is special, control characters become spaces. */
void mas_gnuplot_text(FILE *out, const char *text, size_t width);

#endif
