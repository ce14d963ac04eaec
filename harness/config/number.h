/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Numbers as experiment files spell them: decimal only, the same in every locale, and never guessed. What looks like a
 * number but is not one (an octal-looking 010, a decimal comma, nan) has a name of its own, so that the message can
 * carry the remedy.
 */
#ifndef MASBENCH_CONFIG_NUMBER_H
#define MASBENCH_CONFIG_NUMBER_H

#include <stddef.h>
#include <stdint.h>

typedef enum mas_number_fault {
    MAS_NUMBER_OK,
    MAS_NUMBER_NOT_A_NUMBER,
    MAS_NUMBER_NOT_FINITE,     /* nan, inf */
    MAS_NUMBER_LEADING_ZERO,   /* 010 */
    MAS_NUMBER_OTHER_BASE,     /* 0x10 */
    MAS_NUMBER_SEPARATOR,      /* 1_000 */
    MAS_NUMBER_COMMA,          /* 0,5 */
    MAS_NUMBER_TRAILING_COMMA, /* 128, */
    MAS_NUMBER_NOT_WHOLE,      /* 2.5 where an integer is read */
    MAS_NUMBER_TOO_LARGE,      /* beyond int64 or double */
    MAS_NUMBER_TOO_SMALL,      /* a real that is not 0 but would become 0 */
    MAS_NUMBER_BAD_UNIT,       /* 2GB where bytes are read */
    MAS_NUMBER_FAULT_COUNT
} mas_number_fault;

/** A whole number. 2e6 and 2.5e3 are whole.
 *  @param[out] out  untouched on a fault */
mas_number_fault mas_number_int(const char *text, int64_t *out);
/** A real number, rounded to the nearest double; never nan, infinite or -0. */
mas_number_fault mas_number_real(const char *text, double *out);
/** A whole number of bytes with an optional suffix KiB, MiB, GiB or TiB ("1.5GiB", "2 GiB", "4096"). */
mas_number_fault mas_number_bytes(const char *text, int64_t *out);

/** What is wrong with `text`, in words: "\"0,5\" has a comma; ...". */
void mas_number_explain(mas_number_fault fault, const char *text, char *out, size_t size);

/** Shortest decimal that reads back as the same float, as a double: 0.001f gives 0.001. */
double mas_number_from_float(float value);

#endif
