/* SPDX-License-Identifier: Apache-2.0 */
/* Real documents, one a file, bytes as tokens. A document's content decides its split and its place
 * in the order, so neither moving or renaming files nor adding documents changes what the others
 * are used for, and two copies of one document cannot stand on both sides of a split (only one copy
 * is kept). */
#include "harness/corpus/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SEPARATOR = 256, VOCABULARY = 257 };

/* Twelve bytes, about two words, are rarely the same by chance. */
enum { EVIDENCE_CONTEXT = 12 };

typedef struct document {
    uint64_t high, low; /* XXH3-128 of the content */
    size_t bytes;
    unsigned char *content;
    mas_split split;
} document;

typedef struct text_data {
    document *documents; /* sorted by split, then hash */
    size_t count;
    size_t first[MAS_SPLIT_COUNT];     /* index of a split's first document */
    uint16_t *stream[MAS_SPLIT_COUNT]; /* separator, document, separator, document, ... */
} text_data;

static void text_close(mas_corpus *corpus)
{
    text_data *data = corpus->data;
    if (!data)
        return;
    for (size_t i = 0; i < data->count; i++)
        free(data->documents[i].content);
    free(data->documents);
    for (int split = 0; split < MAS_SPLIT_COUNT; split++)
        free(data->stream[split]);
    free(data);
    corpus->data = NULL;
}

static mas_status read_file(const char *path, document *out, mas_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return mas_fail(err, MAS_E_IO, "cannot open %s: %s", path, strerror(errno));
    mas_status status = MAS_OK;
    size_t room = 0;
    for (;;) {
        if (out->bytes == room) {
            room = room ? 2 * room : 16384;
            unsigned char *grown = realloc(out->content, room);
            if (!grown) {
                status = mas_fail(err, MAS_E_MEMORY, "no memory to read %s", path);
                break;
            }
            out->content = grown;
        }
        errno = 0;
        const size_t got = fread(out->content + out->bytes, 1, room - out->bytes, file);
        out->bytes += got;
        if (got == 0) {
            if (ferror(file))
                status = mas_fail(err, MAS_E_IO, "cannot read %s: %s", path, strerror(errno));
            break;
        }
    }
    fclose(file);
    const unsigned char *const nul =
        status == MAS_OK && out->bytes ? memchr(out->content, 0, out->bytes) : NULL;
    if (nul)
        status = mas_fail(err, MAS_E_FORMAT,
                          "%s is not text: byte 0 at offset %zu; add it to corpus.exclude or name "
                          "the files more narrowly",
                          path, (size_t)(nul - out->content));
    if (status != MAS_OK) {
        free(out->content);
        *out = (document){0};
    }
    return status;
}

/* Uniform in [0, 1) by content. The order uses the hash's other half, so it is independent. */
static mas_split split_of(const document *d, const mas_corpus_config *config)
{
    const double share = (double)(d->low >> 11) * 0x1p-53;
    if (share < config->test_fraction)
        return MAS_SPLIT_TEST;
    return share < config->test_fraction + config->validation_fraction ? MAS_SPLIT_VALIDATION
                                                                       : MAS_SPLIT_TRAIN;
}

static int compare_documents(const void *a, const void *b)
{
    const document *x = a, *y = b;
    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

static mas_status read_documents(text_data *data, const mas_path_list *list,
                                 const mas_corpus_config *config, mas_error *err)
{
    data->documents = calloc(list->count, sizeof *data->documents);
    if (!data->documents)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu documents", list->count);
    for (size_t i = 0; i < list->count; i++) {
        document *d = &data->documents[data->count];
        const mas_status status = read_file(list->path[i], d, err);
        if (status != MAS_OK)
            return status;
        if (d->bytes == 0) { /* nothing to learn from, nothing to score */
            free(d->content);
            *d = (document){0};
            continue;
        }
        const XXH128_hash_t hash = XXH3_128bits(d->content, d->bytes);
        d->high = hash.high64;
        d->low = hash.low64;
        d->split = split_of(d, config);
        data->count++;
    }
    if (data->count == 0)
        return mas_fail(err, MAS_E_FORMAT, "all %zu files that match %s are empty", list->count,
                        config->paths[0]);
    return MAS_OK;
}

static void drop_copies(text_data *data)
{
    size_t kept = 1;
    for (size_t i = 1; i < data->count; i++) {
        document *d = &data->documents[i];
        if (d->high == data->documents[kept - 1].high && d->low == data->documents[kept - 1].low)
            free(d->content);
        else
            data->documents[kept++] = *d;
    }
    data->count = kept;
}

static mas_status build_streams(mas_corpus *corpus, mas_error *err)
{
    text_data *data = corpus->data;
    mas_corpus_info *info = &corpus->info;
    for (size_t i = 0; i < data->count; i++) {
        info->documents[data->documents[i].split]++;
        info->tokens[data->documents[i].split] += (int64_t)data->documents[i].bytes + 1;
    }
    size_t next = 0;
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        data->first[split] = next;
        const size_t tokens = (size_t)info->tokens[split];
        uint16_t *stream = data->stream[split] = malloc((tokens ? tokens : 1) * sizeof *stream);
        if (!stream)
            return mas_fail(err, MAS_E_MEMORY, "no memory for %zu tokens of text", tokens);
        for (const size_t end = next + (size_t)info->documents[split]; next < end; next++) {
            const document *d = &data->documents[next];
            *stream++ = SEPARATOR;
            for (size_t i = 0; i < d->bytes; i++)
                *stream++ = d->content[i];
        }
    }
    return MAS_OK;
}

