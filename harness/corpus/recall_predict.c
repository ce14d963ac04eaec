/* SPDX-License-Identifier: Apache-2.0 */
/* The best predictor of the recall source with a given reach, written from the predictor's side: it
 * looks at the last `reach` tokens of a document and knows which place comes next, nothing else. Slow and plain on purpose: it is what the closed form in recall_entropy.c is tested against. */
#include "harness/corpus/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct view {
    const mas_recall_source *s;
    const int32_t *tokens;
    int64_t *marker; /* [2g] places of the events' markers, all known beforehand */
    int64_t g, vocab;
    int64_t from, at; /* visible: tokens from .. at - 1 */
    int64_t k, j;     /* event and place within it of the token to predict */
    double *p;        /* [vocab] */
} view;

/* Is token `offset` (1 .. m) of an event's passage in sight? */
static bool in_sight(const view *v, int64_t event, int64_t offset)
{
    const int64_t place = v->marker[event] + offset;
    return place >= v->from && place < v->at;
}

/* Spread what is left of the probability over passage tokens that are nowhere in sight. */
static void spread(const view *v, double mass)
{
    const int64_t first = v->s->states + 2;
    for (int64_t token = first; token < v->vocab; token++)
        v->p[token] = 1;
    for (int64_t i = v->from; i < v->at; i++)
        if (v->tokens[i] >= first)
            v->p[v->tokens[i]] = 0;
    double count = 0;
    for (int64_t token = first; token < v->vocab; token++)
        count += v->p[token];
    for (int64_t token = first; token < v->vocab && count > 0; token++)
        v->p[token] *= mass / count;
}

/* A statement of which something is in sight was quoted if a quotation shows the same token there. */
static bool was_quoted(const view *v, int64_t statement)
{
    for (int64_t quote = v->g; quote < v->k; quote++)
        for (int64_t o = 1; o <= v->s->passage_tokens; o++)
            if (in_sight(v, statement, o) && in_sight(v, quote, o) &&
                v->tokens[v->marker[statement] + o] == v->tokens[v->marker[quote] + o])
                return true;
    return false;
}

static bool recognised(const view *v, int64_t statement)
{
    for (int64_t o = 1; o < v->j; o++)
        if (in_sight(v, statement, o) &&
            v->tokens[v->marker[statement] + o] == v->tokens[v->marker[v->k] + o])
            return true;
    return false;
}

static void predict_quote(const view *v)
{
    const int64_t left = 2 * v->g - v->k;
    const int64_t j = v->j;
    int64_t candidates = left; /* passages that the quotation so far can be of */
    for (int64_t i = 0; i < v->g; i++) {
        if (recognised(v, i)) {
            v->p[v->tokens[v->marker[i] + j]] = 1;
            return;
        }
        /* Its earlier tokens are in sight and differ. */
        if (j > 1 && in_sight(v, i, j - 1) && !was_quoted(v, i))
            candidates--;
    }
    double seen = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < v->g; i++) {
            const bool fits = in_sight(v, i, j) && (j == 1 || !in_sight(v, i, j - 1));
            if (!fits || was_quoted(v, i))
                continue;
            if (pass == 0)
                seen += 1 / (double)candidates;
            else
                v->p[v->tokens[v->marker[i] + j]] = 1 / (double)candidates;
        }
        if (pass == 0)
            spread(v, fmax(0, 1 - seen));
    }
}

static void predict_text(const view *v, bool first)
{
    const mas_recall_source *const s = v->s;
    for (int32_t token = 0; token < s->states && first; token++)
        v->p[token] = 1 / (double)s->states;
    if (first)
        return;
    const int32_t *const row = s->successor + (size_t)v->tokens[v->at - 1] * (size_t)s->branches;
    for (int32_t b = 0; b < s->branches; b++)
        v->p[row[b]] = mas_recall_branch_probability(s, b);
}

/* A document is frames of text run, marker and passage, then text to the end. */
static void predict(view *v)
{
    const int64_t end = 2 * v->g * v->s->frame;
    const int64_t within = v->at < end ? v->at % v->s->frame : v->at - end;
    v->k = v->at / v->s->frame;
    v->j = within - v->s->run;
    if (v->at >= end || v->j < 0)
        predict_text(v, within == 0);
    else if (v->j == 0)
        v->p[v->k < v->g ? v->s->state_marker : v->s->quote_marker] = 1;
    else if (v->k < v->g)
        spread(v, 1);
    else
        predict_quote(v);
}

mas_status mas_recall_predict(const mas_recall_source *s, const int32_t *tokens, int64_t length,
                              int64_t reach, double *nats, double *probability, mas_error *err)
{
    const int64_t vocab = (int64_t)s->states + 2 + s->alphabet;
    const int64_t g = mas_recall_passages(s, length);
    view v = {.s = s, .tokens = tokens, .g = g, .vocab = vocab};
    v.p = malloc((size_t)vocab * sizeof *v.p);
    v.marker = malloc(2 * (size_t)g * sizeof *v.marker);
    mas_status status = MAS_OK;
    if (!v.p || !v.marker)
        status = mas_fail(err, MAS_E_MEMORY, "no memory to predict documents");
    for (int64_t k = 0; k < 2 * g && status == MAS_OK; k++)
        v.marker[k] = s->run + k * s->frame;
    for (int64_t at = 0; at <= length && status == MAS_OK; at++) {
        memset(v.p, 0, (size_t)vocab * sizeof *v.p);
        v.at = at;
        v.from = at > reach ? at - reach : 0;
        predict(&v);
        nats[at] = at ? -log(v.p[tokens[at]]) : 0;
        if (probability)
            memcpy(probability + at * vocab, v.p, (size_t)vocab * sizeof *v.p);
    }
    free(v.marker);
    free(v.p);
    return status;
}
