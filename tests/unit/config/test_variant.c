/* SPDX-License-Identifier: Apache-2.0 */
/* No point is made of a variant whose two statements of its mask differ. */
#include "harness/config/point.h"
#include "variants/table.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static size_t one_key_more(const mas_attn_spec *spec, int64_t position, int64_t kv_len,
                           mas_run *out)
{
    const size_t count = mas_variant_sliding_window.runs(spec, position, kv_len, out);
    out[0].begin -= out[0].begin > 0;
    return count;
}

Test(variant, contradiction_is_refused, .timeout = 60)
{
    mas_variant variant = mas_variant_sliding_window;
    variant.runs = one_key_more;
    mas_document *document = calloc(1, sizeof *document);
    cr_assert_not_null(document);
    mas_document_init(document);
    document->point.kind = MAS_KIND_KERNEL;
    document->point.attention.sparse = mas_attn_spec_default(&variant);
    document->point.attention.full_layers = 0;
    const mas_node root = {.kind = MAS_NODE_MAP};
    mas_problems problems = {0};
    mas_diagnostics found;
    cr_assert_not(mas_point_resolve(&problems, &root, document));
    mas_problems_finish(&problems, &found);
    cr_assert_eq(found.count, 1u);
    cr_assert_not_null(strstr(found.texts[0], "variant sliding_window (\"window 1\"), position 1"),
                       "%s", found.texts[0]);
    mas_diagnostics_free(&found);
    free(document);
}
