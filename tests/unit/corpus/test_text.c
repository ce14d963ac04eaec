/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(corpus_text, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

enum { DOCUMENTS = 300 };

static void write_documents(const char *folder, int count)
{
    for (int i = 0; i < count; i++) {
        char name[64], text[128];
        snprintf(name, sizeof name, "%s/%03d.txt", folder, i);
        snprintf(text, sizeof text, "Document %d says %d things, and then some more of them.\n", i,
                 i * i);
        scratch_text(name, text);
    }
}

static mas_corpus_config halves(const char *path)
{
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, path);
    config.validation_fraction = 0.25;
    config.test_fraction = 0.25;
    return config;
}

/* Number in the text of a document; -1: not one of these documents. */
static int document_number(const mas_sequence *s)
{
    char text[256];
    cr_assert(s->length - 1 < (int64_t)sizeof text);
    for (int64_t i = 1; i < s->length; i++)
        text[i - 1] = (char)s->tokens[i];
    text[s->length - 1] = '\0';
    int number = -1;
    return sscanf(text, "Document %d", &number) == 1 ? number : -1;
}

/* Which split each document is in; every one must be in exactly one. */
static void splits_of(const mas_corpus *corpus, int split_of[], int count)
{
    for (int i = 0; i < count; i++)
        split_of[i] = -1;
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        for (int64_t i = 0; i < info->documents[split]; i++) {
            mas_sequence s;
            mas_error err = {0};
            cr_assert_eq(mas_corpus_document(corpus, (mas_split)split, i, 0, &s, &err), MAS_OK);
            const int number = document_number(&s);
            cr_assert(number >= 0 && number < count);
            cr_assert_eq(split_of[number], -1, "document %d in two places", number);
            split_of[number] = split;
            mas_sequence_free(&s);
        }
    }
}

Test(corpus_text, splits_are_disjoint_complete_and_near_their_shares)
{
    write_documents("a", DOCUMENTS);
    const mas_corpus_config config = halves("a");
    mas_corpus *corpus = opened(&config, 16);
    int split_of[DOCUMENTS];
    splits_of(corpus, split_of, DOCUMENTS);
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    int64_t documents = 0, tokens = 0, bytes = 0;
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        documents += info->documents[split];
        tokens += info->tokens[split];
    }
    for (int i = 0; i < DOCUMENTS; i++) {
        cr_assert_geq(split_of[i], 0, "document %d is in no split", i);
        char text[128];
        bytes += snprintf(text, sizeof text,
                          "Document %d says %d things, and then some more of them.\n", i, i * i);
    }
    cr_assert_eq(documents, DOCUMENTS);
    cr_assert_eq(tokens, bytes + DOCUMENTS, "one separator a document");
    for (int split = MAS_SPLIT_VALIDATION; split <= MAS_SPLIT_TEST; split++) /* 5 sigma */
        cr_assert(llabs(info->documents[split] - 75) < 38, "%lld documents",
                  (long long)info->documents[split]);
    cr_assert_eq(info->vocab, 257);
    cr_assert_eq(info->separator, 256);
    cr_assert_float_eq(info->bytes_per_token, 1, 0);
    cr_assert_str_eq(info->tokenizer, "bytes");
    mas_corpus_close(corpus);
}

