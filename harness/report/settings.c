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
#define FONT_MIN 5
#define KEY_ROOM (39 * KEY_FONT_MAX) /* about 39 characters of the largest size */
#define KEY_ROWS (24 * KEY_FONT_MAX) /* and 24 rows of it, as plots/common.gp knows */
#define PLAN_FONT_MAX 10             /* beside the rows of layer plans */
#define PLAN_ROOM (51 * PLAN_FONT_MAX)
#define PARAMETERS_SMALL 1e8 /* below, results say little about models that are used */

/* Okabe and Ito's colours, told apart with any colour vision; black is for full attention;
 * their yellow is left out, it vanishes on white. */
static const unsigned palette[] = {0x000000, 0xd55e00, 0x0072b2, 0x009e73,
                                   0xcc79a7, 0xe69f00, 0x56b4e9, 0x7f7f7f};
static const int symbols[] = {7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12, 14};
#define PALETTE_COUNT (sizeof palette / sizeof *palette)

/* Place in the palette. */
static size_t style_of(const mas_report *report, size_t family_index)
{
    for (size_t i = 0; i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        if (g->full_layers == g->layers && g->family_index >= family_index)
            return g->family_index == family_index ? 0 : family_index + 1;
        if (g->full_layers == g->layers)
            return family_index;
    }
    return family_index + 1; /* without full attention black stays unused */
}

unsigned mas_family_colour(const mas_report *report, size_t family_index)
{
    return palette[style_of(report, family_index) % PALETTE_COUNT];
}

int mas_family_symbol(const mas_report *report, size_t family_index)
{
    const size_t style = style_of(report, family_index);
    /* colours and symbols together come round after 24: then each symbol takes its neighbour's colour */
    return symbols[(style + style / 24) % (sizeof symbols / sizeof *symbols)];
}

/* Towards white by `share`. */
static unsigned lighten(unsigned colour, double share)
{
    unsigned result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double part = (double)((colour >> shift) & 0xffu);
        result = result << 8 | (unsigned)(part + (255 - part) * share + 0.5);
    }
    return result;
}

static bool family_best(const mas_report *report, size_t group)
{
    for (size_t i = 0; i < report->group_count; i++)
        if (report->groups[i].family_index == report->groups[group].family_index &&
            report->groups[i].quality < report->groups[group].quality)
            return false;
    return true;
}

mas_series mas_report_series(const mas_report *report)
{
    mas_series series = {.count = 0};
    const bool all = report->group_count <= MAS_SERIES_MAX;
    for (size_t i = 0; i < report->group_count && series.count < MAS_SERIES_MAX; i++) {
        const mas_report_group *g = &report->groups[i];
        if (!all && !g->on_front && !family_best(report, i))
            continue;
        size_t members = 0, more = 0; /* of the family; those with more full layers */
        for (size_t j = 0; j < report->group_count; j++)
            if (report->groups[j].family_index == g->family_index) {
                members++;
                more += report->groups[j].full_layers > g->full_layers;
            }
        const double share = members > 1 ? 0.6 * (double)more / (double)(members - 1) : 0;
        series.line[series.count++] =
            (mas_series_line){i, lighten(mas_family_colour(report, g->family_index), share),
                              mas_family_symbol(report, g->family_index), (int)more % 5 + 1};
    }
    return series;
}

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
    for (size_t i = 0; i < report->floor_count && !report->vocabularies_differ; i++) {
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
                mas_family_colour(report, report->groups[i].family_index));
    }
    fputs("END\n", out);
    free(labels);
}

