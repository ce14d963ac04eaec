/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/report.h"
#include "harness/report/series.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"

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

static char *settings(const mas_report *report)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mas_report_write_settings(report, out);
    fclose(out);
    return text;
}

Test(report, captions_say_what_each_point_was_trained_on)
{
    json_t *r[] = {result("a, seed 1", "a", 6, 1, 1, 2, 257),
                   result("a, seed 2", "a", 6, 2, 1, 2, 257)};
    const struct {
        double tokens[2], base;
        const char *text;
    } cases[] = {
        {{2e6, 2e6}, 0, ", 2 M training tokens a point."},
        {{65536, 1e6}, 0, ", 0.066 to 1 M training tokens a point."},
        {{65536, 1e6}, 1e7, ", 0.066 to 1 M training tokens a point after a base of 10 M."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            json_object_set_new(r[k], "training", json_pack("{s:f}", "tokens", cases[i].tokens[k]));
            if (cases[i].base > 0)
                json_object_set_new(json_object_get(r[k], "point"), "training",
                                    json_pack("{s:{s:f}}", "from", "tokens", cases[i].base));
        }
        mas_report *report = make(r, 2);
        char *text = settings(report);
        cr_expect_not_null(strstr(text, cases[i].text), "%s in %s", cases[i].text, text);
        cr_expect_not_null(strstr(text, "'Mean and extremes of 2 seeds. "), "%s", text);
        free(text);
        mas_report_free(report);
    }
    drop(r, 2);
}

Test(report, quotes_cannot_leave_a_gnuplot_string)
{
    json_t *r[] = {result("it's `rm`", "it's `rm`", 6, 1, 1, 2, 257)};
    mas_report *report = make(r, 1);
    char *text = settings(report);
    cr_assert_not_null(strstr(text, "family_name[1] = 'it''s `rm`'"), "%s", text);
    free(text);
    mas_report_free(report);
    drop(r, 1);
}

Test(report, names_of_lines_hide_no_points_and_no_other_name)
{
    /* the left end below the line hides a point; the second line is the first one again */
    const mas_label points[] = {{.x = 0.1, .y = 0.45}};
    mas_line_name names[] = {{.y = 0.5, .width = 0.3, .height = 0.08},
                             {.y = 0.5, .width = 0.3, .height = 0.08},
                             {.y = 0.02, .width = 0.3, .height = 0.08}};
    mas_line_names_place(names, 3, points, 1);
    cr_expect(names[0].right && !names[0].above);
    cr_expect(!names[1].right && names[1].above);
    cr_expect(names[2].above); /* below it the plot ends */
}

Test(report, parts_of_titles_are_left_out_by_whole_words)
{
    static const char *const words[] = {"seed", "seq_len", NULL};
    char text[64];
    mas_report_title_without("full, seq_len 128, seed 3, seeds 2", words, text, sizeof text);
    cr_expect_str_eq(text, "full, seeds 2");
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
    json_t *r = result(title, title, full, seed, 0.5, loss, 257),
           *plan = json_object_get(r, "plan");
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

static char *written(const mas_report *report, void (*write)(const mas_report *, FILE *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(report, out);
    fclose(out);
    return text;
}

Test(report, placements_are_rows_best_first_with_a_cell_a_layer)
{
    json_t *r[] = {planned("bottom", "FS", 1, log(4), 64, 1),
                   planned("top", "SF", 1, log(2), 64, 1), planned("top", "SF", 2, log(3), 64, 1),
                   planned("none", "SS", 1, log(5), 64, 1)};
    mas_report *report = make(r, 4);
    cr_expect(mas_report_has_placements(report));
    char *text = written(report, mas_report_write_placements);
    cr_expect_not_null(strstr(text, "\n1\t1\t0\t2.5\n1\t2\t1\t2.5\n2\t1\t1\t4\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n1\t2.5\t2\t3\t2\ttop\t3\n2\t4\t4\t4\t1\tbottom\t3\n3\t5"),
                       "%s", text);
    free(text);
    mas_report_free(report);
    report = make(r + 1, 3); /* one placement, and none: nothing to compare */
    cr_expect_not(mas_report_has_placements(report));
    mas_report_free(report);
    drop(r, 4);
}

Test(report, memory_is_drawn_over_lengths_and_equal_lines_once)
{
    json_t *r[] = {planned("full, seq_len 64", "FF", 1, 1, 64, 640),
                   planned("full, seq_len 128", "FF", 1, 1, 128, 1280),
                   planned("bottom, seq_len 128", "FS", 1, 1, 128, 700),
                   planned("bottom, seq_len 64", "FS", 1, 1, 64, 350),
                   planned("top, seq_len 64", "SF", 1, 1, 64, 350),
                   planned("top, seq_len 128", "SF", 1, 1, 128, 700)};
    mas_report *report = make(r, 6);
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
    report = make(one, 2);
    cr_expect_not(mas_report_has_lengths(report));
    mas_report_free(report);
    drop(r, 6);
}

/* Scored at that context; the quality is exp of the loss. */
static json_t *read_at(const char *title, int64_t seed, double perplexity, int64_t length,
                       int64_t context)
{
    json_t *r = planned(title, "FF", seed, log(perplexity), length, 1);
    mas_json_set_int(json_object_get(r, "quality"), "context", context);
    return r;
}

Test(report, contexts_of_evaluation_are_a_line_a_plan_and_length)
{
    json_t *r[] = {read_at("full, seq_len 64, context 128", 1, 8, 64, 128),
                   read_at("full, seq_len 64, context 64", 1, 2, 64, 64),
                   read_at("full, seq_len 64, context 64", 2, 4, 64, 64),
                   read_at("other, seq_len 64, context 64", 1, 5, 64, 64),
                   read_at("full, seq_len 128, context 64", 1, 6, 128, 64)};
    mas_report *report = make(r, 5);
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
    report = make(r + 1, 4); /* one context: nothing to compare */
    cr_expect_not(mas_report_has_contexts(report));
    mas_report_free(report);
    drop(r, 5);
}

Test(report, a_caption_names_what_computed)
{
    json_t *machine = json_pack("{s:s, s:s, s:i, s:s, s:s}", "cpu", "Some Processor", "isa", "avx2",
                                "threads", 4, "device", "cpu", "gpu", "Some GPU, 80 GiB");
    char text[64];
    mas_machine_text(machine, text, sizeof text);
    cr_assert_str_eq(text, "Some Processor, avx2, 4 threads");
    json_object_set_new(machine, "device", json_string("cuda"));
    mas_machine_text(machine, text, sizeof text);
    cr_assert_str_eq(text, "Some GPU, 80 GiB");
    json_decref(machine);
}
