/* SPDX-License-Identifier: Apache-2.0 */
/* Files of token ids as nanoGPT and llm.c write them, mapped into memory. Three layouts:
 *   raw          little-endian ids from the first byte; 2 bytes each if they fit (vocab <= 65536), else 4
 *   llm.c GPT-2  1,024-byte header of int32: magic 20240520, version 1, count of ids; then uint16 ids
 *   llm.c Llama  the same with magic 20240801, version 7; then uint32 ids
 * Several files are one stream in the order of their names. Validation and test are files of their
 * own or the stream's end: train | validation | test. Every id is checked once, when the corpus is
 * opened. The files know no documents, so evaluation walks pieces of one size, that a sequence fits into. */
#include "harness/corpus/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HEADER_BYTES = 1024 };
enum { PIECE_TOKENS = 65536 }; /* of evaluation; more where a sequence is longer */
enum { EVIDENCE_CONTEXT = 4 }; /* ids, about three words */

static const struct {
    uint32_t magic, version;
    int width;
} layouts[] = {{20240520, 1, 2}, {20240801, 7, 4}};
enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

typedef struct token_file {
    unsigned char *map; /* the whole file */
    size_t bytes;
    const unsigned char *ids;
    int width;
    int64_t count, start; /* start: place of its first id in the stream */
} token_file;

typedef struct token_stream {
    token_file *files;
    size_t file_count;
    int64_t count;
} token_stream;

typedef struct token_view {
    const token_stream *stream;
    int64_t first, count;
} token_view;

typedef struct tokens_data {
    token_stream stream[MAS_SPLIT_COUNT]; /* those of validation and test may be empty */
    token_view split[MAS_SPLIT_COUNT];
    int64_t *order[MAS_SPLIT_COUNT]; /* evaluation order of the pieces */
} tokens_data;

static void close_stream(token_stream *stream)
{
    for (size_t i = 0; i < stream->file_count; i++)
        if (stream->files[i].map)
            munmap(stream->files[i].map, stream->files[i].bytes);
    free(stream->files);
    *stream = (token_stream){0};
}

static void tokens_close(mas_corpus *corpus)
{
    tokens_data *data = corpus->data;
    if (!data)
        return;
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        close_stream(&data->stream[split]);
        free(data->order[split]);
    }
    free(data);
    corpus->data = NULL;
}

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t swapped(uint32_t x)
{
    return x >> 24 | (x >> 8 & 0xff00u) | (x << 8 & 0xff0000u) | x << 24;
}

static int32_t id_at(const token_file *file, int64_t i)
{
    const unsigned char *const p = file->ids + i * file->width;
    return file->width == 2 ? (int32_t)(p[0] | p[1] << 8) : (int32_t)read_u32(p);
}

static mas_status map_file(const char *path, token_file *file, mas_error *err)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return mas_fail(err, errno == ENOENT ? MAS_E_NOT_FOUND : MAS_E_IO, "cannot open %s: %s",
                        path, strerror(errno));
    mas_status status = MAS_OK;
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        status = mas_fail(err, MAS_E_IO, "cannot look at %s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = mas_fail(err, MAS_E_FORMAT, "%s is not a regular file", path);
    else if (info.st_size == 0)
        status = mas_fail(err, MAS_E_FORMAT, "%s is empty; expected token ids", path);
    if (status == MAS_OK) {
        file->bytes = (size_t)info.st_size;
        void *map = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (map == MAP_FAILED)
            status = mas_fail(err, MAS_E_IO, "cannot map %s: %s", path, strerror(errno));
        else
            file->map = map;
    }
    close(descriptor);
    return status;
}

