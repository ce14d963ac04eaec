/* SPDX-License-Identifier: Apache-2.0 */
/* masbench explain: everything that follows from a file without running it, masks drawn. */
#include "harness/cli/cli.h"
#include "harness/cli/kinds.h"
#include "harness/cli/load.h"
#include "harness/cli/probe.h"
#include "harness/run/base.h"
#include "harness/run/estimate.h"
#include "variants/reach.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PICTURE 16 /* cells a side */

/* Visible keys of one position in [begin, end). */
static int64_t visible(const mas_run *runs, size_t count, int64_t begin, int64_t end)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t from = runs[i].begin > begin ? runs[i].begin : begin;
        const int64_t to = runs[i].end < end ? runs[i].end : end;
        sum += to > from ? to - from : 0;
    }
    return sum;
}

/* A square of PICTURE x PICTURE cells; each stands for length / PICTURE queries and keys. */
static void draw_mask(const mas_attn_spec *spec, int64_t length, FILE *out)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    mas_run *runs = calloc(mask.max_runs(&mask, length) + 1, sizeof *runs);
    const int64_t side = length < PICTURE ? length : PICTURE;
    for (int64_t row = 0; runs && row < side; row++) {
        const int64_t q0 = row * length / side, q1 = (row + 1) * length / side;
        int64_t seen[PICTURE] = {0}, causal[PICTURE] = {0};
        for (int64_t q = q0; q < q1; q++) {
            const size_t count = mask.runs(&mask, q, length, runs);
            for (int64_t column = 0; column < side; column++) {
                const int64_t k0 = column * length / side, k1 = (column + 1) * length / side;
                seen[column] += visible(runs, count, k0, k1);
                const mas_run past = {0, spec->causal ? q + 1 : length};
                causal[column] += visible(&past, 1, k0, k1);
            }
        }
        fputs("      ", out);
        for (int64_t column = 0; column < side; column++)
            fprintf(out, "%c ",
                    causal[column] == 0              ? ' '
                    : seen[column] == causal[column] ? '#'
                    : seen[column]                   ? '+'
                                                     : '.');
        fputc('\n', out);
    }
    free(runs);
}

static void explain_spec(const mas_attn_spec *spec, int64_t length, FILE *out)
{
    char label[128];
    mas_attn_spec_label(spec, label, sizeof label);
    fprintf(out, "  %s, length %lld", label, (long long)length);
    const int window = strcmp(spec->variant->name, "sliding_window") == 0
                           ? mas_variant_option(spec->variant, "window")
                           : -1;
    if (window >= 0)
        fprintf(out, ": %lld visible keys, self included; (left, right) = (%lld, 0)",
                (long long)spec->value[window], (long long)spec->value[window] - 1);
    fprintf(out, "\n    %s; looks back %lld keys\n", spec->variant->summary,
            (long long)mas_attn_spec_reach(spec, length));
    draw_mask(spec, length, out);
}

/* Each distinct mask once, by its label and length. */
static void explain_masks(const mas_experiment *experiment, FILE *out)
{
    enum { SEEN_MAX = 64, TEXT_MAX = 160 };
    char(*seen)[TEXT_MAX] = calloc(SEEN_MAX, sizeof *seen);
    size_t count = 0;
    fprintf(out, "\nmasks (rows: queries, columns: keys; # all of a cell, + part, . nothing)\n");
    for (int64_t i = 0; seen && i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        for (int full = 0; full < 2 && count < SEEN_MAX; full++) {
            if (full ? point->plan.full_layers == 0 : point->plan.full_layers == point->plan.layers)
                continue;
            const mas_attn_spec *spec = full ? &point->plan.full : &point->plan.sparse;
            char label[128];
            mas_attn_spec_label(spec, label, sizeof label);
            const int32_t length = mas_cli_kinds[point->kind].length(point);
            snprintf(seen[count], sizeof seen[count], "%s %d", label, length);
            size_t j = 0;
            while (strcmp(seen[j], seen[count]) != 0)
                j++;
            if (j < count)
                continue;
            count++;
            explain_spec(spec, length, out);
        }
    }
    free(seen);
}

static void print_layers(const mas_point *point, const mas_point_cost *cost, FILE *out)
{
    char useful[32], executed[32], label[128];
    fprintf(out, "    %5s  %-24s  %12s  %10s  %10s  %9s\n", "layer", "attention", "pairs a head",
            "useful", "executed", "kv tokens");
    for (int32_t first = 0, last; first < point->plan.layers; first = last) {
        /* runs of equal layers share a line */
        for (last = first + 1;
             last < point->plan.layers && point->plan.is_full[last] == point->plan.is_full[first];)
            last++;
        const mas_layer_cost *layer = mas_point_layer_cost(cost, &point->plan, first);
        mas_attn_spec_label(mas_plan_layer(&point->plan, first), label, sizeof label);
        mas_cli_quantity(layer->forward_flops + layer->backward_flops, useful, sizeof useful);
        mas_cli_quantity(layer->executed_forward_flops + layer->executed_backward_flops, executed,
                         sizeof executed);
        char range[32];
        if (last == first + 1)
            snprintf(range, sizeof range, "%d", first);
        else
            snprintf(range, sizeof range, "%d-%d", first, last - 1);
        fprintf(out, "    %5s  %-24s  %12lld  %10s  %10s  %9lld\n", range, label,
                (long long)layer->pairs, useful, executed, (long long)layer->kv_cache_tokens);
        if (layer->empty_rows > 0)
            fprintf(out, "           %lld query rows without keys\n", (long long)layer->empty_rows);
    }
}

