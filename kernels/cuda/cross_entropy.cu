/* SPDX-License-Identifier: Apache-2.0 */
/* Unembedding and cross-entropy. Rows are taken in chunks: the logits of a chunk are made in the
 * workspace in f32, turned into losses and gradients there (one block a row), and multiplied back;
 * the next chunk uses the same space. Chunks follow each other, so d_weight has a fixed order. */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { THREADS = 128, WARPS = THREADS / 32 };

#define LOGITS_WANTED                                                                              \
    (INT64_C(1) << 25) /* 128 MiB of f32: chunks fill the GPU, and twice fit its memory */

/* The same value in all threads of a block. `shared` has room for WARPS floats. */
static __device__ float block_max(float x, float *shared)
{
    x = warp_max(x);
    __syncthreads();
    if ((threadIdx.x & 31) == 0)
        shared[threadIdx.x >> 5] = x;
    __syncthreads();
    for (int w = 0; w < WARPS; w++)
        x = fmaxf(x, shared[w]);
    return x;
}

static __device__ float block_sum(float x, float *shared)
{
    x = warp_sum(x);
    __syncthreads();
    if ((threadIdx.x & 31) == 0)
        shared[threadIdx.x >> 5] = x;
    __syncthreads();
    x = 0.0f;
    for (int w = 0; w < WARPS; w++)
        x += shared[w];
    return x;
}

/* Loss, verdict and, unless it is NULL, gradient of a row of logits. A target outside the vocabulary
 * other than -1 gives the loss NaN. Logits do not fit the caches: they are read once for maximum and sum
 * together, and once more for the gradient, four at a time. */
__global__ void __launch_bounds__(THREADS)
    loss_rows(int64_t vocab, const float *logits, const int32_t *targets, float grad_scale,
              float *losses, uint8_t *correct, mas_dtype type, void *gradient)
{
    SIMT_DYN_SMEM(float, shared);
    const int64_t row = blockIdx.x, begin = row * vocab;
    const int32_t target = targets[row];
    const bool scored = target >= 0 && target < vocab;
    float most = -INFINITY,
          sum = 0.0f;      /* of this thread: largest logit, exponentials relative to it */
    int64_t first = vocab; /* where it is first */
    for (int64_t j = (int)threadIdx.x * 4; j < vocab; j += THREADS * 4) {
        const four x = load4(MAS_DTYPE_F32, logits, begin + j, vocab - j);
        float top = most;
        for (int e = 0; e < 4 && j + e < vocab; e++)
            if (x.x[e] > top) {
                top = x.x[e];
                first = j + e;
            }
        const float base = top == -INFINITY ? 0.0f : top;
        sum *= expf(most - base);
        for (int e = 0; e < 4 && j + e < vocab; e++)
            sum += expf(x.x[e] - base);
        most = top;
    }
    const float all = block_max(most, shared), base = all == -INFINITY ? 0.0f : all;
    sum = block_sum(most == -INFINITY ? sum : sum * expf(most - base), shared);
    const float before = block_max(most == all && first < target ? 1.0f : 0.0f, shared);
    if (threadIdx.x == 0) {
        const float x = scored ? logits[begin + target] : 0.0f;
        losses[row] = scored ? all + logf(sum) - x : target == -1 ? 0.0f : NAN;
        if (correct) /* the first of the largest */
            correct[row] = scored && x == all && before == 0.0f;
    }
    if (!gradient)
        return;
    const float scale = scored ? grad_scale / sum : 0.0f;
    for (int64_t j = (int)threadIdx.x * 4; j < vocab; j += THREADS * 4) {
        four g = load4(MAS_DTYPE_F32, logits, begin + j, vocab - j);
        for (int e = 0; e < 4; e++) {
            g.x[e] = scored ? expf(g.x[e] - base) * scale : 0.0f;
            if (j + e == target)
                g.x[e] -= grad_scale;
        }
        store4(type, gradient, begin + j, vocab - j, g);
    }
}

/* ---- host ---- */

static int64_t chunk_rows(int64_t n, int64_t vocab)
{
    const int64_t rows = LOGITS_WANTED / vocab / 128 * 128;
    return rows < 128 ? (n < 128 ? n : 128) : rows < n ? rows : n;
}

static size_t logits_bytes(int64_t rows, int64_t vocab)
{
    return ((size_t)(rows * vocab) * sizeof(float) + 255) / 256 * 256;
}

size_t mas_cuda_cross_entropy_workspace(const mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                        mas_dtype type)
{
    (void)d, (void)c;
    const int64_t rows = chunk_rows(n, vocab);
    return logits_bytes(rows, vocab) + (size_t)(rows * vocab) * mas_dtype_bytes(type);
}

mas_status mas_cuda_cross_entropy(mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                  mas_dtype type, const void *x, const void *weight,
                                  uint64_t weight_version, const int32_t *targets, float grad_scale,
                                  float *losses, uint8_t *correct, void *d_x, float *d_weight,
                                  void *workspace, mas_error *err)
{
    const int64_t chunk = chunk_rows(n, vocab);
    const size_t size = mas_dtype_bytes(type);
    float *const logits = (float *)workspace;
    void *const gradient = (char *)workspace + logits_bytes(chunk, vocab);
    mas_status status = MAS_OK;
    for (int64_t i = 0; i < n && status == MAS_OK; i += chunk) {
        const int64_t rows = n - i < chunk ? n - i : chunk;
        const void *const x_rows = (const char *)x + (size_t)(i * c) * size;
        mas_matmul forward = {};
        forward.m = rows, forward.n = vocab, forward.k = c;
        forward.type = type, forward.c_type = MAS_DTYPE_F32;
        forward.a = x_rows, forward.lda = c;
        forward.b = weight, forward.ldb = c, forward.trans_b = true;
        forward.b_version = weight_version;
        forward.c = logits, forward.ldc = vocab;
        status = mas_cuda_matmul(d, &forward, err);
        if (status == MAS_OK)
            status = mas_cuda_check(
                simt_launch(loss_rows, dim3((unsigned)rows), dim3(THREADS), WARPS * sizeof(float),
                            mas_cuda_stream(), vocab, logits, targets + i, grad_scale, losses + i,
                            correct ? correct + i : NULL, type, d_x ? gradient : NULL),
                "cross_entropy", err);
        if (status != MAS_OK || !d_x)
            continue;
        mas_matmul to_x = {};
        to_x.m = rows, to_x.n = c, to_x.k = vocab;
        to_x.type = type, to_x.c_type = type;
        to_x.a = gradient, to_x.lda = vocab;
        to_x.b = weight, to_x.ldb = c;
        to_x.b_version = weight_version;
        to_x.c = (char *)d_x + (size_t)(i * c) * size, to_x.ldc = c;
        mas_matmul to_weight = {};
        to_weight.m = vocab, to_weight.n = c, to_weight.k = rows;
        to_weight.type = type, to_weight.c_type = MAS_DTYPE_F32;
        to_weight.a = gradient, to_weight.lda = vocab, to_weight.trans_a = true;
        to_weight.b = x_rows, to_weight.ldb = c;
        to_weight.c = d_weight, to_weight.ldc = c, to_weight.accumulate = true;
        status = mas_cuda_matmul(d, &to_x, err);
        if (status == MAS_OK)
            status = mas_cuda_matmul(d, &to_weight, err);
    }
    return status;
}
