/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/worker.h"
#include "harness/results/json_build.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct mas_worker {
    pid_t pid;
    char *name; /* of the program */
    FILE *questions, *answers;
};

/* A pipe that no other child inherits. */
static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    return fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0;
}

static int spawn(const char *const *command, int input, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (code == 0)
        code = posix_spawnp(pid, command[0], &actions, NULL, (char *const *)command, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static mas_status read_answer(mas_worker *w, json_t **answer, mas_error *err)
{
    char *line = NULL;
    size_t room = 0;
    json_error_t problem;
    const ssize_t length = getline(&line, &room, w->answers);
    *answer = length > 0 ? json_loads(line, 0, &problem) : NULL;
    free(line);
    if (length <= 0)
        return mas_fail(err, MAS_E_IO, "%s ended without an answer; what it said is above",
                        w->name);
    if (!json_is_object(*answer)) {
        json_decref(*answer);
        *answer = NULL;
        return mas_fail(err, MAS_E_FORMAT, "%s gave an answer that is no JSON object", w->name);
    }
    return MAS_OK;
}

mas_status mas_worker_start(const char *const *command, mas_worker **out, json_t **greeting,
                            mas_error *err)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    *out = NULL;
    mas_status status = MAS_OK;
    mas_worker *w = calloc(1, sizeof *w);
    if (w && (w->name = strdup(command[0])) && make_pipe(to) && make_pipe(from)) {
        w->questions = fdopen(to[1], "w");
        w->answers = fdopen(from[0], "r");
    }
    if (!w || !w->questions || !w->answers)
        status = mas_fail(err, MAS_E_IO, "cannot talk to another process: %s", strerror(errno));
    const int code = status == MAS_OK ? spawn(command, to[0], from[1], &w->pid) : 0;
    if (code != 0)
        status = mas_fail(err, MAS_E_IO, "cannot start %s: %s", command[0], strerror(code));
    if (to[0] >= 0)
        close(to[0]);
    if (from[1] >= 0)
        close(from[1]);
    json_t *first = NULL;
    if (status == MAS_OK)
        status = read_answer(w, &first, err);
    if (status == MAS_OK && greeting)
        *greeting = json_incref(first);
    json_decref(first);
    if (status == MAS_OK)
        *out = w;
    else
        mas_worker_stop(w);
    return status;
}

void mas_worker_stop(mas_worker *w)
{
    if (!w)
        return;
    if (w->questions)
        fclose(w->questions);
    if (w->answers)
        fclose(w->answers);
    while (w->pid > 0 && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(w->name);
    free(w);
}

mas_status mas_worker_ask(mas_worker *w, const char *question, json_t **answer, mas_error *err)
{
    *answer = NULL;
    if (fprintf(w->questions, "%s\n", question) < 0 || fflush(w->questions) != 0)
        return mas_fail(err, MAS_E_IO, "%s is gone: %s", w->name, strerror(errno));
    return read_answer(w, answer, err);
}

mas_status mas_worker_order(mas_worker *w, const char *question, json_t **answer, mas_error *err)
{
    const mas_status status = mas_worker_ask(w, question, answer, err);
    if (status != MAS_OK || strcmp(mas_json_text_at(*answer, "status"), "ok") == 0)
        return status;
    (void)mas_fail(err, MAS_E_DEVICE, "%s: %s", w->name, mas_json_text_at(*answer, "error"));
    json_decref(*answer);
    *answer = NULL;
    return MAS_E_DEVICE;
}
