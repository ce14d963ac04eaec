/* SPDX-License-Identifier: Apache-2.0 */
/* What came of the cases of one kernel or operation. */
#include "harness/check/internal.h"

#include <inttypes.h>
#include <stdarg.h>
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

void mas_check_fail(mas_check_engine *engine, mas_check_subject *s, const char *case_name,
                    const char *format, ...)
{
    s->failed++;
    if (!engine->out || s->failed > FAILURES_SHOWN)
        return;
    const mas_check_options *o = engine->options;
    va_list args;
    va_start(args, format);
    fprintf(engine->out, "FAIL %s, case %s: ", s->name, case_name);
    vfprintf(engine->out, format, args);
    va_end(args);
    fprintf(engine->out,
            "\n     again: %s --kernel '%s' --case '%s' --seed %" PRIu64 " --threads %d",
            o->command, s->name, case_name, o->seed, o->threads);
    long long number;
    if (sscanf(case_name, "random/%lld", &number) == 1)
        fprintf(engine->out, " --count %lld", number + 1);
    fputc('\n', engine->out);
}

void mas_check_refuse(mas_check_subject *s, const char *reason)
{
    s->refused++;
    if (!s->refusal[0])
        snprintf(s->refusal, sizeof s->refusal, "%s", reason);
}
