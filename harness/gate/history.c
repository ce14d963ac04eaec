/* SPDX-License-Identifier: Apache-2.0 */
/* Series of kernels over commits: read, and drawn with their change points. */
#include "harness/gate/history.h"
#include "harness/files/replace.h"
#include "harness/gate/samples.h"
#include "harness/measure/measure.h"
#include "harness/report/gnuplot.h"
#include "harness/results/json_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANELS_MAX 12 /* more are too small to read: those with changes first */
#define QUESTION_WIDTH 105
#define CAPTION_WIDTH 155

/* ---- series ---- */

typedef struct series {
    const char *title;
    mas_gate_samples *samples; /* [count of sets] as read */
    mas_history_run *runs;     /* [count of sets] in one unit */
    double *change;            /* [count of sets] */
    size_t changes;
} series;

typedef struct history {
    mas_result_set *const *sets;
    size_t count; /* of sets: runs */
    series *all;
    size_t series_count;
} history;

static void free_history(history *h)
{
    for (size_t s = 0; s < h->series_count; s++) {
        for (size_t i = 0; i < h->count; i++)
            mas_gate_samples_free(&h->all[s].samples[i]);
        free(h->all[s].samples);
        free(h->all[s].runs);
        free(h->all[s].change);
    }
    free(h->all);
}

