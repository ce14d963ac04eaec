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

/** Lines of the charts over positions, distances and tokens: every group if there are few; otherwise those of the
 *  Pareto front, then each family's best, the better ones first as far as there is room. In the order of the experiment;
 *  none without memory. */
mas_series mas_report_series(const mas_report *report);

typedef struct mas_style {
    unsigned colour; /* 0xRRGGBB */
    int symbol;      /* gnuplot point type */
} mas_style;

/** How the index-th of `count` things is drawn: full attention black, several of them from black to grey, all others in
 *  colours. The first full one has the first symbol, whatever its place.
 *  @param full  [count] is it full attention?  */
mas_style mas_style_of(const bool *full, size_t count, size_t index);
mas_style mas_family_style(const mas_report *report, size_t family_index);

#endif
