/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of attention as every tensor-core kernel holds them: the heads they come from, their scores, running
 * maximum and sum, and their way back to memory.
 *
 * Scores and outputs of a warp's 16 rows are [columns / 8][4], the result of mma.m16n8k16 and of a warp's
 * part of a warpgroup's product: element e of block i lies in row lane / 4 + 8 * (e / 2), column
 * 8 * i + lane % 4 * 2 + e % 2. So a lane has two rows, h = 0 and 1, and four lanes share them. */
#ifndef MAS_CUDA_ATTENTION_SOFTMAX_H
#define MAS_CUDA_ATTENTION_SOFTMAX_H

#include "kernels/cuda/attention_walk.h"
#include "kernels/cuda/element.h"

#include <math.h>

#define LOG2E 1.44269504088896340736f
#define LN2 0.693147180559945309417f

/* tanh, its relative error at most 5e-7: x P(x^2) / Q(x^2) of least relative error up to 8.5, beyond which it is 1 to
 * the last bit. 16 instructions; a series near 0 and an exponential and an exact division beyond took 35, with a call. */
static __device__ __forceinline__ float tanh_of(float x)
{
    x = simt_clamp(x, 8.5f);
    const float y = x * x;
    float p = fmaf(1.42685037e-8f, y, 2.12506311e-5f), q = fmaf(8.14485986e-7f, y, 3.34882789e-4f);
    p = fmaf(p, y, 3.53400619e-3f), q = fmaf(q, y, 2.60226782e-2f);
    p = fmaf(p, y, 1.34132311e-1f), q = fmaf(q, y, 4.67465550e-1f);
    p = fmaf(p, y, 1.0f), q = fmaf(q, y, 1.0f);
    return x * p * simt_reciprocal(q);
}

/* One head of a [B, T, H, D] tensor. */
typedef struct head_rows {
    const uint16_t *data;
    ptrdiff_t stride;   /* of rows, in elements */
    int32_t rows, size; /* of the tensor, of a row */
} head_rows;

static __device__ __forceinline__ head_rows head_of(const mas_view *v, int batch, int head,
                                                    int32_t rows, int32_t size)
{
    head_rows h;
    h.data = (const uint16_t *)v->data + batch * v->batch + head * v->head;
    h.stride = v->row;
    h.rows = rows;
    h.size = size;
    return h;
}

/* Eight neighbouring elements of shared memory: those that are not finite become 0. Were there any? */
template <mas_dtype TYPE> static __device__ __forceinline__ bool zero_nonfinite(uint32_t *pairs)
{
    constexpr uint32_t low = element<TYPE>::exponent, high = low << 16;
    bool found = false;
#pragma unroll
    for (int e = 0; e < 4; e++) {
        const uint32_t x = pairs[e];
        if ((x & low) == low || (x & high) == high) {
            pairs[e] = 0;
            found = true;
        }
    }
    return found;
}

/* ---- scores ---- */

/* What takes a score, capped or not yet scaled, to units of log 2. */
static __device__ __forceinline__ float score_to_log2(const mas_cuda_attention *p)
{
    return p->softcap > 0 ? LOG2E : p->scale * LOG2E;
}

static __device__ __forceinline__ void clear(float (*acc)[4], int count)
{
#pragma unroll
    for (int i = 0; i < count; i++)
        acc[i][0] = acc[i][1] = acc[i][2] = acc[i][3] = 0.0f;
}

