/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of tests/bad_yaml is refused with exactly the messages of the .txt beside it. A .set beside it holds
 * settings, a line each. */
#include "tests/unit/config/support.h"
#include "variants/suggest.h"
#include "variants/variant.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS_MAX 8

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 65536);
    cr_assert_not_null(text);
    cr_assert_lt(fread(text, 1, 65535, file), 65535u);
    fclose(file);
    return text;
}

static size_t split_lines(char *text, const char **lines)
{
    size_t count = 0;
    for (char *line = text ? strtok(text, "\n") : NULL; line && count < SETTINGS_MAX;
         line = strtok(NULL, "\n"))
        lines[count++] = line;
    return count;
}

/* ---- lists that a new variant makes longer: {variants} and {options} in an expected message ---- */

#define WORDS_MAX 64

static size_t add_word(const char **words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return count;
    cr_assert_lt(count, (size_t)WORDS_MAX);
    words[count] = word;
    return count + 1;
}

static size_t variant_names(const char **words)
{
    size_t count = 0;
    for (size_t v = 0; mas_variants[v]; v++)
        count = add_word(words, count, mas_variants[v]->name);
    return count;
}

static size_t variant_options(const char **words)
{
    static const char *const common[] = {"variant", "sinks", "causal"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        count = add_word(words, count, common[i]);
    for (size_t v = 0; mas_variants[v]; v++)
        for (size_t i = 0; i < mas_variants[v]->option_count; i++)
            count = add_word(words, count, mas_variants[v]->options[i].name);
    return count;
}

/* The text with the list in place of the mark; the text is freed. */
static char *fill_in(char *text, const char *mark, size_t (*list)(const char **words))
{
    const char *words[WORDS_MAX];
    char joined[4096];
    mas_words_join(words, list(words), joined, sizeof joined);
    for (char *at; (at = strstr(text, mark));) {
        const size_t size = strlen(text) + strlen(joined) + 1;
        char *filled = malloc(size);
        cr_assert_not_null(filled);
        snprintf(filled, size, "%.*s%s%s", (int)(at - text), text, joined, at + strlen(mark));
        free(text);
        text = filled;
    }
    return text;
}

static void check_file(const char *name)
{
    char stem[200], path[256];
    const char *settings[SETTINGS_MAX];
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(name) - 5), name);
    snprintf(path, sizeof path, "%s.set", stem);
    char *setting_text = read_text(path);
    const size_t setting_count = split_lines(setting_text, settings);
    snprintf(path, sizeof path, "%s.txt", stem);
    char *expected = read_text(path);
    cr_assert_not_null(expected, "%s has no %s", name, path);
    expected = fill_in(expected, "{variants}", variant_names);
    expected = fill_in(expected, "{options}", variant_options);

    mas_experiment *experiment = NULL;
    mas_diagnostics problems;
    const mas_status status =
        mas_experiment_load(name, settings, setting_count, &experiment, &problems);
    cr_expect_eq(status, MAS_E_FORMAT, "%s: %s", name, mas_status_name(status));
    cr_expect_null(experiment);
    char *found = calloc(1, 65536);
    cr_assert_not_null(found);
    for (size_t i = 0; i < problems.count; i++) {
        const size_t length = strlen(found);
        snprintf(found + length, 65536 - length, "%s\n", problems.texts[i]);
    }
    cr_expect_str_eq(found, expected, "%s\n--- expected\n%s--- found\n%s", name, expected, found);
    mas_diagnostics_free(&problems);
    mas_experiment_free(experiment);
    free(found);
    free(expected);
    free(setting_text);
}

static void check_all(void)
{
    char folder[512];
    source_path("tests/bad_yaml", folder, sizeof folder);
    cr_assert_eq(chdir(folder), 0, "no folder %s; set MAS_SOURCE_ROOT", folder);
    DIR *directory = opendir(".");
    cr_assert_not_null(directory);
    int files = 0, entries = 0, after = 0;
    for (const struct dirent *entry; (entry = readdir(directory)); entries++) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        check_file(entry->d_name);
        files++;
    }
    rewinddir(directory);
    while (readdir(directory))
        after++;
    closedir(directory);
    cr_expect_geq(files, 150, "only %d files", files);
    cr_expect_eq(after, entries, "reading a file created something");
}

Test(bad_yaml, messages, .timeout = 60)
{
    check_all();
}

Test(bad_yaml, messages_with_a_decimal_comma, .timeout = 120)
{
    if (!use_comma_locale())
        cr_skip_test("no locale with a decimal comma; install the package locales");
    check_all();
}

Test(bad_yaml, unreadable_files)
{
    mas_experiment *experiment;
    mas_diagnostics problems;
    cr_expect_eq(mas_experiment_load("/nowhere/at/all.yaml", NULL, 0, &experiment, &problems),
                 MAS_E_IO);
    cr_expect_eq(problems.count, 1u);
    cr_expect_str_eq(problems.texts[0],
                     "/nowhere/at/all.yaml: cannot be opened: No such file or directory");
    cr_expect_null(experiment);
    mas_diagnostics_free(&problems);
    cr_expect_eq(mas_experiment_load("/tmp", NULL, 0, &experiment, &problems), MAS_E_IO);
    cr_expect_str_eq(problems.texts[0], "/tmp: is a folder; expected an experiment file");
    mas_diagnostics_free(&problems);
}

Test(bad_yaml, a_file_far_too_large)
{
    char path[] = "/tmp/masbench_config_XXXXXX";
    FILE *file = fdopen(mkstemp(path), "wb");
    cr_assert_not_null(file);
    for (int i = 0; i < 120000; i++)
        fputs("# comment\n", file);
    fclose(file);
    mas_experiment *experiment;
    mas_diagnostics problems;
    cr_expect_eq(mas_experiment_load(path, NULL, 0, &experiment, &problems), MAS_E_FORMAT);
    cr_expect_eq(problems.count, 1u);
    mas_diagnostics_free(&problems);
    unlink(path);
}
