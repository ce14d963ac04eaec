/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/schema.h"

#include "harness/config/number.h"
#include "variants/suggest.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static_assert(sizeof(mas_split) == sizeof(int), "enums are read through int");
static_assert(sizeof(size_t) == sizeof(int64_t), "sizes are read through int64_t");

void mas_path_join(char out[MAS_PATH_TEXT_MAX], const char *path, const char *key)
{
    snprintf(out, MAS_PATH_TEXT_MAX, "%s%s%s", path, *path ? "." : "", key);
}

static void *at(void *target, size_t offset)
{
    return (unsigned char *)target + offset;
}

static const void *at_const(const void *target, size_t offset)
{
    return (const unsigned char *)target + offset;
}

/* ---- what is expected ---- */

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

static void expected_int(const mas_field *field, const char *what, char *text, size_t size)
{
    if (field->max == INT64_MAX || field->max == INT32_MAX)
        snprintf(text, size, "%s of at least %" PRId64, what, field->min);
    else
        snprintf(text, size, "%s %" PRId64 " .. %" PRId64, what, field->min, field->max);
}

static void expected_real(const mas_field *field, char *text, size_t size)
{
    const char *lower = field->above ? "above" : "of at least";
    if (field->high >= (double)FLT_MAX)
        snprintf(text, size, "a number %s %g", lower, field->low);
    else if (field->above)
        snprintf(text, size, "a number above %g, at most %g", field->low, field->high);
    else
        snprintf(text, size, "a number %g .. %g", field->low, field->high);
}

void mas_field_expected(const mas_field *field, char *text, size_t size)
{
    switch (field->type) {
    case MAS_FIELD_INT32:
    case MAS_FIELD_INT64: expected_int(field, "a whole number", text, size); return;
    case MAS_FIELD_BYTES:
        snprintf(text, size, "a number of bytes, as in 4096, 512MiB or 2GiB");
        return;
    case MAS_FIELD_FLOAT:
    case MAS_FIELD_DOUBLE: expected_real(field, text, size); return;
    case MAS_FIELD_BOOL: snprintf(text, size, "true or false"); return;
    case MAS_FIELD_WORD:
        snprintf(text, size, "one of: ");
        mas_words_join(field->words, count_words(field->words), text + strlen(text),
                       size - strlen(text));
        return;
    case MAS_FIELD_TEXT:
        if (field->characters)
            snprintf(text, size, "1 to %zu characters of %s", field->size - 1, "a-z 0-9 _ -");
        else
            snprintf(text, size, "a text of at most %zu bytes", field->size - 1);
        return;
    case MAS_FIELD_TEXTS:
        snprintf(text, size, "a text, or a list of at most %" PRId64, field->max);
        return;
    case MAS_FIELD_SECTION: snprintf(text, size, "a mapping of keys"); return;
    case MAS_FIELD_CUSTOM: snprintf(text, size, "%s", field->codec->expected); return;
    case MAS_FIELD_LATER: snprintf(text, size, "a list of axes"); return;
    }
}

/* ---- reporting ---- */

