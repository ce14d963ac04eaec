/* SPDX-License-Identifier: Apache-2.0 */
/** Texts in buffers of fixed size, cut between characters of UTF-8: JSON refuses a text with half of one. */
#ifndef MASBENCH_VARIANTS_TEXT_H
#define MASBENCH_VARIANTS_TEXT_H

#include "masbench/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the first `length` that remain when an incomplete character at their end is left out. */
size_t mas_text_whole(const char *text, size_t length);

/** Append to a terminated text in a buffer of `size` bytes, cut to fit. */
void mas_text_append(char *text, size_t size, const char *format, ...) MAS_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
