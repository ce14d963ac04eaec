/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of harness/bench share. */
#ifndef MASBENCH_BENCH_INTERNAL_H
#define MASBENCH_BENCH_INTERNAL_H

#include "harness/bench/bench.h"

enum {
    MAS_BENCH_Q,
    MAS_BENCH_K,
    MAS_BENCH_V,
    MAS_BENCH_O,
    MAS_BENCH_D_O,
    MAS_BENCH_D_Q,
    MAS_BENCH_D_K,
    MAS_BENCH_D_V,
    MAS_BENCH_TENSORS
};

/** A dense [B, T, H, D] tensor on the device, and its copy here. */
typedef struct mas_bench_tensor {
    int64_t rows, heads;
    size_t bytes;        /* 0: the operation has no such tensor */
    void *device, *host; /* o is on the host only: each layer has its own */
} mas_bench_tensor;

/** Inputs and outputs that the layers of a plan share; o and lse, which backward reads, are each layer's own. */
typedef struct mas_bench_rig {
    mas_device *device;
    mas_attn_problem shape; /* without a mask */
    mas_bench_tensor tensors[MAS_BENCH_TENSORS];
    size_t lse_bytes;
    float *host_lse;
} mas_bench_rig;

/** Seeded normals, rounded, in place of every input; memory for the outputs. */
MAS_MUST_USE mas_status mas_bench_rig_open(mas_device *device, const mas_bench_config *config,
                                           uint64_t seed, mas_bench_rig **out, mas_error *err);
void mas_bench_rig_close(mas_bench_rig *rig); /* NULL allowed */
/** Fill an output on the device with NaN, so that what is not written is seen. */
void mas_bench_rig_spoil(mas_bench_rig *rig, int tensor);
/** Fetch a tensor from the device. */
void mas_bench_rig_fetch(mas_bench_rig *rig, int tensor);

/** Arithmetic that depends on itself, on the calling thread: `rounds` of it, and how many take that long at the
 *  machine's best. */
void mas_bench_delay(int64_t rounds);
int64_t mas_bench_delay_rounds(double seconds);

typedef struct mas_bench_check {
    bool wrong;         /* a result differs too much */
    int64_t rows;       /* and keys, that were computed again */
    double worst_ratio; /* error over allowed error */
} mas_bench_check;

/** Compare sampled rows of the fetched outputs with f64 sums straight from the mask's definition.
 *  @param mask   of the layer
 *  @param edge   rows around multiples of it are among the samples: the kernel's tile
 *  @return MAS_OK; MAS_E_DEVICE with the place when they differ too much; MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_bench_check_forward(const mas_bench_rig *rig, const mas_mask *mask,
                                                int32_t edge, mas_bench_check *check,
                                                mas_error *err);
/** The same for dQ, dK and dV; o and lse are taken as they are. */
MAS_MUST_USE mas_status mas_bench_check_backward(const mas_bench_rig *rig, const mas_mask *mask,
                                                 int32_t edge, mas_bench_check *check,
                                                 mas_error *err);

#endif
