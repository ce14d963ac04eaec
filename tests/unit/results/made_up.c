/* SPDX-License-Identifier: Apache-2.0 */
#include "made_up.h"
#include "harness/results/json_build.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

json_t *made_up_result(const char *title, const char *family, int full, int seed, double cost,
                       double loss, int vocab)
{
    return json_pack(
        "{s:i,s:s,s:s,s:s,s:i,s:{s:s,s:i},s:{s:s,s:s,s:i,s:i},s:{s:{s:f}},s:{s:f,s:f,s:f},"
        "s:{s:s,s:i}}",
        "schema", 1, "id", "0123456789abcdef", "title", title, "status", "ok", "seed", seed,
        "point", "plan", family, "seed", seed, "plan", "label", family, "family", family, "layers",
        6, "full_layers", full, "cost", "attention", "relative", cost, "quality", "loss", loss,
        "perplexity", exp(loss), "bits_per_byte", loss / log(2), "corpus", "tokenizer", "bytes",
        "vocab", vocab);
}

mas_report *made_up_report(json_t **results, size_t count)
{
    static mas_result_set set; /* the report points to it */
    mas_report *report = NULL;
    mas_error err;
    set = (mas_result_set){.folder = (char *)"folder", .count = count, .results = results};
    cr_assert_eq(mas_report_make(&set, &report, &err), MAS_OK, "%s", err.text);
    return report;
}

void made_up_drop(json_t **results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_decref(results[i]);
}

char *written(const mas_report *report, void (*write)(const mas_report *, FILE *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(report, out);
    fclose(out);
    return text;
}
