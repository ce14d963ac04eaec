/* SPDX-License-Identifier: Apache-2.0 */
/** The variants' descriptors, one line each, for table.c and the file that defines it. */
#ifndef MASBENCH_VARIANTS_TABLE_H
#define MASBENCH_VARIANTS_TABLE_H

#include "variants/variant.h"

extern const mas_variant mas_variant_full;
extern const mas_variant mas_variant_sliding_window;
extern const mas_variant mas_variant_block_sparse;

#endif
