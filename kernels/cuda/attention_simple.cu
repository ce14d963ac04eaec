/* SPDX-License-Identifier: Apache-2.0 */
/* The simple attention kernels: every dtype, any scale, head sizes up to 256, fp32 arithmetic without
 * tensor cores. They serve f32 and what the tensor-core kernels refuse.
 *
 * A block takes a tile of 16 rows, four a warp, of queries (forward, dQ) or of keys (dK and dV),
 * and walks over tiles of 32 of the other side. Scores: a lane has one of the 32 and the warp's four
 * rows. Sums over the 32: a lane has every 32nd column. Between the two, weights go through shared
 * memory. An element that the mask hides is skipped, so it may hold anything. */
#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/attention_walk.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { ROWS = 4, WARPS = 4, THREADS = 32 * WARPS, Q_TILE = ROWS * WARPS, K_TILE = 32 };
enum { KEYS = ROWS * WARPS };             /* of a block of keys_simple */
enum { COLUMNS = MAS_HEAD_DIM_MAX / 32 }; /* of a lane, at most */

/* `count` rows of a head from `first` on as floats, [count][pitch]; rows past the tensor become 0. */
static __device__ void load_rows(mas_dtype type, float *to, int pitch, const mas_view *v, int batch,
                                 int head, int first, int count, int rows, int size)
{
    for (int i = (int)threadIdx.x; i < count * size; i += THREADS) {
        const int r = i / size, c = i % size;
        to[r * pitch + c] =
            first + r < rows
                ? typed_load(type, v->data,
                             batch * v->batch + (first + r) * v->row + head * v->head + c)
                : 0.0f;
    }
}

/* out[r] = <row r of the warp's rows, a row of the other tile>. */
static __device__ __forceinline__ void dots(float *out, const float *mine, int pitch,
                                            const float *other, int size)
{
    for (int r = 0; r < ROWS; r++)
        out[r] = 0.0f;
    for (int c = 0; c < size; c++) {
        const float x = other[c];
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            out[r] = fmaf(mine[r * pitch + c], x, out[r]);
    }
}

/* acc[r][i] += sum over the `count` of weight[r][j] * other[j][column], visible ones only. */
static __device__ __forceinline__ void add_columns(float (*acc)[COLUMNS], const float *weight,
                                                   const uint32_t *visible, const float *other,
                                                   int count, int pitch, int size)
{
    const int lane = (int)threadIdx.x & 31;
    for (int j = 0; j < count; j++)
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            const int c = i * 32 + lane;
            const float x = c < size ? other[j * pitch + c] : 0.0f;
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                if (visible[r] >> j & 1)
                    acc[r][i] = fmaf(weight[r * 32 + j], x, acc[r][i]);
        }
}

/* The score as the softmax sees it, and its slope by the softcap. */
static __device__ __forceinline__ float capped(const mas_cuda_attention *p, float dot, float *slope)
{
    const float x = dot * p->scale;
    *slope = 1.0f;
    if (!(p->softcap > 0))
        return x;
    const float t = tanhf(x / p->softcap);
    *slope = 1.0f - t * t;
    return p->softcap * t;
}

/* ---- forward and decode ---- */

