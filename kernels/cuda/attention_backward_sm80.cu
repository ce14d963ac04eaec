/* SPDX-License-Identifier: Apache-2.0 */
/* Backward attention on tensor cores, compute capability 8.0 and later, in two passes without
 * atomics, so that the same inputs give the same bits: one over the transposed schedule for dK and dV
 * (a block a tile of keys and key/value head, over the queries of its whole group), one over the
 * schedule for dQ (a block a tile of queries and head). Both recompute the scores; a fused kernel
 * would save two of seven products at the price of atomics or of a workspace for dQ.
 *
 *   P = exp(S - lse)   dV = P^T dO   dP = dO V^T   dS = P (dP - delta) [(1 - (S / cap)^2)]
 *   dQ = scale dS K    dK = scale dS^T Q
 *
 * The first pass works with S^T and dP^T (keys are rows), so that P^T and dS^T leave one product as
 * the left operand of the next.
 *
 * Read in its machine code: a condition on each element, visible or not, had become a branch an element, 97 in
 * the loop over keys; computed for all and hidden after, 8. Not measured yet. On an H100 the version with branches
 * ran at 57 to 132 TFLOP/s, the forward kernel for 8.0 at 141 to 213. */
#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/attention_sm80.h"

/* What a block has of each. Of heads of 256 the sums of a row do not fit the registers of one thread in four: two
 * warps share 16 rows, each with half of the columns, and both compute their weights. */
template <int D> struct backward_shape {
    static constexpr int TILE = D == 256 ? 32 : 64; /* edge of both tiles */
    static constexpr int ROW_PARTS = TILE / 16;     /* a warp each */
    static constexpr int COLUMNS = D * ROW_PARTS / WARPS;
    static constexpr int PART = D == 64 ? 64 : 32; /* of the other tile, at a time: registers */
    static constexpr int tiles = 6 * TILE * D * (int)sizeof(uint16_t); /* bytes */
};

/* The columns of a head from `first` on. */
static __device__ __forceinline__ head_rows columns_from(head_rows h, int first)
{
    h.data += first;
    h.size -= first;
    return h;
}

/* Weight and score gradient of an element. `s` is the product of q and k. */
struct score {
    float weight, gradient;
};

template <bool CAP>
static __device__ __forceinline__ score score_of(const mas_cuda_attention *p, float s, float dp,
                                                 float lse, float delta)
{
    score r;
    float slope = 1.0f;
    r.weight = CAP ? capped_weight(p, s, lse, &slope) : plain_weight(p, s, lse);
    r.gradient = r.weight * slope * (dp - delta);
    return r;
}

/* ---- dK and dV ---- */

