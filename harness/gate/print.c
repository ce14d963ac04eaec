/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts for a terminal, a pull request, a program and a CI server. Titles may come from files of others. */
#include "harness/gate/gate.h"
#include "harness/report/html.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <string.h>

static const char *const colours[MAS_VERDICT_COUNT] = {
    [MAS_VERDICT_SAME] = "",
    [MAS_VERDICT_FASTER] = "\033[32m",
    [MAS_VERDICT_SLOWER] = "\033[31m",
    [MAS_VERDICT_CHANGED] = "\033[31m",
    [MAS_VERDICT_UNCLEAR] = "\033[33m",
    [MAS_VERDICT_MISSING] = "\033[31m",
    [MAS_VERDICT_NOT_COMPARABLE] = "\033[31m",
};

/* ---- cells ---- */

static void print_time(double seconds, char *text, size_t size)
{
    if (isnan(seconds))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.4g", 1e3 * seconds);
}

static void print_change(const mas_gate_row *row, char *text, size_t size)
{
    if (row->timed)
        snprintf(text, size, "%+.1f %%", 100 * (row->time.ratio - 1));
    else if (!isnan(row->loss_before) && !isnan(row->loss_after))
        snprintf(text, size, "loss %+.2g %%", 100 * (row->loss_after / row->loss_before - 1));
    else
        snprintf(text, size, "-");
}

static void print_interval(const mas_gate_row *row, char *text, size_t size)
{
    if (!row->timed)
        snprintf(text, size, "-");
    else if (!isfinite(row->time.high))
        snprintf(text, size, "too few");
    else
        snprintf(text, size, "%+.1f .. %+.1f", 100 * (row->time.low - 1),
                 100 * (row->time.high - 1));
}

static void print_instructions(const mas_gate_row *row, char *text, size_t size)
{
    const double ratio = row->instructions_after / row->instructions_before;
    if (isnan(ratio))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%+.2f %%", 100 * (ratio - 1));
}

static void count_verdicts(const mas_gate *gate, char *text, size_t size)
{
    size_t length = 0, reported = 0;
    text[0] = '\0';
    for (int v = 0; v < MAS_VERDICT_NOT_COMPARABLE; v++) {
        size_t count = 0;
        for (size_t i = 0; i < gate->count; i++)
            count += gate->rows[i].gated && gate->rows[i].verdict == (mas_verdict)v;
        if (count > 0 && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%zu %s", length ? ", " : "",
                                       count, mas_verdict_name((mas_verdict)v));
    }
    for (size_t i = 0; i < gate->count; i++)
        reported += !gate->rows[i].gated;
    if (reported > 0 && length < size)
        snprintf(text + length, size - length,
                 "; %zu outgrow the caches and are reported, not gated", reported);
}

enum { CELL = 32, TIME_CELLS = 5 };

static void time_cells(const mas_gate_row *row, char cells[TIME_CELLS][CELL])
{
    print_time(row->before, cells[0], CELL);
    print_time(row->after, cells[1], CELL);
    print_change(row, cells[2], CELL);
    print_interval(row, cells[3], CELL);
    print_instructions(row, cells[4], CELL);
}

static const char *const headings[TIME_CELLS] = {"before ms", "after ms", "time", "95 % interval",
                                                 "instructions"};

/* ---- terminal ---- */

