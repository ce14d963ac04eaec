/* SPDX-License-Identifier: Apache-2.0 */
/* Forward attention for compute capability 9.0: FlashAttention-3 (Shah et al., arXiv 2407.08608) over span
 * schedules. An item of work is a tile of queries and a head. The first warpgroup brings tiles of K and V into a ring
 * of buffers, each of the others keeps 64 rows of O and multiplies out of that ring.
 *
 * Choices: the scores of the next tile are multiplied while this tile's weights multiply V, so that the softmax in
 * between waits for one of the two only. Within straight code ptxas chooses where to wait for the other, and chose
 * before the softmax; so the wait for the next keys, a branch, stands between. Warps of the first warpgroup that copy
 * nothing take values that are not finite out of partial tiles of V; whole tiles are left as they are. Blocks stay and
 * take item after item; queries have two buffers, so the first warpgroup is an item ahead, and looks up where its walk
 * begins. An item's outputs are stored while the next one's first scores are multiplied; ptxas allows that if nothing
 * writes to a sum meanwhile (so they are packed before) and each product under way is begun at one place of the
 * program only. A warpgroup lets tiles pass of which its own rows see nothing; tiles have 64 keys instead of 128 where
 * that leaves out enough.
 *
 * Measured on an H100, each pair of programs in one run, full and window 1,024 at 2,048 and 8,192 positions;
 * its clock moves the same program by 10 % between runs, so less than that says nothing:
 * - blocks that stay beside one block an item: time x 0.79 to 1.02;
 * - four buffers of K and V beside two at head size 64: x 0.87 to 1.02;
 * - three warpgroups of rows beside two at head size 64: x 0.83 and 0.92;
 * - leaving out rescale() where no maximum of the warp changed: x 0.87 to 1.18, dropped.
 *
 * Counted in its machine code, a thread, a whole tile of 128 keys, head size 64: 490 instructions, 66 of them
 * exponentials. Three warps share a scheduler: 1,470 issue slots and, at 8 cycles each, 1,584 cycles of exponentials
 * beside 1,536 of products. So exponentials as polynomials would gain little: issue slots are as short. A mask by bits
 * adds 150, it added 240 by comparisons; a softcap adds 16 an element, it added 35 with a division.
 *
 * Not measured yet: masks by bits, outputs stored beside a product, walks looked up ahead, the wait for O behind the
 * softmax (everything above ran with it before: all 64 exponentials a thread and tile came when both products were
 * done; the paper's ablation has 661 TFLOP/s with the two overlapped, and without 570 or 582, by second-hand reports
 * that do not say which), the second buffer of queries, tiles let pass, tiles of 64 keys. Own blocks of 1,024 ran at
 * 0.54 of the dense rate with 1.12 times the useful products, 4.5 tiles an item: by these figures an item cost as much
 * as 2.7 tiles beside its tiles, and its queries and first keys were asked for only when the item before was done with
 * its own. Bigbird of blocks of 64 at 8,192 executed 2.96 (head size 64) and 2.20 times its useful products; a
 * warpgroup's parts of tiles hold 1.56 times as many with 128 keys and 1.07 with 64.
 *
 * Not tried: turns between the warpgroups, so that one's softmax falls into the other's products (the paper's
 * ping-pong). Here each may let other tiles pass, so that turns are not simply one a tile. */
#include "kernels/cuda/attention_sm90.h"

#include <algorithm>

enum { ITEMS = 2 }; /* under way */

/* ---- the work of a launch ---- */

/* A tile of queries of a head of a batch. Blocks that stay are as many as multiprocessors and take one item
 * after another, so that the copies of the next begin before the last is stored. Items of one head follow each
 * other, which keeps its keys and values in the second-level cache, the longest first. */
struct item {
    int32_t tile, head, batch; /* tile < 0: there are no more */
    visit now;                 /* the first one, */
    walk w;                    /* and what comes after: one thread looks them up for all */
};

/* The next item, by one thread of the block. */
static __device__ __forceinline__ item item_take(const mas_cuda_attention *p)
{
    const unsigned i = atomicAdd(p->queue, 1u), head = i / (unsigned)p->s.q_tiles;
    item x;
    x.tile = -1;
    x.head = (int32_t)(head % (unsigned)p->q_heads);
    x.batch = (int32_t)(head / (unsigned)p->q_heads);
    if (x.batch < p->batches) {
        x.tile = p->s.q_order[i % (unsigned)p->s.q_tiles];
        x.w = walk_begin(p->s.q_start, p->s.q_spans, x.tile);
        x.now = walk_next(&x.w);
    }
    return x;
}

