/* SPDX-License-Identifier: Apache-2.0 */
/* A grammar check of our own comes first, so that strtod only ever sees [-]digits[.digits][e[-]digits] and runs under
 * the C locale: its extensions (nan, inf, hexadecimal, the locale's comma) never get a say. */
#include "harness/config/number.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXPONENT_MAX 100000

/* A number cut into its parts, pointers into the text. */
typedef struct parts {
    bool negative;
    const char *whole, *fraction;
    size_t whole_digits, fraction_digits;
    long exponent;
    const char *end; /* first character after the number */
} parts;

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Does a number start at text? Reads as far as the grammar goes. */
static bool cut(const char *text, parts *p)
{
    *p = (parts){.negative = *text == '-'};
    if (*text == '-' || *text == '+')
        text++;
    p->whole = text;
    p->whole_digits = digits(text);
    text += p->whole_digits;
    p->fraction = text;
    if (*text == '.') {
        p->fraction = ++text;
        p->fraction_digits = digits(text);
        text += p->fraction_digits;
    }
    if (p->whole_digits + p->fraction_digits == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        const char *mark = text + 1;
        const bool negative = *mark == '-';
        if (*mark == '-' || *mark == '+')
            mark++;
        const size_t count = digits(mark);
        if (count > 0) {
            for (size_t i = 0; i < count; i++)
                if (p->exponent < EXPONENT_MAX)
                    p->exponent = p->exponent * 10 + (mark[i] - '0');
            if (negative)
                p->exponent = -p->exponent;
            text = mark + count;
        }
    }
    p->end = text;
    return true;
}

static bool has_leading_zero(const parts *p)
{
    return p->whole_digits > 1 && p->whole[0] == '0';
}

/* Why a text that fails the grammar fails it. */
static mas_number_fault diagnose(const char *text)
{
    const char *body = text + (*text == '-' || *text == '+');
    const char *word = body + (*body == '.');
    if (!strcasecmp(word, "nan") || !strcasecmp(word, "inf") || !strcasecmp(word, "infinity"))
        return MAS_NUMBER_NOT_FINITE;
    if (body[0] == '0' && body[1] && strchr("xXoObB", body[1]))
        return MAS_NUMBER_OTHER_BASE;
    parts p;
    if (!cut(text, &p))
        return MAS_NUMBER_NOT_A_NUMBER;
    if (p.end[0] == ',' && p.end[1] == '\0')
        return MAS_NUMBER_TRAILING_COMMA;
    if (p.end[0] == ',' && digits(p.end + 1) > 0)
        return MAS_NUMBER_COMMA;
    if (p.end[0] == '_' && digits(p.end + 1) > 0)
        return MAS_NUMBER_SEPARATOR;
    return MAS_NUMBER_NOT_A_NUMBER;
}

static mas_number_fault cut_all(const char *text, parts *p)
{
    if (!cut(text, p) || *p->end)
        return diagnose(text);
    return has_leading_zero(p) ? MAS_NUMBER_LEADING_ZERO : MAS_NUMBER_OK;
}

static char digit_at(const parts *p, size_t i)
{
    return i < p->whole_digits ? p->whole[i] : p->fraction[i - p->whole_digits];
}

static bool append_digit(int64_t *value, int digit)
{
    if (*value > (INT64_MAX - digit) / 10)
        return false;
    *value = *value * 10 + digit;
    return true;
}

/* Exact value of the parts times `unit`, without passing through a double. */
static mas_number_fault whole_value(const parts *p, int64_t unit, int64_t *out)
{
    size_t begin = 0, end = p->whole_digits + p->fraction_digits;
    long shift = p->exponent - (long)p->fraction_digits;
    while (begin < end && digit_at(p, begin) == '0')
        begin++;
    if (begin == end) {
        *out = 0;
        return MAS_NUMBER_OK;
    }
    while (digit_at(p, end - 1) == '0') {
        end--;
        shift++;
    }
    if (shift < 0 && unit == 1) /* the last digit is not 0 */
        return MAS_NUMBER_NOT_WHOLE;
    int64_t value = 0;
    for (size_t i = begin; i < end; i++)
        if (!append_digit(&value, digit_at(p, i) - '0'))
            return MAS_NUMBER_TOO_LARGE;
    if (value > INT64_MAX / unit)
        return MAS_NUMBER_TOO_LARGE;
    value *= unit;
    for (; shift > 0; shift--)
        if (!append_digit(&value, 0))
            return MAS_NUMBER_TOO_LARGE;
    for (; shift < 0; shift++) {
        if (value % 10 != 0)
            return MAS_NUMBER_NOT_WHOLE;
        value /= 10;
    }
    *out = p->negative ? -value : value;
    return MAS_NUMBER_OK;
}