Test(corpus_text, moving_renaming_and_adding_change_no_split)
{
    write_documents("a", DOCUMENTS);
    write_documents("moved/elsewhere", DOCUMENTS);
    write_documents("more", DOCUMENTS + 100);
    int first[DOCUMENTS], moved[DOCUMENTS], more[DOCUMENTS + 100];
    mas_corpus_config config = halves("a");
    mas_corpus *a = opened(&config, 16);
    splits_of(a, first, DOCUMENTS);
    config = halves("moved/**/*.txt");
    mas_corpus *b = opened(&config, 16);
    splits_of(b, moved, DOCUMENTS);
    config = halves("more");
    mas_corpus *c = opened(&config, 16);
    splits_of(c, more, DOCUMENTS + 100);
    cr_assert_arr_eq(first, moved, sizeof first);
    cr_assert_arr_eq(first, more, sizeof first);
    cr_assert_str_eq(mas_corpus_describe(a)->hash, mas_corpus_describe(b)->hash);
    cr_assert_str_neq(mas_corpus_describe(a)->hash, mas_corpus_describe(c)->hash);
    cr_assert_eq(strlen(mas_corpus_describe(a)->hash), 32);

    /* Not only the splits: the order of evaluation and the samples are those of the content. */
    mas_rng one = mas_rng_seed(3, 4), two = one;
    int32_t x[17], y[17];
    for (int i = 0; i < 50; i++) {
        mas_corpus_sample(a, MAS_SPLIT_TRAIN, &one, 16, x, NULL);
        mas_corpus_sample(b, MAS_SPLIT_TRAIN, &two, 16, y, NULL);
        cr_assert_arr_eq(x, y, sizeof x);
    }
    mas_corpus_close(a);
    mas_corpus_close(b);
    mas_corpus_close(c);
}

Test(corpus_text, copies_count_once)
{
    write_documents("a", 40);
    write_documents("b", 40);
    mas_corpus_config config = halves("");
    mas_corpus *corpus = opened(&config, 16);
    int split_of[40];
    splits_of(corpus, split_of, 40); /* asserts that no document is met twice */
    mas_corpus_close(corpus);
}

Test(corpus_text, samples_are_windows_of_the_split)
{
    scratch_text("one.txt", "abcdefghij");
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "one.txt");
    config.validation_fraction = config.test_fraction = 0;
    mas_corpus *corpus = opened(&config, 4);
    mas_rng rng = mas_rng_seed(1, 1);
    int seen[7] = {0};
    for (int i = 0; i < 700; i++) {
        int32_t tokens[6] = {0, 0, 0, 0, 0, -7}, evidence[5];
        mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, 4, tokens, evidence);
        cr_assert_eq(tokens[5], -7, "written past the end");
        const int at = tokens[0] == 256 ? 0 : tokens[0] - 'a' + 1;
        cr_assert(at >= 0 && at < 7);
        seen[at]++;
        for (int j = 0; j < 5; j++) {
            cr_assert_eq(tokens[j], at + j == 0 ? 256 : 'a' + at + j - 1);
            cr_assert_eq(evidence[j], -1);
        }
    }
    for (int i = 0; i < 7; i++)
        cr_assert(seen[i] > 50 && seen[i] < 150, "place %d drawn %d times of 700", i, seen[i]);
    const int32_t line[] = {256, 'a', 0x80, 256, 255};
    cr_assert_eq(mas_corpus_text_bytes(corpus, line, 5), 3);
    mas_sequence s;
    mas_error err = {0};
    cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TRAIN, 1, 0, &s, &err), MAS_E_NOT_FOUND);
    cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TEST, 0, 0, &s, &err), MAS_E_NOT_FOUND);
    cr_assert(strstr(err.text, "document 0 of the test split does not exist"), "%s", err.text);
    double nats;
    cr_assert_eq(mas_corpus_entropy(corpus, 4, NULL, &nats, &err), MAS_E_UNSUPPORTED);
    mas_corpus_close(corpus);
}

Test(corpus_text, evidence_is_the_last_same_context)
{
    const char *const text = "the same dozen bytes; other words; the same dozen bytes!";
    scratch_text("one.txt", text);
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "one.txt");
    config.validation_fraction = config.test_fraction = 0;
    mas_corpus *corpus = opened(&config, 4);
    mas_sequence s;
    mas_error err = {0};
    cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TRAIN, 0, 0, &s, &err), MAS_OK);
    const int64_t second = (int64_t)(strstr(text + 1, "the same") - text) + 1;
    for (int64_t i = 0; i < s.length; i++) { /* 12 bytes of context, then 8 that follow from it */
        const bool known = i >= second + 12 && i < second + 20;
        cr_assert_eq(s.evidence[i], known ? second - 1 : 0, "token %lld", (long long)i);
    }
    mas_sequence_free(&s);
    mas_corpus_close(corpus);
}

