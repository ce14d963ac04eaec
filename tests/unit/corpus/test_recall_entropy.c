/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy of the recall source, three ways: the closed form, the best predictor applied to long
 * samples, and, for sources small enough, every document with its probability. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(corpus_entropy, .timeout = 300);

static const struct {
    int32_t passage_tokens, vocab, states, passages;
    double quote_rate;
    int64_t length;
} sources[] = {
    {12, 130, 16, 8, 0.375, 256}, /* the default */
    {4, 162, 16, 99, 4.0 / 14, 256}, {3, 40, 4, 99, 0.2, 97},
    {8, 60, 2, 2, 0.2, 128},     /* text to the end after few passages */
    {1, 30, 1, 99, 1.0 / 6, 60}, /* one token of text at a time */
    {5, 27, 2, 4, 0.3, 64},      /* the alphabet is used up but for three */
};

static mas_corpus *open_source(size_t i)
{
    mas_corpus_config config = mas_corpus_config_default();
    config.kind = MAS_CORPUS_RECALL;
    config.passage_tokens = sources[i].passage_tokens;
    config.vocab = sources[i].vocab;
    config.markov_states = sources[i].states;
    config.passages = sources[i].passages;
    config.quote_rate = sources[i].quote_rate;
    return opened(&config, sources[i].length);
}

static double entropy_seen(const mas_corpus *corpus, int64_t length, const mas_corpus_sight *sight)
{
    double nats = (double)NAN;
    mas_error err = {0};
    cr_assert_eq(mas_corpus_entropy(corpus, length, sight, &nats, &err), MAS_OK, "%s", err.text);
    return nats;
}

/* The last *reach tokens. */
static mas_status look_back(const void *reach, int64_t position, bool *seen, mas_error *err)
{
    (void)err;
    for (int64_t i = 0; i <= position; i++)
        seen[i] = i > position - *(const int64_t *)reach;
    return MAS_OK;
}

static double entropy(const mas_corpus *corpus, int64_t length, int64_t reach)
{
    return entropy_seen(corpus, length, &(mas_corpus_sight){&reach, look_back});
}

/* The closed form must lie within 4.5 standard errors of the mean over documents; with the fixed
 * seeds below the outcome never changes. */
Test(corpus_entropy, closed_form_agrees_with_long_samples)
{
    enum { DOCUMENTS = 3000 };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        mas_corpus *corpus = open_source(i);
        const mas_recall_source *s = mas_recall_source_of(corpus);
        const int64_t T = sources[i].length, m = sources[i].passage_tokens;
        const int64_t reaches[] = {m + 1, m + 2, 2 * m + 3, T / 5 + m, T / 3 + m, T - 1, T, 10 * T};
        int32_t *tokens = malloc((size_t)(T + 1) * sizeof *tokens);
        double *nats = malloc((size_t)(T + 1) * sizeof *nats);
        for (size_t r = 0; r < sizeof reaches / sizeof *reaches; r++) {
            mas_rng rng = mas_rng_seed(11, i * 100 + r);
            double sum = 0, squares = 0;
            for (int d = 0; d < DOCUMENTS; d++) {
                mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, T, tokens, NULL);
                cr_assert_eq(mas_recall_predict(s, tokens, T, reaches[r], nats, NULL, NULL),
                             MAS_OK);
                double mean = 0;
                for (int64_t t = 1; t <= T; t++)
                    mean += nats[t] / (double)T;
                sum += mean;
                squares += mean * mean;
            }
            const double mean = sum / DOCUMENTS;
            const double error = sqrt(fmax(0, squares / DOCUMENTS - mean * mean) / DOCUMENTS);
            const double want = entropy(corpus, T, reaches[r]);
            cr_expect(fabs(mean - want) < 4.5 * error + 1e-9,
                      "source %zu, reach %lld: closed form %.6f, sample %.6f +- %.6f", i,
                      (long long)reaches[r], want, mean, error);
        }
        free(tokens);
        free(nats);
        mas_corpus_close(corpus);
    }
}

