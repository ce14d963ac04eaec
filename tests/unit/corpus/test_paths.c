/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(corpus_paths, .timeout = 30, .init = scratch_make, .fini = scratch_remove);

Test(corpus_paths, patterns)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"a/*.rst", "a/b.rst", true},
        {"a/*.rst", "a/b/c.rst", false}, /* a star does not cross a folder */
        {"a/**/*.rst", "a/b.rst", true}, /* ** may stand for no folder at all */
        {"a/**/*.rst", "a/b/c.rst", true},
        {"a/**/*.rst", "a/b/c/d.rst", true},
        {"a/**/*.rst", "ab/c.rst", false},
        {"a/**", "a/b/c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "c", true},
        {"/**/c", "/a/b/c", true},
        {"**/c", "/a/b/c", false}, /* relative is not absolute */
        {"a/**/b/**/c", "a/b/x/c", true},
        {"a/**/b/**/c", "a/x/b/c", true},
        {"a/**/b/**/c", "a/x/c", false},
        {"a/?.txt", "a/b.txt", true},
        {"a/[bc].txt", "a/c.txt", true},
        {"a/[bc].txt", "a/d.txt", false},
        {"a**b/c", "axyb/c", true}, /* not a whole component: an ordinary star */
        {"a**b/c", "ax/yb/c", false},
        {"./a/*", "a/b", true},
        {"a/*", "./a/b", true},
        {"*", ".hidden", false},
        {"**/x", ".hidden/x", false},
        {".*/x", ".hidden/x", true},
        {"a//b", "a/b", true},
        {"", "a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(mas_path_matches(cases[i].pattern, cases[i].path), cases[i].matches, "%s %s",
                     cases[i].pattern, cases[i].path);
}

Test(corpus_paths, folders_that_cannot_hold_a_match_are_not_entered)
{
    static const struct {
        const char *pattern, *folder;
        bool leads;
    } cases[] = {
        {"a/*.rst", "a", true},         {"a/*.rst", "a/b", false},
        {"a/*/c.rst", "a/b", true},     {"a/*/c.rst", "a/b/c", false},
        {"a/**/*.rst", "a/b/c", true},  {"a/**/*.rst", "a/.git", false},
        {"a/.*/*.rst", "a/.git", true}, {"a/b*/c", "a/x", false},
        {"/a/**", "/a/b", true},        {"a/**/b/x", "a/c/d", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(mas_path_leads(cases[i].pattern, cases[i].folder), cases[i].leads, "%s %s",
                     cases[i].pattern, cases[i].folder);
}

static void expect_files(const mas_corpus_config *config, const char *const *names)
{
    mas_path_list list;
    mas_error err = {0};
    cr_assert_eq(mas_paths_expand(config, &list, &err), MAS_OK, "%s", err.text);
    size_t count = 0;
    for (; names[count]; count++)
        cr_assert(count < list.count && strcmp(list.path[count], scratch_path(names[count])) == 0,
                  "file %zu is %s, expected %s", count,
                  count < list.count ? list.path[count] : "missing", names[count]);
    cr_assert_eq(list.count, count, "%zu files, expected %zu", list.count, count);
    mas_path_list_free(&list);
}

static void make_tree(void)
{
    scratch_text("d/one.rst", "1");
    scratch_text("d/two.txt", "2");
    scratch_text("d/e/three.rst", "3");
    scratch_text("d/e/f/four.rst", "4");
    scratch_text("d/.git/five.rst", "5");
    scratch_text("d/[x].rst", "6");
}

Test(corpus_paths, folders_globs_and_files)
{
    make_tree();
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d/**/*.rst");
    expect_files(&config, (const char *[]){"d/[x].rst", "d/e/f/four.rst", "d/e/three.rst",
                                           "d/one.rst", NULL});
    config = scratch_config(MAS_CORPUS_TEXT, "d/*.rst");
    expect_files(&config, (const char *[]){"d/[x].rst", "d/one.rst", NULL});
    config = scratch_config(MAS_CORPUS_TEXT, "d/*/*.rst");
    expect_files(&config, (const char *[]){"d/e/three.rst", NULL});
    config = scratch_config(MAS_CORPUS_TEXT, "d/e");
    expect_files(&config, (const char *[]){"d/e/f/four.rst", "d/e/three.rst", NULL});
    config = scratch_config(MAS_CORPUS_TEXT, "d/two.txt");
    expect_files(&config, (const char *[]){"d/two.txt", NULL});
    config = scratch_config(MAS_CORPUS_TEXT, "d/[x].rst"); /* exists under exactly this name */
    expect_files(&config, (const char *[]){"d/[x].rst", NULL});
}

Test(corpus_paths, a_file_named_twice_counts_once)
{
    make_tree();
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d/e/**");
    config.path_count = 2;
    strcpy(config.paths[1], scratch_path("d/e/three.rst"));
    expect_files(&config, (const char *[]){"d/e/f/four.rst", "d/e/three.rst", NULL});
}

Test(corpus_paths, excluded)
{
    make_tree();
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d");
    config.exclude_count = 2;
    strcpy(config.exclude[0], "/**/e/**");
    strcpy(config.exclude[1], scratch_path("d/*.txt"));
    expect_files(&config, (const char *[]){"d/[x].rst", "d/one.rst", NULL});
    strcpy(config.exclude[0], "/**");
    refused(&config, 8, MAS_E_NOT_FOUND, "is excluded");
}

Test(corpus_paths, links)
{
    make_tree();
    cr_assert_eq(symlink(scratch_path("d"), scratch_path("d/e/loop")), 0);
    cr_assert_eq(symlink("three.rst", scratch_path("d/e/link.rst")), 0);
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d/e/*.rst");
    expect_files(&config, (const char *[]){"d/e/link.rst", "d/e/three.rst", NULL});
    cr_assert_eq(symlink("nowhere", scratch_path("d/e/broken.rst")), 0);
    refused(&config, 8, MAS_E_IO, "leads nowhere");
}

Test(corpus_paths, relative_to_the_working_folder)
{
    make_tree();
    cr_assert_eq(chdir(scratch_folder), 0);
    static const char *const patterns[] = {"d/e/*.rst", "./d/e/*.rst", "**/three.rst",
                                           "d/e/three.rst"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "");
        strcpy(config.paths[0], patterns[i]);
        mas_path_list list;
        mas_error err = {0};
        cr_assert_eq(mas_paths_expand(&config, &list, &err), MAS_OK, "%s", err.text);
        cr_expect_eq(list.count, 1, "%s: %zu files", patterns[i], list.count);
        mas_path_list_free(&list);
    }
}