static mas_status hash_corpus(mas_corpus *corpus, mas_error *err)
{
    const text_data *data = corpus->data;
    uint64_t *rows = malloc(data->count * 3 * sizeof *rows);
    if (!rows)
        return mas_fail(err, MAS_E_MEMORY, "no memory to hash %zu documents", data->count);
    for (size_t i = 0; i < data->count; i++) {
        rows[3 * i] = data->documents[i].high;
        rows[3 * i + 1] = data->documents[i].low;
        rows[3 * i + 2] = (uint64_t)data->documents[i].split;
    }
    const XXH128_hash_t hash = XXH3_128bits(rows, data->count * 3 * sizeof *rows);
    free(rows);
    mas_hash_hex(hash.high64, hash.low64, corpus->info.hash);
    return MAS_OK;
}

static mas_status text_open(mas_corpus *corpus, mas_error *err)
{
    mas_status status = mas_corpus_check_fractions(&corpus->config, err);
    if (status != MAS_OK)
        return status;
    text_data *data = corpus->data = calloc(1, sizeof *data);
    if (!data)
        return mas_fail(err, MAS_E_MEMORY, "no memory to open a corpus");
    mas_path_list list;
    status = mas_paths_expand(&corpus->config, &list, err);
    if (status != MAS_OK)
        return status;
    status = read_documents(data, &list, &corpus->config, err);
    mas_path_list_free(&list);
    if (status != MAS_OK)
        return status;
    qsort(data->documents, data->count, sizeof *data->documents, compare_documents);
    drop_copies(data);
    status = build_streams(corpus, err);
    if (status != MAS_OK)
        return status;
    corpus->info.vocab = VOCABULARY;
    corpus->info.separator = SEPARATOR;
    corpus->info.bytes_per_token = 1;
    snprintf(corpus->info.tokenizer, sizeof corpus->info.tokenizer, "bytes");
    status = hash_corpus(corpus, err);
    return status == MAS_OK ? mas_corpus_check_lengths(corpus, err) : status;
}

static void text_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                        int32_t *tokens, int32_t *evidence)
{
    const text_data *data = corpus->data;
    const uint64_t places = (uint64_t)(corpus->info.tokens[split] - length);
    const uint16_t *const from = data->stream[split] + mas_rng_below(rng, places);
    for (int64_t i = 0; i <= length; i++) {
        tokens[i] = from[i];
        if (evidence)
            evidence[i] = -1; /* a window does not know what stood before it */
    }
}

static mas_status text_document(const mas_corpus *corpus, mas_split split, int64_t index,
                                int64_t length, mas_sequence *out, mas_error *err)
{
    (void)length;
    const text_data *data = corpus->data;
    const document *d = &data->documents[data->first[split] + (size_t)index];
    mas_status status = mas_sequence_allocate(out, (int64_t)d->bytes + 1, true, err);
    if (status != MAS_OK)
        return status;
    out->tokens[0] = SEPARATOR;
    for (size_t i = 0; i < d->bytes; i++)
        out->tokens[i + 1] = d->content[i];
    return mas_evidence_find(out->tokens, out->length, EVIDENCE_CONTEXT, out->evidence, err);
}

static int64_t text_bytes(const int32_t *tokens, int64_t count)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < count; i++)
        bytes += tokens[i] != SEPARATOR;
    return bytes;
}

const mas_corpus_ops mas_corpus_text_ops = {
    .name = "text",
    .open = text_open,
    .close = text_close,
    .sample = text_sample,
    .document = text_document,
    .text_bytes = text_bytes,
};
