/* SPDX-License-Identifier: Apache-2.0 */
/* Vocabularies of byte pairs. In a build without SentencePiece only the refusal is tested. */
#include "harness/corpus/tokenizer.h"
#include "harness/lm/train_internal.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define WORDS "the keys, the values and the sums of every layer below"

enum { VOCAB = 400, DOCUMENTS = 240, ROOM = 1 << 18 };

static void set_up(void)
{
    scratch_make();
    setenv("MASBENCH_CACHE", scratch_path("cache"), 1);
}

TestSuite(tokenizer, .timeout = 120, .init = set_up, .fini = scratch_remove);

#define NEEDS_LIBRARY                                                                              \
    if (!mas_pieces_version())                                                                     \
    cr_skip_test("this build has no SentencePiece")

static const mas_tokenizer_config bpe = {MAS_TOKENIZER_BPE, VOCAB};

static mas_text text_of(const char *content)
{
    const XXH128_hash_t hash = XXH3_128bits(content, strlen(content));
    return (mas_text){(const unsigned char *)content, strlen(content), hash.high64, hash.low64};
}

static const char *const lessons[] = {
    "The attention of a layer reads keys and values.\n    Layers above read what layers below "
    "wrote.\n\n\n* a list of things\n* another list of other things\r\n",
    "static int attention(const int *keys, int count)\n{\n\tfor (int i = 0; i < count; i++)\n"
    "\t\tkeys[i] += 0x1000;\n\treturn 0;\n}\n",
    "Schl\xc3\xbcssel und T\xc3\xbcren, \xe6\xb3\xa8\xe6\x84\x8f, gr\xc3\xbc\xc3\x9f dich, "
    "Schl\xc3\xbcssel \xf0\x9f\x94\x91\n================\n----------------\n",
};
enum { LESSONS = sizeof lessons / sizeof lessons[0] };

static mas_tokenizer *learned(const mas_tokenizer_config *config, const char *const *texts,
                              size_t count)
{
    mas_text rows[8];
    mas_tokenizer *t = NULL;
    mas_error err = {0};
    for (size_t i = 0; i < count; i++)
        rows[i] = text_of(texts[i]);
    cr_assert_eq(mas_tokenizer_open(config, rows, count, &t, &err), MAS_OK, "%s", err.text);
    return t;
}

/* Ids to bytes and back again, and the same ids as the library gives for the whole text at once. */
static size_t round_trip(const mas_tokenizer *t, const unsigned char *bytes, size_t count,
                         const char *name)
{
    uint16_t *tokens = malloc(count * sizeof *tokens);
    unsigned char *back = malloc(count);
    mas_encoder *encoder = NULL;
    mas_error err = {0};
    size_t got = 0, end = 0;
    cr_assert(tokens && back && mas_encoder_open(t, &encoder, &err) == MAS_OK);
    for (int again = 0; again < 2; again++) /* the second time from memory */
        cr_assert_eq(mas_encode(encoder, bytes, count, tokens, &got, &err), MAS_OK, "%s", err.text);
    for (size_t i = 0; i < got; i++) {
        size_t length = 0;
        cr_assert_neq(tokens[i], t->separator, "%s", name);
        const unsigned char *piece = mas_tokenizer_bytes(t, tokens[i], &length);
        cr_assert(length > 0 && end + length <= count, "%s", name);
        memcpy(back + end, piece, length);
        end += length;
    }
    cr_assert(end == count && memcmp(back, bytes, count) == 0, "%s came back changed", name);
    if (t->pieces) {
        char *text = malloc(count * MAS_SYMBOL_BYTES), *to = text;
        int32_t *ids = malloc(count * sizeof *ids);
        size_t whole = 0;
        for (size_t i = 0; i < count; i++)
            to = mas_symbol_put(to, bytes[i]);
        cr_assert_eq(mas_pieces_encode(t->pieces, text, (size_t)(to - text), ids, &whole, &err),
                     MAS_OK);
        cr_assert_eq(whole, got, "%s: word by word differs from the whole", name);
        for (size_t i = 0; i < got; i++)
            cr_assert_eq(ids[i], tokens[i], "%s, token %zu", name, i);
        free(ids);
        free(text);
    }
    mas_encoder_close(encoder);
    free(back);
    free(tokens);
    return got;
}

