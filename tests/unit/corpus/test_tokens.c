/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(corpus_tokens, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

static unsigned char *append_id(unsigned char *p, uint32_t id, int width)
{
    for (int i = 0; i < width; i++)
        *p++ = (unsigned char)(id >> (8 * i));
    return p;
}

/* Ids first, first + 1, ... modulo 1000, written raw. */
static void write_raw(const char *name, uint32_t first, size_t count, int width)
{
    unsigned char *bytes = malloc(count * (size_t)width + 1), *p = bytes;
    for (size_t i = 0; i < count; i++)
        p = append_id(p, (first + (uint32_t)i) % 1000, width);
    scratch_write(name, bytes, count * (size_t)width);
    free(bytes);
}

/* The same after a header of llm.c that promises `promised` ids. */
static void write_headed(const char *name, uint32_t magic, uint32_t version, uint32_t promised,
                         size_t count, int width)
{
    unsigned char *bytes = calloc(1024 + count * (size_t)width, 1), *p = bytes;
    p = append_id(p, magic, 4);
    p = append_id(p, version, 4);
    append_id(p, promised, 4);
    p = bytes + 1024;
    for (size_t i = 0; i < count; i++)
        p = append_id(p, (uint32_t)i % 1000, width);
    scratch_write(name, bytes, 1024 + count * (size_t)width);
    free(bytes);
}

static mas_corpus_config ids(const char *path, int32_t vocab)
{
    mas_corpus_config config = scratch_config(MAS_CORPUS_TOKENS, path);
    config.vocab = vocab;
    config.validation_fraction = 0.1;
    config.test_fraction = 0.2;
    return config;
}

/* All tokens of a split, by place: pieces come shuffled, but their ids tell where they stood. */
static void expect_run(const mas_corpus *corpus, mas_split split, int64_t first, int64_t count)
{
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    cr_assert_eq(info->tokens[split], count, "%lld", (long long)info->tokens[split]);
    mas_sequence s;
    cr_assert_eq(mas_corpus_document(corpus, split, 0, 0, &s, NULL), MAS_OK);
    cr_assert_eq(s.length, count);
    for (int64_t i = 0; i < count; i++)
        cr_assert_eq(s.tokens[i], (first + i) % 1000, "token %lld", (long long)i);
    mas_sequence_free(&s);
}

static void expect_thousand(const char *name, int32_t vocab)
{
    const mas_corpus_config config = ids(name, vocab);
    mas_corpus *corpus = opened(&config, 32);
    expect_run(corpus, MAS_SPLIT_TRAIN, 0, 700);
    expect_run(corpus, MAS_SPLIT_VALIDATION, 700, 100);
    expect_run(corpus, MAS_SPLIT_TEST, 800, 200);
    mas_rng rng = mas_rng_seed(1, 1);
    for (int i = 0; i < 2000; i++) {
        int32_t tokens[33], evidence[33];
        mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, 32, tokens, evidence);
        cr_assert(tokens[0] >= 0 && tokens[32] < 700, "outside the split");
        for (int j = 1; j < 33; j++)
            cr_assert_eq(tokens[j], tokens[0] + j);
        cr_assert_eq(evidence[7], -1);
    }
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    cr_assert_eq(info->vocab, vocab);
    cr_assert_eq(info->separator, -1);
    cr_assert_float_eq(info->bytes_per_token, 0, 0);
    cr_assert_str_eq(info->tokenizer, "ids");
    cr_assert_eq(mas_corpus_text_bytes(corpus, (const int32_t[]){1, 2}, 2), 0);
    mas_corpus_close(corpus);
}

Test(corpus_tokens, every_layout_reads_the_same_ids)
{
    write_raw("raw16.bin", 0, 1000, 2);
    expect_thousand("raw16.bin", 1000);
    write_raw("raw32.bin", 0, 1000, 4);
    expect_thousand("raw32.bin", 100000);
    write_headed("gpt2.bin", 20240520, 1, 1000, 1000, 2);
    expect_thousand("gpt2.bin", 50257);
    write_headed("llama.bin", 20240801, 7, 1000, 1000, 4);
    expect_thousand("llama.bin", 128256);
}

