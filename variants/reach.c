/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/reach.h"

#include <stdlib.h>

mas_status mas_reach_layer(const mas_attn_spec *spec, int64_t length, bool *reached, mas_error *err)
{
    int64_t *keys = malloc((size_t)(length > 0 ? length : 1) * sizeof *keys);
    if (!keys)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the reach of %lld tokens",
                        (long long)length);
    int64_t count = 0; /* of the keys reached before this layer */
    for (int64_t key = 0; key < length; key++)
        if (reached[key])
            keys[count++] = key;
    const mas_mask mask = mas_attn_spec_mask(spec);
    for (int64_t position = 0; position < length; position++)
        for (int64_t i = 0; i < count && !reached[position]; i++)
            reached[position] = mask.sees(&mask, position, keys[i]);
    free(keys);
    return MAS_OK;
}
