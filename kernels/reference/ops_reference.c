/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/reference/ops_reference.h"

#define real double
#define MAS_OP(name) mas_ops_reference_##name
#include "kernels/reference/ops_formulas.h"
