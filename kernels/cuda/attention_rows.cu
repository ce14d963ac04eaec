/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { THREADS = 128, WARPS = THREADS / 32 };

/* One warp a row. */
__global__ void __launch_bounds__(THREADS)
    delta_rows(mas_cuda_attention p, mas_dtype type, float *delta)
{
    const int lane = (int)threadIdx.x & 31, row = (int)(blockIdx.x * WARPS + (threadIdx.x >> 5)),
              head = (int)blockIdx.y, batch = (int)blockIdx.z;
    float sum = 0.0f;
    if (row < p.q_len) {
        const ptrdiff_t o = batch * p.o.batch + row * p.o.row + head * p.o.head,
                        d = batch * p.d_o.batch + row * p.d_o.row + head * p.d_o.head;
        for (int c = lane * 4; c < p.d_v_size; c += 128) {
            const four a = load4(type, p.o.data, o + c, p.d_v_size - c),
                       b = load4(type, p.d_o.data, d + c, p.d_v_size - c);
            for (int e = 0; e < 4; e++)
                sum = fmaf(a.x[e], b.x[e], sum);
        }
    }
    sum = warp_sum(sum);
    if (lane == 0 && row < p.q_len)
        delta[((size_t)batch * p.q_heads + head) * p.q_len + row] = sum;
}

/* d_sink_h = -sum over batch and rows of exp(sink_h - lse) delta: one block a head, sums in a fixed
 * order. */
__global__ void __launch_bounds__(THREADS)
    sink_gradient(mas_cuda_attention p, int batches, const float *delta)
{
    SIMT_DYN_SMEM(float, sums);
    const int head = (int)blockIdx.x;
    float sum = 0.0f;
    for (int b = 0; b < batches; b++) {
        const size_t at = ((size_t)b * p.q_heads + head) * p.q_len;
        for (int i = (int)threadIdx.x; i < p.q_len; i += THREADS)
            sum -= expf(p.sinks[head] - p.lse[at + i]) * delta[at + i];
    }
    sums[threadIdx.x] = sum;
    for (int step = THREADS / 2; step > 0; step /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < step)
            sums[threadIdx.x] += sums[threadIdx.x + step];
    }
    if (threadIdx.x == 0)
        p.d_sinks[head] = sums[0];
}

size_t mas_cuda_delta_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)s, (void)threads;
    return (size_t)(p->batch * p->q_heads * p->q_len) * sizeof(float);
}

cudaError_t mas_cuda_attention_delta(const mas_attn_plan *plan, const mas_cuda_attention *a,
                                     float *delta)
{
    const mas_attn_problem *p = &plan->problem;
    const dim3 grid((unsigned)((p->q_len + WARPS - 1) / WARPS), (unsigned)p->q_heads,
                    (unsigned)p->batch);
    cudaError_t code =
        simt_launch(delta_rows, grid, dim3(THREADS), 0, mas_cuda_stream(), *a, p->dtype, delta);
    if (code == cudaSuccess && p->sinks)
        code = simt_launch(sink_gradient, dim3((unsigned)p->q_heads), dim3(THREADS),
                           THREADS * sizeof(float), mas_cuda_stream(), *a, (int)p->batch, delta);
    return code;
}
