/* SPDX-License-Identifier: Apache-2.0 */
/** Colours, symbols and the choice of lines: what the charts of one report share. */
#ifndef MASBENCH_REPORT_SERIES_H
#define MASBENCH_REPORT_SERIES_H

#include "harness/report/report.h"

#define MAS_SERIES_MAX 12 /* more lines than this cannot be told apart */

typedef struct mas_series_line {
    size_t group;
    unsigned colour; /* 0xRRGGBB: the family's hue; lighter for fewer full layers */
    int symbol;      /* gnuplot point type of the family */
    int dash;
} mas_series_line;

typedef struct mas_series {
    size_t count;
    mas_series_line line[MAS_SERIES_MAX];
} mas_series;

/** Lines of the charts over positions, distances and tokens: every group if there are few;
 * otherwise the Pareto front and each family's best, in the order of the experiment. */
mas_series mas_report_series(const mas_report *report);

/** Full attention is always the first colour and symbol, whatever the order of the experiment. */
unsigned mas_family_colour(const mas_report *report, size_t family_index);
int mas_family_symbol(const mas_report *report, size_t family_index);

#endif
