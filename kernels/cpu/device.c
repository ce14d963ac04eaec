/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the CPU device, and its operation table. */
#include "kernels/cpu/cpu_device.h"
#include "kernels/cpu/limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 4096 /* far past any machine; a number above it is a mistake */

const mas_cpu_rows *mas_cpu_rows_for(mas_isa isa)
{
#if defined(__x86_64__)
    if (isa >= MAS_ISA_AMX)
        return &mas_cpu_rows_amx;
    if (isa == MAS_ISA_AVX512BF16)
        return &mas_cpu_rows_avx512bf16;
    if (isa == MAS_ISA_AVX512)
        return &mas_cpu_rows_avx512;
    if (isa == MAS_ISA_AVX2)
        return &mas_cpu_rows_avx2;
#endif
    (void)isa;
    return &mas_cpu_rows_scalar;
}

static void upload(mas_device *d, void *to_device, const void *from_host, size_t bytes)
{
    (void)d;
    if (bytes)
        memcpy(to_device, from_host, bytes);
}

static void zero(mas_device *d, void *pointer, size_t bytes)
{
    (void)d;
    if (bytes)
        memset(pointer, 0, bytes);
}

/* Operations return when they are done. */
static mas_status synchronize(mas_device *d, mas_error *err)
{
    (void)d, (void)err;
    return MAS_OK;
}

static mas_status attend(mas_device *d, const mas_attn_plan *plan, const mas_attn_args *args,
                         mas_attn_counts *counts, mas_error *err)
{
    (void)d;
    return mas_attn_plan_run(plan, args, counts, err);
}

static void release(mas_device *d, void *pointer)
{
    if (pointer)
        mas_cpu_forget(d, pointer, mas_cpu_size(pointer));
    mas_cpu_release(d, pointer);
}

static void close_device(mas_device *d)
{
    (void)mas_cpu_forget_all(d);
    assert(d->memory.total_bytes == 0 && "release everything before closing the device");
    free(mas_cpu(d)->traffic);
    free(mas_cpu(d)->scratch);
    free(d);
}

static const mas_device_ops cpu_ops = {
    .alloc = mas_cpu_alloc,
    .release = release,
    .upload = upload,
    .download = upload, /* device memory is host memory: both ways are one copy */
    .zero = zero,
    .synchronize = synchronize,
    .matmul = mas_cpu_matmul,
    .attend = attend,
    .convert = mas_cpu_convert,
    .embed = mas_cpu_embed,
    .embed_backward = mas_cpu_embed_backward,
    .norm = mas_cpu_norm,
    .norm_backward = mas_cpu_norm_backward,
    .activation = mas_cpu_activation,
    .activation_backward = mas_cpu_activation_backward,
    .add_bias = mas_cpu_add_bias,
    .bias_backward = mas_cpu_bias_backward,
    .add = mas_cpu_add,
    .rope = mas_cpu_rope,
    .cross_entropy = mas_cpu_cross_entropy,
    .cross_entropy_workspace_bytes = mas_cpu_cross_entropy_workspace,
    .sum_squares = mas_cpu_sum_squares,
    .adamw = mas_cpu_adamw_step,
    .limit = mas_cpu_limit_measure,
    .yardstick = mas_cpu_yardstick,
    .close = close_device,
};

mas_status mas_device_open_cpu(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    if (threads < 1 || threads > THREADS_MAX)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "a CPU device needs 1 to %d threads; %d were asked for", THREADS_MAX,
                        threads);
    mas_cpu_device *d = calloc(1, sizeof *d);
    float *scratch = aligned_alloc(64, (size_t)MAS_CPU_SCRATCH * sizeof *scratch);
    if (!d || !scratch) {
        free(d);
        free(scratch);
        return mas_fail(err, MAS_E_MEMORY,
                        "the system has no memory for the CPU device's scratch (%zu bytes)",
                        (size_t)MAS_CPU_SCRATCH * sizeof *scratch);
    }
    mas_cpu_matmul_library(d->library, sizeof d->library);
    snprintf(d->hardware, sizeof d->hardware, "%s, %s", mas_cpu_model(),
             mas_isa_name(mas_cpu_isa()));
    d->scratch = scratch;
    /* Pages that nobody has written are all one page of zeros: reading them would stay in the first-level cache. */
    memset(scratch, 0, (size_t)MAS_CPU_SCRATCH * sizeof *scratch);
    d->rows = mas_cpu_rows_for(mas_cpu_isa());
    d->base.name = mas_device_cpu.name;
    d->base.hardware = d->hardware;
    d->base.matmul_library = d->library;
    d->base.yardstick = "mixed-2";
    d->base.ops = &cpu_ops;
    d->base.attention = mas_attn_cpu_table;
    d->base.threads = threads;
    d->base.memory.limit_bytes = limit_bytes;
    *out = &d->base;
    return MAS_OK;
}

const mas_device_kind mas_device_cpu = {
    .name = "cpu",
    .attention = mas_attn_cpu_table,
    .open = mas_device_open_cpu,
};

void mas_cpu_use_plain_matmul(mas_device *d, bool plain)
{
    mas_cpu_device *cpu = mas_cpu(d);
    cpu->plain_matmul = plain;
    if (plain)
        memcpy(cpu->library, "plain", sizeof "plain");
    else
        mas_cpu_matmul_library(cpu->library, sizeof cpu->library);
}
