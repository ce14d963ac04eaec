/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One HTML page for several experiments: no other file, no network. Everything that comes from a result file is
 * escaped; charts are images in data URLs, so that nothing inside one can run.
 */
#ifndef MASBENCH_REPORT_HTML_H
#define MASBENCH_REPORT_HTML_H

#include "harness/report/compare.h"

void mas_html_begin(FILE *out);
/** A section: findings, charts (<set->folder>/<name>.svg, those that are there), tables, plans, environment, command. */
void mas_html_section(const mas_report *report, const mas_comparisons *comparisons, FILE *out);
void mas_html_end(FILE *out);
/** Text with & < > " ' escaped and control characters turned into spaces. */
void mas_html_text(FILE *out, const char *text);

/** The same groups and comparisons beside the page. */
void mas_comparisons_markdown(const mas_report *report, const mas_comparisons *comparisons,
                              FILE *out);
/** mas_report_table as Markdown in which no element can begin. */
void mas_report_markdown_points(const mas_report *report, FILE *out);
void mas_comparisons_csv_head(FILE *out);
void mas_comparisons_csv(const mas_report *report, const mas_comparisons *comparisons, FILE *out);

#endif
