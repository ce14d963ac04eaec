/* SPDX-License-Identifier: Apache-2.0 */
/* How a finished row of a bf16 product's tile goes to C. Private to the files that multiply. */
#ifndef MASBENCH_CPU_GEMM_STORE_H
#define MASBENCH_CPU_GEMM_STORE_H

#include "kernels/cpu/lanes.h"

#if defined(__AVX512BF16__)

/* Dot products leave no subnormal sums, so the instruction's flush of those changes nothing. */
LANE_INLINE void store_rounded(uint16_t *to, vf v, int64_t left)
{
    const __m256i h = (__m256i)_mm512_cvtneps_pbh((__m512)v);
    if (left >= LANES)
        memcpy(to, &h, sizeof h);
    else
        _mm256_mask_storeu_epi16(to, lanes_left(left), h);
}

#else

LANE_INLINE void store_rounded(uint16_t *to, vf v, int64_t left)
{
    vt_store(MAS_DTYPE_BF16, to, 0, v, left);
}

#endif

/* One row of a tile, two vectors wide; only f32 is added to. */
LANE_INLINE void store_row(mas_dtype type, bool add, const vf *sum, void *c, int64_t columns)
{
    for (int h = 0; h < 2; h++) {
        const int64_t j = h * LANES, left = columns - j;
        if (left <= 0)
            break;
        if (type == MAS_DTYPE_BF16)
            store_rounded((uint16_t *)c + j, sum[h], left);
        else if (add)
            vf_store_n((float *)c + j, vf_load_n((float *)c + j, left) + sum[h], left);
        else
            vf_store_n((float *)c + j, sum[h], left);
    }
}

#endif