template <mas_dtype TYPE, int D>
__global__ void __launch_bounds__(THREADS) backward_keys(mas_cuda_attention p, const float *delta)
{
    constexpr int TILE = backward_shape<D>::TILE, PART = backward_shape<D>::PART,
                  COLUMNS = backward_shape<D>::COLUMNS;
    SIMT_DYN_SMEM(uint16_t, smem);
    uint16_t *sk = smem, *sv = sk + TILE * D, *sq = sv + TILE * D, *sd = sq + 2 * TILE * D;
    float *rows = (float *)(sd + 2 * TILE * D);              /* [2][2][TILE]: lse and delta */
    mas_row_span *spans = (mas_row_span *)(rows + 4 * TILE); /* [2][TILE] */
    int *bad_q = (int *)(spans + 2 * TILE), *bad_d = bad_q + TILE + 1;

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int kv_head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = p.s.k_order[blockIdx.x];
    const int own = warp % backward_shape<D>::ROW_PARTS * 16, /* the warp's first key in the tile */
        column = warp / backward_shape<D>::ROW_PARTS * COLUMNS;
    const head_rows k = head_of(&p.k, batch, kv_head, p.kv_len, p.d_qk),
                    v = head_of(&p.v, batch, kv_head, p.kv_len, p.d_v_size);

    float dk[COLUMNS / 8][4], dv[COLUMNS / 8][4];
    clear(dk, COLUMNS / 8);
    clear(dv, COLUMNS / 8);
    for (int i = (int)threadIdx.x; i <= TILE; i += THREADS)
        bad_q[i] = bad_d[i] = -1;
    tile_load<D, TILE>(sk, &k, tile * TILE, NULL);
    tile_load<D, TILE>(sv, &v, tile * TILE, NULL);

    int visits = 0, member = 0; /* query head kv_head * group + member */
    walk w = walk_begin(p.s.k_start, p.s.k_spans, tile);
    visit now = walk_next(&w);
    float taint[2] = {0.0f, 0.0f}; /* NaN for a key that a row which is not finite sees */

    /* Start the copy of a tile of queries into buffer `to`. */
    auto fetch = [&](int of, visit x, int to) {
        const int head = kv_head * p.group + of;
        const head_rows q = head_of(&p.q, batch, head, p.q_len, p.d_qk),
                        d = head_of(&p.d_o, batch, head, p.q_len, p.d_v_size);
        tile_load<D, TILE>(sq + to * TILE * D, &q, x.tile * TILE, NULL);
        tile_load<D, TILE>(sd + to * TILE * D, &d, x.tile * TILE, NULL);
    };
    /* What this thread brings of its vectors, in two steps: loads take long, so they begin before the products and
     * are stored after. */
    struct entry {
        float value; /* lse, or delta, by halves of the block */
        mas_row_span keys;
    };
    const int slot = (int)threadIdx.x % TILE;
    const bool of_lse = (int)threadIdx.x < TILE;
    auto look_up = [&](int of, visit x) {
        const int row = x.tile * TILE + slot;
        const size_t at = ((size_t)batch * p.q_heads + kv_head * p.group + of) * p.q_len + row;
        entry e = {0.0f, {0, 0}};
        if (row < p.q_len)
            e.value = of_lse ? p.lse[at] : delta[at];
        if (of_lse && x.pattern >= 0)
            e.keys = row_span(&p.s, x.pattern, slot);
        return e;
    };
    auto keep = [&](entry e, int to) {
        if ((int)threadIdx.x < 2 * TILE)
            rows[to * 2 * TILE + (int)threadIdx.x] = e.value;
        if (of_lse)
            spans[to * TILE + slot] = e.keys;
    };
    static_assert(THREADS >= 2 * TILE, "a thread for each entry of rows");

    if (now.tile >= 0) {
        fetch(member, now, 0);
        keep(look_up(member, now), 0);
    }
    cp_async_commit();
    while (now.tile >= 0) {
        const int buffer = visits & 1;
        uint16_t *tq = sq + buffer * TILE * D, *td = sd + buffer * TILE * D;
        const float *lse = rows + buffer * 2 * TILE, *deltas = lse + TILE;
        visit next = walk_next(&w);
        if (next.tile < 0 && member + 1 < p.group) {
            member++;
            w = walk_begin(p.s.k_start, p.s.k_spans, tile);
            next = walk_next(&w);
        }
        cp_async_wait<0>();
        __syncthreads(); /* this tile is there, and everyone is done with the other buffer */
        entry coming = {0.0f, {0, 0}};
        if (next.tile >= 0) {
            fetch(member, next, buffer ^ 1);
            coming = look_up(member, next);
        }
        cp_async_commit();
        if (now.pattern >= 0) {
            tile_sanitise<TYPE, D, TILE>(tq, bad_q, visits);
            tile_sanitise<TYPE, D, TILE>(td, bad_d, visits);
            __syncthreads();
        }

#pragma unroll 1
        for (int first = 0; first < TILE; first += PART) {
            float s[PART / 8][4], ds[PART / 8][4];
            clear(s, PART / 8);
            clear(ds, PART / 8);
            product_rows<TYPE, D, PART>(&s, sk, own, tq + first * D);
            product_rows<TYPE, D, PART>(&ds, sv, own, td + first * D);
            auto differentiate = [&]<bool CAP>() {
#pragma unroll
                for (int i = 0; i < PART / 8; i++)
#pragma unroll
                    for (int e = 0; e < 4; e++) {
                        const int row = first + i * 8 + lane % 4 * 2 + e % 2;
                        const score r = score_of<CAP>(&p, s[i][e], ds[i][e], lse[row], deltas[row]);
                        s[i][e] = r.weight;
                        ds[i][e] = r.gradient;
                    }
            };
            if (p.softcap > 0)
                differentiate.template operator()<true>();
            else
                differentiate.template operator()<false>();
            if (now.pattern >= 0) {
                uint32_t seen[2];
                columns_seeing<PART>(spans + buffer * TILE + first, own + lane / 4, seen);
                hide<PART>(s, seen, 0.0f);
                hide<PART>(ds, seen, 0.0f);
                if (bad_q[TILE] == visits)
                    poison<PART>(taint, seen, bad_q + first, visits);
                if (bad_d[TILE] == visits)
                    poison<PART>(taint, seen, bad_d + first, visits);
            }
            product_columns<TYPE, D, PART, COLUMNS>(&dv, &s, td + first * D + column);
            product_columns<TYPE, D, PART, COLUMNS>(&dk, &ds, tq + first * D + column);
        }
        keep(coming, buffer ^ 1);
        visits++;
        now = next;
    }
    cp_async_wait<0>();

    float one[2], scale[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        taint[h] = row_sum(taint[h]);
        one[h] = 1.0f + taint[h];
        scale[h] = p.scale + taint[h];
    }
    const head_rows out_k = columns_from(head_of(&p.d_k, batch, kv_head, p.kv_len, p.d_qk), column),
                    out_v =
                        columns_from(head_of(&p.d_v, batch, kv_head, p.kv_len, p.d_v_size), column);
    store_rows<TYPE, COLUMNS>(dk, scale, &out_k, tile * TILE + own + lane / 4);
    store_rows<TYPE, COLUMNS>(dv, one, &out_v, tile * TILE + own + lane / 4);
    if (threadIdx.x == 0)
        atomicAdd(p.tally, (mas_cuda_tally)visits);
}