static void print_memory(const mas_memory_use *use, FILE *out)
{
    const double mib = 1024.0 * 1024.0;
    fprintf(out, "    memory %.1f MiB:", (double)use->total_peak_bytes / mib);
    for (int i = 0; i < MAS_MEMORY_COUNT; i++)
        if (use->peak_bytes[i] > 0)
            fprintf(out, " %s %.1f", mas_memory_name((mas_memory)i),
                    (double)use->peak_bytes[i] / mib);
    fputc('\n', out);
}

static const char *tokens_are(const mas_corpus_config *corpus)
{
    if (corpus->kind != MAS_CORPUS_TEXT)
        return "";
    return corpus->tokenizer.kind == MAS_TOKENIZER_BYTES
               ? " (bytes)"
               : " (byte pairs, learned from the training documents)";
}

/* What a conversion continues.
 *  @return an earlier point has the same base */
static bool explain_base(const mas_experiment *experiment, int64_t index,
                         const mas_point_cost *cost, FILE *out)
{
    const mas_point *point = &experiment->points[index];
    if (!mas_train_converts(&point->training))
        return false;
    char flops[32];
    int64_t first = 0;
    while (first < index && !mas_base_is_shared(&experiment->points[first], point))
        first++;
    mas_cli_quantity(cost->base_flops, flops, sizeof flops);
    fprintf(out, "    continues a base: full attention, %lld tokens at length %d, %sFLOPs",
            (long long)point->training.from.tokens, point->training.from.seq_len, flops);
    if (first < index)
        fprintf(out, ", shared with point %lld\n", (long long)first + 1);
    else
        fputs(", trained once\n", out);
    return first < index;
}

double mas_cli_model_explain(const mas_experiment *experiment, int64_t index,
                             const mas_device_kind *device, int threads, FILE *out)
{
    const mas_point *point = &experiment->points[index];
    char letters[MAS_LAYERS_MAX + 1], text[3][32];
    mas_point_cost cost;
    mas_error err;
    int64_t reach = 0;
    mas_plan_letters(&point->plan, letters, sizeof letters);
    fprintf(out, "\n%lld  %s  (%s)\n", (long long)index + 1, point->title, point->id);
    mas_status status = mas_plan_reach(&point->plan, point->training.seq_len, &reach, &err);
    if (status == MAS_OK)
        fprintf(out, "    plan %s  bottom to top; reach of the stack %lld of %d tokens\n", letters,
                (long long)reach, point->training.seq_len);
    if (status == MAS_OK)
        status = mas_point_cost_of(device, point, &cost, &err);
    if (status != MAS_OK) {
        fprintf(out, "    %s\n", err.text);
        return 0;
    }
    mas_cli_quantity((double)cost.parameters, text[0], sizeof text[0]);
    mas_cli_quantity((double)cost.parameters_no_embedding, text[1], sizeof text[1]);
    fprintf(out, "    parameters %s (%s without embeddings), vocabulary %d%s\n", text[0], text[1],
            cost.model.vocab, tokens_are(&point->corpus));
    mas_cli_quantity(cost.whole.attention_forward_flops, text[0], sizeof text[0]);
    mas_cli_quantity(cost.whole.forward_flops, text[1], sizeof text[1]);
    fprintf(out,
            "    forward of one sequence: attention %sFLOPs = %.1f %% of full; whole model %sFLOPs "
            "= %.1f %% of full\n",
            text[0], 100 * cost.full_tiles.relative_cost, text[1],
            100 * cost.whole.forward_flops / cost.whole.full_forward_flops);
    fprintf(out, "    key/value cache of one sequence %.1f KiB (full: %.1f KiB)\n",
            (double)cost.whole.kv_cache_bytes / 1024,
            (double)cost.whole.full_kv_cache_bytes / 1024);
    print_layers(point, &cost, out);
    if (point->kind == MAS_KIND_PLAN)
        return 0;
    mas_cli_quantity(cost.training_flops, text[0], sizeof text[0]);
    mas_cli_quantity(cost.evaluation_flops, text[1], sizeof text[1]);
    fprintf(out, "    training %sFLOPs, evaluation %sFLOPs\n", text[0], text[1]);
    const bool base_counted = explain_base(experiment, index, &cost, out);
    mas_point_trial trial;
    status = mas_point_try(device, point, &cost, threads, &trial, &err);
    if (status == MAS_E_MEMORY) {
        fprintf(out, "    will be recorded as out_of_memory: %s\n", err.text);
    } else if (status != MAS_OK) {
        fprintf(out, "    cannot run: %s\n", err.text);
    } else if (!trial.built) {
        fprintf(out,
                "    memory at least %.1f MiB for weights, gradients and moments; too large to try "
                "here\n",
                4.0 * (double)cost.whole.weight_bytes / (1024.0 * 1024.0));
    } else {
        print_memory(&trial.memory, out);
        mas_cli_duration(trial.seconds, text[2], sizeof text[2]);
        fprintf(out, "    expected time %s, from one timed batch\n", text[2]);
        if (trial.base_seconds > 0 && !base_counted) {
            mas_cli_duration(trial.base_seconds, text[2], sizeof text[2]);
            fprintf(out, "    and %s for the base\n", text[2]);
        }
    }
    return trial.seconds + (base_counted ? 0 : trial.base_seconds);
}

