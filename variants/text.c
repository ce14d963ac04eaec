/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t mas_text_whole(const char *text, size_t length)
{
    size_t begin = length; /* of the last character */
    while (begin > 0 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
        begin--;
    if (begin == 0)
        return length;
    const unsigned char lead = (unsigned char)text[begin - 1];
    const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return length - (begin - 1) < bytes ? begin - 1 : length;
}

void mas_text_append(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    if (used + 1 >= size)
        return;
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text + used, size - used, format, args);
    va_end(args);
    if (n < 0)
        text[used] = '\0';
    else if ((size_t)n >= size - used)
        text[mas_text_whole(text, size - 1)] = '\0';
}
