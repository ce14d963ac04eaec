/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/check/ops_twin.h"

#define real float
#define MAS_OP(name) mas_ops_twin_##name
#include "kernels/reference/ops_formulas.h"
