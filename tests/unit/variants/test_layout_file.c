/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/variants/specs.h"
#include "variants/layout_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(layout_file, .timeout = 30);

static const mas_block_layout *load(const char *content)
{
    const char *path = write_file("layout.txt", content);
    const mas_block_layout *layout = NULL;
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_block_layout_load(path, &layout, &err), MAS_OK, "%s", err.text);
    remove_file(path);
    return layout;
}

static void expect_rows(const mas_block_layout *layout, const char *const *rows, int64_t count)
{
    cr_assert_eq(mas_block_layout_rows(layout), count);
    for (int64_t r = -1; r <= count; r++) {
        const char *row = r >= 0 && r < count ? rows[r] : "";
        const int64_t columns = (int64_t)strlen(row);
        for (int64_t c = 0; c < columns + 2; c++)
            cr_assert_eq(mas_block_layout_sees(layout, r, c), c < columns && row[c] == '1',
                         "row %ld, block %ld", (long)r, (long)c);
    }
}

Test(layout_file, rows)
{
    const char *rows[] = {"1", "01", "1011", "00011"};
    expect_rows(load("1\n01\n1011\n00011\n"), rows, 4);
    expect_rows(load("1\n01\n1011\n00011"), rows, 4);           /* no last newline */
    expect_rows(load("1\r\n01\r\n1011\r\n00011\r\n"), rows, 4); /* DOS lines */
    expect_rows(load("# a layout\n\n  1\n\t0 1 # own only\n#\n1 0 1\t1\n\n000 11   \n\n"), rows, 4);
}

Test(layout_file, runs)
{
    const mas_block_layout *layout = load("0\n11\n1011\n101011\n");
    mas_run runs[3];
    cr_assert_eq(mas_block_layout_max_runs(layout), 3);
    cr_assert_eq(mas_block_layout_runs(layout, 0, 9, runs), 0);
    cr_assert_eq(mas_block_layout_runs(layout, 3, 9, runs), 3);
    cr_assert(runs[0].begin == 0 && runs[0].end == 1 && runs[1].begin == 2 && runs[1].end == 3 &&
              runs[2].begin == 4 && runs[2].end == 6);
    cr_assert_eq(mas_block_layout_runs(layout, 3, 5, runs), 3);
    cr_assert_eq(runs[2].end, 5);
    cr_assert_eq(mas_block_layout_runs(layout, 3, 4, runs), 2);
    cr_assert_eq(mas_block_layout_runs(layout, 4, 9, runs), 0);
    cr_assert_eq(mas_block_layout_runs(layout, -1, 9, runs), 0);
}

static void refused(const char *content, mas_status status, const char *says)
{
    const char *path = write_file("bad.txt", content);
    const mas_block_layout *layout = NULL;
    mas_error err = {MAS_OK, ""};
    char want[256];
    cr_assert_eq(mas_block_layout_load(path, &layout, &err), status, "%s", says);
    snprintf(want, sizeof want, "%s%s", path, says);
    cr_assert_eq(strncmp(err.text, want, strlen(want)), 0, "\"%s\" does not begin \"%s\"", err.text,
                 want);
    cr_assert_null(layout);
    remove_file(path);
}

Test(layout_file, refusals)
{
    refused("1\n11\n1x1\n", MAS_E_FORMAT,
            ":3:2: expected 0 (hidden block) or 1 (visible block), not 'x'");
    refused("1\n1 2\n", MAS_E_FORMAT, ":2:3: expected 0");
    refused("1\n\n# note\n1\n", MAS_E_FORMAT,
            ":4: block row 1 has 1 digit; it needs at least 2, one for each block up to its own");
    refused("1\n11\n11\n", MAS_E_FORMAT, ":3: block row 2 has 2 digits; it needs at least 3");
    refused("", MAS_E_FORMAT, ": no block rows");
    refused("# nothing\n\n", MAS_E_FORMAT, ": no block rows");
    refused("1,1\n", MAS_E_FORMAT, ":1:2: expected 0 (hidden block) or 1 (visible block), not ','");
    refused("1\n1\r1\n", MAS_E_FORMAT,
            ":2:2: expected 0 (hidden block) or 1 (visible block), not "
            "0x0d");
    refused("\xef\xbb\xbf"
            "1\n",
            MAS_E_FORMAT,
            ":1:1: expected 0 (hidden block) or 1 (visible "
            "block), not 0xef");
}

