/* SPDX-License-Identifier: Apache-2.0 */
/* settings.gp: everything about the charts of one experiment that gnuplot cannot read from data
 * files. */
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

#define KEY_FONT_MAX 11
#define KEY_ROWS (24 * KEY_FONT_MAX) /* and 24 rows of it, as plots/common.gp knows */
#define PLAN_FONT_MAX 10             /* beside the rows of layer plans */
#define PLAN_ROOM (51 * PLAN_FONT_MAX)

static const char *quality_name(const mas_report *report)
{
    return report->vocabularies_differ ? "bits per byte" : "perplexity";
}

static double quality_of_floor(const mas_report_floor *floor)
{
    return exp(floor->nats);
}

typedef struct range {
    double low, high;
    bool logarithmic;
} range;

/* Room around everything drawn; a logarithmic axis where values span more than a factor of four. */
static range quality_range(const mas_report *report)
{
    range r = {(double)INFINITY, -(double)INFINITY, false};
    for (size_t i = 0; i < report->group_count; i++) {
        r.low = fmin(r.low, report->groups[i].quality_low);
        r.high = fmax(r.high, report->groups[i].quality_high);
    }
    const bool with_floors = !report->vocabularies_differ && !report->floor_lengths_differ;
    for (size_t i = 0; i < report->floor_count && with_floors; i++) {
        r.low = fmin(r.low, quality_of_floor(&report->floors[i]));
        r.high = fmax(r.high, quality_of_floor(&report->floors[i]));
    }
    if (!(r.low <= r.high))
        return (range){0, 1, false};
    r.logarithmic = r.low > 0 && r.high > 4 * r.low;
    const double low = r.logarithmic ? log(r.low) : r.low,
                 high = r.logarithmic ? log(r.high) : r.high;
    const double margin = fmax((high - low) * 0.1, 1e-3 * fabs(high) + 1e-9);
    r.low = r.logarithmic ? exp(low - margin) : low - margin;
    r.high = r.logarithmic ? exp(high + margin) : high + margin;
    return r;
}

#define COST_HIGH 107.0 /* percent; room for labels right of the full model */
#define PLOT_WIDTH_CHARACTERS 80.0
#define PLOT_HEIGHT_LINES 25.0

static void print_labels(const mas_report *report, range r, FILE *out)
{
    mas_label *labels = calloc(report->group_count + 1, sizeof *labels);
    const double low = r.logarithmic ? log(r.low) : r.low,
                 high = r.logarithmic ? log(r.high) : r.high;
    fputs("$labels << END\n", out);
    for (size_t i = 0; labels && i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        char text[16];
        const bool mixed = g->full_layers > 0 && g->full_layers < g->layers;
        snprintf(text, sizeof text, "%d", g->full_layers);
        labels[i] =
            (mas_label){.x = 100 * g->attention_cost / COST_HIGH,
                        .y = ((r.logarithmic ? log(g->quality) : g->quality) - low) / (high - low),
                        .width = mixed ? (double)strlen(text) / PLOT_WIDTH_CHARACTERS : 0,
                        .height = mixed ? 1 / PLOT_HEIGHT_LINES : 0};
    }
    if (labels)
        mas_labels_place(labels, report->group_count);
    for (size_t i = 0; labels && i < report->group_count; i++) {
        if (labels[i].width <= 0)
            continue;
        const double y = low + labels[i].label_y * (high - low);
        fprintf(out, "%.6g\t%.6g\t%d\t%u\n", labels[i].label_x * COST_HIGH,
                r.logarithmic ? exp(y) : y, report->groups[i].full_layers,
                mas_family_style(report, report->groups[i].family_index).colour);
    }
    fputs("END\n", out);
    free(labels);
}

static void print_floors(const mas_report *report, FILE *out)
{
    fprintf(out, "floors_of_one_length = %d\narray floor_nats[%zu]\narray floor_reach[%zu]\n",
            !report->floor_lengths_differ, report->floor_count + 1, report->floor_count + 1);
    for (size_t i = 0; i < report->floor_count; i++) {
        const mas_report_floor *floor = &report->floors[i];
        fprintf(out, "floor_nats[%zu] = %.9g; floor_reach[%zu] = %.0f\n", i + 1, floor->nats, i + 1,
                isfinite(floor->reach) ? floor->reach : 0);
    }
}

static void print_array_of_strings(FILE *out, const char *name, size_t count,
                                   const char *(*get)(const mas_report *, size_t),
                                   const mas_report *report)
{
    fprintf(out, "array %s[%zu]\n", name, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s[%zu] = ", name, i + 1);
        mas_gnuplot_name(out, get(report, i), MAS_KEY_ROOM);
        fputc('\n', out);
    }
}

