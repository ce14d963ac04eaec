/* SPDX-License-Identifier: Apache-2.0 */
/** Numbers and texts as gnuplot reads them. Private to harness/report. */
#ifndef MASBENCH_REPORT_GNUPLOT_H
#define MASBENCH_REPORT_GNUPLOT_H

#include "masbench/status.h"

#include <stddef.h>
#include <stdio.h>

/** Nine digits, or NaN for what is not finite. */
void mas_gnuplot_number(FILE *out, double value);

/** A string expression of one or several lines of at most `width` characters (SIZE_MAX: one line),
 * broken at spaces; nothing in the text is special, control characters become spaces. */
void mas_gnuplot_text(FILE *out, const char *text, size_t width);

/** Sizes of fonts: `room` is as many characters of a size as fit, times that size. */
#define MAS_FONT_MIN 5
#define MAS_KEY_ROOM (39 * 11) /* beside a plot, as plots/common.gp places the key */
/** The largest size up to `largest`, but at least MAS_FONT_MIN, in which so many characters fit. */
int mas_gnuplot_font(size_t characters, size_t room, int largest);
/** A name in one line; "..." for the middle of one that does not fit in the smallest size. */
void mas_gnuplot_name(FILE *out, const char *text, size_t room);

/** Copy plots/NAME.gp to folder/data/.
 *  @return MAS_OK, MAS_E_NOT_FOUND (no such script), MAS_E_IO, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_script_copy(const char *folder, const char *name, mas_error *err);
/** Run gnuplot on folder/data/NAME.gp.
 *  @return MAS_OK; MAS_E_NOT_FOUND without gnuplot; MAS_E_IO with what it complained about */
MAS_MUST_USE mas_status mas_script_run(const char *folder, const char *name, mas_error *err);

#endif
