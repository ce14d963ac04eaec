/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands say about points that time kernels. */
#include "harness/cli/cli.h"
#include "harness/cli/kinds.h"
#include "harness/cli/load.h"

#include <stdlib.h>
#include <string.h>

static mas_status choose(const mas_device_kind *device, const mas_point *point,
                         const mas_attn_spec *spec, const mas_attn_kernel **kernel, char *why,
                         size_t size, mas_error *err)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    const mas_attn_problem problem = mas_bench_problem(&point->kernel, &mask);
    return mas_bench_choose(device->attention, &point->kernel, &problem, kernel, why, size, err);
}

/* Useful FLOPs of one run of the plan, and those of full attention in every layer. */
static double flops(const mas_point *point, double *full)
{
    double sum = 0;
    *full = 0;
    for (int kind = 0; kind < 2; kind++) {
        const int32_t layers =
            kind ? point->plan.full_layers : point->plan.layers - point->plan.full_layers;
        const mas_attn_spec *spec = kind ? &point->plan.full : &point->plan.sparse;
        const mas_attn_spec whole = mas_attn_spec_full();
        const mas_mask masks[2] = {mas_attn_spec_mask(spec), mas_attn_spec_mask(&whole)};
        for (int i = 0; layers > 0 && i < 2; i++) {
            const mas_attn_problem p = mas_bench_problem(&point->kernel, &masks[i]);
            const int64_t pairs = mas_mask_pairs(&masks[i], p.q_len, p.kv_len, p.alignment, NULL);
            *(i ? full : &sum) += (double)(layers * p.batch * p.q_heads) *
                                  mas_attn_flops(point->kernel.op, pairs, p.d_qk, p.d_v);
        }
    }
    return sum;
}

void mas_cli_kernel_points(const mas_experiment *experiment, const mas_device_kind *device,
                           FILE *out)
{
    (void)device; /* the table holds nothing that depends on it */
    int title = 5;
    double seconds = 0;
    for (int64_t i = 0; i < experiment->count; i++) {
        const int width = (int)strlen(experiment->points[i].title);
        title = width > title ? width : title;
    }
    fprintf(out, "%5s  %-*s  %-8s  %-5s  %9s  %10s\n", "#", title, "point", "op", "dtype",
            "attention", "FLOPs");
    for (int64_t i = 0; i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        char text[32];
        double full;
        const double useful = flops(point, &full);
        mas_cli_quantity(useful, text, sizeof text);
        fprintf(out, "%5lld  %-*s  %-8s  %-5s  %7.1f %%  %10s\n", (long long)i + 1, title,
                point->title, mas_bench_op_name(point->kernel.op),
                mas_dtype_name(point->kernel.dtype), 100 * useful / full, text);
        seconds += point->measure.seconds;
    }
    char text[32];
    mas_cli_duration(seconds, text, sizeof text);
    fprintf(out,
            "%lld point%s of %lld cell%s of the sweep; sampling takes at most about %s, checks and "
            "the fewest samples of slow points come on top\n",
            (long long)experiment->count, mas_cli_s(experiment->count),
            (long long)experiment->cells, mas_cli_s(experiment->cells), text);
}

static void print_choice(const mas_device_kind *device, const mas_point *point,
                         const mas_attn_spec *spec, mas_cli_refusals *refusals, FILE *out)
{
    char why[MAS_CLI_REFUSALS_MAX];
    const mas_attn_kernel *kernel = NULL;
    mas_error err;
    const mas_status status = choose(device, point, spec, &kernel, why, sizeof why, &err);
    fprintf(out, "    %-13s %s\n", mas_attn_op_name(point->kernel.op),
            status == MAS_OK ? kernel->name
            : why[0]         ? "no kernel serves this problem"
                             : err.text);
    mas_cli_print_refusals(refusals, point->kernel.op, why, !kernel, out);
}

static const mas_attn_spec *spec_of(const mas_point *point, int full)
{
    const int32_t layers =
        full ? point->plan.full_layers : point->plan.layers - point->plan.full_layers;
    return layers == 0 ? NULL : full ? &point->plan.full : &point->plan.sparse;
}

void mas_cli_kernel_kernels(const mas_experiment *experiment, const mas_device_kind *device,
                            bool refusals, FILE *out)
{
    enum { TEXT_MAX = 384 };
    char(*seen)[TEXT_MAX] = calloc((size_t)experiment->count * 2 + 1, sizeof *seen);
    mas_cli_refusals *said = refusals ? calloc(1, sizeof *said) : NULL;
    size_t count = 0;
    for (int64_t i = 0; seen && i < experiment->count; i++)
        for (int full = 0; full < 2; full++) {
            const mas_point *point = &experiment->points[i];
            const mas_bench_config *c = &point->kernel;
            const mas_attn_spec *spec = spec_of(point, full);
            if (!spec)
                continue;
            char label[128];
            mas_attn_spec_label(spec, label, sizeof label);
            snprintf(seen[count], sizeof seen[count],
                     "%s, %s: %d query head%s, %d key/value head%s, head size %d, length %d%s%s",
                     label, mas_dtype_name(c->dtype), c->q_heads, mas_cli_s(c->q_heads),
                     c->kv_heads, mas_cli_s(c->kv_heads), c->head_dim, c->length,
                     c->name[0] ? ", kernel " : "", c->name);
            char key[TEXT_MAX];
            snprintf(key, sizeof key, "%s %.360s", mas_bench_op_name(c->op), seen[count]);
            size_t j = 0;
            memcpy(seen[count], key, sizeof key);
            while (strcmp(seen[j], key) != 0)
                j++;
            if (j < count)
                continue;
            fprintf(out, "  %s\n", seen[count++]);
            print_choice(device, point, spec, said, out);
        }
    free(said);
    free(seen);
}

double mas_cli_kernel_explain(const mas_experiment *experiment, int64_t index,
                              const mas_device_kind *device, int threads, FILE *out)
{
    (void)device, (void)threads;
    const mas_point *point = &experiment->points[index];
    char letters[MAS_LAYERS_MAX + 1], text[32];
    double full;
    const double useful = flops(point, &full);
    mas_plan_letters(&point->plan, letters, sizeof letters);
    mas_cli_quantity(useful, text, sizeof text);
    fprintf(out, "\n%lld  %s  (%s)\n    plan %s; %sFLOPs a run = %.1f %% of full\n",
            (long long)index + 1, point->title, point->id, letters, text, 100 * useful / full);
    return point->measure.seconds;
}
