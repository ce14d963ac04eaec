/* SPDX-License-Identifier: Apache-2.0 */
/* Attention for few queries on a long key/value cache, on tensor cores, compute capability 8.0 and later
 * ("split-k": Dao et al., Flash-Decoding, 2023) over span schedules.
 *
 * Decoding reads every visible key and value once and multiplies little, so what counts is that reads are
 * many at a time and of nothing twice. A block takes one key head and a piece of what a tile of queries is to
 * visit; the 16 rows of its products are the tile's queries times the heads that share the key head. Its warps
 * share out the keys of each tile (and, of heads of 256, the columns of V), each with a softmax of its own; they
 * meet at the end. A second kernel puts the pieces of a row together, in order.
 *
 * The cut depends on the problem and its schedule alone, so the same inputs give the same bits on any GPU.
 *
 * Not measured on a GPU yet. What to expect is the time to read K and V once. Head sizes 64 and 128 take 32 KiB of
 * tiles a block and registers for four blocks a multiprocessor, each with 16 KiB on the way while it multiplies the
 * other 16; an H100 at 3.35 TB/s and 700 ns needs 18 KiB on the way in each of its 132. With tiles of 64 keys, head
 * size 128 would have registers for two blocks. */
#include "kernels/cuda/attention_sm80.h"
#include "kernels/cuda/typed.h"

#include <algorithm>

enum {
    ROWS = 16,           /* of a block: queries times heads */
    LEAST_KEYS = 256,    /* of a piece */
    ENOUGH_PIECES = 1024 /* of a launch: more than two for each place on a large GPU */
};

/* How a problem is cut into blocks. */
typedef struct decode_cut {
    int32_t heads;  /* that share a block */
    int32_t chunks; /* blocks that share a key head and a piece: ceil(group / heads) */
    int32_t visits; /* of a piece */
    int32_t pieces; /* of the tile of queries with most visits */
} decode_cut;

/* What is known of a row from some of its keys: largest score, sum of weights, sum of weighted values
 * (their number is that of a row of V). Sum 0: no key yet, and no values. */
enum { STATE_MOST, STATE_SUM, STATE_O };

/* What a warp knows of a row after several parts of its keys, in order: lane l has columns l, l + 32, ... */
template <int D> struct merged {
    float most, sum, o[D / 32];
};

template <int D>
static __device__ __forceinline__ merged<D> merge(const float *states, ptrdiff_t step, int parts,
                                                  int columns, float to_log2)
{
    const int lane = (int)threadIdx.x & 31;
    merged<D> r;
    r.most = -INFINITY;
    r.sum = 0.0f;
#pragma unroll
    for (int i = 0; i < D / 32; i++)
        r.o[i] = 0.0f;
    for (int i = lane; i < parts; i += 32)
        r.most = fmaxf(r.most, states[i * step + STATE_MOST]);
    r.most = warp_max(r.most);
#pragma unroll 4
    for (int part = 0; part < parts; part++) {
        const float *from = states + part * step;
        const float sum = from[STATE_SUM];
        if (sum == 0.0f)
            continue;
        const float weight = simt_exp2((from[STATE_MOST] - r.most) * to_log2);
        r.sum = fmaf(weight, sum, r.sum);
#pragma unroll
        for (int i = 0; i < D / 32; i++)
            if (i * 32 + lane < columns)
                r.o[i] = fmaf(weight, from[STATE_O + i * 32 + lane], r.o[i]);
    }
    return r;
}

/* A row's outputs, by a warp. */
template <mas_dtype TYPE, int D>
static __device__ __forceinline__ void row_finish(const mas_cuda_attention *p, const merged<D> *r,
                                                  float to_log2, int batch, int head, int query)
{
    const int lane = (int)threadIdx.x & 31;
    float lse;
    const float factor = softmax_finish(p, head, r->most * to_log2, r->sum, &lse);
    uint16_t *o = (uint16_t *)p->o.data + batch * p->o.batch + query * p->o.row + head * p->o.head;
#pragma unroll
    for (int i = 0; i < D / 32; i++)
        if (i * 32 + lane < p->d_v_size)
            o[i * 32 + lane] = element<TYPE>::round(r->o[i] * factor);
    if (p->lse && lane == 0)
        p->lse[((size_t)batch * p->q_heads + head) * p->q_len + query] = lse;
}

