/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the CPU device. Every block carries its size and category in the 64 bytes before it,
 * so that release needs only the pointer. The accounts count the bytes that were asked for,
 * neither that header nor the rounding to whole cache lines, so that they can be compared with
 * sums of tensor sizes. */
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

static const char *const memory_names[] = {
    [MAS_MEMORY_WEIGHTS] = "weights",     [MAS_MEMORY_GRADIENTS] = "gradients",
    [MAS_MEMORY_OPTIMISER] = "optimiser", [MAS_MEMORY_ACTIVATIONS] = "activations",
    [MAS_MEMORY_WORKSPACE] = "workspace", [MAS_MEMORY_KV_CACHE] = "kv_cache",
};
static_assert(sizeof memory_names / sizeof *memory_names == MAS_MEMORY_COUNT,
              "one name per category");

const char *mas_memory_name(mas_memory category)
{
    return (unsigned)category < MAS_MEMORY_COUNT ? memory_names[category] : "unknown";
}

static void account(mas_memory_use *use, mas_memory category, size_t bytes)
{
    use->bytes[category] += bytes;
    use->total_bytes += bytes;
    if (use->bytes[category] > use->peak_bytes[category])
        use->peak_bytes[category] = use->bytes[category];
    if (use->total_bytes > use->total_peak_bytes)
        use->total_peak_bytes = use->total_bytes;
}

mas_status mas_cpu_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                         mas_error *err)
{
    assert((unsigned)category < MAS_MEMORY_COUNT);
    mas_cpu_device *cpu = mas_cpu(d);
    mas_memory_use *use = &d->memory;
    if (use->limit_bytes &&
        (use->total_bytes > use->limit_bytes || bytes > use->limit_bytes - use->total_bytes)) {
        const size_t available =
            use->total_bytes < use->limit_bytes ? use->limit_bytes - use->total_bytes : 0;
        return mas_fail(err, MAS_E_MEMORY,
                        "%zu bytes of %s were asked for, but only %zu of the memory limit of %zu "
                        "bytes are available; raise the limit or make the model, batch or length "
                        "smaller",
                        bytes, mas_memory_name(category), available, use->limit_bytes);
    }
    const bool refused = cpu->fail_countdown > 0 && --cpu->fail_countdown == 0;
    char *block = NULL;
    if (!refused && bytes <= PTRDIFF_MAX - 2 * ALIGNMENT)
        block =
            aligned_alloc(ALIGNMENT, ALIGNMENT + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!block)
        return mas_fail(
            err, MAS_E_MEMORY,
            "%zu bytes of %s were asked for, but the system has no memory for them "
            "(%zu bytes are allocated already); make the model, batch or length smaller",
            bytes, mas_memory_name(category), use->total_bytes);
    const block_header header = {bytes, category};
    memcpy(block, &header, sizeof header);
    memset(block + ALIGNMENT, 0, bytes);
    account(use, category, bytes);
    *out = block + ALIGNMENT;
    return MAS_OK;
}

void mas_cpu_release(mas_device *d, void *pointer)
{
    if (!pointer)
        return;
    char *block = (char *)pointer - ALIGNMENT;
    block_header header;
    memcpy(&header, block, sizeof header);
    assert(header.bytes <= d->memory.bytes[header.category]);
    d->memory.bytes[header.category] -= header.bytes;
    d->memory.total_bytes -= header.bytes;
    mas_cpu_forget(d, pointer, header.bytes);
    free(block);
}

void mas_cpu_fail_allocation(mas_device *d, int64_t n)
{
    mas_cpu(d)->fail_countdown = n;
}
