/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/check/check.h"
#include "harness/cli/cli.h"

#include <unistd.h>

static int check_main(const mas_cli_command *command, int argc, char **argv)
{
    mas_check_options check = mas_check_defaults();
    int64_t seed = (int64_t)check.seed;
    bool list = false;
    const mas_cli_option table[] = {
        {"kernel", MAS_CLI_TEXT, "GLOB",
         "only kernels, variants and operations of this name, for example \"attn_*/avx2\"",
         &check.kernel, 0, 0, NULL},
        {"case", MAS_CLI_TEXT, "GLOB", "only cases of this name", &check.which, 0, 0, NULL},
        {"seed", MAS_CLI_INT, "N", "of all inputs and of the random problems", &seed, 0, INT64_MAX,
         NULL},
        {"count", MAS_CLI_INT, "N", "random problems", &check.count, 0, 1000000, NULL},
        {"verbose", MAS_CLI_FLAG, NULL,
         "name every case on stderr before it runs: the last one is where a kernel hangs",
         &check.verbose, 0, 0, NULL},
        {"list", MAS_CLI_FLAG, NULL, "print what would be checked", &list, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    const int code =
        mas_cli_parse(command, table, sizeof table / sizeof *table, argc, argv, 0, 0, &parsed);
    if (code >= 0)
        return code;
    (void)setvbuf(stdout, NULL, _IOLBF,
                  BUFSIZ); /* what was found stays when the process is killed */
    check.seed = (uint64_t)seed;
    check.threads = parsed.globals.threads;
    check.cpu = parsed.globals.cpu;
    mas_error err;
    if (!parsed.globals.cpu &&
        mas_cpu_limit(mas_cpu_offered(), &err) != MAS_OK) /* all, not only the fastest */
        return mas_cli_usage_error(command, "%s", err.text);
    if (parsed.globals.device != &mas_device_cpu) {
        check.table = parsed.globals.device->attention;
        check.open_device = parsed.globals.device->open;
        if (mas_device_usable(parsed.globals.device, &err) != MAS_OK)
            return mas_cli_usage_error(command, "--device %s: %s", parsed.globals.device->name,
                                       err.text);
        check.device = parsed.globals.device->name;
    }
    mas_check_report report;
    if (list) {
        if (mas_check_list(&check, stdout, &err) != MAS_OK)
            return mas_cli_usage_error(command, "%s", err.text);
        return mas_cli_finish(command, MAS_EXIT_OK);
    }
    FILE *progress = check.verbose || isatty(STDERR_FILENO) ? stderr : NULL;
    if (mas_check_run(&check, stdout, progress, &report, &err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    printf("seed %lld: %lld passed, %lld failed, %lld refused by kernels", (long long)seed,
           (long long)report.passed, (long long)report.failed, (long long)report.refused);
    if (report.worst_ratio > 0)
        printf("; the largest error that passed is %.2f times what is allowed", report.worst_ratio);
    putchar('\n');
    return mas_cli_finish(command, report.failed > 0 || report.passed == 0 ? MAS_EXIT_FAILURES
                                                                           : MAS_EXIT_OK);
}

const mas_cli_command mas_cmd_check = {
    "check",
    "",
    "hold every kernel of this machine against the reference, on every variant's mask",
    "A failure is printed with the command that runs it again. --cpu checks the kernels of a lower "
    "instruction set.",
    check_main,
};
