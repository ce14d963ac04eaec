/* SPDX-License-Identifier: Apache-2.0 */
/** Names of what is compiled once per instruction level, with -DMAS_CPU_LEVEL=scalar, avx2, avx512,
 * avx512bf16 or amx: LEVEL_NAME(rows) is mas_cpu_rows_avx2. Private to those files. */
#ifndef MASBENCH_CPU_LEVEL_NAME_H
#define MASBENCH_CPU_LEVEL_NAME_H

#define LEVEL_NAME_OF(name, level) mas_cpu_##name##_##level
#define LEVEL_NAME_EXPANDED(name, level) LEVEL_NAME_OF(name, level)
#define LEVEL_NAME(name) LEVEL_NAME_EXPANDED(name, MAS_CPU_LEVEL)

#endif