/* Control characters of a hostile title must not reach a terminal. */
static void print_plain(FILE *out, const char *text, int width)
{
    int printed = 0;
    for (const char *c = text; *c; c++, printed++)
        fputc((unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c, out);
    for (; printed < width; printed++)
        fputc(' ', out);
}

static void print_terminal(const mas_gate *gate, bool colour, FILE *out)
{
    int title = 5;
    for (size_t i = 0; i < gate->count; i++) {
        const int width = (int)strlen(gate->rows[i].title);
        title = width > title ? width : title;
    }
    if (gate->count > 0)
        fprintf(out, "%-8s  %-*s  %10s  %10s  %9s  %16s  %12s\n", "verdict", title, "point",
                headings[0], headings[1], headings[2], headings[3], headings[4]);
    for (size_t i = 0; i < gate->count; i++) {
        const mas_gate_row *row = &gate->rows[i];
        char cells[TIME_CELLS][CELL];
        time_cells(row, cells);
        const char *begin = colour ? colours[row->verdict] : "", *end = begin[0] ? "\033[0m" : "";
        fprintf(out, "%s%-8s%s  ", begin, mas_verdict_name(row->verdict), end);
        print_plain(out, row->title, title);
        fprintf(out, "  %10s  %10s  %9s  %16s  %12s%s\n", cells[0], cells[1], cells[2], cells[3],
                cells[4], row->gated ? "" : "  (not gated)");
        if (row->reason[0]) {
            fputs("          ", out);
            print_plain(out, row->reason, 0);
            fputc('\n', out);
        }
    }
    char counts[256];
    count_verdicts(gate, counts, sizeof counts);
    const char *begin = colour ? colours[gate->overall] : "";
    fprintf(out, "%s%s%s%s%s\n", begin, mas_verdict_name(gate->overall), begin[0] ? "\033[0m" : "",
            gate->reason[0] || counts[0] ? ": " : "", gate->reason[0] ? gate->reason : counts);
}

/* ---- Markdown ---- */

/* Nothing in a title may begin an element, end a cell or start a mention. */
static void print_markdown_text(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20)
            fputc(' ', out);
        else if (strchr("\\`*_{}[]<>()#!|@&~", *c))
            fprintf(out, "&#%d;", *c);
        else
            fputc(*c, out);
    }
}

static void print_markdown(const mas_gate *gate, FILE *out)
{
    char counts[256];
    count_verdicts(gate, counts, sizeof counts);
    fprintf(out, "**%s**%s", mas_verdict_name(gate->overall),
            gate->reason[0] || counts[0] ? ": " : "");
    print_markdown_text(out, gate->reason[0] ? gate->reason : counts);
    fputs("\n\n", out);
    if (gate->count > 0)
        fprintf(
            out,
            "| verdict | point | %s | %s | %s | %s | %s |\n|---|---|---:|---:|---:|---:|---:|\n",
            headings[0], headings[1], headings[2], headings[3], headings[4]);
    for (size_t i = 0; i < gate->count; i++) {
        const mas_gate_row *row = &gate->rows[i];
        char cells[TIME_CELLS][CELL];
        time_cells(row, cells);
        fprintf(out, "| %s%s | ", mas_verdict_name(row->verdict), row->gated ? "" : " (not gated)");
        print_markdown_text(out, row->title);
        if (row->reason[0]) {
            fputs(": ", out);
            print_markdown_text(out, row->reason);
        }
        for (int c = 0; c < TIME_CELLS; c++)
            fprintf(out, " | %s", cells[c]);
        fputs(" |\n", out);
    }
}

/* ---- JSON ---- */

static json_t *row_json(const mas_gate_row *row)
{
    json_t *json = json_object();
    const double none = (double)NAN;
    mas_json_set_text(json, "title", row->title);
    mas_json_set_text(json, "kernel", row->kernel[0] ? row->kernel : NULL);
    mas_json_set_text(json, "verdict", mas_verdict_name(row->verdict));
    mas_json_set_text(json, "reason", row->reason[0] ? row->reason : NULL);
    mas_json_set_bool(json, "gated", row->gated);
    mas_json_set_bool(json, "by_yardstick", row->by_yardstick);
    mas_json_set_number(json, "ratio", row->timed ? row->time.ratio : none);
    mas_json_set_number(json, "low", row->timed ? row->time.low : none);
    mas_json_set_number(json, "high", row->timed ? row->time.high : none);
    mas_json_set_number(json, "p_corrected", row->timed ? row->p : none);
    mas_json_set_number(json, "seconds_before", row->before);
    mas_json_set_number(json, "seconds_after", row->after);
    mas_json_set_int(json, "samples_before", (int64_t)row->before_count);
    mas_json_set_int(json, "samples_after", (int64_t)row->after_count);
    mas_json_set_number(json, "instructions_before", row->instructions_before);
    mas_json_set_number(json, "instructions_after", row->instructions_after);
    mas_json_set_number(json, "loss_before", row->loss_before);
    mas_json_set_number(json, "loss_after", row->loss_after);
    return json;
}