#define HOSTILE(text)                                                                              \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
static const struct {
    const char *bytes;
    size_t count;
} hostile[] = {
    HOSTILE("a\0b\0\0c"),
    HOSTILE("\0"),
    HOSTILE("\xff\xfe\xfd\x80\xc0\xaf\xed\xa0\x80\xf5\x80"), /* no UTF-8 at all */
    HOSTILE("cut \xf0\x9f\x94"),                             /* ends inside a character */
    HOSTILE("dos\r\nmac\rboth\n\r\n\n"),
    HOSTILE("   \t\t  \n \n\n     x  "),
    HOSTILE(" "),
    HOSTILE("\n"),
    HOSTILE("\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb attention"),
    HOSTILE("\xe2\x96\x81\xe2\x96\x81 \xe2\x96\x81x"), /* the library's own sign for a space */
    HOSTILE("\xe2\x96\x85\xe2\x81\x87 \xe2\x90\x8a\xc4\x80"), /* its other signs, and ours */
    HOSTILE("<unk> <s> </s> \xe2\x9f\xa8"
            "document\xe2\x9f\xa9"),
    HOSTILE("\xef\xbb\xbf\xc2\xa0\xe2\x80\xa8\xef\xbc\xa1 e\xcc\x81 \xef\xac\x81"),
    HOSTILE("\x7f\x1b[0m\x01\x02"),
};

Test(tokenizer, every_text_comes_back_byte_by_byte)
{
    NEEDS_LIBRARY;
    mas_tokenizer *const both[] = {
        learned(&bpe, lessons, LESSONS),
        learned(&(mas_tokenizer_config){MAS_TOKENIZER_BYTES, 0}, NULL, 0)};
    unsigned char *bytes = malloc(ROOM);
    cr_assert_not_null(bytes);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
            char name[32];
            snprintf(name, sizeof name, "text %zu", i);
            round_trip(both[k], (const unsigned char *)hostile[i].bytes, hostile[i].count, name);
        }
        for (size_t i = 0; i < LESSONS; i++)
            round_trip(both[k], (const unsigned char *)lessons[i], strlen(lessons[i]), lessons[i]);
        for (int b = 0; b < 256; b++) {
            bytes[b] = (unsigned char)b;
            cr_assert_eq(round_trip(both[k], bytes + b, 1, "one byte"), 1, "byte %d", b);
        }
        round_trip(both[k], bytes, 256, "all bytes in order");
        memset(bytes, 'a', ROOM);
        round_trip(both[k], bytes, ROOM, "one long word");
        memset(bytes, ' ', ROOM);
        round_trip(both[k], bytes, ROOM, "one long space");
        mas_rng rng = mas_rng_seed(7, 0);
        for (size_t i = 0; i < ROOM; i++)
            bytes[i] = (unsigned char)mas_rng_below(&rng, 256);
        round_trip(both[k], bytes, ROOM, "noise");
        for (size_t i = 0; i < ROOM; i++) /* borders of words everywhere */
            bytes[i] = (unsigned char)"  \n\ntthe attention"[mas_rng_below(&rng, 18)];
        round_trip(both[k], bytes, ROOM, "words of noise");
        mas_tokenizer_close(both[k]);
    }
    free(bytes);
}

Test(tokenizer, text_it_learned_from_gets_fewer_tokens)
{
    NEEDS_LIBRARY;
    mas_tokenizer *t = learned(&bpe, lessons, LESSONS);
    cr_assert_eq(t->vocab, VOCAB);
    const size_t bytes = strlen(lessons[1]);
    const size_t tokens = round_trip(t, (const unsigned char *)lessons[1], bytes, "lesson");
    cr_assert_lt(2 * tokens, bytes, "%zu tokens for %zu bytes", tokens, bytes);
    mas_tokenizer_close(t);
}

