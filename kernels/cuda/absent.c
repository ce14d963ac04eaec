/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in for the CUDA back end in a build without it. */
#include "masbench/device.h"

static const mas_attn_kernel *const none[] = {NULL};

static mas_status open_none(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    (void)threads, (void)limit_bytes, (void)out;
    return mas_fail(err, MAS_E_UNSUPPORTED,
                    "this build has no CUDA back end: it was made without a CUDA toolkit (nvcc)");
}

const mas_device_kind mas_device_cuda = {.name = "cuda", .attention = none, .open = open_none};