static void print_floors(const mas_report *report, range r, FILE *out)
{
    mas_label *points = calloc(report->group_count + 1, sizeof *points);
    mas_line_name names[MAS_FLOORS_MAX];
    const double low = r.logarithmic ? log(r.low) : r.low,
                 high = r.logarithmic ? log(r.high) : r.high;
    for (size_t i = 0; points && i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        points[i].x = 100 * g->attention_cost / COST_HIGH;
        points[i].y = ((r.logarithmic ? log(g->quality) : g->quality) - low) / (high - low);
    }
    for (size_t i = 0; i < report->floor_count; i++) {
        const mas_report_floor *floor = &report->floors[i];
        names[i] = (mas_line_name){
            .y = ((r.logarithmic ? floor->nats : quality_of_floor(floor)) - low) / (high - low),
            .width = (double)strlen(floor->text) / PLOT_WIDTH_CHARACTERS,
            .height = 2 / PLOT_HEIGHT_LINES}; /* a line of text and its distance */
    }
    mas_line_names_place(names, report->floor_count, points, points ? report->group_count : 0);
    free(points);
    fprintf(out,
            "array floor_nats[%zu]\narray floor_reach[%zu]\narray floor_right[%zu]\narray "
            "floor_above[%zu]\n",
            report->floor_count + 1, report->floor_count + 1, report->floor_count + 1,
            report->floor_count + 1);
    for (size_t i = 0; i < report->floor_count; i++) {
        const mas_report_floor *floor = &report->floors[i];
        fprintf(out,
                "floor_nats[%zu] = %.9g; floor_reach[%zu] = %.0f; floor_right[%zu] = %d; "
                "floor_above[%zu] = %d\n",
                i + 1, floor->nats, i + 1, isfinite(floor->reach) ? floor->reach : 0, i + 1,
                names[i].right, i + 1, names[i].above);
    }
}

static const mas_report_row *first_ok(const mas_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].ok)
            return &report->rows[i];
    return NULL;
}

typedef struct mas_range {
    double low, high; /* NAN: no result has the number */
} mas_range;

static mas_range range_of(const mas_report *report, const char *path)
{
    mas_range r = {(double)NAN, (double)NAN};
    for (size_t i = 0; i < report->count; i++) {
        const double number = mas_json_number_at(report->rows[i].result, path);
        if (report->rows[i].ok) {
            r.low = fmin(r.low, number); /* the other one where one is NAN */
            r.high = fmax(r.high, number);
        }
    }
    return r;
}

/* "length 1024", or "lengths 64 to 256". */
static void lengths_text(const mas_report *report, char *text, size_t size)
{
    const mas_range r = range_of(report, "plan.length");
    if (r.low < r.high)
        snprintf(text, size, "lengths %.0f to %.0f", r.low, r.high);
    else
        snprintf(text, size, "length %.0f", r.low);
}

/* ", 2.6 M training tokens a point", or a range of them; after a base of so many, where points continue from one. Plans
 * have no tokens. */
static void training_text(const mas_report *report, char *text, size_t size)
{
    const mas_range r = range_of(report, "training.tokens");
    const mas_range base = range_of(report, "point.training.from.tokens");
    char from[32] = "", lowest[32] = "";
    text[0] = '\0';
    if (!isfinite(r.low))
        return;
    if (r.low < r.high)
        snprintf(lowest, sizeof lowest, "%.2g to ", r.low / 1e6);
    if (isfinite(base.high))
        snprintf(from, sizeof from, " after a base of %.2g M", base.high / 1e6);
    snprintf(text, size, ", %s%.2g M training tokens a point%s", lowest, r.high / 1e6, from);
}

static void caption_text(const mas_report *report, char *text, size_t size)
{
    const mas_report_row *row = first_ok(report);
    const json_t *result = row ? row->result : NULL;
    const double parameters = mas_json_number_at(result, "cost.parameters");
    char lengths[64], training[96];
    lengths_text(report, lengths, sizeof lengths);
    training_text(report, training, sizeof training);
    snprintf(text, size, "masbench %s, commit %.12s; experiment %s; %s; %.2g %c parameters%s.",
             mas_json_text_at(result, "machine.version"),
             mas_json_text_at(result, "machine.git_commit"), mas_json_text_at(result, "experiment"),
             lengths, parameters / (parameters < 1e9 ? 1e6 : 1e9), parameters < 1e9 ? 'M' : 'G',
             training);
}

