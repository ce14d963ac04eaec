/* SPDX-License-Identifier: Apache-2.0 */
/** What masbench verify says. */
#ifndef MASBENCH_CLI_VERIFY_PRINT_H
#define MASBENCH_CLI_VERIFY_PRINT_H

#include "harness/run/drill.h"

#include <stdio.h>

/** A recorded point that was drawn. */
typedef struct mas_drawn {
    const json_t *record;
    const char *folder;               /* of the record */
    json_t *repeated;                 /* result of the repetition; NULL: none */
    bool weights_differ;              /* both runs kept the trained model, and the files differ */
    mas_result_comparison comparison; /* where there is a repetition */
    mas_result_verdict verdict;       /* likewise, with the weights */
} mas_drawn;

/** What was drawn and what it took when it was recorded. */
void mas_verify_print_drawn(const mas_drawn *drawn, size_t count, FILE *out);
/** The verdict on one point. */
void mas_verify_print_point(const mas_drawn *drawn, FILE *out);
/** A point without a repetition. */
void mas_verify_print_reason(const char *verdict, const json_t *record, const char *why, FILE *out);
void mas_verify_print_drill(const json_t *record, const mas_drill_report *report, FILE *out);

#endif
