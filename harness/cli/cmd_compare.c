/* SPDX-License-Identifier: Apache-2.0 */
/* masbench compare: recorded results, two builds side by side, or the gate's own error rates. */
#include "harness/cli/cli.h"
#include "harness/cli/load.h"
#include "harness/cli/signals.h"
#include "harness/files/replace.h"
#include "harness/gate/calibrate.h"
#include "harness/results/json_build.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct compare_options {
    mas_gate_rules rules;
    const char *against, *calibrate, *markdown, *json, *junit;
    mas_cli_list settings;
    int64_t repetitions, slow_down;
    bool instructions, once;
} compare_options;

static int exit_code(mas_verdict verdict)
{
    static const int codes[MAS_VERDICT_COUNT] = {
        [MAS_VERDICT_SAME] = MAS_EXIT_OK,
        [MAS_VERDICT_FASTER] = MAS_EXIT_OK,
        [MAS_VERDICT_SLOWER] = MAS_EXIT_FAILURES,
        [MAS_VERDICT_CHANGED] = MAS_EXIT_FAILURES,
        [MAS_VERDICT_UNCLEAR] = MAS_EXIT_UNCLEAR,
        [MAS_VERDICT_MISSING] = MAS_EXIT_INCOMPLETE,
        [MAS_VERDICT_NOT_COMPARABLE] = MAS_EXIT_NOT_COMPARABLE,
    };
    return codes[verdict];
}

/* ---- output ---- */

typedef struct content {
    const mas_gate *gate;
    const mas_gate_rules *rules;
    mas_gate_format format;
} content;

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    (void)err;
    mas_gate_print(c->gate, c->rules, c->format, false, out);
    return MAS_OK;
}

