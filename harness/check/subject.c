/* SPDX-License-Identifier: Apache-2.0 */
/* What came of the cases of one kernel or operation. */
#include "harness/check/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 5 /* of one subject; the rest is counted */

mas_check_subject *mas_check_find(mas_check_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->count; i++)
        if (strcmp(engine->subjects[i].name, name) == 0)
            return &engine->subjects[i];
    return NULL;
}

void mas_check_variant_name(const mas_variant *variant, char *name, size_t size)
{
    snprintf(name, size, "variant/%s", variant->name);
}

void mas_check_pass(mas_check_subject *s, const char *case_name, double ratio)
{
    s->passed++;
    if (ratio > s->worst_ratio) {
        s->worst_ratio = ratio;
        snprintf(s->worst_case, sizeof s->worst_case, "%s", case_name);
    }
}

/* The command that runs one case of one subject again, under all that this check was told. */
static void print_again(const mas_check_options *o, const char *subject, const char *case_name,
                        FILE *out)
{
    static const char *const variables[] = {"MASBENCH_CPU", "MASBENCH_SIMT"};
    fputs("     again: ", out);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && value[0] != '\0')
            fprintf(out, "%s='%s' ", variables[i], value);
    }
    fputs(o->command, out);
    if (o->device)
        fprintf(out, " --device %s", o->device);
    if (o->cpu)
        fprintf(out, " --cpu %s", o->cpu);
    fprintf(out, " --kernel '%s' --case '%s' --seed %" PRIu64 " --threads %d", subject, case_name,
            o->seed, o->threads);
    long long number;
    if (sscanf(case_name, "random/%lld", &number) == 1)
        fprintf(out, " --count %lld", number + 1);
    fputc('\n', out);
}

void mas_check_fail(mas_check_engine *engine, mas_check_subject *s, const char *case_name,
                    const char *format, ...)
{
    s->failed++;
    if (!engine->out || s->failed > FAILURES_SHOWN)
        return;
    va_list args;
    va_start(args, format);
    fprintf(engine->out, "FAIL %s, case %s: ", s->name, case_name);
    vfprintf(engine->out, format, args);
    va_end(args);
    fputc('\n', engine->out);
    print_again(engine->options, s->name, case_name, engine->out);
}

void mas_check_refuse(mas_check_subject *s, const char *reason)
{
    s->refused++;
    if (!s->refusal[0])
        snprintf(s->refusal, sizeof s->refusal, "%s", reason);
}
