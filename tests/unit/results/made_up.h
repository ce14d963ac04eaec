/* SPDX-License-Identifier: Apache-2.0 */
/** Results and reports made up for tests. */
#ifndef MASBENCH_TEST_RESULTS_MADE_UP_H
#define MASBENCH_TEST_RESULTS_MADE_UP_H

#include "harness/report/report.h"

/** A finished point of a plan "family", `full` layers of 6. */
json_t *made_up_result(const char *title, const char *family, int full, int seed, double cost,
                       double loss, int vocab);
/** Of these results; there is one at a time. Ends with mas_report_free. */
mas_report *made_up_report(json_t **results, size_t count);
void made_up_drop(json_t **results, size_t count);
/** What `write` prints; free it. */
char *written(const mas_report *report, void (*write)(const mas_report *, FILE *));

#endif
