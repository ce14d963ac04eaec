/* SPDX-License-Identifier: Apache-2.0 */
/* Plot data of timed kernels. A panel is an operation in a dtype and a shape of heads, the first shape alone where all do
 * not fit; in each there is a line over length for a variant in a kernel. */
#include "harness/report/gnuplot.h"
#include "harness/report/kernel.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"

#include <stdlib.h>
#include <string.h>

#define PANELS_MAX 6 /* three operations, two dtypes: more are too small to read */
#define POINTS_MAX 64
#define TERA_FROM 10000    /* GFLOP/s */
#define QUESTION_WIDTH 105 /* characters of a line */
#define CAPTION_WIDTH 155
#define KEY_FONT_MAX 9
#define KEY_ROOM (38 * KEY_FONT_MAX) /* beside the panels */

typedef struct panel {
    const char *op, *dtype;
    const json_t *shape; /* kernel section of its first point */
    double peak;         /* GFLOP/s, the largest measured; 0: not measured */
} panel;

typedef struct chart {
    const json_t *shape;             /* kernel section of the first point */
    bool one_shape;                  /* only points of that shape are drawn */
    bool full;                       /* there was no place for a panel */
    size_t panels, lines, all_lines; /* lines: of all, those drawn */
    double shortest, longest;        /* lengths */
    panel panel[PANELS_MAX];
    mas_kernel_axes axes;
    char line[MAS_SERIES_MAX][MAS_TITLE_MAX];
    bool line_is_full[MAS_SERIES_MAX];
} chart;

static const char *const shape_keys[] = {"q_heads", "kv_heads", "head_dim"};

static bool same_shape(const json_t *a, const json_t *b)
{
    for (size_t i = 0; i < sizeof shape_keys / sizeof *shape_keys; i++)
        if (!json_equal(json_object_get(a, shape_keys[i]), json_object_get(b, shape_keys[i])))
            return false;
    return true;
}

static bool is_drawn(const chart *c, const mas_report_row *row)
{
    return row->ok &&
           (!c->one_shape || same_shape(c->shape, mas_json_value_at(row->result, "point.kernel")));
}

static bool in_panel(const panel *p, const json_t *result)
{
    return strcmp(p->op, mas_json_text_at(result, "point.kernel.op")) == 0 &&
           strcmp(p->dtype, mas_json_text_at(result, "point.kernel.dtype")) == 0 &&
           same_shape(p->shape, mas_json_value_at(result, "point.kernel"));
}

static double peak_of(const json_t *result)
{
    const bool bf16 = strcmp(mas_json_text_at(result, "point.kernel.dtype"), "bf16") == 0;
    const double peak = mas_json_number_at(result, bf16 ? "limits.bf16_flops" : "limits.f32_flops");
    return isfinite(peak) ? peak / 1e9 : 0;
}

static void add(chart *c, const json_t *result)
{
    size_t p = 0;
    while (p < c->panels && !in_panel(&c->panel[p], result))
        p++;
    if (p == c->panels && p < PANELS_MAX)
        c->panel[c->panels++] = (panel){mas_json_text_at(result, "point.kernel.op"),
                                        mas_json_text_at(result, "point.kernel.dtype"),
                                        mas_json_value_at(result, "point.kernel"), 0};
    c->full = c->full || p == PANELS_MAX;
    if (p < c->panels)
        c->panel[p].peak = fmax(c->panel[p].peak, peak_of(result));
    const double length = mas_json_number_at(result, "point.kernel.length");
    c->shortest = c->shortest > 0 ? fmin(c->shortest, length) : length;
    c->longest = fmax(c->longest, length);
}

static bool same_place(const json_t *a, const json_t *b)
{
    const panel p = {mas_json_text_at(a, "point.kernel.op"),
                     mas_json_text_at(a, "point.kernel.dtype"),
                     mas_json_value_at(a, "point.kernel"), 0};
    return in_panel(&p, b) && json_equal(mas_json_value_at(a, "point.kernel.length"),
                                         mas_json_value_at(b, "point.kernel.length"));
}

static void find_axes(chart *c, const mas_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        for (size_t j = 0; j < i && is_drawn(c, &report->rows[i]); j++)
            if (is_drawn(c, &report->rows[j]) &&
                same_place(report->rows[i].result, report->rows[j].result))
                mas_kernel_axes_add(&c->axes, report->rows[j].result, report->rows[i].result);
}

