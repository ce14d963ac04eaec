/* SPDX-License-Identifier: Apache-2.0 */
/* What the best predictor of the recall source pays on average, for any reach. README.md derives
 * every term; the names here are those used there.
 *
 *   k       number of an event; the first g are statements, the next g quotations
 *   s_k     place of its marker, n + k (n + 1 + m); its passage stands at s_k + 1 .. s_k + m
 *   (c, r)  what is visible of earlier events at one token: c of them whole, then r tokens
 *           (0 < r < m) of the next older one, or none of it (r = 0)
 */
#include "harness/corpus/internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct sums {
    const mas_recall_source *s;
    int64_t T, R;          /* scored tokens, reach */
    int64_t g, m, A;       /* passages, their tokens, alphabet */
    double *log_factorial; /* [g + 1] */
} sums;

static int64_t marker_place(const sums *u, int64_t k)
{
    return u->s->run + k * u->s->frame;
}

static double binomial(const sums *u, int64_t n, int64_t k)
{
    if (k < 0 || k > n)
        return 0;
    return exp(u->log_factorial[n] - u->log_factorial[k] - u->log_factorial[n - k]);
}

/* ---- text; markers stand where they must and cost nothing ---- */

static double text_nats(const sums *u)
{
    const double first = log((double)u->s->states), row = u->s->row_nats;
    const int64_t end = 2 * u->g * u->s->frame; /* from here on there is nothing but text */
    double nats = 0;
    for (int64_t place = 1; place <= u->T; place++) { /* the document's first token is not scored */
        const int64_t within = place < end ? place % u->s->frame : place - end;
        if (within == 0)
            nats += first;
        else if (place >= end || within < u->s->run)
            nats += row;
    }
    return nats;
}

/* ---- one passage token, given what is visible of earlier events ---- */

/* A quotation's token j when its passage cannot be told from what is visible; a earlier quotations,
 * v statements whole in sight, r tokens of an older one (its first r are not). `source_is_partial`:
 * that older one is what is being quoted. Averaged over which passages the a quotations were of. */
static double unseen_quote_nats(const sums *u, int64_t a, int64_t j, int64_t v, int64_t r,
                                bool source_is_partial)
{
    const int64_t left = u->g - a, first_seen = u->m - r + 1;
    const int64_t others = r > 0 && !source_is_partial; /* the partial one may have been quoted */
    double nats = 0;
    for (int64_t w = 0; w <= a && w <= v; w++) {
        for (int64_t quoted = 0; quoted <= others; quoted++) {
            const double p = binomial(u, v, w) *
                             binomial(u, u->g - 1 - v - others, a - w - quoted) /
                             binomial(u, u->g - 1, a);
            if (p == 0)
                continue;
            const double hidden = (double)(left - (v - w)); /* passages it can still be */
            const int64_t seen = (v + a - w) * u->m + (quoted ? 0 : r) + j - 1;
            const double uniform = log((double)(u->A - seen));
            if (j == 1)
                nats += p * (log((double)left / hidden) + uniform);
            else if (r > 0 && first_seen == j && source_is_partial)
                nats += p * log(hidden);
            else if (r > 0 && first_seen == j && !quoted)
                nats += p * (log(hidden / (hidden - 1)) + uniform);
            else
                nats += p * uniform;
        }
    }
    return nats;
}

static double quote_nats(const sums *u, int64_t a, int64_t j, int64_t c, int64_t r)
{
    if (c < a) /* no statement is in sight */
        return log((double)(u->A - c * u->m - r - (j - 1)));
    const int64_t v = c - a, partial = r > 0;
    const double g = (double)u->g;
    double nats = j == 1 ? (double)v / g * log((double)(u->g - a)) : 0;
    /* An older token of the partial statement was already in the quotation: it is recognised. */
    const bool recognised = j > 1 && u->m - r + 1 <= j - 1;
    if (partial && !recognised)
        nats += 1 / g * unseen_quote_nats(u, a, j, v, r, true);
    const int64_t unseen = u->g - v - partial;
    if (unseen > 0)
        nats += (double)unseen / g * unseen_quote_nats(u, a, j, v, r, false);
    return nats;
}

static double passage_token_nats(const sums *u, int64_t k, int64_t j, int64_t c, int64_t r)
{
    if (k >= u->g)
        return quote_nats(u, k - u->g, j, c, r);
    return log((double)(u->A - c * u->m - r - (j - 1)));
}

static double event_nats(const sums *u, int64_t k)
{
    double nats = 0;
    for (int64_t j = 1; j <= u->m && marker_place(u, k) + j <= u->T; j++) {
        const int64_t from = marker_place(u, k) + j - u->R; /* oldest visible token */
        int64_t c = 0, r = 0;
        while (c < k && marker_place(u, k - c - 1) + 1 >= from)
            c++;
        if (c < k && marker_place(u, k - c - 1) + u->m >= from)
            r = marker_place(u, k - c - 1) + u->m - from + 1;
        nats += passage_token_nats(u, k, j, c, r);
    }
    return nats;
}

mas_status mas_recall_entropy(const mas_recall_source *s, int64_t length, int64_t reach,
                              double *nats, mas_error *err)
{
    if (length < 1)
        return mas_fail(err, MAS_E_ARGUMENT, "documents of %lld tokens; expected at least 1",
                        (long long)length);
    if (reach <= s->passage_tokens)
        return mas_fail(
            err, MAS_E_UNSUPPORTED,
            "the entropy for a reach of %lld tokens is not known: passages of %d tokens "
            "need a reach of at least %d",
            (long long)reach, s->passage_tokens, s->passage_tokens + 1);
    sums u = {.s = s,
              .T = length,
              .R = reach,
              .m = s->passage_tokens,
              .A = s->alphabet,
              .g = mas_recall_passages(s, length)};
    u.log_factorial = calloc((size_t)u.g + 1, sizeof(double));
    if (!u.log_factorial)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the entropy of %lld passages",
                        (long long)u.g);
    for (int64_t i = 1; i <= u.g; i++)
        u.log_factorial[i] = u.log_factorial[i - 1] + log((double)i);
    double sum = text_nats(&u);
    for (int64_t k = 0; k < 2 * u.g; k++)
        sum += event_nats(&u, k);
    free(u.log_factorial);
    *nats = sum / (double)length;
    return MAS_OK;
}
