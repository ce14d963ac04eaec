/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the CUDA device: CUDA's stream-ordered pool, accounts by category. */
#include "kernels/core/memory.h"
#include "kernels/cuda/device.h"

mas_status mas_cuda_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                          mas_error *err)
{
    mas_status status = mas_cuda_noted(err);
    if (status == MAS_OK)
        status = mas_memory_allows(&d->memory, bytes, category, err);
    if (status != MAS_OK)
        return status;
    void *block = NULL;
    const cudaError_t code = cudaMallocAsync(&block, bytes ? bytes : 1, mas_cuda_stream());
    if (code == cudaErrorMemoryAllocation)
        return mas_memory_refused(&d->memory, bytes, category, err);
    status = mas_cuda_check(code, "allocating device memory", err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaMemsetAsync(block, 0, bytes, mas_cuda_stream()),
                                "clearing device memory", err);
    if (status != MAS_OK)
        return status;
    (*mas_cuda(d)->blocks)[block] = mas_cuda_block{bytes, category};
    mas_memory_took(&d->memory, bytes, category);
    *out = block;
    return MAS_OK;
}

void mas_cuda_release(mas_device *d, void *pointer)
{
    if (!pointer)
        return;
    const auto at = mas_cuda(d)->blocks->find(pointer);
    mas_memory_gave(&d->memory, at->second.bytes, at->second.category);
    mas_cuda(d)->blocks->erase(at);
    mas_cuda_note(cudaFreeAsync(pointer, mas_cuda_stream()), "releasing device memory");
}

void *mas_cuda_scratch(mas_device *d, size_t bytes)
{
    mas_cuda_device *cuda = mas_cuda(d);
    if (bytes > cuda->scratch_bytes) {
        mas_cuda_note(cudaFreeAsync(cuda->scratch, mas_cuda_stream()), "releasing scratch");
        cuda->scratch = NULL;
        cuda->scratch_bytes = 0;
        const cudaError_t code = cudaMallocAsync(&cuda->scratch, bytes, mas_cuda_stream());
        mas_cuda_note(code, "allocating scratch");
        if (code == cudaSuccess)
            cuda->scratch_bytes = bytes;
    }
    return cuda->scratch;
}

void mas_cuda_upload(mas_device *d, void *to_device, const void *from_host, size_t bytes)
{
    (void)d;
    if (bytes)
        mas_cuda_note(
            cudaMemcpyAsync(to_device, from_host, bytes, cudaMemcpyHostToDevice, mas_cuda_stream()),
            "copying to the device");
}

void mas_cuda_download(mas_device *d, void *to_host, const void *from_device, size_t bytes)
{
    (void)d;
    if (!bytes)
        return;
    mas_cuda_note(
        cudaMemcpyAsync(to_host, from_device, bytes, cudaMemcpyDeviceToHost, mas_cuda_stream()),
        "copying from the device");
    mas_cuda_note(cudaStreamSynchronize(mas_cuda_stream()), "waiting for a copy");
}

void mas_cuda_zero(mas_device *d, void *pointer, size_t bytes)
{
    (void)d;
    if (bytes)
        mas_cuda_note(cudaMemsetAsync(pointer, 0, bytes, mas_cuda_stream()), "clearing");
}