Test(corpus_entropy, more_reach_never_costs)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        mas_corpus *corpus = open_source(i);
        const int64_t T = sources[i].length;
        double before = (double)INFINITY;
        for (int64_t reach = 1; reach <= T + 1; reach++) {
            const double now = entropy(corpus, T, reach);
            cr_assert(now <= before + 1e-12, "reach %lld: %.9f after %.9f", (long long)reach, now,
                      before);
            before = now;
        }
        cr_assert_float_eq(entropy_seen(corpus, T, NULL), before, 1e-12);
        mas_corpus_close(corpus);
    }
}

Test(corpus_entropy, predictions_are_distributions)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        mas_corpus *corpus = open_source(i);
        const mas_recall_source *s = mas_recall_source_of(corpus);
        const int64_t T = sources[i].length, V = sources[i].vocab;
        int32_t *tokens = malloc((size_t)(T + 1) * sizeof *tokens);
        double *nats = malloc((size_t)(T + 1) * sizeof *nats);
        double *p = malloc((size_t)((T + 1) * V) * sizeof *p);
        mas_rng rng = mas_rng_seed(12, i);
        for (int d = 0; d < 20; d++) {
            mas_corpus_sample(corpus, MAS_SPLIT_TRAIN, &rng, T, tokens, NULL);
            const int64_t reach = s->passage_tokens + 1 + (int64_t)mas_rng_below(&rng, 60);
            cr_assert_eq(mas_recall_predict(s, tokens, T, reach, nats, p, NULL), MAS_OK);
            for (int64_t t = 0; t <= T; t++) {
                double sum = 0;
                for (int64_t v = 0; v < V; v++)
                    sum += p[t * V + v];
                cr_assert(fabs(sum - 1) < 1e-12, "source %zu, token %lld: %.15f", i, (long long)t,
                          sum);
                cr_assert(isfinite(nats[t]), "source %zu: token %lld was held impossible", i,
                          (long long)t);
            }
        }
        free(tokens);
        free(nats);
        free(p);
        mas_corpus_close(corpus);
    }
}

/* ---- every document of a tiny source ---- */

/* Weights of what follows each (place, events so far, last tokens in sight). Keys are 64-bit hashes;
 * so few do not clash. */
enum { SLOTS = 1 << 19, TINY_VOCAB = 9, ROOM = 32 };

typedef struct context {
    uint64_t key;
    double weight[TINY_VOCAB];
} context;

typedef struct enumeration {
    const mas_recall_source *s;
    int64_t T, g;
    bool seen[ROOM * ROOM]; /* [t * ROOM + i] is token i in sight where t comes? */
    int32_t tokens[ROOM];
    int64_t statement[8];
    context *contexts;
    size_t used;
} enumeration;

static void count_document(enumeration *e, double weight)
{
    int64_t events = 0;
    for (int64_t t = 0; t <= e->T; t++) {
        uint64_t key = mas_mix64((uint64_t)t * 64 + (uint64_t)events);
        for (int64_t i = 0; i < t; i++)
            if (e->seen[t * ROOM + i])
                key = mas_mix64(key ^ (uint64_t)e->tokens[i]);
        size_t slot = key % SLOTS;
        while (e->contexts[slot].key != 0 && e->contexts[slot].key != key)
            slot = (slot + 1) % SLOTS;
        cr_assert(e->contexts[slot].key || ++e->used < SLOTS / 2, "too many contexts");
        e->contexts[slot].key = key;
        e->contexts[slot].weight[e->tokens[t]] += t ? weight : 0;
        events += e->tokens[t] == e->s->state_marker || e->tokens[t] == e->s->quote_marker;
    }
}

static void enumerate(enumeration *e, int64_t at, int64_t events, int64_t run, double weight);

static void put(enumeration *e, int64_t at, int32_t token, int64_t events, int64_t run,
                double weight)
{
    e->tokens[at] = token;
    enumerate(e, at + 1, events, run, weight);
}

