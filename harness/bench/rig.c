/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs and outputs of a timed problem. */
#include "harness/bench/internal.h"
#include "masbench/rng.h"

#include <stdlib.h>
#include <string.h>

#define DRAWN_TOGETHER 65536 /* numbers of one random stream; a long tensor is drawn by all cores */

static mas_status open_tensor(mas_bench_rig *rig, int index, int64_t rows, int64_t heads,
                              mas_error *err)
{
    mas_bench_tensor *t = &rig->tensors[index];
    const mas_attn_problem *p = &rig->shape;
    t->rows = rows;
    t->heads = heads;
    t->bytes = (size_t)(p->batch * rows * heads * p->d_qk) * mas_dtype_bytes(p->dtype);
    t->host = malloc(t->bytes);
    if (!t->host)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %zu bytes of a kernel's data", t->bytes);
    if (index == MAS_BENCH_O) /* on the device each layer has its own */
        return MAS_OK;
    return mas_alloc(rig->device, t->bytes, MAS_MEMORY_ACTIVATIONS, &t->device, err);
}

static void draw(mas_bench_rig *rig, int index, uint64_t seed)
{
    mas_bench_tensor *t = &rig->tensors[index];
    const mas_dtype dtype = rig->shape.dtype;
    const int64_t count = (int64_t)(t->bytes / mas_dtype_bytes(dtype));
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t begin = 0; begin < count; begin += DRAWN_TOGETHER) {
        mas_rng rng =
            mas_rng_seed(seed, (uint64_t)(begin / DRAWN_TOGETHER * MAS_BENCH_TENSORS + index));
        for (int64_t i = begin; i < begin + DRAWN_TOGETHER && i < count; i++)
            mas_dtype_store(dtype, t->host, i, mas_rng_normal(&rng));
    }
    rig->device->ops->upload(rig->device, t->device, t->host, t->bytes);
}

mas_status mas_bench_rig_open(mas_device *device, const mas_bench_config *config, uint64_t seed,
                              mas_bench_rig **out, mas_error *err)
{
    mas_bench_rig *rig = calloc(1, sizeof *rig);
    if (!rig)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a kernel's data");
    rig->device = device;
    rig->shape = mas_bench_problem(config, NULL);
    const mas_attn_problem *p = &rig->shape;
    const bool backward = config->op == MAS_ATTN_BACKWARD;
    static const bool of_keys[MAS_BENCH_TENSORS] = {
        [MAS_BENCH_K] = true, [MAS_BENCH_V] = true, [MAS_BENCH_D_K] = true, [MAS_BENCH_D_V] = true};
    mas_status status = MAS_OK;
    for (int i = 0; status == MAS_OK && i < (backward ? MAS_BENCH_TENSORS : MAS_BENCH_D_O); i++)
        status = open_tensor(rig, i, of_keys[i] ? p->kv_len : p->q_len,
                             of_keys[i] ? p->kv_heads : p->q_heads, err);
    rig->lse_bytes = (size_t)(p->batch * p->q_heads * p->q_len) * sizeof(float);
    rig->host_lse = malloc(rig->lse_bytes);
    if (status == MAS_OK && !rig->host_lse)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for a kernel's data");
    if (status != MAS_OK) {
        mas_bench_rig_close(rig);
        return status;
    }
    static const int inputs[] = {MAS_BENCH_Q, MAS_BENCH_K, MAS_BENCH_V, MAS_BENCH_D_O};
    for (int i = 0; i < (backward ? 4 : 3); i++)
        draw(rig, inputs[i], seed);
    *out = rig;
    return MAS_OK;
}

void mas_bench_rig_close(mas_bench_rig *rig)
{
    if (!rig)
        return;
    for (int i = 0; i < MAS_BENCH_TENSORS; i++) {
        rig->device->ops->release(rig->device, rig->tensors[i].device);
        free(rig->tensors[i].host);
    }
    free(rig->host_lse);
    free(rig);
}

void mas_bench_rig_spoil(mas_bench_rig *rig, int tensor)
{
    mas_bench_tensor *t = &rig->tensors[tensor];
    memset(t->host, 0xff, t->bytes); /* NaN in every dtype */
    rig->device->ops->upload(rig->device, t->device, t->host, t->bytes);
}

void mas_bench_rig_fetch(mas_bench_rig *rig, int tensor)
{
    mas_bench_tensor *t = &rig->tensors[tensor];
    rig->device->ops->download(rig->device, t->host, t->device, t->bytes);
}
