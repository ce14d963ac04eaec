/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From the bytes of a document to token ids and back. Two kinds: bytes as they are, and a vocabulary of
 * byte pairs learned from the training documents. Any bytes can be encoded, and decoding gives exactly
 * these bytes back. For this folder and its tests.
 */
#ifndef MASBENCH_CORPUS_TOKENIZER_H
#define MASBENCH_CORPUS_TOKENIZER_H

#include "harness/corpus/corpus.h"
#include "harness/corpus/pieces.h"
#include <stddef.h>

/** A document, as a tokenizer sees it. */
typedef struct mas_text {
    const unsigned char *content;
    size_t bytes;
    uint64_t high, low; /* XXH3-128 of the content */
} mas_text;

typedef struct mas_tokenizer {
    mas_pieces *pieces;       /* NULL: bytes */
    int32_t vocab, separator; /* the separator stands for no text */
    char hash[33];            /* XXH3-128 of the vocabulary, hex; "" for bytes, which have none */
    unsigned char *bytes;     /* of all ids, one after the other */
    size_t *begin;            /* [vocab + 1] */
} mas_tokenizer;

/** A vocabulary of byte pairs is learned from `training`, unless the cache folder has it: under the hash
 *  of these documents, the settings and the version of the library. Whether it was found there changes
 *  nothing but the time.
 *  @return MAS_OK; MAS_E_ARGUMENT (the documents hold too little for so many pieces, ...); MAS_E_MEMORY;
 *          MAS_E_UNSUPPORTED in a build without SentencePiece */
MAS_MUST_USE mas_status mas_tokenizer_open(const mas_tokenizer_config *config,
                                           const mas_text *training, size_t count,
                                           mas_tokenizer **out, mas_error *err);
void mas_tokenizer_close(mas_tokenizer *tokenizer); /* NULL allowed */

/** The bytes that an id stands for. */
const unsigned char *mas_tokenizer_bytes(const mas_tokenizer *tokenizer, int32_t id, size_t *count);

/** Encodes many texts, remembering words that come again. */
typedef struct mas_encoder mas_encoder;
MAS_MUST_USE mas_status mas_encoder_open(const mas_tokenizer *tokenizer, mas_encoder **out,
                                         mas_error *err);
void mas_encoder_close(mas_encoder *encoder); /* NULL allowed */
/** @param[out] tokens  at most one for each byte */
MAS_MUST_USE mas_status mas_encode(mas_encoder *encoder, const unsigned char *content, size_t bytes,
                                   uint16_t *tokens, size_t *count, mas_error *err);

/* ---- alphabet.c: a character for each byte ---- */

enum { MAS_SYMBOL_BYTES = 3 }; /* of a character in UTF-8, at most */
/** Append a byte's character; the end of what was written. */
char *mas_symbol_put(char *to, unsigned char byte);
/** The next byte that a piece's text stands for, or -1 where it is none of ours. */
int mas_symbol_take(const char **text);

/* ---- tokenizer_cache.c ---- */

/** A vocabulary from the cache folder: $MASBENCH_CACHE, else $XDG_CACHE_HOME/masbench, else
 *  ~/.cache/masbench. False when there is none, or when it is damaged.
 *  @param[out] model  malloc'ed */
bool mas_tokenizer_recall(const char *key, char **model, size_t *bytes);
/** Put one there, whole or not at all. Where the folder cannot be written, the next run learns again. */
void mas_tokenizer_remember(const char *key, const char *model, size_t bytes);

#endif
