/* SPDX-License-Identifier: Apache-2.0 */
/* Plot data: tab-separated rows, one block a series, blocks parted by two empty lines
 * (gnuplot's `index`). Series of seeds that differ in nothing else are averaged here, so that a
 * chart draws what it reads. */
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

void mas_report_write_points(const mas_report *report, FILE *out)
{
    fputs("# "
          "id\ttitle\tstatus\tseed\tattention_cost\tmodel_cost\tmemory_mib\tperplexity\tbits_per_"
          "byte\tloss_nats\t"
          "seconds\n",
          out);
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *row = &report->rows[i];
        fprintf(out, "%s\t%s\t%s\t%lld", mas_json_text_at(row->result, "id"), row->title,
                row->status, (long long)row->seed);
        const double values[] = {row->attention_cost, row->model_cost,    row->memory_mib,
                                 row->perplexity,     row->bits_per_byte, row->loss,
                                 row->seconds};
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            fputc('\t', out);
            mas_gnuplot_number(out, values[j]);
        }
        fputc('\n', out);
    }
}

static int by_cost(const void *a, const void *b)
{
    const mas_report_group *x = *(const mas_report_group *const *)a,
                           *y = *(const mas_report_group *const *)b;
    if (x->attention_cost < y->attention_cost)
        return -1;
    return x->attention_cost > y->attention_cost;
}

/* Groups sorted by cost; NULL without memory. */
static const mas_report_group **sorted_groups(const mas_report *report)
{
    const mas_report_group **groups = malloc((report->group_count + 1) * sizeof *groups);
    for (size_t i = 0; groups && i < report->group_count; i++)
        groups[i] = &report->groups[i];
    if (groups && report->group_count > 0)
        qsort(groups, report->group_count, sizeof *groups, by_cost);
    return groups;
}

void mas_report_write_cost_quality(const mas_report *report, FILE *out)
{
    const mas_report_group **groups = sorted_groups(report);
    fputs("# attention_cost_percent\tmean\tlow\thigh\tseeds\tfull_layers\ttitle\n", out);
    for (size_t f = 0; groups && f < report->family_count; f++) {
        for (size_t i = 0; i < report->group_count; i++) {
            const mas_report_group *g = groups[i];
            if (g->family_index == f)
                fprintf(out, "%.9g\t%.9g\t%.9g\t%.9g\t%zu\t%d\t%s\n", 100 * g->attention_cost,
                        g->quality, g->quality_low, g->quality_high, g->seeds, g->full_layers,
                        g->title);
        }
        fputs("\n\n", out);
    }
    free(groups);
}

void mas_report_write_front(const mas_report *report, FILE *out)
{
    const mas_report_group **groups = sorted_groups(report);
    fputs("# attention_cost_percent\tquality\ttitle\n", out);
    const mas_report_group *last = NULL;
    for (size_t i = 0; groups && i < report->group_count; i++)
        if (groups[i]->on_front) {
            last = groups[i];
            fprintf(out, "%.9g\t%.9g\t%s\n", 100 * last->attention_cost, last->quality,
                    last->title);
        }
    if (last) /* no more cost buys more: the last step goes on to the cost of full attention */
        fprintf(out, "100\t%.9g\t\n", last->quality);
    free(groups);
}

