/* SPDX-License-Identifier: Apache-2.0 */
/* A repeated result against its record: what counts, what may differ, and what makes the two not comparable;
 * points drawn from a seed. */
#include "harness/results/difference.h"
#include "harness/run/repeat.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(difference, .timeout = 30);

/* A result with its numbers, the parts that may change, and the machine. */
static json_t *result(void)
{
    json_t *json = json_loads(
        "{\"title\": \"full\", \"point\": {\"seed\": 1, \"training\": {\"checkpoint_seconds\": "
        "60}},"
        " \"quality\": {\"nats\": 1.5, \"segments\": {\"nats\": [0.5, 1.0]}},"
        " \"curve\": [{\"step\": 1, \"seconds\": 0.5}, {\"step\": 2, \"seconds\": 1.5}],"
        " \"training\": {\"resumed\": false, \"steps\": 2}, \"time\": {\"seconds\": 2.5},"
        " \"memory\": {\"weights_bytes\": 8, \"workspace_bytes\": 4},"
        " \"metrics\": {\"useful_gflops\": 1.0, \"useful_flops\": 100.0},"
        " \"limits\": {\"f32_flops\": 1e9}, \"samples\": {\"seconds\": [0.1]},"
        " \"corpus\": {\"hash\": \"aa\"},"
        " \"machine\": {\"isa\": \"avx2\", \"threads\": 2, \"git_commit\": \"1111\"}}",
        0, NULL);
    cr_assert_not_null(json);
    return json;
}

/* Set a value at "a.b" or "a.0.b"; consumes it. */
static void set(json_t *json, const char *path, json_t *value)
{
    char text[64], *rest = NULL;
    snprintf(text, sizeof text, "%s", path);
    const char *key = strtok_r(text, ".", &rest);
    for (const char *next; (next = strtok_r(NULL, ".", &rest)); key = next)
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
                                   : json_object_get(json, key);
    cr_assert_eq(json_is_array(json) ? json_array_set_new(json, (size_t)atoi(key), value)
                                     : json_object_set_new(json, key, value),
                 0);
}

static mas_result_comparison compared(json_t *recorded, json_t *now)
{
    mas_result_comparison c;
    mas_results_compare(recorded, now, &c);
    json_decref(recorded);
    json_decref(now);
    return c;
}

Test(difference, equal_results_are_the_same)
{
    const mas_result_comparison c = compared(result(), result());
    cr_expect_eq(c.verdict, MAS_RESULT_SAME);
    cr_expect_eq(c.differing, 0);
    cr_expect_gt(c.compared, 8);
    cr_expect_eq(c.conditions, 0);
}

Test(difference, times_may_differ)
{
    static const char *const paths[] = {"title",
                                        "time.seconds",
                                        "curve.1.seconds",
                                        "training.resumed",
                                        "metrics.useful_gflops",
                                        "limits.f32_flops",
                                        "samples.seconds",
                                        "machine.threads",
                                        "point.training.checkpoint_seconds"};
    json_t *now = result();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        set(now, paths[i], json_integer(77));
    const mas_result_comparison c = compared(result(), now);
    cr_expect_eq(c.verdict, MAS_RESULT_SAME, "%s", c.first[0].path);
}