/* seen: names of all lines. */
static void add_line(chart *c, json_t *seen, const json_t *result)
{
    char name[MAS_TITLE_MAX];
    mas_kernel_line_name(&c->axes, result, name, sizeof name);
    if (json_object_get(seen, name))
        return;
    (void)json_object_set_new(seen, name, json_true());
    if (c->lines == MAS_SERIES_MAX)
        return;
    snprintf(c->line[c->lines], sizeof c->line[0], "%s", name);
    c->line_is_full[c->lines++] = mas_result_is_full(result);
}

static void find_lines(chart *c, const mas_report *report)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < report->count; i++)
        if (is_drawn(c, &report->rows[i]))
            add_line(c, seen, report->rows[i].result);
    c->all_lines = json_object_size(seen);
    json_decref(seen);
}

/* Dtypes one after the other, so that each has a row of its own; operations as they came. */
static void sort_panels(chart *c)
{
    panel sorted[PANELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < c->panels; i++) {
        size_t first = 0;
        while (strcmp(c->panel[first].dtype, c->panel[i].dtype) != 0)
            first++;
        for (size_t j = i; first == i && j < c->panels; j++)
            if (strcmp(c->panel[i].dtype, c->panel[j].dtype) == 0)
                sorted[count++] = c->panel[j];
    }
    memcpy(c->panel, sorted, count * sizeof *sorted);
}

/* Rates are drawn in units of which the largest peak is at most a few thousand. */
static bool in_tera(const chart *c)
{
    double most = 0;
    for (size_t p = 0; p < c->panels; p++)
        most = fmax(most, c->panel[p].peak);
    return most >= TERA_FROM;
}

static chart chart_in(const mas_report *report, bool one_shape)
{
    chart c = {.one_shape = one_shape};
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *row = &report->rows[i];
        if (row->ok && !c.shape)
            c.shape = mas_json_value_at(row->result, "point.kernel");
        if (is_drawn(&c, row))
            add(&c, row->result);
    }
    find_axes(&c, report);
    find_lines(&c, report);
    sort_panels(&c);
    return c;
}

static chart chart_of(const mas_report *report)
{
    const chart all = chart_in(report, false);
    return all.full ? chart_in(report, true) : all;
}

static bool has_shapes(const chart *c)
{
    for (size_t p = 1; p < c->panels; p++)
        if (!same_shape(c->panel[0].shape, c->panel[p].shape))
            return true;
    return false;
}

/* "32 heads of 64", "32/8 heads of 64" */
static void name_shape(const json_t *kernel, char *text, size_t size)
{
    const double q = mas_json_number_at(kernel, "q_heads"),
                 kv = mas_json_number_at(kernel, "kv_heads"),
                 dim = mas_json_number_at(kernel, "head_dim");
    if (kv > 0 && kv != q)
        snprintf(text, size, "%.0f/%.0f heads of %.0f", q, kv, dim);
    else
        snprintf(text, size, "%.0f heads of %.0f", q, dim);
}

static int by_length(const void *a, const void *b)
{
    const double x = mas_json_number_at(*(const json_t *const *)a, "point.kernel.length"),
                 y = mas_json_number_at(*(const json_t *const *)b, "point.kernel.length");
    return (x > y) - (x < y);
}

/* The points of one line, by length. */
static size_t line_of(const mas_report *report, const chart *c, size_t p, size_t v,
                      const json_t *points[POINTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < report->count && count < POINTS_MAX; i++) {
        const json_t *result = report->rows[i].result;
        if (!is_drawn(c, &report->rows[i]) || !in_panel(&c->panel[p], result))
            continue;
        char name[MAS_TITLE_MAX];
        mas_kernel_line_name(&c->axes, result, name, sizeof name);
        if (strcmp(c->line[v], name) == 0)
            points[count++] = result;
    }
    if (count > 1)
        qsort(points, count, sizeof *points, by_length);
    return count;
}

/* Time of one sequence in one layer: the batch may differ along a line, and the number of layers between lines. */
static double milliseconds(const json_t *result)
{
    return 1e3 * mas_json_number_at(result, "metrics.seconds.median") /
           (mas_json_number_at(result, "point.kernel.batch") *
            mas_json_number_at(result, "plan.layers"));
}

/* Least squares through log time over log length; NAN with fewer than two lengths. */
static double exponent(const json_t *const *points, size_t count)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        const double a = log(mas_json_number_at(points[i], "point.kernel.length")),
                     b = log(milliseconds(points[i]));
        n++;
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
    }
    const double spread = n * xx - x * x;
    return spread > 1e-9 ? (n * xy - x * y) / spread : (double)NAN;
}

