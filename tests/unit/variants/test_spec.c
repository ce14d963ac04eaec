/* SPDX-License-Identifier: Apache-2.0 */
/* The table, options and their refusals, equality, labels, and what is asked of a mask. */
#include "tests/unit/variants/specs.h"
#include "variants/suggest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(spec, .timeout = 30);

Test(spec, table)
{
    static const char *const names[] = {"full", "sliding_window", "block_sparse"};
    size_t i = 0;
    for (; mas_variants[i]; i++) {
        const mas_variant *v = mas_variants[i], *found = NULL;
        cr_assert_lt(i, sizeof names / sizeof *names);
        cr_assert_str_eq(v->name, names[i]);
        cr_assert(v->summary[0] && v->source[0]);
        cr_assert_leq(v->option_count, MAS_VARIANT_OPTIONS_MAX);
        cr_assert_eq(mas_variant_find(names[i], &found, NULL), MAS_OK);
        cr_assert_eq(found, v);
        for (size_t o = 0; o < v->option_count; o++) {
            const mas_option *option = &v->options[o];
            cr_assert(option->help[0] && !strchr(option->help, '\n'));
            cr_assert_eq(mas_variant_option(v, option->name), (int)o);
            cr_assert(option->type != MAS_OPTION_INT || (option->min <= option->default_value &&
                                                         option->default_value <= option->max));
        }
        cr_assert_eq(mas_variant_option(v, "no such option"), -1);
        mas_attn_spec spec = mas_attn_spec_default(v);
        cr_assert_eq(mas_attn_spec_check(&spec, NULL), MAS_OK, "%s", names[i]);
        cr_assert(spec.causal && spec.sinks == 0);
    }
    cr_assert_eq(i, sizeof names / sizeof *names);
}

static void expect_beginning(const char *text, const char *begin)
{
    cr_assert_eq(strncmp(text, begin, strlen(begin)), 0, "\"%s\" does not begin \"%s\"", text,
                 begin);
}

Test(spec, unknown_variant)
{
    const mas_variant *v = NULL;
    mas_error err;
    cr_assert_eq(mas_variant_find("slidng_window", &v, &err), MAS_E_NOT_FOUND);
    expect_beginning(err.text, "unknown attention variant \"slidng_window\"; did you mean "
                               "\"sliding_window\"?; known: full, sliding_window, block_sparse");
    cr_assert_eq(mas_variant_find("hyena", &v, &err), MAS_E_NOT_FOUND);
    expect_beginning(err.text, "unknown attention variant \"hyena\"; known: full, sliding_window, "
                               "block_sparse");
    cr_assert_null(v);
}

Test(spec, edit_distance)
{
    cr_assert_eq(mas_edit_distance("", ""), 0);
    cr_assert_eq(mas_edit_distance("", "abc"), 3);
    cr_assert_eq(mas_edit_distance("abc", ""), 3);
    cr_assert_eq(mas_edit_distance("kitten", "sitting"), 3);
    cr_assert_eq(mas_edit_distance("windw", "window"), 1);
    cr_assert_eq(mas_edit_distance("widnow", "window"), 1);
    cr_assert_eq(mas_edit_distance("Seq-Len", "seq_len"), 0);
    cr_assert_eq(mas_edit_distance("ca", "abc"), 3);
}

Test(spec, suggest)
{
    static const char *const known[] = {"window", "sinks", NULL, "layout", "layout_file", "local"};
    const size_t n = sizeof known / sizeof *known;
    char text[64], little[8];
    cr_assert_str_eq(mas_suggest("windw", known, n), "window");
    cr_assert_str_eq(mas_suggest("Window", known, n), "window");
    cr_assert_str_eq(mas_suggest("layuot", known, n), "layout");
    cr_assert_str_eq(mas_suggest("layout-fil", known, n), "layout_file");
    cr_assert_str_eq(mas_suggest("win", known, n), "window");
    cr_assert_null(mas_suggest("wi", known, n));
    cr_assert_null(mas_suggest("", known, n));
    cr_assert_null(mas_suggest("temperature", known, n));
    cr_assert_null(mas_suggest("x", known, 0));
    mas_words_join(known, n, text, sizeof text);
    cr_assert_str_eq(text, "window, sinks, layout, layout_file, local");
    mas_words_join(known, n, little, sizeof little);
    cr_assert_str_eq(little, "window,");
}

static void refused(const char *text, const char *says)
{
    mas_attn_spec spec = spec_unchecked(text);
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_ARGUMENT, "%s", text);
    cr_assert_not_null(strstr(err.text, says), "%s: \"%s\" lacks \"%s\"", text, err.text, says);
}

Test(spec, refusals)
{
    refused("sliding_window window=0", "sliding_window: window is 0; it must be 1 to");
    refused("sliding_window window=-5", "window is -5");
    refused("sliding_window window=8 causal=0", "causal by definition");
    refused("sliding_window window=8 sinks=-1", "sinks is -1");
    refused("block_sparse block=0", "block is 0");
    refused("block_sparse block=4 layout=local local=0", "local is 0");
    refused("block_sparse block=4 layout=bigbird random_blocks=65", "random_blocks is 65");
    refused("block_sparse block=4 layout=bigbird seed=-1", "seed is -1");
    refused("block_sparse block=4 layout=file", "needs layout_file");
    /* options that the layout would ignore */
    refused("block_sparse block=4 local=3", "local belongs to layout \"local\"");
    refused("block_sparse block=4 layout=local stride=2", "stride belongs to layout \"strided\"");
    refused("block_sparse block=4 seed=1", "seed belongs to layout \"bigbird\"");
    refused("block_sparse block=4 layout_file=x.txt", "layout_file belongs to layout \"file\"");

    mas_attn_spec spec = {0};
    mas_error err;
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_ARGUMENT);
    spec = mas_attn_spec_full();
    snprintf(spec.path, sizeof spec.path, "x.txt");
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_ARGUMENT);
    spec = spec_unchecked("block_sparse block=4");
    spec.value[mas_variant_option(spec.variant, "layout")] = 5;
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "own, local, strided, bigbird, file"), "%s", err.text);
    spec = spec_unchecked("block_sparse block=4 layout=file");
    memset(spec.path, 'x', sizeof spec.path);
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_E_ARGUMENT);
}

