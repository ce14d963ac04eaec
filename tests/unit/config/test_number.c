/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/config/number.h"
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
    const char *text;
    double value;
} reals[] = {
    {"1e-3", 0.001},    {"1E-3", 0.001},  {".001", 0.001}, {"0.001", 0.001},
    {"+.001", 0.001},   {"10e-4", 0.001}, {"0", 0},        {"-0", 0},
    {"0.0", 0},         {"-1.5", -1.5},   {"1.", 1},       {"2e6", 2000000},
    {"1e308", 1e308},   {"0e9", 0},       {"0.1", 0.1},    {"123456789", 123456789},
    {"5e-324", 5e-324}, {"1e+2", 100},
};

static void check_reals(void)
{
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        double value = -7;
        cr_expect_eq(mas_number_real(reals[i].text, &value), MAS_NUMBER_OK, "%s", reals[i].text);
        cr_expect(value == reals[i].value, "%s read as %.17g", reals[i].text, value);
    }
}

Test(number, reals)
{
    check_reals();
}

Test(number, reals_with_a_decimal_comma, .timeout = 60)
{
    if (!use_comma_locale())
        cr_skip_test("no locale with a decimal comma; install the package locales");
    check_reals();
    cr_expect_eq(mas_number_from_float(0.001f), 0.001);
}