/* ---- dQ ---- */

template <mas_dtype TYPE, int D>
__global__ void __launch_bounds__(THREADS, 2) /* three blocks a multiprocessor would spill */
    backward_queries(mas_cuda_attention p, const float *delta)
{
    constexpr int TILE = backward_shape<D>::TILE, PART = backward_shape<D>::PART,
                  COLUMNS = backward_shape<D>::COLUMNS;
    SIMT_DYN_SMEM(uint16_t, smem);
    uint16_t *sq = smem, *sd = sq + TILE * D, *sk = sd + TILE * D, *sv = sk + 2 * TILE * D;
    int *bad = (int *)(sv + 2 * TILE * D);

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = p.s.q_order[blockIdx.x];
    const head_rows q = head_of(&p.q, batch, head, p.q_len, p.d_qk),
                    d = head_of(&p.d_o, batch, head, p.q_len, p.d_v_size),
                    k = head_of(&p.k, batch, head / p.group, p.kv_len, p.d_qk),
                    v = head_of(&p.v, batch, head / p.group, p.kv_len, p.d_v_size);
    const int own =
                  warp % backward_shape<D>::ROW_PARTS * 16, /* the warp's first query in the tile */
        column = warp / backward_shape<D>::ROW_PARTS * COLUMNS;
    const int row = own + lane / 4; /* in the tile; and + 8 */

    float dq[COLUMNS / 8][4], lse[2], deltas[2],
        taint[2] = {0.0f, 0.0f}; /* NaN for a row that sees a key which is not finite */
    clear(dq, COLUMNS / 8);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int r = tile * TILE + row + 8 * h;
        const size_t at = ((size_t)batch * p.q_heads + head) * p.q_len + r;
        lse[h] = r < p.q_len ? p.lse[at] : 0.0f;
        deltas[h] = r < p.q_len ? delta[at] : 0.0f;
    }
    for (int i = (int)threadIdx.x; i <= TILE; i += THREADS)
        bad[i] = -1;
    walk w = walk_begin(p.s.q_start, p.s.q_spans, tile);
    visit now = walk_next(&w);
    auto fetch = [&](visit x, int to) {
        const uint64_t *seen = walk_seen(&p.s, x.pattern);
        tile_load<D, TILE>(sk + to * TILE * D, &k, x.tile * TILE, seen);
        tile_load<D, TILE>(sv + to * TILE * D, &v, x.tile * TILE, seen);
    };
    tile_load<D, TILE>(sq, &q, tile * TILE, NULL);
    tile_load<D, TILE>(sd, &d, tile * TILE, NULL);
    if (now.tile >= 0)
        fetch(now, 0);
    cp_async_commit();

    int visits = 0;
    while (now.tile >= 0) {
        const int buffer = visits & 1;
        uint16_t *tk = sk + buffer * TILE * D, *tv = sv + buffer * TILE * D;
        const visit next = walk_next(&w);
        cp_async_wait<0>();
        __syncthreads();
        if (next.tile >= 0)
            fetch(next, buffer ^ 1);
        cp_async_commit();
        if (now.pattern >= 0) {
            tile_sanitise<TYPE, D, TILE>(tk, bad, visits);
            __syncthreads();
        }

        uint32_t seen[2] = {~(uint32_t)0, ~(uint32_t)0};
        if (now.pattern >= 0)
            columns_seen(&p.s, now.pattern, row, seen);
#pragma unroll 1
        for (int first = 0; first < TILE; first += PART) {
            float s[PART / 8][4], ds[PART / 8][4];
            clear(s, PART / 8);
            clear(ds, PART / 8);
            product_rows<TYPE, D, PART>(&s, sq, own, tk + first * D);
            product_rows<TYPE, D, PART>(&ds, sd, own, tv + first * D);
            auto differentiate = [&]<bool CAP>() {
#pragma unroll
                for (int i = 0; i < PART / 8; i++)
#pragma unroll
                    for (int e = 0; e < 4; e++)
                        ds[i][e] = score_of<CAP>(&p, s[i][e], ds[i][e], lse[e / 2], deltas[e / 2])
                                       .gradient;
            };
            if (p.softcap > 0)
                differentiate.template operator()<true>();
            else
                differentiate.template operator()<false>();
            if (now.pattern >= 0) {
                hide<PART>(ds, seen, 0.0f);
                if (bad[TILE] == visits)
                    poison<PART>(taint, seen, bad + first, visits);
            }
            seen[0] >>= PART / 4;
            seen[1] >>= PART / 4;
            product_columns<TYPE, D, PART, COLUMNS>(&dq, &ds, tk + first * D + column);
        }
        visits++;
        now = next;
    }
    cp_async_wait<0>();

    const float scale[2] = {p.scale + row_sum(taint[0]), p.scale + row_sum(taint[1])};
    const head_rows out = columns_from(head_of(&p.d_q, batch, head, p.q_len, p.d_qk), column);
    store_rows<TYPE, COLUMNS>(dq, scale, &out, tile * TILE + row);
    if (threadIdx.x == 0)
        atomicAdd(p.tally + 1, (mas_cuda_tally)visits);
}

