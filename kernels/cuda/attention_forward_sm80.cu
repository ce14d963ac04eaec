/* SPDX-License-Identifier: Apache-2.0 */
/* Forward attention on tensor cores, compute capability 8.0 and later: FlashAttention-2 (Dao, arXiv
 * 2307.08691) over span schedules. One block per tile of queries and head; each of its four warps
 * keeps MT x 16 rows of O, their maxima and sums in registers. K and V tiles come through two
 * buffers each, filled by cp.async while the other is used.
 *
 * Choices: with MT = 2 each fragment of K and V read from shared memory serves 32 rows, which halves
 * that traffic, the first limit at 16. Scores stay in registers between the two products. Only
 * partial tiles compare keys with row spans; a warp leaves out those of which the 64 rows around its
 * own see nothing. Scores are kept in units of log 2, the scale folded into the exponent's
 * multiply-add. */
#include "kernels/cuda/attention_sm80.h"

template <mas_dtype TYPE, int D, int MT, int BN>
__global__ void __launch_bounds__(THREADS) forward_sm80(mas_cuda_attention p)
{
    constexpr int BM = 16 * MT * WARPS, PARTS = 1; /* of the keys of a tile */
    static_assert(BN <= MAS_CUDA_PART, "a tile of keys is no more than a part");
    SIMT_DYN_SMEM(uint16_t, smem);
    uint16_t *sq = smem, *sk = sq + BM * D, *sv = sk + 2 * BN * D;
    int *bad = (int *)(sv + 2 * BN * D); /* [BN + 1], see tile_sanitise */

    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x >> 5;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = p.s.q_order[blockIdx.x];
    const head_rows q = head_of(&p.q, batch, head, p.q_len, p.d_qk),
                    k = head_of(&p.k, batch, head / p.group, p.kv_len, p.d_qk),
                    v = head_of(&p.v, batch, head / p.group, p.kv_len, p.d_v_size);
    walk w = walk_begin(p.s.q_start, p.s.q_spans, tile);
    visit now = walk_next(&w);

    float o[MT][D / 8][4];
    softmax_rows rows[MT];
#pragma unroll
    for (int t = 0; t < MT; t++) {
        rows[t] = softmax_begin();
        clear(o[t], D / 8);
    }

    for (int i = (int)threadIdx.x; i <= BN; i += THREADS)
        bad[i] = -1;
    tile_load<D, BM>(sq, &q, tile * BM, NULL);
    if (now.tile >= 0) {
        tile_load<D, BN>(sk, &k, now.tile * BN, walk_seen(&p.s, now.pattern));
        cp_async_commit();
        tile_load<D, BN>(sv, &v, now.tile * BN, walk_seen(&p.s, now.pattern));
    }
    cp_async_commit();

    const float to_log2 = score_to_log2(&p);
    const int row = warp * 16 * MT + lane / 4, /* in the tile; and + 8, + 16, ... */
        part = warp * 16 * MT / MAS_CUDA_PART;
    int visits = 0;

    for (; now.tile >= 0; visits++) {
        const visit next = walk_next(&w);
        uint16_t *tk = sk + (visits & 1) * BN * D, *tv = sv + (visits & 1) * BN * D;
        uint16_t *nk = sk + (~visits & 1) * BN * D, *nv = sv + (~visits & 1) * BN * D;

        cp_async_wait<1>(); /* K of this tile; V may be in flight */
        __syncthreads();    /* everyone's part of it; everyone is done with the other buffer */
        if (next.tile >= 0)
            tile_load<D, BN>(nk, &k, next.tile * BN, walk_seen(&p.s, next.pattern));
        cp_async_commit();

        const bool concerned = BM <= MAS_CUDA_PART || strip_some<PARTS>(&p.s, now.pattern, part);
        float s[MT][BN / 8][4];
#pragma unroll
        for (int t = 0; t < MT; t++)
            clear(s[t], BN / 8);
        if (concerned) {
            product_rows<TYPE, D, BN, MT>(s, sq, warp * MT * 16, tk);
#pragma unroll
            for (int t = 0; t < MT; t++) {
                if (p.softcap > 0)
                    cap_scores<BN>(s[t], &p);
                if (now.pattern >= 0) {
                    uint32_t seen[2];
                    columns_seen(&p.s, now.pattern, row + t * 16, seen);
                    hide<BN>(s[t], seen, -INFINITY);
                }
                float shrink[2];
                softmax_step<BN>(s[t], &rows[t], to_log2, shrink);
                rescale<D>(o[t], shrink);
            }
        }

        cp_async_wait<1>(); /* V of this tile; K of the next may be in flight */
        __syncthreads();
        if (now.pattern >= 0) {
            tile_sanitise<TYPE, D, BN>(tv, bad, visits);
            __syncthreads();
            if (concerned && bad[BN] == visits) /* whoever sees a bad value gets NaN */
#pragma unroll
                for (int t = 0; t < MT; t++) {
                    uint32_t seen[2];
                    columns_seen(&p.s, now.pattern, row + t * 16, seen);
                    poison<BN>(rows[t].sum, seen, bad, visits);
                }
        }
        if (next.tile >= 0)
            tile_load<D, BN>(nv, &v, next.tile * BN, walk_seen(&p.s, next.pattern));
        cp_async_commit();

        if (concerned)
            product_columns<TYPE, D, BN, D, MT>(o, s, tv);
        now = next;
    }

#pragma unroll
    for (int t = 0; t < MT; t++) {
        const int r = tile * BM + row + t * 16;
        const head_rows out = head_of(&p.o, batch, head, p.q_len, p.d_v_size);
        float factor[2];
        softmax_close(&p, &rows[t], to_log2, batch, head, r, factor);
        store_rows<TYPE, D>(o[t], factor, &out, r);
    }
    if (threadIdx.x == 0)
        atomicAdd(p.tally, (mas_cuda_tally)visits);
}

