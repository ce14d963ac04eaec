/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons in words. */
#include "harness/report/html.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mas_comparison_verdict(const mas_comparison *c, char *text, size_t size)
{
    if (isnan(c->paired.p))
        snprintf(text, size, "undecided: one seed");
    else if (c->real)
        snprintf(text, size, "real: the first is %s",
                 c->paired.difference < 0 ? "better" : "worse");
    else if (c->seeds_needed > 0)
        snprintf(text, size, "not shown (%d seeds would)", c->seeds_needed);
    else
        snprintf(text, size, "not shown (nor by 1,000 seeds)");
}

void mas_comparisons_note(const mas_comparisons *comparisons, char *text, size_t size)
{
    size_t segments = 0, real = 0, undecided = 0;
    char single[64] = "";
    for (size_t i = 0; i < comparisons->count; i++) {
        segments += comparisons->item[i].by_segment;
        real += comparisons->item[i].real;
        undecided += isnan(comparisons->item[i].paired.p);
    }
    if (undecided > 0)
        snprintf(single, sizeof single, "; %zu rest on one seed and stay undecided", undecided);
    snprintf(
        text, size,
        "%zu of %zu differences are real (p < 0.05 after Holm's correction over all of them)%s. "
        "Differences are in "
        "nats a token, paired by seed%s; intervals are 95 %%, uncorrected, from a bootstrap "
        "over %s with Student's "
        "t for the number of seeds; in brackets, about how many seeds would settle a difference of "
        "that size on this "
        "evaluation. One seed says nothing about others.%s",
        real, comparisons->count, single, segments ? " and by segment of the evaluation" : "",
        segments ? "seeds and segments" : "seeds",
        segments == comparisons->count ? ""
        : segments ? " Some results lack losses by segment: their pairs rest on seeds alone."
                   : " These results lack losses by segment (older files): the intervals rest "
                     "on seeds alone.");
}

/* A cell of a Markdown table: no new cell, line or element can begin in it. */
static void markdown_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if (strchr("|<>&`[]\\*", *text))
            fprintf(out, "&#%d;", *text);
        else
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

void mas_comparisons_markdown(const mas_report *report, const mas_comparisons *all, FILE *out)
{
    const json_t *result = report->count ? report->rows[0].result : NULL;
    char text[768];
    fputs("## ", out);
    markdown_text(out, mas_json_text_at(result, "experiment"));
    fputs("\n\n", out);
    if (all->count > 0) {
        mas_comparisons_note(all, text, sizeof text);
        fprintf(out,
                "%s\n\n| first | second | difference | verdict | 95 %% interval | p, corrected | "
                "seeds |\n"
                "|---|---|---:|---|---|---:|---:|\n",
                text);
    }
    for (size_t i = 0; i < all->count; i++) {
        const mas_comparison *c = &all->item[i];
        fputs("| ", out);
        markdown_text(out, report->groups[c->first].title);
        fputs(" | ", out);
        markdown_text(out, report->groups[c->second].title);
        mas_comparison_verdict(c, text, sizeof text);
        if (isfinite(c->paired.low))
            fprintf(out, " | %+.4f | %s | %+.4f .. %+.4f | %.4f | %zu |\n", c->paired.difference,
                    text, c->paired.low, c->paired.high, c->p_corrected, c->paired.seeds);
        else
            fprintf(out, " | %+.4f | %s | - | - | %zu |\n", c->paired.difference, text,
                    c->paired.seeds);
    }
    if (report->group_count > 0)
        fputs("\n| variant | seeds | attention cost | loss nats, mean | deviation "
              "|\n|---|---:|---:|---:|---:|\n",
              out);
    for (size_t i = 0; i < report->group_count; i++) {
        double mean, deviation;
        mas_report_group_loss(report, i, &mean, &deviation);
        fputs("| ", out);
        markdown_text(out, report->groups[i].title);
        fprintf(out, " | %zu | %.1f %% | %.4f | ", report->groups[i].seeds,
                100 * report->groups[i].attention_cost, mean);
        fprintf(out, isfinite(deviation) ? "%.4f |\n" : "- |\n", deviation);
    }
    fputc('\n', out);
}

void mas_report_markdown_points(const mas_report *report, FILE *out)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return;
    mas_report_table(report, MAS_TABLE_MARKDOWN, memory);
    const bool made = fclose(memory) == 0;
    for (const char *p = text; made && *p; p++) {
        if (*p == '<')
            fputs("&lt;", out);
        else
            fputc(*p, out);
    }
    fputc('\n', out);
    free(text);
}

static void csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    fputs("\",", out);
}

static void csv_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    fputc(',', out);
}

void mas_comparisons_csv_head(FILE *out)
{
    fputs("experiment,record,first,second,seeds,loss_or_difference_nats,deviation,low,high,p_"
          "corrected,verdict\n",
          out);
}

void mas_comparisons_csv(const mas_report *report, const mas_comparisons *all, FILE *out)
{
    const char *experiment =
        report->count ? mas_json_text_at(report->rows[0].result, "experiment") : "";
    for (size_t i = 0; i < report->group_count; i++) {
        double mean, deviation;
        mas_report_group_loss(report, i, &mean, &deviation);
        csv_text(out, experiment);
        fputs("variant,", out);
        csv_text(out, report->groups[i].title);
        fprintf(out, ",%zu,", report->groups[i].seeds);
        csv_number(out, mean);
        csv_number(out, deviation);
        fputs(",,,\n", out);
    }
    for (size_t i = 0; i < all->count; i++) {
        const mas_comparison *c = &all->item[i];
        char text[128];
        mas_comparison_verdict(c, text, sizeof text);
        csv_text(out, experiment);
        fputs("difference,", out);
        csv_text(out, report->groups[c->first].title);
        csv_text(out, report->groups[c->second].title);
        fprintf(out, "%zu,", c->paired.seeds);
        csv_number(out, c->paired.difference);
        fputc(',', out);
        csv_number(out, c->paired.low);
        csv_number(out, c->paired.high);
        csv_number(out, c->p_corrected);
        fprintf(out, "\"%s\"\n", text);
    }
}