/* What a block has of each. */
template <int D> struct decode_shape {
    static constexpr int BN = D == 64 ? 64 : 32;    /* keys of a tile */
    static constexpr int BLOCKS = D == 256 ? 2 : 4; /* that a multiprocessor has registers for */
    static constexpr int KEY_PARTS = BN / 16;       /* of a tile, a warp each */
    static constexpr int COLUMN_PARTS = WARPS / KEY_PARTS; /* of a row of V */
    static constexpr int COLUMNS = D / COLUMN_PARTS;
    static constexpr int STATE = STATE_O + D;
    /* shared memory in bytes: tiles, in whose place the warps' states meet; queries; marks */
    static constexpr int tiles = 4 * BN * D * (int)sizeof(uint16_t),
                         states = KEY_PARTS * ROWS * STATE * (int)sizeof(float),
                         room = tiles > states ? tiles : states,
                         bytes =
                             room + ROWS * D * (int)sizeof(uint16_t) + (BN + 1) * (int)sizeof(int);
};

template <mas_dtype TYPE, int D>
__global__ void __launch_bounds__(THREADS, decode_shape<D>::BLOCKS)
    decode_sm80(mas_cuda_attention p, decode_cut cut, float *states)
{
    using is = decode_shape<D>;
    constexpr int BN = is::BN, STAGE = 2 * BN * D;
    SIMT_DYN_SMEM(uint16_t, smem);
    uint16_t *tiles = smem, *sq = smem + is::room / (int)sizeof(uint16_t);
    int *bad = (int *)(sq + ROWS * D); /* [BN + 1], see tile_sanitise */

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int piece = (int)blockIdx.x % cut.pieces, tile = (int)blockIdx.x / cut.pieces,
              kv_head = (int)blockIdx.y / cut.chunks, batch = (int)blockIdx.z,
              skipped = (int)blockIdx.y % cut.chunks * cut.heads,
              first_head = kv_head * p.group + skipped,
              heads = cut.heads < p.group - skipped ? cut.heads : p.group - skipped;
    const head_rows k = head_of(&p.k, batch, kv_head, p.kv_len, p.d_qk),
                    v = head_of(&p.v, batch, kv_head, p.kv_len, p.d_v_size);

    /* row r: query r % q_tile of the tile, head r / q_tile of the block */
    for (int i = (int)threadIdx.x; i < ROWS * D; i += THREADS) {
        const int r = i / D, c = i % D, query = tile * p.s.q_tile + r % p.s.q_tile,
                  head = r / p.s.q_tile;
        const bool there = head < heads && query < p.q_len && c < p.d_qk;
        tile_at<D>(sq, r, c / 8)[c % 8] =
            there ? ((const uint16_t *)p.q.data)[batch * p.q.batch + query * p.q.row +
                                                 (first_head + head) * p.q.head + c]
                  : (uint16_t)0;
    }
    for (int i = (int)threadIdx.x; i <= BN; i += THREADS)
        bad[i] = -1;

    auto bring = [&](int stage, visit x) {
        const uint64_t *seen = walk_seen(&p.s, x.pattern);
        tile_load<D, BN>(tiles + stage * STAGE, &k, x.tile * BN, seen);
        tile_load<D, BN>(tiles + stage * STAGE + BN * D, &v, x.tile * BN, seen);
    };
    walk w = walk_begin(p.s.q_start, p.s.q_spans, tile);
    walk_skip(&w, piece * cut.visits);
    visit now = walk_next(&w);
    if (now.tile >= 0)
        bring(0, now);
    cp_async_commit();

    const int part = warp % is::KEY_PARTS, keys_from = part * 16,
              columns_from = warp / is::KEY_PARTS * is::COLUMNS;
    const float to_log2 = score_to_log2(&p);
    float o[is::COLUMNS / 8][4];
    softmax_rows rows = softmax_begin();
    clear(o, is::COLUMNS / 8);

    int visits = 0;
    while (now.tile >= 0) {
        visit next = {-1, -1};
        if (visits + 1 < cut.visits)
            next = walk_next(&w);
        uint16_t *tk = tiles + (visits & 1) * STAGE + keys_from * D, *tv = tk + BN * D;
        cp_async_wait<0>();
        __syncthreads(); /* everyone's part of the tile; everyone is done with the other buffer */
        if (next.tile >= 0)
            bring(~visits & 1, next);
        cp_async_commit();

        float s[2][4] = {};
        product_rows<TYPE, D, 16>(&s, sq, 0, tk);
        if (p.softcap > 0)
            cap_scores<16>(s, &p);
        if (now.pattern >= 0) {
            uint32_t seen[2];
            for (int h = 0; h < 2; h++)
                seen[h] = columns_among(span_part(
                    row_span(&p.s, now.pattern, (lane / 4 + h * 8) % p.s.q_tile), keys_from, 16));
            hide<16>(s, seen, -INFINITY);
            tile_sanitise<TYPE, D, BN>(tiles + (visits & 1) * STAGE + BN * D, bad, visits);
            __syncthreads();
            if (bad[BN] == visits) /* whoever sees a bad value gets NaN */
                poison<16>(rows.sum, seen, bad + keys_from, visits);
        }
        float shrink[2];
        softmax_step<16>(s, &rows, to_log2, shrink);
        rescale<is::COLUMNS>(o, shrink);
        product_columns<TYPE, D, 16, is::COLUMNS>(&o, &s, tv + columns_from);
        now = next;
        visits++;
    }

    /* the warps' parts of a row, then its state after this piece */
    __syncthreads();
    float *parts = (float *)smem; /* [KEY_PARTS][ROWS][STATE] */
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float *to = parts + (part * ROWS + lane / 4 + h * 8) * is::STATE;
        to[STATE_MOST] = rows.most[h];
        to[STATE_SUM] = row_sum(rows.sum[h]);
#pragma unroll
        for (int i = 0; i < is::COLUMNS / 8; i++)
#pragma unroll
            for (int e = 0; e < 2; e++)
                to[STATE_O + columns_from + i * 8 + lane % 4 * 2 + e] = o[i][2 * h + e];
    }
    __syncthreads();
    for (int r = warp; r < ROWS; r += WARPS) {
        const int query = tile * p.s.q_tile + r % p.s.q_tile, head = first_head + r / p.s.q_tile;
        if (r / p.s.q_tile >= heads || query >= p.q_len)
            continue;
        const merged<D> all =
            merge<D>(parts + r * is::STATE, ROWS * is::STATE, is::KEY_PARTS, p.d_v_size, to_log2);
        if (cut.pieces == 1) {
            row_finish<TYPE, D>(&p, &all, to_log2, batch, head, query);
            continue;
        }
        const size_t row = ((size_t)batch * p.q_heads + head) * p.q_len + query;
        float *to = states + (row * cut.pieces + piece) * (STATE_O + p.d_v_size);
        if (lane == 0) {
            to[STATE_MOST] = all.most;
            to[STATE_SUM] = all.sum;
        }
#pragma unroll
        for (int i = 0; i < D / 32; i++)
            if (i * 32 + lane < p.d_v_size)
                to[STATE_O + i * 32 + lane] = all.o[i];
    }
    if (threadIdx.x == 0)
        atomicAdd(p.tally, (mas_cuda_tally)(visits * heads));
}

