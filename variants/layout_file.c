/* SPDX-License-Identifier: Apache-2.0 */
/* A file is kept twice: its digits as written, for `sees`, and runs of visible blocks per row, for
 * schedules. */
#include "variants/layout_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)

struct mas_block_layout {
    const mas_block_layout *next; /* in the list of loaded files */
    char *path;
    char *digits;      /* all rows' digits, end to end */
    size_t *row_start; /* [rows + 1] into digits */
    mas_run *runs;
    size_t *run_start; /* [rows + 1] into runs */
    size_t rows, max_runs;
    long last_line; /* line of the last row, from 1 */
};

/* Specs are plain values that share their layouts, so nobody could say when to free one. */
static const mas_block_layout *loaded;

static void layout_free(mas_block_layout *layout)
{
    if (!layout)
        return;
    free(layout->path);
    free(layout->digits);
    free(layout->row_start);
    free(layout->runs);
    free(layout->run_start);
    free(layout);
}

static mas_status read_whole(const char *path, char **out, size_t *out_size, mas_error *err)
{
    mas_status status = MAS_OK;
    char *text = NULL;
    size_t size = 0, room = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
        const mas_status reason = errno == ENOENT || errno == ENOTDIR ? MAS_E_NOT_FOUND : MAS_E_IO;
        return mas_fail(err, reason, "layout file %s cannot be opened: %s", path, strerror(errno));
    }
    for (;;) {
        if (size == room) {
            room = room ? room * 2 : 4096;
            char *grown = room <= FILE_BYTES_MAX ? realloc(text, room) : NULL;
            if (!grown) {
                status = mas_fail(err, room > FILE_BYTES_MAX ? MAS_E_FORMAT : MAS_E_MEMORY,
                                  "layout file %s is too large to hold in memory (limit %zu bytes)",
                                  path, FILE_BYTES_MAX);
                goto done;
            }
            text = grown;
        }
        const size_t got = fread(text + size, 1, room - size, file);
        size += got;
        if (got == 0)
            break;
    }
    if (ferror(file)) {
        status =
            mas_fail(err, MAS_E_IO, "layout file %s cannot be read: %s", path, strerror(errno));
        goto done;
    }
    *out = text;
    *out_size = size;
    text = NULL;
done:
    free(text);
    fclose(file);
    return status;
}

static mas_status bad_character(const char *path, long line, size_t column, char c, mas_error *err)
{
    char shown[8];
    if (c > ' ' && c <= '~')
        snprintf(shown, sizeof shown, "'%c'", c);
    else
        snprintf(shown, sizeof shown, "0x%02x", (unsigned)(unsigned char)c);
    return mas_fail(err, MAS_E_FORMAT,
                    "%s:%ld:%zu: expected 0 (hidden block) or 1 (visible block), not %s", path,
                    line, column, shown);
}

/* Take the digits of one line; `used` counts the digits of all rows so far. */
static mas_status parse_line(const char *path, const char *text, size_t length, long line,
                             mas_block_layout *layout, size_t *used, mas_error *err)
{
    const size_t start = *used;
    for (size_t i = 0; i < length && text[i] != '#'; i++) {
        const char c = text[i];
        if (c == '0' || c == '1')
            layout->digits[(*used)++] = c;
        else if (c != ' ' && c != '\t' && !(c == '\r' && i + 1 == length))
            return bad_character(path, line, i + 1, c, err);
    }
    const size_t digits = *used - start;
    if (digits == 0)
        return MAS_OK;
    if (digits < layout->rows + 1)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s:%ld: block row %zu has %zu digit%s; it needs at least %zu, one for "
                        "each block up to its own",
                        path, line, layout->rows, digits, digits == 1 ? "" : "s", layout->rows + 1);
    layout->rows++;
    layout->row_start[layout->rows] = *used;
    layout->last_line = line;
    return MAS_OK;
}

static mas_status parse(const char *path, const char *text, size_t size, mas_block_layout *layout,
                        mas_error *err)
{
    size_t lines = 1, used = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    layout->digits = malloc(size + 1);
    layout->row_start = calloc(lines + 1, sizeof *layout->row_start);
    if (!layout->digits || !layout->row_start)
        return mas_fail(err, MAS_E_MEMORY, "no memory for layout file %s", path);
    size_t begin = 0;
    for (long line = 1; begin < size; line++) {
        const char *newline = memchr(text + begin, '\n', size - begin);
        const size_t length = newline ? (size_t)(newline - (text + begin)) : size - begin;
        const mas_status status = parse_line(path, text + begin, length, line, layout, &used, err);
        if (status != MAS_OK)
            return status;
        begin += length + 1;
    }
    if (layout->rows == 0)
        return mas_fail(
            err, MAS_E_FORMAT,
            "%s: no block rows; expected lines of the digits 0 and 1, the first row on top", path);
    return MAS_OK;
}

