/* SPDX-License-Identifier: Apache-2.0 */
/* Embedding rows and their gradient. Backward, many tokens may share a row of the table: the block of
 * the first of them adds them all up, in their order, so no two blocks write one row and no atomics
 * are needed. The other blocks find an earlier token of the same id and stop, frequent ids soon. */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

enum { THREADS = 256, WARPS = THREADS / 32, STEP = 1024, PER_THREAD = STEP / THREADS };

__global__ void __launch_bounds__(THREADS)
    embed_rows(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
               const float *token_table, const float *position_table, float *out)
{
    const int64_t at = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * 4;
    place p = place_of(at, c);
    for (int e = 0; e < 4 && at + e < n * c; e++, place_advance(&p, c)) {
        float x = token_table[ids[p.row] * c + p.column];
        if (position_table)
            x += position_table[positions[p.row] * c + p.column];
        out[at + e] = x;
    }
}

/* table[id] += the rows of d_out whose id it is. A block a token; its threads are the columns, and
 * where there are fewer columns than threads, several groups of threads share the rows. */
__global__ void __launch_bounds__(THREADS)
    embed_gradient(int64_t n, int64_t c, const int32_t *ids, const float *d_out, float *table)
{
    SIMT_DYN_SMEM(float, smem);
    int *list = (int *)(smem + THREADS), *counts = list + STEP; /* [STEP], [WARPS + 1] */
    const int tid = (int)threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int64_t me = blockIdx.x;
    const int32_t id = ids[me];

    /* is there an earlier one? */
    for (int64_t from = 0; from < me; from += THREADS) {
        const uint32_t same = __ballot_sync(0xffffffffu, from + tid < me && ids[from + tid] == id);
        if (lane == 0)
            counts[warp] = same != 0;
        __syncthreads();
        int found = 0;
        for (int i = 0; i < WARPS; i++)
            found |= counts[i];
        __syncthreads();
        if (found)
            return; /* all threads alike */
    }

    const int columns = c < THREADS ? (int)c : THREADS, groups = THREADS / columns;
    const int group = tid / columns, column = tid % columns;
    for (int64_t j0 = 0; j0 < c; j0 += columns) {
        const int64_t j = j0 + column;
        float sum = 0.0f;
        for (int64_t from = me; from < n; from += STEP) {
            /* places of the id among the next STEP tokens, in order: each warp has a stretch */
            uint32_t same[PER_THREAD];
            int mine = 0;
            for (int k = 0; k < PER_THREAD; k++) {
                const int64_t i = from + warp * (STEP / WARPS) + k * 32 + lane;
                same[k] = __ballot_sync(0xffffffffu, i < n && ids[i] == id);
                mine += simt_popcount(same[k]);
            }
            __syncthreads(); /* the list of the last round is used up */
            if (lane == 0)
                counts[warp] = mine;
            __syncthreads();
            int at = 0, all = 0;
            for (int w = 0; w < WARPS; w++) {
                at += w < warp ? counts[w] : 0;
                all += counts[w];
            }
            for (int k = 0; k < PER_THREAD; k++) {
                if (same[k] >> lane & 1)
                    list[at + simt_popcount(same[k] & ((1u << lane) - 1))] =
                        warp * (STEP / WARPS) + k * 32 + lane;
                at += simt_popcount(same[k]);
            }
            __syncthreads();
            if (group < groups && j < c)
                for (int k = group; k < all; k += groups)
                    sum += d_out[(from + list[k]) * c + j];
        }
        __syncthreads();
        smem[tid] = sum;
        __syncthreads();
        if (group == 0 && j < c) {
            float total = 0.0f;
            for (int g = 0; g < groups; g++)
                total += smem[g * columns + column];
            table[id * c + j] += total;
        }
    }
}

/* ---- host ---- */

void mas_cuda_embed(mas_device *d, int64_t n, int64_t c, const int32_t *ids,
                    const int32_t *positions, const float *token_table, const float *position_table,
                    float *out)
{
    (void)d;
    mas_cuda_note(simt_launch(embed_rows, dim3(mas_cuda_blocks(n * c, 4 * THREADS)), dim3(THREADS),
                              0, mas_cuda_stream(), n, c, ids, positions, token_table,
                              position_table, out),
                  "embed");
}

static void gradient(int64_t n, int64_t c, const int32_t *ids, const float *d_out, float *table)
{
    mas_cuda_note(simt_launch(embed_gradient, dim3((unsigned)n), dim3(THREADS),
                              THREADS * sizeof(float) + (STEP + WARPS) * sizeof(int),
                              mas_cuda_stream(), n, c, ids, d_out, table),
                  "embed_backward");
}

void mas_cuda_embed_backward(mas_device *d, int64_t n, int64_t c, int64_t vocab, const int32_t *ids,
                             const int32_t *positions, const float *d_out, float *d_token_table,
                             float *d_position_table)
{
    (void)d, (void)vocab;
    gradient(n, c, ids, d_out, d_token_table);
    if (d_position_table)
        gradient(n, c, positions, d_out, d_position_table);
}
