/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on drawn and hostile results: it must neither cry wolf nor sleep. */
#include "harness/gate/gate.h"
#include "harness/results/json_build.h"
#include "masbench/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gate, .timeout = 120);

enum { KERNELS = 5, SAMPLES = 20 };

/* ---- results made up ---- */

static json_t *result_of(int kernel, const double *seconds, size_t count)
{
    char id[17], title[64];
    snprintf(id, sizeof id, "%016x", kernel + 1);
    snprintf(title, sizeof title, "kernel %d", kernel);
    json_t *samples = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(samples, json_real(seconds[i]));
    return json_pack("{s:i, s:s, s:s, s:s, s:{s:i}, s:[{s:s}], s:{s:i, s:i, s:i}, s:{s:o}, "
                     "s:{s:s, s:s, s:i, s:i, s:s, s:s, s:i}}",
                     "schema", MAS_RESULT_SCHEMA, "id", id, "title", title, "status", "ok", "point",
                     "length", 64, "layer", "kernel", "attn_forward/flash/test", "metrics",
                     "visited_tiles", 10, "workspace_bytes", 4096, "working_set_bytes", 1000,
                     "samples", "seconds", samples, "machine", "cpu", "a", "isa", "b", "cores", 2,
                     "threads", 1, "device", "cuda", "gpu", "H100", "cache_bytes", 2000);
}

static mas_result_set *set_of(double seconds[KERNELS][SAMPLES])
{
    mas_result_set *set = calloc(1, sizeof *set);
    set->folder = strdup("made up");
    set->results = calloc(KERNELS, sizeof *set->results);
    for (int k = 0; k < KERNELS; k++)
        set->results[set->count++] = result_of(k, seconds[k], SAMPLES);
    return set;
}

/* 5 % spread, skewed, two outliers at three times the rest. */
static void draw(mas_rng *rng, double scale, double out[SAMPLES])
{
    for (int i = 0; i < SAMPLES; i++)
        out[i] = 1e-3 * scale * exp(0.05 * fabs(mas_rng_normal(rng))) * (i == 7 || i == 13 ? 3 : 1);
}

static mas_gate *compare_with(const mas_result_set *a, const mas_result_set *b,
                              mas_gate_rules rules)
{
    mas_gate *gate;
    mas_error err;
    cr_assert_eq(mas_gate_create("a", "b", &gate, &err), MAS_OK);
    cr_assert_eq(mas_gate_results(gate, a, b, &rules, &err), MAS_OK, "%s", err.text);
    return gate;
}

static mas_gate *compare(const mas_result_set *a, const mas_result_set *b)
{
    return compare_with(a, b, mas_gate_rules_default());
}

static int draws_slower(double scale, int only)
{
    mas_rng rng = mas_rng_seed(12, (uint64_t)(only + 2));
    int slower = 0;
    for (int n = 0; n < 1000; n++) {
        double before[KERNELS][SAMPLES], after[KERNELS][SAMPLES];
        for (int k = 0; k < KERNELS; k++) {
            draw(&rng, 1, before[k]);
            draw(&rng, only < 0 || k == only ? scale : 1, after[k]);
        }
        mas_result_set *a = set_of(before), *b = set_of(after);
        mas_gate *gate = compare(a, b);
        bool right = gate->overall == MAS_VERDICT_SLOWER;
        for (int k = 0; only >= 0 && k < KERNELS; k++)
            right = right && (gate->rows[k].verdict == MAS_VERDICT_SLOWER) == (k == only);
        slower += right;
        mas_gate_free(gate);
        mas_results_free(a);
        mas_results_free(b);
    }
    return slower;
}

Test(gate, one_distribution_is_called_slower_in_at_most_one_draw_of_a_hundred)
{
    const int slower = draws_slower(1, -1);
    cr_expect_leq(slower, 10, "%d of 1000", slower);
}

Test(gate, ten_percent_are_caught_in_95_of_100_draws)
{
    const int slower = draws_slower(1.1, -1);
    cr_expect_geq(slower, 950, "%d of 1000", slower);
}

Test(gate, one_slower_kernel_of_five_fails_and_is_named)
{
    const int slower = draws_slower(1.2, 3);
    cr_expect_geq(slower, 950, "%d of 1000", slower);
}