Test(spec, labels)
{
    static const char *const cases[][2] = {
        {"full", "full"},
        {"full causal=0", "full not causal"},
        {"full sinks=1", "full + 1 sink"},
        {"sliding_window window=64", "window 64"},
        {"sliding_window window=64 sinks=4", "window 64 + 4 sinks"},
        {"block_sparse block=64", "block 64 own"},
        {"block_sparse block=64 causal=0 sinks=2", "block 64 own + 2 sinks not causal"},
        {"block_sparse block=16 layout=local local=3", "block 16 local 3"},
        {"block_sparse block=16 layout=strided stride=8", "block 16 strided 8"},
        {"block_sparse block=16 layout=bigbird", "block 16 bigbird 3+2+3"},
        {"block_sparse block=16 layout=bigbird seed=7", "block 16 bigbird 3+2+3 seed 7"},
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_attn_spec spec = spec_of(cases[i][0]);
        mas_attn_spec_label(&spec, text, sizeof text);
        cr_assert_str_eq(text, cases[i][1]);
        for (size_t size = 0; size < sizeof text; size++) {
            memset(text, '#', sizeof text);
            mas_attn_spec_label(&spec, text, size);
            for (size_t j = size; j < sizeof text; j++)
                cr_assert_eq(text[j], '#');
            cr_assert(size == 0 || memchr(text, '\0', size));
        }
    }
    mas_attn_spec spec =
        spec_unchecked("block_sparse block=8 layout=file layout_file=some/one.txt");
    mas_attn_spec_label(&spec, text, sizeof text);
    cr_assert_str_eq(text, "block 8 file one.txt");
}

Test(spec, equal)
{
    const mas_attn_spec a = spec_of("sliding_window window=8"),
                        b = spec_of("sliding_window window=8");
    cr_assert(mas_attn_spec_equal(&a, &b));
    static const char *const others[] = {"sliding_window window=9",
                                         "sliding_window window=8 sinks=1", "full",
                                         "block_sparse block=8"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const mas_attn_spec other = spec_of(others[i]);
        cr_assert_not(mas_attn_spec_equal(&a, &other), "%s", others[i]);
        cr_assert_not(mas_attn_spec_equal(&other, &a), "%s", others[i]);
    }
    const mas_attn_spec open = spec_of("full causal=0"), full = mas_attn_spec_full();
    cr_assert_not(mas_attn_spec_equal(&open, &full));
}

Test(spec, is_full)
{
    static const struct {
        const char *text;
        int64_t length;
        bool full;
    } cases[] = {
        {"full", 100, true},
        {"full sinks=4", 100, true},
        {"full causal=0", 1, true},
        {"full causal=0", 2, false},
        {"sliding_window window=100", 100, true},
        {"sliding_window window=101", 100, true},
        {"sliding_window window=99", 100, false},
        {"sliding_window window=1", 1, true},
        {"sliding_window window=60 sinks=40", 100, true},
        {"sliding_window window=60 sinks=39", 100, false},
        {"block_sparse block=100", 100, true},
        {"block_sparse block=99", 100, false},
        {"block_sparse block=64 causal=0", 64, false},
        {"block_sparse block=25 layout=local local=4", 100, true},
        {"block_sparse block=25 layout=local local=4", 101, false},
        {"block_sparse block=8 layout=strided stride=1", 100, true},
        {"block_sparse block=8 layout=strided stride=2", 17, false},
        {"block_sparse block=10 layout=bigbird", 80, true},
        {"block_sparse block=10 layout=bigbird", 91, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_attn_spec spec = spec_of(cases[i].text);
        cr_assert_eq(mas_attn_spec_is_full(&spec, cases[i].length), cases[i].full, "%s at %ld",
                     cases[i].text, (long)cases[i].length);
    }
}

Test(spec, reach)
{
    static const struct {
        const char *text;
        int64_t length, reach;
    } cases[] = {
        {"full", 100, 100},
        {"sliding_window window=7", 100, 7},
        {"sliding_window window=7 sinks=3", 100, 7},
        {"sliding_window window=700", 100, 100},
        {"block_sparse block=16", 100, 16},
        {"block_sparse block=16 layout=local local=2", 100, 32},
        {"block_sparse block=16 layout=local local=2", 20, 20},
        {"block_sparse block=10 layout=strided stride=3", 100, 100},
        {"block_sparse block=10 layout=strided stride=3", 90, 70},
        {"block_sparse block=10 layout=bigbird", 100, 100},
        {"block_sparse block=10", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_attn_spec spec = spec_of(cases[i].text);
        cr_assert_eq(mas_attn_spec_reach(&spec, cases[i].length), cases[i].reach, "%s at %ld: %ld",
                     cases[i].text, (long)cases[i].length,
                     (long)mas_attn_spec_reach(&spec, cases[i].length));
    }
}
