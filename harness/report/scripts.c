/* SPDX-License-Identifier: Apache-2.0 */
/* Chart scripts, and gnuplot. Scripts are copied beside their data, so that `gnuplot cost_quality.gp` in that folder
 * draws a chart again, years later and without this program. */
#include "harness/files/replace.h"
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "masbench_build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *mas_data_folder(void)
{
    const char *folder = getenv("MASBENCH_DATA");
    return folder && folder[0] ? folder : MAS_DATA_DIR;
}

static mas_status copy(void *user, FILE *out, mas_error *err)
{
    FILE *in = user;
    char buffer[8192];
    rewind(in);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, in)) > 0;)
        fwrite(buffer, 1, n, out);
    return ferror(in) ? mas_fail(err, MAS_E_IO, "cannot read a chart script") : MAS_OK;
}

mas_status mas_script_copy(const char *folder, const char *name, mas_error *err)
{
    mas_status status = MAS_OK;
    char relative[64];
    snprintf(relative, sizeof relative, "data/%s.gp", name);
    char *to = mas_file_path(folder, relative, "");
    snprintf(relative, sizeof relative, "plots/%s.gp", name);
    char *from = mas_file_path(mas_data_folder(), relative, "");
    FILE *in = from ? fopen(from, "r") : NULL;
    if (!to || !from)
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the name of %s", name);
    else if (!in)
        status = mas_fail(err, MAS_E_NOT_FOUND,
                          "cannot open the chart script %s: %s; MASBENCH_DATA names the folder "
                          "that holds plots/",
                          from, strerror(errno));
    else
        status = mas_file_replace(to, copy, in, err);
    if (in)
        fclose(in);
    free(from);
    free(to);
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

static const char *const formats[] = {"svg", "png"}; /* as in common.gp */

/* Charts are drawn under another name; whole ones take their place, others go. */
static mas_status place_charts(const char *results, const char *name, const char *end, bool whole,
                               mas_error *err)
{
    mas_status status = MAS_OK;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char from_end[64], to_end[16];
        snprintf(from_end, sizeof from_end, ".%s%s", formats[i], end);
        snprintf(to_end, sizeof to_end, ".%s", formats[i]);
        char *from = mas_file_path(results, name, from_end),
             *to = mas_file_path(results, name, to_end);
        if (!from || !to)
            status = mas_fail(err, MAS_E_MEMORY, "no memory to draw %s", name);
        else if (!whole)
            (void)unlink(from);
        else if (rename(from, to) != 0 && errno != ENOENT) /* a script may draw one format only */
            status = mas_fail(err, MAS_E_IO, "cannot write %s: %s", to, strerror(errno));
        free(from);
        free(to);
    }
    return status;
}

/* In the child. */
static _Noreturn void become_gnuplot(const char *folder, int output, const char *name,
                                     const char *end)
{
    char script[64], setting[64];
    sigset_t none; /* a run keeps signals for itself; gnuplot shall hear them */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(script, sizeof script, "%s.gp", name);
    snprintf(setting, sizeof setting, "chart_end = '%s'", end);
    if (chdir(folder) != 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    execlp("gnuplot", "gnuplot", "-e", setting, script, (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* @param state  of waitpid
 *  @param log   what gnuplot printed */
static mas_status judge(int state, const char *folder, const char *name, const char *log,
                        mas_error *err)
{
    char complaint[512];
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return MAS_OK;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127)
        return mas_fail(err, MAS_E_NOT_FOUND,
                        "gnuplot is not installed: no charts drawn; data and scripts are in %s",
                        folder);
    read_complaint(log, complaint, sizeof complaint);
    if (!complaint[0] && WIFSIGNALED(state))
        snprintf(complaint, sizeof complaint, "it ended by signal %d (%s)", WTERMSIG(state),
                 strsignal(WTERMSIG(state)));
    else if (!complaint[0])
        snprintf(complaint, sizeof complaint, "it ended with status %d", WEXITSTATUS(state));
    return mas_fail(err, MAS_E_IO, "gnuplot could not draw %s/%s.gp: %s", folder, name, complaint);
}

mas_status mas_script_run(const char *results, const char *name, mas_error *err)
{
    char end[32];
    snprintf(end, sizeof end, ".tmp.%ld", (long)getpid());
    char *folder = mas_file_path(results, "data", "");
    char *log = folder ? mas_file_path(folder, name, ".log") : NULL;
    if (!log) {
        free(folder);
        return mas_fail(err, MAS_E_MEMORY, "no memory to draw %s", name);
    }
    mas_status status = MAS_OK;
    const int output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const pid_t child = output < 0 ? -1 : fork();
    if (child == 0)
        become_gnuplot(folder, output, name, end);
    if (child < 0)
        status = mas_fail(err, MAS_E_IO, "cannot start gnuplot: %s", strerror(errno));
    int state = 0;
    while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR)
        continue;
    if (output >= 0)
        close(output);
    if (status == MAS_OK)
        status = judge(state, folder, name, log, err);
    const bool whole = status == MAS_OK;
    const mas_status placed = place_charts(results, name, end, whole, whole ? err : NULL);
    (void)unlink(log);
    free(log);
    free(folder);
    return whole ? placed : status;
}