Test(corpus_paths, nothing_matches)
{
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "absent/**/*.rst");
    refused(&config, 8, MAS_E_NOT_FOUND, "nothing matches /tmp/masbench-corpus-");
    refused(&config, 8, MAS_E_NOT_FOUND, "/absent/**/*.rst; expected a file, a folder or a glob");
    config = scratch_config(MAS_CORPUS_TEXT, "absent.txt");
    refused(&config, 8, MAS_E_NOT_FOUND, "/absent.txt; expected");
    cr_assert_eq(chdir(scratch_folder), 0);
    strcpy(config.paths[0], "d/*.absent");
    refused(&config, 8, MAS_E_NOT_FOUND,
            "corpus.paths: nothing matches d/*.absent in the working folder ");
}

Test(corpus_paths, missing_package_is_named_with_its_command)
{
    mas_corpus_config config = mas_corpus_config_default();
    strcpy(config.paths[0], "/usr/share/doc/linux-doc-9.99/html/_sources/**/*.rst.txt");
    refused(&config, 8, MAS_E_NOT_FOUND,
            "corpus.paths: nothing matches "
            "/usr/share/doc/linux-doc-9.99/html/_sources/**/*.rst.txt; install it "
            "with: apt-get install linux-doc-9.99");
    static const struct {
        const char *path, *list, *command;
    } known[] = {
        {"/usr/share/go-1.19/src/**/*.gone", "golang-1.19-src.list", "golang-1.19-src"},
        {"/usr/lib/python3.11/**/*.pyx", "libpython3.11-stdlib:*.list", "libpython3.11-stdlib"},
        {"/usr/share/doc/linux-doc-6.1/none/*.x", "linux-doc-6.1.list", "linux-doc-6.1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[128];
        glob_t found = {0};
        snprintf(text, sizeof text, "/var/lib/dpkg/info/%s", known[i].list);
        const bool there = glob(text, 0, NULL, &found) == 0;
        globfree(&found);
        snprintf(text, sizeof text, "with: apt-get install %s", known[i].command);
        strcpy(config.paths[0], known[i].path);
        refused(&config, 8, MAS_E_NOT_FOUND, there ? "; expected a file" : text);
    }
    strcpy(config.paths[0], "/usr/share/doc/no-such-pack*/x");
    refused(&config, 8, MAS_E_NOT_FOUND, "x; expected a file");
}

Test(corpus_paths, unreadable)
{
    make_tree();
    if (geteuid() == 0) /* root reads everything; a folder read as a file stands in */
        cr_skip_test("root may read every folder");
    cr_assert_eq(access("/root", R_OK), -1);
    mas_corpus_config config = mas_corpus_config_default();
    strcpy(config.paths[0], "/root/**/*.txt");
    refused(&config, 8, MAS_E_IO, "/root");
}