/* What the numbers are and are not: a line of its own. */
static void remark_text(const mas_report *report, char *text, size_t size)
{
    const mas_report_row *row = first_ok(report);
    size_t seeds = 1;
    for (size_t i = 0; i < report->group_count; i++)
        seeds = report->groups[i].seeds > seeds ? report->groups[i].seeds : seeds;
    char several[64] = "";
    if (seeds > 1)
        snprintf(several, sizeof several, "Mean and extremes of %zu seeds. ", seeds);
    const bool small =
        mas_json_number_at(row ? row->result : NULL, "cost.parameters") < PARAMETERS_SMALL;
    snprintf(text, size, "%s%s", several,
             small ? "Small scale: compare the points of this chart with each other only." : "");
}

static void print_array_of_strings(FILE *out, const char *name, size_t count,
                                   const char *(*get)(const mas_report *, size_t),
                                   const mas_report *report)
{
    fprintf(out, "array %s[%zu]\n", name, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s[%zu] = ", name, i + 1);
        const char *text = get(report, i);
        mas_gnuplot_text(out, text, SIZE_MAX);
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
    size_t longest = 1;
    for (size_t i = 0; i < count; i++)
        longest = strlen(get(report, i)) > longest ? strlen(get(report, i)) : longest;
    const size_t wide = room / longest, high = rows / (count ? count : 1);
    const int fits = (int)(wide < high ? wide : high);
    return fits > largest ? largest : fits < FONT_MIN ? FONT_MIN : fits;
}

void mas_report_write_settings(const mas_report *report, FILE *out)
{
    const mas_series series = mas_report_series(report);
    const range r = quality_range(report);
    const mas_report_row *first = first_ok(report);
    const char *question = mas_json_text_at(report->set->experiment, "question");
    const char *split = mas_json_text_at(first ? first->result : NULL, "point.evaluation.split");
    char caption[512], remark[160];
    caption_text(report, caption, sizeof caption);
    fputs("# Written by masbench; read by the chart scripts beside it.\nquestion = ", out);
    mas_gnuplot_text(out, question, 105);
    fputs("\ncaption = ", out);
    mas_gnuplot_text(out, caption, 165);
    remark_text(report, remark, sizeof remark);
    fputs(".\"\\n\".", out);
    mas_gnuplot_text(out, remark, 165);
    fprintf(out, "\nquality_label = '%s%s%s%s'\n", quality_name(report), split[0] ? " on the " : "",
            split, split[0] ? " split" : "");
    fprintf(out, "family_font = ',%d'\nline_font = ',%d'\nplan_font = %d\n",
            font_size(report, report->family_count, family_text, KEY_ROOM, KEY_ROWS, KEY_FONT_MAX),
            font_size(report, series.count, line_text, KEY_ROOM, KEY_ROWS, KEY_FONT_MAX),
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
    for (size_t i = 0; i < report->family_count; i++)
        fprintf(out, "family_colour[%zu] = %u; family_symbol[%zu] = %d\n", i + 1,
                mas_family_colour(report, i), i + 1, mas_family_symbol(report, i));
    fprintf(out, "array line_colour[%zu]\narray line_symbol[%zu]\narray line_dash[%zu]\n",
            series.count + 1, series.count + 1, series.count + 1);
    for (size_t i = 0; i < series.count; i++)
        fprintf(out, "line_colour[%zu] = %u; line_symbol[%zu] = %d; line_dash[%zu] = %d\n", i + 1,
                series.line[i].colour, i + 1, series.line[i].symbol, i + 1, series.line[i].dash);
    print_floors(report, r, out);
    if (mas_report_has_contexts(report))
        mas_report_write_context_settings(report, out);
    if (mas_report_has_lengths(report))
        mas_report_write_memory_settings(report, out);
    print_labels(report, r, out);
}
