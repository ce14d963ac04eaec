/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts as gnuplot reads them. */
#include "harness/report/gnuplot.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void mas_gnuplot_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    else
        fputs("NaN", out);
}

/* A gnuplot string in single quotes: nothing in it is special but the quote itself. */
static void print_string(FILE *out, const char *text, size_t length)
{
    fputc('\'', out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'')
            fputc('\'', out);
        fputc((unsigned char)text[i] < ' ' ? ' ' : text[i], out);
    }
    fputc('\'', out);
}

void mas_gnuplot_text(FILE *out, const char *text, size_t width)
{
    for (bool first = true; first || *text; first = false) {
        size_t length = strlen(text);
        if (length > width) {
            length = width;
            while (length > 0 && text[length] != ' ')
                length--;
            length = length ? length : width;
        }
        fputs(first ? "" : ".\"\\n\".", out);
        print_string(out, text, length);
        text += length;
        text += strspn(text, " ");
    }
}

int mas_gnuplot_font(size_t characters, size_t room, int largest)
{
    const size_t fits = characters > 0 ? room / characters : (size_t)largest;
    return fits > (size_t)largest ? largest : fits < MAS_FONT_MIN ? MAS_FONT_MIN : (int)fits;
}

/* Not the first byte of a character of UTF-8. */
static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void mas_gnuplot_name(FILE *out, const char *text, size_t room)
{
    static const char left_out[] = "...";
    const size_t most = room / MAS_FONT_MIN, length = strlen(text);
    if (length <= most) {
        print_string(out, text, length);
        return;
    }
    size_t head = (most - strlen(left_out)) / 2, tail = length - head;
    while (head > 0 && continues(text[head]))
        head--;
    while (continues(text[tail]))
        tail++;
    print_string(out, text, head);
    fprintf(out, ".'%s'.", left_out);
    print_string(out, text + tail, length - tail);
}
