/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the CUDA device, and its operation table. */
#include "kernels/cuda/device.h"
#if MAS_HAVE_CUDNN
#include "kernels/cuda/cudnn_attention.h"
#endif

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

extern "C" const mas_attn_kernel *const mas_attn_cuda_table[];

static mas_status synchronize(mas_device *d, mas_error *err)
{
    (void)d;
    return mas_cuda_wait(err);
}

static mas_status attend(mas_device *d, const mas_attn_plan *plan, const mas_attn_args *args,
                         mas_attn_counts *counts, mas_error *err)
{
    (void)d;
    return counts ? mas_attn_plan_run(plan, args, counts, err)
                  : plan->kernel->run(plan, args, NULL, err);
}

/* What the pool kept goes back: other processes may use the GPU. */
static void return_memory(void)
{
    cudaMemPool_t pool;
    cudaError_t code = cudaDeviceGetDefaultMemPool(&pool, 0);
    if (code == cudaSuccess)
        code = cudaMemPoolTrimTo(pool, 0);
    mas_cuda_note(code, "returning memory");
}

static void close_device(mas_device *d)
{
    mas_cuda_device *cuda = mas_cuda(d);
    assert(d->memory.total_bytes == 0 && "release everything before closing the device");
    mas_cuda_note(cudaFreeAsync(cuda->scratch, mas_cuda_stream()), "releasing scratch");
    mas_cuda_note(cudaStreamSynchronize(mas_cuda_stream()), "closing the device");
    return_memory();
    mas_cuda_matmuls_close(cuda);
    delete cuda->blocks;
    free(cuda);
}

static const mas_device_ops cuda_ops = {
    .alloc = mas_cuda_alloc,
    .release = mas_cuda_release,
    .upload = mas_cuda_upload,
    .download = mas_cuda_download,
    .zero = mas_cuda_zero,
    .synchronize = synchronize,
    .matmul = mas_cuda_matmul,
    .attend = attend,
    .convert = mas_cuda_convert,
    .embed = mas_cuda_embed,
    .embed_backward = mas_cuda_embed_backward,
    .norm = mas_cuda_norm,
    .norm_backward = mas_cuda_norm_backward,
    .activation = mas_cuda_activation,
    .activation_backward = mas_cuda_activation_backward,
    .add_bias = mas_cuda_add_bias,
    .bias_backward = mas_cuda_bias_backward,
    .add = mas_cuda_add,
    .rope = mas_cuda_rope,
    .cross_entropy = mas_cuda_cross_entropy,
    .cross_entropy_workspace_bytes = mas_cuda_cross_entropy_workspace,
    .sum_squares = mas_cuda_sum_squares,
    .adamw = mas_cuda_adamw,
    .limit = mas_cuda_limit,
    .yardstick = mas_cuda_yardstick,
    .close = close_device,
};

/* Names of the GPU and of what drives it. */
static mas_status hardware(mas_cuda_device *d, mas_error *err)
{
    cudaDeviceProp properties;
    int version = 0;
    mas_status status = mas_cuda_renew(err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaGetDeviceProperties(&properties, 0),
                                "asking for the GPU's name", err);
    if (status == MAS_OK)
        status =
            mas_cuda_check(cudaDriverGetVersion(&version), "asking for the driver's version", err);
    if (status != MAS_OK)
        return status;
    const int capability = mas_cuda_capability();
    snprintf(d->hardware, sizeof d->hardware, "%s, compute capability %d.%d, %.0f GiB",
             properties.name, capability / 10, capability % 10,
             (double)properties.totalGlobalMem / (1024.0 * 1024.0 * 1024.0));
    char cudnn[64] = "";
#if MAS_HAVE_CUDNN
    const size_t v = mas_cudnn_version();
    if (v)
        snprintf(cudnn, sizeof cudnn, ", cuDNN %zu.%zu.%zu", v / 10000, v % 10000 / 100, v % 100);
#endif
    snprintf(d->driver, sizeof d->driver, "CUDA %d.%d by the driver%s", version / 1000,
             version % 1000 / 10, cudnn);
    return MAS_OK;
}

static mas_status open_device(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    mas_cuda_device *d = (mas_cuda_device *)calloc(1, sizeof *d);
    if (!d)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a device");
    mas_status status = hardware(d, err);
    if (status == MAS_OK)
        status = mas_cuda_matmuls_open(d, err);
    if (status != MAS_OK) {
        free(d);
        return status;
    }
    d->blocks = new std::unordered_map<void *, mas_cuda_block>;
    d->base.name = mas_device_cuda.name;
    d->base.matmul_library = d->library;
    d->base.ops = &cuda_ops;
    d->base.hardware = d->hardware;
    d->base.driver = d->driver;
    d->base.asynchronous = true;
    d->base.f16_limit = MAS_LIMIT_BF16; /* tensor cores run both at one rate */
    d->base.yardstick = "fma-1";
    d->base.attention = mas_attn_cuda_table;
    d->base.threads = threads;
    d->base.memory.limit_bytes = limit_bytes;
    *out = &d->base;
    return MAS_OK;
}

extern "C" const mas_device_kind mas_device_cuda = {
    .name = "cuda", .attention = mas_attn_cuda_table, .open = open_device};
