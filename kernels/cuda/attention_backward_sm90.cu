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
 * Choices: a visit of 128 streamed rows is taken in halves, as registers allow. A half's gradients are multiplied
 * while the weights of the next are computed, and so, where registers allow, is that one's dP. Thread 0 alone walks
 * over the schedule and leaves a note of each half, the helpers bring its lse and delta: registers are what this
 * kernel lacks, 24 a thread for the first warpgroup, and for the others 240 of which 128 hold sums. A warpgroup lets
 * halves pass of which its own rows see nothing, and takes those without masks of which they see all.
 *
 * Measured on an H100 in one run: blocks that stay and take item after item, as in the forward pass, took 1.00
 * to 1.12 times the time of one block an item; dropped.
 *
 * In its machine code descriptors were computed lane by lane and moved over, 10 instructions between two of a product,
 * as the compiler could not know that all lanes are at the same half; told so, 0 to 3.
 *
 * Not measured yet: that; spans of streamed rows brought by the helpers; gradients multiplied beside the next half's
 * weights (before, both that product and S were waited for first, and over keys with head size 128 nothing ran beside
 * the exponentials); halves let pass. Bigbird of blocks of 64 at 8,192 executed 2.20 times its useful products; its
 * schedule in tiles of 64 x 64, a warpgroup's part of a half, holds 1.07 times as many. */
#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/attention_sm90.h"

enum {
    TILE = 128,
    HALF = 64,
    CONSUMERS = TILE / 64,
    STAGES = 3,
    THE_END = -2,
    PARTS = TILE / MAS_CUDA_PART
};

static_assert((int)HALF == MAS_CUDA_PART, "a half of the stream is a part of a tile");

/* Shared memory, offsets in bytes. */
template <int D> struct backward_layout {
    static constexpr int stays = TILE * D * 2, half = HALF * D * 2, first = 0, second = stays,
                         ring = 2 * stays, rows = ring + STAGES * 2 * half,
                         spans = rows + STAGES * 2 * HALF * (int)sizeof(float),
                         marks = spans + STAGES * HALF * (int)sizeof(mas_row_span),
                         notes = marks + STAGES * 2 * (HALF + 1) * (int)sizeof(int),
                         barriers = (notes + STAGES * 3 * (int)sizeof(int) + 7) / 8 * 8,
                         bytes = barriers + (1 + 4 * STAGES) * (int)sizeof(uint64_t);
};

/* What streams past a tile; over keys, once for each query head of the group. */
template <bool KEYS>
static __device__ __forceinline__ walk stream(const mas_cuda_schedule *s, int32_t tile)
{
    return KEYS ? walk_begin(s->k_start, s->k_spans, tile)
                : walk_begin(s->q_start, s->q_spans, tile);
}

/* What thread 0 says of a half: its pattern or THE_END, its first row, its head. */
struct note {
    int32_t pattern, row, head;
};

/* The maps and the heads of the four tensors. */
typedef struct four_maps {
    simt_tensor_map q, k, v, d_o;
} four_maps;