Test(tokenizer, learning_twice_gives_the_same_bits)
{
    NEEDS_LIBRARY;
    char first[33];
    mas_tokenizer *t = learned(&bpe, lessons, LESSONS);
    snprintf(first, sizeof first, "%s", t->hash);
    cr_assert_eq(strlen(first), 32);
    mas_tokenizer_close(t);
    t = learned(&bpe, lessons, LESSONS);
    cr_assert_str_eq(t->hash, first, "from the cache");
    mas_tokenizer_close(t);
    setenv("MASBENCH_CACHE", scratch_path("another"), 1);
    t = learned(&bpe, lessons, LESSONS);
    cr_assert_str_eq(t->hash, first, "learned again");
    mas_tokenizer_close(t);
    setenv("MASBENCH_CACHE", "/dev/null/nowhere", 1);
    t = learned(&bpe, lessons, LESSONS);
    cr_assert_str_eq(t->hash, first, "without a cache");
    mas_tokenizer_close(t);
}

Test(tokenizer, settings_and_texts_change_the_hash)
{
    NEEDS_LIBRARY;
    const mas_tokenizer_config smaller = {MAS_TOKENIZER_BPE, VOCAB - 1};
    mas_tokenizer *a = learned(&bpe, lessons, LESSONS), *b = learned(&smaller, lessons, LESSONS),
                  *c = learned(&bpe, lessons, LESSONS - 1);
    cr_assert_str_neq(a->hash, b->hash);
    cr_assert_str_neq(a->hash, c->hash);
    mas_tokenizer_close(a);
    mas_tokenizer_close(b);
    mas_tokenizer_close(c);
}

static long file_bytes(const char *path, char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    const size_t count = fread(bytes, 1, room, file);
    fclose(file);
    return (long)count;
}

Test(tokenizer, the_cache_is_used_and_a_damaged_one_replaced)
{
    NEEDS_LIBRARY;
    char *model = NULL, *bytes = malloc(ROOM);
    size_t count = 0;
    cr_assert_not(mas_tokenizer_recall("key", &model, &count), "nothing is there yet");
    mas_tokenizer_remember("key", "a model", 7);
    cr_assert(mas_tokenizer_recall("key", &model, &count));
    cr_assert(count == 7 && memcmp(model, "a model", 7) == 0);
    free(model);
    const char *const path = scratch_path("cache/tokenizers/key.model");
    const long size = file_bytes(path, bytes, ROOM);
    for (long i = 0; i < size; i++) { /* any flipped bit, any missing end */
        bytes[i] = (char)(bytes[i] ^ 1);
        scratch_write("cache/tokenizers/key.model", bytes, (size_t)size);
        bytes[i] = (char)(bytes[i] ^ 1);
        if (i != 32) /* the line's end says nothing */
            cr_assert_not(mas_tokenizer_recall("key", &model, &count), "byte %ld changed", i);
        else if (mas_tokenizer_recall("key", &model, &count))
            free(model);
        scratch_write("cache/tokenizers/key.model", bytes, (size_t)i);
        cr_assert_not(mas_tokenizer_recall("key", &model, &count), "cut at %ld", i);
    }
    cr_assert_null(model);
    mas_tokenizer_remember("key", "a model", 7);
    cr_assert(mas_tokenizer_recall("key", &model, &count), "written again");
    free(model);
    free(bytes);
}

Test(tokenizer, more_pieces_than_the_texts_hold_are_refused)
{
    NEEDS_LIBRARY;
    const mas_text row = text_of("too short");
    mas_tokenizer *t = NULL;
    mas_error err = {0};
    cr_assert_eq(mas_tokenizer_open(&bpe, &row, 1, &t, &err), MAS_E_ARGUMENT, "%s", err.text);
    cr_assert(strstr(err.text, "vocabulary of 400"), "%s", err.text);
    const mas_tokenizer_config tiny = {MAS_TOKENIZER_BPE, 257}, huge = {MAS_TOKENIZER_BPE, 65537};
    cr_assert_eq(mas_tokenizer_open(&tiny, &row, 1, &t, &err), MAS_E_ARGUMENT);
    cr_assert_eq(mas_tokenizer_open(&huge, &row, 1, &t, &err), MAS_E_ARGUMENT);
    cr_assert_null(t);
}