/* ---- host ---- */

static mas_status supports(const mas_attn_problem *p, mas_error *why)
{
    return mas_cuda_tensor_core_supports(p, 256, why);
}

static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    *q_tile = *k_tile =
        padded_size(p) == 256 ? backward_shape<256>::TILE : backward_shape<128>::TILE;
}

template <mas_dtype TYPE, int D>
static cudaError_t launch(const mas_attn_plan *plan, const mas_cuda_attention *a, float *delta)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    constexpr int TILE = backward_shape<D>::TILE;
    const size_t tiles = backward_shape<D>::tiles;
    cudaError_t code = mas_cuda_attention_delta(plan, a, delta);
    if (code == cudaSuccess)
        code = simt_launch(backward_keys<TYPE, D>,
                           dim3((unsigned)s->k_tiles, (unsigned)p->kv_heads, (unsigned)p->batch),
                           dim3(THREADS), tiles + (6 * TILE + 2 * (TILE + 1)) * sizeof(float),
                           mas_cuda_stream(), *a, delta);
    if (code == cudaSuccess)
        code = simt_launch(backward_queries<TYPE, D>,
                           dim3((unsigned)s->q_tiles, (unsigned)p->q_heads, (unsigned)p->batch),
                           dim3(THREADS), tiles + (TILE + 1) * sizeof(int), mas_cuda_stream(), *a,
                           delta);
    return code;
}

template <mas_dtype TYPE>
static cudaError_t launch_sized(const mas_attn_plan *plan, const mas_cuda_attention *a,
                                float *delta)
{
    switch (padded_size(&plan->problem)) {
    case 64: return launch<TYPE, 64>(plan, a, delta);
    case 128: return launch<TYPE, 128>(plan, a, delta);
    default: return launch<TYPE, 256>(plan, a, delta);
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

extern "C" const mas_attn_kernel mas_cuda_backward_sm80 = {
    .name = "attn_backward/flash/sm80",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = mas_cuda_delta_bytes,
    .run = run,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = true,
    .opaque = false,
};