/* Blocks for that many items, with the queue at its beginning. */
static inline cudaError_t blocks_for(const mas_cuda_attention *a, int64_t items, dim3 *grid)
{
    *grid = dim3((unsigned)std::min<int64_t>(items, mas_cuda_processors()));
    return cudaMemsetAsync(a->queue, 0, sizeof *a->queue, mas_cuda_stream());
}

/* ---- the kernel ---- */

/* Shared memory, offsets in bytes. Tiles as hopper.h has them. K and V have room for four tiles of 128 keys of 64
 * numbers each, or as many of another size. */
template <int D, int BN, int CONSUMERS> struct forward_layout {
    static constexpr int STAGES = 4 * 64 * 128 / (D * BN), BM = 64 * CONSUMERS,
                         queries = BM * D * 2, tile = BN * D * 2, q = 0, k = ITEMS * queries,
                         v = k + STAGES * tile, bad = v + STAGES * tile,
                         barriers = bad + (STAGES * (BN + 1) + 1) / 2 * 2 * (int)sizeof(int),
                         taken = barriers + (2 * ITEMS + 5 * STAGES) * (int)sizeof(uint64_t),
                         bytes = taken + ITEMS * (int)sizeof(item);
};

struct ring {
    uint64_t *q_full, *q_empty, *k_full, *k_empty, *v_full, *v_empty, *v_clean;
};