static series *series_of(history *h, const char *title)
{
    for (size_t s = 0; s < h->series_count; s++)
        if (strcmp(h->all[s].title, title) == 0)
            return &h->all[s];
    series *grown = realloc(h->all, (h->series_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    h->all = grown;
    series *new = &grown[h->series_count];
    *new = (series){.title = title,
                    .samples = calloc(h->count, sizeof *new->samples),
                    .runs = calloc(h->count, sizeof *new->runs),
                    .change = calloc(h->count, sizeof *new->change)};
    if (!new->samples || !new->runs || !new->change) {
        free(new->samples);
        free(new->runs);
        free(new->change);
        return NULL;
    }
    h->series_count++;
    return new;
}

/* Times of other hardware are no history. */
static mas_status check_machine(const history *h, const json_t *first, const json_t *result,
                                const char *folder, mas_error *err)
{
    char difference[256];
    if (mas_gate_same_hardware(first, result, difference, sizeof difference))
        return MAS_OK;
    return mas_fail(err, MAS_E_UNSUPPORTED,
                    "%s was measured on other hardware than %s (%s); draw the runs of each machine "
                    "apart",
                    folder, h->sets[0]->folder, difference);
}

static mas_status read_all(history *h, mas_error *err)
{
    const json_t *first = NULL;
    for (size_t i = 0; i < h->count; i++) {
        const double quiet = mas_gate_quiet_yardstick(h->sets[i]);
        for (size_t r = 0; r < h->sets[i]->count; r++) {
            const json_t *result = h->sets[i]->results[r];
            if (json_array_size(mas_json_value_at(result, "samples.seconds")) == 0)
                continue;
            first = first ? first : result;
            mas_status status = check_machine(h, first, result, h->sets[i]->folder, err);
            if (status != MAS_OK)
                return status;
            series *s = series_of(h, mas_json_text_at(result, "title"));
            if (!s)
                return mas_fail(err, MAS_E_MEMORY, "no memory for a history");
            if (s->samples[i].count > 0)
                return mas_fail(err, MAS_E_FORMAT, "%s holds \"%s\" twice", h->sets[i]->folder,
                                s->title);
            status = mas_gate_samples_read(result, quiet, &s->samples[i], err);
            if (status != MAS_OK)
                return status;
        }
    }
    return h->series_count > 0 ? MAS_OK
                               : mas_fail(err, MAS_E_ARGUMENT, "no timed kernel in these results");
}

/* Every run that has the kernel has the same yardstick. */
static bool has_yardstick(const history *h, const series *s)
{
    const char *name = NULL;
    for (size_t i = 0; i < h->count; i++) {
        const mas_gate_samples *one = &s->samples[i];
        if (one->count == 0)
            continue;
        if (!one->yardstick || (name && strcmp(name, one->yardstick_name) != 0))
            return false;
        name = one->yardstick_name;
    }
    return true;
}

/* All runs of a series in one unit: seconds over the yardstick's, or seconds. */
static mas_status measure(history *h, series *s, mas_error *err)
{
    mas_status status = MAS_OK;
    const bool by_yardstick = has_yardstick(h, s);
    for (size_t i = 0; status == MAS_OK && i < h->count; i++) {
        const mas_gate_samples *one = &s->samples[i];
        if (one->count == 0)
            continue;
        for (size_t k = 0; by_yardstick && k < one->count; k++)
            one->seconds[k] /= one->yardstick[k];
        mas_statistics figures;
        status = mas_statistics_of(one->seconds, (int64_t)one->count, &figures, err);
        if (status == MAS_OK)
            s->runs[i] =
                (mas_history_run){one->seconds, one->count, figures.median, figures.q1, figures.q3};
    }
    return status;
}

static mas_status find_changes(history *h, const mas_gate_rules *rules, mas_error *err)
{
    for (size_t s = 0; s < h->series_count; s++) {
        mas_status status = measure(h, &h->all[s], err);
        if (status == MAS_OK)
            status = mas_history_changes(h->all[s].runs, h->count, rules, h->all[s].change, err);
        if (status != MAS_OK)
            return status;
        for (size_t i = 0; i < h->count; i++)
            h->all[s].changes += h->all[s].change[i] > 0;
    }
    return MAS_OK;
}

/* ---- output ---- */

static void name_run(const history *h, size_t run, char *text, size_t size)
{
    const json_t *first = h->sets[run]->count > 0 ? h->sets[run]->results[0] : NULL;
    const char *commit = mas_json_text_at(first, "machine.git_commit");
    snprintf(text, size, "%.7s%s", commit[0] ? commit : "unknown",
             json_is_true(mas_json_value_at(first, "machine.git_dirty")) ? "+" : "");
}

static void print_changes(const history *h, FILE *out)
{
    size_t changes = 0;
    for (size_t s = 0; s < h->series_count; s++)
        for (size_t i = 0; i < h->count; i++) {
            char run[32];
            if (!(h->all[s].change[i] > 0))
                continue;
            name_run(h, i, run, sizeof run);
            fprintf(out, "%s  time %+.1f %%  %s\n", run, 100 * (h->all[s].change[i] - 1),
                    h->all[s].title);
            changes++;
        }
    fprintf(out, "%zu kernels over %zu runs: %zu change%s\n", h->series_count, h->count, changes,
            changes == 1 ? "" : "s");
}

/* Those with changes first; within both, the order of the results. */
static const series **choose_panels(const history *h, size_t *count)
{
    const series **panels = calloc(PANELS_MAX, sizeof *panels);
    *count = 0;
    for (int changed = 1; panels && changed >= 0; changed--)
        for (size_t s = 0; s < h->series_count && *count < PANELS_MAX; s++)
            if ((h->all[s].changes > 0) == changed)
                panels[(*count)++] = &h->all[s];
    return panels;
}

/* The first run that has the kernel is 100 %. */
static double base_of(const history *h, const series *s)
{
    for (size_t i = 0; i < h->count; i++)
        if (s->runs[i].count > 0)
            return s->runs[i].median;
    return (double)NAN;
}

static void write_data(const history *h, const series *const *panels, size_t count, FILE *out)
{
    for (size_t p = 0; p < count; p++) {
        const series *s = panels[p];
        const double base = base_of(h, s) / 100;
        fprintf(out, "# %s: run\tmedian\tq1\tq3\tchange, percent of the first run\n", s->title);
        for (size_t i = 0; i < h->count; i++) {
            const mas_history_run *run = &s->runs[i];
            if (run->count == 0)
                continue;
            const double values[] = {run->median / base, run->q1 / base, run->q3 / base,
                                     s->change[i] > 0 ? 100 * (s->change[i] - 1) : (double)NAN};
            fprintf(out, "%zu", i + 1);
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                fputc('\t', out);
                mas_gnuplot_number(out, values[v]);
            }
            fputc('\n', out);
        }
        fputs("\n\n", out);
    }
}

static void write_settings(const history *h, const series *const *panels, size_t count, FILE *out)
{
    const json_t *machine = json_object_get(h->sets[0]->results[0], "machine");
    char text[512], hardware[256];
    fputs("# Written by masbench; read by history.gp beside it.\nquestion = ", out);
    mas_gnuplot_text(out, "Time of each kernel over commits, percent of the first run",
                     QUESTION_WIDTH);
    mas_machine_text(machine, hardware, sizeof hardware);
    snprintf(
        text, sizeof text,
        "medians and quartiles of time over the yardstick's time, where all runs have one; a line "
        "where a new level begins; %zu of %zu kernels; %s",
        count, h->series_count, hardware);
    fputs("\ncaption = ", out);
    mas_gnuplot_text(out, text, CAPTION_WIDTH);
    fprintf(out, "\nline_font = ',9'\npanels = %zu\nruns = %zu\narray title[%zu]\narray run[%zu]\n",
            count, h->count, count, h->count);
    for (size_t p = 0; p < count; p++) {
        fprintf(out, "title[%zu] = ", p + 1);
        mas_gnuplot_text(out, panels[p]->title, SIZE_MAX);
        fputc('\n', out);
    }
    for (size_t i = 0; i < h->count; i++) {
        name_run(h, i, text, sizeof text);
        fprintf(out, "run[%zu] = ", i + 1);
        mas_gnuplot_text(out, text, SIZE_MAX);
        fputc('\n', out);
    }
}

typedef void writer(const history *h, const series *const *panels, size_t count, FILE *out);

typedef struct content {
    const history *h;
    const series *const *panels;
    size_t count;
    writer *write;
} content;

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    (void)err;
    c->write(c->h, c->panels, c->count, out);
    return MAS_OK;
}

