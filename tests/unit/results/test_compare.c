/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of a report, and its page when results are hostile. */
#include "harness/report/html.h"
#include "harness/results/json_build.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(compare, .timeout = 30);

#define SEGMENTS 8

/* A point of `full` layers among 6 whose segments of 10 tokens lose level + seed + segment / 10 a token. */
static json_t *result(const char *title, int full, int seed, double level, bool segments)
{
    json_t *nats = json_array();
    double sum = 0;
    for (int g = 0; g < SEGMENTS; g++) {
        const double part = 10 * (level + seed + g / 10.0);
        sum += part;
        (void)json_array_append_new(nats, json_real(part));
    }
    json_t *r = json_pack("{s:s,s:s,s:s,s:i,s:{s:s,s:{s:{s:s}}},s:{s:s,s:s,s:s,s:i,s:i},s:{s:{s:f}}"
                          ",s:{s:f,s:f,s:i},s:{s:s,s:i}}",
                          "title", title, "status", "ok", "experiment", "test", "seed", seed,
                          "point", "plan", title, "attention", "sparse", "variant", "window",
                          "plan", "label", title, "family", title, "letters", "SF<SSS", "layers", 6,
                          "full_layers", full, "cost", "attention", "relative", 0.02 + full / 6.0,
                          "quality", "loss", sum / (10 * SEGMENTS), "perplexity", 2.0, "tokens",
                          10 * SEGMENTS, "corpus", "tokenizer", "bytes", "vocab", 257);
    cr_assert_not_null(r);
    if (segments)
        mas_json_set(json_object_get(r, "quality"), "segments",
                     json_pack("{s:i,s:O}", "tokens_each", 10, "nats", nats));
    json_decref(nats);
    return r;
}

static mas_report *make(mas_result_set *set, mas_comparisons *comparisons)
{
    mas_report *report = NULL;
    mas_error err;
    cr_assert_eq(mas_report_make(set, &report, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_report_compare(report, comparisons, &err), MAS_OK, "%s", err.text);
    return report;
}

static void drop(mas_report *report, mas_comparisons *comparisons, json_t **results, size_t count)
{
    mas_comparisons_free(comparisons);
    mas_report_free(report);
    for (size_t i = 0; i < count; i++)
        json_decref(results[i]);
}

Test(compare, pairs_that_matter_and_a_difference_beyond_doubt)
{
    json_t *r[10];
    size_t n = 0;
    for (int seed = 1; seed <= 2; seed++) {
        r[n++] = result("full", 6, seed, 1, true);
        r[n++] = result("window", 0, seed, 1.5, true);
        r[n++] = result("2 bottom", 2, seed, 1.25, true);
        r[n++] = result("2 top", 2, seed, 1.25, true);
    }
    /* the titles are plan labels, so that nothing is left beside the plan */
    mas_result_set set = {.folder = (char *)"none", .count = n, .results = r};
    mas_comparisons c;
    mas_report *report = make(&set, &c);
    cr_assert_eq(c.count, 4); /* three with full, one at equal cost */
    for (size_t i = 0; i < c.count; i++) {
        cr_expect(c.item[i].by_segment);
        cr_expect_eq(c.item[i].paired.seeds, 2);
        cr_expect_eq(c.item[i].real, c.item[i].with_full, "comparison %zu: p %g", i,
                     c.item[i].p_corrected);
    }
    cr_expect_float_eq(c.item[0].paired.difference, 0.5, 1e-9); /* window: the seeds drop out */
    drop(report, &c, r, n);
}

Test(compare, equal_cost_is_compared_without_full_attention)
{
    json_t *r[] = {result("window 8", 0, 1, 1, true), result("block 16 own", 0, 1, 2, true),
                   result("2 full + window 8", 2, 1, 1, true), result("window 8", 0, 2, 1, true),
                   result("block 16 own", 0, 2, 2, true)};
    mas_result_set set = {.folder = (char *)"none", .count = 5, .results = r};
    mas_comparisons c;
    mas_report *report = make(&set, &c);
    cr_assert_eq(c.count, 1);
    cr_expect_float_eq(c.item[0].paired.difference, -1, 1e-9);
    drop(report, &c, r, 5);
}

Test(compare, older_results_rest_on_seeds_and_say_so)
{
    json_t *r[] = {result("full", 6, 1, 1, true), result("window", 0, 1, 2, false),
                   result("full", 6, 2, 1, true), result("window", 0, 2, 4, true),
                   result("window", 0, 3, 4, true)};
    mas_result_set set = {.folder = (char *)"none", .count = 5, .results = r};
    mas_comparisons c;
    mas_report *report = make(&set, &c);
    cr_assert_eq(c.count, 1);
    cr_expect_not(c.item[0].by_segment);
    cr_expect_eq(c.item[0].paired.seeds, 2); /* seed 3 has no partner */
    cr_expect_float_eq(c.item[0].paired.difference, 2, 1e-9);
    cr_expect_not(c.item[0].real);
    char text[768];
    mas_comparisons_note(&c, text, sizeof text);
    cr_expect_not_null(strstr(text, "seeds alone"));
    drop(report, &c, r, 5);
}

Test(compare, one_seed_is_undecided)
{
    json_t *r[] = {result("full", 6, 1, 1, true), result("window", 0, 1, 2, true)};
    mas_result_set set = {.folder = (char *)"none", .count = 2, .results = r};
    mas_comparisons c;
    mas_report *report = make(&set, &c);
    cr_assert_eq(c.count, 1);
    char text[768];
    mas_comparison_verdict(&c.item[0], text, sizeof text);
    cr_expect_eq(strncmp(text, "undecided", 9), 0);
    mas_comparisons_note(&c, text, sizeof text);
    cr_expect_not_null(strstr(text, "1 rest on one seed"));
    drop(report, &c, r, 2);
}

Test(compare, hostile_names_stay_text)
{
    const char *evil = "\"><script>alert('1')</script>|<img src=x onerror=a()>\n# no";
    json_t *r[] = {result("full", 6, 1, 1, true), result(evil, 0, 1, 2, true)};
    for (int i = 0; i < 2; i++) {
        mas_json_set_text(r[i], "experiment", evil);
        mas_json_set(
            r[i], "machine",
            json_pack("{s:s,s:s,s:s}", evil, evil, "device", evil, "git_commit", "'; rm -r x; '"));
    }
    mas_result_set set = {.folder = (char *)"none", .count = 2, .results = r};
    mas_comparisons c;
    mas_report *report = make(&set, &c);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mas_html_section(report, &c, out);
    fclose(out);
    cr_expect_null(strstr(text, "<script"));
    cr_expect_null(strstr(text, "<img"));
    cr_expect_not_null(strstr(text, "&lt;script&gt;"));
    cr_expect_not_null(strstr(text, "git checkout &#39;&#39;\\&#39;&#39;; rm -r x; "));
    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    mas_comparisons_markdown(report, &c, out);
    mas_report_markdown_points(report, out);
    fclose(out);
    cr_expect_null(strstr(text, "<script"));
    cr_expect_null(strstr(text, "<img"));
    cr_expect_null(strstr(text, "\n# no"));
    free(text);
    drop(report, &c, r, 2);
}