/* BN: keys of a tile. */
template <mas_dtype TYPE, int D, int BN, int CONSUMERS>
__global__ void __launch_bounds__(GROUP *(1 + CONSUMERS), 1)
    forward_sm90(const __grid_constant__ simt_tensor_map q_map,
                 const __grid_constant__ simt_tensor_map k_map,
                 const __grid_constant__ simt_tensor_map v_map, mas_cuda_attention p)
{
    using at = forward_layout<D, BN, CONSUMERS>;
    constexpr int STAGES = at::STAGES, PARTS = BN / MAS_CUDA_PART;
    SIMT_DYN_SMEM(unsigned char, smem);
    int *bad = (int *)(smem + at::bad); /* [STAGES][BN + 1], see sanitise */
    ring r;
    r.q_full = (uint64_t *)(smem + at::barriers);
    r.q_empty = r.q_full + ITEMS;
    r.k_full = r.q_empty + ITEMS;
    r.k_empty = r.k_full + STAGES;
    r.v_full = r.k_empty + STAGES;
    r.v_empty = r.v_full + STAGES;
    r.v_clean = r.v_empty + STAGES;

    const int group = simt_uniform((int)threadIdx.x / GROUP), warp = (int)threadIdx.x % GROUP / 32,
              lane = (int)threadIdx.x % 32;
    item *taken = (item *)(smem + at::taken); /* [ITEMS], there when q_full says so */

    for (int i = (int)threadIdx.x; i < STAGES * (BN + 1); i += GROUP * (1 + CONSUMERS))
        bad[i] = -1;
    if (threadIdx.x == 0) {
        for (int i = 0; i < ITEMS; i++) {
            mbar_init(r.q_full + i, 1);
            mbar_init(r.q_empty + i, 4 * CONSUMERS + HELPERS);
        }
        for (int i = 0; i < STAGES; i++) {
            mbar_init(r.k_full + i, 1);
            mbar_init(r.v_full + i, 1);
            mbar_init(r.k_empty + i, 4 * CONSUMERS);
            mbar_init(r.v_empty + i, 4 * CONSUMERS + HELPERS);
            mbar_init(r.v_clean + i, HELPERS);
        }
        mbar_fence_init();
    }
    __syncthreads();

    if (group == 0) {
        registers_release<registers<CONSUMERS>::few>();
        if (threadIdx.x == 0) {
            int visits = 0;
            for (int m = 0;; m++) {
                const item x = item_take(&p);
                const int slot = stage_of<ITEMS>(m);
                mbar_wait(r.q_empty + slot, parity_of<ITEMS>(m) ^ 1);
                taken[slot] = x;
                if (x.tile < 0) {
                    mbar_arrive(r.q_full + slot);
                    break;
                }
                fetch<D, at::BM>(smem + at::q + slot * at::queries, &q_map, x.tile * at::BM, x.head,
                                 x.batch, r.q_full + slot);
                const int kv_head = x.head / p.group;
                walk w = x.w;
                for (visit now = x.now; now.tile >= 0; now = walk_next(&w), visits++) {
                    const int stage = stage_of<STAGES>(visits), parity = parity_of<STAGES>(visits);
                    mbar_wait(r.k_empty + stage, parity ^ 1);
                    fetch<D, BN>(smem + at::k + stage * at::tile, &k_map, now.tile * BN, kv_head,
                                 x.batch, r.k_full + stage);
                    mbar_wait(r.v_empty + stage, parity ^ 1);
                    fetch<D, BN>(smem + at::v + stage * at::tile, &v_map, now.tile * BN, kv_head,
                                 x.batch, r.v_full + stage);
                }
            }
        } else if (warp > 0) {
            const int helper = (int)threadIdx.x - 32;
            int visits = 0;
            for (int m = 0;; m++) {
                const int slot = stage_of<ITEMS>(m);
                mbar_wait(r.q_full + slot, parity_of<ITEMS>(m));
                const item x = taken[slot];
                warp_arrive(r.q_empty + slot);
                if (x.tile < 0)
                    break;
                walk w = x.w;
                for (visit now = x.now; now.tile >= 0; now = walk_next(&w), visits++) {
                    const int stage = stage_of<STAGES>(visits), parity = parity_of<STAGES>(visits);
                    unsigned char *values = smem + at::v + stage * at::tile;
                    mbar_wait(r.v_full + stage, parity);
                    if (now.pattern >= 0)
                        sanitise<TYPE, D, BN>(values, bad + stage * (BN + 1), visits, helper);
                    warp_arrive(r.v_clean + stage);
                    warp_arrive(r.v_empty + stage);
                }
            }
        }
        return;
    }

    registers_acquire<registers<CONSUMERS>::many>();
    const int row = (group - 1) * 64 + warp * 16 + lane / 4; /* in the tile; and + 8 */
    const uint32_t q_at = simt_smem_addr(smem + at::q) + (uint32_t)(group - 1) * 64 * 128,
                   k_at = simt_smem_addr(smem + at::k), v_at = simt_smem_addr(smem + at::v);
    const float to_log2 = score_to_log2(&p);
    float o[D / 8][4], s[BN / 8][4], shrink[2];
    uint32_t weights[BN / 16][4]; /* the left operand of the second product */
    uint32_t outputs[D / 8][2];
    softmax_rows rows;
    bool whole; /* Do this warpgroup's rows see all of the tile whose keys are there? If not: */
    uint32_t seen[2];

    auto multiply_keys = [&](uint32_t queries, int n) {
        const uint64_t a = wg_descriptor(queries, 16, 1024),
                       b = wg_descriptor(k_at + (uint32_t)(stage_of<STAGES>(n) * at::tile), 16,
                                         1024);
        wg_fence();
#pragma unroll
        for (int c = 0; c < D / 16; c++)
            wgmma_shared<TYPE, BN>(s, wg_descriptor_at(a, c / 4 * at::BM * 128 + c % 4 * 32),
                                   wg_descriptor_at(b, c / 4 * BN * 128 + c % 4 * 32), c > 0);
        wg_commit();
    };
    auto multiply_values = [&](int n) {
        const uint64_t b =
            wg_descriptor(v_at + (uint32_t)(stage_of<STAGES>(n) * at::tile), BN * 128, 1024);
        wg_fence();
#pragma unroll
        for (int c = 0; c < BN / 16; c++)
            wgmma_registers<TYPE, D>(o, weights[c], wg_descriptor_at(b, c * 16 * 128));
        wg_commit();
    };
    auto weigh = [&] {
        if (p.softcap > 0)
            cap_scores<BN>(s, &p);
        if (!whole)
            hide<BN>(s, seen, -INFINITY);
        softmax_step<BN>(s, &rows, to_log2, shrink);
    };
    auto pack = [&] {
#pragma unroll
        for (int c = 0; c < BN / 16; c++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                weights[c][i] = element<TYPE>::pack(s[2 * c + i / 2][i % 2 * 2],
                                                    s[2 * c + i / 2][i % 2 * 2 + 1]);
    };
    auto values_ready = [&](visit x, int n) {
        const int stage = stage_of<STAGES>(n);
        mbar_wait(r.v_full + stage, parity_of<STAGES>(n));
        if (x.pattern >= 0) {
            mbar_wait(r.v_clean + stage, parity_of<STAGES>(n));
            const int *marks = bad + stage * (BN + 1);
            if (marks[BN] == n) { /* whoever sees a bad value gets NaN */
                uint32_t sees[2]; /* `seen` may be of the next visit */
                columns_seen(&p.s, x.pattern, row, sees);
                poison<BN>(rows.sum, sees, marks, n);
            }
        }
    };

    /* A tile of which this warpgroup's rows see nothing: let it pass. */
    auto pass = [&](int n) {
        const int stage = stage_of<STAGES>(n);
        mbar_wait(r.k_full + stage, parity_of<STAGES>(n));
        warp_arrive(r.k_empty + stage);
        mbar_wait(r.v_full + stage, parity_of<STAGES>(n));
        warp_arrive(r.v_empty + stage);
    };
    auto concerns = [&](visit x) {
        return x.tile >= 0 && strip_some<PARTS>(&p.s, x.pattern, group - 1);
    };
    /* Is tile x, visit n, one to multiply? Then its keys are there, and what is seen of them. */
    auto keys_ready = [&](visit x, int n) {
        if (!concerns(x))
            return false;
        whole = strip_all<PARTS>(&p.s, x.pattern, group - 1);
        if (!whole)
            columns_seen(&p.s, x.pattern, row, seen);
        mbar_wait(r.k_full + stage_of<STAGES>(n), parity_of<STAGES>(n));
        return true;
    };

    int visits = 0;
    item done; /* its outputs are still to be stored; tile < 0: none */
    done.tile = -1;
    auto store = [&] {
        const head_rows out = head_of(&p.o, done.batch, done.head, p.q_len, p.d_v_size);
        if (done.tile >= 0)
            store_pairs<D>(outputs, &out, done.tile * at::BM + row);
        done.tile = -1;
#pragma unroll
        for (int i = 0; i < D / 8; i++)
            outputs[i][0] = outputs[i][1] = 0; /* or the compiler keeps them through the loop */
    };
    for (int m = 0;; m++) {
        const int slot = stage_of<ITEMS>(m);
        mbar_wait(r.q_full + slot, parity_of<ITEMS>(m));
        const item x = taken[slot];
        if (x.tile < 0)
            break;
        const uint32_t queries = q_at + (uint32_t)(slot * at::queries);
        walk w = x.w;
        visit now = x.now;
        rows = softmax_begin();
        clear(o, D / 8);
        auto skip = [&] {
            while (now.tile >= 0 && !keys_ready(now, visits)) {
                pass(visits++);
                now = walk_next(&w);
            }
        };
        for (skip(); now.tile >= 0; skip()) {
            multiply_keys(queries, visits);
            store(); /* the item before, meanwhile */
            wg_wait<0>();
            warp_arrive(r.k_empty + stage_of<STAGES>(visits));
            weigh();
            rescale<D>(o, shrink);
            pack();
            visit next = walk_next(&w);
            for (bool more = keys_ready(next, visits + 1); more; visits++) {
                multiply_keys(queries, visits + 1);
                values_ready(now, visits);
                multiply_values(visits);
                wg_wait<1>(); /* the scores of the next tile */
                warp_arrive(r.k_empty + stage_of<STAGES>(visits + 1));
                weigh();
                now = next;
                next = walk_next(&w);
                /* here, not above: a branch between the softmax and the wait for O */
                more = keys_ready(next, visits + 2);
                wg_wait<0>(); /* this tile's part of O */
                warp_arrive(r.v_empty + stage_of<STAGES>(visits));
                rescale<D>(o, shrink);
                pack();
            }
            values_ready(now, visits);
            multiply_values(visits);
            wg_wait<0>();
            warp_arrive(r.v_empty + stage_of<STAGES>(visits));
            visits++;
            now = next;
        }
        warp_arrive(r.q_empty + slot);
        store(); /* unless it was: this one had nothing to multiply */
        float factor[2];
        softmax_close(&p, &rows, to_log2, x.batch, x.head, x.tile * at::BM + row, factor);
        pack_pairs<TYPE, D>(o, factor, outputs);
        done = x;
    }
    store();
    if (threadIdx.x == GROUP)
        atomicAdd(p.tally, (mas_cuda_tally)visits);
}

/* ---- host ---- */

enum { CONSUMERS_SMALL = 3, CONSUMERS_LARGE = 2 }; /* as many as registers allow */
enum { NARROW = 64, WIDE = 128 };                  /* keys of a tile */

/* Keys that warpgroups multiply, one after the other, in tiles of that many; 0 without memory. */
static int64_t keys_multiplied(const mas_attn_problem *p, int32_t keys)
{
    mas_schedule *s;
    if (mas_schedule_build(p->mask, p->q_len, p->kv_len, p->alignment, MAS_CUDA_PART, keys, &s,
                           NULL) != MAS_OK)
        return 0;
    const int64_t multiplied = s->tiles * keys;
    mas_schedule_free(s);
    return multiplied;
}

static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    /* What a key of a narrow tile costs, in keys of a wide one. Estimated: a product of 64 columns asks shared
     * memory for 128 bytes a cycle, all it gives, one of 128 columns for 96; and waits come twice as often. */
    const double narrow_cost = 1.2;
    *q_tile = 64 * (is_small(p) ? CONSUMERS_SMALL : CONSUMERS_LARGE);
    *k_tile = narrow_cost * (double)keys_multiplied(p, NARROW) < (double)keys_multiplied(p, WIDE)
                  ? NARROW
                  : WIDE;
}

