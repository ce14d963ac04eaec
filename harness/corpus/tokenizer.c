/* SPDX-License-Identifier: Apache-2.0 */
/* Learning a vocabulary, or taking it from the cache, and the table of what its ids stand for. */
#include "harness/corpus/tokenizer.h"
#include "harness/corpus/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { BYTES = 256 };

/* ---- learning ---- */

typedef struct lesson {
    const mas_text *texts;
    size_t count, next, at; /* text and place in it */
    int symbols;            /* of the alphabet that were given */
    char *line;
    size_t room;
} lesson;

static const char *line_of(lesson *l, const unsigned char *content, size_t count, size_t *bytes)
{
    if (count * MAS_SYMBOL_BYTES > l->room) {
        char *grown = realloc(l->line, count * MAS_SYMBOL_BYTES);
        if (!grown)
            return NULL;
        l->line = grown;
        l->room = count * MAS_SYMBOL_BYTES;
    }
    char *end = l->line;
    for (size_t i = 0; i < count; i++)
        end = mas_symbol_put(end, content[i]);
    *bytes = (size_t)(end - l->line);
    return l->line;
}

/* The alphabet, symbol by symbol, so that all are known whatever the texts hold and no pairs come of it;
 * then the texts, line by line. */
static const char *next_line(void *user, size_t *bytes)
{
    lesson *l = user;
    if (l->symbols < BYTES) {
        const unsigned char symbol = (unsigned char)l->symbols++;
        return line_of(l, &symbol, 1, bytes);
    }
    while (l->next < l->count && l->at == l->texts[l->next].bytes) {
        l->next++;
        l->at = 0;
    }
    if (l->next == l->count)
        return NULL;
    const mas_text *text = &l->texts[l->next];
    const unsigned char *const from = text->content + l->at;
    const unsigned char *const newline = memchr(from, '\n', text->bytes - l->at);
    const size_t length = newline ? (size_t)(newline - from) + 1 : text->bytes - l->at;
    const char *const line = line_of(l, from, length, bytes);
    l->at += line ? length : 0;
    return line;
}

static mas_status learn(const mas_tokenizer_config *config, const mas_text *training, size_t count,
                        char **model, size_t *bytes, mas_error *err)
{
    lesson l = {.texts = training, .count = count};
    mas_status status = mas_pieces_train(config->vocab, next_line, &l, model, bytes, err);
    if (status == MAS_OK && l.next < count) { /* the texts ended early */
        free(*model);
        *model = NULL;
        status = mas_fail(err, MAS_E_MEMORY, "no memory to learn a vocabulary");
    }
    free(l.line);
    return status;
}

static mas_status key_of(const mas_tokenizer_config *config, const mas_text *training, size_t count,
                         char key[33], mas_error *err)
{
    char settings[128];
    snprintf(settings, sizeof settings, "masbench 1, %s, bpe %d", mas_pieces_version(),
             (int)config->vocab);
    const size_t bytes = sizeof settings + count * 2 * sizeof(uint64_t);
    unsigned char *rows = calloc(1, bytes);
    if (!rows)
        return mas_fail(err, MAS_E_MEMORY, "no memory to hash %zu documents", count);
    memcpy(rows, settings, strlen(settings));
    for (size_t i = 0; i < count; i++) {
        const uint64_t row[2] = {training[i].high, training[i].low};
        memcpy(rows + sizeof settings + i * sizeof row, row, sizeof row);
    }
    const XXH128_hash_t hash = XXH3_128bits(rows, bytes);
    free(rows);
    mas_hash_hex(hash.high64, hash.low64, key);
    return MAS_OK;
}

/* ---- opening ---- */

static mas_status allocate_table(mas_tokenizer *t, size_t bytes, mas_error *err)
{
    t->begin = calloc((size_t)t->vocab + 1, sizeof *t->begin);
    t->bytes = malloc(bytes ? bytes : 1);
    return t->begin && t->bytes
               ? MAS_OK
               : mas_fail(err, MAS_E_MEMORY, "no memory for a vocabulary of %d", (int)t->vocab);
}

