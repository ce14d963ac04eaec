/* SPDX-License-Identifier: Apache-2.0 */
/* Several points at once. Worker processes walk the same sweep; a flag per point in shared memory decides who runs it.
 * Workers print nothing: they send short messages through one pipe (a write of at most PIPE_BUF bytes is never mixed with
 * another's), and this process tells the observer. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "harness/measure/measure.h"
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "harness/run/estimate.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_SECONDS 0.05     /* between two messages about the steps of a point */
#define POLL_MILLISECONDS 100 /* between two looks at the stop flag */

typedef enum message_kind { POINT_BEGIN, STEP, WARNING, POINT_END, WORKER_END } message_kind;

typedef struct message {
    message_kind kind;
    bool was_there;
    bool started;      /* as in the summary, of a worker that ended */
    mas_status status; /* of the same */
    int64_t index, tokens;
    double fraction, loss;
    char error[MAS_ERROR_TEXT_MAX]; /* or a warning */
} message;
_Static_assert(sizeof(message) <= PIPE_BUF, "a message is written at once");

/* Memory that all processes see. */
typedef struct board {
    volatile sig_atomic_t stop;
    atomic_bool taken[]; /* [points] */
} board;

/* ---- how many ---- */

/* FLOPs of one training step. A step is some hundred operations, each of which threads begin and end together. Time of
 * quickstart.yaml (1 to 4e9) with two threads at once against one after the other on both: 0.57, on a virtual machine,
 * which takes long to wake a thread. */
#define STEP_FLOPS_TO_SHARE 1e10

static bool is_small(const mas_device_kind *device, const mas_point *point)
{
    mas_point_cost cost;
    return mas_point_cost_of(device, point, &cost, NULL) == MAS_OK &&
           cost.training_flops * (double)point->training.batch_tokens <
               STEP_FLOPS_TO_SHARE * (double)point->training.tokens;
}

int mas_run_jobs(const mas_experiment *experiment, const mas_run_options *options)
{
    int64_t count = 0;
    if (experiment->kind != MAS_KIND_TRAIN || options->device != &mas_device_cpu)
        return 1;
    for (int64_t i = 0; i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        if (!mas_run_in_shard(options, i))
            continue;
        char *path = options->results
                         ? mas_point_path(options->results, experiment->name, point->id, ".json")
                         : NULL;
        const bool runs = !path || access(path, F_OK) != 0;
        free(path);
        if (runs && !is_small(options->device, point))
            return 1;
        count += runs;
    }
    if (count < 1)
        return 1;
    return count < options->threads ? (int)count : options->threads;
}

/* ---- in a worker ---- */

typedef struct worker {
    const mas_experiment *experiment;
    int pipe;
    double last_step;
} worker;

static void tell(const worker *w, const message *m)
{
    ssize_t n;
    do
        n = write(w->pipe, m, sizeof *m);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof *m)
        _exit(EXIT_FAILURE); /* nobody listens any more */
}

static void tell_begin(void *user, const mas_point *point, int64_t index, int64_t count)
{
    (void)point, (void)count;
    tell(user, &(message){.kind = POINT_BEGIN, .index = index});
}

static void tell_step(void *user, const mas_point *point, double fraction, int64_t tokens,
                      double loss)
{
    worker *w = user;
    const double t = mas_measure_now();
    if (t - w->last_step < STEP_SECONDS)
        return;
    w->last_step = t;
    tell(w, &(message){.kind = STEP,
                       .index = point - w->experiment->points,
                       .fraction = fraction,
                       .tokens = tokens,
                       .loss = loss});
}

static void tell_warning(void *user, const mas_point *point, const char *text)
{
    const worker *w = user;
    message m = {.kind = WARNING, .index = point - w->experiment->points};
    snprintf(m.error, sizeof m.error, "%s", text);
    tell(w, &m);
}

static void tell_end(void *user, const mas_point *point, const json_t *result, bool was_there)
{
    const worker *w = user;
    (void)result; /* it is in its file */
    tell(w, &(message){
                .kind = POINT_END, .index = point - w->experiment->points, .was_there = was_there});
}

/* SIGINT and SIGTERM are the parent's to handle: it sets the flag. */
static _Noreturn void work(const mas_experiment *experiment, const mas_run_options *options,
                           pid_t parent, int pipe)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    worker w = {.experiment = experiment, .pipe = pipe};
    const mas_run_observer observer = {tell_begin, tell_step, tell_end, tell_warning, &w};
    mas_run_summary summary;
    mas_error err;
    message last = {.kind = WORKER_END};
    last.status = mas_run_experiment(experiment, options, &observer, &summary, &err);
    last.started = summary.started;
    if (last.status != MAS_OK)
        memcpy(last.error, err.text, sizeof last.error);
    tell(&w, &last);
    _exit(EXIT_SUCCESS);
}

/* ---- in the parent ---- */

struct mas_team {
    const mas_experiment *experiment;
    const mas_run_options *options;
    board *board;
    size_t board_bytes;
    int pipe, count;
    pid_t *processes; /* [count] */
    /* of mas_team_end */
    const mas_run_observer *observer;
    mas_run_summary *summary;
    mas_status status; /* the first error; one of a worker is worth more than "stopped" */
    mas_error *err;
};

static void note_error(mas_team *t, mas_status status, const char *text)
{
    if (status == MAS_OK || (t->status != MAS_OK && t->status != MAS_E_INTERRUPTED))
        return;
    t->status = mas_fail(t->err, status, "%s", text);
    t->board->stop = 1; /* the others end after their step, saving what they have */
}