static void enumerate_passage(enumeration *e, int64_t at, int64_t events, int64_t j, uint32_t used,
                              double weight)
{
    const mas_recall_source *s = e->s;
    if (at > e->T || j == s->passage_tokens) {
        enumerate(e, at, events + 1, 0, weight);
        return;
    }
    const int free_symbols = s->alphabet - __builtin_popcount(used);
    for (int32_t symbol = 0; symbol < s->alphabet; symbol++) {
        if (used >> symbol & 1)
            continue;
        e->tokens[at] = s->states + 2 + symbol;
        enumerate_passage(e, at + 1, events, j + 1, used | 1u << symbol, weight / free_symbols);
    }
}

static uint32_t used_before(const enumeration *e, int64_t events)
{
    uint32_t used = 0;
    for (int64_t i = 0; i < events; i++)
        for (int64_t j = 1; j <= e->s->passage_tokens; j++)
            used |= 1u << (e->tokens[e->statement[i] + j] - e->s->states - 2);
    return used;
}

static void enumerate_event(enumeration *e, int64_t at, int64_t events, double weight)
{
    const mas_recall_source *s = e->s;
    const int64_t m = s->passage_tokens;
    e->tokens[at] = events < e->g ? s->state_marker : s->quote_marker;
    if (events < e->g) {
        e->statement[events] = at;
        enumerate_passage(e, at + 1, events, 0, used_before(e, events), weight);
        return;
    }
    for (int64_t i = 0; i < e->g; i++) {
        bool pending = true;
        for (int64_t t = e->statement[e->g - 1] + m + 1; t + 1 < at && pending; t++)
            pending = e->tokens[t] != s->quote_marker ||
                      e->tokens[t + 1] != e->tokens[e->statement[i] + 1];
        if (!pending)
            continue;
        int64_t next = at + 1;
        for (int64_t j = 1; j <= m && next <= e->T; j++)
            e->tokens[next++] = e->tokens[e->statement[i] + j];
        enumerate(e, next, events + 1, 0, weight / (double)(2 * e->g - events));
    }
}

/* Token `at`; `run` text tokens stand before it since the last event. */
static void enumerate(enumeration *e, int64_t at, int64_t events, int64_t run, double weight)
{
    const mas_recall_source *s = e->s;
    if (at > e->T) {
        count_document(e, weight);
    } else if (run == 0) {
        for (int32_t token = 0; token < s->states; token++)
            put(e, at, token, events, 1, weight / s->states);
    } else if (run == s->run && events < 2 * e->g) {
        enumerate_event(e, at, events, weight);
    } else {
        const int32_t *const row = s->successor + e->tokens[at - 1] * s->branches;
        for (int32_t b = 0; b < s->branches; b++)
            put(e, at, row[b], events, run + 1, weight * mas_recall_branch_probability(s, b));
    }
}

static double enumerated_entropy(const mas_recall_source *s, int64_t T,
                                 const mas_corpus_sight *sight)
{
    enumeration e = {.s = s, .T = T, .g = mas_recall_passages(s, T)};
    cr_assert_lt(T, ROOM);
    for (int64_t t = 1; t <= T; t++)
        cr_assert_eq(sight->look(sight->self, t - 1, e.seen + t * ROOM, NULL), MAS_OK);
    e.contexts = calloc(SLOTS, sizeof *e.contexts);
    cr_assert_not_null(e.contexts);
    enumerate(&e, 0, 0, 0, 1);
    double nats = 0, total = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        double sum = 0;
        for (int v = 0; v < TINY_VOCAB; v++)
            sum += e.contexts[i].weight[v];
        for (int v = 0; v < TINY_VOCAB; v++) {
            const double w = e.contexts[i].weight[v];
            nats += w > 0 ? w * log(sum / w) : 0;
        }
        total += sum;
    }
    cr_assert_float_eq(total, (double)T, 1e-9);
    free(e.contexts);
    return nats / (double)T;
}

/* Blocks of *block tokens that are never left. */
static mas_status look_in_block(const void *block, int64_t position, bool *seen, mas_error *err)
{
    (void)err;
    const int64_t b = *(const int64_t *)block;
    for (int64_t i = 0; i <= position; i++)
        seen[i] = i / b == position / b;
    return MAS_OK;
}

