/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/probe.h"

#include "harness/cli/cli.h"
#include "harness/lm/probe.h"
#include "harness/run/quantities.h"
#include "variants/reach.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS = 64 };      /* of a drawn bar */
enum { ROWS_MAX = 12 };   /* layers after which a deep model is probed */
enum { EARLY = 8 };       /* the token changed stands after this part of the sequence */
enum { LENGTH_MIN = 64 }; /* shortening ends here */

/* ---- which layers, which length ---- */

/* The first `row_of(i)` layers are built for row i: all numbers of layers, or some with the last. */
static int32_t rows_of(int32_t layers)
{
    return layers < ROWS_MAX ? layers : ROWS_MAX;
}

static int32_t layers_of(int32_t row, int32_t layers)
{
    return (int32_t)((int64_t)(row + 1) * layers / rows_of(layers));
}

static int64_t probed_length(const mas_model_config *model, int64_t length)
{
    double layers = 0;
    for (int32_t row = 0; row < rows_of(model->layers); row++)
        layers += layers_of(row, model->layers);
    while (length > LENGTH_MIN && mas_probe_flops(model, 1, length) * layers > MAS_PROBE_FLOPS)
        length /= 2;
    return length;
}

/* ---- drawing ---- */

static void draw(const bool *moved, int64_t length, char bar[CELLS + 1])
{
    const int64_t cells = length < CELLS ? length : CELLS;
    for (int64_t cell = 0; cell < cells; cell++) {
        const int64_t begin = cell * length / cells, end = (cell + 1) * length / cells;
        int64_t count = 0;
        for (int64_t i = begin; i < end; i++)
            count += moved[i];
        bar[cell] = count == 0 ? '.' : count == end - begin ? '#' : '+';
    }
    bar[cells] = '\0';
}

static int64_t first_difference(const bool *a, const bool *b, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return i;
    return -1;
}

typedef struct summary {
    int64_t moved, last;
} summary;

static summary summarise(const bool *moved, int64_t length)
{
    summary s = {0, -1};
    for (int64_t i = 0; i < length; i++)
        if (moved[i]) {
            s.moved++;
            s.last = i;
        }
    return s;
}

/* Against the reach that the plan states (`explain`, results, floors), which comes from runs, not from `sees`. */
static mas_status check_last(const mas_plan *plan, int64_t length, int64_t position, int64_t moved,
                             FILE *out, bool *agrees, mas_error *err)
{
    int64_t *last = malloc((size_t)length * sizeof *last);
    if (!last)
        return mas_fail(err, MAS_E_MEMORY, "no memory to probe %lld tokens", (long long)length);
    const mas_status status = mas_reach_last(plan, length, last, err);
    *agrees = status == MAS_OK && last[position] == moved;
    if (status == MAS_OK && !*agrees)
        fprintf(out,
                "    DISAGREES: token %lld reaches position %lld; by the reach of the plan, %lld\n",
                (long long)position, (long long)moved, (long long)last[position]);
    free(last);
    return status;
}

/* ---- one token ---- */

mas_status mas_cli_probe_token(const mas_point *point, const mas_model_config *model,
                               const mas_plan *expected, mas_device *device, int64_t length,
                               int64_t position, FILE *out, bool *agrees, mas_error *err)
{
    const int32_t layers = model->layers;
    bool *reached = calloc(2 * (size_t)length, sizeof *reached), *moved = reached + length;
    if (!reached)
        return mas_fail(err, MAS_E_MEMORY, "no memory to probe %lld tokens", (long long)length);
    *agrees = true;
    mas_status status = MAS_OK;
    int64_t visible = 0;
    int32_t done = 0;
    char token[32];
    snprintf(token, sizeof token, "token %lld", (long long)position);
    fprintf(out, "    %-15s  0%*lld  moved\n", token, CELLS - 1, (long long)length - 1);
    if (position < length)
        reached[position] = true;
    for (int32_t row = 0; row < rows_of(layers) && *agrees; row++) {
        const int32_t count = layers_of(row, layers);
        for (; done < count && status == MAS_OK; done++)
            status = mas_reach_layer(mas_plan_layer(expected, done), length, reached, err);
        if (status == MAS_OK)
            status = mas_probe_measure(device, model, &point->plan, count, length, position, moved,
                                       &visible, err);
        if (status != MAS_OK)
            break;
        char bar[CELLS + 1], label[128];
        draw(moved, length, bar);
        mas_attn_spec_label(mas_plan_layer(&point->plan, count - 1), label, sizeof label);
        fprintf(out, "    after layer %3d  %s  %4lld  %s\n", count - 1, bar,
                (long long)summarise(moved, length).moved, label);
        const int64_t at = first_difference(reached, moved, length);
        if (at >= 0) {
            *agrees = false;
            fprintf(out, "    DISAGREES after layer %d at position %lld: %s\n", count - 1,
                    (long long)at,
                    moved[at] ? "it moved, and by the plan nothing of the token reaches it"
                              : "by the plan the token reaches it, and it did not move");
        }
    }
    if (status == MAS_OK && *agrees) {
        const summary s = summarise(moved, length);
        status = check_last(expected, length, position, s.last, out, agrees, err);
        if (*agrees)
            fprintf(
                out,
                "    agrees with the plan: %lld positions, up to %lld; above the rounding of an "
                "untrained model: %lld\n",
                (long long)s.moved, (long long)s.last, (long long)visible);
    }
    free(reached);
    return status;
}

