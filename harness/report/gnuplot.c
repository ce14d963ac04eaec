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
