/* SPDX-License-Identifier: Apache-2.0 */
/* masbench pack: one file of results, such as a baseline for masbench compare. */
#include "harness/cli/cli.h"
#include "harness/results/results.h"

static int pack_main(const mas_cli_command *command, int argc, char **argv)
{
    const char *out = NULL;
    const mas_cli_option table[] = {
        {"out", MAS_CLI_TEXT, "FILE", "the file to write (required)", &out, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code = mas_cli_parse_own(command, table, sizeof table / sizeof *table, argc, argv, 1,
                                 MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    if (!out)
        return mas_cli_usage_error(command,
                                   "--out is missing; for example --out results/baseline/ci.json");
    static mas_result_set *sets[MAS_CLI_ARGUMENTS_MAX];
    size_t count = 0, results = 0;
    mas_error err;
    code = MAS_EXIT_OK;
    for (int i = 0; code == MAS_EXIT_OK && i < parsed.argument_count; i++) {
        if (mas_results_load_any(parsed.arguments[i], &sets[count], &err) != MAS_OK)
            code = mas_cli_usage_error(command, "%s", err.text);
        else
            results += sets[count++]->count;
    }
    if (code == MAS_EXIT_OK && results == 0) {
        mas_cli_usage_error(command, "no results there; nothing was written");
        code = MAS_EXIT_INCOMPLETE;
    } else if (code == MAS_EXIT_OK &&
               mas_results_write_pack(out, sets, count, &results, &err) != MAS_OK) {
        code = mas_cli_usage_error(command, "%s", err.text);
    } else if (code == MAS_EXIT_OK) {
        fprintf(stderr, "%zu result%s: %s\n", results, mas_cli_s((int64_t)results), out);
    }
    for (size_t i = 0; i < count; i++)
        mas_results_free(sets[i]);
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_pack = {
    "pack",
    "RESULTS...",
    "gather results into one file, such as a baseline for compare",
    "RESULTS are folders of experiments or packed files.",
    pack_main,
};
