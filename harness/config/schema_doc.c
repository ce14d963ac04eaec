/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of all keys. Everything in it comes from the tables and descriptors that read files, but for the few
 * lines on sweeps. */
#include "harness/config/sections.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const char sweep_text[] =
    "## sweep\n\n"
    "A list of axes. The first one varies slowest; points that describe the same computation run "
    "once.\n\n"
    "| axis | meaning |\n|---|---|\n"
    "| `- training.seq_len: [256, 1024]` | list: each value in turn |\n"
    "| `- attention.full_layers: {from: 0, to: 4, step: 2}` | range, both ends included |\n"
    "| `- {model.width: [64, 128], training.learning_rate: [3e-3, 2e-3]}` | zipped: equally long "
    "lists, set together |\n"
    "| `- attention.placement: [bottom, [0, 3]]`<br>`  when: {attention.full_layers: 2}` | "
    "conditional: only where all "
    "keys of `when` have one of the given values; looks at what earlier axes set |\n"
    "| `- attention: [{full_layers: 6}, {full_layers: 0, sparse: {variant: block_sparse, block: "
    "32}}]` | sections: "
    "merged over the file's own, key by key; naming another `variant` (or corpus `type`) drops the "
    "options of the old "
    "one |\n\n";

/* A vertical bar would end the table's cell. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '|')
            fputs("\\|", out);
        else
            fputc(*text, out);
}

static void write_default(FILE *out, const mas_field *field, const void *target)
{
    json_t *value = field->required & 1 ? NULL : mas_field_json(field, target);
    char *text = value && !json_is_null(value)
                     ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9) | JSON_COMPACT)
                     : NULL;
    const bool bare = text && json_is_string(value);
    if (bare)
        text[strlen(text) - 1] = '\0';
    if (text)
        fprintf(out, "`%s`", bare ? text + 1 : text);
    else
        fputs(field->required & 1 ? "required" : "unset", out);
    free(text);
    json_decref(value);
}

/* "`type: text`, `type: tokens`" for the bits of a mask. */
static void write_owners(FILE *out, const mas_field *selector, unsigned mask)
{
    bool first = true;
    for (int i = 0; selector->words[i]; i++)
        if (mask >> i & 1) {
            fprintf(out, "%s`%s: %s`", first ? "" : ", ", selector->key, selector->words[i]);
            first = false;
        }
}

static void write_row(FILE *out, const mas_section *section, const mas_field *field,
                      const void *target)
{
    char expected[400];
    mas_field_expected(field, expected, sizeof expected);
    fprintf(out, "| `%s` | ", field->key);
    write_cell(out, expected);
    fputs(" | ", out);
    write_default(out, field, target);
    fputs(" | ", out);
    write_cell(out, field->help);
    if (section->selector && field->only) {
        fputs(" (only with ", out);
        write_owners(out, section->selector, field->only);
        fputs(field->required ? "; required with " : "", out);
        write_owners(out, section->selector, field->required);
        fputc(')', out);
    }
    fputs(" |\n", out);
}

static void write_section(FILE *out, const mas_section *section, const void *target)
{
    fprintf(out, "## %s\n\n%s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
            section->name, section->help);
    for (size_t i = 0; i < section->count; i++) {
        const mas_field *field = &section->fields[i];
        if (field->type == MAS_FIELD_SECTION)
            fprintf(out, "| `%s` | a section | | see [%s](#%s) |\n", field->key, field->key,
                    field->key);
        else
            write_row(out, section, field, target);
    }
    fputc('\n', out);
}

static void write_option(FILE *out, const mas_option *option)
{
    fprintf(out, "| `%s` | ", option->name);
    switch (option->type) {
    case MAS_OPTION_INT:
        fprintf(out, "whole number %" PRId64 " .. %" PRId64 " | ", option->min, option->max);
        break;
    case MAS_OPTION_WORD:
        for (size_t i = 0; option->words[i]; i++)
            fprintf(out, "%s`%s`", i ? ", " : "", option->words[i]);
        fputs(" | ", out);
        break;
    case MAS_OPTION_PATH: fputs("file | ", out); break;
    }
    if (option->required)
        fputs("required", out);
    else if (option->type == MAS_OPTION_INT)
        fprintf(out, "`%" PRId64 "`", option->default_value);
    else if (option->type == MAS_OPTION_WORD)
        fprintf(out, "`%s`", option->words[option->default_value]);
    else
        fputs("unset", out);
    fputs(" | ", out);
    write_cell(out, option->help);
    fputs(" |\n", out);
}

static void write_variants(FILE *out)
{
    fputs("### attention.sparse\n\nA variant and its options. Every variant also takes `sinks` "
          "(first keys that every "
          "query sees, default `0`) and `causal` (default `true`).\n\n",
          out);
    for (size_t i = 0; mas_variants[i]; i++) {
        const mas_variant *variant = mas_variants[i];
        fprintf(out, "`variant: %s`: %s (%s).\n\n", variant->name, variant->summary,
                variant->source);
        if (variant->option_count == 0)
            continue;
        fputs("| option | value | default | meaning |\n|---|---|---|---|\n", out);
        for (size_t j = 0; j < variant->option_count; j++)
            write_option(out, &variant->options[j]);
        fputc('\n', out);
    }
}

static void write_placements(FILE *out)
{
    fputs("### attention.placement\n\nWhere l full layers go among n layers, counted from 0 at the "
          "bottom.\n\n"
          "| placement | full layers |\n|---|---|\n",
          out);
    for (int kind = 0; kind < MAS_PLACEMENT_COUNT; kind++) {
        const char *form = kind == MAS_PLACEMENT_PERIODIC ? "{periodic: {every: 6, offset: 5}}"
                           : kind == MAS_PLACEMENT_LIST   ? "[0, 3, 5]"
                           : kind == MAS_PLACEMENT_RANDOM
                               ? "{random: SEED}"
                               : mas_placement_name((mas_placement_kind)kind);
        fprintf(out, "| `%s` | %s |\n", form, mas_placement_help((mas_placement_kind)kind));
    }
    fputc('\n', out);
}

void mas_experiment_write_schema(FILE *out)
{
    mas_document *document = malloc(sizeof *document);
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!document || !c)
        goto done;
    const locale_t before = uselocale(c);
    mas_document_init(document);
    fputs("# Keys of an experiment file\n\nUnknown and repeated keys, values out of range and "
          "empty items are refused. "
          "Numbers are decimal and the same in every locale; `2e6` is a whole number.\n\n",
          out);
    write_section(out, &mas_schema_root, document);
    for (size_t i = 0; i < mas_schema_root.count; i++) {
        const mas_field *field = &mas_schema_root.fields[i];
        if (field->type != MAS_FIELD_SECTION)
            continue;
        write_section(out, field->section, (const unsigned char *)document + field->offset);
        if (strcmp(field->key, "training") == 0) {
            const mas_base_config base = mas_base_config_default();
            write_section(out, &mas_schema_base, &base);
        }
        if (strcmp(field->key, "attention") == 0) {
            write_variants(out);
            write_placements(out);
        }
    }
    fputs(sweep_text, out);
    uselocale(before);
done:
    if (c)
        freelocale(c);
    free(document);
}
