/* SPDX-License-Identifier: Apache-2.0 */
/* What the best predictor of the recall source pays on average, whatever it sees of the tokens before. README.md
 * derives every term. Events are counted k: the first g are statements, the next g quotations. */
#include "harness/corpus/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sums {
    mas_recall_place at;
    int64_t T;   /* scored tokens */
    bool *seen;  /* [T + m + 1] by place; the last passage may be cut off */
    double nats; /* sum so far */
} sums;

/* ---- text; markers stand where they must and cost nothing ---- */

/* The token before is always in sight, and no other tells more. */
static double text_nats(const sums *u)
{
    const mas_recall_source *const s = u->at.s;
    const double first = log((double)s->states);
    const int64_t end = 2 * u->at.g * s->frame; /* from here on there is nothing but text */
    double nats = 0;
    for (int64_t place = 1; place <= u->T; place++) { /* the document's first token is not scored */
        const int64_t within = place < end ? place % s->frame : place - end;
        if (within == 0)
            nats += first;
        else if (place >= end || within < s->run)
            nats += s->row_nats;
    }
    return nats;
}

/* ---- passages ---- */

/* Passage tokens in sight of the events up to k. */
static int64_t in_sight(const sums *u, int64_t k)
{
    const mas_recall_source *const s = u->at.s;
    int64_t count = 0;
    for (int64_t event = 0; event <= k; event++)
        for (int64_t j = 1; j <= s->passage_tokens; j++)
            count += u->seen[s->run + event * s->frame + j];
    return count;
}

static mas_status look(sums *u, const mas_corpus_sight *sight, int64_t place, mas_error *err)
{
    memset(u->seen + place, 0, (size_t)u->at.s->passage_tokens);
    if (sight)
        return sight->look(sight->self, place - 1, u->seen, err);
    memset(u->seen, true, (size_t)place);
    return MAS_OK;
}

static mas_status add_event(sums *u, const mas_corpus_sight *sight, int64_t k, mas_error *err)
{
    const int64_t marker = u->at.s->run + k * u->at.s->frame;
    mas_status status = MAS_OK;
    u->at.event = k;
    for (int64_t j = 1; j <= u->at.s->passage_tokens && marker + j <= u->T; j++) {
        status = look(u, sight, marker + j, err);
        if (status != MAS_OK)
            return status;
        u->at.j = j;
        u->at.in_sight = in_sight(u, k);
        /* All stated tokens differ: uniform over those that are not in sight. */
        double nats = log((double)(u->at.s->alphabet - u->at.in_sight));
        if (k >= u->at.g)
            status = mas_recall_quote_nats(&u->at, &nats, err);
        if (status != MAS_OK)
            return status;
        u->nats += nats;
    }
    return MAS_OK;
}

mas_status mas_recall_entropy(const mas_recall_source *s, int64_t length,
                              const mas_corpus_sight *sight, double *nats, mas_error *err)
{
    if (length < 1)
        return mas_fail(err, MAS_E_ARGUMENT, "documents of %lld tokens; expected at least 1",
                        (long long)length);
    const int64_t g = mas_recall_passages(s, length);
    sums u = {.at = {.s = s, .g = g}, .T = length};
    double *log_factorial = calloc((size_t)g + 1, sizeof *log_factorial);
    u.seen = calloc((size_t)length + (size_t)s->passage_tokens + 1, sizeof *u.seen);
    mas_status status = MAS_OK;
    if (log_factorial && u.seen) {
        for (int64_t i = 1; i <= g; i++)
            log_factorial[i] = log_factorial[i - 1] + log((double)i);
        u.at.log_factorial = log_factorial;
        u.at.seen = u.seen;
        u.nats = text_nats(&u);
        for (int64_t k = 0; k < 2 * g && status == MAS_OK; k++)
            status = add_event(&u, sight, k, err);
        *nats = u.nats / (double)length;
    } else {
        status =
            mas_fail(err, MAS_E_MEMORY, "no memory for the entropy of %lld passages", (long long)g);
    }
    free(u.seen);
    free(log_factorial);
    return status;
}