/* A header that says something this code does not know is refused; a file without one is raw. */
static mas_status read_layout(const char *path, token_file *file, int32_t vocab, mas_error *err)
{
    const uint32_t magic = file->bytes >= 4 ? read_u32(file->map) : 0;
    for (int i = 0; i < LAYOUT_COUNT; i++) {
        if (magic == swapped(layouts[i].magic))
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: the header's magic number %u is stored with its bytes reversed; "
                            "write the file little-endian",
                            path, layouts[i].magic);
        if (magic != layouts[i].magic)
            continue;
        if (file->bytes < HEADER_BYTES)
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: cut off inside its header: %zu bytes; expected %d before the ids",
                            path, file->bytes, HEADER_BYTES);
        const uint32_t version = read_u32(file->map + 4), count = read_u32(file->map + 8);
        if (version != layouts[i].version)
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: header version %u with magic number %u; expected %u", path,
                            version, magic, layouts[i].version);
        file->ids = file->map + HEADER_BYTES;
        file->width = layouts[i].width;
        const size_t held = (file->bytes - HEADER_BYTES) / (size_t)file->width;
        if ((file->bytes - HEADER_BYTES) % (size_t)file->width || held != count)
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: the header promises %u ids of %d bytes (%llu bytes in all), the "
                            "file has %zu bytes; was it cut off?",
                            path, count, file->width,
                            (unsigned long long)HEADER_BYTES +
                                (unsigned long long)count * (unsigned)file->width,
                            file->bytes);
        file->count = (int64_t)held;
        return MAS_OK;
    }
    file->ids = file->map;
    file->width = vocab <= 65536 ? 2 : 4;
    if (file->bytes % (size_t)file->width)
        return mas_fail(err, MAS_E_FORMAT,
                        "%s: %zu bytes are not a whole number of %d-byte ids (vocab %d); was it "
                        "cut off?",
                        path, file->bytes, file->width, vocab);
    file->count = (int64_t)(file->bytes / (size_t)file->width);
    return MAS_OK;
}

static mas_status check_ids(const char *path, const token_file *file, int32_t vocab, mas_error *err)
{
    for (int64_t i = 0; i < file->count; i++) {
        const uint32_t id = (uint32_t)id_at(file, i);
        if (id >= (uint32_t)vocab)
            return mas_fail(
                err, MAS_E_FORMAT,
                "%s: id %u at token %lld (byte %lld) is not below the vocabulary of %d; "
                "is corpus.vocab right, and is this a file of %d-byte ids?",
                path, id, (long long)i,
                (long long)(file->ids - file->map) + (long long)i * file->width, vocab,
                file->width);
    }
    return MAS_OK;
}

static mas_status open_stream(token_stream *stream, char *const *paths, size_t count, int32_t vocab,
                              XXH3_state_t *hash, mas_error *err)
{
    stream->files = calloc(count, sizeof *stream->files);
    if (!stream->files)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu token files", count);
    for (size_t i = 0; i < count; i++) {
        token_file *file = &stream->files[stream->file_count++];
        mas_status status = map_file(paths[i], file, err);
        if (status == MAS_OK)
            status = read_layout(paths[i], file, vocab, err);
        if (status == MAS_OK)
            status = check_ids(paths[i], file, vocab, err);
        if (status != MAS_OK)
            return status;
        XXH3_128bits_update(hash, file->ids, (size_t)file->count * (size_t)file->width);
        file->start = stream->count;
        stream->count += file->count;
    }
    return MAS_OK;
}

static void read_ids(const token_view *view, int64_t first, int64_t count, int32_t *out)
{
    const token_stream *const stream = view->stream;
    int64_t at = view->first + first;
    size_t f = 0;
    while (f + 1 < stream->file_count && stream->files[f + 1].start <= at)
        f++;
    for (int64_t done = 0; done < count; f++) {
        const token_file *const file = &stream->files[f];
        const int64_t offset = at - file->start;
        int64_t run = file->count - offset;
        if (run > count - done)
            run = count - done;
        for (int64_t i = 0; i < run; i++)
            out[done + i] = id_at(file, offset + i);
        done += run;
        at += run;
    }
}

/* Validation and test from their own files, or from the end of the training stream. */
static mas_status open_splits(mas_corpus *corpus, XXH3_state_t *hash, mas_error *err)
{
    tokens_data *data = corpus->data;
    mas_corpus_config *config = &corpus->config;
    mas_path_list list;
    mas_status status = mas_paths_expand(config, &list, err);
    if (status != MAS_OK)
        return status;
    token_stream *train = &data->stream[MAS_SPLIT_TRAIN];
    status = open_stream(train, list.path, list.count, config->vocab, hash, err);
    mas_path_list_free(&list);

    char *const own[MAS_SPLIT_COUNT] = {NULL, config->validation_path, config->test_path};
    const double shares[MAS_SPLIT_COUNT] = {0, config->validation_fraction, config->test_fraction};
    int64_t end = train->count;
    for (int split = MAS_SPLIT_COUNT - 1; split > MAS_SPLIT_TRAIN && status == MAS_OK; split--) {
        token_view *view = &data->split[split];
        if (own[split][0]) {
            char *const path = own[split];
            status = open_stream(&data->stream[split], &path, 1, config->vocab, hash, err);
            *view = (token_view){&data->stream[split], 0, data->stream[split].count};
        } else {
            const int64_t count = (int64_t)((double)train->count * shares[split]);
            end -= count;
            *view = (token_view){train, end, count};
        }
    }
    data->split[MAS_SPLIT_TRAIN] = (token_view){train, 0, end};
    for (int split = 0; split < MAS_SPLIT_COUNT; split++)
        corpus->info.tokens[split] = data->split[split].count;
    return status;
}

