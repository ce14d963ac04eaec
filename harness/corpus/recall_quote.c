/* SPDX-License-Identifier: Apache-2.0 */
/* What a token of a quotation costs, given which tokens are in sight. README.md derives it; in short:
 *
 *   A quotation and a statement that both show the token at some offset are *told*: these tokens say whether the one
 *   quotes the other. All matchings of quotations with statements that agree with what is told are equally likely.
 *   Passages that show the same offsets are of one kind; then only the table matters of how many quotations of each
 *   kind quote statements of each kind. This sums over tables: over their told entries, which the predictor knows,
 *   and within, over the others, which it does not.
 */
#include "harness/corpus/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX ((int64_t)1 << 27) /* for one token: about a second */

typedef struct kind {
    const bool *seen; /* [m] by offset */
    int64_t count;    /* passages of this kind */
    int64_t left;     /* of them, not in the table's entries so far */
} kind;

typedef struct entry {
    int64_t quote, statement; /* kinds */
    int64_t overlap;          /* offsets that both show; 0: not told */
    int64_t value;
    bool last; /* of its kind of quotation */
} entry;

typedef struct matching {
    const mas_recall_place *place;
    kind *statements, *quotes; /* the last kind of quotation is the current one, alone */
    int64_t statement_kinds, quote_kinds;
    entry *entries; /* told ones first */
    int64_t count, told;
    int64_t steps;  /* values tried and entries summed */
    double log_all; /* of the number of matchings */
    /* Of the matchings that agree with the told entries: their share of all, and by kind of statement, of those in
     * which the current quotation is of that kind. */
    double whole, *of_kind;
    int64_t *open; /* [statement_kinds] statements that no told entry holds */
} matching;

/* ---- kinds ---- */

static const bool *passage_seen(const mas_recall_place *p, int64_t event)
{
    return p->seen + p->s->run + event * p->s->frame + 1;
}

static int64_t overlap_of(const mas_recall_place *p, const bool *a, const bool *b)
{
    int64_t both = 0;
    for (int64_t o = 0; o < p->s->passage_tokens; o++)
        both += a[o] && b[o];
    return both;
}

/* @return the new number of kinds */
static int64_t add_to_kinds(const mas_recall_place *p, kind *kinds, int64_t count, int64_t event)
{
    const bool *seen = passage_seen(p, event);
    int64_t k = 0;
    while (k < count && memcmp(kinds[k].seen, seen, (size_t)p->s->passage_tokens) != 0)
        k++;
    if (k == count)
        kinds[count++] = (kind){.seen = seen};
    kinds[k].count++;
    kinds[k].left++;
    return count;
}

/* Quotations of which nothing is told say nothing. */
static bool is_told(const matching *x, const kind *quote)
{
    for (int64_t t = 0; t < x->statement_kinds; t++)
        if (overlap_of(x->place, quote->seen, x->statements[t].seen) > 0)
            return true;
    return false;
}

static void list_kinds(matching *x)
{
    const mas_recall_place *const p = x->place;
    int64_t quotes = 0;
    for (int64_t i = 0; i < p->g; i++)
        x->statement_kinds = add_to_kinds(p, x->statements, x->statement_kinds, i);
    for (int64_t event = p->g; event < p->event; event++)
        quotes = add_to_kinds(p, x->quotes, quotes, event);
    for (int64_t u = 0; u < quotes; u++)
        if (is_told(x, &x->quotes[u]))
            x->quotes[x->quote_kinds++] = x->quotes[u];
    x->quotes[x->quote_kinds++] = (kind){passage_seen(p, p->event), 1, 1};
}

/* ---- tables ---- */

static bool is_current(const matching *x, const entry *e)
{
    return e->quote == x->quote_kinds - 1;
}

static void list_entries(matching *x)
{
    const double *const f = x->place->log_factorial;
    int64_t matched = 0;
    for (int told = 1; told >= 0; told--) {
        for (int64_t u = 0; u < x->quote_kinds; u++)
            for (int64_t t = 0; t < x->statement_kinds; t++) {
                const int64_t overlap =
                    overlap_of(x->place, x->quotes[u].seen, x->statements[t].seen);
                if ((overlap > 0) == (told > 0))
                    x->entries[x->count++] = (entry){u, t, overlap, 0, false};
            }
        if (told)
            x->told = x->count;
    }
    for (int64_t u = 0; u < x->quote_kinds; u++) {
        int64_t i = x->count - 1;
        while (x->entries[i].quote != u)
            i--;
        x->entries[i].last = true;
        matched += x->quotes[u].count;
    }
    x->log_all = f[x->place->g] - f[x->place->g - matched];
}