template <mas_dtype TYPE, int D, bool KEYS>
__global__ void __launch_bounds__(GROUP *(1 + CONSUMERS), 1)
    backward_sm90(const __grid_constant__ four_maps maps, mas_cuda_attention p, const float *delta)
{
    using at = backward_layout<D>;
    /* Is dP multiplied while weights are computed? Not where that takes more registers than there are. */
    constexpr bool EARLY = !(KEYS && D == 128);
    SIMT_DYN_SMEM(unsigned char, smem);
    float *vectors = (float *)(smem + at::rows);              /* [STAGES][2][HALF]: lse and delta */
    mas_row_span *spans = (mas_row_span *)(smem + at::spans); /* [STAGES][HALF] */
    note *notes = (note *)(smem + at::notes);                 /* [STAGES] */
    int *marks = (int *)(smem + at::marks); /* [STAGES][2][HALF + 1], see sanitise */
    uint64_t *stays = (uint64_t *)(smem + at::barriers), *noted = stays + 1, *full = noted + STAGES,
             *ready = full + STAGES, *empty = ready + STAGES;

    const int group = simt_uniform((int)threadIdx.x / GROUP), warp = (int)threadIdx.x % GROUP / 32,
              lane = (int)threadIdx.x % 32;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z,
              tile = KEYS ? p.s.k_order[blockIdx.x] : p.s.q_order[blockIdx.x];
    for (int i = (int)threadIdx.x; i < STAGES * 2 * (HALF + 1); i += GROUP * (1 + CONSUMERS))
        marks[i] = -1;
    if (threadIdx.x == 0) {
        mbar_init(stays, 2); /* two tensors each */
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
            fetch<D, TILE>(smem + at::first, KEYS ? &maps.k : &maps.q, tile * TILE, head, batch,
                           stays);
            fetch<D, TILE>(smem + at::second, KEYS ? &maps.v : &maps.d_o, tile * TILE, head, batch,
                           stays);
            const int begin = KEYS ? head * p.group : head / p.group,
                      end = begin + (KEYS ? p.group : 1);
            int n = 0;
            auto say = [&](int pattern, int row, int of_head) {
                const int stage = stage_of<STAGES>(n);
                mbar_wait(empty + stage, parity_of<STAGES>(n) ^ 1);
                notes[stage].pattern = pattern;
                notes[stage].row = row;
                notes[stage].head = of_head;
                mbar_arrive(noted + stage);
            };
#pragma unroll 1
            for (int streamed = begin; streamed < end; streamed++) {
                walk w = stream<KEYS>(&p.s, tile);
#pragma unroll 1
                for (visit v; (v = walk_next(&w)).tile >= 0;)
#pragma unroll 1
                    for (int row = v.tile * TILE; row < (v.tile + 1) * TILE; row += HALF, n++) {
                        const int stage = stage_of<STAGES>(n);
                        unsigned char *to = smem + at::ring + stage * 2 * at::half;
                        say(v.pattern, row, streamed);
                        fetch<D, HALF>(to, KEYS ? &maps.q : &maps.k, row, streamed, batch,
                                       full + stage);
                        fetch<D, HALF>(to + at::half, KEYS ? &maps.d_o : &maps.v, row, streamed,
                                       batch, full + stage);
                    }
            }
            say(THE_END, 0, 0);
        } else if (warp > 0) {
            const int helper = (int)threadIdx.x - 32;
            for (int n = 0;; n++) {
                const int stage = stage_of<STAGES>(n);
                mbar_wait(noted + stage, parity_of<STAGES>(n));
                const int pattern = notes[stage].pattern;
                if (KEYS && pattern != THE_END && helper < HALF) {
                    const int row = notes[stage].row + helper;
                    const size_t of = ((size_t)batch * p.q_heads + notes[stage].head) * p.q_len;
                    float *to = vectors + stage * 2 * HALF + helper;
                    to[0] = row < p.q_len ? p.lse[of + row] : 0.0f;
                    to[HALF] = row < p.q_len ? delta[of + row] : 0.0f;
                    if (pattern >= 0)
                        spans[stage * HALF + helper] = row_span(&p.s, pattern, row % TILE);
                }
                if (pattern >= 0) {
                    unsigned char *half = smem + at::ring + stage * 2 * at::half;
                    int *mark = marks + stage * 2 * (HALF + 1);
                    mbar_wait(full + stage, parity_of<STAGES>(n));
                    sanitise<TYPE, D, HALF>(half, mark, n, helper);
                    if (KEYS)
                        sanitise<TYPE, D, HALF>(half + at::half, mark + HALF + 1, n, helper);
                }
                warp_arrive(ready + stage);
                if (pattern == THE_END)
                    break;
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
    float taint[2] = {0.0f, 0.0f}; /* NaN for a row that meets one which is not finite */
    uint32_t weights[HALF / 16][4], gradients[HALF / 16][4];
#pragma unroll
    for (int i = 0; i < D / 8; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            of_scores[i][e] = 0.0f;
            if (KEYS)
                of_weights[i][e] = 0.0f;
        }
#pragma unroll
    for (int h = 0; !KEYS && h < 2; h++) {
        const int r = tile * TILE + row + 8 * h;
        const size_t of = ((size_t)batch * p.q_heads + head) * p.q_len + r;
        lse[h] = r < p.q_len ? p.lse[of] : 0.0f;
        deltas[h] = r < p.q_len ? delta[of] : 0.0f;
    }

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
        for (int i = 0; i < HALF / 8; i++) {
            if (CAP && i == HALF / 16)
                __syncwarp(); /* ptxas takes registers for one half at a time */
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
    /* The half that is looked at; its pattern, or THE_END. */
    int n = -1, pattern = THE_END;
    /* The next one, once it is there. The compiler cannot know that all lanes have the same n; told, it keeps what
     * follows from it, descriptors above all, in registers that a warp has one of. */
    auto advance = [&] {
        n = simt_uniform(n + 1);
        const int stage = stage_of<STAGES>(n), parity = parity_of<STAGES>(n);
        mbar_wait(ready + stage, parity);
        pattern = notes[stage].pattern;
        if (pattern != THE_END)
            mbar_wait(full + stage, parity);
    };
    /* Which of its rows, of this lane's columns, row h of those that stay sees or is seen by. */
    auto look = [&](uint32_t seen[2]) {
        if (KEYS) {
            columns_seeing<HALF>(spans + stage_of<STAGES>(n) * HALF, row, seen);
        } else {
            columns_seen(&p.s, pattern, row, seen);
            seen[0] >>= n % 2 * (HALF / 4);
            seen[1] >>= n % 2 * (HALF / 4);
        }
    };
    auto streamed = [&](int of) {
        return ring_at + (uint32_t)(stage_of<STAGES>(of) * 2 * at::half);
    };
    auto let_go = [&](int of) { warp_arrive(empty + stage_of<STAGES>(of)); };
    /* Its weights and gradients, once S is there; dV grows. `before`: the half whose gradients are being multiplied
     * meanwhile, let go when they are done; -1: none. */
    auto half_step = [&](int before) {
        const int stage = stage_of<STAGES>(n);
        const float *of_rows = vectors + stage * 2 * HALF + lane % 4 * 2;
        const int *mark = marks + stage * 2 * (HALF + 1);
        const bool partial =
            !part_all<PARTS>(&p.s, pattern, KEYS ? n % 2 : group - 1, KEYS ? group - 1 : n % 2);
        uint32_t seen[2] = {~(uint32_t)0, ~(uint32_t)0};
        if (EARLY)
            scores(dp, second_at, streamed(n) + at::half);
        if (partial)
            look(seen);
        if (pattern >= 0) {
            if (mark[HALF] == n)
                poison<HALF>(taint, seen, mark, n);
            if (KEYS && mark[2 * HALF + 1] == n)
                poison<HALF>(taint, seen, mark + HALF + 1, n);
        }
        if (p.softcap > 0 && partial)
            weigh.template operator()<true, true>(seen, of_rows);
        else if (p.softcap > 0)
            weigh.template operator()<true, false>(seen, of_rows);
        else if (partial)
            weigh.template operator()<false, true>(seen, of_rows);
        else
            weigh.template operator()<false, false>(seen, of_rows);
        if (!EARLY) {
            wg_wait<0>(); /* before: its gradients make room */
            if (before >= 0)
                let_go(before);
            scores(dp, second_at, streamed(n) + at::half);
        }
        if (KEYS)
            sums(of_weights, weights, streamed(n) + at::half);
        wg_wait<0>();
        if (EARLY && before >= 0)
            let_go(before);
        if (partial)
            differentiate.template operator()<true>(seen, of_rows);
        else
            differentiate.template operator()<false>(seen, of_rows);
    };

    /* Is there anything in it for this warpgroup's rows? */
    auto concerns = [&] {
        return pattern != THE_END &&
               part_some<PARTS>(&p.s, pattern, KEYS ? n % 2 : group - 1, KEYS ? group - 1 : n % 2);
    };

    mbar_wait(stays, 0);
    advance();
    while (pattern != THE_END) {
        if (!concerns()) {
            let_go(n);
            advance();
            continue;
        }
        scores(s, first_at, streamed(n));
        wg_wait<0>();
        half_step(-1);
        for (advance(); concerns(); advance()) {
            scores(s, first_at, streamed(n));
            sums(of_scores, gradients, streamed(n - 1));
            wg_wait<1>(); /* S */
            half_step(n - 1);
        }
        sums(of_scores, gradients, streamed(n - 1));
        wg_wait<0>();
        let_go(n - 1);
    }

    float scale[2], one[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        taint[h] = row_sum(taint[h]);
        one[h] = 1.0f + taint[h];
        scale[h] = p.scale + taint[h];
    }
    const head_rows out = KEYS ? head_of(&p.d_k, batch, head, p.kv_len, p.d_qk)
                               : head_of(&p.d_q, batch, head, p.q_len, p.d_qk);
    store_rows<TYPE, D>(of_scores, scale, &out, tile * TILE + row);
    if (KEYS) {
        const head_rows out_v = head_of(&p.d_v, batch, head, p.kv_len, p.d_v_size);
        store_rows<TYPE, D>(of_weights, one, &out_v, tile * TILE + row);
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
    const dim3 grid((unsigned)(KEYS ? s->k_tiles : s->q_tiles),
                    (unsigned)(KEYS ? p->kv_heads : p->q_heads), (unsigned)p->batch);
    four_maps maps;
    const cudaError_t code = maps_of(&maps, p, a, KEYS ? HALF : TILE, KEYS ? TILE : HALF);
    if (code != cudaSuccess)
        return code;
    return simt_launch(backward_sm90<TYPE, D, KEYS>, grid, dim3(GROUP * (1 + CONSUMERS)),
                       backward_layout<D>::bytes, mas_cuda_stream(), maps, *a, delta);
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
    return mas_cuda_run_packed(plan, args, counts, err,
                               [&]<mas_dtype TYPE>(const mas_cuda_attention *a) {
                                   return launch_sized<TYPE>(plan, a, (float *)args->workspace);
                               });
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
    .two_passes = true,
    .opaque = false,
};
