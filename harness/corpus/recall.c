/* SPDX-License-Identifier: Apache-2.0 */
/* The generated corpus: local Markov text in which marked passages of random tokens are stated and
 * later quoted, whole, in random order. README.md defines the source and derives its entropy; the
 * choices that make the entropy exact (text runs of one length, passage tokens distinct within a
 * document, every passage quoted once) are all made here. */
#include "harness/corpus/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { RUN_MAX = 65536 };

/* Successor b has weight 2^(branches-1-b) of 2^branches - 1. */
double mas_recall_branch_probability(const mas_recall_source *s, int32_t b)
{
    return (double)(1 << (s->branches - 1 - b)) / (double)((1 << s->branches) - 1);
}

const mas_recall_source *mas_recall_source_of(const mas_corpus *corpus)
{
    return corpus->config.kind == MAS_CORPUS_RECALL ? corpus->data : NULL;
}

static void recall_close(mas_corpus *corpus)
{
    mas_recall_source *s = corpus->data;
    if (!s)
        return;
    free(s->successor);
    free(s);
    corpus->data = NULL;
}

static mas_status check_config(const mas_corpus_config *c, mas_error *err)
{
    if (c->passage_tokens < 1)
        return mas_fail(err, MAS_E_ARGUMENT, "passage_tokens is %d; expected at least 1",
                        c->passage_tokens);
    if (c->passages < 1 || c->passages > MAS_RECALL_PASSAGES_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "passages is %d; expected 1 to %d", c->passages,
                        MAS_RECALL_PASSAGES_MAX);
    if (c->markov_states < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "markov_states is %d; expected at least 1: text stands between passages",
                        c->markov_states);
    if (c->vocab > MAS_RECALL_VOCAB_MAX || c->vocab < c->markov_states + 2 + c->passage_tokens)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "vocab is %d; expected markov_states (%d) + 2 markers + at least "
                        "passage_tokens (%d), and at most %d",
                        c->vocab, c->markov_states, c->passage_tokens, MAS_RECALL_VOCAB_MAX);
    /* A passage, its marker and one token of text, each stated and quoted. */
    const double most = c->passage_tokens / (2.0 * (c->passage_tokens + 2));
    if (!(c->quote_rate > 0 && c->quote_rate <= most))
        return mas_fail(err, MAS_E_ARGUMENT,
                        "quote_rate is %g; expected above 0 and at most %g with passages of %d "
                        "tokens: each needs a marker and a token of text, stated and quoted",
                        c->quote_rate, most, c->passage_tokens);
    return MAS_OK;
}

static mas_status check_alphabet(const mas_recall_source *s, int64_t length, mas_error *err)
{
    const int64_t used = mas_recall_passages(s, length) * s->passage_tokens;
    if (used <= s->alphabet)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "documents of %lld tokens state %lld different passage tokens, vocab leaves "
                    "%d; expected vocab of at least %lld",
                    (long long)length, (long long)used, s->alphabet,
                    (long long)used + s->states + 2);
}

/* Each text token's successors: different ones, drawn from the source's own seed. */
static void draw_successors(mas_recall_source *s, uint64_t seed)
{
    mas_rng rng = mas_rng_seed(seed, 0);
    for (int32_t state = 0; state < s->states; state++) {
        int32_t *const row = s->successor + (size_t)state * (size_t)s->branches;
        for (int32_t b = 0; b < s->branches; b++) {
            bool taken;
            do {
                row[b] = (int32_t)mas_rng_below(&rng, (uint64_t)s->states);
                taken = false;
                for (int32_t earlier = 0; earlier < b; earlier++)
                    taken |= row[earlier] == row[b];
            } while (taken);
        }
    }
}

static mas_status recall_open(mas_corpus *corpus, mas_error *err)
{
    const mas_corpus_config *c = &corpus->config;
    mas_status status = check_config(c, err);
    if (status != MAS_OK)
        return status;
    mas_recall_source *s = corpus->data = calloc(1, sizeof *s);
    if (!s)
        return mas_fail(err, MAS_E_MEMORY, "no memory to open a corpus");
    s->states = c->markov_states;
    s->state_marker = s->states;
    s->quote_marker = s->states + 1;
    s->alphabet = c->vocab - s->states - 2;
    s->passage_tokens = c->passage_tokens;
    s->passages = c->passages;
    /* A frame is run, marker and passage; half of the frames are quotations. */
    const double run = round(s->passage_tokens / (2 * c->quote_rate)) - (s->passage_tokens + 1);
    if (run > RUN_MAX)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "quote_rate is %g; expected at least %g with passages of %d tokens, so "
                        "that no more than %d tokens of text stand between them",
                        c->quote_rate,
                        s->passage_tokens / (2.0 * (RUN_MAX + s->passage_tokens + 1)),
                        s->passage_tokens, RUN_MAX);
    s->run = run > 1 ? (int32_t)run : 1;
    s->frame = s->run + 1 + s->passage_tokens;
    s->branches = s->states < MAS_RECALL_BRANCHES ? s->states : MAS_RECALL_BRANCHES;
    for (int32_t b = 0; b < s->branches; b++) {
        const double p = mas_recall_branch_probability(s, b);
        s->row_nats -= p * log(p);
    }
    s->successor = malloc((size_t)s->states * (size_t)s->branches * sizeof *s->successor);
    if (!s->successor)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %d text states", s->states);
    status = check_alphabet(s, corpus->sequence_length, err);
    if (status != MAS_OK)
        return status;
    draw_successors(s, c->seed);

    char settings[256];
    const int size = snprintf(settings, sizeof settings, "recall 1 %d %d %d %.17g %d %llu",
                              c->vocab, c->passage_tokens, c->passages, c->quote_rate,
                              c->markov_states, (unsigned long long)c->seed);
    const XXH128_hash_t hash = XXH3_128bits(settings, (size_t)size);
    mas_hash_hex(hash.high64, hash.low64, corpus->info.hash);
    corpus->info.vocab = c->vocab;
    snprintf(corpus->info.tokenizer, sizeof corpus->info.tokenizer, "recall");
    return MAS_OK;
}

