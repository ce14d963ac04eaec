/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products in plain C++ for the emulator, whose device memory is the host's: what is tested
 * there is our kernels, not a library's. */
#include "kernels/cuda/device.h"

#include <stdio.h>

mas_status mas_cuda_matmuls_open(mas_cuda_device *d, mas_error *err)
{
    (void)err;
    snprintf(d->library, sizeof d->library, "plain (emulator)");
    return MAS_OK;
}

void mas_cuda_matmuls_close(mas_cuda_device *d)
{
    (void)d;
}

static float at(mas_dtype type, const void *data, int64_t i)
{
    return type == MAS_DTYPE_F32 ? ((const float *)data)[i] : bf2f(((const bf16 *)data)[i]);
}

mas_status mas_cuda_matmul(mas_device *d, const mas_matmul *m, mas_error *err)
{
    (void)d;
    const mas_status status = mas_cuda_noted(err);
    for (int64_t i = 0; status == MAS_OK && i < m->m; i++)
        for (int64_t j = 0; j < m->n; j++) {
            float sum = m->accumulate ? ((const float *)m->c)[i * m->ldc + j] : 0.0f;
            for (int64_t k = 0; k < m->k; k++)
                sum += at(m->type, m->a, m->trans_a ? k * m->lda + i : i * m->lda + k) *
                       at(m->type, m->b, m->trans_b ? j * m->ldb + k : k * m->ldb + j);
            if (m->c_type == MAS_DTYPE_F32)
                ((float *)m->c)[i * m->ldc + j] = sum;
            else
                ((bf16 *)m->c)[i * m->ldc + j] = f2bf(sum);
        }
    return status;
}
