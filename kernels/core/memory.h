/* SPDX-License-Identifier: Apache-2.0 */
/** Accounts of device memory by category: what `alloc` and `release` of every device keep. */
#ifndef MASBENCH_CORE_MEMORY_H
#define MASBENCH_CORE_MEMORY_H

#include "masbench/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** May that much be allocated under the limit? MAS_E_MEMORY with the numbers when not. */
MAS_MUST_USE mas_status mas_memory_allows(const mas_memory_use *use, size_t bytes,
                                          mas_memory category, mas_error *err);
/** The error of an allocation that the system refused. */
mas_status mas_memory_refused(const mas_memory_use *use, size_t bytes, mas_memory category,
                              mas_error *err);
/** It was allocated; it was released. */
void mas_memory_took(mas_memory_use *use, size_t bytes, mas_memory category);
void mas_memory_gave(mas_memory_use *use, size_t bytes, mas_memory category);

#ifdef __cplusplus
}
#endif
#endif
