/* SPDX-License-Identifier: Apache-2.0 */
/**
 * "Did you mean ...?": the known word nearest to a misspelt one. Used wherever a name comes from a
 * person: variants, keys of experiment files, command-line options.
 */
#ifndef MASBENCH_VARIANTS_SUGGEST_H
#define MASBENCH_VARIANTS_SUGGEST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Edit distance of two words, letter case ignored, '-' and '_' the same: inserting, deleting,
 *  replacing a character or exchanging two neighbours costs 1. Only the first 64 characters of each
 *  count. */
size_t mas_edit_distance(const char *a, const char *b);

/** Nearest of `count` known words (NULL entries are skipped; the first wins a tie), or NULL when
 *  none is near enough to be a likely misspelling: a third of the longer word's characters, at
 *  least one, may differ; so may the end of the known word that `word` begins ("slid" suggests
 *  "sliding_window"), from three characters on. */
const char *mas_suggest(const char *word, const char *const *known, size_t count);

/** "a, b, c" of the known words, cut to size, always terminated (size >= 1). */
void mas_words_join(const char *const *known, size_t count, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
