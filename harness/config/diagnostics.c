/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A file of pure nonsense should not flood the terminal. */
#define PROBLEMS_MAX 200

static int place_text(char *out, size_t size, mas_place place, const char *path)
{
    const bool has_path = path && *path;
    if (place.line > 0)
        return snprintf(out, size, "%s:%d:%d: %s%s", place.source, place.line, place.column,
                        has_path ? path : "", has_path ? ": " : "");
    return snprintf(out, size, "%s: %s%s", place.source, has_path ? path : "",
                    has_path ? ": " : "");
}

static bool is_known(const mas_problems *problems, const char *text, size_t length)
{
    for (size_t i = 0; i < problems->count; i++)
        if (problems->items[i].key_length == length &&
            memcmp(problems->items[i].text, text, length) == 0)
            return true;
    return false;
}

static bool reserve(mas_problems *problems)
{
    if (problems->count < problems->capacity)
        return true;
    const size_t capacity = problems->capacity ? 2 * problems->capacity : 16;
    mas_problem *items = realloc(problems->items, capacity * sizeof *items);
    if (!items)
        return false;
    problems->items = items;
    problems->capacity = capacity;
    return true;
}

void mas_problem_add(mas_problems *problems, mas_place place, const char *path, const char *format,
                     ...)
{
    if (problems->count >= PROBLEMS_MAX)
        return;
    char body[MAS_ERROR_TEXT_MAX + 512];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);

    const char *context = problems->context ? problems->context : "";
    const int head = place_text(NULL, 0, place, path);
    const size_t length = (size_t)(head < 0 ? 0 : head) + strlen(body);
    char *text = malloc(length + strlen(context) + 1);
    if (!text || !reserve(problems)) {
        free(text);
        problems->out_of_memory = true;
        return;
    }
    place_text(text, length + 1, place, path);
    strcat(text, body);
    for (char *c = text; *c; c++) /* one problem, one line, whatever the file holds */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    if (is_known(problems, text, length)) {
        free(text);
        return;
    }
    strcat(text, context);
    problems->items[problems->count] = (mas_problem){place, problems->count, length, text};
    problems->count++;
}

static int by_place(const void *a, const void *b)
{
    const mas_problem *x = a, *y = b;
    const int32_t line_x = x->place.line ? x->place.line : INT32_MAX;
    const int32_t line_y = y->place.line ? y->place.line : INT32_MAX;
    if (line_x != line_y)
        return line_x < line_y ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void mas_problems_finish(mas_problems *problems, mas_diagnostics *out)
{
    *out = (mas_diagnostics){0};
    const size_t count = problems->count;
    if (count > 0) {
        qsort(problems->items, count, sizeof *problems->items, by_place);
        out->texts = calloc(count, sizeof *out->texts);
    }
    for (size_t i = 0; i < count; i++) {
        if (out->texts)
            out->texts[out->count++] = problems->items[i].text;
        else
            free(problems->items[i].text);
    }
    free(problems->items);
    *problems = (mas_problems){0};
}

void mas_diagnostics_free(mas_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        free(diagnostics->texts[i]);
    free(diagnostics->texts);
    *diagnostics = (mas_diagnostics){0};
}
