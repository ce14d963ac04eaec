/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a report, and gnuplot. Scripts are copied beside their data, so that `gnuplot
 * cost_quality.gp` in that folder draws a chart again, years later and without this program. */
#include "harness/report/kernel.h"
#include "harness/report/report.h"
#include "masbench_build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    {"data/placement_heat.tsv", mas_report_write_placements, with_placements},
    {"data/memory_by_length.tsv", mas_report_write_memory, mas_report_has_lengths},
    {"data/settings.gp", mas_report_write_kernel_settings, with_times},
    {"data/kernels.tsv", mas_report_write_kernels, with_times},
};
#define FILE_COUNT (sizeof files / sizeof *files)

const char *mas_data_folder(void)
{
    const char *folder = getenv("MASBENCH_DATA");
    return folder && folder[0] ? folder : MAS_DATA_DIR;
}

static char *join(const char *folder, const char *name, const char *end)
{
    const size_t room = strlen(folder) + strlen(name) + strlen(end) + 2;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s/%s%s", folder, name, end);
    return path;
}

static mas_status write_file(const mas_report *report, const char *name, writer *write,
                             mas_error *err)
{
    char *path = join(report->set->folder, name, "");
    if (!path)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the name of %s", name);
    mas_status status = MAS_OK;
    FILE *out = fopen(path, "w");
    if (out) {
        write(report, out);
        const bool bad = ferror(out) != 0;
        if (fclose(out) != 0 || bad)
            status = mas_fail(err, MAS_E_IO, "cannot write %s: %s", path, strerror(errno));
    } else {
        status = mas_fail(err, MAS_E_IO, "cannot create %s: %s", path, strerror(errno));
    }
    free(path);
    return status;
}

static mas_status copy_script(const mas_report *report, const char *name, mas_error *err)
{
    mas_status status = MAS_OK;
    char relative[64], buffer[8192];
    snprintf(relative, sizeof relative, "data/%s.gp", name);
    char *from = NULL, *to = join(report->set->folder, relative, "");
    snprintf(relative, sizeof relative, "plots/%s.gp", name);
    from = join(mas_data_folder(), relative, "");
    FILE *in = from ? fopen(from, "r") : NULL;
    FILE *out = in && to ? fopen(to, "w") : NULL;
    if (!in) {
        status =
            mas_fail(err, MAS_E_NOT_FOUND,
                     "cannot open the chart script %s: %s; MASBENCH_DATA names the folder that "
                     "holds plots/",
                     from ? from : name, strerror(errno));
        goto done;
    }
    if (!out) {
        status = mas_fail(err, MAS_E_IO, "cannot create %s: %s", to ? to : name, strerror(errno));
        goto done;
    }
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, in)) > 0;)
        fwrite(buffer, 1, n, out);
    if (ferror(in) || ferror(out))
        status = mas_fail(err, MAS_E_IO, "cannot copy %s to %s", from, to);
done:
    if (out && fclose(out) != 0 && status == MAS_OK)
        status = mas_fail(err, MAS_E_IO, "cannot write %s: %s", to, strerror(errno));
    if (in)
        fclose(in);
    free(from);
    free(to);
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
    char *data = join(report->set->folder, "data", "");
    if (!data)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the report of %s", report->set->folder);
    mas_status status = mas_make_folders(data, err);
    free(data);
    for (size_t i = 0; status == MAS_OK && i < FILE_COUNT; i++)
        if (!files[i].wanted || files[i].wanted(report))
            status = write_file(report, files[i].name, files[i].write, err);
    if (status == MAS_OK && mas_report_has_charts(report))
        status = copy_script(report, "common", err);
    if (status == MAS_OK && with_times(report))
        status = copy_script(report, "kernel_panels", err);
    for (size_t i = 0; status == MAS_OK && i < CHART_COUNT; i++)
        if (charts[i].wanted(report))
            status = copy_script(report, charts[i].name, err);
    return status;
}

/* What gnuplot said, first line of it that is more than a caret. */
static void read_complaint(const char *path, char *text, size_t size)
{
    FILE *in = fopen(path, "r");
    text[0] = '\0';
    char line[512];
    while (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (strspn(line, " ^") != strlen(line))
            snprintf(text, size, "%s", line);
    }
    if (in)
        fclose(in);
}

static mas_status run_gnuplot(const char *folder, const char *name, mas_error *err)
{
    char script[64], complaint[512] = "";
    snprintf(script, sizeof script, "%s.gp", name);
    char *log = join(folder, name, ".log");
    if (!log)
        return mas_fail(err, MAS_E_MEMORY, "no memory to draw %s", name);
    mas_status status = MAS_OK;
    const int output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const pid_t child = output < 0 ? -1 : fork();
    if (child == 0) {
        sigset_t none; /* a run keeps signals for itself; gnuplot shall hear them */
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        if (chdir(folder) != 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
            _exit(126);
        execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(errno == ENOENT ? 127 : 126);
    }
    int code = 0;
    while (child > 0 && waitpid(child, &code, 0) < 0 && errno == EINTR)
        continue;
    if (output >= 0)
        close(output);
    if (child < 0)
        status = mas_fail(err, MAS_E_IO, "cannot start gnuplot: %s", strerror(errno));
    else if (WIFEXITED(code) && WEXITSTATUS(code) == 127)
        status = mas_fail(err, MAS_E_NOT_FOUND,
                          "gnuplot is not installed: no charts drawn; data and scripts are in %s",
                          folder);
    else if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        read_complaint(log, complaint, sizeof complaint);
        status =
            mas_fail(err, MAS_E_IO, "gnuplot could not draw %s/%s: %s", folder, script, complaint);
    }
    (void)unlink(log);
    free(log);
    return status;
}

mas_status mas_report_draw(const mas_report *report, mas_error *err)
{
    mas_status status = MAS_OK;
    char *data = join(report->set->folder, "data", "");
    if (!data)
        return mas_fail(err, MAS_E_MEMORY, "no memory to draw charts");
    for (size_t i = 0; i < CHART_COUNT && status != MAS_E_NOT_FOUND; i++) {
        if (!charts[i].wanted(report))
            continue;
        mas_error one;
        const mas_status drawn = run_gnuplot(data, charts[i].name, &one);
        if (drawn != MAS_OK)
            status = mas_fail(err, drawn, "%s", one.text);
    }
    free(data);
    return status;
}
