/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The command line: one file a command, one table of commands, one option parser. Only this
 * folder prints to people and decides exit codes.
 */
#ifndef MASBENCH_CLI_H
#define MASBENCH_CLI_H

#include "masbench/device.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** Exit codes; scripts rely on them. */
enum {
    MAS_EXIT_OK = 0,
    MAS_EXIT_FAILURES = 1,   /* finished, but points or checks failed */
    MAS_EXIT_USAGE = 2,      /* bad usage or bad input; nothing was written */
    MAS_EXIT_INCOMPLETE = 3, /* results are missing, or what shows them could not be written */
    MAS_EXIT_NOT_COMPARABLE = 4,
    MAS_EXIT_UNCLEAR = 5,
    MAS_EXIT_INTERRUPTED = 130, /* stopped by a signal after saving */
};

typedef enum mas_cli_type {
    MAS_CLI_FLAG, /* target: bool */
    MAS_CLI_TEXT, /* target: const char * */
    MAS_CLI_LIST, /* target: mas_cli_list, may be given again and again */
    MAS_CLI_INT,  /* target: int64_t, between min and max */
    MAS_CLI_WORD  /* target: const char *, one of words */
} mas_cli_type;

#define MAS_CLI_LIST_MAX 64
typedef struct mas_cli_list {
    size_t count;
    const char *items[MAS_CLI_LIST_MAX];
} mas_cli_list;

typedef struct mas_cli_option {
    const char *name; /* without the dashes */
    mas_cli_type type;
    const char *value; /* placeholder of the value in help texts; NULL for flags */
    const char *help;
    void *target;
    int64_t min, max;
    const char *const *words; /* NULL-terminated */
} mas_cli_option;

#define MAS_CLI_OPTIONS_MAX 24
#define MAS_CLI_ARGUMENTS_MAX 256

typedef struct mas_cli_command mas_cli_command;
struct mas_cli_command {
    const char *name;
    const char *arguments; /* "FILE", "RESULTS..." */
    const char *summary;
    const char *details; /* paragraphs of --help; may be NULL */
    int (*main)(const mas_cli_command *command, int argc, char **argv);
};
extern const mas_cli_command *const mas_cli_commands[]; /* NULL-terminated */

/** Global options, set by mas_cli_parse. */
typedef struct mas_cli_globals {
    int threads;                   /* >= 1 */
    const mas_device_kind *device; /* --device */
    const char *cpu;               /* --cpu; NULL: not given */
} mas_cli_globals;

typedef struct mas_cli_parsed {
    int argument_count;
    const char *arguments[MAS_CLI_ARGUMENTS_MAX];
    mas_cli_globals globals;
} mas_cli_parsed;

/** Parse what follows the command's name: its own options and the global ones, then check the
 * number of arguments.
 * @param min, max  arguments accepted
 * @return -1 to go on; otherwise the exit code (--help was printed, or an error was) */
int mas_cli_parse(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                  int argc, char **argv, int min, int max, mas_cli_parsed *out);

/** The same without the global ones, for commands that compute nothing. */
int mas_cli_parse_own(const mas_cli_command *command, const mas_cli_option *options, size_t count,
                      int argc, char **argv, int min, int max, mas_cli_parsed *out);

/** "masbench run: message" on stderr; returns MAS_EXIT_USAGE. */
int mas_cli_usage_error(const mas_cli_command *command, const char *format, ...) MAS_PRINTF(2, 3);
/** "masbench: warning: message" on stderr. */
void mas_cli_warn(const char *format, ...) MAS_PRINTF(1, 2);
/** May colours be used on this stream? (a terminal, NO_COLOR unset, TERM not dumb) */
bool mas_cli_colour(FILE *stream);

/** What a noun ends in after that number: "" or "s". */
static inline const char *mas_cli_s(int64_t count)
{
    return count == 1 ? "" : "s";
}

/** "1h02m", "3m20s", "12s". */
void mas_cli_duration(double seconds, char *text, size_t size);
/** "1.25 G", "410 k". */
void mas_cli_quantity(double value, char *text, size_t size);

/** Flush stdout and turn a failed write (a full disk, a closed pipe) into a message and an exit
 * code. */
int mas_cli_finish(const mas_cli_command *command, int code);

extern const mas_cli_command mas_cmd_run, mas_cmd_explain, mas_cmd_list, mas_cmd_check,
    mas_cmd_plot, mas_cmd_report, mas_cmd_compare, mas_cmd_pack, mas_cmd_verify, mas_cmd_refresh,
    mas_cmd_serve;

#endif