/* The last *reach tokens and the first few. */
static mas_status look_with_sinks(const void *reach, int64_t position, bool *seen, mas_error *err)
{
    const mas_status status = look_back(reach, position, seen, err);
    for (int64_t i = 0; i <= position && i < 5; i++)
        seen[i] = true;
    return status;
}

/* Any tokens, drawn for each position: two in three by seed 0, one in three by others. */
static mas_status look_at_random(const void *seed, int64_t position, bool *seen, mas_error *err)
{
    (void)err;
    const int64_t s = *(const int64_t *)seed;
    mas_rng rng = mas_rng_seed((uint64_t)s, (uint64_t)position);
    for (int64_t i = 0; i <= position; i++)
        seen[i] = mas_rng_below(&rng, 3) < (s ? 1 : 2) || i == position;
    return MAS_OK;
}

static const struct {
    const char *name;
    mas_status (*look)(const void *self, int64_t position, bool *seen, mas_error *err);
    int64_t first, last, step; /* values of *self; last 0: the length */
} sights[] = {
    {"reach", look_back, 1, 0, 1},
    {"block", look_in_block, 2, 0, 1},
    {"reach with sinks", look_with_sinks, 1, 0, 2},
    {"random", look_at_random, 0, 12, 1},
};

Test(corpus_entropy, equals_every_document_of_tiny_sources_summed)
{
    static const struct {
        int32_t passage_tokens, vocab, states, passages;
        double quote_rate;
        int64_t length;
    } tiny[] = {
        {2, 8, 1, 2, 0.25, 17},    /* alphabet 5 */
        {2, 9, 1, 2, 0.2, 24},     /* longer runs, text at the end */
        {1, 6, 2, 2, 0.125, 18},   /* alphabet 2, all of it used; text with two states */
        {3, 9, 1, 2, 0.3, 20},     /* alphabet 6, all of it used */
        {1, 7, 1, 4, 1.0 / 6, 24}, /* four passages */
        {2, 9, 1, 3, 0.25, 22},    /* three passages; the last quotation is cut off */
    };
    for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
        mas_corpus_config config = mas_corpus_config_default();
        config.kind = MAS_CORPUS_RECALL;
        config.passage_tokens = tiny[i].passage_tokens;
        config.vocab = tiny[i].vocab;
        config.markov_states = tiny[i].states;
        config.passages = tiny[i].passages;
        config.quote_rate = tiny[i].quote_rate;
        mas_corpus *corpus = opened(&config, tiny[i].length);
        const mas_recall_source *s = mas_recall_source_of(corpus);
        cr_assert_gt(mas_recall_passages(s, tiny[i].length), 1);
        for (size_t k = 0; k < sizeof sights / sizeof *sights; k++) {
            const int64_t last = sights[k].last ? sights[k].last : tiny[i].length;
            for (int64_t value = sights[k].first; value <= last; value += sights[k].step) {
                const mas_corpus_sight sight = {&value, sights[k].look};
                const double want = enumerated_entropy(s, tiny[i].length, &sight);
                const double got = entropy_seen(corpus, tiny[i].length, &sight);
                cr_expect(fabs(got - want) < 1e-9, "source %zu, %s %lld: %.9f, enumerated %.9f", i,
                          sights[k].name, (long long)value, got, want);
            }
        }
        mas_corpus_close(corpus);
    }
}

Test(corpus_entropy, refused)
{
    mas_corpus *corpus = open_source(0);
    double nats;
    mas_error err = {0};
    cr_assert_eq(mas_corpus_entropy(corpus, 0, NULL, &nats, &err), MAS_E_ARGUMENT);
    mas_corpus_close(corpus);
    /* eighteen passages, each in sight in a way of its own */
    corpus = open_source(1);
    const int64_t seed = 1;
    const mas_corpus_sight sight = {&seed, look_at_random};
    cr_assert_eq(mas_corpus_entropy(corpus, sources[1].length, &sight, &nats, &err),
                 MAS_E_UNSUPPORTED);
    cr_assert(strstr(err.text, "fewer passages"), "%s", err.text);
    mas_corpus_close(corpus);
}
