/* SPDX-License-Identifier: Apache-2.0 */
/* Colours, lines and data of the charts. */
#include "harness/report/series.h"
#include "harness/results/json_build.h"
#include "made_up.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(charts, .timeout = 30);

static bool is_neutral(unsigned colour)
{
    return colour >> 16 == (colour & 0xffu) && (colour >> 8 & 0xffu) == (colour & 0xffu);
}

/* More families than there are colours, full attention in several of them. */
Test(charts, full_attention_is_black_or_grey_and_nothing_else_is)
{
    enum { COUNT = 40 };
    json_t *r[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char title[32];
        snprintf(title, sizeof title, "plan %d", i);
        r[i] = made_up_result(title, title, i % 9 == 2 ? 6 : 2, 1, 0.5, 2, 257);
    }
    mas_report *report = made_up_report(r, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const mas_style a = mas_family_style(report, i);
        cr_expect_eq(is_neutral(a.colour), i % 9 == 2, "family %zu is 0x%06x", i, a.colour);
        for (size_t j = 0; j < i; j++) {
            const mas_style b = mas_family_style(report, j);
            cr_expect(a.colour != b.colour || a.symbol != b.symbol, "%zu looks like %zu", i, j);
        }
    }
    cr_expect_eq(mas_family_style(report, 2).colour, 0x000000u);
    mas_report_free(report);
    made_up_drop(r, COUNT);
}

/* Each plan a family of its own, worse ones first; the front comes last. */
Test(charts, lines_are_the_front_then_the_best_of_families)
{
    enum { COUNT = 20, FRONT = 3 };
    json_t *r[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char title[32];
        const bool front = i >= COUNT - FRONT;
        snprintf(title, sizeof title, "plan %d", i);
        r[i] = made_up_result(title, title, 2, 1, front ? 0.1 * (i - COUNT + FRONT + 1) : 0.9,
                              front ? 4 - 0.1 * i : 5 - 0.01 * i, 257);
    }
    mas_report *report = made_up_report(r, COUNT);
    const mas_series series = mas_report_series(report);
    cr_assert_eq(series.count, MAS_SERIES_MAX);
    for (size_t i = 0; i < series.count; i++)
        cr_expect_eq(series.line[i].group, COUNT - MAS_SERIES_MAX + i, "line %zu is plan %zu", i,
                     series.line[i].group);
    mas_report_free(report);
    made_up_drop(r, COUNT);
}

/* A point whose source allows `full` nats, and `sparse` to windows of 16. */
static json_t *with_floors(const char *title, int length, double full, double sparse)
{
    json_t *r = made_up_result(title, title, 2, 1, 0.5, 3, 257);
    json_object_set_new(r, "floors",
                        json_pack("{s:i,s:f,s:f,s:i}", "length", length, "full_reach", full,
                                  "sparse_reach", sparse, "sparse_reach_tokens", 61));
    json_object_set_new(json_object_get(r, "plan"), "layer",
                        json_pack("[{s:b,s:s}]", "full", 0, "label", "window 16"));
    return r;
}

Test(charts, floors_say_for_which_length_they_hold)
{
    json_t *r[] = {with_floors("a", 64, 2.1, 2.5), with_floors("b", 64, 2.1, 2.5),
                   with_floors("c", 128, 2, 3), with_floors("d", 64, 1.5, 2.5)};
    mas_report *report = made_up_report(r, 2); /* one length */
    cr_assert_eq(report->floor_count, 2);
    cr_expect_str_eq(report->floors[0].text, "entropy floor, full reach");
    cr_expect_str_eq(report->floors[1].text, "entropy floor, window 16");
    mas_report_free(report);
    report = made_up_report(r, 3);
    cr_assert_eq(report->floor_count, 4);
    cr_expect_str_eq(report->floors[0].text, "entropy floor, full reach, length 64");
    cr_expect_str_eq(report->floors[3].text, "entropy floor, window 16, length 128");
    cr_expect_float_eq(report->floors[3].nats, 3, 1e-12);
    mas_report_free(report);
    report = made_up_report(r, 4); /* two sources: no name tells which floor is whose */
    cr_expect_eq(report->floor_count, 0);
    mas_report_free(report);
    made_up_drop(r, 4);
}

/* A finished point whose layers are `letters`, of `length`, with what it takes. */
static json_t *planned(const char *title, const char *letters, int seed, double loss, int length,
                       double cache)
{
    int full = 0;
    json_t *layers = json_array();
    for (const char *c = letters; *c; c++) {
        full += *c == 'F';
        (void)json_array_append_new(
            layers, json_pack("{s:b,s:s}", "full", *c == 'F', "label", *c == 'F' ? "full" : "w"));
    }
    char label[MAS_TITLE_MAX];
    snprintf(label, sizeof label, "%.*s", (int)strcspn(title, ","), title);
    json_t *r = made_up_result(title, title, full, seed, 0.5, loss, 257),
           *plan = json_object_get(r, "plan");
    mas_json_set_text(plan, "label", label);
    mas_json_set_text(plan, "letters", letters);
    mas_json_set(plan, "layer", layers);
    mas_json_set_int(plan, "layers", (int64_t)strlen(letters));
    mas_json_set_int(plan, "length", length);
    mas_json_set_number(json_object_get(r, "cost"), "kv_cache_bytes", cache);
    mas_json_set(r, "memory",
                 json_pack("{s:i,s:i,s:i}", "total_bytes", 3000 + length, "weights_bytes", 3000,
                           "activations_bytes", length));
    return r;
}

