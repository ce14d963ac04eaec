/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU of this process, its stream, and the account of visited tiles. */
#include "kernels/cuda/cuda.h"

#include <stdio.h>

typedef struct context {
    bool started;
    int capability, processors;
    cudaStream_t stream;
    mas_cuda_tally *tallies;    /* in device memory: what kernels counted */
    mas_cuda_tally expected[2]; /* what they should have counted */
    unsigned *queue;            /* in device memory */
    mas_status failed;          /* first error of asynchronous work; stays */
    mas_error error;
} context;

static context gpu;

int mas_cuda_capability(void)
{
    return mas_cuda_start(NULL) == MAS_OK ? gpu.capability : 0;
}

cudaStream_t mas_cuda_stream(void)
{
    return gpu.stream;
}

mas_cuda_tally *mas_cuda_tallies(void)
{
    return gpu.tallies;
}

unsigned *mas_cuda_queue(void)
{
    return gpu.queue;
}

int mas_cuda_processors(void)
{
    return gpu.processors;
}

mas_status mas_cuda_check(cudaError_t code, const char *what, mas_error *err)
{
    if (code == cudaSuccess)
        return MAS_OK;
    if (code == cudaErrorMemoryAllocation)
        return mas_fail(err, MAS_E_MEMORY, "%s: CUDA says \"%s\"", what, cudaGetErrorString(code));
    /* After a fault of a kernel every call of the process fails. */
    const bool lost = gpu.started && cudaStreamSynchronize(gpu.stream) != cudaSuccess;
    return mas_fail(err, MAS_E_DEVICE, "%s: CUDA says \"%s\"%s", what, cudaGetErrorString(code),
                    lost ? "; this process can no longer use the GPU: start masbench again" : "");
}

static mas_status find(mas_error *err)
{
    int devices = 0, major = 0, minor = 0;
    const cudaError_t code = cudaGetDeviceCount(&devices);
    if (code != cudaSuccess || devices < 1)
        return mas_fail(err, MAS_E_UNSUPPORTED, "no CUDA GPU can be used here: %s",
                        code != cudaSuccess ? cudaGetErrorString(code) : "none was found");
    mas_status status =
        mas_cuda_check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0),
                       "asking for the compute capability", err);
    if (status == MAS_OK)
        status =
            mas_cuda_check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0),
                           "asking for the compute capability", err);
    if (status == MAS_OK)
        status = mas_cuda_check(
            cudaDeviceGetAttribute(&gpu.processors, cudaDevAttrMultiProcessorCount, 0),
            "asking for the number of multiprocessors", err);
    if (status != MAS_OK)
        return status;
    if (major < 8)
        return mas_fail(err, MAS_E_UNSUPPORTED,
                        "the GPU has compute capability %d.%d; 8.0 (A100) or later is needed",
                        major, minor);
    gpu.capability = 10 * major + minor;
    return MAS_OK;
}

/* What is given back stays in the pool: else it would go back to the system whenever something waits, and come from there
 * again in the time that is measured. CUDA takes it from there when memory runs out. */
static mas_status keep_memory(mas_error *err)
{
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    cudaError_t code = cudaDeviceGetDefaultMemPool(&pool, 0);
    if (code == cudaSuccess)
        code = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
    return mas_cuda_check(code, "setting up the memory pool", err);
}

mas_status mas_cuda_start(mas_error *err)
{
    if (gpu.started)
        return MAS_OK;
    simt_configure();
    mas_status status = find(err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaStreamCreate(&gpu.stream), "opening a stream", err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaMalloc((void **)&gpu.tallies, 2 * sizeof *gpu.tallies),
                                "allocating counters", err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaMalloc((void **)&gpu.queue, sizeof *gpu.queue),
                                "allocating a counter", err);
    if (status == MAS_OK)
        status =
            mas_cuda_check(cudaMemsetAsync(gpu.tallies, 0, 2 * sizeof *gpu.tallies, gpu.stream),
                           "clearing counters", err);
    if (status == MAS_OK)
        status = keep_memory(err);
    gpu.started = status == MAS_OK;
    return status;
}

static mas_status read_tallies(mas_cuda_tally counted[2], const char *what, mas_error *err)
{
    const mas_status status =
        mas_cuda_check(cudaMemcpyAsync(counted, gpu.tallies, 2 * sizeof *counted,
                                       cudaMemcpyDeviceToHost, gpu.stream),
                       what, err);
    return status == MAS_OK ? mas_cuda_check(cudaStreamSynchronize(gpu.stream), what, err) : status;
}

mas_status mas_cuda_renew(mas_error *err)
{
    mas_status status = mas_cuda_start(err);
    if (status == MAS_OK)
        status = read_tallies(gpu.expected, "opening the GPU again", err);
    if (status == MAS_OK)
        gpu.failed = MAS_OK;
    return status;
}

void mas_cuda_note(cudaError_t code, const char *what)
{
    if (code != cudaSuccess && gpu.failed == MAS_OK)
        gpu.failed = mas_cuda_check(code, what, &gpu.error);
}

mas_status mas_cuda_noted(mas_error *err)
{
    return gpu.failed == MAS_OK ? MAS_OK : mas_fail(err, gpu.failed, "%s", gpu.error.text);
}

mas_status mas_cuda_wait(mas_error *err)
{
    mas_cuda_tally counted[2] = {0, 0};
    if (gpu.failed != MAS_OK)
        return mas_cuda_noted(err);
    gpu.failed = read_tallies(counted, "waiting for the GPU", &gpu.error);
    if (gpu.failed == MAS_OK && (counted[0] != gpu.expected[0] || counted[1] != gpu.expected[1]))
        gpu.failed = mas_fail(&gpu.error, MAS_E_SCHEDULE,
                              "attention on the GPU visited %llu (and %llu) tiles since the start "
                              "where its schedules list %llu (and %llu)",
                              counted[0], counted[1], gpu.expected[0], gpu.expected[1]);
    return mas_cuda_noted(err);
}

void mas_cuda_forget(void)
{
    if (gpu.failed == MAS_OK)
        gpu.failed = read_tallies(gpu.expected, "waiting after a failure", &gpu.error);
}

mas_status mas_cuda_expect(int64_t tiles, int64_t tiles_q, mas_attn_counts *counts, mas_error *err)
{
    mas_cuda_tally counted[2] = {0, 0};
    mas_status status = mas_cuda_noted(err);
    if (status != MAS_OK)
        return status;
    if (!counts) {
        gpu.expected[0] += (mas_cuda_tally)tiles;
        gpu.expected[1] += (mas_cuda_tally)tiles_q;
        return MAS_OK;
    }
    /* The difference to what was expected so far is what this call counted; it is the caller's to
     * judge, and forgotten here. */
    status = read_tallies(counted, "waiting for attention", err);
    if (status != MAS_OK)
        return status;
    *counts = (mas_attn_counts){(int64_t)(counted[0] - gpu.expected[0]),
                                (int64_t)(counted[1] - gpu.expected[1])};
    gpu.expected[0] = counted[0];
    gpu.expected[1] = counted[1];
    return MAS_OK;
}
