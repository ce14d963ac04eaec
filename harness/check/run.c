/* SPDX-License-Identifier: Apache-2.0 */
/* Who is checked, with what, and what came of it. */
#include "harness/check/internal.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

mas_check_options mas_check_defaults(void)
{
    return (mas_check_options){.seed = 1,
                               .count = MAS_CHECK_RANDOM_CASES,
                               .threads = 2,
                               .table = mas_attn_cpu_table,
                               .variants = mas_variants,
                               .open_device = mas_device_open_cpu,
                               .command = "masbench check"};
}

static bool matches(const char *glob, const char *name)
{
    return !glob || fnmatch(glob, name, 0) == 0;
}

static bool stopped(const mas_check_engine *engine)
{
    int64_t failed = 0;
    for (size_t i = 0; i < engine->count; i++)
        failed += engine->subjects[i].failed;
    return engine->error.status != MAS_OK ||
           (engine->options->stop_after > 0 && failed >= engine->options->stop_after);
}

bool mas_check_wanted(const mas_check_engine *engine, const char *case_name)
{
    return !stopped(engine) && matches(engine->options->which, case_name);
}

static void add_subject(mas_check_engine *engine, const char *name, const mas_attn_kernel *kernel)
{
    if (!matches(engine->options->kernel, name) || mas_check_find(engine, name))
        return;
    mas_check_subject *s = &engine->subjects[engine->count++];
    s->kernel = kernel;
    snprintf(s->name, sizeof s->name, "%s", name);
}

static void add_variant(mas_check_engine *engine, const mas_variant *variant)
{
    char name[sizeof engine->subjects->name];
    mas_check_variant_name(variant, name, sizeof name);
    add_subject(engine, name, NULL);
}

static size_t count_others(const mas_check_other *others)
{
    size_t n = 0;
    while (others[n].subject)
        n++;
    return n;
}

static mas_status open_engine(mas_check_engine *engine, mas_error *err)
{
    mas_attn_table table = engine->options->table;
    const mas_variant *const *variants = engine->options->variants;
    size_t kernels = 0, variant_count = 0;
    while (table[kernels])
        kernels++;
    while (variants[variant_count])
        variant_count++;
    const size_t room = kernels + variant_count + count_others(mas_check_oracle_checks) +
                        count_others(mas_check_device_ops);
    engine->subjects = calloc(room, sizeof *engine->subjects);
    if (!engine->subjects)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the list of kernels");
    for (size_t i = 0; i < kernels; i++)
        add_subject(engine, table[i]->name, table[i]);
    for (size_t i = 0; i < variant_count; i++)
        add_variant(engine, variants[i]);
    for (const mas_check_other *c = mas_check_oracle_checks; c->subject; c++)
        add_subject(engine, c->subject, NULL);
    for (const mas_check_other *c = mas_check_device_ops;
         c->subject && engine->options->open_device; c++)
        add_subject(engine, c->subject, NULL);
    if (engine->count == 0)
        return mas_fail(err, MAS_E_NOT_FOUND,
                        "no kernel, variant or operation is called '%s'; --list shows the names",
                        engine->options->kernel ? engine->options->kernel : "");
    return MAS_OK;
}

static mas_status run_in_dtypes(const mas_check_special *c, const mas_attn_kernel *kernel,
                                const mas_check_options *options, mas_error *err)
{
    const int dtypes = c->every_dtype ? MAS_DTYPE_COUNT : 1;
    int served = 0;
    for (int dtype = 0; dtype < dtypes; dtype++) {
        mas_error here = {MAS_OK, ""};
        const mas_status status = c->run(kernel, (mas_dtype)dtype, options, &here);
        if (status == MAS_OK)
            served++;
        else
            (void)mas_fail(err, status, "%s: %s", mas_dtype_name((mas_dtype)dtype), here.text);
        if (status != MAS_OK && status != MAS_E_DTYPE && status != MAS_E_UNSUPPORTED)
            return status;
    }
    return served ? MAS_OK : err->status;
}

static void show_case(const mas_check_engine *engine, const char *name)
{
    if (engine->progress && engine->options->verbose)
        fprintf(engine->progress, "case %s\n", name);
}

static void run_special(mas_check_engine *engine, const mas_check_special *c, mas_check_subject *s)
{
    if (!s->kernel || (s->kernel->op == MAS_ATTN_BACKWARD ? !c->backward : !c->forward))
        return;
    if (s->kernel->isa > mas_cpu_isa()) {
        mas_check_refuse(s, "needs a higher instruction set level than is allowed or available");
        return;
    }
    show_case(engine, c->name);
    mas_error err = {MAS_OK, ""};
    const mas_status status = run_in_dtypes(c, s->kernel, engine->options, &err);
    if (status == MAS_OK)
        mas_check_pass(s, c->name, 0);
    else if (status == MAS_E_UNSUPPORTED || status == MAS_E_DTYPE)
        mas_check_refuse(s, err.text);
    else
        mas_check_fail(engine, s, c->name, "%s", err.text);
}

static const mas_check_special *const specials[] = {mas_check_known_faults, mas_check_properties,
                                                    mas_check_nonfinite};
enum { SPECIALS = sizeof specials / sizeof *specials };

static void run_specials(mas_check_engine *engine)
{
    for (size_t n = 0; n < SPECIALS; n++)
        for (const mas_check_special *c = specials[n]; c->name; c++)
            for (size_t i = 0; i < engine->count && mas_check_wanted(engine, c->name); i++)
                run_special(engine, c, &engine->subjects[i]);
}

