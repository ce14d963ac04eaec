/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/verify_print.h"

#include "harness/cli/cli.h"
#include "harness/results/json_build.h"

#include <string.h>

#define COLUMN 16 /* the verdicts, and what is below them is indented to */

static void seconds_text(const json_t *result, char *text, size_t size)
{
    const double seconds = mas_json_number_at(result, "time.seconds");
    if (!isfinite(seconds))
        snprintf(text, size, "-");
    else if (seconds < 60)
        snprintf(text, size, "%.1f s", seconds);
    else
        mas_cli_duration(seconds, text, size);
}

void mas_verify_print_drawn(const mas_drawn *drawn, size_t count, FILE *out)
{
    int title = 5;
    double total = 0;
    char text[32];
    for (size_t i = 0; i < count; i++) {
        const int width = (int)strlen(mas_json_text_at(drawn[i].record, "title"));
        title = width > title ? width : title;
    }
    fprintf(out, "%-16s  %-*s  %9s  %s\n", "id", title, "point", "recorded", "folder");
    for (size_t i = 0; i < count; i++) {
        const json_t *record = drawn[i].record;
        const double seconds = mas_json_number_at(record, "time.seconds");
        total += isfinite(seconds) ? seconds : 0;
        seconds_text(record, text, sizeof text);
        fprintf(out, "%-16s  %-*s  %9s  %s\n", mas_json_text_at(record, "id"), title,
                mas_json_text_at(record, "title"), text, drawn[i].folder);
    }
    mas_cli_duration(total, text, sizeof text);
    fprintf(out, "%s in all when they were recorded\n\n", text);
    fflush(out);
}

static void print_difference(const mas_result_difference *d, FILE *out)
{
    fprintf(out, "%*s%s: %s -> %s", COLUMN, "", d->path, d->recorded, d->now);
    if (d->why)
        fprintf(out, "  (%s)", d->why);
    fputc('\n', out);
}

static void print_differences(const mas_result_comparison *c, FILE *out)
{
    for (int i = 0; i < c->shown; i++)
        print_difference(&c->first[i], out);
    if (c->differing > c->shown)
        fprintf(out, "%*sand %lld more\n", COLUMN, "", (long long)c->differing - c->shown);
}

static void print_counts(const mas_result_comparison *c, FILE *out)
{
    if (c->differing == 0)
        fprintf(out, "%lld values equal to the last bit", (long long)c->compared);
    else
        fprintf(out, "%lld of %lld values", (long long)c->differing, (long long)c->compared);
    if (c->unrecorded > 0)
        fprintf(out, "; %lld not in the record", (long long)c->unrecorded);
}

void mas_verify_print_point(const mas_drawn *drawn, FILE *out)
{
    static const char *const words[] = {[MAS_RESULT_SAME] = "same",
                                        [MAS_RESULT_DIFFERS] = "differs",
                                        [MAS_RESULT_NOT_COMPARABLE] = "not comparable"};
    const mas_result_comparison *c = &drawn->comparison;
    char before[32], now[32];
    seconds_text(drawn->record, before, sizeof before);
    seconds_text(drawn->repeated, now, sizeof now);
    fprintf(out, "%-*s%s: ", COLUMN, words[drawn->verdict],
            mas_json_text_at(drawn->record, "title"));
    print_counts(c, out);
    if (before[0] != '-')
        fprintf(out, "; %s recorded, %s now", before, now);
    fputc('\n', out);
    print_differences(c, out);
    if (drawn->weights_differ)
        fprintf(out, "%*sthe trained models %s.safetensors differ\n", COLUMN, "",
                mas_json_text_at(drawn->record, "id"));
    if (c->conditions > 0)
        fprintf(out, "%*sother conditions than in the record:\n", COLUMN, "");
    for (int i = 0; i < c->conditions; i++)
        print_difference(&c->condition[i], out);
    fflush(out);
}

void mas_verify_print_reason(const char *verdict, const json_t *record, const char *why, FILE *out)
{
    fprintf(out, "%-*s%s: %s\n", COLUMN, verdict, mas_json_text_at(record, "title"), why);
    fflush(out);
}

static void print_step(bool fine, const char *what, FILE *out)
{
    fprintf(out, "%*s%-4s %s\n", COLUMN, "", fine ? "yes" : "NO", what);
}

void mas_verify_print_drill(const json_t *record, const mas_drill_report *r, FILE *out)
{
    fprintf(out, "%-*s%s: killed after %.1f s (whole: %.1f s), %s\n", COLUMN,
            r->passed ? "drill passed" : "drill failed", mas_json_text_at(record, "title"),
            r->killed_after, r->of_seconds,
            r->had_checkpoint ? "with a checkpoint to go on from" : "before its first checkpoint");
    print_step(r->readable, "no half result after the kill", out);
    if (r->had_checkpoint)
        print_step(r->resumed, "went on from the checkpoint", out);
    print_step(r->with_whole.verdict == MAS_RESULT_SAME,
               "equals the uninterrupted run to the last bit", out);
    print_differences(&r->with_whole, out);
    print_step(r->untouched, "finished results untouched by later starts", out);
    print_step(r->left_over[0] == '\0', "no half-written file or checkpoint left behind", out);
    if (r->left_over[0])
        fprintf(out, "%*s%s\n", COLUMN, "", r->left_over);
    fflush(out);
}
