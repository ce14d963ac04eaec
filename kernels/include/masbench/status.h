/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Errors. A function that can fail returns a mas_status (a reason, for programs) and, when the
 * caller passes a mas_error, leaves one sentence for people there: what was wrong, where, and what
 * would be accepted. Wrong input is a status; a broken invariant is an assert. Library code never
 * prints, exits or aborts.
 */
#ifndef MASBENCH_STATUS_H
#define MASBENCH_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAS_MUST_USE __attribute__((warn_unused_result))
#define MAS_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define MAS_MUST_USE
#define MAS_PRINTF(string, first)
#endif

typedef enum mas_status {
    MAS_OK,
    MAS_E_ARGUMENT,    /* a value outside its documented range */
    MAS_E_SHAPE,       /* sizes that do not fit each other */
    MAS_E_DTYPE,       /* element type not handled here */
    MAS_E_UNSUPPORTED, /* a valid request that this kernel, device or build cannot serve */
    MAS_E_MEMORY,      /* allocation failed or a memory cap was reached */
    MAS_E_IO,          /* the operating system refused a file operation */
    MAS_E_FORMAT,      /* a file's content is not what its format says */
    MAS_E_NOT_FOUND,   /* a named file, corpus, kernel or key does not exist */
    MAS_E_DEVICE,      /* an accelerator reported an error */
    MAS_E_DIVERGED,    /* training produced a loss that is not finite */
    MAS_E_INTERRUPTED, /* the user asked to stop */
    MAS_E_SCHEDULE, /* tiles visited, schedule and mask contradict one another: the result is void */
    MAS_STATUS_COUNT
} mas_status;

#define MAS_ERROR_TEXT_MAX 1024

typedef struct mas_error {
    mas_status status;
    char text[MAS_ERROR_TEXT_MAX]; /* one sentence, no newline at the end, always terminated */
} mas_error;

/** Short name of a reason, for example "out_of_memory"; "unknown" outside the enum. Never NULL. */
const char *mas_status_name(mas_status status);

/** Record an error and return its status, so that `return mas_fail(err, MAS_E_SHAPE, "...")` reads
 * well.
 *  @param[out] err  may be NULL; an earlier text is replaced. Text longer than the field is cut
 * with "..." */
mas_status mas_fail(mas_error *err, mas_status status, const char *format, ...) MAS_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