/* ---- an experiment ---- */

/* Two points with the same text have the same model as far as attention goes. */
static void identity(const mas_model_config *m, const mas_plan *plan, int64_t length, char *text,
                     size_t size)
{
    char letters[MAS_LAYERS_MAX + 1], sparse[128], full[128];
    mas_plan_letters(plan, letters, sizeof letters);
    mas_attn_spec_label(&plan->sparse, sparse, sizeof sparse);
    mas_attn_spec_label(&plan->full, full, sizeof full);
    snprintf(text, size, "%s %s|%s|%s %lld %d %d %d %d %d %d %d %d %d %g %g", letters, sparse,
             plan->sparse.path, full, (long long)length, (int)m->dtype, m->heads, m->head_dim,
             (int)m->positions, m->full_positions, (int)m->norm, (int)m->activation, m->bias,
             m->sink_logits, (double)m->softcap, (double)m->attention_scale);
}

static mas_status probe_point(const mas_point *point, const mas_model_config *model,
                              const mas_device_kind *kind, int threads, int64_t length,
                              const int64_t *positions, size_t count, FILE *out, bool *agrees,
                              mas_error *err)
{
    const int64_t sinks = point->plan.sparse.sinks > point->plan.full.sinks
                              ? point->plan.sparse.sinks
                              : point->plan.full.sinks;
    const int64_t early[] = {length / EARLY, 0};
    if (count == 0) {
        positions = early;
        count = sinks > 0 && early[0] > 0 ? 2 : 1;
    }
    mas_device *device = NULL;
    mas_status status = kind->open(threads, 0, &device, err);
    for (size_t i = 0; status == MAS_OK && i < count && *agrees; i++)
        status = mas_cli_probe_token(point, model, &point->plan, device, length, positions[i], out,
                                     agrees, err);
    mas_device_close(device);
    return status;
}

int mas_cli_probe(const mas_experiment *experiment, const mas_device_kind *device, int threads,
                  const int64_t *positions, size_t count, FILE *out)
{
    enum { TEXT_MAX = MAS_LAYERS_MAX + MAS_PATH_MAX + 640 };
    char(*seen)[TEXT_MAX] = calloc((size_t)experiment->count, sizeof *seen);
    if (!seen)
        return MAS_EXIT_FAILURES;
    int code = MAS_EXIT_OK;
    for (int64_t i = 0; i < experiment->count && code == MAS_EXIT_OK; i++) {
        const mas_point *point = &experiment->points[i];
        mas_error err = {MAS_OK, ""};
        mas_model_config model = point->model;
        bool agrees = true;
        mas_status status = mas_model_config_resolve(&model, mas_point_vocab(point),
                                                     mas_point_longest(point), &err);
        if (status == MAS_OK) {
            model = mas_probe_config(&model);
            const int64_t length = probed_length(&model, point->training.seq_len);
            identity(&model, &point->plan, length, seen[i], sizeof seen[i]);
            int64_t same = 0;
            while (strcmp(seen[same], seen[i]) != 0)
                same++;
            fprintf(out, "\n%lld  %s  (%s)\n", (long long)i + 1, point->title, point->id);
            if (same < i) {
                fprintf(out, "    same attention as point %lld\n", (long long)same + 1);
                continue;
            }
            fprintf(out, "    built with %d layers, heads of %d, width %d, length %lld",
                    model.layers, model.head_dim, model.width, (long long)length);
            if (length < point->training.seq_len)
                fprintf(out, " (shortened from %d)", point->training.seq_len);
            fputc('\n', out);
            status = probe_point(point, &model, device, threads, length, positions, count, out,
                                 &agrees, &err);
        }
        if (status != MAS_OK)
            fprintf(out, "    cannot be probed: %s\n", err.text);
        if (status == MAS_E_ARGUMENT) /* a token outside the sequence */
            code = MAS_EXIT_USAGE;
        else if (status != MAS_OK || !agrees)
            code = MAS_EXIT_FAILURES;
        fflush(out);
    }
    free(seen);
    return code;
}
