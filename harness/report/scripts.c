/* SPDX-License-Identifier: Apache-2.0 */
/* Chart scripts, and gnuplot. Scripts are copied beside their data, so that `gnuplot cost_quality.gp` in that folder
 * draws a chart again, years later and without this program. */
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

mas_status mas_script_copy(const char *folder, const char *name, mas_error *err)
{
    mas_status status = MAS_OK;
    char relative[64], buffer[8192];
    snprintf(relative, sizeof relative, "data/%s.gp", name);
    char *from = NULL, *to = mas_file_path(folder, relative, "");
    snprintf(relative, sizeof relative, "plots/%s.gp", name);
    from = mas_file_path(mas_data_folder(), relative, "");
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

mas_status mas_script_run(const char *results, const char *name, mas_error *err)
{
    char script[64], complaint[512] = "";
    snprintf(script, sizeof script, "%s.gp", name);
    char *folder = mas_file_path(results, "data", "");
    char *log = folder ? mas_file_path(folder, name, ".log") : NULL;
    if (!log) {
        free(folder);
        return mas_fail(err, MAS_E_MEMORY, "no memory to draw %s", name);
    }
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
    free(folder);
    return status;
}