static const char *family_text(const mas_report *report, size_t family)
{
    for (size_t i = 0; i < report->group_count; i++)
        if (report->groups[i].family_index == family)
            return report->groups[i].family;
    return "";
}

static const char *floor_text(const mas_report *report, size_t i)
{
    return report->floors[i].text;
}

static const char *line_text(const mas_report *report, size_t i)
{
    const mas_series series = mas_report_series(report);
    return report->groups[series.line[i].group].title;
}

static const char *title_text(const mas_report *report, size_t group)
{
    return report->groups[group].title;
}

/* As large as the longest name and the number of names allow. */
static int font_size(const mas_report *report, size_t count,
                     const char *(*get)(const mas_report *, size_t), size_t room, size_t rows,
                     int largest)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = strlen(get(report, i)) > longest ? strlen(get(report, i)) : longest;
    const int wide = mas_gnuplot_font(longest, room, largest);
    const int high = mas_gnuplot_font(count, rows, largest);
    return wide < high ? wide : high;
}

/* Of a key in which names of floors stand below those of lines. */
static int key_font(const mas_report *report, size_t count,
                    const char *(*get)(const mas_report *, size_t))
{
    const int line = font_size(report, count, get, MAS_KEY_ROOM, KEY_ROWS, KEY_FONT_MAX);
    const int floor =
        font_size(report, report->floor_count, floor_text, MAS_KEY_ROOM, KEY_ROWS, KEY_FONT_MAX);
    return line < floor ? line : floor;
}

/* Of the first finished point; "" where it has none. */
static const char *split_of(const mas_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].ok)
            return mas_json_text_at(report->rows[i].result, "point.evaluation.split");
    return "";
}

void mas_report_write_settings(const mas_report *report, FILE *out)
{
    const mas_series series = mas_report_series(report);
    const range r = quality_range(report);
    const char *split = split_of(report);
    fputs("# Written by masbench; read by the chart scripts beside it.\n", out);
    mas_report_write_captions(report, out);
    fprintf(out, "quality_label = '%s%s%s%s'\n", quality_name(report), split[0] ? " on the " : "",
            split, split[0] ? " split" : "");
    fprintf(out, "family_font = ',%d'\nline_font = ',%d'\nplan_font = %d\n",
            key_font(report, report->family_count, family_text),
            key_font(report, series.count, line_text),
            font_size(report, report->group_count, title_text, PLAN_ROOM, SIZE_MAX, PLAN_FONT_MAX));
    fprintf(out, "cost_high = %.6g\nquality_low = %.9g\nquality_high = %.9g\nquality_log = %d\n",
            COST_HIGH, r.low, r.high, r.logarithmic);
    fprintf(out,
            "layers = %d\nfamilies = %zu\nlines = %zu\nplans = %zu\nfloors = "
            "%zu\nquality_is_perplexity = "
            "%d\n",
            report->group_count ? report->groups[0].layers : 0, report->family_count, series.count,
            report->group_count, report->floor_count, !report->vocabularies_differ);
    print_array_of_strings(out, "family_name", report->family_count, family_text, report);
    print_array_of_strings(out, "line_name", series.count, line_text, report);
    print_array_of_strings(out, "floor_name", report->floor_count, floor_text, report);
    fprintf(out, "array family_colour[%zu]\narray family_symbol[%zu]\n", report->family_count + 1,
            report->family_count + 1);
    for (size_t i = 0; i < report->family_count; i++) {
        const mas_style style = mas_family_style(report, i);
        fprintf(out, "family_colour[%zu] = %u; family_symbol[%zu] = %d\n", i + 1, style.colour,
                i + 1, style.symbol);
    }
    fprintf(out, "array line_colour[%zu]\narray line_symbol[%zu]\narray line_dash[%zu]\n",
            series.count + 1, series.count + 1, series.count + 1);
    for (size_t i = 0; i < series.count; i++)
        fprintf(out, "line_colour[%zu] = %u; line_symbol[%zu] = %d; line_dash[%zu] = %d\n", i + 1,
                series.line[i].colour, i + 1, series.line[i].symbol, i + 1, series.line[i].dash);
    print_floors(report, out);
    if (mas_report_has_contexts(report))
        mas_report_write_context_settings(report, out);
    if (mas_report_has_lengths(report))
        mas_report_write_memory_settings(report, out);
    print_labels(report, r, out);
}
