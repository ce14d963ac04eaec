/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/table.h"

#include "variants/suggest.h"

#include <string.h>

const mas_variant *const mas_variants[] = {
    &mas_variant_full,
    &mas_variant_sliding_window,
    &mas_variant_block_sparse,
    NULL,
};

mas_status mas_variant_find(const char *name, const mas_variant **out, mas_error *err)
{
    const char *names[sizeof mas_variants / sizeof *mas_variants];
    size_t count = 0;
    for (; mas_variants[count]; count++) {
        names[count] = mas_variants[count]->name;
        if (strcmp(name, names[count]) == 0) {
            *out = mas_variants[count];
            return MAS_OK;
        }
    }
    char known[256];
    mas_words_join(names, count, known, sizeof known);
    const char *near = mas_suggest(name, names, count);
    return mas_fail(err, MAS_E_NOT_FOUND, "unknown attention variant \"%s\"%s%s%s; known: %s", name,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", known);
}

int mas_variant_option(const mas_variant *variant, const char *name)
{
    for (size_t i = 0; i < variant->option_count; i++)
        if (strcmp(variant->options[i].name, name) == 0)
            return (int)i;
    return -1;
}
