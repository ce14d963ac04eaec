/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Byte-pair encoding by the SentencePiece library, as little of it as is needed and in C. Texts here are
 * UTF-8 in which each character stands for one byte of a document; tokenizer.c makes them.
 * In a build without the library mas_pieces_version() is NULL and everything else refuses.
 */
#ifndef MASBENCH_CORPUS_PIECES_H
#define MASBENCH_CORPUS_PIECES_H

#include "masbench/status.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The library and its version, "sentencepiece 0.1.97"; NULL in a build without it. */
const char *mas_pieces_version(void);

/** The next text to learn from, valid until the next call; NULL after the last. */
typedef const char *(*mas_pieces_next)(void *user, size_t *bytes);

/** Learn `vocab` pieces: number 0, which stands for no text, and single characters are among them. One
 *  thread, no sampling, no normalisation: the same texts in the same order give the same model, bit for bit.
 *  @param[out] model  malloc'ed
 *  @return MAS_OK; MAS_E_ARGUMENT with the library's sentence (more pieces than the texts hold, ...);
 *          MAS_E_MEMORY; MAS_E_UNSUPPORTED in a build without the library */
MAS_MUST_USE mas_status mas_pieces_train(int32_t vocab, mas_pieces_next next, void *user,
                                         char **model, size_t *model_bytes, mas_error *err);

typedef struct mas_pieces mas_pieces;

/** @return MAS_OK, MAS_E_FORMAT (no model), MAS_E_MEMORY, MAS_E_UNSUPPORTED */
MAS_MUST_USE mas_status mas_pieces_open(const char *model, size_t model_bytes, mas_pieces **out,
                                        mas_error *err);
void mas_pieces_close(mas_pieces *pieces); /* NULL allowed */

int32_t mas_pieces_count(const mas_pieces *pieces);
/** The text of a piece; a space stands in it as U+2581. */
const char *mas_pieces_text(const mas_pieces *pieces, int32_t id);

/** @param[out] ids  at most one for each character of the text
 *  @return MAS_OK, MAS_E_MEMORY, MAS_E_UNSUPPORTED, MAS_E_FORMAT (the library refused) */
MAS_MUST_USE mas_status mas_pieces_encode(const mas_pieces *pieces, const char *text, size_t bytes,
                                          int32_t *ids, size_t *count, mas_error *err);

#ifdef __cplusplus
}
#endif
#endif
