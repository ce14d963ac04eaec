/* SPDX-License-Identifier: Apache-2.0 */
/* What the GPU can do at most, measured: the best of runs repeated for the time given. */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

#include <math.h>
#include <time.h>

enum { THREADS = 256 };

#define FMA_STEPS 4096
#define FMA_CHAINS 16

#define PRODUCT INT64_C(8192)            /* edge of the square matrix product */
#define MEMORY_BYTES ((size_t)512 << 20) /* ten times an H100's L2 */
#define RUN_SECONDS 5e-3 /* of a run at least: its launch and its wait take some 1e-5 */

__global__ void __launch_bounds__(THREADS) multiply_add(float *out, float a, float b)
{
    float x[FMA_CHAINS];
#pragma unroll
    for (int i = 0; i < FMA_CHAINS; i++)
        x[i] = (float)(threadIdx.x + i);
    for (int step = 0; step < FMA_STEPS; step++)
#pragma unroll
        for (int i = 0; i < FMA_CHAINS; i++)
            x[i] = fmaf(x[i], a, b);
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < FMA_CHAINS; i++)
        sum += x[i];
    out[blockIdx.x * THREADS + threadIdx.x] = sum;
}

__global__ void __launch_bounds__(THREADS) read_all(const quad *x, int64_t count, uint32_t *out)
{
    uint32_t sum = 0;
    for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < count;
         i += (int64_t)gridDim.x * THREADS) {
        const quad q = x[i];
        sum += q.x[0] ^ q.x[1] ^ q.x[2] ^ q.x[3];
    }
    out[blockIdx.x * THREADS + threadIdx.x] = sum;
}

static int processors(void)
{
    int count = 1;
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0);
    return count;
}

static bool run_fma(char *memory)
{
    return simt_launch(multiply_add, dim3((unsigned)(processors() * 8)), dim3(THREADS), 0,
                       mas_cuda_stream(), (float *)memory, 1.0000001f, 1e-7f) == cudaSuccess;
}

static bool run_read(char *memory)
{
    return simt_launch(read_all, dim3((unsigned)(processors() * 8)), dim3(THREADS), 0,
                       mas_cuda_stream(), (const quad *)memory,
                       (int64_t)(MEMORY_BYTES / sizeof(quad)),
                       (uint32_t *)(memory + MEMORY_BYTES)) == cudaSuccess;
}

static bool run_copy(char *memory)
{
    return cudaMemcpyAsync(memory + MEMORY_BYTES, memory, MEMORY_BYTES, cudaMemcpyDeviceToDevice,
                           mas_cuda_stream()) == cudaSuccess;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool run_product(mas_device *d, char *memory)
{
    mas_matmul m = {};
    m.m = m.n = m.k = m.lda = m.ldb = m.ldc = PRODUCT;
    m.type = m.c_type = MAS_DTYPE_BF16;
    m.trans_b = true;
    m.a = memory;
    m.b = memory + PRODUCT * PRODUCT * 2;
    m.c = memory + PRODUCT * PRODUCT * 4;
    return mas_cuda_matmul(d, &m, NULL) == MAS_OK;
}

/* Random bits would be NaN now and then; products of zeros run too fast. */
__global__ void __launch_bounds__(THREADS) fill_bf16(uint16_t *x, int64_t count)
{
    for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < count;
         i += (int64_t)gridDim.x * THREADS) {
        uint32_t bits = (uint32_t)i * 2654435761u;
        bits ^= bits >> 15;
        x[i] = (uint16_t)(0x3f00u | (bits & 0x80ffu)); /* 0.5 .. 2, either sign */
    }
}

static bool start(mas_device *d, mas_limit limit, char *memory)
{
    return limit == MAS_LIMIT_F32    ? run_fma(memory)
           : limit == MAS_LIMIT_BF16 ? run_product(d, memory)
           : limit == MAS_LIMIT_READ ? run_read(memory)
                                     : run_copy(memory);
}

double mas_cuda_limit(mas_device *d, mas_limit limit, double seconds)
{
    if (simt_emulated)
        return 0.0; /* an emulator has no speed */
    char *memory = NULL;
    if (cudaMalloc((void **)&memory, 2 * MEMORY_BYTES) != cudaSuccess)
        return 0.0;
    bool fine =
        simt_launch(fill_bf16, dim3((unsigned)(processors() * 8)), dim3(THREADS), 0,
                    mas_cuda_stream(), (uint16_t *)memory, (int64_t)MEMORY_BYTES) == cudaSuccess;
    const double amount[MAS_LIMIT_COUNT] = {
        2.0 * FMA_CHAINS * FMA_STEPS * 8 * (double)(THREADS * processors()),
        2.0 * (double)PRODUCT * (double)PRODUCT * (double)PRODUCT, (double)MEMORY_BYTES,
        2.0 * (double)MEMORY_BYTES};
    const double end = seconds_now() + seconds;
    double best = 0.0;
    int launches = 1;
    for (int run = 0; fine && (run < 3 || seconds_now() < end); run++) {
        const double begin = seconds_now();
        for (int i = 0; fine && i < launches; i++)
            fine = start(d, limit, memory);
        fine = fine && cudaStreamSynchronize(mas_cuda_stream()) == cudaSuccess;
        const double took = seconds_now() - begin, rate = launches * amount[limit] / took;
        if (fine && run > 0 && rate > best)
            best = rate;
        if (took < RUN_SECONDS)
            launches *= 2;
    }
    cudaFree(memory);
    return best;
}

/* Eight blocks a processor, as the f32 limit has; an emulator gets one, since it has no speed. */
void mas_cuda_yardstick(mas_device *d)
{
    const unsigned blocks = simt_emulated ? 1 : (unsigned)(processors() * 8);
    float *out = (float *)mas_cuda_scratch(d, (size_t)blocks * THREADS * sizeof(float));
    if (out)
        mas_cuda_note(simt_launch(multiply_add, dim3(blocks), dim3(THREADS), 0, mas_cuda_stream(),
                                  out, 1.0000001f, 1e-7f),
                      "the yardstick");
}
