/* SPDX-License-Identifier: Apache-2.0 */
/* The few calls of CUDA's runtime that launchers need, on the emulated machine. */
#ifndef SIMT_RUNTIME_H
#define SIMT_RUNTIME_H

#include "kernels/cuda/simt/machine.h"

constexpr bool simt_emulated = true;

/* Settings from the environment: MASBENCH_SIMT=forward|reverse|random[,eager][,seed=N][,threads=N] */
inline void simt_configure(void)
{
    const char *s = getenv("MASBENCH_SIMT");
    while (s && *s) {
        const size_t n = strcspn(s, ",");
        auto is = [&](const char *word) { return strlen(word) == n && memcmp(s, word, n) == 0; };
        if (is("forward"))
            simt::cfg.order = 0;
        else if (is("reverse"))
            simt::cfg.order = 1;
        else if (is("random"))
            simt::cfg.order = 2;
        else if (is("eager"))
            simt::cfg.eager_cp = true;
        else if (strncmp(s, "seed=", 5) == 0)
            simt::cfg.seed = strtoull(s + 5, nullptr, 10);
        else if (strncmp(s, "threads=", 8) == 0)
            simt::cfg.threads = atoi(s + 8);
        else
            simt::die("MASBENCH_SIMT: unknown setting; known: forward, reverse, random, eager, "
                      "seed=N, threads=N");
        s += n + (s[n] == ',');
    }
}

/* the few host calls a launcher or a test needs */
typedef int cudaError_t;
typedef void *cudaStream_t;
enum { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
};
enum cudaDeviceAttr {
    cudaDevAttrComputeCapabilityMajor,
    cudaDevAttrComputeCapabilityMinor,
    cudaDevAttrMultiProcessorCount
};
inline cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int)
{
    *v = a == cudaDevAttrComputeCapabilityMajor   ? 9
         : a == cudaDevAttrComputeCapabilityMinor ? 0
                                                  : 4;
    return cudaSuccess;
}
inline cudaError_t cudaStreamCreate(cudaStream_t *s)
{
    *s = nullptr;
    return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return cudaSuccess;
}
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int)
{
    snprintf(p->name, sizeof p->name, "emulator");
    p->totalGlobalMem = (size_t)1 << 30;
    return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int *v)
{
    *v = 0;
    return cudaSuccess;
}
inline cudaError_t cudaMalloc(void **p, size_t n)
{
    *p = aligned_alloc(256, (n + 255) / 256 * 256);
    if (*p)
        memset(*p, 0xff, n);
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFree(void *p)
{
    free(p);
    return cudaSuccess;
}
inline cudaError_t cudaMallocAsync(void **p, size_t n, cudaStream_t)
{
    return cudaMalloc(p, n);
}
inline cudaError_t cudaFreeAsync(void *p, cudaStream_t)
{
    return cudaFree(p);
}
inline cudaError_t cudaMemcpy(void *d, const void *s, size_t n, cudaMemcpyKind)
{
    memcpy(d, s, n);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void *d, const void *s, size_t n, cudaMemcpyKind, cudaStream_t)
{
    memcpy(d, s, n);
    return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *d, int v, size_t n, cudaStream_t)
{
    memset(d, v, n);
    return cudaSuccess;
}
inline cudaError_t cudaGetLastError()
{
    return cudaSuccess;
}
inline const char *cudaGetErrorString(cudaError_t e)
{
    return e ? "error" : "no error";
}

template <class... P, class... A>
inline cudaError_t simt_launch(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t, A... a)
{
    simt::launch(g, b, smem, [=] { k(static_cast<P>(a)...); });
    return cudaSuccess;
}

#endif
