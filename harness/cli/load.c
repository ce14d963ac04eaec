/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/load.h"

#include "harness/cli/kinds.h"
#include "harness/cli/signals.h"
#include "harness/report/report.h"
#include "harness/results/results.h"
#include "harness/run/estimate.h"
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

int mas_cli_load(const mas_cli_command *command, const char *path, const mas_cli_list *settings,
                 mas_experiment **out)
{
    mas_diagnostics problems = {0, NULL};
    const mas_status status =
        mas_experiment_load(path, settings->items, settings->count, out, &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s\n", problems.texts[i]);
    if (status != MAS_OK && problems.count == 0)
        mas_cli_usage_error(command, "cannot read %s: %s", path, mas_status_name(status));
    else if (status != MAS_OK)
        mas_cli_usage_error(command, "%zu problem%s in %s; nothing was started", problems.count,
                            problems.count == 1 ? "" : "s", path);
    mas_diagnostics_free(&problems);
    return status == MAS_OK ? -1 : MAS_EXIT_USAGE;
}

static int digits(int64_t value)
{
    return snprintf(NULL, 0, "%lld", (long long)value);
}

/* A run would refuse them; what only looks goes on. */
static void warn_of_corpora(const mas_experiment *experiment)
{
    const json_t *last = NULL;
    for (int64_t i = 0; i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        const mas_runner *runner = &mas_runners[point->kind];
        const json_t *corpus = json_object_get(point->resolved, "corpus");
        mas_error err;
        if (!runner->needs_corpus || !runner->needs_corpus(point) ||
            (last && json_equal(last, corpus)))
            continue;
        last = corpus;
        if (mas_corpus_look(&point->corpus, &err) != MAS_OK)
            mas_cli_warn("%s: the corpus cannot be opened: %s", point->title, err.text);
    }
}

void mas_cli_model_points(const mas_experiment *experiment, const mas_device_kind *device,
                          FILE *out)
{
    int title = 5, letters = 4;
    char text[MAS_LAYERS_MAX + 1];
    for (int64_t i = 0; i < experiment->count; i++) {
        const int width = (int)strlen(experiment->points[i].title),
                  layers = experiment->points[i].plan.layers;
        title = width > title ? width : title;
        letters = layers > letters ? layers : letters;
    }
    const int number = digits(experiment->count);
    fprintf(out, "%*s  %-*s  %-*s  %9s  %9s  %10s  %12s\n", number, "#", title, "point", letters,
            "plan", "attention", "model", "parameters",
            experiment->kind == MAS_KIND_TRAIN ? "FLOPs" : "FLOPs a pass");
    /* a plan trains nothing: there the cost is that of one forward pass */
    const bool trains = experiment->kind == MAS_KIND_TRAIN;
    double total = 0;
    for (int64_t i = 0; i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        mas_point_cost cost;
        mas_error err;
        mas_plan_letters(&point->plan, text, sizeof text);
        fprintf(out, "%*lld  %-*s  %-*s  ", number, (long long)i + 1, title, point->title, letters,
                text);
        if (mas_point_cost_of(device, point, &cost, &err) != MAS_OK) {
            fprintf(out, "%s\n", err.text);
            continue;
        }
        char parameters[32], flops[32];
        mas_cli_quantity((double)cost.parameters, parameters, sizeof parameters);
        const double sum =
            trains ? cost.training_flops + cost.evaluation_flops : cost.whole.forward_flops;
        mas_cli_quantity(sum, flops, sizeof flops);
        total += sum;
        fprintf(out, "%7.1f %%  %7.1f %%  %10s  %12s\n", 100 * cost.full_tiles.relative_cost,
                100 * cost.whole.forward_flops / cost.whole.full_forward_flops, parameters, flops);
    }
    mas_cli_quantity(total, text, sizeof text);
    fprintf(out, "%lld point%s of %lld cell%s of the sweep%s%s%s\n", (long long)experiment->count,
            mas_cli_s(experiment->count), (long long)experiment->cells,
            mas_cli_s(experiment->cells), trains ? ", " : "", trains ? text : "",
            trains ? "FLOPs in all" : "");
    warn_of_corpora(experiment);
}

void mas_cli_print_refusals(mas_cli_refusals *said, mas_attn_op op, const char *why, bool always,
                            FILE *out)
{
    if (!why[0] || !(said || always))
        return;
    if (said && strcmp(said->last[op], why) == 0) {
        fputs("      refused: as above\n", out);
        return;
    }
    for (const char *line = why; *line; line += strcspn(line, "\n"), line += *line == '\n')
        fprintf(out, "      refused: %.*s\n", (int)strcspn(line, "\n"), line);
    if (said)
        snprintf(said->last[op], sizeof said->last[op], "%s", why);
}

static void print_operation(const mas_device_kind *device, const mas_point *point,
                            const mas_model_config *model, const mas_attn_spec *spec,
                            mas_attn_op op, mas_cli_refusals *refusals, FILE *out)
{
    char why[MAS_CLI_REFUSALS_MAX];
    const mas_attn_kernel *kernel =
        mas_point_kernel(device, model, spec, point->training.seq_len, op, why, sizeof why);
    fprintf(out, "    %-13s %s\n", mas_attn_op_name(op),
            kernel ? kernel->name : "no kernel serves this problem");
    mas_cli_print_refusals(refusals, op, why, !kernel, out);
}

/* The attention problem of one kind of layer as text: equal texts, equal problems. */
static void describe_problem(const mas_point *point, const mas_attn_spec *spec, char *text,
                             size_t size)
{
    const mas_model_config *m = &point->model;
    char label[128];
    mas_attn_spec_label(spec, label, sizeof label);
    const int32_t dim = m->head_dim > 0 ? m->head_dim : m->heads > 0 ? m->width / m->heads : 0;
    const int32_t kv_heads = m->kv_heads > 0 ? m->kv_heads : m->heads;
    snprintf(text, size, "%s: %d query head%s, %d key/value head%s, head size %d, length %d%s%s",
             label, m->heads, mas_cli_s(m->heads), kv_heads, mas_cli_s(kv_heads), dim,
             point->training.seq_len, m->softcap > 0 ? ", softcap" : "",
             m->sink_logits ? ", sink logits" : "");
}

void mas_cli_model_kernels(const mas_experiment *experiment, const mas_device_kind *device,
                           bool refusals, FILE *out)
{
    enum { SEEN_MAX = 64, TEXT_MAX = 256 };
    char(*seen)[TEXT_MAX] = calloc(SEEN_MAX, sizeof *seen);
    mas_cli_refusals *said = refusals ? calloc(1, sizeof *said) : NULL;
    size_t count = 0;
    for (int64_t i = 0; seen && i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        const mas_plan *plan = &point->plan;
        mas_point_cost cost;
        if (mas_point_cost_of(device, point, &cost, NULL) != MAS_OK)
            continue;
        for (int full = 0; full < 2 && count < SEEN_MAX; full++) {
            if (full ? plan->full_layers == 0 : plan->full_layers == plan->layers)
                continue;
            const mas_attn_spec *spec = full ? &plan->full : &plan->sparse;
            describe_problem(point, spec, seen[count], sizeof seen[count]);
            size_t j = 0;
            while (strcmp(seen[j], seen[count]) != 0)
                j++;
            if (j < count)
                continue;
            fprintf(out, "  %s\n", seen[count++]);
            print_operation(device, point, &cost.model, spec, MAS_ATTN_FORWARD, said, out);
            print_operation(device, point, &cost.model, spec, MAS_ATTN_BACKWARD, said, out);
        }
    }
    free(said);
    free(seen);
}

int mas_cli_no_results(const mas_cli_command *command, const char *path)
{
    mas_cli_usage_error(command,
                        "%s holds no results; name the folder of an experiment, for example "
                        "results/quickstart",
                        path);
    return MAS_EXIT_INCOMPLETE;
}

/* Tables first; charts that cannot be drawn are a warning. */
static int write_report(const mas_cli_command *command, const mas_report *report,
                        const char *folder)
{
    mas_error err;
    mas_status status = mas_report_write(report, &err);
    if (status == MAS_E_NOT_FOUND) { /* a chart script: all else is there */
        mas_cli_warn("no charts drawn: %s", err.text);
        return MAS_EXIT_OK;
    }
    if (status != MAS_OK) {
        mas_cli_usage_error(command, "%s", err.text);
        return MAS_EXIT_INCOMPLETE;
    }
    if (!mas_report_has_charts(report)) {
        mas_cli_warn("nothing to draw: %s holds no finished, scored point", folder);
        return MAS_EXIT_OK;
    }
    status = mas_report_draw(report, &mas_cli_stop, &err);
    if (status == MAS_E_INTERRUPTED) {
        fprintf(stderr, "masbench: %s\n", err.text);
        return MAS_EXIT_INTERRUPTED;
    }
    if (status != MAS_OK)
        mas_cli_warn("%s", err.text);
    else
        fprintf(stderr, "charts and tables: %s\n", folder);
    return MAS_EXIT_OK;
}

int mas_cli_report(const mas_cli_command *command, const char *folder)
{
    mas_error err;
    mas_result_set *set = NULL;
    mas_report *report = NULL;
    int code;
    if (mas_results_load(folder, &set, &err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    if (set->count == 0) {
        code = mas_cli_no_results(command, folder);
    } else if (mas_report_make(set, &report, &err) != MAS_OK) {
        code = mas_cli_usage_error(command, "%s", err.text);
    } else {
        mas_report_table(report, MAS_TABLE_TERMINAL, stdout);
        if (report->vocabularies_differ)
            printf("Vocabularies differ: perplexities per token are not comparable; compare bits "
                   "per byte.\n");
        code = write_report(command, report, folder);
    }
    mas_report_free(report);
    mas_results_free(set);
    return code;
}