Test(number, faults)
{
    static const struct {
        const char *text;
        mas_number_fault fault;
    } cases[] = {
        {"", MAS_NUMBER_NOT_A_NUMBER},
        {"-", MAS_NUMBER_NOT_A_NUMBER},
        {".", MAS_NUMBER_NOT_A_NUMBER},
        {"e5", MAS_NUMBER_NOT_A_NUMBER},
        {"1e", MAS_NUMBER_NOT_A_NUMBER},
        {"1 ", MAS_NUMBER_NOT_A_NUMBER},
        {"1.2.3", MAS_NUMBER_NOT_A_NUMBER},
        {"--1", MAS_NUMBER_NOT_A_NUMBER},
        {"1f", MAS_NUMBER_NOT_A_NUMBER},
        {"nan", MAS_NUMBER_NOT_FINITE},
        {".NaN", MAS_NUMBER_NOT_FINITE},
        {"-inf", MAS_NUMBER_NOT_FINITE},
        {"Infinity", MAS_NUMBER_NOT_FINITE},
        {"010", MAS_NUMBER_LEADING_ZERO},
        {"-010", MAS_NUMBER_LEADING_ZERO},
        {"00", MAS_NUMBER_LEADING_ZERO},
        {"01.5", MAS_NUMBER_LEADING_ZERO},
        {"0x10", MAS_NUMBER_OTHER_BASE},
        {"0o10", MAS_NUMBER_OTHER_BASE},
        {"0x1p3", MAS_NUMBER_OTHER_BASE},
        {"1_000", MAS_NUMBER_SEPARATOR},
        {"0,5", MAS_NUMBER_COMMA},
        {"1,000", MAS_NUMBER_COMMA},
        {"128,", MAS_NUMBER_TRAILING_COMMA},
        {"1e999", MAS_NUMBER_TOO_LARGE},
        {"-1e999", MAS_NUMBER_TOO_LARGE},
        {"1e99999999999999999999", MAS_NUMBER_TOO_LARGE},
        {"1e-999", MAS_NUMBER_TOO_SMALL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = 3;
        cr_expect_eq(mas_number_real(cases[i].text, &value), cases[i].fault, "\"%s\"",
                     cases[i].text);
        cr_expect_eq(value, 3.0, "\"%s\" touched the result", cases[i].text);
    }
}

Test(number, whole_numbers_are_exact)
{
    static const struct {
        const char *text;
        mas_number_fault fault;
        int64_t value;
    } cases[] = {
        {"0", MAS_NUMBER_OK, 0},
        {"-0", MAS_NUMBER_OK, 0},
        {"+5", MAS_NUMBER_OK, 5},
        {"-12", MAS_NUMBER_OK, -12},
        {"2e6", MAS_NUMBER_OK, 2000000},
        {"2.5e3", MAS_NUMBER_OK, 2500},
        {"2500e-2", MAS_NUMBER_OK, 25},
        {"1.0", MAS_NUMBER_OK, 1},
        {"9007199254740993", MAS_NUMBER_OK, 9007199254740993}, /* not a double */
        {"1e18", MAS_NUMBER_OK, 1000000000000000000},
        {"1234567890123456789", MAS_NUMBER_OK, 1234567890123456789},
        {"9223372036854775807", MAS_NUMBER_OK, INT64_MAX},
        {"9.223372036854775807e18", MAS_NUMBER_OK, INT64_MAX},
        {"-9223372036854775807", MAS_NUMBER_OK, -INT64_MAX},
        {"9223372036854775808", MAS_NUMBER_TOO_LARGE, 0},
        {"1234567890123456789.5", MAS_NUMBER_NOT_WHOLE, 0},
        {"1e19", MAS_NUMBER_TOO_LARGE, 0},
        {"99999999999999999999", MAS_NUMBER_TOO_LARGE, 0},
        {"2.5", MAS_NUMBER_NOT_WHOLE, 0},
        {"1e-1", MAS_NUMBER_NOT_WHOLE, 0},
        {"1e-99999999999", MAS_NUMBER_NOT_WHOLE, 0},
        {"0.00000000000000000000000001", MAS_NUMBER_NOT_WHOLE, 0},
        {"010", MAS_NUMBER_LEADING_ZERO, 0},
        {"8.", MAS_NUMBER_OK, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        cr_expect_eq(mas_number_int(cases[i].text, &value), cases[i].fault, "\"%s\"",
                     cases[i].text);
        cr_expect_eq(value, cases[i].value, "\"%s\" read as %lld", cases[i].text, (long long)value);
    }
}

Test(number, bytes)
{
    static const struct {
        const char *text;
        mas_number_fault fault;
        int64_t value;
    } cases[] = {
        {"4096", MAS_NUMBER_OK, 4096},
        {"1KiB", MAS_NUMBER_OK, 1024},
        {"512 MiB", MAS_NUMBER_OK, (int64_t)512 << 20},
        {"2GiB", MAS_NUMBER_OK, (int64_t)2 << 30},
        {"1.5GiB", MAS_NUMBER_OK, (int64_t)3 << 29},
        {"1TiB", MAS_NUMBER_OK, (int64_t)1 << 40},
        {"2GB", MAS_NUMBER_BAD_UNIT, 0},
        {"2gib", MAS_NUMBER_BAD_UNIT, 0},
        {"2  GiB", MAS_NUMBER_BAD_UNIT, 0},
        {"0,5GiB", MAS_NUMBER_COMMA, 0},
        {"9e18GiB", MAS_NUMBER_TOO_LARGE, 0},
        {"0.0001KiB", MAS_NUMBER_NOT_WHOLE, 0},
        {"GiB", MAS_NUMBER_NOT_A_NUMBER, 0},
        {"02GiB", MAS_NUMBER_LEADING_ZERO, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        cr_expect_eq(mas_number_bytes(cases[i].text, &value), cases[i].fault, "\"%s\"",
                     cases[i].text);
        cr_expect_eq(value, cases[i].value, "\"%s\" read as %lld", cases[i].text, (long long)value);
    }
}

Test(number, floats_get_their_shortest_decimal)
{
    static const float values[] = {0.001f,      0.1f,    1.0f / 3.0f, 1e-8f,
                                   16777216.0f, 3.4e38f, 1e-45f,      0.0f};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cr_expect((float)mas_number_from_float(values[i]) == values[i], "%a", (double)values[i]);
    cr_expect_eq(mas_number_from_float(0.001f), 0.001);
    cr_expect_eq(mas_number_from_float(1e-8f), 1e-8);
}