/* ---- generating ---- */

typedef struct writer {
    const mas_recall_source *s;
    mas_rng *rng;
    int32_t *tokens, *evidence; /* evidence may be NULL */
    int64_t count, at;
} writer;

static void put(writer *w, int32_t token, int64_t evidence)
{
    if (w->at >= w->count)
        return; /* the document is cut off here */
    w->tokens[w->at] = token;
    if (w->evidence)
        w->evidence[w->at] = (int32_t)evidence;
    w->at++;
}

static int32_t draw_successor(writer *w, int32_t state)
{
    const mas_recall_source *const s = w->s;
    const uint64_t x = mas_rng_below(w->rng, ((uint64_t)1 << s->branches) - 1);
    int32_t b = 0; /* x in [0, 2^(n-1)): 0; in [2^(n-1), 2^(n-1) + 2^(n-2)): 1; ... */
    for (uint64_t end = 0;; b++) {
        end += (uint64_t)1 << (s->branches - 1 - b);
        if (x < end)
            break;
    }
    return s->successor[(size_t)state * (size_t)s->branches + (size_t)b];
}

/* A run of text: the first token is drawn afresh, so nothing before the run tells about it. */
static void put_text(writer *w, int64_t tokens)
{
    int32_t token = (int32_t)mas_rng_below(w->rng, (uint64_t)w->s->states);
    put(w, token, 0);
    for (int64_t i = 1; i < tokens && w->at < w->count; i++) {
        token = draw_successor(w, token);
        put(w, token, 0);
    }
}

static void put_statement(writer *w, uint64_t *used)
{
    const mas_recall_source *const s = w->s;
    put(w, s->state_marker, 0);
    for (int32_t j = 0; j < s->passage_tokens; j++) {
        uint64_t symbol;
        do
            symbol = mas_rng_below(w->rng, (uint64_t)s->alphabet);
        while (used[symbol / 64] >> (symbol % 64) & 1);
        used[symbol / 64] |= (uint64_t)1 << (symbol % 64);
        put(w, s->states + 2 + (int32_t)symbol, 0);
    }
}

/* The first token of a quotation says which passage it is: a free choice, so nothing determines it. */
static void put_quote(writer *w, int64_t statement)
{
    const mas_recall_source *const s = w->s;
    const int64_t distance = w->at - statement;
    put(w, s->quote_marker, 0);
    for (int32_t j = 1; j <= s->passage_tokens && w->at < w->count; j++)
        put(w, w->tokens[statement + j], j > 1 ? distance : 0);
}

static void generate(const mas_recall_source *s, mas_rng *rng, int64_t count, int32_t *tokens,
                     int32_t *evidence)
{
    uint64_t used[MAS_RECALL_VOCAB_MAX / 64] = {0};
    int32_t pending[MAS_RECALL_PASSAGES_MAX]; /* where the statements stand that wait for a quote */
    writer w = {s, rng, tokens, evidence, count, 0};
    const int64_t passages = mas_recall_passages(s, count - 1);
    for (int64_t i = 0; i < passages && w.at < count; i++) {
        put_text(&w, s->run);
        pending[i] = (int32_t)w.at;
        put_statement(&w, used);
    }
    for (int64_t left = passages; left > 0 && w.at < count; left--) {
        put_text(&w, s->run);
        if (w.at >= count)
            break;
        const uint64_t i = mas_rng_below(rng, (uint64_t)left);
        put_quote(&w, pending[i]);
        pending[i] = pending[left - 1];
    }
    if (w.at < count)
        put_text(&w, w.count - w.at);
}

static void recall_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                          int32_t *tokens, int32_t *evidence)
{
    (void)split; /* no document is ever drawn twice */
    generate(corpus->data, rng, length + 1, tokens, evidence);
}

static mas_status recall_document(const mas_corpus *corpus, mas_split split, int64_t index,
                                  int64_t length, mas_sequence *out, mas_error *err)
{
    mas_status status = check_alphabet(corpus->data, length - 1, err);
    if (status == MAS_OK && length < 2)
        status = mas_fail(err, MAS_E_ARGUMENT, "a document of %lld tokens; expected at least 2",
                          (long long)length);
    if (status == MAS_OK)
        status = mas_sequence_allocate(out, length, true, err);
    if (status != MAS_OK)
        return status;
    mas_rng rng =
        mas_rng_seed(corpus->config.seed, ((uint64_t)split + 1) << 56 | ((uint64_t)index + 1));
    generate(corpus->data, &rng, length, out->tokens, out->evidence);
    return MAS_OK;
}

static mas_status recall_entropy(const mas_corpus *corpus, int64_t length,
                                 const mas_corpus_sight *sight, double *nats, mas_error *err)
{
    const mas_status status = check_alphabet(corpus->data, length, err);
    return status == MAS_OK ? mas_recall_entropy(corpus->data, length, sight, nats, err) : status;
}

const mas_corpus_ops mas_corpus_recall_ops = {
    .name = "recall",
    .open = recall_open,
    .close = recall_close,
    .sample = recall_sample,
    .document = recall_document,
    .entropy = recall_entropy,
};
