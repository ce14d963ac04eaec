/* SPDX-License-Identifier: Apache-2.0 */
/* Options from tables: "--name value" or "--name=value", in any order with the arguments; "--"
 * ends them. */
#include "harness/cli/cli.h"
#include "masbench/cpu.h"
#include "variants/suggest.h"

#include <errno.h>
#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const device_words[] = {"cpu", "cuda", NULL};
static const char *const isa_words[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx", NULL};

int mas_cli_usage_error(const mas_cli_command *command, const char *format, ...)
{
    fprintf(stderr, "masbench%s%s: ", command ? " " : "", command ? command->name : "");
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return MAS_EXIT_USAGE;
}

void mas_cli_warn(const char *format, ...)
{
    fputs("masbench: warning: ", stderr);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

bool mas_cli_colour(FILE *stream)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(stream)) && !(off && off[0]) && term && strcmp(term, "dumb") != 0;
}

void mas_cli_duration(double seconds, char *text, size_t size)
{
    const long long s = seconds < 1e12 ? (long long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(text, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(text, size, "%lldm%02llds", s / 60, s % 60);
    else
        snprintf(text, size, "%llds", s);
}

void mas_cli_quantity(double value, char *text, size_t size)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(text, size, "%.3g%s", value, units[unit]);
}

int mas_cli_finish(const mas_cli_command *command, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    const int broken = mas_cli_usage_error(command, "cannot write the output: %s", strerror(errno));
    return code == MAS_EXIT_OK ? broken : code;
}

static void print_option(const mas_cli_option *o)
{
    char left[48];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-24s %s\n", left, o->help);
}

static void print_help(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                       const mas_cli_option *globals, size_t global_count)
{
    printf("usage: masbench %s [options] %s\n\n%s\n", command->name, command->arguments,
           command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    printf("\noptions:\n");
    for (size_t i = 0; i < count; i++)
        print_option(&options[i]);
    for (size_t i = 0; i < global_count; i++)
        print_option(&globals[i]);
    printf("  %-24s %s\n", "--help", "this text");
}

static int unknown_option(const mas_cli_command *command, const mas_cli_option *all, size_t count,
                          const char *name)
{
    const char *known[MAS_CLI_OPTIONS_MAX + 1] = {"help"};
    for (size_t i = 0; i < count; i++)
        known[i + 1] = all[i].name;
    const char *near = mas_suggest(name, known, count + 1);
    if (near)
        return mas_cli_usage_error(command, "unknown option --%s; did you mean --%s?", name, near);
    return mas_cli_usage_error(command, "unknown option --%s; masbench %s --help lists the options",
                               name, command->name);
}

static int store(const mas_cli_command *command, const mas_cli_option *o, const char *value)
{
    switch (o->type) {
    case MAS_CLI_FLAG: *(bool *)o->target = true; return -1;
    case MAS_CLI_TEXT:
        if (!value[0])
            return mas_cli_usage_error(command, "--%s: the value is empty; expected %s", o->name,
                                       o->value);
        *(const char **)o->target = value;
        return -1;
    case MAS_CLI_LIST: {
        mas_cli_list *list = o->target;
        if (list->count == MAS_CLI_LIST_MAX)
            return mas_cli_usage_error(command, "--%s given more than %d times", o->name,
                                       MAS_CLI_LIST_MAX);
        list->items[list->count++] = value;
        return -1;
    }
    case MAS_CLI_INT: {
        char *end;
        errno = 0;
        const long long number = strtoll(value, &end, 10);
        if (!value[0] || *end || errno || number < o->min || number > o->max ||
            value[strspn(value, "+-0123456789")])
            return mas_cli_usage_error(command,
                                       "--%s: \"%s\" is not a whole number from %lld to %lld",
                                       o->name, value, (long long)o->min, (long long)o->max);
        *(int64_t *)o->target = number;
        return -1;
    }
    case MAS_CLI_WORD:
        for (size_t i = 0; o->words[i]; i++)
            if (strcmp(o->words[i], value) == 0) {
                *(const char **)o->target = o->words[i];
                return -1;
            }
        break;
    }
    size_t words = 0;
    while (o->words[words])
        words++;
    char allowed[256];
    mas_words_join(o->words, words, allowed, sizeof allowed);
    return mas_cli_usage_error(command, "--%s: \"%s\" is not one of %s", o->name, value, allowed);
}

static int parse(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                 bool with_globals, int argc, char **argv, int min, int max, mas_cli_parsed *out)
{
    const char *cpu = NULL, *device = mas_device_cpu.name;
    int64_t threads = omp_get_num_procs();
    const mas_cli_option globals[] = {
        {"cpu", MAS_CLI_WORD, "LEVEL",
         "use at most this instruction set: scalar, avx2, avx512, avx512bf16, amx", &cpu, 0, 0,
         isa_words},
        {"device", MAS_CLI_WORD, "NAME", "what computes: cpu or cuda (default: cpu)", &device, 0, 0,
         device_words},
        {"threads", MAS_CLI_INT, "N", "threads to use (default: all usable cores)", &threads, 1,
         1024, NULL},
    };
    const size_t global_count = with_globals ? sizeof globals / sizeof *globals : 0;
    mas_cli_option all[MAS_CLI_OPTIONS_MAX];
    memcpy(all, globals, sizeof globals);
    for (size_t i = 0; i < count; i++)
        all[global_count + i] = options[i];
    const size_t all_count = count + global_count;
    *out = (mas_cli_parsed){.argument_count = 0};
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options_end || word[0] != '-' || !word[1]) {
            if (out->argument_count == MAS_CLI_ARGUMENTS_MAX)
                return mas_cli_usage_error(command, "more than %d arguments",
                                           MAS_CLI_ARGUMENTS_MAX);
            out->arguments[out->argument_count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            options_end = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(command, options, count, globals, global_count);
            return mas_cli_finish(command, MAS_EXIT_OK);
        }
        char name[64];
        const char *text = word + (word[1] == '-' ? 2 : 1);
        const char *value = strchr(text, '=');
        snprintf(name, sizeof name, "%.*s", (int)(value ? value - text : (long)strlen(text)), text);
        size_t which = 0;
        while (which < all_count && strcmp(all[which].name, name) != 0)
            which++;
        if (which == all_count || word[1] != '-')
            return unknown_option(command, all, all_count, name);
        const mas_cli_option *o = &all[which];
        if (o->type == MAS_CLI_FLAG && value)
            return mas_cli_usage_error(command, "--%s takes no value", o->name);
        if (value)
            value++;
        else if (o->type != MAS_CLI_FLAG) {
            if (++i == argc)
                return mas_cli_usage_error(command, "--%s needs a value: %s", o->name, o->value);
            value = argv[i];
        }
        const int code = store(command, o, value);
        if (code >= 0)
            return code;
    }
    if (out->argument_count < min || out->argument_count > max)
        return mas_cli_usage_error(command, "%s; usage: masbench %s [options] %s",
                                   out->argument_count < min ? "an argument is missing"
                                                             : "too many arguments",
                                   command->name, command->arguments);
    mas_isa isa;
    mas_error err;
    if (cpu && (mas_isa_from_name(cpu, &isa, &err) != MAS_OK || mas_cpu_limit(isa, &err) != MAS_OK))
        return mas_cli_usage_error(command, "--cpu: %s", err.text);
    const char *environment = getenv("MASBENCH_CPU"); /* the library reads it, but cannot refuse */
    if (!cpu && environment && mas_isa_from_name(environment, &isa, &err) != MAS_OK)
        return mas_cli_usage_error(command, "MASBENCH_CPU: %s", err.text);
    out->globals.threads = (int)threads;
    out->globals.device = mas_device_find(device);
    out->globals.cpu = cpu;
    return -1;
}

int mas_cli_parse(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                  int argc, char **argv, int min, int max, mas_cli_parsed *out)
{
    return parse(command, options, count, true, argc, argv, min, max, out);
}

int mas_cli_parse_own(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                      int argc, char **argv, int min, int max, mas_cli_parsed *out)
{
    return parse(command, options, count, false, argc, argv, min, max, out);
}