__global__ void __launch_bounds__(THREADS) forward_simple(mas_cuda_attention p, mas_dtype type)
{
    SIMT_DYN_SMEM(float, smem);
    const int pitch_k = p.d_qk + 1, pitch_v = p.d_v_size; /* a lane walks along a row of K */
    float *sq = smem, *sk = sq + Q_TILE * p.d_qk, *sv = sk + K_TILE * pitch_k,
          *weights = sv + K_TILE * pitch_v; /* [Q_TILE][32] */

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = p.s.q_order[blockIdx.x];
    float *mine = sq + warp * ROWS * p.d_qk, *weight = weights + warp * ROWS * 32;
    float acc[ROWS][COLUMNS], m[ROWS], l[ROWS];
    for (int r = 0; r < ROWS; r++) {
        m[r] = -INFINITY;
        l[r] = 0.0f;
        for (int i = 0; i < COLUMNS; i++)
            acc[r][i] = 0.0f;
    }
    load_rows(type, sq, p.d_qk, &p.q, batch, head, tile * Q_TILE, Q_TILE, p.q_len, p.d_qk);

    int visits = 0;
    walk w = walk_begin(p.s.q_start, p.s.q_spans, tile);
    for (visit now = walk_next(&w); now.tile >= 0; now = walk_next(&w), visits++) {
        __syncthreads();
        load_rows(type, sk, pitch_k, &p.k, batch, head / p.group, now.tile * K_TILE, K_TILE,
                  p.kv_len, p.d_qk);
        load_rows(type, sv, pitch_v, &p.v, batch, head / p.group, now.tile * K_TILE, K_TILE,
                  p.kv_len, p.d_v_size);
        __syncthreads();
        float s[ROWS];
        uint32_t visible[ROWS];
        dots(s, mine, p.d_qk, sk + lane * pitch_k, p.d_qk);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            mas_row_span keys = {0, K_TILE};
            if (now.pattern >= 0)
                keys = row_span(&p.s, now.pattern, warp * ROWS + r);
            float slope;
            const bool seen = lane >= keys.lo && lane < keys.hi;
            visible[r] = __ballot_sync(0xffffffffu, seen);
            s[r] = seen ? capped(&p, s[r], &slope) : -INFINITY;
            const float most = fmaxf(m[r], warp_max(s[r]));
            const float base = most == -INFINITY ? 0.0f : most, shrink = expf(m[r] - base);
            s[r] = seen ? expf(s[r] - base) : 0.0f;
            m[r] = most;
            l[r] = l[r] * shrink + s[r];
            weight[r * 32 + lane] = s[r];
#pragma unroll
            for (int i = 0; i < COLUMNS; i++)
                acc[r][i] *= shrink;
        }
        __syncwarp();
        add_columns(acc, weight, visible, sv, K_TILE, pitch_v, p.d_v_size);
    }

#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const int row = tile * Q_TILE + warp * ROWS + r;
        float sum = warp_sum(l[r]), most = m[r], factor = 1.0f;
        if (p.sinks) { /* one more logit in the denominator */
            const float top = fmaxf(most, p.sinks[head]);
            if (top != -INFINITY) {
                factor = expf(most - top);
                sum = sum * factor + expf(p.sinks[head] - top);
                most = top;
            }
        }
        if (row >= p.q_len)
            continue;
        factor = sum == 0.0f ? 0.0f : factor / sum;
        for (int i = 0; i < COLUMNS; i++)
            if (i * 32 + lane < p.d_v_size)
                typed_store(type, p.o.data,
                            batch * p.o.batch + row * p.o.row + head * p.o.head + i * 32 + lane,
                            acc[r][i] * factor);
        if (p.lse && lane == 0)
            p.lse[((size_t)batch * p.q_heads + head) * p.q_len + row] =
                sum == 0.0f ? -INFINITY : most + logf(sum);
    }
    if (threadIdx.x == 0)
        atomicAdd(p.tally, (mas_cuda_tally)visits);
}

/* ---- backward ---- */

/* Weight of a visible score and the gradient that reaches the dot product, before the scale. */
static __device__ __forceinline__ void gradients(const mas_cuda_attention *p, float dot, float dp,
                                                 float lse, float delta, float *weight, float *ds)
{
    float slope;
    const float s = capped(p, dot, &slope);
    *weight = expf(s - lse);
    *ds = *weight * (dp - delta) * slope;
}

