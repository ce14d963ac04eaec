/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of device memory by category, the same for every device. */
#include "kernels/core/memory.h"

#include <assert.h>

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

mas_status mas_memory_allows(const mas_memory_use *use, size_t bytes, mas_memory category,
                             mas_error *err)
{
    assert((unsigned)category < MAS_MEMORY_COUNT);
    if (!use->limit_bytes ||
        (use->total_bytes <= use->limit_bytes && bytes <= use->limit_bytes - use->total_bytes))
        return MAS_OK;
    const size_t available =
        use->total_bytes < use->limit_bytes ? use->limit_bytes - use->total_bytes : 0;
    return mas_fail(err, MAS_E_MEMORY,
                    "%zu bytes of %s were asked for, but only %zu of the memory limit of %zu "
                    "bytes are available; raise the limit or make the model, batch or length "
                    "smaller",
                    bytes, mas_memory_name(category), available, use->limit_bytes);
}

mas_status mas_memory_refused(const mas_memory_use *use, size_t bytes, mas_memory category,
                              mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY,
                    "%zu bytes of %s were asked for, but the system has no memory for them "
                    "(%zu bytes are allocated already); make the model, batch or length smaller",
                    bytes, mas_memory_name(category), use->total_bytes);
}

void mas_memory_took(mas_memory_use *use, size_t bytes, mas_memory category)
{
    use->bytes[category] += bytes;
    use->total_bytes += bytes;
    if (use->bytes[category] > use->peak_bytes[category])
        use->peak_bytes[category] = use->bytes[category];
    if (use->total_bytes > use->total_peak_bytes)
        use->total_peak_bytes = use->total_bytes;
}

void mas_memory_gave(mas_memory_use *use, size_t bytes, mas_memory category)
{
    assert(bytes <= use->bytes[category]);
    use->bytes[category] -= bytes;
    use->total_bytes -= bytes;
}