static mas_status write_file(const history *h, const series *const *panels, size_t count,
                             const char *folder, const char *name, writer *write, mas_error *err)
{
    char path[4096];
    content c = {h, panels, count, write};
    if ((size_t)snprintf(path, sizeof path, "%s/data/%s", folder, name) >= sizeof path)
        return mas_fail(err, MAS_E_ARGUMENT, "the name of the folder is too long: %.100s...",
                        folder);
    return mas_file_replace(path, write_content, &c, err);
}

static mas_status draw(const history *h, const char *folder, mas_error *err)
{
    char data[4096];
    size_t count;
    const series **panels = choose_panels(h, &count);
    snprintf(data, sizeof data, "%s/data", folder);
    mas_status status = panels ? mas_make_folders(data, err)
                               : mas_fail(err, MAS_E_MEMORY, "no memory for a history");
    if (status == MAS_OK)
        status = write_file(h, panels, count, folder, "history.tsv", write_data, err);
    if (status == MAS_OK)
        status = write_file(h, panels, count, folder, "settings.gp", write_settings, err);
    if (status == MAS_OK)
        status = mas_script_copy(folder, "common", err);
    if (status == MAS_OK)
        status = mas_script_copy(folder, "history", err);
    if (status == MAS_OK)
        status = mas_script_run(folder, "history", err);
    free(panels);
    return status;
}

mas_status mas_history_draw(mas_result_set *const *sets, size_t count, const mas_gate_rules *rules,
                            const char *out, FILE *text, mas_error *err)
{
    history h = {.sets = sets, .count = count};
    for (size_t i = 0; i < count; i++)
        if (sets[i]->count == 0)
            return mas_fail(err, MAS_E_ARGUMENT, "%s holds no results", sets[i]->folder);
    mas_status status = read_all(&h, err);
    if (status == MAS_OK)
        status = find_changes(&h, rules, err);
    if (status == MAS_OK) {
        print_changes(&h, text);
        status = draw(&h, out, err);
    }
    free_history(&h);
    return status;
}
