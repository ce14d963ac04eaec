/* SPDX-License-Identifier: Apache-2.0 */
/* One table in three forms. Cells are made once as text; widths follow from them. */
#include "harness/report/kernel.h"
#include "harness/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct column {
    const char *heading, *csv;
    bool text;          /* left-aligned words; otherwise right-aligned numbers */
    const char *format; /* of the number */
    double scale;
    size_t offset; /* of the double in a row */
} column;

#define NUMBER(heading, csv, format, scale, field)                                                 \
    {                                                                                              \
        heading, csv, false, format, scale, offsetof(mas_report_row, field)                        \
    }

enum { TITLE, ATTENTION, MODEL, MEMORY, PERPLEXITY, BITS, LOSS, SECONDS, STATUS, COLUMNS };

static const column columns[COLUMNS] = {
    [TITLE] = {"variant", "title", true, NULL, 0, 0},
    [ATTENTION] = NUMBER("attention cost", "attention_cost", "%.1f %%", 100, attention_cost),
    [MODEL] = NUMBER("model cost", "model_cost", "%.1f %%", 100, model_cost),
    [MEMORY] = NUMBER("memory MiB", "memory_mib", "%.1f", 1, memory_mib),
    [PERPLEXITY] = NUMBER("perplexity", "perplexity", "%.3f", 1, perplexity),
    [BITS] = NUMBER("bits/byte", "bits_per_byte", "%.4f", 1, bits_per_byte),
    [LOSS] = NUMBER("loss nats", "loss_nats", "%.4f", 1, loss),
    [SECONDS] = NUMBER("seconds", "seconds", "%.1f", 1, seconds),
    [STATUS] = {"status", "status", true, NULL, 0, 0},
};

static bool shown(const mas_report *report, int c)
{
    switch (c) {
    case MEMORY:
    case PERPLEXITY:
    case LOSS:
    case SECONDS: return report->trained;
    case BITS: return report->has_bits_per_byte;
    case STATUS:
        for (size_t i = 0; i < report->count; i++)
            if (!report->rows[i].ok)
                return true;
        return false;
    default: return true;
    }
}

static double value_of(const mas_report_row *row, int c)
{
    double value;
    memcpy(&value, (const char *)row + columns[c].offset, sizeof value);
    return value;
}

static void cell(const mas_report *report, const mas_report_row *row, int c, char *text,
                 size_t size)
{
    if (c == TITLE) {
        snprintf(text, size, "%s", row->title);
        for (char *p = text; *p; p++) /* a control character would begin a new row */
            *p = (unsigned char)*p < ' ' ? ' ' : *p;
    } else if (c == STATUS)
        snprintf(text, size, "%s", row->status);
    else if (c == PERPLEXITY && report->vocabularies_differ && isfinite(row->perplexity))
        snprintf(text, size, "not comparable");
    else if (isfinite(value_of(row, c)))
        snprintf(text, size, columns[c].format, columns[c].scale * value_of(row, c));
    else
        snprintf(text, size, "-");
}

static void print_csv(const mas_report *report, FILE *out)
{
    fprintf(out, "id,title,status,seed");
    for (int c = ATTENTION; c <= SECONDS; c++)
        fprintf(out, ",%s", columns[c].csv);
    fputc('\n', out);
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *row = &report->rows[i];
        fprintf(out, "%s,\"", json_string_value(json_object_get(row->result, "id")));
        for (const char *p = row->title; *p; p++) {
            if (*p == '"')
                fputc('"', out);
            fputc(*p, out);
        }
        fprintf(out, "\",%s,%lld", row->status, (long long)row->seed);
        for (int c = ATTENTION; c <= SECONDS; c++) {
            if (isfinite(value_of(row, c)))
                fprintf(out, ",%.9g", value_of(row, c));
            else
                fputc(',', out);
        }
        fputc('\n', out);
    }
}

static void print_line(FILE *out, bool markdown, bool first, const char *text, bool left, int width)
{
    if (markdown)
        fprintf(out, left ? "%s%-*s |" : "%s%*s |", first ? "| " : " ", width, text);
    else
        fprintf(out, left ? "%s%-*s" : "%s%*s", first ? "" : "  ", width, text);
}

void mas_report_table(const mas_report *report, mas_table_format format, FILE *out)
{
    if (report->timed) {
        mas_report_kernel_table(report, format, out);
        return;
    }
    if (format == MAS_TABLE_CSV) {
        print_csv(report, out);
        return;
    }
    const bool markdown = format == MAS_TABLE_MARKDOWN;
    int width[COLUMNS], last = 0;
    char text[MAS_TITLE_MAX + 32];
    for (int c = 0; c < COLUMNS; c++) {
        width[c] = (int)strlen(columns[c].heading);
        for (size_t i = 0; i < report->count; i++) {
            cell(report, &report->rows[i], c, text, sizeof text);
            width[c] = (int)strlen(text) > width[c] ? (int)strlen(text) : width[c];
        }
        last = shown(report, c) ? c : last;
    }
    for (int c = 0; c < COLUMNS; c++)
        if (shown(report, c))
            print_line(out, markdown, c == 0, columns[c].heading, columns[c].text,
                       c == last && columns[c].text && !markdown ? 0 : width[c]);
    fputs(markdown ? "\n|" : "\n", out);
    for (int c = 0; c < COLUMNS; c++) {
        if (!shown(report, c))
            continue;
        if (!markdown && c > 0)
            fputs("  ", out);
        for (int i = 0; i < width[c] + (markdown ? 1 : 0); i++)
            fputc('-', out);
        if (markdown)
            fputs(columns[c].text ? "-|" : ":|", out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < report->count; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            if (!shown(report, c))
                continue;
            cell(report, &report->rows[i], c, text, sizeof text);
            print_line(out, markdown, c == 0, text, columns[c].text,
                       c == last && columns[c].text && !markdown ? 0 : width[c]);
        }
        fputc('\n', out);
    }
}
