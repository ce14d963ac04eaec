/* SPDX-License-Identifier: Apache-2.0 */
/* Time left comes from work, not from the number of points: a full-attention point at the
 * longest length may cost ten times another one. Work is FLOPs by formula; the rate is what
 * this run has reached so far. */
#include "harness/cli/progress.h"

#include "harness/cli/cli.h"
#include "harness/cli/kinds.h"
#include "harness/measure/measure.h"
#include "harness/results/json_build.h"
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_SECONDS 0.1  /* terminal */
#define LINE_SECONDS 30.0 /* elsewhere */

static int terminal_width(FILE *out)
{
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

mas_status mas_progress_begin(mas_progress_bar *bar, const mas_experiment *experiment,
                              const mas_run_options *options, mas_error *err)
{
    const char *term = getenv("TERM");
    *bar = (mas_progress_bar){
        .out = stderr,
        .terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
        .colour = mas_cli_colour(stderr),
        .experiment = experiment,
        .points = calloc((size_t)experiment->count + 1, sizeof *bar->points),
        .begin = mas_measure_now(),
    };
    if (!bar->points)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the progress bar");
    for (int64_t i = 0; i < experiment->count; i++) {
        const mas_point *point = &experiment->points[i];
        bar->points[i].work = mas_cli_kinds[point->kind].work(point);
        char *path = mas_point_path(options->results, experiment->name, point->id, ".json");
        if (path && mas_run_in_shard(options, i) && access(path, F_OK) != 0)
            bar->work_left += bar->points[i].work;
        free(path);
    }
    return MAS_OK;
}

/* The points that run now, together. */
typedef struct running {
    int64_t count, first; /* how many, and the index of the first */
    double work;          /* done of them */
    double rate;          /* tokens per second */
} running;

static running running_now(const mas_progress_bar *bar)
{
    running r = {.first = -1};
    const double t = mas_measure_now();
    for (int64_t i = 0; i < bar->experiment->count; i++) {
        const struct mas_progress_point *p = &bar->points[i];
        if (!p->runs)
            continue;
        if (r.count++ == 0)
            r.first = i;
        r.work += p->fraction * p->work;
        if (t > p->begin)
            r.rate += (double)p->tokens / (t - p->begin);
    }
    return r;
}

/* Seconds until the whole run is done; negative: not known yet. */
static double seconds_left(const mas_progress_bar *bar)
{
    const running r = running_now(bar);
    const double done = bar->work_done + r.work, spent = mas_measure_now() - bar->begin;
    return done > 0 && spent > 0 ? (bar->work_left - r.work) * spent / done : -1;
}

/* "[3/42] title", of several points at once "[3/42] title +1 more"; the title is cut to what `room` leaves, and
 * how many run is left out where not even that fits. */
static void head_text(const mas_progress_bar *bar, int64_t index, int64_t others, int room,
                      char *text, size_t size)
{
    char number[48], more[48] = "";
    const int begin = snprintf(number, sizeof number, "[%lld/%lld] ", (long long)index + 1,
                               (long long)bar->experiment->count);
    int end = others > 0 ? snprintf(more, sizeof more, " +%lld more", (long long)others) : 0;
    if (begin + end > room)
        end = 0, more[0] = '\0';
    const int left = room - begin - end;
    snprintf(text, size, "%s%.*s%s", number, left > 0 ? left : 0,
             bar->experiment->points[index].title, more);
}

static void state_text(const mas_progress_bar *bar, int64_t index, double tokens_per_second,
                       char *text, size_t size)
{
    const struct mas_progress_point *p = &bar->points[index];
    char rate[32], left[32] = "?";
    mas_cli_quantity(tokens_per_second, rate, sizeof rate);
    const double seconds = seconds_left(bar);
    if (seconds >= 0)
        mas_cli_duration(seconds, left, sizeof left);
    snprintf(text, size, "%3.0f %%  %s tokens/s  loss %.3f  %s left", 100 * p->fraction, rate,
             p->loss, left);
}

/* Head, bar and state of the first point that runs, cut to what the line leaves; the rate is of all. */
static void draw(mas_progress_bar *bar)
{
    const running r = running_now(bar);
    char state[128], head[MAS_TITLE_MAX + 64];
    if (r.count == 0)
        return;
    state_text(bar, r.first, r.rate, state, sizeof state);
    const int width = terminal_width(bar->out) - 1;
    const int cells = width > 100 ? 20 : width > 70 ? 10 : 0;
    const int room = width - (int)strlen(state) - 2 - (cells ? cells + 3 : 0);
    head_text(bar, r.first, r.count - 1, room, head, sizeof head);
    fprintf(bar->out, "\r\033[K%.*s  ", room > 0 ? room : 0, head);
    if (cells) {
        const int full = (int)(bar->points[r.first].fraction * cells + 0.5);
        fputc('[', bar->out);
        for (int i = 0; i < cells; i++)
            fputc(i < full ? '=' : ' ', bar->out);
        fputs("] ", bar->out);
    }
    fprintf(bar->out, "%.*s", width, state);
    fflush(bar->out);
}

static void point_begin(void *user, const mas_point *point, int64_t index, int64_t count)
{
    mas_progress_bar *bar = user;
    const double work = bar->points[index].work;
    (void)point, (void)count;
    bar->points[index] =
        (struct mas_progress_point){.work = work, .runs = true, .begin = mas_measure_now()};
    bar->last_drawn = bar->points[index].begin;
    if (bar->terminal)
        draw(bar);
}

static void step(void *user, const mas_point *point, double fraction, int64_t tokens, double loss)
{
    mas_progress_bar *bar = user;
    const int64_t index = point - bar->experiment->points;
    struct mas_progress_point *p = &bar->points[index];
    p->fraction = fraction;
    p->tokens = tokens;
    p->loss = loss;
    const double t = mas_measure_now();
    if (t - bar->last_drawn < (bar->terminal ? DRAW_SECONDS : LINE_SECONDS))
        return;
    bar->last_drawn = t;
    if (bar->terminal) {
        draw(bar);
        return;
    }
    char state[128], head[MAS_TITLE_MAX + 64];
    state_text(bar, index, t > p->begin ? (double)tokens / (t - p->begin) : 0, state, sizeof state);
    head_text(bar, index, 0, (int)sizeof head, head, sizeof head);
    fprintf(bar->out, "%s: %s\n", head, state);
}

static void point_end(void *user, const mas_point *point, const json_t *result, bool was_there)
{
    mas_progress_bar *bar = user;
    const int64_t index = point - bar->experiment->points;
    const char *status = mas_json_text_at(result, "status");
    const bool ok = strcmp(status, "ok") == 0;
    if (!was_there) {
        bar->work_left -= bar->points[index].work;
        bar->work_done += bar->points[index].work;
    }
    bar->points[index].runs = false;
    fprintf(bar->out, "%s[%lld/%lld] %s: ", bar->terminal ? "\r\033[K" : "", (long long)index + 1,
            (long long)bar->experiment->count, point->title);
    if (bar->colour)
        fputs(ok ? "\033[32m" : "\033[31m", bar->out);
    fputs(status, bar->out);
    if (bar->colour)
        fputs("\033[0m", bar->out);
    const double perplexity = mas_json_number_at(result, "quality.perplexity");
    if (isfinite(perplexity))
        fprintf(bar->out, ", perplexity %.3f", perplexity);
    const double gflops = mas_json_number_at(result, "metrics.useful_gflops");
    if (isfinite(gflops))
        fprintf(bar->out, ", %.1f GFLOP/s", gflops);
    const double seconds = mas_json_number_at(result, "time.seconds");
    if (was_there)
        fputs(", was there already", bar->out);
    else if (isfinite(seconds))
        fprintf(bar->out, ", %.1f s", seconds);
    const double rate = mas_json_number_at(result, "time.tokens_per_second");
    if (!was_there && isfinite(rate)) {
        char text[32];
        mas_cli_quantity(rate, text, sizeof text);
        fprintf(bar->out, ", %s tokens/s", text);
    }
    const double left = seconds_left(bar);
    if (!was_there && left >= 0 && bar->work_left > 0) {
        char text[32];
        mas_cli_duration(left, text, sizeof text);
        fprintf(bar->out, "; %s left", text);
    }
    fputc('\n', bar->out);
    if (!ok && !was_there)
        mas_cli_warn("%s: %s", point->title, mas_json_text_at(result, "error"));
    const double empty = mas_json_number_at(result, "plan.empty_rows");
    if (!was_there && empty > 0)
        mas_cli_warn("%s: %.0f query rows without keys: their attention output is 0", point->title,
                     empty);
}

static void warn(void *user, const mas_point *point, const char *text)
{
    const mas_progress_bar *bar = user;
    if (bar->terminal)
        fputs("\r\033[K", bar->out);
    mas_cli_warn("%s: %s", point->title, text);
}

mas_run_observer mas_progress_observer(mas_progress_bar *bar)
{
    return (mas_run_observer){point_begin, step, point_end, warn, bar};
}

void mas_progress_end(mas_progress_bar *bar)
{
    if (bar->terminal && running_now(bar).count > 0)
        fputs("\r\033[K", bar->out);
    free(bar->points);
    bar->points = NULL;
}