static void run_others(mas_check_engine *engine, const mas_check_other *others)
{
    for (const mas_check_other *c = others; c->subject; c++) {
        mas_check_subject *s = mas_check_find(engine, c->subject);
        if (!s || !mas_check_wanted(engine, c->name))
            continue;
        show_case(engine, c->name);
        mas_error err = {MAS_OK, ""};
        double ratio = 0;
        if (c->run(engine->options, c->variant, &ratio, &err) == MAS_OK)
            mas_check_pass(s, c->name, ratio);
        else
            mas_check_fail(engine, s, c->name, "%s", err.text);
    }
}

static void summarise(const mas_check_engine *engine, mas_check_report *report)
{
    for (size_t i = 0; i < engine->count; i++) {
        const mas_check_subject *s = &engine->subjects[i];
        report->subjects++;
        report->passed += s->passed;
        report->failed += s->failed;
        report->refused += s->refused;
        report->idle += s->passed + s->failed == 0;
        if (s->worst_ratio > report->worst_ratio)
            report->worst_ratio = s->worst_ratio;
        if (!engine->out)
            continue;
        fprintf(engine->out, "%-4s %-34s %5" PRId64 " passed",
                s->failed   ? "FAIL"
                : s->passed ? "ok"
                            : "-",
                s->name, s->passed);
        if (s->failed)
            fprintf(engine->out, ", %" PRId64 " failed", s->failed);
        if (s->refused)
            fprintf(engine->out, ", %" PRId64 " refused (%s)", s->refused, s->refusal);
        if (s->worst_case[0])
            fprintf(engine->out, ", worst error %.2f times the allowed (%s)", s->worst_ratio,
                    s->worst_case);
        fputc('\n', engine->out);
    }
}

static void show_progress(const mas_check_engine *engine, size_t done, size_t all)
{
    if (engine->progress && !engine->options->verbose && (done % 50 == 0 || done == all))
        fprintf(engine->progress, "checked %zu of %zu cases\n", done, all);
}

/* The options with what was left open. */
static mas_check_options fill_in(const mas_check_options *options)
{
    const mas_check_options defaults = mas_check_defaults();
    mas_check_options filled = *options;
    filled.table = options->table ? options->table : defaults.table;
    filled.variants = options->variants ? options->variants : defaults.variants;
    filled.command = options->command ? options->command : defaults.command;
    filled.threads = options->threads < 1 ? 1 : options->threads;
    return filled;
}

mas_status mas_check_run(const mas_check_options *options, FILE *out, FILE *progress,
                         mas_check_report *report, mas_error *err)
{
    const mas_check_options filled = fill_in(options);
    mas_check_engine engine = {.options = &filled, .out = out, .progress = progress};
    mas_check_cases cases = {.items = NULL};
    *report = (mas_check_report){.worst_ratio = 0};
    mas_status status = open_engine(&engine, err);
    if (status == MAS_OK)
        status = mas_check_cases_make(&filled, &cases, err);
    if (status != MAS_OK)
        goto done;
    if (out)
        fprintf(out, "seed %" PRIu64 ", %s, %d thread%s\n", filled.seed,
                mas_isa_name(mas_cpu_isa()), filled.threads, filled.threads == 1 ? "" : "s");
    run_others(&engine, mas_check_oracle_checks);
    run_specials(&engine);
    if (filled.open_device)
        run_others(&engine, mas_check_device_ops);
    for (size_t i = 0; i < cases.count; i++) {
        if (mas_check_wanted(&engine, cases.items[i].name)) {
            show_case(&engine, cases.items[i].name);
            mas_check_run_case(&engine, &cases.items[i]);
        }
        show_progress(&engine, i + 1, cases.count);
    }
    summarise(&engine, report);
    if (engine.error.status != MAS_OK)
        status = mas_fail(err, engine.error.status, "%s", engine.error.text);
    else if (report->passed + report->failed + report->refused == 0)
        status = mas_fail(err, MAS_E_NOT_FOUND,
                          "no case called '%s' is for what '%s' names; --list shows the names",
                          filled.which ? filled.which : "*", filled.kernel ? filled.kernel : "*");
done:
    mas_check_cases_free(&cases);
    free(engine.subjects);
    return status;
}

static void list_name(const mas_check_engine *engine, FILE *out, const char *name)
{
    if (mas_check_wanted(engine, name))
        fprintf(out, "case    %s\n", name);
}

mas_status mas_check_list(const mas_check_options *options, FILE *out, mas_error *err)
{
    const mas_check_options filled = fill_in(options);
    mas_check_engine engine = {.options = &filled};
    mas_check_cases cases = {.items = NULL};
    mas_status status = open_engine(&engine, err);
    if (status == MAS_OK)
        status = mas_check_cases_make(&filled, &cases, err);
    for (size_t i = 0; status == MAS_OK && i < engine.count; i++)
        fprintf(out, "subject %s\n", engine.subjects[i].name);
    if (status == MAS_OK) {
        for (const mas_check_other *c = mas_check_oracle_checks; c->subject; c++)
            list_name(&engine, out, c->name);
        for (size_t n = 0; n < SPECIALS; n++)
            for (const mas_check_special *c = specials[n]; c->name; c++)
                list_name(&engine, out, c->name);
        for (const mas_check_other *c = mas_check_device_ops; c->subject && filled.open_device; c++)
            list_name(&engine, out, c->name);
        for (size_t i = 0; i < cases.count; i++)
            list_name(&engine, out, cases.items[i].name);
    }
    mas_check_cases_free(&cases);
    free(engine.subjects);
    return status;
}

int mas_check_exit_code(const mas_check_report *report)
{
    if (report->failed > 0)
        return 1;
    if (report->passed > 0)
        return 0;
    return report->refused > 0 ? 77 : 1;
}