Test(difference, numbers_may_not_and_are_named)
{
    static const struct {
        const char *set, *path;
    } cases[] = {{"quality.nats", "quality.nats"},
                 {"quality.segments.nats.1", "quality.segments.nats[1]"},
                 {"curve.0.step", "curve[0].step"},
                 {"training.steps", "training.steps"},
                 {"metrics.useful_flops", "metrics.useful_flops"},
                 {"memory.weights_bytes", "memory.weights_bytes"},
                 {"point.seed", "point.seed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *now = result();
        set(now, cases[i].set, json_integer(77));
        const mas_result_comparison c = compared(result(), now);
        cr_expect_eq(c.verdict, MAS_RESULT_DIFFERS, "%s", cases[i].path);
        cr_expect_eq(c.differing, 1);
        cr_expect_str_eq(c.first[0].path, cases[i].path);
        cr_expect_str_eq(c.first[0].now, "77");
    }
}

Test(difference, the_last_bit_counts)
{
    json_t *now = result();
    set(now, "quality.nats", json_real(1.5000000000000002));
    const mas_result_comparison c = compared(result(), now);
    cr_expect_eq(c.verdict, MAS_RESULT_DIFFERS);
    cr_expect_str_eq(c.first[0].recorded, "1.5");
    cr_expect_str_eq(c.first[0].now, "1.5000000000000002");
}

Test(difference, only_the_first_are_kept)
{
    json_t *now = result(), *recorded = result(), *a = json_array(), *b = json_array();
    for (int i = 0; i < 100; i++) {
        (void)json_array_append_new(a, json_integer(i));
        (void)json_array_append_new(b, json_integer(i + 1));
    }
    set(recorded, "training.step_losses", a);
    set(now, "training.step_losses", b);
    const mas_result_comparison c = compared(recorded, now);
    cr_expect_eq(c.differing, 100);
    cr_expect_eq(c.shown, MAS_DIFFERENCES_SHOWN);
}

Test(difference, other_conditions_make_it_not_comparable)
{
    static const char *const paths[] = {"machine.isa", "machine.git_commit", "corpus.hash"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        json_t *now = result();
        set(now, paths[i], json_string("other"));
        set(now, "quality.nats", json_real(2));
        const mas_result_comparison c = compared(result(), now);
        cr_expect_eq(c.verdict, MAS_RESULT_NOT_COMPARABLE, "%s", paths[i]);
        cr_assert_eq(c.conditions, 1);
        cr_expect_str_eq(c.condition[0].path, paths[i]);
        cr_expect_not_null(c.condition[0].why);
    }
}

Test(difference, equal_numbers_under_other_conditions_are_the_same)
{
    json_t *now = result();
    set(now, "machine.isa", json_string("avx512"));
    const mas_result_comparison c = compared(result(), now);
    cr_expect_eq(c.verdict, MAS_RESULT_SAME);
    cr_expect_eq(c.conditions, 1);
}

Test(difference, workspace_follows_the_threads_and_nothing_else)
{
    json_t *now = result();
    set(now, "memory.workspace_bytes", json_integer(77));
    cr_expect_eq(compared(result(), json_incref(now)).verdict, MAS_RESULT_DIFFERS);
    set(now, "machine.threads", json_integer(1));
    cr_expect_eq(compared(result(), now).verdict, MAS_RESULT_SAME);
}

Test(difference, a_hole_is_a_difference_unless_the_record_is_of_another_build)
{
    json_t *recorded = result();
    json_object_del(json_object_get(recorded, "quality"), "segments");
    mas_result_comparison c = compared(json_incref(recorded), result());
    cr_expect_eq(c.verdict, MAS_RESULT_DIFFERS);
    cr_expect_str_eq(c.first[0].path, "quality.segments");
    cr_expect_str_eq(c.first[0].recorded, "(not there)");
    set(recorded, "machine.git_commit", json_string("0000"));
    c = compared(recorded, result());
    cr_expect_eq(c.verdict, MAS_RESULT_SAME);
    cr_expect_eq(c.unrecorded, 1);

    json_t *now = result(); /* what the record has and the repetition lacks always counts */
    json_object_del(json_object_get(now, "quality"), "segments");
    set(now, "machine.git_commit", json_string("0000"));
    cr_expect_eq(compared(result(), now).verdict, MAS_RESULT_NOT_COMPARABLE);
}

Test(difference, exceptions_cover_what_they_name_and_no_more)
{
    json_t *r = result();
    static const char *const covered[] = {"time", "time.operations[3].calls", "curve[12].seconds"};
    static const char *const free_of_it[] = {"timer", "curve[1].seconds_more", "curve",
                                             "point.time"};
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        cr_expect_not_null(mas_result_exception(covered[i], r, r), "%s", covered[i]);
    for (size_t i = 0; i < sizeof free_of_it / sizeof *free_of_it; i++)
        cr_expect_null(mas_result_exception(free_of_it[i], r, r), "%s", free_of_it[i]);
    for (const mas_result_rule *rule = mas_result_exceptions; rule->path; rule++)
        cr_expect_not_null(rule->why);
    json_decref(r);
}

Test(difference, draws_are_seeded_distinct_and_fair)
{
    size_t seen[7] = {0}, picks[3], again[3];
    enum { DRAWS = 7000 };
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        mas_repeat_draw(seed, 7, picks, 3);
        mas_repeat_draw(seed, 7, again, 3);
        cr_expect_eq(memcmp(picks, again, sizeof picks), 0);
        cr_expect(picks[0] != picks[1] && picks[1] != picks[2] && picks[0] != picks[2]);
        for (int i = 0; i < 3; i++) {
            cr_assert_lt(picks[i], 7);
            seen[picks[i]]++;
        }
    }
    for (int i = 0; i < 7; i++) /* 3000 each are expected, with a deviation of 41 */
        cr_expect(seen[i] > 2800 && seen[i] < 3200, "%zu", seen[i]);
}