static void report_unknown(mas_problems *problems, mas_place place, const char *path,
                           const char *what, const char *word, const char *const *known)
{
    char list[600];
    const size_t count = count_words(known);
    mas_words_join(known, count, list, sizeof list);
    const char *near = mas_suggest(word, known, count);
    mas_problem_add(problems, place, path, "%s; expected one of: %s%s%s%s", what, list,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

void mas_problem_unknown_key(mas_problems *problems, mas_place place, const char *path,
                             const char *key, const char *const *known)
{
    char child[MAS_PATH_TEXT_MAX];
    mas_path_join(child, path, key);
    report_unknown(problems, place, child, "unknown key", key, known);
}

void mas_problem_unknown_word(mas_problems *problems, mas_place place, const char *path,
                              const char *word, const char *const *known)
{
    char what[128];
    snprintf(what, sizeof what, "\"%.80s\" is not known", word);
    report_unknown(problems, place, path, what, word, known);
}

static const char *kind_name(const mas_node *node)
{
    return node->kind == MAS_NODE_LIST ? "a list" : "a mapping";
}

/* A plain scalar with a value in it? `bare` also refuses quotes, for what is not a text. */
static bool check_scalar(mas_problems *problems, const mas_node *node, const char *path,
                         const char *expected, bool bare)
{
    if (node->kind != MAS_NODE_SCALAR)
        mas_problem_add(problems, node->place, path, "%s stands here; expected %s", kind_name(node),
                        expected);
    else if (mas_node_is_empty(node))
        mas_problem_add(problems, node->place, path, "no value; expected %s", expected);
    else if (bare && node->quoted)
        mas_problem_add(problems, node->place, path,
                        "\"%.80s\" is quoted, which makes it a text; expected %s, without quotes",
                        node->text, expected);
    else
        return true;
    return false;
}

static void report_number(mas_problems *problems, const mas_node *node, const char *path,
                          mas_number_fault fault, const char *expected)
{
    char what[256];
    mas_number_explain(fault, node->text, what, sizeof what);
    mas_problem_add(problems, node->place, path, "%s; expected %s", what, expected);
}

static bool read_int(mas_problems *problems, const mas_field *field, const mas_node *node,
                     const char *path, int64_t *out)
{
    char expected[128];
    mas_field_expected(field, expected, sizeof expected);
    if (!check_scalar(problems, node, path, expected, true))
        return false;
    int64_t value = 0;
    const mas_number_fault fault = field->type == MAS_FIELD_BYTES
                                       ? mas_number_bytes(node->text, &value)
                                       : mas_number_int(node->text, &value);
    if (fault) {
        report_number(problems, node, path, fault, expected);
        return false;
    }
    if (value < field->min || value > field->max) {
        mas_problem_add(problems, node->place, path, "%.80s is out of range; expected %s",
                        node->text, expected);
        return false;
    }
    *out = value;
    return true;
}

bool mas_node_int(mas_problems *problems, const mas_node *node, const char *path, int64_t min,
                  int64_t max, int64_t *out)
{
    const mas_field field = {.type = MAS_FIELD_INT64, .min = min, .max = max};
    return read_int(problems, &field, node, path, out);
}

/* ---- reading values ---- */

static void read_real(mas_problems *problems, const mas_field *field, const mas_node *node,
                      const char *path, void *target)
{
    char expected[128];
    mas_field_expected(field, expected, sizeof expected);
    if (!check_scalar(problems, node, path, expected, true))
        return;
    double value = 0;
    const mas_number_fault fault = mas_number_real(node->text, &value);
    if (fault) {
        report_number(problems, node, path, fault, expected);
        return;
    }
    const double high = field->type == MAS_FIELD_FLOAT && field->high > (double)FLT_MAX
                            ? (double)FLT_MAX
                            : field->high;
    bool fits = value <= high && (field->above ? value > field->low : value >= field->low);
    if (fits && field->type == MAS_FIELD_FLOAT && value != 0 && (float)value == 0)
        fits = false; /* would become 0 */
    if (!fits) {
        mas_problem_add(problems, node->place, path, "%.80s is out of range; expected %s",
                        node->text, expected);
        return;
    }
    if (field->type == MAS_FIELD_FLOAT)
        *(float *)at(target, field->offset) = (float)value;
    else
        *(double *)at(target, field->offset) = value;
}

static void read_bool(mas_problems *problems, const mas_field *field, const mas_node *node,
                      const char *path, void *target)
{
    if (!check_scalar(problems, node, path, "true or false", true))
        return;
    const bool yes = strcmp(node->text, "true") == 0;
    if (!yes && strcmp(node->text, "false") != 0)
        mas_problem_add(problems, node->place, path,
                        "\"%.80s\" is not a truth value; expected true or false", node->text);
    else
        *(bool *)at(target, field->offset) = yes;
}

static void read_word(mas_problems *problems, const mas_field *field, const mas_node *node,
                      const char *path, void *target)
{
    char expected[300];
    mas_field_expected(field, expected, sizeof expected);
    if (!check_scalar(problems, node, path, expected, false))
        return;
    for (int i = 0; field->words[i]; i++)
        if (strcmp(field->words[i], node->text) == 0) {
            const int value = i + (int)field->min;
            memcpy(at(target, field->offset), &value, sizeof value);
            return;
        }
    mas_problem_unknown_word(problems, node->place, path, node->text, field->words);
}

static bool read_text(mas_problems *problems, const mas_field *field, const mas_node *node,
                      const char *path, char *text)
{
    char expected[128];
    mas_field_expected(field, expected, sizeof expected);
    if (field->type == MAS_FIELD_TEXTS)
        snprintf(expected, sizeof expected, "a text of at most %zu bytes", field->size - 1);
    if (!check_scalar(problems, node, path, expected, false))
        return false;
    const size_t length = strlen(node->text);
    if (length >= field->size)
        mas_problem_add(problems, node->place, path, "%zu bytes are too long; expected %s", length,
                        expected);
    else if (length == 0)
        mas_problem_add(problems, node->place, path, "an empty text; expected %s", expected);
    else if (field->characters && strspn(node->text, field->characters) != length)
        mas_problem_add(problems, node->place, path,
                        "\"%.80s\" has a character that is not allowed; expected %s", node->text,
                        expected);
    else {
        memcpy(text, node->text, length + 1);
        return true;
    }
    return false;
}

static void read_texts(mas_problems *problems, const mas_field *field, const mas_node *node,
                       const char *path, void *target)
{
    char *texts = at(target, field->offset);
    int32_t *count = at(target, field->count_offset);
    if (node->kind != MAS_NODE_LIST) {
        *count = read_text(problems, field, node, path, texts);
        return;
    }
    *count = 0;
    if ((int64_t)node->count > field->max) {
        mas_problem_add(problems, node->place, path,
                        "%zu entries are too many; expected at most %" PRId64, node->count,
                        field->max);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char child[MAS_PATH_TEXT_MAX];
        snprintf(child, sizeof child, "%s[%zu]", path, i);
        const mas_node *item = node->entries[i].value;
        if (!mas_node_is_empty(item) && /* reported with the tree */
            read_text(problems, field, item, child, texts + (size_t)*count * field->size))
            (*count)++;
    }
}

void mas_field_read(mas_problems *problems, const mas_field *field, const mas_node *node,
                    const char *path, void *target, bool complete)
{
    int64_t value = 0;
    switch (field->type) {
    case MAS_FIELD_INT32:
        if (read_int(problems, field, node, path, &value))
            *(int32_t *)at(target, field->offset) = (int32_t)value;
        return;
    case MAS_FIELD_INT64:
    case MAS_FIELD_BYTES:
        if (read_int(problems, field, node, path, &value))
            memcpy(at(target, field->offset), &value, sizeof value);
        return;
    case MAS_FIELD_FLOAT:
    case MAS_FIELD_DOUBLE: read_real(problems, field, node, path, target); return;
    case MAS_FIELD_BOOL: read_bool(problems, field, node, path, target); return;
    case MAS_FIELD_WORD: read_word(problems, field, node, path, target); return;
    case MAS_FIELD_TEXT: read_text(problems, field, node, path, at(target, field->offset)); return;
    case MAS_FIELD_TEXTS: read_texts(problems, field, node, path, target); return;
    case MAS_FIELD_SECTION:
        mas_schema_read(problems, field->section, node, path, at(target, field->offset), complete);
        return;
    case MAS_FIELD_CUSTOM:
        field->codec->read(problems, node, path, at(target, field->offset), complete);
        return;
    case MAS_FIELD_LATER: return;
    }
}

/* ---- reading sections ---- */

static const mas_field *find_field(const mas_section *section, const char *key)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->fields[i].key, key) == 0)
            return &section->fields[i];
    return NULL;
}