Test(corpus_text, evidence_agrees_with_a_plain_search)
{
    enum { N = 600, CONTEXT = 2 };
    int32_t tokens[N], evidence[N];
    mas_rng rng = mas_rng_seed(2, 2);
    for (int i = 0; i < N; i++)
        tokens[i] = (int32_t)mas_rng_below(&rng, 5);
    cr_assert_eq(mas_evidence_find(tokens, N, CONTEXT, evidence, NULL), MAS_OK);
    int found = 0;
    for (int i = 0; i < N; i++) {
        int want = 0;
        for (int d = 1; i - d - CONTEXT >= 0 && !want; d++)
            if (memcmp(tokens + i - CONTEXT, tokens + i - d - CONTEXT, sizeof(int32_t[3])) == 0)
                want = d;
        found += want > 0;
        cr_assert_eq(evidence[i], want, "token %d: %d, not %d", i, evidence[i], want);
    }
    cr_assert_gt(found, 300);
}

Test(corpus_text, bad_documents)
{
    scratch_text("d/fine.txt", "A document that is long enough to sample from.");
    scratch_write("d/picture.png", "PNG\r\n\0\0\1", 8);
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d");
    config.validation_fraction = config.test_fraction = 0;
    refused(&config, 8, MAS_E_FORMAT, "d/picture.png is not text: byte 0 at offset 5; add it to");
    config.exclude_count = 1;
    strcpy(config.exclude[0], "/**/*.png");
    mas_corpus *corpus = opened(&config, 8);
    const int64_t tokens = mas_corpus_describe(corpus)->tokens[MAS_SPLIT_TRAIN];
    mas_corpus_close(corpus);

    scratch_text("d/empty.txt", "");
    corpus = opened(&config, 8);
    cr_assert_eq(mas_corpus_describe(corpus)->tokens[MAS_SPLIT_TRAIN], tokens);
    mas_corpus_close(corpus);
    config = scratch_config(MAS_CORPUS_TEXT, "d/empty.txt");
    refused(&config, 8, MAS_E_FORMAT, "all 1 files that match");
}

Test(corpus_text, a_split_shorter_than_a_sequence)
{
    scratch_text("one.txt", "Ten bytes.");
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "one.txt");
    config.validation_fraction = config.test_fraction = 0;
    refused(&config, 11, MAS_E_ARGUMENT,
            "the train split holds 11 tokens; sequences of 11 need at least 12");
    mas_corpus_close(opened(&config, 10));
    config.validation_fraction = 0.1; /* the only document is in the train split, or not */
    refused(&config, 10, MAS_E_ARGUMENT, "split holds 0 tokens");
    config.validation_fraction = 0.7;
    config.test_fraction = 0.3;
    refused(&config, 8, MAS_E_ARGUMENT, "leave something to train on");
    config.validation_fraction = -0.1;
    refused(&config, 8, MAS_E_ARGUMENT, "validation_fraction -0.1");
}

Test(corpus_text, short_documents_can_be_left_out)
{
    write_documents("d", 20);
    char text[256], name[32];
    for (int i = 0; i < 8; i++) {
        memset(text, 'a' + i, 200);
        snprintf(name, sizeof name, "d/long%d.txt", i);
        scratch_write(name, text, i < 4 ? 200 : 199);
    }
    mas_corpus_config config = scratch_config(MAS_CORPUS_TEXT, "d");
    config.validation_fraction = config.test_fraction = 0;
    config.min_bytes = 200;
    mas_corpus *corpus = opened(&config, 16);
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    cr_assert_eq(info->documents[MAS_SPLIT_TRAIN], 4);
    cr_assert_eq(info->tokens[MAS_SPLIT_TRAIN], 4 * 201);
    mas_corpus_close(corpus);
    config.min_bytes = 201;
    refused(&config, 16, MAS_E_ARGUMENT, "all 28 files that match");
}