Test(layout_file, zero_byte)
{
    const char *path = write_file("zero.txt", "1\n11\n");
    const mas_block_layout *layout = NULL;
    mas_error err;
    FILE *file = fopen(path, "ab");
    cr_assert_not_null(file);
    fwrite("1\0001\n", 1, 4, file);
    fclose(file);
    cr_assert_eq(mas_block_layout_load(path, &layout, &err), MAS_E_FORMAT);
    cr_assert_not_null(strstr(err.text, ":3:2: expected"), "%s", err.text);
    remove_file(path);
}

Test(layout_file, unreadable)
{
    const mas_block_layout *layout = NULL;
    mas_error err;
    cr_assert_eq(mas_block_layout_load("/tmp/no/such/layout.txt", &layout, &err), MAS_E_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "/tmp/no/such/layout.txt"), "%s", err.text);
    cr_assert_eq(mas_block_layout_load("/tmp", &layout, &err), MAS_E_IO);
    cr_assert_eq(mas_block_layout_load("", &layout, &err), MAS_E_NOT_FOUND);

    mas_attn_spec spec = spec_unchecked("block_sparse block=4 layout=file layout_file=/no/file");
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_NOT_FOUND);
}

Test(layout_file, shared_and_compared_by_content)
{
    char path[128];
    const mas_block_layout *a = NULL, *again = NULL;
    snprintf(path, sizeof path, "%s", write_file("a.txt", "1\n11\n"));
    cr_assert_eq(mas_block_layout_load(path, &a, NULL), MAS_OK);
    cr_assert_eq(mas_block_layout_load(path, &again, NULL), MAS_OK);
    cr_assert_eq(a, again);
    const mas_block_layout *same = load("# other name\n1\n1 1\n"), *other = load("1\n01\n"),
                           *longer = load("1\n110\n");
    cr_assert_neq(a, same);
    cr_assert(mas_block_layout_equal(a, same));
    cr_assert_not(mas_block_layout_equal(a, other));
    cr_assert_not(mas_block_layout_equal(a, longer));
    cr_assert_not(mas_block_layout_equal(a, NULL));
    cr_assert(mas_block_layout_equal(NULL, NULL));

    FILE *file = fopen(path, "wb"); /* the file changes: what is loaded stays as it was */
    fputs("1\n01\n", file);
    fclose(file);
    cr_assert_eq(mas_block_layout_load(path, &again, NULL), MAS_OK);
    cr_assert_neq(a, again);
    cr_assert(mas_block_layout_equal(again, other));
    cr_assert(mas_block_layout_sees(a, 1, 0));
    remove_file(path);
}

Test(layout_file, too_short_for_the_sequence)
{
    char text[256], path[128], want[256];
    snprintf(path, sizeof path, "%s", write_file("short.txt", "1\n11\n\n111\n# end\n"));
    snprintf(text, sizeof text, "block_sparse block=4 layout=file layout_file=%s", path);
    const mas_attn_spec spec = spec_of(text), window = spec_of("sliding_window window=2");
    mas_error err;
    cr_assert_eq(mas_attn_spec_check_length(&spec, 1, NULL), MAS_OK);
    cr_assert_eq(mas_attn_spec_check_length(&spec, 12, NULL), MAS_OK);
    cr_assert_eq(mas_attn_spec_check_length(&window, 1000, NULL), MAS_OK);
    cr_assert_eq(mas_attn_spec_check_length(&spec, 13, &err), MAS_E_SHAPE);
    snprintf(want, sizeof want,
             "%s:4: the layout ends here after 3 block rows of 4 positions; length 13 needs 4 rows",
             path);
    cr_assert_str_eq(err.text, want);
    remove_file(path);
}