int64_t mas_corpus_piece_tokens(int64_t sequence_length)
{
    const int64_t needed = sequence_length + 1; /* the last input is scored, too */
    return needed > PIECE_TOKENS ? needed : PIECE_TOKENS;
}

static mas_status order_pieces(mas_corpus *corpus, mas_error *err)
{
    tokens_data *data = corpus->data;
    const int64_t size = mas_corpus_piece_tokens(corpus->sequence_length);
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        const int64_t pieces = (data->split[split].count + size - 1) / size;
        corpus->info.documents[split] = pieces;
        int64_t *order = data->order[split] = malloc((size_t)(pieces + 1) * sizeof *order);
        if (!order)
            return mas_fail(err, MAS_E_MEMORY, "no memory for %lld pieces", (long long)pieces);
        for (int64_t i = 0; i < pieces; i++)
            order[i] = i;
        mas_rng rng = mas_rng_seed(0, (uint64_t)split); /* a fixed shuffle */
        for (int64_t i = pieces - 1; i > 0; i--) {
            const int64_t j = (int64_t)mas_rng_below(&rng, (uint64_t)i + 1), swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
    }
    return MAS_OK;
}

static mas_status tokens_open(mas_corpus *corpus, mas_error *err)
{
    const mas_corpus_config *config = &corpus->config;
    if (config->vocab < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "corpus.vocab is %d; expected the number of ids the tokenizer has",
                        config->vocab);
    mas_status status = mas_corpus_check_fractions(config, err);
    if (status != MAS_OK)
        return status;
    corpus->data = calloc(1, sizeof(tokens_data));
    if (!corpus->data)
        return mas_fail(err, MAS_E_MEMORY, "no memory to open a corpus");
    XXH3_state_t hash;
    XXH3_128bits_reset(&hash);
    status = open_splits(corpus, &hash, err);
    if (status == MAS_OK)
        status = order_pieces(corpus, err);
    if (status != MAS_OK)
        return status;
    XXH3_128bits_update(&hash, corpus->info.tokens, sizeof corpus->info.tokens);
    const XXH128_hash_t digest = XXH3_128bits_digest(&hash);
    mas_hash_hex(digest.high64, digest.low64, corpus->info.hash);
    corpus->info.vocab = config->vocab;
    snprintf(corpus->info.tokenizer, sizeof corpus->info.tokenizer, "ids");
    return mas_corpus_check_lengths(corpus, err);
}

static void tokens_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                          int32_t *tokens, int32_t *evidence)
{
    const tokens_data *data = corpus->data;
    const token_view *const view = &data->split[split];
    read_ids(view, (int64_t)mas_rng_below(rng, (uint64_t)(view->count - length)), length + 1,
             tokens);
    for (int64_t i = 0; evidence && i <= length; i++)
        evidence[i] = -1; /* a window does not know what stood before it */
}

static mas_status tokens_document(const mas_corpus *corpus, mas_split split, int64_t index,
                                  int64_t length, mas_sequence *out, mas_error *err)
{
    (void)length;
    const tokens_data *data = corpus->data;
    const token_view *const view = &data->split[split];
    const int64_t size = mas_corpus_piece_tokens(corpus->sequence_length);
    const int64_t first = data->order[split][index] * size;
    const int64_t left = view->count - first;
    mas_status status = mas_sequence_allocate(out, left < size ? left : size, true, err);
    if (status != MAS_OK)
        return status;
    read_ids(view, first, out->length, out->tokens);
    return mas_evidence_find(out->tokens, out->length, EVIDENCE_CONTEXT, out->evidence, err);
}

const mas_corpus_ops mas_corpus_tokens_ops = {
    .name = "tokens",
    .open = tokens_open,
    .close = tokens_close,
    .sample = tokens_sample,
    .document = tokens_document,
};
