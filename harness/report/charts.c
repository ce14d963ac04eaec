/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a report. */
#include "harness/files/replace.h"
#include "harness/report/gnuplot.h"
#include "harness/report/kernel.h"
#include "harness/report/report.h"

#include <stdlib.h>

typedef void writer(const mas_report *report, FILE *out);

static bool trained(const mas_report *report)
{
    return report->trained && report->group_count > 0;
}

static bool with_distances(const mas_report *report)
{
    return trained(report) && report->has_distances;
}

static bool with_placements(const mas_report *report)
{
    return trained(report) && mas_report_has_placements(report);
}

static bool with_contexts(const mas_report *report)
{
    return trained(report) && mas_report_has_contexts(report);
}

static bool with_settings(const mas_report *report)
{
    return trained(report) || mas_report_has_lengths(report);
}

static bool with_times(const mas_report *report)
{
    return report->has_times;
}

static bool not_timed(const mas_report *report)
{
    return !report->timed;
}

static const struct {
    const char *name;
    bool (*wanted)(const mas_report *report);
} charts[] = {
    {"cost_quality", trained},
    {"quality_by_full_layers", trained},
    {"quality_by_context", with_contexts},
    {"loss_by_position", trained},
    {"training_curves", trained},
    {"loss_by_distance", with_distances},
    {"recall_by_distance", with_distances},
    {"placement_heat", with_placements},
    {"memory_by_length", mas_report_has_lengths},
    {"kernel_rate", with_times},
    {"kernel_time", with_times},
    {"kernel_speedup", with_times},
};
#define CHART_COUNT (sizeof charts / sizeof *charts)

static void write_markdown(const mas_report *report, FILE *out)
{
    mas_report_table(report, MAS_TABLE_MARKDOWN, out);
}

static void write_csv(const mas_report *report, FILE *out)
{
    mas_report_table(report, MAS_TABLE_CSV, out);
}

static const struct {
    const char *name;
    writer *write;
    bool (*wanted)(const mas_report *report);
} files[] = {
    {"table.md", write_markdown, NULL},
    {"table.csv", write_csv, NULL},
    {"data/points.tsv", mas_report_write_points, not_timed},
    {"data/settings.gp", mas_report_write_settings, with_settings},
    {"data/cost_quality.tsv", mas_report_write_cost_quality, trained},
    {"data/front.tsv", mas_report_write_front, trained},
    {"data/loss_by_position.tsv", mas_report_write_positions, trained},
    {"data/training_curves.tsv", mas_report_write_curves, trained},
    {"data/loss_by_distance.tsv", mas_report_write_distances, with_distances},
    {"data/quality_by_context.tsv", mas_report_write_contexts, with_contexts},
    {"data/placement_heat.tsv", mas_report_write_placements, with_placements},
    {"data/memory_by_length.tsv", mas_report_write_memory, mas_report_has_lengths},
    {"data/settings.gp", mas_report_write_kernel_settings, with_times},
    {"data/kernels.tsv", mas_report_write_kernels, with_times},
};
#define FILE_COUNT (sizeof files / sizeof *files)

typedef struct content {
    const mas_report *report;
    writer *write;
} content;

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    (void)err;
    c->write(c->report, out);
    return MAS_OK;
}

static mas_status write_file(const mas_report *report, const char *name, writer *write,
                             mas_error *err)
{
    char *path = mas_file_path(report->set->folder, name, "");
    if (!path)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the name of %s", name);
    content c = {report, write};
    const mas_status status = mas_file_replace(path, write_content, &c, err);
    free(path);
    return status;
}

bool mas_report_has_charts(const mas_report *report)
{
    for (size_t i = 0; i < CHART_COUNT; i++)
        if (charts[i].wanted(report))
            return true;
    return false;
}

mas_status mas_report_write(const mas_report *report, mas_error *err)
{
    char *data = mas_file_path(report->set->folder, "data", "");
    if (!data)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the report of %s", report->set->folder);
    mas_status status = mas_make_folders(data, err);
    mas_file_remove_leftovers(report->set->folder);
    mas_file_remove_leftovers(data);
    free(data);
    for (size_t i = 0; status == MAS_OK && i < FILE_COUNT; i++)
        if (!files[i].wanted || files[i].wanted(report))
            status = write_file(report, files[i].name, files[i].write, err);
    if (status == MAS_OK && mas_report_has_charts(report))
        status = mas_script_copy(report->set->folder, "common", err);
    if (status == MAS_OK && with_times(report))
        status = mas_script_copy(report->set->folder, "kernel_panels", err);
    for (size_t i = 0; status == MAS_OK && i < CHART_COUNT; i++)
        if (charts[i].wanted(report))
            status = mas_script_copy(report->set->folder, charts[i].name, err);
    return status;
}

mas_status mas_report_draw(const mas_report *report, const volatile sig_atomic_t *stop,
                           mas_error *err)
{
    const char *folder = report->set->folder;
    mas_status status = MAS_OK;
    bool stopped = false;
    for (size_t i = 0; i < CHART_COUNT && status != MAS_E_NOT_FOUND && !stopped; i++) {
        if (!charts[i].wanted(report))
            continue;
        mas_error one;
        const mas_status drawn =
            *stop ? MAS_E_INTERRUPTED : mas_script_run(folder, charts[i].name, &one);
        stopped = drawn != MAS_OK && *stop;
        if (drawn != MAS_OK && !stopped)
            status = mas_fail(err, drawn, "%s", one.text);
    }
    if (stopped)
        return mas_fail(err, MAS_E_INTERRUPTED,
                        "stopped before all charts were drawn; masbench plot %s draws them",
                        folder);
    return status;
}