/* A list of tokens; false: reported. */
static bool read_positions(const mas_cli_command *command, const mas_cli_list *list,
                           int64_t positions[MAS_CLI_LIST_MAX])
{
    for (size_t i = 0; i < list->count; i++) {
        char *end = NULL;
        errno = 0;
        positions[i] =
            isdigit((unsigned char)list->items[i][0]) ? strtoll(list->items[i], &end, 10) : -1;
        if (!end || *end || errno) {
            mas_cli_usage_error(command, "--token %s; expected a position from 0", list->items[i]);
            return false;
        }
    }
    return true;
}

static int probe_main(const mas_cli_command *command, const mas_experiment *experiment,
                      const mas_cli_globals *globals, const mas_cli_list *tokens)
{
    int64_t positions[MAS_CLI_LIST_MAX];
    if (experiment->kind == MAS_KIND_KERNEL)
        return mas_cli_usage_error(command, "--probe builds models, and kind: kernel has none");
    if (!read_positions(command, tokens, positions))
        return MAS_EXIT_USAGE;
    printf("%s: one token is changed, and what moves is held against the plan\n"
           "(# every position of a cell, + some, . none)\n",
           experiment->name);
    return mas_cli_probe(experiment, globals->device, globals->threads, positions, tokens->count,
                         stdout);
}

static int explain_main(const mas_cli_command *command, int argc, char **argv)
{
    mas_cli_list settings = {0}, tokens = {0};
    bool probe = false;
    const mas_cli_option table[] = {
        {"set", MAS_CLI_LIST, "KEY=VALUE", "override a key of the file", &settings, 0, 0, NULL},
        {"probe", MAS_CLI_FLAG, NULL, "only this: change a token of each model and see what moves",
         &probe, 0, 0, NULL},
        {"token", MAS_CLI_LIST, "N", "with --probe: the token to change, or one of several",
         &tokens, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code =
        mas_cli_parse(command, table, sizeof table / sizeof *table, argc, argv, 1, 1, &parsed);
    if (code >= 0)
        return code;
    mas_experiment *experiment = NULL;
    code = mas_cli_load(command, parsed.arguments[0], &settings, &experiment);
    if (code >= 0)
        return code;
    if (probe || tokens.count > 0) {
        code = probe ? probe_main(command, experiment, &parsed.globals, &tokens)
                     : mas_cli_usage_error(command, "--token says which token --probe changes");
        mas_experiment_free(experiment);
        return mas_cli_finish(command, code);
    }
    printf("%s: %s\n\n", experiment->name, experiment->question ? experiment->question : "");
    const mas_cli_kind *kind = &mas_cli_kinds[experiment->kind];
    kind->print_points(experiment, parsed.globals.device, stdout);
    explain_masks(experiment, stdout);
    printf("\nkernels, and why better ones are refused\n");
    kind->print_kernels(experiment, parsed.globals.device, true, stdout);
    const mas_run_options options = {.device = parsed.globals.device,
                                     .threads = parsed.globals.threads,
                                     .shard = 1,
                                     .shards = 1};
    const int jobs = mas_run_jobs(experiment, &options);
    double seconds = 0;
    for (int64_t i = 0; i < experiment->count; i++) {
        seconds += kind->explain(experiment, i, options.device, options.threads / jobs, stdout);
        fflush(stdout);
    }
    if (seconds > 0) {
        char text[32];
        mas_cli_duration(seconds / jobs, text, sizeof text);
        printf(
            "\nexpected time of the whole run: about %s with %d thread%s, %d point%s at a time\n",
            text, options.threads, mas_cli_s(options.threads), jobs, mas_cli_s(jobs));
    }
    mas_experiment_free(experiment);
    return mas_cli_finish(command, MAS_EXIT_OK);
}

const mas_cli_command mas_cmd_explain = {
    "explain",
    "FILE",
    "points, layer plans, costs, memory, expected time and kernels of an experiment",
    "Creates nothing. FLOPs are exact; memory and time come from building each point's model and "
    "timing one batch.",
    explain_main,
};
