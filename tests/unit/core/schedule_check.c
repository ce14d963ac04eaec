/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core/schedule_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct visit {
    int32_t q, k, pattern;
} visit;

typedef struct check {
    const mas_schedule *s;
    const bool *sees; /* [q_len][kv_len] */
    char where[192];
} check;

static int compare_visits(const void *a, const void *b)
{
    const visit *x = a, *y = b;
    if (x->q != y->q)
        return x->q < y->q ? -1 : 1;
    if (x->k != y->k)
        return x->k < y->k ? -1 : 1;
    return (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

/* All visits of one direction, sorted. */
static visit *list_visits(const check *c, const size_t *start, const mas_span *spans, int32_t rows,
                          int32_t columns, bool transposed)
{
    visit *list = malloc(((size_t)c->s->tiles + 1) * sizeof *list);
    int64_t n = 0;
    cr_assert_not_null(list);
    cr_assert_eq(start[0], 0);
    for (int32_t t = 0; t < rows; t++) {
        cr_assert_leq(start[t], start[t + 1], "%s", c->where);
        for (size_t i = start[t]; i < start[t + 1]; i++) {
            const mas_span span = spans[i];
            cr_assert(span.count >= 1 && span.first >= 0 && span.first <= columns - span.count,
                      "%s: span %d + %d of tile %d leaves the %d tiles", c->where, span.first,
                      span.count, t, columns);
            cr_assert(span.pattern == MAS_SPAN_WHOLE ||
                          (span.pattern >= 0 && span.pattern < c->s->pattern_count),
                      "%s: pattern %d", c->where, span.pattern);
            cr_assert(i == start[t] || spans[i - 1].first <= span.first, "%s: not ascending",
                      c->where);
            for (int32_t u = span.first; u < span.first + span.count; u++) {
                cr_assert_lt(n, c->s->tiles, "%s: more visits than tiles", c->where);
                list[n++] = transposed ? (visit){u, t, span.pattern} : (visit){t, u, span.pattern};
            }
        }
    }
    cr_assert_eq(n, c->s->tiles, "%s: %ld visits, tiles %ld", c->where, (long)n, (long)c->s->tiles);
    qsort(list, (size_t)n, sizeof *list, compare_visits);
    return list;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Mark what a visit shows; every promise about a single tile is asserted here. */
static void expand_visit(const check *c, const visit *v, unsigned char *shown)
{
    const mas_schedule *s = c->s;
    const int64_t q0 = (int64_t)v->q * s->q_tile, k0 = (int64_t)v->k * s->k_tile;
    const int64_t rows = least(s->q_tile, s->q_len - q0), keys = least(s->k_tile, s->kv_len - k0);
    bool any = false, all = keys == s->k_tile;
    if (v->pattern == MAS_SPAN_WHOLE)
        cr_assert_eq(keys, s->k_tile, "%s: whole tile (%d, %d) passes the last key", c->where, v->q,
                     v->k);
    for (int64_t r = 0; r < s->q_tile; r++) {
        mas_row_span span = {0, (uint16_t)s->k_tile};
        if (v->pattern != MAS_SPAN_WHOLE)
            span = mas_schedule_pattern(s, v->pattern)[r];
        if (r >= rows) {
            cr_assert(v->pattern == MAS_SPAN_WHOLE || span.lo == span.hi,
                      "%s: row past the last query sees keys", c->where);
            continue;
        }
        cr_assert(span.lo <= span.hi && span.hi <= keys, "%s: row span %d..%d of %ld keys",
                  c->where, span.lo, span.hi, (long)keys);
        any |= span.lo < span.hi;
        all &= span.lo == 0 && span.hi == s->k_tile;
        for (int64_t k = span.lo; k < span.hi; k++)
            shown[(q0 + r) * s->kv_len + k0 + k]++;
    }
    cr_assert(any, "%s: tile (%d, %d) visited for nothing", c->where, v->q, v->k);
    cr_assert_eq(all, v->pattern == MAS_SPAN_WHOLE, "%s: tile (%d, %d) is%s whole", c->where, v->q,
                 v->k, all ? "" : " not");
}

/* A tile must be visited once for each separate run that one of its rows has in it. */
static int64_t visits_needed(const check *c, int64_t q0, int64_t k0)
{
    const mas_schedule *s = c->s;
    int64_t most = 0;
    for (int64_t q = q0; q < least(q0 + s->q_tile, s->q_len); q++) {
        int64_t here = 0;
        bool last = false;
        for (int64_t k = k0; k < least(k0 + s->k_tile, s->kv_len); k++) {
            const bool now = c->sees[q * s->kv_len + k];
            here += now && !last;
            last = now;
        }
        most = here > most ? here : most;
    }
    return most;
}

static void check_totals(const check *c)
{
    const mas_schedule *s = c->s;
    int64_t pairs = 0, empty = 0, tiles = 0, executed = 0;
    for (int64_t q = 0; q < s->q_len; q++) {
        int64_t row = 0;
        for (int64_t k = 0; k < s->kv_len; k++)
            row += c->sees[q * s->kv_len + k];
        pairs += row;
        empty += row == 0;
    }
    for (int64_t q0 = 0; q0 < s->q_len; q0 += s->q_tile)
        for (int64_t k0 = 0; k0 < s->kv_len; k0 += s->k_tile) {
            const int64_t visits = visits_needed(c, q0, k0);
            tiles += visits;
            executed += visits * least(s->q_tile, s->q_len - q0) * least(s->k_tile, s->kv_len - k0);
        }
    cr_assert_eq(s->pairs, pairs, "%s: pairs %ld, not %ld", c->where, (long)s->pairs, (long)pairs);
    cr_assert_eq(s->empty_rows, empty, "%s: empty rows", c->where);
    cr_assert_eq(s->tiles, tiles, "%s: tiles %ld, not %ld", c->where, (long)s->tiles, (long)tiles);
    cr_assert_eq(s->executed_pairs, executed, "%s: executed pairs %ld, not %ld", c->where,
                 (long)s->executed_pairs, (long)executed);
}

void check_schedule(const char *what, const mas_mask *mask, int64_t q_len, int64_t kv_len,
                    mas_alignment alignment, int32_t q_tile, int32_t k_tile)
{
    const size_t cells = (size_t)(q_len * kv_len);
    bool *sees = malloc(cells * sizeof *sees);
    unsigned char *shown = calloc(cells, 1);
    mas_schedule *s = NULL;
    mas_error err;
    check c = {.sees = sees};
    snprintf(c.where, sizeof c.where, "%s, %ld queries, %ld keys, %s, tiles %d x %d", what,
             (long)q_len, (long)kv_len, mas_alignment_name(alignment), q_tile, k_tile);
    cr_assert(sees && shown);
    for (int64_t q = 0; q < q_len; q++)
        for (int64_t k = 0; k < kv_len; k++)
            sees[q * kv_len + k] =
                mask->sees(mask, alignment == MAS_ALIGN_TOP_LEFT ? q : kv_len - q_len + q, k);
    const mas_status status =
        mas_schedule_build(mask, q_len, kv_len, alignment, q_tile, k_tile, &s, &err);
    cr_assert_eq(status, MAS_OK, "%s: %s", c.where, err.text);
    c.s = s;
    cr_assert(s->q_len == q_len && s->kv_len == kv_len && s->q_tile == q_tile &&
              s->k_tile == k_tile);
    cr_assert_eq(s->q_tiles, (q_len + q_tile - 1) / q_tile);
    cr_assert_eq(s->k_tiles, (kv_len + k_tile - 1) / k_tile);

    mas_schedule counts;
    cr_assert_eq(mas_schedule_count(mask, q_len, kv_len, alignment, q_tile, k_tile, &counts, &err),
                 MAS_OK);
    cr_assert(counts.tiles == s->tiles && counts.pairs == s->pairs &&
                  counts.executed_pairs == s->executed_pairs && counts.empty_rows == s->empty_rows,
              "%s: counted otherwise than built", c.where);

    visit *visits = list_visits(&c, s->q_start, s->q_spans, s->q_tiles, s->k_tiles, false);
    visit *turned = list_visits(&c, s->k_start, s->k_spans, s->k_tiles, s->q_tiles, true);
    cr_assert_eq(memcmp(visits, turned, (size_t)s->tiles * sizeof *visits), 0,
                 "%s: the transposed schedule visits other tiles", c.where);
    for (int64_t i = 0; i < s->tiles; i++)
        expand_visit(&c, &visits[i], shown);
    for (size_t i = 0; i < cells; i++)
        cr_assert_eq(shown[i], sees[i], "%s: query %zu, key %zu is shown %d times, not %d", c.where,
                     i / (size_t)kv_len, i % (size_t)kv_len, shown[i], sees[i]);
    check_totals(&c);
    for (int32_t a = 0; a < s->pattern_count; a++)
        for (int32_t b = a + 1; b < s->pattern_count; b++)
            cr_assert_neq(memcmp(mas_schedule_pattern(s, a), mas_schedule_pattern(s, b),
                                 (size_t)q_tile * sizeof(mas_row_span)),
                          0, "%s: patterns %d and %d are equal", c.where, a, b);
    int64_t empty = -1;
    cr_assert_eq(mas_mask_pairs(mask, q_len, kv_len, alignment, &empty), s->pairs, "%s", c.where);
    cr_assert_eq(empty, s->empty_rows, "%s", c.where);
    free(visits);
    free(turned);
    mas_schedule_free(s);
    free(sees);
    free(shown);
}