/* Every value that this entry can take, and what follows after each. */
static double try_values(matching *x, int64_t i, double (*follow)(matching *x, int64_t i))
{
    entry *e = &x->entries[i];
    kind *quote = &x->quotes[e->quote], *statement = &x->statements[e->statement];
    const int64_t most = quote->left < statement->left ? quote->left : statement->left;
    double sum = 0;
    for (int64_t value = e->last ? quote->left : 0; value <= most; value++) {
        if (++x->steps > STEPS_MAX)
            break;
        e->value = value;
        quote->left -= value;
        statement->left -= value;
        sum += follow(x, i + 1);
        quote->left += value;
        statement->left += value;
    }
    return sum;
}

/* Share of all matchings that have this table. */
static double share(const matching *x)
{
    const double *const f = x->place->log_factorial;
    double sum = -x->log_all;
    for (int64_t u = 0; u < x->quote_kinds; u++)
        sum += f[x->quotes[u].count];
    for (int64_t t = 0; t < x->statement_kinds; t++)
        sum += f[x->statements[t].count] - f[x->statements[t].left];
    for (int64_t i = 0; i < x->count; i++)
        sum -= f[x->entries[i].value];
    return exp(sum);
}

static double try_untold(matching *x, int64_t i)
{
    if (i < x->count)
        return try_values(x, i, try_untold);
    const double p = share(x);
    x->steps += x->count;
    x->whole += p;
    for (int64_t e = 0; e < x->count; e++)
        if (is_current(x, &x->entries[e]) && x->entries[e].value > 0)
            x->of_kind[x->entries[e].statement] += p;
    return 0;
}

/* ---- the token ---- */

/* Of a passage token that is not in sight: uniform over the alphabet without the different ones that are. */
static double unseen_nats(const matching *x)
{
    int64_t different = x->place->in_sight;
    for (int64_t i = 0; i < x->told; i++)
        different -= x->entries[i].value * x->entries[i].overlap;
    return log((double)(x->place->s->alphabet - different));
}

/* Nats, times the share of the matchings that agree with the told entries. */
static double token_nats(const matching *x)
{
    const int64_t offset = x->place->j - 1;
    const double unseen = unseen_nats(x);
    for (int64_t i = 0; i < x->told; i++) {
        const entry *e = &x->entries[i];
        if (is_current(x, e) && e->value > 0) /* recognised */
            return x->statements[e->statement].seen[offset] ? 0 : x->whole * unseen;
    }
    double nats = 0, hidden = 0;
    for (int64_t t = 0; t < x->statement_kinds; t++) {
        const double p = x->of_kind[t];
        if (!x->statements[t].seen[offset])
            hidden += p;
        else if (p > 0)
            nats += p * log(x->whole * (double)x->open[t] / p);
    }
    return hidden > 0 ? nats + hidden * (log(x->whole / hidden) + unseen) : nats;
}

static double try_told(matching *x, int64_t i)
{
    if (i < x->told)
        return try_values(x, i, try_told);
    x->whole = 0;
    for (int64_t t = 0; t < x->statement_kinds; t++) {
        x->of_kind[t] = 0;
        x->open[t] = x->statements[t].left;
    }
    (void)try_untold(x, i);
    return x->whole > 0 ? token_nats(x) : 0;
}

mas_status mas_recall_quote_nats(const mas_recall_place *place, double *nats, mas_error *err)
{
    const size_t statements = (size_t)place->g, quotes = (size_t)(place->event - place->g) + 1;
    matching x = {.place = place};
    mas_status status = MAS_OK;
    x.statements = calloc(statements, sizeof *x.statements);
    x.quotes = calloc(quotes, sizeof *x.quotes);
    x.of_kind = calloc(statements, sizeof *x.of_kind);
    x.open = calloc(statements, sizeof *x.open);
    if (x.statements && x.quotes && x.of_kind && x.open) {
        list_kinds(&x);
        x.entries = calloc((size_t)(x.statement_kinds * x.quote_kinds), sizeof *x.entries);
    }
    if (x.entries) {
        list_entries(&x);
        *nats = try_told(&x, 0);
        if (x.steps > STEPS_MAX)
            status = mas_fail(
                err, MAS_E_UNSUPPORTED,
                "the entropy is not known: what is in sight leaves too many ways of matching "
                "%lld quotations with %lld passages; fewer passages have one",
                (long long)quotes, (long long)place->g);
    } else {
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the entropy of %lld passages",
                          (long long)place->g);
    }
    free(x.entries);
    free(x.open);
    free(x.of_kind);
    free(x.quotes);
    free(x.statements);
    return status;
}