static mas_status table_of_bytes(mas_tokenizer *t, mas_error *err)
{
    t->vocab = BYTES + 1;
    t->separator = BYTES;
    const mas_status status = allocate_table(t, BYTES, err);
    for (size_t i = 0; status == MAS_OK && i < BYTES; i++) {
        t->bytes[i] = (unsigned char)i;
        t->begin[i + 1] = i + 1;
    }
    if (status == MAS_OK)
        t->begin[BYTES + 1] = BYTES;
    return status;
}

static mas_status table_of_pieces(mas_tokenizer *t, int32_t wanted, mas_error *err)
{
    t->vocab = mas_pieces_count(t->pieces);
    t->separator = 0;
    if (t->vocab != wanted)
        return mas_fail(err, MAS_E_FORMAT, "a vocabulary holds %d pieces; expected %d",
                        (int)t->vocab, (int)wanted);
    size_t bytes = 0;
    for (int32_t id = 1; id < t->vocab; id++)
        bytes += strlen(mas_pieces_text(t->pieces, id));
    const mas_status status = allocate_table(t, bytes, err);
    if (status != MAS_OK)
        return status;
    int single = 0; /* pieces differ, so 256 of one byte are all bytes */
    size_t end = 0;
    for (int32_t id = 1; id < t->vocab; id++) {
        t->begin[id] = end;
        for (const char *text = mas_pieces_text(t->pieces, id); *text;) {
            const int byte = mas_symbol_take(&text);
            if (byte < 0)
                return mas_fail(err, MAS_E_FORMAT, "piece %d of a vocabulary is no text of bytes",
                                (int)id);
            t->bytes[end++] = (unsigned char)byte;
        }
        single += end - t->begin[id] == 1;
    }
    t->begin[t->vocab] = end;
    return single == BYTES
               ? MAS_OK
               : mas_fail(err, MAS_E_FORMAT, "a vocabulary knows %d of %d bytes", single, BYTES);
}

static mas_status open_pieces(mas_tokenizer *t, const mas_tokenizer_config *config,
                              const mas_text *training, size_t count, mas_error *err)
{
    if (config->vocab < MAS_TOKENIZER_VOCAB_MIN || config->vocab > MAS_TOKENIZER_VOCAB_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "a vocabulary of %d; expected %d to %d", config->vocab,
                        MAS_TOKENIZER_VOCAB_MIN, MAS_TOKENIZER_VOCAB_MAX);
    char key[33], *model = NULL;
    size_t bytes = 0;
    mas_status status = key_of(config, training, count, key, err);
    if (status == MAS_OK && !mas_tokenizer_recall(key, &model, &bytes)) {
        status = learn(config, training, count, &model, &bytes, err);
        if (status == MAS_OK)
            mas_tokenizer_remember(key, model, bytes);
    }
    if (status == MAS_OK)
        status = mas_pieces_open(model, bytes, &t->pieces, err);
    if (status == MAS_OK)
        status = table_of_pieces(t, config->vocab, err);
    if (status == MAS_OK) {
        const XXH128_hash_t hash = XXH3_128bits(model, bytes);
        mas_hash_hex(hash.high64, hash.low64, t->hash);
    }
    free(model);
    return status;
}

mas_status mas_tokenizer_open(const mas_tokenizer_config *config, const mas_text *training,
                              size_t count, mas_tokenizer **out, mas_error *err)
{
    *out = NULL;
    mas_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a tokenizer");
    const mas_status status = config->kind == MAS_TOKENIZER_BYTES
                                  ? table_of_bytes(t, err)
                                  : open_pieces(t, config, training, count, err);
    if (status == MAS_OK)
        *out = t;
    else
        mas_tokenizer_close(t);
    return status;
}

void mas_tokenizer_close(mas_tokenizer *t)
{
    if (!t)
        return;
    mas_pieces_close(t->pieces);
    free(t->bytes);
    free(t->begin);
    free(t);
}

const unsigned char *mas_tokenizer_bytes(const mas_tokenizer *t, int32_t id, size_t *count)
{
    assert(id >= 0 && id < t->vocab);
    *count = t->begin[id + 1] - t->begin[id];
    return t->bytes + t->begin[id];
}
