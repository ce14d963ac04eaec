/* SPDX-License-Identifier: Apache-2.0 */
/* Data of the memory chart. Training's memory hardly depends on the variant, what decoding must
 * keep does: so the first is shown by category, the second by variant. */
#include "harness/report/gnuplot.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

#define LENGTHS_MAX 16
#define LINES_MAX 12 /* more cannot be told apart */
#define KEY_FONT_MAX 9
#define KEY_ROOM (42 * KEY_FONT_MAX) /* beside the panels */

/* A variant at its lengths, shortest first; what differs in seeds counts once. */
typedef struct memory_line {
    char title[MAS_TITLE_MAX];
    bool full; /* attention in every layer */
    size_t count;
    struct {
        double length, cache;
        const json_t *memory;
    } at[LENGTHS_MAX];
} memory_line;

static bool is_usable(const mas_report_row *row)
{
    return row->ok && isfinite(mas_json_number_at(row->result, "plan.length")) &&
           isfinite(mas_json_number_at(row->result, "cost.kv_cache_bytes")) &&
           mas_json_number_at(row->result, "memory.total_bytes") > 0;
}

bool mas_report_has_lengths(const mas_report *report)
{
    double first = (double)NAN;
    for (size_t i = 0; i < report->count; i++) {
        if (!is_usable(&report->rows[i]))
            continue;
        const double length = mas_json_number_at(report->rows[i].result, "plan.length");
        if (isnan(first))
            first = length;
        else if (length < first || length > first)
            return true;
    }
    return false;
}

static void add(memory_line *line, const json_t *result)
{
    const double length = mas_json_number_at(result, "plan.length");
    size_t at = 0;
    while (at < line->count && line->at[at].length < length)
        at++;
    if ((at < line->count && line->at[at].length <= length) || line->count == LENGTHS_MAX)
        return;
    memmove(&line->at[at + 1], &line->at[at], (line->count - at) * sizeof *line->at);
    line->count++;
    line->at[at].length = length;
    line->at[at].cache = mas_json_number_at(result, "cost.kv_cache_bytes");
    line->at[at].memory = json_object_get(result, "memory");
}

static size_t collect(const mas_report *report, memory_line *lines)
{
    static const char *const by_length[] = {
        "seed", "seq_len", "training.seq_len", "context", "evaluation.context", NULL};
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *row = &report->rows[i];
        char title[MAS_TITLE_MAX];
        if (!is_usable(row))
            continue;
        mas_report_title_without(row->result, row->title, by_length, title, sizeof title);
        size_t j = 0;
        while (j < count && strcmp(lines[j].title, title) != 0)
            j++;
        if (j == count) {
            count++;
            snprintf(lines[j].title, sizeof lines[j].title, "%s", title);
            lines[j].full = mas_result_is_full(row->result);
        }
        add(&lines[j], row->result);
    }
    return count;
}

static double longest_cache(const memory_line *line)
{
    return line->at[line->count - 1].cache;
}

static int by_cache(const void *a, const void *b)
{
    const double x = longest_cache(a), y = longest_cache(b);
    return x > y ? -1 : x < y;
}

static double total(const memory_line *line, size_t at)
{
    return mas_json_number_at(line->at[at].memory, "total_bytes");
}

/* The variant that needs most at its longest length. */
static const memory_line *largest(const memory_line *lines, size_t count)
{
    const memory_line *most = &lines[0];
    for (size_t i = 1; i < count; i++)
        if (total(&lines[i], lines[i].count - 1) > total(most, most->count - 1))
            most = &lines[i];
    return most;
}

/* The chart: lines by cache, most first, and which of them are drawn. */
typedef struct memory_chart {
    memory_line *lines;
    size_t count, shown;
} memory_chart;

static bool are_alike(const memory_line *a, const memory_line *b)
{
    bool alike = a->count == b->count;
    for (size_t i = 0; alike && i < a->count; i++)
        alike = a->at[i].length == b->at[i].length && a->at[i].cache == b->at[i].cache;
    return alike;
}

/* Lines that would hide each other become one, named after the first. */
static size_t merge(memory_line *lines, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && are_alike(&lines[i], &lines[next]);)
            next++;
        if (kept != i)
            lines[kept] = lines[i];
        if (next > i + 1) {
            const size_t used = strlen(lines[kept].title);
            snprintf(lines[kept].title + used, sizeof lines[kept].title - used, ", +%zu alike",
                     next - i - 1);
        }
        kept++;
    }
    return kept;
}

static memory_chart make(const mas_report *report)
{
    memory_chart c = {.lines = calloc(report->count + 1, sizeof *c.lines)};
    c.count = c.lines ? collect(report, c.lines) : 0;
    if (c.count > 0)
        qsort(c.lines, c.count, sizeof *c.lines, by_cache);
    c.count = merge(c.lines, c.count);
    c.shown = c.count < LINES_MAX ? c.count : LINES_MAX;
    return c;
}

