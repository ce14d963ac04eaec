/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/compare.h"
#include "harness/report/gnuplot.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "made_up.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(report, .timeout = 30);

static char *table(const mas_report *report, mas_table_format format)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mas_report_table(report, format, out);
    fclose(out);
    return text;
}

Test(report, seeds_are_one_group_with_mean_and_extremes)
{
    json_t *r[] = {made_up_result("window 32, seed 1", "window 32", 0, 1, 0.1, log(4), 257),
                   made_up_result("window 32, seed 2", "window 32", 0, 2, 0.1, log(5), 257),
                   made_up_result("full, seed 1", "full", 6, 1, 1, log(3), 257)};
    mas_report *report = made_up_report(r, 3);
    cr_assert_eq(report->group_count, 2);
    cr_assert_eq(report->groups[0].seeds, 2);
    cr_assert_float_eq(report->groups[0].quality, 4.5, 1e-12);
    cr_assert_float_eq(report->groups[0].quality_low, 4, 1e-12);
    cr_assert_float_eq(report->groups[0].quality_high, 5, 1e-12);
    cr_assert_str_eq(report->groups[0].title, "window 32");
    cr_assert_eq(report->family_count, 2);
    mas_report_free(report);
    made_up_drop(r, 3);
}

Test(report, seeds_of_two_texts_are_two_groups)
{
    json_t *r[] = {made_up_result("full, seed 1", "full", 6, 1, 1, log(4), 257),
                   made_up_result("full, seed 2", "full", 6, 2, 1, log(5), 257)};
    for (size_t i = 0; i < 2; i++)
        mas_json_set_text(json_object_get(r[i], "corpus"), "hash", i == 0 ? "one" : "two");
    mas_report *report = made_up_report(r, 2);
    cr_assert_eq(report->group_count, 2);
    mas_report_free(report);
    made_up_drop(r, 2);
}

Test(report, the_front_holds_what_nothing_beats)
{
    json_t *r[] = {made_up_result("full", "full", 6, 1, 1, log(3), 257),
                   made_up_result("window", "window", 0, 1, 0.1, log(5), 257),
                   made_up_result("a", "a", 1, 1, 0.3, log(4), 257),
                   made_up_result("b", "b", 1, 1, 0.3, log(4.5), 257),
                   made_up_result("c", "c", 2, 1, 0.5, log(4.2), 257)};
    mas_report *report = made_up_report(r, 5);
    const bool expected[] = {true, true, true, false, false};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(report->groups[i].on_front, expected[i], "group %zu", i);
    mas_report_free(report);
    made_up_drop(r, 5);
}

/* One line a value, named by the first mask that has it; the same reach may have two. */
Test(report, floors_are_told_apart_by_what_they_are)
{
    static const struct {
        const char *label;
        double nats;
        int reach;
    } sparse[] = {{"window 16", 3, 64},
                  {"window 16 + 4 sinks", 3, 64},
                  {"block 64 own", 3.7, 64},
                  {"window 64", 2, 128},
                  {"window 17", 3 + 1e-15, 65}};
    enum { COUNT = sizeof sparse / sizeof *sparse };
    json_t *r[COUNT];
    for (int i = 0; i < COUNT; i++) {
        r[i] = made_up_result(sparse[i].label, sparse[i].label, 1, 1, 0.1 * (i + 1), 3.9, 257);
        json_object_set_new(json_object_get(r[i], "plan"), "layer",
                            json_pack("[{s:b,s:s},{s:b,s:s}]", "full", 1, "label", "full", "full",
                                      0, "label", sparse[i].label));
        json_object_set_new(r[i], "floors",
                            json_pack("{s:f,s:f,s:i}", "full_reach", 2.0, "sparse_reach",
                                      sparse[i].nats, "sparse_reach_tokens", sparse[i].reach));
    }
    mas_report *report = made_up_report(r, COUNT);
    cr_assert_eq(report->floor_count, 3);
    cr_assert_str_eq(report->floors[0].text, "entropy floor, full reach");
    cr_assert_str_eq(report->floors[1].text, "entropy floor, window 16");
    cr_assert_str_eq(report->floors[2].text, "entropy floor, block 64 own");
    cr_assert_float_eq(report->floors[2].nats, 3.7, 1e-12);
    mas_report_free(report);
    made_up_drop(r, COUNT);
}

Test(report, tables_agree_in_all_forms)
{
    json_t *r[] = {
        made_up_result("2 full of 6 (bottom) + window 32", "w", 2, 1, 0.373, log(4.25), 257),
        json_pack("{s:i,s:s,s:s,s:s,s:s,s:i}", "schema", 1, "id", "00000000000000ff", "title",
                  "full", "status", "out_of_memory", "error", "too large", "seed", 1)};
    mas_report *report = made_up_report(r, 2);
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
    made_up_drop(r, 2);
}