static double item(const json_t *array, size_t i)
{
    const json_t *value = json_array_get(array, i);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

#define BINS_MAX 128

typedef struct bins {
    double tokens[BINS_MAX], nats[BINS_MAX], where[BINS_MAX], correct[BINS_MAX];
    size_t count;
} bins;

static void add_bin(bins *b, size_t slot, double tokens, double loss, double where, double correct)
{
    if (slot >= BINS_MAX || !(tokens > 0) || !isfinite(loss))
        return;
    b->tokens[slot] += tokens;
    b->nats[slot] += tokens * loss;
    b->where[slot] += tokens * where;
    b->correct[slot] += tokens * correct;
    b->count = slot + 1 > b->count ? slot + 1 : b->count;
}

/* Half an octave of positions at a time: losses change with the logarithm of the position. */
static void add_positions(bins *b, const json_t *result)
{
    const json_t *by = mas_json_value_at(result, "quality.by_position");
    const json_t *first = json_object_get(by, "first"), *tokens = json_object_get(by, "tokens");
    const json_t *loss = json_object_get(by, "loss");
    const double context = mas_json_number_at(result, "quality.context");
    for (size_t i = 0; i < json_array_size(first); i++) {
        const double begin = item(first, i);
        const double end = i + 1 < json_array_size(first) ? item(first, i + 1) : context;
        add_bin(b, (size_t)(2 * log2((double)i + 1)), item(tokens, i), item(loss, i),
                (begin + end + 1) / 2, 0);
    }
}

static void add_distances(bins *b, const json_t *result)
{
    const json_t *by = mas_json_value_at(result, "quality.by_distance");
    const json_t *first = json_object_get(by, "first"), *tokens = json_object_get(by, "tokens");
    const json_t *loss = json_object_get(by, "loss"), *correct = json_object_get(by, "correct");
    for (size_t i = 0; i < json_array_size(first); i++)
        if (item(first, i) >= 1)
            add_bin(b, (size_t)log2(item(first, i)), item(tokens, i), item(loss, i),
                    item(first, i) * sqrt(2.0), item(correct, i) / item(tokens, i));
}

static void write_bins(const mas_report *report, void (*add)(bins *, const json_t *), FILE *out)
{
    const mas_series series = mas_report_series(report);
    for (size_t s = 0; s < series.count; s++) {
        bins b = {.count = 0};
        for (size_t i = 0; i < report->count; i++)
            if (report->rows[i].group == series.line[s].group)
                add(&b, report->rows[i].result);
        double most = 0;
        for (size_t i = 0; i < b.count; i++)
            most = fmax(most, b.tokens[i]);
        for (size_t i = 0; i < b.count; i++)
            if (b.tokens[i] > 0.01 * most) /* a handful of tokens says nothing */
                fprintf(out, "%.9g\t%.9g\t%.9g\t%.0f\n", b.where[i] / b.tokens[i],
                        b.nats[i] / b.tokens[i], b.correct[i] / b.tokens[i], b.tokens[i]);
        fputs("\n\n", out);
    }
}

void mas_report_write_positions(const mas_report *report, FILE *out)
{
    fputs("# position (mean of the bin, from 1)\tloss_nats\t-\ttokens\n", out);
    write_bins(report, add_positions, out);
}

void mas_report_write_distances(const mas_report *report, FILE *out)
{
    fputs("# distance_tokens (middle of the bin)\tloss_nats\tshare_correct\ttokens\n", out);
    write_bins(report, add_distances, out);
}

void mas_report_write_curves(const mas_report *report, FILE *out)
{
    const mas_series series = mas_report_series(report);
    fputs("# million_tokens\tvalidation_loss_nats\ttrain_loss_nats\tlength\n", out);
    for (size_t s = 0; s < series.count; s++) {
        const json_t *first =
            json_object_get(mas_report_first(report, series.line[s].group), "curve");
        for (size_t k = 0; k < json_array_size(first); k++) {
            double sums[2] = {0, 0};
            int counts[2] = {0, 0};
            for (size_t i = 0; i < report->count; i++) {
                if (report->rows[i].group != series.line[s].group)
                    continue;
                const json_t *point =
                    json_array_get(json_object_get(report->rows[i].result, "curve"), k);
                const double values[2] = {mas_json_number_at(point, "validation_loss"),
                                          mas_json_number_at(point, "train_loss")};
                for (int j = 0; j < 2; j++)
                    if (isfinite(values[j])) {
                        sums[j] += values[j];
                        counts[j]++;
                    }
            }
            const json_t *point = json_array_get(first, k);
            mas_gnuplot_number(out, mas_json_number_at(point, "tokens") / 1e6);
            for (int j = 0; j < 2; j++) {
                fputc('\t', out);
                mas_gnuplot_number(out, counts[j] ? sums[j] / counts[j] : (double)NAN);
            }
            fprintf(out, "\t%.0f\n", mas_json_number_at(point, "length"));
        }
        fputs("\n\n", out);
    }
}
