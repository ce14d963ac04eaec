/* SPDX-License-Identifier: Apache-2.0 */
/* Data of the placement chart: a row a layer plan, best first, a cell a layer. */
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 28 /* more cannot be read */

static const char *letters_of(const mas_report *report, size_t group)
{
    return mas_json_text_at(mas_report_first(report, group), "plan.letters");
}

/* Label of the layers that are not full; "" where all are. */
static const char *sparse_label(const mas_report *report, size_t group)
{
    size_t i;
    const json_t *layer;
    json_array_foreach(mas_json_value_at(mas_report_first(report, group), "plan.layer"), i, layer)
    {
        if (!json_is_true(json_object_get(layer, "full")))
            return mas_json_text_at(layer, "label");
    }
    return "";
}

/* Two groups that differ in where the same number of full layers stand. */
static bool are_placements(const mas_report *report, size_t a, size_t b)
{
    const mas_report_group *x = &report->groups[a], *y = &report->groups[b];
    return x->full_layers == y->full_layers && x->layers == y->layers && x->full_layers > 0 &&
           x->full_layers < x->layers &&
           strcmp(letters_of(report, a), letters_of(report, b)) != 0 &&
           strcmp(sparse_label(report, a), sparse_label(report, b)) == 0;
}

bool mas_report_has_placements(const mas_report *report)
{
    for (size_t a = 0; a < report->group_count; a++)
        for (size_t b = 0; b < a; b++)
            if (are_placements(report, a, b))
                return true;
    return false;
}

static int by_quality(const void *a, const void *b)
{
    const mas_report_group *x = *(const mas_report_group *const *)a,
                           *y = *(const mas_report_group *const *)b;
    if (x->quality < y->quality)
        return -1;
    return x->quality > y->quality;
}

/* Two blocks: the cells, then what stands beside each row. */
void mas_report_write_placements(const mas_report *report, FILE *out)
{
    const mas_report_group **rows = malloc((report->group_count + 1) * sizeof *rows);
    if (!rows)
        return;
    for (size_t i = 0; i < report->group_count; i++)
        rows[i] = &report->groups[i];
    qsort(rows, report->group_count, sizeof *rows, by_quality);
    const size_t count = report->group_count < ROWS_MAX ? report->group_count : ROWS_MAX;
    fputs("# row\tlayer\tfull\tquality\n", out);
    for (size_t i = 0; i < count; i++) {
        const char *letters = letters_of(report, (size_t)(rows[i] - report->groups));
        for (size_t layer = 0; letters[layer]; layer++)
            fprintf(out, "%zu\t%zu\t%d\t%.9g\n", i + 1, layer, letters[layer] == 'F',
                    rows[i]->quality);
    }
    fputs("\n\n# row\tmean\tlow\thigh\tseeds\tvariant\tplans_in_all\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%zu\t%.9g\t%.9g\t%.9g\t%zu\t%s\t%zu\n", i + 1, rows[i]->quality,
                rows[i]->quality_low, rows[i]->quality_high, rows[i]->seeds, rows[i]->title,
                report->group_count);
    free(rows);
}
