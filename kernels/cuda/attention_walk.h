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

/* Leave out the next `visits` tiles. */
static __device__ __forceinline__ void walk_skip(walk *w, int32_t visits)
{
    while (w->span != w->end && visits >= w->spans[w->span].count - w->next) {
        visits -= w->spans[w->span].count - w->next;
        w->span++;
        w->next = 0;
    }
    w->next += visits;
}

/* Which keys of a tile some row sees, a bit each; NULL: all of them, in a whole tile. */
static __device__ __forceinline__ const uint64_t *walk_seen(const mas_cuda_schedule *s,
                                                            int32_t pattern)
{
    return pattern < 0 ? NULL : s->seen + (size_t)pattern * s->seen_words;
}

/* Is part (queries, keys) of a tile to be visited at all; are all its pairs visible? KEYS: parts of keys a tile. */
template <int KEYS>
static __device__ __forceinline__ bool part_some(const mas_cuda_schedule *s, int32_t pattern,
                                                 int queries, int keys)
{
    return pattern < 0 || s->parts[pattern].some >> (queries * KEYS + keys) & 1;
}
template <int KEYS>
static __device__ __forceinline__ bool part_all(const mas_cuda_schedule *s, int32_t pattern,
                                                int queries, int keys)
{
    return pattern < 0 || s->parts[pattern].all >> (queries * KEYS + keys) & 1;
}

/* The same of all parts of some queries together. */
template <int KEYS>
static __device__ __forceinline__ bool strip_some(const mas_cuda_schedule *s, int32_t pattern,
                                                  int queries)
{
    return pattern < 0 || s->parts[pattern].some >> (queries * KEYS) & ((1u << KEYS) - 1);
}
template <int KEYS>
static __device__ __forceinline__ bool strip_all(const mas_cuda_schedule *s, int32_t pattern,
                                                 int queries)
{
    return pattern < 0 || !(~s->parts[pattern].all >> (queries * KEYS) & ((1u << KEYS) - 1));
}

/* Keys lo .. hi-1 of the key tile that row r of the query tile sees. One load, not two. */
static __device__ __forceinline__ mas_row_span row_span(const mas_cuda_schedule *s, int32_t pattern,
                                                        int32_t r)
{
    const uint32_t both =
        ((const uint32_t *)s->patterns)[(size_t)pattern * (size_t)s->q_tile + (size_t)r];
    mas_row_span keys;
    keys.lo = (uint16_t)both;
    keys.hi = (uint16_t)(both >> 16);
    return keys;
}

/* The same of `count` of the tile's keys, those from `first` on. */
static __device__ __forceinline__ mas_row_span span_part(mas_row_span keys, int first, int count)
{
    const int lo = keys.lo - first, hi = keys.hi - first;
    mas_row_span part;
    part.lo = (uint16_t)(lo < 0 ? 0 : lo < count ? lo : count);
    part.hi = (uint16_t)(hi < 0 ? 0 : hi < count ? hi : count);
    return part;
}

#endif