template <mas_dtype TYPE, int D, int BN, int CONSUMERS>
static cudaError_t launch(const mas_attn_plan *plan, const mas_cuda_attention *a)
{
    using at = forward_layout<D, BN, CONSUMERS>;
    const mas_attn_problem *p = &plan->problem;
    dim3 grid;
    simt_tensor_map q, k, v;
    cudaError_t code = tensor_map(&q, &a->q, p, p->q_heads, p->q_len, p->d_qk, at::BM);
    if (code == cudaSuccess)
        code = tensor_map(&k, &a->k, p, p->kv_heads, p->kv_len, p->d_qk, BN);
    if (code == cudaSuccess)
        code = tensor_map(&v, &a->v, p, p->kv_heads, p->kv_len, p->d_v, BN);
    if (code == cudaSuccess)
        code = blocks_for(a, plan->schedule->q_tiles * p->q_heads * p->batch, &grid);
    if (code != cudaSuccess)
        return code;
    return simt_launch(forward_sm90<TYPE, D, BN, CONSUMERS>, grid, dim3(GROUP * (1 + CONSUMERS)),
                       at::bytes, mas_cuda_stream(), q, k, v, *a);
}

template <mas_dtype TYPE, int D, int CONSUMERS>
static cudaError_t launch_tiled(const mas_attn_plan *plan, const mas_cuda_attention *a)
{
    return a->s.k_tile == NARROW ? launch<TYPE, D, NARROW, CONSUMERS>(plan, a)
                                 : launch<TYPE, D, WIDE, CONSUMERS>(plan, a);
}

template <mas_dtype TYPE>
static cudaError_t launch_sized(const mas_attn_plan *plan, const mas_cuda_attention *a)
{
    return is_small(&plan->problem) ? launch_tiled<TYPE, 64, CONSUMERS_SMALL>(plan, a)
                                    : launch_tiled<TYPE, 128, CONSUMERS_LARGE>(plan, a);
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    return mas_cuda_run_packed(
        plan, args, counts, err,
        [&]<mas_dtype TYPE>(const mas_cuda_attention *a) { return launch_sized<TYPE>(plan, a); });
}

extern "C" const mas_attn_kernel mas_cuda_forward_sm90 = {
    .name = "attn_forward/flash/sm90",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = mas_cuda_sm90_supports,
    .tile = tile_shape,
    .workspace_bytes = NULL,
    .run = run,
    .prepare = mas_cuda_schedule_prepare,
    .discard = mas_cuda_schedule_discard,
    .two_passes = false,
    .opaque = false,
};
