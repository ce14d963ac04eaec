/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are cut between characters. */
#include "tests/unit/variants/specs.h"
#include "variants/text.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(text, .timeout = 30);

Test(text, an_incomplete_character_is_left_out)
{
    static const struct {
        const char *text;
        size_t length, whole;
    } cases[] = {
        {"", 0, 0},
        {"abc", 3, 3},
        {"a\xc3\xbc", 3, 3},
        {"a\xc3\xbc", 2, 1},
        {"\xe2\x82\xac", 3, 3},
        {"\xe2\x82\xac", 2, 0},
        {"\xe2\x82\xac", 1, 0},
        {"x\xf0\x9f\x98\x80", 5, 5},
        {"x\xf0\x9f\x98\x80", 4, 1},
        {"x\xf0\x9f\x98\x80y", 6, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(mas_text_whole(cases[i].text, cases[i].length), cases[i].whole, "case %zu", i);
}

Test(text, what_is_appended_is_cut_to_size)
{
    char text[8] = "";
    mas_text_append(text, sizeof text, "%s-%d", "ab", 5);
    cr_expect_str_eq(text, "ab-5");
    mas_text_append(text, sizeof text, "\xc3\xbc\xc3\xbc");
    cr_expect_str_eq(text, "ab-5\xc3\xbc");
    mas_text_append(text, sizeof text, "z");
    mas_text_append(text, sizeof text, "more");
    cr_expect_str_eq(text, "ab-5\xc3\xbcz");
}

Test(text, labels_of_long_names_end_with_a_whole_character)
{
    const mas_variant *blocks = NULL;
    cr_assert_eq(mas_variant_find("block_sparse", &blocks, NULL), MAS_OK);
    mas_attn_spec spec = mas_attn_spec_default(blocks);
    spec.value[mas_variant_option(blocks, "block")] = 16;
    const int layout = mas_variant_option(blocks, "layout");
    for (int i = 0; blocks->options[layout].words[i]; i++)
        if (strcmp(blocks->options[layout].words[i], "file") == 0)
            spec.value[layout] = i;
    for (int i = 0; i < 70; i++)
        strcat(spec.path, "\xc3\xbc");
    for (size_t size = 40; size < 44; size++) {
        char label[64];
        mas_attn_spec_label(&spec, label, size);
        cr_expect_eq(mas_text_whole(label, strlen(label)), strlen(label), "%zu bytes", size);
        cr_expect_geq(strlen(label) + 2, size);
    }
}
