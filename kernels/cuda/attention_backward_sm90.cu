/* SPDX-License-Identifier: Apache-2.0 */
/* Backward attention for compute capability 9.0, in two passes without atomics as for 8.0 (see there for the
 * formulas): over keys for dK and dV, over queries for dQ. Both are one kernel: 128 rows of two tensors stay
 * in shared memory, tiles of two others stream past, and both products of scores have the rows that stay on
 * the left, so that weights and gradients leave the registers as the left operand of the next product.
 *
 *               stays    streams   S      dP       sums
 *   over keys   K, V     Q, dO     K Q^T  V dO^T   dV += P dO, dK += dS Q  (P, dS: keys by queries)
 *   over queries Q, dO   K, V      Q K^T  dO V^T   dQ += dS K
 *
 * Choices: a visit of 128 streamed rows is taken in halves, as registers allow. The products of sums are
 * waited for only after the next half's first product is issued. Thread 0 alone walks over the schedule and
 * leaves a note of each half, the helpers bring its lse and delta: registers are what this kernel lacks, 24 a
 * thread for the first warpgroup, and for the others 240 of which 128 hold sums. */
#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/attention_sm90.h"

enum { TILE = 128, HALF = 64, CONSUMERS = TILE / 64, STAGES = 4 };

/* What thread 0 says of an item of work, and of a half. */
struct task {
    item what;
    int32_t end; /* number of the first half, since the block began, that no longer belongs to it */
};
struct note {
    int32_t pattern, row, head; /* first row of the half */
};

/* Shared memory, offsets in bytes. */
template <int D> struct layout {
    static constexpr int stays = TILE * D * 2, half = HALF * D * 2, first = 0, second = stays,
                         ring = 2 * stays, rows = ring + STAGES * 2 * half,
                         marks = rows + STAGES * 2 * HALF * (int)sizeof(float),
                         notes = marks + STAGES * 2 * (HALF + 1) * (int)sizeof(int),
                         now = notes + STAGES * (int)sizeof(note),
                         barriers = (now + (int)sizeof(task) + 7) / 8 * 8,
                         bytes = barriers + (2 + 4 * STAGES) * (int)sizeof(uint64_t);
};

/* What streams past a tile; over keys, once for each query head of the group. */
template <bool KEYS>
static __device__ __forceinline__ walk stream(const mas_cuda_schedule *s, int32_t tile)
{
    return KEYS ? walk_begin(s->k_start, s->k_spans, tile)
                : walk_begin(s->q_start, s->q_spans, tile);
}

/* The maps and the heads of the four tensors. */
typedef struct four_maps {
    simt_tensor_map q, k, v, d_o;
} four_maps;