void mas_report_write_kernels(const mas_report *report, FILE *out)
{
    const chart c = chart_of(report);
    const json_t *points[POINTS_MAX];
    for (size_t p = 0; p < c.panels; p++)
        for (size_t v = 0; v < c.lines; v++) {
            fprintf(out,
                    "# %s %s, %s: length\tgflops\tms_per_sequence_and_layer\tspeedup\tpredicted\n",
                    c.panel[p].op, c.panel[p].dtype, c.line[v]);
            const size_t count = line_of(report, &c, p, v, points);
            for (size_t i = 0; i < count; i++) {
                fprintf(out, "%.0f", mas_json_number_at(points[i], "point.kernel.length"));
                const double values[] = {
                    mas_json_number_at(points[i], "metrics.useful_gflops"), milliseconds(points[i]),
                    mas_json_number_at(points[i], "metrics.speedup_vs_full"),
                    mas_json_number_at(points[i], "metrics.predicted_speedup")};
                for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
                    fputc('\t', out);
                    mas_gnuplot_number(out, values[j]);
                }
                fputc('\n', out);
            }
            if (count == 0)
                fputs("NaN\tNaN\tNaN\tNaN\tNaN\n", out);
            fputs("\n\n", out);
        }
}

void mas_report_write_kernel_settings(const mas_report *report, FILE *out)
{
    const chart c = chart_of(report);
    const json_t *points[POINTS_MAX];
    const json_t *machine = NULL;
    for (size_t i = 0; i < report->count && !machine; i++)
        machine = json_object_get(report->rows[i].result, "machine");
    fputs("# Written by masbench; read by the chart scripts beside it.\nquestion = ", out);
    mas_gnuplot_text(out, mas_json_text_at(report->set->experiment, "question"), QUESTION_WIDTH);
    char caption[512], hardware[256];
    mas_machine_text(machine, hardware, sizeof hardware);
    char shape[64] = "";
    if (!has_shapes(&c))
        name_shape(c.shape, shape, sizeof shape);
    snprintf(caption, sizeof caption, "%s%s%s; medians, useful FLOPs only", shape,
             shape[0] ? "; " : "", hardware);
    fputs("\ncaption = ", out);
    mas_gnuplot_text(out, caption, CAPTION_WIDTH);
    fprintf(out, "\nrate_unit = '%s'\nrate_scale = %g", in_tera(&c) ? "TFLOP/s" : "GFLOP/s",
            in_tera(&c) ? 1e-3 : 1.0);
    fprintf(out,
            "\npanels = %zu\nvariants = %zu\nall_variants = %zu\nshortest = %.0f\nlongest = %.0f\n",
            c.panels, c.lines, c.all_lines, c.shortest, c.longest);
    fprintf(out,
            "array panel_name[%zu]\narray panel_peak[%zu]\narray variant_name[%zu]\n"
            "array variant_colour[%zu]\narray variant_symbol[%zu]\narray exponent[%zu]\n",
            c.panels + 1, c.panels + 1, c.lines + 1, c.lines + 1, c.lines + 1,
            c.panels * c.lines + 1);
    for (size_t p = 0; p < c.panels; p++) {
        name_shape(c.panel[p].shape, shape, sizeof shape);
        fprintf(out, "panel_name[%zu] = '%s, %s%s%s'; panel_peak[%zu] = %.6g\n", p + 1,
                c.panel[p].op, c.panel[p].dtype, has_shapes(&c) ? ", " : "",
                has_shapes(&c) ? shape : "", p + 1, c.panel[p].peak);
    }
    size_t longest = 0; /* of their names */
    for (size_t v = 0; v < c.lines; v++) {
        const mas_style style = mas_style_of(c.line_is_full, c.lines, v);
        fprintf(out,
                "variant_colour[%zu] = %u; variant_symbol[%zu] = %d; variant_name[%zu] = ", v + 1,
                style.colour, v + 1, style.symbol, v + 1);
        mas_gnuplot_name(out, c.line[v], KEY_ROOM);
        longest = strlen(c.line[v]) > longest ? strlen(c.line[v]) : longest;
        fputc('\n', out);
    }
    fprintf(out, "line_font = ',%d'\n", mas_gnuplot_font(longest, KEY_ROOM, KEY_FONT_MAX));
    for (size_t p = 0; p < c.panels; p++)
        for (size_t v = 0; v < c.lines; v++) {
            const double e = exponent(points, line_of(report, &c, p, v, points));
            fprintf(out, "exponent[%zu] = ", p * c.lines + v + 1);
            mas_gnuplot_number(out, e);
            fputc('\n', out);
        }
}
