/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/drill.h"

#include "harness/measure/measure.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/repeat.h"
#include "harness/run/runner.h"
#include "masbench/rng.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define MOMENT_STREAM 0x6b696c6cu /* "kill" */
#define POLL_NANOSECONDS 5000000
#define ATTEMPTS 4        /* each at half the moment of the one before */
#define CHECKPOINTS 8     /* in the time of the whole run, but at most one a second */
#define EARLIEST 0.25     /* share of the whole run's time at which it is killed, at the earliest */
#define SPREAD 0.5        /* and how much later at most */
#define WAIT_FOR_SAVE 2.0 /* shares of that time that the first attempt waits for a checkpoint */
#define ARGUMENTS_MAX 24

typedef struct drilling {
    const mas_drill *drill;
    mas_drill_report *report;
    mas_rng rng;
    char *file, *results, *output; /* experiment; results folder; what the processes print */
    const char *name;              /* of the experiment */
    char *result, *checkpoint, *bystander;
} drilling;

static bool is_there(const char *path)
{
    return path && access(path, F_OK) == 0;
}

/* ---- what lies in the folder ---- */

static mas_status save_often(json_t *record, double seconds, mas_error *err)
{
    json_t *training = json_object_get(json_object_get(record, "point"), "training");
    const int64_t every = (int64_t)(seconds / CHECKPOINTS);
    if (!json_is_object(training))
        return mas_fail(err, MAS_E_FORMAT, "the record's point has no training");
    mas_json_set_int(training, "checkpoint_seconds", every < 1 ? 1 : every);
    return MAS_OK;
}

static mas_status write_experiment(drilling *d, mas_error *err)
{
    const mas_drill *drill = d->drill;
    json_t *records[2] = {json_deep_copy(drill->point), NULL};
    size_t count = 1;
    if (drill->bystander)
        records[count++] = json_deep_copy(drill->bystander);
    mas_status status = MAS_OK;
    for (size_t i = 0; status == MAS_OK && i < count; i++)
        status = records[i] ? save_often(records[i], d->report->of_seconds, err)
                            : mas_fail(err, MAS_E_MEMORY, "no memory for a record");
    if (status == MAS_OK)
        status =
            mas_repeat_write((const json_t *const *)records, count, drill->folder, &d->file, err);
    json_decref(records[0]);
    json_decref(records[1]);
    if (status == MAS_OK && drill->bystander) {
        char *folder = mas_folder_path(d->results, d->name);
        status = folder ? mas_make_folders(folder, err)
                        : mas_fail(err, MAS_E_MEMORY, "no memory for a path");
        if (status == MAS_OK)
            status = mas_json_write(d->bystander, drill->bystander, err);
        free(folder);
    }
    return status;
}

/* Half-written files, and checkpoints that a finished run should have removed. */
static void list_left_over(drilling *d)
{
    static const char *const marks[] = {".tmp.", ".checkpoint."};
    char *folder = mas_folder_path(d->results, d->name), *text = d->report->left_over;
    DIR *dir = folder ? opendir(folder) : NULL;
    for (const struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir))
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (strstr(item->d_name, marks[i])) {
                const size_t length = strlen(text);
                snprintf(text + length, MAS_DRILL_LIST_CHARS - length, "%s%s", length ? " " : "",
                         item->d_name);
                break;
            }
    if (dir)
        closedir(dir);
    free(folder);
}

static bool is_readable(const drilling *d)
{
    mas_result_set *set = NULL;
    char *folder = mas_folder_path(d->results, d->name);
    const bool fine = folder && mas_results_load(folder, &set, NULL) == MAS_OK;
    mas_results_free(set);
    free(folder);
    return fine;
}