/* ---- one pair of results, changed in one way ---- */

typedef struct sides {
    mas_result_set *a, *b;
} sides;

static sides equal_sides(void)
{
    mas_rng rng = mas_rng_seed(5, 5);
    double seconds[KERNELS][SAMPLES];
    for (int k = 0; k < KERNELS; k++)
        draw(&rng, 1, seconds[k]);
    return (sides){set_of(seconds), set_of(seconds)};
}

static void free_sides(sides *s)
{
    mas_results_free(s->a);
    mas_results_free(s->b);
}

static json_t *part(mas_result_set *set, int kernel, const char *key)
{
    return json_object_get(set->results[kernel], key);
}

Test(gate, equal_results_are_the_same)
{
    sides s = equal_sides();
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_SAME);
    cr_expect_null(gate->notes);
    cr_expect_str_eq(gate->rows[0].kernel, "attn_forward/flash/test");
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, one_spike_passes)
{
    sides s = equal_sides();
    json_t *seconds = json_object_get(part(s.b, 2, "samples"), "seconds");
    json_array_set_new(seconds, 4, json_real(5 * json_number_value(json_array_get(seconds, 4))));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_SAME);
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, a_lacking_kernel_is_missing_and_named)
{
    sides s = equal_sides();
    json_decref(s.b->results[--s.b->count]);
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_MISSING);
    cr_expect_eq(gate->rows[4].verdict, MAS_VERDICT_MISSING);
    cr_expect_str_eq(gate->rows[4].title, "kernel 4");
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, a_failed_kernel_is_missing_with_its_reason)
{
    sides s = equal_sides();
    json_object_set_new(s.b->results[1], "status", json_string("wrong"));
    json_object_set_new(s.b->results[1], "error", json_string("row 3 differs"));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_MISSING);
    cr_expect_str_eq(gate->rows[1].reason, "wrong: row 3 differs");
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, other_hardware_is_refused_unless_asked_for)
{
    sides s = equal_sides();
    for (int k = 0; k < KERNELS; k++)
        json_object_set_new(part(s.b, k, "machine"), "gpu", json_string("A100"));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_NOT_COMPARABLE);
    cr_expect_not_null(strstr(gate->reason, "gpu: H100 -> A100"), "%s", gate->reason);
    mas_gate_free(gate);
    mas_gate_rules rules = mas_gate_rules_default();
    rules.any_machine = true;
    gate = compare_with(s.a, s.b, rules);
    cr_expect_eq(gate->overall, MAS_VERDICT_SAME);
    cr_expect_not_null(strstr(gate->notes, "gpu: H100 -> A100"));
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, other_settings_under_one_title_are_refused)
{
    sides s = equal_sides();
    json_object_set_new(s.b->results[0], "id", json_string("ffffffffffffffff"));
    json_object_set_new(part(s.b, 0, "point"), "length", json_integer(128));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_NOT_COMPARABLE);
    cr_expect_not_null(strstr(gate->reason, "length: 64 -> 128"), "%s", gate->reason);
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, counted_work_must_not_change)
{
    static const char *const keys[] = {"visited_tiles", "workspace_bytes"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        sides s = equal_sides();
        json_object_set_new(part(s.b, 3, "metrics"), keys[i], json_integer(11));
        mas_gate *gate = compare(s.a, s.b);
        cr_expect_eq(gate->overall, MAS_VERDICT_CHANGED);
        cr_expect_eq(gate->rows[3].verdict, MAS_VERDICT_CHANGED);
        cr_expect_not_null(strstr(gate->rows[3].reason, keys[i]), "%s", gate->rows[3].reason);
        mas_gate_free(gate);
        free_sides(&s);
    }
}