Test(corpus_tokens, several_files_are_one_stream)
{
    write_raw("shard_000.bin", 0, 300, 2);
    write_raw("shard_001.bin", 300, 5, 2);
    write_raw("shard_002.bin", 305, 695, 2);
    expect_thousand("shard_*.bin", 1000);
}

Test(corpus_tokens, own_validation_and_test_files)
{
    write_raw("train.bin", 0, 500, 2);
    write_raw("val.bin", 500, 60, 2);
    mas_corpus_config config = ids("train.bin", 1000);
    strcpy(config.validation_path, scratch_path("val.bin"));
    mas_corpus *corpus = opened(&config, 32);
    expect_run(corpus, MAS_SPLIT_TRAIN, 0, 400);
    expect_run(corpus, MAS_SPLIT_VALIDATION, 500, 60);
    expect_run(corpus, MAS_SPLIT_TEST, 400, 100);
    mas_corpus_close(corpus);
    strcpy(config.test_path, scratch_path("absent.bin"));
    refused(&config, 32, MAS_E_NOT_FOUND, "absent.bin");
}

Test(corpus_tokens, long_splits_are_walked_in_pieces_each_once)
{
    enum { COUNT = 300000 };
    write_raw("long.bin", 0, COUNT, 2);
    mas_corpus_config config = ids("long.bin", 1000);
    config.validation_fraction = config.test_fraction = 0;
    mas_corpus *corpus = opened(&config, 32);
    cr_assert_eq(mas_corpus_describe(corpus)->documents[MAS_SPLIT_TRAIN], 5);
    int64_t total = 0, lasts = 0;
    for (int64_t i = 0; i < 5; i++) {
        mas_sequence s;
        cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TRAIN, i, 0, &s, NULL), MAS_OK);
        total += s.length;
        lasts += s.length == COUNT - 4 * 65536;
        cr_assert_eq(s.evidence[1500], 1000, "the ids repeat after 1000");
        mas_sequence_free(&s);
    }
    cr_assert_eq(total, COUNT);
    cr_assert_eq(lasts, 1);
    mas_corpus_close(corpus);
}

Test(corpus_tokens, the_hash_knows_content_and_split)
{
    write_raw("a.bin", 0, 1000, 2);
    write_raw("b.bin", 0, 1000, 2);
    write_raw("c.bin", 1, 1000, 2);
    mas_corpus_config config[4] = {ids("a.bin", 1000), ids("b.bin", 1000), ids("c.bin", 1000),
                                   ids("a.bin", 1000)};
    config[3].test_fraction = 0.3;
    char hash[4][33];
    for (int i = 0; i < 4; i++) {
        mas_corpus *corpus = opened(&config[i], 32);
        memcpy(hash[i], mas_corpus_describe(corpus)->hash, sizeof hash[i]);
        mas_corpus_close(corpus);
    }
    cr_assert_str_eq(hash[0], hash[1]);
    cr_assert_str_neq(hash[0], hash[2]);
    cr_assert_str_neq(hash[0], hash[3]);
}

