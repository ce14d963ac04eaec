/* SPDX-License-Identifier: Apache-2.0 */
/* What stands above and below the charts of a trained experiment. */
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "harness/results/json_build.h"

#include <string.h>

#define QUESTION_WIDTH 105 /* characters of a line */
#define CAPTION_WIDTH 158
#define PARAMETERS_SMALL 1e8 /* below, results say little about models that are used */

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

#define COMMITS_MAX 2 /* named; of more the number */

/* "commit 0123456789ab", "commits 0123456789ab, ba9876543210 and 3 more" of all points, in their order; "and changes" where
 * some were built from a changed tree. */
static void commits_text(const mas_report *report, char *text, size_t size)
{
    json_t *seen = json_object();
    char names[64] = "", more[32] = "";
    bool changed = false;
    for (size_t i = 0; i < report->count; i++) {
        const json_t *result = report->rows[i].result;
        const char *commit = mas_json_text_at(result, "machine.git_commit");
        if (!report->rows[i].ok)
            continue;
        changed = changed || json_is_true(mas_json_value_at(result, "machine.git_dirty"));
        if (json_object_get(seen, commit))
            continue;
        (void)json_object_set_new(seen, commit, json_true());
        const size_t used = strlen(names);
        if (json_object_size(seen) <= COMMITS_MAX)
            snprintf(names + used, sizeof names - used, "%s%.12s", used ? ", " : "", commit);
    }
    const size_t count = json_object_size(seen);
    json_decref(seen);
    if (count > COMMITS_MAX)
        snprintf(more, sizeof more, " and %zu more", count - COMMITS_MAX);
    snprintf(text, size, "commit%s %s%s%s", count > 1 ? "s" : "", names, more,
             changed ? " and changes" : "");
}

/* Two digits, more only before the point. */
static void number_text(double value, char *text, size_t size)
{
    snprintf(text, size, value < 99.5 ? "%.2g" : "%.0f", value);
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
    char low[16], high[16], from[16];
    text[0] = '\0';
    if (!isfinite(r.low))
        return;
    number_text(r.low / 1e6, low, sizeof low);
    number_text(r.high / 1e6, high, sizeof high);
    number_text(base.high / 1e6, from, sizeof from);
    const bool several = r.low < r.high, based = isfinite(base.high);
    snprintf(text, size, ", %s%s%s M training tokens a point%s%s%s", several ? low : "",
             several ? " to " : "", high, based ? " after a base of " : "", based ? from : "",
             based ? " M" : "");
}

static void caption_text(const mas_report *report, char *text, size_t size)
{
    const mas_report_row *row = first_ok(report);
    const json_t *result = row ? row->result : NULL;
    const double parameters = mas_json_number_at(result, "cost.parameters");
    char commits[96], lengths[64], size_of_model[16], training[128];
    commits_text(report, commits, sizeof commits);
    number_text(parameters / (parameters < 1e9 ? 1e6 : 1e9), size_of_model, sizeof size_of_model);
    lengths_text(report, lengths, sizeof lengths);
    training_text(report, training, sizeof training);
    snprintf(text, size, "masbench %s, %s; experiment %s; %s; %s %c parameters%s.",
             mas_json_text_at(result, "machine.version"), commits,
             mas_json_text_at(result, "experiment"), lengths, size_of_model,
             parameters < 1e9 ? 'M' : 'G', training);
}

void mas_report_write_captions(const mas_report *report, FILE *out)
{
    const mas_report_row *row = first_ok(report);
    char caption[512];
    caption_text(report, caption, sizeof caption);
    fputs("question = ", out);
    mas_gnuplot_text(out, mas_json_text_at(report->set->experiment, "question"), QUESTION_WIDTH);
    fputs("\ncaption = ", out);
    mas_gnuplot_text(out, caption, CAPTION_WIDTH);
    size_t seeds = 1;
    for (size_t i = 0; i < report->group_count; i++)
        seeds = report->groups[i].seeds > seeds ? report->groups[i].seeds : seeds;
    const bool small =
        mas_json_number_at(row ? row->result : NULL, "cost.parameters") < PARAMETERS_SMALL;
    fprintf(out, "\nseeds = %zu\nremark = '%s'\n", seeds,
            small ? "Small scale: compare the points of this chart with each other only." : "");
}