template <mas_dtype TYPE, int D, bool KEYS, bool ALIGNED>
__global__ void __launch_bounds__(GROUP *(1 + CONSUMERS), 1)
    backward_sm90(const __grid_constant__ four_maps maps, mas_cuda_attention p, const float *delta)
{
    using at = layout<D>;
    /* Is dP multiplied while weights are computed? Not where that takes more registers than there are. */
    constexpr bool EARLY = !(KEYS && D == 128);
    SIMT_DYN_SMEM(unsigned char, smem);
    float *vectors = (float *)(smem + at::rows); /* [STAGES][2][HALF]: lse and delta */
    note *notes = (note *)(smem + at::notes);    /* [STAGES] */
    task *taken = (task *)(smem + at::now);      /* there when stays_full says so */
    int *marks = (int *)(smem + at::marks);      /* [STAGES][2][HALF + 1], see sanitise */
    uint64_t *stays_full = (uint64_t *)(smem + at::barriers), *stays_empty = stays_full + 1,
             *noted = stays_empty + 1, *full = noted + STAGES, *ready = full + STAGES,
             *empty = ready + STAGES;

    const int group = simt_uniform((int)threadIdx.x / GROUP), warp = (int)threadIdx.x % GROUP / 32,
              lane = (int)threadIdx.x % 32;

    for (int i = (int)threadIdx.x; i < STAGES * 2 * (HALF + 1); i += GROUP * (1 + CONSUMERS))
        marks[i] = -1;
    if (threadIdx.x == 0) {
        mbar_init(stays_full, 2); /* two tensors each */
        mbar_init(stays_empty, 4 * CONSUMERS + HELPERS);
        for (int i = 0; i < STAGES; i++) {
            mbar_init(noted + i, 1);
            mbar_init(full + i, 2);
            mbar_init(ready + i, HELPERS);
            mbar_init(empty + i, 4 * CONSUMERS);
        }
        mbar_fence_init();
    }
    __syncthreads();

    if (group == 0) {
        registers_release<registers<CONSUMERS>::few>();
        if (threadIdx.x == 0) {
            int n = 0;
            for (int m = 0;; m++) {
                const item x = KEYS ? item_take(&p, p.s.k_order, p.s.k_tiles, p.q_heads / p.group)
                                    : item_take(&p, p.s.q_order, p.s.q_tiles, p.q_heads);
                mbar_wait(stays_empty, m % 2 ^ 1);
                taken->what = x;
                if (x.tile < 0) {
                    mbar_arrive(stays_full);
                    mbar_arrive(stays_full);
                    break;
                }
                taken->end = n + 2 * (KEYS ? p.s.k_visits[x.tile] * p.group : p.s.q_visits[x.tile]);
                fetch<D, TILE>(smem + at::first, KEYS ? &maps.k : &maps.q, x.tile * TILE, x.head,
                               x.batch, stays_full);
                fetch<D, TILE>(smem + at::second, KEYS ? &maps.v : &maps.d_o, x.tile * TILE, x.head,
                               x.batch, stays_full);
                const int begin = KEYS ? x.head * p.group : x.head / p.group,
                          end = begin + (KEYS ? p.group : 1);
#pragma unroll 1
                for (int head = begin; head < end; head++) {
                    walk w = stream<KEYS>(&p.s, x.tile);
#pragma unroll 1
                    for (visit v; (v = walk_next(&w)).tile >= 0;)
#pragma unroll 1
                        for (int row = v.tile * TILE; row < (v.tile + 1) * TILE; row += HALF, n++) {
                            const int stage = stage_of<STAGES>(n);
                            unsigned char *to = smem + at::ring + stage * 2 * at::half;
                            mbar_wait(empty + stage, parity_of<STAGES>(n) ^ 1);
                            notes[stage].pattern = v.pattern;
                            notes[stage].row = row;
                            notes[stage].head = head;
                            mbar_arrive(noted + stage);
                            fetch<D, HALF>(to, KEYS ? &maps.q : &maps.k, row, head, x.batch,
                                           full + stage);
                            fetch<D, HALF>(to + at::half, KEYS ? &maps.d_o : &maps.v, row, head,
                                           x.batch, full + stage);
                        }
                }
            }
        } else if (warp > 0) {
            const int helper = (int)threadIdx.x - 32;
            int n = 0;
            for (int m = 0;; m++) {
                mbar_wait(stays_full, m % 2);
                const task t = *taken;
                warp_arrive(stays_empty);
                if (t.what.tile < 0)
                    break;
                for (; n < t.end; n++) {
                    const int stage = stage_of<STAGES>(n);
                    mbar_wait(noted + stage, parity_of<STAGES>(n));
                    if (KEYS && helper < HALF) {
                        const int row = notes[stage].row + helper;
                        const size_t of =
                            ((size_t)t.what.batch * p.q_heads + notes[stage].head) * p.q_len;
                        float *to = vectors + stage * 2 * HALF + helper;
                        to[0] = row < p.q_len ? p.lse[of + row] : 0.0f;
                        to[HALF] = row < p.q_len ? delta[of + row] : 0.0f;
                    }
                    if (notes[stage].pattern >= 0) {
                        unsigned char *half = smem + at::ring + stage * 2 * at::half;
                        int *mark = marks + stage * 2 * (HALF + 1);
                        mbar_wait(full + stage, parity_of<STAGES>(n));
                        sanitise<TYPE, D, HALF>(half, mark, n, helper);
                        if (KEYS)
                            sanitise<TYPE, D, HALF>(half + at::half, mark + HALF + 1, n, helper);
                    }
                    warp_arrive(ready + stage);
                }
            }
        }
        return;
    }

    registers_acquire<registers<CONSUMERS>::many>();
    const int row = (group - 1) * 64 + warp * 16 + lane / 4; /* in the tile that stays; and + 8 */
    const uint32_t mine = (uint32_t)(group - 1) * 64 * 128,
                   first_at = simt_smem_addr(smem + at::first) + mine,
                   second_at = simt_smem_addr(smem + at::second) + mine,
                   ring_at = simt_smem_addr(smem + at::ring);
    float of_scores[D / 8][4];             /* dK or dQ */
    float of_weights[KEYS ? D / 8 : 1][4]; /* dV */
    float s[HALF / 8][4], dp[HALF / 8][4], lse[2], deltas[2];
    uint32_t poison; /* bit h: row h meets one that is not finite */
    uint32_t weights[HALF / 16][4], gradients[HALF / 16][4];

    /* to = left right^T over the columns, left: rows that stay, right: a half */
    auto scores = [&](float(*to)[4], uint32_t left, uint32_t right) {
        const uint64_t a = wg_descriptor(left, 16, 1024), b = wg_descriptor(right, 16, 1024);
        wg_fence();
#pragma unroll
        for (int c = 0; c < D / 16; c++)
            wgmma_shared<TYPE, HALF>(to, wg_descriptor_at(a, c / 4 * TILE * 128 + c % 4 * 32),
                                     wg_descriptor_at(b, c / 4 * HALF * 128 + c % 4 * 32), c > 0);
        wg_commit();
    };
    /* sum += left right over the rows of a half */
    auto sums = [&](float(*sum)[4], const uint32_t(*left)[4], uint32_t right) {
        const uint64_t b = wg_descriptor(right, HALF * 128, 1024);
        wg_fence();
#pragma unroll
        for (int c = 0; c < HALF / 16; c++)
            wgmma_registers<TYPE, D>(sum, left[c], wg_descriptor_at(b, c * 16 * 128));
        wg_commit();
    };
    /* Products of q and k to weights; s becomes weight times slope of the cap. `seen`: bit 2 i + e % 2. */
    auto weigh = [&]<bool CAP, bool PARTIAL>(const uint32_t seen[2], const float *of_rows) {
#pragma unroll
        for (int i = 0; i < HALF / 8; i++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float w[2];
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const float x = s[i][2 * h + e], l = KEYS ? of_rows[i * 8 + e] : lse[h];
                    float slope = 1.0f;
                    w[e] = CAP ? capped_weight(&p, x, l, &slope) : plain_weight(&p, x, l);
                    if (PARTIAL && !(seen[h] >> (2 * i + e) & 1))
                        w[e] = 0.0f;
                    s[i][2 * h + e] = w[e] * slope;
                }
                if (KEYS)
                    weights[i / 2][i % 2 * 2 + h] = element<TYPE>::pack(w[0], w[1]);
            }
    };
    auto differentiate = [&]<bool PARTIAL>(const uint32_t seen[2], const float *of_rows) {
#pragma unroll
        for (int i = 0; i < HALF / 8; i++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float g[2];
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const float d = KEYS ? of_rows[HALF + i * 8 + e] : deltas[h];
                    g[e] = s[i][2 * h + e] * (dp[i][2 * h + e] - d);
                    if (PARTIAL && !(seen[h] >> (2 * i + e) & 1))
                        g[e] = 0.0f;
                }
                gradients[i / 2][i % 2 * 2 + h] = element<TYPE>::pack(g[0], g[1]);
            }
    };
    /* Which streamed rows, of this lane's columns, row h of those that stay sees or is seen by. */
    auto look = [&](int pattern, int first, uint32_t seen[2]) {
        seen[0] = seen[1] = 0;
#pragma unroll 1
        for (int i = 0; i < HALF / 8; i++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const int streamed = first + i * 8 + lane % 4 * 2 + e % 2, own = row + e / 2 * 8,
                          key = KEYS ? own : streamed;
                const mas_row_span keys = row_span(&p.s, pattern, KEYS ? streamed : own);
                if (key >= keys.lo && key < keys.hi)
                    seen[e / 2] |= 1u << (2 * i + e % 2);
            }
    };
    /* Rows that see, or are seen by, one that is not finite become NaN. */
    auto poison_by = [&](const int *mark, int stamp, const uint32_t seen[2]) {
#pragma unroll 1
        for (int i = 0; i < HALF / 8; i++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                if (mark[i * 8 + lane % 4 * 2 + e % 2] == stamp &&
                    (seen[e / 2] >> (2 * i + e % 2) & 1))
                    poison |= 1u << e / 2;
    };

    auto arrived = [&](int n) {
        mbar_wait(full + stage_of<STAGES>(n), parity_of<STAGES>(n));
        mbar_wait(ready + stage_of<STAGES>(n), parity_of<STAGES>(n));
    };
    auto streamed = [&](int n) { return ring_at + (uint32_t)(stage_of<STAGES>(n) * 2 * at::half); };
    /* Weights and gradients of half n, whose S is there; dV grows. */
    auto half_step = [&](int n) {
        const int stage = stage_of<STAGES>(n), pattern = notes[stage].pattern;
        const float *of_rows = vectors + stage * 2 * HALF + lane % 4 * 2;
        const int *mark = marks + stage * 2 * (HALF + 1);
        const bool partial = pattern >= 0;
        uint32_t seen[2];
        if (EARLY)
            scores(dp, second_at, streamed(n) + at::half);
        if (partial) {
            look(pattern, notes[stage].row % TILE, seen);
            if (mark[HALF] == n)
                poison_by(mark, n, seen);
            if (KEYS && mark[2 * HALF + 1] == n)
                poison_by(mark + HALF + 1, n, seen);
        }
        if (p.softcap > 0 && partial)
            weigh.template operator()<true, true>(seen, of_rows);
        else if (p.softcap > 0)
            weigh.template operator()<true, false>(seen, of_rows);
        else if (partial)
            weigh.template operator()<false, true>(seen, of_rows);
        else
            weigh.template operator()<false, false>(seen, of_rows);
        if (!EARLY)
            scores(dp, second_at, streamed(n) + at::half);
        if (KEYS)
            sums(of_weights, weights, streamed(n) + at::half);
        wg_wait<0>();
        if (partial)
            differentiate.template operator()<true>(seen, of_rows);
        else
            differentiate.template operator()<false>(seen, of_rows);
    };

    int n = 0;
    for (int m = 0;; m++) {
        mbar_wait(stays_full, m % 2);
        if (taken->what.tile < 0)
            break;
        poison = 0;
#pragma unroll
        for (int i = 0; i < D / 8; i++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                of_scores[i][e] = 0.0f;
                if (KEYS)
                    of_weights[i][e] = 0.0f;
            }
#pragma unroll
        for (int h = 0; h < 2; h++) {
            if (!KEYS) {
                const int r = taken->what.tile * TILE + row + 8 * h;
                const size_t of =
                    ((size_t)taken->what.batch * p.q_heads + taken->what.head) * p.q_len + r;
                lse[h] = r < p.q_len ? p.lse[of] : 0.0f;
                deltas[h] = r < p.q_len ? delta[of] : 0.0f;
            }
        }
        if (n < taken->end) {
            arrived(n);
            scores(s, first_at, streamed(n));
            wg_wait<0>();
            half_step(n);
            for (n++; n < taken->end; n++) {
                arrived(n);
                sums(of_scores, gradients, streamed(n - 1));
                scores(s, first_at, streamed(n));
                wg_wait<0>();
                warp_arrive(empty + stage_of<STAGES>(n - 1));
                half_step(n);
            }
            sums(of_scores, gradients, streamed(n - 1));
            wg_wait<0>();
            warp_arrive(empty + stage_of<STAGES>(n - 1));
        }
        const int32_t tile = taken->what.tile, head = taken->what.head, batch = taken->what.batch;
        warp_arrive(stays_empty);

        float scale[2], one[2];
        poison |= __shfl_xor_sync(0xffffffffu, poison, 1);
        poison |= __shfl_xor_sync(0xffffffffu, poison, 2);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            one[h] = poison >> h & 1 ? NAN : 1.0f;
            scale[h] = poison >> h & 1 ? NAN : p.scale;
        }
        const head_rows out = KEYS ? head_of(&p.d_k, batch, head, p.kv_len, p.d_qk)
                                   : head_of(&p.d_q, batch, head, p.q_len, p.d_qk);
        store_rows<TYPE, D, ALIGNED>(of_scores, scale, &out, tile * TILE + row);
        if (KEYS) {
            const head_rows out_v = head_of(&p.d_v, batch, head, p.kv_len, p.d_v_size);
            store_rows<TYPE, D, ALIGNED>(of_weights, one, &out_v, tile * TILE + row);
        }
    }
    if (threadIdx.x == GROUP)
        atomicAdd(p.tally + !KEYS, (mas_cuda_tally)(n / 2));
}