Test(gate, memory_and_loss_must_not_change)
{
    sides s = equal_sides();
    for (int side = 0; side < 2; side++) {
        mas_result_set *set = side ? s.b : s.a;
        json_object_set_new(set->results[0], "memory",
                            json_pack("{s:i}", "total_bytes", 100 + side));
        json_object_set_new(set->results[1], "quality",
                            json_pack("{s:f}", "loss", 2 + 0.001 * side));
        json_object_set_new(set->results[2], "quality", json_pack("{s:f}", "loss", 2 - 0.1 * side));
    }
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->rows[0].verdict, MAS_VERDICT_CHANGED);
    cr_expect_eq(gate->rows[1].verdict, MAS_VERDICT_SAME, "rounding may differ");
    cr_expect_eq(gate->rows[2].verdict, MAS_VERDICT_CHANGED, "better is not what it was either");
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, what_outgrows_the_caches_is_reported_only)
{
    sides s = equal_sides();
    json_object_set_new(part(s.a, 0, "metrics"), "working_set_bytes", json_integer(5000));
    json_object_set_new(part(s.b, 0, "metrics"), "working_set_bytes", json_integer(5000));
    json_t *seconds = json_object_get(part(s.b, 0, "samples"), "seconds");
    for (size_t i = 0; i < SAMPLES; i++)
        json_array_set_new(seconds, i,
                           json_real(2 * json_number_value(json_array_get(seconds, i))));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->rows[0].verdict, MAS_VERDICT_SLOWER);
    cr_expect_not(gate->rows[0].gated);
    cr_expect_eq(gate->overall, MAS_VERDICT_SAME);
    mas_gate_free(gate);
    mas_gate_rules rules = mas_gate_rules_default();
    rules.everything = true;
    gate = compare_with(s.a, s.b, rules);
    cr_expect_eq(gate->overall, MAS_VERDICT_SLOWER);
    mas_gate_free(gate);
    free_sides(&s);
}

/* Times of a side, and of the yardstick beside them. */
static void set_times(json_t *result, double seconds, double yardstick, double spread)
{
    json_t *samples = json_object_get(result, "samples"), *s = json_array(), *y = json_array();
    for (int i = 0; i < SAMPLES; i++) {
        json_array_append_new(s, json_real(seconds * (1 + spread * i)));
        json_array_append_new(y, json_real(yardstick * (1 + 1e-4 * i)));
    }
    json_object_set_new(samples, "seconds", s);
    json_object_set_new(samples, "yardstick_seconds", y);
    json_object_set_new(samples, "yardstick", json_string("mixed-1"));
}

Test(gate, a_slower_machine_is_no_slower_kernel)
{
    sides s = equal_sides();
    for (int k = 0; k < KERNELS; k++) {
        set_times(s.a->results[k], 1e-3, 2e-4, 1e-3);
        set_times(s.b->results[k], 2e-3, 4e-4, 1e-3);
    }
    set_times(s.b->results[2], 2.4e-3, 4e-4, 1e-3);
    mas_gate *gate = compare(s.a, s.b);
    for (int k = 0; k < KERNELS; k++)
        cr_expect_eq(gate->rows[k].verdict, k == 2 ? MAS_VERDICT_SLOWER : MAS_VERDICT_SAME);
    cr_expect(gate->rows[2].by_yardstick);
    cr_expect_float_eq(gate->rows[2].time.ratio, 1.2, 0.01);
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, a_disturbed_machine_gives_no_verdict)
{
    sides s = equal_sides();
    for (int k = 0; k < KERNELS; k++) {
        set_times(s.a->results[k], 1e-3, 2e-4, 1e-3);
        set_times(s.b->results[k], 1e-3, 2e-4, 1e-3);
    }
    set_times(s.b->results[2], 1.6e-3, 2.5e-4, 1e-3); /* a quarter longer for the yardstick alone */
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->rows[2].verdict, MAS_VERDICT_UNCLEAR);
    cr_expect_eq(gate->overall, MAS_VERDICT_UNCLEAR);
    cr_expect_not_null(strstr(gate->rows[2].reason, "measure again"));
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, other_yardsticks_are_not_comparable)
{
    sides s = equal_sides();
    set_times(s.a->results[0], 1e-3, 2e-4, 1e-3);
    set_times(s.b->results[0], 1e-3, 2e-4, 1e-3);
    json_object_set_new(part(s.b, 0, "samples"), "yardstick", json_string("mixed-2"));
    mas_gate *gate = compare(s.a, s.b);
    cr_expect_eq(gate->overall, MAS_VERDICT_NOT_COMPARABLE);
    mas_gate_free(gate);
    free_sides(&s);
}

