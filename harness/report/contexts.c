/* SPDX-License-Identifier: Apache-2.0 */
/* Data of the chart of quality against the length that a model reads at evaluation: a line a plan and length of training,
 * mean and extremes of the seeds. Where lengths are an axis, the other charts mix what cannot be compared. */
#include "harness/report/gnuplot.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXTS_MAX 16
#define KEY_FONT_MAX 11
#define LINES_MAX 24 /* as many rows as the key has beside the plot */

typedef struct context_line {
    char title[MAS_TITLE_MAX];
    bool full;           /* attention in every layer */
    size_t plan, length; /* number of the plan, and of the length of training, as they first came */
    size_t count;
    struct {
        double context;
        const mas_report_group *group;
    } at[CONTEXTS_MAX]; /* shortest first */
} context_line;

typedef struct context_chart {
    context_line *lines;
    size_t count, shown;
} context_chart;

static void add(context_line *line, double context, const mas_report_group *group)
{
    size_t at = 0;
    while (at < line->count && line->at[at].context < context)
        at++;
    if ((at < line->count && line->at[at].context <= context) || line->count == CONTEXTS_MAX)
        return;
    memmove(&line->at[at + 1], &line->at[at], (line->count - at) * sizeof *line->at);
    line->count++;
    line->at[at].context = context;
    line->at[at].group = group;
}

/* Number of a text among those seen, a new one if it is new. */
static size_t number_of(char (*seen)[MAS_TITLE_MAX], size_t *count, const char *text)
{
    size_t i = 0;
    while (i < *count && strcmp(seen[i], text) != 0)
        i++;
    if (i == *count)
        snprintf(seen[(*count)++], MAS_TITLE_MAX, "%s", text);
    return i;
}

static context_chart make(const mas_report *report)
{
    static const char *const context_words[] = {"context", "evaluation.context", NULL};
    static const char *const length_words[] = {"context", "evaluation.context", "seq_len",
                                               "training.seq_len", NULL};
    const size_t room = report->group_count + 1;
    context_chart c = {.lines = calloc(room, sizeof *c.lines)};
    char(*plans)[MAS_TITLE_MAX] = calloc(room, sizeof *plans);
    char(*lengths)[MAS_TITLE_MAX] = calloc(room, sizeof *lengths);
    size_t plan_count = 0, length_count = 0;
    for (size_t i = 0; c.lines && plans && lengths && i < report->group_count; i++) {
        const json_t *first = mas_report_first(report, i);
        const double context = mas_json_number_at(first, "quality.context");
        char title[MAS_TITLE_MAX], plan[MAS_TITLE_MAX], length[32];
        mas_report_title_without(first, report->groups[i].title, context_words, title,
                                 sizeof title);
        mas_report_title_without(first, report->groups[i].title, length_words, plan, sizeof plan);
        snprintf(length, sizeof length, "%.0f", mas_json_number_at(first, "plan.length"));
        size_t j = 0;
        while (j < c.count && strcmp(c.lines[j].title, title) != 0)
            j++;
        if (j == c.count) {
            c.count++;
            snprintf(c.lines[j].title, sizeof c.lines[j].title, "%s", title);
            c.lines[j].full = mas_result_is_full(first);
            c.lines[j].plan = number_of(plans, &plan_count, plan);
            c.lines[j].length = number_of(lengths, &length_count, length);
        }
        if (isfinite(context))
            add(&c.lines[j], context, &report->groups[i]);
    }
    free(plans);
    free(lengths);
    c.shown = c.count < LINES_MAX ? c.count : LINES_MAX;
    return c;
}

bool mas_report_has_contexts(const mas_report *report)
{
    const context_chart chart = make(report);
    bool has = false;
    for (size_t i = 0; i < chart.count; i++)
        has = has || chart.lines[i].count > 1;
    free(chart.lines);
    return has;
}

void mas_report_write_contexts(const mas_report *report, FILE *out)
{
    const context_chart chart = make(report);
    for (size_t r = 0; r < chart.shown; r++) {
        const context_line *line = &chart.lines[r];
        fprintf(out, "%s# context\tmean\tlow\thigh\tseeds: %s\n", r ? "\n\n" : "", line->title);
        for (size_t i = 0; i < line->count; i++) {
            const mas_report_group *g = line->at[i].group;
            fprintf(out, "%.0f\t%.9g\t%.9g\t%.9g\t%zu\n", line->at[i].context, g->quality,
                    g->quality_low, g->quality_high, g->seeds);
        }
    }
    free(chart.lines);
}

/* Colours of plans: the symbol is for the length. */
static void write_colours(const context_chart *chart, FILE *out)
{
    bool full[LINES_MAX];
    size_t plans = 0;
    for (size_t r = 0; r < chart->shown; r++) {
        const context_line *line = &chart->lines[r];
        if (line->plan >= plans)
            plans = line->plan + 1;
        full[line->plan] = line->full;
    }
    fprintf(out, "array context_colour[%zu]\n", chart->shown + 1);
    for (size_t r = 0; r < chart->shown; r++)
        fprintf(out, "context_colour[%zu] = %u\n", r + 1,
                mas_style_of(full, plans, chart->lines[r].plan).colour);
}

void mas_report_write_context_settings(const mas_report *report, FILE *out)
{
    const context_chart chart = make(report);
    double shortest = (double)NAN, longest = (double)NAN;
    size_t widest = 1;
    fprintf(out,
            "context_all = %zu\ncontext_lines = %zu\narray context_name[%zu]\narray "
            "context_plan[%zu]\narray context_length[%zu]\n",
            chart.count, chart.shown, chart.shown + 1, chart.shown + 1, chart.shown + 1);
    for (size_t r = 0; r < chart.shown; r++) {
        const context_line *line = &chart.lines[r];
        fprintf(out,
                "context_plan[%zu] = %zu; context_length[%zu] = %zu; context_name[%zu] = ", r + 1,
                line->plan + 1, r + 1, line->length + 1, r + 1);
        mas_gnuplot_name(out, line->title, MAS_KEY_ROOM);
        fputc('\n', out);
        widest = strlen(line->title) > widest ? strlen(line->title) : widest;
        for (size_t i = 0; i < line->count; i++) {
            shortest = fmin(shortest, line->at[i].context);
            longest = fmax(longest, line->at[i].context);
        }
    }
    write_colours(&chart, out);
    fprintf(out, "context_font = ',%d'\n", mas_gnuplot_font(widest, MAS_KEY_ROOM, KEY_FONT_MAX));
    fprintf(out, "context_shortest = %.0f\ncontext_longest = %.0f\n", shortest, longest);
    free(chart.lines);
}