/* A warp a row. */
template <mas_dtype TYPE, int D>
__global__ void __launch_bounds__(THREADS)
    combine_sm80(mas_cuda_attention p, int pieces, const float *states)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / 32, heads = row / p.q_len,
                  step = STATE_O + p.d_v_size;
    if (heads >= (int64_t)p.batches * p.q_heads)
        return;
    const float to_log2 = score_to_log2(&p);
    const merged<D> all = merge<D>(states + row * pieces * step, step, pieces, p.d_v_size, to_log2);
    row_finish<TYPE, D>(&p, &all, to_log2, (int)(heads / p.q_heads), (int)(heads % p.q_heads),
                        (int)(row % p.q_len));
}

/* ---- host ---- */

static mas_status supports(const mas_attn_problem *p, mas_error *why)
{
    return mas_cuda_tensor_core_supports(p, 256, why);
}

/* As many queries as there are, up to the rows of a block: a power of two. */
static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = 1;
    while (*q_tile < p->q_len && *q_tile < ROWS)
        *q_tile *= 2;
    *k_tile = padded_size(p) == 64 ? decode_shape<64>::BN : decode_shape<128>::BN;
}

static decode_cut cut_of(const mas_attn_problem *p, const mas_schedule *s)
{
    decode_cut cut;
    const int64_t group = p->q_heads / p->kv_heads;
    int64_t most = 1;
    for (int32_t tile = 0; tile < s->q_tiles; tile++) {
        int64_t visits = 0;
        for (size_t i = s->q_start[tile]; i < s->q_start[tile + 1]; i++)
            visits += s->q_spans[i].count;
        most = std::max(most, visits);
    }
    cut.heads = (int32_t)std::min<int64_t>(group, ROWS / s->q_tile);
    cut.chunks = (int32_t)((group + cut.heads - 1) / cut.heads);
    const int64_t blocks = p->batch * p->kv_heads * cut.chunks * s->q_tiles;
    cut.visits = (int32_t)std::max<int64_t>(LEAST_KEYS / s->k_tile,
                                            (most * blocks + ENOUGH_PIECES - 1) / ENOUGH_PIECES);
    cut.visits = (int32_t)std::min<int64_t>(cut.visits, most);
    cut.pieces = (int32_t)((most + cut.visits - 1) / cut.visits);
    return cut;
}