static void print_json(const mas_gate *gate, const mas_gate_rules *rules, FILE *out)
{
    json_t *json = json_object(), *rows = json_array();
    for (size_t i = 0; i < gate->count; i++)
        (void)json_array_append_new(rows, row_json(&gate->rows[i]));
    mas_json_set_int(json, "schema", 1);
    mas_json_set_text(json, "baseline", gate->baseline);
    mas_json_set_text(json, "candidate", gate->candidate);
    mas_json_set_text(json, "verdict", mas_verdict_name(gate->overall));
    mas_json_set_text(json, "reason", gate->reason[0] ? gate->reason : NULL);
    mas_json_set_number(json, "min_effect", rules->min_effect);
    mas_json_set_number(json, "level", rules->level);
    mas_json_set_text(json, "notes", gate->notes);
    mas_json_set(json, "rows", rows);
    (void)json_dumpf(json, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(json);
}

/* ---- JUnit ---- */

/* Elements of test cases that did not pass. */
static const char *const elements[MAS_VERDICT_COUNT] = {
    [MAS_VERDICT_SLOWER] = "failure",       [MAS_VERDICT_CHANGED] = "failure",
    [MAS_VERDICT_MISSING] = "error",        [MAS_VERDICT_UNCLEAR] = "skipped",
    [MAS_VERDICT_NOT_COMPARABLE] = "error",
};

static size_t count_elements(const mas_gate *gate, const char *element)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->count; i++) {
        const char *own = elements[gate->rows[i].verdict];
        count += gate->rows[i].gated && own && strcmp(own, element) == 0;
    }
    return count;
}

static void junit_case(FILE *out, const char *name, const char *element, const char *verdict,
                       const char *change, const char *reason)
{
    fputs("  <testcase classname=\"masbench\" name=\"", out);
    mas_html_text(out, name);
    if (!element) {
        fputs("\"/>\n", out);
        return;
    }
    fprintf(out, "\">\n    <%s message=\"%s", element, verdict);
    if (change) {
        fputs(", time ", out);
        mas_html_text(out, change);
    }
    if (reason[0]) {
        fputs(": ", out);
        mas_html_text(out, reason);
    }
    fputs("\"/>\n  </testcase>\n", out);
}

static void print_junit(const mas_gate *gate, FILE *out)
{
    const bool whole = gate->overall == MAS_VERDICT_NOT_COMPARABLE || gate->count == 0;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"masbench compare\" "
            "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
            gate->count + whole, count_elements(gate, "failure"),
            count_elements(gate, "error") + whole, count_elements(gate, "skipped"));
    if (whole)
        junit_case(out, "the comparison", "error", mas_verdict_name(gate->overall), NULL,
                   gate->reason);
    for (size_t i = 0; i < gate->count; i++) {
        const mas_gate_row *row = &gate->rows[i];
        char change[CELL];
        print_change(row, change, sizeof change);
        junit_case(out, row->title, row->gated ? elements[row->verdict] : NULL,
                   mas_verdict_name(row->verdict), row->timed ? change : NULL, row->reason);
    }
    fputs("</testsuite>\n", out);
}

void mas_gate_print(const mas_gate *gate, const mas_gate_rules *rules, mas_gate_format format,
                    bool colour, FILE *out)
{
    switch (format) {
    case MAS_GATE_TERMINAL: print_terminal(gate, colour, out); break;
    case MAS_GATE_MARKDOWN: print_markdown(gate, out); break;
    case MAS_GATE_JSON: print_json(gate, rules, out); break;
    case MAS_GATE_JUNIT: print_junit(gate, out); break;
    }
}
