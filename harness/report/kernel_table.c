/* SPDX-License-Identifier: Apache-2.0 */
/* The table of timed kernels: each column is a place in the result. */
#include "harness/report/kernel.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

typedef struct column {
    const char *heading, *csv, *path;
    const char *format; /* of the number; NULL: a text */
    double scale;
} column;

static const column columns[] = {
    {"op", "op", "point.kernel.op", NULL, 0},
    {"variant", "variant", "plan.label", NULL, 0},
    {"dtype", "dtype", "point.kernel.dtype", NULL, 0},
    {"B", "batch", "point.kernel.batch", "%.0f", 1},
    {"Hq", "q_heads", "point.kernel.q_heads", "%.0f", 1},
    {"Hkv", "kv_heads", "point.kernel.kv_heads", "%.0f", 1},
    {"D", "head_dim", "point.kernel.head_dim", "%.0f", 1},
    {"L", "length", "point.kernel.length", "%.0f", 1},
    {"kernel", "kernel", NULL, NULL, 0}, /* of the first kind of layer */
    {"median ms", "median_seconds", "metrics.seconds.median", "%.3f", 1e3},
    {"GFLOP/s", "useful_gflops", "metrics.useful_gflops", "%.1f", 1},
    {"% of peak", "fraction_of_peak", "metrics.fraction_of_peak", "%.1f", 100},
    {"rate vs full", "rate_vs_full", "metrics.rate_vs_full", "%.2f", 1},
    {"speed-up", "speedup_vs_full", "metrics.speedup_vs_full", "%.2f", 1},
    {"predicted", "predicted_speedup", "metrics.predicted_speedup", "%.2f", 1},
    {"% of bandwidth", "fraction_of_bandwidth", "metrics.fraction_of_bandwidth", "%.1f", 100},
    {"slowed by %", "slowed_by", "samples.slowed_by", "%.0f", 100}, /* not the kernel's own time */
    {"status", "status", "status", NULL, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, CELL_MAX = 192 };

/* A median that the first samples contradict is marked. */
static bool can_be_marked(const column *c)
{
    return strcmp(c->csv, "median_seconds") == 0;
}

static bool is_marked(const json_t *result, const column *c)
{
    return can_be_marked(c) && json_is_false(mas_json_value_at(result, "samples.steady"));
}

static const char *text_of(const json_t *result, const column *c)
{
    const json_t *layer = json_array_get(json_object_get(result, "layer"), 0);
    return c->path ? mas_json_text_at(result, c->path) : mas_json_text_at(layer, "kernel");
}

static void cell(const json_t *result, const column *c, bool csv, char *text)
{
    if (!c->format) {
        snprintf(text, CELL_MAX, csv ? "\"%s\"" : "%s", text_of(result, c));
        return;
    }
    const double value = mas_json_number_at(result, c->path);
    if (!isfinite(value))
        snprintf(text, CELL_MAX, csv ? "" : "-");
    else if (csv)
        snprintf(text, CELL_MAX, "%.9g", value);
    else
        snprintf(text, CELL_MAX, c->format, value * c->scale);
}

static void print_csv(const mas_report *report, FILE *out)
{
    char text[CELL_MAX];
    fputs("id", out);
    for (int c = 0; c < COLUMNS; c++)
        fprintf(out, ",%s", columns[c].csv);
    for (size_t i = 0; i < report->count; i++) {
        fprintf(out, "\n%s", mas_json_text_at(report->rows[i].result, "id"));
        for (int c = 0; c < COLUMNS; c++) {
            cell(report->rows[i].result, &columns[c], true, text);
            fprintf(out, ",%s", text);
        }
    }
    fputc('\n', out);
}

/* Columns that say the same of every row, or nothing of any, are left out of what people read. */
static bool shown(const mas_report *report, int c)
{
    if (strcmp(columns[c].csv, "status") == 0) {
        for (size_t i = 0; i < report->count; i++)
            if (!report->rows[i].ok)
                return true;
        return false;
    }
    char text[CELL_MAX];
    for (size_t i = 0; i < report->count; i++) {
        cell(report->rows[i].result, &columns[c], false, text);
        if (strcmp(text, "-") != 0)
            return true;
    }
    return false;
}

/* How the table is laid out for people. */
typedef struct layout {
    bool markdown, marked;
    int width[COLUMNS]; /* without the mark; 0: left out */
    int last;           /* column */
} layout;

static layout lay_out(const mas_report *report, bool markdown)
{
    layout l = {.markdown = markdown};
    char text[CELL_MAX];
    for (int c = 0; c < COLUMNS; c++) {
        if (!shown(report, c))
            continue;
        l.last = c;
        l.width[c] = (int)strlen(columns[c].heading);
        for (size_t i = 0; i < report->count; i++) {
            cell(report->rows[i].result, &columns[c], false, text);
            l.width[c] = (int)strlen(text) > l.width[c] ? (int)strlen(text) : l.width[c];
            l.marked |= is_marked(report->rows[i].result, &columns[c]);
        }
    }
    return l;
}

/* Behind the numbers of a column, the same room in each row, so that digits stand below each other. */
static const char *mark(const layout *l, const column *c, const json_t *result)
{
    if (!l->marked || !can_be_marked(c))
        return "";
    return result && is_marked(result, c) ? " *" : "  ";
}

/* result NULL: the headings */
static void print_row(const json_t *result, const layout *l, FILE *out)
{
    char text[CELL_MAX];
    for (int c = 0; c < COLUMNS; c++) {
        const column *of = &columns[c];
        if (!l->width[c])
            continue;
        if (result)
            cell(result, of, false, text);
        else
            snprintf(text, sizeof text, "%s", of->heading);
        fputs(l->markdown ? "| " : c > 0 ? "  " : "", out);
        const bool ends_line = c == l->last && !l->markdown;
        fprintf(out, of->format ? "%*s" : "%-*s", of->format || !ends_line ? l->width[c] : 0, text);
        fprintf(out, "%s%s", mark(l, of, result), l->markdown ? " " : "");
    }
    fputs(l->markdown ? "|\n" : "\n", out);
}

static void print_rule(const layout *l, FILE *out)
{
    for (int c = 0; c < COLUMNS; c++) {
        if (!l->width[c])
            continue;
        fputs(l->markdown ? "|" : c > 0 ? "  " : "", out);
        const int length = l->width[c] + (int)strlen(mark(l, &columns[c], NULL)) + l->markdown;
        for (int i = 0; i < length; i++)
            fputc('-', out);
        fputs(!l->markdown ? "" : columns[c].format ? ":" : "-", out);
    }
    fputs(l->markdown ? "|\n" : "\n", out);
}

void mas_report_kernel_table(const mas_report *report, mas_table_format format, FILE *out)
{
    if (format == MAS_TABLE_CSV) {
        print_csv(report, out);
        return;
    }
    const layout l = lay_out(report, format == MAS_TABLE_MARKDOWN);
    print_row(NULL, &l, out);
    print_rule(&l, out);
    for (size_t i = 0; i < report->count; i++)
        print_row(report->rows[i].result, &l, out);
    if (l.marked)
        fputs(l.markdown ? "\n\\* not steady: the first samples differ from the rest\n"
                         : "* not steady: the first samples differ from the rest\n",
              out);
}
