/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What this processor can run. Levels are named bundles; each contains the ones before it.
 * Detection asks the processor and the operating system (saved register state); MASBENCH_CPU and --cpu choose a level of
 * those that it offers.
 */
#ifndef MASBENCH_CPU_H
#define MASBENCH_CPU_H

#include "masbench/status.h"
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mas_isa {
    MAS_ISA_SCALAR,     /* baseline of the compiler's target */
    MAS_ISA_AVX2,       /* AVX2 + FMA + F16C */
    MAS_ISA_AVX512,     /* AVX-512 F + BW + DQ + VL */
    MAS_ISA_AVX512BF16, /* and AVX512-BF16 dot products */
    MAS_ISA_AMX,        /* and AMX matrix tiles of bf16 */
    MAS_ISA_COUNT
} mas_isa;

/** "scalar", "avx2", "avx512", "avx512bf16", "amx". */
const char *mas_isa_name(mas_isa isa);
/** Level whose name is `name`; MAS_E_ARGUMENT names the known ones. */
MAS_MUST_USE mas_status mas_isa_from_name(const char *name, mas_isa *out, mas_error *err);

/** Level in use: the fastest of those offered, unless mas_cpu_limit or MASBENCH_CPU chose one. Not always the highest:
 * some processors multiply bf16 pairs at half the rate of f32. */
mas_isa mas_cpu_isa(void);
/** Highest level that the processor (and MASBENCH_CPU) allows, for those who test them all. */
mas_isa mas_cpu_offered(void);
/** Choose the level for the rest of the process; call before threads start. One above the
 * hardware is MAS_E_UNSUPPORTED. */
MAS_MUST_USE mas_status mas_cpu_limit(mas_isa isa, mas_error *err);
/** Marketing name of the processor, "unknown" if it cannot be read. */
const char *mas_cpu_model(void);

#ifdef __cplusplus
}
#endif
#endif
