/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's __builtin_cpu_supports also asks XGETBV, so a level is reported only when the
 * operating system saves its registers. The level and the name are the only process-wide facts of
 * the kernel library, written before threads start; what the processor offers is kept beside them. */
#define _DEFAULT_SOURCE /* syscall */
#include "masbench/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const isa_names[MAS_ISA_COUNT] = {"scalar", "avx2", "avx512", "avx512bf16",
                                                     "amx"};
static mas_isa level_limit = MAS_ISA_COUNT; /* MAS_ISA_COUNT: not limited yet */

const char *mas_isa_name(mas_isa isa)
{
    return (unsigned)isa < MAS_ISA_COUNT ? isa_names[isa] : "unknown";
}

mas_status mas_isa_from_name(const char *name, mas_isa *out, mas_error *err)
{
    for (int i = 0; i < MAS_ISA_COUNT; i++)
        if (strcmp(name, isa_names[i]) == 0) {
            *out = (mas_isa)i;
            return MAS_OK;
        }
    return mas_fail(err, MAS_E_ARGUMENT,
                    "unknown CPU level \"%s\"; known: scalar, avx2, avx512, avx512bf16, amx", name);
}

#if defined(__x86_64__) && defined(__linux__)

/* Whether the processor has tiles of bf16 and the system lets this process use them: their 8 KiB of state are
 * saved only for those who asked (Linux, Documentation/arch/x86/xstate.rst). Asking again is harmless. */
static bool tiles_granted(void)
{
    enum { LEAF = 7, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid_count(LEAF, 0, &eax, &ebx, &ecx, &edx) || !(edx & AMX_BF16) ||
        !(edx & AMX_TILE))
        return false;
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#else

static bool tiles_granted(void)
{
    return false;
}

#endif

static mas_isa ask_processor(void)
{
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx; /* not every compiler knows the name "f16c" */
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_F16C))
        return MAS_ISA_SCALAR;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return !__builtin_cpu_supports("avx512bf16") ? MAS_ISA_AVX512
               : tiles_granted()                     ? MAS_ISA_AMX
                                                     : MAS_ISA_AVX512BF16;
    return MAS_ISA_AVX2;
#else
    return MAS_ISA_SCALAR;
#endif
}

/* Asked once: a virtual machine is left and entered again for every CPUID, and selecting a kernel asks per kernel. */
static mas_isa detect(void)
{
    static atomic_int known = MAS_ISA_COUNT; /* MAS_ISA_COUNT: not asked yet */
    int isa = atomic_load_explicit(&known, memory_order_relaxed);
    if (isa == MAS_ISA_COUNT) {
        isa = ask_processor();
        atomic_store_explicit(&known, isa, memory_order_relaxed);
    }
    return (mas_isa)isa;
}

/* The limit that the environment sets; false: none. */
static bool environment_limit(mas_isa *out)
{
    const char *name = getenv("MASBENCH_CPU");
    return name && mas_isa_from_name(name, out, NULL) == MAS_OK;
}

static mas_isa lower(mas_isa a, mas_isa b)
{
    return a < b ? a : b;
}

mas_isa mas_cpu_offered(void)
{
    mas_isa limit;
    const mas_isa detected = detect();
    return environment_limit(&limit) ? lower(limit, detected) : detected;
}

/* Intel's dot products of bf16 do half the FLOPs of its f32 multiply-adds (a Xeon, two cores: 170 of 350 GFLOP/s; its
 * fast bf16 is AMX), AMD's twice as many (Zen 4, Zen 5). On the former, without AMX, bf16 is faster widened to f32. */
static bool dot_products_pay(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return !__builtin_cpu_is("intel");
#else
    return false;
#endif
}

mas_isa mas_cpu_isa(void)
{
    mas_isa limit = level_limit;
    if (limit != MAS_ISA_COUNT || environment_limit(&limit))
        return lower(limit, detect());
    const mas_isa detected = detect();
    if (detected == MAS_ISA_AVX512BF16 && !dot_products_pay())
        return MAS_ISA_AVX512;
    return detected;
}

mas_status mas_cpu_limit(mas_isa isa, mas_error *err)
{
    if (isa > detect())
        return mas_fail(err, MAS_E_UNSUPPORTED,
                        "this processor offers at most %s; %s was asked for",
                        mas_isa_name(detect()), mas_isa_name(isa));
    level_limit = isa;
    return MAS_OK;
}

const char *mas_cpu_model(void)
{
    static char model[128];
    if (model[0])
        return model;
    snprintf(model, sizeof model, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return model;
    char line[256];
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0) {
            const char *value = strchr(line, ':');
            if (value) {
                value += strspn(value, ": \t");
                snprintf(model, sizeof model, "%.*s", (int)strcspn(value, "\n"), value);
            }
            break;
        }
    fclose(f);
    return model;
}