/* ---- host ---- */

static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = *k_tile = TILE;
}

/* Boxes of rows that stay or of halves that stream. */
static cudaError_t maps_of(four_maps *maps, const mas_attn_problem *p, const mas_cuda_attention *a,
                           uint32_t query_rows, uint32_t key_rows)
{
    cudaError_t code = tensor_map(&maps->q, &a->q, p, p->q_heads, p->q_len, p->d_qk, query_rows);
    if (code == cudaSuccess)
        code = tensor_map(&maps->d_o, &a->d_o, p, p->q_heads, p->q_len, p->d_v, query_rows);
    if (code == cudaSuccess)
        code = tensor_map(&maps->k, &a->k, p, p->kv_heads, p->kv_len, p->d_qk, key_rows);
    if (code == cudaSuccess)
        code = tensor_map(&maps->v, &a->v, p, p->kv_heads, p->kv_len, p->d_v, key_rows);
    return code;
}

template <mas_dtype TYPE, int D, bool KEYS>
static cudaError_t launch_pass(const mas_attn_plan *plan, const mas_cuda_attention *a,
                               const float *delta)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_schedule *s = plan->schedule;
    dim3 grid;
    four_maps maps;
    cudaError_t code = maps_of(&maps, p, a, KEYS ? HALF : TILE, KEYS ? TILE : HALF);
    if (code == cudaSuccess)
        code = blocks_for(a, p->batch * (KEYS ? s->k_tiles * p->kv_heads : s->q_tiles * p->q_heads),
                          &grid);
    if (code != cudaSuccess)
        return code;
    const bool aligned =
        KEYS ? view_aligned(&a->d_k) && view_aligned(&a->d_v) : view_aligned(&a->d_q);
    const dim3 block(GROUP * (1 + CONSUMERS));
    return aligned ? simt_launch(backward_sm90<TYPE, D, KEYS, true>, grid, block, layout<D>::bytes,
                                 mas_cuda_stream(), maps, *a, delta)
                   : simt_launch(backward_sm90<TYPE, D, KEYS, false>, grid, block, layout<D>::bytes,
                                 mas_cuda_stream(), maps, *a, delta);
}

