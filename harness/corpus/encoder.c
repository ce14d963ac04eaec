/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding word by word, most words from memory: text repeats itself, and the library is slow. */
#include "harness/corpus/tokenizer.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { WORD_MAX = 64 }; /* bytes of a word that is remembered; longer ones rarely come again */
enum { WORD_SLOTS = 1 << 16 };

typedef struct word {
    unsigned char bytes[WORD_MAX];
    unsigned char length; /* 0: empty slot */
    unsigned char count;
    uint16_t tokens[WORD_MAX];
} word;

struct mas_encoder {
    const mas_tokenizer *tokenizer;
    word *words; /* [WORD_SLOTS], the last word of each hash; NULL: bytes */
    char *text;  /* a word in the library's alphabet */
    int32_t *ids;
    size_t room; /* bytes of the longest word so far */
};

mas_status mas_encoder_open(const mas_tokenizer *tokenizer, mas_encoder **out, mas_error *err)
{
    mas_encoder *e = *out = calloc(1, sizeof *e);
    if (e && tokenizer->pieces)
        e->words = calloc(WORD_SLOTS, sizeof *e->words);
    if (!e || (tokenizer->pieces && !e->words)) {
        mas_encoder_close(e);
        *out = NULL;
        return mas_fail(err, MAS_E_MEMORY, "no memory to encode text");
    }
    e->tokenizer = tokenizer;
    return MAS_OK;
}

void mas_encoder_close(mas_encoder *e)
{
    if (!e)
        return;
    free(e->words);
    free(e->text);
    free(e->ids);
    free(e);
}

/* Spaces, then what is no space, up to a new line. No piece reaches over such a border: the library learns
 * within lines, and a space begins a piece or stands among spaces. */
static size_t word_length(const unsigned char *s, size_t bytes)
{
    size_t i = 0;
    while (i < bytes && s[i] == ' ')
        i++;
    while (i < bytes && s[i] != ' ')
        if (s[i++] == '\n')
            break;
    return i;
}

static mas_status encode_word(mas_encoder *e, const unsigned char *s, size_t bytes,
                              uint16_t *tokens, size_t *count, mas_error *err)
{
    if (bytes > e->room) {
        free(e->text);
        free(e->ids);
        e->text = malloc(bytes * MAS_SYMBOL_BYTES);
        e->ids = malloc(bytes * sizeof *e->ids);
        e->room = e->text && e->ids ? bytes : 0;
        if (e->room == 0)
            return mas_fail(err, MAS_E_MEMORY, "no memory to encode %zu bytes", bytes);
    }
    char *end = e->text;
    for (size_t i = 0; i < bytes; i++)
        end = mas_symbol_put(end, s[i]);
    const mas_status status = mas_pieces_encode(e->tokenizer->pieces, e->text,
                                                (size_t)(end - e->text), e->ids, count, err);
    for (size_t i = 0; status == MAS_OK && i < *count; i++)
        tokens[i] = (uint16_t)e->ids[i];
    return status;
}

mas_status mas_encode(mas_encoder *e, const unsigned char *content, size_t bytes, uint16_t *tokens,
                      size_t *count, mas_error *err)
{
    *count = 0;
    if (!e->tokenizer->pieces) {
        for (size_t i = 0; i < bytes; i++)
            tokens[i] = content[i];
        *count = bytes;
        return MAS_OK;
    }
    for (size_t at = 0, length; at < bytes; at += length) {
        const unsigned char *const s = content + at;
        uint16_t *const to = tokens + *count;
        size_t got = 0;
        length = word_length(s, bytes - at);
        word *known = length <= WORD_MAX ? &e->words[XXH3_64bits(s, length) % WORD_SLOTS] : NULL;
        if (known && known->length == length && memcmp(known->bytes, s, length) == 0) {
            got = known->count;
            memcpy(to, known->tokens, got * sizeof *to);
        } else {
            const mas_status status = encode_word(e, s, length, to, &got, err);
            if (status != MAS_OK)
                return status;
            if (known) {
                known->length = (unsigned char)length;
                known->count = (unsigned char)got;
                memcpy(known->bytes, s, length);
                memcpy(known->tokens, to, got * sizeof *to);
            }
        }
        *count += got;
    }
    return MAS_OK;
}
