/* SPDX-License-Identifier: Apache-2.0 */
/* Where a query tile is on its way through the key tiles of its schedule. Several query tiles on their way together
 * visit each key tile one after the other, so that its keys and values are near when the next one comes. */
#ifndef MASBENCH_X86_ATTENTION_CURSOR_H
#define MASBENCH_X86_ATTENTION_CURSOR_H

#include "kernels/x86/attention_common.h"

typedef struct visit_cursor {
    size_t span, end;
    int64_t n; /* in the span */
} visit_cursor;

static inline visit_cursor cursor_of(const mas_schedule *s, int64_t q_tile)
{
    return (visit_cursor){s->q_start[q_tile], s->q_start[q_tile + 1], 0};
}

/* The next key tile to visit; INT64_MAX: none is left. */
static inline int64_t next_key_tile(const visit_cursor *c, const mas_schedule *s)
{
    return c->span < c->end ? s->q_spans[c->span].first + c->n : INT64_MAX;
}

/* The first of what `count` query tiles visit next. */
static inline int64_t next_of_all(const visit_cursor *c, int64_t count, const mas_schedule *s)
{
    int64_t next = INT64_MAX;
    for (int64_t i = 0; i < count; i++)
        next = least(next, next_key_tile(&c[i], s));
    return next;
}

static inline void cursor_advance(visit_cursor *c, const mas_schedule *s)
{
    if (++c->n == s->q_spans[c->span].count) {
        c->span++;
        c->n = 0;
    }
}

#endif
