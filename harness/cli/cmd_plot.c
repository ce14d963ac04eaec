/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/cli.h"
#include "harness/cli/load.h"

static int plot_main(const mas_cli_command *command, int argc, char **argv)
{
    mas_cli_parsed parsed;
    int code = mas_cli_parse(command, NULL, 0, argc, argv, 1, MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    code = MAS_EXIT_OK;
    for (int i = 0; i < parsed.argument_count; i++) {
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
    "the data and the scripts are still written.",
    plot_main,
};