/* ---- host ---- */

static mas_status supports(const mas_attn_problem *p, mas_error *why)
{
    return mas_cuda_tensor_core_supports(p, 256, why);
}

/* Tiles by padded head size: 64: 128 x 64, 128: 128 x 32, 256: 64 x 32, as registers allow. */
static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    const int32_t size = padded_size(p);
    *q_tile = size == 256 ? 64 : 128;
    *k_tile = size == 64 ? 64 : 32;
}

template <mas_dtype TYPE, int D, int MT, int BN>
static cudaError_t launch(const mas_attn_plan *plan, const mas_cuda_attention *a)
{
    const mas_attn_problem *p = &plan->problem;
    const dim3 grid((unsigned)plan->schedule->q_tiles, (unsigned)p->q_heads, (unsigned)p->batch);
    const size_t bytes = (size_t)(16 * MT * WARPS + 4 * BN) * D * 2 + (BN + 1) * sizeof(int);
    return simt_launch(forward_sm80<TYPE, D, MT, BN>, grid, dim3(THREADS), bytes, mas_cuda_stream(),
                       *a);
}

template <mas_dtype TYPE>
static cudaError_t launch_sized(const mas_attn_plan *plan, const mas_cuda_attention *a)
{
    switch (padded_size(&plan->problem)) {
    case 64: return launch<TYPE, 64, 2, 64>(plan, a);
    case 128: return launch<TYPE, 128, 2, 32>(plan, a);
    default: return launch<TYPE, 256, 1, 32>(plan, a);
    }
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    return mas_cuda_run_packed(
        plan, args, counts, err,
        [&]<mas_dtype TYPE>(const mas_cuda_attention *a) { return launch_sized<TYPE>(plan, a); });
}

extern "C" const mas_attn_kernel mas_cuda_forward_sm80 = {
    .name = "attn_forward/flash/sm80",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = supports,
    .tile = tile_shape,
    .workspace_bytes = NULL,
    .run = run,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = false,
    .opaque = false,
};