Test(corpus_tokens, faults)
{
    mas_corpus_config config = ids("f.bin", 1000);
    scratch_write("f.bin", "", 0);
    refused(&config, 32, MAS_E_FORMAT, "f.bin is empty");
    write_raw("f.bin", 0, 1000, 2);
    config.vocab = 0;
    refused(&config, 32, MAS_E_ARGUMENT, "corpus.vocab is 0");
    config.vocab = 1000;

    unsigned char bytes[2001];
    memset(bytes, 0, sizeof bytes);
    scratch_write("f.bin", bytes, sizeof bytes);
    refused(&config, 32, MAS_E_FORMAT, "2001 bytes are not a whole number of 2-byte ids");
    config.vocab = 100000;
    scratch_write("f.bin", bytes, 1998);
    refused(&config, 32, MAS_E_FORMAT, "1998 bytes are not a whole number of 4-byte ids");
    config.vocab = 1000;

    append_id(bytes + 2 * 321, 1000, 2);
    scratch_write("f.bin", bytes, 2000);
    refused(&config, 32, MAS_E_FORMAT,
            "id 1000 at token 321 (byte 642) is not below the vocabulary of 1000");
    config.vocab = 1001;
    mas_corpus_close(opened(&config, 32));
    config.vocab = 1000;

    write_headed("f.bin", 20240520, 2, 1000, 1000, 2);
    refused(&config, 32, MAS_E_FORMAT, "header version 2 with magic number 20240520; expected 1");
    write_headed("f.bin", 0x88d83401u, 1, 1000, 1000, 2); /* 20240520, bytes reversed */
    refused(&config, 32, MAS_E_FORMAT, "bytes reversed");
    write_headed("f.bin", 20240520, 1, 1000, 999, 2);
    refused(&config, 32, MAS_E_FORMAT,
            "the header promises 1000 ids of 2 bytes (3024 bytes in all), the file has 3022 bytes");
    write_headed("f.bin", 20240520, 1, 1000, 1001, 2);
    refused(&config, 32, MAS_E_FORMAT, "the file has 3026 bytes");
    memset(bytes, 0, sizeof bytes);
    append_id(bytes, 20240520, 4);
    scratch_write("f.bin", bytes, 600);
    refused(&config, 32, MAS_E_FORMAT, "cut off inside its header: 600 bytes");
    /* A wrong magic number is no header: its halves are read as ids. */
    write_headed("f.bin", 20240521, 1, 1000, 1000, 2);
    refused(&config, 32, MAS_E_FORMAT, "id 55433 at token 0 (byte 0)");
    write_headed("f.bin", 20240801, 7, 10, 10, 4); /* an id past 2^31 is no negative number */
    config.vocab = 128256;
    config.validation_fraction = config.test_fraction = 0;
    mas_corpus_close(opened(&config, 8));
    memset(bytes, 0xff, 400);
    scratch_write("f.bin", bytes, 400);
    refused(&config, 8, MAS_E_FORMAT, "id 4294967295 at token 0");
}

Test(corpus_tokens, a_split_shorter_than_a_sequence)
{
    write_raw("f.bin", 0, 100, 2);
    mas_corpus_config config = ids("f.bin", 1000);
    refused(&config, 10, MAS_E_ARGUMENT, "the validation split holds 10 tokens; sequences of 10");
    mas_corpus_close(opened(&config, 9));
    refused(&config, 70, MAS_E_ARGUMENT, "the train split holds 70 tokens");
}

/* A window of the longest context lies within a piece, down to its last prediction. */
Test(corpus_tokens, pieces_hold_the_longest_sequence)
{
    const struct {
        int64_t length, piece;
    } cases[] = {{32, 65536}, {65535, 65536}, {65536, 65537}, {100000, 100001}};
    write_raw("f.bin", 0, 250000, 2);
    mas_corpus_config config = ids("f.bin", 1000);
    config.validation_fraction = 0.5;
    config.test_fraction = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mas_corpus *corpus = opened(&config, cases[i].length);
        const int64_t pieces = mas_corpus_describe(corpus)->documents[MAS_SPLIT_VALIDATION];
        int64_t longest = 0, sum = 0;
        for (int64_t n = 0; n < pieces; n++) {
            mas_sequence s;
            cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_VALIDATION, n, 0, &s, NULL), MAS_OK);
            longest = s.length > longest ? s.length : longest;
            sum += s.length;
            mas_sequence_free(&s);
        }
        cr_expect_eq(longest, cases[i].piece, "%lld for sequences of %lld", (long long)longest,
                     (long long)cases[i].length);
        cr_expect_eq(sum, 125000);
        mas_corpus_close(corpus);
    }
}
