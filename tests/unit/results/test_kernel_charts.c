/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the kernel charts, from results made up. */
#include "harness/report/kernel.h"
#include "harness/results/json_build.h"
#include "made_up.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(kernel_charts, .timeout = 30);

/* Time is a millisecond a token, whatever the batch and the layers. */
static json_t *timed(const char *label, int full, int layers, const char *kernel, int length,
                     int batch)
{
    return json_pack("{s:s, s:s, s:s, s:{s:{s:s, s:s, s:i, s:i, s:i, s:i, s:i}}, "
                     "s:{s:s, s:i, s:i}, s:[{s:s}], s:{s:{s:f}, s:f}}",
                     "id", "0123456789abcdef", "kind", "kernel", "status", "ok", "point", "kernel",
                     "op", "forward", "dtype", "f32", "batch", batch, "q_heads", 2, "kv_heads", 2,
                     "head_dim", 64, "length", length, "plan", "label", label, "layers", layers,
                     "full_layers", full, "layer", "kernel", kernel, "metrics", "seconds", "median",
                     1e-3 * length * batch * layers, "useful_gflops", 1.0);
}

typedef struct texts {
    char *data, *settings;
} texts;

static texts charts_of(json_t **results, size_t count)
{
    mas_report *report = made_up_report(results, count);
    const texts t = {written(report, mas_report_write_kernels),
                     written(report, mas_report_write_kernel_settings)};
    mas_report_free(report);
    made_up_drop(results, count);
    return t;
}

static void expect(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "%s in\n%s", part, text);
}

static void drop(texts *t)
{
    free(t->data);
    free(t->settings);
}

Test(kernel_charts, kernels_side_by_side_are_lines_of_their_own)
{
    json_t *r[] = {timed("full", 1, 1, "attn_forward/flash/avx512", 64, 2),
                   timed("full", 1, 1, "attn_forward/flash/avx2", 64, 2),
                   timed("full", 1, 1, "attn_forward/flash/avx512", 128, 1),
                   timed("full", 1, 1, "attn_forward/flash/avx2", 128, 1)};
    texts t = charts_of(r, 4);
    expect(t.settings, "variants = 2\nall_variants = 2\n");
    expect(t.settings, "variant_name[1] = 'full, flash/avx512'\n");
    expect(t.settings, "variant_name[2] = 'full, flash/avx2'\n");
    expect(t.data, "full, flash/avx2: length");
    drop(&t);
}

/* The choice by length, and a batch that shrinks as the length grows, go along a line. */
Test(kernel_charts, what_goes_with_the_length_does_not_cut_a_line)
{
    json_t *r[] = {timed("full", 1, 1, "attn_forward/naive/reference", 64, 2),
                   timed("full", 1, 1, "attn_forward/flash/avx512", 128, 1)};
    texts t = charts_of(r, 2);
    expect(t.settings, "variants = 1\n");
    expect(t.settings, "variant_name[1] = 'full'\n");
    drop(&t);
}

Test(kernel_charts, any_other_axis_is_in_the_name_too)
{
    json_t *r[] = {timed("full", 1, 1, "attn_forward/flash/avx512", 64, 1),
                   timed("full", 1, 1, "attn_forward/flash/avx512", 64, 4)};
    texts t = charts_of(r, 2);
    expect(t.settings, "variant_name[1] = 'full, batch 1'\n");
    expect(t.settings, "variant_name[2] = 'full, batch 4'\n");
    drop(&t);
}

Test(kernel_charts, times_are_of_a_layer)
{
    json_t *r[] = {
        timed("full", 1, 1, "attn_forward/flash/avx512", 64, 1),
        timed("1 full of 8 (bottom) + window 16", 1, 8, "attn_forward/flash/avx512", 64, 2)};
    texts t = charts_of(r, 2);
    expect(t.data, "full: length\tgflops\tms_per_sequence_and_layer\tspeedup\tpredicted\n"
                   "64\t1\t64\t");
    expect(t.data, "window 16: length\tgflops\tms_per_sequence_and_layer\tspeedup\tpredicted\n"
                   "64\t1\t64\t");
    drop(&t);
}

/* Black is for full attention, also where it is not the first. */
Test(kernel_charts, full_attention_is_black_wherever_it_stands)
{
    json_t *r[] = {timed("window 16", 0, 1, "attn_forward/flash/avx512", 64, 1),
                   timed("full", 1, 1, "attn_forward/flash/avx512", 64, 1)};
    texts t = charts_of(r, 2);
    cr_expect_null(strstr(t.settings, "variant_colour[1] = 0;"), "%s", t.settings);
    expect(t.settings, "variant_colour[2] = 0;");
    drop(&t);
}