static void note_point(mas_team *t, const mas_point *point, bool was_there)
{
    mas_error err;
    json_t *result = NULL;
    char *path = mas_point_path(t->options->results, t->experiment->name, point->id, ".json");
    const mas_status status =
        path ? mas_json_read(path, &result, &err)
             : mas_fail(&err, MAS_E_MEMORY, "no memory for the name of a result");
    free(path);
    if (status != MAS_OK) {
        note_error(t, status, err.text);
        return;
    }
    const bool ok = strcmp(mas_json_text_at(result, "status"), "ok") == 0;
    t->summary->already_there += was_there;
    t->summary->ok += ok;
    t->summary->failed += !ok;
    t->summary->missing--;
    if (t->observer && t->observer->point_end)
        t->observer->point_end(t->observer->user, point, result, was_there);
    json_decref(result);
}

static void hear(mas_team *t, const message *m)
{
    const mas_run_observer *o = t->observer;
    const mas_point *point = &t->experiment->points[m->index];
    switch (m->kind) {
    case POINT_BEGIN:
        if (o && o->point_begin)
            o->point_begin(o->user, point, m->index, t->experiment->count);
        break;
    case STEP:
        if (o && o->progress)
            o->progress(o->user, point, m->fraction, m->tokens, m->loss);
        break;
    case WARNING:
        if (o && o->warn)
            o->warn(o->user, point, m->error);
        break;
    case POINT_END: note_point(t, point, m->was_there); break;
    case WORKER_END:
        t->summary->started |= m->started;
        note_error(t, m->status, m->error);
        break;
    }
}

/* Until the last worker has closed the pipe. */
static void listen(mas_team *t, int pipe)
{
    struct pollfd look = {.fd = pipe, .events = POLLIN};
    for (;;) {
        if (t->options->stop && *t->options->stop)
            t->board->stop = 1;
        if (poll(&look, 1, POLL_MILLISECONDS) <= 0)
            continue;
        message m;
        const ssize_t n = read(pipe, &m, sizeof m);
        if (n == 0)
            return;
        if (n == (ssize_t)sizeof m)
            hear(t, &m);
    }
}

/* @return  false without memory for another process */
static bool start(const mas_team *t, int jobs, int number, const int ends[2], pid_t *out)
{
    const pid_t parent = getpid();
    const int threads = t->options->threads;
    *out = fork();
    if (*out != 0)
        return *out > 0;
    mas_run_options mine = *t->options;
    mine.threads = threads / jobs + (number < threads % jobs);
    if (mine.threads < 1)
        mine.threads = 1;
    mine.at_once = jobs;
    mine.stop = &t->board->stop;
    mine.taken = t->board->taken;
    close(ends[0]);
    work(t->experiment, &mine, parent, ends[1]);
}

/* A worker that is killed (by the system, short of memory, for one) cannot say so itself. */
static void wait_for(mas_team *t, pid_t process)
{
    int state;
    while (waitpid(process, &state, 0) < 0)
        if (errno != EINTR)
            return;
    char text[160];
    if (WIFSIGNALED(state))
        snprintf(text, sizeof text,
                 "a process that ran points ended by signal %d (%s); the same command runs what is "
                 "missing",
                 WTERMSIG(state), strsignal(WTERMSIG(state)));
    else if (WEXITSTATUS(state) != EXIT_SUCCESS)
        snprintf(
            text, sizeof text,
            "a process that ran points ended with status %d; the same command runs what is missing",
            WEXITSTATUS(state));
    else
        return;
    t->summary->started = true;
    note_error(t, MAS_E_IO, text);
}

static void free_team(mas_team *t)
{
    if (t->board)
        munmap(t->board, t->board_bytes);
    free(t->processes);
    free(t);
}

mas_status mas_team_begin(const mas_experiment *experiment, const mas_run_options *options,
                          int jobs, mas_team **out, mas_error *err)
{
    int ends[2];
    mas_team *t = calloc(1, sizeof *t);
    if (!t)
        return mas_fail(err, MAS_E_MEMORY, "no memory for %d processes at once", jobs);
    *t = (mas_team){.experiment = experiment,
                    .options = options,
                    .board_bytes = sizeof(board) + (size_t)experiment->count * sizeof(atomic_bool),
                    .processes = calloc((size_t)jobs, sizeof *t->processes)};
    void *shared =
        mmap(NULL, t->board_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    t->board = shared == MAP_FAILED ? NULL : shared;
    if (!t->processes || !t->board || pipe(ends) != 0) {
        free_team(t);
        return mas_fail(err, MAS_E_MEMORY, "no memory for %d processes at once", jobs);
    }
    while (t->count < jobs && start(t, jobs, t->count, ends, &t->processes[t->count]))
        t->count++;
    close(ends[1]);
    t->pipe = ends[0];
    if (t->count == jobs) {
        *out = t;
        return MAS_OK;
    }
    t->board->stop = 1;
    close(t->pipe); /* the next message ends its sender */
    for (int i = 0; i < t->count; i++)
        (void)waitpid(t->processes[i], NULL, 0);
    free_team(t);
    return mas_fail(err, MAS_E_MEMORY, "cannot start %d processes; fewer --jobs may do", jobs);
}

mas_status mas_team_end(mas_team *t, const mas_run_observer *observer, mas_run_summary *summary,
                        mas_error *err)
{
    *summary = (mas_run_summary){.missing = t->experiment->count};
    t->observer = observer;
    t->summary = summary;
    t->err = err;
    listen(t, t->pipe);
    close(t->pipe);
    for (int i = 0; i < t->count; i++)
        wait_for(t, t->processes[i]);
    const mas_status status = t->status;
    free_team(t);
    return status;
}