Test(report, perplexities_of_different_vocabularies_are_not_compared)
{
    json_t *r[] = {made_up_result("a", "a", 6, 1, 1, 2, 257),
                   made_up_result("b", "b", 6, 1, 1, 3, 50257)};
    mas_report *report = made_up_report(r, 2);
    cr_assert(report->vocabularies_differ);
    cr_assert_float_eq(report->groups[0].quality, 2 / log(2), 1e-12);
    char *text = table(report, MAS_TABLE_TERMINAL);
    cr_assert_not_null(strstr(text, "not comparable"));
    free(text);
    mas_report_free(report);
    made_up_drop(r, 2);
}

/* Equally large, but learned from other documents. */
Test(report, perplexities_of_different_learned_vocabularies_are_not_compared)
{
    static const char *const hashes[] = {"0d0593fca1acb612", "2b170496ded3a4f2"};
    for (int other = 0; other < 2; other++) {
        json_t *r[] = {made_up_result("a", "a", 6, 1, 1, 2, 1024),
                       made_up_result("b", "b", 6, 1, 1, 3, 1024)};
        for (int i = 0; i < 2; i++)
            json_object_set_new(json_object_get(r[i], "corpus"), "tokenizer_hash",
                                json_string(hashes[i * other]));
        mas_report *report = made_up_report(r, 2);
        cr_assert_eq(report->vocabularies_differ, other == 1);
        mas_report_free(report);
        made_up_drop(r, 2);
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

Test(report, captions_say_what_each_point_was_trained_on)
{
    json_t *r[] = {made_up_result("a, seed 1", "a", 6, 1, 1, 2, 257),
                   made_up_result("a, seed 2", "a", 6, 2, 1, 2, 257)};
    const struct {
        double tokens[2], base;
        const char *text;
    } cases[] = {
        {{2e6, 2e6}, 0, ", 2 M training tokens a point."},
        {{1.3e8, 1.3e8}, 0, ", 130 M training tokens a point."},
        {{65536, 1e6}, 0, ", 0.066 to 1 M training tokens a point."},
        {{65536, 1e6}, 1e7, ", 0.066 to 1 M training tokens a point after a base of 10 M."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            json_object_set_new(r[k], "training", json_pack("{s:f}", "tokens", cases[i].tokens[k]));
            if (cases[i].base > 0)
                json_object_set_new(json_object_get(r[k], "point"), "training",
                                    json_pack("{s:{s:f}}", "from", "tokens", cases[i].base));
        }
        mas_report *report = made_up_report(r, 2);
        char *text = written(report, mas_report_write_settings);
        cr_expect_not_null(strstr(text, cases[i].text), "%s in %s", cases[i].text, text);
        cr_expect_not_null(strstr(text, "\nseeds = 2\n"), "%s", text);
        free(text);
        mas_report_free(report);
    }
    made_up_drop(r, 2);
}

Test(report, captions_name_every_commit_or_their_number)
{
    static const char *const texts[] = {", commit aaaaaaaaaaaa; ",
                                        ", commits aaaaaaaaaaaa, bbbbbbbbbbbb; ",
                                        ", commits aaaaaaaaaaaa, bbbbbbbbbbbb and 2 more; "};
    static const char *const commits[] = {"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb",
                                          "cccccccccccccccc", "dddddddddddddddd",
                                          "aaaaaaaaaaaaaaaa"};
    static const size_t counts[] = {1, 2, 5};
    json_t *r[5];
    for (int i = 0; i < 5; i++) {
        char title[16];
        snprintf(title, sizeof title, "plan %d", i);
        r[i] = made_up_result(title, title, 2, 1, 0.5, 2, 257);
        json_object_set_new(r[i], "machine", json_pack("{s:s}", "git_commit", commits[i]));
        mas_json_set_number(json_object_get(r[i], "cost"), "parameters", 1.3e8);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        mas_report *report = made_up_report(r, counts[i]);
        char *text = written(report, mas_report_write_settings);
        cr_expect_not_null(strstr(text, texts[i]), "%s in %s", texts[i], text);
        cr_expect_not_null(strstr(text, "; 130 M parameters"), "%s", text);
        free(text);
        mas_report_free(report);
    }
    made_up_drop(r, 5);
}

/* The key beside a plot has room for 85 characters of the smallest size. */
Test(report, names_too_long_for_the_key_lose_their_middle)
{
    char *text = NULL, name[121];
    size_t size;
    memset(name, 'a', 60);
    memset(name + 60, 'b', 60);
    name[120] = '\0';
    FILE *out = open_memstream(&text, &size);
    mas_gnuplot_name(out, name, MAS_KEY_ROOM);
    fputc('\n', out);
    mas_gnuplot_name(out, "it's", MAS_KEY_ROOM);
    fclose(out);
    cr_expect_str_eq(text, "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.'...'."
                           "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'\n'it''s'");
    free(text);
    cr_expect_eq(mas_gnuplot_font(0, MAS_KEY_ROOM, 11), 11);
    cr_expect_eq(mas_gnuplot_font(39, MAS_KEY_ROOM, 11), 11);
    cr_expect_eq(mas_gnuplot_font(60, MAS_KEY_ROOM, 11), 7);
    cr_expect_eq(mas_gnuplot_font(1000, MAS_KEY_ROOM, 11), MAS_FONT_MIN);
}

Test(report, quotes_cannot_leave_a_gnuplot_string)
{
    json_t *r[] = {made_up_result("it's `rm`", "it's `rm`", 6, 1, 1, 2, 257)};
    mas_report *report = made_up_report(r, 1);
    char *text = written(report, mas_report_write_settings);
    cr_assert_not_null(strstr(text, "family_name[1] = 'it''s `rm`'"), "%s", text);
    free(text);
    mas_report_free(report);
    made_up_drop(r, 1);
}

Test(report, parts_of_titles_are_left_out_by_whole_words)
{
    static const char *const words[] = {"seed", "seq_len", NULL};
    const struct {
        const char *label, *title, *text;
    } cases[] = {
        {"full", "full, seq_len 128, seed 3, seeds 2", "full, seeds 2"},
        {"1 full of 4 (random, seed 7) + window 16",
         "1 full of 4 (random, seed 7) + window 16, seed 3, dtype f32",
         "1 full of 4 (random, seed 7) + window 16, dtype f32"},
        {"2 full of 4 (layers 0, 3) + window 16", "2 full of 4 (layers 0, 3) + window 16, seed 1",
         "2 full of 4 (layers 0, 3) + window 16"},
        {"full", "full, paths [a, seed b], seed 1", "full, paths [a, seed b]"},
        {"", "no label, seed 1", "no label"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        json_t *r = json_pack("{s:{s:s}}", "plan", "label", cases[i].label);
        mas_report_title_without(r, cases[i].title, words, text, sizeof text);
        cr_expect_str_eq(text, cases[i].text);
        json_decref(r);
    }
}

/* Placements drawn from different seeds are different plans, of one family. */
Test(report, random_placements_keep_their_names)
{
    json_t *r[6];
    for (int i = 0; i < 4; i++) {
        char label[64], title[80];
        snprintf(label, sizeof label, "1 full of 6 (random, seed %d) + window 16", 7 + i / 2);
        snprintf(title, sizeof title, "%s, seed %d", label, 1 + i % 2);
        r[i] = made_up_result(title, "MASFormer + window 16, random", 1, 1 + i % 2, 0.3, 2, 257);
        mas_json_set_text(json_object_get(r[i], "plan"), "label", label);
        mas_json_set_text(json_object_get(r[i], "point"), "plan", label);
    }
    r[4] = made_up_result("full, seed 1", "full", 6, 1, 1, 2, 257);
    r[5] = made_up_result("full, seed 2", "full", 6, 2, 1, 2, 257);
    mas_report *report = made_up_report(r, 6);
    cr_assert_eq(report->group_count, 3);
    cr_expect_str_eq(report->groups[0].title, "1 full of 6 (random, seed 7) + window 16");
    cr_expect_str_eq(report->groups[1].title, "1 full of 6 (random, seed 8) + window 16");
    cr_expect_eq(report->family_count, 2);
    cr_expect_str_eq(report->groups[0].family, "MASFormer + window 16, random");
    mas_comparisons all;
    cr_assert_eq(mas_report_compare(report, &all, NULL), MAS_OK);
    cr_expect_eq(all.count, 3, "each with full attention, and one with the other");
    mas_comparisons_free(&all);
    mas_report_free(report);
    made_up_drop(r, 6);
}

Test(report, a_caption_names_what_computed)
{
    json_t *machine = json_pack("{s:s, s:s, s:i, s:s, s:s}", "cpu", "Some Processor", "isa", "avx2",
                                "threads", 4, "device", "cpu", "gpu", "Some GPU, 80 GiB");
    char text[64];
    mas_machine_text(machine, text, sizeof text);
    cr_assert_str_eq(text, "Some Processor, avx2, 4 threads");
    json_object_set_new(machine, "threads", json_integer(1));
    mas_machine_text(machine, text, sizeof text);
    cr_assert_str_eq(text, "Some Processor, avx2, 1 thread");
    json_object_set_new(machine, "device", json_string("cuda"));
    mas_machine_text(machine, text, sizeof text);
    cr_assert_str_eq(text, "Some GPU, 80 GiB");
    json_decref(machine);
}
