/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of a kernel: what a clock cannot say to a tenth of a percent, and no other process disturbs. */
#include "harness/gate/direct.h"
#include "harness/gate/worker.h"
#include "harness/results/json_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The line "totals: N" of callgrind's output. */
static mas_status read_total(const char *path, double *out, mas_error *err)
{
    char line[512];
    FILE *file = fopen(path, "r");
    if (!file)
        return mas_fail(err, MAS_E_IO, "cannot read what callgrind counted: %s", strerror(errno));
    *out = 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "totals:", 7) == 0)
            *out = strtod(line + 7, NULL);
    fclose(file);
    return *out > 0 ? MAS_OK : mas_fail(err, MAS_E_FORMAT, "callgrind counted no instructions");
}

static mas_status launch_once(mas_worker *worker, int64_t point, mas_error *err)
{
    char open[64];
    snprintf(open, sizeof open, "open %lld", (long long)point);
    const char *const questions[] = {open, "count"};
    mas_status status = MAS_OK;
    for (int i = 0; status == MAS_OK && i < 2; i++) {
        json_t *said = NULL;
        status = mas_worker_order(worker, questions[i], &said, err);
        json_decref(said);
    }
    return status;
}

mas_status mas_gate_instructions(const mas_direct *direct, int side, int64_t point,
                                 double *instructions, mas_error *err)
{
    char path[] = "/tmp/masbench-callgrind-XXXXXX", output[64];
    const int file = mkstemp(path);
    if (file < 0)
        return mas_fail(err, MAS_E_IO, "cannot make a temporary file: %s", strerror(errno));
    close(file);
    snprintf(output, sizeof output, "--callgrind-out-file=%s", path);
    const char *const before[] = {"valgrind",
                                  "--quiet",
                                  "--tool=callgrind",
                                  output,
                                  "--toggle-collect=mas_bench_counted_launch",
                                  NULL};
    const char *const after[] = {"--threads", "1", NULL};
    const char **command = mas_direct_command(direct, side, before, after);
    mas_worker *worker = NULL;
    mas_status status = command ? mas_worker_start(command, &worker, NULL, err)
                                : mas_fail(err, MAS_E_MEMORY, "no memory to start a program");
    if (status == MAS_OK)
        status = launch_once(worker, point, err);
    mas_worker_stop(worker); /* callgrind writes when its program ends */
    if (status == MAS_OK)
        status = read_total(path, instructions, err);
    unlink(path);
    free(command);
    return status;
}