static size_t workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)threads;
    const decode_cut cut = cut_of(p, s);
    return cut.pieces == 1 ? 0
                           : (size_t)(p->batch * p->q_heads * p->q_len) * (size_t)cut.pieces *
                                 (size_t)(STATE_O + p->d_v) * sizeof(float);
}

template <mas_dtype TYPE, int D>
static cudaError_t launch(const mas_attn_plan *plan, const mas_cuda_attention *a, float *states)
{
    const mas_attn_problem *p = &plan->problem;
    const decode_cut cut = cut_of(p, plan->schedule);
    const dim3 grid((unsigned)(cut.pieces * plan->schedule->q_tiles),
                    (unsigned)(p->kv_heads * cut.chunks), (unsigned)p->batch);
    const cudaError_t code =
        simt_launch(decode_sm80<TYPE, D>, grid, dim3(THREADS), decode_shape<D>::bytes,
                    mas_cuda_stream(), *a, cut, states);
    if (code != cudaSuccess || cut.pieces == 1)
        return code;
    const int64_t rows = p->batch * p->q_heads * p->q_len;
    return simt_launch(combine_sm80<TYPE, D>, dim3((unsigned)((rows + WARPS - 1) / WARPS)),
                       dim3(THREADS), 0, mas_cuda_stream(), *a, (int)cut.pieces,
                       (const float *)states);
}

template <mas_dtype TYPE>
static cudaError_t launch_sized(const mas_attn_plan *plan, const mas_cuda_attention *a,
                                float *states)
{
    switch (padded_size(&plan->problem)) {
    case 64: return launch<TYPE, 64>(plan, a, states);
    case 128: return launch<TYPE, 128>(plan, a, states);
    default: return launch<TYPE, 256>(plan, a, states);
    }
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    return mas_cuda_run_packed(plan, args, counts, err,
                               [&]<mas_dtype TYPE>(const mas_cuda_attention *a) {
                                   return launch_sized<TYPE>(plan, a, (float *)args->workspace);
                               });
}

extern "C" const mas_attn_kernel mas_cuda_decode_sm80 = {
    .name = "attn_decode/split_k/sm80",
    .op = MAS_ATTN_DECODE,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = workspace_bytes,
    .run = run,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = false,
    .opaque = false,
};