Test(tokenizer, a_build_without_the_library_says_how_to_get_it)
{
    if (mas_pieces_version())
        cr_skip_test("this build has SentencePiece");
    const mas_text row = text_of(lessons[0]);
    mas_tokenizer *t = NULL;
    mas_error err = {0};
    cr_assert_eq(mas_tokenizer_open(&bpe, &row, 1, &t, &err), MAS_E_UNSUPPORTED);
    cr_assert(strstr(err.text, "apt-get install"), "%s", err.text);
}

/* ---- behind a corpus ---- */

static size_t document(int i, const char *words, char text[512])
{
    return (size_t)snprintf(text, 512,
                            "Document %d reads %s, then it reads what it wrote %d times.\n%s\n", i,
                            words, i * i, words);
}

static mas_split split_of_text(const char *text, size_t bytes, const mas_corpus_config *config)
{
    const double share = (double)(XXH3_128bits(text, bytes).low64 >> 11) * 0x1p-53;
    return share < config->test_fraction                                 ? MAS_SPLIT_TEST
           : share < config->test_fraction + config->validation_fraction ? MAS_SPLIT_VALIDATION
                                                                         : MAS_SPLIT_TRAIN;
}

static mas_corpus_config corpus_with_pieces(void)
{
    char text[512], name[32];
    for (int i = 0; i < DOCUMENTS; i++) {
        document(i, WORDS, text);
        snprintf(name, sizeof name, "d/%03d.txt", i);
        scratch_text(name, text);
    }
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d");
    config.validation_fraction = config.test_fraction = 0.25;
    config.tokenizer = (mas_tokenizer_config){MAS_TOKENIZER_BPE, 300};
    return config;
}

/* Documents with other words that fall, or do not fall, into training. */
static void add_documents_in(const mas_corpus_config *config, bool training, const char *folder)
{
    char text[512], name[64];
    for (int i = 0, written = 0; written < 40; i++) {
        const size_t bytes = document(i, "zyxwzyxw zyxw qqqqjj", text);
        if ((split_of_text(text, bytes, config) == MAS_SPLIT_TRAIN) != training)
            continue;
        snprintf(name, sizeof name, "%s/%03d.txt", folder, i);
        scratch_text(name, text);
        written++;
    }
}

Test(tokenizer, text_outside_training_never_changes_the_vocabulary)
{
    NEEDS_LIBRARY;
    const mas_corpus_config config = corpus_with_pieces();
    mas_corpus *before = opened(&config, 16);
    add_documents_in(&config, false, "d/unseen");
    setenv("MASBENCH_CACHE", scratch_path("fresh"), 1);
    mas_corpus *after = opened(&config, 16);
    const mas_corpus_info *a = mas_corpus_describe(before), *b = mas_corpus_describe(after);
    cr_assert_str_neq(a->hash, b->hash, "the corpus has changed");
    cr_assert_eq(a->documents[MAS_SPLIT_TRAIN], b->documents[MAS_SPLIT_TRAIN]);
    cr_assert_eq(a->documents[MAS_SPLIT_VALIDATION] + a->documents[MAS_SPLIT_TEST] + 40,
                 b->documents[MAS_SPLIT_VALIDATION] + b->documents[MAS_SPLIT_TEST]);
    cr_assert_str_eq(a->tokenizer_hash, b->tokenizer_hash);
    add_documents_in(&config, true, "d/seen");
    mas_corpus *changed = opened(&config, 16);
    cr_assert_str_neq(a->tokenizer_hash, mas_corpus_describe(changed)->tokenizer_hash,
                      "the same words in training must be learned");
    mas_corpus_close(changed);
    mas_corpus_close(after);
    mas_corpus_close(before);
}

/* The last place where the same four tokens and this one stood. */
static int32_t evidence_at(const mas_sequence *s, int64_t i)
{
    for (int64_t back = 1; i >= 4 && back <= i - 4; back++)
        if (memcmp(s->tokens + i - 4, s->tokens + i - back - 4, 5 * sizeof *s->tokens) == 0)
            return (int32_t)back;
    return 0;
}

