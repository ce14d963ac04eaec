/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the tiles that a schedule lists, the same for every CUDA kernel. */
#ifndef MAS_CUDA_ATTENTION_WALK_H
#define MAS_CUDA_ATTENTION_WALK_H

#include "kernels/cuda/cuda.h"

/* One tile to visit; tile < 0: there is none. */
typedef struct visit {
    int32_t tile, pattern;
} visit;

/* Where a walk stands: tile `next` of spans[span]; those before `end` are to be walked. */
typedef struct walk {
    const mas_span *spans;
    int32_t span, end, next;
} walk;

static __device__ __forceinline__ walk walk_begin(const int32_t *start, const mas_span *spans,
                                                  int32_t tile)
{
    walk w;
    w.spans = spans;
    w.span = start[tile];
    w.end = start[tile + 1];
    w.next = 0;
    return w;
}

static __device__ __forceinline__ visit walk_next(walk *w)
{
    visit v;
    v.tile = v.pattern = -1;
    if (w->span == w->end)
        return v;
    const mas_span *s = w->spans + w->span;
    v.tile = s->first + w->next;
    v.pattern = s->pattern;
    if (++w->next == s->count) {
        w->span++;
        w->next = 0;
    }
    return v;
}

/* Keys lo .. hi-1 of the key tile that row r of the query tile sees. */
static __device__ __forceinline__ mas_row_span row_span(const mas_cuda_schedule *s, int32_t pattern,
                                                        int32_t r)
{
    return s->patterns[(size_t)pattern * (size_t)s->q_tile + (size_t)r];
}

#endif
