/* SPDX-License-Identifier: Apache-2.0 */
/* Measured limits of the CPU device: many short runs of all threads at once, the best counts. */
#include "kernels/cpu/limits.h"
#include "kernels/cpu/cpu_device.h"

#include <float.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A run takes a few milliseconds: long against starting it, short against other load. */
#define ROUNDS ((int64_t)1 << 18)
/* The yardstick: a thread reads this much so often beside its multiply-adds; a fifth of a millisecond, as long as a
 * small kernel. Multiply-adds alone would not do: in seconds in which a neighbour on the host slowed kernels 1.2 to 1.5
 * times, they took 1.04 times as long and this 1.1 to 1.2 times, since it lives in the second-level cache as they do.
 * 512 KiB felt the neighbour still more, but its own time jumped by a tenth with the pages that it happened to get:
 * they no longer fit the first-level translation buffer. */
#define YARDSTICK_BYTES ((size_t)192 << 10)
#define YARDSTICK_PASSES 128
/* Much larger than the last-level caches of the processors this is for. */
#define BUFFER_BYTES ((size_t)256 << 20)
/* However long a run takes; a single one may meet other load. */
#define RUNS_MIN 3

const char *mas_limit_name(mas_limit limit)
{
    static const char *const names[MAS_LIMIT_COUNT] = {"f32_flops", "bf16_flops", "read_bytes",
                                                       "copy_bytes"};
    return (unsigned)limit < MAS_LIMIT_COUNT ? names[limit] : "unknown";
}

static const mas_cpu_limits *loops_for(mas_isa isa)
{
#if defined(__x86_64__)
    if (isa >= MAS_ISA_AMX)
        return &mas_cpu_limits_amx;
    if (isa == MAS_ISA_AVX512BF16)
        return &mas_cpu_limits_avx512bf16;
    if (isa == MAS_ISA_AVX512)
        return &mas_cpu_limits_avx512;
    if (isa == MAS_ISA_AVX2)
        return &mas_cpu_limits_avx2;
#endif
    (void)isa;
    return &mas_cpu_limits_scalar;
}

/* One thread's part of a run; returns the FLOPs or bytes. */
static double run_part(const mas_cpu_limits *loops, mas_limit limit, char *part, size_t bytes)
{
    switch (limit) {
    case MAS_LIMIT_F32: return loops->f32(ROUNDS);
    case MAS_LIMIT_BF16: return loops->bf16(ROUNDS);
    case MAS_LIMIT_READ: loops->read(part, bytes); return (double)bytes;
    default: loops->copy(part, part + bytes / 2, bytes / 2); return (double)bytes;
    }
}

/* Work per second from the first thread's start to the last one's end. */
static double run_once(const mas_cpu_limits *loops, mas_limit limit, int threads, char *buffer,
                       size_t part)
{
    double work = 0.0, start = DBL_MAX, end = 0.0;
#pragma omp parallel num_threads(threads) reduction(+ : work) reduction(min : start)               \
    reduction(max : end)
    {
        char *mine = buffer ? buffer + (size_t)omp_get_thread_num() * part : NULL;
#pragma omp barrier
        start = omp_get_wtime();
        work = run_part(loops, limit, mine, part);
        end = omp_get_wtime();
    }
    return end > start ? work / (end - start) : 0.0;
}

/* Memory to read and copy, a part for each thread, on pages near it. Made once: touching it takes many times as long as
 * reading it. NULL: the system has none. */
static char *traffic_of(mas_device *d, size_t part)
{
    mas_cpu_device *cpu = mas_cpu(d);
    if (cpu->traffic)
        return cpu->traffic;
    char *buffer = cpu->traffic = aligned_alloc(64, BUFFER_BYTES);
    if (buffer) {
#pragma omp parallel num_threads(d->threads)
        memset(buffer + (size_t)omp_get_thread_num() * part, 1, part);
    }
    return buffer;
}

double mas_cpu_limit_measure(mas_device *d, mas_limit limit, double seconds)
{
    if ((unsigned)limit >= MAS_LIMIT_COUNT)
        return 0.0;
    const mas_cpu_limits *loops = loops_for(mas_cpu_isa());
    if (limit == MAS_LIMIT_BF16 && !loops->bf16)
        limit = MAS_LIMIT_F32;
    const bool moves = limit == MAS_LIMIT_READ || limit == MAS_LIMIT_COPY;
    const size_t whole = 2 * MAS_CPU_LIMIT_STEP; /* halves are whole steps */
    const size_t part = BUFFER_BYTES / (size_t)d->threads / whole * whole;
    char *buffer = moves ? traffic_of(d, part) : NULL;
    if (moves && !buffer)
        return 0.0;
    const double until = omp_get_wtime() + seconds;
    double best = 0.0;
    for (int run = 0; run < RUNS_MIN || omp_get_wtime() < until; run++) {
        const double rate = run_once(loops, limit, d->threads, buffer, part);
        best = rate > best ? rate : best;
    }
    return best;
}

void mas_cpu_yardstick(mas_device *d)
{
    const mas_cpu_limits *loops = loops_for(mas_cpu_isa());
    const char *memory = (const char *)mas_cpu(d)->scratch;
    const size_t parts = (size_t)MAS_CPU_SCRATCH * sizeof(float) / YARDSTICK_BYTES;
#pragma omp parallel num_threads(d->threads)
    {
        const size_t part = (size_t)omp_get_thread_num() % parts; /* more threads share, reading */
        loops->mixed(memory + part * YARDSTICK_BYTES, YARDSTICK_BYTES, YARDSTICK_PASSES);
    }
}
