/* SPDX-License-Identifier: Apache-2.0 */
/* The few calls of CUDA's runtime that launchers need, on the emulated machine. */
#ifndef SIMT_RUNTIME_H
#define SIMT_RUNTIME_H

#include "kernels/cuda/simt/machine.h"

constexpr bool simt_emulated = true;

/* Settings from the environment: MASBENCH_SIMT=forward|reverse|random[,eager][,seed=N][,threads=N][,capability=N] */
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
        else if (strncmp(s, "capability=", 11) == 0)
            simt::cfg.capability = atoi(s + 11);
        else
            simt::die("MASBENCH_SIMT: unknown setting; known: forward, reverse, random, eager, "
                      "seed=N, threads=N, capability=N");
        s += n + (s[n] == ',');
    }
}

/* the few host calls a launcher or a test needs */
typedef void *cudaStream_t;
enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorIllegalAddress = 700
};
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
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

namespace simt
{

/* Of tests: not cudaSuccess, and every call returns it, as after a fault of a kernel. */
inline cudaError_t lost = cudaSuccess;

inline cudaError_t said(cudaError_t code)
{
    return lost != cudaSuccess ? lost : code;
}

/* Bytes of shared memory that a block may ask for: table "Technical Specifications per Compute Capability" of the CUDA
 * programming guide. */
inline size_t shared_most()
{
    switch (cfg.capability) {
    case 80:
    case 87: return 163 << 10;
    case 86:
    case 89:
    case 120: return 99 << 10;
    default: return SMEM_MAX;
    }
}

/* The same guide's limits of a grid and a block. */
inline bool launchable(dim3 g, dim3 b)
{
    const uint64_t blocks = (uint64_t)g.x * g.y * g.z, threads = (uint64_t)b.x * b.y * b.z;
    return blocks > 0 && g.x <= INT32_MAX && g.y <= UINT16_MAX && g.z <= UINT16_MAX &&
           threads > 0 && threads <= 1024 && b.z <= 64;
}

} // namespace simt

inline cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int)
{
    *v = a == cudaDevAttrComputeCapabilityMajor   ? simt::cfg.capability / 10
         : a == cudaDevAttrComputeCapabilityMinor ? simt::cfg.capability % 10
                                                  : 4;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaStreamCreate(cudaStream_t *s)
{
    *s = nullptr;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return simt::said(cudaSuccess);
}
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int)
{
    snprintf(p->name, sizeof p->name, "emulator");
    p->totalGlobalMem = (size_t)1 << 30;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaDriverGetVersion(int *v)
{
    *v = 0;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMalloc(void **p, size_t n)
{
    *p = aligned_alloc(256, (n + 255) / 256 * 256);
    if (*p)
        memset(*p, 0xff, n);
    return simt::said(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
inline cudaError_t cudaFree(void *p)
{
    free(p);
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMallocAsync(void **p, size_t n, cudaStream_t)
{
    return cudaMalloc(p, n);
}
inline cudaError_t cudaFreeAsync(void *p, cudaStream_t)
{
    return cudaFree(p);
}
typedef void *cudaMemPool_t;
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold };
inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int)
{
    *pool = nullptr;
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *)
{
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t)
{
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMemcpy(void *d, const void *s, size_t n, cudaMemcpyKind)
{
    memcpy(d, s, n);
    return simt::said(cudaSuccess);
}
inline cudaError_t cudaMemcpyAsync(void *d, const void *s, size_t n, cudaMemcpyKind, cudaStream_t)
{
    return cudaMemcpy(d, s, n, cudaMemcpyHostToDevice);
}
inline cudaError_t cudaMemsetAsync(void *d, int v, size_t n, cudaStream_t)
{
    memset(d, v, n);
    return simt::said(cudaSuccess);
}
inline const char *cudaGetErrorString(cudaError_t e)
{
    switch (e) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    }
    return "unknown error";
}
inline cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int bytes)
{
    return simt::said((size_t)bytes > simt::shared_most() ? cudaErrorInvalidValue : cudaSuccess);
}

template <class... P>
inline cudaError_t simt_start(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t, P... a)
{
    if (!simt::launchable(g, b) || smem > simt::shared_most())
        return simt::said(cudaErrorInvalidConfiguration);
    if (simt::lost == cudaSuccess)
        simt::launch(g, b, smem, [=] { k(a...); });
    return simt::said(cudaSuccess);
}

#endif
