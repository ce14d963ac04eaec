/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/compare.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Costs that differ by less are equal: whole numbers of blocks and windows rarely meet. */
#define EQUAL_COST 0.1

/* What a title says beside the plan: ", dtype f32". */
static const char *beside_plan(const mas_report *report, size_t group)
{
    const char *title = report->groups[group].title;
    const char *label = mas_json_text_at(mas_report_first(report, group), "plan.label");
    return strncmp(title, label, strlen(label)) == 0 ? title + strlen(label) : title;
}

static bool equally_dear(const mas_report_group *a, const mas_report_group *b)
{
    return fabs(a->attention_cost - b->attention_cost) <=
           EQUAL_COST * fmin(a->attention_cost, b->attention_cost);
}

static bool wanted(const mas_report *report, size_t first, size_t second)
{
    const mas_report_group *a = &report->groups[first], *b = &report->groups[second];
    return !mas_group_is_full(a) &&
           strcmp(beside_plan(report, first), beside_plan(report, second)) == 0 &&
           (mas_group_is_full(b) || (first < second && equally_dear(a, b)));
}

static const mas_report_row *with_seed(const mas_report *report, size_t group, int64_t seed)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].group == group && report->rows[i].seed == seed)
            return &report->rows[i];
    return NULL;
}

/* Segments of a result; 0 where it has none or they are broken. */
static size_t segments_of(const json_t *result)
{
    const json_t *nats = mas_json_value_at(result, "quality.segments.nats");
    const double each = mas_json_number_at(result, "quality.segments.tokens_each"),
                 all = mas_json_number_at(result, "quality.tokens");
    const size_t count = json_array_size(nats);
    if (count == 0 || !(each > 0) || !(all > each * (double)(count - 1)) ||
        !(all <= each * (double)count))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!json_is_number(json_array_get(nats, i)))
            return 0;
    return count;
}

static bool same_segments(const json_t *a, const json_t *b)
{
    const char *const equal[] = {"quality.tokens", "quality.segments.tokens_each", "corpus.hash",
                                 "corpus.tokenizer_hash"};
    for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) {
        const json_t *x = mas_json_value_at(a, equal[i]), *y = mas_json_value_at(b, equal[i]);
        if ((x || y) && !json_equal(x, y))
            return false;
    }
    return segments_of(a) > 0 && segments_of(a) == segments_of(b);
}

static double segment(const mas_report_row *row, size_t i)
{
    return json_number_value(
        json_array_get(mas_json_value_at(row->result, "quality.segments.nats"), i));
}

/* MAS_E_NOT_FOUND: no seed in common. */
static mas_status compare_groups(const mas_report *report, mas_comparison *c, mas_error *err)
{
    size_t seeds = 0, segments = 0;
    const mas_report_row *reference = NULL;
    c->by_segment = true;
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *a = &report->rows[i];
        const mas_report_row *b =
            a->group == c->first ? with_seed(report, c->second, a->seed) : NULL;
        if (!b)
            continue;
        reference = reference ? reference : a;
        seeds++;
        c->by_segment = c->by_segment && same_segments(reference->result, a->result) &&
                        same_segments(reference->result, b->result);
    }
    if (seeds == 0)
        return mas_fail(err, MAS_E_NOT_FOUND, "no seed in common");
    segments = c->by_segment ? segments_of(reference->result) : 1;
    double *differences = malloc(seeds * segments * sizeof *differences),
           *tokens = malloc(segments * sizeof *tokens);
    mas_status status = MAS_OK;
    if (!differences || !tokens) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to compare %zu seeds", seeds);
        goto done;
    }
    const double each =
        c->by_segment ? mas_json_number_at(reference->result, "quality.segments.tokens_each") : 1;
    for (size_t g = 0; g < segments; g++)
        tokens[g] = each;
    if (c->by_segment)
        tokens[segments - 1] =
            mas_json_number_at(reference->result, "quality.tokens") - each * (double)(segments - 1);
    size_t s = 0;
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *a = &report->rows[i];
        const mas_report_row *b =
            a->group == c->first ? with_seed(report, c->second, a->seed) : NULL;
        if (!b)
            continue;
        for (size_t g = 0; g < segments; g++)
            differences[s * segments + g] =
                c->by_segment ? segment(a, g) - segment(b, g) : a->loss - b->loss;
        s++;
    }
    status = mas_paired_compare(differences, tokens, seeds, segments, &c->paired, err);
done:
    free(differences);
    free(tokens);
    return status;
}

static mas_status correct(mas_comparisons *all, mas_error *err)
{
    double *p = malloc((all->count ? all->count : 1) * sizeof *p);
    if (!p)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu comparisons", all->count);
    for (size_t i = 0; i < all->count; i++)
        p[i] = all->item[i].paired.p;
    const mas_status status = mas_holm(p, all->count, err);
    for (size_t i = 0; status == MAS_OK && i < all->count; i++) {
        mas_comparison *c = &all->item[i];
        c->p_corrected = p[i];
        c->real = p[i] < MAS_REAL_LEVEL;
        c->seeds_needed = mas_paired_seeds_needed(&c->paired, MAS_REAL_LEVEL / (double)all->count);
    }
    free(p);
    return status;
}

mas_status mas_report_compare(const mas_report *report, mas_comparisons *out, mas_error *err)
{
    *out = (mas_comparisons){0, NULL};
    if (report->vocabularies_differ) /* losses a token are then not comparable */
        return MAS_OK;
    mas_status status = MAS_OK;
    for (size_t i = 0; i < report->group_count; i++)
        for (size_t j = 0; status == MAS_OK && j < report->group_count; j++) {
            if (i == j || !wanted(report, i, j))
                continue;
            mas_comparison c = {
                .first = i, .second = j, .with_full = mas_group_is_full(&report->groups[j])};
            mas_error one;
            status = compare_groups(report, &c, &one);
            if (status == MAS_E_NOT_FOUND) {
                status = MAS_OK;
                continue;
            }
            mas_comparison *more =
                status == MAS_OK ? realloc(out->item, (out->count + 1) * sizeof *more) : NULL;
            if (!more) {
                status = mas_fail(err, status == MAS_OK ? MAS_E_MEMORY : status,
                                  "cannot compare %s with %s", report->groups[i].title,
                                  report->groups[j].title);
                break;
            }
            out->item = more;
            out->item[out->count++] = c;
        }
    if (status == MAS_OK)
        status = correct(out, err);
    if (status != MAS_OK)
        mas_comparisons_free(out);
    return status;
}

void mas_comparisons_free(mas_comparisons *comparisons)
{
    free(comparisons->item);
    *comparisons = (mas_comparisons){0, NULL};
}

void mas_report_group_loss(const mas_report *report, size_t group, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].group == group) {
            sum += report->rows[i].loss;
            n++;
        }
    *mean = n ? sum / (double)n : (double)NAN;
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].group == group)
            squares += (report->rows[i].loss - *mean) * (report->rows[i].loss - *mean);
    *deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
}
