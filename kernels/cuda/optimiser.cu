/* SPDX-License-Identifier: Apache-2.0 */
/* Sum of squares (for clipping) and AdamW. */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { THREADS = 256, BLOCKS = 512 };

/* The sum of a block in a fixed order; of thread 0. */
static __device__ double block_total(double x, double *shared)
{
    shared[threadIdx.x] = x;
    for (int step = THREADS / 2; step > 0; step /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < step)
            shared[threadIdx.x] += shared[threadIdx.x + step];
    }
    return shared[0];
}

__global__ void __launch_bounds__(THREADS) squares(int64_t count, const float *x, double *partial)
{
    SIMT_DYN_SMEM(double, shared);
    double sum = 0.0;
    for (int64_t i = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * 4; i < count;
         i += (int64_t)BLOCKS * THREADS * 4) {
        const four a = load4(MAS_DTYPE_F32, x, i, count - i);
        for (int e = 0; e < 4; e++)
            sum += (double)a.x[e] * (double)a.x[e];
    }
    const double total = block_total(sum, shared);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = total;
}

__global__ void __launch_bounds__(THREADS) sum_partial(double *partial)
{
    SIMT_DYN_SMEM(double, shared);
    double sum = 0.0;
    for (int i = (int)threadIdx.x; i < BLOCKS; i += THREADS)
        sum += partial[i];
    const double total = block_total(sum, shared);
    if (threadIdx.x == 0)
        partial[BLOCKS] = total;
}

/* AdamW's numbers of one step, worked out in f64 on the host. */
typedef struct step_numbers {
    float gradient_scale, beta1, one_minus_beta1, beta2, one_minus_beta2;
    float step_size, inverse_correct, epsilon, keep;
} step_numbers;

__global__ void __launch_bounds__(THREADS)
    adamw(int64_t count, step_numbers h, const float *gradient, float *weight, float *m, float *v,
          uint16_t *copy)
{
    const int64_t i = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * 4, left = count - i;
    if (left <= 0)
        return;
    const four g = load4(MAS_DTYPE_F32, gradient, i, left);
    four w = load4(MAS_DTYPE_F32, weight, i, left), a = load4(MAS_DTYPE_F32, m, i, left),
         b = load4(MAS_DTYPE_F32, v, i, left);
    for (int e = 0; e < 4; e++) {
        const float x = g.x[e] * h.gradient_scale;
        a.x[e] = h.beta1 * a.x[e] + h.one_minus_beta1 * x;
        b.x[e] = h.beta2 * b.x[e] + h.one_minus_beta2 * x * x;
        w.x[e] = h.keep * w.x[e] -
                 h.step_size * a.x[e] / (sqrtf(b.x[e]) * h.inverse_correct + h.epsilon);
    }
    store4(MAS_DTYPE_F32, weight, i, left, w);
    store4(MAS_DTYPE_F32, m, i, left, a);
    store4(MAS_DTYPE_F32, v, i, left, b);
    if (copy)
        store4(MAS_DTYPE_BF16, copy, i, left, w);
}

/* ---- host ---- */

double mas_cuda_sum_squares(mas_device *d, int64_t count, const float *x)
{
    double *partial = (double *)mas_cuda_scratch(d, (BLOCKS + 1) * sizeof *partial), total = NAN;
    if (!partial)
        return total;
    mas_cuda_note(simt_launch(squares, dim3(BLOCKS), dim3(THREADS), THREADS * sizeof(double),
                              mas_cuda_stream(), count, x, partial),
                  "sum_squares");
    mas_cuda_note(simt_launch(sum_partial, dim3(1), dim3(THREADS), THREADS * sizeof(double),
                              mas_cuda_stream(), partial),
                  "sum_squares");
    mas_cuda_download(d, &total, partial + BLOCKS, sizeof total);
    return total;
}

void mas_cuda_adamw(mas_device *d, int64_t count, const mas_adamw *hyper, const float *gradient,
                    float *weight, float *m, float *v, uint16_t *copy)
{
    (void)d;
    const double beta1 = (double)hyper->beta1, beta2 = (double)hyper->beta2;
    const double rate = (double)hyper->learning_rate, step = (double)hyper->step;
    step_numbers h;
    h.gradient_scale = hyper->gradient_scale;
    h.beta1 = hyper->beta1, h.one_minus_beta1 = (float)(1.0 - beta1);
    h.beta2 = hyper->beta2, h.one_minus_beta2 = (float)(1.0 - beta2);
    h.step_size = (float)(rate / (1.0 - pow(beta1, step)));
    h.inverse_correct = (float)(1.0 / sqrt(1.0 - pow(beta2, step)));
    h.epsilon = hyper->epsilon;
    h.keep = (float)(1.0 - rate * (double)hyper->weight_decay);
    mas_cuda_note(simt_launch(adamw, dim3(mas_cuda_blocks(count, 4 * THREADS)), dim3(THREADS), 0,
                              mas_cuda_stream(), count, h, gradient, weight, m, v, copy),
                  "adamw");
}