/* Most and least cache, and as many between them, evenly by rank, as can be told apart. */
static const memory_line *drawn(const memory_chart *c, size_t i)
{
    return &c->lines[c->shown > 1 ? i * (c->count - 1) / (c->shown - 1) : 0];
}

static double category(const memory_line *line, size_t at, int c)
{
    char key[48];
    snprintf(key, sizeof key, "%s_bytes", mas_memory_name((mas_memory)c));
    const double bytes = mas_json_number_at(line->at[at].memory, key);
    return bytes > 0 ? bytes : (double)NAN; /* a logarithmic axis has no 0 */
}

/* First block: training's memory by category of the variant that needs most; then a block a
 * variant. */
void mas_report_write_memory(const mas_report *report, FILE *out)
{
    const memory_chart chart = make(report);
    fputs("# length\ttotal", out);
    for (int c = 0; c < MAS_MEMORY_COUNT; c++)
        fprintf(out, "\t%s", mas_memory_name((mas_memory)c));
    fputs(" (bytes)\n", out);
    const memory_line *most = chart.count ? largest(chart.lines, chart.count) : NULL;
    for (size_t i = 0; most && i < most->count; i++) {
        fprintf(out, "%.0f\t%.0f", most->at[i].length, total(most, i));
        for (int c = 0; c < MAS_MEMORY_COUNT; c++) {
            fputc('\t', out);
            mas_gnuplot_number(out, category(most, i, c));
        }
        fputc('\n', out);
    }
    for (size_t r = 0; r < chart.shown; r++) {
        const memory_line *line = drawn(&chart, r);
        fprintf(out, "\n\n# length\tbytes of keys and values: %s\n", line->title);
        for (size_t i = 0; i < line->count; i++)
            fprintf(out, "%.0f\t%.0f\n", line->at[i].length, line->at[i].cache);
    }
    free(chart.lines);
}

/* What gnuplot cannot read from the data: names and ranges. */
void mas_report_write_memory_settings(const mas_report *report, FILE *out)
{
    const memory_chart chart = make(report);
    const memory_line *most = chart.count ? largest(chart.lines, chart.count) : NULL;
    size_t widest = 0;
    double shortest = (double)NAN, longest = (double)NAN, low = (double)NAN, high = (double)NAN;
    bool full[LINES_MAX];
    for (size_t r = 0; r < chart.shown; r++)
        full[r] = drawn(&chart, r)->full;
    fprintf(out,
            "memory_variants = %zu\nmemory_lines = %zu\narray memory_name[%zu]\narray "
            "memory_colour[%zu]\narray memory_symbol[%zu]\n",
            chart.count, chart.shown, chart.shown + 1, chart.shown + 1, chart.shown + 1);
    for (size_t r = 0; r < chart.shown; r++) {
        const memory_line *line = drawn(&chart, r);
        const mas_style style = mas_style_of(full, chart.shown, r);
        fprintf(out, "memory_colour[%zu] = %u; memory_symbol[%zu] = %d\n", r + 1, style.colour,
                r + 1, style.symbol);
        const size_t width = strlen(line->title);
        widest = width > widest ? width : widest;
        fprintf(out, "memory_name[%zu] = ", r + 1);
        mas_gnuplot_name(out, line->title, KEY_ROOM);
        fputc('\n', out);
        for (size_t i = 0; i < line->count; i++) {
            shortest = fmin(shortest, line->at[i].length);
            longest = fmax(longest, line->at[i].length);
            low = fmin(low, line->at[i].cache);
            high = fmax(high, line->at[i].cache);
        }
    }
    fprintf(out,
            "memory_shortest = %.0f\nmemory_longest = %.0f\ncache_low = %.0f\ncache_high = %.0f\n",
            shortest, longest, low, high);
    fprintf(out, "memory_font = ',%d'\n", mas_gnuplot_font(widest, KEY_ROOM, KEY_FONT_MAX));
    low = (double)NAN;
    for (size_t i = 0; most && i < most->count; i++)
        for (int c = 0; c < MAS_MEMORY_COUNT; c++)
            low = fmin(low, category(most, i, c));
    fprintf(out, "memory_low = %.0f\nmemory_high = %.0f\narray memory_there[%d]\n", low,
            most ? total(most, most->count - 1) : 0, MAS_MEMORY_COUNT);
    for (int c = 0; c < MAS_MEMORY_COUNT; c++)
        fprintf(out, "memory_there[%d] = %d\n", c + 1, most && isfinite(category(most, 0, c)));
    free(chart.lines);
}