mas_number_fault mas_number_int(const char *text, int64_t *out)
{
    parts p;
    const mas_number_fault fault = cut_all(text, &p);
    return fault ? fault : whole_value(&p, 1, out);
}

mas_number_fault mas_number_bytes(const char *text, int64_t *out)
{
    static const char *const suffixes[] = {"", "KiB", "MiB", "GiB", "TiB"};
    parts p;
    if (!cut(text, &p))
        return diagnose(text);
    if (has_leading_zero(&p))
        return MAS_NUMBER_LEADING_ZERO;
    const char *unit = p.end + (*p.end == ' ');
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(unit, suffixes[i]) == 0)
            return whole_value(&p, (int64_t)1 << (10 * i), out);
    const mas_number_fault fault = diagnose(text);
    return fault == MAS_NUMBER_NOT_A_NUMBER ? MAS_NUMBER_BAD_UNIT : fault;
}

mas_number_fault mas_number_real(const char *text, double *out)
{
    parts p;
    const mas_number_fault fault = cut_all(text, &p);
    if (fault)
        return fault;
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return MAS_NUMBER_NOT_A_NUMBER;
    const locale_t before = uselocale(c);
    const double value = strtod(text, NULL);
    uselocale(before);
    freelocale(c);
    if (isinf(value))
        return MAS_NUMBER_TOO_LARGE;
    bool zero = true;
    for (size_t i = 0; i < p.whole_digits + p.fraction_digits; i++)
        zero = zero && digit_at(&p, i) == '0';
    if (value == 0 && !zero)
        return MAS_NUMBER_TOO_SMALL;
    *out = zero ? 0.0 : value;
    return MAS_NUMBER_OK;
}

void mas_number_explain(mas_number_fault fault, const char *text, char *out, size_t size)
{
    static const char *const reasons[MAS_NUMBER_FAULT_COUNT] = {
        [MAS_NUMBER_OK] = "is a number",
        [MAS_NUMBER_NOT_A_NUMBER] = "is not a number",
        [MAS_NUMBER_NOT_FINITE] = "is not a finite number",
        [MAS_NUMBER_LEADING_ZERO] =
            "starts with 0 and could be octal or decimal (write it without the 0)",
        [MAS_NUMBER_OTHER_BASE] = "is not decimal",
        [MAS_NUMBER_SEPARATOR] = "has a _ between digits (write the digits alone)",
        [MAS_NUMBER_COMMA] =
            ("has a comma (the decimal point is \".\" in every locale, and thousands are not "
             "separated)"),
        [MAS_NUMBER_TRAILING_COMMA] = "ends with an empty item (remove the comma)",
        [MAS_NUMBER_NOT_WHOLE] = "is not a whole number",
        [MAS_NUMBER_TOO_LARGE] = "is too large",
        [MAS_NUMBER_TOO_SMALL] = "is too close to 0",
        [MAS_NUMBER_BAD_UNIT] = "is not a number of bytes",
    };
    snprintf(out, size, "\"%.80s\" %s", text, reasons[fault]);
}

double mas_number_from_float(float value)
{
    char text[40];
    double shortest = (double)value;
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, (double)value);
        for (char *c = text; *c; c++) /* the locale's decimal point, if it is another */
            if (*c == ',')
                *c = '.';
        if (mas_number_real(text, &shortest) == MAS_NUMBER_OK && (float)shortest == value)
            return shortest;
    }
    return (double)value;
}
