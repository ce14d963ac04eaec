/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The loops behind the measured limits of the CPU device, one table per instruction level. Private
 * to kernels/cpu.
 */
#ifndef MASBENCH_CPU_LIMITS_H
#define MASBENCH_CPU_LIMITS_H

#include "masbench/device.h"

/** Bytes of one step of read and copy: sizes are multiples of it, pointers aligned to 64. */
#define MAS_CPU_LIMIT_STEP 512

typedef struct mas_cpu_limits {
    /** Independent multiply-adds in registers; returns their count in FLOPs. */
    double (*f32)(int64_t rounds);
    /** The same with products of bf16 pairs, of vectors or of tiles; NULL where the level has none. */
    double (*bf16)(int64_t rounds);
    void (*read)(const void *from, size_t bytes);
    void (*copy)(void *to, const void *from, size_t bytes);
    /** The yardstick's work: multiply-adds beside loads, as a blocked product mixes them; `passes` over `bytes` of
     * memory. */
    void (*mixed)(const void *from, size_t bytes, int64_t passes);
} mas_cpu_limits;

extern const mas_cpu_limits mas_cpu_limits_scalar;
#if defined(__x86_64__)
extern const mas_cpu_limits mas_cpu_limits_avx2, mas_cpu_limits_avx512, mas_cpu_limits_avx512bf16,
    mas_cpu_limits_amx;
#endif

double mas_cpu_limit_measure(mas_device *d, mas_limit limit, double seconds);
void mas_cpu_yardstick(mas_device *d);

#endif