void mas_section_keys(const mas_section *section, const char *keys[MAS_KEYS_MAX])
{
    size_t count = 0;
    for (; count < section->count && count < MAS_KEYS_MAX - 1; count++)
        keys[count] = section->fields[count].key;
    keys[count] = NULL;
}

static int selected(const mas_section *section, const void *target)
{
    int value = 0;
    if (section->selector)
        memcpy(&value, at_const(target, section->selector->offset), sizeof value);
    return value;
}

static bool applies(const mas_section *section, const mas_field *field, const void *target)
{
    return field->only == 0 || (field->only >> selected(section, target) & 1);
}

static void report_not_applying(mas_problems *problems, const mas_section *section,
                                const mas_field *field, mas_place place, const char *path,
                                const void *target)
{
    const mas_field *selector = section->selector;
    char owners[128] = "";
    for (int i = 0; selector->words[i]; i++)
        if (field->only >> i & 1)
            snprintf(owners + strlen(owners), sizeof owners - strlen(owners), "%s%s",
                     *owners ? " or " : "", selector->words[i]);
    mas_problem_add(problems, place, path, "has no meaning with %s: %s; expected only with %s: %s",
                    selector->key, selector->words[selected(section, target)], selector->key,
                    owners);
}

/* Two common slips have a remedy of their own: "training.tokens: 3", and {warmup: 0,5}, which is a key 5. */
static void report_unknown_entry(mas_problems *problems, const mas_section *section,
                                 const mas_entry *entry, const char *path, const char *const *keys)
{
    char head[MAS_PATH_TEXT_MAX], child[MAS_PATH_TEXT_MAX];
    const size_t dot = strcspn(entry->key, ".");
    snprintf(head, sizeof head, "%.*s", (int)(dot < sizeof head ? dot : 0), entry->key);
    const mas_field *outer = entry->key[dot] ? find_field(section, head) : NULL;
    int64_t number;
    mas_path_join(child, path, entry->key);
    if (outer && outer->type == MAS_FIELD_SECTION)
        mas_problem_add(problems, entry->key_place, child,
                        "a dotted key; expected %s: {%.80s: ...}", head, entry->key + dot + 1);
    else if (mas_node_is_empty(entry->value) &&
             mas_number_int(entry->key, &number) == MAS_NUMBER_OK)
        mas_problem_add(problems, entry->key_place, child,
                        "a number where a key belongs; expected a decimal point instead of the "
                        "comma before it");
    else
        mas_problem_unknown_key(problems, entry->key_place, path, entry->key, keys);
}

