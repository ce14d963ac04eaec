/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(corpus_recall, .timeout = 60);

static mas_corpus_config recall(void)
{
    mas_corpus_config config = mas_corpus_config_default();
    config.kind = MAS_CORPUS_RECALL;
    return config;
}

/* What a document must look like, read from its tokens alone. */
static void check_document(const mas_recall_source *s, const int32_t *tokens,
                           const int32_t *evidence, int64_t count)
{
    const int64_t g = mas_recall_passages(s, count - 1), m = s->passage_tokens;
    cr_assert(2 * g * s->frame < count || g == 1 || g == s->passages);
    int64_t statement[64], events = 0, i = 0;
    bool quoted[64] = {false}, used[4096] = {false};
    cr_assert(g <= 64 && s->alphabet <= 4096);
    while (i < count) {
        if (tokens[i] < s->states) {
            cr_assert_eq(evidence[i], 0);
            i++;
            continue;
        }
        cr_assert_eq(tokens[i], events < g ? s->state_marker : s->quote_marker, "token %lld",
                     (long long)i);
        cr_assert_eq(i, s->run + events * s->frame, "a marker at token %lld", (long long)i);
        cr_assert_lt(events, 2 * g);
        const int64_t whole = i + m < count ? m : count - 1 - i;
        if (events < g) {
            statement[events] = i;
            for (int64_t j = 1; j <= whole; j++) {
                const int32_t symbol = tokens[i + j] - s->states - 2;
                cr_assert(symbol >= 0 && symbol < s->alphabet);
                cr_assert_not(used[symbol], "a passage token is stated twice");
                used[symbol] = true;
                cr_assert_eq(evidence[i + j], 0);
            }
        } else if (whole > 0) {
            int64_t source = 0;
            while (source < g && tokens[statement[source] + 1] != tokens[i + 1])
                source++;
            cr_assert(source < g && !quoted[source], "a passage is quoted once");
            quoted[source] = true;
            for (int64_t j = 1; j <= whole; j++) {
                cr_assert_eq(tokens[i + j], tokens[statement[source] + j]);
                cr_assert_eq(evidence[i + j], j > 1 ? i - statement[source] : 0);
            }
        }
        events++;
        i += 1 + whole;
    }
}

Test(corpus_recall, documents_are_as_defined)
{
    const mas_corpus_config config = recall();
    mas_corpus *corpus = opened(&config, 256);
    const mas_recall_source *s = mas_recall_source_of(corpus);
    mas_rng rng = mas_rng_seed(1, 1);
    for (int64_t length = 1; length <= 256; length++) {
        int32_t tokens[258], evidence[258];
        tokens[length + 1] = evidence[length + 1] = -9;
        mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, length, tokens, evidence);
        cr_assert(tokens[length + 1] == -9 && evidence[length + 1] == -9, "written past the end");
        check_document(s, tokens, evidence, length + 1);
    }
    for (int64_t i = 0; i < 100; i++) {
        mas_sequence d;
        cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TEST, i, 200, &d, NULL), MAS_OK);
        cr_assert_eq(d.length, 200);
        check_document(s, d.tokens, d.evidence, d.length);
        mas_sequence_free(&d);
    }
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    cr_assert_eq(info->documents[MAS_SPLIT_TRAIN], 0);
    cr_assert_eq(info->vocab, config.vocab);
    cr_assert_eq(info->separator, -1);
    cr_assert_str_eq(info->tokenizer, "recall");
    mas_corpus_close(corpus);
}

Test(corpus_recall, the_seed_decides)
{
    mas_corpus_config config = recall();
    mas_corpus *a = opened(&config, 128), *b = opened(&config, 256);
    config.seed++;
    mas_corpus *other = opened(&config, 128);
    cr_assert_str_eq(mas_corpus_describe(a)->hash, mas_corpus_describe(b)->hash);
    cr_assert_str_neq(mas_corpus_describe(a)->hash, mas_corpus_describe(other)->hash);

    mas_sequence x, y;
    int same = 0;
    for (int64_t i = 0; i < 20; i++) {
        for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
            cr_assert_eq(mas_corpus_document(a, (mas_split)split, i, 100, &x, NULL), MAS_OK);
            cr_assert_eq(mas_corpus_document(b, (mas_split)split, i, 100, &y, NULL), MAS_OK);
            cr_assert_arr_eq(x.tokens, y.tokens, 100 * sizeof *x.tokens);
            mas_sequence_free(&y);
            const mas_split next = (mas_split)((split + 1) % MAS_SPLIT_COUNT);
            cr_assert_eq(mas_corpus_document(a, next, i, 100, &y, NULL), MAS_OK);
            same += memcmp(x.tokens, y.tokens, 100 * sizeof *x.tokens) == 0;
            mas_sequence_free(&y);
            cr_assert_eq(mas_corpus_document(other, (mas_split)split, i, 100, &y, NULL), MAS_OK);
            same += memcmp(x.tokens, y.tokens, 100 * sizeof *x.tokens) == 0;
            mas_sequence_free(&x);
            mas_sequence_free(&y);
        }
    }
    cr_assert_eq(same, 0);

    /* Samples follow the caller's generator, evidence wanted or not. */
    mas_rng one = mas_rng_seed(9, 9), two = one;
    int32_t p[129], q[129], evidence[129];
    mas_corpus_sample(a, MAS_SPLIT_TRAIN, &one, 128, p, evidence);
    mas_corpus_sample(b, MAS_SPLIT_TRAIN, &two, 128, q, NULL);
    cr_assert_arr_eq(p, q, sizeof p);
    cr_assert_arr_eq(one.s, two.s, sizeof one.s);
    mas_corpus_close(a);
    mas_corpus_close(b);
    mas_corpus_close(other);
}

