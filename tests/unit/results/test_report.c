/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/report.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(report, .timeout = 30);

/* A finished point of a plan "family", l full layers of 6. */
static json_t *result(const char *title, const char *family, int full, int seed, double cost,
                      double loss, int vocab)
{
    return json_pack(
        "{s:i,s:s,s:s,s:s,s:i,s:{s:s,s:i},s:{s:s,s:s,s:i,s:i},s:{s:{s:f}},s:{s:f,s:f,s:f},"
        "s:{s:s,s:i}}",
        "schema", 1, "id", "0123456789abcdef", "title", title, "status", "ok", "seed", seed,
        "point", "plan", family, "seed", seed, "plan", "label", family, "family", family, "layers",
        6, "full_layers", full, "cost", "attention", "relative", cost, "quality", "loss", loss,
        "perplexity", exp(loss), "bits_per_byte", loss / log(2), "corpus", "tokenizer", "bytes",
        "vocab", vocab);
}

static mas_report *make(json_t **results, size_t count)
{
    static mas_result_set set;
    mas_report *report = NULL;
    mas_error err;
    set = (mas_result_set){.folder = (char *)"folder", .count = count, .results = results};
    cr_assert_eq(mas_report_make(&set, &report, &err), MAS_OK, "%s", err.text);
    return report;
}

static char *table(const mas_report *report, mas_table_format format)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mas_report_table(report, format, out);
    fclose(out);
    return text;
}

static void drop(json_t **results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_decref(results[i]);
}

Test(report, seeds_are_one_group_with_mean_and_extremes)
{
    json_t *r[] = {result("window 32, seed 1", "window 32", 0, 1, 0.1, log(4), 257),
                   result("window 32, seed 2", "window 32", 0, 2, 0.1, log(5), 257),
                   result("full, seed 1", "full", 6, 1, 1, log(3), 257)};
    mas_report *report = make(r, 3);
    cr_assert_eq(report->group_count, 2);
    cr_assert_eq(report->groups[0].seeds, 2);
    cr_assert_float_eq(report->groups[0].quality, 4.5, 1e-12);
    cr_assert_float_eq(report->groups[0].quality_low, 4, 1e-12);
    cr_assert_float_eq(report->groups[0].quality_high, 5, 1e-12);
    cr_assert_str_eq(report->groups[0].title, "window 32");
    cr_assert_eq(report->family_count, 2);
    mas_report_free(report);
    drop(r, 3);
}

Test(report, the_front_holds_what_nothing_beats)
{
    json_t *r[] = {result("full", "full", 6, 1, 1, log(3), 257),
                   result("window", "window", 0, 1, 0.1, log(5), 257),
                   result("a", "a", 1, 1, 0.3, log(4), 257),
                   result("b", "b", 1, 1, 0.3, log(4.5), 257),
                   result("c", "c", 2, 1, 0.5, log(4.2), 257)};
    mas_report *report = make(r, 5);
    const bool expected[] = {true, true, true, false, false};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(report->groups[i].on_front, expected[i], "group %zu", i);
    mas_report_free(report);
    drop(r, 5);
}

Test(report, tables_agree_in_all_forms)
{
    json_t *r[] = {result("2 full of 6 (bottom) + window 32", "w", 2, 1, 0.373, log(4.25), 257),
                   json_pack("{s:i,s:s,s:s,s:s,s:s,s:i}", "schema", 1, "id", "00000000000000ff",
                             "title", "full", "status", "out_of_memory", "error", "too large",
                             "seed", 1)};
    mas_report *report = make(r, 2);
    char *text = table(report, MAS_TABLE_TERMINAL), *md = table(report, MAS_TABLE_MARKDOWN);
    char *csv = table(report, MAS_TABLE_CSV);
    cr_assert_not_null(strstr(text, "37.3 %"));
    cr_assert_not_null(strstr(text, "4.250"));
    cr_assert_not_null(strstr(text, "out_of_memory"));
    cr_assert_not_null(strstr(md, "| 2 full of 6 (bottom) + window 32 |"), "%s", md);
    cr_assert_not_null(strstr(md, "\n|-"));
    cr_assert_not_null(strstr(csv, "\"2 full of 6 (bottom) + window 32\",ok,1,0.373,,"), "%s", csv);
    cr_assert_not_null(strstr(csv, "00000000000000ff,\"full\",out_of_memory,1,,,,,,,\n"), "%s",
                       csv);
    free(text);
    free(md);
    free(csv);
    mas_report_free(report);
    drop(r, 2);
}

