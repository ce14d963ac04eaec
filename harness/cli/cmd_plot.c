/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/cli.h"
#include "harness/cli/load.h"
#include "harness/gate/history.h"

/* @param read  the input, and it was good */
static int failed(const mas_cli_command *command, bool read, const mas_error *err)
{
    mas_cli_usage_error(command, "%s", err->text);
    return read && err->status == MAS_E_IO            ? MAS_EXIT_INCOMPLETE
           : read && err->status == MAS_E_UNSUPPORTED ? MAS_EXIT_NOT_COMPARABLE
                                                      : MAS_EXIT_USAGE;
}

static int draw_history(const mas_cli_command *command, const mas_cli_parsed *parsed,
                        const char *folder)
{
    static mas_result_set *sets[MAS_CLI_ARGUMENTS_MAX];
    const size_t count = (size_t)parsed->argument_count;
    size_t loaded = 0;
    mas_error err;
    mas_status status = MAS_OK;
    int code = MAS_EXIT_OK;
    while (status == MAS_OK && loaded < count) {
        status = mas_results_load_any(parsed->arguments[loaded], &sets[loaded], &err);
        loaded += status == MAS_OK;
    }
    const bool all_there = status == MAS_OK;
    const mas_gate_rules rules = mas_gate_rules_default();
    for (size_t i = 0; code == MAS_EXIT_OK && i < loaded; i++)
        if (sets[i]->count == 0)
            code = mas_cli_no_results(command, parsed->arguments[i]);
    if (code != MAS_EXIT_OK)
        goto done;
    if (all_there)
        status = mas_history_draw(sets, count, &rules, folder, stdout, &err);
    if (all_there && status == MAS_E_NOT_FOUND)
        mas_cli_warn("%s", err.text); /* no gnuplot */
    else if (status != MAS_OK)
        code = failed(command, all_there, &err);
    else
        fprintf(stderr, "chart: %s/history.png\n", folder);
done:
    for (size_t i = 0; i < loaded; i++)
        mas_results_free(sets[i]);
    return code;
}

static int plot_main(const mas_cli_command *command, int argc, char **argv)
{
    const char *history = NULL;
    const mas_cli_option table[] = {
        {"history", MAS_CLI_TEXT, "DIR",
         "draw the kernels' times over all RESULTS, oldest first, into DIR", &history, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code = mas_cli_parse_own(command, table, sizeof table / sizeof *table, argc, argv, 1,
                                 MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    code = history ? draw_history(command, &parsed, history) : MAS_EXIT_OK;
    for (int i = 0; !history && i < parsed.argument_count; i++) {
        if (parsed.argument_count > 1)
            printf("%s%s\n", i ? "\n" : "", parsed.arguments[i]);
        const int one = mas_cli_report(command, parsed.arguments[i]);
        code = code == MAS_EXIT_OK ? one : code;
    }
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_plot = {
    "plot",
    "RESULTS...",
    "tables and charts of finished results",
    "RESULTS is the folder of an experiment, for example results/quickstart. The table goes to the "
    "output; the folder\n"
    "receives table.md, table.csv, the charts as SVG and PNG, and in data/ what they were drawn "
    "from. Without gnuplot\n"
    "the data and the scripts are still written. With --history RESULTS are runs of one experiment "
    "at several commits,\n"
    "folders or packed files: one chart shows how each kernel's time went, with a line where it "
    "changed.",
    plot_main,
};
