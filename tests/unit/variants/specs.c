/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/variants/specs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t word_index(const mas_option *option, const char *word)
{
    for (int64_t i = 0; option->words[i]; i++)
        if (strcmp(option->words[i], word) == 0)
            return i;
    cr_assert(false, "%s is no word of %s", word, option->name);
    return -1;
}

static void set_option(mas_attn_spec *spec, const char *name, const char *value)
{
    if (strcmp(name, "sinks") == 0) {
        spec->sinks = atoll(value);
    } else if (strcmp(name, "causal") == 0) {
        spec->causal = atoll(value) != 0;
    } else {
        const int i = mas_variant_option(spec->variant, name);
        cr_assert_geq(i, 0, "%s has no option %s", spec->variant->name, name);
        const mas_option *option = &spec->variant->options[i];
        if (option->type == MAS_OPTION_PATH)
            snprintf(spec->path, sizeof spec->path, "%s", value);
        else
            spec->value[i] =
                option->type == MAS_OPTION_WORD ? word_index(option, value) : atoll(value);
    }
}

mas_attn_spec spec_unchecked(const char *text)
{
    char copy[512], *rest = NULL;
    const mas_variant *variant = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    cr_assert_eq(mas_variant_find(strtok_r(copy, " ", &rest), &variant, NULL), MAS_OK, "%s", text);
    mas_attn_spec spec = mas_attn_spec_default(variant);
    for (char *word; (word = strtok_r(NULL, " ", &rest));) {
        char *equals = strchr(word, '=');
        cr_assert_not_null(equals, "%s", text);
        *equals = '\0';
        set_option(&spec, word, equals + 1);
    }
    return spec;
}

mas_attn_spec spec_of(const char *text)
{
    mas_attn_spec spec = spec_unchecked(text);
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_attn_spec_check(&spec, &err), MAS_OK, "%s: %s", text, err.text);
    return spec;
}

const char *write_file(const char *name, const char *content)
{
    static char path[128];
    char folder[64] = "/tmp/masbench-test-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(content, file), 0);
    cr_assert_eq(fclose(file), 0);
    return path;
}

void remove_file(const char *path)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(folder), 0);
}

const char *const short_specs[] = {
    "full",
    "sliding_window window=1",
    "sliding_window window=4",
    "sliding_window window=9 sinks=2",
    "sliding_window window=200",
    "block_sparse block=8",
    "block_sparse block=7 sinks=3",
    "block_sparse block=4 layout=local local=2",
    "block_sparse block=4 layout=strided stride=3",
    "block_sparse block=3 layout=strided stride=4 sinks=1",
    "block_sparse block=4 layout=bigbird window_blocks=1 global_blocks=1 random_blocks=1 seed=5",
    "block_sparse block=2 layout=bigbird window_blocks=2 global_blocks=0 random_blocks=2 seed=1",
    NULL,
};

mas_plan plan_of_letters(const char *spec, const char *letters)
{
    mas_plan plan = {
        .layers = (int32_t)strlen(letters), .sparse = spec_of(spec), .full = mas_attn_spec_full()};
    for (int32_t i = 0; i < plan.layers; i++) {
        plan.is_full[i] = letters[i] == 'F';
        plan.full_layers += plan.is_full[i];
    }
    return plan;
}