void mas_schema_read(mas_problems *problems, const mas_section *section, const mas_node *node,
                     const char *path, void *target, bool complete)
{
    const char *keys[MAS_KEYS_MAX];
    mas_section_keys(section, keys);
    if (node->kind != MAS_NODE_MAP) {
        char list[600];
        mas_words_join(keys, count_words(keys), list, sizeof list);
        mas_problem_add(problems, node->place, path, "%s; expected a mapping with keys of: %s",
                        node->kind == MAS_NODE_LIST ? "a list stands here"
                        : mas_node_is_empty(node)   ? "no value"
                                                    : "a single value stands here",
                        list);
        return;
    }
    char child[MAS_PATH_TEXT_MAX];
    const mas_node *selector =
        section->selector ? mas_node_get(node, section->selector->key) : NULL;
    if (selector) {
        mas_path_join(child, path, section->selector->key);
        mas_field_read(problems, section->selector, selector, child, target, complete);
        if (section->begin)
            section->begin(target);
    }
    for (size_t i = 0; i < node->count; i++) {
        const mas_entry *entry = &node->entries[i];
        const mas_field *field = find_field(section, entry->key);
        if (!field) {
            report_unknown_entry(problems, section, entry, path, keys);
            continue;
        }
        if (field == section->selector)
            continue;
        mas_path_join(child, path, entry->key);
        if (applies(section, field, target))
            mas_field_read(problems, field, entry->value, child, target, complete);
        else
            report_not_applying(problems, section, field, entry->key_place, child, target);
    }
    for (size_t i = 0; complete && i < section->count; i++) {
        const mas_field *field = &section->fields[i];
        if (!(field->required >> selected(section, target) & 1) || mas_node_get(node, field->key))
            continue;
        char expected[300];
        mas_field_expected(field, expected, sizeof expected);
        mas_path_join(child, path, field->key);
        mas_problem_add(problems, node->place, child, "missing; expected %s", expected);
    }
}