static int write_report(const mas_cli_command *command, const mas_gate *gate,
                        const mas_gate_rules *rules, mas_gate_format format, const char *path)
{
    content c = {gate, rules, format};
    mas_error err;
    if (path && mas_file_replace(path, write_content, &c, &err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    return MAS_EXIT_OK;
}

static int print_gate(const mas_cli_command *command, const mas_gate *gate,
                      const compare_options *o)
{
    const struct {
        mas_gate_format format;
        const char *path;
    } reports[] = {
        {MAS_GATE_MARKDOWN, o->markdown}, {MAS_GATE_JSON, o->json}, {MAS_GATE_JUNIT, o->junit}};
    if (gate->notes)
        fputs(gate->notes, stderr);
    mas_gate_print(gate, &o->rules, MAS_GATE_TERMINAL, mas_cli_colour(stdout), stdout);
    int code = exit_code(gate->overall);
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        const int written =
            write_report(command, gate, &o->rules, reports[i].format, reports[i].path);
        code = written == MAS_EXIT_OK ? code : written;
    }
    return code;
}

static void show_progress(void *user, int64_t done, int64_t all, const char *what)
{
    int64_t *said = user; /* tenths */
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K[%lld/%lld] %.60s", (long long)done + 1, (long long)all, what);
    else if (done * 10 / all > *said)
        fprintf(stderr, "[%lld/%lld]\n", (long long)done, (long long)all);
    *said = done * 10 / all;
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int failed(const mas_cli_command *command, mas_status status, const mas_error *err)
{
    mas_cli_usage_error(command, "%s", err->text);
    return mas_cli_stop || status == MAS_E_INTERRUPTED ? MAS_EXIT_INTERRUPTED
           : status == MAS_E_DEVICE                    ? MAS_EXIT_FAILURES
                                                       : MAS_EXIT_USAGE;
}

/* ---- recorded results ---- */

static int compare_recorded(const mas_cli_command *command, const char *baseline,
                            const char *candidate, const compare_options *o)
{
    const char *paths[2] = {baseline, candidate};
    mas_result_set *sets[2] = {NULL, NULL};
    mas_gate *gate = NULL;
    mas_error err;
    mas_status status = MAS_OK;
    int code = -1;
    for (int i = 0; status == MAS_OK && i < 2; i++)
        status = mas_results_load_any(paths[i], &sets[i], &err);
    if (status == MAS_OK)
        status = mas_gate_create(baseline, candidate, &gate, &err);
    for (int i = 0; status == MAS_OK && i < 2 && code < 0; i++)
        if (sets[i]->count == 0) {
            gate->overall = MAS_VERDICT_MISSING;
            snprintf(gate->reason, sizeof gate->reason, "%.400s holds no results", paths[i]);
            code = print_gate(command, gate, o);
        }
    if (status == MAS_OK && code < 0) {
        status = mas_gate_results(gate, sets[0], sets[1], &o->rules, &err);
        if (status == MAS_OK)
            code = print_gate(command, gate, o);
    }
    if (status != MAS_OK)
        code = failed(command, status, &err);
    mas_gate_free(gate);
    mas_results_free(sets[0]);
    mas_results_free(sets[1]);
    return code;
}

/* ---- two builds ---- */

enum { WORDS_MAX = 2 * MAS_CLI_LIST_MAX + 8 };

typedef struct sides {
    char own[4096], other[4096]; /* programs */
    int threads;
    char threads_word[16];
    const char *words[WORDS_MAX];
} sides;

/* The program of a build folder, or the program itself. */
static bool find_program(const char *path, char *out, size_t size)
{
    struct stat info;
    const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    const int length = snprintf(out, size, folder ? "%s/masbench" : "%s", path);
    return length > 0 && (size_t)length < size && access(out, X_OK) == 0;
}

static bool own_program(char *out, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", out, size - 1);
    out[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static void worker_words(const compare_options *o, const mas_cli_globals *globals, const char *cpu,
                         sides *s)
{
    size_t count = 0;
    s->threads = globals->threads;
    snprintf(s->threads_word, sizeof s->threads_word, "%d", s->threads);
    s->words[count++] = "--threads";
    s->words[count++] = s->threads_word;
    s->words[count++] = "--device";
    s->words[count++] = globals->device->name;
    if (cpu) {
        s->words[count++] = "--cpu";
        s->words[count++] = cpu;
    }
    for (size_t i = 0; i < o->settings.count; i++) {
        s->words[count++] = "--set";
        s->words[count++] = o->settings.items[i];
    }
    s->words[count] = NULL;
}

static int prepare(const mas_cli_command *command, const compare_options *o, const char *other,
                   const mas_cli_parsed *parsed, sides *s)
{
    if (!own_program(s->own, sizeof s->own))
        return mas_cli_usage_error(command, "cannot find this program: %s", strerror(errno));
    if (!find_program(other ? other : s->own, s->other, sizeof s->other))
        return mas_cli_usage_error(command,
                                   "--against: %s is no program that can be run, and holds no "
                                   "masbench; expected a build folder or the program in it",
                                   other);
    worker_words(o, &parsed->globals, parsed->globals.cpu, s);
    return -1;
}

static mas_direct direct_of(const compare_options *o, const sides *s, const char *file,
                            const mas_experiment *experiment, int64_t *said)
{
    return (mas_direct){.programs = {s->other, s->own},
                        .file = file,
                        .experiment = experiment,
                        .arguments = s->words,
                        .threads = s->threads,
                        .slow_down = {0, (int)o->slow_down},
                        .confirm = !o->once,
                        .instructions = o->instructions,
                        .progress = show_progress,
                        .user = said,
                        .stop = &mas_cli_stop};
}

static int compare_builds(const mas_cli_command *command, const mas_cli_parsed *parsed,
                          const compare_options *o)
{
    static sides s;
    mas_error err;
    mas_gate *gate = NULL;
    int code = prepare(command, o, o->against, parsed, &s);
    if (code >= 0)
        return code;
    if (mas_gate_create(s.other, s.own, &gate, &err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    mas_status status = MAS_OK;
    for (int i = 0; code < 0 && status == MAS_OK && i < parsed->argument_count; i++) {
        mas_experiment *experiment = NULL;
        int64_t said = 0;
        code = mas_cli_load(command, parsed->arguments[i], &o->settings, &experiment);
        if (code >= 0)
            break;
        const mas_direct direct = direct_of(o, &s, parsed->arguments[i], experiment, &said);
        status = mas_gate_direct(gate, &direct, &o->rules, &err);
        end_progress();
        mas_experiment_free(experiment);
    }
    if (status != MAS_OK)
        code = failed(command, status, &err);
    else if (code < 0)
        code = print_gate(command, gate, o);
    mas_gate_free(gate);
    return code;
}

/* ---- calibration ---- */

static int calibrate(const mas_cli_command *command, const mas_cli_parsed *parsed,
                     const compare_options *o)
{
    static sides s;
    mas_experiment *experiment = NULL;
    int64_t said = 0;
    int code = prepare(command, o, NULL, parsed, &s);
    if (code < 0)
        code = mas_cli_load(command, o->calibrate, &o->settings, &experiment);
    if (code >= 0)
        return code;
    if (experiment->kind != MAS_KIND_KERNEL) {
        mas_experiment_free(experiment);
        return mas_cli_usage_error(
            command, "--calibrate: %s times no kernels; expected kind: kernel", o->calibrate);
    }
    mas_error err;
    mas_calibrate_result result;
    const mas_direct direct = direct_of(o, &s, o->calibrate, experiment, &said);
    mas_status status = mas_gate_calibrate(&direct, &o->rules, o->repetitions, &result, &err);
    end_progress();
    code = MAS_EXIT_OK;
    if (status == MAS_OK) {
        mas_calibrate_print(&result, stdout);
        json_t *json = o->json ? mas_calibrate_json(&result, &o->rules) : NULL;
        if (json)
            status = mas_json_write(o->json, json, &err);
        json_decref(json);
    }
    if (status != MAS_OK)
        code = failed(command, status, &err);
    json_decref(result.machine);
    mas_experiment_free(experiment);
    return code;
}

/* ---- command line ---- */

static int check_mode(const mas_cli_command *command, const mas_cli_parsed *parsed,
                      const compare_options *o)
{
    if (o->against && o->calibrate)
        return mas_cli_usage_error(command, "--against and --calibrate exclude each other");
    if (o->calibrate && parsed->argument_count > 0)
        return mas_cli_usage_error(command, "--calibrate takes its file itself; \"%s\" is too much",
                                   parsed->arguments[0]);
    if (o->against && parsed->argument_count == 0)
        return mas_cli_usage_error(command, "--against needs an experiment file");
    if (!o->against && !o->calibrate && parsed->argument_count != 2)
        return mas_cli_usage_error(command, "expected two arguments: BASELINE CANDIDATE; or "
                                            "--against BUILD FILE...; or --calibrate FILE");
    return -1;
}

static int compare_main(const mas_cli_command *command, int argc, char **argv)
{
    compare_options o = {.rules = mas_gate_rules_default(), .repetitions = 20};
    int64_t effect = (int64_t)(100 * o.rules.min_effect + 0.5);
    const mas_cli_option table[] = {
        {"against", MAS_CLI_TEXT, "BUILD",
         "compare this program with another build of it, side by side, on experiment files",
         &o.against, 0, 0, NULL},
        {"calibrate", MAS_CLI_TEXT, "FILE",
         "measure how often the gate errs on this machine, with slow-downs of known size",
         &o.calibrate, 0, 0, NULL},
        {"repetitions", MAS_CLI_INT, "N", "of each slow-down of --calibrate (default: 20)",
         &o.repetitions, 1, 100000, NULL},
        {"min-effect", MAS_CLI_INT, "PERCENT", "smallest change of time that counts (default: 5)",
         &effect, 1, 100, NULL},
        {"all", MAS_CLI_FLAG, NULL,
         "gate problems that outgrow the caches too, instead of reporting them",
         &o.rules.everything, 0, 0, NULL},
        {"any-machine", MAS_CLI_FLAG, NULL, "compare results of other hardware all the same",
         &o.rules.any_machine, 0, 0, NULL},
        {"instructions", MAS_CLI_FLAG, NULL,
         "with --against: count instructions too (needs valgrind)", &o.instructions, 0, 0, NULL},
        {"slow-down", MAS_CLI_INT, "PERCENT",
         "with --against: slow this program's kernels down, to see the gate fail", &o.slow_down, 0,
         100, NULL},
        {"once", MAS_CLI_FLAG, NULL, "do not measure again what is slower or unclear", &o.once, 0,
         0, NULL},
        {"set", MAS_CLI_LIST, "KEY=VALUE", "override a key of the experiment files", &o.settings, 0,
         0, NULL},
        {"markdown", MAS_CLI_TEXT, "FILE", "write the table for a pull request", &o.markdown, 0, 0,
         NULL},
        {"json", MAS_CLI_TEXT, "FILE", "write everything as JSON", &o.json, 0, 0, NULL},
        {"junit", MAS_CLI_TEXT, "FILE", "write JUnit XML for a CI server", &o.junit, 0, 0, NULL},
    };
    mas_cli_parsed parsed;
    int code = mas_cli_parse(command, table, sizeof table / sizeof *table, argc, argv, 0,
                             MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code < 0)
        code = check_mode(command, &parsed, &o);
    if (code >= 0)
        return code;
    o.rules.min_effect = (double)effect / 100;
    mas_error err;
    if (mas_cli_catch_signals(&err) != MAS_OK)
        return mas_cli_usage_error(command, "%s", err.text);
    (void)signal(SIGPIPE, SIG_IGN); /* a worker that died is found by its missing answer */
    if (o.calibrate)
        code = calibrate(command, &parsed, &o);
    else if (o.against)
        code = compare_builds(command, &parsed, &o);
    else
        code = compare_recorded(command, parsed.arguments[0], parsed.arguments[1], &o);
    return mas_cli_finish(command, code);
}

const mas_cli_command mas_cmd_compare = {
    "compare",
    "BASELINE CANDIDATE",
    "did a kernel get slower? a verdict for each: same, faster, slower, unclear, missing",
    "BASELINE and CANDIDATE are folders of an experiment or files that masbench pack wrote. With "
    "--against the arguments\n"
    "are experiment files: kernels are timed in turns with the other build, and measured again "
    "before \"slower\" counts;\n"
    "points that train must end with the same loss. Slower means: a rank test on the raw samples "
    "says so (p < 0.01,\n"
    "corrected for the number of kernels) and the ratio of times is at least 1 + min-effect.\n"
    "Exit codes: 0 same or faster; 1 slower or changed; 3 missing; 4 not comparable; 5 unclear.",
    compare_main,
};