__global__ void __launch_bounds__(THREADS)
    queries_simple(mas_cuda_attention p, mas_dtype type, const float *delta)
{
    SIMT_DYN_SMEM(float, smem);
    const int pitch_k = p.d_qk + 1, pitch_v = p.d_v_size + 1;
    float *sq = smem, *sd = sq + Q_TILE * p.d_qk, *sk = sd + Q_TILE * p.d_v_size,
          *sv = sk + K_TILE * pitch_k, *weights = sv + K_TILE * pitch_v;

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = p.s.q_order[blockIdx.x];
    float *weight = weights + warp * ROWS * 32;
    float acc[ROWS][COLUMNS], lse[ROWS], deltas[ROWS];
    for (int r = 0; r < ROWS; r++) {
        const int row = tile * Q_TILE + warp * ROWS + r;
        const size_t at = ((size_t)batch * p.q_heads + head) * p.q_len + row;
        lse[r] = row < p.q_len ? p.lse[at] : 0.0f;
        deltas[r] = row < p.q_len ? delta[at] : 0.0f;
        for (int i = 0; i < COLUMNS; i++)
            acc[r][i] = 0.0f;
    }
    load_rows(type, sq, p.d_qk, &p.q, batch, head, tile * Q_TILE, Q_TILE, p.q_len, p.d_qk);
    load_rows(type, sd, p.d_v_size, &p.d_o, batch, head, tile * Q_TILE, Q_TILE, p.q_len,
              p.d_v_size);

    int visits = 0;
    walk w = walk_begin(p.s.q_start, p.s.q_spans, tile);
    for (visit now = walk_next(&w); now.tile >= 0; now = walk_next(&w), visits++) {
        __syncthreads();
        load_rows(type, sk, pitch_k, &p.k, batch, head / p.group, now.tile * K_TILE, K_TILE,
                  p.kv_len, p.d_qk);
        load_rows(type, sv, pitch_v, &p.v, batch, head / p.group, now.tile * K_TILE, K_TILE,
                  p.kv_len, p.d_v_size);
        __syncthreads();
        float s[ROWS], dp[ROWS];
        uint32_t visible[ROWS];
        dots(s, sq + warp * ROWS * p.d_qk, p.d_qk, sk + lane * pitch_k, p.d_qk);
        dots(dp, sd + warp * ROWS * p.d_v_size, p.d_v_size, sv + lane * pitch_v, p.d_v_size);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            mas_row_span keys = {0, K_TILE};
            if (now.pattern >= 0)
                keys = row_span(&p.s, now.pattern, warp * ROWS + r);
            const bool seen = lane >= keys.lo && lane < keys.hi;
            float unused, ds = 0.0f;
            if (seen)
                gradients(&p, s[r], dp[r], lse[r], deltas[r], &unused, &ds);
            visible[r] = __ballot_sync(0xffffffffu, seen);
            weight[r * 32 + lane] = ds;
        }
        __syncwarp();
        add_columns(acc, weight, visible, sk, K_TILE, pitch_k, p.d_qk);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const int row = tile * Q_TILE + warp * ROWS + r;
        for (int i = 0; i < COLUMNS && row < p.q_len; i++)
            if (i * 32 + lane < p.d_qk)
                typed_store(type, p.d_q.data,
                            batch * p.d_q.batch + row * p.d_q.row + head * p.d_q.head + i * 32 +
                                lane,
                            acc[r][i] * p.scale);
    }
    if (threadIdx.x == 0)
        atomicAdd(p.tally + 1, (mas_cuda_tally)visits);
}

/* Two blocks share a tile of 32 keys, four keys a warp. A tile of queries is half as wide as a warp:
 * lanes past it see nothing. */