template <int N>
static __device__ __forceinline__ void cap_scores(float (*s)[4], const mas_cuda_attention *p)
{
#pragma unroll
    for (int i = 0; i < N / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            s[i][e] = p->softcap * tanh_of(s[i][e] * p->cap_scale);
}

/* How many of a lane's columns lie before a key. */
static __device__ __forceinline__ int columns_before(int key)
{
    const int x = key - (int)(threadIdx.x & 3) * 2, more = x & 7;
    return (x >> 3) * 2 + (more < 2 ? more : 2);
}

/* Which of them are keys lo .. hi - 1, a bit each: bit 2 * i + e % 2 for element e of block i. */
static __device__ __forceinline__ uint32_t columns_among(mas_row_span keys)
{
    return (uint32_t)(((uint64_t)1 << columns_before(keys.hi)) -
                      ((uint64_t)1 << columns_before(keys.lo)));
}

/* Those that rows `row` and `row + 8` of a tile see. */
static __device__ __forceinline__ void columns_seen(const mas_cuda_schedule *s, int32_t pattern,
                                                    int row, uint32_t seen[2])
{
#pragma unroll
    for (int h = 0; h < 2; h++)
        seen[h] = columns_among(row_span(s, pattern, row + 8 * h));
}

/* Elements of columns other than seen[h] in row h become `value`. Bits, not comparisons: half the instructions. */
template <int N>
static __device__ __forceinline__ void hide(float (*s)[4], const uint32_t seen[2], float value)
{
#pragma unroll
    for (int i = 0; i < N / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            if (!(seen[e / 2] >> (2 * i + e % 2) & 1))
                s[i][e] = value;
}

/* sums[h], which row_sum adds up in the end, becomes NaN where row h sees, or is seen by, a column with marks[column] ==
 * stamp: one of this lane's, as `seen` has them. */
template <int N>
static __device__ __forceinline__ void poison(float sums[2], const uint32_t seen[2],
                                              const int *marks, int stamp)
{
    marks += (threadIdx.x & 3) * 2;
#pragma unroll 1
    for (int i = 0; i < N / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            if (marks[i * 8 + e % 2] == stamp && (seen[e / 2] >> (2 * i + e % 2) & 1))
                sums[e / 2] = NAN;
}

/* ---- running softmax ---- */

typedef struct softmax_rows {
    float most[2]; /* largest score so far */
    float sum[2];  /* of exponentials, over this lane's columns alone */
} softmax_rows;

static __device__ __forceinline__ softmax_rows softmax_begin(void)
{
    softmax_rows r;
    r.most[0] = r.most[1] = -INFINITY;
    r.sum[0] = r.sum[1] = 0.0f;
    return r;
}

/* The sum over the four lanes that share a row. */
static __device__ __forceinline__ float row_sum(float x)
{
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    x += __shfl_xor_sync(0xffffffffu, x, 2);
    return x;
}

/* Scores to weights, exp2(to_log2 * (score - maximum)); `shrink` is what earlier weights are to be multiplied
 * by. */
template <int N>
static __device__ __forceinline__ void softmax_step(float (*s)[4], softmax_rows *rows,
                                                    float to_log2, float shrink[2])
{
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float most = rows->most[h];
#pragma unroll
        for (int i = 0; i < N / 8; i++)
            most = fmaxf(most, fmaxf(s[i][2 * h], s[i][2 * h + 1]));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
        /* a row with nothing visible so far: subtract 0, not -inf */
        const float base = most == -INFINITY ? 0.0f : most * to_log2;
        /* From the difference of the maxima, so that it is exactly 1 when they are equal: the
         * product's own rounding, left over by a fused most * to_log2 - base, would add up over
         * the visits (seen on an H100 as a wrong lse). */
        shrink[h] = simt_exp2((rows->most[h] - (most == -INFINITY ? 0.0f : most)) * to_log2);
        rows->most[h] = most;
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < N / 8; i++)
#pragma unroll
            for (int e = 2 * h; e < 2 * h + 2; e++) {
                s[i][e] = simt_exp2(fmaf(s[i][e], to_log2, -base));
                sum += s[i][e];
            }
        rows->sum[h] = rows->sum[h] * shrink[h] + sum;
    }
}

template <int D>
static __device__ __forceinline__ void rescale(float (*o)[4], const float shrink[2])
{
#pragma unroll
    for (int i = 0; i < D / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            o[i][e] *= shrink[e / 2];
}

/* ---- backward ---- */

/* The weight of a key, from the product of q and k and the row's lse. The large numbers, score and lse, are
 * subtracted before anything else rounds them. */
static __device__ __forceinline__ float plain_weight(const mas_cuda_attention *p, float product,
                                                     float lse)
{
    return simt_exp2(fmaf(product, p->scale, -lse) * LOG2E);
}

/* The same with a softcap; `slope`: of the capped score by the score. */
static __device__ __forceinline__ float capped_weight(const mas_cuda_attention *p, float product,
                                                      float lse, float *slope)
{
    const float t = tanh_of(product * p->cap_scale);
    *slope = 1.0f - t * t;
    return simt_exp2((p->softcap * t - lse) * LOG2E);
}

/* Where columns are queries that see spans[column]: those that see `key`, and key + 8, as columns_among. */
template <int N>
static __device__ __forceinline__ void columns_seeing(const mas_row_span *spans, int key,
                                                      uint32_t seen[2])
{
    spans += (threadIdx.x & 3) * 2;
    seen[0] = seen[1] = 0;
#pragma unroll
    for (int i = 0; i < N / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            const mas_row_span keys = spans[i * 8 + e % 2];
            const int own = key + e / 2 * 8;
            if (own >= keys.lo && own < keys.hi)
                seen[e / 2] |= 1u << (2 * i + e % 2);
        }
}

/* Are heads padded to 64? Otherwise to 128 or more. */
static inline bool is_small(const mas_attn_problem *p)
{
    return p->d_qk <= 64 && p->d_v <= 64;
}

/* ---- results ---- */

/* A 16 x D result times `factor[0]` and `factor[1]` (of its two rows a lane), two neighbours a number. */
template <mas_dtype TYPE, int D>
static __device__ __forceinline__ void pack_pairs(const float (*acc)[4], const float factor[2],
                                                  uint32_t (*pairs)[2])
{
#pragma unroll
    for (int i = 0; i < D / 8; i++)
#pragma unroll
        for (int h = 0; h < 2; h++)
            pairs[i][h] =
                element<TYPE>::pack(acc[i][2 * h] * factor[h], acc[i][2 * h + 1] * factor[h]);
}

/* Stored as rows `row` and `row + 8` of a head, cut at the tensor's rows and size. */
template <int D>
static __device__ __forceinline__ void store_pairs(const uint32_t (*pairs)[2], const head_rows *to,
                                                   int row)
{
    const int column = (int)(threadIdx.x & 3) * 2;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        if (row + 8 * h >= to->rows)
            continue;
        uint16_t *at = (uint16_t *)to->data + (ptrdiff_t)(row + 8 * h) * to->stride;
        const bool in_pairs = (uintptr_t)at % 4 == 0;
#pragma unroll
        for (int i = 0; i < D / 8; i++) {
            const int c = i * 8 + column;
            if (in_pairs && c + 1 < to->size) {
                *(uint32_t *)(at + c) = pairs[i][h];
            } else {
                if (c < to->size)
                    at[c] = (uint16_t)pairs[i][h];
                if (c + 1 < to->size)
                    at[c + 1] = (uint16_t)(pairs[i][h] >> 16);
            }
        }
    }
}

/* Both: a result times `factor` to rows `row` and `row + 8`. */
template <mas_dtype TYPE, int D>
static __device__ __forceinline__ void store_rows(const float (*acc)[4], const float factor[2],
                                                  const head_rows *to, int row)
{
    uint32_t pairs[D / 8][2];
    pack_pairs<TYPE, D>(acc, factor, pairs);
    store_pairs<D>(pairs, to, row);
}

/* What a row's weighted values are to be multiplied by, after a largest score of `most` in units of log 2 and a
 * sum of weights; a sink logit joins them. `lse`: of the row. */
static __device__ __forceinline__ float softmax_finish(const mas_cuda_attention *p, int head,
                                                       float most, float sum, float *lse)
{
    float weight = 1.0f;
    if (p->sinks) { /* one more logit in the denominator */
        const float sink = p->sinks[head] * LOG2E, top = fmaxf(most, sink);
        if (top != -INFINITY) {
            weight = simt_exp2(most - top);
            sum = sum * weight + simt_exp2(sink - top);
            most = top;
        }
    }
    *lse = sum == 0.0f ? -INFINITY : most * LN2 + logf(sum);
    return sum == 0.0f ? 0.0f : weight / sum;
}

/* The lse of rows `row` and `row + 8` of a head is stored, sink logits added; `factor`: what their weighted values are to
 * be multiplied by. */
static __device__ __forceinline__ void softmax_close(const mas_cuda_attention *p,
                                                     const softmax_rows *rows, float to_log2,
                                                     int batch, int head, int row, float factor[2])
{
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float lse;
        factor[h] = softmax_finish(p, head, rows->most[h] * to_log2, row_sum(rows->sum[h]), &lse);
        const int r = row + h * 8;
        if (p->lse && threadIdx.x % 4 == 0 && r < p->q_len)
            p->lse[((size_t)batch * p->q_heads + head) * p->q_len + r] = lse;
    }
}

#endif