Test(gate, too_few_samples_are_unclear)
{
    const double few[] = {1e-3, 1.1e-3, 0.9e-3}, more[] = {1.05e-3, 1.2e-3, 0.98e-3};
    mas_gate *gate;
    mas_error err;
    cr_assert_eq(mas_gate_create("a", "b", &gate, &err), MAS_OK);
    mas_gate_row *row = mas_gate_add(gate, "few");
    cr_assert_eq(mas_gate_time(row, few, 3, more, 3, false, &err), MAS_OK);
    const mas_gate_rules rules = mas_gate_rules_default();
    cr_assert_eq(mas_gate_decide(gate, &rules, &err), MAS_OK);
    cr_expect_eq(gate->overall, MAS_VERDICT_UNCLEAR);
    cr_expect_str_eq(row->reason, "too few samples for an interval (3 and 3): take more");
    /* measured again, the verdict is another one and needs no reason */
    double again[SAMPLES];
    for (int i = 0; i < SAMPLES; i++)
        again[i] = 1e-3 * (1 + 1e-4 * i);
    cr_assert_eq(mas_gate_time(row, again, SAMPLES, again, SAMPLES, false, &err), MAS_OK);
    cr_assert_eq(mas_gate_decide(gate, &rules, &err), MAS_OK);
    cr_expect_eq(row->verdict, MAS_VERDICT_SAME);
    cr_expect_str_eq(row->reason, "");
    mas_gate_free(gate);
}

Test(gate, samples_that_are_no_times_are_an_error_with_the_point)
{
    json_t *const bad[] = {json_string("fast"), json_real(-1), json_integer(0), json_null()};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sides s = equal_sides();
        mas_gate *gate;
        mas_error err;
        const mas_gate_rules rules = mas_gate_rules_default();
        json_array_set_new(json_object_get(part(s.b, 1, "samples"), "seconds"), 3, bad[i]);
        cr_assert_eq(mas_gate_create("a", "b", &gate, &err), MAS_OK);
        cr_expect_eq(mas_gate_results(gate, s.a, s.b, &rules, &err), MAS_E_FORMAT);
        cr_expect_not_null(strstr(err.text, "kernel 1"), "%s", err.text);
        cr_expect_not_null(strstr(err.text, "seconds[3]"), "%s", err.text);
        mas_gate_free(gate);
        free_sides(&s);
    }
}

/* ---- output ---- */

static char *printed(const mas_gate *gate, mas_gate_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const mas_gate_rules rules = mas_gate_rules_default();
    mas_gate_print(gate, &rules, format, false, out);
    fclose(out);
    return text;
}

Test(gate, hostile_titles_stay_text)
{
    sides s = equal_sides();
    const char *hostile = "a\"b<script>|`x`\x1b[31m @team\nnext";
    for (int side = 0; side < 2; side++)
        json_object_set_new((side ? s.b : s.a)->results[0], "title", json_string(hostile));
    set_times(s.b->results[0], 3e-3, 2e-4, 1e-3);
    set_times(s.a->results[0], 1e-3, 2e-4, 1e-3);
    mas_gate *gate = compare(s.a, s.b);
    char *terminal = printed(gate, MAS_GATE_TERMINAL), *markdown = printed(gate, MAS_GATE_MARKDOWN),
         *junit = printed(gate, MAS_GATE_JUNIT), *text = printed(gate, MAS_GATE_JSON);
    cr_expect_null(strchr(terminal, 0x1b));
    cr_expect_null(strstr(markdown, "<script"));
    cr_expect_null(strstr(markdown, "@team"));
    cr_expect_null(strstr(markdown, "|`"));
    cr_expect_null(strstr(junit, "<script"));
    cr_expect_not_null(strstr(junit, "a&quot;b&lt;script&gt;"), "%s", junit);
    cr_expect_not_null(strstr(junit, "failures=\"1\""));
    json_t *json = json_loads(text, 0, NULL);
    cr_expect_str_eq(mas_json_text_at(json, "verdict"), "slower");
    cr_expect_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(json, "rows"), 0), "title")),
                     hostile);
    json_decref(json);
    free(terminal);
    free(markdown);
    free(junit);
    free(text);
    mas_gate_free(gate);
    free_sides(&s);
}