__global__ void __launch_bounds__(THREADS)
    keys_simple(mas_cuda_attention p, mas_dtype type, const float *delta)
{
    SIMT_DYN_SMEM(float, smem);
    const int pitch_q = p.d_qk + 1, pitch_d = p.d_v_size + 1;
    float *sk = smem, *sv = sk + KEYS * p.d_qk, *sq = sv + KEYS * p.d_v_size,
          *sd = sq + Q_TILE * pitch_q, *weights = sd + Q_TILE * pitch_d;

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int kv_head = (int)blockIdx.y, batch = (int)blockIdx.z;
    const int tile = p.s.k_order[blockIdx.x / 2], half = (int)blockIdx.x % 2;
    const int first = (half * WARPS + warp) * ROWS; /* of the warp's keys, in the tile */
    const int first_key = tile * K_TILE + half * KEYS;
    float *weight = weights + warp * 2 * ROWS * 32, *gradient = weight + ROWS * 32;
    float dk[ROWS][COLUMNS], dv[ROWS][COLUMNS];
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < COLUMNS; i++)
            dk[r][i] = dv[r][i] = 0.0f;
    load_rows(type, sk, p.d_qk, &p.k, batch, kv_head, first_key, KEYS, p.kv_len, p.d_qk);
    load_rows(type, sv, p.d_v_size, &p.v, batch, kv_head, first_key, KEYS, p.kv_len, p.d_v_size);

    int visits = 0;
    for (int head = kv_head * p.group; head < (kv_head + 1) * p.group; head++) {
        walk w = walk_begin(p.s.k_start, p.s.k_spans, tile);
        for (visit now = walk_next(&w); now.tile >= 0; now = walk_next(&w), visits++) {
            __syncthreads();
            load_rows(type, sq, pitch_q, &p.q, batch, head, now.tile * Q_TILE, Q_TILE, p.q_len,
                      p.d_qk);
            load_rows(type, sd, pitch_d, &p.d_o, batch, head, now.tile * Q_TILE, Q_TILE, p.q_len,
                      p.d_v_size);
            __syncthreads();
            const int row = now.tile * Q_TILE + lane;
            const bool there = lane < Q_TILE && row < p.q_len;
            const size_t at = ((size_t)batch * p.q_heads + head) * p.q_len + row;
            const float lse = there ? p.lse[at] : 0.0f, d = there ? delta[at] : 0.0f;
            mas_row_span keys = {0, (uint16_t)(there ? K_TILE : 0)};
            if (there && now.pattern >= 0)
                keys = row_span(&p.s, now.pattern, lane);
            float s[ROWS], dp[ROWS];
            uint32_t visible[ROWS];
            const int other = lane < Q_TILE ? lane : 0;
            dots(s, sk + warp * ROWS * p.d_qk, p.d_qk, sq + other * pitch_q, p.d_qk);
            dots(dp, sv + warp * ROWS * p.d_v_size, p.d_v_size, sd + other * pitch_d, p.d_v_size);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const bool seen = first + r >= keys.lo && first + r < keys.hi;
                float x = 0.0f, ds = 0.0f;
                if (seen)
                    gradients(&p, s[r], dp[r], lse, d, &x, &ds);
                visible[r] = __ballot_sync(0xffffffffu, seen);
                weight[r * 32 + lane] = x;
                gradient[r * 32 + lane] = ds;
            }
            __syncwarp();
            add_columns(dv, weight, visible, sd, Q_TILE, pitch_d, p.d_v_size);
            add_columns(dk, gradient, visible, sq, Q_TILE, pitch_q, p.d_qk);
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const int row = tile * K_TILE + first + r;
        for (int i = 0; i < COLUMNS && row < p.kv_len; i++) {
            const int c = i * 32 + lane;
            if (c < p.d_qk)
                typed_store(type, p.d_k.data,
                            batch * p.d_k.batch + row * p.d_k.row + kv_head * p.d_k.head + c,
                            dk[r][i] * p.scale);
            if (c < p.d_v_size)
                typed_store(type, p.d_v.data,
                            batch * p.d_v.batch + row * p.d_v.row + kv_head * p.d_v.head + c,
                            dv[r][i]);
        }
    }
    if (threadIdx.x == 0 && half == 0)
        atomicAdd(p.tally, (mas_cuda_tally)visits);
}

/* ---- host ---- */