Test(report, perplexities_of_different_vocabularies_are_not_compared)
{
    json_t *r[] = {result("a", "a", 6, 1, 1, 2, 257), result("b", "b", 6, 1, 1, 3, 50257)};
    mas_report *report = make(r, 2);
    cr_assert(report->vocabularies_differ);
    cr_assert_float_eq(report->groups[0].quality, 2 / log(2), 1e-12);
    char *text = table(report, MAS_TABLE_TERMINAL);
    cr_assert_not_null(strstr(text, "not comparable"));
    free(text);
    mas_report_free(report);
    drop(r, 2);
}

/* Equally large, but learned from other documents. */
Test(report, perplexities_of_different_learned_vocabularies_are_not_compared)
{
    static const char *const hashes[] = {"0d0593fca1acb612", "2b170496ded3a4f2"};
    for (int other = 0; other < 2; other++) {
        json_t *r[] = {result("a", "a", 6, 1, 1, 2, 1024), result("b", "b", 6, 1, 1, 3, 1024)};
        for (int i = 0; i < 2; i++)
            json_object_set_new(json_object_get(r[i], "corpus"), "tokenizer_hash",
                                json_string(hashes[i * other]));
        mas_report *report = make(r, 2);
        cr_assert_eq(report->vocabularies_differ, other == 1);
        mas_report_free(report);
        drop(r, 2);
    }
}

Test(report, labels_do_not_cover_points_or_each_other)
{
    mas_label labels[] = {{.x = 0.2, .y = 0.5, .width = 0.02, .height = 0.04},
                          {.x = 0.21, .y = 0.53, .width = 0.02, .height = 0.04},
                          {.x = 0.2, .y = 0.47, .width = 0.02, .height = 0.04},
                          {.x = 0.99, .y = 0.99, .width = 0.02, .height = 0.04}};
    mas_labels_place(labels, 4);
    for (size_t i = 0; i < 4; i++) {
        const mas_label *a = &labels[i];
        cr_assert(a->label_x >= 0 && a->label_x + a->width <= 1, "label %zu leaves the plot", i);
        for (size_t j = 0; j < 4; j++) {
            const mas_label *b = &labels[j];
            const bool apart = a->label_x + a->width <= b->label_x ||
                               b->label_x + b->width <= a->label_x ||
                               fabs(a->label_y - b->label_y) >= a->height - 1e-12;
            cr_assert(i == j || apart, "labels %zu and %zu overlap", i, j);
            const bool on_point = b->x > a->label_x && b->x < a->label_x + a->width &&
                                  fabs(b->y - a->label_y) < a->height / 2;
            cr_assert_not(on_point, "label %zu covers point %zu", i, j);
        }
    }
}

Test(report, full_attention_is_black_wherever_it_stands)
{
    json_t *r[] = {result("window", "window", 0, 1, 0.1, 2, 257),
                   result("full", "full", 6, 1, 1, 1, 257), result("m", "m", 2, 1, 0.4, 1.5, 257)};
    mas_report *report = make(r, 3);
    cr_assert_eq(mas_family_colour(report, 1), 0x000000u);
    cr_assert_neq(mas_family_colour(report, 0), mas_family_colour(report, 2));
    cr_assert_neq(mas_family_colour(report, 0), 0x000000u);
    cr_assert_eq(mas_report_series(report).count, 3);
    mas_report_free(report);
    drop(r, 3);
}

Test(report, quotes_cannot_leave_a_gnuplot_string)
{
    json_t *r[] = {result("it's `rm`", "it's `rm`", 6, 1, 1, 2, 257)};
    mas_report *report = make(r, 1);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mas_report_write_settings(report, out);
    fclose(out);
    cr_assert_not_null(strstr(text, "family_name[1] = 'it''s `rm`'"), "%s", text);
    free(text);
    mas_report_free(report);
    drop(r, 1);
}