Test(corpus_recall, shares_are_as_asked)
{
    const mas_corpus_config config = recall();
    mas_corpus *corpus = opened(&config, 256);
    const mas_recall_source *s = mas_recall_source_of(corpus);
    mas_rng rng = mas_rng_seed(4, 4);
    double quoted = 0, after[MAS_RECALL_BRANCHES] = {0}, texts = 0;
    enum { DOCUMENTS = 2000 };
    for (int d = 0; d < DOCUMENTS; d++) {
        int32_t tokens[257], evidence[257];
        mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, 256, tokens, evidence);
        for (int i = 1; i < 257; i++) {
            quoted += evidence[i] > 0;
            if (tokens[i] >= s->states || tokens[i - 1] >= s->states)
                continue;
            texts++;
            for (int b = 0; b < s->branches; b++)
                after[b] += s->successor[tokens[i - 1] * s->branches + b] == tokens[i];
        }
    }
    /* The first token of a quotation has no evidence; what is left of the document is text. */
    const double share = quoted / (256.0 * DOCUMENTS) * s->passage_tokens / (s->passage_tokens - 1);
    cr_assert(share > 0.9 * config.quote_rate && share <= config.quote_rate, "%g", share);
    double sum = 0;
    for (int b = 0; b < s->branches; b++) {
        const double p = mas_recall_branch_probability(s, b);
        sum += p;
        cr_assert(fabs(after[b] / texts - p) < 5 * sqrt(p * (1 - p) / texts), "branch %d: %g", b,
                  after[b] / texts);
    }
    cr_assert_float_eq(sum, 1, 1e-15);
    mas_corpus_close(corpus);
}

Test(corpus_recall, refused_settings)
{
    mas_corpus_config config = recall();
    config.passage_tokens = 0;
    refused(&config, 256, MAS_E_ARGUMENT, "passage_tokens is 0");
    config = recall();
    config.passages = 0;
    refused(&config, 256, MAS_E_ARGUMENT, "passages is 0; expected 1 to 4096");
    config = recall();
    config.markov_states = 0;
    refused(&config, 256, MAS_E_ARGUMENT, "markov_states is 0");
    config = recall();
    config.quote_rate = 0.45;
    refused(&config, 256, MAS_E_ARGUMENT, "quote_rate is 0.45; expected above 0 and at most");
    config.quote_rate = (double)NAN;
    refused(&config, 256, MAS_E_ARGUMENT, "quote_rate is");
    config = recall();
    config.vocab = config.markov_states + 2;
    refused(&config, 256, MAS_E_ARGUMENT, "2 markers");
    config.vocab = 65537;
    refused(&config, 256, MAS_E_ARGUMENT, "at most 65536");

    config = recall(); /* passage tokens are distinct within a document, so they can run out */
    config.passages = 10;
    config.passage_tokens = 8;
    config.quote_rate = 0.3;
    config.vocab = config.markov_states + 2 + 79;
    mas_corpus_close(opened(&config, 100));
    refused(&config, 5000, MAS_E_ARGUMENT, "state 80 different passage tokens, vocab leaves 79");
    config.vocab++;
    mas_corpus *corpus = opened(&config, 5000);
    mas_sequence d;
    mas_error err = {0};
    cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TEST, 0, 1, &d, &err), MAS_E_ARGUMENT);
    cr_assert_eq(mas_corpus_document(corpus, MAS_SPLIT_TEST, -1, 9, &d, &err), MAS_E_NOT_FOUND);
    mas_corpus_close(corpus);
}

Test(corpus_recall, smallest_sources)
{
    mas_corpus_config config = recall(); /* one text state, passages of one token */
    config.markov_states = 1;
    config.passage_tokens = 1;
    config.quote_rate = 1.0 / 6;
    config.vocab = 3 + 20;
    config.passages = 20;
    mas_corpus *corpus = opened(&config, 100);
    mas_rng rng = mas_rng_seed(1, 1);
    for (int i = 0; i < 100; i++) {
        int32_t tokens[101], evidence[101];
        mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, 100, tokens, evidence);
        check_document(mas_recall_source_of(corpus), tokens, evidence, 101);
    }
    mas_corpus_close(corpus);
}
