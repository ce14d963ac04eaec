/* SPDX-License-Identifier: Apache-2.0 */
/* masbench: finds the command and hands over. */
#include "harness/cli/cli.h"
#include "masbench_build.h"
#include "variants/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const mas_cli_command *const mas_cli_commands[] = {
    &mas_cmd_run,    &mas_cmd_explain, &mas_cmd_list,    &mas_cmd_check,
    &mas_cmd_plot,   &mas_cmd_report,  &mas_cmd_compare, &mas_cmd_pack,
    &mas_cmd_verify, &mas_cmd_refresh, &mas_cmd_serve,   NULL,
};

static void print_help(FILE *out)
{
    fputs("usage: masbench COMMAND [options] ...\n\n"
          "Which layers of a decoder need full attention, and what does each choice cost and "
          "give?\n\ncommands:\n",
          out);
    for (size_t i = 0; mas_cli_commands[i]; i++)
        fprintf(out, "  %-8s %-26s %s\n", mas_cli_commands[i]->name, mas_cli_commands[i]->arguments,
                mas_cli_commands[i]->summary);
    fputs(
        "\nmasbench COMMAND --help lists the options of a command; masbench --version prints the "
        "version.\n"
        "exit codes: 0 fine; 1 finished, but something failed, differs or got slower; 2 bad usage "
        "or input;\n3 incomplete; 4 not comparable; 5 unclear; 130 interrupted\n",
        out);
}

static int unknown_command(const char *name)
{
    const char *known[16];
    size_t count = 0;
    while (mas_cli_commands[count]) {
        known[count] = mas_cli_commands[count]->name;
        count++;
    }
    char all[256];
    mas_words_join(known, count, all, sizeof all);
    const char *near = mas_suggest(name, known, count);
    if (near)
        return mas_cli_usage_error(
            NULL, "unknown command \"%s\"; did you mean \"%s\"? commands: %s", name, near, all);
    return mas_cli_usage_error(NULL, "unknown command \"%s\"; commands: %s", name, all);
}

/* Threads that wait for each other spin for about a microsecond, then sleep. By default the OpenMP
 * runtime spins for much longer and loses whole time slices as soon as anything else runs. Quickstart
 * model, two threads on two cores, thousand tokens a second, idle machine / one other busy process:
 *   default 69 / 17,  3000 spins 70 / 20,  1000 spins 69 / 27,  300 spins 66 / 30,  none 45 / 32.
 * The runtime reads its setting when it is loaded, so the program starts itself once more, unless the
 * user has chosen. */
static void wait_without_long_spins(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") ||
        setenv("GOMP_SPINCOUNT", "300", 1) != 0)
        return;
    execv("/proc/self/exe", argv); /* comes back only where that does not work: then spin */
}

int main(int argc, char **argv)
{
    wait_without_long_spins(argv);
    if (argc < 2) {
        print_help(stderr);
        return MAS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return mas_cli_finish(NULL, MAS_EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("masbench %s (commit %.12s%s, %s)\n", MAS_VERSION, MAS_GIT_COMMIT,
               MAS_GIT_DIRTY ? ", modified" : "", MAS_COMPILER);
        return mas_cli_finish(NULL, MAS_EXIT_OK);
    }
    if (argv[1][0] == '-')
        return mas_cli_usage_error(
            NULL,
            "options come after the command: masbench COMMAND %s ...; masbench --help lists "
            "the commands",
            argv[1]);
    for (size_t i = 0; mas_cli_commands[i]; i++)
        if (strcmp(mas_cli_commands[i]->name, argv[1]) == 0)
            return mas_cli_commands[i]->main(mas_cli_commands[i], argc - 2, argv + 2);
    return unknown_command(argv[1]);
}