Test(tokenizer, documents_are_whole_and_know_their_evidence)
{
    NEEDS_LIBRARY;
    const mas_corpus_config config = corpus_with_pieces();
    mas_corpus *corpus = opened(&config, 16);
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    cr_assert_str_eq(info->tokenizer, "bpe 300");
    cr_assert_eq(info->vocab, 300);
    cr_assert_eq(mas_corpus_config_vocab(&config), 300);
    int64_t bytes = 0, tokens = 0, expected = 0, with_evidence = 0;
    for (int split = 0; split < MAS_SPLIT_COUNT; split++)
        for (int64_t i = 0; i < info->documents[split]; i++) {
            mas_sequence s;
            mas_error err = {0};
            char text[512], back[512];
            size_t end = 0;
            int number = -1;
            cr_assert_eq(mas_corpus_document(corpus, (mas_split)split, i, 0, &s, &err), MAS_OK);
            cr_assert_eq(s.tokens[0], info->separator);
            for (int64_t j = 0; j < s.length; j++) {
                size_t length = 0;
                const unsigned char *piece = mas_corpus_token_text(corpus, s.tokens[j], &length);
                memcpy(back + end, piece, length);
                end += length;
                cr_assert_eq(s.evidence[j], evidence_at(&s, j), "token %lld", (long long)j);
                with_evidence += s.evidence[j] > 0;
            }
            back[end] = '\0';
            cr_assert_eq(sscanf(back, "Document %d", &number), 1, "%s", back);
            cr_assert_eq(document(number, WORDS, text), end);
            cr_assert_str_eq(back, text);
            cr_assert_eq(split_of_text(text, end, &config), (mas_split)split);
            cr_assert_eq(mas_corpus_text_bytes(corpus, s.tokens, s.length), (int64_t)end);
            bytes += (int64_t)end;
            tokens += s.length - 1;
            mas_sequence_free(&s);
        }
    for (int split = 0; split < MAS_SPLIT_COUNT; split++)
        expected += info->tokens[split] - info->documents[split];
    cr_assert_eq(tokens, expected);
    cr_assert_gt(with_evidence, 0);
    cr_assert_float_eq(info->bytes_per_token, (double)bytes / (double)tokens, 1e-12);
    mas_corpus_close(corpus);
}

static mas_status one_nat_each(void *user, const mas_batch *batch, float *losses, uint8_t *correct,
                               mas_error *err)
{
    (void)user, (void)err;
    for (int64_t i = 0; i < (int64_t)batch->sequences * batch->length; i++) {
        losses[i] = 1;
        correct[i] = 0;
    }
    return MAS_OK;
}

Test(tokenizer, bits_per_byte_divide_by_the_bytes_of_the_scored_tokens)
{
    NEEDS_LIBRARY;
    const mas_corpus_config config = corpus_with_pieces();
    mas_corpus *corpus = opened(&config, 16);
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    mas_eval_config evaluation = mas_eval_config_default();
    evaluation.tokens = 0;
    evaluation.split = MAS_SPLIT_VALIDATION;
    mas_quality quality;
    mas_error err = {0};
    cr_assert_eq(mas_evaluate_with(one_nat_each, NULL, corpus, &evaluation, 16, 4, &quality, &err),
                 MAS_OK, "%s", err.text);
    int64_t bytes = 0;
    char text[512];
    for (int i = 0; i < DOCUMENTS; i++) {
        const size_t length = document(i, WORDS, text);
        bytes += split_of_text(text, length, &config) == MAS_SPLIT_VALIDATION ? (int64_t)length : 0;
    }
    const int64_t tokens =
        info->tokens[MAS_SPLIT_VALIDATION] - info->documents[MAS_SPLIT_VALIDATION];
    cr_assert_eq(quality.tokens, tokens);
    cr_assert_lt(tokens, bytes);
    cr_assert_float_eq(mas_quality_bits_per_byte(&quality), (double)tokens / (double)bytes / log(2),
                       1e-9);
    mas_corpus_close(corpus);
}
