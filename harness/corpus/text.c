/* SPDX-License-Identifier: Apache-2.0 */
/* Real documents, one a file, as the tokens of a tokenizer. A document's content decides its split and its place
 * in the order, so neither moving or renaming files nor adding documents changes what the others
 * are used for, and two copies of one document cannot stand on both sides of a split (only one copy
 * is kept). */
#include "harness/corpus/internal.h"
#include "harness/corpus/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* How many tokens are rarely the same by chance: twelve bytes, about two words, or four pieces. */
static const int32_t evidence_context[MAS_TOKENIZER_KIND_COUNT] = {
    [MAS_TOKENIZER_BYTES] = 12, [MAS_TOKENIZER_BPE] = 4};

typedef struct document {
    uint64_t high, low; /* XXH3-128 of the content */
    size_t bytes;
    unsigned char *content; /* NULL once it is encoded */
    mas_split split;
    size_t begin, tokens; /* in the split's stream, its separator included */
} document;

typedef struct text_data {
    document *documents; /* sorted by split, then hash */
    size_t count;
    size_t first[MAS_SPLIT_COUNT];     /* index of a split's first document */
    uint16_t *stream[MAS_SPLIT_COUNT]; /* separator, document, separator, document, ... */
    mas_tokenizer *tokenizer;
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
    mas_tokenizer_close(data->tokenizer);
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
        /* An empty one has nothing to learn from and nothing to score. */
        if (d->bytes == 0 || d->bytes < (size_t)config->min_bytes) {
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
    if (data->count == 0 && config->min_bytes > 0)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "all %zu files that match %s are shorter than min_bytes, %d", list->count,
                        config->paths[0], config->min_bytes);
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

/* Only training documents are shown to the tokenizer. */
static mas_status open_tokenizer(mas_corpus *corpus, mas_error *err)
{
    text_data *data = corpus->data;
    size_t count = 0;
    mas_text *training = malloc(data->count * sizeof *training);
    if (!training)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu documents", data->count);
    for (size_t i = 0; i < data->count; i++) {
        const document *d = &data->documents[i];
        if (d->split == MAS_SPLIT_TRAIN)
            training[count++] = (mas_text){d->content, d->bytes, d->high, d->low};
    }
    const mas_status status =
        mas_tokenizer_open(&corpus->config.tokenizer, training, count, &data->tokenizer, err);
    free(training);
    return status;
}

/* One split: documents from `first` on, as one stream. */
static mas_status build_stream(text_data *data, mas_encoder *encoder, int split, size_t first,
                               size_t count, mas_error *err)
{
    size_t room = 0;
    for (size_t i = first; i < first + count; i++)
        room += data->documents[i].bytes + 1;
    uint16_t *stream = data->stream[split] = malloc((room ? room : 1) * sizeof *stream);
    if (!stream)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu tokens of text", room);
    size_t end = 0;
    for (size_t i = first; i < first + count; i++) {
        document *d = &data->documents[i];
        size_t tokens = 0;
        d->begin = end;
        stream[end++] = (uint16_t)data->tokenizer->separator;
        const mas_status status =
            mas_encode(encoder, d->content, d->bytes, stream + end, &tokens, err);
        if (status != MAS_OK)
            return status;
        end += tokens;
        d->tokens = end - d->begin;
        free(d->content);
        d->content = NULL;
    }
    uint16_t *const kept = realloc(stream, (end ? end : 1) * sizeof *stream);
    data->stream[split] = kept ? kept : stream;
    return MAS_OK;
}

static mas_status build_streams(mas_corpus *corpus, mas_error *err)
{
    text_data *data = corpus->data;
    mas_corpus_info *info = &corpus->info;
    int64_t bytes = 0, tokens = 0;
    mas_encoder *encoder = NULL;
    mas_status status = mas_encoder_open(data->tokenizer, &encoder, err);
    for (size_t i = 0; i < data->count; i++)
        info->documents[data->documents[i].split]++;
    size_t next = 0;
    for (int split = 0; status == MAS_OK && split < MAS_SPLIT_COUNT; split++) {
        const size_t count = (size_t)info->documents[split];
        data->first[split] = next;
        status = build_stream(data, encoder, split, next, count, err);
        for (size_t i = next; i < next + count; i++) {
            info->tokens[split] += (int64_t)data->documents[i].tokens;
            bytes += (int64_t)data->documents[i].bytes;
        }
        tokens += info->tokens[split] - info->documents[split];
        next += count;
    }
    mas_encoder_close(encoder);
    if (status == MAS_OK)
        info->bytes_per_token = (double)bytes / (double)tokens;
    return status;
}

static void describe_tokenizer(mas_corpus *corpus)
{
    const mas_tokenizer *tokenizer = ((const text_data *)corpus->data)->tokenizer;
    mas_corpus_info *info = &corpus->info;
    info->vocab = tokenizer->vocab;
    info->separator = tokenizer->separator;
    memcpy(info->tokenizer_hash, tokenizer->hash, sizeof info->tokenizer_hash);
    if (corpus->config.tokenizer.kind == MAS_TOKENIZER_BYTES)
        snprintf(info->tokenizer, sizeof info->tokenizer, "bytes");
    else
        snprintf(info->tokenizer, sizeof info->tokenizer, "bpe %d", tokenizer->vocab);
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
    status = open_tokenizer(corpus, err);
    if (status == MAS_OK)
        status = build_streams(corpus, err);
    if (status != MAS_OK)
        return status;
    describe_tokenizer(corpus);
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
    const mas_status status = mas_sequence_allocate(out, (int64_t)d->tokens, true, err);
    if (status != MAS_OK)
        return status;
    for (size_t i = 0; i < d->tokens; i++)
        out->tokens[i] = data->stream[split][d->begin + i];
    return mas_evidence_find(out->tokens, out->length,
                             evidence_context[corpus->config.tokenizer.kind], out->evidence, err);
}

static const unsigned char *text_token(const mas_corpus *corpus, int32_t token, size_t *bytes)
{
    return mas_tokenizer_bytes(((const text_data *)corpus->data)->tokenizer, token, bytes);
}

const mas_corpus_ops mas_corpus_text_ops = {
    .name = "text",
    .open = text_open,
    .close = text_close,
    .sample = text_sample,
    .document = text_document,
    .token_text = text_token,
};
