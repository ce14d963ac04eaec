/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the CPU device. Every block carries its size and category in the 64 bytes before it,
 * so that release needs only the pointer. The accounts count the bytes that were asked for,
 * neither that header nor the rounding to whole cache lines, so that they can be compared with
 * sums of tensor sizes. */
#include "kernels/core/memory.h"
#include "kernels/cpu/cpu_device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)

typedef struct block_header {
    size_t bytes;
    mas_memory category;
} block_header;

static_assert(sizeof(block_header) <= ALIGNMENT, "the header fits the space before a block");

mas_status mas_cpu_try_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                             mas_error *err)
{
    mas_cpu_device *cpu = mas_cpu(d);
    mas_memory_use *use = &d->memory;
    const mas_status status = mas_memory_allows(use, bytes, category, err);
    if (status != MAS_OK)
        return status;
    const bool refused = cpu->fail_countdown > 0 && --cpu->fail_countdown == 0;
    char *block = NULL;
    if (!refused && bytes <= PTRDIFF_MAX - 2 * ALIGNMENT)
        block =
            aligned_alloc(ALIGNMENT, ALIGNMENT + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!block)
        return mas_memory_refused(use, bytes, category, err);
    const block_header header = {bytes, category};
    memcpy(block, &header, sizeof header);
    memset(block + ALIGNMENT, 0, bytes);
    mas_memory_took(use, bytes, category);
    *out = block + ALIGNMENT;
    return MAS_OK;
}

mas_status mas_cpu_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                         mas_error *err)
{
    const mas_status status = mas_cpu_try_alloc(d, bytes, category, out, err);
    if (status != MAS_E_MEMORY || !mas_cpu_forget_all(d))
        return status;
    return mas_cpu_try_alloc(d, bytes, category, out, err);
}

static block_header header_of(const void *pointer)
{
    block_header header;
    memcpy(&header, (const char *)pointer - ALIGNMENT, sizeof header);
    return header;
}

size_t mas_cpu_size(const void *pointer)
{
    return header_of(pointer).bytes;
}

void mas_cpu_release(mas_device *d, void *pointer)
{
    if (!pointer)
        return;
    const block_header header = header_of(pointer);
    mas_memory_gave(&d->memory, header.bytes, header.category);
    free((char *)pointer - ALIGNMENT);
}

void mas_cpu_fail_allocation(mas_device *d, int64_t n)
{
    mas_cpu(d)->fail_countdown = n;
}