static mas_status find_runs(const char *path, mas_block_layout *layout, mas_error *err)
{
    size_t room = 0;
    for (size_t r = 0; r < layout->rows; r++)
        for (size_t i = layout->row_start[r]; i < layout->row_start[r + 1]; i++)
            room += layout->digits[i] == '1' &&
                    (i == layout->row_start[r] || layout->digits[i - 1] == '0');
    layout->runs = malloc((room + 1) * sizeof *layout->runs);
    layout->run_start = calloc(layout->rows + 1, sizeof *layout->run_start);
    if (!layout->runs || !layout->run_start)
        return mas_fail(err, MAS_E_MEMORY, "no memory for layout file %s", path);
    size_t count = 0;
    for (size_t r = 0; r < layout->rows; r++) {
        const char *digits = layout->digits + layout->row_start[r];
        const size_t columns = layout->row_start[r + 1] - layout->row_start[r];
        for (size_t c = 0; c < columns;) {
            const size_t first = c;
            while (c < columns && digits[c] == '1')
                c++;
            if (c > first)
                layout->runs[count++] = (mas_run){(int64_t)first, (int64_t)c};
            else
                c++;
        }
        layout->run_start[r + 1] = count;
        const size_t here = count - layout->run_start[r];
        layout->max_runs = here > layout->max_runs ? here : layout->max_runs;
    }
    return MAS_OK;
}

mas_status mas_block_layout_load(const char *path, const mas_block_layout **out, mas_error *err)
{
    char *text = NULL;
    size_t size = 0;
    mas_block_layout *layout = NULL;
    mas_status status = read_whole(path, &text, &size, err);
    if (status != MAS_OK)
        return status;
    layout = calloc(1, sizeof *layout);
    const size_t path_size = strlen(path) + 1;
    if (!layout || !(layout->path = malloc(path_size))) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for layout file %s", path);
        goto done;
    }
    memcpy(layout->path, path, path_size);
    status = parse(path, text, size, layout, err);
    if (status == MAS_OK)
        status = find_runs(path, layout, err);
    if (status != MAS_OK)
        goto done;
    for (const mas_block_layout *l = loaded; l; l = l->next)
        if (strcmp(l->path, path) == 0 && mas_block_layout_equal(l, layout)) {
            *out = l;
            goto done;
        }
    layout->next = loaded;
    *out = loaded = layout;
    layout = NULL;
done:
    free(text);
    layout_free(layout);
    return status;
}

int64_t mas_block_layout_rows(const mas_block_layout *layout)
{
    return (int64_t)layout->rows;
}

bool mas_block_layout_equal(const mas_block_layout *a, const mas_block_layout *b)
{
    if (a == b)
        return true;
    return a && b && a->rows == b->rows &&
           memcmp(a->row_start, b->row_start, (a->rows + 1) * sizeof *a->row_start) == 0 &&
           memcmp(a->digits, b->digits, a->row_start[a->rows]) == 0;
}

bool mas_block_layout_sees(const mas_block_layout *layout, int64_t row, int64_t column)
{
    if (row < 0 || (uint64_t)row >= layout->rows || column < 0)
        return false;
    const size_t start = layout->row_start[row], columns = layout->row_start[row + 1] - start;
    return (uint64_t)column < columns && layout->digits[start + (size_t)column] == '1';
}

size_t mas_block_layout_runs(const mas_block_layout *layout, int64_t row, int64_t blocks,
                             mas_run *runs)
{
    size_t count = 0;
    if (row < 0 || (uint64_t)row >= layout->rows)
        return 0;
    for (size_t i = layout->run_start[row]; i < layout->run_start[row + 1]; i++) {
        mas_run run = layout->runs[i];
        if (run.begin >= blocks)
            break;
        run.end = run.end < blocks ? run.end : blocks;
        runs[count++] = run;
    }
    return count;
}

size_t mas_block_layout_max_runs(const mas_block_layout *layout)
{
    return layout->max_runs;
}

mas_status mas_attn_spec_check_length(const mas_attn_spec *spec, int64_t length, mas_error *err)
{
    if (!spec->layout)
        return MAS_OK;
    const mas_block_layout *layout = spec->layout;
    const int64_t block = spec->value[mas_variant_option(spec->variant, "block")];
    const int64_t needed = (length - 1) / block + 1;
    if (needed <= (int64_t)layout->rows)
        return MAS_OK;
    return mas_fail(
        err, MAS_E_SHAPE,
        "%s:%ld: the layout ends here after %zu block row%s of %lld positions; length %lld needs "
        "%lld rows",
        layout->path, layout->last_line, layout->rows, layout->rows == 1 ? "" : "s",
        (long long)block, (long long)length, (long long)needed);
}