/* A file that is written again gets another inode, and a later time. */
static bool is_untouched(const char *path, const struct stat *before)
{
    struct stat after;
    return stat(path, &after) == 0 && after.st_ino == before->st_ino &&
           after.st_size == before->st_size && after.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           after.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* ---- processes ---- */

static mas_status start(const drilling *d, pid_t *process, mas_error *err)
{
    char *argv[ARGUMENTS_MAX + 4];
    int argc = 0;
    while (d->drill->command[argc] && argc < ARGUMENTS_MAX) {
        argv[argc] = (char *)d->drill->command[argc];
        argc++;
    }
    argv[argc++] = (char *)"--results";
    argv[argc++] = d->results;
    argv[argc++] = d->file;
    argv[argc] = NULL;
    posix_spawn_file_actions_t files;
    int code = posix_spawn_file_actions_init(&files);
    if (code == 0) {
        code = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (code == 0)
            code = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, d->output,
                                                    O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (code == 0)
            code = posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
        if (code == 0)
            code = posix_spawn(process, "/proc/self/exe", &files, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&files);
    }
    return code == 0 ? MAS_OK
                     : mas_fail(err, MAS_E_IO, "cannot start another masbench: %s", strerror(code));
}

/* Wait until the process ends, or until it is to be killed: at `moment`, and not before the first
 * checkpoint unless that takes until `patience`. A negative moment: never. */
static mas_status wait_for(const drilling *d, pid_t process, double moment, double patience,
                           bool *killed, int *state, mas_error *err)
{
    const struct timespec pause = {0, POLL_NANOSECONDS};
    const double begin = mas_measure_now();
    *killed = false;
    for (;;) {
        const pid_t ended = waitpid(process, state, *killed ? 0 : WNOHANG);
        if (ended == process)
            break;
        if (ended < 0 && errno != EINTR)
            return mas_fail(err, MAS_E_IO, "cannot wait for a process: %s", strerror(errno));
        const double elapsed = mas_measure_now() - begin;
        const bool stop = d->drill->stop && *d->drill->stop;
        const bool now_is_it =
            moment >= 0 && elapsed >= moment && (elapsed >= patience || is_there(d->checkpoint));
        if (!*killed && (stop || now_is_it)) {
            d->report->killed_after = elapsed;
            kill(process, SIGKILL);
            *killed = true;
        } else if (!*killed) {
            nanosleep(&pause, NULL);
        }
    }
    if (d->drill->stop && *d->drill->stop)
        return mas_fail(err, MAS_E_INTERRUPTED, "the drill was stopped");
    return MAS_OK;
}

static mas_status kill_in_the_middle(drilling *d, mas_error *err)
{
    mas_drill_report *report = d->report;
    const double whole = report->of_seconds;
    double moment = whole * (EARLIEST + SPREAD * mas_rng_uniform(&d->rng));
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        pid_t process;
        bool killed;
        int state;
        mas_status status = start(d, &process, err);
        if (status == MAS_OK)
            status =
                wait_for(d, process, moment, attempt == 0 ? moment + whole * WAIT_FOR_SAVE : moment,
                         &killed, &state, err);
        if (status != MAS_OK)
            return status;
        if (!is_there(d->result)) {
            if (!killed)
                return mas_fail(err, MAS_E_FORMAT,
                                "the process ended by itself without a result; what it said: %s",
                                d->output);
            report->had_checkpoint = is_there(d->checkpoint);
            return MAS_OK;
        }
        (void)unlink(d->result); /* done before its moment came: once more, sooner */
        moment /= 2;
    }
    return mas_fail(err, MAS_E_UNSUPPORTED,
                    "the point takes %.1f s and was over each time before it was killed", whole);
}

static mas_status run_to_the_end(const drilling *d, mas_error *err)
{
    pid_t process;
    bool killed;
    int state;
    mas_status status = start(d, &process, err);
    if (status == MAS_OK)
        status = wait_for(d, process, -1, 0, &killed, &state, err);
    if (status == MAS_OK && !(WIFEXITED(state) && WEXITSTATUS(state) == 0))
        status =
            mas_fail(err, MAS_E_FORMAT, "started again, it failed; what it said: %s", d->output);
    return status;
}

/* ---- the drill ---- */

static mas_status kill_and_resume(drilling *d, mas_error *err)
{
    mas_drill_report *report = d->report;
    struct stat bystander, result;
    json_t *resumed = NULL;
    if (d->drill->bystander && stat(d->bystander, &bystander) != 0)
        return mas_fail(err, MAS_E_IO, "cannot look at %s: %s", d->bystander, strerror(errno));
    mas_status status = kill_in_the_middle(d, err);
    if (status != MAS_OK)
        return status;
    report->readable = is_readable(d);
    status = run_to_the_end(d, err);
    if (status == MAS_OK)
        status = mas_json_read(d->result, &resumed, err);
    if (status == MAS_OK) {
        mas_results_compare(d->drill->whole, resumed, &report->with_whole);
        report->resumed = json_is_true(mas_json_value_at(resumed, "training.resumed"));
    }
    json_decref(resumed);
    if (status == MAS_OK && stat(d->result, &result) != 0)
        status = mas_fail(err, MAS_E_IO, "cannot look at %s: %s", d->result, strerror(errno));
    if (status == MAS_OK)
        status = run_to_the_end(d, err);
    if (status != MAS_OK)
        return status;
    report->untouched = is_untouched(d->result, &result) &&
                        (!d->drill->bystander || is_untouched(d->bystander, &bystander));
    list_left_over(d);
    report->passed = report->readable && report->untouched && report->left_over[0] == '\0' &&
                     report->resumed == report->had_checkpoint &&
                     report->with_whole.verdict == MAS_RESULT_SAME;
    return MAS_OK;
}

mas_status mas_drill_run(const mas_drill *drill, mas_drill_report *report, mas_error *err)
{
    const char *id = mas_json_text_at(drill->point, "id");
    *report = (mas_drill_report){.of_seconds = mas_json_number_at(drill->whole, "time.seconds")};
    drilling d = {.drill = drill,
                  .report = report,
                  .rng = mas_rng_seed(drill->seed, MOMENT_STREAM),
                  .name = mas_json_text_at(drill->point, "experiment"),
                  .results = mas_folder_path(drill->folder, "results"),
                  .output = mas_folder_path(drill->folder, "output.txt")};
    mas_status status = MAS_OK;
    if (d.results) {
        d.result = mas_point_path(d.results, d.name, id, ".json");
        d.checkpoint = mas_point_path(d.results, d.name, id, ".checkpoint.safetensors");
        d.bystander = drill->bystander
                          ? mas_point_path(d.results, d.name,
                                           mas_json_text_at(drill->bystander, "id"), ".json")
                          : NULL;
    }
    if (!d.output || !d.result || !d.checkpoint || (drill->bystander && !d.bystander))
        status = mas_fail(err, MAS_E_MEMORY, "no memory for the paths of the drill");
    if (status == MAS_OK)
        status = write_experiment(&d, err);
    if (status == MAS_OK)
        status = kill_and_resume(&d, err);
    free(d.bystander);
    free(d.checkpoint);
    free(d.result);
    free(d.output);
    free(d.results);
    free(d.file);
    return status;
}