template <mas_dtype TYPE, int D>
static cudaError_t launch(const mas_attn_plan *plan, const mas_cuda_attention *a, float *delta)
{
    cudaError_t code = mas_cuda_attention_delta(plan, a, delta);
    if (code == cudaSuccess)
        code = launch_pass<TYPE, D, true>(plan, a, delta);
    if (code == cudaSuccess)
        code = launch_pass<TYPE, D, false>(plan, a, delta);
    return code;
}

template <mas_dtype TYPE>
static cudaError_t launch_sized(const mas_attn_plan *plan, const mas_cuda_attention *a,
                                float *delta)
{
    return is_small(&plan->problem) ? launch<TYPE, 64>(plan, a, delta)
                                    : launch<TYPE, 128>(plan, a, delta);
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    mas_cuda_attention a = mas_cuda_attention_of(plan, args);
    float *delta = (float *)args->workspace;
    mas_cuda_packed packed;
    cudaError_t code = mas_cuda_pack(&packed, p, &a);
    if (code == cudaSuccess)
        code = p->dtype == MAS_DTYPE_BF16 ? launch_sized<MAS_DTYPE_BF16>(plan, &a, delta)
                                          : launch_sized<MAS_DTYPE_F16>(plan, &a, delta);
    mas_cuda_unpack(&packed);
    const mas_status status = mas_cuda_check(code, plan->kernel->name, err);
    if (status != MAS_OK)
        return status;
    const int64_t tiles = plan->schedule->tiles * p->batch * p->q_heads;
    return mas_cuda_expect(tiles, tiles, counts, err);
}

extern "C" const mas_attn_kernel mas_cuda_backward_sm90 = {
    .name = "attn_backward/flash/sm90",
    .op = MAS_ATTN_BACKWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = mas_cuda_sm90_supports,
    .tile = tile_shape,
    .workspace_bytes = mas_cuda_delta_bytes,
    .run = run,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .opaque = false,
};