/* Bytes of shared memory, of a block of each kernel. */
static constexpr size_t forward_bytes(int32_t d_qk, int32_t d_v)
{
    return sizeof(float) * (size_t)(Q_TILE * d_qk + K_TILE * (d_qk + 1 + d_v) + Q_TILE * 32);
}
static constexpr size_t queries_bytes(int32_t d_qk, int32_t d_v)
{
    return sizeof(float) *
           (size_t)(Q_TILE * (d_qk + d_v) + K_TILE * (d_qk + 1 + d_v + 1) + Q_TILE * 32);
}
static constexpr size_t keys_bytes(int32_t d_qk, int32_t d_v)
{
    return sizeof(float) *
           (size_t)(KEYS * (d_qk + d_v) + Q_TILE * (d_qk + 1 + d_v + 1) + 2 * KEYS * 32);
}

/* The least that a capability from 8.0 on has: 8.6, 8.9, 12.0. */
#define SHARED_LEAST ((size_t)99 << 10)
static_assert(forward_bytes(MAS_HEAD_DIM_MAX, MAS_HEAD_DIM_MAX) <= SHARED_LEAST &&
                  queries_bytes(MAS_HEAD_DIM_MAX, MAS_HEAD_DIM_MAX) <= SHARED_LEAST &&
                  keys_bytes(MAS_HEAD_DIM_MAX, MAS_HEAD_DIM_MAX) <= SHARED_LEAST,
              "every head size fits every GPU");

static mas_status supports(const mas_attn_problem *p, mas_error *why)
{
    if (p->q_heads > 65535 || p->batch > 65535)
        return mas_fail(why, MAS_E_SHAPE, "at most 65535 heads and batches");
    return MAS_OK;
}

static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = Q_TILE;
    *k_tile = K_TILE;
}

static mas_status run_forward(const mas_attn_plan *plan, const mas_attn_args *args,
                              mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_cuda_attention a = mas_cuda_attention_of(plan, args);
    const cudaError_t code = simt_launch(
        forward_simple,
        dim3((unsigned)plan->schedule->q_tiles, (unsigned)p->q_heads, (unsigned)p->batch),
        dim3(THREADS), forward_bytes(p->d_qk, p->d_v), mas_cuda_stream(), a, p->dtype);
    return mas_cuda_finish(plan, code, counts, err);
}

static mas_status run_backward(const mas_attn_plan *plan, const mas_attn_args *args,
                               mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    const mas_cuda_attention a = mas_cuda_attention_of(plan, args);
    float *delta = (float *)args->workspace;
    cudaError_t code = mas_cuda_attention_delta(plan, &a, delta);
    if (code == cudaSuccess)
        code = simt_launch(
            queries_simple, dim3((unsigned)s->q_tiles, (unsigned)p->q_heads, (unsigned)p->batch),
            dim3(THREADS), queries_bytes(p->d_qk, p->d_v), mas_cuda_stream(), a, p->dtype, delta);
    if (code == cudaSuccess)
        code = simt_launch(
            keys_simple, dim3((unsigned)s->k_tiles * 2, (unsigned)p->kv_heads, (unsigned)p->batch),
            dim3(THREADS), keys_bytes(p->d_qk, p->d_v), mas_cuda_stream(), a, p->dtype, delta);
    return mas_cuda_finish(plan, code, counts, err);
}

extern "C" const mas_attn_kernel mas_cuda_forward_simple = {
    .name = "attn_forward/simple/cuda",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = NULL,
    .run = run_forward,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = false,
    .opaque = false,
};

extern "C" const mas_attn_kernel mas_cuda_decode_simple = {
    .name = "attn_decode/simple/cuda",
    .op = MAS_ATTN_DECODE,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = NULL,
    .run = run_forward,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = false,
    .opaque = false,
};

extern "C" const mas_attn_kernel mas_cuda_backward_simple = {
    .name = "attn_backward/simple/cuda",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = mas_cuda_delta_bytes,
    .run = run_backward,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = true,
    .opaque = false,
};