Test(charts, placements_are_rows_best_first_with_a_cell_a_layer)
{
    json_t *r[] = {planned("bottom", "FS", 1, log(4), 64, 1),
                   planned("top", "SF", 1, log(2), 64, 1), planned("top", "SF", 2, log(3), 64, 1),
                   planned("none", "SS", 1, log(5), 64, 1)};
    mas_report *report = made_up_report(r, 4);
    cr_expect(mas_report_has_placements(report));
    char *text = written(report, mas_report_write_placements);
    cr_expect_not_null(strstr(text, "\n1\t0\t0\t2.5\n1\t1\t1\t2.5\n2\t0\t1\t4\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n1\t2.5\t2\t3\t2\ttop\t3\n2\t4\t4\t4\t1\tbottom\t3\n3\t5"),
                       "%s", text);
    free(text);
    mas_report_free(report);
    report = made_up_report(r + 1, 3); /* one placement, and none: nothing to compare */
    cr_expect_not(mas_report_has_placements(report));
    mas_report_free(report);
    made_up_drop(r, 4);
}

Test(charts, memory_is_drawn_over_lengths_and_equal_lines_once)
{
    json_t *r[] = {planned("full, seq_len 64", "FF", 1, 1, 64, 640),
                   planned("full, seq_len 128", "FF", 1, 1, 128, 1280),
                   planned("bottom, seq_len 128", "FS", 1, 1, 128, 700),
                   planned("bottom, seq_len 64", "FS", 1, 1, 64, 350),
                   planned("top, seq_len 64", "SF", 1, 1, 64, 350),
                   planned("top, seq_len 128", "SF", 1, 1, 128, 700)};
    mas_report *report = made_up_report(r, 6);
    cr_assert(mas_report_has_lengths(report));
    char *text = written(report, mas_report_write_memory);
    cr_expect_not_null(strstr(text, "\n64\t3064\t3000\tNaN\tNaN\t64\tNaN\tNaN\n128\t3128\t3000"),
                       "%s", text);
    cr_expect_not_null(strstr(text, ": full\n64\t640\n128\t1280\n\n\n"), "%s", text);
    cr_expect_not_null(strstr(text, ", +1 alike\n64\t350\n128\t700\n"), "%s", text);
    free(text);
    text = written(report, mas_report_write_settings);
    cr_expect_not_null(strstr(text, "memory_lines = 2\n"), "%s", text);
    cr_expect_not_null(strstr(text, "memory_longest = 128\ncache_low = 350\ncache_high = 1280\n"),
                       "%s", text);
    free(text);
    mas_report_free(report);
    json_t *one[] = {r[0], r[4]};
    report = made_up_report(one, 2);
    cr_expect_not(mas_report_has_lengths(report));
    mas_report_free(report);
    made_up_drop(r, 6);
}

/* Scored at that context; the quality is exp of the loss. */
static json_t *read_at(const char *title, int64_t seed, double perplexity, int64_t length,
                       int64_t context)
{
    json_t *r = planned(title, "FF", seed, log(perplexity), length, 1);
    mas_json_set_int(json_object_get(r, "quality"), "context", context);
    return r;
}

Test(charts, contexts_of_evaluation_are_a_line_a_plan_and_length)
{
    json_t *r[] = {read_at("full, seq_len 64, context 128", 1, 8, 64, 128),
                   read_at("full, seq_len 64, context 64", 1, 2, 64, 64),
                   read_at("full, seq_len 64, context 64", 2, 4, 64, 64),
                   read_at("other, seq_len 64, context 64", 1, 5, 64, 64),
                   read_at("full, seq_len 128, context 64", 1, 6, 128, 64)};
    mas_report *report = made_up_report(r, 5);
    cr_assert(mas_report_has_contexts(report));
    char *text = written(report, mas_report_write_contexts);
    cr_expect_not_null(strstr(text, ": full, seq_len 64\n64\t3\t2\t4\t2\n128\t8\t8\t8\t1\n"), "%s",
                       text);
    free(text);
    text = written(report, mas_report_write_settings);
    cr_expect_not_null(strstr(text, "context_lines = 3\n"), "%s", text);
    cr_expect_not_null(strstr(text, "context_plan[1] = 1; context_length[1] = 1;"), "%s", text);
    cr_expect_not_null(strstr(text, "context_plan[2] = 2; context_length[2] = 1;"), "%s", text);
    cr_expect_not_null(strstr(text, "context_plan[3] = 1; context_length[3] = 2;"), "%s", text);
    cr_expect_not_null(strstr(text, "context_longest = 128\n"), "%s", text);
    free(text);
    mas_report_free(report);
    report = made_up_report(r + 1, 4); /* one context: nothing to compare */
    cr_expect_not(mas_report_has_contexts(report));
    mas_report_free(report);
    made_up_drop(r, 5);
}
