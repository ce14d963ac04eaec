/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel checker as a program of its own: no test framework, so that it also runs under
 * emulators and valgrind. masbench-check [--kernel GLOB] [--case GLOB] [--seed N] [--count N]
 * [--threads N] [--cpu LEVEL] [--device NAME] [--verbose] [--list] masbench-check --selftest [GLOB]     broken kernels must be
 * caught Exit status: 0 fine, 1 something failed or nothing ran, 2 bad usage, 77 nothing could run
 * on this machine. */
#include "harness/check/check.h"
#include "tests/check/emulated.h"
#include "tests/check/selftest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: masbench-check [--kernel GLOB] [--case GLOB] [--seed N] [--count N] [--threads N]\n"
    "                      [--cpu scalar|avx2|avx512|avx512bf16|amx] [--device cpu|cuda|tiles]\n"
    "                      [--verbose] [--list]\n"
    "       masbench-check --selftest [GLOB]\n";

static bool parse_number(const char *text, unsigned long long most, unsigned long long *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= most;
}

typedef struct command_line {
    mas_check_options check;
    const char *selftest;
    bool list;
} command_line;

/* One option; false when it is unknown or its value is no good. */
static bool parse_option(command_line *c, const char *name, const char *value)
{
    unsigned long long n = 0;
    if (strcmp(name, "--kernel") == 0)
        c->check.kernel = value;
    else if (strcmp(name, "--case") == 0)
        c->check.which = value;
    else if (strcmp(name, "--cpu") == 0)
        c->check.cpu = value;
    else if (strcmp(name, "--device") == 0)
        c->check.device = value;
    else if (strcmp(name, "--seed") == 0 && parse_number(value, UINT64_MAX, &n))
        c->check.seed = n;
    else if (strcmp(name, "--count") == 0 && parse_number(value, 1000000, &n))
        c->check.count = (int64_t)n;
    else if (strcmp(name, "--threads") == 0 && parse_number(value, 256, &n) && n > 0)
        c->check.threads = (int)n;
    else
        return false;
    return true;
}

static bool parse(command_line *c, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            c->list = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            c->check.verbose = true;
        else if (strcmp(argv[i], "--selftest") == 0)
            c->selftest = i + 1 < argc ? argv[++i] : "*";
        else if (i + 1 == argc || !parse_option(c, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return true;
}

int main(int argc, char **argv)
{
    command_line c = {.check = mas_check_defaults()};
    c.check.command = argv[0];
    mas_error err = {MAS_OK, ""};
    if (!parse(&c, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    const char *const cpu = c.check.cpu, *const device = c.check.device;
    mas_isa isa = mas_cpu_offered();
    if (cpu || isa != mas_cpu_isa()) {
        mas_status status = cpu ? mas_isa_from_name(cpu, &isa, &err) : MAS_OK;
        if (status == MAS_OK)
            status = mas_cpu_limit(isa, &err);
        if (status != MAS_OK) {
            fprintf(stderr, "masbench-check: %s\n", err.text);
            return status == MAS_E_UNSUPPORTED ? 77 : 2;
        }
    }
    if (device && strcmp(device, "tiles") == 0) {
        if (emulate_tiles(&c.check, &err) != MAS_OK) {
            fprintf(stderr, "masbench-check: --device tiles: %s\n", err.text);
            return 77;
        }
    } else if (device) {
        const mas_device_kind *kind = mas_device_find(device);
        if (!kind)
            mas_fail(&err, MAS_E_NOT_FOUND, "no such device");
        if (!kind || mas_device_usable(kind, &err) != MAS_OK) {
            fprintf(stderr, "masbench-check: --device %s: %s\n", device, err.text);
            return kind ? 77 : 2;
        }
        c.check.table = kind->attention;
        c.check.open_device = kind->open;
    }
    if (c.selftest)
        return selftest(c.selftest, stdout);
    if (c.list) {
        if (mas_check_list(&c.check, stdout, &err) == MAS_OK)
            return 0;
        fprintf(stderr, "masbench-check: %s\n", err.text);
        return 1;
    }
    (void)setvbuf(stdout, NULL, _IOLBF,
                  BUFSIZ); /* what was found stays when the process is killed */
    mas_check_report report;
    if (mas_check_run(&c.check, stdout, c.check.verbose ? stderr : NULL, &report, &err) != MAS_OK) {
        fprintf(stderr, "masbench-check: %s\n", err.text);
        return 1;
    }
    printf("%lld passed, %lld failed, %lld refused\n", (long long)report.passed,
           (long long)report.failed, (long long)report.refused);
    return mas_check_exit_code(&report);
}
